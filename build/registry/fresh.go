package registry

import (
	"errors"
	"io/fs"

	"stele/build/keys"
	"stele/build/witness"
	"stele/proofs"
)

// stateHeartbeat holds what was collected for the published tree anew, while it is not enough.
const stateHeartbeat = "heartbeat"

// keepFresh signs the published tree again: the heartbeat. Officers' lines are carried as long as they count. Once the log has
// said that it has seen a larger tree, it says no more that this is the largest: then only the larger one can become fresh.
func (p *publisher) keepFresh() error {
	p.tell(p.past)
	if p.draft.signedAt() > 0 {
		p.out.Stale = "the witnesses have been shown a larger tree, which takes its place as soon as enough have answered"
		return nil
	}
	d, err := p.beat()
	if err != nil {
		return err
	}
	if err := p.renew(d); err != nil {
		return err
	}
	s, missing, err := p.examine(d, p.under)
	if err != nil {
		return err
	}
	if !s.Officers.Met {
		p.out.Stale = missing
		return nil
	}
	if err := p.signTimed(d, p.under); p.change != nil && errors.Is(err, keys.ErrNoKey) {
		p.out.Stale = err.Error() // the change is about that
		return nil
	} else if err != nil {
		return err
	}
	p.collectLines(d, p.under)
	return p.settleBeat(d)
}

// beat is what there is for the published tree: the lines that are published, what was collected since, and new approvals.
func (p *publisher) beat() (*draft, error) {
	d, err := parseDraft(p.note)
	if err != nil {
		return nil, err
	}
	b, err := p.at.State.Read(stateHeartbeat)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if more, err := parseDraft(b); err == nil && more.Checkpoint == d.Checkpoint { // damaged, it is collected again
		d.addAll(more.lines)
	}
	return d, p.addApprovals(d)
}

// settleBeat publishes what is fresher than what is published, and keeps what is not enough.
func (p *publisher) settleBeat(d *draft) error {
	note, left, err := d.note(p.under, p.now)
	if err != nil {
		return err
	}
	s, missing, err := p.under.Examine(note, p.now)
	if err != nil {
		return err
	}
	if missing == "" && !p.fresh(d, p.under) {
		missing = "witnesses: those that answered are not enough to make it fresher"
	}
	if missing != "" {
		p.out.Stale = missing
		return p.replace(p.at.State, stateHeartbeat, d.marshal())
	}
	p.out.LeftOut, p.out.Heartbeat = left, true
	if err := p.settle(s.Checkpoint, note, p.under); err != nil {
		return err
	}
	return p.release(*p.past)
}

// fresh reports whether what was collected makes a tree newer than it is published, or as new as witnesses make it, who give out the same cosignature for a
// while; a tree that is not published always is.
func (p *publisher) fresh(d *draft, t *proofs.Trust) bool {
	if p.signed == nil || d.Size != p.signed.Size {
		return true
	}
	was, _, err := p.under.Examine(p.note, proofs.AnyTime)
	if err != nil {
		return true
	}
	is, _, err := p.examine(d, t)
	return err == nil && (is.AsOf > was.AsOf || is.AsOf > p.now-witness.SameFor)
}

// renew proposes the published tree once more, while nothing else is proposed, in the last quarter of the time for which enough
// officers' lines still count.
func (p *publisher) renew(d *draft) error {
	t := p.under
	if t.Officers == "none" || p.draft != nil {
		return nil
	}
	c := &chooser{t: t, lines: d.vouched(t, p.now)}
	quarter := t.ApprovalAge / 4
	if c.since(t.Officers) > p.now-3*quarter {
		return nil
	}
	young := &draft{Checkpoint: d.Checkpoint}
	for _, l := range d.lines {
		if l.Name == d.Origin || timeOf(l) > p.now-3*quarter {
			young.lines = append(young.lines, l)
		}
	}
	s, _, err := p.examine(young, t)
	if err != nil {
		return err
	}
	p.wait(t, s)
	p.out.Proposal.Renewal, p.out.Proposal.Added, p.out.Proposal.Since = true, 0, p.past.Time
	return p.offer(young, t)
}

// forgetBeat removes what was collected for a heartbeat, once one is out.
func (p *publisher) forgetBeat() error {
	if !p.done && !p.out.Heartbeat || p.alone() {
		return nil
	}
	if _, err := p.at.State.Read(stateHeartbeat); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return p.remove(p.at.State, stateHeartbeat)
}
