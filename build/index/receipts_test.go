package index

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"stele/proofs"
)

// sayRaw signs any text.
func (r *testRegistry) sayRaw(text string, by ...proofs.Signer) proofs.Hash {
	n, err := proofs.SignNote(text, by...)
	must(r.t, err)
	return r.append(n.Marshal())
}

// wild says what history does not: links with countersignatures, root's events, things not understood, lines too many, later withdrawals.
func (h *history) wild() {
	if len(h.said) == 0 {
		h.step()
		return
	}
	last := h.said[max(0, len(h.said)-1-h.rand.IntN(30))]
	doc, leaf := last[0].(int), last[1].(proofs.Hash)
	a, b := h.name(), h.name()
	switch h.rand.IntN(9) {
	case 0, 1: // a link of another with a countersignature
		s := &proofs.Statement{Action: proofs.ActionLink, Issuer: a, Document: document(doc), After: &leaf, Relation: "custody"}
		if h.rand.IntN(2) == 0 {
			s.Target = document(h.rand.IntN(h.docs + 2))
		}
		by := []proofs.Signer{h.keys[a], h.keys[b]}
		if h.rand.IntN(8) == 0 {
			by = append(by, h.keys[h.name()])
		}
		if h.rand.IntN(8) == 0 {
			by[1] = testSigner(h.t, "stranger.example", proofs.Ed25519Key)
		}
		if len(by) == 3 && (by[2] == by[1] || by[2] == by[0]) || by[0] == by[1] {
			by = by[:1]
		}
		h.said = append(h.said, [2]any{doc, h.say(s, by...)})
	case 2, 3: // the root's
		actions := []string{proofs.ActionRevoke, proofs.ActionSuspend, proofs.ActionRestore, proofs.ActionSupersede, proofs.ActionLink}
		s := &proofs.Statement{Action: actions[h.rand.IntN(5)], Issuer: h.root.Key().Name, Document: document(doc), After: &leaf}
		if s.Action == proofs.ActionSupersede {
			s.Successor = document(h.rand.IntN(h.docs + 2))
		} else if s.Action == proofs.ActionLink {
			s.Relation = "x"
		}
		h.said = append(h.said, [2]any{doc, h.say(s, h.root)})
	case 4: // not understood
		text := fmt.Sprintf("stele.statement/2\nregistry %s\n%s\nissuer %s\ndocument sha256:%s\nx %d\n", testOrigin, []string{"register", "open", "revoke"}[h.rand.IntN(3)], a, document(doc).Digests.SHA256, h.rand.Uint32())
		by := []proofs.Signer{h.keys[a]}
		if b != a && h.rand.IntN(2) == 0 {
			by = append(by, h.keys[b])
		}
		if h.rand.IntN(4) == 0 {
			h.sayRaw(text, by...)
		}
	case 5: // a line too many on what is understood
		if a != b {
			s := &proofs.Statement{Action: proofs.ActionRevoke, Issuer: a, Document: document(doc), After: &leaf}
			h.say(s, h.keys[a], h.keys[b])
		}
	case 6: // successor, then supersede, by the same registrant
		h.said = append(h.said, [2]any{h.docs, h.register(a, h.docs)})
		s := &proofs.Statement{Action: proofs.ActionSupersede, Issuer: a, Document: document(doc), After: &leaf, Successor: document(h.docs)}
		h.docs++
		h.said = append(h.said, [2]any{doc, h.say(s, h.keys[a])})
	case 7: // a new authority, or one with a name already used by nobody
		if len(h.names) < 9 {
			h.accredit(fmt.Sprintf("n%d.example", len(h.names)))
		}
	case 8: // the root not understood about an authority, rarely
		if h.rand.IntN(25) == 0 {
			h.sayRaw(fmt.Sprintf("stele.statement/2\nregistry %s\naccredit\nissuer %s\nauthority %s\nn %d\n", testOrigin, h.root.Key().Name, a, h.rand.Uint32()), h.root)
		}
	}
}

// TestReceiptAlwaysVerifies: a receipt that a lookup gives leads to the same answer with no network, whatever has been said.
func TestReceiptAlwaysVerifies(t *testing.T) {
	receipts, several := 0, 0
	for seed := range uint64(6) {
		h := newHistory(t, NewMemory(), 1000+seed)
		for range 3 {
			for range 20 + h.rand.IntN(150) {
				if h.rand.IntN(2) == 0 {
					h.step()
				} else {
					h.wild()
				}
			}
			h.publish()
			head := h.head()
			for i := range h.docs + 2 {
				receipts++
				if n := sameFromReceipt(t, h.testRegistry, i, h.ask(i, head)); n > 1 {
					several++
				}
			}
		}
	}
	t.Logf("%d receipts, %d with several issuers", receipts, several)
	if several < 100 {
		t.Errorf("only %d receipts with several issuers", several)
	}
}

// sameFromReceipt asks an answer's receipt, and some that it is not. It returns the number of its issuers.
func sameFromReceipt(t *testing.T, r *testRegistry, i int, online proofs.Answer) int {
	t.Helper()
	q := proofs.Question{Trust: r.trust, Now: r.now, SHA256: document(i).Digests.SHA256}
	from := func(receipt []byte) *proofs.Report { q.Receipt = receipt; return proofs.Check(q).Report }
	a, b := online.Report, from(online.Receipt)
	if a.Source != proofs.FromRegistry || b.Source != proofs.FromReceipt || a.Verdict != b.Verdict || a.Reason != b.Reason || a.AsOf != b.AsOf ||
		!reflect.DeepEqual(a.Life, b.Life) || !reflect.DeepEqual(a.Others, b.Others) || !reflect.DeepEqual(a.Notices, b.Notices) {
		t.Fatalf("document %d: online %s %s (%s), from its receipt %s %s (%s)", i, a.Verdict, a.Reason, a.Detail, b.Verdict, b.Reason, b.Detail)
	}
	c, err := proofs.ParseReceipt(online.Receipt)
	must(t, err)
	issuers := c.Issuers
	if len(issuers) == 0 {
		return 0
	}
	for _, wrong := range [][]proofs.Proved{issuers[1:], append(slices.Clone(issuers), issuers[0])} {
		c.Issuers = wrong
		if got := from(c.Marshal()); got.Verdict != proofs.Malformed {
			t.Fatalf("document %d: with %d issuers instead of %d: %s", i, len(wrong), len(issuers), got.Verdict)
		}
	}
	return len(issuers)
}

// TestListedSizes: what the last head and the next one name is known after any number of publications, also to a state that
// was saved, and to one that was made again.
func TestListedSizes(t *testing.T) {
	r := newTestRegistry(t, NewMemory())
	rnd := rand.New(rand.NewPCG(4, 4))
	for range 700 {
		if rnd.IntN(3) == 0 {
			r.append(fmt.Appendf(nil, "junk %d", rnd.Uint64()))
		}
		x := r.publish()
		s := r.ledger.State()
		for _, p := range []uint64{x.Publication, x.Publication + 1} {
			if got, err := s.ListedSizes(p); err != nil || !slices.Equal(got, r.listed(p)) {
				t.Fatalf("publication %d: %v, want %v (%v)", p, got, r.listed(p), err)
			}
		}
		if len(s.Sizes) > 40 {
			t.Fatalf("%d sizes kept after %d publications", len(s.Sizes), x.Publication)
		}
		if rnd.IntN(5) == 0 {
			r.ledger = savedAndLoaded(t, r, s)
		}
		if rnd.IntN(100) == 0 {
			r.ledger = madeAgain(t, r, rnd)
			if got := r.ledger.State().Sizes; !reflect.DeepEqual(got, s.Sizes) {
				t.Fatalf("made again %v, want %v", got, s.Sizes)
			}
		}
	}
}

func savedAndLoaded(t *testing.T, r *testRegistry, s State) *Ledger {
	b, err := json.Marshal(s.Sizes)
	must(t, err)
	s.Sizes = nil
	must(t, json.Unmarshal(b, &s.Sizes))
	l, err := Open(r.trust, r.store, &s)
	must(t, err)
	return l
}

// madeAgain follows the ledger from its beginning, in pieces.
func madeAgain(t *testing.T, r *testRegistry, rnd *rand.Rand) *Ledger {
	l, err := Open(r.trust, r.store, Empty())
	must(t, err)
	for rest := r.entries; len(rest) > 0; {
		n := 1 + rnd.IntN(len(rest))
		l.Add(rest[:n]...)
		rest = rest[n:]
	}
	must(t, l.Settle())
	return l
}

// forkedAt makes a registry of many publications, of which those from a number on are its own. It returns their heads.
func forkedAt(t *testing.T, fork, n int, word string) (*testRegistry, [][]byte) {
	r := newTestRegistry(t, NewMemory())
	r.accredit("a.example")
	r.register("a.example", 0)
	var heads [][]byte
	for i := 1; i <= n; i++ {
		if i >= fork {
			r.append(fmt.Append(nil, word, i))
		} else {
			r.append(fmt.Append(nil, "both", i))
		}
		r.publish()
		heads = append(heads, r.head())
	}
	return r, heads
}

// TestMemory: a device that has seen one publication comes back at another. The honest ledger is always believed; a forked
// one is not, where it forked before the size that stays on the list for ever.
func TestMemory(t *testing.T) {
	const n = 34
	honest, seen := forkedAt(t, n+1, n, "")
	for p := 1; p <= n; p++ {
		for q := 1; q <= n; q++ {
			want := proofs.Authentic
			if q < p {
				want = proofs.Stale
			}
			if a := honest.askRemembering(0, seen[q-1], seen[p-1]); a.Report.Verdict != want || (q >= p) != (a.Remember != nil) {
				t.Fatalf("seen %d, now %d: %s %s (%s)", p, q, a.Report.Verdict, a.Report.Reason, a.Report.Detail)
			}
		}
	}
	for _, fork := range []int{1, 2, 3, 8, 9, 17, 33} {
		r, heads := forkedAt(t, fork, n, "fork")
		for p := fork; p < n; p++ {
			lasting := 1 << (bits.Len(uint(p)) - 1)
			for q := p + 1; q <= n; q++ {
				a := r.askRemembering(0, heads[q-1], seen[p-1])
				if fork <= lasting && a.Report.Verdict != proofs.Inconsistent {
					t.Fatalf("forked at %d, seen %d, now %d: %s %s", fork, p, q, a.Report.Verdict, a.Report.Reason)
				}
			}
		}
	}
}
