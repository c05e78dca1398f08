package mirror

import (
	"path/filepath"
	"testing"

	"stele/proofs"
)

// TestRounds: a copy from a folder and over HTTP, of a registry that goes on, is the original's files, and passes its audit.
func TestRounds(t *testing.T) {
	for _, overHTTP := range []bool{false, true} {
		o := aRegistry(t)
		where := o.public()
		if overHTTP {
			where = serve(t, where)
		}
		m := openMirror(t, filepath.Join(t.TempDir(), "mirror"), where, o)
		m.mustRound(t, Adopted)
		same(t, m, o)
		if r := m.mustRound(t, Same); r.Files > 2 {
			t.Errorf("with nothing new, %d files were read", r.Files)
		}
		m = reopen(t, m, o)
		if r := m.mustRound(t, Same); r.Files > 2 {
			t.Errorf("with nothing new, the next process read %d files", r.Files)
		}
		o.publish(t, 0, 0)
		m.mustRound(t, Renewed)
		same(t, m, o)
		for i, end := range []int{701, 730, 1100} {
			o.publish(t, []int{700, 701, 730}[i], end)
			if i == 1 {
				o.publish(t, 0, 0) // two publications in one round
			}
			m.mustRound(t, Adopted)
			same(t, m, o)
		}
	}
}

func same(t testing.TB, m *Mirror, o *registrar) {
	t.Helper()
	equalPublished(t, o.public(), m.Public())
	if err := auditOf(t, m.Public(), o.trust(t), o.now); err != nil {
		t.Errorf("audit of the copy: %v", err)
	}
	for n, want := range map[int]proofs.Verdict{0: proofs.Authentic, 699: proofs.Authentic, 5000: proofs.NotRegistered} {
		if got := verdictOf(t, m.Public(), o.trust(t), o.now, n); got != want {
			t.Errorf("document %d: %s, want %s", n, got, want)
		}
	}
}
