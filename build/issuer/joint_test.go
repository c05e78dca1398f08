package issuer

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"testing"

	"stele/build/keys"
	"stele/proofs"
)

// holders are people with a root key each, two of whom have to sign.
func holders(t *testing.T, n int) ([]*Ring, *proofs.Trust) {
	t.Helper()
	trust := &proofs.Trust{Origin: origin, Epoch: 1, RootThreshold: 2, Publication: signer("registry.example/publication").Key()}
	var rings []*Ring
	for i := range n {
		s := store(t)
		k, err := s.Generate(fmt.Sprint("root", i), root, keys.Root, proofs.Ed25519Key, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		rings = append(rings, open(t, s))
		trust.RootKeys = append(trust.RootKeys, k)
	}
	for i := range trust.RootKeys { // in order, the rings with them
		for j := range i {
			if trust.RootKeys[i].String() < trust.RootKeys[j].String() {
				trust.RootKeys[i], trust.RootKeys[j], rings[i], rings[j] = trust.RootKeys[j], trust.RootKeys[i], rings[j], rings[i]
			}
		}
	}
	return rings, trust
}

func accreditation() string {
	return (&proofs.Statement{Registry: origin, Action: proofs.ActionAccredit, Issuer: root, Authority: court, Title: "Court",
		Keys: []*proofs.Key{signer(court).Key()}, Kinds: []string{"*"}}).Text()
}

// TestJoint: in whatever order the holders sign, and on one file or on copies, the lines stand in the order of the trust file and count.
func TestJoint(t *testing.T) {
	rings, trust := holders(t, 3)
	for _, order := range [][]int{{0, 1}, {1, 0}, {2, 0}, {0, 2}, {2, 1}} {
		j := &Joint{Text: accreditation()}
		for n, i := range order {
			if !j.CanSign(rings[i], trust) {
				t.Fatalf("holder %d cannot sign", i)
			}
			if added, err := j.Sign(rings[i], trust); err != nil || len(added) != 1 || j.Missing(trust) != 1-n {
				t.Fatalf("%v: added %v, %v", order, added, err)
			}
			again, err := ParseJoint(j.Marshal())
			if err != nil || !bytes.Equal(again.Marshal(), j.Marshal()) {
				t.Fatal(err)
			}
			if _, _, err := again.Check(trust); err != nil {
				t.Fatal(err)
			}
			if again.CanSign(rings[i], trust) {
				t.Error("one holder can sign twice")
			}
			j = again
		}
		if _, err := trust.Authorise(nil, 0, j.Entry()); err != nil {
			t.Errorf("%v: %v", order, err)
		}
	}
	one, other := &Joint{Text: accreditation()}, &Joint{Text: accreditation()}
	for j, i := range map[*Joint]int{one: 2, other: 0} {
		if _, err := j.Sign(rings[i], trust); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.Merge(other, trust); err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Authorise(nil, 0, one.Entry()); err != nil {
		t.Error(err)
	}
	if err := one.Merge(&Joint{Text: "another\n"}, trust); err == nil {
		t.Error("two statements were put together")
	}
}

// TestJointRefused: what is not the root's, or bears lines that do not verify, is not signed.
func TestJointRefused(t *testing.T) {
	rings, trust := holders(t, 2)
	signed := func(edit func(*Joint)) *Joint {
		j := &Joint{Text: accreditation()}
		for _, r := range rings {
			if _, err := j.Sign(r, trust); err != nil {
				t.Fatal(err)
			}
		}
		edit(j)
		return j
	}
	for name, edit := range map[string]func(*Joint){
		"another text": func(j *Joint) {
			j.Text = (&proofs.Statement{Registry: origin, Action: proofs.ActionWithdraw, Issuer: root, Authority: court, After: &proofs.Hash{}}).Text()
		},
		"wrong order":      func(j *Joint) { j.Lines[0], j.Lines[1] = j.Lines[1], j.Lines[0] },
		"twice":            func(j *Joint) { j.Lines[1] = j.Lines[0] },
		"an unknown key":   func(j *Joint) { j.Lines[0].ID++ },
		"short signature":  func(j *Joint) { j.Lines[0].Bytes = j.Lines[0].Bytes[:63] },
		"another registry": func(j *Joint) { j.Text, j.Lines = "stele.statement/1\nregistry b.example\n", nil },
		"not the root's": func(j *Joint) {
			j.Text, j.Lines = (&proofs.Statement{Registry: origin, Action: proofs.ActionIndex, Issuer: "x.example", Index: &proofs.Index{}}).Text(), nil
		},
		"a trust file more": func(j *Joint) { j.Next = []byte("x") },
	} {
		if _, _, err := signed(edit).Check(trust); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, _, err := signed(func(*Joint) {}).Check(trust); err != nil {
		t.Error(err)
	}
}

func FuzzJoint(f *testing.F) {
	f.Add((&Joint{Text: accreditation()}).Marshal())
	f.Add((&Joint{Text: "a\n", Next: []byte("b")}).Marshal())
	f.Add([]byte("stele.for-signature/1\nstatement 3\ntrust 0\na\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if j, err := ParseJoint(b); err == nil && !bytes.Equal(j.Marshal(), b) {
			t.Errorf("%q is not written again", b)
		}
	})
}
