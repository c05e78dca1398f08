// Package signer makes signers of seeds in every program, also in one for js/wasm that is no page: package proofs has none there, so that a page is
// lighter (proofs.NewMemorySigner).
package signer

import (
	"fmt"

	"stele/proofs"
	"stele/proofs/internal/private"
)

// SeedSize is the length of a seed in bytes: RFC 8032, section 5.1.5; FIPS 204, algorithm 1.
const SeedSize = 32

// A signer is a private key in memory.
type signer struct {
	key  *proofs.Key
	sign func(message []byte) ([]byte, error)
}

// New makes a signer of a seed. Its signatures are proofs.MemorySigner's.
func New(name string, t proofs.KeyType, seed []byte) (proofs.Signer, error) {
	if len(seed) != SeedSize {
		return nil, fmt.Errorf("key %q: a seed of %d bytes, want %d", name, len(seed), SeedSize)
	}
	public, sign, err := private.New(t == proofs.MLDSA44Key, seed)
	if err != nil {
		return nil, err
	}
	key, err := proofs.ParseKey((&proofs.Key{Name: name, Type: t, Public: public}).String()) // which looks at name and type
	if err != nil {
		return nil, err
	}
	return &signer{key, sign}, nil
}

func (s *signer) Key() *proofs.Key                    { return s.key }
func (s *signer) Sign(message []byte) ([]byte, error) { return s.sign(message) }
