//go:build !wasm

package proofs_test

// The same bytes before libraries that are not ours. Where they are known to differ, it is said here:
//   - torchwood's proof parser takes `index 0601` and `+601`, formats' takes CRLF and leading zeroes: ours refuses them
//   - torchwood's policy wants all of several `log` lines, the specification any; it takes `#` in the middle of a line
//     for a comment and knows no ML-DSA-44
//   - formats' policy wants a URL for every witness and ignores logs
//   - formats' proof parser reads lines of at most 64 KiB, so that it cannot read a receipt of a very long record
// What is compared is what all of them take.

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"filippo.io/torchwood"
	formatsnote "github.com/transparency-dev/formats/note"
	formatsproof "github.com/transparency-dev/formats/proof"
	formatswitness "github.com/transparency-dev/formats/witness"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"stele/proofs"
)

const maxSize = 130

// leavesAndNodes are the entries of a small tree and a reader of its complete subtrees.
func leavesAndNodes(n int) ([][]byte, proofs.Nodes) {
	var entries [][]byte
	for i := range n {
		entries = append(entries, fmt.Appendf(nil, "entry %d", i))
	}
	var node proofs.Nodes
	node = func(level uint, i uint64) (proofs.Hash, error) {
		if level == 0 {
			return proofs.LeafHash(entries[i]), nil
		}
		l, _ := node(level-1, 2*i)
		r, _ := node(level-1, 2*i+1)
		return proofs.NodeHash(l, r), nil
	}
	return entries, node
}

// A sumdb is x/mod's tree over the same entries.
type sumdb []tlog.Hash

func (s sumdb) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, s[i])
	}
	return out, nil
}

func newSumdb(t *testing.T, entries [][]byte) sumdb {
	var s sumdb
	for i, e := range entries {
		hs, err := tlog.StoredHashes(int64(i), e, s)
		if err != nil {
			t.Fatal(err)
		}
		s = append(s, hs...)
	}
	return s
}

func TestRootsAgainstPeers(t *testing.T) {
	entries, nodes := leavesAndNodes(maxSize)
	db := newSumdb(t, entries)
	fact := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	cr := fact.NewEmptyRange(0)
	frontier := proofs.NewFrontier()
	for size := uint64(0); size <= maxSize; size++ {
		want, err := tlog.TreeHash(int64(size), db)
		if err != nil {
			t.Fatal(err)
		}
		if size > 0 {
			root, err := cr.GetRootHash(nil)
			if err != nil || !bytes.Equal(root, want[:]) {
				t.Fatalf("the peers disagree on size %d: %v", size, err)
			}
		}
		root, err := nodes.Root(size)
		if err != nil || root != proofs.Hash(want) || frontier.Root() != root || frontier.Size() != size {
			t.Errorf("size %d: Nodes %s, Frontier %s, want %x, %v", size, root, frontier.Root(), want, err)
		}
		again := proofs.NewFrontier()
		if err := again.Restore(size, frontier.Edge()); err != nil || again.Root() != root {
			t.Errorf("size %d: restored frontier %s, %v", size, again.Root(), err)
		}
		if size < maxSize {
			frontier.Append(entries[size])
			cr.Append(rfc6962.DefaultHasher.HashLeaf(entries[size]), nil)
		}
	}
}

func raw(hs []proofs.Hash) [][]byte {
	out := [][]byte{}
	for _, h := range hs {
		out = append(out, bytes.Clone(h[:]))
	}
	return out
}

func same(ours []proofs.Hash, theirs []tlog.Hash) bool {
	return slices.EqualFunc(ours, theirs, func(a proofs.Hash, b tlog.Hash) bool { return a == proofs.Hash(b) })
}

// agree compares a verdict of ours with that of package merkle.
func agree(t *testing.T, ours, theirs error, want bool, what ...any) {
	if (ours == nil) != want || (theirs == nil) != want {
		t.Errorf("%v: ours %v, merkle %v, want good %v", what, ours, theirs, want)
	}
}

func TestInclusionAgainstPeers(t *testing.T) {
	entries, nodes := leavesAndNodes(maxSize)
	db := newSumdb(t, entries)
	for size := uint64(1); size <= maxSize; size++ {
		root, _ := nodes.Root(size)
		for i := uint64(0); i < size; i++ {
			p, err := nodes.Inclusion(i, size)
			if want, err2 := tlog.ProveRecord(int64(size), int64(i), db); err != nil || err2 != nil || !same(p, want) {
				t.Fatalf("inclusion of %d in %d: %v %v", i, size, err, err2)
			}
			inclusions(t, proofs.LeafHash(entries[i]), i, size, p, root)
		}
	}
}

// inclusions checks a good proof and what can be made of it.
func inclusions(t *testing.T, leaf proofs.Hash, i, size uint64, p []proofs.Hash, root proofs.Hash) {
	check := func(i, size uint64, p []proofs.Hash, good bool) {
		agree(t, proofs.CheckInclusion(leaf, i, size, p, root),
			proof.VerifyInclusion(rfc6962.DefaultHasher, i, size, leaf[:], raw(p), root[:]), good, "inclusion", i, size, len(p))
	}
	check(i, size, p, true)
	check(i+size, size, p, false)
	check(i, size, append(slices.Clone(p), leaf), false)
	if len(p) > 0 {
		check(i^1, size, p, false)
		check(i, size, p[1:], false)
		check(i, size, p[:len(p)-1], false)
		bad := slices.Clone(p)
		bad[i%uint64(len(p))][31] ^= 1
		check(i, size, bad, false)
	}
}

func TestConsistencyAgainstPeers(t *testing.T) {
	entries, nodes := leavesAndNodes(maxSize)
	db := newSumdb(t, entries)
	for n := uint64(1); n <= maxSize; n++ {
		for m := uint64(1); m <= n; m++ {
			p, err := nodes.Consistency(m, n)
			if want, err2 := tlog.ProveTree(int64(n), int64(m), db); err != nil || err2 != nil || !same(p, want) {
				t.Fatalf("consistency of %d and %d: %v %v", m, n, err, err2)
			}
			old, _ := nodes.Root(m)
			root, _ := nodes.Root(n)
			consistencies(t, m, n, old, root, p)
		}
	}
}

func consistencies(t *testing.T, m, n uint64, old, root proofs.Hash, p []proofs.Hash) {
	check := func(m, n uint64, old, root proofs.Hash, p []proofs.Hash, good bool) {
		agree(t, proofs.CheckConsistency(m, n, old, root, p),
			proof.VerifyConsistency(rfc6962.DefaultHasher, m, n, raw(p), old[:], root[:]), good, "consistency", m, n, len(p))
	}
	other := proofs.EmptyRoot()
	check(m, n, old, root, p, true)
	check(m, n, other, root, p, false)
	check(m, n, old, other, p, false)
	check(m, n, old, root, append(slices.Clone(p), other), false)
	if m < n {
		check(n, m, root, old, p, false)
	}
	if len(p) > 0 {
		check(m, n, old, root, p[1:], false)
		check(m, n, old, root, p[:len(p)-1], false)
		bad := slices.Clone(p)
		bad[m%uint64(len(p))][0] ^= 1
		check(m, n, old, root, bad, false)
	}
}

// TestBigTreesAgainstPeers: in a tree of equal leaves a node depends on its level alone, so that trees of
// any size can be had.
func TestBigTreesAgainstPeers(t *testing.T) {
	var level [64]proofs.Hash
	level[0] = proofs.LeafHash([]byte("the same"))
	for i := 1; i < len(level); i++ {
		level[i] = proofs.NodeHash(level[i-1], level[i-1])
	}
	nodes := proofs.Nodes(func(l uint, _ uint64) (proofs.Hash, error) { return level[l], nil })
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		n := 2 + r.Uint64N(1<<(2+r.IntN(61))-2)
		m := 1 + r.Uint64N(n-1)
		root, _ := nodes.Root(n)
		old, _ := nodes.Root(m)
		p, err := nodes.Inclusion(m, n)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, proofs.CheckInclusion(level[0], m, n, p, root), proof.VerifyInclusion(rfc6962.DefaultHasher, m, n, level[0][:], raw(p), root[:]), true, "big", m, n)
		if p, err = nodes.Consistency(m, n); err != nil {
			t.Fatal(err)
		}
		consistencies(t, m, n, old, root, p)
	}
}

// TestTileNodesAgainstPeers reads a tree from the tiles that c2sp.org/tlog-tiles wants of it.
func TestTileNodesAgainstPeers(t *testing.T) {
	const size = 70000
	entries, _ := leavesAndNodes(size)
	db := newSumdb(t, entries)
	tiles := map[proofs.Tile][]byte{}
	for _, tile := range proofs.TilesOf(0, size) {
		if tile.Entries {
			continue
		}
		b, err := tlog.ReadTileData(tlog.Tile{H: 8, L: tile.Level, N: int64(tile.Index), W: tile.Width}, db)
		if err != nil {
			t.Fatal(err)
		}
		tiles[tile] = b
	}
	nodes := proofs.TileNodes(size, func(tile proofs.Tile) ([]byte, error) {
		if b, ok := tiles[tile]; ok {
			return b, nil
		}
		return nil, fmt.Errorf("no tile %s", tile.Path())
	})
	for _, n := range []uint64{1, 255, 256, 257, 4096, 65535, 65536, 65537, size - 1, size} {
		want, _ := tlog.TreeHash(int64(n), db)
		if got, err := nodes.Root(n); err != nil || got != proofs.Hash(want) {
			t.Errorf("root of %d: got %s, want %x, %v", n, got, want, err)
		}
		p, err := nodes.Inclusion(n/2, n)
		if want, _ := tlog.ProveRecord(int64(n), int64(n/2), db); err != nil || !same(p, want) {
			t.Errorf("inclusion in %d: %v", n, err)
		}
		p, err = nodes.Consistency(n, size)
		if want, _ := tlog.ProveTree(size, int64(n), db); err != nil || !same(p, want) {
			t.Errorf("consistency of %d: %v", n, err)
		}
	}
}

// signer makes one of the vectors' keys: their seeds are public.
func signer(t testing.TB, label, name string, kind proofs.KeyType) *proofs.MemorySigner {
	seed := sha256.Sum256([]byte("stele vectors 1\n" + label))
	s, err := proofs.NewMemorySigner(name, kind, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// skey writes a private key as x/mod and formats want it.
func skey(k *proofs.Key, label string) string {
	seed := sha256.Sum256([]byte("stele vectors 1\n" + label))
	return fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", k.Name, k.ID(), base64.StdEncoding.EncodeToString(append([]byte{byte(k.Type)}, seed[:]...)))
}

func TestNotesAgainstPeers(t *testing.T) {
	ours := signer(t, "note", "signer.example", proofs.Ed25519Key)
	theirs, err := note.NewSigner(skey(ours.Key(), "note"))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(ours.Key().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one line\n", "an empty line\n\nwithin\n", "\n", "\n\n", "— not a signature\n", "ünï— 🏛\n"} {
		n, err := proofs.SignNote(text, ours)
		if err != nil {
			t.Fatal(err)
		}
		want, err := note.Sign(&note.Note{Text: text}, theirs)
		if err != nil || !bytes.Equal(n.Marshal(), want) {
			t.Errorf("%q: got %q, want %q, %v", text, n.Marshal(), want, err)
		}
		if got, err := note.Open(n.Marshal(), note.VerifierList(verifier)); err != nil || got.Text != text {
			t.Errorf("%q: opened %v, %v", text, got, err)
		}
		if got, err := proofs.ParseNote(want); err != nil || got.Text != text {
			t.Errorf("%q: parsed %v, %v", text, got, err)
		}
	}
}

// TestOurNotesAreNotes: whatever we take for a note is one for x/mod too.
func TestOurNotesAreNotes(t *testing.T) {
	m := gather(t)
	for _, b := range append(m.entries, m.checkpoints...) {
		if _, err := proofs.ParseNote(b); err != nil {
			continue
		}
		var unverified *note.UnverifiedNoteError
		if _, err := note.Open(b, note.VerifierList()); !errors.As(err, &unverified) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

// goodHeads are heads whose checkpoints satisfy their trust files.
func goodHeads(t *testing.T) (trusts []*proofs.Trust, heads []*proofs.Head) {
	for _, v := range vectors(t, "authentic", "not-registered", "quorum-", "map-", "memory-grown", "link-") {
		if v.portal[proofs.HeadPath] == nil || v.verdict == proofs.Unavailable {
			continue
		}
		q, err := v.question()
		if err != nil {
			t.Fatal(err)
		}
		h, err := proofs.ParseHead(v.portal[proofs.HeadPath])
		if err != nil {
			t.Fatal(err)
		}
		trusts, heads = append(trusts, q.Trust), append(heads, h)
	}
	return trusts, heads
}

// TestCosignaturesAgainstPeers: formats verifies every line of ours, torchwood every Ed25519 one.
func TestCosignaturesAgainstPeers(t *testing.T) {
	trusts, heads := goodHeads(t)
	kinds := map[proofs.KeyType]int{}
	for i, h := range heads {
		b := h.Proof.Checkpoint
		n, err := proofs.ParseNote(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range trusts[i].Policy.Witnesses {
			if !slices.ContainsFunc(n.Signatures, func(s proofs.Signature) bool { return s.By(w.Key) }) {
				continue
			}
			kinds[w.Key.Type]++
			for _, v := range peersOf(t, w.Key) {
				if _, err := note.Open(b, note.VerifierList(v)); err != nil {
					t.Errorf("%s by %s (%T): %v", b, w.Name, v, err)
				}
			}
		}
	}
	if kinds[proofs.CosignatureKey] < 10 || kinds[proofs.MLDSA44Key] < 10 {
		t.Errorf("too little compared: %v", kinds)
	}
}

func peersOf(t *testing.T, k *proofs.Key) []note.Verifier {
	f, err := formatsnote.NewVerifierForCosignatureV1(k.String())
	if k.Type == proofs.MLDSA44Key {
		f, err = formatsnote.NewMLDSAVerifier(k.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	if k.Type == proofs.MLDSA44Key {
		return []note.Verifier{f}
	}
	v, err := torchwood.NewCosignatureVerifier(k.String())
	if err != nil {
		t.Fatal(err)
	}
	return []note.Verifier{f, v}
}

// TestTheirCosignaturesHere: and the other way round.
func TestTheirCosignaturesHere(t *testing.T) {
	const origin = "registry.example/ledger"
	log := signer(t, "log "+origin, origin, proofs.Ed25519Key)
	own := signer(t, "own "+origin, origin, proofs.MLDSA44Key)
	witness := signer(t, "peer", "witness.example", proofs.CosignatureKey)
	trust := goodTrust(t)
	trust.PolicyText = []byte("log " + log.Key().String() + "\nwitness own " + own.Key().String() + "\nwitness w " + witness.Key().String() + "\ngroup both all own w\nquorum both\n")
	trust.Witnesses = "w"
	trust, err := proofs.ParseTrust(trust.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	c := proofs.Checkpoint{Origin: origin, Size: 3, Root: proofs.EmptyRoot()}
	first, err := proofs.SignCheckpoint(log, c)
	if err != nil {
		t.Fatal(err)
	}
	seed := sha256.Sum256([]byte("stele vectors 1\npeer"))
	cosigner, err := torchwood.NewCosignatureSigner("witness.example", ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := cosigner.Sign([]byte(c.Text()))
	if err != nil {
		t.Fatal(err)
	}
	when, err := torchwood.CosignatureTimestamp(note.Signature{Name: "witness.example", Hash: cosigner.KeyHash(), Base64: base64.StdEncoding.EncodeToString(append([]byte{0, 0, 0, 0}, sig...))})
	if err != nil {
		t.Fatal(err)
	}
	pq, err := formatsnote.NewMLDSASigner(skey(own.Key(), "own "+origin))
	if err != nil {
		t.Fatal(err)
	}
	pqSig, err := pq.SignSubtree(uint64(when), origin, 0, c.Size, c.Root[:])
	if err != nil {
		t.Fatal(err)
	}
	second := proofs.Signature{Name: origin, ID: pq.KeyHash(), Bytes: pqSig}
	n := &proofs.Note{Text: c.Text(), Signatures: []proofs.Signature{first, second, {Name: "witness.example", ID: cosigner.KeyHash(), Bytes: sig}}}
	signed, err := trust.VerifyCheckpoint(n.Marshal(), when)
	if err != nil || signed.AsOf != when {
		t.Errorf("got %+v, %v, want as of %d", signed, err, when)
	}
	if ours, err := proofs.Cosign(witness, c, when); err != nil || !bytes.Equal(ours.Bytes, sig) {
		t.Errorf("ours %x, torchwood's %x, %v", ours.Bytes, sig, err)
	}
}

// TestProofsAgainstPeers: heads and receipts are tlog-proofs for formats and for torchwood.
func TestProofsAgainstPeers(t *testing.T) {
	compared := 0
	for _, v := range vectors(t, "authentic", "not-registered", "map-split", "receipt-present", "receipt-full", "link-", "quorum-all") {
		q, err := v.question()
		if err != nil {
			t.Fatal(err)
		}
		policy, err := torchwood.ParsePolicy([]byte(ed25519Policy(q.Trust)))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{v.receipt, v.portal[proofs.HeadPath], v.answer(t).Receipt} {
			if b == nil {
				continue
			}
			p, err := proofs.ParseTLogProof(b)
			if err != nil {
				t.Fatal(err)
			}
			compared++
			var f formatsproof.TLogProof
			if err := f.Unmarshal(b); err != nil || !bytes.Equal(f.Marshal(), b) || f.Index != p.Index || !bytes.Equal(f.ExtraData, p.Extra) || !bytes.Equal(f.Checkpoint, p.Checkpoint) {
				t.Errorf("%s: formats: %v", v.name, err)
			}
			if err := torchwood.VerifyProof(policy, tlog.RecordHash(statementOf(t, b)), b); err != nil {
				t.Errorf("%s: torchwood: %v", v.name, err)
			}
			if err := torchwood.VerifyProof(policy, tlog.RecordHash([]byte("another")), b); err == nil {
				t.Errorf("%s: torchwood takes any statement", v.name)
			}
		}
	}
	if compared < 30 {
		t.Errorf("only %d proofs compared", compared)
	}
}

// ed25519Policy is what of a trust file's policy torchwood can check: the log's Ed25519 key, and two witnesses
// of those with Ed25519 keys.
func ed25519Policy(t *proofs.Trust) string {
	s := "log " + t.Policy.Logs[0].Key.String() + "\n"
	members := ""
	for _, w := range t.Policy.Witnesses {
		if w.Key.Type == proofs.CosignatureKey && strings.HasPrefix(w.Name, "witness-") {
			s += "witness " + w.Name + " " + w.Key.String() + "\n"
			members += " " + w.Name
		}
	}
	if members == "" {
		return s + "quorum none\n"
	}
	return s + "group g all" + members + "\nquorum g\n"
}

// statementOf is the index statement of a head or receipt.
func statementOf(t *testing.T, b []byte) []byte {
	if h, err := proofs.ParseHead(b); err == nil {
		return h.Statement
	}
	c, err := proofs.ParseReceipt(b)
	if err != nil {
		t.Fatal(err)
	}
	return c.Statement
}

// TestPoliciesAgainstPeers: random policies and random sets of cosignatures.
func TestPoliciesAgainstPeers(t *testing.T) {
	const origin, time = "registry.example/ledger", 1_800_000_000
	log := signer(t, "log "+origin, origin, proofs.Ed25519Key)
	c := proofs.Checkpoint{Origin: origin, Size: 3, Root: proofs.EmptyRoot()}
	first, err := proofs.SignCheckpoint(log, c)
	if err != nil {
		t.Fatal(err)
	}
	var witnesses []*proofs.MemorySigner
	for i := range 6 {
		witnesses = append(witnesses, signer(t, fmt.Sprint("peer ", i), fmt.Sprintf("w%d.example", i), proofs.CosignatureKey))
	}
	r := rand.New(rand.NewPCG(5, 6))
	met := 0
	for range 300 {
		text := randomPolicy(r, log, witnesses)
		p, err := proofs.ParsePolicy([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		n := &proofs.Note{Text: c.Text(), Signatures: []proofs.Signature{first}}
		signed := r.Uint32()
		for i, w := range witnesses {
			if signed>>i&1 == 1 {
				s, err := proofs.Cosign(w, c, time)
				if err != nil {
					t.Fatal(err)
				}
				n.Signatures = append(n.Signatures, s)
			}
		}
		ours := p.Met(p.Quorum, func(i int) bool { return signed>>i&1 == 1 })
		g, err := formatswitness.ParsePolicy([]byte(text))
		if err != nil {
			t.Fatalf("formats: %s: %v", text, err)
		}
		tp, err := torchwood.ParsePolicy([]byte(text))
		if err != nil {
			t.Fatalf("torchwood: %s: %v", text, err)
		}
		_, _, err = torchwood.VerifyCheckpoint(n.Marshal(), tp)
		if theirs := g.Satisfied(n.Marshal()); theirs != ours || (err == nil) != ours {
			t.Errorf("%s signed by %06b: ours %v, formats %v, torchwood %v", text, signed&63, ours, theirs, err)
		}
		if ours {
			met++
		}
	}
	if met < 50 || met > 250 {
		t.Errorf("%d of 300 policies met: too one-sided", met)
	}
}

// randomPolicy groups witnesses at random, each name in one group at most.
func randomPolicy(r *rand.Rand, log *proofs.MemorySigner, witnesses []*proofs.MemorySigner) string {
	s := "log " + log.Key().String() + "\n"
	var free []string
	for i, w := range witnesses {
		name := fmt.Sprintf("w%d", i)
		s += "witness " + name + " " + w.Key().String() + " https://" + w.Key().Name + "/\n"
		free = append(free, name)
	}
	for g := 0; len(free) > 1 && g < 4; g++ {
		r.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
		n := 1 + r.IntN(len(free))
		k := []string{"any", "all", fmt.Sprint(1 + r.IntN(n))}[r.IntN(3)]
		s += fmt.Sprintf("group g%d %s %s\n", g, k, strings.Join(free[:n], " "))
		free = append(free[n:], fmt.Sprintf("g%d", g))
	}
	return s + "quorum " + free[len(free)-1] + "\n"
}

// TestPolicyFormsAgainstPeers: what a policy may look like, of another ledger than ours. Where a peer differs from the specification, its
// line says so: torchwood and formats take `#` anywhere for a comment, do not look at names twice, at line ends or at control characters, and split at Unicode's spaces
// too; torchwood wants every log; and knows no keys of type 0x06; formats wants a URL for every witness,
// reads no logs, and takes a log's key for a witness's.
func TestPolicyFormsAgainstPeers(t *testing.T) {
	log := signer(t, "form log", "other.example/log", proofs.Ed25519Key).Key().String()
	log2 := signer(t, "form log 2", "second.example/log", proofs.MLDSA44Key).Key().String()
	one, two := signer(t, "form 1", "w1.example", proofs.CosignatureKey).Key().String(), signer(t, "form 2", "w2.example", proofs.CosignatureKey).Key().String()
	quantum := signer(t, "form 3", "w3.example", proofs.MLDSA44Key).Key().String()
	same := signer(t, "form 1", "w1-again.example", proofs.CosignatureKey).Key().String()
	pair := "witness one " + one + " https://one.example/\nwitness two " + two + " https://two.example/w\n"
	const ours, torch, formats = 1, 2, 4
	for name, c := range map[string]struct {
		text string
		take int // who takes it
	}{
		"plain":               {"log " + log + "\n" + pair + "group g 2 one two\nquorum g\n", ours | torch | formats},
		"nested":              {"log " + log + "\n" + pair + "group g any one\ngroup h all g two\nquorum h\n", ours | torch | formats},
		"nobody":              {"quorum none\n", ours | torch | formats},
		"log with URL":        {"log " + log + " https://log.example/\nquorum none\n", ours | torch | formats},
		"tabs and spaces":     {"\tlog\t" + log + " \n \t\nwitness  one\t" + one + "\thttps://one.example/ \nquorum \tone\n", ours | torch | formats},
		"comments":            {"# who\n  # looks\n" + pair + "quorum one\n#\n", ours | torch | formats},
		"any order":           {pair + "log " + log + "\ngroup g any one two\nquorum g\n", ours | torch | formats},
		"quorum in between":   {pair + "quorum one\nlog " + log + "\n", ours | torch | formats},
		"names like keywords": {strings.ReplaceAll(pair, "witness one", "witness log") + "group g any log two\nquorum g\n", ours | torch},
		"names beyond ASCII":  {strings.ReplaceAll(pair, "witness one", "witness zürich") + "quorum zürich\n", ours | torch | formats},
		"names not in UTF-8":  {strings.ReplaceAll(pair, "witness one", "witness \xff\xfe") + "quorum \xff\xfe\n", ours | torch | formats},
		"a name with #":       {strings.ReplaceAll(pair, "witness one", "witness o#e") + "quorum o#e\n", ours},
		"no URL":              {"witness one " + one + "\nquorum one\n", ours | torch},
		"post-quantum":        {"log " + log2 + "\nwitness three " + quantum + " https://three.example/\nquorum three\n", ours | formats},

		"no newline at the end":  {pair + "quorum one", torch | formats},
		"carriage returns":       {strings.ReplaceAll(pair+"quorum one\n", "\n", "\r\n"), torch | formats},
		"nothing":                {"", 0},
		"no quorum":              {pair, 0},
		"quorum twice":           {pair + "quorum one\nquorum two\n", formats},
		"quorum unknown":         {pair + "quorum three\n", 0},
		"quorum before":          {"quorum one\n" + pair, torch | formats},
		"group before":           {"group g any one two\n" + pair + "quorum g\n", 0},
		"group of none":          {pair + "group g any none\nquorum g\n", 0},
		"group of itself":        {pair + "group g any g\nquorum g\n", 0},
		"group without members":  {pair + "group g all\nquorum g\n", formats},
		"threshold 0":            {pair + "group g 0 one two\nquorum g\n", formats},
		"threshold over members": {pair + "group g 3 one two\nquorum g\n", 0},
		"threshold 02":           {pair + "group g 02 one two\nquorum g\n", torch | formats},
		"threshold +2":           {pair + "group g +2 one two\nquorum g\n", torch},
		"member twice":           {pair + "group g 2 one one\nquorum g\n", torch | formats},
		"member of two groups":   {pair + "group g any one\ngroup h 2 g one\nquorum h\n", torch | formats},
		"name twice":             {pair + "witness one " + two + " https://x.example/\nquorum one\n", 0},
		"group named as witness": {pair + "group one any two\nquorum one\n", 0},
		"named none":             {strings.ReplaceAll(pair, "witness one", "witness none") + "quorum two\n", torch},
		"key twice":              {pair + "witness three " + one + " https://x.example/\nquorum one\n", torch | formats},
		"key twice, other name":  {pair + "witness three " + same + " https://x.example/\nquorum one\n", torch | formats},
		"log twice":              {"log " + log + "\nlog " + log + "\nquorum none\n", torch | formats},
		"log key as witness":     {"witness one " + log + " https://x.example/\nquorum one\n", formats},
		"witness key as log":     {"log " + one + "\nquorum none\n", formats},
		"key ID":                 {"witness one " + strings.Replace(one, "+", "+0", 1) + " https://x.example/\nquorum one\n", 0},
		"four items":             {"witness one " + one + " https://x.example/ more\nquorum one\n", torch},
		"unknown word":           {pair + "wellness one\nquorum one\n", 0},
		"control character":      {pair + "# \x07\nquorum one\n", torch | formats},
		"no-break space":         {"witness\u00a0one " + one + " https://one.example/\nquorum one\n", torch | formats},
	} {
		take := 0
		if _, err := proofs.ParsePolicy([]byte(c.text)); err == nil {
			take |= ours
		}
		if _, err := torchwood.ParsePolicy([]byte(c.text)); err == nil {
			take |= torch
		}
		if _, err := formatswitness.ParsePolicy([]byte(c.text)); err == nil {
			take |= formats
		}
		if take != c.take {
			t.Errorf("%s: taken by %03b, want %03b (ours 1, torchwood 2, formats 4)", name, take, c.take)
		}
	}
}
