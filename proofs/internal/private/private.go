// Package private is private keys in memory. It stands apart from package proofs because the program that a page runs signs nothing and is lighter
// without it.
package private

import (
	"crypto/ed25519"

	"filippo.io/mldsa"
)

// New makes a key of a seed of 32 bytes, for ML-DSA-44 or else for Ed25519: its public half, and what signs with it.
func New(mldsa44 bool, seed []byte) (public []byte, sign func(message []byte) ([]byte, error), err error) {
	if mldsa44 {
		k, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), seed)
		if err != nil {
			return nil, nil, err
		}
		return k.PublicKey().Bytes(), func(message []byte) ([]byte, error) { return k.Sign(nil, message, nil) }, nil
	}
	k := ed25519.NewKeyFromSeed(seed)
	return k.Public().(ed25519.PublicKey), func(message []byte) ([]byte, error) { return ed25519.Sign(k, message), nil }, nil
}
