package main

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"filippo.io/mldsa"

	"stele/build/index"
	"stele/proofs"
)

const (
	seed   = "stele vectors 1\n" // every key is SHA-256(seed ‖ its label)
	origin = "registry.example/ledger"

	start = 1_800_000_000 // 2027-01-15T08:00:00Z, the first publication
	hour  = 3600          // seconds
	day   = 24 * hour

	staleAfter  = day
	approvalAge = 7 * day
)

// A signer signs the same message always with the same bytes: ML-DSA-44 by FIPS 204's deterministic
// variant, where package proofs takes the hedged one.
type signer struct {
	*proofs.MemorySigner
	mldsa *mldsa.PrivateKey
}

func newSigner(label, name string, t proofs.KeyType) *signer {
	xi := sha256.Sum256([]byte(seed + label))
	m, err := proofs.NewMemorySigner(name, t, xi[:])
	check(err)
	s := &signer{MemorySigner: m}
	if t == proofs.MLDSA44Key {
		s.mldsa, err = mldsa.NewPrivateKey(mldsa.MLDSA44(), xi[:])
		check(err)
	}
	return s
}

func (s *signer) Sign(message []byte) ([]byte, error) {
	if s.mldsa != nil {
		return s.mldsa.SignDeterministic(message, nil)
	}
	return s.MemorySigner.Sign(message)
}

// check ends the generator: nothing that it makes can fail but by a mistake in it.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// A cosigner is a key of the policy beside the log's Ed25519 one.
type cosigner struct {
	label string
	*signer
}

// A registry is a whole registry in memory.
type registry struct {
	trust       *proofs.Trust
	log         *signer
	cosigners   []cosigner // "own" first
	publication *signer
	root        []*signer // in the trust file's order

	store    *index.Memory
	ledger   *index.Ledger
	entries  [][]byte
	leaves   []proofs.Hash
	sizes    []uint64 // of the publications
	views    []*view  // likewise
	lie      []uint64 // what the next head names instead of the publications' sizes
	accounts map[string]proofs.Hash
	files    map[string][]byte // trust files and handovers, by their paths
}

// newDemo is the smallest registry: a single office, one root key, no officers, no witnesses.
func newDemo() *registry {
	return newRegistry(origin, 1, 1, "none", "none", nil)
}

// A cosignerOf says which type of key a cosigner has.
type cosignerOf struct {
	label string
	t     proofs.KeyType
}

// newState is a registry with root keys 2 of 3, officers 2 of 3 and witnesses 2 of 3, of mixed key types.
func newState() *registry {
	return newSigned([]cosignerOf{{"officer-1", proofs.MLDSA44Key}, {"officer-2", proofs.CosignatureKey}, {"officer-3", proofs.CosignatureKey},
		{"witness-1", proofs.MLDSA44Key}, {"witness-2", proofs.CosignatureKey}, {"witness-3", proofs.CosignatureKey}})
}

// newCrowd is a registry with the heaviest signatures that are to be expected: three officers with ML-DSA-44, and five witnesses of
// whom two have it too.
func newCrowd() *registry {
	return newSigned([]cosignerOf{{"officer-1", proofs.MLDSA44Key}, {"officer-2", proofs.MLDSA44Key}, {"officer-3", proofs.MLDSA44Key},
		{"witness-1", proofs.CosignatureKey}, {"witness-2", proofs.CosignatureKey}, {"witness-3", proofs.CosignatureKey},
		{"witness-4", proofs.MLDSA44Key}, {"witness-5", proofs.MLDSA44Key}})
}

func newSigned(all []cosignerOf) *registry {
	var cs []cosigner
	for _, c := range all {
		cs = append(cs, cosigner{c.label, newSigner(c.label, c.label+".example", c.t)})
	}
	return newRegistry(origin, 3, 2, "officers", "witnesses", cs)
}

func newRegistry(origin string, roots, threshold int, officers, witnesses string, cs []cosigner) *registry {
	r := &registry{
		log:         newSigner("log "+origin, origin, proofs.Ed25519Key),
		publication: newSigner("publication", "registry.example/publication", proofs.Ed25519Key),
		store:       index.NewMemory(),
		accounts:    map[string]proofs.Hash{},
		files:       map[string][]byte{},
	}
	own := cosigner{"own", newSigner("own "+origin, origin, proofs.MLDSA44Key)}
	r.cosigners = append([]cosigner{own}, cs...)
	r.root = newRoot("", roots)
	t := &proofs.Trust{Origin: origin, Epoch: 1, Title: "Registry of Examples", Demo: len(cs) == 0, RootThreshold: threshold,
		StaleAfter: staleAfter, ApprovalAge: approvalAge, Officers: officers, Witnesses: witnesses}
	r.nameKeys(t)
	r.useTrust(t)
	var err error
	r.ledger, err = index.Open(r.trust, r.store, index.Empty())
	check(err)
	return r
}

// reopen goes on with the index under the trust file in force.
func (r *registry) reopen() {
	state := r.ledger.State()
	var err error
	r.ledger, err = index.Open(r.trust, r.store, &state)
	check(err)
}

// newRoot makes root keys, in the trust file's order.
func newRoot(label string, n int) []*signer {
	var root []*signer
	for i := range n {
		root = append(root, newSigner(fmt.Sprintf("%sroot %d", label, i+1), rootName, proofs.Ed25519Key))
	}
	slices.SortFunc(root, func(a, b *signer) int { return strings.Compare(a.Key().String(), b.Key().String()) })
	return root
}

// nameKeys puts the registry's keys into a trust file.
func (r *registry) nameKeys(t *proofs.Trust) {
	t.RootKeys = nil
	for _, k := range r.root {
		t.RootKeys = append(t.RootKeys, k.Key())
	}
	t.Publication, t.PolicyText = r.publication.Key(), policyText(r.log, r.cosigners)
}

// useTrust puts a changed trust file into force.
func (r *registry) useTrust(t *proofs.Trust) {
	var err error
	r.trust, err = proofs.ParseTrust(t.Marshal())
	check(err)
}

func policyText(log *signer, cs []cosigner) []byte {
	s := "log " + log.Key().String() + "\n"
	members := map[string]string{}
	for _, c := range cs {
		s += "witness " + c.label + " " + c.Key().String() + "\n"
		members[c.label[:len(c.label)-1]] += " " + c.label
	}
	if len(cs) == 1 {
		return []byte(s + "quorum own\n")
	}
	return []byte(s + "group officers 2" + members["officer-"] + "\ngroup witnesses 2" + members["witness-"] +
		"\ngroup everybody all own officers witnesses\nquorum everybody\n")
}

// say appends a statement with one signature a signer and returns its leaf hash.
func (r *registry) say(s *proofs.Statement, signers ...*signer) proofs.Hash {
	s.Registry = r.trust.Origin
	return r.sayText(s.Text(), signers...)
}

func (r *registry) sayText(text string, signers ...*signer) proofs.Hash {
	return r.append(noteOf(text, signers...))
}

func noteOf(text string, signers ...*signer) []byte {
	n := &proofs.Note{Text: text}
	for _, s := range signers {
		one, err := proofs.SignNote(text, s)
		check(err)
		n.Signatures = append(n.Signatures, one.Signatures...)
	}
	return n.Marshal()
}

func (r *registry) append(entry []byte) proofs.Hash {
	r.entries = append(r.entries, entry)
	r.leaves = append(r.leaves, proofs.LeafHash(entry))
	r.ledger.Add(entry)
	return proofs.LeafHash(entry)
}

// place is where the next entry will stand.
func (r *registry) place() uint64 { return uint64(len(r.entries)) }

// rootSigners are as many root keys as are needed.
func (r *registry) rootSigners() []*signer { return r.root[:r.trust.RootThreshold] }

// nodes reads the ledger's tree.
func (r *registry) nodes() proofs.Nodes {
	var node proofs.Nodes
	node = func(level uint, i uint64) (proofs.Hash, error) {
		if level == 0 {
			return r.leaves[i], nil
		}
		left, _ := node(level-1, 2*i)
		right, _ := node(level-1, 2*i+1)
		return proofs.NodeHash(left, right), nil
	}
	return node
}

// publish appends the index statement of everything said so far and signs with all keys at that time.
func (r *registry) publish(time int64) *view {
	x, err := r.ledger.Prepare(time)
	check(err)
	return r.publishIndex(x, r.ledger.State().RootTile)
}

// publishIndex publishes an index statement, whether or not it is true.
func (r *registry) publishIndex(x *proofs.Index, rootTile []byte) *view {
	x.Tree, _ = r.nodes().Root(r.place())
	x.Sizes = proofs.SizesHash(r.listed(x.Publication))
	statement := &proofs.Statement{Action: proofs.ActionIndex, Issuer: r.publication.Key().Name, Index: x}
	r.say(statement, r.publication)
	size := r.place()
	root, _ := r.nodes().Root(size)
	v := &view{r: r, cp: proofs.Checkpoint{Origin: r.trust.Origin, Size: size, Root: root}, time: x.Time, over: map[string][]byte{}}
	v.head.RootTile = rootTile
	v.head.Statement = r.entries[size-1]
	v.head.Proof.Index = size - 1
	v.head.Proof.Proof, _ = r.nodes().Inclusion(size-1, size)
	for _, old := range r.listed(x.Publication) {
		v.head.Consistency = append(v.head.Consistency, r.oldSize(old, size))
	}
	r.sizes = append(r.sizes, size)
	v = v.signedAt(x.Time)
	r.views = append(r.views, v)
	return v
}

// listed are the sizes that the head of a publication names.
func (r *registry) listed(publication uint64) []uint64 {
	if r.lie != nil {
		return r.lie
	}
	var sizes []uint64
	for _, n := range proofs.PublicationList(publication) {
		sizes = append(sizes, r.sizes[n-1])
	}
	return sizes
}

func (r *registry) oldSize(old, size uint64) proofs.OldSize {
	o := proofs.OldSize{Size: old}
	o.Root, _ = r.nodes().Root(old)
	o.Proof, _ = r.nodes().Consistency(old, size)
	return o
}

// A view is what a portal shows of a registry after one publication.
type view struct {
	r    *registry
	cp   proofs.Checkpoint
	time int64 // when it was signed last
	head proofs.Head
	over map[string][]byte // files that differ from the registry's own; nil ones cannot be read
}

// signedAt signs the checkpoint with every key at one time.
func (v *view) signedAt(time int64) *view {
	times := map[string]int64{}
	for _, c := range v.r.cosigners {
		times[c.label] = time
	}
	return v.signed(times)
}

// signed signs the checkpoint with the log's Ed25519 key and the cosigners that have a time.
func (v *view) signed(times map[string]int64) *view {
	line, err := proofs.SignCheckpoint(v.r.log, v.cp)
	check(err)
	w := *v
	for _, t := range times {
		w.time = max(w.time, t)
	}
	lines := []proofs.Signature{line}
	for _, c := range v.r.cosigners {
		if t, ok := times[c.label]; ok {
			line, err := proofs.Cosign(c, v.cp, t)
			check(err)
			lines = append(lines, line)
		}
	}
	return w.withLines(lines)
}

func (v *view) withLines(lines []proofs.Signature) *view {
	n := &proofs.Note{Text: v.cp.Text(), Signatures: lines}
	return v.withCheckpoint(n.Marshal())
}

func (v *view) withCheckpoint(note []byte) *view {
	w := *v
	w.over = maps.Clone(v.over)
	w.head.Proof.Checkpoint = note
	return &w
}

// lines are the signature lines of the checkpoint.
func (v *view) lines() []proofs.Signature {
	n, err := proofs.ParseNote(v.head.Proof.Checkpoint)
	check(err)
	return n.Signatures
}

// with changes one file of the portal; nil makes it unreadable.
func (v *view) with(path string, b []byte) *view {
	w := *v
	w.over = maps.Clone(v.over)
	w.over[path] = b
	return &w
}

// file reads what the portal serves.
func (v *view) file(path string) ([]byte, bool) {
	if b, ok := v.over[path]; ok {
		return b, b != nil
	}
	if path == proofs.HeadPath {
		return v.head.Marshal(), true
	}
	if b, ok := v.r.files[path]; ok || strings.HasPrefix(path, "trust/") {
		return b, ok
	}
	h, err := proofs.ParseHash(path[len("index/ab/"):])
	check(err)
	b, err := v.r.store.Get(h)
	check(err)
	return b, true
}
