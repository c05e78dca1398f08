package proofs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"stele/proofs"
)

// forked is the tree with another last entry before a size.
func (g growingTree) forked(at int) growingTree {
	other := slices.Clone(g)
	other[at-1] = []byte("another entry")
	return other
}

// forkOf makes the evidence that two trees of one registry differ at the size of one.
func forkOf(t testing.TB, one, other *keysOf, tree growingTree, at, size int) []byte {
	t.Helper()
	left, right := tree, tree.forked(at)
	growth, err := right.nodes().Consistency(uint64(at), uint64(size))
	if err != nil {
		t.Fatal(err)
	}
	return proofs.FormatFork(one.sign(t, left.at(t, at), epochNow), other.sign(t, right.at(t, size), epochNow), right.at(t, at).Root, growth)
}

// longer is the change's tree, and ten entries after it.
func (c *change) longer() growingTree {
	tree := slices.Clone(c.tree)
	for i := range 10 {
		tree = append(tree, []byte{byte(i), 1})
	}
	return tree
}

func TestFork(t *testing.T) {
	c := newChange(t)
	tree := c.longer()
	first, second := []*proofs.Trust{}, []*proofs.Trust{c.before}
	for name, x := range map[string]struct {
		by      *proofs.Trust
		earlier []*proofs.Trust
		file    []byte
		size    uint64
		epochs  [2]uint64
	}{
		"of one size":           {c.before, first, forkOf(t, c.old, c.old, tree, 4, 4), 4, [2]uint64{1, 1}},
		"of two sizes":          {c.before, first, forkOf(t, c.old, c.old, tree, 3, 11), 3, [2]uint64{1, 1}},
		"across epochs":         {c.next, second, forkOf(t, c.old, c.new, tree, 4, 9), 4, [2]uint64{1, 2}},
		"of the end":            {c.next, second, forkOf(t, c.old, c.new, tree, epochEnd, 9), epochEnd, [2]uint64{1, 2}},
		"of the end, twice":     {c.next, second, forkOf(t, c.old, c.old, tree, epochEnd, epochEnd), epochEnd, [2]uint64{1, 1}},
		"of the end, both keys": {c.next, second, forkOf(t, c.old, c.new, tree, epochEnd, epochEnd), epochEnd, [2]uint64{1, 2}},
		"in the later epoch":    {c.next, first, forkOf(t, c.new, c.new, tree, 7, 9), 7, [2]uint64{2, 2}},
	} {
		r, err := x.by.CheckEvidence(x.file, x.earlier, epochNow)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Kind != proofs.EvidenceFork || r.Strength != proofs.StrengthPolicy || r.Size != x.size || r.Roots[0] == r.Roots[1] ||
			r.Roots[0] != r.One.Root || r.One.Epoch != x.epochs[0] || r.Other.Epoch != x.epochs[1] || len(r.One.Signers) != 3 {
			t.Errorf("%s: got %s", name, r.AppendJSON(nil))
		}
		if !json.Valid(r.AppendJSON(nil)) {
			t.Errorf("%s: %s", name, r.AppendJSON(nil))
		}
	}
}

// withLines leaves only the first lines of a checkpoint.
func withLines(t *testing.T, note []byte, n int) []byte {
	parsed, err := proofs.ParseNote(note)
	if err != nil {
		t.Fatal(err)
	}
	parsed.Signatures = parsed.Signatures[:n]
	return parsed.Marshal()
}

// TestForkByTheLogAlone: who stole the log's key can sign two trees, and nobody who demands the quorum believed the second.
func TestForkByTheLogAlone(t *testing.T) {
	c := newChange(t)
	one, other := c.tree.at(t, 4), c.tree.forked(4).at(t, 4)
	file := proofs.FormatFork(c.old.sign(t, one, epochNow), withLines(t, c.old.sign(t, other, epochNow), 2), other.Root, nil)
	r, err := c.before.CheckEvidence(file, nil, epochNow)
	if err != nil || r.Strength != proofs.StrengthLog || r.Missing[0] != "" || r.Missing[1] == "" || len(r.Other.Signers) != 2 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestNoFork(t *testing.T) {
	c := newChange(t)
	tree := c.longer()
	good := forkOf(t, c.old, c.old, tree, 3, 5)
	one, other := c.old.sign(t, tree.at(t, 3), epochNow), c.old.sign(t, tree.forked(3).at(t, 5), epochNow)
	root := tree.forked(3).at(t, 3).Root
	growth, _ := tree.forked(3).nodes().Consistency(3, 5)
	honest, _ := tree.nodes().Consistency(3, 5)
	thief := newKeys(t, "thief")
	for name, x := range map[string]struct {
		file    []byte
		by      *proofs.Trust
		earlier []*proofs.Trust
		want    error
	}{
		"one ledger":           {proofs.FormatFork(one, c.old.sign(t, tree.at(t, 5), epochNow), tree.at(t, 3).Root, honest), c.before, nil, &proofs.InsufficientError{}},
		"another root":         {proofs.FormatFork(one, other, proofs.Hash{1}, growth), c.before, nil, &proofs.UnverifiedError{}},
		"a hash too few":       {proofs.FormatFork(one, other, root, growth[1:]), c.before, nil, &proofs.MalformedError{}},
		"the larger one first": {proofs.FormatFork(other, one, root, growth), c.before, nil, &proofs.MalformedError{}},
		"by somebody else":     {forkOf(t, thief, thief, tree, 3, 5), c.before, nil, &proofs.InsufficientError{}},
		"not by the log":       {proofs.FormatFork(one, bytes.Replace(other, []byte("— "+epochOrigin), []byte("— x"+epochOrigin), 1), root, growth), c.before, nil, &proofs.InsufficientError{}},
		"a line that fails":    {proofs.FormatFork(one, bytes.Replace(other, []byte(tree.forked(3).at(t, 5).Root.Base64()), []byte(tree.at(t, 5).Root.Base64()), 1), root, growth), c.before, nil, &proofs.UnverifiedError{}},
		"a missing epoch":      {forkOf(t, c.old, c.new, tree, 4, 9), c.next, nil, &proofs.InsufficientError{}},
		"retired keys' own":    {forkOf(t, c.old, c.old, tree, 7, 9), c.next, []*proofs.Trust{c.before}, &proofs.InsufficientError{}},
		"a byte too many":      {append(bytes.Clone(good), 0), c.before, nil, &proofs.MalformedError{}},
		"cut off":              {good[:len(good)-1], c.before, nil, &proofs.MalformedError{}},
		"nothing":              {nil, c.before, nil, &proofs.MalformedError{}},
		"no evidence":          {one, c.before, nil, &proofs.MalformedError{}},
	} {
		if _, err := x.by.CheckEvidence(x.file, x.earlier, epochNow); err == nil || !sameType(err, x.want) {
			t.Errorf("%s: got %v, want a %T", name, err, x.want)
		}
	}
	if _, err := c.before.CheckEvidence(good, nil, epochNow); err != nil {
		t.Errorf("what all these were made of: %v", err)
	}
}

// FuzzEvidence: no damage to a file that proves a fork makes it prove another, and none to an honest one makes it accuse.
func FuzzEvidence(f *testing.F) {
	c := newChange(f)
	tree := c.longer()
	honest, _ := tree.nodes().Consistency(3, 5)
	for _, b := range [][]byte{forkOf(f, c.old, c.old, tree, 3, 5), forkOf(f, c.old, c.new, tree, epochEnd, 9),
		proofs.FormatFork(c.old.sign(f, tree.at(f, 3), epochNow), c.old.sign(f, tree.at(f, 5), epochNow), tree.at(f, 3).Root, honest)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := c.next.CheckEvidence(b, []*proofs.Trust{c.before}, epochNow)
		if err == nil && (r.Roots[0] == r.Roots[1] || r.Size != 3 && r.Size != epochEnd) {
			t.Errorf("proves %s", r.AppendJSON(nil))
		}
	})
}

// FuzzHandover: no damage makes another trust file follow, and what parses formats back.
func FuzzHandover(f *testing.F) {
	c := newChange(f)
	good := c.handover().Marshal()
	f.Add(good)
	f.Add(bytes.Replace(good, []byte("index 5"), []byte("index 6"), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := proofs.ParseHandover(b)
		if err == nil && !bytes.Equal(h.Marshal(), b) {
			t.Errorf("formats back to %q", h.Marshal())
		}
		if got, err := c.before.Follow(c.next.Marshal(), b, epochNow); err == nil && got.ID() != c.next.ID() {
			t.Error("another trust file follows")
		}
	})
}

// TestProposal: a head that only the log has signed is a proposal, and not a head.
func TestProposal(t *testing.T) {
	for _, v := range vectors(t, "authentic-state") {
		q, err := v.question()
		if err != nil {
			t.Fatal(err)
		}
		head, err := proofs.ParseHead(v.portal[proofs.HeadPath])
		if err != nil {
			t.Fatal(err)
		}
		full := head.Proof.Checkpoint
		for lines, want := range map[int]string{1: "log", 3: "officers"} {
			head.Proof.Checkpoint = withLines(t, full, lines)
			x, tile, err := head.VerifyProposal(q.Trust, v.now)
			if err != nil || x.Size == 0 || tile == nil || len(x.Signers) != lines || x.AsOf != 0 || x.Officers.Met {
				t.Errorf("%s: got %+v, %v", want, x, err)
			}
			var few *proofs.InsufficientError
			if _, _, err := head.Verify(q.Trust, v.now); !errors.As(err, &few) {
				t.Errorf("%s: a proposal counts as a head: %v", want, err)
			}
		}
		n, _ := proofs.ParseNote(full)
		n.Signatures = n.Signatures[1:]
		head.Proof.Checkpoint = n.Marshal()
		if _, _, err := head.VerifyProposal(q.Trust, v.now); err == nil {
			t.Error("a proposal that the log has not signed")
		}
	}
}

// TestProposalOfAChange: the old keys are asked first, about a tree that the new ones already speak in.
func TestProposalOfAChange(t *testing.T) {
	for _, v := range vectors(t, "epoch-publication-rotated-followed", "epoch-followed") {
		if v.name != "epoch-followed" && v.name != "epoch-publication-rotated-followed" {
			continue // others' names begin likewise
		}
		q, _ := v.question()
		next, err := proofs.ParseTrust(v.portal["trust/2"])
		if err != nil {
			t.Fatal(err)
		}
		head, err := proofs.ParseHead(v.portal[proofs.HeadPath])
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := head.VerifyProposal(next, v.now); err != nil {
			t.Errorf("%s: by the next: %v", v.name, err)
		}
		// The head is one publication later than the change: under the keys before, it is none of theirs.
		if v.name == "epoch-followed" {
			if _, _, err := head.VerifyChange(q.Trust, next, v.now); err == nil {
				t.Errorf("%s: signed by the old log", v.name)
			}
		}
		if v.name == "epoch-publication-rotated-followed" {
			if _, _, err := head.VerifyChange(q.Trust, next, v.now); err != nil {
				t.Errorf("%s: signed by the same log: %v", v.name, err)
			}
			if _, _, err := head.VerifyProposal(q.Trust, v.now); err == nil {
				t.Errorf("%s: the next publication key counts under the trust file before", v.name)
			}
		}
	}
}
