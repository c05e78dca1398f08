package intake

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stele/build/durable"
	"stele/build/keys"
	"stele/build/registry"
	"stele/proofs"
)

func officer(t testing.TB, name string) proofs.Signer {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	s, err := proofs.NewMemorySigner(name, proofs.MLDSA44Key, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// guarded is a registry whose publications two of three officers approve. What is in its queue is proposed.
func guarded(t testing.TB) *desk {
	t.Helper()
	dir := t.TempDir()
	r, err := registry.Init(dir, registry.Setup{Origin: origin, Title: "Test", Demo: true, StaleAfter: 48 * time.Hour}, nil)
	if err != nil {
		t.Fatal(err)
	}
	trust := *r.Trust
	trust.Officers = "officers"
	var b strings.Builder
	fmt.Fprintf(&b, "log %s\nwitness log %s\n", trust.Policy.Logs[0].Key, trust.Policy.Witnesses[0].Key)
	for _, name := range []string{"anna", "bert", "cleo"} {
		fmt.Fprintf(&b, "witness %s %s\n", name, officer(t, name+".test").Key())
	}
	b.WriteString("group officers 2 anna bert cleo\ngroup all all log officers\nquorum all\n")
	trust.PolicyText = []byte(b.String())
	if err := durable.WriteFile(filepath.Join(dir, "trust"), trust.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err = registry.Open(dir, nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Accredit(office, "Office", []string{"letter"}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	d := &desk{TB: t, now: start}
	d.begin(setup{dir: dir})
	return d
}

// proposal is what is proposed to officers.
func (d *desk) proposal() proofs.Checkpoint {
	d.Helper()
	b, err := d.r.Portal().Read(context.Background(), proofs.ProposalPath)
	if err != nil {
		d.Fatal(err)
	}
	h, err := proofs.ParseHead(b)
	if err != nil {
		d.Fatal(err)
	}
	x, _, err := h.VerifyProposal(d.r.Trust, d.now)
	if err != nil {
		d.Fatal(err)
	}
	return x.Checkpoint
}

func (d *desk) approval(c proofs.Checkpoint, by string) []byte {
	d.Helper()
	s, err := proofs.Cosign(officer(d, by), c, d.now)
	if err != nil {
		d.Fatal(err)
	}
	return (&proofs.Note{Text: c.Text(), Signatures: []proofs.Signature{s}}).Marshal()
}

func (d *desk) approve(note []byte) (*answered, Approval) {
	d.Helper()
	a := d.ask(context.Background(), "POST", "/v1/approvals", "text/plain", bytes.NewReader(note))
	var out Approval
	if a.status == http.StatusOK {
		if err := json.Unmarshal(a.body, &out); err != nil {
			d.Error(err)
		}
	}
	return a, out
}

// TestApprovals: officers approve over HTTP; the one who completes the quorum has it published.
func TestApprovals(t *testing.T) {
	d := guarded(t)
	asked := 0
	d.s.Publish = func() { asked++ }
	if a, _ := d.approve(d.approval(proofs.Checkpoint{Origin: origin, Size: 2}, "anna.test")); a.status != http.StatusConflict {
		t.Fatalf("nothing proposed: got %d %s, want 409", a.status, a.body)
	}
	if p := d.publish(); p.Proposal == nil {
		t.Fatalf("got %+v, want a proposal", p)
	}
	c := d.proposal()
	for range 2 { // again is the same
		if a, out := d.approve(d.approval(c, "anna.test")); a.status != http.StatusOK || out.Size != c.Size || out.Root != c.Root.String() ||
			out.Officers != (Officers{1, 2, false}) || out.Published {
			t.Fatalf("got %d %s", a.status, a.body)
		}
	}
	if asked != 0 {
		t.Error("a publication is asked for with one approval of two")
	}
	d.restart() // what was answered is durable
	d.s.Publish = func() { asked++ }
	if a, out := d.approve(d.approval(c, "cleo.test")); a.status != http.StatusOK || out.Officers != (Officers{2, 2, true}) || asked != 1 {
		t.Fatalf("got %d %s, asked %d times", a.status, a.body, asked)
	}
	if p := d.publish(); p.Proposal != nil || p.Number != 1 {
		t.Fatalf("got %+v, want a publication", p)
	}
	if a, out := d.approve(d.approval(c, "anna.test")); a.status != http.StatusOK || !out.Published || asked != 1 {
		t.Errorf("a replay: got %d %s, asked %d times", a.status, a.body, asked)
	}
}

// TestApprovalsRefused: what does not count is refused with a reason, and counts against its sender.
func TestApprovalsRefused(t *testing.T) {
	d := guarded(t)
	d.publish()
	c := d.proposal()
	other, later := c, c
	other.Root[0] ^= 1
	later.Size++
	for _, x := range []struct {
		name   string
		note   []byte
		status int
	}{
		{"another tree", d.approval(other, "anna.test"), http.StatusUnprocessableEntity},
		{"a stranger", d.approval(c, "dora.test"), http.StatusUnprocessableEntity},
		{"overtaken", d.approval(later, "anna.test"), http.StatusConflict},
		{"another registry", d.approval(proofs.Checkpoint{Origin: "other.example", Size: c.Size, Root: c.Root}, "anna.test"), http.StatusUnprocessableEntity},
	} {
		a, _ := d.approve(x.note)
		if e := a.error(t); a.status != x.status || (e.Size != nil) != (x.status == http.StatusConflict) {
			t.Errorf("%s: got %d %s, want %d", x.name, a.status, a.body, x.status)
		} else if e.Size != nil && *e.Size != c.Size {
			t.Errorf("%s: size %d, want %d", x.name, *e.Size, c.Size)
		}
	}
	for _, x := range []struct {
		kind   string
		body   []byte
		status int
	}{
		{"text/plain", []byte("yes"), http.StatusUnprocessableEntity},
		{"text/plain", make([]byte, proofs.MaxCheckpoint+1), http.StatusRequestEntityTooLarge},
		{"application/json", []byte("{}"), http.StatusUnsupportedMediaType},
	} {
		if a := d.bad("POST", "/v1/approvals", x.kind, x.body); a.status != x.status {
			t.Errorf("%s of %d bytes: got %d %s, want %d", x.kind, len(x.body), a.status, a.body, x.status)
		}
	}
	if a := d.bad("GET", "/v1/approvals", "", nil); a.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", a.status)
	}
}

// TestApprovalsBlamed: who sends what does not verify is slowed down.
func TestApprovalsBlamed(t *testing.T) {
	d := guarded(t)
	d.end()
	limits := DefaultLimits
	limits.BadRate, limits.BadBurst = 0.001, 3
	d.begin(setup{dir: d.r.Dir, limits: limits})
	d.publish()
	c := d.proposal()
	for i := range 4 {
		a, _ := d.approve(d.approval(c, "dora.test"))
		if want := []int{422, 422, 422, 429}[i]; a.status != want {
			t.Errorf("attempt %d: got %d %s, want %d", i, a.status, a.body, want)
		}
	}
}

// TestApprovalsReplayed: a proposal is public with its approvals. Whoever sends them again has nothing published, and is slowed down, as is who
// approves what is not proposed.
func TestApprovalsReplayed(t *testing.T) {
	d := guarded(t)
	d.publish()
	c := d.proposal()
	d.end()
	limits := DefaultLimits
	limits.BadRate, limits.BadBurst = 0.001, 3
	d.begin(setup{dir: d.r.Dir, limits: limits})
	asked := 0
	d.s.Publish = func() { asked++ }
	later := c
	later.Size++
	for _, x := range []struct {
		note   []byte
		status int
		asked  int
	}{
		{d.approval(c, "anna.test"), http.StatusOK, 0},
		{d.approval(c, "cleo.test"), http.StatusOK, 1},
		{d.approval(c, "cleo.test"), http.StatusOK, 1},
		{d.approval(c, "anna.test"), http.StatusOK, 1},
		{d.approval(later, "anna.test"), http.StatusConflict, 1},
		{d.approval(c, "bert.test"), http.StatusTooManyRequests, 1},
	} {
		if a, _ := d.approve(x.note); a.status != x.status || asked != x.asked {
			t.Errorf("got %d %s, asked %d times; want %d and %d", a.status, a.body, asked, x.status, x.asked)
		}
	}
}

// TestApprovalsWithoutKeys: a front end that has no keys takes approvals; the publisher finds them.
func TestApprovalsWithoutKeys(t *testing.T) {
	d := guarded(t)
	d.publish()
	c := d.proposal()
	r := d.r
	var err error
	if d.s.Registry, err = registry.Look(r.Dir); err != nil {
		t.Fatal(err)
	}
	d.s.Registry.Now = r.Now
	for _, by := range []string{"bert.test", "cleo.test"} {
		if a, _ := d.approve(d.approval(c, by)); a.status != http.StatusOK {
			t.Fatalf("got %d %s", a.status, a.body)
		}
	}
	if p := d.publish(); p.Proposal != nil || p.Number != 1 {
		t.Fatalf("got %+v, want a publication", p)
	}
}

func metricsOf(t testing.TB, m *Metrics) string {
	t.Helper()
	req, err := http.NewRequest("GET", "/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, req)
	return rec.Body.String()
}

// TestProposalMetrics: what waits, and for how many.
func TestProposalMetrics(t *testing.T) {
	d := guarded(t)
	p := d.publish()
	d.s.Metrics.Publication(p, 0, nil)
	want := func(lines ...string) {
		t.Helper()
		got := metricsOf(t, d.s.Metrics)
		for _, line := range lines {
			if !strings.Contains(got, line+"\n") {
				t.Errorf("no line %q in\n%s", line, got)
			}
		}
	}
	want("stele_proposal_officers 0", "stele_proposal_officers_needed 2", `stele_publications_total{result="proposed"} 1`, "stele_witnesses_failed 0",
		"stele_publication_age_seconds 0")
	c := d.proposal()
	d.approve(d.approval(c, "anna.test"))
	want("stele_proposal_officers 1")
	d.approve(d.approval(c, "bert.test"))
	d.s.Metrics.Publication(d.publish(), 0, nil)
	want("stele_proposal_officers 0", "stele_proposal_officers_needed 0", "stele_proposal_age_seconds 0", `stele_publications_total{result="ok"} 1`)
}

// TestTrustRefused: what changes the trust file is not taken over HTTP, whoever has signed it.
func TestTrustRefused(t *testing.T) {
	d := open(t, setup{})
	s := &proofs.Statement{Action: proofs.ActionTrust, Issuer: d.r.Trust.RootName(), Epoch: 2, Digest: proofs.Hash{1}}
	if o := d.must(registry.Refused, d.sign(s, "root")); o.Code != registry.CodeNotAuthorised {
		t.Errorf("got %+v", o)
	}
	if p := d.publish(); !p.Heartbeat {
		t.Errorf("got %+v, want nothing new", p)
	}
}

// TestIntakeFollows: an intake that was opened before goes on with the next trust file, by which another key of the root counts.
func TestIntakeFollows(t *testing.T) {
	d := open(t, setup{})
	old, err := d.r.Keys.SignerFor(d.r.Trust.RootKeys[0])
	if err != nil {
		t.Fatal(err)
	}
	key, err := d.r.Keys.Generate("root-2", d.r.Trust.RootName(), keys.Root, proofs.Ed25519Key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.r.Portal().Read(context.Background(), "ledger/checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		t.Fatal(err)
	}
	next := d.r.Trust.Successor(c)
	next.RootKeys = []*proofs.Key{key}
	s := &proofs.Statement{Registry: origin, Action: proofs.ActionTrust, Issuer: d.r.Trust.RootName(), Epoch: 2, Digest: next.ID()}
	note, err := proofs.SignNote(s.Text(), old)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.r.ChangeTrust(context.Background(), next, note.Marshal()); err != nil {
		t.Fatal(err)
	}
	accredit := &proofs.Statement{Action: proofs.ActionAccredit, Issuer: d.r.Trust.RootName(), Authority: "new.test.example", Title: "New",
		Kinds: []string{"letter"}, Keys: []*proofs.Key{officerKey(t, "new.test.example")}}
	d.must(registry.Refused, d.sign(accredit, "root-2"))
	if p := d.publish(); p.Epoch != 2 {
		t.Fatalf("got %+v, want the second epoch", p)
	}
	d.must(registry.Refused, d.sign(accredit, "root"))
	d.must(registry.Pending, d.sign(accredit, "root-2"))
	if p := d.publish(); p.Added != 1 {
		t.Errorf("got %+v, want the accreditation", p)
	}
}

func officerKey(t testing.TB, name string) *proofs.Key {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	s, err := proofs.NewMemorySigner(name, proofs.Ed25519Key, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return s.Key()
}
