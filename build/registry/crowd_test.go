package registry

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"stele/build/index"
	"stele/proofs"
)

// TestCrowdedSlotIsRefused: what would crowd a slot is kept out, a revocation never.
func TestCrowdedSlotIsRefused(t *testing.T) {
	entry := func(action string) *proofs.Entry {
		return &proofs.Entry{Bytes: []byte("x"), Statement: &proofs.Statement{Action: action}}
	}
	for _, action := range []string{proofs.ActionRegister, proofs.ActionLink, proofs.ActionSupersede} {
		if err := fits(entry(action), nil, true); err == nil || !strings.Contains(err.Error(), "slot") {
			t.Errorf("%s into a crowded slot: %v", action, err)
		}
	}
	for _, action := range []string{proofs.ActionRevoke, proofs.ActionSuspend, proofs.ActionRestore} {
		if err := fits(entry(action), nil, true); err != nil {
			t.Errorf("%s into a crowded slot: %v", action, err)
		}
	}
}

// TestCrowdIsNoticed: keys ground into one slot are noticed as they are loaded, an ordinary bulk is not.
func TestCrowdIsNoticed(t *testing.T) {
	r, _ := registryOf(t, 3)
	state, err := r.loadState()
	if err != nil {
		t.Fatal(err)
	}
	ix, err := index.Open(r.Trust, r.store(), state)
	if err != nil {
		t.Fatal(err)
	}
	v := r.newVetter(ix, 0, nil)
	var keys []proofs.Hash
	added := map[proofs.Hash]int{}
	for i := range 50 { // fewer than two halves of 64: they cannot part
		keys = append(keys, proofs.Hash{31: byte(i)})
		added[keys[i]] = 30000
	}
	for cut := range len(keys) + 1 { // wherever the work is parted
		v.crowded = map[proofs.Hash]bool{}
		for _, part := range [][2]int{{0, cut}, {cut, len(keys)}} {
			if err := v.loadSorted(keys, part[0], part[1], added); err != nil {
				t.Fatal(err)
			}
		}
		if len(v.crowded) != len(keys) {
			t.Errorf("%d keys of %d are noticed as crowding, parted at %d", len(v.crowded), len(keys), cut)
		}
	}
	v.crowded = map[proofs.Hash]bool{}
	for k := range added {
		added[k] = 500
	}
	if err := v.loadSorted(keys, 0, len(keys), added); err != nil || len(v.crowded) != 0 {
		t.Errorf("ordinary keys: %d crowded, %v", len(v.crowded), err)
	}
}

// TestFirstBulk: an office's first publication may be a large one, however many processors part the work.
func TestFirstBulk(t *testing.T) {
	for _, processors := range []int{1, 2, 3, 7} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		r, err := Init(t.TempDir(), Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: time.Hour}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Accredit(office, "Office", []string{"letter"}); err != nil {
			t.Fatal(err)
		}
		const n = 6000
		if err := r.enqueue(signedStatements(t, r, 0, n)); err != nil {
			t.Fatal(err)
		}
		p, err := r.Publish(context.Background())
		if err != nil || len(p.Refused) > 0 || p.Keys != n {
			t.Fatalf("%d processors: %d keys of %d, %d refused: %v", processors, p.Keys, n, len(p.Refused), err)
		}
	}
}
