package proofs

// Tiles of the ledger: c2sp.org/tlog-tiles.

import "strings"

const (
	// TileWidth is how many hashes or entries a full tile or bundle holds.
	TileWidth = 256
	tileLevel = 8 // tree levels a tile

	// MaxTileLevel: "<L> … MUST be a decimal ASCII integer between 0 and 63";
	// 2^63 leaves need no more than 8.
	MaxTileLevel = 7
)

// A Tile names a tile of hashes, or an entry bundle.
type Tile struct {
	Entries bool
	Level   int    // 0 for bundles
	Index   uint64 // within the level
	Width   int    // 1 to 256; less than 256 is a partial tile
}

// Path is the tile's path below the ledger's prefix.
func (t Tile) Path() string {
	s := "tile/entries/"
	if !t.Entries {
		s = "tile/" + itoa(t.Level) + "/"
	}
	s += tileIndexPath(t.Index)
	if t.Width < TileWidth {
		s += ".p/" + itoa(t.Width)
	}
	return s
}

// Hashes parses the file of a tile of hashes: as many as its width, 32 bytes each.
func (t Tile) Hashes(b []byte) ([]Hash, error) {
	if len(b) != t.Width*hashSize {
		return nil, malformed("tile", itoa(len(b)), " bytes, want ", itoa(t.Width*hashSize))
	}
	hs := make([]Hash, t.Width)
	for i := range hs {
		copy(hs[i][:], b[i*hashSize:])
	}
	return hs, nil
}

// tileIndexPath: "zero-padded 3-digit path elements. All but the last path
// element MUST begin with an x."
func tileIndexPath(n uint64) string {
	s := pad3(n % 1000)
	for n /= 1000; n > 0; n /= 1000 {
		s = "x" + pad3(n%1000) + "/" + s
	}
	return s
}

func pad3(n uint64) string {
	s := "00" + utoa(n)
	return s[len(s)-3:]
}

// ParseTilePath parses what Path formats, and nothing else.
func ParseTilePath(path string) (Tile, error) {
	bad := malformed("tile path", quote(path))
	kind, rest, _ := strings.Cut(strings.TrimPrefix(path, "tile/"), "/")
	t := Tile{Width: TileWidth}
	if kind == "entries" {
		t.Entries = true
	} else if l, ok := parseDecimal(kind); ok && l <= MaxTileLevel {
		t.Level = int(l)
	} else {
		return Tile{}, bad
	}
	index, width, partial := strings.Cut(rest, ".p/")
	if partial {
		w, ok := parseDecimal(width)
		if !ok || w == 0 || w >= TileWidth {
			return Tile{}, bad
		}
		t.Width = int(w)
	}
	for _, elem := range strings.Split(index, "/") {
		elem = strings.TrimPrefix(elem, "x")
		if len(elem) != 3 || t.Index > 1<<52 {
			return Tile{}, bad
		}
		for _, c := range []byte(elem) {
			t.Index = t.Index*10 + uint64(c-'0')
		}
	}
	if t.Path() != path {
		return Tile{}, bad
	}
	return t, nil
}

// FullIn reports whether the tile, whatever its width, is full in a tree of a size.
func (t Tile) FullIn(size uint64) bool {
	if !t.Entries {
		size >>= tileLevel * t.Level
	}
	return size/TileWidth > t.Index
}

// TilesOf lists every tile and bundle that a tree of newSize has and one of
// oldSize does not have in the same width, bundles first.
func TilesOf(oldSize, newSize uint64) []Tile {
	tiles := appendTiles(nil, true, 0, oldSize, newSize)
	for level := 0; level <= MaxTileLevel; level++ {
		old, new := oldSize>>(tileLevel*level), newSize>>(tileLevel*level)
		if new == 0 {
			break
		}
		tiles = appendTiles(tiles, false, level, old, new)
	}
	return tiles
}

func appendTiles(tiles []Tile, entries bool, level int, old, new uint64) []Tile {
	if old == new {
		return tiles
	}
	for i := old / TileWidth; i < new/TileWidth; i++ {
		tiles = append(tiles, Tile{entries, level, i, TileWidth})
	}
	if w := new % TileWidth; w > 0 {
		tiles = append(tiles, Tile{entries, level, new / TileWidth, int(w)})
	}
	return tiles
}

// tileAt is the tile of a level in the tree of a size, as wide as that tree has it.
func tileAt(size uint64, level int, index uint64) Tile {
	t := Tile{Level: level, Index: index, Width: TileWidth}
	if have := size >> (tileLevel * uint(level)); have/TileWidth == index {
		t.Width = int(have % TileWidth)
	}
	return t
}

// mostTiles is how many tiles TileNodes keeps, of 8 KiB each.
const mostTiles = 1024

// TileNodes makes Nodes of a tree of the given size out of its hash tiles. The
// tile returned by read may be wider than asked for: a full tile in place of a
// partial one.
func TileNodes(size uint64, read func(Tile) ([]byte, error)) Nodes {
	cache := map[Tile][]byte{}
	return func(level uint, index uint64) (Hash, error) {
		l := int(level) / tileLevel
		inner := level % tileLevel // levels above the tile's hashes
		first := index << inner
		t := tileAt(size, l, first/TileWidth)
		b, ok := cache[t]
		if !ok {
			var err error
			if b, err = read(t); err != nil {
				return Hash{}, err
			}
			if len(b) < t.Width*len(Hash{}) || len(b)%len(Hash{}) != 0 || len(b) > TileWidth*len(Hash{}) {
				return Hash{}, malformed("tile", t.Path(), ": ", itoa(len(b)), " bytes, want ", itoa(t.Width*len(Hash{})))
			}
			if len(cache) == mostTiles {
				clear(cache)
			}
			cache[t] = b
		}
		return tileNode(t, b, int(first%TileWidth), 1<<inner)
	}
}

// tileNode hashes n of a tile's hashes, from the first on, into one node.
func tileNode(t Tile, b []byte, first, n int) (Hash, error) {
	if first+n > t.Width {
		return Hash{}, malformed("tile", t.Path(), ": no hash ", itoa(first+n-1))
	}
	hs := make([]Hash, n)
	for i := range hs {
		copy(hs[i][:], b[(first+i)*len(Hash{}):])
	}
	return TopOf(hs), nil
}

// TopOf is the node over 2^n hashes of a full tile or a part of it, which it overwrites.
func TopOf(hashes []Hash) Hash {
	for ; len(hashes) > 1; hashes = hashes[:len(hashes)/2] {
		for i := range len(hashes) / 2 {
			hashes[i] = nodeHash(hashes[2*i], hashes[2*i+1])
		}
	}
	return hashes[0]
}

// ParseBundle takes an entry bundle apart: "big-endian uint16 length-prefixed log
// entries". It demands exactly width entries.
func ParseBundle(b []byte, width int) ([][]byte, error) {
	entries, err := ParseEntries(b)
	if err == nil && len(entries) != width {
		return nil, malformed("entry bundle", itoa(len(entries)), " entries, want ", itoa(width))
	}
	return entries, err
}

// ParseEntries is ParseBundle for any number of entries.
func ParseEntries(b []byte) ([][]byte, error) {
	r := &reader{what: "entry bundle", b: b}
	var entries [][]byte
	for r.err == nil && r.off < len(b) {
		entries = append(entries, r.opaque16())
	}
	return entries, r.done()
}

// AppendBundleEntry appends one entry of at most 65,535 bytes to a bundle.
func AppendBundleEntry(bundle, entry []byte) []byte { return appendOpaque16(bundle, entry) }
