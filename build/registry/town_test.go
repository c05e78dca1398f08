package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/build/durable"
	"stele/build/witness"
	"stele/build/witness/server"
	"stele/proofs"
)

// A town is what stands around a registry in a test: its officers, and witnesses at work on loopback.
type town struct {
	testing.TB
	now       int64
	officers  map[string]proofs.Signer
	witnesses map[string]*guard

	mu     sync.Mutex
	down   map[string]bool
	closed *httptest.Server
	cut    bool // there is no network
}

// A guard is a witness.
type guard struct {
	dir    string
	signer proofs.Signer
	http   *httptest.Server
}

// The town's people. The third witness signs with an Ed25519 key.
var (
	officers  = []string{"anna.officer.test", "bert.officer.test", "cleo.officer.test"}
	witnesses = []string{"north.witness.test", "south.witness.test", "west.witness.test"}
)

func keyTypeOf(name string) proofs.KeyType {
	if name == "west.witness.test" {
		return proofs.CosignatureKey
	}
	return proofs.MLDSA44Key
}

func signerOf(t testing.TB, name string, kind proofs.KeyType) proofs.Signer {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	s, err := proofs.NewMemorySigner(name, kind, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// guarded writes a policy: the log's keys of a trust file, so many of the officers and of the witnesses.
func guarded(t testing.TB, trust *proofs.Trust, officersK, witnessesK int, of []string) {
	t.Helper()
	var b strings.Builder
	all := []string{"log-mldsa44"}
	fmt.Fprintf(&b, "log %s\nwitness log-mldsa44 %s\n", trust.Policy.Logs[0].Key, trust.Policy.Witnesses[0].Key)
	group := func(name string, k int, names []string, url func(string) string) string {
		if k == 0 {
			return "none"
		}
		var members []string
		for _, n := range names {
			short, _, _ := strings.Cut(n, ".")
			fmt.Fprintf(&b, "witness %s %s%s\n", short, signerOf(t, n, keyTypeOf(n)).Key(), url(n))
			members = append(members, short)
		}
		fmt.Fprintf(&b, "group %s %d %s\n", name, k, strings.Join(members, " "))
		all = append(all, name)
		return name
	}
	trust.Officers = group("officers", officersK, of, func(string) string { return "" })
	trust.Witnesses = group("witnesses", witnessesK, witnesses, func(n string) string { return " http://" + n + "/" })
	fmt.Fprintf(&b, "group all all %s\nquorum all\n", strings.Join(all, " "))
	trust.PolicyText = []byte(b.String())
}

// guard gives a registry that has published nothing a trust file with officers and witnesses.
func guardRegistry(t testing.TB, dir string, officersK, witnessesK int) {
	t.Helper()
	path := filepath.Join(dir, "trust")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := proofs.ParseTrust(b)
	if err != nil {
		t.Fatal(err)
	}
	guarded(t, trust, officersK, witnessesK, officers)
	if err := durable.WriteFile(path, parsed(t, trust).Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// parsed is a trust file with what its policy's text says.
func parsed(t testing.TB, trust *proofs.Trust) *proofs.Trust {
	t.Helper()
	again, err := proofs.ParseTrust(trust.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// newTown stands the witnesses of a registry up, each with a folder of its own.
func newTown(t testing.TB, trusts ...*proofs.Trust) *town {
	t.Helper()
	w := &town{TB: t, now: start, officers: map[string]proofs.Signer{}, witnesses: map[string]*guard{}, down: map[string]bool{},
		closed: httptest.NewServer(http.NotFoundHandler())}
	t.Cleanup(w.closed.Close)
	for _, name := range append([]string{"dora.officer.test"}, officers...) {
		w.officers[name] = signerOf(t, name, keyTypeOf(name))
	}
	for _, name := range witnesses {
		dir := t.TempDir()
		if err := server.Init(dir); err != nil {
			t.Fatal(err)
		}
		g := &guard{dir: dir, signer: signerOf(t, name, keyTypeOf(name))}
		g.tell(t, trusts)
		s, err := server.Open(server.Config{Dir: dir, Signers: []proofs.Signer{g.signer}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Now: func() time.Time { return time.Unix(w.now, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		g.http = httptest.NewServer(s.Handler())
		t.Cleanup(func() { g.http.Close(); s.Close() })
		w.witnesses[name] = g
	}
	return w
}

// tell tells a witness the log's keys.
func (g *guard) tell(t testing.TB, trusts []*proofs.Trust) {
	t.Helper()
	logs := map[string]bool{}
	for _, trust := range trusts {
		for _, l := range trust.Policy.Logs {
			logs["log "+l.Key.String()+"\n"] = true
		}
	}
	text := strings.Join(slices.Sorted(maps.Keys(logs)), "") + "quorum none\n"
	if err := durable.WriteFile(filepath.Join(g.dir, server.LogsFile), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tellWitnesses tells all witnesses the log's keys of several trust files.
func (w *town) tellWitnesses(trusts ...*proofs.Trust) {
	w.Helper()
	for _, g := range w.witnesses {
		g.tell(w, trusts)
	}
}

// client reaches the witnesses by their names. In place of one that is down, somebody else answers, who knows of no ledgers.
func (w *town) client() *witness.Client {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		name, _, _ := net.SplitHostPort(address)
		w.mu.Lock()
		down := w.down[name]
		w.mu.Unlock()
		at := w.closed
		if g := w.witnesses[name]; !down && g != nil {
			at = g.http
		}
		if w.cut {
			return nil, fmt.Errorf("there is no way to %s", name)
		}
		return (&net.Dialer{}).DialContext(ctx, network, at.Listener.Addr().String())
	}
	return &witness.Client{HTTP: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}, Patience: time.Minute, Grace: time.Minute,
		Now: func() time.Time { return time.Unix(w.now, 0) }}
}

// stop lets witnesses be down, and the others up.
func (w *town) stop(names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.down)
	for _, n := range names {
		w.down[n] = true
	}
}

// open opens a registry in the town, at the town's time.
func (w *town) open(dir string) *Registry {
	w.Helper()
	r, err := Open(dir, nil)
	if err != nil {
		w.Fatal(err)
	}
	r.Now = func() time.Time { return time.Unix(w.now, 0) }
	r.Witness = w.client()
	return r
}

// approval is an officer's cosignature of what a registry proposes, as a file. The officer has looked at the proposal.
func (w *town) approval(r *Registry, officer string) []byte {
	w.Helper()
	b, err := r.at.Public.Read(proofs.ProposalPath)
	if err != nil {
		w.Fatal(err)
	}
	h, err := proofs.ParseHead(b)
	if err != nil {
		w.Fatal(err)
	}
	c, _, err := proofs.ParseCheckpoint(h.Proof.Checkpoint)
	if err != nil {
		w.Fatal(err)
	}
	return w.cosign(c, officer)
}

func (w *town) cosign(c proofs.Checkpoint, by string) []byte { return w.cosignAt(c, by, w.now) }

func (w *town) cosignAt(c proofs.Checkpoint, by string, now int64) []byte {
	w.Helper()
	signer := w.officers[by]
	if signer == nil {
		signer = signerOf(w, by, keyTypeOf(by))
	}
	s, err := proofs.Cosign(signer, c, now)
	if err != nil {
		w.Fatal(err)
	}
	return (&proofs.Note{Text: c.Text(), Signatures: []proofs.Signature{s}}).Marshal()
}

// approve has officers approve what is proposed.
func (w *town) approve(r *Registry, by ...string) *Approval {
	w.Helper()
	var last *Approval
	for _, name := range by {
		a, err := r.Approve(context.Background(), w.approval(r, name))
		if err != nil {
			w.Fatal(err)
		}
		last = a
	}
	return last
}

// proposed is the checkpoint of the proposal in the public folder, or the zero value.
func proposed(t testing.TB, r *Registry) proofs.Checkpoint {
	t.Helper()
	b, err := r.at.Public.Read(proofs.ProposalPath)
	if err != nil {
		return proofs.Checkpoint{}
	}
	h, err := proofs.ParseHead(b)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := proofs.ParseCheckpoint(h.Proof.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// published is the checkpoint in the public folder, by the registry's trust file; nil if there is none.
func publishedIn(t testing.TB, r *Registry, now int64) *proofs.Signed {
	t.Helper()
	b, err := r.at.Public.Read(checkpointPath)
	if err != nil {
		return nil
	}
	s, err := r.Trust.VerifyCheckpoint(b, now)
	if err != nil {
		t.Fatal(err)
	}
	if head, err := proofs.ParseHead(mustRead(t, r, proofs.HeadPath)); err != nil || !bytes.Equal(head.Proof.Checkpoint, b) {
		t.Errorf("head and checkpoint differ (%v)", err)
	}
	return s
}

// guardedScenario makes a registry with 2 of 3 officers and 2 of 3 witnesses that is about to publish for the first time.
func guardedImage(t testing.TB, dir string, officersK, witnessesK int) {
	t.Helper()
	copyOf(t, first, dir)
	guardRegistry(t, dir, officersK, witnessesK)
}

// open2of3 is a town with a registry of 2 of 3 officers and 2 of 3 witnesses that has published once, and where more waits.
func townOf(t testing.TB) (*town, *Registry) {
	t.Helper()
	dir := t.TempDir()
	guardedImage(t, dir, 2, 2)
	w := newTown(t, openAt(t, dir, start).Trust)
	r := w.open(dir)
	publish(t, r)
	w.approve(r, officers[0], officers[1])
	if p := publish(t, r); p.Proposal != nil || p.Checkpoint.Size == 0 {
		t.Fatalf("got %+v, want a publication", p)
	}
	w.now += hour
	register(t, r, office, 3, 4)
	return w, r
}
