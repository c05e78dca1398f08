package sha256

import "math/bits"

// What makes blocks fast under js/wasm, found by measuring in Chromium (node site/e2e/bench/hash.mjs);
// keep it so, and measure again before changing a line:
//
//   - The eight working variables are never moved. FIPS 180-4 renames them at the end of every round;
//     here the text of the next round has the names one place further on, and after eight rounds they
//     are back where they were. The compiler has 16 registers for WebAssembly: these and the pointers
//     fill them.
//   - The message schedule lies in the Digest, behind the same pointer as the state, so that each word
//     is one load or store with a constant offset. As sixteen local variables it spills (0.86 of the
//     speed), as an array on the stack every access computes its address (0.92).
//   - Sixteen rounds are written out twice, the second time in a loop that runs three times. All 64
//     written out this way are slower (0.87) and twice the code.
//   - The constants come from a table in all rounds: the compiler moves a literal to the end of the sum
//     and adds it twice, to d and to h.
//   - The sums are taken from the left, in the order of the standard: h = h + x + y, since h += x + y
//     adds x and y first (0.95).
//   - Every index is constant and every array has a fixed size: no bounds checks.
//   - The functions below are small enough to be inlined even here, where the caller is large.
//     binary.BigEndian.Uint32 was not, when all rounds were one text, and cost a third.

// roundConstants are the first 32 bits of the fractional parts of the cube roots of the first 64
// primes: FIPS 180-4, section 4.2.2.
var roundConstants = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
	0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// blocks takes the whole blocks at the start of data into the hash value: FIPS 180-4, section 6.2.2,
// steps 1 to 4 for each.
func (dg *Digest) blocks(data []byte) {
	for len(data) >= BlockSize {
		block := (*[BlockSize]byte)(data)
		a, b, c, d, e, f, g, h := dg.h[0], dg.h[1], dg.h[2], dg.h[3], dg.h[4], dg.h[5], dg.h[6], dg.h[7]

		// Rounds 0 to 15 take the words of the message as they come.
		k := (*[16]uint32)(roundConstants[:])

		dg.w[0] = word(block, 0)
		h = h + sum1(e) + ch(e, f, g) + k[0] + dg.w[0]
		d += h
		h += sum0(a) + maj(a, b, c)

		dg.w[1] = word(block, 1)
		g = g + sum1(d) + ch(d, e, f) + k[1] + dg.w[1]
		c += g
		g += sum0(h) + maj(h, a, b)

		dg.w[2] = word(block, 2)
		f = f + sum1(c) + ch(c, d, e) + k[2] + dg.w[2]
		b += f
		f += sum0(g) + maj(g, h, a)

		dg.w[3] = word(block, 3)
		e = e + sum1(b) + ch(b, c, d) + k[3] + dg.w[3]
		a += e
		e += sum0(f) + maj(f, g, h)

		dg.w[4] = word(block, 4)
		d = d + sum1(a) + ch(a, b, c) + k[4] + dg.w[4]
		h += d
		d += sum0(e) + maj(e, f, g)

		dg.w[5] = word(block, 5)
		c = c + sum1(h) + ch(h, a, b) + k[5] + dg.w[5]
		g += c
		c += sum0(d) + maj(d, e, f)

		dg.w[6] = word(block, 6)
		b = b + sum1(g) + ch(g, h, a) + k[6] + dg.w[6]
		f += b
		b += sum0(c) + maj(c, d, e)

		dg.w[7] = word(block, 7)
		a = a + sum1(f) + ch(f, g, h) + k[7] + dg.w[7]
		e += a
		a += sum0(b) + maj(b, c, d)

		dg.w[8] = word(block, 8)
		h = h + sum1(e) + ch(e, f, g) + k[8] + dg.w[8]
		d += h
		h += sum0(a) + maj(a, b, c)

		dg.w[9] = word(block, 9)
		g = g + sum1(d) + ch(d, e, f) + k[9] + dg.w[9]
		c += g
		g += sum0(h) + maj(h, a, b)

		dg.w[10] = word(block, 10)
		f = f + sum1(c) + ch(c, d, e) + k[10] + dg.w[10]
		b += f
		f += sum0(g) + maj(g, h, a)

		dg.w[11] = word(block, 11)
		e = e + sum1(b) + ch(b, c, d) + k[11] + dg.w[11]
		a += e
		e += sum0(f) + maj(f, g, h)

		dg.w[12] = word(block, 12)
		d = d + sum1(a) + ch(a, b, c) + k[12] + dg.w[12]
		h += d
		d += sum0(e) + maj(e, f, g)

		dg.w[13] = word(block, 13)
		c = c + sum1(h) + ch(h, a, b) + k[13] + dg.w[13]
		g += c
		c += sum0(d) + maj(d, e, f)

		dg.w[14] = word(block, 14)
		b = b + sum1(g) + ch(g, h, a) + k[14] + dg.w[14]
		f += b
		b += sum0(c) + maj(c, d, e)

		dg.w[15] = word(block, 15)
		a = a + sum1(f) + ch(f, g, h) + k[15] + dg.w[15]
		e += a
		a += sum0(b) + maj(b, c, d)

		// Rounds 16 to 63 take W[t] = W[t-16] + σ1(W[t-2]) + W[t-7] + σ0(W[t-15]), which replaces W[t-16].
		for t := 16; t < 64; t += 16 {
			k := (*[16]uint32)(roundConstants[t:])

			dg.w[0] = dg.w[0] + sigma1(dg.w[14]) + dg.w[9] + sigma0(dg.w[1])
			h = h + sum1(e) + ch(e, f, g) + k[0] + dg.w[0]
			d += h
			h += sum0(a) + maj(a, b, c)

			dg.w[1] = dg.w[1] + sigma1(dg.w[15]) + dg.w[10] + sigma0(dg.w[2])
			g = g + sum1(d) + ch(d, e, f) + k[1] + dg.w[1]
			c += g
			g += sum0(h) + maj(h, a, b)

			dg.w[2] = dg.w[2] + sigma1(dg.w[0]) + dg.w[11] + sigma0(dg.w[3])
			f = f + sum1(c) + ch(c, d, e) + k[2] + dg.w[2]
			b += f
			f += sum0(g) + maj(g, h, a)

			dg.w[3] = dg.w[3] + sigma1(dg.w[1]) + dg.w[12] + sigma0(dg.w[4])
			e = e + sum1(b) + ch(b, c, d) + k[3] + dg.w[3]
			a += e
			e += sum0(f) + maj(f, g, h)

			dg.w[4] = dg.w[4] + sigma1(dg.w[2]) + dg.w[13] + sigma0(dg.w[5])
			d = d + sum1(a) + ch(a, b, c) + k[4] + dg.w[4]
			h += d
			d += sum0(e) + maj(e, f, g)

			dg.w[5] = dg.w[5] + sigma1(dg.w[3]) + dg.w[14] + sigma0(dg.w[6])
			c = c + sum1(h) + ch(h, a, b) + k[5] + dg.w[5]
			g += c
			c += sum0(d) + maj(d, e, f)

			dg.w[6] = dg.w[6] + sigma1(dg.w[4]) + dg.w[15] + sigma0(dg.w[7])
			b = b + sum1(g) + ch(g, h, a) + k[6] + dg.w[6]
			f += b
			b += sum0(c) + maj(c, d, e)

			dg.w[7] = dg.w[7] + sigma1(dg.w[5]) + dg.w[0] + sigma0(dg.w[8])
			a = a + sum1(f) + ch(f, g, h) + k[7] + dg.w[7]
			e += a
			a += sum0(b) + maj(b, c, d)

			dg.w[8] = dg.w[8] + sigma1(dg.w[6]) + dg.w[1] + sigma0(dg.w[9])
			h = h + sum1(e) + ch(e, f, g) + k[8] + dg.w[8]
			d += h
			h += sum0(a) + maj(a, b, c)

			dg.w[9] = dg.w[9] + sigma1(dg.w[7]) + dg.w[2] + sigma0(dg.w[10])
			g = g + sum1(d) + ch(d, e, f) + k[9] + dg.w[9]
			c += g
			g += sum0(h) + maj(h, a, b)

			dg.w[10] = dg.w[10] + sigma1(dg.w[8]) + dg.w[3] + sigma0(dg.w[11])
			f = f + sum1(c) + ch(c, d, e) + k[10] + dg.w[10]
			b += f
			f += sum0(g) + maj(g, h, a)

			dg.w[11] = dg.w[11] + sigma1(dg.w[9]) + dg.w[4] + sigma0(dg.w[12])
			e = e + sum1(b) + ch(b, c, d) + k[11] + dg.w[11]
			a += e
			e += sum0(f) + maj(f, g, h)

			dg.w[12] = dg.w[12] + sigma1(dg.w[10]) + dg.w[5] + sigma0(dg.w[13])
			d = d + sum1(a) + ch(a, b, c) + k[12] + dg.w[12]
			h += d
			d += sum0(e) + maj(e, f, g)

			dg.w[13] = dg.w[13] + sigma1(dg.w[11]) + dg.w[6] + sigma0(dg.w[14])
			c = c + sum1(h) + ch(h, a, b) + k[13] + dg.w[13]
			g += c
			c += sum0(d) + maj(d, e, f)

			dg.w[14] = dg.w[14] + sigma1(dg.w[12]) + dg.w[7] + sigma0(dg.w[15])
			b = b + sum1(g) + ch(g, h, a) + k[14] + dg.w[14]
			f += b
			b += sum0(c) + maj(c, d, e)

			dg.w[15] = dg.w[15] + sigma1(dg.w[13]) + dg.w[8] + sigma0(dg.w[0])
			a = a + sum1(f) + ch(f, g, h) + k[15] + dg.w[15]
			e += a
			a += sum0(b) + maj(b, c, d)
		}

		dg.h[0] += a
		dg.h[1] += b
		dg.h[2] += c
		dg.h[3] += d
		dg.h[4] += e
		dg.h[5] += f
		dg.h[6] += g
		dg.h[7] += h
		data = data[BlockSize:]
	}
}

// word is the i'th 32-bit word of a block, big-endian: FIPS 180-4, section 3.1.
func word(block *[BlockSize]byte, i int) uint32 {
	return uint32(block[4*i])<<24 | uint32(block[4*i+1])<<16 | uint32(block[4*i+2])<<8 | uint32(block[4*i+3])
}

// The six functions of FIPS 180-4, section 4.1.2: Ch, Maj, Σ0, Σ1, σ0, σ1.

// ch takes each bit from y where x has a one, else from z.
func ch(x, y, z uint32) uint32 { return z ^ x&(y^z) }

// maj is the majority of each bit. Of x^y and y^z, the second was the first one round before, which
// the compiler notices.
func maj(x, y, z uint32) uint32 { return y ^ (x^y)&(y^z) }

func sum0(x uint32) uint32 {
	return bits.RotateLeft32(x, -2) ^ bits.RotateLeft32(x, -13) ^ bits.RotateLeft32(x, -22)
}

func sum1(x uint32) uint32 {
	return bits.RotateLeft32(x, -6) ^ bits.RotateLeft32(x, -11) ^ bits.RotateLeft32(x, -25)
}

func sigma0(x uint32) uint32 {
	return bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3
}

func sigma1(x uint32) uint32 {
	return bits.RotateLeft32(x, -17) ^ bits.RotateLeft32(x, -19) ^ x>>10
}
