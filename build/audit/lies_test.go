package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"stele/build/index"
	"stele/proofs"
)

const origin = "lies.example/ledger"

// files is a portal in memory.
type files map[string][]byte

func (f files) String() string { return "files" }

func (f files) Read(_ context.Context, path string) ([]byte, error) {
	b, ok := f[path]
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	return b, nil
}

// A liar is a registry whose publisher signs whatever map it likes.
type liar struct {
	t       *testing.T
	rand    *rand.Rand
	trust   *proofs.Trust
	signers map[string]*proofs.MemorySigner
	own     *proofs.MemorySigner
	store   *index.Memory
	ix      *index.Ledger
	entries [][]byte
	tip     map[string]proofs.Hash
	names   []string
	docs    int
	said    []said
	now     int64
	sizes   []uint64
}

// said is something said about a document.
type said struct {
	document int
	leaf     proofs.Hash
}

func newLiar(t *testing.T, seed uint64) *liar {
	l := &liar{t: t, rand: rand.New(rand.NewPCG(seed, 9)), signers: map[string]*proofs.MemorySigner{}, tip: map[string]proofs.Hash{}, now: start,
		store: index.NewMemory(), own: newSigner(t, origin, proofs.MLDSA44Key)}
	for _, name := range []string{origin, "root", "publication", "a.example", "b.example", "c.example"} {
		l.signers[name] = newSigner(t, name, proofs.Ed25519Key)
	}
	policy := "log " + l.signers[origin].Key().String() + "\nwitness own " + l.own.Key().String() + "\nquorum own\n"
	trust := &proofs.Trust{Origin: origin, Epoch: 1, Title: "Test", Demo: true, RootThreshold: 1, RootKeys: []*proofs.Key{l.signers["root"].Key()},
		Publication: l.signers["publication"].Key(), StaleAfter: 86400, ApprovalAge: 86400, Officers: "none", Witnesses: "none", PolicyText: []byte(policy)}
	var err error
	l.trust, err = proofs.ParseTrust(trust.Marshal())
	must(t, err)
	l.ix, err = index.Open(l.trust, l.store, index.Empty())
	must(t, err)
	for _, name := range []string{"a.example", "b.example", "c.example"} {
		l.accredit(name)
	}
	return l
}

func newSigner(t *testing.T, name string, kind proofs.KeyType) *proofs.MemorySigner {
	seed := sha256.Sum256([]byte("lies " + name + kind.String()))
	s, err := proofs.NewMemorySigner(name, kind, seed[:])
	must(t, err)
	return s
}

func (l *liar) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *liar) append(entry []byte) proofs.Hash {
	l.entries = append(l.entries, entry)
	l.ix.Add(entry)
	return proofs.LeafHash(entry)
}

// say signs a statement by its issuer, and perhaps others.
func (l *liar) say(s *proofs.Statement, also ...string) proofs.Hash {
	s.Registry = origin
	by := []proofs.Signer{l.signers[s.Issuer]}
	for _, name := range also {
		by = append(by, l.signers[name])
	}
	n, err := proofs.SignNote(s.Text(), by...)
	l.must(err)
	return l.append(n.Marshal())
}

func (l *liar) accredit(name string) {
	s := &proofs.Statement{Action: proofs.ActionAccredit, Issuer: "root", Authority: name, Title: name, Kinds: []string{"*"}, Keys: []*proofs.Key{l.signers[name].Key()}}
	if tip, ok := l.tip[name]; ok {
		s.After = &tip
	} else {
		l.names = append(l.names, name)
	}
	l.tip[name] = l.say(s)
}

func paper(i int) *proofs.Ref {
	return &proofs.Ref{Sealed: i%7 == 3, Digests: proofs.DigestsOf(fmt.Appendf(nil, "paper %d", i))}
}

func (l *liar) name() string { return l.names[l.rand.IntN(len(l.names))] }

func (l *liar) register(i int, name string) {
	s := &proofs.Statement{Action: proofs.ActionRegister, Issuer: name, Document: paper(i), Kind: "letter", Issued: "2027-01-01"}
	l.said = append(l.said, said{i, l.say(s)})
}

// step says something: in order, void, repeated, in words that are not understood, or nothing at all.
func (l *liar) step() {
	k := l.rand.IntN(100)
	if len(l.said) == 0 {
		k = 0
	}
	switch {
	case k < 60:
		i := l.docs
		if l.rand.IntN(12) == 0 {
			i = l.rand.IntN(l.docs + 1)
		}
		l.docs = max(l.docs, i+1)
		l.register(i, l.name())
	case k < 84:
		l.event()
	case k < 88:
		l.append(l.entries[l.rand.IntN(len(l.entries))]) // a repeat, bytes and all
	case k < 90: // a repeat of a text with another line: void
		n, err := proofs.ParseNote(l.entries[l.rand.IntN(len(l.entries))])
		l.must(err)
		l.append((&proofs.Note{Text: n.Text, Signatures: append(slices.Clone(n.Signatures), n.Signatures[0])}).Marshal())
	case k < 92:
		text := fmt.Sprintf("stele.statement/2\nregistry %s\npraise\nissuer %s\ndocument sha256:%s\nx %d\n", origin, l.name(), paper(l.rand.IntN(l.docs)).Digests.SHA256, l.rand.Uint32())
		n, err := proofs.SignNote(text, l.signers[strings.Fields(text)[5]])
		l.must(err)
		l.append(n.Marshal())
	case k < 94:
		tip := l.tip["c.example"]
		l.tip["c.example"] = l.say(&proofs.Statement{Action: proofs.ActionWithdraw, Issuer: "root", Authority: "c.example", After: &tip})
		if l.rand.IntN(2) == 0 {
			l.accredit("c.example")
		}
	default:
		l.forge()
	}
}

func (l *liar) event() {
	actions := []string{proofs.ActionRevoke, proofs.ActionSuspend, proofs.ActionRestore, proofs.ActionSupersede, proofs.ActionSupersede, proofs.ActionSupersede, proofs.ActionLink}
	last := l.said[max(0, len(l.said)-1-l.rand.IntN(40))]
	s := &proofs.Statement{Action: actions[l.rand.IntN(len(actions))], Issuer: append(l.names, "root")[l.rand.IntN(len(l.names)+1)], Document: paper(last.document), After: &last.leaf}
	switch s.Action {
	case proofs.ActionSupersede:
		s.Successor = paper(l.rand.IntN(l.docs + 2))
	case proofs.ActionLink:
		s.Relation = "custody"
	}
	l.said = append(l.said, said{last.document, l.say(s)})
}

// forge appends what nobody who may has signed.
func (l *liar) forge() {
	s := &proofs.Statement{Registry: origin, Action: proofs.ActionRegister, Issuer: l.name(), Document: paper(l.docs + 100), Kind: "letter", Issued: "2027-01-01"}
	n, err := proofs.SignNote(s.Text(), l.signers[s.Issuer])
	l.must(err)
	n.Signatures[0].Bytes[l.rand.IntN(64)] ^= 1
	l.append(n.Marshal())
}

// publish appends the index statement of what is, or of what the change makes of it.
func (l *liar) publish(change func(x *proofs.Index)) {
	l.now += 60
	x, err := l.ix.Prepare(l.now)
	l.must(err)
	if change != nil {
		change(x)
	}
	tree := proofs.NewFrontier()
	for _, e := range l.entries {
		tree.Append(e)
	}
	x.Tree = tree.Root()
	l.say(&proofs.Statement{Action: proofs.ActionIndex, Issuer: "publication", Index: x})
	l.sizes = append(l.sizes, uint64(len(l.entries)))
}

// portal publishes the newest publication, with a map that may be a lie.
func (l *liar) portal(rootTile []byte, index files) files {
	size := uint64(len(l.entries))
	out := files{}
	read := func(t proofs.Tile) ([]byte, error) { return out["ledger/"+t.Path()], nil }
	for _, t := range proofs.TilesOf(0, size) {
		var b []byte
		for i := t.Index * 256; i < t.Index*256+uint64(t.Width); i++ {
			switch {
			case t.Entries:
				b = proofs.AppendBundleEntry(b, l.entries[i])
			case t.Level == 0:
				h := proofs.LeafHash(l.entries[i])
				b = append(b, h[:]...)
			default:
				var hashes []proofs.Hash
				for h := range slices.Chunk(out["ledger/"+proofs.Tile{Level: t.Level - 1, Index: i, Width: 256}.Path()], 32) {
					hashes = append(hashes, proofs.Hash(h))
				}
				top := proofs.TopOf(hashes)
				b = append(b, top[:]...)
			}
		}
		out["ledger/"+t.Path()] = b
	}
	nodes := proofs.TileNodes(size, read)
	c := proofs.Checkpoint{Origin: origin, Size: size}
	var err error
	c.Root, err = nodes.Root(size)
	l.must(err)
	one, err := proofs.SignCheckpoint(l.signers[origin], c)
	l.must(err)
	two, err := proofs.Cosign(l.own, c, l.now)
	l.must(err)
	checkpoint := (&proofs.Note{Text: c.Text(), Signatures: []proofs.Signature{one, two}}).Marshal()
	h := &proofs.Head{Statement: l.entries[size-1], RootTile: rootTile}
	h.Proof.Checkpoint, h.Proof.Index = checkpoint, size-1
	h.Proof.Proof, err = nodes.Inclusion(size-1, size)
	l.must(err)
	state := l.ix.State()
	for _, n := range proofs.PublicationList(state.Publication) {
		o := proofs.OldSize{Size: l.sizes[n-1]}
		o.Root, _ = nodes.Root(o.Size)
		o.Proof, _ = nodes.Consistency(o.Size, size)
		h.Consistency = append(h.Consistency, o)
	}
	line := proofs.HistoryLine{Size: size, File: sha256.Sum256(checkpoint)}
	out[proofs.HeadPath], out["ledger/checkpoint"], out[line.Path()] = h.Marshal(), checkpoint, checkpoint
	out[proofs.HistoryPath] = proofs.FormatHistory([]proofs.HistoryLine{line})
	out["trust/1"], out["policy"], out[proofs.StatisticsPath] = l.trust.Marshal(), l.trust.PolicyText, state.Statistics.Marshal()
	out[proofs.IndexPath(state.Issuers.Root())] = state.Issuers.Marshal()
	for path, b := range index {
		out[path] = b
	}
	return out
}

func (l *liar) audit(p files) error {
	_, err := Portal(context.Background(), l.trust, p, l.now+60, func(string, uint64, uint64) {})
	return err
}

// records are those of the map as it follows from the ledger so far.
func (l *liar) records() []proofs.Record {
	var out []proofs.Record
	var collect func(raw []byte)
	collect = func(raw []byte) {
		tile, err := proofs.ParseMapTile(raw)
		l.must(err)
		for _, leaf := range tile.Leaves {
			b, err := l.store.Get(leaf.Hash)
			l.must(err)
			if leaf.Tile {
				collect(b)
				continue
			}
			slot, err := proofs.ParseSlot(b)
			l.must(err)
			out = append(out, slot.Records...)
		}
	}
	collect(l.ix.State().RootTile)
	return out
}

// A shaper makes a map of records, and splits where it likes.
type shaper struct {
	files files
	split func(left, right int) bool
}

func ruled(left, right int) bool { return min(left, right) >= proofs.SplitAt }

func (s *shaper) rootTile(records []proofs.Record) []byte {
	return (&proofs.MapTile{Leaves: s.node(records, proofs.Hash{}, 0, 0)}).Marshal()
}

// node returns a tile's leaves below a node that stands at a depth of the map, and at one of the tile.
func (s *shaper) node(records []proofs.Record, prefix proofs.Hash, depth, inTile int) []proofs.MapTileLeaf {
	cut := 0
	for cut < len(records) && proofs.KeyBit(records[cut].Key, depth) == 0 {
		cut++
	}
	if !s.split(cut, len(records)-cut) {
		slot := &proofs.Slot{Depth: depth, Prefix: prefix, Records: records}
		s.files[proofs.IndexPath(slot.Hash())] = slot.Marshal()
		return []proofs.MapTileLeaf{{Depth: inTile, Hash: slot.Hash()}}
	}
	if inTile == proofs.MapTileHeight {
		tile := &proofs.MapTile{Depth: depth, Leaves: s.node(records, prefix, depth, 0)}
		s.files[proofs.IndexPath(tile.Hash())] = tile.Marshal()
		return []proofs.MapTileLeaf{{Depth: inTile, Tile: true, Hash: tile.Hash()}}
	}
	other := prefix
	other[depth/8] |= 0x80 >> (depth % 8)
	return append(s.node(records[:cut], prefix, depth+1, inTile+1), s.node(records[cut:], other, depth+1, inTile+1)...)
}

// A lie changes records, or the shape; it reports whether there was anything to change.
type lie func(l *liar, records *[]proofs.Record, s *shaper) bool

// edit changes the entries of the nth record that has as many as wanted, from a random one on.
func edit(least int, change func(l *liar, key proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry) lie {
	return func(l *liar, records *[]proofs.Record, _ *shaper) bool {
		n := l.rand.IntN(len(*records))
		for i := range *records {
			r := &(*records)[(n+i)%len(*records)]
			es, err := r.Entries()
			l.must(err)
			if len(es) < least {
				continue
			}
			if es = change(l, r.Key, slices.Clone(es)); es != nil {
				slices.SortFunc(es, func(a, b proofs.RecordEntry) int { return int(a.Place) - int(b.Place) })
				r.Body = proofs.MarshalBody(es)
				return true
			}
		}
		return false
	}
}

// foreign tells which entries are about another document.
func foreign(key proofs.Hash, e proofs.RecordEntry) bool {
	_, env, err := proofs.ParseEntry(e.Bytes)
	return err == nil && proofs.KeyOf(env.Selector) != key
}

var lies = map[string]lie{
	"": func(*liar, *[]proofs.Record, *shaper) bool { return false }, // the truth
	"a record dropped": func(l *liar, rs *[]proofs.Record, _ *shaper) bool {
		i := l.rand.IntN(len(*rs))
		*rs = slices.Delete(*rs, i, i+1)
		return true
	},
	"a record made up": func(l *liar, rs *[]proofs.Record, _ *shaper) bool {
		r := (*rs)[l.rand.IntN(len(*rs))]
		r.Key[31] ^= 1
		*rs = append(*rs, r)
		return true
	},
	"a record moved": func(l *liar, rs *[]proofs.Record, _ *shaper) bool {
		(*rs)[l.rand.IntN(len(*rs))].Key[l.rand.IntN(32)] ^= 1
		return true
	},
	"two records changed for each other": func(l *liar, rs *[]proofs.Record, _ *shaper) bool {
		a, b := &(*rs)[0], &(*rs)[1+l.rand.IntN(len(*rs)-1)]
		a.Body, b.Body = b.Body, a.Body
		return true
	},
	"an entry dropped": edit(2, func(l *liar, _ proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		i := l.rand.IntN(len(es))
		return slices.Delete(es, i, i+1)
	}),
	"an entry doubled": edit(1, func(l *liar, _ proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		e := es[len(es)-1]
		e.Place++
		return append(es, e)
	}),
	"an entry at another place": edit(1, func(l *liar, _ proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		es[len(es)-1].Place += uint64(1 + l.rand.IntN(3))
		return es
	}),
	"published later": edit(1, func(l *liar, _ proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		es[l.rand.IntN(len(es))].Published++
		return es
	}),
	"never published": edit(1, func(l *liar, _ proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		es[l.rand.IntN(len(es))].Published = 0
		return es
	}),
	"two times whose sum stays": edit(2, func(l *liar, _ proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		es[0].Published++
		es[1].Published--
		return es
	}),
	"two places changed for each other": edit(2, func(l *liar, _ proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		es[0].Place, es[1].Place = es[1].Place, es[0].Place
		return es
	}),
	"another's signature": edit(1, func(l *liar, _ proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		n, err := proofs.ParseNote(es[0].Bytes)
		l.must(err)
		n.Signatures[0].Bytes[0] ^= 1
		es[0].Bytes = n.Marshal()
		return es
	}),
	"no statement at all": edit(1, func(l *liar, _ proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		return append(es, proofs.RecordEntry{Place: es[len(es)-1].Place + 1, Published: es[0].Published, Bytes: []byte("junk")})
	}),
	"what nobody has signed": edit(1, func(l *liar, key proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		_, env, err := proofs.ParseEntry(es[0].Bytes)
		l.must(err)
		text := fmt.Sprintf("stele.statement/2\nregistry %s\npraise\nissuer a.example\n%s %s\n", origin, map[bool]string{true: "sealed", false: "document"}[strings.HasPrefix(env.Selector, "sealed")],
			"sha256:"+env.Selector[strings.Index(env.Selector, ":")+1:])
		n, err := proofs.SignNote(text, l.signers["b.example"])
		l.must(err)
		return append(es, proofs.RecordEntry{Place: es[len(es)-1].Place + 1, Published: es[0].Published, Bytes: n.Marshal()})
	}),
	"a repeat too":           repeated(func(first, again proofs.RecordEntry) []proofs.RecordEntry { return []proofs.RecordEntry{first, again} }),
	"a repeat for the first": repeated(func(_, again proofs.RecordEntry) []proofs.RecordEntry { return []proofs.RecordEntry{again} }),
	"another document's registration": func(l *liar, rs *[]proofs.Record, s *shaper) bool {
		other := (*rs)[l.rand.IntN(len(*rs))]
		es, err := other.Entries()
		l.must(err)
		return edit(1, func(l *liar, key proofs.Hash, mine []proofs.RecordEntry) []proofs.RecordEntry {
			for _, e := range mine {
				if e.Place == es[0].Place {
					return nil
				}
			}
			return append(mine, es[0])
		})(l, rs, s)
	},
	"a successor's registration missing": edit(2, func(l *liar, key proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		n := len(es)
		if es = slices.DeleteFunc(es, func(e proofs.RecordEntry) bool { return foreign(key, e) }); len(es) == n || len(es) == 0 {
			return nil
		}
		return es
	}),
	"a successor's registration dated otherwise": edit(2, func(l *liar, key proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		for i := range es {
			if foreign(key, es[i]) {
				es[i].Published++
				return es
			}
		}
		return nil
	}),
	"split too far": func(l *liar, rs *[]proofs.Record, s *shaper) bool {
		s.split = func(left, right int) bool { return min(left, right) >= proofs.SplitAt-20 }
		return len(*rs) >= 2*proofs.SplitAt
	},
	"not split": func(l *liar, rs *[]proofs.Record, s *shaper) bool {
		s.split = func(left, right int) bool { return min(left, right) > 2*proofs.SplitAt }
		return true
	},
}

// repeated puts something in the place of the first entry whose bytes the ledger has again.
func repeated(make func(first, again proofs.RecordEntry) []proofs.RecordEntry) lie {
	return edit(1, func(l *liar, key proofs.Hash, es []proofs.RecordEntry) []proofs.RecordEntry {
		for i, e := range es {
			for place := e.Place + 1; place < uint64(len(l.entries)) && !foreign(key, e); place++ {
				if bytes.Equal(l.entries[place], e.Bytes) {
					return append(slices.Delete(es, i, i+1), make(e, proofs.RecordEntry{Place: place, Published: e.Published, Bytes: e.Bytes})...)
				}
			}
		}
		return nil
	})
}

// TestLiars: of random ledgers, the audit accepts the map that is built from nothing, and none in which anything is otherwise.
func TestLiars(t *testing.T) {
	told := map[string]int{}
	for seed := range uint64(3) {
		steps := 30 + 250*int(seed)
		for name, tell := range lies {
			l := newLiar(t, seed)
			for i := range steps {
				l.step()
				if i == steps/3 || i == steps/2 {
					l.publish(nil)
				}
			}
			told[name] += l.lie(name, tell)
		}
	}
	for name, n := range told {
		if n == 0 && name != "" {
			t.Errorf("%s: never told", name)
		}
	}
}

// lie publishes a lie, and returns 1 if there was anything to lie about.
func (l *liar) lie(name string, tell lie) int {
	honest, tile, told := proofs.Hash{}, []byte(nil), false
	s := &shaper{files{}, ruled}
	var again []byte
	l.publish(func(x *proofs.Index) {
		honest = x.Map
		records := l.records()
		again = s.rootTile(records)
		told = tell(l, &records, s)
		slices.SortFunc(records, func(a, b proofs.Record) int { return bytes.Compare(a.Key[:], b.Key[:]) })
		tile = s.rootTile(records)
		lying, err := proofs.ParseMapTile(tile)
		l.must(err)
		x.Map, x.Keys = lying.Hash(), uint64(len(records))
		told = told && x.Map != honest
	})
	true_, err := proofs.ParseMapTile(again)
	l.must(err)
	if true_.Hash() != honest {
		l.t.Fatalf("%s: the map of the records is %s, want %s: the test is wrong", name, true_.Hash(), honest)
	}
	err = l.audit(l.portal(tile, s.files))
	switch {
	case told && err == nil:
		l.t.Errorf("%s, in a ledger of %d entries: not noticed", name, len(l.entries))
	case !told && err != nil:
		l.t.Errorf("%s: nothing to tell, but: %v", name, err)
	case told:
		return 1
	}
	return 0
}

// TestLiarsStatistics: what the statistics may not say.
func TestLiarsStatistics(t *testing.T) {
	l := newLiar(t, 77)
	for i := range 300 {
		l.step()
		if i%40 == 0 {
			l.publish(nil)
		}
	}
	l.publish(nil)
	rootTile := l.ix.State().RootTile
	s := &shaper{files{}, ruled}
	s.rootTile(l.records())
	for name, c := range map[string]struct {
		change func(s *proofs.Statistics)
		ok     bool
	}{
		"nothing":     {func(*proofs.Statistics) {}, true},
		"one more":    {func(s *proofs.Statistics) { s.Counts[1].Number++ }, false},
		"one less":    {func(s *proofs.Statistics) { s.Counts[0].Number-- }, false},
		"one missing": {func(s *proofs.Statistics) { s.Counts = s.Counts[1:] }, false},
		"one made up": {func(s *proofs.Statistics) {
			s.Count(proofs.Count{Issuer: "x", Action: "register", Kind: "y", Number: 1})
		}, false},
		"another":        {func(s *proofs.Statistics) { s.Registry = "x" }, false},
		"time":           {func(s *proofs.Statistics) { s.Series[2].Time++ }, false},
		"keys":           {func(s *proofs.Statistics) { s.Series[2].Keys++ }, false},
		"size":           {func(s *proofs.Statistics) { s.Series[2].Size++ }, false},
		"a line missing": {func(s *proofs.Statistics) { s.Series = slices.Delete(s.Series, 1, 2) }, false},
		"behind":         {func(s *proofs.Statistics) { s.Series = s.Series[:len(s.Series)-1] }, false},
		"one ahead":      {func(s *proofs.Statistics) { ahead(s, 1); s.Counts[0].Number++ }, true},
		"two ahead":      {func(s *proofs.Statistics) { ahead(s, 1); ahead(s, 1) }, false},
		"ahead, less":    {func(s *proofs.Statistics) { ahead(s, 1); s.Counts[0].Number-- }, false},
		"ahead, a gap":   {func(s *proofs.Statistics) { ahead(s, 1); s.Series = slices.Delete(s.Series, 3, 4) }, false},
	} {
		stats := l.ix.State().Statistics
		c.change(stats)
		p := l.portal(rootTile, s.files)
		p[proofs.StatisticsPath] = stats.Marshal()
		if err := l.audit(p); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := l.portal(rootTile, s.files)
	delete(p, proofs.StatisticsPath)
	if err := l.audit(p); err == nil || !strings.Contains(err.Error(), proofs.StatisticsPath) {
		t.Errorf("no statistics: %v", err)
	}
}

// ahead adds the next publication.
func ahead(s *proofs.Statistics, entries uint64) {
	g := s.Series[len(s.Series)-1]
	s.Grow(proofs.Growth{Publication: g.Publication + 1, Size: g.Size + entries, Keys: g.Keys, Time: g.Time + 1})
}

// TestNamed: where the sums differ, the key and the place are named.
func TestNamed(t *testing.T) {
	for name, want := range map[string]string{
		"a record dropped": "does not hold it", "published later": "was published at", "another's signature": "is not the one in the ledger",
		"an entry doubled": "that does not belong there",
	} {
		l := newLiar(t, 5)
		for range 100 {
			l.register(l.docs, "a.example")
			l.docs++
		}
		s := &shaper{files{}, ruled}
		var tile []byte
		l.publish(func(x *proofs.Index) {
			records := l.records()
			lies[name](l, &records, s)
			tile = s.rootTile(records)
			root, err := proofs.ParseMapTile(tile)
			l.must(err)
			x.Map, x.Keys = root.Hash(), uint64(len(records))
		})
		if err := l.audit(l.portal(tile, s.files)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "map: key ") {
			t.Errorf("%s: %v, want an error with %q", name, err, want)
		}
	}
}
