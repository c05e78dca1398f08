// Package batch verifies many Ed25519 signatures at once, some six times as fast as one by one, and says of each
// exactly what crypto/ed25519.Verify says: readers verify one by one, and an audit that let something through
// which they refuse would be worth nothing.
//
// # What has to be shown
//
// With B the base point, L its (prime) order, and k = SHA-512(R ‖ A ‖ message) mod L, crypto/ed25519 accepts a signature R ‖ s by a
// key A if s < L and the canonical encoding of sB − kA is R, byte for byte. There is no cofactor in that equation. The curve has 8L points and
// its group is cyclic: every point is, in one way, a sum of a point whose order divides L and a torsion point, whose order divides 8. So
// a signature counts if s < L, R is the canonical encoding of a point, and D = sB − kA − R is the identity.
//
// # How
//
// A signature goes into a batch only if s < L, R is canonical and on the curve, and the key is free of torsion: LA = 0, computed once for each key. All others
// are handed to crypto/ed25519. For those in the batch, with z secret, uniform numbers of 128 bits, fresh for each batch,
//
//	(1) no R has a torsion component
//	(2) (Σ zs) B − Σ (Σ zk) A − Σ zR = 0    one term for each key
//
// If both hold, all are accepted. Otherwise the batch is halved, and what is left in the end is verified one by one: whatever is
// refused, is refused by crypto/ed25519.
//
// # Why that is enough
//
// If every D is 0, then R = sB − kA has no torsion, as A and B have none; so (1) and (2) hold and nothing
// good is refused. For the other direction let some D not be 0.
//
// If no R has a torsion component, all D lie in the group of order L. For any choice of the other z there is at most one
// z mod L for this D that makes the sum 0: (2) holds with probability 2^-128 at most.
//
// If some R has a torsion component t ≠ 0, (1) has to show it. Σ zR is computed by Pippenger's method over the bytes of z: for each
// of the 16 places of a byte in z, each R is added to one of 255 buckets, that of its byte, or to none if the byte is 0. Take one place, and the bytes
// of the others as given. If without this R no bucket has torsion, then one has with it unless its byte is 0; if one has, then it must fall
// into just that bucket to leave none; if several have, they stay. So all buckets of a place are free of torsion with probability 2^-8 at most, and those of the first
// nine places with 2^-72, since their bytes are independent. Whether a set of points is free of torsion, 64 secret, uniform subsets of it tell: of any two that differ in just
// one point with torsion, one sum at least has torsion, so that each sum S is free of it, LS = 0, with probability 1/2 at most, and all are with 2^-64.
//
// So a batch with a signature that crypto/ed25519 refuses is accepted with probability 2^-64 + 2^-72 + 2^-128 at most, whoever made it, since whoever made it does not see
// the numbers. These come from crypto/rand and are no parameter.
package batch

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"sync"

	"filippo.io/edwards25519"
)

const (
	// Most is the size of a batch above which nothing is gained: 1.3 MB of points.
	Most = 8192
	// least is the size below which one by one is as fast.
	least = 256

	places        = 16 // bytes of z
	torsionPlaces = 9  // of these, places whose buckets are checked for torsion
	buckets       = 255
	subsets       = 64 // secret subsets of the buckets
)

// An Item is a signature to be verified: 32 bytes of key, as ed25519.Verify wants them.
type Item struct {
	Key, Message, Signature []byte
}

func (it *Item) verify() bool {
	return ed25519.Verify(it.Key, it.Message, it.Signature)
}

// A Verifier verifies batches, and remembers the keys it has met. It is safe for concurrent use; each call works on one processor.
type Verifier struct {
	mu   sync.Mutex
	keys map[[ed25519.PublicKeySize]byte]*key
}

// A key is a public key free of torsion.
type key struct {
	negated *edwards25519.Point
}

// Verify says of each item what ed25519.Verify says.
func (v *Verifier) Verify(items []Item) []bool {
	ok := make([]bool, len(items))
	for from := 0; from < len(items); from += Most {
		to := min(from+Most, len(items))
		v.verify(items[from:to], ok[from:to])
	}
	return ok
}

func (v *Verifier) verify(items []Item, ok []bool) {
	if len(items) < least {
		for i := range items {
			ok[i] = items[i].verify()
		}
		return
	}
	b := newBatch(len(items))
	for i := range items {
		if !b.add(v.key(items[i].Key), i, &items[i]) {
			ok[i] = items[i].verify()
		}
	}
	if b.holds() {
		for _, i := range b.index {
			ok[i] = true
		}
		return
	}
	half := len(items) / 2
	v.verify(items[:half], ok[:half])
	v.verify(items[half:], ok[half:])
}

// key decodes a key, nil if it cannot go into a batch.
func (v *Verifier) key(b []byte) *key {
	if len(b) != ed25519.PublicKeySize {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	k, known := v.keys[[ed25519.PublicKeySize]byte(b)]
	if known {
		return k
	}
	if a, err := new(edwards25519.Point).SetBytes(b); err == nil && torsionFree(a) {
		k = &key{new(edwards25519.Point).Negate(a)}
	}
	if v.keys == nil {
		v.keys = map[[ed25519.PublicKeySize]byte]*key{}
	}
	v.keys[[ed25519.PublicKeySize]byte(b)] = k
	return k
}

// A batch collects the terms of (2).
type batch struct {
	index []int                // places of those in the batch among the items
	r     []edwards25519.Point // their R
	z     [][places]byte
	s     *edwards25519.Scalar // Σ zs
	k     map[*key]*edwards25519.Scalar

	random  []byte
	scratch struct{ z, s, k, zk edwards25519.Scalar }
}

func newBatch(n int) *batch {
	b := &batch{index: make([]int, 0, n), r: make([]edwards25519.Point, 0, n), z: make([][places]byte, 0, n),
		s: edwards25519.NewScalar(), k: map[*key]*edwards25519.Scalar{}, random: make([]byte, n*places)}
	rand.Read(b.random) // never fails
	return b
}

// add takes an item in, or reports that it cannot go into a batch.
func (b *batch) add(k *key, index int, it *Item) bool {
	if k == nil || len(it.Signature) != ed25519.SignatureSize {
		return false
	}
	s, err := b.scratch.s.SetCanonicalBytes(it.Signature[32:])
	if err != nil {
		return false
	}
	n := len(b.r)
	b.r = b.r[:n+1]
	if !setCanonical(&b.r[n], it.Signature[:32]) {
		b.r = b.r[:n]
		return false
	}
	z := [places]byte(b.random[n*places:])
	var wide [32]byte
	copy(wide[:], z[:])
	b.scratch.z.SetCanonicalBytes(wide[:]) // 128 bits are less than L
	b.s.MultiplyAdd(&b.scratch.z, s, b.s)
	if b.k[k] == nil {
		b.k[k] = edwards25519.NewScalar()
	}
	b.k[k].MultiplyAdd(&b.scratch.z, b.challenge(it), b.k[k])
	b.z = append(b.z, z)
	b.index = append(b.index, index)
	return true
}

// challenge is k: RFC 8032, section 5.1.7.
func (b *batch) challenge(it *Item) *edwards25519.Scalar {
	h := sha512.New()
	h.Write(it.Signature[:32])
	h.Write(it.Key)
	h.Write(it.Message)
	var sum [sha512.Size]byte
	b.scratch.k.SetUniformBytes(h.Sum(sum[:0])) // of 64 bytes, which it wants
	return &b.scratch.k
}

// The two points where x is 0, with the sign bit that has no meaning there: y = 1 and y = −1.
var signedZeroes = [2][32]byte{
	{0: 0x01, 31: 0x80},
	[32]byte(append(append([]byte{0xec}, bytes.Repeat([]byte{0xff}, 30)...), 0xff)),
}

// fieldOrder is 2^255 − 19, little-endian.
var fieldOrder = [32]byte(append(append([]byte{0xed}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f))

// setCanonical decodes a point, and reports whether that is its canonical encoding: y < 2^255 − 19, and no sign where x is 0.
func setCanonical(p *edwards25519.Point, b []byte) bool {
	y := [32]byte(b)
	if y == signedZeroes[0] || y == signedZeroes[1] {
		return false
	}
	y[31] &= 0x7f
	for i := 31; y[i] >= fieldOrder[i]; i-- { // from the most significant byte on
		if i == 0 || y[i] > fieldOrder[i] {
			return false
		}
	}
	_, err := p.SetBytes(b)
	return err == nil
}

// holds checks (1) and (2).
func (b *batch) holds() bool {
	sum, free := b.sumR()
	if !free {
		return false
	}
	scalars, points := []*edwards25519.Scalar{b.s}, []*edwards25519.Point{edwards25519.NewGeneratorPoint()}
	for k, s := range b.k {
		scalars, points = append(scalars, s), append(points, k.negated)
	}
	return new(edwards25519.Point).VarTimeMultiScalarMult(scalars, points).Equal(sum) == 1
}

// sumR computes Σ zR, and whether the buckets of the first places are free of torsion.
func (b *batch) sumR() (sum *edwards25519.Point, free bool) {
	kept := make([]edwards25519.Point, torsionPlaces*buckets)
	reused := make([]edwards25519.Point, buckets)
	sum = edwards25519.NewIdentityPoint()
	for place := places - 1; place >= 0; place-- {
		into := reused
		if place < torsionPlaces {
			into = kept[place*buckets:][:buckets]
		}
		for range 8 {
			sum.Double(sum)
		}
		b.fill(into, place)
		sum.Add(sum, weighted(into))
		if place == 0 {
			free = allFree(kept)
		}
	}
	return sum, free
}

// fill adds each R to the bucket of its byte of z.
func (b *batch) fill(into []edwards25519.Point, place int) {
	identity := edwards25519.NewIdentityPoint()
	for i := range into {
		into[i].Set(identity)
	}
	for i := range b.r {
		if digit := b.z[i][place]; digit > 0 {
			into[digit-1].Add(&into[digit-1], &b.r[i])
		}
	}
}

// weighted is 1·p[0] + 2·p[1] + 3·p[2] + …
func weighted(p []edwards25519.Point) *edwards25519.Point {
	run, sum := edwards25519.NewIdentityPoint(), edwards25519.NewIdentityPoint()
	for i := len(p) - 1; i >= 0; i-- {
		run.Add(run, &p[i])
		sum.Add(sum, run)
	}
	return sum
}

// allFree reports whether points are free of torsion, wrongly with probability 2^-64 if they are not.
func allFree(points []edwards25519.Point) bool {
	const group = 5 // points whose 32 sums are made once for all subsets; the cheapest number
	random := make([]byte, 8*len(points))
	rand.Read(random)
	sums := make([]edwards25519.Point, subsets)
	for i := range sums {
		sums[i].Set(edwards25519.NewIdentityPoint())
	}
	table := make([]edwards25519.Point, 1<<group)
	table[0].Set(edwards25519.NewIdentityPoint())
	for from := 0; from < len(points); from += group {
		var masks [group]uint64 // bit j of the nth: whether the nth point is in subset j
		for n := range min(group, len(points)-from) {
			masks[n] = binary.LittleEndian.Uint64(random[8*(from+n):])
			for i := range 1 << n {
				table[1<<n+i].Add(&table[i], &points[from+n])
			}
		}
		for j := range sums {
			at := 0
			for n := range masks {
				at |= int(masks[n]>>j&1) << n
			}
			if at > 0 {
				sums[j].Add(&sums[j], &table[at])
			}
		}
	}
	for i := range sums {
		if !torsionFree(&sums[i]) {
			return false
		}
	}
	return true
}

// minusOne is L − 1: as a scalar, L is 0.
var minusOne = func() *edwards25519.Scalar {
	one := make([]byte, 32)
	one[0] = 1
	s, err := edwards25519.NewScalar().SetCanonicalBytes(one)
	if err != nil {
		panic(err)
	}
	return s.Negate(s)
}()

// torsionFree reports whether LP = 0.
func torsionFree(p *edwards25519.Point) bool {
	q := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(minusOne, p, edwards25519.NewScalar())
	return q.Add(q, p).Equal(edwards25519.NewIdentityPoint()) == 1
}
