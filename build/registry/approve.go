package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"stele/proofs"
)

// approvalsBelow is where officers' lines are kept, each in a file of its own, below a folder for the tree that it approves. They are
// written by whoever takes them in, also where there are no keys and somebody else publishes; the publisher finds them.
const approvalsBelow = "approvals/"

func approvalsOf(c proofs.Checkpoint) string {
	return fmt.Sprintf("%s%d-%s/", approvalsBelow, c.Size, c.Root)
}

// An Approval is what officers' lines have come to.
type Approval struct {
	proofs.Checkpoint
	Officers  proofs.QuorumReport // of the policy that is waited for
	Published bool                // the tree is published
	New       bool                // one of the lines at least was not there: what is proposed is public, with every line, and can be sent again by anybody
}

// An ApprovalError says why an approval is not taken.
type ApprovalError struct {
	Overtaken bool   // the tree is not proposed, or not any more
	Size      uint64 // of what is proposed, or else of what is published
	Err       error
}

func (e *ApprovalError) Error() string { return e.Err.Error() }
func (e *ApprovalError) Unwrap() error { return e.Err }

func notApproved(format string, args ...any) error {
	return &ApprovalError{Err: fmt.Errorf(format, args...)}
}

// Approve takes officers' cosignatures of what is proposed, or of what is published, whose approvals grow old. They are durable when
// it returns. The signature is the authority: nothing else is asked. Those that are there already change nothing.
func (r *Registry) Approve(ctx context.Context, checkpoint []byte) (*Approval, error) {
	c, note, err := proofs.ParseCheckpoint(checkpoint)
	if err != nil {
		return nil, &ApprovalError{Err: err}
	}
	now, err := r.current()
	if err != nil {
		return nil, err
	}
	if c.Origin != now.Trust.Origin {
		return nil, &ApprovalError{Err: &proofs.OtherRegistryError{Got: c.Origin, Want: now.Trust.Origin}}
	}
	a, trusts, err := now.approvable(c)
	if err != nil {
		return nil, err
	}
	lines, err := officersLines(trusts, c, note, r.Now().Unix())
	if err != nil {
		return nil, err
	}
	for _, s := range lines {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		kept, err := now.keepApproval(c, s)
		if err != nil {
			return nil, err
		}
		a.New = a.New || kept
	}
	return now.approved(a, trusts)
}

// approvable finds the tree that a checkpoint names among those that can be approved, and the trust files whose officers may.
func (r *Registry) approvable(c proofs.Checkpoint) (*Approval, []*proofs.Trust, error) {
	signed, _, under, err := r.signedUnder()
	if err != nil {
		return nil, nil, err
	}
	d, err := r.readDraft()
	if err != nil {
		return nil, nil, err
	}
	if d != nil && signed != nil && d.Size <= signed.Size {
		d = nil
	}
	trusts, err := r.approving()
	if err != nil {
		return nil, nil, err
	}
	open := []*proofs.Checkpoint{d.checkpoint(), signed}
	switch {
	case d != nil && d.Checkpoint == c:
		return &Approval{Checkpoint: c}, trusts, nil
	case signed != nil && *signed == c:
		return &Approval{Checkpoint: c, Published: true}, []*proofs.Trust{under}, nil
	}
	e := &ApprovalError{Err: fmt.Errorf("checkpoint of size %d: nothing of the kind is proposed", c.Size), Overtaken: true}
	for _, o := range slices.Backward(open) {
		if o == nil {
			continue
		}
		if e.Size = o.Size; o.Size == c.Size {
			return nil, nil, notApproved("checkpoint of size %d with root %s: what is proposed has root %s", c.Size, c.Root, o.Root)
		}
	}
	if d != nil {
		e.Err = fmt.Errorf("checkpoint of size %d: what is proposed has %d entries: fetch the proposal anew", c.Size, d.Size)
	}
	return nil, nil, e
}

// approving are the trust files whose officers are asked about a proposal: during a change, those of both.
func (r *Registry) approving() ([]*proofs.Trust, error) {
	next, err := r.nextTrust()
	if next == nil || err != nil {
		return []*proofs.Trust{r.Trust}, err
	}
	return []*proofs.Trust{r.Trust, next}, nil
}

// officersLines verifies all lines but the log's, each of which has to be an officer's.
func officersLines(trusts []*proofs.Trust, c proofs.Checkpoint, note *proofs.Note, now int64) ([]proofs.Signature, error) {
	var lines []proofs.Signature
	for _, s := range note.Signatures {
		if s.Name == c.Origin {
			continue
		}
		t, k := officerOf(trusts, &s)
		if k == nil {
			return nil, notApproved("a line of %q, who is no officer here", s.Name)
		}
		time, err := s.CheckCheckpoint(k, c)
		switch {
		case err != nil:
			return nil, &ApprovalError{Err: err}
		case time > now+maxAhead:
			return nil, notApproved("the approval of %s is timed %d seconds ahead of the clock here", s.Name, time-now)
		case time < now-t.ApprovalAge:
			return nil, notApproved("the approval of %s is %d seconds old, and counts for %d", s.Name, now-time, t.ApprovalAge)
		}
		lines = append(lines, s)
	}
	if len(lines) == 0 {
		return nil, notApproved("no officer's line on the checkpoint")
	}
	return lines, nil
}

// officerOf finds the officer that a line claims to be by.
func officerOf(trusts []*proofs.Trust, s *proofs.Signature) (*proofs.Trust, *proofs.Key) {
	for _, t := range trusts {
		for _, w := range t.Policy.Leaves(t.Officers) {
			if k := t.Policy.Witnesses[w].Key; s.By(k) {
				return t, k
			}
		}
	}
	return nil, nil
}

// keepApproval makes a line durable, unless it or a newer one of the same key is there, and reports whether it did.
func (r *Registry) keepApproval(c proofs.Checkpoint, s proofs.Signature) (kept bool, err error) {
	name := fmt.Sprintf("%s%x", approvalsOf(c), sha256.Sum256(fmt.Appendf(nil, "%s\n%08x", s.Name, s.ID)))
	b, err := r.at.State.Read(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if old, err := parseDraft(b); err == nil && len(old.lines) == 1 && timeOf(old.lines[0]) >= timeOf(s) {
		return false, nil
	}
	return true, r.replace(r.at.State, name, (&draft{c, []proofs.Signature{s}}).marshal())
}

// readApprovals reads what is kept for a tree. What is damaged is left out: it is asked for again.
func (r *Registry) readApprovals(c proofs.Checkpoint) ([]proofs.Signature, error) {
	var lines []proofs.Signature
	err := r.at.State.List(approvalsOf(c), func(name string, _ int64) error {
		b, err := r.at.State.Read(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the publisher has just forgotten it
		}
		if d, errDraft := parseDraft(b); errDraft == nil && d.Checkpoint == c {
			lines = append(lines, d.lines...)
		}
		return err
	})
	return lines, err
}

// approved tells how far the officers are: by the first policy that they do not meet yet, of those under which the log has proposed
// the tree.
func (r *Registry) approved(a *Approval, trusts []*proofs.Trust) (*Approval, error) {
	lines, err := r.readApprovals(a.Checkpoint)
	if err != nil {
		return nil, err
	}
	signed, err := r.readDraft()
	if err != nil {
		return nil, err
	}
	d := &draft{Checkpoint: a.Checkpoint, lines: lines}
	for _, t := range trusts {
		if signed != nil && signed.Checkpoint == a.Checkpoint && !signed.logged(t) {
			continue
		}
		if a.Officers, err = d.officers(t, r.Now().Unix()); err != nil || !a.Officers.Met {
			break
		}
	}
	return a, err
}

// officers is how far a trust file's officers are.
func (d *draft) officers(t *proofs.Trust, now int64) (proofs.QuorumReport, error) {
	if len(d.vouched(t, now)) == 0 {
		nobody, _ := t.Demanded()
		return nobody, nil
	}
	note, _, err := d.note(t, now)
	if err != nil {
		return proofs.QuorumReport{}, err
	}
	s, _, err := t.Examine(note, now)
	if err != nil {
		return proofs.QuorumReport{}, err
	}
	return s.Officers, nil
}

// takeApprovals takes those that were brought by hand.
func (p *publisher) takeApprovals() error {
	for _, b := range p.Approvals {
		if _, err := p.Registry.Approve(p.ctx, b); err != nil {
			return fmt.Errorf("approval: %w", err)
		}
	}
	return nil
}

// addApprovals adds the officers' lines that are kept for the draft's tree.
func (p *publisher) addApprovals(d *draft) error {
	lines, err := p.readApprovals(d.Checkpoint)
	d.addAll(lines)
	return err
}

// forgetApprovals removes what was approved of trees that are neither published nor proposed.
func (p *publisher) forgetApprovals() error {
	if p.alone() && p.Trust.Epoch == 1 {
		return nil
	}
	var names []string
	err := p.at.State.List(approvalsBelow, func(name string, _ int64) error {
		for _, c := range []*proofs.Checkpoint{p.signed, p.draft.checkpoint()} {
			if c != nil && strings.HasPrefix(name, approvalsOf(*c)) {
				return nil
			}
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		return err
	}
	return p.remove(p.at.State, names...)
}
