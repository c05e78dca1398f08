//go:build !wasm

package proofs

// Signatures against vectors of others, in the form of Go modules: Project Wycheproof's, and C2SP's CCTV for Ed25519 in the module that the standard
// library's own test of them reads. They are data, and 25 MB: fetched through the module proxy (or from the module cache) by
// version, and held to the hash that is written here, rather than required in go.mod.

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

const (
	wycheproofModule = "github.com/c2sp/wycheproof@v0.0.0-20260625212325-ee7b4f7e6119"
	cctvModule       = "filippo.io/mostly-harmless/ed25519vectors@v0.0.0-20210322192420-30a2d7243a94"
)

// foreign reads a file of a module that is data.
func foreign(t *testing.T, module, file, sum string, into any) {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = t.TempDir() // no module of ours asks for it
	out, err := cmd.Output()
	var m struct{ Dir, Error string }
	if e := json.Unmarshal(out, &m); e != nil || err != nil || m.Error != "" {
		t.Fatalf("go mod download %s: %v, %v, %s", module, err, e, m.Error)
	}
	b, err := os.ReadFile(filepath.Join(m.Dir, file))
	if err != nil {
		t.Fatal(err)
	}
	if got := Hash(sha256.Sum256(b)).String(); got != sum {
		t.Fatalf("%s has SHA-256 %s, want %s", file, got, sum)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// wycheproof is what we read of a file of test groups.
type wycheproof struct {
	TestGroups []struct {
		PublicKey   json.RawMessage // hex, or an object that holds it
		PrivateSeed hexBytes
		Tests       []struct {
			TcID          int
			Comment       string
			Msg, Sig, Ctx hexBytes
			Result        string
			Flags         []string
		}
	}
}

func publicOf(t *testing.T, raw json.RawMessage) []byte {
	t.Helper()
	var key hexBytes
	if len(raw) == 0 || json.Unmarshal(raw, &key) == nil {
		return key
	}
	var object struct{ Pk hexBytes }
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	return object.Pk
}

// verifies asks both ways in which we verify Ed25519: statements and the log's line, and cosignatures.
func verifies(t *testing.T, public, msg, sig []byte) bool {
	k := &Key{"a.example", Ed25519Key, public}
	text := (&Signature{k.Name, k.ID(), sig}).verifyText(k, string(msg))
	if raw := verifyRaw(&Key{"a.example", CosignatureKey, public}, msg, sig); raw != text {
		t.Errorf("a statement's signature counts: %v, a cosignature's: %v", text, raw)
	}
	return text
}

func TestWycheproofEd25519(t *testing.T) {
	var w wycheproof
	foreign(t, wycheproofModule, "testvectors_v1/ed25519_test.json", "70471c053c711731f2195ef4875b60ea7f5d6793939d99058ac12da810cb8e00", &w)
	n := 0
	for _, g := range w.TestGroups {
		public := publicOf(t, g.PublicKey)
		for _, v := range g.Tests {
			if got := verifies(t, public, v.Msg, v.Sig); got != (v.Result == "valid") {
				t.Errorf("%d (%s, %v): %v, want %s", v.TcID, v.Comment, v.Flags, got, v.Result)
			}
			n++
		}
	}
	if n != 150 {
		t.Errorf("%d vectors, want 150", n)
	}
}

// TestCCTVEd25519: the corners that RFC 8032 leaves open are decided as crypto/ed25519 decides them, which is written down here so that
// another verifier can be held against it: without the cofactor, and R compared as bytes.
func TestCCTVEd25519(t *testing.T) {
	var all []struct {
		A, R, S hexBytes
		M       string
		Flags   []string
	}
	foreign(t, cctvModule, "ed25519vectors.json", "ed3dd0730ec5ef2dbfd629186fbefeb6299cbbf9a6ed94af0478f07291acacca", &all)
	counted := map[bool]int{}
	for i, v := range all {
		want := !slices.Contains(v.Flags, "LowOrderResidue") && !slices.Contains(v.Flags, "NonCanonicalR")
		if got := verifies(t, v.A, []byte(v.M), append(bytes.Clone(v.R), v.S...)); got != want {
			t.Errorf("%d (%v): %v, want %v", i, v.Flags, got, want)
		}
		counted[want]++
	}
	if counted[true] == 0 || counted[false] == 0 {
		t.Errorf("%d that verify, %d that do not", counted[true], counted[false])
	}
}

func TestWycheproofMLDSA44(t *testing.T) {
	var w wycheproof
	foreign(t, wycheproofModule, "testvectors_v1/mldsa_44_verify_test.json", "5ec04790c240c443ca8b662b8fc871834602c7cce87fcd36a193110745b2b9ea", &w)
	n := 0
	for _, g := range w.TestGroups {
		k := &Key{"a.example", MLDSA44Key, publicOf(t, g.PublicKey)}
		for _, v := range g.Tests {
			// c2sp.org/tlog-cosignature: the context is empty, so that what was signed with another does not count.
			want := v.Result == "valid" && len(v.Ctx) == 0
			if got := verifyRaw(k, v.Msg, v.Sig); got != want {
				t.Errorf("%d (%s, %v): %v, want %v", v.TcID, v.Comment, v.Flags, got, want)
			}
			n++
		}
	}
	if n != 180 {
		t.Errorf("%d vectors, want 180", n)
	}
}

// TestWycheproofMLDSA44Seeds: a seed gives the public key that it should, and the vectors' signatures are by it.
func TestWycheproofMLDSA44Seeds(t *testing.T) {
	var w wycheproof
	foreign(t, wycheproofModule, "testvectors_v1/mldsa_44_sign_seed_test.json", "b29b0dcca2e52c988e1b9c06f8b521889ffbaadfc6a9dbf52f0f0f8f4c5b6b92", &w)
	valid := 0
	for _, g := range w.TestGroups {
		s, err := NewMemorySigner("a.example", MLDSA44Key, g.PrivateSeed)
		if err != nil {
			if len(g.PrivateSeed) == 32 {
				t.Error(err)
			}
			continue
		}
		if public := publicOf(t, g.PublicKey); public != nil && !bytes.Equal(s.Key().Public, public) {
			t.Errorf("seed %x gives another public key", g.PrivateSeed)
		}
		for _, v := range g.Tests {
			want := v.Result == "valid" && len(v.Ctx) == 0
			if got := len(v.Sig) > 0 && verifyRaw(s.Key(), v.Msg, v.Sig); got != want && !(v.Result == "valid" && v.Msg == nil) {
				t.Errorf("%d (%s, %v): %v, want %v", v.TcID, v.Comment, v.Flags, got, want)
			} else if want {
				valid++
			}
		}
	}
	if valid < 20 {
		t.Errorf("%d signatures that verify", valid)
	}
}
