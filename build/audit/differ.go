package audit

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"stele/build/index"
	"stele/build/ledger"
	"stele/proofs"
)

// A held is an entry in a record about its own key.
type held struct {
	key       proofs.Hash
	place     uint64
	published int64
	leaf      proofs.Hash
}

func (h held) compare(o held) int {
	return cmp.Or(bytes.Compare(h.key[:], o.key[:]), cmp.Compare(h.place, o.place))
}

// compareSums compares the map with the ledger. Where they differ, both are read again for the first range of keys in
// which they do, and the first difference is named; only that range is in memory.
func (a *auditor) compareSums(fromLedger, inMap *sums, tile *proofs.MapTile) error {
	for i := range fromLedger {
		if fromLedger[i] == inMap[i] {
			continue
		}
		want, err := a.heldByLedger(i)
		if err != nil {
			return err
		}
		have, err := a.heldByMap(i, tile, proofs.Hash{})
		if err != nil {
			return err
		}
		return difference(want, have)
	}
	return nil
}

// difference names the first of what only one has. Both are in order.
func difference(want, have []held) error {
	for len(want) > 0 || len(have) > 0 {
		order := 0
		switch {
		case len(want) == 0:
			order = 1
		case len(have) == 0:
			order = -1
		default:
			order = want[0].compare(have[0])
		}
		switch {
		case order < 0:
			return fmt.Errorf("map: key %s: the entry at place %d of the ledger belongs into its record, which does not hold it", want[0].key, want[0].place)
		case order > 0:
			return fmt.Errorf("map: key %s: its record holds an entry at place %d that does not belong there", have[0].key, have[0].place)
		case want[0].published != have[0].published:
			return fmt.Errorf("map: key %s: the entry at place %d was published at %d, but the record says %d", want[0].key, want[0].place, want[0].published, have[0].published)
		case want[0].leaf != have[0].leaf:
			return fmt.Errorf("map: key %s: the entry at place %d is not the one in the ledger", want[0].key, want[0].place)
		}
		want, have = want[1:], have[1:]
	}
	return fmt.Errorf("map: its records are not those that follow from the ledger")
}

// heldByLedger goes through the ledger once more for the records of a range of keys.
func (a *auditor) heldByLedger(which int) ([]held, error) {
	ix, err := index.Open(a.t, index.Discard{}, index.Empty())
	if err != nil {
		return nil, err
	}
	var out []held
	waiting := 0 // from here on, no index statement has followed yet
	texts := map[string]bool{}
	ix.Documents = func(e *proofs.Entry) {
		key := proofs.KeyOf(e.Envelope.Selector)
		if rangeOf(key) == which && !texts[e.Note.Text] {
			texts[e.Note.Text] = true
			out = append(out, held{key: key, place: e.Place, leaf: e.Leaf})
		}
	}
	ix.Held = func(x *proofs.Index) {
		for ; waiting < len(out); waiting++ {
			out[waiting].published = x.Time
		}
	}
	err = ledger.ReadEntries(0, a.x.Size, a.readTile, func(first uint64, entries [][]byte) error {
		ix.Add(entries...)
		a.progress("entries, once more", first+uint64(len(entries)), a.x.Size)
		return a.ctx.Err()
	})
	slices.SortFunc(out, held.compare)
	return out, err
}

// heldByMap reads the records of a range of keys once more.
func (a *auditor) heldByMap(which int, t *proofs.MapTile, prefix proofs.Hash) ([]held, error) {
	var out []held
	for _, at := range positions(t, prefix) {
		bits := min(at.depth, rangeBits)
		if rangeOf(at.prefix)>>(rangeBits-bits) != which>>(rangeBits-bits) {
			continue
		}
		var more []held
		var err error
		if at.Tile {
			var sub *proofs.MapTile
			if sub, err = a.mapTile(at); err == nil {
				more, err = a.heldByMap(which, sub, at.prefix)
			}
		} else {
			more, err = a.heldBySlot(which, at)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

func (a *auditor) heldBySlot(which int, at position) ([]held, error) {
	slot, err := a.readSlot(at)
	if err != nil {
		return nil, err
	}
	var out []held
	for _, rec := range slot.Records {
		raw, err := rec.Entries()
		if err != nil {
			return nil, err
		}
		for _, re := range raw {
			_, env, err := proofs.ParseEntry(re.Bytes)
			foreign := err == nil && proofs.KeyOf(env.Selector) != rec.Key && len(raw) > 1
			if rangeOf(rec.Key) == which && !foreign {
				out = append(out, held{rec.Key, re.Place, re.Published, proofs.LeafHash(re.Bytes)})
			}
		}
	}
	return out, nil
}
