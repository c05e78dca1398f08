package proofs

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A testLedger is a whole registry in memory: its ledger's tiles, its issuer list and its heads. The map is empty.
type testLedger struct {
	trust                  *Trust
	log, own, root, public *MemorySigner
	entries                [][]byte
	published              []int64 // by entry, 0 while it is not
	sizes                  []uint64
	history                []HistoryLine
	files                  map[string][]byte
	now                    int64
}

func newTestLedger(t *testing.T) *testLedger {
	t.Helper()
	l := &testLedger{files: map[string][]byte{}, now: 1_800_000_000}
	l.log, l.own = testSigner(t, "ledger.example", Ed25519Key), testSigner(t, "ledger.example", MLDSA44Key)
	l.root, l.public = testSigner(t, "root.example", Ed25519Key), testSigner(t, "publication.example", Ed25519Key)
	trust := "stele.trust/1\norigin ledger.example\nepoch 1\ntitle Test\nroot 1\nroot-key " + l.root.Key().String() +
		"\npublication " + l.public.Key().String() + "\ndigest sha256\nstale-after 86400\napproval-age 86400\nofficers none\nwitnesses none\npolicy\n" +
		"log " + l.log.Key().String() + "\nwitness own " + l.own.Key().String() + "\nquorum own\n"
	var err error
	if l.trust, err = ParseTrust([]byte(trust)); err != nil {
		t.Fatal(err)
	}
	return l
}

func testSigner(t *testing.T, name string, kind KeyType) *MemorySigner {
	t.Helper()
	seed := sha256.Sum256([]byte(name + kind.String()))
	s, err := NewMemorySigner(name, kind, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (l *testLedger) add(t *testing.T, s *Statement, by *MemorySigner) uint64 {
	t.Helper()
	s.Registry, s.Issuer = "ledger.example", by.Key().Name
	n, err := SignNote(s.Text(), by)
	if err != nil {
		t.Fatal(err)
	}
	return l.addBytes(n.Marshal())
}

func (l *testLedger) addBytes(b []byte) uint64 {
	l.entries, l.published = append(l.entries, b), append(l.published, 0)
	return uint64(len(l.entries) - 1)
}

func (l *testLedger) register(t *testing.T, by *MemorySigner, document string) uint64 {
	t.Helper()
	return l.add(t, &Statement{Action: ActionRegister, Document: &Ref{Digests: DigestsOf([]byte(document))}, Kind: "letter", Issued: "2027-01-01"}, by)
}

func (l *testLedger) nodes() Nodes {
	var leaves []Hash
	for _, e := range l.entries {
		leaves = append(leaves, LeafHash(e))
	}
	return leafNodes(leaves)
}

// publish appends the index statement and writes what a registry publishes.
func (l *testLedger) publish(t *testing.T) {
	t.Helper()
	covers := uint64(len(l.entries))
	l.now += 3600
	for i, p := range l.published {
		if p == 0 {
			l.published[i] = l.now
		}
	}
	list := l.issuerList()
	slot := &Slot{}
	tile := &MapTile{Leaves: []MapTileLeaf{{Hash: slot.Hash()}}}
	number := uint64(len(l.sizes) + 1)
	var old []uint64
	for _, p := range PublicationList(number) {
		old = append(old, l.sizes[p-1])
	}
	tree, _ := l.nodes().Root(covers)
	x := &Index{Publication: number, Covers: covers, Tree: tree, Map: tile.Hash(), Issuers: uint64(len(list.Records)), IssuersRoot: list.Root(),
		LandmarksRoot: EmptyRoot(), Sizes: SizesHash(old), Time: l.now}
	l.add(t, &Statement{Action: ActionIndex, Index: x}, l.public)
	l.published[covers] = l.now
	l.sizes = append(l.sizes, covers+1)
	l.files[IndexPath(list.Root())] = list.Marshal()
	l.writeTiles()
	l.sign(t)

	nodes, size := l.nodes(), covers+1
	path, _ := nodes.Inclusion(covers, size)
	head := &Head{Statement: l.entries[covers], RootTile: tile.Marshal()}
	for _, m := range old {
		root, _ := nodes.Root(m)
		proof, _ := nodes.Consistency(m, size)
		head.Consistency = append(head.Consistency, OldSize{m, root, proof})
	}
	head.Proof = TLogProof{Index: covers, Proof: path, Checkpoint: l.files["ledger/checkpoint"]}
	l.files[HeadPath] = head.Marshal()
}

// sign signs the ledger as it stands: with nothing new, again.
func (l *testLedger) sign(t *testing.T) {
	t.Helper()
	root, _ := l.nodes().Root(uint64(len(l.entries)))
	c := Checkpoint{"ledger.example", uint64(len(l.entries)), root}
	line, err := SignCheckpoint(l.log, c)
	if err != nil {
		t.Fatal(err)
	}
	own, err := Cosign(l.own, c, l.now)
	if err != nil {
		t.Fatal(err)
	}
	note := (&Note{Text: c.Text(), Signatures: []Signature{line, own}}).Marshal()
	l.files["ledger/checkpoint"] = note
	h := HistoryLine{c.Size, sha256.Sum256(note)}
	l.history = append(l.history, h)
	l.files[h.Path()], l.files[HistoryPath] = note, FormatHistory(l.history)
}

func (l *testLedger) issuerList() *IssuerList {
	entries := map[Hash][]RecordEntry{}
	for i, b := range l.entries {
		if e, err := l.trust.Authorise(nil, uint64(i), b); err == nil {
			if _, ok := e.Envelope.Authority(); ok {
				key := KeyOf(e.Envelope.Selector)
				entries[key] = append(entries[key], RecordEntry{uint64(i), l.published[i], b})
			}
		}
	}
	list := &IssuerList{}
	for key, all := range entries {
		list.Records = append(list.Records, Record{key, MarshalBody(all)})
	}
	slices.SortFunc(list.Records, func(a, b Record) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return list
}

func (l *testLedger) writeTiles() {
	size, nodes := uint64(len(l.entries)), l.nodes()
	for _, tile := range TilesOf(0, size) {
		var b []byte
		for n := tile.Index * TileWidth; n < tile.Index*TileWidth+uint64(tile.Width); n++ {
			if tile.Entries {
				b = AppendBundleEntry(b, l.entries[n])
			} else {
				h, _ := nodes(uint(tileLevel*tile.Level), n)
				b = append(b, h[:]...)
			}
		}
		l.files["ledger/"+tile.Path()] = b
	}
}

// look puts an inquiry until there is a finding; files that are not there are missing. It returns the paths that were read too.
func (l *testLedger) look(t *testing.T, in Inquiry) (Finding, []string) {
	t.Helper()
	in.Trust, in.Now, in.Files = l.trust, l.now+60, map[string][]byte{}
	var read []string
	for range 10 {
		f := Inspect(in)
		if f.View != nil {
			return f, read
		}
		for _, path := range f.Need {
			if _, again := in.Files[path]; again {
				t.Fatalf("%s is needed again", path)
			}
			in.Files[path] = l.files[path]
			read = append(read, path)
		}
	}
	t.Fatal("no end")
	return Finding{}, nil
}

var (
	officeOnce sync.Once
	officeMade *testLedger
)

// office is a ledger of some 600 entries in three publications, so that it has full tiles and partial ones: each test's own.
func office(t *testing.T) (*testLedger, *MemorySigner) {
	t.Helper()
	officeOnce.Do(func() { officeMade = makeOffice(t) })
	l := *officeMade
	l.entries, l.published, l.sizes = slices.Clone(l.entries), slices.Clone(l.published), slices.Clone(l.sizes)
	l.history, l.files = slices.Clone(l.history), maps.Clone(l.files)
	return &l, testSigner(t, "office.example", Ed25519Key)
}

func makeOffice(t *testing.T) *testLedger {
	t.Helper()
	l := newTestLedger(t)
	key := testSigner(t, "office.example", Ed25519Key)
	l.add(t, &Statement{Action: ActionAccredit, Authority: "office.example", Title: "Office", Keys: []*Key{key.Key()}, Kinds: []string{"letter"}}, l.root)
	for n := range 298 {
		l.register(t, key, "document "+itoa(n))
	}
	l.publish(t) // 300
	l.sign(t)
	for n := range 299 {
		l.register(t, key, "further "+itoa(n))
	}
	l.publish(t) // 600
	l.addBytes([]byte("no statement\n"))
	l.register(t, testSigner(t, "stranger.example", Ed25519Key), "strange")
	after := LeafHash(l.entries[0])
	from := uint64(500)
	l.add(t, &Statement{Action: ActionWithdraw, Authority: "office.example", After: &after, From: &from, Reason: "Closed."}, l.root)
	l.register(t, key, "too late")
	l.publish(t) // 605
	return l
}

func entryAt(place uint64) Inquiry { return Inquiry{Subject: SubjectEntry, Place: place} }

func TestInspectEntry(t *testing.T) {
	l, _ := office(t)
	for _, c := range []struct {
		place    uint64
		action   string
		standing Standing
		number   uint64
		disowned bool
	}{
		{0, "accredit", StandingAuthorised, 1, false}, {1, "register", StandingAuthorised, 1, false}, {255, "register", StandingAuthorised, 1, false},
		{256, "register", StandingAuthorised, 1, false}, {299, "index", StandingAuthorised, 1, false}, {300, "register", StandingAuthorised, 2, false},
		{511, "register", StandingAuthorised, 2, true}, {599, "index", StandingAuthorised, 2, false}, {600, "", StandingMalformed, 3, false},
		{601, "register", StandingNot, 3, false}, {602, "withdraw", StandingAuthorised, 3, false}, {603, "register", StandingNot, 3, false},
		{604, "index", StandingAuthorised, 3, false},
	} {
		f, _ := l.look(t, entryAt(c.place))
		v := f.View
		if v.Reason != "" || len(v.Entries) != 1 {
			t.Errorf("place %d: %s %s, %d entries", c.place, v.Reason, v.Detail, len(v.Entries))
			continue
		}
		e := v.Entries[0]
		if !bytes.Equal(e.Bytes, l.entries[c.place]) || CheckInclusion(e.Leaf, c.place, 605, e.Path, v.Head.Root) != nil {
			t.Errorf("place %d: another entry, or not proved", c.place)
		}
		if way := strings.Split(strings.TrimSpace(e.Way), "\n"); len(way) != len(e.Path) || !strings.HasSuffix(e.Way, " "+v.Head.Root.String()+"\n") {
			t.Errorf("place %d: %d levels are told, want %d up to %s:\n%s", c.place, len(way), len(e.Path), v.Head.Root, e.Way)
		}
		if e.Standing != c.standing || e.Published == nil || e.Published.Number != c.number || e.Disowned != c.disowned {
			t.Errorf("place %d: %s (%s), published %+v, disowned %v", c.place, e.Standing, e.Why, e.Published, e.Disowned)
		}
		if c.action != "" && e.Envelope.Action != c.action {
			t.Errorf("place %d: action %q, want %q", c.place, e.Envelope.Action, c.action)
		}
	}
	f, read := l.look(t, entryAt(605))
	if !f.View.Beyond || f.View.Reason != "" || len(f.View.Entries) != 0 || !slices.Equal(read, []string{HeadPath}) {
		t.Errorf("beyond the ledger: %+v after %q", f.View, read)
	}
}

// An altered or missing file is named, and nothing is shown on its strength.
func TestInspectFaults(t *testing.T) {
	l, _ := office(t)
	_, read := l.look(t, entryAt(300))
	gone := map[string]bool{HistoryPath: true} // without it the entry is proved all the same
	for p := range l.files {
		gone[p] = gone[p] || strings.HasPrefix(p, "index/")
	}
	for _, path := range read {
		good := l.files[path]
		for name, bad := range map[string][]byte{"missing": nil, "empty": {}, "flipped": flipped(good, 40), "flipped at the end": flipped(good, len(good)-1), "html": []byte("<!doctype html>")} {
			l.files[path] = bad
			f, _ := l.look(t, entryAt(300))
			l.files[path] = good
			v := f.View
			want := ReasonBadData
			if bad == nil {
				want = ReasonOutage
			}
			switch {
			case gone[path] && v.Reason != "":
				t.Errorf("%s %s: %s (%s), want the entry", path, name, v.Reason, v.Detail)
			case gone[path] && strings.HasPrefix(path, "index/") && v.Entries[0].Standing != StandingUnproved:
				t.Errorf("%s %s: standing %s", path, name, v.Entries[0].Standing)
			case gone[path]:
			case v.Reason == "" && (strings.Contains(path, "tile/entries/") && bytes.Equal(v.Entries[0].Bytes, l.entries[300])):
				// The damage lies in another entry of the bundle: this one is what the ledger has there.
			case v.Reason != want || len(v.Entries) > 0 || !slices.Contains(v.Faults, path):
				t.Errorf("%s %s: %q (%s), faults %q, %d entries, want %q", path, name, v.Reason, v.Detail, v.Faults, len(v.Entries), want)
			}
		}
	}
}

func flipped(b []byte, at int) []byte {
	c := slices.Clone(b)
	c[at%len(c)] ^= 1
	return c
}

// The tile that is wrong is told by its name, full or partial, and an entry put in place of another by its place.
func TestInspectNamesTheTile(t *testing.T) {
	l, _ := office(t)
	for path, place := range map[string]uint64{"ledger/tile/0/000": 10, "ledger/tile/0/002.p/93": 600, "ledger/tile/1/000.p/2": 10} {
		good := l.files[path]
		l.files[path] = flipped(good, 5)
		f, _ := l.look(t, entryAt(place))
		l.files[path] = good
		if v := f.View; v.Reason != ReasonBadData || !slices.Contains(v.Faults, path) {
			t.Errorf("%s: %q, faults %q (%s)", path, v.Reason, v.Faults, v.Detail)
		}
	}
	bundle := l.files["ledger/tile/entries/001"]
	l.files["ledger/tile/entries/001"] = bytes.Replace(bundle, []byte("letter"), []byte("lettes"), 1)
	f, _ := l.look(t, entryAt(256))
	if v := f.View; v.Reason != ReasonBadData || !strings.Contains(v.Detail, "place 256") || !slices.Equal(v.Faults, []string{"ledger/tile/entries/001"}) {
		t.Errorf("an altered entry: %+v", v)
	}
}

// Where a partial tile is gone, the full one takes its place.
func TestInspectFullTileForPartial(t *testing.T) {
	l, key := office(t)
	old := maps.Clone(l.files)
	for n := range 300 {
		l.register(t, key, "later "+itoa(n))
	}
	l.publish(t)
	for path := range l.files {
		if strings.Contains(path, ".p/93") {
			delete(l.files, path)
		}
	}
	l.files[HeadPath] = old[HeadPath] // a head from a cache
	f, read := l.look(t, entryAt(602))
	if v := f.View; v.Reason != "" || v.Entries[0].Place != 602 || !slices.Contains(read, "ledger/tile/0/002") {
		t.Errorf("%+v after %q", v, read)
	}
}

func TestInspectEntries(t *testing.T) {
	l, _ := office(t)
	f, _ := l.look(t, Inquiry{Subject: SubjectEntries, Place: 500, Count: 50})
	v := f.View
	if v.Reason != "" || len(v.Entries) != 50 || v.Entries[0].Place != 500 || v.Entries[20].IssuerTitle != "Office" || !v.Entries[0].Disowned {
		t.Fatalf("%s %s: %d entries", v.Reason, v.Detail, len(v.Entries))
	}
	for _, e := range v.Entries {
		if !bytes.Equal(e.Bytes, l.entries[e.Place]) {
			t.Errorf("place %d: another entry", e.Place)
		}
	}
	for _, in := range []Inquiry{{Place: 600, Count: 100}, {Place: 5000, Count: 10}, {Place: 1, Count: -1}, {Place: 1<<63 - 1, Count: 3}} {
		in.Subject = SubjectEntries
		f, _ := l.look(t, in)
		if want := max(0, 605-int(min(in.Place, 605))) * min(1, max(0, in.Count)); len(f.View.Entries) != want || f.View.Reason != "" {
			t.Errorf("%d from %d: %d entries, want %d", in.Count, in.Place, len(f.View.Entries), want)
		}
	}
}

func TestInspectIssuers(t *testing.T) {
	l, _ := office(t)
	f, _ := l.look(t, Inquiry{Subject: SubjectIssuers})
	v := f.View
	if v.Reason != "" || len(v.Issuers) != 1 || len(v.Issuers[0].Statements) != 2 {
		t.Fatalf("%s %s: %+v", v.Reason, v.Detail, v.Issuers)
	}
	i := v.Issuers[0]
	if i.Name != "office.example" || i.Authority.Stands() != nil || i.Authority.LatestTitle() != "Office" || !i.Statements[1].Effect ||
		*i.Statements[1].Statement.From != 500 || i.Statements[1].Place != 602 {
		t.Errorf("%+v", i)
	}
	for name, bad := range map[string]func([]byte) []byte{"missing": func([]byte) []byte { return nil }, "flipped": func(b []byte) []byte { return flipped(b, 99) }} {
		l, _ := office(t)
		path := IndexPath(l.issuerList().Root())
		l.files[path] = bad(l.files[path])
		f, _ := l.look(t, Inquiry{Subject: SubjectIssuers})
		if v := f.View; v.Reason == "" || len(v.Issuers) != 0 || !slices.Equal(v.Faults, []string{path}) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// A list that is not authorised by the root is not shown, whoever has published it.
func TestInspectIssuersNotAuthorised(t *testing.T) {
	l, key := office(t)
	s := &Statement{Registry: "ledger.example", Action: ActionAccredit, Issuer: "root.example", Authority: "office.example", Title: "Forged",
		Keys: []*Key{key.Key()}, Kinds: []string{"*"}}
	forger, err := NewMemorySigner("root.example", Ed25519Key, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	n, _ := SignNote(s.Text(), forger)
	list := &IssuerList{Records: []Record{{IssuerKey("office.example"), MarshalBody([]RecordEntry{{0, l.now, n.Marshal()}})}}}
	i := &inspection{tiles: map[Tile][]Hash{}, x: &VerifiedIndex{Index: &Index{IssuersRoot: list.Root(), Issuers: 1, Covers: 9, Time: l.now}}}
	i.t, i.q.Files = l.trust, map[string][]byte{IndexPath(list.Root()): list.Marshal()}
	i.look = lookup{x: i.x, issuers: &IssuerList{}}
	if err := i.issuers(); err == nil || len(i.v.Issuers) > 0 {
		t.Errorf("shown: %+v", i.v.Issuers)
	}
}

func TestInspectPublications(t *testing.T) {
	l, _ := office(t)
	f, _ := l.look(t, Inquiry{Subject: SubjectPublications, Count: 10})
	v := f.View.Publications
	if f.View.Reason != "" || v.Total != 3 || !v.Complete || len(v.List) != 3 {
		t.Fatalf("%+v", f.View)
	}
	for n, want := range []PublicationView{{Number: 3, Added: 5}, {Number: 2, Added: 300}, {Number: 1, Added: 300, Again: 1}} {
		if got := v.List[n]; got.Number != want.Number || got.Added != want.Added || got.Again != want.Again || got.Checkpoint.Signed == nil {
			t.Errorf("%d: %+v", n, got)
		}
	}
	f, _ = l.look(t, Inquiry{Subject: SubjectPublications, Skip: 2, Count: 10})
	if v := f.View.Publications; len(v.List) != 1 || v.List[0].Number != 1 || v.Total != 3 {
		t.Errorf("the oldest alone: %+v", v)
	}
	size := uint64(300)
	f, _ = l.look(t, Inquiry{Subject: SubjectPublications, Size: &size, Count: 10})
	if v := f.View.Publications; len(v.List) != 2 || v.List[0].Line != l.history[1] || v.List[1].Line != l.history[0] || v.List[0].Number != 1 {
		t.Errorf("every signature of one: %+v", v)
	}

	// One that is missing and one that is another's are told in their rows; the others stay.
	l.files[l.history[2].Path()] = nil
	l.files[l.history[3].Path()] = l.files[l.history[0].Path()]
	f, _ = l.look(t, Inquiry{Subject: SubjectPublications, Count: 10})
	if v := f.View.Publications; f.View.Reason != "" || v.List[0].Checkpoint.Reason != ReasonBadData || v.List[1].Checkpoint.Reason != ReasonOutage || v.List[2].Checkpoint.Signed == nil {
		t.Errorf("%+v", v)
	}

	l.files[l.history[0].Path()] = l.files[l.history[1].Path()] // of the same size
	f, _ = l.look(t, Inquiry{Subject: SubjectPublications, Count: 10})
	if v := f.View.Publications; v.List[2].Checkpoint.Reason != ReasonBadData {
		t.Errorf("a checkpoint under another's name: %+v", v.List[2])
	}

	// A list with a publication left out does not pass for a whole one.
	l.files[HistoryPath] = FormatHistory(slices.Delete(slices.Clone(l.history), 2, 3))
	f, _ = l.look(t, Inquiry{Subject: SubjectPublications, Count: 10})
	if v := f.View.Publications; v.Complete || v.Total != 2 {
		t.Errorf("a list with a gap: %+v", v)
	}
}

func TestInspectCheckpoint(t *testing.T) {
	l, _ := office(t)
	for _, line := range l.history {
		f, _ := l.look(t, Inquiry{Subject: SubjectCheckpoint, Line: line})
		if v := f.View; v.Reason != "" || len(v.Publications.List) != 1 || !v.Publications.List[0].Grown {
			t.Errorf("%s: %s %s", line, v.Reason, v.Detail)
		}
	}

	// Another past, signed as the policy demands: no tile is at fault, and it is no outage.
	fork := newTestLedger(t)
	for n := range 300 {
		fork.register(t, testSigner(t, "office.example", Ed25519Key), "other "+itoa(n))
	}
	fork.publish(t)
	line := fork.history[0]
	l.files[line.Path()] = fork.files[line.Path()]
	f, _ := l.look(t, Inquiry{Subject: SubjectCheckpoint, Line: line})
	if v := f.View; v.Reason != ReasonFork || len(v.Publications.List) > 0 {
		t.Errorf("another past: %+v", v)
	}
	line = HistoryLine{9999, line.File}
	f, _ = l.look(t, Inquiry{Subject: SubjectCheckpoint, Line: line})
	if v := f.View; v.Reason != ReasonOutage {
		t.Errorf("a checkpoint that is not there: %+v", v)
	}
}

func TestInspectStatistics(t *testing.T) {
	l, _ := office(t)
	s := &Statistics{Registry: "ledger.example", Series: []Growth{{1, 300, 0, l.now - 7200}, {2, 600, 0, l.now - 3600}, {3, 605, 0, l.now}}}
	for _, c := range []struct {
		fit    Fit
		change func(*Statistics)
	}{
		{FitSame, func(*Statistics) {}},
		{FitOlder, func(s *Statistics) { s.Series = s.Series[:2] }},
		{FitNewer, func(s *Statistics) { s.Grow(Growth{4, 700, 1, l.now + 1}) }},
		{FitNot, func(s *Statistics) { s.Series[2].Size = 606 }},
	} {
		other := s.Clone()
		c.change(other)
		l.files[StatisticsPath] = other.Marshal()
		if f, _ := l.look(t, Inquiry{Subject: SubjectStatistics}); f.View.Reason != "" || f.View.Fit != c.fit {
			t.Errorf("%s: got %q %q %s", c.fit, f.View.Fit, f.View.Reason, f.View.Detail)
		}
	}
	s.Registry = "other.example"
	for want, b := range map[Reason][]byte{ReasonOutage: nil, ReasonOtherRegistry: s.Marshal(), ReasonBadData: []byte("<html>")} {
		l.files[StatisticsPath] = b
		if f, _ := l.look(t, Inquiry{Subject: SubjectStatistics}); f.View.Reason != want || f.View.Statistics != nil {
			t.Errorf("got %q, want %q", f.View.Reason, want)
		}
	}
}

// A ledger that this device has seen grow larger is shown and told; one that it cannot have grown from is not shown.
func TestInspectMemory(t *testing.T) {
	l, _ := office(t)
	larger := l.files[HeadPath]
	smaller := newTestLedger(t)
	smaller.add(t, &Statement{Action: ActionWithdraw, Authority: "any.example", After: &Hash{}}, smaller.root)
	smaller.publish(t)
	f, _ := smaller.look(t, Inquiry{Remembered: larger})
	if f.View.Reason != "" || !f.View.Head.Rollback || f.Remember != nil {
		t.Errorf("a smaller ledger: %+v", f.View)
	}
	fork := newTestLedger(t)
	for n := range 604 {
		fork.addBytes([]byte("other " + itoa(n)))
	}
	fork.publish(t)
	f, _ = fork.look(t, Inquiry{Remembered: larger})
	if f.View.Reason != ReasonFork || f.View.Head != nil || f.Remember != nil || f.Conflict == nil {
		t.Errorf("another ledger of the same size: %+v", f.View)
	}
	if _, err := l.trust.CheckEvidence(f.Conflict, nil, AnyTime); err != nil {
		t.Errorf("the evidence: %v", err)
	}
}

// What the page is told is JSON, whatever lies in the ledger.
func TestViewJSON(t *testing.T) {
	l, _ := office(t)
	l.files[StatisticsPath] = []byte("stele.statistics/1\nregistry ledger.example\nat 1 300 0 1800003600\ncount office.example register letter 5\n")
	size := uint64(300)
	for _, in := range []Inquiry{entryAt(0), entryAt(600), entryAt(602), entryAt(9999), {Subject: SubjectHead}, {Subject: SubjectIssuers}, {Subject: SubjectEntries, Place: 590, Count: 99},
		{Subject: SubjectPublications, Count: 9}, {Subject: SubjectPublications, Count: 9, Size: &size}, {Subject: SubjectCheckpoint, Line: l.history[0]},
		{Subject: SubjectCheckpoint}, {Subject: SubjectStatistics}} {
		f, _ := l.look(t, in)
		if b := f.View.AppendJSON(nil); !json.Valid(b) {
			t.Errorf("%s: %s", in.Subject, b)
		}
	}
	f, _ := l.look(t, entryAt(602))
	if b := f.View.AppendJSON(nil); !bytes.Contains(b, []byte(`"authority_title":"Office"`)) || !bytes.Contains(b, []byte(`{"name":"from","value":"500"}`)) {
		t.Errorf("%s", b)
	}
}
