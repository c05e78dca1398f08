package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"stele/proofs"
)

// A node is a file of hashes that the walk goes through: a full tile of the ledger, or a tile of the map.
type node struct {
	Level  int    `json:"level,omitempty"` // of a tile of the ledger
	Index  uint64 `json:"index,omitempty"`
	Map    bool   `json:"map,omitempty"`
	Depth  int    `json:"depth,omitempty"` // of a map tile
	Prefix string `json:"prefix,omitempty"`
	Was    string `json:"was,omitempty"` // the map tile in its place before
	Hash   string `json:"hash"`
}

func (n node) tile() proofs.Tile {
	return proofs.Tile{Level: n.Level, Index: n.Index, Width: proofs.TileWidth}
}

func (n node) path() string { return n.item().Path }

func (n node) item() item {
	if n.Map {
		return item{indexPath(n.Hash), kindMapTile, n.Hash, n.Depth}
	}
	return item{"ledger/" + n.tile().Path(), kindTile, n.Hash, 0}
}

func indexPath(hash string) string {
	h, _ := proofs.ParseHash(hash) // of this package's own making
	return proofs.IndexPath(h)
}

// What was read for a node.
type walked struct {
	hashes    []proofs.Hash
	tile, was *proofs.MapTile
}

// nodesAtOnce is how many nodes are read before what they lead to is added: a map tile leads to 512 files.
const nodesAtOnce = 16

// perNode is how often the store is asked for a node: for what was uploaded, for what is there, and for what was there before, in two places.
const perNode = 4

// walk goes through what is next in the queue, as far as this request may ask, and returns the nodes that have to be uploaded first.
func (p *plan) walk(ctx context.Context) (left []node, err error) {
	n := min(len(p.state.Queue), nodesAtOnce, max(1, p.asks/perNode))
	nodes := p.state.Queue[:n]
	p.state.Queue = slices.Clone(p.state.Queue[n:])
	p.asks -= n * perNode
	found := make([]*walked, n)
	var mu sync.Mutex
	err = each(ctx, p.g.io, nodes, func(node) int64 { return 64 << 10 }, func(ctx context.Context, i int, n node) error {
		w, err := p.read(ctx, n)
		mu.Lock()
		defer mu.Unlock()
		found[i] = w
		return err
	})
	for i, w := range found {
		switch n := nodes[i]; {
		case w == nil:
			left = append(left, n)
		case n.Map:
			p.state.Last = append(p.state.Last, n.item())
			p.mapTile(w.tile, w.was, n.Prefix)
		default:
			p.state.Items.add(n.item())
			p.below(n.tile(), w.hashes)
		}
	}
	return left, err
}

// read reads and verifies what a node names; nil if it is not there.
func (p *plan) read(ctx context.Context, n node) (*walked, error) {
	it := n.item()
	f, err := p.fetch(ctx, it.Path, it.most())
	if err != nil || f == nil {
		return nil, err
	}
	b := f.b
	if err := it.verify(b); err != nil {
		if !f.uploaded {
			return nil, nil
		}
		return nil, refuse(codeWrong, "%s: %v", it.Path, err)
	}
	w := &walked{}
	if !n.Map {
		w.hashes, err = n.tile().Hashes(b)
		return w, err
	}
	if w.tile, err = proofs.ParseMapTile(b); err != nil || n.Was == "" {
		return w, err
	}
	was, err := p.g.Source.Kept(ctx, indexPath(n.Was))
	if errors.Is(err, fs.ErrNotExist) { // lost: then all below counts as new, and comes back
		return w, nil
	}
	if err == nil {
		w.was, err = proofs.ParseMapTile(was)
	}
	return w, err
}

// edgeOf are the partial tiles of hashes of a tree, from the leaves upwards.
func edgeOf(size uint64) []proofs.Tile {
	var out []proofs.Tile
	for level := 0; size > 0; level, size = level+1, size/proofs.TileWidth {
		if width := int(size % proofs.TileWidth); width > 0 {
			out = append(out, proofs.Tile{Level: level, Index: size / proofs.TileWidth, Width: width})
		}
	}
	return out
}

// An edgeTile is a partial tile in hand.
type edgeTile struct {
	tile   proofs.Tile
	b      []byte
	hashes []proofs.Hash
}

// edge reads the right edge, whose tiles together make the signed root. There is none to be read where the ledger is that of the base. If they do not make it, those
// that nobody has uploaded for this offer are asked for: they can be of a fork of the same size.
func (p *plan) edge(ctx context.Context) ([]edgeTile, error) {
	if p.sameLedger() {
		return nil, nil
	}
	var tiles []edgeTile
	var found []string // under their names
	have := map[proofs.Tile][]byte{}
	for _, t := range edgeOf(p.o.Size) {
		path := "ledger/" + t.Path()
		f, err := p.fetch(ctx, path, mostTile)
		if err != nil {
			return nil, err
		}
		if f == nil {
			p.missing = append(p.missing, path)
			continue
		}
		if !f.uploaded {
			found = append(found, path)
		}
		hashes, err := t.Hashes(f.b)
		if err != nil {
			return nil, refuse(codeWrong, "%s: %v", path, err)
		}
		tiles, have[t] = append(tiles, edgeTile{t, f.b, hashes}), f.b
	}
	if len(p.missing) > 0 {
		return nil, nil
	}
	root, err := proofs.TileNodes(p.o.Size, func(t proofs.Tile) ([]byte, error) { return have[t], nil }).Root(p.o.Size)
	if err == nil && root.String() != p.o.Root {
		err = fmt.Errorf("the partial tiles of the ledger make the root %s, but %s was signed", root, p.o.Root)
	}
	if err != nil && len(found) > 0 {
		p.missing = append(p.missing, found...)
		return nil, nil
	}
	if err != nil {
		return nil, refuse(codeWrong, "ledger/%s: %v", tiles[0].tile.Path(), err)
	}
	return tiles, nil
}

func (p *plan) sameLedger() bool {
	return p.whole.p != nil && p.whole.size == p.o.Size && p.whole.root.String() == p.o.Root
}

// ledger adds the right edge, and what hangs below it.
func (p *plan) ledger(edge []edgeTile) {
	for _, t := range slices.Backward(edge) {
		it := item{"ledger/" + t.tile.Path(), kindFile, hashOf(t.b).String(), len(t.b)}
		if t.tile.Level > 0 && slices.Equal(p.baseEdge(t.tile), t.hashes) {
			continue // the same tile, with nothing new below
		}
		p.state.Items.add(it)
		if t.tile.Level > 0 {
			p.below(t.tile, t.hashes)
			continue
		}
		bundle := t.tile
		bundle.Entries = true
		p.state.Items.add(item{"ledger/" + bundle.Path(), kindEdge, it.Hash, bundle.Width})
	}
}

// baseEdge are the hashes that the base has of a tile which is not full in its tree; none for any other.
func (p *plan) baseEdge(t proofs.Tile) []proofs.Hash {
	if p.whole.p == nil || t.Index != p.whole.size>>(8*uint(t.Level))/proofs.TileWidth {
		return nil
	}
	return p.whole.edge[t.Level]
}

// below adds what hangs below a tile of hashes that is right, and is not in the base under the same hash.
func (p *plan) below(t proofs.Tile, hashes []proofs.Hash) {
	was := p.baseEdge(t)
	for i, h := range hashes {
		if i < len(was) && was[i] == h {
			continue
		}
		n := node{Level: t.Level - 1, Index: t.Index*proofs.TileWidth + uint64(i), Hash: h.String()}
		if n.Level > 0 {
			p.state.Queue = append(p.state.Queue, n)
			continue
		}
		bundle := n.tile()
		bundle.Entries = true
		p.state.Items.add(n.item(), item{"ledger/" + bundle.Path(), kindBundle, n.Hash, 0})
	}
}

// index adds the issuer list, and what the map's root tile leads to.
func (p *plan) index() {
	was := p.whole.index
	if p.o.Issuers > 0 && (was == nil || was.IssuersRoot.String() != p.o.IssuersRoot) {
		p.state.Items.add(item{indexPath(p.o.IssuersRoot), kindIssuers, p.o.IssuersRoot, 0})
		if was != nil && was.Issuers > 0 {
			p.state.Gone.add(gone{Object: kept(proofs.IndexPath(was.IssuersRoot))})
		}
	}
	tile, err := proofs.ParseMapTile(p.o.RootTile)
	if err == nil { // it was verified when the offer was taken
		p.mapTile(tile, p.whole.tile, proofs.Hash{}.String())
	}
}

// A placed leaf is one of a map tile, with where it begins among the tile's 512 places.
type placed struct {
	proofs.MapTileLeaf
	at int
}

func placesOf(t *proofs.MapTile) []placed {
	if t == nil {
		return nil
	}
	out, at := make([]placed, len(t.Leaves)), 0
	for i, l := range t.Leaves {
		out[i] = placed{l, at}
		at += 1 << (proofs.MapTileHeight - l.Depth)
	}
	return out
}

// prefix is that of the keys below a place of a tile at a depth, whose own is given.
func prefix(of string, depth, at int) string {
	h, _ := proofs.ParseHash(of)
	for j := range proofs.MapTileHeight {
		if i := depth + j; at>>(proofs.MapTileHeight-1-j)&1 == 1 && i < 8*len(h) {
			h[i/8] |= 0x80 >> (i % 8)
		}
	}
	return h.String()
}

// mapTile adds what a map tile leads to and the one before it did not, and notes what only that one did.
func (p *plan) mapTile(tile, was *proofs.MapTile, of string) {
	type key struct {
		hash proofs.Hash
		tile bool
	}
	has, still, before := map[key]bool{}, map[key]bool{}, map[int]proofs.MapTileLeaf{}
	for _, l := range placesOf(was) {
		has[key{l.Hash, l.Tile}], before[l.at] = true, l.MapTileLeaf
	}
	for _, l := range placesOf(tile) {
		still[key{l.Hash, l.Tile}] = true
		switch {
		case has[key{l.Hash, l.Tile}]:
		case l.Tile:
			n := node{Map: true, Depth: tile.Depth + l.Depth, Prefix: prefix(of, tile.Depth, l.at), Hash: l.Hash.String()}
			if b := before[l.at]; b.Tile {
				n.Was = b.Hash.String()
			}
			p.state.Queue = append(p.state.Queue, n)
		default:
			p.state.Items.add(item{proofs.IndexPath(l.Hash), kindSlot, l.Hash.String(), 0})
		}
	}
	for _, l := range placesOf(was) {
		if !still[key{l.Hash, l.Tile}] {
			p.state.Gone.add(gone{kept(proofs.IndexPath(l.Hash)), prefix(of, tile.Depth, l.at)})
		}
	}
}
