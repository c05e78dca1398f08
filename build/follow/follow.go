// Package follow follows a registry from outside: it is what officers, monitors and mirrors share. A follower believes nobody:
// it keeps, in a folder of its own, what the last publication came to that it has gone through, and lets that grow.
//
//	ledger/head or ledger/proposal ── Head, Proposal ──> View ── Advance ──> Change ── Keep ──> the follower's folder
//
// The first time it audits all that is published (package audit). From then on it reads what has changed only: the entries in between, which with the
// right edge of the tree that it knows prove growth and content in one go (edge and leaf hashes come to the new root, or they do not), and
// those files of the index into which the entries belong. Of them it makes the index again, publication by publication, and compares it with
// every index statement in every field.
//
// What a follower finds is told by type: an *Outage says nothing about the registry; a *Fork, *Rollback, *WrongIndex or *Damage does.
//
// The folder holds
//
//	lock                of the one process that follows
//	trust/EPOCH         the trust files, from the one that was given to the newest that was followed
//	issuers/HEX         the issuer list of the state
//	state               all else, replaced as a whole
//	evidence/           of what was found wrong: KeepEvidence
package follow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"stele/build/audit"
	"stele/build/durable"
	"stele/build/index"
	"stele/build/portal"
	"stele/proofs"
)

// A Follower follows one registry. It is not safe for concurrent use.
type Follower struct {
	Trust  *proofs.Trust // of the newest epoch that is known
	Portal portal.Portal

	// Now is the clock.
	Now func() time.Time
	// Progress is told how much is done, by several goroutines.
	Progress func(what string, done, of uint64)
	// Seen, if set, is told each entry that counts as Advance goes through it, before it is known whether all is well.
	Seen func(e *proofs.Entry)
	// Store, if set, is where files of the index are read from that an Advance has not made, and where those that it has
	// made are put. Otherwise they are read from the portal, and kept for as long as the Advance takes.
	Store index.Store

	dir     string
	lock    *durable.Lock
	earlier []*proofs.Trust // of the epochs before, newest first
	last    *state
}

// Open opens a follower's folder, or begins one, and takes its lock: the error is durable.ErrLocked while another process has it. t is the trust file
// that the caller has been given; where the folder knows a later one that follows from it, that is taken.
func Open(dir string, t *proofs.Trust, p portal.Portal) (*Follower, error) {
	f := &Follower{Trust: t, Portal: p, Now: time.Now, Progress: func(string, uint64, uint64) {}, dir: dir}
	if err := f.takeLock(); err != nil {
		return nil, err
	}
	if err := f.load(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Close releases the lock.
func (f *Follower) Close() error { return f.lock.Close() }

// Dir is the follower's folder.
func (f *Follower) Dir() string { return f.dir }

// Begun reports whether there is a state to go on from.
func (f *Follower) Begun() bool { return f.last != nil }

// Last is the checkpoint of the last publication that was gone through and kept; of size 0 if nothing was published yet.
func (f *Follower) Last() proofs.Checkpoint {
	if f.last == nil {
		return proofs.Checkpoint{Origin: f.Trust.Origin, Root: proofs.EmptyRoot()}
	}
	return f.last.checkpoint()
}

// LastHead is the file of that publication's head or proposal, nil if there is none.
func (f *Follower) LastHead() []byte {
	if f.last == nil {
		return nil
	}
	return f.last.head
}

// Index is what the ledger of Last comes to. It is not to be changed.
func (f *Follower) Index() *index.State {
	if f.last == nil {
		return index.Empty()
	}
	return f.last.index
}

// Edge is the right edge of the tree of Last.
func (f *Follower) Edge() *proofs.Frontier { return f.edge() }

// Earlier are the trust files of the epochs before Trust that the follower has seen, newest first.
func (f *Follower) Earlier() []*proofs.Trust { return f.earlier }

// Begin audits all that is published and keeps what it comes to, if nothing is kept yet. A registry that has published nothing is
// begun from empty: whatever is then shown has to grow from there, and every entry of it is read. The result is nil but where there was an audit.
func (f *Follower) Begin(ctx context.Context) (*audit.Result, error) {
	if f.Begun() {
		return nil, nil
	}
	if _, err := f.Portal.Read(ctx, proofs.HeadPath); errors.Is(err, fs.ErrNotExist) {
		if _, err := f.Portal.Read(ctx, checkpointPath); errors.Is(err, fs.ErrNotExist) {
			f.last = f.empty()
			return nil, nil
		}
	} else if err != nil {
		return nil, &Outage{proofs.HeadPath, err}
	}
	a, err := f.audit(ctx)
	if err != nil {
		return nil, err
	}
	return a, f.keep(&state{head: a.Head, index: a.State, edge: a.Edge, epoch: f.Trust.Epoch})
}

// audit goes through all that is published, and takes up the trust files that were published meanwhile.
func (f *Follower) audit(ctx context.Context) (*audit.Result, error) {
	p := watched{f.Portal}
	a, err := audit.Portal(ctx, f.Trust, p, f.Now().Unix(), f.Progress)
	if err != nil {
		return nil, p.tell(ctx, fmt.Errorf("audit: %w", err))
	}
	for _, t := range a.Later {
		f.takeTrust(t)
	}
	return a, nil
}

// A View is a head or a proposal whose signatures and proofs hold. That its ledger has grown, and that its index follows from the ledger, is not
// known yet.
type View struct {
	Raw   []byte // the file
	Head  *proofs.Head
	Index *proofs.VerifiedIndex
	Next  *proofs.Trust // of a proposal: the trust file that it changes to; nil if it changes to none

	// Retired says that a head is of an epoch that is over: between the publication of a trust file and that of the head after it. It is
	// never fresh, since whoever has stolen the keys of that epoch can sign it anew.
	Retired bool

	proposal bool
}

// Head reads the published head, and verifies it with the trust file; or with the next, where the head is of an epoch that has begun since
// trust files were followed last.
func (f *Follower) Head(ctx context.Context) (*View, error) {
	raw, err := f.read(ctx, proofs.HeadPath)
	if err != nil {
		return nil, err
	}
	v, err := f.View(raw)
	if err != nil && f.NewerTrust(ctx) {
		v, err = f.View(raw)
	}
	return v, err
}

// View verifies a head's file.
func (f *Follower) View(raw []byte) (*View, error) {
	head, err := proofs.ParseHead(raw)
	if err != nil {
		return nil, &Damage{proofs.HeadPath, err}
	}
	now := f.Now().Unix()
	x, _, err := head.VerifyPast(f.Trust, f.earlier, now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", proofs.HeadPath, err)
	}
	return &View{Raw: raw, Head: head, Index: x, Retired: x.Signed.Epoch < f.Trust.Epoch}, nil
}

// Checkpoint is the view's size and root.
func (v *View) Checkpoint() proofs.Checkpoint { return v.Index.Checkpoint }

// Note is the view's checkpoint with its signatures.
func (v *View) Note() []byte { return v.Head.Proof.Checkpoint }

// read reads a file of the portal. Whatever keeps it from being read is an outage: also that it is missing.
func (f *Follower) read(ctx context.Context, path string) ([]byte, error) {
	b, err := f.Portal.Read(ctx, path)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Outage{path, err}
	}
	return b, nil
}

const checkpointPath = "ledger/checkpoint"
