package mirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"

	"stele/proofs"
)

// fetch obtains every file that the head leads to.
func (r *round) fetch() error {
	c := newCrew(r.ctx, atOnce)
	err := r.ledger(c)
	if err == nil {
		err = r.index(c)
	}
	if err == nil {
		err = r.history(c)
	}
	if err == nil {
		err = r.trustFiles()
	}
	return c.wait(err)
}

// known reports whether a file, and all below it, is in the copy as a round has left it: nothing that is adopted is ever there in part.
func (r *round) known(path string) bool {
	if r.whole {
		return false
	}
	_, err := os.Lstat(r.m.public.Path(path))
	return err == nil
}

// ledger obtains the tiles from the root downwards: first the right edge, whose partial tiles together make the signed root; then each full tile, which
// is named by a hash in the one above it; then the bundles, by the tiles of leaf hashes.
func (r *round) ledger(c *crew) error {
	edge, err := r.edge()
	if err != nil {
		return err
	}
	for level := len(edge) - 1; level >= 0; level-- {
		if t := edge[level]; t.hashes != nil {
			if err := r.below(c, t.tile, t.hashes); err != nil {
				return err
			}
		}
	}
	return nil
}

// An edgeTile is the partial tile of a level; without hashes where the level has none.
type edgeTile struct {
	tile   proofs.Tile
	hashes []proofs.Hash
	b      []byte
}

// edgeTiles are the partial tiles of a tree, by level.
func edgeTiles(size uint64) []edgeTile {
	var out []edgeTile
	for level := 0; size > 0; level, size = level+1, size/proofs.TileWidth {
		out = append(out, edgeTile{tile: proofs.Tile{Level: level, Index: size / proofs.TileWidth, Width: int(size % proofs.TileWidth)}})
	}
	return out
}

// edge obtains the right edge. Which of its tiles is wrong nobody can say: where the copy's do not make the root, all are fetched.
func (r *round) edge() ([]edgeTile, error) {
	tiles := edgeTiles(r.x.Size)
	err := r.readEdge(tiles, func(path string) ([]byte, error) {
		b, err := r.m.incoming.Read(path)
		if err != nil {
			b, err = r.m.public.Read(path)
		}
		if err != nil {
			b, err = r.read(r.ctx, path, maxTile)
		}
		return b, err
	})
	if err != nil {
		if err := r.readEdge(tiles, func(path string) ([]byte, error) { return r.read(r.ctx, path, maxTile) }); err != nil {
			return nil, err
		}
	}
	for i := range tiles {
		if tiles[i].b == nil {
			continue
		}
		right := func(b []byte) error { return sameBytes(b, tiles[i].b) }
		if err := r.keep("ledger/"+tiles[i].tile.Path(), tiles[i].b, right); err != nil {
			return nil, err
		}
	}
	return tiles, nil
}

func sameBytes(got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%d bytes that hash to %x, want %x", len(got), sha256.Sum256(got), sha256.Sum256(want))
	}
	return nil
}

// readEdge reads the edge, and compares the root that it makes.
func (r *round) readEdge(tiles []edgeTile, read func(path string) ([]byte, error)) error {
	have := map[proofs.Tile][]byte{}
	for i := range tiles {
		t := &tiles[i]
		if t.hashes, t.b = nil, nil; t.tile.Width == 0 {
			continue
		}
		path := "ledger/" + t.tile.Path()
		b, err := read(path)
		if err != nil {
			return err
		}
		if t.hashes, err = t.tile.Hashes(b); err != nil {
			return wrong(path, err)
		}
		t.b, have[t.tile] = b, b
	}
	root, err := proofs.TileNodes(r.x.Size, func(t proofs.Tile) ([]byte, error) { return have[t], nil }).Root(r.x.Size)
	if err == nil && root != r.x.Root {
		err = fmt.Errorf("root %s, but %s was signed", root, r.x.Root)
	}
	return wrong("ledger/"+tiles[0].tile.Path(), err)
}

// keep is obtain for what is in hand.
func (r *round) keep(path string, b []byte, right func(b []byte) error) error {
	have, err := r.m.public.Read(path)
	if err == nil && right(have) == nil {
		r.told()
		return nil
	}
	if err == nil {
		r.healed.Add(1)
		r.m.Note(path + ": was damaged, and has been fetched again")
	}
	if have, err := r.m.incoming.Read(path); err != nil || right(have) != nil {
		if err := r.m.put(path, b); err != nil {
			return err
		}
	}
	r.stage(path)
	return nil
}

// below obtains what hangs below a tile of hashes that is right.
func (r *round) below(c *crew, t proofs.Tile, hashes []proofs.Hash) error {
	if t.Level == 0 {
		return c.do(func(ctx context.Context) error { return r.bundle(ctx, t, hashes) })
	}
	for i, want := range hashes {
		child := proofs.Tile{Level: t.Level - 1, Index: t.Index*proofs.TileWidth + uint64(i), Width: proofs.TileWidth}
		if !r.whole && r.ours != nil && child.FullIn(r.ours.x.Size) {
			continue
		}
		var err error
		if child.Level == 0 {
			err = c.do(func(ctx context.Context) error {
				hashes, err := r.fullTile(ctx, child, want)
				if err != nil {
					return err
				}
				return r.bundle(ctx, child, hashes)
			})
		} else {
			var hashes []proofs.Hash
			if hashes, err = r.fullTile(c.ctx, child, want); err == nil {
				err = r.below(c, child, hashes)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fullTile obtains a full tile by the hash that the tile above it has of it.
func (r *round) fullTile(ctx context.Context, t proofs.Tile, want proofs.Hash) (hashes []proofs.Hash, err error) {
	_, err = r.obtain(ctx, "ledger/"+t.Path(), maxTile, func(b []byte) (err error) {
		if hashes, err = t.Hashes(b); err != nil {
			return err
		}
		if got := proofs.TopOf(slices.Clone(hashes)); got != want {
			return fmt.Errorf("hashes to %s, want %s", got, want)
		}
		return nil
	})
	return hashes, err
}

// bundle obtains the entries below a tile of leaf hashes.
func (r *round) bundle(ctx context.Context, t proofs.Tile, leaves []proofs.Hash) error {
	t.Entries = true
	_, err := r.obtain(ctx, "ledger/"+t.Path(), maxBundle, func(b []byte) error {
		entries, err := proofs.ParseBundle(b, t.Width)
		if err != nil {
			return err
		}
		for i, e := range entries {
			if got := proofs.LeafHash(e); got != leaves[i] {
				return fmt.Errorf("entry %d hashes to %s, want %s", t.Index*proofs.TileWidth+uint64(i), got, leaves[i])
			}
		}
		return nil
	})
	return err
}

// index obtains the issuer list and the map, from the head's root tile downwards.
func (r *round) index(c *crew) error {
	if r.x.Issuers > 0 {
		if err := c.do(func(ctx context.Context) error { return r.issuerList(ctx) }); err != nil {
			return err
		}
	}
	for _, l := range r.tile.Leaves {
		if err := c.do(func(ctx context.Context) error { return r.mapLeaf(ctx, l, l.Depth) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *round) issuerList(ctx context.Context) error {
	path := proofs.IndexPath(r.x.IssuersRoot)
	r.leadsTo(path)
	if r.known(path) {
		return nil
	}
	_, err := r.obtain(ctx, path, maxIssuers, func(b []byte) error {
		l, err := proofs.ParseIssuerList(b)
		if err == nil && l.Root() != r.x.IssuersRoot {
			err = notNamed(l.Root())
		}
		return err
	})
	return err
}

func notNamed(got proofs.Hash) error {
	return fmt.Errorf("not what it is named after: hashes to %s", got)
}

// mapLeaf obtains a slot, or a tile with everything below it. depth is where in the map it hangs.
func (r *round) mapLeaf(ctx context.Context, l proofs.MapTileLeaf, depth int) error {
	path := proofs.IndexPath(l.Hash)
	r.leadsTo(path)
	if err := ctx.Err(); err != nil || r.known(path) {
		return err
	}
	if !l.Tile {
		_, err := r.obtain(ctx, path, proofs.MaxSlot, func(b []byte) error {
			s, err := proofs.ParseSlot(b)
			if err == nil && s.Hash() != l.Hash {
				err = notNamed(s.Hash())
			}
			return err
		})
		return err
	}
	var tile *proofs.MapTile
	_, err := r.obtain(ctx, path, maxMapTile, func(b []byte) (err error) {
		if tile, err = proofs.ParseMapTile(b); err != nil {
			return err
		}
		if tile.Hash() != l.Hash || tile.Depth != depth {
			return fmt.Errorf("not the map tile that it is named after: hashes to %s, depth %d, want %d", tile.Hash(), tile.Depth, depth)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, below := range tile.Leaves {
		if err := r.mapLeaf(ctx, below, depth+below.Depth); err != nil {
			return err
		}
	}
	return nil
}

// history obtains every checkpoint in the list.
func (r *round) history(c *crew) error {
	for _, l := range r.newLines() {
		if err := c.do(func(ctx context.Context) error { return r.pastCheckpoint(ctx, l) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *round) pastCheckpoint(ctx context.Context, l proofs.HistoryLine) error {
	_, err := r.obtain(ctx, l.Path(), proofs.MaxCheckpoint, func(b []byte) error {
		if got := proofs.Hash(sha256.Sum256(b)); got != l.File {
			return notNamed(got)
		}
		c, _, err := proofs.ParseCheckpoint(b)
		if err == nil && c.Size != l.Size {
			err = fmt.Errorf("is of size %d, want %d", c.Size, l.Size)
		}
		return err
	})
	return err
}
