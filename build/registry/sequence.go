package registry

import (
	"bytes"
	"errors"
	"slices"
	"sync"

	"stele/build/index"
	"stele/build/storage"
	"stele/proofs"
)

// sequenceEvery is how many statements are taken apart at once: a million that wait for one publication need not be in memory
// as more than their bytes.
const sequenceEvery = 1 << 15

// sequence decides which pending statements go into the ledger, in order. The verifier's rules would
// make the others void; a registrar wants to hear of it now. Statements that are in the ledger already, since
// a crash kept the queue from being emptied, or that two machines have queued at once, are left out silently.
func (p *publisher) sequence(take func(entries []*proofs.Entry, inPlace bool) error) error {
	entries := storage.EntriesOf(p.queue)
	if len(entries) == 0 {
		return nil
	}
	v, err := p.vetter(entries)
	if err != nil {
		return p.badState(err)
	}
	for chunk := range slices.Chunk(entries, sequenceEvery) {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		taken, inPlace := p.vetAll(v, chunk)
		if err := take(taken, inPlace); err != nil {
			return err
		}
	}
	return nil
}

// A recordSource is where a vetter finds what the keys hold: the publisher's index, or for the intake the last one saved.
type recordSource interface {
	Finder() *index.Finder
	FindIssuer(key proofs.Hash) (proofs.Record, bool)
}

// A vetter tries statements against the record that they would join.
type vetter struct {
	trust   *proofs.Trust
	ix      recordSource
	atOnce  int    // reads
	next    uint64 // place of the next entry
	as      proofs.Authorities
	mu      sync.Mutex
	records map[proofs.Hash][]proofs.RecordEntry // what the keys hold, with what was taken so far
	crowded map[proofs.Hash]bool                 // keys whose slot would have more than proofs.SequenceSlot bytes
}

func (p *publisher) vetter(entries [][]byte) (*vetter, error) {
	v := p.newVetter(p.ix, p.ix.State().Size, p.ix.Authorities().Clone())
	return v, v.loadRecords(entries)
}

func (r *Registry) newVetter(ix recordSource, next uint64, as proofs.Authorities) *vetter {
	return &vetter{trust: r.Trust, ix: ix, atOnce: r.at.AtOnce, next: next, as: as,
		records: map[proofs.Hash][]proofs.RecordEntry{}, crowded: map[proofs.Hash]bool{}}
}

// vetAll returns what can be taken, and whether that is everything: then each has been authorised at the place that it gets.
func (p *publisher) vetAll(v *vetter, entries [][]byte) (taken []*proofs.Entry, inPlace bool) {
	index.Authorise(p.Trust, p.ix.Authorities().Clone(), v.next, entries, func(i int, e *proofs.Entry, err error) bool {
		if v.isThere(e, entries[i]) || v.inForce(entries[i]) {
			return false
		}
		if err == nil {
			err = v.vet(e)
		}
		if err != nil {
			p.out.Refused = append(p.out.Refused, Refusal{entries[i], err})
			return false
		}
		taken = append(taken, e)
		return true
	})
	return taken, len(taken) == len(entries)
}

// record is what a key holds, with what was taken so far.
func (v *vetter) record(key proofs.Hash) []*proofs.Entry {
	var out []*proofs.Entry
	for _, re := range v.records[key] {
		if e, err := index.ParseEntry(re); err == nil { // it was parsed before it was taken
			out = append(out, e)
		}
	}
	return out
}

// isThere reports whether a statement is in the ledger or has been taken: its identity is its text.
func (v *vetter) isThere(e *proofs.Entry, raw []byte) bool {
	if e == nil { // not authorised, or no more
		note, env, err := proofs.ParseEntry(raw)
		if err != nil {
			return false
		}
		e = &proofs.Entry{Note: note, Envelope: env}
	}
	return slices.ContainsFunc(v.record(proofs.KeyOf(e.Envelope.Selector)), func(o *proofs.Entry) bool { return o.Note.Text == e.Note.Text })
}

// inForce tells the root's statement about a trust file that has come into force since: a crash has left it in the queue.
func (v *vetter) inForce(raw []byte) bool {
	_, env, err := proofs.ParseEntry(raw)
	if err != nil || env.Action != proofs.ActionTrust || env.Issuer != v.trust.RootName() {
		return false
	}
	s, err := env.Statement()
	return err == nil && s.Epoch <= v.trust.Epoch
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
			if rec, ok := v.ix.FindIssuer(key); ok {
				if err := v.loadRecord(rec); err != nil {
					return err
				}
			}
			continue
		}
		keys = append(keys, key)
		added[key] += len(e)
		if env.Action != proofs.ActionSupersede {
			continue
		}
		if s, err := env.Statement(); err == nil && s.Successor != nil {
			keys = append(keys, s.Successor.Key())
		}
	}
	slices.SortFunc(keys, func(a, b proofs.Hash) int { return bytes.Compare(a[:], b[:]) })
	keys = slices.Compact(keys)
	n := v.atOnce
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
	finder := v.ix.Finder()
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

// loadRecord keeps a copy: the record is a part of its slot, which need not stay in memory.
func (v *vetter) loadRecord(rec proofs.Record) error {
	rec.Body = bytes.Clone(rec.Body)
	entries, err := rec.Entries()
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

// vet refuses what would have no effect, or would not fit.
func (v *vetter) vet(e *proofs.Entry) error {
	if e.Statement == nil {
		return &RefusedError{CodeNotUnderstood, e.Why}
	}
	e.Place = v.next
	key := proofs.KeyOf(e.Envelope.Selector)
	record := v.record(key)
	if slices.ContainsFunc(record, func(o *proofs.Entry) bool { return o.Note.Text == e.Note.Text }) {
		return refuse(CodeRepeated, "the same statement is in the queue twice")
	}
	if err := fits(e, record, v.crowded[key]); err != nil {
		return err
	}
	switch e.Statement.Action {
	case proofs.ActionAccredit, proofs.ActionWithdraw:
		if !v.as.Apply(e) {
			return refuse(CodeNoEffect, "%s of %s: does not follow the latest statement about it", e.Statement.Action, e.Statement.Authority)
		}
	case proofs.ActionRegister:
		if err := v.vetRegister(e, record); err != nil {
			return err
		}
	case proofs.ActionRevoke, proofs.ActionSuspend, proofs.ActionRestore, proofs.ActionSupersede, proofs.ActionLink:
		if err := v.vetEvent(e, key, record); err != nil {
			return err
		}
	case proofs.ActionTrust:
		return refuse(CodeNotAuthorised, "a trust file is changed where the registry is, with the file itself: stele trust change")
	default:
		return refuse(CodeNotUnderstood, "action %q is not one that this version sequences", e.Statement.Action)
	}
	v.records[key] = append(v.records[key], proofs.RecordEntry{Place: e.Place, Bytes: e.Bytes})
	v.next++
	return nil
}

// errRegistered says that the same issuer has registered the same document before.
var errRegistered = refuse(CodeRegistered, "already registered")

func (v *vetter) vetRegister(e *proofs.Entry, record []*proofs.Entry) error {
	for _, o := range record {
		if o.Statement != nil && o.Statement.Action == proofs.ActionRegister && o.Statement.Issuer == e.Statement.Issuer {
			return errRegistered
		}
	}
	standing := v.as[e.Statement.Issuer].Standing(e.Place)
	if standing == nil || !standing.MayIssue(e.Statement.Kind) {
		return refuse(CodeKind, "%s is not accredited for kind %q", e.Statement.Issuer, e.Statement.Kind)
	}
	return nil
}

// vetEvent follows the document's life with the event at its end.
func (v *vetter) vetEvent(e *proofs.Entry, key proofs.Hash, record []*proofs.Entry) error {
	if s := e.Statement.Successor; s != nil {
		for _, o := range v.record(s.Key()) {
			if o.Statement != nil && o.Statement.Action == proofs.ActionRegister {
				record = append(record, o)
			}
		}
	}
	for _, life := range proofs.Lives(v.trust, v.as, key, append(record, e)) {
		if n := len(life.Events); n > 0 && life.Events[n-1].Entry == e {
			if life.Events[n-1].Effect {
				return nil
			}
			return refuse(CodeNoEffect, "%s: %s", e.Statement.Action, whyNoEffect(v.trust, life, e))
		}
	}
	return refuse(CodeNoRegistration, "%s: no registration that its `after` leads to", e.Statement.Action)
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
		return refuse(CodeDoesNotFit, "%s: too many documents with like keys: the slot would have over %d bytes", e.Statement.Action, proofs.SequenceSlot)
	}
	size := len(e.Bytes)
	for _, o := range record {
		size += len(o.Bytes)
	}
	if size > limit {
		return refuse(CodeDoesNotFit, "%s: the document's record would have %d bytes, want at most %d", e.Statement.Action, size, limit)
	}
	return nil
}
