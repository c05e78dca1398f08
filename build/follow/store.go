package follow

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"sync"

	"stele/build/index"
	"stele/build/portal"
	"stele/proofs"
)

// mostKept is how many bytes of new index files an Advance keeps in memory; more go into a temporary file. Fewer in tests.
var mostKept = 64 << 20

// A store is what an Advance reads the index from and writes it to: what it makes lies here until it is superseded, and what was there before
// is read from the portal, or from the caller's store. Package index compares each file with its name as it reads it.
type store struct {
	ctx  context.Context
	from portal.Portal
	own  index.Store // the caller's; nil if there is none
	dir  string      // for the temporary file

	mu    sync.Mutex
	made  map[proofs.Hash]kept
	bytes int
	spill *os.File
	end   int64
	read  int // files, for the tests
}

// kept is a file that was made: its bytes, or where they lie.
type kept struct {
	b      []byte
	at     int64
	length int
	sum    proofs.Hash // SHA-256 of the file
}

func (s *store) Get(h proofs.Hash) ([]byte, error) {
	s.mu.Lock()
	k, ok := s.made[h]
	s.read++
	s.mu.Unlock()
	switch {
	case ok && k.b != nil:
		return k.b, nil
	case ok:
		b := make([]byte, k.length)
		_, err := s.spill.ReadAt(b, k.at)
		return b, err
	case s.own != nil:
		return s.own.Get(h)
	}
	b, err := s.from.Read(s.ctx, proofs.IndexPath(h))
	if err != nil {
		return nil, &Outage{proofs.IndexPath(h), err}
	}
	return b, nil
}

func (s *store) Put(h proofs.Hash, b []byte) error {
	k := kept{length: len(b), sum: sha256.Sum256(b)}
	if s.own != nil {
		if err := s.own.Put(h, b); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.made[h]; ok {
		return nil
	}
	if s.bytes+len(b) <= mostKept {
		k.b = b
		s.bytes += len(b)
	} else if err := s.write(&k, b); err != nil {
		return err
	}
	s.made[h] = k
	return nil
}

// write puts a file into the temporary one, which has no name: it is gone with this process.
func (s *store) write(k *kept, b []byte) error {
	if s.spill == nil {
		var err error
		if s.spill, err = os.CreateTemp(s.dir, "index-*"); err != nil {
			return err
		}
		if err := os.Remove(s.spill.Name()); err != nil {
			return err
		}
	}
	k.at = s.end
	if _, err := s.spill.WriteAt(b, s.end); err != nil {
		return err
	}
	s.end += int64(len(b))
	return nil
}

// drop forgets what is superseded.
func (s *store) drop(hashes []proofs.Hash) {
	for _, h := range hashes {
		s.bytes -= len(s.made[h].b)
		delete(s.made, h)
	}
}

func (s *store) close() {
	if s.spill != nil {
		s.spill.Close()
	}
}

// A File is a file of the index that a Change has made.
type File struct {
	Hash proofs.Hash // its name
	Sum  proofs.Hash // SHA-256 of its content
}

// Compare reads a published file of the index again, and compares it with the one that was made.
func (f File) Compare(ctx context.Context, p portal.Portal) error {
	path := proofs.IndexPath(f.Hash)
	b, err := p.Read(ctx, path)
	if err != nil {
		return &Outage{path, err}
	}
	if got := proofs.Hash(sha256.Sum256(b)); got != f.Sum {
		return &Damage{path, fmt.Errorf("its content has SHA-256 %s, want %s", got, f.Sum)}
	}
	return nil
}
