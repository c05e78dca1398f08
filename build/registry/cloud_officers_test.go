package registry

import (
	"path/filepath"
	"testing"
	"time"

	"stele/build/storage/storagetest"
	"stele/proofs"
)

// TestCloudOfficers: of three machines that share a registry, one proposes, one without keys takes the approvals, and the third
// publishes. After a change of trust by one, the others follow.
func TestCloudOfficers(t *testing.T) {
	t.Parallel()
	s := storagetest.Start(t)
	dirs := machinesInCloud(t, s, 3)
	for _, dir := range dirs {
		guardRegistry(t, dir, 2, 2)
	}
	remove(t, filepath.Join(dirs[2], "keys"))
	w := newTown(t, openAt(t, dirs[0], start).Trust)
	front := func() *Registry {
		r, err := Look(dirs[2])
		if err != nil {
			t.Fatal(err)
		}
		r.Now = func() time.Time { return time.Unix(w.now, 0) }
		return r
	}
	round := func(n int) {
		t.Helper()
		w.now += hour
		register(t, w.open(dirs[0]), office, n, n+1)
		if p := publish(t, w.open(dirs[0])); p.Proposal == nil {
			t.Fatalf("got %+v, want a proposal", p)
		}
		w.approve(front(), officers[1], officers[2])
		if p := publish(t, w.open(dirs[1])); p.Proposal != nil {
			t.Fatalf("got %+v, want a publication", p)
		}
		verdicts(t, front(), w.now, map[int]proofs.Verdict{n: proofs.Authentic, n + 1: proofs.NotRegistered})
		mustAudit(t, front(), w.now)
	}
	round(0)
	round(1)

	r := w.open(dirs[0])
	old, next := r.Trust, nextTrust(t, r, w.now)
	w.tellWitnesses(old, next)
	changeTrust(t, r, next)
	publish(t, r)
	copyTree(t, filepath.Join(dirs[0], "keys"), filepath.Join(dirs[1], "keys"))
	w.approve(front(), officers...) // two of whom are officers of the next epoch too
	for i, dir := range dirs[:2] {
		if p := publish(t, w.open(dir)); p.Epoch != 2 {
			t.Errorf("machine %d: %+v, want the second epoch", i, p)
		}
	}
	if r := front(); r.Trust.ID() != next.ID() {
		t.Errorf("the front end is of epoch %d", r.Trust.Epoch)
	}
	round(2)
}
