//go:build js || page

package proofs

import (
	"encoding/binary"
	"sync"
)

// verifiedLimit bounds how many signatures are remembered: far more than one publication with all its witnesses carries.
const verifiedLimit = 256

// verified has the signatures that were found good, by the digest of all that they are: kind, key, message and signature. A page asks about
// hundreds of documents under one head, and about each in several rounds; what was good once is good again. A signature that was
// found bad is not remembered.
var verified struct {
	sync.Mutex
	sums map[Hash]struct{}
}

// verifyOnce is verify, asked once only for each signature that is good.
func verifyOnce(kind KeyType, verify func(public, message, signature []byte) bool, public, message, signature []byte) bool {
	frame := []byte{byte(kind)}
	frame = binary.BigEndian.AppendUint64(frame, uint64(len(public)))
	frame = binary.BigEndian.AppendUint64(frame, uint64(len(signature)))
	sum := sum256Of(frame, public, signature, message)
	verified.Lock()
	_, known := verified.sums[sum]
	verified.Unlock()
	if known {
		return true
	}
	if !verify(public, message, signature) {
		return false
	}
	verified.Lock()
	defer verified.Unlock()
	if verified.sums == nil || len(verified.sums) >= verifiedLimit {
		verified.sums = map[Hash]struct{}{}
	}
	verified.sums[sum] = struct{}{}
	return true
}
