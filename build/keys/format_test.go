package keys

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"filippo.io/age"

	"stele/proofs"
)

// samples are private halves of every role and type, demonstration or not.
func samples(tb testing.TB) [][]byte {
	var out [][]byte
	for _, k := range all {
		for _, demo := range []bool{false, true} {
			s, err := newSecret(k.name, half{Role: k.role, Demo: demo}, k.kt, seeds(k.file))
			if err != nil {
				tb.Fatal(err)
			}
			out = append(out, s.marshal())
		}
	}
	return out
}

func TestParseSecretRejects(t *testing.T) {
	good := string(samples(t)[3]) // log, demo
	seed := good[strings.LastIndex(good, "seed ")+5 : len(good)-1]
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %q in the sample", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for what, text := range map[string]string{
		"empty":              "",
		"newline":            "\n",
		"no final newline":   good[:len(good)-1],
		"more lines":         good + "\n",
		"twice":              good + good,
		"CRLF":               strings.ReplaceAll(good, "\n", "\r\n"),
		"other version":      replace("key/1", "key/2"),
		"the public half":    replace(secretFormat, publicFormat),
		"unknown role":       replace("role log", "role king"),
		"no role":            replace("role log\n", ""),
		"role of other type": replace("role log", "role log-mldsa44"),
		"demo twice":         replace("demo\n", "demo\ndemo\n"),
		"demo with value":    replace("demo\n", "demo 1\n"),
		"demo first":         replace("role log\ndemo\n", "demo\nrole log\n"),
		"no key":             replace("public ", "publik "),
		"key ID":             replace("+", "+0"),
		"no seed":            replace("seed "+seed+"\n", ""),
		"empty seed":         replace(seed, ""),
		"short seed":         replace(seed, base64.StdEncoding.EncodeToString(make([]byte, 31))),
		"long seed":          replace(seed, base64.StdEncoding.EncodeToString(make([]byte, 33))),
		"seed not canonical": replace(seed, strings.Repeat("A", 42)+"B="),
		"seed with newline":  replace(seed, seed[:20]+"\n"+seed[20:]),
		"seed not padded":    replace(seed, strings.TrimSuffix(seed, "=")),
		"two spaces":         replace("seed ", "seed  "),
	} {
		s, err := parseSecret([]byte(text))
		if err == nil {
			t.Errorf("%s: parsed as %+v", what, s.half)
		} else if strings.Contains(err.Error(), seed[:10]) {
			t.Errorf("%s: error holds the seed: %v", what, err)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	for _, b := range samples(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSecret(b)
		if err == nil && !bytes.Equal(s.marshal(), b) {
			t.Errorf("%q formats back as %q", b, s.marshal())
		}
		if err == nil && (len(s.seed) != seedSize || !s.Role.takes(s.Key.Type)) {
			t.Errorf("%q: seed of %d bytes, role %q of type %d", b, len(s.seed), s.Role, s.Key.Type)
		}
	})
}

func FuzzParsePublic(f *testing.F) {
	for _, b := range samples(f) {
		s, err := parseSecret(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.half.marshal())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := parsePublic(b); err == nil && !bytes.Equal(h.marshal(), b) {
			t.Errorf("%q formats back as %q", b, h.marshal())
		}
	})
}

func FuzzParseIdentity(f *testing.F) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(marshalIdentity(id, false))
	f.Add(marshalIdentity(id, true))
	f.Add([]byte(identityFormat + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, demo, err := parseIdentity(b)
		if err == nil && !bytes.Equal(marshalIdentity(id, demo), b) {
			t.Errorf("%q does not format back", b)
		}
		if err != nil && strings.Contains(err.Error(), "AGE-SECRET") {
			t.Errorf("error holds the identity: %v", err)
		}
	})
}

// FuzzOpen reads files that anyone may have put there.
func FuzzOpen(f *testing.F) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range samples(f)[:2] {
		file, err := seal(b, id.Recipient())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if raw, err := dearmor(b); err == nil {
			if again, err := enarmor(raw); err != nil || !bytes.Equal(again, b) {
				t.Errorf("%q does not armor back", b)
			}
		}
		if _, h, err := openKey(b, id); err == nil && h.Role != Issuer {
			t.Errorf("a key was made up: %+v", h)
		}
	})
}

func TestRoles(t *testing.T) {
	for _, k := range all {
		if !k.role.takes(k.kt) || Role("").takes(k.kt) || k.role.takes(proofs.KeyType(0xff)) {
			t.Errorf("role %s, type %d", k.role, k.kt)
		}
	}
}
