package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stele/build/durable"
	"stele/build/keys"
	"stele/build/portal"
	"stele/build/registry"
	"stele/build/witness/server"
	"stele/proofs"
)

// A demonstration has officers and witnesses of its own, so that one can see what they do. In a real registry each has a machine of
// their own, or they are for nothing. Here DIR/officers/NAME holds an officer's keys and what that officer has seen, DIR/witnesses/NAME a
// witness; whoever publishes does in the same process what stele approve and stele witness do.

const (
	officersFolder  = "officers"
	witnessesFolder = "witnesses"
	lastSeen        = "last-seen" // as stele approve has it
)

// demoSigners are needed two of three in each role, with keys of every kind that there is.
var demoSigners = []struct {
	folder, short string
	types         []proofs.KeyType
}{
	{officersFolder, "chancellery", []proofs.KeyType{proofs.MLDSA44Key}},
	{officersFolder, "justice", []proofs.KeyType{proofs.MLDSA44Key, proofs.CosignatureKey}},
	{officersFolder, "archives", []proofs.KeyType{proofs.MLDSA44Key}},
	{witnessesFolder, "university", []proofs.KeyType{proofs.MLDSA44Key}},
	{witnessesFolder, "newspaper", []proofs.KeyType{proofs.CosignatureKey}},
	{witnessesFolder, "neighbour", []proofs.KeyType{proofs.MLDSA44Key, proofs.CosignatureKey}},
}

// needed is how many of the three in a role have to sign.
const needed = 2

// hire makes the demonstration's officers and witnesses, as far as they are missing.
func hire(dir string) (registry.Roles, error) {
	roles := registry.Roles{NeedOfficers: needed, NeedWitnesses: needed}
	for _, d := range demoSigners {
		one := registry.Cosigner{Name: demoName(d.short)}
		role, home := keys.Officer, filepath.Join(dir, d.folder, d.short)
		if d.folder == witnessesFolder {
			role, one.URL = keys.Witness, "http://"+one.Name
		}
		var err error
		if one.Keys, err = hireOne(keysOf(home, role), one.Name, role, d.types); err != nil {
			return roles, err
		}
		if role == keys.Officer {
			roles.Officers = append(roles.Officers, one)
			continue
		}
		if err := witnessError(server.Init(home)); err != nil {
			return roles, err
		}
		roles.Witnesses = append(roles.Witnesses, one)
	}
	return roles, nil
}

// keysOf is where a signer of a role has the keys.
func keysOf(home string, role keys.Role) string {
	if role == keys.Witness {
		return filepath.Join(home, server.KeysFolder)
	}
	return home
}

func hireOne(dir, name string, role keys.Role, types []proofs.KeyType) ([]*proofs.Key, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	pass := keys.Fixed(keys.DemoPassphrase)
	store, err := keys.Open(dir, pass)
	if !exists(dir) {
		store, err = keys.Create(dir, pass, true)
	}
	if err != nil {
		return nil, err
	}
	store.AllowDemo = true
	have, err := store.List()
	if err != nil {
		return nil, err
	}
	var all []*proofs.Key
	for _, t := range types {
		i := slices.IndexFunc(have, func(k keys.Info) bool { return k.Private && k.Key.Type == t })
		if i >= 0 {
			all = append(all, have[i].Key)
			continue
		}
		file := string(role) + "-" + strings.ToLower(strings.ReplaceAll(t.String(), "-", ""))
		k, err := store.Generate(file, name, role, t, rand.Reader)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// isStaffed tells a demonstration whose officers and witnesses are here.
func isStaffed(r *registry.Registry) bool {
	return r.Trust.Demo && r.Keys != nil && exists(filepath.Join(r.Dir, officersFolder)) && exists(filepath.Join(r.Dir, witnessesFolder))
}

// A publishing is one way to publish.
type publishing func(ctx context.Context) (*registry.Publication, error)

// withStaff has a demonstration's officers approve what waits for them, and goes on.
func (c *cli) withStaff(r *registry.Registry, publish publishing) publishing {
	if !isStaffed(r) {
		return publish
	}
	r.Witness.HTTP = &http.Client{Transport: &house{r}}
	return func(ctx context.Context) (*registry.Publication, error) {
		p, err := publish(ctx)
		for waits := 2; waits > 0; waits-- { // a change of trust waits for both policies' officers
			if err != nil || p == nil || p.Proposal == nil || p.Proposal.ForWitnesses() {
				break
			}
			if err = c.approveHere(ctx, r); err == nil {
				p, err = r.Publish(ctx)
			}
		}
		return p, err
	}
}

// approveHere lets one officer after the other look at what is proposed, until there are enough.
func (c *cli) approveHere(ctx context.Context, r *registry.Registry) error {
	homes, err := os.ReadDir(filepath.Join(r.Dir, officersFolder))
	if err != nil {
		return err
	}
	for _, home := range homes {
		note, err := c.approveAs(ctx, r, filepath.Join(r.Dir, officersFolder, home.Name()))
		if err != nil {
			return fmt.Errorf("officer %s: %w", home.Name(), err)
		}
		if note == nil {
			continue
		}
		if a, err := r.Approve(ctx, note); err != nil || a.Officers.Met {
			return err
		}
	}
	return nil
}

// approveAs is stele approve as an officer runs it, over the public folder. It returns nil if there is nothing to approve any more.
func (c *cli) approveAs(ctx context.Context, r *registry.Registry, home string) ([]byte, error) {
	from, err := portal.Open(r.Public())
	if err != nil {
		return nil, err
	}
	quiet := *c
	quiet.ctx, quiet.json, quiet.stdout, quiet.stderr, quiet.bar = ctx, false, io.Discard, io.Discard, &progress{}
	out := filepath.Join(home, "approval")
	if err := os.RemoveAll(out); err != nil {
		return nil, err
	}
	a := &approval{cli: &quiet, k: &check{trust: r.Trust, from: from}, keys: home, state: filepath.Join(home, lastSeen), out: out, yes: true}
	if err := a.run(); err != nil || !exists(out) {
		return nil, err
	}
	return os.ReadFile(out)
}

// A house is where a demonstration's witnesses are asked without a network: each has the folder named by the first part of its host.
type house struct{ r *registry.Registry }

// RoundTrip opens the witness that a request is for, has it answered, and lets go of it: another stele may publish the next time.
func (h *house) RoundTrip(req *http.Request) (*http.Response, error) {
	short, _, _ := strings.Cut(req.URL.Hostname(), ".")
	s, err := h.open(filepath.Join(h.r.Dir, witnessesFolder, filepath.Base(short)))
	if err != nil {
		return nil, err
	}
	defer s.Close()
	answer := &heard{Response: http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: req}}
	s.Handler().ServeHTTP(answer, req)
	answer.Body, answer.ContentLength = io.NopCloser(&answer.body), int64(answer.body.Len())
	answer.Status = fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	return &answer.Response, nil
}

func (h *house) open(dir string) (*server.Server, error) {
	var logs bytes.Buffer
	for _, l := range h.r.Trust.Policy.Logs {
		fmt.Fprintf(&logs, "log %s\n", l.Key)
	}
	logs.WriteString("quorum none\n")
	path := filepath.Join(dir, server.LogsFile)
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, logs.Bytes()) {
		if err := durable.WriteFile(path, logs.Bytes(), 0o644); err != nil {
			return nil, err
		}
	}
	store, err := keys.Open(filepath.Join(dir, server.KeysFolder), keys.Fixed(keys.DemoPassphrase))
	if err != nil {
		return nil, err
	}
	store.AllowDemo = true
	infos, err := witnessKeys(store)
	if err != nil {
		return nil, err
	}
	var signers []proofs.Signer
	for _, i := range infos {
		s, err := store.SignerFor(i.Key)
		if err != nil {
			return nil, err
		}
		signers = append(signers, s)
	}
	return server.Open(server.Config{Dir: dir, Signers: signers, Log: slog.New(slog.DiscardHandler)})
}

// heard takes an answer down.
type heard struct {
	http.Response
	body bytes.Buffer
}

func (a *heard) Header() http.Header         { return a.Response.Header }
func (a *heard) Write(b []byte) (int, error) { return a.body.Write(b) }
func (a *heard) WriteHeader(status int)      { a.StatusCode = status }
