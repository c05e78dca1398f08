//go:build js || page

package proofs

import (
	"stele/wasm/ed25519"
	"stele/wasm/mldsa44"
	"stele/wasm/sha256"
	"stele/wasm/sha3"
)

// What a page hashes and verifies with: packages of our own, because the standard library's weigh three times as much on their way to
// it. The answers are the same (crypto.go): the tests of those packages hold them against the standard library and filippo.io/mldsa, and
//
//	go test -tags=page ./proofs
//
// runs everything with them on the machine at hand, the vectors of others too.

func sum256(b []byte) Hash { return sum256Of(b) }

// sum256Of is the hash of the parts, one after another.
func sum256Of(parts ...[]byte) Hash {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum()
}

func sumSHA3256(b []byte) Hash    { return sha3.Sum256(b) }
func sumSHA3512(b []byte) Hash512 { return sha3.Sum512(b) }

func verifyEd25519(public, message, signature []byte) bool {
	return verifyOnce(Ed25519Key, ed25519.Verify, public, message, signature)
}

func verifyMLDSA44(public, message, signature []byte) bool {
	return verifyOnce(MLDSA44Key, mldsa44.Verify, public, message, signature)
}

// newPrivate is nil: a page signs nothing. The tests put one here.
var newPrivate func(mldsa44 bool, seed []byte) (public []byte, sign func(message []byte) ([]byte, error), err error)
