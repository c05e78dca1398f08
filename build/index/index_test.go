package index

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stele/proofs"
)

// TestIncremental: published in batches of any size, rebuilt from nothing, or computed naively from
// FORMAT.md's words: one map.
func TestIncremental(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := newHistory(t, NewMemory(), seed)
			size := 40 << (seed % 5)
			for range 6 {
				for range 1 + h.rand.IntN(size) {
					h.step()
				}
				x := h.publish()
				rebuilt(t, h, x)
				naive(t, h, x)
			}
		})
	}
}

// rebuilt audits: everything at once, with no files kept, and in pieces.
func rebuilt(t *testing.T, h *history, want *proofs.Index) {
	for _, store := range []Store{Discard{}, NewMemory()} {
		l, err := Open(h.trust, store, Empty())
		must(t, err)
		for rest := h.entries; len(rest) > 0; {
			n := 1 + h.rand.IntN(len(rest))
			l.Add(rest[:n]...)
			rest = rest[n:]
			if _, keeps := store.(*Memory); keeps && h.rand.IntN(2) == 0 {
				must(t, l.Settle())
			}
		}
		must(t, l.Settle())
		got := l.Index()
		if got.Map != want.Map || got.Keys != want.Keys || got.IssuersRoot != want.IssuersRoot || got.Issuers != want.Issuers {
			t.Fatalf("%T: got map %s of %d keys, want %s of %d", store, got.Map, got.Keys, want.Map, want.Keys)
		}
		if s := l.State(); s.Publication != want.Publication || s.Time != want.Time || s.Size != uint64(len(h.entries)) {
			t.Errorf("%T: state %d at %d, want %d at %d", store, s.Publication, s.Time, want.Publication, want.Time)
		}
	}
}

// TestPieces: a ledger too long for memory goes into the map piece by piece, and what a piece has superseded is told at the end.
func TestPieces(t *testing.T) {
	h := newHistory(t, NewMemory(), 3)
	for range 30 {
		for range 20 {
			h.step()
		}
		h.publish()
	}
	defer func(n int) { maxPublished = n }(maxPublished)
	maxPublished = 50
	store := NewMemory()
	l, err := Open(h.trust, store, Empty())
	must(t, err)
	l.Add(h.entries...)
	must(t, l.Settle())
	got, want := l.State(), h.ledger.State()
	if !bytes.Equal(got.RootTile, want.RootTile) || got.Keys != want.Keys || got.Issuers.Root() != want.Issuers.Root() {
		t.Errorf("in pieces: %d keys, want %d, or another map or list", got.Keys, want.Keys)
	}
	if !bytes.Equal(got.Statistics.Marshal(), want.Statistics.Marshal()) {
		t.Errorf("in pieces:\n%s\nwant\n%s", got.Statistics.Marshal(), want.Statistics.Marshal())
	}
	files, _ := reachable(t, store, got.RootTile)
	files = append(append(files, l.Superseded...), got.Issuers.Root())
	for name := range store.files {
		if !slices.Contains(files, name) && name != (&proofs.Slot{}).Hash() {
			t.Errorf("file %s: nothing leads to it, and it was not told that it is superseded", name)
		}
	}
	if len(l.Superseded) == 0 {
		t.Error("nothing was superseded: this says nothing")
	}
	must(t, l.Settle())
	if len(l.Superseded) > 0 {
		t.Errorf("%d files are told to be superseded twice", len(l.Superseded))
	}
}

// naive computes the map with none of this package's code.
func naive(t *testing.T, h *history, want *proofs.Index) {
	n := newNaive(h.trust, h.entries)
	records := n.records()
	var keys []proofs.Record
	for _, r := range records {
		keys = append(keys, r)
	}
	slices.SortFunc(keys, func(a, b proofs.Record) int { return compareHashes(a.Key, b.Key) })
	if got := naiveRoot(keys, 0); got != want.Map || uint64(len(keys)) != want.Keys {
		t.Fatalf("naive map %s of %d keys, want %s of %d", got, len(keys), want.Map, want.Keys)
	}
}

// A naiveMap follows FORMAT.md, section 8.1, entry by entry.
type naiveMap struct {
	trust   *proofs.Trust
	entries []*proofs.Entry
	times   []int64 // publication time by place
}

func newNaive(trust *proofs.Trust, raw [][]byte) *naiveMap {
	n := &naiveMap{trust: trust, times: make([]int64, len(raw))}
	as := proofs.Authorities{}
	done := 0
	for place, b := range raw {
		e, err := trust.Authorise(as, uint64(place), b)
		if err != nil {
			continue
		}
		as.Apply(e)
		n.entries = append(n.entries, e)
		if e.Statement != nil && e.Statement.Index != nil { // in these histories all of them hold
			for ; done < place; done++ {
				n.times[done] = e.Statement.Index.Time
			}
		}
	}
	return n
}

func (n *naiveMap) records() map[proofs.Hash]proofs.Record {
	byKey := map[proofs.Hash][]*proofs.Entry{}
	for _, e := range n.entries {
		if s := e.Envelope.Selector; s != "" && !strings.HasPrefix(s, "issuer:") {
			k := proofs.KeyOf(s)
			same := func(o *proofs.Entry) bool { return o.Note.Text == e.Note.Text }
			if !slices.ContainsFunc(byKey[k], same) {
				byKey[k] = append(byKey[k], e)
			}
		}
	}
	out := map[proofs.Hash]proofs.Record{}
	for k, own := range byKey {
		places := map[uint64]*proofs.Entry{}
		for _, e := range own {
			places[e.Place] = e
		}
		for _, e := range own {
			if s := n.successor(places, e, byKey); s != nil {
				places[s.Place] = s
			}
		}
		var entries []proofs.RecordEntry
		for _, e := range places {
			entries = append(entries, proofs.RecordEntry{Place: e.Place, Published: n.times[e.Place], Bytes: e.Bytes})
		}
		slices.SortFunc(entries, func(a, b proofs.RecordEntry) int { return int(a.Place) - int(b.Place) })
		out[k] = proofs.Record{Key: k, Body: proofs.MarshalBody(entries)}
	}
	return out
}

// successor follows `after` from a supersede to a register and finds the successor's registration by its issuer.
func (n *naiveMap) successor(record map[uint64]*proofs.Entry, e *proofs.Entry, byKey map[proofs.Hash][]*proofs.Entry) *proofs.Entry {
	if e.Statement == nil || e.Statement.Action != proofs.ActionSupersede {
		return nil
	}
	at := e
	for at.Statement != nil && at.Statement.Action != proofs.ActionRegister {
		var next *proofs.Entry
		for _, o := range record {
			if at.Statement.After != nil && o.Leaf == *at.Statement.After && o.Place < at.Place {
				next = o
			}
		}
		if next == nil {
			return nil
		}
		at = next
	}
	for _, o := range byKey[e.Statement.Successor.Key()] {
		if at.Statement != nil && o.Statement != nil && o.Statement.Action == proofs.ActionRegister && o.Statement.Issuer == at.Statement.Issuer && o.Place < e.Place {
			return o
		}
	}
	return nil
}

// naiveRoot is FORMAT.md, section 8.2, word for word: count the halves, split or not.
func naiveRoot(records []proofs.Record, depth int) proofs.Hash {
	var left, right []proofs.Record
	for _, r := range records {
		if r.Key[depth/8]>>(7-depth%8)&1 == 0 {
			left = append(left, r)
		} else {
			right = append(right, r)
		}
	}
	if len(left) >= 64 && len(right) >= 64 {
		l, r := naiveRoot(left, depth+1), naiveRoot(right, depth+1)
		return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
	}
	leaves := proofs.EmptyRoot()
	if len(records) > 0 {
		leaves = naiveTree(records)
	}
	var prefix proofs.Hash
	if len(records) > 0 {
		for i := range depth {
			prefix[i/8] |= records[0].Key[i/8] & (0x80 >> (i % 8))
		}
	}
	b := append([]byte("stele.slot/1\n"), byte(depth))
	b = append(b, prefix[:]...)
	b = append(b, byte(len(records)>>24), byte(len(records)>>16), byte(len(records)>>8), byte(len(records)))
	return sha256.Sum256(append(b, leaves[:]...))
}

func naiveTree(records []proofs.Record) proofs.Hash {
	if len(records) == 1 {
		body := sha256.Sum256(records[0].Body)
		b := append([]byte("stele.record/1\n"), records[0].Key[:]...)
		return sha256.Sum256(append(b, body[:]...))
	}
	k := 1
	for 2*k < len(records) {
		k *= 2
	}
	l, r := naiveTree(records[:k]), naiveTree(records[k:])
	return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

// synthetic makes additions of keys out of nothing: an entry of each, authorised by nobody.
func synthetic(l *Ledger, keys []proofs.Hash, size int) *additions {
	var all []pending
	seen := map[proofs.Hash]bool{}
	for i, k := range keys {
		if !seen[k] {
			seen[k] = true
			all = append(all, pending{place: uint64(i), published: testStart, key: k, bytes: make([]byte, size), tally: &tally{}})
		}
	}
	return newAdditions(l, all)
}

func randomKeys(r *rand.Rand, n int) []proofs.Hash {
	keys := make([]proofs.Hash, n)
	for i := range keys {
		for j := range keys[i] {
			keys[i][j] = byte(r.Uint32())
		}
	}
	return keys
}

// comb makes keys whose trie is as deep and thin as the split rule allows: SplitAt keys beside a way of zeroes.
func comb(r *rand.Rand, depth int) []proofs.Hash {
	var keys []proofs.Hash
	for d := range depth + 1 {
		for _, k := range randomKeys(r, proofs.SplitAt) {
			for i := range d {
				k[i/8] &^= 0x80 >> (i % 8)
			}
			if d < depth {
				k[d/8] |= 0x80 >> (d % 8)
			}
			keys = append(keys, k)
		}
	}
	return keys
}

// TestShape: whatever the batches, the shape is a function of the keys, no slot is too small, and what a
// publication supersedes is what nothing leads to any longer.
func TestShape(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 2))
		keys := randomKeys(r, r.IntN(6000))
		if seed%3 == 0 {
			keys = append(comb(r, 10+r.IntN(30)), keys[:len(keys)/10]...)
		}
		r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		t.Run(fmt.Sprintf("%d of %d", seed, len(keys)), func(t *testing.T) { shape(t, r, keys) })
	}
}

func shape(t *testing.T, r *rand.Rand, keys []proofs.Hash) {
	store := NewMemory()
	l := newTestRegistry(t, store).ledger
	dead := map[proofs.Hash]bool{}
	var records []proofs.Record
	for rest := keys; len(rest) > 0; {
		n := 1 + r.IntN(1+len(rest)/2)
		b := synthetic(l, rest[:n], 3)
		rest = rest[n:]
		l.Superseded = nil
		must(t, l.updateMap(b))
		for _, h := range l.Superseded {
			dead[h] = true
		}
		for _, k := range b.keys {
			rec, err := b.merge(proofs.Record{Key: k})
			must(t, err)
			records = append(records, rec)
		}
		slices.SortFunc(records, func(a, b proofs.Record) int { return compareHashes(a.Key, b.Key) })
		x := l.Index()
		if want := naiveRoot(records, 0); x.Map != want || x.Keys != uint64(len(records)) {
			t.Fatalf("map %s of %d keys, want %s of %d", x.Map, x.Keys, want, len(records))
		}
		files, counts := reachable(t, store, l.state.RootTile)
		for _, n := range counts {
			if n < proofs.SplitAt && len(counts) > 1 {
				t.Errorf("a slot of %d keys in a map of %d", n, len(records))
			}
		}
		var all []proofs.Hash
		for _, f := range files {
			if dead[f] {
				t.Fatalf("%s is superseded and still in use", f)
			}
		}
		for h := range dead {
			files = append(files, h)
		}
		for h := range store.files {
			all = append(all, h)
		}
		if !slices.Equal(sorted(all), sorted(files)) {
			t.Fatalf("%d files, of which %d are in use or superseded", len(all), len(sorted(files)))
		}
	}
	for _, k := range keys {
		if _, ok, err := l.Find(k); !ok || err != nil {
			t.Fatalf("key %s: found %v, %v", k, ok, err)
		}
	}
}

// TestSecondLevel: a map of so many keys that the root tile leads to tiles, asked like any other.
func TestSecondLevel(t *testing.T) {
	if testing.Short() {
		t.Skip("80,000 keys")
	}
	r := newTestRegistry(t, Dir(t.TempDir()))
	keys := randomKeys(rand.New(rand.NewPCG(9, 9)), 80_000)
	must(t, r.ledger.updateMap(synthetic(r.ledger, keys[:79_000], 8)))
	must(t, r.ledger.updateMap(synthetic(r.ledger, keys[79_000:], 8)))
	r.accredit("a.example")
	for i := range 40 {
		r.register("a.example", i)
	}
	r.publish()
	head := r.head()
	deepest := 0
	for i := range 80 {
		a := r.ask(i, head)
		want := proofs.Authentic
		if i >= 40 {
			want = proofs.NotRegistered
		}
		checkAnswer(t, r, a, i, want)
		c, err := proofs.ParseReceipt(a.Receipt)
		must(t, err)
		deepest = max(deepest, len(c.Siblings))
	}
	if deepest <= proofs.MapTileHeight {
		t.Errorf("no slot below the root tile: deepest %d", deepest)
	}
}

// checkAnswer holds an answer and the receipt made of it against each other.
func checkAnswer(t *testing.T, r *testRegistry, a proofs.Answer, i int, want proofs.Verdict) {
	t.Helper()
	if a.Report.Verdict != want {
		t.Fatalf("document %d: got %s %s (%s), want %s", i, a.Report.Verdict, a.Report.Reason, a.Report.Detail, want)
	}
	if a.Report.Candidates < proofs.SplitAt && a.Report.Keys >= 2*proofs.SplitAt {
		t.Errorf("document %d: only %d candidates", i, a.Report.Candidates)
	}
	q := proofs.Question{Trust: r.trust, Now: r.now, SHA256: document(i).Digests.SHA256, Receipt: a.Receipt}
	if got := proofs.Check(q).Report; got.Verdict != want || got.Source != proofs.FromReceipt {
		t.Errorf("document %d from its receipt: got %s %s (%s), want %s", i, got.Verdict, got.Reason, got.Detail, want)
	}
	q.SHA256[0] ^= 1
	if got := proofs.Check(q).Report; got.Verdict != proofs.Mismatch {
		t.Errorf("another document from the receipt of %d: got %s", i, got.Verdict)
	}
}

// TestLookups: what the index says of a document is what follows from its entries, in small maps and split ones.
// TestManyRegistrants: as many authorities as a record has room for register one document, and its receipt still is one.
func TestManyRegistrants(t *testing.T) {
	r := newTestRegistry(t, NewMemory())
	const n = 300
	for i := range n {
		name := fmt.Sprintf("a%d.example", i)
		r.accredit(name)
		r.register(name, 1)
	}
	r.publish()
	checkAnswer(t, r, r.ask(1, r.head()), 1, proofs.Authentic)
}

func TestLookups(t *testing.T) {
	for _, n := range []int{0, 1, 2, 63, 64, 127, 128, 400} {
		r := newTestRegistry(t, Dir(t.TempDir()))
		r.accredit("a.example")
		for i := range n {
			r.register("a.example", i)
		}
		r.publish()
		head := r.head()
		for i := 0; i < n; i += 1 + n/20 {
			checkAnswer(t, r, r.ask(i, head), i, proofs.Authentic)
		}
		for i := n; i < n+20; i++ {
			checkAnswer(t, r, r.ask(i, head), i, proofs.NotRegistered)
		}
	}
}

// TestDamage: a store that was cut off or damaged is noticed before anything is built on it.
func TestDamage(t *testing.T) {
	dir := Dir(t.TempDir())
	r := newTestRegistry(t, dir)
	must(t, r.ledger.updateMap(synthetic(r.ledger, comb(rand.New(rand.NewPCG(4, 4)), 12), 8)))
	state := r.ledger.State()
	files, _ := reachable(t, dir, state.RootTile)
	more := randomKeys(rand.New(rand.NewPCG(5, 5)), 4000) // every slot and tile gets some
	for _, k := range slices.Clone(more) {
		k[0], k[1] = 0, k[1]&0x0f
		more = append(more, k)
	}
	for _, f := range files {
		good, err := dir.Get(f)
		must(t, err)
		for name, bad := range map[string][]byte{"empty": {}, "truncated": good[:len(good)/2], "flipped": append(slices.Clone(good[:len(good)-1]), good[len(good)-1]^1), "missing": nil} {
			must(t, os.Remove(dir.Path(f)))
			if bad != nil {
				must(t, os.WriteFile(dir.Path(f), bad, 0o644))
			}
			l, err := Open(r.trust, dir, &state)
			must(t, err)
			if err := l.updateMap(synthetic(l, more, 8)); err == nil {
				t.Errorf("%s: the update did not notice that %s is %s", f, good[:12], name)
			}
			if s := l.State(); !bytes.Equal(s.RootTile, state.RootTile) || s.Keys != state.Keys {
				t.Error("a failed update changed the state")
			}
			must(t, dir.Put(f, good)) // writes it anew
			if again, err := dir.Get(f); err != nil || !bytes.Equal(again, good) {
				t.Errorf("%s file %s: Put left it as it was", name, f)
			}
		}
	}
	l, err := Open(r.trust, dir, &state)
	must(t, err)
	must(t, l.updateMap(synthetic(l, more, 8)))
}

// TestDirFailures: an error names the path and leaves nothing half-written.
func TestDirFailures(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "file")
	must(t, os.WriteFile(file, nil, 0o644))
	dir := Dir(file)
	h := proofs.Hash{1}
	if err := dir.Put(h, []byte("x")); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("put below a file: %v", err)
	}
	if _, err := Dir(root).Get(h); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get what is not there: %v", err)
	}
	must(t, Dir(root).Put(h, []byte("x")))
	must(t, Dir(root).Put(h, []byte("x")))
	names, err := filepath.Glob(filepath.Join(root, "*", "*"))
	must(t, err)
	hidden, err := filepath.Glob(filepath.Join(root, "*", ".*"))
	must(t, err)
	if len(names) != 1 || names[0] != Dir(root).Path(h) || len(hidden) != 0 {
		t.Errorf("files %q, hidden %q", names, hidden)
	}
}

// TestHolds: FORMAT.md, section 8.4.
func TestHolds(t *testing.T) {
	for name, change := range map[string]func(*proofs.Index){
		"covers":           func(x *proofs.Index) { x.Covers++ },
		"publication":      func(x *proofs.Index) { x.Publication++ },
		"time":             func(x *proofs.Index) { x.Time = testStart + 60 },
		"time-before-last": func(x *proofs.Index) { x.Time = 1 },
	} {
		r := newTestRegistry(t, NewMemory())
		r.accredit("a.example")
		r.publish()
		r.register("a.example", 1)
		before := r.ledger.State()
		x := r.ledger.Index()
		x.Publication, x.Time = before.Publication+1, before.Time+60
		change(x)
		r.say(&proofs.Statement{Action: proofs.ActionIndex, Issuer: r.pub.Key().Name, Index: x}, r.pub)
		if s := r.ledger.State(); s.Publication != before.Publication || s.Time != before.Time {
			t.Errorf("%s: a statement that does not hold was taken", name)
		}
		must(t, r.ledger.Settle())
		if r.ledger.State().Keys != before.Keys {
			t.Errorf("%s: entries were published by a statement that does not hold", name)
		}
	}
	r := newTestRegistry(t, NewMemory())
	r.accredit("a.example")
	r.publish()
	if _, err := r.ledger.Prepare(r.now); err == nil {
		t.Error("a publication no later than the last")
	}
}

// TestStateIsASnapshot: what was saved stays what it was.
func TestStateIsASnapshot(t *testing.T) {
	r := newTestRegistry(t, NewMemory())
	r.accredit("a.example")
	r.publish()
	s := r.ledger.State()
	size, root := s.SHA3.Size(), s.SHA3.Root()
	r.register("a.example", 1)
	if s.SHA3.Size() != size || s.SHA3.Root() != root || s.Size != size {
		t.Error("entries added later went into a state taken before")
	}
	l, err := Open(r.trust, r.store, &s)
	must(t, err)
	l.Add(r.entries[size])
	if s.SHA3.Root() != root {
		t.Error("a ledger opened from a state changes it")
	}
}

// TestAnAuthorityCannotSpoilTheIssuerList: one line of an authority about another would be enough.
func TestAnAuthorityCannotSpoilTheIssuerList(t *testing.T) {
	r := newTestRegistry(t, NewMemory())
	r.accredit("a.example")
	r.accredit("b.example")
	for _, action := range []string{"praise", "accredit", "withdraw", "erase"} {
		text := "stele.statement/2\nregistry " + testOrigin + "\n" + action + "\nissuer b.example\nauthority a.example\n"
		n, err := proofs.SignNote(text, r.keys["b.example"])
		must(t, err)
		r.append(n.Marshal())
	}
	x := r.publish()
	state := r.ledger.State()
	if _, err := Open(r.trust, r.store, &state); err != nil || x.Issuers != 2 {
		t.Errorf("%d issuers, %v", x.Issuers, err)
	}
	as, err := state.ReadAuthorities(r.trust)
	if err != nil || as["a.example"].Unknown() != nil {
		t.Errorf("issuer list: %v", err)
	}
}
