package audit

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"stele/proofs"
)

func (s sum) big() *big.Int {
	x := new(big.Int)
	for i := range s {
		x.Lsh(x, 64).Or(x, new(big.Int).SetUint64(s[len(s)-1-i]))
	}
	return x
}

func TestSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	word := func() uint64 { return []uint64{0, 1, r.Uint64(), 1<<64 - 1}[r.IntN(4)] }
	modulus := new(big.Int).Lsh(big.NewInt(1), 256)
	for range 10_000 {
		s, o, n := sum{word(), word(), word(), word()}, sum{word(), word(), word(), word()}, word()
		want := new(big.Int).Mul(o.big(), new(big.Int).SetUint64(n))
		want.Add(want, s.big()).Mod(want, modulus)
		was := s
		if s.addTimes(&o, n); s.big().Cmp(want) != 0 {
			t.Fatalf("%x + %d · %x: got %x, want %x", was, n, o, s.big(), want)
		}
	}
}

// TestSecret: whatever is otherwise about an entry, its numbers are.
func TestSecret(t *testing.T) {
	a, b := newSecret(), newSecret()
	seen := map[sum]bool{}
	for _, s := range []*secret{a, b} {
		for _, key := range []proofs.Hash{{}, {31: 1}} {
			for _, place := range []uint64{0, 1 << 40} {
				for _, leaf := range []proofs.Hash{{}, {0: 1}} {
					f, g := s.of(key, place, leaf)
					if seen[f] || seen[g] || f == g {
						t.Fatal("two numbers are the same")
					}
					seen[f], seen[g] = true, true
				}
			}
		}
	}
}

func TestFingerprints(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var f fingerprints
	known := map[uint64]bool{}
	numbers := []uint64{0, 1, 1<<64 - 1}
	for range 200_000 {
		numbers = append(numbers, r.Uint64())
	}
	for range 300_000 {
		h := numbers[r.IntN(len(numbers))]
		if got := f.add(h); got != known[max(h, 1)] {
			t.Fatalf("%d: known %t, want %t", h, got, !got)
		}
		known[max(h, 1)] = true
	}
	var spread fingerprints
	n, bytes := 1_000_000, 0
	for range n {
		spread.add(r.Uint64())
	}
	for i := range spread {
		bytes += 8 * len(spread[i].table)
	}
	if bytes > 16*n {
		t.Errorf("%d bytes for %d numbers, want at most 16 each", bytes, n)
	}
}
