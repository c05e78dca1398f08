package registry

import (
	"errors"
	"slices"

	"stele/build/keys"
	"stele/build/witness"
	"stele/proofs"
)

// complete brings the proposal on as far as it gets. All officers come first, of both policies during a change of trust: until the
// log says with its ML-DSA-44 key that it has seen the larger tree, it can go on saying so of the published one, however long
// people take. Witnesses take seconds.
func (p *publisher) complete() error {
	for _, t := range p.policies() {
		if err := p.askOfficers(t); err != nil || p.out.Proposal != nil {
			return err
		}
	}
	for _, t := range p.policies() {
		if err := p.askWitnesses(t); err != nil || p.out.Proposal != nil {
			return err
		}
	}
	return p.publishDraft()
}

// policies are the trust files that the proposal has to satisfy, in order.
func (p *publisher) policies() []*proofs.Trust {
	if p.change == nil || p.NoHandover {
		return []*proofs.Trust{p.Trust}
	}
	return []*proofs.Trust{p.change.old, p.Trust}
}

// askOfficers proposes the tree to the officers of a trust file, unless they have approved it.
func (p *publisher) askOfficers(t *proofs.Trust) error {
	if err := p.signPlain(p.draft, t); t != p.Trust && errors.Is(err, keys.ErrNoKey) {
		return hint("bring them here; where they cannot be had any more: stele publish --no-handover, and give everybody the new trust file by another way",
			"the change of trust has to be signed by the log of epoch %d too: %w", t.Epoch, err)
	} else if err != nil {
		return err
	}
	if err := p.keepDraft(); err != nil { // before anybody sees it
		return err
	}
	s, _, err := p.examine(p.draft, t)
	if err != nil || s.Officers.Met {
		return err
	}
	p.wait(t, s)
	return p.offer(p.draft, t)
}

// askWitnesses has the log say that it has seen the tree, and asks the witnesses of a trust file for the same.
func (p *publisher) askWitnesses(t *proofs.Trust) error {
	if err := p.signTimed(p.draft, t); err != nil {
		return err
	}
	if err := p.keepDraft(); err != nil { // before anybody is told
		return err
	}
	p.collectLines(p.draft, t)
	if err := p.keepDraft(); err != nil {
		return err
	}
	s, missing, err := p.examine(p.draft, t)
	if err == nil && missing != "" {
		p.wait(t, s)
	}
	return err
}

// collectLines asks the witnesses of a trust file that have an address.
func (p *publisher) collectLines(d *draft, t *proofs.Trust) {
	peers := witness.Peers(t.Policy, t.Witnesses)
	if len(peers) == 0 {
		return
	}
	note := (&proofs.Note{Text: d.Text(), Signatures: d.own()}).Marshal()
	growth := func(old uint64) ([]proofs.Hash, error) { return p.log.Nodes(d.Size).Consistency(old, d.Size) }
	enough := func(lines []proofs.Signature) bool {
		with := &draft{d.Checkpoint, slices.Clone(d.lines)}
		with.addAll(lines)
		_, missing, err := p.examine(with, t)
		return err == nil && missing == "" && p.fresh(with, t)
	}
	lines, faults := p.Witness.Collect(p.ctx, note, peers, growth, enough)
	p.out.Faults = append(p.out.Faults, faults...)
	for _, peer := range peers {
		if !slices.ContainsFunc(faults, func(f witness.Fault) bool { return f.Peer.URL == peer.URL }) && !slices.Contains(p.out.Witnessed, peer.Name) {
			p.out.Witnessed = append(p.out.Witnessed, peer.Name)
		}
	}
	d.addAll(lines)
}

// own are the log's lines.
func (d *draft) own() []proofs.Signature {
	return slices.DeleteFunc(slices.Clone(d.lines), func(s proofs.Signature) bool { return s.Name != d.Origin })
}

// examine judges what has been collected by a trust file.
func (p *publisher) examine(d *draft, t *proofs.Trust) (s *proofs.Signed, missing string, err error) {
	note, left, err := d.note(t, p.now)
	if err != nil {
		return nil, "", hint("change the policy: stele trust change", "%w", err)
	}
	p.out.LeftOut = left
	return t.Examine(note, p.now)
}

// publishDraft publishes a proposal that has met every policy.
func (p *publisher) publishDraft() error {
	note, left, err := p.draft.note(p.Trust, p.now)
	if err != nil {
		return err
	}
	p.out.LeftOut = left
	if err := p.keepHandover(); err != nil {
		return err
	}
	if err := p.settle(p.draft.Checkpoint, note, p.Trust); err != nil {
		return err
	}
	p.count()
	state := p.ix.State()
	p.past, p.draft, p.done = &state, nil, true
	return p.release(state)
}

// count counts what becomes public: everything since the published tree but for index statements.
func (p *publisher) count() { p.out.Added = p.added() }

// added is how many statements the ledger holds that are not published.
func (p *publisher) added() int {
	state := p.ix.State()
	n := int(state.Size - state.Publication)
	if p.past != nil {
		n -= int(p.past.Size - p.past.Publication)
	}
	return n
}
