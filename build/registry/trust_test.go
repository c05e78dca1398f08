package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stele/build/keys"
	"stele/proofs"
)

// withOne makes a registry with one publication.
func withOne(t *testing.T) *Registry {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "registry")
	makeSecond(t, dir)
	return openAt(t, dir, start+hour)
}

// signedChange prepares a change, and signs it.
func signedChange(t *testing.T, r *Registry, c TrustChange) (next *proofs.Trust, statement []byte) {
	t.Helper()
	next, _, err := r.NextTrust(c)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := r.Ring()
	if err != nil {
		t.Fatal(err)
	}
	j := r.TrustStatement(next)
	if _, err := j.Sign(ring, r.Trust); err != nil || j.Missing(r.Trust) != 0 {
		t.Fatal(err, j.Missing(r.Trust))
	}
	return next, j.Entry()
}

// wantChange holds that a change is under way, or none.
func wantChange(t *testing.T, r *Registry, next *proofs.Trust, want Stage) {
	t.Helper()
	got, stage, err := r.Changing()
	switch {
	case next == nil && !errors.Is(err, fs.ErrNotExist):
		t.Errorf("got %v, want no change under way", err)
	case next != nil && (err != nil || got.ID() != next.ID() || stage != want):
		t.Errorf("%v, %v, want %v", stage, err, want)
	}
}

// TestChangeTrust: queued once however often it is handed in; while it is under way there is no other; taken back, nothing is left.
func TestChangeTrust(t *testing.T) {
	r, ctx := withOne(t), context.Background()
	waiting, err := r.Pending()
	if err != nil {
		t.Fatal(err)
	}
	next, statement := signedChange(t, r, TrustChange{Title: "Another", NewKeys: []keys.Role{keys.Log}})
	if next.FinalSize == 0 || next.Eras[0].Last != next.FinalSize {
		t.Errorf("final %d, era %+v", next.FinalSize, next.Eras)
	}
	other, otherStatement := signedChange(t, r, TrustChange{Title: "A third"})
	for range 2 {
		if err := r.ChangeTrust(ctx, next, statement); err != nil {
			t.Fatal(err)
		}
		wantChange(t, r, next, ChangePending)
	}
	if n, err := r.Pending(); err != nil || n != waiting+1 {
		t.Errorf("%d statements wait (%v), want %d", n, err, waiting+1)
	}
	if err := r.ChangeTrust(ctx, other, otherStatement); !errors.Is(err, ErrChanging) {
		t.Errorf("a second change: got %v, want it refused", err)
	}
	if _, _, err := r.NextTrust(TrustChange{Title: "A fourth"}); !errors.Is(err, ErrChanging) {
		t.Errorf("preparing another: got %v, want it refused", err)
	}
	if err := r.CancelTrust(ctx); err != nil {
		t.Fatal(err)
	}
	wantChange(t, r, nil, "")
	if n, err := r.Pending(); err != nil || n != waiting {
		t.Errorf("%d statements wait (%v), want %d", n, err, waiting)
	}
	again, _ := signedChange(t, r, TrustChange{NewKeys: []keys.Role{keys.Log}})
	if string(again.PolicyText) != string(next.PolicyText) {
		t.Error("another log key was made, although the first is in no trust file")
	}
}

// TestChangeTrustRefused: what the root has not signed so, or what the ledger has left behind, is not queued.
func TestChangeTrustRefused(t *testing.T) {
	r, ctx := withOne(t), context.Background()
	next, statement := signedChange(t, r, TrustChange{Title: "Another"})
	other, _ := signedChange(t, r, TrustChange{Title: "A third"})
	if err := r.ChangeTrust(ctx, other, statement); err == nil {
		t.Error("a statement about another trust file was taken")
	}
	unsigned := r.TrustStatement(next)
	if err := r.ChangeTrust(ctx, next, unsigned.Entry()); err == nil {
		t.Error("a statement without signatures was taken")
	}
	wantChange(t, r, nil, "")
	register(t, r, office, 50, 51)
	r.Now = func() time.Time { return time.Unix(start+2*hour, 0) }
	publish(t, r)
	var e *Error
	if err := r.ChangeTrust(ctx, next, statement); !errors.As(err, &e) || e.Hint != "prepare it anew: stele trust change" {
		t.Errorf("got %v, want it refused: the ledger has grown", err)
	}
	wantChange(t, r, nil, "")
}

// TestChangeTrustNobodyCouldMeet: a policy that asks for somebody who is never asked would hold the registry for ever, since nothing is taken out of the
// ledger.
func TestChangeTrustNobodyCouldMeet(t *testing.T) {
	r := withOne(t)
	o, w := testKey(t, "o.test", proofs.MLDSA44Key), testKey(t, "w.test", proofs.MLDSA44Key)
	policy := func(url string) []byte {
		return fmt.Appendf(nil, "witness o %s\nwitness w %s%s\ngroup both all o w\nquorum both\n", o, w, url)
	}
	const at = " http://127.0.0.1:9"
	for why, c := range map[string]struct {
		roles Roles
		want  string
	}{
		"all are asked":             {Roles{Policy: policy(at), OfficersAre: "o", WitnessesAre: "w"}, ""},
		"an officer as well":        {Roles{Policy: policy(""), OfficersAre: "both"}, ""},
		"in no role":                {Roles{Policy: policy(at), OfficersAre: "o"}, "neither an officer nor a witness"},
		"no officers":               {Roles{Policy: policy(at), WitnessesAre: "w"}, "neither an officer nor a witness"},
		"a witness without address": {Roles{Policy: policy(""), OfficersAre: "o", WitnessesAre: "w"}, "too few of the witnesses have an address"},
		"one without, one by one":   {Roles{Witnesses: []Cosigner{{Name: "w.test", Keys: []*proofs.Key{w}}}}, "too few of the witnesses have an address"},
		"one of two, and one is asked": {Roles{NeedWitnesses: 1, Witnesses: []Cosigner{{Name: "w.test", Keys: []*proofs.Key{w}, URL: "http://127.0.0.1:9"},
			{Name: "o.test", Keys: []*proofs.Key{o}}}}, ""},
	} {
		_, _, err := r.NextTrust(TrustChange{Roles: c.roles})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", why, err, c.want)
		}
	}
}

// TestChangeTrustFaults: wherever queueing or cancelling breaks off, doing it again brings it to its end.
func TestChangeTrustFaults(t *testing.T) {
	broken := errors.New("broken")
	r, ctx := withOne(t), context.Background()
	next, statement := signedChange(t, r, TrustChange{Title: "Another"})
	for _, do := range []func() error{
		func() error { return r.ChangeTrust(ctx, next, statement) },
		func() error { return r.CancelTrust(ctx) },
	} {
		failed := 0
		for n := 1; ; n++ {
			left := n
			r.fault = func(string, string) error {
				if left--; left == 0 {
					return broken
				}
				return nil
			}
			err := do()
			if err == nil {
				break
			}
			if failed++; !errors.Is(err, broken) {
				t.Fatalf("fault %d: %v", n, err)
			}
			if got, _, err := r.Changing(); err == nil && got.ID() != next.ID() || err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("after fault %d: %v", n, err)
			}
			if batch, err := r.trustBatch(); err != nil || batch != nil {
				if _, _, err := r.Changing(); err != nil {
					t.Errorf("fault %d has left the statement without the trust file", n)
				}
			}
			if _, _, err := r.Changing(); errors.Is(err, fs.ErrNotExist) && failed > 1 {
				break // cancelled, although the last step told otherwise
			}
		}
		if failed == 0 {
			t.Error("no write could fail")
		}
		r.fault = func(string, string) error { return nil }
	}
	wantChange(t, r, nil, "")
	if batch, err := r.trustBatch(); batch != nil || err != nil {
		t.Errorf("left in the queue: %v, %v", batch, err)
	}
}
