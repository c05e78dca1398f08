// Package sha512 is SHA-512 for a Go program that runs in a browser, where importing any of the standard library's crypto packages
// makes the program 60 KB heavier on its way. It is as simple as can be, since the page hashes signed messages with it and no files.
//
// The algorithm is FIPS 180-4, "Secure Hash Standard", sections 5.1.2 (padding), 5.3.5 (initial hash value) and 6.4.2 (computation).
package sha512

import (
	"encoding/binary"
	"math/bits"
)

const (
	Size      = 64  // bytes in a digest // FIPS 180-4, figure 1
	blockSize = 128 // bytes in a block // FIPS 180-4, figure 1

	lengthSize = 16 // bytes that end the last block: the message's length in bits // FIPS 180-4, section 5.1.2
)

// Sum returns the digest of the parts, one after another.
func Sum(parts ...[]byte) [Size]byte {
	// The first 64 bits of the fractional parts of the square roots of the first eight primes.
	h := [8]uint64{ // FIPS 180-4, section 5.3.5
		0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
		0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
	}
	var block [blockSize]byte
	held, length := 0, uint64(0)
	for _, p := range parts {
		length += uint64(len(p))
		for len(p) > 0 {
			n := copy(block[held:], p)
			held, p = held+n, p[n:]
			if held == blockSize {
				compress(&h, &block)
				held = 0
			}
		}
	}
	block[held] = 0x80
	clear(block[held+1:])
	if held+1 > blockSize-lengthSize {
		compress(&h, &block)
		clear(block[:])
	}
	// The length has 128 bits; of more than 64 there is none.
	binary.BigEndian.PutUint64(block[blockSize-8:], length*8)
	block[blockSize-9] = byte(length >> 61)
	compress(&h, &block)

	var sum [Size]byte
	for i, word := range h {
		binary.BigEndian.PutUint64(sum[8*i:], word)
	}
	return sum
}

// compress takes one block into the hash value: FIPS 180-4, section 6.4.2.
func compress(hash *[8]uint64, block *[blockSize]byte) {
	var w [80]uint64
	for t := range 16 {
		w[t] = binary.BigEndian.Uint64(block[8*t:])
	}
	for t := 16; t < len(w); t++ {
		x, y := w[t-2], w[t-15]
		w[t] = (rotr(x, 19) ^ rotr(x, 61) ^ x>>6) + w[t-7] + (rotr(y, 1) ^ rotr(y, 8) ^ y>>7) + w[t-16]
	}
	a, b, c, d, e, f, g, h := hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]
	for t := range w {
		t1 := h + (rotr(e, 14) ^ rotr(e, 18) ^ rotr(e, 41)) + (e&f ^ ^e&g) + roundConstants[t] + w[t]
		t2 := (rotr(a, 28) ^ rotr(a, 34) ^ rotr(a, 39)) + (a&b ^ a&c ^ b&c)
		h, g, f, e, d, c, b, a = g, f, e, d+t1, c, b, a, t1+t2
	}
	for i, word := range [8]uint64{a, b, c, d, e, f, g, h} {
		hash[i] += word
	}
}

func rotr(x uint64, n int) uint64 { return bits.RotateLeft64(x, -n) }

// roundConstants are the first 64 bits of the fractional parts of the cube roots of the first 80 primes: FIPS 180-4, section 4.2.3.
var roundConstants = [80]uint64{
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
	0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
	0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
	0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
	0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
	0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
	0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
	0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
	0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
	0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
	0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
	0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
}
