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
	r := base.Clone()
	old := r.Trust
	next := r.ChangeTrust(func(next *proofs.Trust) {
		r.SetPolicy(next, followtest.Policy{Officers: []string{"two", "three"}, Needed: 2, Witnesses: []string{"w1", "w2"}, Seen: 1})
	})
	r.Trust = old
	r.End(nil)
	handover := r.Sign(r.Everybody()...)
	r.Handover(next, handover)
	r.Release(r.Sign(r.Everybody()...))
	return r
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
