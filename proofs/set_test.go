package proofs_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"stele/proofs"
)

const setOrigin = "registry.gov.example/ledger"

func sets() []*proofs.Set {
	some := proofs.SetFile{SHA256: proofs.LeafHash(nil), Size: 7, Name: "index.html"}
	other := proofs.SetFile{SHA256: proofs.LeafHash([]byte("x")), Size: proofs.MaxSetFile, Name: "ledger/head"}
	long := proofs.SetFile{Name: strings.Repeat("x", 512)}
	return []*proofs.Set{{Origin: setOrigin}, {Origin: setOrigin, Publication: 12, Time: 1_800_000_000, Files: []proofs.SetFile{some, other}},
		{Origin: "a", Publication: 1<<63 - 1, Time: 1<<63 - 1, Files: []proofs.SetFile{{Name: "A~!$&'()*+,;=:@"}, {Name: "a"}, {Name: "a/b.c"}, long}}}
}

func TestSet(t *testing.T) {
	for i, s := range sets() {
		got, err := proofs.ParseSetText(s.Text())
		if err != nil || got.Text() != s.Text() || len(got.Files) != len(s.Files) {
			t.Errorf("%d: %+v: %v", i, got, err)
			continue
		}
		for _, f := range s.Files {
			if g := got.File(f.Name); g == nil || *g != f {
				t.Errorf("%s: %v, want %v", f.Name, g, f)
			}
		}
		for _, name := range []string{"", "0", "index.htm", "index.html0", "zz", "zzzz"} {
			if g := got.File(name); g != nil {
				t.Errorf("%q: %v", name, g)
			}
		}
	}
}

func TestSetRefused(t *testing.T) {
	good := sets()[1].Text()
	replaced := func(old, new string) string {
		s := strings.Replace(good, old, new, 1)
		if s == good {
			t.Fatalf("%q is not there", old)
		}
		return s
	}
	lines := strings.SplitAfter(good, "\n")
	many := &proofs.Set{Origin: setOrigin}
	for i := range proofs.MaxSetFiles + 1 {
		many.Files = append(many.Files, proofs.SetFile{Name: fmt.Sprintf("%05d", i)})
	}
	large := &proofs.Set{Origin: setOrigin}
	for i := range 8000 {
		large.Files = append(large.Files, proofs.SetFile{Name: fmt.Sprintf("%05d", i) + strings.Repeat("x", 500)})
	}
	for name, bad := range map[string]string{
		"nothing": "", "no newline": good[:len(good)-1], "another version": replaced("stele.set/1", "stele.set/2"), "an empty line": good + "\n", "spaces": replaced("file ", "file  "),
		"no origin": replaced("registry "+setOrigin, "registry "), "a bad origin": replaced(setOrigin, "Registry"), "another order": lines[0] + lines[2] + lines[1] + lines[3],
		"a leading zero": replaced("publication 12", "publication 012"), "no number": replaced("publication 12", "publication x"), "a sign": replaced("time 1", "time -1"),
		"too late": replaced("time 1800000000", "time 9223372036854775808"), "too few lines": lines[0] + lines[1] + lines[2],
		"a short hash": replaced(proofs.LeafHash(nil).String(), proofs.LeafHash(nil).String()[1:]), "upper case": replaced(proofs.LeafHash(nil).String(), strings.ToUpper(proofs.LeafHash(nil).String())),
		"too large": replaced(" 26214400 ", " 26214401 "), "no size": replaced(" 7 index", " index"), "another line": good + "page x\n",
		"twice": strings.Join(lines[:5], "") + lines[4] + lines[5], "descending": strings.Join(lines[:4], "") + lines[5] + lines[4],
		"too many": many.Text(), "too long": large.Text(),
	} {
		var m *proofs.MalformedError
		if s, err := proofs.ParseSetText(bad); !errors.As(err, &m) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	for _, name := range []string{"", "/", "/a", "a/", "a//b", ".", "..", ".a", "a/.b", "a/../b", "a b", "a\tb", "ä", "a%2f", "a?b", "a#b", `a\b`, "a\x7f", strings.Repeat("x", 513)} {
		if proofs.IsSetName(name) {
			t.Errorf("%q is taken for a name", name)
		}
	}
}

func setSigner(t testing.TB, name string, kind proofs.KeyType, seed byte) proofs.Signer {
	s, err := proofs.NewMemorySigner(name, kind, bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReadSet(t *testing.T) {
	log, second := setSigner(t, setOrigin, proofs.Ed25519Key, 1), setSigner(t, setOrigin, proofs.Ed25519Key, 2)
	trust := &proofs.Trust{Origin: setOrigin, Policy: &proofs.Policy{Logs: []proofs.PolicyKey{{Key: log.Key()}, {Key: second.Key()}}}}
	s := sets()[1]
	for _, by := range []proofs.Signer{log, second} {
		b, err := proofs.SignSet(s, by)
		if err != nil {
			t.Fatal(err)
		}
		got, err := trust.ReadSet(b)
		if err != nil || got.Text() != s.Text() {
			t.Errorf("%v: %v", got, err)
		}
		// The log's signature on a set is none on a checkpoint, and none on a statement.
		if c, _, err := proofs.ParseCheckpoint(b); err == nil {
			t.Errorf("is the checkpoint %v too", c)
		}
		if _, _, err := proofs.ParseEntry(b); err == nil {
			t.Error("is a statement too")
		}
	}
	unverified := func(name string, note *proofs.Note) {
		t.Helper()
		var u *proofs.UnverifiedError
		if _, err := trust.ReadSet(note.Marshal()); !errors.As(err, &u) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sign := func(text string, by ...proofs.Signer) *proofs.Note {
		n, err := proofs.SignNote(text, by...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	unverified("a stranger's key of the same name", sign(s.Text(), setSigner(t, setOrigin, proofs.Ed25519Key, 3)))
	unverified("another name", sign(s.Text(), setSigner(t, "publication", proofs.Ed25519Key, 1)))
	unverified("another kind of key", sign(s.Text(), setSigner(t, setOrigin, proofs.MLDSA44Key, 1)))
	unverified("two lines", sign(s.Text(), log, second))
	n := sign(s.Text(), log)
	n.Text = strings.Replace(n.Text, "publication 12", "publication 13", 1)
	unverified("another text", n)
	n = sign(s.Text(), log)
	n.Signatures[0].Bytes[5] ^= 1
	unverified("another signature", n)

	b, _ := proofs.SignSet(&proofs.Set{Origin: "other.example"}, log)
	var other *proofs.OtherRegistryError
	if _, err := trust.ReadSet(b); !errors.As(err, &other) {
		t.Errorf("of another registry: %v", err)
	}
	var m *proofs.MalformedError
	for name, b := range map[string][]byte{"unsigned": []byte(s.Text()), "a checkpoint": sign(proofs.Checkpoint{Origin: setOrigin}.Text(), log).Marshal(),
		"too long": make([]byte, proofs.MaxSet+1)} {
		if _, err := trust.ReadSet(b); !errors.As(err, &m) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
