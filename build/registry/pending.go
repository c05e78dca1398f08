package registry

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"stele/build/storage"
	"stele/proofs"
)

// A list may have ten million lines, and as many documents may wait: of each, no more is kept than it takes to meet it again.

// key16 is the first half of a key in the index: nobody finds two documents of one half in 2^64 tries.
type key16 [16]byte

func half(key proofs.Hash) key16 { return key16(key[:16]) }

func compare(a, b proofs.Hash) int { return bytes.Compare(a[:], b[:]) }

// noted is what is kept of a document.
type noted struct {
	line uint32  // in the list; 0 where there is none
	sha3 [8]byte // of its SHA3-512: a mistake agrees once in 2^64
}

func noteOf(sha3 proofs.Hash512, line int) noted { return noted{uint32(line), [8]byte(sha3[:8])} }

func (n noted) agrees(sha3 proofs.Hash512) bool { return n.sha3 == [8]byte(sha3[:8]) }

// A waiting registration is looked for by its key.
type waiting struct {
	mine   map[key16]noted // the issuer's
	others map[key16]noted // any other's
}

// pendingEntries reads the queue.
func (r *Registry) pendingEntries(ctx context.Context) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	batches, err := r.pending()
	return storage.EntriesOf(batches), err
}

// notePending notes the registrations among pending entries, and has the root's statements among them take effect on the
// authorities. Who has signed the registrations was looked at when they were queued, and is looked at when they are published.
func (r *Registry) notePending(as proofs.Authorities, first uint64, entries [][]byte, issuer string) waiting {
	type read struct {
		key  key16
		n    noted
		into map[key16]noted
		root bool
	}
	w := waiting{map[key16]noted{}, map[key16]noted{}}
	all := make([]read, len(entries))
	onAll(len(entries), func(i int) {
		_, env, err := proofs.ParseEntry(entries[i])
		if err != nil || env.Registry != r.Trust.Origin {
			return
		}
		all[i].root = env.Issuer == r.Trust.RootName()
		if s, err := env.Statement(); err == nil && s.Action == proofs.ActionRegister {
			all[i].key, all[i].n, all[i].into = half(s.Document.Key()), noteOf(s.Document.Digests.SHA3512, 0), w.others
			if s.Issuer == issuer {
				all[i].into = w.mine
			}
		}
	})
	for i, e := range all {
		if e.root {
			if e, err := r.Trust.Authorise(as, first+uint64(i), entries[i]); err == nil {
				as.Apply(e)
			}
		} else if e.into != nil {
			e.into[e.key] = e.n
		}
	}
	return w
}

// onAll calls f for 0 to n-1 on all processors, a few at a time.
func onAll(n int, f func(i int)) {
	const few = 8
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min((n+few-1)/few, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for first := next.Add(few) - few; first < int64(n); first = next.Add(few) - few {
				for i := first; i < min(first+few, int64(n)); i++ {
					f(int(i))
				}
			}
		})
	}
	wg.Wait()
}
