package index

import (
	"slices"

	"stele/proofs"
)

// recordOverhead is what a slot spends on a record beside its entries, in bytes: key, length and count; and on an entry its
// place, its time and its length.
const recordOverhead = 32 + 4 + 2 + 8 + 8 + 2

// Crowded tells which of the keys to be added to a slot would lie in one of more than limit bytes, once it has split as far
// as it splits. added says how many bytes of entries each key gets. Keys can be ground until they share a
// prefix (FORMAT.md, section 16); an ordinary crowd of keys splits.
func Crowded(slot *proofs.Slot, added map[proofs.Hash]int, limit int) []proofs.Hash {
	size, total := map[proofs.Hash]int{}, 0
	for _, r := range slot.Records {
		size[r.Key] = len(r.Body) + recordOverhead
	}
	for key, n := range added {
		size[key] += n + recordOverhead
	}
	s := &proofs.Slot{Depth: slot.Depth, Prefix: slot.Prefix}
	for key, n := range size {
		s.Records = append(s.Records, proofs.Record{Key: key})
		total += n
	}
	if total <= limit {
		return nil
	}
	slices.SortFunc(s.Records, func(a, b proofs.Record) int { return compareKey(a, b.Key) })
	return crowded(s, size, added, limit)
}

func crowded(s *proofs.Slot, size, added map[proofs.Hash]int, limit int) []proofs.Hash {
	if left, right := s.Split(); left != nil {
		return append(crowded(left, size, added, limit), crowded(right, size, added, limit)...)
	}
	total := 0
	var keys []proofs.Hash
	for _, r := range s.Records {
		total += size[r.Key]
		if _, ok := added[r.Key]; ok {
			keys = append(keys, r.Key)
		}
	}
	if total <= limit {
		return nil
	}
	return keys
}
