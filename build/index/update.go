package index

import (
	"bytes"
	"fmt"
	"sort"
	"sync"

	"stele/proofs"
)

// A node is a node of the map while it is being updated: a leaf of its tile, or
// an inner node with both halves.
type node struct {
	hash        proofs.Hash
	tile        bool  // the top of another tile
	left, right *node // both nil for a leaf
}

func (n *node) leaf() bool { return n.left == nil }

// An updater writes a batch into the map.
type updater struct {
	b          *additions
	store      Store
	tokens     chan struct{} // for as many as work at once
	mu         sync.Mutex
	newKeys    uint64
	superseded []proofs.Hash
}

// updateMap rewrites the slots and tiles that the batch touches.
func (l *Ledger) updateMap(b *additions) error {
	if len(b.keys) == 0 {
		return nil
	}
	u := &updater{b: b, store: l.store, tokens: make(chan struct{}, l.Concurrency)}
	root, err := proofs.ParseMapTile(l.state.RootTile)
	if err != nil {
		return err
	}
	top, err := u.updateTile(root, b.keys)
	if err != nil {
		return err
	}
	l.state.RootTile = tileOf(top, 0).Marshal()
	l.state.Keys += u.newKeys
	l.Superseded = append(l.Superseded, u.superseded...)
	return nil
}

// updateTile updates everything below a tile and returns its top, whose tile is not written yet.
func (u *updater) updateTile(t *proofs.MapTile, keys []proofs.Hash) (*node, error) {
	top, rest := nodesOf(t.Leaves, 0)
	if len(rest) != 0 {
		return nil, fmt.Errorf("map tile at depth %d: not a tree", t.Depth)
	}
	return u.update(top, t.Depth, keys)
}

// nodesOf makes nodes of a tile's leaves.
func nodesOf(leaves []proofs.MapTileLeaf, depth int) (*node, []proofs.MapTileLeaf) {
	if leaves[0].Depth == depth {
		return &node{hash: leaves[0].Hash, tile: leaves[0].Tile}, leaves[1:]
	}
	n := &node{}
	n.left, leaves = nodesOf(leaves, depth+1)
	n.right, leaves = nodesOf(leaves, depth+1)
	n.hash = proofs.NodeHash(n.left.hash, n.right.hash)
	return n, leaves
}

// update applies keys, all below the node, and returns the node that takes its place.
func (u *updater) update(n *node, depth int, keys []proofs.Hash) (*node, error) {
	switch {
	case len(keys) == 0:
		return n, nil
	case n.tile:
		return u.updateBelow(n, depth, keys)
	case n.leaf():
		return u.updateSlot(n, depth, keys)
	}
	cut := sort.Search(len(keys), func(i int) bool { return proofs.KeyBit(keys[i], depth) == 1 })
	return u.both(
		func() (*node, error) { return u.update(n.left, depth+1, keys[:cut]) },
		func() (*node, error) { return u.update(n.right, depth+1, keys[cut:]) })
}

// both runs two halves, side by side while a processor is free, and joins them.
func (u *updater) both(left, right func() (*node, error)) (*node, error) {
	n := &node{}
	var errLeft, errRight error
	select {
	case u.tokens <- struct{}{}:
		var wg sync.WaitGroup
		wg.Go(func() { n.left, errLeft = left(); <-u.tokens })
		n.right, errRight = right()
		wg.Wait()
	default:
		n.left, errLeft = left()
		n.right, errRight = right()
	}
	for _, err := range []error{errLeft, errRight} {
		if err != nil {
			return nil, err
		}
	}
	n.hash = proofs.NodeHash(n.left.hash, n.right.hash)
	return n, nil
}

// updateBelow updates another tile, writes it and returns it as a leaf.
func (u *updater) updateBelow(n *node, depth int, keys []proofs.Hash) (*node, error) {
	t, err := getTile(u.store, n.hash, depth)
	if err != nil {
		return nil, err
	}
	top, err := u.updateTile(t, keys)
	if err != nil {
		return nil, err
	}
	u.drop(n.hash, top.hash)
	return u.seal(top, depth)
}

// seal writes the tile under an inner node that stands where a tile begins.
func (u *updater) seal(n *node, depth int) (*node, error) {
	if n.leaf() || depth%proofs.MapTileHeight != 0 || depth == 0 {
		return n, nil
	}
	t := tileOf(n, depth)
	return &node{hash: n.hash, tile: true}, u.store.Put(n.hash, t.Marshal())
}

// tileOf collects a tile's leaves.
func tileOf(top *node, depth int) *proofs.MapTile {
	t := &proofs.MapTile{Depth: depth}
	var walk func(n *node, d int)
	walk = func(n *node, d int) {
		if n.leaf() {
			t.Leaves = append(t.Leaves, proofs.MapTileLeaf{Depth: d, Tile: n.tile, Hash: n.hash})
			return
		}
		walk(n.left, d+1)
		walk(n.right, d+1)
	}
	walk(top, 0)
	return t
}

// drop notes that a file has been replaced.
func (u *updater) drop(old, new proofs.Hash) {
	if old == new {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.superseded = append(u.superseded, old)
}

// updateSlot merges keys into a slot, and splits it as far as it has to split.
func (u *updater) updateSlot(n *node, depth int, keys []proofs.Hash) (*node, error) {
	slot, leaves, err := u.readSlot(n.hash, depth)
	if err != nil {
		return nil, err
	}
	records, leaves, added, err := u.mergeSlot(slot.Records, leaves, keys)
	if err != nil {
		return nil, err
	}
	slot.Records = records
	u.mu.Lock()
	u.newKeys += uint64(added)
	u.mu.Unlock()
	out, err := u.writeSlot(slot, leaves)
	if err == nil {
		u.drop(n.hash, out.hash)
	}
	return out, err
}

// readSlot reads a slot; the empty map's one need not be in the store.
func (u *updater) readSlot(h proofs.Hash, depth int) (*proofs.Slot, []proofs.Hash, error) {
	if empty := (&proofs.Slot{}); depth == 0 && h == empty.Hash() {
		return empty, nil, nil
	}
	return getSlot(u.store, h)
}

// mergeSlot merges sorted keys into sorted records; leaves of untouched records are kept.
func (u *updater) mergeSlot(records []proofs.Record, leaves []proofs.Hash, keys []proofs.Hash) ([]proofs.Record, []proofs.Hash, int, error) {
	out := make([]proofs.Record, 0, len(records)+len(keys))
	outLeaves := make([]proofs.Hash, 0, len(records)+len(keys))
	added := 0
	for len(records) > 0 || len(keys) > 0 {
		order := 1
		if len(records) > 0 {
			order = -1
			if len(keys) > 0 {
				order = bytes.Compare(records[0].Key[:], keys[0][:])
			}
		}
		if order < 0 {
			out, outLeaves = append(out, records[0]), append(outLeaves, leaves[0])
			records, leaves = records[1:], leaves[1:]
			continue
		}
		rec := proofs.Record{Key: keys[0]}
		if order == 0 {
			rec = records[0]
			records, leaves = records[1:], leaves[1:]
		} else {
			added++
		}
		rec, err := u.b.merge(rec)
		if err != nil {
			return nil, nil, 0, err
		}
		out, outLeaves = append(out, rec), append(outLeaves, rec.Leaf())
		keys = keys[1:]
	}
	return out, outLeaves, added, nil
}

// writeSlot writes a slot, or its halves.
func (u *updater) writeSlot(s *proofs.Slot, leaves []proofs.Hash) (*node, error) {
	left, right := s.Split()
	if left == nil {
		h, b := s.HashOf(leaves), s.Marshal()
		if len(b) > proofs.MaxSlot {
			return nil, fmt.Errorf("slot at depth %d: %d bytes, which no verifier would read; want at most %d", s.Depth, len(b), proofs.MaxSlot)
		}
		return &node{hash: h}, u.store.Put(h, b)
	}
	cut := len(left.Records)
	n, err := u.both(
		func() (*node, error) { return u.writeSlot(left, leaves[:cut]) },
		func() (*node, error) { return u.writeSlot(right, leaves[cut:]) })
	if err != nil {
		return nil, err
	}
	return u.seal(n, s.Depth)
}
