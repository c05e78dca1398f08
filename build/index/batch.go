package index

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"stele/proofs"
)

// additions are entries on their way into the map, by key.
type additions struct {
	l       *Ledger
	all     []pending     // by key, then in ledger order
	keys    []proofs.Hash // of the map, ascending
	issuers []proofs.Hash // of the issuer list, ascending
}

// newAdditions sorts entries, where they are.
func newAdditions(l *Ledger, entries []pending) *additions {
	slices.SortFunc(entries, func(x, y pending) int {
		return cmp.Or(bytes.Compare(x.key[:], y.key[:]), cmp.Compare(x.place, y.place))
	})
	b := &additions{l: l, all: entries}
	for i, e := range entries {
		e.tally.n.Store(0)
		switch {
		case i > 0 && entries[i-1].key == e.key:
		case e.issuer:
			b.issuers = append(b.issuers, e.key)
		default:
			b.keys = append(b.keys, e.key)
		}
	}
	return b
}

// of are the entries of a key.
func (b *additions) of(key proofs.Hash) []pending {
	from, _ := slices.BinarySearchFunc(b.all, key, func(e pending, key proofs.Hash) int { return bytes.Compare(e.key[:], key[:]) })
	to := from
	for to < len(b.all) && b.all[to].key == key {
		to++
	}
	return b.all[from:to]
}

// count adds what has gone into records to the statistics.
func (b *additions) count() {
	for _, t := range b.l.tallies {
		if n := t.n.Swap(0); n > 0 {
			c := t.is
			c.Number = n
			b.l.state.Statistics.Count(c)
		}
	}
}

// merge adds the entries of its key to a record: FORMAT.md, section 8.1.
func (b *additions) merge(rec proofs.Record) (proofs.Record, error) {
	added := b.of(rec.Key)
	if rec.Body == nil && len(added) == 1 { // nearly all; a supersede alone leads to no registration
		added[0].tally.n.Add(1)
		rec.Body = proofs.MarshalBody([]proofs.RecordEntry{{Place: added[0].place, Published: added[0].published, Bytes: added[0].bytes}})
		return rec, nil
	}
	m := &merger{key: rec.Key, texts: map[string]bool{}, registration: b.registration}
	if rec.Body != nil {
		if err := m.load(rec); err != nil {
			return rec, err
		}
	}
	for _, p := range added {
		e, err := p.entry()
		if err != nil {
			return rec, err
		}
		took, err := m.add(e)
		if err != nil {
			return rec, err
		}
		if took {
			p.tally.n.Add(1)
		}
	}
	var err error
	rec.Body, err = m.body()
	return rec, err
}

// entry parses what was authorised.
func (p *pending) entry() (*proofs.Entry, error) {
	return ParseEntry(proofs.RecordEntry{Place: p.place, Published: p.published, Bytes: p.bytes})
}

func recordEntry(e *proofs.Entry) proofs.RecordEntry {
	return proofs.RecordEntry{Place: e.Place, Published: e.Published, Bytes: e.Bytes}
}

func supersedes(e *proofs.Entry) bool {
	return e.Statement != nil && e.Statement.Action == proofs.ActionSupersede
}

// A merger builds one record.
type merger struct {
	key     proofs.Hash
	entries []*proofs.Entry // ascending by place
	texts   map[string]bool // texts of the entries about the key

	// registration finds the first register of a key by a registrant before a place, nil if there is none.
	registration func(key proofs.Hash, registrant string, before uint64) (*proofs.Entry, error)
}

func (m *merger) load(rec proofs.Record) error {
	entries, err := Entries(rec)
	if err != nil {
		return err
	}
	m.entries = entries
	for _, e := range entries {
		if proofs.KeyOf(e.Envelope.Selector) == m.key {
			m.texts[e.Note.Text] = true
		}
	}
	return nil
}

// Entries takes a record of the map apart. Its entries were authorised before they went in, so that
// their signatures are not checked again.
func Entries(rec proofs.Record) ([]*proofs.Entry, error) {
	raw, err := rec.Entries()
	if err != nil {
		return nil, err
	}
	var entries []*proofs.Entry
	for _, re := range raw {
		e, err := ParseEntry(re)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// ParseEntry parses an entry that was authorised before, so that its signatures are not checked again.
func ParseEntry(re proofs.RecordEntry) (*proofs.Entry, error) {
	note, env, err := proofs.ParseEntry(re.Bytes)
	if err != nil {
		return nil, err
	}
	e := &proofs.Entry{Place: re.Place, Published: re.Published, Bytes: re.Bytes, Leaf: proofs.LeafHash(re.Bytes), Note: note, Envelope: env}
	e.Statement, e.Why = env.Statement()
	return e, nil
}

// add reports whether the record takes the entry, which is about its key: a repeat of a text it does not.
func (m *merger) add(e *proofs.Entry) (bool, error) {
	if m.texts[e.Note.Text] {
		return false, nil
	}
	m.texts[e.Note.Text] = true
	m.insert(e)
	if !supersedes(e) {
		return true, nil
	}
	registrant := proofs.Registrant(m.entries, e)
	if registrant == "" {
		return true, nil
	}
	successor, err := m.registration(e.Statement.Successor.Key(), registrant, e.Place)
	if err == nil && successor != nil {
		m.insert(successor)
	}
	return true, err
}

// body formats the record.
func (m *merger) body() ([]byte, error) {
	if len(m.entries) > 1<<16-1 {
		return nil, fmt.Errorf("record %s: %d entries, want at most 65535", m.key, len(m.entries))
	}
	var out []proofs.RecordEntry
	for _, e := range m.entries {
		out = append(out, recordEntry(e))
	}
	return proofs.MarshalBody(out), nil
}

// insert keeps the entries in ledger order, each place once.
func (m *merger) insert(e *proofs.Entry) {
	i, found := slices.BinarySearchFunc(m.entries, e.Place, func(e *proofs.Entry, place uint64) int {
		switch {
		case e.Place < place:
			return -1
		case e.Place > place:
			return 1
		}
		return 0
	})
	if !found {
		m.entries = slices.Insert(m.entries, i, e)
	}
}

// registration looks into the map, which holds earlier places, and then among the additions.
func (b *additions) registration(key proofs.Hash, registrant string, before uint64) (*proofs.Entry, error) {
	if b.l.state.Keys > 0 { // who builds from nothing has no files to look into
		e, err := b.l.Finder().registration(key, registrant, before)
		if e != nil || err != nil {
			return e, err
		}
	}
	for _, p := range b.of(key) {
		e, err := p.entry()
		if err != nil {
			return nil, err
		}
		if registers(e, key, registrant, before) {
			return e, nil
		}
	}
	return nil, nil
}

// registration finds, in the map, the first register of a key by a registrant before a place.
func (f *Finder) registration(key proofs.Hash, registrant string, before uint64) (*proofs.Entry, error) {
	rec, ok, err := f.Find(key)
	if !ok || err != nil {
		return nil, err
	}
	entries, err := Entries(rec)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if registers(e, key, registrant, before) {
			return e, nil
		}
	}
	return nil, nil
}

// Rebuild makes the record of a key that has these entries of its own, in ledger order, with the registrations of
// successors that belong there as the map has them.
func (f *Finder) Rebuild(key proofs.Hash, own []*proofs.Entry) ([]byte, error) {
	m := &merger{key: key, texts: map[string]bool{}, registration: f.registration}
	for _, e := range own {
		if _, err := m.add(e); err != nil {
			return nil, err
		}
	}
	return m.body()
}

func registers(e *proofs.Entry, key proofs.Hash, registrant string, before uint64) bool {
	return e.Statement != nil && e.Statement.Action == proofs.ActionRegister && e.Statement.Issuer == registrant &&
		e.Place < before && proofs.KeyOf(e.Envelope.Selector) == key
}
