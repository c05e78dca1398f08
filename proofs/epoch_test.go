package proofs_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"

	"stele/proofs"
)

const (
	epochOrigin = "epochs.example/ledger"
	rootName    = "epochs.example/root"
	indexName   = "epochs.example/publication"
	epochNow    = 1_800_000_000
)

func memorySigner(t testing.TB, name string, kind proofs.KeyType, label string) *proofs.MemorySigner {
	t.Helper()
	seed := sha256.Sum256([]byte(label))
	s, err := proofs.NewMemorySigner(name, kind, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keysOf are one epoch's keys, each made of the epoch's label.
type keysOf struct {
	log, own, publication, officer *proofs.MemorySigner
	root                           []*proofs.MemorySigner // in the trust file's order
}

func newKeys(t testing.TB, label string) *keysOf {
	k := &keysOf{
		log:         memorySigner(t, epochOrigin, proofs.Ed25519Key, label+"log"),
		own:         memorySigner(t, epochOrigin, proofs.MLDSA44Key, label+"own"),
		publication: memorySigner(t, indexName, proofs.Ed25519Key, label+"publication"),
		officer:     memorySigner(t, "officer.example", proofs.CosignatureKey, label+"officer"),
	}
	for _, n := range []string{"1", "2"} {
		k.root = append(k.root, memorySigner(t, rootName, proofs.Ed25519Key, label+"root"+n))
	}
	slices.SortFunc(k.root, func(a, b *proofs.MemorySigner) int { return strings.Compare(a.Key().String(), b.Key().String()) })
	return k
}

// use puts the keys into a trust file.
func (k *keysOf) use(t testing.TB, f *proofs.Trust) *proofs.Trust {
	t.Helper()
	f.RootThreshold, f.RootKeys, f.Publication = 2, []*proofs.Key{k.root[0].Key(), k.root[1].Key()}, k.publication.Key()
	f.PolicyText = []byte("log " + k.log.Key().String() + "\nwitness own " + k.own.Key().String() + "\nwitness officer " + k.officer.Key().String() +
		"\ngroup both all own officer\nquorum both\n")
	parsed, err := proofs.ParseTrust(f.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// sign returns a checkpoint with every line of the epoch.
func (k *keysOf) sign(t testing.TB, c proofs.Checkpoint, time int64) []byte {
	t.Helper()
	line, err := proofs.SignCheckpoint(k.log, c)
	if err != nil {
		t.Fatal(err)
	}
	n := &proofs.Note{Text: c.Text(), Signatures: []proofs.Signature{line}}
	for _, s := range []proofs.Signer{k.own, k.officer} {
		if line, err = proofs.Cosign(s, c, time); err != nil {
			t.Fatal(err)
		}
		n.Signatures = append(n.Signatures, line)
	}
	return n.Marshal()
}

func signed(t testing.TB, s *proofs.Statement, signers ...*proofs.MemorySigner) []byte {
	t.Helper()
	s.Registry = epochOrigin
	var all []proofs.Signer
	for _, k := range signers {
		all = append(all, k)
	}
	n, err := proofs.SignNote(s.Text(), all...)
	if err != nil {
		t.Fatal(err)
	}
	return n.Marshal()
}

// A growingTree is a ledger's tree, of entries in memory.
type growingTree [][]byte

func (g growingTree) nodes() proofs.Nodes {
	var node proofs.Nodes
	node = func(level uint, i uint64) (proofs.Hash, error) {
		if level == 0 {
			return proofs.LeafHash(g[i]), nil
		}
		l, _ := node(level-1, 2*i)
		r, _ := node(level-1, 2*i+1)
		return proofs.NodeHash(l, r), nil
	}
	return node
}

func (g growingTree) at(t testing.TB, size int) proofs.Checkpoint {
	t.Helper()
	root, err := g.nodes().Root(uint64(size))
	if err != nil {
		t.Fatal(err)
	}
	return proofs.Checkpoint{Origin: epochOrigin, Size: uint64(size), Root: root}
}

// A change is an epoch's end: everything that a handover is made of.
type change struct {
	t         testing.TB
	old, new  *keysOf
	before    *proofs.Trust
	next      *proofs.Trust
	tree      growingTree // up to the end, the trust statement and the index statement after it
	statement *proofs.Statement
	signers   []*proofs.MemorySigner
	place     int // of the trust statement
	time      int64
}

const epochEnd = 5 // the size of the ledger when the first epoch ends

func newChange(t testing.TB) *change {
	c := &change{t: t, old: newKeys(t, "old"), new: newKeys(t, "new"), place: epochEnd, time: epochNow}
	c.before = c.old.use(t, &proofs.Trust{Origin: epochOrigin, Epoch: 1, Title: "Epochs", StaleAfter: 3600, ApprovalAge: 3600, Officers: "officer", Witnesses: "none"})
	for i := range epochEnd {
		c.tree = append(c.tree, []byte{byte(i)})
	}
	c.next = c.new.use(t, c.before.Successor(c.tree.at(t, epochEnd)))
	c.statement = &proofs.Statement{Action: proofs.ActionTrust, Issuer: rootName, Digest: c.next.ID(), Epoch: 2}
	c.signers = c.old.root
	return c
}

// handover makes the file of what the change says.
func (c *change) handover() *proofs.Handover {
	entry := signed(c.t, c.statement, c.signers...)
	tree := append(slices.Clone(c.tree), entry, []byte("the index statement"))
	size := len(tree)
	h := &proofs.Handover{Statement: entry}
	h.Proof.Index = uint64(c.place)
	h.Proof.Checkpoint = c.old.sign(c.t, tree.at(c.t, size), c.time)
	h.Proof.Proof, _ = tree.nodes().Inclusion(uint64(size-2), uint64(size))
	h.Growth, _ = tree.nodes().Consistency(c.next.FinalSize, uint64(size))
	return h
}

func (c *change) follow(h *proofs.Handover) error {
	got, err := c.before.Follow(c.next.Marshal(), h.Marshal(), epochNow)
	if err == nil && got.ID() != c.next.ID() {
		c.t.Errorf("followed to %s, want %s", got.ID(), c.next.ID())
	}
	return err
}

func TestFollow(t *testing.T) {
	c := newChange(t)
	if err := c.follow(c.handover()); err != nil {
		t.Fatal(err)
	}
	if err := c.before.Precedes(c.next); err != nil {
		t.Error(err)
	}
	third := c.next.Successor(c.tree.at(t, 5))
	third.FinalSize, third.Eras[1].Last = 9, 9
	third = c.old.use(t, third)
	if err := c.next.CheckSuccessor(third); err != nil {
		t.Errorf("the third of three: %v", err)
	}
	for place, want := range map[uint64]*proofs.Key{0: c.old.publication.Key(), 5: c.old.publication.Key(), 6: c.new.publication.Key(), 9: c.new.publication.Key(), 10: c.old.publication.Key()} {
		if got := third.Ruling(place).Publication; !got.Equal(want) {
			t.Errorf("place %d: ruled by %s, want %s", place, got, want)
		}
	}
}

// TestFollowNot breaks one thing after the other: each is refused, and none is mistaken for another kind of failure.
func TestFollowNot(t *testing.T) {
	insufficient, unverifiedErr := &proofs.InsufficientError{}, &proofs.UnverifiedError{}
	for name, want := range map[string]error{
		"no officer": insufficient, "in the future": &proofs.FutureError{}, "new log": insufficient, "other registry": &proofs.OtherRegistryError{},
		"other place": unverifiedErr, "later": unverifiedErr, "growth": unverifiedErr, "inclusion": unverifiedErr,
		"one root key": &proofs.OtherEpochError{}, "new root": &proofs.OtherEpochError{}, "other digest": unverifiedErr, "other epoch": unverifiedErr, "other action": unverifiedErr,
		"other previous": unverifiedErr, "other final": unverifiedErr, "trust digits": &proofs.MalformedError{}, "handover cut": &proofs.MalformedError{},
	} {
		c := newChange(t)
		err := c.broken(name)
		if target := want; err == nil || !sameType(err, target) {
			t.Errorf("%s: got %v, want a %T", name, err, target)
		}
	}
}

func sameType(err, target error) bool {
	switch target.(type) {
	case *proofs.InsufficientError:
		var e *proofs.InsufficientError
		return errors.As(err, &e)
	case *proofs.UnverifiedError:
		var e *proofs.UnverifiedError
		return errors.As(err, &e)
	case *proofs.FutureError:
		var e *proofs.FutureError
		return errors.As(err, &e)
	case *proofs.OtherRegistryError:
		var e *proofs.OtherRegistryError
		return errors.As(err, &e)
	case *proofs.OtherEpochError:
		var e *proofs.OtherEpochError
		return errors.As(err, &e)
	}
	var e *proofs.MalformedError
	return errors.As(err, &e)
}

// broken follows what is wrong in the way of its name.
func (c *change) broken(name string) error {
	switch name {
	case "in the future":
		c.time = epochNow + 1000
	case "one root key":
		c.signers = c.old.root[:1]
	case "new root":
		c.signers = c.new.root
	case "other digest":
		c.statement.Digest[0] ^= 1
	case "other epoch":
		c.statement.Epoch = 3
	case "other action":
		c.statement = &proofs.Statement{Action: proofs.ActionRollover, Issuer: rootName, NextRegistry: "other.example/ledger", Digest: c.next.ID()}
	case "other place":
		c.place--
	case "later":
		c.tree = append(c.tree, []byte("one more"))
		c.place++
	case "other registry":
		c.next.Origin = "other.example/ledger"
		c.next.PolicyText = bytes.ReplaceAll(c.next.PolicyText, []byte(epochOrigin), []byte(c.next.Origin))
		return c.before.CheckSuccessor(c.next)
	}
	h := c.handover()
	switch name {
	case "no officer":
		n, _ := proofs.ParseNote(h.Proof.Checkpoint)
		n.Signatures = n.Signatures[:2]
		h.Proof.Checkpoint = n.Marshal()
	case "new log":
		cp, _, _ := proofs.ParseCheckpoint(h.Proof.Checkpoint)
		h.Proof.Checkpoint = c.new.sign(c.t, cp, c.time)
	case "growth":
		h.Growth[0][0] ^= 1
	case "inclusion":
		h.Proof.Proof[0][0] ^= 1
	case "other previous":
		c.next.Previous[0] ^= 1
	case "other final":
		c.next.FinalRoot[0] ^= 1
	case "trust digits":
		c.next.Title = " "
	case "handover cut":
		b := h.Marshal()
		_, err := c.before.Follow(c.next.Marshal(), b[:len(b)/3], epochNow)
		return err
	}
	return c.follow(h)
}

// TestSuccessors: what a trust file cannot say of the one before it.
func TestSuccessors(t *testing.T) {
	for name, change := range map[string]func(c *change){
		"epoch":       func(c *change) { c.next.Epoch++ },
		"root name":   func(c *change) { c.next.RootKeys[0].Name, c.next.RootKeys[1].Name = "other.example", "other.example" },
		"publication": func(c *change) { c.next.Publication.Name = "other.example" },
		"demo":        func(c *change) { c.next.Demo = true },
		"era's end":   func(c *change) { c.next.Eras[0].Last++ },
		"era's keys":  func(c *change) { c.next.Eras[0].Publication = c.new.publication.Key() },
		"era's k":     func(c *change) { c.next.Eras[0].RootThreshold = 1 },
		"no era":      func(c *change) { c.next.Eras = nil },
		"first epoch": func(c *change) { c.next.Previous = nil },
	} {
		c := newChange(t)
		change(c)
		if err := c.before.CheckSuccessor(c.next); err == nil {
			t.Errorf("%s: is taken", name)
		}
	}
}

// TestErasOfATrustFile: what ParseTrust refuses.
func TestErasOfATrustFile(t *testing.T) {
	c := newChange(t)
	good := string(c.next.Marshal())
	era := good[strings.Index(good, "era "):strings.Index(good, "title ")]
	for name, bad := range map[string]string{
		"no era":        strings.Replace(good, era, "", 1),
		"two eras":      strings.Replace(good, era, era+era, 1),
		"another end":   strings.Replace(good, "era 5\n", "era 4\n", 1),
		"no root":       strings.Replace(good, "era-root 2\n", "era-root 0\n", 1),
		"three of two":  strings.Replace(good, "era-root 2\n", "era-root 3\n", 1),
		"a log key":     strings.Replace(good, "era-publication "+c.old.publication.Key().String(), "era-publication "+c.old.officer.Key().String(), 1),
		"another name":  strings.Replace(good, "era-publication "+c.old.publication.Key().String(), "era-publication "+c.old.root[0].Key().String(), 1),
		"out of order":  strings.Replace(good, "era 5\nera-root 2\n", "era-root 2\nera 5\n", 1),
		"in the first":  strings.Replace(string(c.before.Marshal()), "title ", era+"title ", 1),
		"behind title":  strings.Replace(good, era+"title Epochs\n", "title Epochs\n"+era, 1),
		"a key missing": strings.Replace(good, "era-root-key "+c.old.root[0].Key().String()+"\n", "", 1),
	} {
		if bad == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := proofs.ParseTrust([]byte(bad)); err == nil {
			t.Errorf("%s: is taken", name)
		}
	}
}

// TestAuthoriseByEra: each root and publication key speaks in its own part of the ledger.
func TestAuthoriseByEra(t *testing.T) {
	c := newChange(t)
	index := func(place uint64) *proofs.Statement {
		return &proofs.Statement{Action: proofs.ActionIndex, Issuer: indexName, Index: &proofs.Index{Publication: 1, Covers: place, Time: epochNow}}
	}
	withdraw := &proofs.Statement{Action: proofs.ActionWithdraw, Issuer: rootName, Authority: "office.example", After: new(proofs.Hash)}
	for _, place := range []uint64{0, epochEnd, epochEnd + 1, 1 << 40} {
		for _, k := range []*keysOf{c.old, c.new} {
			want := (k == c.old) == (place <= epochEnd)
			for what, entry := range map[string][]byte{
				"root":        signed(t, withdraw, k.root...),
				"publication": signed(t, index(place), k.publication),
			} {
				if _, err := c.next.Authorise(nil, place, entry); (err == nil) != want {
					t.Errorf("%s at %d, old keys %v: got %v", what, place, k == c.old, err)
				}
			}
		}
	}
}

// TestExamine: the same judgement as VerifyCheckpoint, with what is there and what is missing.
func TestExamine(t *testing.T) {
	c := newChange(t)
	full, _ := proofs.ParseNote(c.old.sign(t, c.tree.at(t, epochEnd), epochNow))
	for lines, want := range map[string]string{"": "", "log": "officers", "log own": "officers", "log officer": "quorum", "own officer": "Ed25519"} {
		n := &proofs.Note{Text: full.Text}
		for i, name := range []string{"log", "own", "officer"} {
			if lines == "" || strings.Contains(lines, name) {
				n.Signatures = append(n.Signatures, full.Signatures[i])
			}
		}
		s, missing, err := c.before.Examine(n.Marshal(), epochNow)
		if err != nil || len(s.Signers) != len(n.Signatures) || !strings.Contains(missing, want) || (missing == "") != (want == "") {
			t.Errorf("%q: got %d signers, %q, %v, want %q", lines, len(s.Signers), missing, err, want)
		}
		if _, err := c.before.VerifyCheckpoint(n.Marshal(), epochNow); (err == nil) != (missing == "") {
			t.Errorf("%q: VerifyCheckpoint says %v, Examine %q", lines, err, missing)
		}
	}
	early := c.old.sign(t, c.tree.at(t, epochEnd-1), epochNow)
	var other *proofs.OtherEpochError
	if _, _, err := c.next.Examine(early, epochNow); !errors.As(err, &other) || other.Epoch != 1 {
		t.Errorf("a checkpoint of the first epoch: got %v", err)
	}
}
