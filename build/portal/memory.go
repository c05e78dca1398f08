package portal

import (
	"os"
	"path/filepath"

	"stele/build/durable"
	"stele/proofs"
)

// A Memory keeps the largest head seen of each registry, so that a ledger that is rolled back or
// forked is noticed, and the trust files that it was seen with, so that it is still noticed after the registry has changed its keys. It is a
// convenience of this machine: without it every answer stands on its own.
//
// For a trust file with the fingerprint ID, the folder holds ID, the head, and ID.trust, the trust file.
type Memory string

// UserMemory is the memory of the user who runs the command; empty if there is no place for it.
func UserMemory() Memory {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return Memory(filepath.Join(dir, "stele", "heads"))
}

const trustSuffix = ".trust"

func (m Memory) path(id proofs.Hash) string { return filepath.Join(string(m), id.String()) }

// Recall returns the head kept for a trust file, or else for the nearest one before it; nil if there is none.
func (m Memory) Recall(t *proofs.Trust) []byte {
	if m == "" {
		return nil
	}
	for id := t.ID(); ; id = *t.Previous {
		if b, err := os.ReadFile(m.path(id)); err == nil {
			return b
		}
		if id != t.ID() {
			if t = m.trust(id); t == nil {
				return nil
			}
		}
		if t.Previous == nil {
			return nil
		}
	}
}

// trust returns the kept trust file with a fingerprint, nil if there is none.
func (m Memory) trust(id proofs.Hash) *proofs.Trust {
	b, err := os.ReadFile(m.path(id) + trustSuffix)
	if err != nil {
		return nil
	}
	t, err := proofs.ParseTrust(b)
	if err != nil || t.ID() != id {
		return nil
	}
	return t
}

// Earlier returns the trust files before one that are kept, the newest first, without a gap.
func (m Memory) Earlier(t *proofs.Trust) []*proofs.Trust {
	var all []*proofs.Trust
	for m != "" && t.Previous != nil {
		if t = m.trust(*t.Previous); t == nil {
			break
		}
		all = append(all, t)
	}
	return all
}

// Newest returns the newest trust file that was followed to from one on this machine, the same if none was. Who shows a ledger as it was
// before a change of keys cannot thereby make this machine forget what it has seen since.
func (m Memory) Newest(t *proofs.Trust) *proofs.Trust {
	if m == "" {
		return t
	}
	files, err := filepath.Glob(filepath.Join(string(m), "*"+trustSuffix))
	if err != nil {
		return t
	}
	after := map[proofs.Hash]*proofs.Trust{}
	for _, path := range files {
		id, err := proofs.ParseHash(filepath.Base(path[:len(path)-len(trustSuffix)]))
		if err != nil {
			continue
		}
		if n := m.trust(id); n != nil && n.Previous != nil && n.Origin == t.Origin {
			after[*n.Previous] = n
		}
	}
	for n := after[t.ID()]; n != nil && t.CheckSuccessor(n) == nil; n = after[t.ID()] {
		t = n
	}
	return t
}

// Keep keeps a head, and the trust file that it was seen with. That they could not be kept changes no answer.
func (m Memory) Keep(t *proofs.Trust, head []byte) {
	if m == "" || head == nil {
		return
	}
	m.KeepTrust(t)
	durable.Replace(m.path(t.ID()), head, 0o600)
}

// KeepTrust keeps a trust file that was given, or proved by its handover.
func (m Memory) KeepTrust(t *proofs.Trust) {
	if m != "" && os.MkdirAll(string(m), 0o700) == nil && m.trust(t.ID()) == nil {
		durable.Replace(m.path(t.ID())+trustSuffix, t.Marshal(), 0o600)
	}
}
