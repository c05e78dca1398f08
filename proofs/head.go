package proofs

// The head (FORMAT.md, section 10).

import (
	"errors"
	"math/bits"
)

const (
	headHeader  = "stele.head/1\n"
	sizesHeader = "stele.sizes/1\n"
)

// A Head is the file that leads to everything else.
type Head struct {
	Proof       TLogProof // of the index statement; Extra is made of the fields below
	Statement   []byte    // the index statement's entry
	RootTile    []byte    // the map's top tile
	Consistency []OldSize // ascending
}

// An OldSize proves that the ledger has only grown since an earlier publication.
type OldSize struct {
	Size  uint64
	Root  Hash
	Proof []Hash // RFC 6962, section 2.1.2, from Size to the head's size
}

// PublicationList lists the numbers of earlier publications that a head with
// number p carries: 2^i below p, and for each j the largest multiple of 2^j below p.
func PublicationList(p uint64) []uint64 {
	var set []uint64
	for i := 0; i < bits.Len64(p); i++ {
		set = append(set, 1<<i, (p-1)>>i<<i)
	}
	return sortedBelow(set, p)
}

func sortedBelow(set []uint64, p uint64) []uint64 {
	var list []uint64
	last := uint64(0)
	for {
		next := p
		for _, n := range set {
			if n > last && n < next {
				next = n
			}
		}
		if next == p {
			return list
		}
		list = append(list, next)
		last = next
	}
}

// SizesHash is what an index statement commits to: the sizes of the publications on the public list, ascending.
func SizesHash(sizes []uint64) Hash {
	b := []byte(sizesHeader)
	for _, n := range sizes {
		b = appendU64(b, n)
	}
	return sum256(b)
}

// Marshal formats the head's file.
func (h *Head) Marshal() []byte {
	b := appendOpaque16([]byte(headHeader), h.Statement)
	b = appendOpaque32(b, h.RootTile)
	number := map[Hash]int{}
	var hashes []Hash
	for _, o := range h.Consistency {
		for _, p := range o.Proof {
			if _, ok := number[p]; !ok {
				number[p] = len(hashes)
				hashes = append(hashes, p)
			}
		}
	}
	b = appendHashes(appendU16(b, len(hashes)), hashes)
	b = appendU16(b, len(h.Consistency))
	for _, o := range h.Consistency {
		b = append(appendU64(b, o.Size), o.Root[:]...)
		b = append(b, byte(len(o.Proof)))
		for _, p := range o.Proof {
			b = appendU16(b, number[p])
		}
	}
	p := h.Proof
	p.Extra = b
	return p.Marshal()
}

// ParseHead parses a head's file without verifying anything.
func ParseHead(b []byte) (*Head, error) {
	p, err := ParseTLogProof(b)
	if err != nil {
		return nil, err
	}
	r := &reader{what: "head", b: p.Extra}
	r.literal(headHeader)
	h := &Head{Proof: *p, Statement: r.opaque16(), RootTile: r.opaque32()}
	h.parseConsistency(r)
	if err := r.done(); err != nil {
		return nil, err
	}
	if string(h.Marshal()) != string(b) {
		return nil, malformed("head", "not in canonical form")
	}
	return h, nil
}

func (h *Head) parseConsistency(r *reader) {
	hashes := r.hashes(r.u16())
	n := r.u16()
	for i := 0; i < n && r.err == nil; i++ {
		o := OldSize{Size: r.count(), Root: r.hash()}
		for range r.u8() {
			j := r.u16()
			if j >= len(hashes) {
				r.fail("hash ", itoa(j), " of ", itoa(len(hashes)))
				return
			}
			o.Proof = append(o.Proof, hashes[j])
		}
		if i > 0 && o.Size <= h.Consistency[i-1].Size || len(o.Proof) > maxProof {
			r.fail("sizes do not ascend, or a proof is too long")
		}
		h.Consistency = append(h.Consistency, o)
	}
}

// A VerifiedIndex is an index statement that a verified checkpoint's tree ends with.
type VerifiedIndex struct {
	*Signed
	*Index
	Entry []byte // the index statement
}

// verifyIndex checks the chain from a tlog-proof down to the index statement: the checkpoint satisfies the
// trust file, the statement is the tree's last entry and is signed by the publication key.
func (t *Trust) verifyIndex(p *TLogProof, statement []byte, now int64) (*VerifiedIndex, error) {
	signed, err := t.VerifyCheckpoint(p.Checkpoint, now)
	if err != nil {
		return nil, err
	}
	return t.verifyLast(signed, p, statement, now)
}

// verifyLast checks that an index statement is the last entry of a tree, and signed by the publication key that rules there.
func (t *Trust) verifyLast(signed *Signed, p *TLogProof, statement []byte, now int64) (*VerifiedIndex, error) {
	if signed.Size == 0 || p.Index != signed.Size-1 {
		return nil, unverified("index statement", "at place ", utoa(p.Index), ", not the last of ", utoa(signed.Size))
	}
	if err := CheckInclusion(leafHash(statement), p.Index, signed.Size, p.Proof, signed.Root); err != nil {
		return nil, err
	}
	e, err := t.Authorise(nil, p.Index, statement)
	var few *InsufficientError
	if errors.As(err, &few) { // no signature is missing: somebody else's statement is the last entry
		err = unverified("index statement", err.Error())
	}
	if err != nil {
		return nil, err
	}
	if e.Statement == nil {
		return nil, e.Why
	}
	if e.Statement.Index == nil || e.Statement.Index.Covers != p.Index {
		return nil, unverified("index statement", "is a ", quote(e.Statement.Action), " or does not cover its own place ", utoa(p.Index))
	}
	if e.Statement.Index.Time > now+maxAhead {
		return nil, &FutureError{now}
	}
	return &VerifiedIndex{signed, e.Statement.Index, statement}, nil
}

// Verify checks a head whole: index statement, root tile and consistency proofs.
func (h *Head) Verify(t *Trust, now int64) (*VerifiedIndex, *MapTile, error) {
	x, err := t.verifyIndex(&h.Proof, h.Statement, now)
	if err != nil {
		return nil, nil, err
	}
	return h.verifyContent(t, x)
}

// VerifyProposal checks a proposal (FORMAT.md, section 10.1): as Verify does, but of the signatures on the checkpoint only the log's
// Ed25519 line has to be there. What else there is is in Signed; AsOf may be 0.
func (h *Head) VerifyProposal(t *Trust, now int64) (*VerifiedIndex, *MapTile, error) {
	return h.VerifyChange(t, t, now)
}

// VerifyChange is VerifyProposal for the tree that changes the trust file to next: who has signed the checkpoint is judged by t,
// as long as the handover is being signed, and what the tree holds by next.
func (h *Head) VerifyChange(t, next *Trust, now int64) (*VerifiedIndex, *MapTile, error) {
	v, err := t.examine(h.Proof.Checkpoint, now)
	if err != nil {
		return nil, nil, err
	}
	signed, missing := v.judge(h.Proof.Checkpoint)
	if !v.log {
		return nil, nil, insufficient("signatures on the checkpoint", missing)
	}
	x, err := next.verifyLast(signed, &h.Proof, h.Statement, now)
	if err != nil {
		return nil, nil, err
	}
	return h.verifyContent(next, x)
}

// verifyContent checks the root tile and the consistency proofs.
func (h *Head) verifyContent(t *Trust, x *VerifiedIndex) (*VerifiedIndex, *MapTile, error) {
	tile, err := ParseMapTile(h.RootTile)
	if err != nil {
		return nil, nil, err
	}
	if tile.Depth != 0 || tile.Hash() != x.Map {
		return nil, nil, unverified("root tile", "hashes to ", tile.Hash().String(), ", want ", x.Map.String())
	}
	return x, tile, h.verifyGrowth(t, x)
}

// verifyGrowth checks the sizes that the head names, and that the ledger has only grown since.
func (h *Head) verifyGrowth(t *Trust, x *VerifiedIndex) error {
	var sizes []uint64
	for _, o := range h.Consistency {
		sizes = append(sizes, o.Size)
	}
	if SizesHash(sizes) != x.Sizes {
		return unverified("head", "names other sizes than the index statement commits to")
	}
	if want := len(PublicationList(x.Publication)); len(sizes) != want {
		return unverified("head", "names ", itoa(len(sizes)), " sizes, want ", itoa(want))
	}
	for _, o := range h.Consistency {
		if o.Size == 0 || o.Size >= x.Size {
			return unverified("head", "names the size ", utoa(o.Size), ", its own is ", utoa(x.Size))
		}
		if err := CheckConsistency(o.Size, x.Size, o.Root, x.Root, o.Proof); err != nil {
			return err
		}
		if err := t.checkFinal(Checkpoint{Size: o.Size, Root: o.Root}); err != nil {
			return err
		}
	}
	return nil
}
