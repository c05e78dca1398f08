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

// waiting is what waits for publication, as far as an issuer's registration has to know it. Who has signed the registrations
// was looked at when they were queued, and is looked at when they are published.
type waiting struct {
	mine   map[key16]noted // registrations of the issuer's
	others map[key16]noted // and of any other's
	root   []rootEntry     // what the root says takes effect on who may register
	size   uint64
}

// pendingEntries reads the queue.
func (r *Registry) pendingEntries(ctx context.Context) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	batches, err := r.pending(storage.Unknown)
	return storage.EntriesOf(batches), err
}

// A rootEntry is a statement of the root, and how many others wait before it.
type rootEntry struct {
	before uint64
	bytes  []byte
}

// readWaiting goes through the queue.
func (r *Registry) readWaiting(ctx context.Context, issuer string) (waiting, error) {
	w := waiting{mine: map[key16]noted{}, others: map[key16]noted{}}
	if err := ctx.Err(); err != nil {
		return w, err
	}
	batches, err := r.pending(storage.Unknown)
	for _, b := range batches {
		w.add(r.Trust, issuer, b.Entries)
	}
	return w, err
}

func (w *waiting) add(t *proofs.Trust, issuer string, entries [][]byte) {
	type read struct {
		key  key16
		n    noted
		into map[key16]noted
		root bool
	}
	all := make([]read, len(entries))
	onAll(len(entries), func(i int) {
		_, env, err := proofs.ParseEntry(entries[i])
		if err != nil || env.Registry != t.Origin {
			return
		}
		if all[i].root = env.Issuer == t.RootName(); all[i].root || env.Action != proofs.ActionRegister {
			return
		}
		if s, err := env.Statement(); err == nil {
			all[i].key, all[i].n, all[i].into = half(s.Document.Key()), noteOf(s.Document.Digests.SHA3512, 0), w.others
			if s.Issuer == issuer {
				all[i].into = w.mine
			}
		}
	})
	for i, e := range all {
		switch {
		case e.root:
			w.root = append(w.root, rootEntry{w.size + uint64(i), bytes.Clone(entries[i])})
		case e.into != nil:
			e.into[e.key] = e.n
		}
	}
	w.size += uint64(len(entries))
}

// apply has the root's statements take effect on the authorities, as they will from a place on.
func (w *waiting) apply(t *proofs.Trust, as proofs.Authorities, first uint64) {
	for _, r := range w.root {
		if e, err := t.Authorise(as, first+r.before, r.bytes); err == nil {
			as.Apply(e)
		}
	}
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
