package index

import (
	"fmt"
	"io/fs"
	"sync"

	"stele/proofs"
)

// A Store keeps the index's files by their hash. Put is idempotent and may be
// called from several goroutines; a file counts as durable only once the caller has synced the store.
// Get returns what Put was given, unverified.
type Store interface {
	Get(h proofs.Hash) ([]byte, error)
	Put(h proofs.Hash, b []byte) error
}

// getTile reads a tile that begins at a depth, and compares it with its name.
func getTile(s Store, h proofs.Hash, depth int) (*proofs.MapTile, error) {
	raw, err := s.Get(h)
	if err != nil {
		return nil, err
	}
	t, err := proofs.ParseMapTile(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: damaged: %w", proofs.IndexPath(h), err)
	}
	if t.Depth != depth || t.Hash() != h {
		return nil, fmt.Errorf("%s: damaged: a tile at depth %d that hashes to %s, want depth %d", proofs.IndexPath(h), t.Depth, t.Hash(), depth)
	}
	return t, nil
}

// getSlot reads a slot, and compares it with its name. The leaves are its records' leaf hashes.
func getSlot(s Store, h proofs.Hash) (slot *proofs.Slot, leaves []proofs.Hash, err error) {
	if slot, err = parseSlot(s, h); err != nil {
		return nil, nil, err
	}
	leaves = slot.Leaves()
	if got := slot.HashOf(leaves); got != h {
		return nil, nil, fmt.Errorf("%s: damaged: hashes to %s", proofs.IndexPath(h), got)
	}
	return slot, leaves, nil
}

// parseSlot reads a slot, and does not compare it with its name.
func parseSlot(s Store, h proofs.Hash) (*proofs.Slot, error) {
	raw, err := s.Get(h)
	if err != nil {
		return nil, err
	}
	slot, err := proofs.ParseSlot(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: damaged: %w", proofs.IndexPath(h), err)
	}
	return slot, nil
}

// Memory is a Store in memory, for tests and their vectors.
type Memory struct {
	mu    sync.Mutex
	files map[proofs.Hash][]byte
}

// NewMemory makes an empty Memory.
func NewMemory() *Memory {
	return &Memory{files: map[proofs.Hash][]byte{}}
}

// Get returns a file.
func (m *Memory) Get(h proofs.Hash) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.files[h]
	if !ok {
		return nil, fmt.Errorf("index file %s: %w", h, fs.ErrNotExist)
	}
	return b, nil
}

// Put keeps a file.
func (m *Memory) Put(h proofs.Hash, b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[h] = b
	return nil
}

// Discard is a Store that keeps nothing, for those who want only the hashes of what goes into the map in one piece.
type Discard struct{}

// Get finds nothing.
func (Discard) Get(h proofs.Hash) ([]byte, error) {
	return nil, fmt.Errorf("index file %s: %w", h, fs.ErrNotExist)
}

// Put forgets the file.
func (Discard) Put(proofs.Hash, []byte) error { return nil }

// Files calls f with the hash of each file that a state leads to: tiles, slots and the issuer list. Of the files, only tiles
// are read.
func Files(store Store, s *State, f func(h proofs.Hash)) error {
	root, err := proofs.ParseMapTile(s.RootTile)
	if err != nil {
		return err
	}
	if len(s.Issuers.Records) > 0 {
		f(s.Issuers.Root())
	}
	return filesBelow(store, root, f)
}

func filesBelow(store Store, t *proofs.MapTile, f func(h proofs.Hash)) error {
	for _, l := range t.Leaves {
		f(l.Hash)
		if !l.Tile {
			continue
		}
		below, err := getTile(store, l.Hash, t.Depth+l.Depth)
		if err == nil {
			err = filesBelow(store, below, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
