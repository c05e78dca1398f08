package site

import "testing"

// TestShortCache: what changes is asked for anew each time, and a proposal changes with every approval.
func TestShortCache(t *testing.T) {
	for name, immutable := range map[string]bool{
		"ledger/head": false, "ledger/checkpoint": false, "ledger/proposal": false, "trust/proposed": false, "trust/2": false, "trust/2.tlog-proof": false, "policy": false,
		"ledger/history/list": false, "ledger/history/7/abc": true, "ledger/tile/0/000": true, "index/ab/abcd": true,
	} {
		kind, cache := Headers(name)
		if want := "no-cache"; !immutable && cache != want {
			t.Errorf("%s: %q, want %q", name, cache, want)
		}
		if immutable && cache != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %q", name, cache)
		}
		if kind == "" {
			t.Errorf("%s: no type", name)
		}
	}
}
