package audit

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"stele/build/ledger"
	"stele/proofs"
)

// readers is how many files are read at once. From a folder two would do; over a network each has to be waited for.
const readers = 8

// parallel calls f for 0 to n-1, each worker with its own number, until one fails.
func parallel(workers, n int, f func(worker, i int) error) error {
	var next atomic.Int64
	errs := make([]error, min(workers, n))
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[w] == nil; i = int(next.Add(1)) - 1 {
				if errs[w] = f(w, i); errs[w] != nil {
					next.Store(int64(n))
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// windowBundles is how many bundles are in memory together, some 10 MB; two windows are being worked on.
const windowBundles = 64

// A window is a run of entries, compared with the tree.
type window struct {
	first   uint64
	entries [][]byte
	err     error
}

// windows reads all entries of the ledger, compares every tile of hashes with them, and at last the roots with what was signed. The
// last window, or the one with an error, is the last that it sends; it ends early with the context.
func (a *auditor) windows(ctx context.Context) <-chan window {
	out := make(chan window)
	go func() {
		defer close(out)
		tree := &tileTree{read: a.readTile, root: proofs.NewFrontier()}
		const width = windowBundles * proofs.TileWidth
		for first := uint64(0); first < a.x.Size; first += width {
			w := a.window(tree, first, min(first+width, a.x.Size))
			select {
			case out <- w:
			case <-ctx.Done():
				return
			}
			if w.err != nil {
				return
			}
		}
	}()
	return out
}

func (a *auditor) window(tree *tileTree, first, end uint64) window {
	bundles := make([][][]byte, (end-first+proofs.TileWidth-1)/proofs.TileWidth)
	leaves := make([][]proofs.Hash, len(bundles))
	err := parallel(readers, len(bundles), func(_, i int) error {
		from := first + uint64(i)*proofs.TileWidth
		err := ledger.ReadEntries(from, min(from+proofs.TileWidth, end), a.readTile, func(_ uint64, entries [][]byte) error {
			bundles[i] = entries
			return nil
		})
		for _, e := range bundles[i] {
			leaves[i] = append(leaves[i], proofs.LeafHash(e))
		}
		if err == nil && len(leaves[i]) == proofs.TileWidth {
			err = compareTile(a.readTile, proofs.Tile{Index: from / proofs.TileWidth, Width: proofs.TileWidth}, leaves[i])
		}
		return err
	})
	for i := range leaves {
		if err == nil {
			err = a.appendLeaves(tree, leaves[i])
		}
	}
	if err == nil && end == a.x.Size {
		err = a.compareTree(tree)
	}
	return window{first, slices.Concat(bundles...), err}
}

// appendLeaves lets the tree grow by a bundle, and compares the root that the index statement names.
func (a *auditor) appendLeaves(tree *tileTree, leaves []proofs.Hash) error {
	for _, h := range leaves {
		if tree.root.Size() == a.x.Covers {
			if got := tree.root.Root(); got != a.x.Tree {
				return fmt.Errorf("first %d entries: root %s, but the index statement says %s", a.x.Covers, got, a.x.Tree)
			}
		}
		tree.root.AppendLeaf(h)
	}
	return tree.appendTile(0, leaves)
}

func (a *auditor) compareTree(tree *tileTree) error {
	if got := tree.root.Root(); got != a.x.Root {
		return fmt.Errorf("entries: root %s, but %s was signed", got, a.x.Root)
	}
	a.edge = tree.root
	return tree.compareEdge()
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

// appendTile takes the next tile of a level, full and compared, or else the last.
func (t *tileTree) appendTile(level int, hashes []proofs.Hash) error {
	for level >= len(t.levels) {
		t.levels = append(t.levels, openTile{})
	}
	if len(hashes) < proofs.TileWidth {
		t.levels[level].hashes = hashes
		return nil
	}
	t.levels[level].index++
	if level+1 == len(t.levels) {
		t.levels = append(t.levels, openTile{})
	}
	above := &t.levels[level+1]
	above.hashes = append(above.hashes, proofs.TopOf(hashes))
	if len(above.hashes) < proofs.TileWidth {
		return nil
	}
	full := above.hashes
	above.hashes = nil
	if err := compareTile(t.read, proofs.Tile{Level: level + 1, Index: above.index, Width: len(full)}, full); err != nil {
		return err
	}
	return t.appendTile(level+1, full)
}

func compareTile(read func(proofs.Tile) ([]byte, error), id proofs.Tile, hashes []proofs.Hash) error {
	b, err := read(id)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(hashes, slices.Collect(slices.Chunk(b, len(proofs.Hash{}))), func(h proofs.Hash, b []byte) bool { return string(h[:]) == string(b) }) {
		return fmt.Errorf("%s: its hashes are not those of the entries", id.Path())
	}
	return nil
}

// compareEdge compares the partial tiles.
func (t *tileTree) compareEdge() error {
	for level, tile := range t.levels {
		if n := len(tile.hashes); n > 0 {
			if err := compareTile(t.read, proofs.Tile{Level: level, Index: tile.index, Width: n}, tile.hashes); err != nil {
				return err
			}
		}
	}
	return nil
}
