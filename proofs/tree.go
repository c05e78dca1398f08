package proofs

// Merkle trees: RFC 6962, section 2.1. Verification follows RFC 9162, sections
// 2.1.3.2 and 2.1.4.2, which spell the algorithms out.

import (
	"math/bits"
)

// maxProof is the greatest length of a proof: one hash a level of a tree of 2^63 leaves.
const maxProof = 63

// EmptyRoot is the root of the tree without leaves, SHA-256 of the empty string.
func EmptyRoot() Hash { return sum256(nil) }

// CheckInclusion checks that the leaf with this hash stands at index in the
// tree of this size and root.
func CheckInclusion(leaf Hash, index, size uint64, proof []Hash, root Hash) error {
	r, err := inclusionRoot(leaf, index, size, proof)
	if err == nil && r != root {
		err = unverified("inclusion proof", "of index ", utoa(index), " in ", utoa(size), ": got root ", r.String(), ", want ", root.String())
	}
	return err
}

// inclusionRoot computes the root that an inclusion proof leads to. The error
// is a *MalformedError where the proof does not fit index and size.
func inclusionRoot(leaf Hash, index, size uint64, proof []Hash) (Hash, error) {
	if index >= size {
		return Hash{}, malformed("inclusion proof", "index ", utoa(index), " in a tree of ", utoa(size))
	}
	fn, sn, r := index, size-1, leaf
	for _, p := range proof {
		if sn == 0 {
			return Hash{}, malformed("inclusion proof", itoa(len(proof)), " hashes are too many for index ", utoa(index), " of ", utoa(size))
		}
		if fn&1 == 1 || fn == sn {
			r = nodeHash(p, r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = nodeHash(r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	if sn != 0 {
		return Hash{}, malformed("inclusion proof", itoa(len(proof)), " hashes are too few for index ", utoa(index), " of ", utoa(size))
	}
	return r, nil
}

// CheckConsistency checks that the tree of size m and root old is a prefix of
// the tree of size n and root new.
func CheckConsistency(m, n uint64, old, new Hash, proof []Hash) error {
	if m > n {
		return malformed("consistency proof", "from ", utoa(m), " to the smaller ", utoa(n))
	}
	if m == n || m == 0 {
		if len(proof) != 0 {
			return malformed("consistency proof", itoa(len(proof)), " hashes, want none from ", utoa(m), " to ", utoa(n))
		}
		if m == n && old != new || m == 0 && old != EmptyRoot() {
			return unverified("consistency proof", "two roots of size ", utoa(m))
		}
		return nil
	}
	return checkGrowth(m, n, old, new, proof)
}

// checkGrowth is RFC 9162, section 2.1.4.2, for 0 < m < n.
func checkGrowth(m, n uint64, old, new Hash, proof []Hash) error {
	if m&(m-1) == 0 { // "If first is an exact power of 2, then prepend first_hash"
		proof = append([]Hash{old}, proof...)
	}
	if len(proof) == 0 {
		return malformed("consistency proof", "no hashes from ", utoa(m), " to ", utoa(n))
	}
	fn, sn := m-1, n-1
	for fn&1 == 1 {
		fn, sn = fn>>1, sn>>1
	}
	fr, sr := proof[0], proof[0]
	for _, c := range proof[1:] {
		if sn == 0 {
			return malformed("consistency proof", "too many hashes from ", utoa(m), " to ", utoa(n))
		}
		if fn&1 == 1 || fn == sn {
			fr, sr = nodeHash(c, fr), nodeHash(c, sr)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			sr = nodeHash(sr, c)
		}
		fn, sn = fn>>1, sn>>1
	}
	if sn != 0 {
		return malformed("consistency proof", "too few hashes from ", utoa(m), " to ", utoa(n))
	}
	if fr != old || sr != new {
		return unverified("consistency proof", "from ", utoa(m), " to ", utoa(n))
	}
	return nil
}

// A Nodes reads the hash of a complete subtree: the 2^level leaves from
// index·2^level on.
type Nodes func(level uint, index uint64) (Hash, error)

// Root computes the root of the tree's first size leaves.
func (nodes Nodes) Root(size uint64) (Hash, error) {
	if size == 0 {
		return EmptyRoot(), nil
	}
	return nodes.span(0, size)
}

// Inclusion proves the leaf at index in the tree of this size.
func (nodes Nodes) Inclusion(index, size uint64) ([]Hash, error) {
	if index >= size {
		return nil, malformed("inclusion proof", "index ", utoa(index), " in a tree of ", utoa(size))
	}
	return nodes.path(index, 0, size)
}

// Consistency proves that the tree of size m is a prefix of that of size n.
func (nodes Nodes) Consistency(m, n uint64) ([]Hash, error) {
	if m > n {
		return nil, malformed("consistency proof", "from ", utoa(m), " to the smaller ", utoa(n))
	}
	if m == 0 || m == n {
		return nil, nil
	}
	return nodes.subproof(m, 0, n, true)
}

// split is the largest power of two smaller than n, for n > 1.
func split(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// span is MTH(D[start:start+n]); start is a multiple of the span's leftmost subtree.
func (nodes Nodes) span(start, n uint64) (Hash, error) {
	if n&(n-1) == 0 {
		level := uint(bits.TrailingZeros64(n))
		return nodes(level, start>>level)
	}
	k := split(n)
	left, err := nodes.span(start, k)
	if err != nil {
		return Hash{}, err
	}
	right, err := nodes.span(start+k, n-k)
	return nodeHash(left, right), err
}

// path is PATH(m, D[start:start+n]) of RFC 6962, section 2.1.1.
func (nodes Nodes) path(m, start, n uint64) ([]Hash, error) {
	if n == 1 {
		return nil, nil
	}
	k := split(n)
	inner, innerN, outer, outerN := start, k, start+k, n-k
	if m >= k {
		m -= k
		inner, innerN, outer, outerN = outer, outerN, inner, innerN
	}
	p, err := nodes.path(m, inner, innerN)
	if err != nil {
		return nil, err
	}
	h, err := nodes.span(outer, outerN)
	return append(p, h), err
}

// subproof is SUBPROOF(m, D[start:start+n], whole) of RFC 6962, section 2.1.2.
func (nodes Nodes) subproof(m, start, n uint64, whole bool) ([]Hash, error) {
	if m == n {
		if whole {
			return nil, nil
		}
		h, err := nodes.span(start, n)
		return []Hash{h}, err
	}
	k := split(n)
	inner, innerN, outer, outerN := start, k, start+k, n-k
	if m > k {
		m, whole = m-k, false
		inner, innerN, outer, outerN = outer, outerN, inner, innerN
	}
	p, err := nodes.subproof(m, inner, innerN, whole)
	if err != nil {
		return nil, err
	}
	h, err := nodes.span(outer, outerN)
	return append(p, h), err
}

// leafNodes makes Nodes of leaf hashes held in memory, such as a slot's.
func leafNodes(leaves []Hash) Nodes {
	var node Nodes
	node = func(level uint, index uint64) (Hash, error) {
		if level == 0 {
			return leaves[index], nil
		}
		l, _ := node(level-1, 2*index)
		r, _ := node(level-1, 2*index+1)
		return nodeHash(l, r), nil
	}
	return node
}

// treeRoot is the RFC 6962 root over leaf hashes in memory.
func treeRoot(leaves []Hash) Hash {
	h, _ := leafNodes(leaves).Root(uint64(len(leaves)))
	return h
}

// treePath is the inclusion proof of leaf i over leaf hashes in memory.
func treePath(leaves []Hash, i int) []Hash {
	p, _ := leafNodes(leaves).path(uint64(i), 0, uint64(len(leaves)))
	return p
}

// A Frontier is the right edge of a growing tree: enough to go on appending
// and to know the root, in 32 bytes a level. Its hash is SHA-256, or SHA3-256 for
// the bridge (FORMAT.md, section 8.4).
type Frontier struct {
	sum  func(data []byte) Hash
	size uint64
	edge []Hash // roots of the complete subtrees, largest first
}

// NewFrontier makes an empty SHA-256 frontier.
func NewFrontier() *Frontier {
	return &Frontier{sum: sum256}
}

// NewFrontierSHA3 makes an empty SHA3-256 frontier.
func NewFrontierSHA3() *Frontier {
	return &Frontier{sum: sumSHA3256}
}

// Restore sets size and edge, as Edge returned them.
func (f *Frontier) Restore(size uint64, edge []Hash) error {
	if bits.OnesCount64(size) != len(edge) {
		return malformed("frontier", itoa(len(edge)), " hashes for a tree of ", utoa(size))
	}
	f.size, f.edge = size, append([]Hash(nil), edge...)
	return nil
}

// Size is the number of leaves.
func (f *Frontier) Size() uint64 { return f.size }

// Edge returns the roots of the complete subtrees, largest first.
func (f *Frontier) Edge() []Hash { return append([]Hash(nil), f.edge...) }

// Append adds one entry.
func (f *Frontier) Append(entry []byte) { f.AppendLeaf(f.Leaf(entry)) }

// Leaf is an entry's leaf hash in this tree.
func (f *Frontier) Leaf(entry []byte) Hash {
	b := append(make([]byte, 0, 1+len(entry)), 0)
	return f.sum(append(b, entry...))
}

// AppendLeaf adds one entry by its leaf hash.
func (f *Frontier) AppendLeaf(h Hash) {
	for n := f.size; n&1 == 1; n >>= 1 {
		h = f.node(f.edge[len(f.edge)-1], h)
		f.edge = f.edge[:len(f.edge)-1]
	}
	f.edge = append(f.edge, h)
	f.size++
}

// Root is the root over all that was appended.
func (f *Frontier) Root() Hash {
	if f.size == 0 {
		return f.sum(nil)
	}
	h := f.edge[len(f.edge)-1]
	for i := len(f.edge) - 2; i >= 0; i-- {
		h = f.node(f.edge[i], h)
	}
	return h
}

func (f *Frontier) node(l, r Hash) Hash {
	b := make([]byte, 0, 1+2*len(l))
	return f.sum(append(append(append(b, 1), l[:]...), r[:]...))
}
