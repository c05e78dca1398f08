package proofs

// The index: one Merkle map from a document's key to its record (FORMAT.md, section 8).

import (
	"bytes"
	"errors"
	"slices"
)

const (
	// SplitAt is how many keys both halves of a slot must have for it to split:
	// the least number of documents among which a lookup hides.
	SplitAt = 64

	// MapTileHeight is how many levels of the map a tile holds.
	MapTileHeight = 9

	maxRecord  = 1 << 20  // bytes of a body
	maxMapTile = 17 << 10 // bytes
	maxIssuers = 64 << 20 // bytes
	maxDepth   = 255      // bits of a slot's prefix

	recordDomain  = "stele.record/1\n"
	slotHeader    = "stele.slot/1\n"
	mapTileHeader = "stele.tile/1\n"
	issuersHeader = "stele.issuers/1\n"
)

// MaxSlot is the greatest size of a slot's file, in bytes.
const MaxSlot = 16 << 20

// The sequencer's limits on a record's body and a slot, in bytes (FORMAT.md, section 16).
const (
	SequenceRecord      = 64 << 10 // register, link, supersede, accredit
	SequenceRecordState = 96 << 10 // suspend, restore
	SequenceSlot        = 1 << 20  // register, link, supersede
)

// A RecordEntry is one entry in a record.
type RecordEntry struct {
	Place     uint64
	Published int64 // seconds
	Bytes     []byte
}

// A Record is what the index holds for one key.
type Record struct {
	Key  Hash
	Body []byte
}

// MarshalBody formats the entries of a record.
func MarshalBody(entries []RecordEntry) []byte {
	b := appendU16(nil, len(entries))
	for _, e := range entries {
		b = appendU64(b, e.Place)
		b = appendU64(b, uint64(e.Published))
		b = appendOpaque16(b, e.Bytes)
	}
	return b
}

// Entries takes the body apart. Places ascend.
func (r Record) Entries() ([]RecordEntry, error) {
	d := &reader{what: "record", b: r.Body}
	n := d.u16()
	if n == 0 {
		d.fail("no entries")
	}
	var entries []RecordEntry
	for i := 0; i < n && d.err == nil; i++ {
		e := RecordEntry{d.count(), int64(d.count()), d.opaque16()}
		if i > 0 && e.Place <= entries[i-1].Place {
			d.fail("places do not ascend")
		}
		entries = append(entries, e)
	}
	return entries, d.done()
}

// Leaf is the record's leaf hash in its slot or in the issuer list.
func (r Record) Leaf() Hash { return recordLeaf(r.Key, sum256(r.Body)) }

func recordLeaf(key, body Hash) Hash {
	b := make([]byte, 0, len(recordDomain)+2*len(key))
	b = append(b, recordDomain...)
	b = append(b, key[:]...)
	return sum256(append(b, body[:]...))
}

// appendRecords and records are the shared part of slots and issuer lists:
// u32 count, then key and opaque32 body, ascending by key.
func appendRecords(b []byte, records []Record) []byte {
	b = appendU32(b, uint32(len(records)))
	for _, r := range records {
		b = append(b, r.Key[:]...)
		b = appendOpaque32(b, r.Body)
	}
	return b
}

func (r *reader) records() []Record {
	n := r.u32()
	if uint64(n)*(32+4) > uint64(len(r.b)-r.off) {
		r.fail(utoa(uint64(n)), " records in ", itoa(len(r.b)-r.off), " bytes")
		return nil
	}
	records := make([]Record, 0, n)
	for i := 0; i < int(n) && r.err == nil; i++ {
		rec := Record{r.hash(), r.opaque32()}
		if i > 0 && bytes.Compare(records[i-1].Key[:], rec.Key[:]) >= 0 {
			r.fail("keys do not ascend")
		}
		if len(rec.Body) > maxRecord {
			r.fail("record of ", itoa(len(rec.Body)), " bytes, want at most ", itoa(maxRecord))
		}
		records = append(records, rec)
	}
	return records
}

func leavesOf(records []Record) []Hash {
	leaves := make([]Hash, len(records))
	for i, r := range records {
		leaves[i] = r.Leaf()
	}
	return leaves
}

func searchRecords(records []Record, key Hash) (int, bool) {
	return slices.BinarySearchFunc(records, key, func(r Record, k Hash) int { return bytes.Compare(r.Key[:], k[:]) })
}

// A Slot holds the records of the keys under one prefix.
type Slot struct {
	Depth   int  // bits in the prefix
	Prefix  Hash // those bits, then zeroes
	Records []Record
}

// Marshal formats the slot's file.
func (s *Slot) Marshal() []byte {
	n := 0
	for _, r := range s.Records {
		n += len(r.Key) + 4 + len(r.Body)
	}
	b := make([]byte, 0, len(slotHeader)+1+len(s.Prefix)+4+n)
	b = append(b, slotHeader...)
	b = append(append(b, byte(s.Depth)), s.Prefix[:]...)
	return appendRecords(b, s.Records)
}

// ParseSlot parses a slot's file. That its keys have the prefix is checked; that
// it is the slot asked for follows from its Hash.
func ParseSlot(b []byte) (*Slot, error) {
	if len(b) > MaxSlot {
		return nil, malformed("slot", itoa(len(b)), " bytes, want at most ", itoa(MaxSlot))
	}
	r := &reader{what: "slot", b: b}
	r.literal(slotHeader)
	s := &Slot{Depth: r.u8(), Prefix: r.hash()}
	if prefixOf(s.Prefix, s.Depth) != s.Prefix {
		r.fail("prefix longer than ", itoa(s.Depth), " bits")
	}
	s.Records = r.records()
	for _, rec := range s.Records {
		if prefixOf(rec.Key, s.Depth) != s.Prefix {
			r.fail("key ", rec.Key.String(), " does not belong here")
		}
	}
	return s, r.done()
}

// Hash is the slot's place in the map, and its file's name.
func (s *Slot) Hash() Hash { return s.HashOf(s.Leaves()) }

// Leaves are the leaf hashes of the slot's records, in order.
func (s *Slot) Leaves() []Hash { return leavesOf(s.Records) }

// HashOf is Hash for leaves that are known already.
func (s *Slot) HashOf(leaves []Hash) Hash {
	return slotHash(s.Depth, s.Prefix, uint32(len(leaves)), treeRoot(leaves))
}

func slotHash(depth int, prefix Hash, count uint32, records Hash) Hash {
	b := append([]byte(slotHeader), byte(depth))
	b = append(b, prefix[:]...)
	b = appendU32(b, count)
	return sum256(append(b, records[:]...))
}

// Find returns the record of a key.
func (s *Slot) Find(key Hash) (Record, bool) {
	i, ok := searchRecords(s.Records, key)
	if !ok {
		return Record{}, false
	}
	return s.Records[i], true
}

// Split returns the two halves of a slot that has to split, or nil: exactly when both
// would have at least SplitAt keys.
func (s *Slot) Split() (left, right *Slot) {
	if s.Depth == maxDepth {
		return nil, nil
	}
	i, _ := slices.BinarySearchFunc(s.Records, 1, func(r Record, one int) int { return bit(r.Key, s.Depth) - one })
	if i < SplitAt || len(s.Records)-i < SplitAt {
		return nil, nil
	}
	rp := s.Prefix
	rp[s.Depth/8] |= 0x80 >> (s.Depth % 8)
	return &Slot{s.Depth + 1, s.Prefix, s.Records[:i]}, &Slot{s.Depth + 1, rp, s.Records[i:]}
}

// bit is bit i of a key, most significant first.
func bit(k Hash, i int) int { return int(k[i/8]>>(7-i%8)) & 1 }

// prefixOf is a key's first n bits, then zeroes.
func prefixOf(k Hash, n int) Hash {
	var p Hash
	copy(p[:], k[:n/8])
	if n%8 != 0 {
		p[n/8] = k[n/8] &^ (0xff >> (n % 8))
	}
	return p
}

// NodeHash is the hash of an inner node, of the ledger and of the map.
func NodeHash(left, right Hash) Hash { return nodeHash(left, right) }

// KeyBit is bit i of a key, most significant first: the way through the map at depth i.
func KeyBit(key Hash, i int) int { return bit(key, i) }

// A MapTile holds up to nine levels of the map.
type MapTile struct {
	Depth  int // of its top; a multiple of MapTileHeight
	Leaves []MapTileLeaf
}

// A MapTileLeaf is a slot, or the top of another tile.
type MapTileLeaf struct {
	Depth int  // below the tile's top, 0 to 9
	Tile  bool // the top of another tile; only at depth 9
	Hash  Hash
}

// Marshal formats the tile's file.
func (t *MapTile) Marshal() []byte {
	b := append([]byte(mapTileHeader), byte(t.Depth))
	b = appendU16(b, len(t.Leaves))
	for _, l := range t.Leaves {
		place := byte(l.Depth)
		if l.Tile {
			place |= 0x80
		}
		b = append(append(b, place), l.Hash[:]...)
	}
	return b
}

// ParseMapTile parses a tile's file: a complete binary tree, tiles below it at depth 9 only.
func ParseMapTile(b []byte) (*MapTile, error) {
	if len(b) > maxMapTile {
		return nil, malformed("map tile", itoa(len(b)), " bytes, want at most ", itoa(maxMapTile))
	}
	r := &reader{what: "map tile", b: b}
	r.literal(mapTileHeader)
	t := &MapTile{Depth: r.u8()}
	if t.Depth%MapTileHeight != 0 {
		r.fail("depth ", itoa(t.Depth), " is no multiple of ", itoa(MapTileHeight))
	}
	n := r.u16()
	filled := 0 // how much of the 512 bottom places the leaves so far take up
	for i := 0; i < n && r.err == nil; i++ {
		place := r.u8()
		l := MapTileLeaf{place & 0x7f, place&0x80 != 0, r.hash()}
		if l.Depth > MapTileHeight || l.Tile && l.Depth != MapTileHeight {
			r.fail("leaf ", itoa(i), " at depth ", itoa(l.Depth))
			break
		}
		if t.Depth+l.Depth > maxDepth {
			r.fail("leaf ", itoa(i), " at depth ", itoa(t.Depth+l.Depth), " of the map")
			break
		}
		width := 1 << (MapTileHeight - l.Depth)
		if filled%width != 0 || filled+width > 1<<MapTileHeight {
			r.fail("leaf ", itoa(i), " does not fit the tree")
		}
		filled += width
		t.Leaves = append(t.Leaves, l)
	}
	if r.err == nil && filled != 1<<MapTileHeight {
		r.fail("not a complete tree")
	}
	if r.err == nil && n == 1 && t.Depth > 0 { // its hash is a slot's, and so would be its file's name
		r.fail("one leaf at depth ", itoa(t.Depth), ", where only a slot is")
	}
	return t, r.done()
}

// Hash is the hash of the tile's top, and its file's name.
func (t *MapTile) Hash() Hash {
	h, _ := hashLeaves(t.Leaves, 0)
	return h
}

// hashLeaves hashes the subtree whose top is at a depth and returns the leaves after it.
func hashLeaves(leaves []MapTileLeaf, depth int) (Hash, []MapTileLeaf) {
	if leaves[0].Depth == depth {
		return leaves[0].Hash, leaves[1:]
	}
	left, rest := hashLeaves(leaves, depth+1)
	right, rest := hashLeaves(rest, depth+1)
	return nodeHash(left, right), rest
}

// Descend follows a key to the leaf that covers it, and returns the hashes beside the way, from
// the leaf up to the tile's top.
func (t *MapTile) Descend(key Hash) (MapTileLeaf, []Hash) {
	var siblings []Hash
	leaves := t.Leaves
	for depth := 0; leaves[0].Depth != depth || len(leaves) > 1; depth++ {
		left, rest := hashLeaves(leaves, depth+1)
		if bit(key, t.Depth+depth) == 0 {
			right, _ := hashLeaves(rest, depth+1)
			siblings = append(siblings, right)
			leaves = leaves[:len(leaves)-len(rest)]
		} else {
			siblings = append(siblings, left)
			leaves = rest
		}
	}
	slices.Reverse(siblings)
	return leaves[0], siblings
}

// climb hashes from a node at a depth up to the map's root.
func climb(h Hash, key Hash, depth int, siblings []Hash) Hash {
	for i := depth - 1; i >= 0; i-- {
		s := siblings[depth-1-i]
		if bit(key, i) == 0 {
			h = nodeHash(h, s)
		} else {
			h = nodeHash(s, h)
		}
	}
	return h
}

// IndexPath is the path of a slot, map tile or issuer list below the portal's root.
func IndexPath(h Hash) string {
	s := h.String()
	return "index/" + s[:2] + "/" + s
}

// An IssuerList holds the records of all authorities.
type IssuerList struct {
	Records []Record // ascending by key
}

// Marshal formats the issuer list's file.
func (l *IssuerList) Marshal() []byte { return appendRecords([]byte(issuersHeader), l.Records) }

// ParseIssuerList parses an issuer list's file.
func ParseIssuerList(b []byte) (*IssuerList, error) {
	if len(b) > maxIssuers {
		return nil, malformed("issuer list", itoa(len(b)), " bytes, want at most ", itoa(maxIssuers))
	}
	r := &reader{what: "issuer list", b: b}
	r.literal(issuersHeader)
	l := &IssuerList{Records: r.records()}
	return l, r.done()
}

// Root is the RFC 6962 root over the records' leaves, and the file's name.
func (l *IssuerList) Root() Hash { return treeRoot(leavesOf(l.Records)) }

// Find returns the position and record of an authority.
func (l *IssuerList) Find(name string) (int, Record, bool) {
	i, ok := searchRecords(l.Records, IssuerKey(name))
	if !ok {
		return 0, Record{}, false
	}
	return i, l.Records[i], true
}

// Path proves the record at a position in the list.
func (l *IssuerList) Path(position int) []Hash { return treePath(leavesOf(l.Records), position) }

// readAuthority takes an authority's record apart: authorised statements of the root about it, among the first
// `covers` entries and published by `time`.
func (t *Trust) readAuthority(as Authorities, rec Record, covers uint64, time int64) error {
	return t.eachAbout(as, rec, covers, time, func(*Entry, bool) {})
}

// eachAbout is readAuthority, which shows every statement and whether it took effect.
func (t *Trust) eachAbout(as Authorities, rec Record, covers uint64, time int64, show func(e *Entry, effect bool)) error {
	entries, err := rec.Entries()
	if err != nil {
		return err
	}
	for _, re := range entries {
		if !re.covered(covers, time) {
			return unverified("issuer record", "place ", utoa(re.Place), " is not covered by the index")
		}
		e, err := t.Authorise(nil, re.Place, re.Bytes)
		if errors.As(err, new(*OtherEpochError)) {
			return err
		}
		if err != nil {
			return unverified("issuer record", "place ", utoa(re.Place), ": ", err.Error())
		}
		if e.Envelope.Issuer != t.RootName() || KeyOf(e.Envelope.Selector) != rec.Key {
			return unverified("issuer record", "place ", utoa(re.Place), " is not about its authority")
		}
		e.Published = re.Published
		show(e, as.Apply(e))
	}
	return nil
}

// ReadAuthorities reads a whole issuer list, as it stands after `covers` entries and at a publication's time.
func (t *Trust) ReadAuthorities(l *IssuerList, covers uint64, time int64) (Authorities, error) {
	as := Authorities{}
	for _, rec := range l.Records {
		if err := t.readAuthority(as, rec, covers, time); err != nil {
			return nil, err
		}
	}
	return as, nil
}
