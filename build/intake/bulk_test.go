package intake

import (
	"context"
	"testing"

	"stele/build/registry"
	"stele/proofs"
)

// TestBulkBeside: a list that the registry's own people have queued, longer than the intake's whole queue, keeps no revocation out.
func TestBulkBeside(t *testing.T) {
	d := open(t, setup{queue: 10})
	var list [][]byte
	for n := range 30 {
		list = append(list, d.registration(court, 100+n))
	}
	if err := d.r.Enqueue(context.Background(), list); err != nil {
		t.Fatal(err)
	}
	old := d.published(0)
	if _, out := d.post(d.registration(office, 200)); len(out) != 0 && out[0].State != registry.Deferred {
		t.Errorf("a registration: got %+v, want deferred", out)
	}
	d.must(registry.Pending, d.event(proofs.ActionRevoke, office, 0, old, "Forged."))
	d.must(registry.Pending, d.event(proofs.ActionSuspend, office, 1, d.published(1), ""))
	if a, out := d.post(d.event(proofs.ActionRevoke, office, 1, d.published(1), "A third.")); len(out) != 1 || out[0].State != registry.Deferred {
		t.Errorf("beyond the reserve of two: got %d %+v, want deferred", a.status, out)
	}
	d.publish()
	if err := d.in.Refresh(); err != nil {
		t.Fatal(err)
	}
	if n, _ := d.in.Pending(); n != 0 {
		t.Errorf("%d pending", n)
	}
	d.must(registry.Pending, d.event(proofs.ActionRevoke, office, 1, d.published(1), "A third."))
}
