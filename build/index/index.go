// Package index makes the index out of the ledger: it goes through the entries in
// order, decides which of them count and under which keys, and keeps the Merkle
// map (proofs/FORMAT.md, sections 6, 8 and 9) up to date, writing only what changed.
//
// The same code serves the publisher, which adds a few thousand entries to a map
// of millions, and whoever builds the whole map from nothing:
//
//	entries ── Ledger.Add ──> additions ── Ledger.Prepare ──> map update ──> slots, tiles, issuer list
package index

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"

	"stele/proofs"
)

// A State is what the first Size entries of a ledger come to.
type State struct {
	Size        uint64
	Publication uint64 // of the last index statement that held; 0 before the first
	Time        int64  // of that statement, seconds
	RootTile    []byte // the map's top tile
	Keys        uint64 // in the map
	Issuers     *proofs.IssuerList
	SHA3        *proofs.Frontier  // the SHA3-256 tree over the entries
	Sizes       map[uint64]uint64 // of the publications that the last head and the next name, by number
	Statistics  *proofs.Statistics
}

// Empty is the state of a ledger without entries.
func Empty() *State {
	slot := &proofs.Slot{}
	tile := &proofs.MapTile{Leaves: []proofs.MapTileLeaf{{Hash: slot.Hash()}}}
	return &State{RootTile: tile.Marshal(), Issuers: &proofs.IssuerList{}, SHA3: proofs.NewFrontierSHA3(), Sizes: map[uint64]uint64{}}
}

// maxPublished is how many entries whose time is known wait for Settle, in memory: some 700 bytes each. More go into the
// map at once. Fewer in tests.
var maxPublished = 1 << 20

// A Ledger follows a ledger's entries. It is not safe for concurrent use.
type Ledger struct {
	trust       *proofs.Trust
	store       Store
	state       State
	authorities proofs.Authorities
	tallies     map[proofs.Count]*tally
	waiting     []pending     // no index statement after them yet
	published   []pending     // their time is known, not in the map yet
	err         error         // of an update before Settle
	settled     bool          // Superseded is told
	Superseded  []proofs.Hash // files that nothing refers to since the last Prepare or Settle

	// Held, if set, is told each index statement that holds, as it is added.
	Held func(x *proofs.Index)
	// Seen, if set, is told each entry that Add lets through, before it counts.
	Seen func(e *proofs.Entry)
	// Documents, if set, is told each entry about a document, which is then not kept: for those who keep no map.
	Documents func(e *proofs.Entry)
	// Concurrency is how many files are read and written at once: a processor's work for a folder, more where each is waited for.
	Concurrency int
}

// A pending entry is authorised and not in the map yet. There may be a million of them: nothing is kept that can be parsed again.
type pending struct {
	place     uint64
	published int64
	key       proofs.Hash
	issuer    bool // of the issuer list
	bytes     []byte
	tally     *tally
}

// A tally counts the entries of an update that count as the same.
type tally struct {
	is proofs.Count
	n  atomic.Uint64
}

// Open goes on from a state. An empty map's slot is put into the store.
func Open(trust *proofs.Trust, store Store, s *State) (*Ledger, error) {
	as, err := s.ReadAuthorities(trust)
	if err != nil {
		return nil, fmt.Errorf("read issuer list: %w", err)
	}
	if s.Keys == 0 {
		slot := &proofs.Slot{}
		if err := store.Put(slot.Hash(), slot.Marshal()); err != nil {
			return nil, err
		}
	}
	l := &Ledger{trust: trust, store: store, state: s.snapshot(), authorities: as, tallies: map[proofs.Count]*tally{}, Concurrency: runtime.GOMAXPROCS(0)}
	if l.state.Statistics == nil {
		if s.Size > 0 {
			return nil, errors.New("state of an index without statistics")
		}
		l.state.Statistics = &proofs.Statistics{Registry: trust.Origin}
	}
	return l, nil
}

// State returns the present state. Entries added since the last Prepare count in Size and SHA3 only.
func (l *Ledger) State() State { return l.state.snapshot() }

// ReadAuthorities reads the authorities out of the issuer list.
func (s *State) ReadAuthorities(t *proofs.Trust) (proofs.Authorities, error) {
	return t.ReadAuthorities(s.Issuers, s.Size, s.Time)
}

// snapshot copies a state with its frontier, which goes on growing where it is.
func (s State) snapshot() State {
	f := proofs.NewFrontierSHA3()
	f.Restore(s.SHA3.Size(), s.SHA3.Edge()) // fits itself
	s.SHA3, s.Sizes = f, maps.Clone(s.Sizes)
	if s.Statistics != nil {
		s.Statistics = s.Statistics.Clone()
	}
	return s
}

// Authorities returns the standing of all authorities as of the last entry added.
func (l *Ledger) Authorities() proofs.Authorities { return l.authorities }

// Add takes the next entries of the ledger, in order. What does not count is passed over.
func (l *Ledger) Add(entries ...[]byte) {
	l.appendSHA3(entries)
	Authorise(l.trust, l.authorities, l.state.Size, entries, func(_ int, e *proofs.Entry, _ error) bool {
		if e != nil && l.Seen != nil {
			l.Seen(e)
		}
		l.take(e)
		return true
	})
	l.state.Size += uint64(len(entries))
}

// AddAuthorised is Add for entries that Authorise has let through just now, at these places.
func (l *Ledger) AddAuthorised(entries []*proofs.Entry) error {
	raw := make([][]byte, len(entries))
	for i, e := range entries {
		if e.Place != l.state.Size+uint64(i) {
			return fmt.Errorf("entry authorised for place %d, but it is at %d", e.Place, l.state.Size+uint64(i))
		}
		raw[i] = e.Bytes
	}
	l.appendSHA3(raw)
	for _, e := range entries {
		if e.Envelope.Issuer == l.trust.RootName() {
			l.authorities.Apply(e)
		}
		l.take(e)
	}
	l.state.Size += uint64(len(entries))
	return nil
}

// appendSHA3 lets the SHA3-256 tree grow: its leaves on all processors, since they take longer than all else there.
func (l *Ledger) appendSHA3(entries [][]byte) {
	leaves := make([]proofs.Hash, len(entries))
	shares(len(entries), func(from, to int) {
		for i := from; i < to; i++ {
			leaves[i] = l.state.SHA3.Leaf(entries[i])
		}
	})
	for _, h := range leaves {
		l.state.SHA3.AppendLeaf(h)
	}
}

func (l *Ledger) take(e *proofs.Entry) {
	switch {
	case e == nil:
	case e.Envelope.Issuer == l.trust.Publication.Name:
		if e.Statement != nil && e.Statement.Index != nil && l.holds(e) {
			l.hold(e.Statement.Index)
		}
	case e.Envelope.Selector != "":
		_, issuer := e.Envelope.Authority()
		if !issuer && l.Documents != nil {
			l.Documents(e)
			return
		}
		l.waiting = append(l.waiting, pending{place: e.Place, key: proofs.KeyOf(e.Envelope.Selector), issuer: issuer, bytes: e.Bytes, tally: l.tally(e)})
	}
}

func (l *Ledger) tally(e *proofs.Entry) *tally {
	c := proofs.CountOf(e)
	t := l.tallies[c]
	if t == nil {
		t = &tally{is: c.Clone()}
		l.tallies[t.is] = t
	}
	return t
}

// holds: FORMAT.md, section 8.4.
func (l *Ledger) holds(e *proofs.Entry) bool {
	x := e.Statement.Index
	return x.Covers == e.Place && x.Publication == l.state.Publication+1 && x.Time > l.state.Time
}

// hold gives the waiting entries their publication time, and keeps the sizes that later heads may name.
func (l *Ledger) hold(x *proofs.Index) {
	for i := range l.waiting {
		l.waiting[i].published = x.Time
	}
	if l.Held != nil {
		l.Held(x)
	}
	l.publish()
	if len(l.published) > maxPublished {
		l.update()
	}
	l.state.Statistics.Grow(proofs.Growth{Publication: x.Publication, Size: x.Covers + 1, Keys: x.Keys, Time: x.Time})
	l.state.Publication, l.state.Time = x.Publication, x.Time
	l.state.Sizes[x.Publication] = x.Covers + 1
	// What a later head names is among these, or newer.
	named := append(proofs.PublicationList(x.Publication), proofs.PublicationList(x.Publication+1)...)
	maps.DeleteFunc(l.state.Sizes, func(number, _ uint64) bool { return !slices.Contains(named, number) })
}

func (l *Ledger) publish() {
	if l.published == nil {
		l.published = l.waiting // of a million, a copy would be felt
	} else {
		l.published = append(l.published, l.waiting...)
	}
	l.waiting = nil
}

// ListedSizes are the sizes of earlier publications that the head of a publication names, ascending. They are known for
// the last publication and the next.
func (s *State) ListedSizes(publication uint64) ([]uint64, error) {
	var sizes []uint64
	for _, number := range proofs.PublicationList(publication) {
		size, ok := s.Sizes[number]
		if !ok {
			return nil, fmt.Errorf("size of publication %d: not known", number)
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

// Prepare updates the map with everything added so far, as published at the given time, and returns
// what the next index statement says. The caller appends that statement to the ledger and hands it to Add.
func (l *Ledger) Prepare(time int64) (*proofs.Index, error) {
	if time <= l.state.Time {
		return nil, fmt.Errorf("publish at %d: not later than the last publication at %d", time, l.state.Time)
	}
	for i := range l.waiting {
		l.waiting[i].published = time
	}
	l.publish()
	if err := l.Settle(); err != nil {
		return nil, err
	}
	x := l.Index()
	x.Publication, x.Time = l.state.Publication+1, time
	sizes, err := l.state.ListedSizes(x.Publication)
	if err != nil {
		return nil, err
	}
	x.Sizes = proofs.SizesHash(sizes)
	return x, nil
}

// Settle brings the map up to the last index statement that held.
func (l *Ledger) Settle() error {
	l.update()
	l.settled = true
	return l.err
}

// Index is what an index statement would say of the map as it is, but for publication, time, tree and sizes.
func (l *Ledger) Index() *proofs.Index {
	tile, _ := proofs.ParseMapTile(l.state.RootTile)
	return &proofs.Index{Covers: l.state.Size, TreeSHA3: l.state.SHA3.Root(), Map: tile.Hash(), Keys: l.state.Keys,
		Issuers: uint64(len(l.state.Issuers.Records)), IssuersRoot: l.state.Issuers.Root(),
		LandmarksRoot: proofs.EmptyRoot()}
}

// update puts the entries whose publication time is known into map and issuer list. The first error stays: what
// was to be put there is not there.
func (l *Ledger) update() {
	if l.err != nil {
		return
	}
	if l.settled {
		l.Superseded, l.settled = nil, false
	}
	b := newAdditions(l, l.published)
	if l.err = l.updateIssuers(b); l.err == nil {
		l.err = l.updateMap(b)
	}
	if l.err == nil {
		b.count()
	}
	l.published = nil
}

func (l *Ledger) updateIssuers(b *additions) error {
	if len(b.issuers) == 0 {
		return nil
	}
	old := l.state.Issuers
	list := &proofs.IssuerList{Records: slices.Clone(old.Records)}
	for _, key := range b.issuers {
		i, found := slices.BinarySearchFunc(list.Records, key, compareKey)
		if !found {
			list.Records = slices.Insert(list.Records, i, proofs.Record{Key: key})
		}
		rec, err := b.merge(list.Records[i])
		if err != nil {
			return err
		}
		list.Records[i] = rec
	}
	if err := l.store.Put(list.Root(), list.Marshal()); err != nil {
		return err
	}
	if old.Root() != list.Root() && len(old.Records) > 0 {
		l.Superseded = append(l.Superseded, old.Root())
	}
	l.state.Issuers = list
	return nil
}

func compareKey(r proofs.Record, k proofs.Hash) int { return bytes.Compare(r.Key[:], k[:]) }

// Find returns the record of a key of the map, as of the last Prepare or Settle.
func (l *Ledger) Find(key proofs.Hash) (proofs.Record, bool, error) { return l.Finder().Find(key) }

// FindIssuer returns the record of a key of the issuer list.
func (l *Ledger) FindIssuer(key proofs.Hash) (proofs.Record, bool) { return l.state.FindIssuer(key) }

// FindIssuer returns the record of a key of the issuer list.
func (s *State) FindIssuer(key proofs.Hash) (proofs.Record, bool) {
	i, ok := slices.BinarySearchFunc(s.Issuers.Records, key, compareKey)
	if !ok {
		return proofs.Record{}, false
	}
	return s.Issuers.Records[i], true
}

// Finder finds keys of the map as of the last Prepare or Settle.
func (l *Ledger) Finder() *Finder { return NewFinder(l.store, l.state.RootTile) }

// FindSlot follows a key from a root tile to its slot, and compares each file with its name.
func FindSlot(store Store, rootTile []byte, key proofs.Hash) (*proofs.Slot, error) {
	return NewFinder(store, rootTile).Slot(key)
}

// A Finder looks keys up, and remembers tiles and the last slot: neighbouring keys one after the other are found
// fastest. It is for one goroutine.
type Finder struct {
	store   Store
	checked bool
	root    *proofs.MapTile
	err     error // of the root tile
	tiles   map[proofs.Hash]*proofs.MapTile
	last    proofs.Hash
	slot    *proofs.Slot
}

// NewFinder begins at a root tile. Files are compared with their names.
func NewFinder(store Store, rootTile []byte) *Finder {
	f := NewUncheckedFinder(store, rootTile)
	f.checked = true
	return f
}

// NewUncheckedFinder does not hash what it reads: for those whose answer will be checked by another.
func NewUncheckedFinder(store Store, rootTile []byte) *Finder {
	f := &Finder{store: store, tiles: map[proofs.Hash]*proofs.MapTile{}}
	f.root, f.err = proofs.ParseMapTile(rootTile)
	return f
}

// Slot returns the slot in which a key is, or would be.
func (f *Finder) Slot(key proofs.Hash) (*proofs.Slot, error) {
	tile, err := f.root, f.err
	for depth := proofs.MapTileHeight; err == nil; depth += proofs.MapTileHeight {
		leaf := leafFor(tile, key)
		if !leaf.Tile {
			return f.slotAt(leaf.Hash)
		}
		tile, err = f.tileAt(leaf.Hash, depth)
	}
	return nil, fmt.Errorf("find key %s in the index: %w", key, err)
}

func (f *Finder) tileAt(h proofs.Hash, depth int) (*proofs.MapTile, error) {
	if t, ok := f.tiles[h]; ok {
		return t, nil
	}
	t, err := getTile(f.store, h, depth)
	if err == nil {
		f.tiles[h] = t
	}
	return t, err
}

func (f *Finder) slotAt(h proofs.Hash) (*proofs.Slot, error) {
	if f.slot != nil && f.last == h {
		return f.slot, nil
	}
	var err error
	if f.checked {
		f.slot, _, err = getSlot(f.store, h)
	} else {
		f.slot, err = parseSlot(f.store, h)
	}
	f.last = h
	return f.slot, err
}

// Find returns the record of a key.
func (f *Finder) Find(key proofs.Hash) (rec proofs.Record, ok bool, err error) {
	slot, err := f.Slot(key)
	if err != nil {
		return rec, false, err
	}
	rec, ok = slot.Find(key)
	return rec, ok, nil
}

// leafFor finds the leaf that covers a key by counting, without hashing.
func leafFor(t *proofs.MapTile, key proofs.Hash) proofs.MapTileLeaf {
	want := 0 // the key's place among the tile's 512 bottom places
	for i := range proofs.MapTileHeight {
		want = want<<1 | proofs.KeyBit(key, t.Depth+i)
	}
	at := 0
	for _, leaf := range t.Leaves {
		at += 1 << (proofs.MapTileHeight - leaf.Depth)
		if want < at {
			return leaf
		}
	}
	panic("a parsed map tile is complete")
}
