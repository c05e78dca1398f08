package mirror

import (
	"context"
	"path/filepath"
	"testing"

	"stele/build/follow/followtest"
	"stele/proofs"
)

// rotated is a registry whose log has another key since its third publication.
func rotated(t testing.TB, base *followtest.Registry) *followtest.Registry {
	_, _, after := base.Clone().Rotate(nextPolicy)
	return after
}

var nextPolicy = followtest.Policy{Officers: []string{"two", "three"}, Needed: 2, Witnesses: []string{"w1", "w2"}, Seen: 1}

// TestWhileKeysChange: a mirror that reads while the log's keys are changed, wherever that falls, goes on with them in that round, or, where the next trust file was
// out and nothing else of it yet, in the next.
func TestWhileKeysChange(t *testing.T) {
	base := first(t)
	before, between, after := base.Clone().Rotate(nextPolicy)
	for _, begun := range []bool{true, false} {
		for n := 0; ; n++ {
			s := newStand(t, base)
			m := openStand(t, filepath.Join(t.TempDir(), "mirror"), s, base.Trust)
			if begun {
				m.mustRound(t, Adopted)
			}
			m.Now = after.Clock
			turning := &followtest.Turning{Steps: []*followtest.Registry{before, after}, For: []int{n}}
			s.showAs(turning)
			r, err := m.Round(context.Background())
			if err != nil {
				t.Fatalf("begun %t, changed after %d reads: %v", begun, n, err)
			}
			if turning.Reads() <= n {
				break
			}
			if r.Size != after.Size() {
				m.mustRound(t, Adopted)
			}
			wholeCopy(t, m, after)
			turning = &followtest.Turning{Steps: []*followtest.Registry{before, between, after}, For: []int{n, 1 + n%5}}
			m = openStand(t, filepath.Join(t.TempDir(), "mirror"), s, base.Trust)
			m.Now = after.Clock
			s.showAs(turning)
			if _, err := m.Round(context.Background()); err != nil && Accuses(err) {
				t.Fatalf("begun %t, changed after %d reads: %v", begun, n, err)
			}
			if _, err := m.Round(context.Background()); err != nil {
				t.Fatalf("begun %t, changed after %d reads, in the next round: %v", begun, n, err)
			}
			wholeCopy(t, m, after)
		}
	}
}

// TestEpochs: a mirror that was given the first trust file goes on through a change of keys, is whole for whoever has the first or the second, and remembers it.
func TestEpochs(t *testing.T) {
	for _, begun := range []bool{true, false} {
		base := first(t)
		after := rotated(t, base)
		s := newStand(t, base)
		dir := filepath.Join(t.TempDir(), "mirror")
		m := openStand(t, dir, s, base.Trust)
		if begun {
			m.mustRound(t, Adopted)
		}
		s.show(after)
		m.Now = after.Clock
		m.mustRound(t, Adopted)
		wholeCopy(t, m, after)
		for _, path := range []string{proofs.TrustPath(1), proofs.TrustPath(2), proofs.HandoverPath(2)} {
			if read(t, m, path) == nil {
				t.Errorf("begun %t: the copy has no %s", begun, path)
			}
		}
		must(t, m.Close())
		m = openStand(t, dir, s, base.Trust)
		if m.Trust.Epoch != 2 {
			t.Errorf("begun %t: opened again with the first trust file, it is of epoch %d", begun, m.Trust.Epoch)
		}
		m.mustRound(t, Same)
		more := after.Clone()
		more.Register(followtest.Office, 900, 905)
		more.Publish()
		s.show(more)
		m.Now = more.Clock
		m.mustRound(t, Adopted)
		wholeCopy(t, m, more)

		// The keys that were retired sign a ledger of their own.
		stolen := base.Clone()
		stolen.Register(followtest.Office, 1000, 1600)
		stolen.Publish()
		s.show(stolen)
		m.Now = more.Clock
		if _, err := m.Round(context.Background()); err == nil || Accuses(err) {
			t.Errorf("begun %t: what retired keys have signed: got %v, want it to be told as not signed for", begun, err)
		}
		wholeCopy(t, m, more)
	}
}
