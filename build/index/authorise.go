package index

import (
	"bytes"
	"runtime"
	"slices"
	"sync"

	"stele/build/batch"
	"stele/proofs"
)

// runLength is how many entries are parsed at once, in memory: two full batches of signatures.
const runLength = 2 * batch.Most

// signatures remembers the keys of authorities; what it says does not depend on that.
var signatures batch.Verifier

// Authorise verifies entries on all processors and calls f for each in order, with nil and the reason for one
// that does not count. What the root says takes effect on the authorities before the entries after it.
func Authorise(t *proofs.Trust, as proofs.Authorities, first uint64, entries [][]byte, f func(i int, e *proofs.Entry, err error) bool) {
	mark := []byte("\nissuer " + t.RootName() + "\nauthority ") // in a statement, only its own envelope can read so
	for done := 0; done < len(entries); {
		run := entries[done:min(done+runLength, len(entries))]
		if i := slices.IndexFunc(run, func(e []byte) bool { return bytes.Contains(e, mark) }); i >= 0 {
			run = run[:i+1]
		}
		out, errs := authorise(t, as, first+uint64(done), run)
		for i, e := range out {
			if f(done+i, e, errs[i]) && e != nil && e.Envelope.Issuer == t.RootName() {
				as.Apply(e)
			}
		}
		done += len(run)
	}
}

// authorise is Authorise for entries that change nothing for those after them.
func authorise(t *proofs.Trust, as proofs.Authorities, first uint64, entries [][]byte) ([]*proofs.Entry, []error) {
	out, errs := make([]*proofs.Entry, len(entries)), make([]error, len(entries))
	shares(len(entries), func(from, to int) {
		items, at := make([]batch.Item, 0, to-from), make([]int, 0, to-from)
		for i := from; i < to; i++ {
			var claim *proofs.Claim
			out[i], claim, errs[i] = t.AuthoriseClaim(as, first+uint64(i), entries[i])
			if claim != nil {
				items = append(items, batch.Item{Key: claim.Key.Public, Message: []byte(claim.Text), Signature: claim.Signature})
				at = append(at, i)
			}
		}
		for n, ok := range signatures.Verify(items) {
			if i := at[n]; !ok { // once more, for the error
				out[i], errs[i] = t.Authorise(as, first+uint64(i), entries[i])
			}
		}
	})
	return out, errs
}

// shares splits 0 to n-1 evenly among all processors.
func shares(n int, f func(from, to int)) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		if from, to := w*n/workers, (w+1)*n/workers; from < to {
			wg.Go(func() { f(from, to) })
		}
	}
	wg.Wait()
}
