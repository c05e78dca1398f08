package registry

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"stele/build/index"
	"stele/proofs"
)

// reload reads what was signed last, what is published and what is proposed, and compares the ledger's folder with it before
// anything is opened.
func (p *publisher) reload() error {
	err := p.reloadChange()
	if err != nil {
		return err
	}
	if p.signed, p.note, p.under, err = p.signedUnder(); err != nil {
		return err
	}
	if err := p.reloadDraft(); err != nil {
		return err
	}
	if p.signed != nil {
		if err := p.comparePublic(); err != nil {
			return err
		}
	}
	if err := p.compareLedger(); err != nil {
		return err
	}
	if err := p.compareProposal(); err != nil {
		return err
	}
	return p.reloadIndex()
}

// compareLedger holds the ledger against all that was signed: the published tree, and the one proposed after it.
func (p *publisher) compareLedger() error {
	if p.latest() == nil {
		return nil
	}
	err := p.log.Own()
	for _, c := range []*proofs.Checkpoint{p.signed, p.draft.checkpoint()} {
		if c != nil {
			err = cmp.Or(err, p.log.Compare(*c))
		}
	}
	if err != nil {
		return hint("restore the newest backup of the ledger; do not publish from an older one, it would fork the ledger", "%w", err)
	}
	return p.checkClock()
}

// latest is the largest checkpoint ever signed, nil before the first.
func (p *publisher) latest() *proofs.Checkpoint {
	if c := p.draft.checkpoint(); c != nil && (p.signed == nil || c.Size > p.signed.Size) {
		return c
	}
	return p.signed
}

// comparePublic compares the published checkpoint with the last signed one. It may be older, after a crash or because
// the public folder was restored or deleted, and is then written again.
func (p *publisher) comparePublic() error {
	path := p.at.Public.Path(checkpointPath)
	b, err := p.at.Public.Read(checkpointPath)
	p.heal = !bytes.Equal(b, p.note)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		return nil // damaged: write everything again
	}
	if c.Size > p.signed.Size || c.Size == p.signed.Size && c.Root != p.signed.Root {
		return hint("restore state/ and ledger/ from the newest backup; if "+path+" is not this registry's, remove it",
			"%s has %d entries and root %s, but %s says that %d entries with root %s were signed last",
			path, c.Size, c.Root, p.at.State.Path(stateSigned), p.signed.Size, p.signed.Root)
	}
	p.public, p.before, p.edges = c.Size, c.Size, c.Size
	there, err := p.ledgerThere(c.Size)
	if !there {
		p.heal, p.public, p.edges = true, 0, 0
	}
	return err
}

// ledgerThere reports whether all tiles of a published size, and all that the history lists, are there. Bits that have changed
// are for an audit to find.
func (p *publisher) ledgerThere(size uint64) (bool, error) {
	there := map[string]bool{}
	err := p.at.Public.List("ledger/", func(name string, size int64) error { there[name] = size > 0; return nil })
	if err != nil {
		return false, err
	}
	for _, t := range proofs.TilesOf(0, size) {
		if !there["ledger/"+t.Path()] {
			return false, nil
		}
	}
	b, err := p.at.Public.Read(proofs.HistoryPath)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	lines, errList := proofs.ParseHistory(b)
	if err != nil || errList != nil {
		return true, nil // writeHistory refuses
	}
	return !slices.ContainsFunc(lines, func(l proofs.HistoryLine) bool { return !there[l.Path()] }), nil
}

// checkClock keeps the times of the log's signatures from going back.
func (p *publisher) checkClock() error {
	last := max(SignedAt(p.note, p.Trust.Origin), p.draft.signedAt())
	if last-p.now > clockSlack {
		return clockError(p.now, last)
	}
	p.now, p.last = max(p.now, last), last
	return nil
}

// SignedAt is the time of the log's own signature on a checkpoint, 0 if it has none: the clocks of witnesses may be ahead.
func SignedAt(checkpoint []byte, origin string) int64 {
	_, note, err := proofs.ParseCheckpoint(checkpoint)
	if err != nil {
		return 0
	}
	note.Signatures = slices.DeleteFunc(note.Signatures, func(s proofs.Signature) bool { return s.Name != origin })
	return note.NewestTime()
}

func clockError(now, last int64) error {
	return hint("set the clock of this machine, then publish again",
		"the clock says %d, the last publication was at %d: the clock has gone back", now, last)
}

// reloadIndex reads state/index. Where what it leads to is not all there, because the public folder was restored or
// deleted, it begins from nothing.
func (p *publisher) reloadIndex() error {
	state, err := p.loadState()
	behind := p.signed == nil || p.public < p.signed.Size || p.draft != nil && p.offered != p.draft.Size && p.Trust.Officers != "none"
	gone := errors.Is(err, fs.ErrNotExist)
	if err == nil && state.Size > 0 && behind {
		there, err := p.allThere(state)
		if err != nil {
			return err
		}
		gone = !there
	}
	if behind && gone {
		state, err = index.Empty(), nil
	}
	if err != nil {
		return err
	}
	if state, err = p.reloadPast(state, behind); err != nil {
		return err
	}
	if p.strays, err = p.unfinished(); err != nil {
		return err
	}
	p.strays = p.strays || state.Size == 0 && p.signed != nil
	if p.ix, err = index.Open(p.Trust, p.store(), state); err != nil {
		return err
	}
	p.ix.Concurrency = p.at.AtOnce
	return p.checkState(state)
}

// reloadPast reads the index of the published tree, where state/index is further. Without it, the index is made again from the
// beginning, and kept on the way.
func (p *publisher) reloadPast(state *index.State, behind bool) (*index.State, error) {
	if p.alone() || p.signed == nil || state.Size <= p.signed.Size {
		return state, nil
	}
	past, err := p.loadStateFrom(statePublished)
	if isOutage(err) {
		return nil, err
	}
	there := err == nil && past.Size == p.signed.Size
	if there && behind {
		if there, err = p.allThere(past); err != nil {
			return nil, err
		}
	}
	if !there {
		return index.Empty(), nil
	}
	p.past, p.pastKept = past, true
	return state, nil
}

// allThere reports whether every index file that a state leads to is there.
func (p *publisher) allThere(s *index.State) (bool, error) {
	there := map[string]bool{}
	err := p.at.Public.List("index/", func(name string, size int64) error { there[name] = size > 0; return nil })
	if err != nil {
		return false, err
	}
	all := true
	err = index.Files(p.store(), s, func(h proofs.Hash) { all = all && there[proofs.IndexPath(h)] })
	if isOutage(err) { // to begin from nothing would take hours
		return false, err
	}
	return all && err == nil, nil
}

// checkState compares state/index with the last index statement in the ledger.
func (p *publisher) checkState(s *index.State) error {
	if s.Size == 0 {
		return nil
	}
	var x *proofs.Index
	err := p.log.Entries(s.Size-1, s.Size, func(_ uint64, e [][]byte) error { x = p.indexStatement(s.Size-1, e[0]); return nil })
	if err != nil {
		return hint("restore the newest backup of the ledger", "the ledger does not hold the %d entries that %s speaks of: %w",
			s.Size, p.at.State.Path(stateIndex), err)
	}
	if x == nil {
		return p.badState(fmt.Errorf("the ledger's entry at place %d is not an index statement", s.Size-1))
	}
	if err := p.matches(x); err != nil {
		return p.badState(err)
	}
	return nil
}

// indexStatement parses an entry that is an index statement, else returns nil.
func (p *publisher) indexStatement(place uint64, entry []byte) *proofs.Index {
	if !bytes.Contains(entry, []byte("\nindex\nissuer "+p.Trust.Publication.Name+"\n")) {
		return nil
	}
	e, err := p.Trust.Authorise(nil, place, entry)
	if err != nil || e.Statement == nil {
		return nil
	}
	return e.Statement.Index
}

// matches compares an index statement with the index just after it.
func (p *publisher) matches(x *proofs.Index) error {
	s, have := p.ix.State(), p.ix.Index()
	if x.Map != have.Map || x.Keys != have.Keys || x.IssuersRoot != have.IssuersRoot || x.Publication != s.Publication || x.Time != s.Time {
		return fmt.Errorf("index statement of publication %d: map %s of %d keys, but the index is at publication %d with map %s of %d keys",
			x.Publication, x.Map, x.Keys, s.Publication, have.Map, have.Keys)
	}
	return nil
}
