package follow

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"stele/build/portal"
	"stele/proofs"
)

// Proposal reads what waits for officers, and verifies it as far as the log's signature and the proofs go. It is nil if nothing waits.
func (f *Follower) Proposal(ctx context.Context) (*View, error) {
	raw, err := f.read(ctx, proofs.ProposalPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	head, err := proofs.ParseHead(raw)
	if err != nil {
		return nil, &Damage{proofs.ProposalPath, err}
	}
	v := &View{Raw: raw, Head: head, proposal: true}
	if v.Next, err = f.proposedTrust(ctx, head); err != nil {
		return nil, err
	}
	if v.Index, err = f.verifyProposal(ctx, v); err != nil {
		return nil, fmt.Errorf("%s: %w", proofs.ProposalPath, err)
	}
	return v, nil
}

// verifyProposal: a tree that changes the trust file is proposed twice. First the log of this epoch has signed it, for the handover, then that of
// the next. Which log that is, a file says that the portal alone has given so far: it is believed once the root has said that it is the next one, or
// else whoever serves the portal could have a ledger of their own taken for a fork of this one.
func (f *Follower) verifyProposal(ctx context.Context, v *View) (*proofs.VerifiedIndex, error) {
	now := f.Now().Unix()
	if v.Next == nil {
		x, _, err := v.Head.VerifyProposal(f.Trust, now)
		return x, err
	}
	x, _, err := v.Head.VerifyChange(f.Trust, v.Next, now)
	if err == nil {
		return x, nil
	}
	second, _, errSecond := v.Head.VerifyProposal(v.Next, now)
	if errSecond != nil {
		return nil, err
	}
	if said, errSaid := f.rootSaid(ctx, v.Next); errSaid != nil || !said {
		return nil, cmp.Or(errSaid, err)
	}
	return second, nil
}

// rootSaid reads whether the root's statement about a next trust file stands at the end of this epoch.
func (f *Follower) rootSaid(ctx context.Context, next *proofs.Trust) (bool, error) {
	place := next.FinalSize
	entries, err := f.window(ctx, place, place+2) // with the index statement it ends the proposed tree
	if err != nil {
		return false, err
	}
	e, err := next.Authorise(nil, place, entries[place%proofs.TileWidth]) // by the root of this epoch, which its eras have: CheckSuccessor
	if err != nil || e.Statement == nil {
		return false, nil
	}
	s := e.Statement
	return s.Action == proofs.ActionTrust && s.Issuer == next.RootName() && s.Epoch == next.Epoch && s.Digest == next.ID(), nil
}

// proposedTrust reads the next trust file, where a proposal changes to one: its tree is that at which this epoch ends, the root's
// statement, and the index statement.
func (f *Follower) proposedTrust(ctx context.Context, head *proofs.Head) (*proofs.Trust, error) {
	c, _, err := proofs.ParseCheckpoint(head.Proof.Checkpoint)
	if err != nil {
		return nil, &Damage{proofs.ProposalPath, err}
	}
	b, err := f.read(ctx, proofs.ProposedTrustPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	next, err := proofs.ParseTrust(b)
	if err != nil {
		return nil, &BadTrust{fmt.Sprintf("%s: %v", proofs.ProposedTrustPath, err)}
	}
	if next.Epoch <= f.Trust.Epoch || c.Size != next.FinalSize+2 {
		return nil, nil // left from before, or put there for a later proposal
	}
	if err := f.Trust.CheckSuccessor(next); err != nil {
		return nil, &BadTrust{err.Error()}
	}
	return next, nil
}

// checkNext compares the root's statement about a next trust file with the one that is proposed.
func (w *walk) checkNext() error {
	next := w.c.View.Next
	i := slices.IndexFunc(w.c.Sensitive, func(e *proofs.Entry) bool {
		return e.Statement != nil && e.Statement.Action == proofs.ActionTrust && e.Statement.Epoch == w.f.Trust.Epoch+1
	})
	switch {
	case i < 0 && next == nil:
		return nil
	case i < 0:
		return &BadTrust{"the root has not said that there is to be a next trust file"}
	case next == nil && !w.c.View.proposal:
		return nil // published: whether it can be followed is FollowTrust's to find out
	case next == nil:
		return &BadTrust{"the root's statement at place " + fmt.Sprint(w.c.Sensitive[i].Place) + " names a next trust file, and " + proofs.ProposedTrustPath + " does not hold it"}
	}
	return w.compareNext(next, w.c.Sensitive[i])
}

func (w *walk) compareNext(next *proofs.Trust, e *proofs.Entry) error {
	digest := proofs.Hash(sha256.Sum256(next.Marshal()))
	published := next.FinalSize == w.c.Old.Size || slices.ContainsFunc(w.c.Publications, func(g proofs.Growth) bool { return g.Size == next.FinalSize })
	switch {
	case e.Statement.Digest != digest:
		return &BadTrust{fmt.Sprintf("the root's statement names the trust file %s, proposed is %s", e.Statement.Digest, digest)}
	case e.Place != next.FinalSize || e.Statement.Epoch != next.Epoch:
		return &BadTrust{fmt.Sprintf("the root's statement for epoch %d lies at place %d, the trust file of epoch %d wants it at %d", e.Statement.Epoch, e.Place, next.Epoch, next.FinalSize)}
	case w.final != next.FinalRoot:
		return &BadTrust{fmt.Sprintf("the ledger has root %s at size %d, the trust file says %s", w.final, next.FinalSize, next.FinalRoot)}
	case !published:
		return &BadTrust{fmt.Sprintf("the epoch is to end at size %d, which is that of no publication", next.FinalSize)}
	}
	return nil
}

// FollowTrust takes up the trust files after the one in hand, as far as each is proved by its handover. A Keep makes that durable.
func (f *Follower) FollowTrust(ctx context.Context) error {
	for {
		next, err := f.nextTrust(ctx)
		if err != nil || next == nil {
			return err
		}
		f.takeTrust(next)
	}
}

// NewerTrust reports whether trust files were published since they were followed last, and takes them up. It is for who could not verify something that was
// read since: it may be signed under one of these. Only if it still does not hold then, anything is wrong with it.
func (f *Follower) NewerTrust(ctx context.Context) bool {
	before := f.Trust
	f.FollowTrust(ctx) // an error of it says nothing about what was read: that is told for itself
	return f.Trust != before
}

func (f *Follower) takeTrust(next *proofs.Trust) {
	f.earlier = slices.Insert(f.earlier, 0, f.Trust)
	f.Trust = next
}

func (f *Follower) nextTrust(ctx context.Context) (*proofs.Trust, error) {
	path := proofs.TrustPath(f.Trust.Epoch + 1)
	next, err := f.read(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	handover, err := f.read(ctx, proofs.HandoverPath(f.Trust.Epoch+1))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, &portal.NoHandoverError{Epoch: f.Trust.Epoch + 1})
	}
	if err != nil {
		return nil, err
	}
	t, err := f.Trust.Follow(next, handover, f.Now().Unix())
	if err != nil {
		return nil, &BadTrust{fmt.Sprintf("%s: %v", path, err)}
	}
	return t, nil
}
