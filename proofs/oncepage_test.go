//go:build js || page

package proofs

import (
	"bytes"
	"fmt"
	"testing"
)

// What was good once is not computed again; whatever differs from it in one byte is, wherever one part ends and the next begins.
func TestVerifyOnce(t *testing.T) {
	public, message, signature := []byte("public key"), []byte("message"), []byte("signature")
	computed := 0
	verify := func(p, m, s []byte) bool {
		computed++
		return bytes.Equal(p, public) && bytes.Equal(m, message) && bytes.Equal(s, signature)
	}
	ask := func(kind KeyType, p, m, s []byte) (good, again bool) {
		before := computed
		good = verifyOnce(kind, verify, p, m, s)
		return good, computed > before
	}
	for i, want := range []bool{true, false, false} {
		if good, computes := ask(Ed25519Key, public, message, signature); !good || computes != want {
			t.Errorf("time %d: got good %v, computed %v, want true, %v", i+1, good, computes, want)
		}
	}
	if _, computes := ask(MLDSA44Key, public, message, signature); !computes {
		t.Error("the same bytes of another kind are taken for what was verified")
	}
	altered := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	for at := range public {
		neverGood(t, ask, altered(public, at), message, signature)
	}
	for at := range message {
		neverGood(t, ask, public, altered(message, at), signature)
	}
	for at := range signature {
		neverGood(t, ask, public, message, altered(signature, at))
	}
	// The same bytes in a row, parted elsewhere: key, signature, message.
	row := append(append(bytes.Clone(public), signature...), message...)
	for i := range row {
		for j := i; j <= len(row); j++ {
			if i != len(public) || j != len(public)+len(signature) {
				neverGood(t, ask, row[:i], row[j:], row[i:j])
			}
		}
	}
}

// neverGood asks twice for what is not good: neither time is it taken for good, and both times it is computed.
func neverGood(t *testing.T, ask func(KeyType, []byte, []byte, []byte) (bool, bool), p, m, s []byte) {
	t.Helper()
	for range 2 {
		if good, computes := ask(Ed25519Key, p, m, s); good || !computes {
			t.Fatalf("key %q, message %q, signature %q: got good %v, computed %v, want false, true", p, m, s, good, computes)
		}
	}
}

// However many signatures a page meets, what it remembers of them is bounded.
func TestVerifyOnceBounded(t *testing.T) {
	good := func(p, m, s []byte) bool { return true }
	for i := range 3 * verifiedLimit {
		verifyOnce(Ed25519Key, good, nil, fmt.Append(nil, i), nil)
		if n := len(verified.sums); n > verifiedLimit {
			t.Fatalf("after %d signatures: %d are remembered, want at most %d", i+1, n, verifiedLimit)
		}
	}
}
