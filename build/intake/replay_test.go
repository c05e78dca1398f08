package intake

import "testing"

// TestReplayedByOthers: what an issuer has published anybody can send again. That uses up the sender's share, not the issuer's.
func TestReplayedByOthers(t *testing.T) {
	limits := DefaultLimits
	limits.IssuerRate, limits.IssuerBurst = 0.01, 3
	d := open(t, setup{limits: limits})
	old := d.published(0)
	stranger := func(entry []byte) int {
		return d.from("203.0.113.9", entry).StatusCode
	}
	for i, want := range []int{200, 200, 200, 429} {
		if got := stranger(old); got != want {
			t.Errorf("replay %d: got %d, want %d", i, got, want)
		}
	}
	if a, _ := d.post(d.registration(office, 15), d.registration(office, 16), d.registration(office, 17)); a.status != 202 {
		t.Errorf("the issuer's own: got %d %s, want 202", a.status, a.body)
	}
}
