package registry

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"stele/build/keys"
	"stele/proofs"
)

// overtakeAfter is the age, in seconds, from which a proposal gives way to what is pending: a day.
const overtakeAfter = 24 * 3600

// A Proposal is a tree that waits to be published.
type Proposal struct {
	proofs.Checkpoint
	Since     int64               // when it was made, seconds
	Added     int                 // statements that it holds and that are not published
	Renewal   bool                // the published tree, whose approvals grow old
	Epoch     uint64              // of the trust file whose officers or witnesses are waited for
	Change    bool                // the proposal changes the trust file
	Officers  proofs.QuorumReport // who has approved
	Witnesses proofs.QuorumReport // and who has witnessed
}

// ForWitnesses reports whether all officers have approved.
func (p *Proposal) ForWitnesses() bool { return p.Officers.Met && !p.Renewal }

// unpublished reports whether the ledger is further than what is published.
func (p *publisher) unpublished() bool {
	return p.app.Size() > 0 && !p.alone() && (p.signed == nil || p.app.Size() > p.signed.Size)
}

// mayOvertake reports whether what is pending may take a waiting proposal's place. One that all officers have approved waits for
// witnesses alone, who have been shown it: what comes after it would have to wait for the same.
func (p *publisher) mayOvertake() bool {
	return p.draft.signedAt() == 0 && (p.Anew || p.draft != nil && p.now-p.ix.State().Time >= overtakeAfter)
}

// propose begins to collect for the ledger as it stands, or goes on. What was collected for another tree is of no more use.
func (p *publisher) propose() error {
	c, err := p.tree()
	if err != nil {
		return err
	}
	if p.draft != nil && p.draft.Checkpoint == c {
		return p.addApprovals(p.draft)
	}
	before := p.draft
	p.draft = &draft{Checkpoint: c}
	if before.signedAt() > 0 { // what the log has said of a tree that a change of trust goes on from, it does not take back
		if err := p.signTimed(p.draft, p.under); err != nil && !errors.Is(err, keys.ErrNoKey) {
			return err
		}
	}
	return p.addApprovals(p.draft)
}

// wait says what the publication waits for.
func (p *publisher) wait(t *proofs.Trust, s *proofs.Signed) {
	p.out.Proposal = &Proposal{Checkpoint: s.Checkpoint, Since: p.ix.State().Time, Added: p.added(), Epoch: t.Epoch,
		Change: p.change != nil, Officers: s.Officers, Witnesses: s.Witnesses}
}

// offer publishes a proposal for the officers of a trust file to fetch: all that it leads to, then the file. No head leads there.
func (p *publisher) offer(d *draft, t *proofs.Trust) error {
	if t.Officers == "none" {
		return nil
	}
	if p.offered != d.Size {
		if err := p.log.Publish(p.public, d.Checkpoint, p.putTile); err != nil {
			return err
		}
		if err := p.sync(); err != nil {
			return err
		}
		p.offered = d.Size
	}
	if err := p.offerTrust(); err != nil {
		return err
	}
	note, _, err := (&draft{d.Checkpoint, d.approvals()}).note(t, p.now)
	if err != nil {
		return err
	}
	state := p.ix.State()
	if p.past != nil && p.past.Size == d.Size {
		state = *p.past
	}
	head, err := p.headOf(d.Size, note, &state)
	if err != nil {
		return err
	}
	if err := p.checkProposal(head, t); err != nil {
		return fmt.Errorf("the proposal just made does not verify: %w", err)
	}
	return p.replaceChanged(proofs.ProposalPath, head.Marshal())
}

// checkProposal verifies a proposal as officers will. One that changes the trust file is signed by the log of the old one, and the
// index statement by the publication key of the new one: of that, only the log's line is looked at here.
func (p *publisher) checkProposal(h *proofs.Head, t *proofs.Trust) error {
	if p.change != nil {
		if !signedByLog(t, h.Proof.Checkpoint) {
			return errors.New("no signature of the log")
		}
		return nil
	}
	_, _, err := h.VerifyProposal(t, p.now)
	return err
}

// signedByLog reports whether a checkpoint bears a line of a log key.
func signedByLog(t *proofs.Trust, checkpoint []byte) bool {
	c, note, err := proofs.ParseCheckpoint(checkpoint)
	if err != nil {
		return false
	}
	return (&draft{c, note.Signatures}).logged(t)
}

// logged reports whether the draft bears a line of a trust file's log keys.
func (d *draft) logged(t *proofs.Trust) bool {
	return slices.ContainsFunc(d.lines, func(s proofs.Signature) bool {
		return slices.ContainsFunc(t.Policy.Logs, func(l proofs.PolicyKey) bool {
			_, err := s.CheckCheckpoint(l.Key, d.Checkpoint)
			return err == nil
		})
	})
}

// approvals are the lines that a proposal bears: the log's that carry no time, and others' than the log's.
func (d *draft) approvals() []proofs.Signature {
	var lines []proofs.Signature
	for _, s := range d.lines {
		if s.Name != d.Origin || timeOf(s) == 0 {
			lines = append(lines, s)
		}
	}
	return lines
}

// replaceChanged replaces a published file if it is another.
func (p *publisher) replaceChanged(name string, b []byte) error {
	if old, err := p.at.Public.Read(name); err == nil && bytes.Equal(old, b) {
		return nil
	}
	return p.replace(p.at.Public, name, b)
}

// compareProposal holds the ledger against the proposal that is published: whoever restores state and ledger from before it
// would propose a second tree of that size to officers who have approved the first.
func (p *publisher) compareProposal() error {
	c, err := p.publishedProposal()
	if c == nil || err != nil {
		return err
	}
	if d := p.draft.checkpoint(); d != nil && *d == *c {
		p.offered = c.Size
		return nil
	}
	if err := p.log.Compare(*c); err != nil {
		path := p.at.Public.Path(proofs.ProposalPath)
		return hint("restore state/ and ledger/ from the newest backup; if "+path+" is not this registry's, remove it",
			"%s is signed by this log, but the ledger here does not hold it: %w", path, err)
	}
	return nil
}

// publishedProposal is the proposal in the public folder, nil if there is none that this log has signed.
func (p *publisher) publishedProposal() (*proofs.Checkpoint, error) {
	if p.alone() {
		return nil, nil
	}
	b, err := p.at.Public.Read(proofs.ProposalPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h, err := proofs.ParseHead(b)
	if err != nil {
		return nil, nil // damaged: it is made again
	}
	for _, t := range []*proofs.Trust{p.under, p.Trust} {
		if signedByLog(t, h.Proof.Checkpoint) {
			c, _, err := proofs.ParseCheckpoint(h.Proof.Checkpoint)
			return &c, err
		}
	}
	return nil, nil
}

// withdrawProposal removes what was proposed, once nothing waits any more.
func (p *publisher) withdrawProposal() error {
	if p.out.Proposal != nil || p.alone() && p.Trust.Epoch == 1 {
		return nil
	}
	for _, name := range []string{proofs.ProposalPath, proofs.ProposedTrustPath} {
		if there, err := p.Published(name); err != nil {
			return err
		} else if !there {
			continue
		}
		if err := p.remove(p.at.Public, name); err != nil {
			return err
		}
	}
	_, err := p.at.State.Read(stateProposed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return cmp.Or(err, p.remove(p.at.State, stateProposed))
}
