// Package audit rebuilds what a registry has published from its ledger, and compares. It reads a portal
// as any outsider can, and needs nothing of the registry's own.
package audit

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"stele/build/index"
	"stele/build/ledger"
	"stele/build/portal"
	"stele/proofs"
)

// A Result is what an audit that found nothing wrong has seen.
type Result struct {
	Size        uint64
	Publication uint64
	Keys        uint64
	Issuers     uint64
	Files       int // index files read and compared
}

// Portal reads everything that a portal publishes and compares it: the tree with the checkpoint, the map rebuilt from the
// ledger with the index statement, every slot and tile with its name, every checkpoint ever published with the ledger as it
// is, and the trust file with the one in hand. progress is told how many entries are done.
func Portal(ctx context.Context, t *proofs.Trust, p portal.Portal, now int64, progress func(done, of uint64)) (*Result, error) {
	checkpoint, err := p.Read(ctx, "ledger/checkpoint") // before the head, which is written first
	if err != nil {
		return nil, err
	}
	raw, err := p.Read(ctx, proofs.HeadPath)
	if err != nil {
		return nil, err
	}
	head, err := proofs.ParseHead(raw)
	if err != nil {
		return nil, err
	}
	x, tile, err := head.Verify(t, now)
	if err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	a := &auditor{ctx: ctx, t: t, p: p, x: x, now: now, progress: progress, published: map[uint64]bool{}}
	for _, part := range []func() error{a.rebuild, func() error { return a.checkpoint(checkpoint) }, func() error { return a.walk(tile) }, a.history, a.trust} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return &Result{Size: x.Size, Publication: x.Publication, Keys: x.Keys, Issuers: x.Issuers, Files: a.files}, nil
}

type auditor struct {
	ctx      context.Context
	t        *proofs.Trust
	p        portal.Portal
	x        *proofs.VerifiedIndex
	now      int64
	progress func(done, of uint64)
	files    int

	published map[uint64]bool // sizes of all publications, as rebuilt
	before    uint64          // that of the one before the head's
}

func (a *auditor) readTile(t proofs.Tile) ([]byte, error) { return a.p.Read(a.ctx, "ledger/"+t.Path()) }

// checkpoint: the checkpoint is the head's, or one publication behind it while that is being written.
func (a *auditor) checkpoint(b []byte) error {
	s, err := a.t.VerifyCheckpoint(b, a.now)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if s.Size != a.x.Size && s.Size != a.before {
		return fmt.Errorf("checkpoint: size %d, want the head's %d or the %d of the publication before it", s.Size, a.x.Size, a.before)
	}
	root, err := proofs.TileNodes(a.x.Size, a.readTile).Root(s.Size)
	if err == nil && root != s.Root {
		err = fmt.Errorf("checkpoint: root %s was signed for size %d, but the ledger has %s", s.Root, s.Size, root)
	}
	return err
}

// rebuild goes through every entry: the leaf hashes against the tiles and the root, the map against the statement.
func (a *auditor) rebuild() error {
	ix, err := index.Open(a.t, index.Discard{}, index.Empty())
	if err != nil {
		return err
	}
	ix.Held = func(x *proofs.Index) {
		if x.Covers != a.x.Covers {
			a.before = x.Covers + 1
		}
		a.published[x.Covers+1] = true
	}
	tree := &tileTree{read: a.readTile, root: proofs.NewFrontier()}
	var bridge proofs.Hash
	err = ledger.ReadEntries(0, a.x.Size, a.readTile, func(first uint64, entries [][]byte) error {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		from := 0
		for i, e := range entries {
			if first+uint64(i) == a.x.Covers {
				ix.Add(entries[:i]...)
				from = i
				bridge = ix.State().SHA3.Root()
				if got := tree.root.Root(); got != a.x.Tree {
					return fmt.Errorf("first %d entries: root %s, but the index statement says %s", a.x.Covers, got, a.x.Tree)
				}
			}
			if err := tree.append(e); err != nil {
				return err
			}
		}
		ix.Add(entries[from:]...)
		a.progress(first+uint64(len(entries)), a.x.Size)
		return nil
	})
	if err != nil {
		return err
	}
	return a.compareAll(ix, tree, bridge)
}

// compareAll compares what was rebuilt with what was signed, committed to and published.
func (a *auditor) compareAll(ix *index.Ledger, tree *tileTree, bridge proofs.Hash) error {
	if got := tree.root.Root(); got != a.x.Root {
		return fmt.Errorf("entries: root %s, but %s was signed", got, a.x.Root)
	}
	if err := tree.compareEdge(); err != nil {
		return err
	}
	if err := ix.Settle(); err != nil {
		return err
	}
	if err := a.compareSizes(ix.State()); err != nil {
		return err
	}
	if err := a.compareIndex(ix, bridge); err != nil {
		return err
	}
	return a.compareIssuers(ix.State().Issuers)
}

// A tileTree makes the tree of entries again, and compares every tile of hashes with it: others' tools read those.
type tileTree struct {
	read   func(proofs.Tile) ([]byte, error)
	root   *proofs.Frontier
	levels []openTile // by level, the last tile that is not full yet
}

type openTile struct {
	index  uint64
	hashes []proofs.Hash
}

func (t *tileTree) append(entry []byte) error {
	t.root.Append(entry)
	h := proofs.LeafHash(entry)
	for level := 0; ; level++ {
		if level == len(t.levels) {
			t.levels = append(t.levels, openTile{})
		}
		tile := &t.levels[level]
		tile.hashes = append(tile.hashes, h)
		if len(tile.hashes) < proofs.TileWidth {
			return nil
		}
		if err := t.compare(level, *tile); err != nil {
			return err
		}
		h = proofs.TopOf(tile.hashes)
		*tile = openTile{index: tile.index + 1}
	}
}

func (t *tileTree) compare(level int, tile openTile) error {
	id := proofs.Tile{Level: level, Index: tile.index, Width: len(tile.hashes)}
	b, err := t.read(id)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(tile.hashes, slices.Collect(slices.Chunk(b, len(proofs.Hash{}))), func(h proofs.Hash, b []byte) bool { return string(h[:]) == string(b) }) {
		return fmt.Errorf("%s: its hashes are not those of the entries", id.Path())
	}
	return nil
}

// compareEdge compares the partial tiles.
func (t *tileTree) compareEdge() error {
	for level, tile := range t.levels {
		if len(tile.hashes) > 0 {
			if err := t.compare(level, tile); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareSizes compares what the head proves growth from with the publications in the ledger: memories of it rest on those.
func (a *auditor) compareSizes(s index.State) error {
	sizes, err := s.ListedSizes(a.x.Publication)
	if err != nil {
		return fmt.Errorf("index statement: publication %d: %w", a.x.Publication, err)
	}
	if got := proofs.SizesHash(sizes); got != a.x.Sizes {
		return fmt.Errorf("index statement: sizes %s, rebuilt %s of %v", a.x.Sizes, got, sizes)
	}
	return nil
}

// compareIssuers compares the published issuer list, which every reader reads, with the one that follows from the ledger.
func (a *auditor) compareIssuers(want *proofs.IssuerList) error {
	if len(want.Records) == 0 {
		return nil
	}
	path := proofs.IndexPath(want.Root())
	b, err := a.p.Read(a.ctx, path)
	if err == nil && !bytes.Equal(b, want.Marshal()) {
		err = fmt.Errorf("%s: not the issuer list that it is named after", path)
	}
	a.files++
	return err
}

func (a *auditor) compareIndex(ix *index.Ledger, bridge proofs.Hash) error {
	have, want := ix.Index(), a.x.Index
	switch {
	case ix.State().Publication != want.Publication || ix.State().Time != want.Time:
		return fmt.Errorf("index statement: publication %d at %d does not hold after publication %d", want.Publication, want.Time, ix.State().Publication)
	case bridge != want.TreeSHA3:
		return fmt.Errorf("index statement: SHA3-256 root %s, rebuilt %s", want.TreeSHA3, bridge)
	case have.Map != want.Map || have.Keys != want.Keys:
		return fmt.Errorf("index statement: map %s of %d keys, rebuilt %s of %d", want.Map, want.Keys, have.Map, have.Keys)
	case have.IssuersRoot != want.IssuersRoot || have.Issuers != want.Issuers:
		return fmt.Errorf("index statement: issuer list %s of %d, rebuilt %s of %d", want.IssuersRoot, want.Issuers, have.IssuersRoot, have.Issuers)
	case have.LandmarksRoot != want.LandmarksRoot || have.Landmarks != want.Landmarks:
		return fmt.Errorf("index statement: landmarks %s of %d, rebuilt %s of %d", want.LandmarksRoot, want.Landmarks, have.LandmarksRoot, have.Landmarks)
	}
	return nil
}

// walk reads every index file that the head leads to.
func (a *auditor) walk(t *proofs.MapTile) error {
	for _, l := range t.Leaves {
		b, err := a.p.Read(a.ctx, proofs.IndexPath(l.Hash))
		if err != nil {
			return err
		}
		a.files++
		if l.Tile {
			sub, err := proofs.ParseMapTile(b)
			if err != nil {
				return fmt.Errorf("%s: %w", proofs.IndexPath(l.Hash), err)
			}
			if sub.Hash() != l.Hash || sub.Depth != t.Depth+l.Depth {
				return fmt.Errorf("%s: not the map tile that it is named after: hashes to %s, depth %d, want %d", proofs.IndexPath(l.Hash), sub.Hash(), sub.Depth, t.Depth+l.Depth)
			}
			if err := a.walk(sub); err != nil {
				return err
			}
			continue
		}
		slot, err := proofs.ParseSlot(b)
		if err != nil {
			return fmt.Errorf("%s: %w", proofs.IndexPath(l.Hash), err)
		}
		if slot.Hash() != l.Hash {
			return fmt.Errorf("%s: not the slot that it is named after: hashes to %s", proofs.IndexPath(l.Hash), slot.Hash())
		}
	}
	return nil
}
