package audit

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"stele/build/index"
	"stele/proofs"
)

// A walker reads every file of the published map, once, compares each with its name and its place, the shape with the keys, and each record
// with the rules but for what the ledger has to say: that, it adds up.
type walker struct {
	a       *auditor
	keys    atomic.Uint64
	files   atomic.Int64
	workers [readers]struct {
		finder *index.Finder
		sums   sums
	}
}

func (a *auditor) newWalker(tile []byte) *walker {
	w := &walker{a: a}
	for i := range w.workers {
		w.workers[i].finder = index.NewFinder(store{a}, tile)
	}
	return w
}

// A position is where a tile's leaf stands in the map.
type position struct {
	proofs.MapTileLeaf
	depth  int // in the map
	prefix proofs.Hash
}

// positions are those of a tile's leaves, from left to right.
func positions(t *proofs.MapTile, prefix proofs.Hash) []position {
	var out []position
	at := 0 // among the 512 bottom places
	for _, l := range t.Leaves {
		p := position{l, t.Depth + l.Depth, prefix}
		for i := range l.Depth {
			if at>>(proofs.MapTileHeight-1-i)&1 == 1 {
				bit := t.Depth + i
				p.prefix[bit/8] |= 0x80 >> (bit % 8)
			}
		}
		at += 1 << (proofs.MapTileHeight - l.Depth)
		out = append(out, p)
	}
	return out
}

// tile goes through all below a tile, and returns how many keys are there.
func (w *walker) tile(t *proofs.MapTile, prefix proofs.Hash) (uint64, error) {
	at := positions(t, prefix)
	counts := make([]uint64, len(at))
	err := parallel(readers, len(at), func(worker, i int) (err error) {
		if !at[i].Tile {
			counts[i], err = w.slot(worker, at[i])
		}
		return err
	})
	for i := range at {
		if err == nil && at[i].Tile {
			counts[i], err = w.below(at[i])
		}
	}
	if err != nil {
		return 0, err
	}
	n, _, _, err := shape(at, counts, t.Depth)
	return n, err
}

func (w *walker) below(at position) (uint64, error) {
	t, err := w.a.mapTile(at)
	if err != nil {
		return 0, err
	}
	w.files.Add(1)
	return w.tile(t, at.prefix)
}

// mapTile reads a tile below another.
func (a *auditor) mapTile(at position) (*proofs.MapTile, error) {
	path := proofs.IndexPath(at.Hash)
	b, err := a.p.Read(a.ctx, path)
	if err != nil {
		return nil, err
	}
	t, err := proofs.ParseMapTile(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if t.Hash() != at.Hash || t.Depth != at.depth {
		return nil, fmt.Errorf("%s: not the map tile that it is named after: hashes to %s, depth %d, want %d", path, t.Hash(), t.Depth, at.depth)
	}
	if t.Leaves[0].Depth == 0 {
		return nil, fmt.Errorf("%s: a map tile of one slot, which should stand in the tile above it", path)
	}
	return t, nil
}

// shape checks that every node above the slots has SplitAt keys at least in either half: FORMAT.md, section 8.2.
func shape(at []position, counts []uint64, depth int) (uint64, []position, []uint64, error) {
	if at[0].depth == depth {
		return counts[0], at[1:], counts[1:], nil
	}
	prefix := at[0].prefix
	left, at, counts, err := shape(at, counts, depth+1)
	if err != nil {
		return 0, nil, nil, err
	}
	right, at, counts, err := shape(at, counts, depth+1)
	if err == nil && min(left, right) < proofs.SplitAt {
		err = fmt.Errorf("map: the keys that begin with the %d bits of %s are split into %d and %d, want at least %d in either half or one slot",
			depth, prefix, left, right, proofs.SplitAt)
	}
	return left + right, at, counts, err
}

// readSlot reads a slot, and compares it with its name and its place.
func (a *auditor) readSlot(at position) (*proofs.Slot, error) {
	path := proofs.IndexPath(at.Hash)
	b, err := a.p.Read(a.ctx, path)
	if err != nil {
		return nil, err
	}
	slot, err := proofs.ParseSlot(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if got := slot.Hash(); got != at.Hash {
		return nil, fmt.Errorf("%s: not the slot that it is named after: hashes to %s", path, got)
	}
	if slot.Depth != at.depth || slot.Prefix != at.prefix {
		return nil, fmt.Errorf("%s: a slot of the %d bits of %s, which stands where that of the %d bits of %s should", path, slot.Depth, slot.Prefix, at.depth, at.prefix)
	}
	return slot, nil
}

func (w *walker) slot(worker int, at position) (uint64, error) {
	if err := w.a.ctx.Err(); err != nil {
		return 0, err
	}
	slot, err := w.a.readSlot(at)
	if err != nil {
		return 0, err
	}
	if left, _ := slot.Split(); left != nil {
		return 0, fmt.Errorf("%s: both halves of this slot have %d keys at least: it should be two", proofs.IndexPath(at.Hash), proofs.SplitAt)
	}
	for _, rec := range slot.Records {
		if err := w.record(worker, rec); err != nil {
			return 0, fmt.Errorf("%s: record %s: %w", proofs.IndexPath(at.Hash), rec.Key, err)
		}
	}
	w.files.Add(1)
	n := uint64(len(slot.Records))
	w.a.progress("documents", w.keys.Add(n), w.a.x.Keys)
	return n, nil
}

// record adds up a record's own entries. Where there are others, or a replacement, it has to be what follows from
// its own: FORMAT.md, section 8.1. What is taken for its own and is not, is in no other sum.
func (w *walker) record(worker int, rec proofs.Record) error {
	raw, err := rec.Entries()
	if err != nil {
		return err
	}
	if len(raw) == 1 { // nearly all, and not worth parsing: others' alone would be wrong
		w.add(worker, rec.Key, raw[0].Place, raw[0].Published, proofs.LeafHash(raw[0].Bytes))
		return nil
	}
	entries, err := index.Entries(rec)
	if err != nil {
		return err
	}
	var own []*proofs.Entry
	rebuild := false
	for _, e := range entries {
		rebuild = rebuild || e.Statement != nil && e.Statement.Action == proofs.ActionSupersede
		if proofs.KeyOf(e.Envelope.Selector) != rec.Key {
			rebuild = true
			continue
		}
		own = append(own, e)
		w.add(worker, rec.Key, e.Place, e.Published, e.Leaf)
	}
	if !rebuild {
		return nil
	}
	want, err := w.workers[worker].finder.Rebuild(rec.Key, own)
	if err == nil && !bytes.Equal(want, rec.Body) {
		err = fmt.Errorf("what it holds of replacing documents, or of texts twice, does not follow from its own entries")
	}
	return err
}

func (w *walker) add(worker int, key proofs.Hash, place uint64, published int64, leaf proofs.Hash) {
	f, g := w.a.secret.of(key, place, leaf)
	s := &w.workers[worker].sums[rangeOf(key)]
	s.add(&f)
	s.addTimes(&g, uint64(published))
}

// sums are those of all workers.
func (w *walker) sums() *sums {
	all := &sums{}
	for i := range w.workers {
		all.add(&w.workers[i].sums)
	}
	return all
}
