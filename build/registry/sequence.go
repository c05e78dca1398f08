package registry

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"stele/build/index"
	"stele/proofs"
)

// sequence decides which pending statements go into the ledger, in order. The verifier's rules would
// make the others void; a registrar wants to hear of it now. Statements that an earlier run has
// appended already are left out silently.
func (p *publisher) sequence() ([][]byte, error) {
	entries, err := p.fresh()
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	v := &vetter{p: p, first: p.ix.State().Size, as: p.ix.Authorities().Clone(), records: map[proofs.Hash][]*proofs.Entry{}}
	if err := v.loadRecords(entries); err != nil {
		return nil, err
	}
	var out [][]byte
	index.Authorise(p.Trust, p.ix.Authorities().Clone(), v.first, entries, func(i int, e *proofs.Entry, err error) {
		if err == nil {
			err = v.vet(e)
		}
		if err != nil {
			p.out.Refused = append(p.out.Refused, Refusal{entries[i], err})
			return
		}
		out = append(out, entries[i])
	})
	return out, nil
}

// fresh lists the pending entries that are not in the ledger's unpublished tail, each once.
func (p *publisher) fresh() ([][]byte, error) {
	seen := map[proofs.Hash]bool{}
	from := uint64(0)
	if p.signed != nil {
		from = p.lastCovered()
	}
	err := p.log.Entries(from, p.ix.State().Size, func(_ uint64, entries [][]byte) error {
		for _, e := range entries {
			seen[proofs.LeafHash(e)] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, f := range p.queue {
		for _, e := range f.entries {
			if h := proofs.LeafHash(e); !seen[h] {
				seen[h] = true
				out = append(out, e)
			}
		}
	}
	return out, nil
}

// lastCovered is where to begin looking for entries of a queue that a crash kept from being emptied: the
// queue may be older than the last publication, but not than the one before it.
func (p *publisher) lastCovered() uint64 {
	sizes, err := p.sizes()
	if err != nil || len(sizes) < 2 {
		return 0
	}
	return sizes[len(sizes)-2]
}

// A vetter tries statements against the record that they would join.
type vetter struct {
	p       *publisher
	first   uint64 // place of the next entry
	taken   uint64
	as      proofs.Authorities
	mu      sync.Mutex
	records map[proofs.Hash][]*proofs.Entry // what the keys hold, with what was taken so far
}

// loadRecords reads the records of all keys that the entries name.
func (v *vetter) loadRecords(entries [][]byte) error {
	keys := map[proofs.Hash]bool{}
	for _, e := range entries {
		if _, env, err := proofs.ParseEntry(e); err == nil && env.Selector != "" {
			keys[proofs.KeyOf(env.Selector)] = true
			if s, err := env.Statement(); err == nil && s.Successor != nil {
				keys[s.Successor.Key()] = true
			}
		}
	}
	next := make(chan proofs.Hash)
	var wg sync.WaitGroup
	errs := make([]error, runtime.GOMAXPROCS(0))
	for i := range errs {
		wg.Go(func() {
			for key := range next {
				if err := v.loadRecord(key); err != nil {
					errs[i] = err
				}
			}
		})
	}
	for key := range keys {
		next <- key
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}

func (v *vetter) loadRecord(key proofs.Hash) error {
	rec, ok, err := v.p.ix.Find(key)
	if err != nil || !ok {
		return err
	}
	entries, err := index.Entries(rec)
	v.mu.Lock()
	v.records[key] = entries
	v.mu.Unlock()
	return err
}

// vet refuses what would have no effect, or would not fit.
func (v *vetter) vet(e *proofs.Entry) error {
	if e.Statement == nil {
		return e.Why
	}
	e.Place = v.first + v.taken
	key := proofs.KeyOf(e.Envelope.Selector)
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
	if err := fits(e, v.records[key]); err != nil {
		return err
	}
	v.records[key] = append(v.records[key], e)
	v.taken++
	return nil
}

// AlreadyRegistered says that the same issuer has registered the same document before.
var AlreadyRegistered = errors.New("already registered")

func (v *vetter) vetRegister(e *proofs.Entry, record []*proofs.Entry) error {
	for _, o := range record {
		if o.Statement != nil && o.Statement.Action == proofs.ActionRegister && o.Statement.Issuer == e.Statement.Issuer {
			return AlreadyRegistered
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
func fits(e *proofs.Entry, record []*proofs.Entry) error {
	limit := proofs.SequenceRecord
	switch e.Statement.Action {
	case proofs.ActionRevoke, proofs.ActionWithdraw:
		return nil
	case proofs.ActionSuspend, proofs.ActionRestore:
		limit = proofs.SequenceRecordState
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
