package witness_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"stele/proofs"
	"stele/site/edge/witness"
)

// TestKeys: what is made is read back, and signs.
func TestKeys(t *testing.T) {
	secret, keys, err := witness.NewKeys("agency.example/witness", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{secret, strings.TrimSuffix(secret, "\n")} { // as it is written, and as some keep it
		signers, err := witness.ParseKeys(text)
		if err != nil || len(signers) != 2 {
			t.Fatalf("%d keys (%v), want two", len(signers), err)
		}
		c := proofs.Checkpoint{Origin: "log.example/one", Root: proofs.EmptyRoot()}
		for i, s := range signers {
			line, err := proofs.Cosign(s, c, 42)
			if err != nil {
				t.Fatal(err)
			}
			if at, err := line.CheckCheckpoint(keys[i], c); err != nil || at != 42 {
				t.Errorf("key %d: of %d (%v)", i, at, err)
			}
		}
	}
	if len(secret) > 5000 {
		t.Errorf("%d bytes, and a Worker's secret has 5 kB", len(secret))
	}
}

// fixed is a line whose seed is known: in x/mod/sumdb/note's form, with another type.
const fixed = "PRIVATE+KEY+agency.example/witness+a298611c+BAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"

// TestKeysForm: the form never changes, or a witness would be lost.
func TestKeysForm(t *testing.T) {
	signers, err := witness.ParseKeys(fixed + "\n")
	if err != nil {
		t.Fatal(err)
	}
	const public = "agency.example/witness+a298611c+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
	if got := signers[0].Key().String(); got != public {
		t.Errorf("got %s, want %s", got, public)
	}
}

// TestKeysRefused: one that is not quite right is refused, and what it holds is not told.
func TestKeysRefused(t *testing.T) {
	other, _, err := witness.NewKeys("other.example/witness", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	many := ""
	for range 3 {
		two, _, err := witness.NewKeys("agency.example/witness", rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		many += two
	}
	wrongType := strings.Replace(fixed, "+BAcH", "+AQcH", 1)
	secret := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for why, text := range map[string]string{
		"nothing": "", "an empty line": "\n", "a line too many": fixed + "\n\n", "an empty line first": "\n" + fixed, "a space": fixed + " ", "a return": fixed + "\r\n",
		"twice": fixed + "\n" + fixed, "two names": fixed + "\n" + other, "a log's type": wrongType, "no words": strings.TrimPrefix(fixed, "PRIVATE+KEY+"),
		"another name": strings.Replace(fixed, "agency", "agent", 1), "another ID": strings.Replace(fixed, "a298", "a299", 1), "capitals": strings.Replace(fixed, "a298", "A298", 1),
		"another seed": strings.Replace(fixed, "BwcHBwcH", "BwcHBwcG", 1), "a seed too short": fixed[:len(fixed)-4], "a seed where the name belongs": "PRIVATE+KEY+" + secret + "+00000000+" + secret,
		"only a seed": secret, "too many": many,
	} {
		signers, err := witness.ParseKeys(text)
		if err == nil {
			t.Errorf("%s: got %d keys, want an error", why, len(signers))
		} else if strings.Contains(err.Error(), "BwcHBwcH") {
			t.Errorf("%s: the error tells the seed: %v", why, err)
		}
	}
}
