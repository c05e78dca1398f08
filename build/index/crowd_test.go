package index

import (
	"math/rand/v2"
	"testing"

	"stele/proofs"
)

// TestCrowded grinds keys into one prefix, and compares with an ordinary crowd.
func TestCrowded(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	spread := func(n, bytes int) map[proofs.Hash]int {
		added := map[proofs.Hash]int{}
		for range n {
			var k proofs.Hash
			for i := range k {
				k[i] = byte(rnd.UintN(256))
			}
			added[k] = bytes
		}
		return added
	}
	for _, c := range []struct {
		name  string
		added map[proofs.Hash]int
		want  int
	}{
		{"few", spread(100, 500), 0},
		{"many, spread", spread(5000, 500), 0},
		{"many, ground together", groundTogether(5000, 500), 5000},
		{"ground together, but small", groundTogether(1000, 500), 0},
		{"large records", spread(200, 60000), 200},
		{"one that is over alone", spread(1, 2<<20), 1},
	} {
		if got := len(Crowded(&proofs.Slot{}, c.added, proofs.SequenceSlot)); got != c.want {
			t.Errorf("%s: %d keys crowded, want %d", c.name, got, c.want)
		}
	}
}

// groundTogether makes keys of which, at every bit, fewer than 64 part from the rest: they never split.
func groundTogether(n, bytes int) map[proofs.Hash]int {
	added := map[proofs.Hash]int{}
	for i := range n {
		var k proofs.Hash
		depth := i / 60 // keys that part at this depth
		k[depth/8] |= 0x80 >> (depth % 8)
		k[30], k[31] = byte(i%60), byte(depth)
		added[k] = bytes
	}
	return added
}
