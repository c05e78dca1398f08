package audit

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"math/bits"

	"stele/proofs"
)

// A sum is a number modulo 2^256, its low word first.
type sum [4]uint64

// addTimes adds n times another.
func (s *sum) addTimes(o *sum, n uint64) {
	var carry, high uint64
	for i := range s {
		hi, lo := bits.Mul64(o[i], n)
		var c uint64
		lo, c = bits.Add64(lo, high, 0)
		high = hi + c // of a product's high word, at most 2^64 − 2
		s[i], carry = bits.Add64(s[i], lo, carry)
	}
}

func (s *sum) add(o *sum) { s.addTimes(o, 1) }

// Sums are kept by the first bits of the key, so that where they differ is known as one range of the map.
const (
	rangeBits = 12
	ranges    = 1 << rangeBits
)

func rangeOf(key proofs.Hash) int { return int(binary.BigEndian.Uint16(key[:])) >> (16 - rangeBits) }

type sums [ranges]sum

func (s *sums) add(o *sums) {
	for i := range s {
		s[i].add(&o[i])
	}
}

// A secret is the key of the functions that sums are made of. Nobody who made what is audited has seen it.
type secret [32]byte

func newSecret() *secret {
	s := &secret{}
	rand.Read(s[:]) // never fails
	return s
}

// of is what an entry in a record adds to a sum: f, and the time of its publication times g. As f and g are no one's to
// foresee, two sums are equal only if the same entries with the same times have gone into both.
func (s *secret) of(key proofs.Hash, place uint64, leaf proofs.Hash) (f, g sum) {
	var b [32 + 32 + 8 + 32]byte // with its padding, one block of SHA-512
	copy(b[:], s[:])
	copy(b[32:], key[:])
	binary.BigEndian.PutUint64(b[64:], place)
	copy(b[72:], leaf[:])
	h := sha512.Sum512(b[:])
	for i := range f {
		f[i], g[i] = binary.LittleEndian.Uint64(h[8*i:]), binary.LittleEndian.Uint64(h[32+8*i:])
	}
	return f, g
}

// shards grow one by one, so that growing never needs as much memory again.
const shards = 256

// fingerprints is a set of numbers, in 10 to 15 bytes each.
type fingerprints [shards]struct {
	table []uint64 // 0 where there is none
	n     int
}

// add puts a number in, and reports whether it was there.
func (f *fingerprints) add(h uint64) bool {
	h = max(h, 1)
	s := &f[h>>56]
	if 5*s.n >= 4*len(s.table) {
		old := s.table
		s.table = make([]uint64, max(64, len(old)+len(old)/2))
		for _, h := range old {
			if h != 0 {
				s.table[find(s.table, h)] = h
			}
		}
	}
	at := find(s.table, h)
	if s.table[at] == h {
		return true
	}
	s.table[at] = h
	s.n++
	return false
}

// find is where a number is, or goes.
func find(table []uint64, h uint64) int {
	hi, _ := bits.Mul64(h<<8, uint64(len(table)))
	at := int(hi)
	for table[at] != 0 && table[at] != h {
		if at++; at == len(table) {
			at = 0
		}
	}
	return at
}
