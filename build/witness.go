package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"stele/build/keys"
	"stele/build/registry"
	"stele/build/witness/server"
	"stele/proofs"
)

// A witnessRun is what the command line of stele witness says.
type witnessRun struct {
	c                        *cli
	dir, name, addr, metrics string
	forEdge                  string
	init                     bool
}

func runWitness(c *cli) error {
	w := &witnessRun{c: c}
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&w.dir, "dir", "", "the witness's folder")
		fs.BoolVar(&w.init, "init", false, "make the folder and its keys, and print the public keys; nothing is served")
		fs.StringVar(&w.forEdge, "for-edge", "", "with --init, the `FILE` to write private keys to for a witness at an edge, instead of a folder")
		fs.StringVar(&w.name, "name", "", "the witness's name, for ever, such as agency.example/witness; once it is made, it need not be said")
		fs.StringVar(&w.addr, "addr", "127.0.0.1:8081", "where to listen; put a proxy that speaks TLS before it")
		fs.StringVar(&w.metrics, "metrics", "", "where to serve metrics for Prometheus, such as 127.0.0.1:9091 (default: nowhere)")
	})
	if err != nil {
		return err
	}
	switch {
	case len(args) > 0:
		return usage("stele witness --dir "+shell(args[0]), "witness takes no arguments, got %s", shown(args[0]))
	case w.forEdge != "":
		return w.makeForEdge()
	case w.dir == "":
		return usage("stele witness --dir DIR", "which folder is the witness's?")
	case registry.IsDeployment(w.dir):
		return usage("choose a folder of its own", "%s is a deployment, which stele deploy has made: keep nothing else in it", shown(w.dir))
	case registry.IsRegistry(w.dir):
		return usage("choose a folder of its own: a registry that is its own witness has none", "%s is a registry's folder", shown(w.dir))
	case w.init:
		return w.make()
	}
	return w.serve()
}

// The names of a witness's key files.
const (
	witnessMLDSA44 = "witness-mldsa44"
	witnessEd25519 = "witness-ed25519"
)

// make makes a witness, or what is missing of one that was broken off.
func (w *witnessRun) make() error {
	c := w.c
	if w.name == "" {
		return usage("stele witness --init --dir "+shell(w.dir)+" --name agency.example/witness", "what is the witness to be called?")
	}
	if !proofs.IsName(w.name) {
		return badWitnessName(w.name)
	}
	if err := w.mayMake(); err != nil {
		return err
	}
	store, err := c.keyStore(filepath.Join(w.dir, server.KeysFolder))
	if err != nil {
		return err
	}
	made, err := makeWitnessKeys(store, w.name)
	if err == nil {
		err = witnessError(server.Init(w.dir))
	}
	if err != nil {
		return err
	}
	infos, err := witnessKeys(store)
	if err != nil {
		return err
	}
	return w.tellMade(infos, made)
}

// mayMake refuses a folder that holds something else.
func (w *witnessRun) mayMake() error {
	names, err := os.ReadDir(w.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(w.dir, 0o755)
	}
	if err != nil || len(names) == 0 {
		return err
	}
	if !exists(filepath.Join(w.dir, server.KeysFolder)) {
		return usage("name a folder that is empty, or not there yet", "%s holds something else", shown(w.dir))
	}
	return nil
}

// makeWitnessKeys makes a key of each type that is missing, and reports whether there were any.
func makeWitnessKeys(store *keys.Store, name string) (made bool, err error) {
	have, err := witnessKeys(store)
	if err != nil {
		return false, err
	}
	for _, k := range have {
		if k.Key.Name != name {
			return false, usage("leave the name as it is, or make another witness in another folder", "this witness is called %s already", k.Key.Name)
		}
	}
	for _, k := range []struct {
		file string
		t    proofs.KeyType
	}{{witnessMLDSA44, proofs.MLDSA44Key}, {witnessEd25519, proofs.CosignatureKey}} {
		if slices.ContainsFunc(have, func(i keys.Info) bool { return i.Key.Type == k.t }) { // it may be on a token
			continue
		}
		if _, err := store.Generate(k.file, name, keys.Witness, k.t, rand.Reader); err != nil {
			return made, err
		}
		made = true
	}
	return made, nil
}

// witnessKeys are a folder's keys that a witness signs with, ML-DSA-44 first.
func witnessKeys(store *keys.Store) ([]keys.Info, error) {
	all, err := store.List()
	all = slices.DeleteFunc(all, func(k keys.Info) bool { return k.Role != keys.Witness || !k.Private })
	slices.SortStableFunc(all, func(a, b keys.Info) int { return int(b.Key.Type) - int(a.Key.Type) })
	return all, err
}

func (w *witnessRun) tellMade(infos []keys.Info, made bool) error {
	c := w.c
	var vkeys []string
	for _, k := range infos {
		vkeys = append(vkeys, k.Key.String())
	}
	logs := filepath.Join(w.dir, server.LogsFile)
	if c.json {
		return c.printJSON(map[string]any{"name": w.name, "vkeys": vkeys, "made": made, "dir": w.dir, "logs": logs})
	}
	for _, k := range vkeys {
		fmt.Fprintln(c.stdout, k)
	}
	if !made {
		c.note("note: the witness was made before; nothing has changed")
	}
	c.note("the lines above are public, the first ML-DSA-44 and the second Ed25519: give them to the logs that are to be witnessed,\n"+
		"with the address at which they reach this witness; in a file, stele trust change --witness FILE=URL takes both\n"+
		"write the logs' public keys into %s, one a line: log VKEY\n"+
		"then: stele witness --dir %s --addr 127.0.0.1:8081", shell(logs), shell(w.dir))
	if made {
		c.note("never put this folder back from a copy: a witness that has forgotten what it signed can be used against the public.\n" +
			"if it is lost, make another one")
	}
	return nil
}

// serve opens the folder, asks for the passphrase, and witnesses until it is interrupted.
func (w *witnessRun) serve() error {
	c := w.c
	c.bar = &progress{}
	log := slog.New(slog.NewTextHandler(c.stderr, nil))
	if c.json {
		log = slog.New(slog.NewJSONHandler(c.stderr, nil))
	}
	signers, err := w.signers()
	if err != nil {
		return err
	}
	metrics := server.NewMetrics()
	s, err := server.Open(server.Config{Dir: w.dir, Signers: signers, Log: log, Metrics: metrics})
	if err != nil {
		return witnessError(err)
	}
	if err := w.listen(s, metrics, log); err != nil {
		return err // the lock goes with the process: a request that has not ended may still write
	}
	return s.Close()
}

// signers unlocks the keys.
func (w *witnessRun) signers() ([]proofs.Signer, error) {
	dir := filepath.Join(w.dir, server.KeysFolder)
	if !server.IsWitness(w.dir) {
		return nil, usage("stele witness --init --dir "+shell(w.dir)+" --name agency.example/witness", "%s is not the folder of a witness", shown(w.dir))
	}
	store, err := keys.Open(dir, w.c.passphrase())
	if err != nil {
		return nil, err
	}
	infos, err := witnessKeys(store)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(infos, func(k keys.Info) bool { return w.name != "" && k.Key.Name != w.name }); i >= 0 {
		return nil, usage("leave --name out, or name another folder", "this witness is called %s: it keeps the name that it was made with", infos[i].Key.Name)
	}
	if len(infos) == 0 {
		return nil, usage("bring the key files there, or make another witness", "%s holds no key of a witness", shown(dir))
	}
	var signers []proofs.Signer
	for _, k := range infos {
		s, err := store.Signer(k.File)
		if err != nil {
			return nil, err
		}
		signers = append(signers, s)
	}
	return signers, nil
}

// witnessError puts a server's hint where the command looks for one.
func witnessError(err error) error {
	var e *server.Error
	if errors.As(err, &e) {
		return &registry.Error{Err: e.Err, Hint: e.Hint}
	}
	return err
}

// listen serves, and ends in order: requests in hand are answered.
func (w *witnessRun) listen(s *server.Server, m *server.Metrics, log *slog.Logger) error {
	listening, err := listen(w.addr, "--addr")
	if err != nil {
		return err
	}
	handlers := map[net.Listener]http.Handler{listening: s.Handler()}
	var metrics net.Listener
	if w.metrics != "" {
		if metrics, err = listen(w.metrics, "--metrics"); err != nil {
			return errors.Join(err, listening.Close())
		}
		handlers[metrics] = m.Handler()
	}
	w.say(s, listening, metrics)
	failed := make(chan error, len(handlers))
	var servers []*http.Server
	for l, h := range handlers {
		srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 30 * time.Second,
			IdleTimeout: 5 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
		servers = append(servers, srv)
		go func() { failed <- srv.Serve(l) }()
	}
	select {
	case <-w.c.ctx.Done():
	case err = <-failed:
	}
	return errors.Join(err, shutDown(servers))
}

func shutDown(servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), patienceAtEnd)
	defer cancel()
	var errs []error
	for _, srv := range servers {
		errs = append(errs, srv.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// say tells where the witness is; a script waits for that.
func (w *witnessRun) say(s *server.Server, listening, metrics net.Listener) {
	c := w.c
	name := s.Signers[0].Key().Name
	address := "http://" + listening.Addr().String() + "/"
	said := map[string]any{"name": name, "address": address, "logs": s.Logs()}
	if metrics != nil {
		said["metrics"] = "http://" + metrics.Addr().String() + "/metrics"
	}
	if c.json {
		c.printJSON(said)
		return
	}
	fmt.Fprintf(c.stdout, "witness %s for %s\n%s\n", shown(name), plural(s.Logs(), "log", "logs"), address)
	if metrics != nil {
		fmt.Fprintf(c.stdout, "metrics %s\n", said["metrics"])
	}
	if s.Logs() == 0 {
		c.note("note: it knows no logs yet: write their public keys into %s, one a line: log VKEY", shell(filepath.Join(w.dir, server.LogsFile)))
	}
}
