package signer_test

import (
	"bytes"
	"testing"

	"stele/proofs"
	"stele/proofs/signer"
)

// TestNew: what is signed verifies with the program's own verifier, on js/wasm the page's.
func TestNew(t *testing.T) {
	c := proofs.Checkpoint{Origin: "log.example/one", Size: 0, Root: proofs.EmptyRoot()}
	for _, kind := range []proofs.KeyType{proofs.Ed25519Key, proofs.CosignatureKey, proofs.MLDSA44Key} {
		s, err := signer.New("a.example/w", kind, bytes.Repeat([]byte{7}, signer.SeedSize))
		if err != nil {
			t.Fatal(err)
		}
		sign := func() (proofs.Signature, error) { return proofs.SignCheckpoint(s, c) }
		if kind != proofs.Ed25519Key {
			sign = func() (proofs.Signature, error) { return proofs.Cosign(s, c, 42) }
		}
		line, err := sign()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := line.CheckCheckpoint(s.Key(), c); err != nil {
			t.Errorf("type %d: %v", kind, err)
		}
		line.Bytes[len(line.Bytes)-1] ^= 1
		if _, err := line.CheckCheckpoint(s.Key(), c); err == nil {
			t.Errorf("type %d: a signature that was changed verifies", kind)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	seed := make([]byte, signer.SeedSize)
	for _, c := range []struct {
		name string
		kind proofs.KeyType
		seed []byte
	}{{"", proofs.Ed25519Key, seed}, {"a b", proofs.Ed25519Key, seed}, {"a+b", proofs.MLDSA44Key, seed}, {"a", 2, seed}, {"a", proofs.Ed25519Key, seed[1:]}} {
		if s, err := signer.New(c.name, c.kind, c.seed); err == nil {
			t.Errorf("%q of type %d with %d bytes: got %v, want an error", c.name, c.kind, len(c.seed), s.Key())
		}
	}
}
