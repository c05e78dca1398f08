package proofs

// Receipts (FORMAT.md, section 11).

import (
	"bytes"
)

const receiptHeader = "stele.receipt/1\n"

// A Receipt proves one document's status as of one checkpoint, offline.
type Receipt struct {
	Proof     TLogProof // of the index statement; Extra is made of the fields below
	Statement []byte    // the index statement's entry
	Salt      *Salt     // of a sealed document
	Siblings  []Hash    // from the slot up to the map's root; their number is the slot's depth
	Count     uint32    // records in the slot
	Key       Hash
	Present   *Proved    // the record; nil for absence
	Neighbors []Neighbor // of an absent key
	Issuers   []Proved   // of a present one, in the order of their first entry
}

// A Proved is a record with its position and path in a slot or in the issuer list.
type Proved struct {
	Record
	Position uint32
	Path     []Hash
}

// A Neighbor is a record beside the place where an absent key would be, by hash only.
type Neighbor struct {
	Key      Hash
	Body     Hash // SHA-256 of the body
	Position uint32
	Path     []Hash
}

// Marshal formats the receipt's file.
func (c *Receipt) Marshal() []byte {
	b := appendOpaque16([]byte(receiptHeader), c.Statement)
	if c.Salt == nil {
		b = append(b, 0)
	} else {
		b = append(append(b, 1), c.Salt[:]...)
	}
	b = appendHashes(append(b, byte(len(c.Siblings))), c.Siblings)
	b = appendU32(b, c.Count)
	if c.Present != nil {
		b = appendProved(append(b, 1), c.Present)
		b = appendU16(b, len(c.Issuers))
		for i := range c.Issuers {
			b = appendProved(b, &c.Issuers[i])
		}
	} else {
		b = append(append(b, 0), c.Key[:]...)
		b = append(b, byte(len(c.Neighbors)))
		for _, n := range c.Neighbors {
			b = append(append(b, n.Key[:]...), n.Body[:]...)
			b = appendPath(appendU32(b, n.Position), n.Path)
		}
	}
	p := c.Proof
	p.Extra = b
	return p.Marshal()
}

func appendPath(b []byte, path []Hash) []byte {
	return appendHashes(append(b, byte(len(path))), path)
}

func appendProved(b []byte, p *Proved) []byte {
	b = appendOpaque32(append(b, p.Key[:]...), p.Body)
	return appendPath(appendU32(b, p.Position), p.Path)
}

func (r *reader) proved() Proved {
	p := Proved{Record: Record{r.hash(), r.opaque32()}, Position: r.u32()}
	p.Path = r.hashes(r.u8())
	if len(p.Body) > maxRecord {
		r.fail("record of ", itoa(len(p.Body)), " bytes, want at most ", itoa(maxRecord))
	}
	return p
}

// ParseReceipt parses a receipt's file without verifying anything.
func ParseReceipt(b []byte) (*Receipt, error) {
	p, err := ParseTLogProof(b)
	if err != nil {
		return nil, err
	}
	r := &reader{what: "receipt", b: p.Extra}
	r.literal(receiptHeader)
	c := &Receipt{Proof: *p, Statement: r.opaque16()}
	if n := r.u8(); n == 1 {
		c.Salt = new(Salt)
		copy(c.Salt[:], r.bytes(len(c.Salt)))
	} else if n != 0 {
		r.fail("salted is ", itoa(n), ", want 0 or 1")
	}
	c.Siblings = r.hashes(r.u8())
	c.Count = r.u32()
	switch n := r.u8(); n {
	case 1:
		found := r.proved()
		c.Present, c.Key = &found, found.Key
		for n := r.u16(); n > 0 && r.err == nil; n-- {
			c.Issuers = append(c.Issuers, r.proved())
		}
	case 0:
		c.Key = r.hash()
		for range r.u8() {
			c.Neighbors = append(c.Neighbors, Neighbor{r.hash(), r.hash(), r.u32(), r.hashes(r.u8())})
		}
	default:
		r.fail("found is ", itoa(n), ", want 0 or 1")
	}
	if err := r.done(); err != nil {
		return nil, err
	}
	if string(c.Marshal()) != string(b) {
		return nil, malformed("receipt", "not in canonical form")
	}
	return c, nil
}

// Verify checks a receipt whole: index statement, the record's presence or
// absence in the map, the issuers. It does not look at the document.
func (c *Receipt) Verify(t *Trust, now int64) (*VerifiedIndex, error) {
	x, err := t.verifyIndex(&c.Proof, c.Statement, now)
	if err != nil {
		return nil, err
	}
	if len(c.Siblings) > maxDepth {
		return nil, malformed("receipt", "slot at depth ", itoa(len(c.Siblings)))
	}
	if c.Present != nil {
		if err := c.verifyPresent(x); err != nil {
			return nil, err
		}
	} else if c.Salt != nil {
		return nil, unverified("receipt", "absence of a sealed document: with a salt of one's own, that could be shown of every document")
	} else if err := c.verifyAbsent(x); err != nil {
		return nil, err
	}
	return x, nil
}

func (c *Receipt) verifyPresent(x *VerifiedIndex) error {
	if err := c.verifyLeaf(x, c.Present.Leaf(), c.Present.Position, c.Present.Path); err != nil {
		return err
	}
	for _, p := range c.Issuers {
		if err := CheckInclusion(p.Leaf(), uint64(p.Position), x.Issuers, p.Path, x.IssuersRoot); err != nil {
			return err
		}
	}
	return nil
}

// verifyLeaf checks that a record's leaf stands at a position of the slot that covers the key.
func (c *Receipt) verifyLeaf(x *VerifiedIndex, leaf Hash, position uint32, path []Hash) error {
	records, err := inclusionRoot(leaf, uint64(position), uint64(c.Count), path)
	if err != nil {
		return err
	}
	return c.verifySlot(x, records)
}

func (c *Receipt) verifySlot(x *VerifiedIndex, records Hash) error {
	depth := len(c.Siblings)
	slot := slotHash(depth, prefixOf(c.Key, depth), c.Count, records)
	if got := climb(slot, c.Key, depth, c.Siblings); got != x.Map {
		return unverified("map proof", "leads to ", got.String(), ", want ", x.Map.String())
	}
	return nil
}

// verifyAbsent checks the neighbours of the place where the key would be.
func (c *Receipt) verifyAbsent(x *VerifiedIndex) error {
	if c.Count == 0 && len(c.Neighbors) == 0 {
		return c.verifySlot(x, EmptyRoot())
	}
	if !c.enclosed() {
		return unverified("absence proof", "the neighbours do not enclose the key")
	}
	for _, n := range c.Neighbors {
		if err := c.verifyLeaf(x, recordLeaf(n.Key, n.Body), n.Position, n.Path); err != nil {
			return err
		}
	}
	return nil
}

func (c *Receipt) enclosed() bool {
	below := func(n Neighbor) bool { return bytes.Compare(n.Key[:], c.Key[:]) < 0 }
	above := func(n Neighbor) bool { return bytes.Compare(n.Key[:], c.Key[:]) > 0 }
	n := c.Neighbors
	switch len(n) {
	case 1:
		return n[0].Position == 0 && above(n[0]) || n[0].Position == c.Count-1 && below(n[0])
	case 2:
		return below(n[0]) && above(n[1]) && n[1].Position == n[0].Position+1 && n[1].Position != 0
	}
	return false
}

// A lookup is everything that was read to answer for one key.
type lookup struct {
	x        *VerifiedIndex
	trust    *Trust // whose keys signed the head
	head     *Head
	siblings []Hash
	slot     *Slot
	issuers  *IssuerList
}

// receipt makes a receipt out of a lookup.
func (l *lookup) receipt(key Hash, salt *Salt, signers []string) *Receipt {
	c := &Receipt{Proof: l.head.Proof, Statement: l.head.Statement, Salt: salt, Siblings: l.siblings,
		Count: uint32(len(l.slot.Records)), Key: key}
	leaves := leavesOf(l.slot.Records)
	i, ok := searchRecords(l.slot.Records, key)
	if ok {
		c.Present = &Proved{l.slot.Records[i], uint32(i), treePath(leaves, i)}
		for _, name := range signers {
			if j, rec, ok := l.issuers.Find(name); ok {
				c.Issuers = append(c.Issuers, Proved{rec, uint32(j), l.issuers.Path(j)})
			}
		}
		return c
	}
	for _, j := range []int{i - 1, i} {
		if j >= 0 && j < len(leaves) {
			r := l.slot.Records[j]
			c.Neighbors = append(c.Neighbors, Neighbor{r.Key, sum256(r.Body), uint32(j), treePath(leaves, j)})
		}
	}
	return c
}
