package registry

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"filippo.io/torchwood"
	formatswitness "github.com/transparency-dev/formats/witness"

	"stele/proofs"
)

func testKey(t testing.TB, name string, kind proofs.KeyType) *proofs.Key {
	t.Helper()
	seed := sha256.Sum256([]byte(name + kind.String()))
	s, err := proofs.NewMemorySigner(name, kind, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return s.Key()
}

// someone is a cosigner with one key or two.
func someone(t testing.TB, r *rand.Rand, name, url string) Cosigner {
	c := Cosigner{Name: name, URL: url}
	if r.IntN(2) == 0 {
		c.Keys = append(c.Keys, testKey(t, name, proofs.MLDSA44Key))
	}
	if len(c.Keys) == 0 || r.IntN(2) == 0 {
		c.Keys = append(c.Keys, testKey(t, name, proofs.CosignatureKey))
	}
	return c
}

func crowd(t testing.TB, r *rand.Rand, role, url string) Quorum {
	var q Quorum
	for i := range r.IntN(5) {
		q.Of = append(q.Of, someone(t, r, fmt.Sprintf("%s%d.example/x", role, i), url))
	}
	if len(q.Of) > 0 {
		q.K = 1 + r.IntN(len(q.Of))
	}
	return q
}

func trustOf(t testing.TB, s Signers) *proofs.Trust {
	t.Helper()
	trust := &proofs.Trust{Origin: s.Log.Name, Epoch: 1, Title: "T", RootThreshold: 1, RootKeys: []*proofs.Key{testKey(t, rootName(s.Log.Name), proofs.Ed25519Key)},
		Publication: testKey(t, publicationName(s.Log.Name), proofs.Ed25519Key), StaleAfter: 1, ApprovalAge: 1}
	trust.PolicyText, trust.Officers, trust.Witnesses = s.Policy()
	parsed, err := proofs.ParseTrust(trust.Marshal())
	if err != nil {
		t.Fatalf("%v\n%s", err, trust.PolicyText)
	}
	return parsed
}

// TestPolicies: the policies that are written are read again as they were meant, and are met by the same signatures for formats; for
// torchwood too, which knows no ML-DSA.
func TestPolicies(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	const origin = "test.example/ledger"
	torch := 0
	for range 60 {
		s := Signers{Log: testKey(t, origin, proofs.Ed25519Key), LogMLDSA: testKey(t, origin, proofs.MLDSA44Key),
			Officers: crowd(t, r, "officer", ""), Witnesses: crowd(t, r, "witness", "https://witness.example/")}
		trust := trustOf(t, s)
		got, err := signersOf(trust)
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("got %+v, %v, want %+v", got, err, s)
		}
		for _, q := range []struct {
			role string
			q    Quorum
		}{{trust.Officers, s.Officers}, {trust.Witnesses, s.Witnesses}} {
			for k := 0; k <= len(q.q.Of); k++ { // the first k sign with all their keys
				signed := func(w int) bool {
					for _, c := range q.q.Of[:k] {
						if c.Name == trust.Policy.Witnesses[w].Key.Name {
							return true
						}
					}
					return false
				}
				if met := trust.Policy.Met(q.role, signed); met != (k >= q.q.K) {
					t.Errorf("%d of %d have signed, %d must: met %v\n%s", k, len(q.q.Of), q.q.K, met, trust.PolicyText)
				}
			}
		}
		addressed, plain := peersPolicies(trust)
		if _, err := formatswitness.ParsePolicy([]byte(addressed)); err != nil {
			t.Errorf("formats: %v\n%s", err, addressed)
		}
		if plain != "" {
			torch++
			if _, err := torchwood.ParsePolicy([]byte(plain)); err != nil {
				t.Errorf("torchwood: %v\n%s", err, plain)
			}
		}
	}
	if torch < 3 {
		t.Errorf("only %d policies were tried with torchwood", torch)
	}
}

// peersPolicies are the policy with an address for everyone, as formats wants it; and, where there is no other ML-DSA in it, without the log's.
func peersPolicies(t *proofs.Trust) (addressed, plain string) {
	mldsa := 0
	var a, b strings.Builder
	for line := range strings.Lines(string(t.PolicyText)) {
		f := strings.Fields(line)
		text := line
		if len(f) == 3 && f[0] == "witness" {
			text = strings.TrimSuffix(line, "\n") + " https://someone.example/\n"
		}
		a.WriteString(text)
		if len(f) > 2 && f[0] == "witness" && f[1] != namedLog {
			if k, err := proofs.ParseKey(f[2]); err == nil && k.Type == proofs.MLDSA44Key {
				mldsa++
			}
		}
		if len(f) > 1 && f[0] == "witness" && f[1] == namedLog {
			continue
		}
		text = strings.Replace(text, " all "+namedLog, " all", 1)
		b.WriteString(strings.Replace(text, "quorum "+namedLog, "quorum none", 1))
	}
	if mldsa > 0 {
		return a.String(), ""
	}
	return a.String(), b.String()
}

// TestHandwritten: a policy that is not one of ours is not taken apart.
func TestHandwritten(t *testing.T) {
	s := Signers{Log: testKey(t, "a.example", proofs.Ed25519Key), LogMLDSA: testKey(t, "a.example", proofs.MLDSA44Key),
		Officers: Quorum{1, []Cosigner{{"o.example", []*proofs.Key{testKey(t, "o.example", proofs.MLDSA44Key)}, ""}}}}
	text, officers, witnesses := s.Policy()
	for _, edit := range []*strings.Replacer{
		strings.NewReplacer("group officers 1 o.example", "group board 1 o.example\ngroup officers 1 board"),
		strings.NewReplacer("quorum everyone", "quorum log-mldsa44"),
		strings.NewReplacer("log-mldsa44", "the-log"),
		strings.NewReplacer("quorum everyone", "group more all everyone\nquorum more"),
	} {
		trust := trustOf(t, s)
		trust.PolicyText = []byte(edit.Replace(string(text)))
		trust.Officers, trust.Witnesses = officers, witnesses
		var err error
		if trust.Policy, err = proofs.ParsePolicy(trust.PolicyText); err != nil {
			t.Fatalf("%v\n%s", err, trust.PolicyText)
		}
		var e *Error
		if _, err = signersOf(trust); !errors.As(err, &e) || e.Hint == "" {
			t.Errorf("got %v, want it left to whoever wrote it:\n%s", err, trust.PolicyText)
		}
	}
}
