// Package index makes the index out of the ledger: it goes through the entries in
// order, decides which of them count and under which keys, and keeps the Merkle
// map (proofs/FORMAT.md, sections 6, 8 and 9) up to date, writing only what changed.
//
// The same code serves the publisher, which adds a few thousand entries to a map
// of millions, and the auditor, which builds the whole map from nothing:
//
//	entries ── Ledger.Add ──> additions ── Ledger.Prepare ──> map update ──> slots, tiles, issuer list
package index

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

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
}

// Empty is the state of a ledger without entries.
func Empty() *State {
	slot := &proofs.Slot{}
	tile := &proofs.MapTile{Leaves: []proofs.MapTileLeaf{{Hash: slot.Hash()}}}
	return &State{RootTile: tile.Marshal(), Issuers: &proofs.IssuerList{}, SHA3: proofs.NewFrontierSHA3(), Sizes: map[uint64]uint64{}}
}

// A Ledger follows a ledger's entries. It is not safe for concurrent use.
type Ledger struct {
	trust       *proofs.Trust
	store       Store
	state       State
	authorities proofs.Authorities
	waiting     []*proofs.Entry // authorised, no index statement after them yet
	published   []*proofs.Entry // authorised, their time is known, not in the map yet
	Superseded  []proofs.Hash   // files that nothing refers to since the last Prepare or Settle

	// Held, if set, is told each index statement that holds, as it is added.
	Held func(x *proofs.Index)
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
	return &Ledger{trust: trust, store: store, state: s.snapshot(), authorities: as}, nil
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
	return s
}

// Authorities returns the standing of all authorities as of the last entry added.
func (l *Ledger) Authorities() proofs.Authorities { return l.authorities }

// Add takes the next entries of the ledger, in order. What does not count is passed over.
func (l *Ledger) Add(entries ...[]byte) {
	Authorise(l.trust, l.authorities, l.state.Size, entries, func(i int, e *proofs.Entry, _ error) bool {
		l.state.SHA3.Append(entries[i])
		l.take(e)
		return true
	})
	l.state.Size += uint64(len(entries))
}

// AddAuthorised is Add for entries that Authorise has let through just now, at these places.
func (l *Ledger) AddAuthorised(entries []*proofs.Entry) error {
	for _, e := range entries {
		if e.Place != l.state.Size {
			return fmt.Errorf("entry authorised for place %d, but it is at %d", e.Place, l.state.Size)
		}
		if e.Envelope.Issuer == l.trust.RootName() {
			l.authorities.Apply(e)
		}
		l.state.SHA3.Append(e.Bytes)
		l.take(e)
		l.state.Size++
	}
	return nil
}

// Authorise verifies entries on all processors and calls f for each in order, with nil and the reason for one
// that does not count. What the root says takes effect on the authorities before the entries after it.
func Authorise(t *proofs.Trust, as proofs.Authorities, first uint64, entries [][]byte, f func(i int, e *proofs.Entry, err error) bool) {
	mark := []byte("\nissuer " + t.RootName() + "\n")
	for done := 0; done < len(entries); {
		run := entries[done:]
		if i := slices.IndexFunc(run, func(e []byte) bool { return bytes.Contains(e, mark) }); i >= 0 {
			run = run[:i+1]
		}
		out, errs := make([]*proofs.Entry, len(run)), make([]error, len(run))
		parallel(len(run), func(i int) {
			out[i], errs[i] = t.Authorise(as, first+uint64(done+i), run[i])
		})
		for i, e := range out {
			if f(done+i, e, errs[i]) && e != nil && e.Envelope.Issuer == t.RootName() {
				as.Apply(e)
			}
		}
		done += len(run)
	}
}

// parallel calls f for 0 to n-1 on all processors.
func parallel(n int, f func(i int)) {
	const batch = 16
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), (n+batch-1)/batch) {
		wg.Go(func() {
			for i := range next {
				for j := i; j < min(i+batch, n); j++ {
					f(j)
				}
			}
		})
	}
	for i := 0; i < n; i += batch {
		next <- i
	}
	close(next)
	wg.Wait()
}

func (l *Ledger) take(e *proofs.Entry) {
	switch {
	case e == nil:
	case e.Envelope.Issuer == l.trust.Publication.Name:
		if e.Statement != nil && e.Statement.Index != nil && l.holds(e) {
			l.hold(e.Statement.Index)
		}
	case e.Envelope.Selector != "":
		l.waiting = append(l.waiting, e)
	}
}

// holds: FORMAT.md, section 8.4.
func (l *Ledger) holds(e *proofs.Entry) bool {
	x := e.Statement.Index
	return x.Covers == e.Place && x.Publication == l.state.Publication+1 && x.Time > l.state.Time
}

// hold gives the waiting entries their publication time, and keeps the sizes that later heads may name.
func (l *Ledger) hold(x *proofs.Index) {
	for _, e := range l.waiting {
		e.Published = x.Time
	}
	if l.Held != nil {
		l.Held(x)
	}
	l.published = append(l.published, l.waiting...)
	l.waiting = nil
	l.state.Publication, l.state.Time = x.Publication, x.Time
	l.state.Sizes[x.Publication] = x.Covers + 1
	// What a later head names is among these, or newer.
	named := append(proofs.PublicationList(x.Publication), proofs.PublicationList(x.Publication+1)...)
	maps.DeleteFunc(l.state.Sizes, func(number, _ uint64) bool { return !slices.Contains(named, number) })
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
	for _, e := range l.waiting {
		e.Published = time
	}
	entries := append(l.published, l.waiting...)
	if err := l.update(entries); err != nil {
		return nil, err
	}
	x := l.Index()
	x.Publication, x.Time = l.state.Publication+1, time
	sizes, err := l.state.ListedSizes(x.Publication)
	if err != nil {
		return nil, err
	}
	x.Sizes = proofs.SizesHash(sizes)
	l.published, l.waiting = nil, nil
	return x, nil
}

// Settle brings the map up to the last index statement that held: the auditor's Prepare.
func (l *Ledger) Settle() error {
	err := l.update(l.published)
	l.published = nil
	return err
}

// Index is what an index statement would say of the map as it is, but for publication, time, tree and sizes.
func (l *Ledger) Index() *proofs.Index {
	tile, _ := proofs.ParseMapTile(l.state.RootTile)
	return &proofs.Index{Covers: l.state.Size, TreeSHA3: l.state.SHA3.Root(), Map: tile.Hash(), Keys: l.state.Keys,
		Issuers: uint64(len(l.state.Issuers.Records)), IssuersRoot: l.state.Issuers.Root(),
		LandmarksRoot: proofs.EmptyRoot()}
}

// update puts entries whose publication time is known into map and issuer list.
func (l *Ledger) update(entries []*proofs.Entry) error {
	b := newBatch(l, entries)
	l.Superseded = nil
	if err := l.updateIssuers(b); err != nil {
		return err
	}
	return l.updateMap(b)
}

func (l *Ledger) updateIssuers(b *batch) error {
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
