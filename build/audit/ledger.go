package audit

import (
	"context"
	"hash/maphash"

	"stele/build/index"
	"stele/proofs"
)

// A follower goes through the ledger and adds up what the records of documents have to hold.
type follower struct {
	a      *auditor
	ix     *index.Ledger // authorities, index statements and the issuer list
	finder *index.Finder // in the published map
	taken  []document    // of this window
	seed   maphash.Seed
	seen   fingerprints // of texts
	bridge proofs.Hash  // SHA3-256 root before the last entry

	waitF, waitG *sums // of what no index statement has followed yet
	sums         *sums
	counts       map[proofs.Count]uint64
}

// A document is an authorised entry about one, or, with the entry nil, an index statement that holds.
type document struct {
	entry *proofs.Entry
	time  int64

	key  proofs.Hash
	text uint64 // fingerprint
	f, g sum
}

func (a *auditor) newFollower(tile []byte) (*follower, error) {
	ix, err := index.Open(a.t, index.Discard{}, index.Empty())
	if err != nil {
		return nil, err
	}
	f := &follower{a: a, ix: ix, finder: index.NewFinder(store{a}, tile), seed: maphash.MakeSeed(),
		waitF: &sums{}, waitG: &sums{}, sums: &sums{}, counts: map[proofs.Count]uint64{}}
	ix.Documents = func(e *proofs.Entry) { f.taken = append(f.taken, document{entry: e}) }
	ix.Held = func(x *proofs.Index) { f.taken = append(f.taken, document{time: x.Time}); a.hold(x) }
	return f, nil
}

func (a *auditor) hold(x *proofs.Index) {
	if x.Covers != a.x.Covers {
		a.before = x.Covers + 1
	}
	a.published[x.Covers+1] = true
}

// follow goes through every entry.
func (f *follower) follow() error {
	ctx, cancel := context.WithCancel(f.a.ctx)
	defer cancel()
	for w := range f.a.windows(ctx) {
		if w.err != nil {
			return w.err
		}
		if err := f.take(w); err != nil {
			return err
		}
		f.a.progress("entries", w.first+uint64(len(w.entries)), f.a.x.Size)
	}
	if err := f.a.ctx.Err(); err != nil {
		return err
	}
	return f.ix.Settle()
}

func (f *follower) take(w window) error {
	entries := w.entries
	if last := len(entries) - 1; w.first+uint64(last) == f.a.x.Covers {
		f.ix.Add(entries[:last]...)
		f.bridge = f.ix.State().SHA3.Root()
		entries = entries[last:]
	}
	f.ix.Add(entries...)
	const share = 256
	parallel(readers, (len(f.taken)+share-1)/share, func(_, i int) error {
		for n := i * share; n < min((i+1)*share, len(f.taken)); n++ {
			f.digest(&f.taken[n])
		}
		return nil
	})
	for i := range f.taken {
		if err := f.sum(&f.taken[i]); err != nil {
			return err
		}
	}
	clear(f.taken)
	f.taken = f.taken[:0]
	return nil
}

func (f *follower) digest(d *document) {
	if e := d.entry; e != nil {
		d.key = proofs.KeyOf(e.Envelope.Selector)
		d.text = maphash.String(f.seed, e.Note.Text)
		d.f, d.g = f.a.secret.of(d.key, e.Place, e.Leaf)
	}
}

// sum adds what a record has to hold. When it was published is known at the next index statement, which may be a
// million entries later: until then, what is to be added once and what is to be added as many times as there are seconds are kept apart.
func (f *follower) sum(d *document) error {
	if d.entry == nil {
		for i := range f.sums {
			f.sums[i].add(&f.waitF[i])
			f.sums[i].addTimes(&f.waitG[i], uint64(d.time))
		}
		*f.waitF, *f.waitG = sums{}, sums{}
		return nil
	}
	if f.seen.add(d.text) {
		repeat, err := f.repeats(d)
		if repeat || err != nil {
			return err
		}
	}
	at := rangeOf(d.key)
	f.waitF[at].add(&d.f)
	f.waitG[at].add(&d.g)
	c := proofs.CountOf(d.entry)
	if _, known := f.counts[c]; !known {
		c = c.Clone() // not to hold on to the entry
	}
	f.counts[c]++
	return nil
}

// repeats decides about an entry whose text has the fingerprint of an earlier one: whether the published record
// has the text at an earlier place. That the record may be wrong does no harm. Say the entry is the first of its text, and the record claims an earlier one: then
// the record holds an entry that the ledger has not, and the sums differ. Say it is a repeat, and the record does not
// hold the first one: then the first one is in our sum and not in the record's. If the record is right, so is the decision.
func (f *follower) repeats(d *document) (bool, error) {
	rec, ok, err := f.finder.Find(d.key)
	if !ok || err != nil {
		return false, err
	}
	entries, err := rec.Entries()
	if err != nil {
		return false, err
	}
	for _, re := range entries {
		if note, err := proofs.ParseNote(re.Bytes); err == nil && re.Place < d.entry.Place && note.Text == d.entry.Note.Text {
			return true, nil
		}
	}
	return false, nil
}

// store is the published index, for package index to look into.
type store struct{ a *auditor }

func (s store) Get(h proofs.Hash) ([]byte, error) { return s.a.p.Read(s.a.ctx, proofs.IndexPath(h)) }

// Put is never called: nobody adds to what is audited.
func (s store) Put(proofs.Hash, []byte) error { panic("an audit writes nothing") }
