package follow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"stele/proofs"
)

const (
	// readers is how many files are read at once: over a network each has to be waited for.
	readers = 16
	// windowBundles is how many bundles of entries are in memory together, some 10 MB.
	windowBundles = 64
)

// entries calls each with the entries of a view's ledger from one place up to its size, in order. The first run begins with those that stand in
// one bundle with the first new one.
func (f *Follower) entries(ctx context.Context, from, size uint64, each func(first uint64, entries [][]byte) error) error {
	const width = windowBundles * proofs.TileWidth
	for first := from; first < size; {
		end := min((first/width+1)*width, size)
		entries, err := f.window(ctx, first, end)
		if err == nil {
			err = each(first/proofs.TileWidth*proofs.TileWidth, entries)
		}
		if err != nil {
			return err
		}
		f.Progress("entries", end-from, size-from)
		first = end
	}
	return nil
}

// window reads the entries from the beginning of first's bundle up to end.
func (f *Follower) window(ctx context.Context, first, end uint64) ([][]byte, error) {
	from := first / proofs.TileWidth
	bundles := make([][][]byte, (end+proofs.TileWidth-1)/proofs.TileWidth-from)
	err := Parallel(len(bundles), func(i int) error {
		index := from + uint64(i)
		width := int(min(end-index*proofs.TileWidth, proofs.TileWidth))
		t := proofs.Tile{Entries: true, Index: index, Width: width}
		b, err := f.readTile(ctx, t)
		if err != nil {
			return err
		}
		bundles[i], err = proofs.ParseEntries(b)
		if err == nil && len(bundles[i]) < width {
			err = fmt.Errorf("%d entries, want %d", len(bundles[i]), width)
		}
		if err != nil {
			return &Damage{tilePath(t), err}
		}
		bundles[i] = bundles[i][:width]
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for _, b := range bundles {
		all = append(all, b...)
	}
	return all, nil
}

// readTile reads a tile or bundle; where a partial one has been deleted, the full one, which holds it. Logs "MAY delete any partial tile once
// the corresponding full tile" is there: c2sp.org/tlog-tiles.
func (f *Follower) readTile(ctx context.Context, t proofs.Tile) ([]byte, error) {
	b, err := f.read(ctx, tilePath(t))
	if t.Width < proofs.TileWidth && errors.Is(err, fs.ErrNotExist) {
		full := t
		full.Width = proofs.TileWidth
		if whole, errFull := f.read(ctx, tilePath(full)); errFull == nil {
			return whole, nil
		}
	}
	return b, err
}

func tilePath(t proofs.Tile) string { return "ledger/" + t.Path() }

// Nodes reads the tree of a size from the portal's tiles. They are not verified: what is made of them has to come to a signed root.
func (f *Follower) Nodes(ctx context.Context, size uint64) proofs.Nodes {
	return proofs.TileNodes(size, func(t proofs.Tile) ([]byte, error) { return f.readTile(ctx, t) })
}

// Parallel calls f for 0 to n-1 until one fails.
func Parallel(n int, f func(i int) error) error {
	var mu sync.Mutex
	var first error
	next := 0
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		i := next
		next++
		return i, i < n && first == nil
	}
	var wg sync.WaitGroup
	for range min(readers, n) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := f(i); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return first
}
