package keys

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stele/build/pkcs11/tokentest"
	"stele/build/pkcs11/wire"
	"stele/proofs"
)

const ledger = "registry.example/ledger"

// TestToken: root, log and officer keys made on a token sign what their roles sign, in a folder that needs no passphrase.
func TestToken(t *testing.T) {
	hsm := tokentest.Start(t)
	hsm.Make(t, "a token")
	s, err := ForTokens(filepath.Join(t.TempDir(), "keys"), unasked)
	if err != nil {
		t.Fatal(err)
	}
	at := func(object string) Token { return Token{Module: hsm.Module, Label: "a token", Object: object} }
	root, made, err := s.AddToken("root", ledger+"/root", Root, proofs.Ed25519Key, at("stele root"))
	if err != nil || !made {
		t.Fatalf("made %v, %v", made, err)
	}
	log, _, err := s.AddToken("log", ledger, Log, proofs.Ed25519Key, at("log"))
	if err != nil {
		t.Fatal(err)
	}
	officer, _, err := s.AddToken("anna", "anna.example", Officer, proofs.CosignatureKey, at("anna"))
	if err != nil {
		t.Fatal(err)
	}
	again, made, err := s.AddToken("root-again", ledger+"/root", Root, proofs.Ed25519Key, at("stele root"))
	if err != nil || made || !again.Equal(root) {
		t.Errorf("adopting: made %v, %v, want the key that is there", made, err)
	}

	o := reopen(t, s, unasked)
	statement := (&proofs.Statement{Registry: ledger, Action: proofs.ActionAccredit, Issuer: root.Name, Authority: "court.example", Title: "Court",
		Keys: []*proofs.Key{generate(t, newStore(t), "k", "court.example", Issuer, proofs.Ed25519Key)}, Kinds: []string{"*"}}).Text()
	note, err := proofs.SignNote(statement, signerFor(t, o, root))
	if err != nil {
		t.Fatal(err)
	}
	trust := &proofs.Trust{Origin: ledger, RootKeys: []*proofs.Key{root}, RootThreshold: 1, Publication: &proofs.Key{Name: ledger + "/publication"}}
	if _, err := trust.Authorise(nil, 0, note.Marshal()); err != nil {
		t.Error(err)
	}
	c := proofs.Checkpoint{Origin: ledger, Size: 7, Root: proofs.LeafHash(nil)}
	for _, sign := range []func() (proofs.Signature, error){
		func() (proofs.Signature, error) { return proofs.SignCheckpoint(signerFor(t, o, log), c) },
		func() (proofs.Signature, error) { return proofs.Cosign(signerFor(t, o, officer), c, 1_800_000_000) },
	} {
		line, err := sign() // which verifies it
		if err != nil {
			t.Error(err)
		}
		if n, err := proofs.ParseNote((&proofs.Note{Text: c.Text(), Signatures: []proofs.Signature{line}}).Marshal()); err != nil || len(n.Signatures) != 1 {
			t.Errorf("got %v, %v", n, err)
		}
	}
	infos, err := o.List()
	if err != nil || len(infos) != 4 || infos[0].Token == nil || infos[0].Token.Object != "anna" || !infos[0].Private {
		t.Errorf("got %+v, %v, want four keys on tokens", infos, err)
	}
}

func signerFor(t *testing.T, s *Store, k *proofs.Key) proofs.Signer {
	t.Helper()
	signer, err := s.SignerFor(k)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func withToken(t *testing.T) (*tokentest.Tokens, *Store, *proofs.Key) {
	t.Helper()
	hsm := tokentest.Start(t)
	hsm.Make(t, "one")
	s := newStore(t)
	key, _, err := s.AddToken("root", ledger+"/root", Root, proofs.Ed25519Key, Token{Module: hsm.Module, Label: "one", Object: "root"})
	if err != nil {
		t.Fatal(err)
	}
	return hsm, s, key
}

func wantCode(t *testing.T, err error, code wire.Code, hint string) {
	t.Helper()
	var no *wire.Error
	if !errors.As(err, &no) || no.Code != code {
		t.Fatalf("got %v, want code %s", err, code)
	}
	want(t, err, no, hint)
	if strings.Contains(err.Error(), tokentest.PIN) {
		t.Errorf("the PIN is told: %v", err)
	}
}

// TestTokenTrouble: what is wrong with a token is said in plain words, with what to do.
func TestTokenTrouble(t *testing.T) {
	hsm, s, key := withToken(t)
	sign := func(s *Store) error {
		signer, err := s.SignerFor(key)
		if err == nil {
			_, err = signer.Sign([]byte("m"))
		}
		return err
	}
	again := func() *Store { return reopen(t, s, unasked) }

	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(hsm.PINs, "1111\n")
	wrong := again()
	wantCode(t, sign(wrong), wire.WrongPIN, envPIN)
	put(hsm.PINs, tokentest.PIN+"\n")
	wantCode(t, sign(wrong), wire.WrongPIN, "") // not tried again by this process
	if err := sign(again()); err != nil {
		t.Error(err)
	}

	live := again()
	if err := sign(live); err != nil {
		t.Fatal(err)
	}
	live.tokens[tokenText(t, live)].h.cmd.Process.Kill() // the session is lost
	if err := sign(live); err != nil {
		t.Errorf("a lost session: %v, want it opened again", err)
	}

	away := hsm.Dir + "-away"
	if err := os.Rename(hsm.Dir, away); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(hsm.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	wantCode(t, sign(again()), wire.NoToken, "--list-token-slots")
	hsm.Make(t, "one")
	wantCode(t, sign(again()), wire.NoObject, "--list-objects")
	hsm.Make(t, "one")
	wantCode(t, sign(again()), wire.TwoTokens, "take out the tokens")
	if err := errors.Join(os.RemoveAll(hsm.Dir), os.Mkdir(hsm.Dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	hsm.Make(t, "one")
	other := newStore(t)
	if _, made, err := other.AddToken("root", ledger+"/root", Root, proofs.Ed25519Key, Token{Module: hsm.Module, Label: "one", Object: "root"}); err != nil || !made {
		t.Fatal(made, err)
	}
	want(t, sign(again()), ErrMismatch, "put the right token in")

	t.Setenv(envHelper, filepath.Join(t.TempDir(), "none"))
	want(t, sign(again()), fs.ErrNotExist, "CGO_ENABLED=1 go build")
	t.Setenv(envPIN, "")
	if err := sign(again()); err == nil || !strings.Contains(err.Error(), "no PIN") {
		t.Errorf("got %v, want the PIN missed", err)
	}
	t.Setenv(envPIN, filepath.Join(t.TempDir(), "none"))
	want(t, sign(again()), fs.ErrNotExist, "correct "+envPIN)
}

func tokenText(t *testing.T, s *Store) string {
	t.Helper()
	b, err := os.ReadFile(s.path("root.token"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFakeHelper: what no SoftHSM can be brought to: a token that is locked, a helper that lies, dies or answers nonsense.
func TestFakeHelper(t *testing.T) {
	_, s, key := withToken(t)
	public := string(wire.FormatAnswer(key.Public, nil))
	for _, c := range []struct {
		name, script string
		code         wire.Code
		text, hint   string
	}{
		{"locked", "read x; echo '" + line(wire.Locked) + "'", wire.Locked, "", "--init-pin"},
		{"last try", "read x; echo '" + line(wire.LastTry) + "'", wire.LastTry, "", "gives all tries back"},
		{"lies", "read x; echo '" + strings.TrimSpace(public) + "'; read x; echo '" + strings.TrimSpace(string(wire.FormatAnswer(make([]byte, 64), nil))) + "'", "", "does not verify", "damaged"},
		{"dies", "read x; echo oh >&2; exit 3", "", "ended without an answer", "one version"},
		{"nonsense", "read x; echo ok", "", "not in the format", "one version"},
		{"short key", "read x; echo ok YQ==", "", "public key of 1 bytes", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "helper")
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"+c.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv(envHelper, path)
			_, err := signerFor(t, reopen(t, s, unasked), key).Sign([]byte("m"))
			if c.code != "" {
				wantCode(t, err, c.code, c.hint)
			} else if err == nil || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), c.hint) {
				t.Errorf("got %v, want %q", err, c.text)
			}
		})
	}
}

func line(code wire.Code) string {
	return strings.TrimSpace(string(wire.FormatAnswer(nil, &wire.Error{Code: code, Text: "said plainly"})))
}

// TestTokenRefused: no ML-DSA on tokens, no name twice, no half-said place.
func TestTokenRefused(t *testing.T) {
	hsm, s, _ := withToken(t)
	at := Token{Module: hsm.Module, Label: "one", Object: "x"}
	_, _, err := s.AddToken("o", "anna.example", Officer, proofs.MLDSA44Key, at)
	want(t, err, ErrNotOnToken, "")
	_, _, err = s.AddToken("root", ledger+"/root", Root, proofs.Ed25519Key, at)
	want(t, err, fs.ErrExist, "")
	if _, err := s.Generate("root", ledger+"/root", Root, proofs.Ed25519Key, rand.Reader); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want the name refused", err)
	}
	if _, _, err = s.AddToken("o", "anna.example", Officer, proofs.CosignatureKey, Token{Module: "m.so", Label: "one", Object: "x"}); err == nil {
		t.Error("a relative module was taken")
	}
	if _, _, err := s.AddToken("o", "anna.example", Officer, proofs.CosignatureKey, Token{Module: "/no/such.so", Label: "one", Object: "x"}); err == nil {
		t.Error("a module that is not there was taken")
	} else {
		wantCode(t, err, wire.NoModule, "install")
	}
	if err := os.Remove(s.path("root.pub")); err != nil {
		t.Fatal(err)
	}
	if infos, err := s.List(); err != nil || len(infos) != 1 || infos[0].Role != Root {
		t.Errorf("without its .pub: %+v, %v, want it made again", infos, err)
	}
	good := tokenText(t, s)
	for _, bad := range []string{"", "junk\n", good + "\n", strings.Replace(good, "module /", "module ", 1), strings.TrimSuffix(good, "\n"), good + "id zz\n"} {
		if err := os.WriteFile(s.path("root.token"), []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := s.List(); err == nil {
			t.Errorf("taken for a .token file: %q", bad)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add([]byte("stele.token/1\nrole root\npublic a+4a62c4ea+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nmodule /m.so\ntoken t\nobject o\nid 00\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if tok, h, err := parseToken(b); err == nil && !bytes.Equal(tok.marshal(h), b) {
			t.Errorf("%q is not written again", b)
		}
	})
}

// TestChangePassphrase: the new passphrase opens what the old one did, and the old one no more; what an interrupted change has left does not matter.
func TestChangePassphrase(t *testing.T) {
	s := newStore(t)
	key := generate(t, s, "log", ledger, Log, proofs.Ed25519Key)
	before, err := os.ReadFile(s.path(identityFile))
	if err != nil {
		t.Fatal(err)
	}
	err = reopen(t, s, Fixed("something else")).ChangePassphrase(Fixed("another passphrase"))
	want(t, err, ErrPassphrase, "")
	if err = reopen(t, s, Fixed(testPass)).ChangePassphrase(Fixed("short")); err == nil {
		t.Error("a short passphrase was taken")
	}
	if now, err := os.ReadFile(s.path(identityFile)); err != nil || !bytes.Equal(now, before) {
		t.Fatalf("changed by what failed: %v", err)
	}
	if err := os.WriteFile(s.path(".new-123"), before[:20], 0o600); err != nil { // cut off half-way
		t.Fatal(err)
	}
	if err := reopen(t, s, Fixed(testPass)).ChangePassphrase(Fixed("another passphrase")); err != nil {
		t.Fatal(err)
	}
	_, err = reopen(t, s, Fixed(testPass)).SignerFor(key)
	want(t, err, ErrPassphrase, "")
	signerFor(t, reopen(t, s, Fixed("another passphrase")), key)
	if infos, err := s.List(); err != nil || len(infos) != 1 {
		t.Errorf("got %v, %v", infos, err)
	}
	demo, err := Create(filepath.Join(t.TempDir(), "demo"), nil, true)
	if err != nil {
		t.Fatal(err)
	}
	want(t, demo.ChangePassphrase(Fixed("another passphrase")), ErrDemo, "")
}
