package registry

import (
	"cmp"
	"fmt"

	"stele/build/storage"
	"stele/proofs"
)

// open opens the ledger for appending.
func (p *publisher) open() error {
	var err error
	if p.app, err = p.log.Open(p.ctx); err != nil {
		return err
	}
	want := p.ix.State().Size
	if c := p.latest(); c != nil {
		want = max(want, c.Size)
	}
	if p.app.Size() < want {
		return hint("restore the newest backup of the ledger", "%s: the ledger has %d entries, but there were %d: it has been rolled back",
			p.path("ledger"), p.app.Size(), want)
	}
	return nil
}

// catchUp finishes what an earlier run has left: entries in the ledger without an index statement after them, a
// publication that was not signed, or one that was not written. Then all that is in the ledger is in the index too.
func (p *publisher) catchUp() error {
	if err := p.catchUpPast(); err != nil {
		return err
	}
	whole, err := p.takeTail(p.app.Size())
	if err != nil {
		return err
	}
	if n := p.ix.State().Publication; p.signed == nil && p.draft == nil && n > 1 {
		return p.noMemory("%s is missing, but the ledger holds %d publications: refusing to sign", p.at.State.Path(stateSigned), n)
	}
	if p.alone() {
		return p.catchUpAlone(whole)
	}
	if p.signed != nil && p.heal {
		if err := p.releasePublished(); err != nil {
			return err
		}
	}
	if !whole {
		return p.appendIndex()
	}
	return nil
}

// catchUpPast brings an index that is behind the published tree up to it, and keeps in mind what it is there: while a proposal
// waits, the ledger and its index are further than what is published.
func (p *publisher) catchUpPast() error {
	if p.alone() || p.signed == nil || p.past != nil {
		return nil
	}
	if whole, err := p.takeTail(p.signed.Size); err != nil || !whole {
		return cmp.Or(err, fmt.Errorf("the published tree of %d entries does not end with an index statement", p.signed.Size))
	}
	past := p.ix.State()
	p.past = &past
	return nil
}

// catchUpAlone publishes what was broken off, where nobody else has to sign.
func (p *publisher) catchUpAlone(whole bool) error {
	size := p.app.Size()
	if whole && size > 0 && (p.signed == nil || p.signed.Size < size) {
		if err := p.signAlone(); err != nil {
			return err
		}
	}
	if p.signed != nil && p.public < p.signed.Size {
		if err := p.release(p.ix.State()); err != nil {
			return err
		}
	}
	if whole {
		return nil
	}
	if err := p.appendIndex(); err != nil {
		return err
	}
	if err := p.signAlone(); err != nil {
		return err
	}
	return p.release(p.ix.State())
}

// takeTail reads the entries up to a size that the state does not know, and reports whether they end a publication.
func (p *publisher) takeTail(size uint64) (whole bool, err error) {
	known := p.ix.State().Size
	if known == size {
		return true, nil
	}
	if err := p.begin(); err != nil {
		return false, err
	}
	var last *proofs.Index // the last index statement that holds
	err = p.log.Entries(known, size, func(first uint64, entries [][]byte) error {
		from := 0
		for i, e := range entries {
			x := p.indexStatement(first+uint64(i), e)
			if x == nil || x.Covers != first+uint64(i) { // one that another publisher, fenced off, has got in too late holds nothing
				continue
			}
			p.ix.Add(entries[from:i]...)
			bridge := p.ix.State().SHA3.Root()
			p.ix.Add(e)
			from = i + 1
			if p.ix.State().Publication != x.Publication || x.TreeSHA3 != bridge {
				return fmt.Errorf("index statement of publication %d at place %d: does not hold", x.Publication, x.Covers)
			}
			last = x
		}
		p.ix.Add(entries[from:]...)
		whole = from == len(entries)
		return nil
	})
	if err != nil {
		return false, err
	}
	if last != nil {
		err = p.settleIndex(last)
	}
	if err == nil && whole {
		err = p.keepIndex()
	}
	return whole, err
}

// settleIndex makes the index of the last publication in the ledger.
func (p *publisher) settleIndex(last *proofs.Index) error {
	if err := p.ix.Settle(); err != nil {
		return p.badState(err)
	}
	p.superseded = append(p.superseded, p.ix.Superseded...)
	if err := p.matches(last); err != nil {
		return hint("stele audit --registry "+p.Dir, "the index made from the ledger is not the one committed to: %w", err)
	}
	return nil
}

// takeQueue sequences what is pending, and appends the index statement as the last entry. Nothing to
// do leaves the tree as it is, and so does a proposal that waits.
func (p *publisher) takeQueue() error {
	if p.change != nil {
		return p.takeChange()
	}
	if p.held || p.unpublished() && !p.mayOvertake() {
		return nil
	}
	if err := p.readQueue(); err != nil {
		return err
	}
	if p.alone() && p.public > p.before { // what an earlier run has begun; its last entry is the index statement
		p.out.Added = int(p.public - p.before - 1)
	}
	added := 0
	err := p.sequence(func(entries []*proofs.Entry, inPlace bool) error {
		added += len(entries)
		return p.append(entries, inPlace)
	})
	if err != nil {
		return err
	}
	p.out.Added += added
	if added == 0 && p.latest() != nil {
		p.out.Heartbeat = p.alone() && p.public == p.before
		return nil
	}
	return p.appendIndex()
}

func (p *publisher) readQueue() error {
	var err error
	p.queue, err = p.pending(storage.Unknown)
	return err
}

// append puts entries into the ledger and the index, in order. inPlace says that they were authorised at the very places that
// they get.
func (p *publisher) append(entries []*proofs.Entry, inPlace bool) error {
	if len(entries) == 0 {
		return nil
	}
	raw := make([][]byte, len(entries))
	for i, e := range entries {
		raw[i] = e.Bytes
	}
	return p.step(p.path("ledger"), func() error {
		if err := p.app.Append(p.ctx, raw); err != nil {
			return err
		}
		if inPlace {
			return p.ix.AddAuthorised(entries)
		}
		p.ix.Add(raw...)
		return nil
	})
}

// appendIndex updates the map and commits to it. The statement must get place N, after exactly the N
// entries that it covers.
func (p *publisher) appendIndex() error {
	time, err := p.nextTime()
	if err != nil {
		return err
	}
	if err := p.begin(); err != nil {
		return err
	}
	x, err := p.ix.Prepare(time)
	if err != nil {
		return p.badState(err)
	}
	p.superseded = append(p.superseded, p.ix.Superseded...)
	if x.Tree, err = p.log.Root(x.Covers); err != nil {
		return err
	}
	signer, err := p.Keys.SignerFor(p.Trust.Ruling(x.Covers).Publication)
	if err != nil {
		return err
	}
	s := &proofs.Statement{Registry: p.Trust.Origin, Action: proofs.ActionIndex, Issuer: p.Trust.Publication.Name, Index: x}
	note, err := proofs.SignNote(s.Text(), signer)
	if err != nil {
		return err
	}
	e, err := p.Trust.Authorise(nil, x.Covers, note.Marshal())
	if err != nil {
		return fmt.Errorf("the index statement just made is not authorised: %w", err)
	}
	if err := p.append([]*proofs.Entry{e}, true); err != nil {
		return err
	}
	if size := p.ix.State().Size; size != x.Covers+1 || p.app.Size() != size {
		return fmt.Errorf("index statement: at place %d, want %d: not publishing", p.app.Size()-1, x.Covers)
	}
	return p.keepIndex()
}

// nextTime is the time of the next index statement: later than the last one's.
func (p *publisher) nextTime() (int64, error) {
	last := p.ix.State().Time
	if p.now > last {
		return p.now, nil
	}
	if last-p.now > clockSlack {
		return 0, clockError(p.now, last)
	}
	return last + 1, nil
}

// keepIndex makes the index files durable, then the state that leads to them, and remembers what they replace.
func (p *publisher) keepIndex() error {
	if err := p.sync(); err != nil {
		return err
	}
	if err := p.noteSuperseded(); err != nil {
		return err
	}
	if err := p.keepPast(); err != nil {
		return err
	}
	return p.saveState()
}

// keepPast keeps the index of the published tree, before state/index goes on beyond it.
func (p *publisher) keepPast() error {
	if p.past == nil || p.pastKept || p.ix.State().Size == p.past.Size {
		return nil
	}
	p.pastKept = true
	return p.saveStateAs(statePublished, *p.past)
}
