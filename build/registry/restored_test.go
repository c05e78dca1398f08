package registry

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"stele/proofs"
)

// A restored registry was put back, in parts, to what it was before its proposal.
var restorations = []struct {
	name    string
	parts   []string
	refused string // what the refusal names; empty where the next publication heals it
}{
	{"state", []string{"state"}, ""},
	{"the proposal's lines", []string{"state/proposed"}, ""},
	{"the index of the published tree", []string{"state/published"}, ""},
	{"state and ledger", []string{"state", "ledger"}, "ledger/proposal"},
	{"ledger", []string{"ledger"}, "/ledger"},
	{"public", []string{"public"}, ""},
	{"state and public", []string{"state", "public"}, ""},
	{"index", []string{"state/index"}, ""},
}

// TestRestoredWhileWaiting: a snapshot from before the proposal signs no second tree of its size; what is only behind goes on.
func TestRestoredWhileWaiting(t *testing.T) {
	t.Parallel()
	before, after := filepath.Join(t.TempDir(), "before"), filepath.Join(t.TempDir(), "after")
	w, r := townOf(t)
	copyTree(t, r.Dir, before)
	publish(t, r)
	c := proposed(t, r)
	register(t, r, office, 9, 10) // it would make another tree
	copyTree(t, r.Dir, after)
	copyTree(t, filepath.Join(after, "pending"), filepath.Join(before, "pending"))
	for _, x := range restorations {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			copyTree(t, after, dir)
			for _, part := range x.parts {
				if _, err := os.Stat(filepath.Join(before, part)); err != nil {
					remove(t, filepath.Join(dir, part))
					continue
				}
				replaceTree(t, filepath.Join(before, part), filepath.Join(dir, part))
			}
			now := w.now
			w := newTown(t, r.Trust) // witnesses that have seen nothing of the other restorations
			w.now = now
			r := w.open(dir)
			p, err := r.Publish(context.Background())
			var e *Error
			switch {
			case x.refused != "":
				if !errors.As(err, &e) || e.Hint == "" || !strings.Contains(err.Error(), x.refused) {
					t.Fatalf("got %+v, %v; want a refusal that names %s", p, err, x.refused)
				}
				if got := proposed(t, r); got != c {
					t.Errorf("the proposal is now of size %d", got.Size)
				}
				return
			case err != nil:
				t.Fatal(err)
			case p.Proposal == nil || p.Proposal.Checkpoint != c || p.Proposal.Added != 1 || !p.Heartbeat:
				t.Fatalf("got %+v, want the same proposal and a heartbeat", p)
			}
			mustAudit(t, r, w.now)
			w.approve(r, officers[:2]...)
			if p := publish(t, r); p.Proposal != nil || p.Added != 1 {
				t.Fatalf("got %+v, want the publication", p)
			}
			verdicts(t, r, w.now, map[int]proofs.Verdict{0: proofs.Authentic, 3: proofs.Authentic, 9: proofs.NotRegistered})
			mustAudit(t, r, w.now)
		})
	}
}

// TestTwoPublishers: several at once wait for one another; there is one proposal, and one publication.
func TestTwoPublishersWaiting(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	several := func() (all []*Publication) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 3 {
			one := w.open(r.Dir)
			wg.Go(func() {
				p, err := one.Publish(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, p)
			})
		}
		wg.Wait()
		return all
	}
	for _, p := range several() {
		if p.Proposal == nil || p.Proposal.Checkpoint != proposed(t, r) {
			t.Errorf("got %+v, want the proposal", p)
		}
	}
	w.approve(r, officers[:2]...)
	published := 0
	for _, p := range several() {
		if p.Added == 1 && p.Number == 2 {
			published++
		} else if !p.Heartbeat {
			t.Errorf("got %+v, want a heartbeat", p)
		}
	}
	if published != 1 {
		t.Errorf("published %d times, want once", published)
	}
	mustAudit(t, r, w.now)
}

// TestSupersededWhileWaiting: what the published head leads to stays however long a proposal waits, and for the grace period after
// the publication.
func TestSupersededWhileWaiting(t *testing.T) {
	t.Parallel()
	w, r := townOf(t)
	publish(t, r)
	slot := filepath.Join(r.Dir, theSlot(t, r.Dir)) // of the published head
	there := func(want bool, when string) {
		t.Helper()
		if _, err := os.Stat(slot); (err == nil) != want {
			t.Errorf("%s: there: %t, want %t", when, err == nil, want)
		}
	}
	for range 3 {
		w.now += 4 * 24 * hour // which the officers' approvals do not last
		publish(t, r)
		there(true, "while the proposal waits")
	}
	w.approve(r, officers[:2]...)
	if p := publish(t, r); p.Proposal != nil {
		t.Fatalf("got %+v, want the publication", p)
	}
	w.now += hour
	publish(t, r)
	there(true, "an hour after the publication")
	w.now += collectAfter
	w.approve2(r)
	publish(t, r)
	w.now += hour
	publish(t, r)
	there(false, "after the grace period")
	mustAudit(t, r, w.now)
}

// approve2 has two officers approve the published tree anew.
func (w *town) approve2(r *Registry) {
	w.Helper()
	c, _, err := r.signed()
	if err != nil {
		w.Fatal(err)
	}
	for _, by := range officers[:2] {
		if _, err := r.Approve(context.Background(), w.cosign(*c, by)); err != nil {
			w.Fatal(err)
		}
	}
}
