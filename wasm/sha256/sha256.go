// Package sha256 is SHA-256 for a Go program that runs in a browser.
//
// The standard library's crypto/sha256 has assembly for the processors of servers, but none for
// WebAssembly, where its portable code reaches 0.4 of the speed of compiled C. The block function here
// is laid out for what the Go compiler makes of it under js/wasm, and is level with C there. Import it
// under js/wasm only; elsewhere crypto/sha256 is faster by far. It compiles everywhere, so that its
// tests run natively and compare it with crypto/sha256.
//
// The algorithm is FIPS 180-4, "Secure Hash Standard", sections 5.1.1 (padding), 5.3.3 (initial hash
// value) and 6.2.2 (computation).
package sha256

import "encoding/binary"

const (
	Size      = 32 // bytes in a digest // FIPS 180-4, figure 1
	BlockSize = 64 // bytes in a block // FIPS 180-4, figure 1

	lengthSize = 8 // bytes that end the last block: the message's length in bits // FIPS 180-4, section 5.1.1
)

// A Digest is the hash of the bytes written so far. It is not safe for concurrent use. Use New: the
// zero value hashes to nonsense.
type Digest struct {
	h      [8]uint32       // hash value H(i) // FIPS 180-4, section 6.2
	w      [16]uint32      // message schedule, scratch of blocks
	rest   [BlockSize]byte // bytes that do not yet fill a block
	length uint64          // bytes written; below 2^61 // FIPS 180-4, section 1
}

// New returns the Digest of the empty message.
func New() *Digest {
	// The first 32 bits of the fractional parts of the square roots of the first eight primes.
	return &Digest{h: [8]uint32{ // FIPS 180-4, section 5.3.3
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	}}
}

// Write adds p to the message. It returns len(p) and no error, keeps no reference to p and allocates
// nothing.
func (dg *Digest) Write(p []byte) (int, error) {
	n := len(p)
	held := int(dg.length % BlockSize)
	dg.length += uint64(n)
	if held > 0 {
		taken := copy(dg.rest[held:], p)
		if held+taken < BlockSize {
			return n, nil
		}
		dg.blocks(dg.rest[:])
		p = p[taken:]
	}
	dg.blocks(p)
	copy(dg.rest[:], p[len(p)/BlockSize*BlockSize:])
	return n, nil
}

// Sum returns the digest of what was written so far. More may be written after it.
func (dg *Digest) Sum() [Size]byte {
	end := *dg
	// One bit 1, as many 0 as reach the end of a block less the length, and the length in bits.
	var padding [BlockSize + lengthSize]byte // FIPS 180-4, section 5.1.1
	padding[0] = 0x80
	zeros := BlockSize - 1 - (dg.length+lengthSize)%BlockSize
	binary.BigEndian.PutUint64(padding[1+zeros:], dg.length*8)
	end.Write(padding[:1+zeros+lengthSize])

	var sum [Size]byte
	for i, word := range end.h {
		binary.BigEndian.PutUint32(sum[4*i:], word)
	}
	return sum
}
