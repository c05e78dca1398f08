package index

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"stele/proofs"
)

const (
	testOrigin = "registry.example/ledger"
	testStart  = 1_800_000_000 // seconds
)

// A testRegistry is a ledger in memory with an index over it, published in batches.
type testRegistry struct {
	t       testing.TB
	trust   *proofs.Trust
	log     *proofs.MemorySigner
	own     *proofs.MemorySigner
	root    *proofs.MemorySigner
	pub     *proofs.MemorySigner
	names   []string
	keys    map[string]*proofs.MemorySigner
	store   Store
	ledger  *Ledger
	entries [][]byte
	tip     map[string]proofs.Hash // of each authority, the latest statement of the root
	now     int64
	sizes   []uint64 // of the publications
}

func testSigner(t testing.TB, name string, kind proofs.KeyType) *proofs.MemorySigner {
	seed := sha256.Sum256([]byte("index test " + name + kind.String()))
	s, err := proofs.NewMemorySigner(name, kind, seed[:])
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newTestRegistry(t testing.TB, store Store) *testRegistry {
	r := &testRegistry{t: t, store: store, keys: map[string]*proofs.MemorySigner{}, tip: map[string]proofs.Hash{}, now: testStart,
		log: testSigner(t, testOrigin, proofs.Ed25519Key), own: testSigner(t, testOrigin, proofs.MLDSA44Key),
		root: testSigner(t, "registry.example/root", proofs.Ed25519Key), pub: testSigner(t, "registry.example/publication", proofs.Ed25519Key)}
	policy := "log " + r.log.Key().String() + "\nwitness own " + r.own.Key().String() + "\nquorum own\n"
	trust := &proofs.Trust{Origin: testOrigin, Epoch: 1, Title: "Test", Demo: true, RootThreshold: 1, RootKeys: []*proofs.Key{r.root.Key()},
		Publication: r.pub.Key(), StaleAfter: 86400, ApprovalAge: 86400, Officers: "none", Witnesses: "none", PolicyText: []byte(policy)}
	var err error
	r.trust, err = proofs.ParseTrust(trust.Marshal())
	must(t, err)
	r.ledger, err = Open(r.trust, store, Empty())
	must(t, err)
	return r
}

// say signs a statement, appends it and returns its leaf hash.
func (r *testRegistry) say(s *proofs.Statement, by ...proofs.Signer) proofs.Hash {
	s.Registry = testOrigin
	n, err := proofs.SignNote(s.Text(), by...)
	must(r.t, err)
	return r.append(n.Marshal())
}

func (r *testRegistry) append(entry []byte) proofs.Hash {
	r.entries = append(r.entries, entry)
	r.ledger.Add(entry)
	return proofs.LeafHash(entry)
}

func (r *testRegistry) accredit(name string) {
	s := &proofs.Statement{Action: proofs.ActionAccredit, Issuer: r.root.Key().Name, Authority: name, Title: "Authority", Kinds: []string{"*"}}
	if tip, ok := r.tip[name]; ok {
		s.After = &tip
	}
	if r.keys[name] == nil {
		r.keys[name] = testSigner(r.t, name, proofs.Ed25519Key)
		r.names = append(r.names, name)
	}
	s.Keys = []*proofs.Key{r.keys[name].Key()}
	r.tip[name] = r.say(s, r.root)
}

func document(i int) *proofs.Ref {
	return &proofs.Ref{Digests: proofs.DigestsOf(fmt.Appendf(nil, "document %d", i))}
}

func (r *testRegistry) register(name string, i int) proofs.Hash {
	return r.say(&proofs.Statement{Action: proofs.ActionRegister, Issuer: name, Document: document(i), Kind: "diploma", Issued: "2027-01-01"}, r.keys[name])
}

// publish appends the index statement of everything so far.
func (r *testRegistry) publish() *proofs.Index {
	r.now += 60
	x, err := r.ledger.Prepare(r.now)
	must(r.t, err)
	x.Tree = r.treeRoot(len(r.entries))
	x.Sizes = proofs.SizesHash(r.listed(x.Publication))
	r.say(&proofs.Statement{Action: proofs.ActionIndex, Issuer: r.pub.Key().Name, Index: x}, r.pub)
	if s := r.ledger.State(); s.Publication != x.Publication || s.Time != x.Time {
		r.t.Fatalf("index statement %d does not hold", x.Publication)
	}
	r.sizes = append(r.sizes, uint64(len(r.entries)))
	return x
}

// listed are the sizes that the head of a publication names.
func (r *testRegistry) listed(publication uint64) []uint64 {
	var sizes []uint64
	for _, number := range proofs.PublicationList(publication) {
		sizes = append(sizes, r.sizes[number-1])
	}
	return sizes
}

func (r *testRegistry) treeRoot(n int) proofs.Hash {
	f := proofs.NewFrontier()
	for _, e := range r.entries[:n] {
		f.Append(e)
	}
	return f.Root()
}

// head signs what is published.
func (r *testRegistry) head() []byte {
	size := uint64(len(r.entries))
	var nodes proofs.Nodes
	nodes = func(level uint, i uint64) (proofs.Hash, error) {
		if level == 0 {
			return proofs.LeafHash(r.entries[i]), nil
		}
		left, _ := nodes(level-1, 2*i)
		right, _ := nodes(level-1, 2*i+1)
		return proofs.NodeHash(left, right), nil
	}
	c := proofs.Checkpoint{Origin: testOrigin, Size: size}
	c.Root, _ = nodes.Root(size)
	one, err := proofs.SignCheckpoint(r.log, c)
	must(r.t, err)
	two, err := proofs.Cosign(r.own, c, r.now)
	must(r.t, err)
	h := &proofs.Head{Statement: r.entries[size-1], RootTile: r.ledger.State().RootTile}
	h.Proof.Index = size - 1
	h.Proof.Proof, _ = nodes.Inclusion(size-1, size)
	for _, old := range r.listed(r.ledger.State().Publication) {
		o := proofs.OldSize{Size: old}
		o.Root, _ = nodes.Root(old)
		o.Proof, err = nodes.Consistency(old, size)
		must(r.t, err)
		h.Consistency = append(h.Consistency, o)
	}
	h.Proof.Checkpoint = (&proofs.Note{Text: c.Text(), Signatures: []proofs.Signature{one, two}}).Marshal()
	return h.Marshal()
}

// ask looks a document up in the store, as a client would.
func (r *testRegistry) ask(i int, head []byte) proofs.Answer { return r.askRemembering(i, head, nil) }

func (r *testRegistry) askRemembering(i int, head, seen []byte) proofs.Answer {
	q := proofs.Question{Trust: r.trust, Now: r.now, SHA256: document(i).Digests.SHA256, Online: true, Remembered: seen, Files: map[string][]byte{proofs.HeadPath: head}}
	for {
		a := proofs.Check(q)
		if a.Report != nil {
			return a
		}
		for _, path := range a.Need {
			h, err := proofs.ParseHash(path[len("index/ab/"):])
			must(r.t, err)
			q.Files[path], err = r.store.Get(h)
			if err != nil {
				q.Errors = map[string]string{path: err.Error()}
			}
		}
	}
}

// A history says random things: most are in order, many are void, some are nothing at all.
type history struct {
	*testRegistry
	rand *rand.Rand
	docs int
	said [][2]any // document and leaf hash of everything said about documents
}

func newHistory(t testing.TB, store Store, seed uint64) *history {
	h := &history{testRegistry: newTestRegistry(t, store), rand: rand.New(rand.NewPCG(seed, 1))}
	for _, name := range []string{"a.example", "b.example", "c.example"} {
		h.accredit(name)
	}
	return h
}

func (h *history) name() string { return h.names[h.rand.IntN(len(h.names))] }

// step says one thing.
func (h *history) step() {
	switch k := h.rand.IntN(100); {
	case k < 60 || len(h.said) == 0:
		i := h.docs
		if h.rand.IntN(10) == 0 {
			i = h.rand.IntN(h.docs + 1) // again, or by another authority
		}
		h.docs = max(h.docs, i+1)
		h.said = append(h.said, [2]any{i, h.register(h.name(), i)})
	case k < 90:
		h.event()
	case k < 93:
		h.accredit(h.name())
	case k < 95:
		h.withdraw(h.name())
	case k < 97:
		h.append(h.entries[h.rand.IntN(len(h.entries))]) // a replay
	default:
		h.append(fmt.Appendf(nil, "junk %d", h.rand.Uint32()))
	}
}

func (h *history) event() {
	actions := []string{proofs.ActionRevoke, proofs.ActionSuspend, proofs.ActionRestore, proofs.ActionSupersede, proofs.ActionSupersede, proofs.ActionLink}
	last := h.said[max(0, len(h.said)-1-h.rand.IntN(40))]
	leaf := last[1].(proofs.Hash)
	name := h.name()
	s := &proofs.Statement{Action: actions[h.rand.IntN(len(actions))], Issuer: name, Document: document(last[0].(int)), After: &leaf}
	switch s.Action {
	case proofs.ActionSupersede:
		s.Successor = document(h.rand.IntN(h.docs + 2))
	case proofs.ActionLink:
		s.Relation = "custody"
	}
	h.said = append(h.said, [2]any{last[0], h.say(s, h.keys[name])})
}

func (h *history) withdraw(name string) {
	tip := h.tip[name]
	s := &proofs.Statement{Action: proofs.ActionWithdraw, Issuer: h.root.Key().Name, Authority: name, After: &tip}
	if h.rand.IntN(2) == 0 {
		from := h.rand.Uint64N(uint64(len(h.entries) + 1))
		s.From = &from
	}
	h.tip[name] = h.say(s, h.root)
	if h.rand.IntN(4) > 0 {
		h.accredit(name)
	}
}

// reachable lists the files that a root tile leads to, with the number of keys in each slot.
func reachable(t testing.TB, store Store, rootTile []byte) (files []proofs.Hash, keys []int) {
	tile, err := proofs.ParseMapTile(rootTile)
	must(t, err)
	for _, l := range tile.Leaves {
		files = append(files, l.Hash)
		b, err := store.Get(l.Hash)
		must(t, err)
		if l.Tile {
			below, more := reachable(t, store, b)
			files, keys = append(files, below...), append(keys, more...)
			continue
		}
		s, err := proofs.ParseSlot(b)
		must(t, err)
		if s.Hash() != l.Hash || s.Depth != tile.Depth+l.Depth {
			t.Fatalf("slot %s at depth %d is not the one named %s", s.Hash(), s.Depth, l.Hash)
		}
		keys = append(keys, len(s.Records))
	}
	return files, keys
}

func sorted(hs []proofs.Hash) []proofs.Hash {
	hs = slices.Clone(hs)
	slices.SortFunc(hs, compareHashes)
	return slices.Compact(hs)
}

func compareHashes(a, b proofs.Hash) int { return slices.Compare(a[:], b[:]) }
