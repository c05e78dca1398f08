package registry

import (
	"testing"
)

// TestQueuedTwice: a statement that two machines have queued at once is in the ledger once, and nobody is told of a refusal.
func TestQueuedTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	one := statementOf(t, r, 900)
	for _, batch := range [][][]byte{{one, statementOf(t, r, 901)}, {one}, {statementOf(t, r, 902), one}} {
		if err := r.enqueue(batch); err != nil {
			t.Fatal(err)
		}
	}
	if p := publish(t, r); p.Added != 3 {
		t.Errorf("added %d, want 3", p.Added)
	}
	statements(t, r, mustAudit(t, r, heartbeat.now).Size)
	if err := r.enqueue([][]byte{one}); err != nil {
		t.Fatal(err)
	}
	if p := publish(t, openAt(t, dir, heartbeat.now+hour)); p.Added != 0 || !p.Heartbeat {
		t.Errorf("added %d, want a heartbeat", p.Added)
	}
}
