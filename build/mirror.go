package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"stele/build/durable"
	"stele/build/keys"
	"stele/build/mirror"
	"stele/build/registry"
	"stele/build/verifier"
	"stele/proofs"
)

// A mirroring is what mirror was asked to do.
type mirroring struct {
	check
	dir, addr, metrics string
	keys, key          string
	once               bool
	every              time.Duration

	c      *cli
	m      *mirror.Mirror
	log    *slog.Logger
	counts *mirror.Metrics
	d      daemon // listens and serves
}

func (g *mirroring) flags(fs *flag.FlagSet) {
	g.check.flags(fs)
	fs.StringVar(&g.dir, "dir", "", "the mirror's folder; DIR/public is the copy, for any file server")
	fs.BoolVar(&g.once, "once", false, "bring the copy up to date and end")
	fs.DurationVar(&g.every, "every", 5*time.Minute, "how often to look for something new")
	fs.StringVar(&g.addr, "addr", "", "where to serve the copy, such as 127.0.0.1:8080 (default: nowhere)")
	fs.StringVar(&g.metrics, "metrics", "", "where to serve metrics for Prometheus, such as 127.0.0.1:9090 (default: nowhere)")
	fs.StringVar(&g.keys, "keys", "", "the folder with the mirror's own witness key (ML-DSA-44), with which it cosigns what it serves")
	fs.StringVar(&g.key, "key", "", "the name of that key, where the folder has several")
}

const mirrorUsage = "stele mirror --portal https://registry.gov.example --policy TRUST-FILE --dir DIR"

func runMirror(c *cli) error {
	g := &mirroring{c: c}
	args, err := c.parse(g.flags)
	if err != nil {
		return err
	}
	if err := g.usable(args); err != nil {
		return err
	}
	if err := g.openTrust(c, false); err != nil {
		return err
	}
	signer, err := g.signer()
	if err != nil {
		return err
	}
	if g.m, err = mirror.Open(c.ctx, g.dir, g.portal, g.trust); err != nil {
		return g.cannotOpen(err)
	}
	defer g.m.Close()
	if signer != nil {
		g.m.Cosigner = signer
	}
	if err := g.pages(); err != nil {
		return err
	}
	if g.once {
		return g.runOnce()
	}
	return g.run()
}

// usable refuses what cannot be meant.
func (g *mirroring) usable(args []string) error {
	switch {
	case len(args) > 0:
		return usage(mirrorUsage, "mirror takes no arguments, got %s", shown(args[0]))
	case g.portal == "":
		return usage(mirrorUsage, "no portal to mirror")
	case g.policy == "":
		return usage(mirrorUsage, "no trust file: a mirror adopts nothing on the word of the portal itself")
	case g.dir == "":
		return usage(mirrorUsage, "no folder for the mirror")
	case registry.IsDeployment(g.dir):
		return usage("name a folder of its own with --dir", "%s is a deployment, which stele deploy has made: keep nothing else in it", shown(g.dir))
	case registry.IsRegistry(g.dir):
		return usage("name a folder of its own with --dir", "%s is a registry's folder", shown(g.dir))
	case registry.IsRegistry(g.portal):
		return usage("--portal "+shell(filepath.Join(g.portal, "public")), "%s is a registry's folder, not what it publishes", shown(g.portal))
	case registry.IsDeployment(g.portal):
		return usage(deploymentPortal(g.portal), "%s is a deployment, not what it publishes", shown(g.portal))
	case g.once && (g.addr != "" || g.metrics != ""):
		return usage("leave out --once to serve, or the addresses", "--once ends, and serves nothing")
	case !g.once && g.every < leastEvery:
		return usage("such as 5m, or 1h", "--every %s: want %s at least", g.every, leastEvery)
	case g.key != "" && g.keys == "":
		return usage("add --keys DIR, the folder in which it is", "--key %s: of which folder?", shown(g.key))
	}
	return nil
}

func (g *mirroring) cannotOpen(err error) error {
	var own *mirror.Error
	switch {
	case errors.Is(err, durable.ErrLocked):
		return &registry.Error{Err: fmt.Errorf("another process mirrors into %s", shown(g.dir)), Hint: "one process keeps a mirror: stop the other, or name another folder with --dir"}
	case errors.As(err, &own):
		return &registry.Error{Err: own.Err, Hint: own.Hint}
	}
	return fmt.Errorf("mirror %s: %w", shown(g.dir), err)
}

// signer finds the mirror's key, and asks for its passphrase before anything is served.
func (g *mirroring) signer() (proofs.Signer, error) {
	if g.keys == "" {
		return nil, nil
	}
	store, err := keys.Open(g.keys, g.c.passphrase())
	if err != nil {
		return nil, err
	}
	store.AllowDemo = g.trust.Demo
	infos, err := store.List()
	if err != nil {
		return nil, err
	}
	var own []keys.Info
	for _, i := range infos {
		if i.Role == keys.Witness && i.Key.Type == proofs.MLDSA44Key && i.Private && (g.key == "" || g.key == i.File || g.key == i.Key.Name) {
			own = append(own, i)
		}
	}
	if len(own) != 1 {
		return nil, usage("make one: stele key mirror.example --role witness --keys "+shell(g.keys)+"; or choose one with --key",
			"%s holds %d private witness keys (ML-DSA-44)%s, want one", shown(g.keys), len(own), named(g.key))
	}
	if k := own[0].Key; k.Name == g.trust.Origin || usedByPolicy(g.trust, k) {
		return nil, usage("make it a key of its own: what it signs says that the ledger is kept here, not that it was seen",
			"%s signs for the registry already", shown(k.Name))
	}
	return store.Signer(own[0].File)
}

func named(key string) string {
	if key == "" {
		return ""
	}
	return " named " + shown(key)
}

// usedByPolicy: "distinct cosigner … with a distinct name", c2sp.org/tlog-mirror.
func usedByPolicy(t *proofs.Trust, k *proofs.Key) bool {
	for _, w := range t.Policy.Witnesses {
		if w.Key.Name == k.Name {
			return true
		}
	}
	return false
}

// pages finds what the pages load. Without it the copy has no pages, and is whole otherwise.
func (g *mirroring) pages() error {
	files, err := verifier.Get(g.c.ctx)
	if errors.Is(err, verifier.ErrNoSource) {
		g.c.note("note: the copy is made without pages: %v\nhint: %s", err, withPages)
		return nil
	}
	g.m.Programs = files
	return err
}

// mirrorResult is the JSON of a round.
type mirrorResult struct {
	State       string `json:"state"`
	Publication uint64 `json:"publication"`
	Size        uint64 `json:"size"`
	Documents   uint64 `json:"documents"`
	AsOf        string `json:"as_of"`
	Files       int64  `json:"files_read"`
	Bytes       int64  `json:"bytes_read"`
	Healed      int    `json:"healed"`
	Public      string `json:"public"`
}

func (g *mirroring) runOnce() error {
	c := g.c
	g.m.Note = func(text string) { c.note("note: %s", text) }
	g.m.Progress = func(what string, done, of uint64) {
		if of > 0 {
			c.bar.show("%d of %d %s", done, of, what)
		} else {
			c.bar.show("%d %s", done, what)
		}
	}
	err := g.m.Start()
	var r *mirror.Result
	if err == nil {
		r, err = g.m.Round(c.ctx)
	}
	c.bar.clear()
	if err != nil && c.json && c.ctx.Err() == nil {
		return g.failedJSON(err)
	}
	if err != nil {
		return g.failed(err)
	}
	if c.json {
		return c.printJSON(mirrorResult{r.State, r.Publication, r.Size, r.Keys, stamp(r.AsOf), r.Files, r.Bytes, r.Healed, g.m.Public()})
	}
	fmt.Fprintf(c.stdout, "%s: publication %d, %d entries, %d documents, as of %s\n%d files read, %s%s\n%s\n", told[r.State], r.Publication, r.Size, r.Keys,
		stamp(r.AsOf), r.Files, size(r.Bytes), healed(r.Healed), shown(g.m.Public()))
	return nil
}

var told = map[string]string{mirror.Adopted: "copied", mirror.Renewed: "nothing new but signatures", mirror.Same: "nothing new"}

func healed(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %s, fetched again", plural(n, "file was damaged", "files were damaged"))
}

// failed tells why nothing was adopted, with what proves it.
func (g *mirroring) failed(err error) error {
	if g.c.ctx.Err() != nil {
		return err
	}
	return &registry.Error{Err: fmt.Errorf("%s: %w; the copy stays as it was", shown(g.portal), err), Hint: g.mirrorHint(err)}
}

// mirrorFailure is the JSON of a round that has adopted nothing.
type mirrorFailure struct {
	State    string `json:"state"`
	Error    string `json:"error"`
	Hint     string `json:"hint,omitempty"`
	Evidence string `json:"evidence,omitempty"`
	Public   string `json:"public"`
}

func (g *mirroring) failedJSON(err error) error {
	out := mirrorFailure{State: mirror.Code(nil, err), Error: plain(g.failed(err)), Hint: g.mirrorHint(err), Public: g.m.Public()}
	if fork := (*mirror.ForkError)(nil); errors.As(err, &fork) {
		out.Evidence = fork.Evidence
	}
	if err := g.c.printJSON(out); err != nil {
		return err
	}
	g.c.note("stele: %s", out.Error)
	return exit(1)
}

func (g *mirroring) mirrorHint(err error) string {
	var fork *mirror.ForkError
	var back *mirror.RollbackError
	var own *mirror.Error
	switch {
	case errors.As(err, &fork):
		return "the evidence is in " + shell(fork.Evidence) + ": publish it, and show it to the registry's officers and witnesses. " +
			"Anyone can check it: stele verify-evidence " + shell(fork.Evidence) + " --policy " + shell(g.policy)
	case errors.As(err, &back):
		return "look whether a cache or a backup stands in for the registry; if the registry itself has gone back, its officers have to know"
	case errors.As(err, &own):
		return own.Hint
	}
	return cmp.Or(hintFor(err), auditHint(err))
}

// run serves what is there, and looks for something new until it is interrupted.
func (g *mirroring) run() error {
	c := g.c
	c.bar = &progress{} // a log has no line that renews itself
	g.log = slog.New(slog.NewTextHandler(c.stderr, nil))
	if c.json {
		g.log = slog.New(slog.NewJSONHandler(c.stderr, nil))
	}
	g.counts = mirror.NewMetrics()
	g.m.Note = func(text string) { g.log.Warn(text) }
	if err := g.m.Start(); err != nil {
		return g.cannotOpen(err)
	}
	g.d = daemon{c: c, log: g.log}
	failed := make(chan error, 2)
	if err := g.serve(failed); err != nil {
		return err
	}
	ended := make(chan struct{})
	ctx, stop := context.WithCancel(c.ctx)
	go func() { defer close(ended); g.rounds(ctx) }()
	var err error
	select {
	case <-c.ctx.Done():
	case err = <-failed:
	}
	stop()
	g.d.end()
	<-ended
	return err
}

// serve listens where it was asked to, and says so.
func (g *mirroring) serve(failed chan<- error) error {
	said := map[string]string{"public": g.m.Public()}
	for _, s := range []struct {
		addr, flag, name, path string
		handler                http.Handler
	}{{g.addr, "--addr", "address", "/", g.m.Handler()}, {g.metrics, "--metrics", "metrics", "/metrics", g.counts.Handler()}} {
		if s.addr == "" {
			continue
		}
		var l net.Listener
		l, err := listen(s.addr, s.flag)
		if err != nil {
			return err
		}
		said[s.name] = "http://" + l.Addr().String() + s.path
		g.d.serve(l, s.handler, failed)
	}
	if g.c.json {
		return g.c.printJSON(said)
	}
	fmt.Fprintf(g.c.stdout, "mirroring %s into %s\n", shown(g.portal), shown(said["public"]))
	for _, name := range []string{"address", "metrics"} {
		if said[name] != "" {
			fmt.Fprintln(g.c.stdout, said[name])
		}
	}
	return nil
}

// rounds goes on until the context ends. A round that fails is told, and made again when the next is due.
func (g *mirroring) rounds(ctx context.Context) {
	tick := time.NewTicker(g.every)
	defer tick.Stop()
	for {
		g.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (g *mirroring) round(ctx context.Context) {
	began := time.Now()
	r, err := g.m.Round(ctx)
	took := time.Since(began)
	if ctx.Err() != nil {
		return
	}
	g.counts.Round(r, took, err)
	switch {
	case err != nil && mirror.Accuses(err):
		g.log.Error("the origin contradicts the copy, which stays as it was", "result", mirror.Code(r, err), "error", plain(err), "hint", g.mirrorHint(err))
	case err != nil:
		g.log.Error("round failed; the copy stays as it was", "result", mirror.Code(r, err), "error", plain(err), "hint", g.mirrorHint(err))
	case r.State == mirror.Same && r.Healed == 0:
		g.log.Debug("nothing new")
	default:
		g.log.Info("copied", "result", r.State, "publication", r.Publication, "size", r.Size, "files", r.Files, "bytes", r.Bytes, "healed", r.Healed, "seconds", took.Seconds())
	}
}
