package index

import (
	"fmt"
	"slices"
	"testing"

	"stele/proofs"
)

// TestAuthorise: together, entries are let through or refused as one by one, with the same errors.
func TestAuthorise(t *testing.T) {
	h := newHistory(t, NewMemory(), 11)
	for range 2500 {
		h.step()
		if h.rand.IntN(3) == 0 {
			h.wild()
		}
		if h.rand.IntN(300) == 0 {
			h.publish()
		}
	}
	entries := slices.Clone(h.entries)
	for range 40 { // defects that only the signature shows, and others
		i := h.rand.IntN(len(entries))
		e := slices.Clone(entries[i])
		if note, err := proofs.ParseNote(e); err == nil && h.rand.IntN(4) > 0 {
			note.Signatures[0].Bytes[h.rand.IntN(len(note.Signatures[0].Bytes))] ^= 1
			e = note.Marshal()
		} else {
			e[h.rand.IntN(len(e))] ^= 1
		}
		entries[i] = e
	}
	const first = 7
	as, one, refused := proofs.Authorities{}, proofs.Authorities{}, 0
	seen := 0
	Authorise(h.trust, as, first, entries, func(i int, e *proofs.Entry, err error) bool {
		if i != seen {
			t.Fatalf("entry %d is told after %d", i, seen-1)
		}
		seen++
		want, errWant := h.trust.Authorise(one, first+uint64(i), entries[i])
		if fmt.Sprint(err) != fmt.Sprint(errWant) || (e == nil) != (want == nil) || e != nil && (e.Place != want.Place || e.Leaf != want.Leaf) {
			t.Errorf("entry %d:\n%s\ngot %v, want %v", i, entries[i], err, errWant)
		}
		if want != nil && want.Envelope.Issuer == h.trust.RootName() {
			one.Apply(want)
		}
		if err != nil {
			refused++
		}
		return true
	})
	if seen != len(entries) || refused < 40 || refused > len(entries)/2 {
		t.Errorf("%d entries of %d, %d refused", seen, len(entries), refused)
	}
}
