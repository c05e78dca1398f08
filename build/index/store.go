package index

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// Dir is a Store in a directory: the `index` folder of what is published.
type Dir string

// Path is where a file lies.
func (d Dir) Path(h proofs.Hash) string {
	s := h.String()
	return filepath.Join(string(d), s[:2], s)
}

// Get reads a file.
func (d Dir) Get(h proofs.Hash) ([]byte, error) { return os.ReadFile(d.Path(h)) }

// Put writes a file and reads it back. One that is there already counts only if
// its bytes are right: after a crash a rightly named file may be empty.
func (d Dir) Put(h proofs.Hash, b []byte) error {
	path := d.Path(h)
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, b) {
		return nil
	}
	if err := d.write(path, b); err != nil {
		return err
	}
	have, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, b) {
		return fmt.Errorf("write %s: what was read back differs from what was written", path)
	}
	return nil
}

func (d Dir) write(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		tmp, err = os.CreateTemp(filepath.Dir(path), ".new-*")
	}
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// Memory is a Store in memory, for small registries and for tests.
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

// Discard is a Store that keeps nothing: an audit wants only the hashes.
type Discard struct{}

// Get finds nothing.
func (Discard) Get(h proofs.Hash) ([]byte, error) {
	return nil, fmt.Errorf("index file %s: %w", h, fs.ErrNotExist)
}

// Put forgets the file.
func (Discard) Put(proofs.Hash, []byte) error { return nil }
