package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/store"
	"stele/site/headers"
)

// A kind says by what a file is known to be right.
type kind string

const (
	kindFile    kind = "file"    // SHA-256 of the bytes
	kindPast    kind = "past"    // the same, of a checkpoint of the size that its path names
	kindTile    kind = "tile"    // the node over a full tile's 256 hashes
	kindBundle  kind = "bundle"  // the node over the leaf hashes of a full bundle's entries
	kindEdge    kind = "edge"    // SHA-256 of the leaf hashes of a partial bundle's entries, which are the partial tile
	kindSlot    kind = "slot"    // a slot's hash
	kindMapTile kind = "map"     // the top of a map tile at a depth
	kindIssuers kind = "issuers" // the issuer list's root
)

// An item is a file that the publication needs and the one in force has not.
type item struct {
	Path string `json:"path"`
	Kind kind   `json:"kind"`
	Hash string `json:"hash"`
	N    int    `json:"n,omitempty"` // a partial bundle's width, a map tile's depth; of a file its size in bytes
}

// object is the item's name in the store, once it is proved.
func (it item) object() string { return objectOf(it.Path, it.Hash) }

func objectOf(path, sha256 string) string {
	if headers.Lasts(path) {
		return published.KeptPrefix + path
	}
	return published.SetPrefix + sha256
}

const (
	mostTile    = proofs.TileWidth * int64(len(proofs.Hash{}))
	mostMapTile = 17 << 10 // FORMAT.md, section 16
	mostEntry   = 2 + 0xffff
)

// most is how large the item can be: what is larger is not it, and is not read.
func (it item) most() int64 {
	switch it.Kind {
	case kindFile:
		return int64(it.N)
	case kindPast:
		return proofs.MaxCheckpoint
	case kindTile:
		return mostTile
	case kindBundle:
		return proofs.TileWidth * mostEntry
	case kindEdge:
		return int64(it.N) * mostEntry
	case kindSlot:
		return proofs.MaxSlot
	case kindMapTile:
		return mostMapTile
	}
	return math.MaxInt64 // an issuer list, of which no more comes than one object may have
}

// bytes is about how large the item is.
func (it item) bytes() int64 { return min(it.most(), likely) }

// A gone file is one that the publication in force has, and the next one not.
type gone struct {
	Object string `json:"object"`
	Prefix string `json:"prefix,omitempty"` // of a slot or map tile: where in the map it was, so that it can be looked up there
}

// chunkBytes is how much a chunk may come to, about: hashing takes time too.
const chunkBytes = 64 << 20

// A list is written in parts, each an object named by its content, so that who writes them twice harms nobody.
type list[T any] struct {
	Parts []string `json:"parts,omitempty"` // SHA-256, in order
	Open  []T      `json:"open,omitempty"`  // not in a part yet
	Total int      `json:"total,omitempty"`
}

func (l *list[T]) add(things ...T) {
	l.Open = append(l.Open, things...)
	l.Total += len(things)
}

func partObject(id, hash string) string { return offersPrefix + id + "/part/" + hash }
func doneObject(id, hash string) string { return offersPrefix + id + "/done/" + hash }

// flush writes full parts, and at the end what is left. full says how many things make one.
func (l *list[T]) flush(ctx context.Context, g *Gate, id string, all bool, full func(open []T) int) error {
	for len(l.Open) > 0 {
		n := full(l.Open)
		if n == len(l.Open) && !all {
			return nil
		}
		b, err := json.Marshal(l.Open[:n])
		if err != nil {
			return err
		}
		hash := hashOf(b).String()
		if err := g.store().Put(ctx, partObject(id, hash), b, store.Always); err != nil {
			return err
		}
		l.Parts, l.Open = append(l.Parts, hash), l.Open[n:]
	}
	return nil
}

func readPart[T any](ctx context.Context, g *Gate, id, hash string) ([]T, error) {
	var things []T
	_, ok, err := g.getJSON(ctx, partObject(id, hash), &things)
	if err == nil && !ok {
		err = fmt.Errorf("the object %s is gone", partObject(id, hash))
	}
	return things, err
}

// chunkOf says how many items the next chunk takes.
func (g *Gate) chunkOf(items []item) int {
	var sum int64
	for i, it := range items {
		if sum += it.bytes(); i == g.Limits.Chunk || i > 0 && sum > chunkBytes {
			return i
		}
	}
	return len(items)
}

// verify checks that bytes are the item's.
func (it item) verify(b []byte) error {
	want, err := proofs.ParseHash(it.Hash)
	if err != nil {
		return err
	}
	got, err := it.hashOf(b)
	if err == nil && got != want {
		err = fmt.Errorf("%d bytes that hash to %s, want %s", len(b), got, want)
	}
	return err
}

func kept(path string) string { return published.KeptPrefix + path }
