package registry

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"stele/build/index"
	"stele/build/storage"
	"stele/proofs"
)

// sequence decides which pending statements go into the ledger, in order. The verifier's rules would
// make the others void; a registrar wants to hear of it now. Statements that are in the ledger already, since
// a crash kept the queue from being emptied, are left out silently.
func (p *publisher) sequence() ([]*proofs.Entry, error) {
	entries := storage.EntriesOf(p.queue)
	if len(entries) == 0 {
		return nil, nil
	}
	v := &vetter{p: p, first: p.ix.State().Size, as: p.ix.Authorities().Clone(),
		records: map[proofs.Hash][]*proofs.Entry{}, crowded: map[proofs.Hash]bool{}}
	if err := v.loadRecords(entries); err != nil {
		return nil, p.badState(err)
	}
	entries = slices.DeleteFunc(entries, func(e []byte) bool {
		note, env, err := proofs.ParseEntry(e)
		return err == nil && v.holds(env.Selector, note.Text)
	})
	var out []*proofs.Entry
	index.Authorise(p.Trust, p.ix.Authorities().Clone(), v.first, entries, func(i int, e *proofs.Entry, err error) bool {
		if err == nil {
			err = v.vet(e)
		}
		if err != nil {
			p.out.Refused = append(p.out.Refused, Refusal{entries[i], err})
			return false
		}
		out = append(out, e)
		return true
	})
	return out, nil
}

// A vetter tries statements against the record that they would join.
type vetter struct {
	p       *publisher
	first   uint64 // place of the next entry
	taken   uint64
	as      proofs.Authorities
	mu      sync.Mutex
	records map[proofs.Hash][]*proofs.Entry // what the keys hold, with what was taken so far
	crowded map[proofs.Hash]bool            // keys whose slot would have more than proofs.SequenceSlot bytes
}

// loadRecords reads the records of all keys that the entries name, slot by slot.
func (v *vetter) loadRecords(entries [][]byte) error {
	var keys []proofs.Hash
	added := map[proofs.Hash]int{} // bytes of entries, by key
	for _, e := range entries {
		_, env, err := proofs.ParseEntry(e)
		if err != nil || env.Selector == "" {
			continue
		}
		key := proofs.KeyOf(env.Selector)
		if _, ok := env.Authority(); ok {
			if rec, ok := v.p.ix.FindIssuer(key); ok {
				if err := v.loadRecord(rec); err != nil {
					return err
				}
			}
			continue
		}
		keys = append(keys, key)
		added[key] += len(e)
		if s, err := env.Statement(); err == nil && s.Successor != nil {
			keys = append(keys, s.Successor.Key())
		}
	}
	slices.SortFunc(keys, func(a, b proofs.Hash) int { return bytes.Compare(a[:], b[:]) })
	keys = slices.Compact(keys)
	n := runtime.GOMAXPROCS(0)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = v.loadSorted(keys, i*len(keys)/n, (i+1)*len(keys)/n, added) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// loadSorted reads the slots whose first key lies in keys[from:to], each whole: how crowded one becomes shows only
// when all that joins it is counted together.
func (v *vetter) loadSorted(keys []proofs.Hash, from, to int, added map[proofs.Hash]int) error {
	finder := v.p.ix.Finder()
	var before *proofs.Slot // the slot that another has begun
	if from > 0 && from < to {
		var err error
		if before, err = finder.Slot(keys[from-1]); err != nil {
			return err
		}
	}
	var slot *proofs.Slot
	inSlot := map[proofs.Hash]int{}
	for i := from; i < len(keys) && from < to; i++ {
		next, err := finder.Slot(keys[i])
		if err != nil {
			return err
		}
		if i >= to && (slot == nil || next != slot) {
			break
		}
		if next == before {
			continue
		}
		if next != slot {
			v.noteCrowded(slot, inSlot)
			slot, inSlot = next, map[proofs.Hash]int{}
		}
		if n := added[keys[i]]; n > 0 {
			inSlot[keys[i]] = n
		}
		if rec, ok := slot.Find(keys[i]); ok {
			if err := v.loadRecord(rec); err != nil {
				return err
			}
		}
	}
	v.noteCrowded(slot, inSlot)
	return nil
}

func (v *vetter) loadRecord(rec proofs.Record) error {
	entries, err := index.Entries(rec)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.records[rec.Key] = entries
	return err
}

func (v *vetter) noteCrowded(slot *proofs.Slot, added map[proofs.Hash]int) {
	if slot == nil {
		return
	}
	keys := index.Crowded(slot, added, proofs.SequenceSlot)
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, key := range keys {
		v.crowded[key] = true
	}
}

// holds reports whether a record holds a statement: its identity is its text.
func (v *vetter) holds(selector, text string) bool {
	return slices.ContainsFunc(v.records[proofs.KeyOf(selector)], func(e *proofs.Entry) bool { return e.Note.Text == text })
}

// vet refuses what would have no effect, or would not fit.
func (v *vetter) vet(e *proofs.Entry) error {
	if e.Statement == nil {
		return e.Why
	}
	e.Place = v.first + v.taken
	key := proofs.KeyOf(e.Envelope.Selector)
	if v.holds(e.Envelope.Selector, e.Note.Text) {
		return errors.New("the same statement is in the queue twice")
	}
	if err := fits(e, v.records[key], v.crowded[key]); err != nil {
		return err
	}
	switch e.Statement.Action {
	case proofs.ActionAccredit, proofs.ActionWithdraw:
		if !v.as.Apply(e) {
			return fmt.Errorf("%s of %s: does not follow the latest statement about it", e.Statement.Action, e.Statement.Authority)
		}
	case proofs.ActionRegister:
		if err := v.vetRegister(e, v.records[key]); err != nil {
			return err
		}
	case proofs.ActionRevoke, proofs.ActionSuspend, proofs.ActionRestore, proofs.ActionSupersede, proofs.ActionLink:
		if err := v.vetEvent(e, key); err != nil {
			return err
		}
	default:
		return fmt.Errorf("action %q is not one that this version sequences", e.Statement.Action)
	}
	v.records[key] = append(v.records[key], e)
	v.taken++
	return nil
}

// errRegistered says that the same issuer has registered the same document before.
var errRegistered = errors.New("already registered")

func (v *vetter) vetRegister(e *proofs.Entry, record []*proofs.Entry) error {
	for _, o := range record {
		if o.Statement != nil && o.Statement.Action == proofs.ActionRegister && o.Statement.Issuer == e.Statement.Issuer {
			return errRegistered
		}
	}
	standing := v.as[e.Statement.Issuer].Standing(e.Place)
	if standing == nil || !standing.MayIssue(e.Statement.Kind) {
		return fmt.Errorf("%s is not accredited for kind %q", e.Statement.Issuer, e.Statement.Kind)
	}
	return nil
}

// vetEvent follows the document's life with the event at its end.
func (v *vetter) vetEvent(e *proofs.Entry, key proofs.Hash) error {
	record := append([]*proofs.Entry(nil), v.records[key]...)
	if s := e.Statement.Successor; s != nil {
		for _, o := range v.records[s.Key()] {
			if o.Statement != nil && o.Statement.Action == proofs.ActionRegister {
				record = append(record, o)
			}
		}
	}
	for _, life := range proofs.Lives(v.p.Trust, v.as, key, append(record, e)) {
		if n := len(life.Events); n > 0 && life.Events[n-1].Entry == e {
			if life.Events[n-1].Effect {
				return nil
			}
			return fmt.Errorf("%s: has no effect on a document that is %s, or does not follow its latest statement", e.Statement.Action, life.State)
		}
	}
	return fmt.Errorf("%s: no registration that its `after` leads to", e.Statement.Action)
}

// fits: FORMAT.md, section 16. Bad news always fits.
func fits(e *proofs.Entry, record []*proofs.Entry, crowded bool) error {
	limit := proofs.SequenceRecord
	switch e.Statement.Action {
	case proofs.ActionRevoke, proofs.ActionWithdraw:
		return nil
	case proofs.ActionSuspend, proofs.ActionRestore:
		limit, crowded = proofs.SequenceRecordState, false
	}
	if crowded {
		return fmt.Errorf("%s: too many documents with like keys: the slot would have over %d bytes", e.Statement.Action, proofs.SequenceSlot)
	}
	size := len(e.Bytes)
	for _, o := range record {
		size += len(o.Bytes)
	}
	if size > limit {
		return fmt.Errorf("%s: the document's record would have %d bytes, want at most %d", e.Statement.Action, size, limit)
	}
	return nil
}
