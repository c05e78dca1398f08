// Package mirror keeps a complete, verified copy of what a registry publishes, which can be served as a portal of its own
// and read by whatever reads the original: verify, audit, other people's tlog tools, another mirror.
//
//	DIR/public/      the copy; any static file server can serve it as it is
//	DIR/incoming/    files that have been fetched and verified one by one, and to which nothing leads yet
//	DIR/state/       what the mirror remembers: the head that it has adopted, what it has cosigned, what is superseded
//	DIR/evidence/    what proves that the origin has signed two ledgers
//
// A round goes
//
//	look ──> compare ──> fetch ──> judge ──> adopt
//
// look reads the origin's head and what else changes, compare holds it against the head that was adopted before: the same ledger, a
// larger one that goes on from it, an older one, or another. fetch reads every file that the head leads to and that is not there
// already, many at a time, and compares each with the hash by which something verified names it: tiles from the signed root downwards,
// entries with the tile above them, index files and checkpoints with their names. Hence no origin can make a mirror keep more than
// it has signed for, and what is there from a round that was broken off is not fetched again. judge asks whether the publication is
// right, not only whole: growth, content and index together. Only then adopt moves the files to where they are served, durably, and replaces
// history, statistics, head and checkpoint, in that order.
//
// Killed at any moment, the copy is a whole portal: the one before, or the new one. Between the first and the last of the four files that
// change, a lookup finds one or the other; an audit may find a checkpoint or statistics of the one before. What those four are to be is remembered
// before the first is replaced, and the next start puts them right without asking the origin.
//
// A fork is never adopted. What proves it is written down, and the copy goes on as it was. Nor is a smaller ledger, an outage, or a file
// that is not what it is named: those prove nothing, and are told as what they are.
//
// # c2sp.org/tlog-mirror
//
// A mirror with a key of its own serves, besides the portal, "the tiled transparency log interface" under the monitoring prefix:
//
//	GET /<SHA-256 of the origin, hex>/checkpoint
//	GET /<SHA-256 of the origin, hex>/tile/…
//
// "The checkpoint served from this prefix MUST include a cosignature from the mirror": one is made with ML-DSA-44 after the publication is in
// place and durable, it is durable itself before it is shown, and none is made of a tree that does not go on from the last one that was cosigned.
// The mirror's key is a cosigner of its own, with a name of its own: it says that the ledger is kept here, not only that it was seen. The minimum index is
// always 0: nothing is pruned but partial tiles.
//
// add-checkpoint, add-entries and sign-subtree are not offered. They are for logs that push; this mirror pulls from static files, so that the
// registry needs to know nothing of it. The specification lets a mirror "additionally implement other update processes, provided it continues
// to correctly operate add-entries": of a mirror without add-entries it does not speak. Who reads the monitoring prefix sees no difference; a client that
// pushes is answered 404. What is pulled is in its pending state in DIR/incoming, where nobody is served from.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"time"

	"stele/build/durable"
	"stele/build/follow"
	"stele/build/portal"
	"stele/build/verifier"
	"stele/proofs"
)

// A Mirror is an opened folder. Rounds go one after the other; Handler serves meanwhile.
type Mirror struct {
	Dir   string
	Trust *proofs.Trust // the newest that could be followed to

	// Programs are what the pages load; without them none are made.
	Programs *verifier.Files
	// Cosigner signs for the monitoring prefix; without it there is none.
	Cosigner proofs.Signer
	// Now is the mirror's clock.
	Now func() time.Time
	// Progress is told how much is done, by several goroutines.
	Progress func(what string, done, of uint64)
	// Note is told what is worth knowing and no error.
	Note func(text string)

	from      source
	lock      *durable.Lock
	public    durable.Folder
	incoming  durable.Folder
	state     durable.Folder
	adopted   *adopted // nil before the first publication
	f         *follow.Follower
	earlier   []*proofs.Trust        // of the epochs before, newest first
	checked   int64                  // as-of of the publication with which every file was last compared, 0 before
	cosigned  atomic.Pointer[[]byte] // the checkpoint with the mirror's signature
	spare     uint64                 // bytes of the disk that are kept free
	freeBytes func() (uint64, error)

	// fault is called before and after each change on the disk, so that tests can make every one of them fail.
	fault func(when, path string) error
}

// spareBytes are kept free on the disk: what adopting a publication takes, and what else the machine does must not stop.
const spareBytes = 64 << 20

// Open opens a mirror's folder, or makes it, and puts right what a round that was broken off has left. where is the origin: an address, or a folder.
func Open(ctx context.Context, dir, where string, t *proofs.Trust) (*Mirror, error) {
	from, err := openSource(where)
	if err != nil {
		return nil, err
	}
	m := &Mirror{Dir: dir, Trust: t, Now: time.Now, Progress: func(string, uint64, uint64) {}, Note: func(string) {}, from: from,
		public: durable.Folder(filepath.Join(dir, "public")), incoming: durable.Folder(filepath.Join(dir, "incoming")),
		state: durable.Folder(filepath.Join(dir, "state")), spare: spareBytes, fault: func(string, string) error { return nil }}
	m.freeBytes = func() (uint64, error) { return freeBytes(dir) }
	if m.lock, err = durable.TryLock(m.state.Path("mirror.lock")); err != nil {
		return nil, err
	}
	m.recall(ctx)
	if err := m.load(); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Close lets another process at the folder.
func (m *Mirror) Close() error {
	m.closeFollower()
	return m.lock.Close()
}

// Public is the folder to serve.
func (m *Mirror) Public() string { return string(m.public) }

// Portal reads the copy.
func (m *Mirror) Portal() (portal.Portal, error) { return portal.Open(string(m.public)) }

// A Result is what a round has come to.
type Result struct {
	State       string // adopted, renewed, same
	Size        uint64
	Publication uint64
	Keys        uint64
	AsOf        int64 // seconds
	Files       int64 // that were fetched
	Bytes       int64
	Healed      int // files that were there and damaged
}

// What a round may come to, besides errors.
const (
	Adopted = "adopted" // a newer publication
	Renewed = "renewed" // the same ledger with newer signatures
	Same    = "same"    // nothing new
)

// A WrongError is a file of the origin's that is not what it must be.
type WrongError struct {
	Path string
	Err  error
}

func (e *WrongError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }
func (e *WrongError) Unwrap() error { return e.Err }

// wrong makes a WrongError, unless nothing is.
func wrong(path string, err error) error {
	if err == nil {
		return nil
	}
	return &WrongError{path, err}
}

// A ForkError says that the origin has signed two ledgers.
type ForkError struct {
	One, Other proofs.Checkpoint // the smaller first
	Root       proofs.Hash       // of the other at the size of the first
	Evidence   string            // the file that proves it
}

func (e *ForkError) Error() string {
	return fmt.Sprintf("fork: root %s was signed for size %d, and for size %d a ledger whose root there is %s", e.One.Root, e.One.Size, e.Other.Size, e.Root)
}

// A RollbackError says that the origin shows a smaller ledger than the copy has.
type RollbackError struct{ Have, Got uint64 }

func (e *RollbackError) Error() string {
	return fmt.Sprintf("rollback: the head is of size %d, the copy's is of size %d", e.Got, e.Have)
}

// Round brings the copy up to what the origin publishes. The first round of a process, and one a day, compare every file of the copy
// with what it has to be; the others only fetch what is new.
func (m *Mirror) Round(ctx context.Context) (*Result, error) {
	if err := m.follow(ctx); err != nil {
		return nil, err
	}
	r := &round{m: m, ctx: ctx, ours: m.adopted, staged: map[string]bool{}, live: map[string]bool{}}
	if err := r.run(); ctx.Err() != nil {
		return nil, ctx.Err()
	} else if err != nil {
		return nil, err
	}
	return r.result(), nil
}

// checkEvery is how long files of the copy are believed to be as they were left, in seconds.
const checkEvery = 24 * 3600

func (r *round) run() error {
	if err := r.look(); err != nil {
		return err
	}
	grown, err := r.compare()
	if err != nil {
		return err
	}
	r.whole = r.m.checked == 0 || r.x.AsOf-r.m.checked >= checkEvery
	if r.same() && !r.whole {
		return nil
	}
	for _, step := range []func() error{r.readRest, r.room, r.fetch, r.judgeHistory, func() error { return r.judge(grown) }, r.adopt} {
		if err := step(); err != nil {
			return err
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (r *round) result() *Result {
	out := &Result{State: Adopted, Size: r.x.Size, Publication: r.x.Publication, Keys: r.x.Keys, AsOf: r.x.AsOf,
		Files: r.files.Load(), Bytes: r.bytes.Load(), Healed: int(r.healed.Load())}
	switch {
	case r.same():
		out.State = Same
	case r.ours != nil && r.ours.x.Size == r.x.Size:
		out.State = Renewed
	}
	return out
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// absent reports whether a file is not there, rather than not to be had.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
