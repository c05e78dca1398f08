package index

import (
	"bytes"
	"fmt"
	"slices"

	"stele/proofs"
)

// A batch is a set of entries on their way into the map, by key.
type batch struct {
	l       *Ledger
	byKey   map[proofs.Hash][]*proofs.Entry // in ledger order
	keys    []proofs.Hash                   // of the map, ascending
	issuers []proofs.Hash                   // of the issuer list, ascending
}

func newBatch(l *Ledger, entries []*proofs.Entry) *batch {
	b := &batch{l: l, byKey: make(map[proofs.Hash][]*proofs.Entry, len(entries))}
	for _, e := range entries {
		key := proofs.KeyOf(e.Envelope.Selector)
		if _, known := b.byKey[key]; !known {
			if _, ok := e.Envelope.Authority(); ok {
				b.issuers = append(b.issuers, key)
			} else {
				b.keys = append(b.keys, key)
			}
		}
		b.byKey[key] = append(b.byKey[key], e)
	}
	less := func(x, y proofs.Hash) int { return bytes.Compare(x[:], y[:]) }
	slices.SortFunc(b.keys, less)
	slices.SortFunc(b.issuers, less)
	return b
}

// merge adds the batch's entries to a record: FORMAT.md, section 8.1.
func (b *batch) merge(rec proofs.Record) (proofs.Record, error) {
	added := b.byKey[rec.Key]
	if rec.Body == nil && len(added) == 1 && !supersedes(added[0]) { // nearly all
		rec.Body = proofs.MarshalBody([]proofs.RecordEntry{recordEntry(added[0])})
		return rec, nil
	}
	m := &merger{b: b, texts: map[string]bool{}, key: rec.Key}
	if rec.Body != nil {
		if err := m.load(rec); err != nil {
			return rec, err
		}
	}
	for _, e := range added {
		if err := m.add(e); err != nil {
			return rec, err
		}
	}
	if len(m.entries) > 1<<16-1 {
		return rec, fmt.Errorf("record %s: %d entries, want at most 65535", rec.Key, len(m.entries))
	}
	var out []proofs.RecordEntry
	for _, e := range m.entries {
		out = append(out, recordEntry(e))
	}
	rec.Body = proofs.MarshalBody(out)
	return rec, nil
}

func recordEntry(e *proofs.Entry) proofs.RecordEntry {
	return proofs.RecordEntry{Place: e.Place, Published: e.Published, Bytes: e.Bytes}
}

func supersedes(e *proofs.Entry) bool {
	return e.Statement != nil && e.Statement.Action == proofs.ActionSupersede
}

// A merger builds one record.
type merger struct {
	b       *batch
	key     proofs.Hash
	entries []*proofs.Entry // ascending by place
	texts   map[string]bool // texts of the entries about the key
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
		note, env, err := proofs.ParseEntry(re.Bytes)
		if err != nil {
			return nil, err
		}
		e := &proofs.Entry{Place: re.Place, Published: re.Published, Bytes: re.Bytes, Leaf: proofs.LeafHash(re.Bytes), Note: note, Envelope: env}
		e.Statement, e.Why = env.Statement()
		entries = append(entries, e)
	}
	return entries, nil
}

func (m *merger) add(e *proofs.Entry) error {
	if m.texts[e.Note.Text] {
		return nil
	}
	m.texts[e.Note.Text] = true
	m.insert(e)
	if !supersedes(e) {
		return nil
	}
	registrant := proofs.Registrant(m.entries, e)
	if registrant == "" {
		return nil
	}
	successor, err := m.b.registration(e.Statement.Successor.Key(), registrant, e.Place)
	if err == nil && successor != nil {
		m.insert(successor)
	}
	return err
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

// registration finds the first register of a key by a registrant before a place,
// in the map and in the batch. The map holds earlier places than the batch.
func (b *batch) registration(key proofs.Hash, registrant string, before uint64) (*proofs.Entry, error) {
	var rec proofs.Record
	var ok bool
	var err error
	if b.l.state.Keys > 0 { // an auditor who builds from nothing has no files to look into
		if rec, ok, err = b.l.Find(key); err != nil {
			return nil, err
		}
	}
	var entries []*proofs.Entry
	if ok {
		if entries, err = Entries(rec); err != nil {
			return nil, err
		}
	}
	for _, e := range append(entries, b.byKey[key]...) {
		if e.Statement != nil && e.Statement.Action == proofs.ActionRegister && e.Statement.Issuer == registrant &&
			e.Place < before && proofs.KeyOf(e.Envelope.Selector) == key {
			return e, nil
		}
	}
	return nil, nil
}
