package portal

import (
	"os"
	"path/filepath"

	"stele/build/durable"
	"stele/proofs"
)

// A Memory keeps the largest head seen of each registry, so that a ledger that is rolled back or
// forked is noticed. It is a convenience of this machine: without it every answer stands on its own.
type Memory string

// UserMemory is the memory of the user who runs the command; empty if there is no place for it.
func UserMemory() Memory {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return Memory(filepath.Join(dir, "stele", "heads"))
}

func (m Memory) path(t *proofs.Trust) string { return filepath.Join(string(m), t.ID().String()) }

// Recall returns the head kept for a trust file, nil if there is none.
func (m Memory) Recall(t *proofs.Trust) []byte {
	if m == "" {
		return nil
	}
	b, err := os.ReadFile(m.path(t))
	if err != nil {
		return nil
	}
	return b
}

// Keep keeps a head. That it could not be kept changes no answer.
func (m Memory) Keep(t *proofs.Trust, head []byte) {
	if m == "" || head == nil {
		return
	}
	if os.MkdirAll(string(m), 0o700) == nil {
		durable.Replace(m.path(t), head, 0o600)
	}
}
