package registry

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"strings"

	"stele/build/index"
	"stele/proofs"
)

// finish writes the publication, or, where others than the log sign, keeps what is published fresh unless it has just been
// published.
func (p *publisher) finish() error {
	switch {
	case p.alone():
		return p.release(p.ix.State())
	case p.signed == nil || p.done:
		return nil
	}
	return p.keepFresh()
}

// releasePublished writes the last publication that has met the policy again.
func (p *publisher) releasePublished() error { return p.release(*p.past) }

// release writes the publication of a tree, with its index: immutable files first, then history, then head, then checkpoint. A
// reader always finds what the head leads to.
func (p *publisher) release(state index.State) error {
	if err := p.log.Publish(p.public, *p.signed, p.putTile); err != nil {
		return err
	}
	if err := p.restampSuperseded(); err != nil {
		return err
	}
	if err := p.writeTrust(); err != nil {
		return err
	}
	if err := p.sync(); err != nil {
		return err
	}
	if err := p.writeHistory(); err != nil {
		return err
	}
	if err := p.replace(p.at.Public, proofs.StatisticsPath, state.Statistics.Marshal()); err != nil {
		return err
	}
	head, err := p.head(&state)
	if err != nil {
		return err
	}
	if err := p.replace(p.at.Public, proofs.HeadPath, head); err != nil {
		return err
	}
	if err := p.replace(p.at.Public, checkpointPath, p.note); err != nil {
		return err
	}
	p.public, p.heal = p.signed.Size, false
	p.tell(&state)
	return nil
}

// tell tells of the published tree.
func (p *publisher) tell(state *index.State) {
	p.out.Number, p.out.Checkpoint, p.out.Keys = state.Publication, *p.signed, state.Keys
	p.out.Time, p.out.Epoch = SignedAt(p.note, p.Trust.Origin), p.under.Epoch
}

func (p *publisher) putTile(t proofs.Tile, b []byte) error { return p.put("ledger/"+t.Path(), b) }

// clean forgets what is published or proposed, and collects what nothing refers to any more.
func (p *publisher) clean() error {
	if err := p.finishChange(); err != nil {
		return err
	}
	if err := p.withdrawProposal(); err != nil {
		return err
	}
	if err := cmp.Or(p.forgetBeat(), p.forgetApprovals()); err != nil {
		return err
	}
	if err := p.keepRefused(); err != nil {
		return err
	}
	if err := p.dequeue(p.queue); err != nil {
		return err
	}
	return p.collect()
}

// keepRefused puts refused statements aside: nothing that was accepted once vanishes without a trace.
func (p *publisher) keepRefused() error {
	if len(p.out.Refused) == 0 {
		return nil
	}
	var b strings.Builder
	for i, f := range p.out.Refused {
		fmt.Fprintf(&b, "%s\n%s\n", f.Why, f.Entry)
		if b.Len() < partBytes && i < len(p.out.Refused)-1 {
			continue
		}
		name := fmt.Sprintf("refused/%d-%x", p.ix.State().Size, sha256.Sum256([]byte(b.String())))
		if err := p.replace(p.at.State, name, []byte(b.String())); err != nil {
			return err
		}
		p.out.RefusedFile = p.at.State.Path(name)
		b.Reset()
	}
	return nil
}
