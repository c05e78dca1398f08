package registry

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"stele/build/witness"
	"stele/proofs"
)

// TestOfficersAndWitnesses follows the first publication: proposed, approved by two, witnessed, published.
func TestOfficersAndWitnesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	guardedImage(t, dir, 2, 2)
	w := newTown(t, openAt(t, dir, start).Trust)
	r := w.open(dir)
	p := publish(t, r)
	if p.Proposal == nil || p.Proposal.Officers.Have != 0 || p.Proposal.Officers.Needed != 2 || p.Proposal.Added != 4 || p.Number != 0 {
		t.Fatalf("got %+v, want a proposal of 4 statements and nothing published", p)
	}
	if readHead(t, r) != nil || publishedIn(t, r, w.now) != nil {
		t.Fatal("something is published that nobody has approved")
	}
	if n, err := r.Pending(); err != nil || n != 0 {
		t.Errorf("%d pending (%v), want none: they are proposed", n, err)
	}
	if a := w.approve(r, officers[2]); a.Officers.Have != 1 || a.Officers.Met || a.Published {
		t.Errorf("got %+v, want 1 of 2", a)
	}
	if p := publish(t, r); p.Proposal == nil || p.Proposal.Officers.Have != 1 {
		t.Fatalf("got %+v, want a proposal with one approval", p)
	}
	if a := w.approve(r, officers[0]); !a.Officers.Met {
		t.Errorf("got %+v, want 2 of 2", a)
	}
	p = publish(t, r)
	if p.Proposal != nil || p.Added != 4 || p.Number != 1 || len(p.Witnessed) != 3 || len(p.Faults) != 0 {
		t.Fatalf("got %+v, want a publication of 4 statements with 3 witnesses", p)
	}
	s := publishedIn(t, r, w.now)
	if !s.Officers.Met || !s.Witnesses.Met || s.Officers.Have != 2 || s.AsOf != w.now {
		t.Errorf("published: %+v", s)
	}
	finished(t, r, first, w.now)
	if c := proposed(t, r); c.Size != 0 {
		t.Errorf("there is still a proposal of size %d", c.Size)
	}
	if names := tree(t, r.path("state")); len(names["proposed"]) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

// TestProposalWaits: while a proposal waits, what is published stays as it is, and fresh.
func TestProposalWaits(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	before := publishedIn(t, r, w.now)
	p := publish(t, r)
	if p.Proposal == nil || p.Proposal.Added != 1 || !p.Heartbeat || p.Stale != "" {
		t.Fatalf("got %+v, want a proposal and a heartbeat", p)
	}
	for range 3 {
		w.now += hour
		register(t, r, office, int(w.now), int(w.now)+1) // it does not get into what is proposed
		p = publish(t, r)
		if p.Proposal == nil || p.Proposal.Added != 1 || !p.Heartbeat {
			t.Fatalf("got %+v, want the same proposal and a heartbeat", p)
		}
		s := publishedIn(t, r, w.now)
		if s.Checkpoint != before.Checkpoint || s.AsOf != w.now {
			t.Fatalf("published: size %d as of %d, want size %d as of %d", s.Size, s.AsOf, before.Size, w.now)
		}
		mustAudit(t, r, w.now)
		verdicts(t, r, w.now, map[int]proofs.Verdict{0: proofs.Authentic, 3: proofs.NotRegistered})
	}
	w.approve(r, officers[0], officers[1])
	if p := publish(t, r); p.Proposal != nil || p.Added != 1 || p.Number != 2 {
		t.Fatalf("got %+v, want a publication of one statement", p)
	}
	verdicts(t, r, w.now, map[int]proofs.Verdict{0: proofs.Authentic, 3: proofs.Authentic})
	w.now += hour
	if p := publish(t, r); p.Proposal == nil || p.Proposal.Added != 3 {
		t.Fatalf("got %+v, want a proposal of the three that came later", p)
	}
}

// TestOneDown: the publication goes on without each of the officers and witnesses in turn, and not without two of them.
func TestOneDown(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	for i := range officers {
		w.stop(witnesses[i])
		w.now += hour
		register(t, r, office, 10+i, 11+i)
		publish(t, r)
		w.approve(r, officers[(i+1)%3], officers[(i+2)%3])
		p := publish(t, r)
		if p.Proposal != nil || len(p.Witnessed) != 2 || len(p.Faults) != 1 || p.Faults[0].Peer.Name != witnesses[i] {
			t.Fatalf("without %s: %+v", witnesses[i], p)
		}
		verdicts(t, r, w.now, map[int]proofs.Verdict{10 + i: proofs.Authentic})
	}
	before := publishedIn(t, r, w.now)
	w.stop(witnesses[0], witnesses[2])
	w.now += hour
	register(t, r, office, 20, 21)
	publish(t, r)
	w.approve(r, officers...)
	p := publish(t, r)
	if p.Proposal == nil || !p.Proposal.ForWitnesses() || len(p.Faults) != 2 || p.Stale == "" {
		t.Fatalf("got %+v, want a proposal that waits for witnesses", p)
	}
	if s := publishedIn(t, r, w.now); s.Checkpoint != before.Checkpoint {
		t.Errorf("size %d is published without witnesses", s.Size)
	}
	register(t, r, office, 21, 22)
	w.now += 2 * overtakeAfter
	if p, err := r.PublishWith(context.Background(), Options{Anew: true}); err != nil || p.Proposal == nil || p.Proposal.Added != 1 {
		t.Fatalf("got %+v (%v): what the witnesses have been shown is not to be overtaken", p, err)
	}
	w.stop(witnesses[1]) // the two others: what the third has signed before is kept
	w.now += 60
	if p = publish(t, r); p.Proposal != nil || p.Added != 1 {
		t.Fatalf("got %+v, want the publication", p)
	}
	if s := publishedIn(t, r, w.now); s.Witnesses.Have != 3 || s.AsOf != w.now {
		t.Errorf("published: %d witnesses as of %d, want 3 as of %d", s.Witnesses.Have, s.AsOf, w.now)
	}
}

// TestNoNetwork: without a network the publication waits, and comes once there is one.
func TestNoNetwork(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	publish(t, r)
	w.approve(r, officers[:2]...)
	w.cut, r.Witness.Patience = true, time.Second
	p := publish(t, r)
	if p.Proposal == nil || !p.Proposal.ForWitnesses() || len(p.Faults) != 3 || p.Faults[0].Kind != witness.Outage {
		t.Fatalf("got %+v, want a proposal that waits for witnesses", p)
	}
	w.cut, r.Witness.Patience = false, time.Minute
	if p = publish(t, r); p.Proposal != nil || len(p.Witnessed) != 3 {
		t.Fatalf("got %+v, want the publication", p)
	}
}

// TestHeartbeatWithoutWitnesses: a heartbeat that too few witnesses answer is kept, and goes out with those that answer later.
func TestHeartbeatWithoutWitnesses(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	publish(t, r)
	w.approve(r, officers[:2]...)
	publish(t, r)
	before := publishedIn(t, r, w.now)
	w.stop(witnesses[:2]...)
	w.now += hour
	if p := publish(t, r); p.Stale == "" || p.Heartbeat || p.Proposal != nil {
		t.Fatalf("got %+v, want no heartbeat", p)
	}
	if s := publishedIn(t, r, w.now); s.AsOf != before.AsOf {
		t.Errorf("as of %d, want %d", s.AsOf, before.AsOf)
	}
	middle := w.now
	w.stop(witnesses[1:]...)
	w.now += hour
	if p := publish(t, r); p.Stale != "" || !p.Heartbeat {
		t.Fatalf("got %+v, want a heartbeat", p)
	}
	if s := publishedIn(t, r, w.now); s.AsOf != middle {
		t.Errorf("as of %d, want %d, when the first of the two has signed", s.AsOf, middle)
	}
}

// TestHeartbeatSoonAfter: witnesses give the same cosignature out again for a while. What is that young is fresh, and nobody is told otherwise.
func TestHeartbeatSoonAfter(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	publish(t, r)
	w.approve(r, officers[:2]...)
	publish(t, r)
	first := w.now
	for _, step := range []struct{ later, asOf int64 }{{1, first}, {witness.SameFor - 1, first}, {witness.SameFor, first + witness.SameFor}} {
		w.now = first + step.later
		if p := publish(t, r); p.Stale != "" || !p.Heartbeat {
			t.Fatalf("after %d seconds: got %+v, want a heartbeat", step.later, p)
		}
		if s := publishedIn(t, r, w.now); s.AsOf != step.asOf {
			t.Errorf("after %d seconds: as of %d, want %d", step.later, s.AsOf, step.asOf)
		}
	}
}

// TestApproveRefuses: what is no approval of what is proposed is not taken.
func TestApproveRefuses(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	publish(t, r)
	c := proposed(t, r)
	other := c
	other.Root[0] ^= 1
	later := c
	later.Size += 2
	mine := w.approval(r, officers[0])
	for _, x := range []struct {
		name      string
		note      []byte
		overtaken bool
	}{
		{"another root", w.cosign(other, officers[0]), false},
		{"another size", w.cosign(later, officers[0]), true},
		{"a witness", w.cosign(c, witnesses[0]), false},
		{"a stranger", w.cosign(c, "dora.officer.test"), false},
		{"too old", w.cosignAt(c, officers[0], w.now-r.Trust.ApprovalAge-1), false},
		{"ahead", w.cosignAt(c, officers[0], w.now+600), false},
		{"damaged", slices.Concat(mine[:len(mine)-10], []byte("AAAAAAA==\n")), false},
		{"of another tree, put under this one", slices.Concat([]byte(c.Text()), w.cosign(other, officers[0])[len(c.Text()):]), false},
		{"no note", []byte("yes"), false},
	} {
		_, err := r.Approve(context.Background(), x.note)
		var e *ApprovalError
		if !errors.As(err, &e) || e.Overtaken != x.overtaken || x.overtaken && e.Size != c.Size {
			t.Errorf("%s: got %v", x.name, err)
		}
	}
	if p := publish(t, r); p.Proposal == nil || p.Proposal.Officers.Have != 0 {
		t.Errorf("got %+v, want no approvals", p)
	}
	for range 3 { // again and again is once
		if a := w.approve(r, officers[0]); a.Officers.Have != 1 {
			t.Errorf("got %+v, want one approval", a)
		}
	}
	w.approve(r, officers[1])
	publish(t, r)
	a, err := r.Approve(context.Background(), mine)
	if err != nil || !a.Published || !a.Officers.Met {
		t.Errorf("a replay after the publication: %+v, %v", a, err)
	}
}

// TestProposalOvertaken: what is pending takes a proposal's place by --anew, or after a day. Approvals of the old one are refused then.
func TestProposalOvertaken(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	publish(t, r)
	old := w.approval(r, officers[0])
	w.approve(r, officers[0])
	w.now += overtakeAfter - 1
	register(t, r, office, 5, 6)
	if p := publish(t, r); p.Proposal.Added != 1 || p.Proposal.Officers.Have != 1 {
		t.Fatalf("got %+v, want the proposal of before", p.Proposal)
	}
	w.now++
	if p := publish(t, r); p.Proposal.Added != 2 || p.Proposal.Officers.Have != 0 || !p.Heartbeat {
		t.Fatalf("got %+v, want a proposal of both, without approvals", p.Proposal)
	}
	var e *ApprovalError
	if _, err := r.Approve(context.Background(), old); !errors.As(err, &e) || !e.Overtaken || e.Size != proposed(t, r).Size {
		t.Errorf("got %v, want that it is overtaken", err)
	}
	register(t, r, office, 6, 7)
	p, err := r.PublishWith(context.Background(), Options{Anew: true})
	if err != nil || p.Proposal.Added != 3 {
		t.Fatalf("got %+v (%v), want a proposal of all three", p, err)
	}
	w.approve(r, officers[1:]...)
	p = publish(t, r)
	if p.Proposal != nil || p.Added != 3 {
		t.Fatalf("got %+v, want a publication of three", p)
	}
	verdicts(t, r, w.now, map[int]proofs.Verdict{3: proofs.Authentic, 5: proofs.Authentic, 6: proofs.Authentic})
	mustAudit(t, r, w.now)
	if p, err := r.PublishWith(context.Background(), Options{Anew: true}); err != nil || p.Proposal != nil || !p.Heartbeat {
		t.Errorf("nothing to overtake: %+v (%v)", p, err)
	}
}

// TestApprovalsByHand: publish takes approvals as files.
func TestApprovalsByHand(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	publish(t, r)
	p, err := r.PublishWith(context.Background(), Options{Approvals: [][]byte{w.approval(r, officers[0]), w.approval(r, officers[2])}})
	if err != nil || p.Proposal != nil || p.Added != 1 {
		t.Fatalf("got %+v (%v), want a publication", p, err)
	}
}

// TestRenewal: in the last quarter of the approvals' time the published tree is proposed again, and two fresh approvals carry it on.
func TestRenewal(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	publish(t, r)
	w.approve(r, officers[:2]...)
	publish(t, r)
	approved, age := w.now, r.Trust.ApprovalAge
	w.now = approved + age*3/4 - hour
	if p := publish(t, r); p.Proposal != nil || !p.Heartbeat {
		t.Fatalf("got %+v, want a heartbeat alone", p)
	}
	w.now = approved + age*3/4 + hour
	p := publish(t, r)
	if p.Proposal == nil || !p.Proposal.Renewal || p.Proposal.Officers.Have != 0 || !p.Heartbeat {
		t.Fatalf("got %+v, want a renewal", p)
	}
	w.approve(r, officers[2])
	if p = publish(t, r); p.Proposal == nil || p.Proposal.Officers.Have != 1 {
		t.Fatalf("got %+v, want a renewal with one approval", p)
	}
	w.now += hour
	w.approve(r, officers[0])
	if p = publish(t, r); p.Proposal != nil || !p.Heartbeat {
		t.Fatalf("got %+v, want a heartbeat alone", p)
	}
	if c := proposed(t, r); c.Size != 0 {
		t.Error("the renewal is still proposed")
	}
	w.now = approved + age + hour
	if p = publish(t, r); p.Stale != "" || !p.Heartbeat {
		t.Fatalf("got %+v, want a heartbeat", p)
	}
	w.now += age
	if p = publish(t, r); p.Stale == "" || p.Heartbeat || p.Proposal == nil {
		t.Fatalf("got %+v, want a renewal and no heartbeat: all approvals are too old", p)
	}
	w.approve(r, officers[:2]...)
	if p = publish(t, r); p.Stale != "" || !p.Heartbeat || p.Proposal != nil {
		t.Fatalf("got %+v, want a heartbeat", p)
	}
	publishedIn(t, r, w.now)
}
