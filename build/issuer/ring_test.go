package issuer

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stele/build/keys"
	"stele/proofs"
)

func store(t *testing.T) *keys.Store {
	t.Helper()
	s, err := keys.Create(filepath.Join(t.TempDir(), "keys"), nil, true)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t *testing.T, s *keys.Store) *Ring {
	t.Helper()
	r, err := OpenRing(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRoot: as many root keys sign as have to, in the trust file's order, whatever their files are called; too few are refused.
func TestRoot(t *testing.T) {
	s := store(t)
	var all []*proofs.Key
	for i := range 3 {
		k, err := s.Generate(fmt.Sprintf("root%d", i), root, keys.Root, proofs.Ed25519Key, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *proofs.Key) int { return strings.Compare(a.String(), b.String()) })
	trust := &proofs.Trust{Origin: origin, RootKeys: all, RootThreshold: 2, Publication: signer("registry.example/publication").Key()}
	signers, err := open(t, s).Root(trust)
	if err != nil || len(signers) != 2 {
		t.Fatalf("got %d signers (%v), want 2", len(signers), err)
	}
	text := (&proofs.Statement{Registry: origin, Action: proofs.ActionAccredit, Issuer: root, Authority: court, Title: "Court",
		Keys: []*proofs.Key{signer(court).Key()}, Kinds: []string{"*"}}).Text()
	note, err := proofs.SignNote(text, signers...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Authorise(nil, 0, note.Marshal()); err != nil {
		t.Error(err)
	}
	trust.RootKeys, trust.RootThreshold = []*proofs.Key{all[0], signer(root).Key()}, 2
	if _, err := open(t, s).Root(trust); code(err) != NoRootKey {
		t.Errorf("one of two: got %v, want %s", err, NoRootKey)
	}
}

// TestNewest: of an authority's keys, the newest that it is accredited with signs, and the tenth is newer than the ninth.
func TestNewest(t *testing.T) {
	s := store(t)
	ring := open(t, s)
	var made []*proofs.Key
	for range 11 {
		k, err := ring.Make("a_b")
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, k)
	}
	other, err := ring.Make("b")
	if err != nil {
		t.Fatal(err)
	}
	for _, ring := range []*Ring{ring, open(t, s)} {
		if got := ring.Keys("a_b"); !slices.EqualFunc(got, made, (*proofs.Key).Equal) {
			t.Errorf("got %d keys in another order, want %d, the newest last", len(got), len(made))
		}
		for _, c := range []struct {
			accredited []*proofs.Key
			want       *proofs.Key
		}{{made, made[10]}, {made[:10], made[9]}, {[]*proofs.Key{made[3], other}, made[3]}} {
			got, err := ring.Signer("a_b", &proofs.Statement{Keys: c.accredited})
			if err != nil || !got.Key().Equal(c.want) {
				t.Errorf("%d accredited: got %v, want the newest of them", len(c.accredited), err)
			}
		}
		if _, err := ring.Signer("a_b", &proofs.Statement{Keys: []*proofs.Key{other}}); code(err) != NoKey {
			t.Errorf("none accredited: got %v, want %s", err, NoKey)
		}
	}
}
