package registry

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"stele/proofs"
)

// A guardedRun is a publication of a registry with officers and witnesses, to be interrupted.
type guardedRun struct {
	name   string
	make   func(w *town, r *Registry)               // what happens before
	run    func(w *town, r *Registry) error         // what is interrupted
	finish func(t *testing.T, w *town, r *Registry) // the runs after it, up to the end
	change bool                                     // of trust
}

func plainRun(_ *town, r *Registry) error { _, err := r.Publish(context.Background()); return err }

var guardedRuns = []guardedRun{
	{"propose", func(*town, *Registry) {}, plainRun, approveAll, false},
	{"publish", func(w *town, r *Registry) {
		publish(w, r)
		w.approve(r, officers[:2]...)
	}, plainRun, approveAll, false},
	{"overtake", func(w *town, r *Registry) {
		publish(w, r)
		w.now += overtakeAfter
		register(w, r, office, 4, 5)
	}, plainRun, approveAll, false},
	{"approve", func(w *town, r *Registry) { publish(w, r) }, func(w *town, r *Registry) error {
		_, err := r.PublishWith(context.Background(), Options{Approvals: [][]byte{w.approval(r, officers[0]), w.approval(r, officers[1])}})
		return err
	}, approveAll, false},
	{"heartbeat", func(w *town, r *Registry) {
		publish(w, r)
		w.approve(r, officers[:2]...)
		publish(w, r)
		w.now += hour
	}, plainRun, approveAll, false},
}

// TestRotationFaults fails every durable write of a change of trust: in the run that proposes it to the old officers, in that which
// proposes it to the new ones, and in that which publishes it.
func TestRotationFaults(t *testing.T) {
	for i, name := range []string{"to-the-old", "to-the-new", "publish"} {
		g := guardedRun{"change-" + name, func(w *town, r *Registry) {
			next := nextTrust(w, r, w.now)
			w.tellWitnesses(r.Trust, next)
			changeTrust(w, r, next)
			if i > 0 {
				publish(w, r)
				w.approve(r, officers[0], officers[1]) // the second is an officer of the next epoch too
			}
			if i > 1 {
				publish(w, r)
				w.approve(r, "dora.officer.test")
			}
		}, plainRun, finishRotation, true}
		t.Run(name, func(t *testing.T) { g.faults(t) })
	}
}

// finishRotation brings a change of trust to its end.
func finishRotation(t *testing.T, w *town, r *Registry) {
	t.Helper()
	for range 4 {
		w.now += 60
		p := publish(t, r)
		if p.Epoch == 2 {
			break
		}
		if p.Stale != "" || p.Proposal == nil || p.Proposal.ForWitnesses() || !p.Proposal.Change {
			t.Fatalf("got %+v", p)
		}
		w.approve(r, map[uint64][]string{1: officers, 2: {"dora.officer.test", officers[1]}}[p.Proposal.Epoch]...)
	}
	old := mustRead(t, r, proofs.TrustPath(1))
	first, err := proofs.ParseTrust(old)
	if err != nil {
		t.Fatal(err)
	}
	next := followed(t, r, first, w.now)
	if r = w.open(r.Dir); r.Trust.ID() != next.ID() {
		t.Fatalf("the registry is of epoch %d, want 2", r.Trust.Epoch)
	}
	publishedIn(t, r, w.now)
	w.afterRotation(r)
}

// approveAll publishes what is left, with all officers at hand.
func approveAll(t *testing.T, w *town, r *Registry) {
	t.Helper()
	w.now += 60
	for range 3 {
		p := publish(t, r)
		if p.Proposal == nil {
			break
		}
		if p.Stale != "" || p.Proposal.ForWitnesses() {
			t.Fatalf("got %+v", p)
		}
		w.approve(r, officers...)
	}
	w.now += 60
	if p := publish(t, r); p.Proposal != nil || !p.Heartbeat { // which forgets of the queue what is published
		t.Fatalf("got %+v, want a heartbeat", p)
	}
	verdicts(t, r, w.now, map[int]proofs.Verdict{0: proofs.Authentic, 3: proofs.Authentic})
	history(t, r, w.now)
	mustAudit(t, r, w.now)
	if n, err := r.Pending(); err != nil || n != 0 {
		t.Errorf("%d pending (%v), want none", n, err)
	}
	for name := range tree(t, r.path("state")) {
		switch name {
		case stateProposed, stateHeartbeat, stateUnfinished, stateTrustNext:
			t.Errorf("left behind: state/%s", name)
		}
	}
	if c := proposed(t, r); c.Size != 0 {
		t.Error("left behind: the proposal")
	}
}

// guardedImages makes each run's registry once.
var guardedImages sync.Map

func guardedImageOf(t *testing.T, g guardedRun) (dir string, now int64) {
	t.Helper()
	type made struct {
		once sync.Once
		now  int64
	}
	dir = filepath.Join(testDir, "guarded-"+g.name)
	m, _ := guardedImages.LoadOrStore(g.name, &made{})
	m.(*made).once.Do(func() {
		w, r := townOf(t)
		g.make(w, r)
		copyTree(t, r.Dir, dir)
		m.(*made).now = w.now
	})
	return dir, m.(*made).now
}

// begin copies a run's registry into a town of its own.
func (g guardedRun) begin(t *testing.T) (*town, *Registry) {
	t.Helper()
	from, now := guardedImageOf(t, g)
	dir := t.TempDir()
	copyTree(t, from, dir)
	r := openAt(t, dir, now)
	w := newTown(t, r.Trust)
	w.now = now
	if next, err := r.nextTrust(); err != nil {
		t.Fatal(err)
	} else if next != nil {
		w.tellWitnesses(r.Trust, next)
	}
	return w, w.open(dir)
}

// TestGuardedFaults fails every durable write of these runs, every other time with what was not synced lost. What is published
// stays whole, and the runs after it finish what was begun.
func TestGuardedFaults(t *testing.T) {
	for _, g := range guardedRuns {
		t.Run(g.name, func(t *testing.T) { g.faults(t) })
	}
}

func (g guardedRun) faults(t *testing.T) {
	w, r := g.begin(t)
	list := pointsOf(r, func() {
		if err := g.run(w, r); err != nil {
			t.Fatal(err)
		}
	})
	g.finish(t, w, r)
	if len(list) < 10 {
		t.Fatalf("only %d fault points", len(list))
	}
	for i, p := range list {
		if p.when == "after" && i < len(list)-1 { // failed after one write is failed before the next: the run ends either way
			continue
		}
		name := fmt.Sprintf("%02d-%s-%s", i+1, p.when, short(p.path))
		t.Run(name, func(t *testing.T) { t.Parallel(); g.interrupt(t, i+1, i%4 == 0) })
	}
}

func (g guardedRun) interrupt(t *testing.T, at int, power bool) {
	w, r := g.begin(t)
	b := &breaker{at: at, public: r.Public()}
	r.fault = b.fault
	if err := g.run(w, r); !errors.Is(err, errFault) {
		t.Fatalf("got %v, want the fault", err)
	}
	if power {
		b.loseUnsynced(t)
	}
	noTemporaryFiles(t, r)
	r = w.open(r.Dir)
	if head := readHead(t, r); head == nil {
		t.Error("the published head is gone")
	}
	if !g.change { // while the trust file changes, what has been written of the new epoch is nothing to an auditor of the old
		mustAudit(t, r, w.now)
	}
	verdicts(t, r, w.now, map[int]proofs.Verdict{0: proofs.Authentic}) // as a citizen asks, who follows
	g.finish(t, w, r)
}
