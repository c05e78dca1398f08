// Package ed25519 verifies Ed25519 signatures, for a Go program that runs in a browser, where importing crypto/ed25519 makes the program
// 60 KB heavier on its way. It signs nothing.
//
// RFC 8032 leaves some answers open. This package gives crypto/ed25519's, byte for byte: no cofactor is multiplied by; R is
// compared as bytes, so that only its canonical encoding verifies; S must be below the group's order; of the
// public key, encodings that are not canonical and points of low order are taken. Both stand on the same arithmetic, which the
// standard library has from filippo.io/edwards25519, and the tests hold them to the same answers.
package ed25519

import (
	"filippo.io/edwards25519"

	"stele/wasm/sha512"
)

const (
	PublicKeySize = 32 // bytes // RFC 8032, section 5.1
	SignatureSize = 64
)

// Verify reports whether a signature is a key's over a message: RFC 8032, section 5.1.7. It panics if the key has not PublicKeySize bytes,
// as crypto/ed25519 does.
func Verify(public, message, signature []byte) bool {
	if len(public) != PublicKeySize {
		panic("ed25519: bad length of a public key")
	}
	if len(signature) != SignatureSize {
		return false
	}
	a, err := new(edwards25519.Point).SetBytes(public)
	if err != nil {
		return false
	}
	s, err := new(edwards25519.Scalar).SetCanonicalBytes(signature[32:])
	if err != nil {
		return false
	}
	digest := sha512.Sum(signature[:32], public, message)
	k, err := new(edwards25519.Scalar).SetUniformBytes(digest[:])
	if err != nil {
		panic("ed25519: a digest of another length: " + err.Error())
	}
	// [S]B = R + [k]A, as R = [k](-A) + [S]B
	r := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(k, a.Negate(a), s)
	return string(r.Bytes()) == string(signature[:32])
}
