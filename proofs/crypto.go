//go:build !js && !page

package proofs

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha3"

	"filippo.io/mldsa"

	"stele/proofs/internal/private"
)

// What is hashed and verified with: the standard library and filippo.io/mldsa. The program that a page runs has the same functions
// from cryptopage.go.

func sum256(b []byte) Hash { return sha256.Sum256(b) }

// sum256Of is the hash of the parts, one after another.
func sum256Of(parts ...[]byte) Hash {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return Hash(h.Sum(nil))
}

func sumSHA3256(b []byte) Hash    { return sha3.Sum256(b) }
func sumSHA3512(b []byte) Hash512 { return sha3.Sum512(b) }

// verifyEd25519 verifies without the cofactor, and compares R as bytes: what crypto/ed25519 takes is what counts (FORMAT.md).
func verifyEd25519(public, message, signature []byte) bool {
	return ed25519.Verify(public, message, signature)
}

// verifyMLDSA44 verifies with an empty context.
func verifyMLDSA44(public, message, signature []byte) bool {
	k, err := mldsa.NewPublicKey(mldsa.MLDSA44(), public)
	return err == nil && mldsa.Verify(k, message, signature, nil) == nil
}

var newPrivate = private.New
