package registry

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stele/build/keys"
	"stele/build/witness"
	"stele/proofs"
)

// newKeys makes log and publication keys of the next epoch.
func newKeys(t testing.TB, r *Registry, next *proofs.Trust) {
	t.Helper()
	made := map[keys.Role]*proofs.Key{}
	for _, k := range []struct {
		file, name string
		role       keys.Role
		kind       proofs.KeyType
	}{
		{"log-2", r.Trust.Origin, keys.Log, proofs.Ed25519Key},
		{"log-mldsa44-2", r.Trust.Origin, keys.LogMLDSA44, proofs.MLDSA44Key},
		{"publication-2", r.Trust.Publication.Name, keys.Publication, proofs.Ed25519Key},
	} {
		key, err := r.Keys.Generate(k.file, k.name, k.role, k.kind, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		made[k.role] = key
	}
	next.Publication = made[keys.Publication]
	next.Policy = &proofs.Policy{Logs: []proofs.PolicyKey{{Key: made[keys.Log]}}, Witnesses: []proofs.PolicyKey{{Key: made[keys.LogMLDSA44]}}}
}

// nextTrust prepares a trust file after the published tree: other keys of log and publication, and dora in anna's place.
func nextTrust(t testing.TB, r *Registry, now int64) *proofs.Trust {
	t.Helper()
	next := r.Trust.Successor(publishedIn(t, r, now).Checkpoint)
	newKeys(t, r, next)
	if r.Trust.Officers == "none" {
		next.PolicyText = []byte("log " + next.Policy.Logs[0].Key.String() + "\nwitness own " + next.Policy.Witnesses[0].Key.String() + "\nquorum own\n")
	} else {
		guarded(t, next, 2, 2, []string{"dora.officer.test", officers[1], officers[2]})
	}
	return parsed(t, next)
}

// changeTrust has the root say that a trust file is the next.
func changeTrust(t testing.TB, r *Registry, next *proofs.Trust) {
	t.Helper()
	signer, err := r.Keys.SignerFor(r.Trust.RootKeys[0])
	if err != nil {
		t.Fatal(err)
	}
	s := &proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionTrust, Issuer: r.Trust.RootName(), Epoch: next.Epoch, Digest: next.ID()}
	note, err := proofs.SignNote(s.Text(), signer)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.ChangeTrust(context.Background(), next, note.Marshal()); err != nil {
		t.Fatal(err)
	}
}

// followed checks that clients of the first epoch can follow what is published, and returns the new trust file.
func followed(t testing.TB, r *Registry, old *proofs.Trust, now int64) *proofs.Trust {
	t.Helper()
	b, err := r.at.Public.Read(proofs.TrustPath(old.Epoch + 1))
	if err != nil {
		t.Fatal(err)
	}
	h, err := r.at.Public.Read(proofs.HandoverPath(old.Epoch + 1))
	if err != nil {
		t.Fatal(err)
	}
	next, err := old.Follow(b, h, now)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// TestChangeOfTrust changes log keys, publication key and an officer: first the old officers approve, then the new ones, on one tree.
func TestChangeOfTrust(t *testing.T) {
	t.Parallel()
	w, r := townOf(t) // a statement waits
	old := r.Trust
	next := nextTrust(t, r, w.now)
	w.tellWitnesses(old, next)
	changeTrust(t, r, next)
	p := publish(t, r)
	if p.Proposal == nil || !p.Proposal.Change || p.Proposal.Epoch != 1 || p.Proposal.Size != next.FinalSize+2 || !p.Heartbeat || p.Epoch != 1 {
		t.Fatalf("got %+v, want a change proposed to the first epoch's officers, and a heartbeat", p)
	}
	if b, err := r.at.Public.Read(proofs.ProposedTrustPath); err != nil || !bytes.Equal(b, next.Marshal()) {
		t.Errorf("the next trust file is not published beside the proposal (%v)", err)
	}
	w.approve(r, officers[0], officers[1])
	w.now += hour
	p = publish(t, r)
	if p.Proposal == nil || p.Proposal.Epoch != 2 || p.Proposal.Officers.Have != 1 || !p.Heartbeat || p.Epoch != 1 {
		t.Fatalf("got %+v, want the same tree proposed to the second epoch's officers, of whom one has approved, and a heartbeat", p)
	}
	publishedIn(t, w.open(r.Dir), w.now)
	w.approve(r, "dora.officer.test")
	p = publish(t, r)
	if p.Proposal != nil || p.Epoch != 2 || p.Checkpoint.Size != next.FinalSize+2 {
		t.Fatalf("got %+v, want the publication of the second epoch", p)
	}
	if got := followed(t, r, old, w.now); got.ID() != next.ID() {
		t.Error("clients do not follow to the next trust file")
	}
	r = w.open(r.Dir)
	if r.Trust.ID() != next.ID() {
		t.Fatalf("the registry is of epoch %d, want 2", r.Trust.Epoch)
	}
	if _, err := old.VerifyCheckpoint(mustRead(t, r, checkpointPath), w.now); err == nil {
		t.Error("the new checkpoint satisfies the old trust file")
	}
	s := publishedIn(t, r, w.now)
	if !s.Officers.Met || !s.Witnesses.Met {
		t.Errorf("published: %+v", s)
	}
	w.afterRotation(r)
}

// afterRotation publishes what was held back, under the new trust file.
func (w *town) afterRotation(r *Registry) {
	w.Helper()
	if _, err := r.at.State.Read(stateTrustNext); !errors.Is(err, fs.ErrNotExist) {
		w.Errorf("left behind: state/%s (%v)", stateTrustNext, err)
	}
	w.now += hour
	p := publish(w, r)
	if p.Proposal == nil || p.Proposal.Added != 1 || p.Epoch != 2 || !p.Heartbeat {
		w.Fatalf("got %+v, want a proposal of what was held back", p)
	}
	w.approve(r, "dora.officer.test", officers[1])
	if p = publish(w, r); p.Proposal != nil || p.Added != 1 {
		w.Fatalf("got %+v, want its publication", p)
	}
	verdicts(w, r, w.now, map[int]proofs.Verdict{0: proofs.Authentic, 3: proofs.Authentic, 4: proofs.NotRegistered})
	mustAudit(w, r, w.now)
	if n, err := r.Pending(); err != nil || n != 0 {
		w.Errorf("%d pending (%v), want none", n, err)
	}
}

func mustRead(t testing.TB, r *Registry, name string) []byte {
	t.Helper()
	b, err := r.at.Public.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRotationAlone: where the log signs alone, one run does it.
func TestRotationAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	old := r.Trust
	next := nextTrust(t, r, heartbeat.now)
	changeTrust(t, r, next)
	register(t, r, office, 7, 8)
	p := publish(t, r)
	if p.Epoch != 2 || p.Checkpoint.Size != next.FinalSize+2 || p.Proposal != nil {
		t.Fatalf("got %+v, want the publication of the second epoch", p)
	}
	followed(t, r, old, heartbeat.now)
	r = openAt(t, dir, heartbeat.now+hour)
	if p := publish(t, r); p.Epoch != 2 || p.Added != 1 {
		t.Fatalf("got %+v, want what was held back", p)
	}
	verdicts(t, r, heartbeat.now+hour, map[int]proofs.Verdict{0: proofs.Authentic, 2: proofs.Revoked, 7: proofs.Authentic})
	mustAudit(t, r, heartbeat.now+hour)
	// A long-lived process that was opened before goes on too.
	stale := openAt(t, dir, heartbeat.now+2*hour)
	stale.Trust = old
	if p := publish(t, stale); p.Epoch != 2 || !p.Heartbeat {
		t.Fatalf("got %+v, want a heartbeat of the second epoch", p)
	}
}

// TestRotationHeld: until enough of the root have signed, nothing but heartbeats goes out.
func TestRotationHeld(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	next := nextTrust(t, r, w.now)
	if err := r.HoldTrust(context.Background(), next); err != nil {
		t.Fatal(err)
	}
	if p := publish(t, r); p.Proposal != nil || !p.Heartbeat || !p.Held {
		t.Fatalf("got %+v, want a heartbeat alone", p)
	}
	if err := r.CancelTrust(context.Background()); err != nil {
		t.Fatal(err)
	}
	if p := publish(t, r); p.Proposal == nil || p.Proposal.Change || p.Proposal.Added != 1 {
		t.Fatalf("got %+v, want a proposal of what was held back", p)
	}
}

// TestRotationWithoutHandover: the old officers cannot be had any more.
func TestRotationWithoutHandover(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	old, next := r.Trust, nextTrust(t, r, w.now)
	w.tellWitnesses(old, next)
	changeTrust(t, r, next)
	p, err := r.PublishWith(context.Background(), Options{NoHandover: true})
	if err != nil || p.Proposal == nil || p.Proposal.Epoch != 2 {
		t.Fatalf("got %+v (%v), want a change proposed to the new officers", p, err)
	}
	w.approve(r, "dora.officer.test", officers[2])
	if p, err = r.PublishWith(context.Background(), Options{NoHandover: true}); err != nil || p.Proposal != nil || p.Epoch != 2 {
		t.Fatalf("got %+v (%v), want the publication of the second epoch", p, err)
	}
	if there, err := r.Published(proofs.HandoverPath(2)); there || err != nil {
		t.Errorf("there is a handover that nobody has signed (%v)", err)
	}
	// Another machine of the registry cannot follow by itself, and says so.
	if err := os.WriteFile(r.path("trust"), old.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := Open(r.Dir, nil); !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("got %v, want that the trust file has to be copied", err)
	}
	if err := os.WriteFile(r.path("trust"), next.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	w.afterRotation(w.open(r.Dir))
}

// TestRotationWithLostKeys: the log's keys are gone. A handover cannot be made, and that is said; without it the change goes out.
func TestRotationWithLostKeys(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	old, next := r.Trust, nextTrust(t, r, w.now)
	w.tellWitnesses(old, next)
	changeTrust(t, r, next)
	for _, name := range []string{keyLog, keyLogMLDSA, keyPublication} {
		remove(t, r.path("keys", name+".key"))
		remove(t, r.path("keys", name+".pub"))
	}
	r = w.open(r.Dir)
	var e *Error
	if _, err := r.Publish(context.Background()); !errors.As(err, &e) || !strings.Contains(e.Hint, "--no-handover") {
		t.Fatalf("got %v, want a hint of --no-handover", err)
	}
	p, err := r.PublishWith(context.Background(), Options{NoHandover: true})
	if err != nil || p.Proposal == nil || p.Stale == "" || p.Heartbeat {
		t.Fatalf("got %+v (%v), want a proposal and no heartbeat", p, err)
	}
	w.approve(r, "dora.officer.test", officers[2])
	if p, err = r.PublishWith(context.Background(), Options{NoHandover: true}); err != nil || p.Proposal != nil || p.Epoch != 2 {
		t.Fatalf("got %+v (%v), want the publication of the second epoch", p, err)
	}
	w.afterRotation(w.open(r.Dir))
}

// TestRotationElsewhere: another machine of the registry finds the new trust file by its handover.
func TestRotationElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	old := r.Trust
	changeTrust(t, r, nextTrust(t, r, heartbeat.now))
	publish(t, r)
	if err := os.WriteFile(r.path("trust"), old.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	if r = openAt(t, dir, heartbeat.now+hour); r.Trust.Epoch != 2 {
		t.Errorf("epoch %d, want 2", r.Trust.Epoch)
	}
	if p := publish(t, r); p.Epoch != 2 || !p.Heartbeat {
		t.Errorf("got %+v, want a heartbeat", p)
	}
	if b, err := os.ReadFile(r.path("trust")); err != nil || bytes.Equal(b, old.Marshal()) {
		t.Errorf("the trust file is the old one (%v)", err)
	}
	// What is published under another file is not followed.
	if err := os.WriteFile(r.path("trust"), old.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	other := old.Successor(proofs.Checkpoint{Size: 1})
	if err := os.WriteFile(r.at.Public.Path(proofs.TrustPath(2)), other.Marshal(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, nil); err == nil {
		t.Error("followed a trust file that has no handover")
	}
}

// TestRotationHealed: of a registry in its second epoch, a public folder that is lost is written again whole.
func TestRotationHealed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	old := r.Trust
	changeTrust(t, r, nextTrust(t, r, heartbeat.now))
	publish(t, r)
	remove(t, r.Public())
	r = openAt(t, dir, heartbeat.now+hour)
	publish(t, r)
	followed(t, r, old, heartbeat.now+hour)
	if b := mustRead(t, r, proofs.TrustPath(1)); !bytes.Equal(b, old.Marshal()) {
		t.Error("the first trust file is not published any more")
	}
	mustAudit(t, r, heartbeat.now+hour)
}

// TestTrustStatementAstray: the root's statement about a trust file is taken only with the prepared file.
func TestTrustStatementAstray(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	changeTrust(t, r, nextTrust(t, r, heartbeat.now))
	if err := r.remove(r.at.State, stateTrustNext); err != nil {
		t.Fatal(err)
	}
	p, err := r.Publish(context.Background())
	if err != nil || len(p.Refused) != 1 || p.Epoch != 1 {
		t.Errorf("got %+v (%v), want a refusal", p, err)
	}
}

// TestRotationFromProposal: a proposal waits that the officers will not approve. The change of trust goes on from it, and clients follow.
func TestRotationFromProposal(t *testing.T) {
	t.Parallel()
	w, r := townOf(t) // a statement waits
	old := r.Trust
	before := publishedIn(t, r, w.now).Size
	waiting := publish(t, r).Proposal
	if waiting == nil {
		t.Fatal("nothing waits")
	}
	final, err := r.final()
	if err != nil || final != waiting.Checkpoint || final.Size == before {
		t.Fatalf("the epoch ends at %+v (%v), want the proposal", final, err)
	}
	next := r.Trust.Successor(final)
	newKeys(t, r, next)
	guarded(t, next, 2, 2, []string{"dora.officer.test", officers[1], officers[2]})
	next = parsed(t, next)
	w.tellWitnesses(old, next)
	changeTrust(t, r, next)
	w.now += hour
	if p := publish(t, r); p.Proposal == nil || p.Proposal.Size != final.Size+2 || p.Proposal.Epoch != 1 || !p.Heartbeat {
		t.Fatalf("got %+v, want the change proposed, and a heartbeat", p)
	}
	w.approve(r, officers[0], officers[1])
	publish(t, r)
	w.approve(r, "dora.officer.test")
	if p := publish(t, r); p.Proposal != nil || p.Epoch != 2 || p.Checkpoint.Size != final.Size+2 {
		t.Fatalf("got %+v, want the publication of the second epoch", p)
	}
	if got := followed(t, r, old, w.now); got.ID() != next.ID() {
		t.Error("clients do not follow to the next trust file")
	}
	mustAudit(t, w.open(r.Dir), w.now)
}

// showWitnesses does what a thief of the log's keys can: every witness is shown a tree of the thief's, which goes on from the published one.
func (w *town) showWitnesses(r *Registry) {
	w.Helper()
	dir := filepath.Join(w.TempDir(), "thief")
	copyTree(w, r.Dir, dir)
	thief := w.open(dir)
	register(w, thief, office, 90, 95)
	w.stop(witnesses...)
	p := publish(w, thief)
	w.stop()
	if p.Proposal == nil {
		w.Fatalf("got %+v, want a proposal of the thief's", p)
	}
	d := &draft{Checkpoint: p.Proposal.Checkpoint}
	one := &publisher{Registry: thief, now: w.now}
	if err := cmp.Or(one.signPlain(d, r.Trust), one.signTimed(d, r.Trust)); err != nil {
		w.Fatal(err)
	}
	growth := func(old uint64) ([]proofs.Hash, error) { return thief.log().Nodes(d.Size).Consistency(old, d.Size) }
	lines, faults := w.client().Collect(context.Background(), d.marshal(), witness.Peers(r.Trust.Policy, r.Trust.Witnesses), growth, nil)
	if len(lines) != len(witnesses) {
		w.Fatalf("witnesses: got %v, want all to take a tree that the log's keys have signed", faults)
	}
}

// TestThiefShowsWitnesses: a thief of the log's keys can get nothing published, but have the witnesses see a tree of their own. Those cosign
// nothing else of this log any more: the change of trust goes out with other witnesses and without a handover.
func TestThiefShowsWitnesses(t *testing.T) {
	t.Parallel()
	w, r := townOf(t) // a statement waits
	w.showWitnesses(r)
	w.now += hour
	if p := publish(t, r); p.Proposal == nil {
		t.Fatalf("got %+v", p)
	}
	w.approve(r, officers[0], officers[1])
	p := publish(t, r)
	contradicted := slices.ContainsFunc(p.Faults, func(f witness.Fault) bool { return f.Kind == witness.Contradiction })
	if p.Proposal == nil || !contradicted {
		t.Fatalf("got %+v, want the witnesses to contradict", p)
	}
	final, err := r.final()
	if err != nil || final != p.Proposal.Checkpoint {
		t.Fatalf("the epoch ends at %+v (%v), want what was proposed last", final, err)
	}
	next := r.Trust.Successor(final)
	newKeys(t, r, next)
	guarded(t, next, 2, 0, officers)
	next = parsed(t, next)
	changeTrust(t, r, next)
	p, err = r.PublishWith(context.Background(), Options{NoHandover: true})
	if err != nil || p.Proposal == nil || p.Proposal.Size != next.FinalSize+2 || p.Proposal.Epoch != 2 {
		t.Fatalf("got %+v (%v), want a change proposed that goes on from what could not be published", p, err)
	}
	if !strings.Contains(p.Stale, "shown a larger tree") {
		t.Errorf("stale: %q; the log has said that it has seen more than what is published", p.Stale)
	}
	w.approve(r, officers[0], officers[2])
	if p, err = r.PublishWith(context.Background(), Options{NoHandover: true}); err != nil || p.Proposal != nil || p.Epoch != 2 || p.Checkpoint.Size != next.FinalSize+2 {
		t.Fatalf("got %+v (%v), want the publication of the second epoch", p, err)
	}
	mustAudit(t, w.open(r.Dir), w.now)
}
