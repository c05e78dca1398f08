package index

import (
	"os"
	"path/filepath"

	"stele/build/durable"
	"stele/proofs"
)

// Dir is a Store in a directory: the `index` folder of what is published.
type Dir string

// Path is where a file lies.
func (d Dir) Path(h proofs.Hash) string {
	s := h.String()
	return filepath.Join(string(d), s[:2], s)
}

// Get reads a file.
func (d Dir) Get(h proofs.Hash) ([]byte, error) { return os.ReadFile(d.Path(h)) }

// Put writes a file and reads it back; it is durable after durable.SyncTree.
func (d Dir) Put(h proofs.Hash, b []byte) error { return durable.WriteOnce(d.Path(h), b) }
