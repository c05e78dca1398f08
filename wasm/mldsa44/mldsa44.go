// Package mldsa44 verifies ML-DSA-44 signatures, for a Go program that runs in a browser. It signs nothing. Elsewhere filippo.io/mldsa does
// that and this; in a page its imports of the standard library's crypto packages weigh more than everything here. The tests hold
// the two to the same answers.
//
// Everything is public where signatures are verified, so nothing here takes care to run in constant time.
//
// The algorithm is FIPS 204, "Module-Lattice-Based Digital Signature Standard": ML-DSA.Verify (algorithm 3) with an
// empty context. Names of algorithms and variables are the standard's.
package mldsa44

import "stele/wasm/sha3"

const (
	PublicKeySize = 1312 // bytes // FIPS 204, table 2
	SignatureSize = 2420

	// FIPS 204, table 1
	q      = 8380417      // 2^23 - 2^13 + 1
	d      = 13           // bits that are dropped from t
	tau    = 39           // coefficients of c that are not 0
	gamma1 = 1 << 17      // of which the coefficients of y are below
	gamma2 = (q - 1) / 88 // by twice of which high bits are counted
	k, l   = 4, 4         // rows and columns of the matrix
	beta   = 78           // tau · eta
	omega  = 80           // hints at most

	n = 256 // coefficients of a polynomial

	seedSize      = 32 // bytes of ρ
	challengeSize = 32 // bytes of c̃: λ/4
	t1Size        = n * 10 / 8
	zSize         = n * 18 / 8
	w1Size        = n * 6 / 8
)

// Verify reports whether a signature is a key's over a message.
func Verify(public, message, signature []byte) bool {
	if len(public) != PublicKeySize || len(signature) != SignatureSize {
		return false
	}
	challenge := signature[:challengeSize]
	z, ok := unpackZ(signature[challengeSize : challengeSize+l*zSize])
	if !ok {
		return false
	}
	hints, ok := unpackHints(signature[challengeSize+l*zSize:])
	if !ok {
		return false
	}
	w1 := approximate(public, challenge, z, hints)
	again := shake256(challengeSize, representative(public, message), w1)
	return string(again) == string(challenge)
}

// representative is μ: algorithm 3, line 5 (M′ of an empty context), and algorithm 8, lines 6 and 7.
func representative(public, message []byte) []byte {
	tr := shake256(64, public)
	return shake256(64, tr, []byte{0, 0}, message)
}

// approximate is w1Encode(UseHint(h, Az - ct₁·2^d)): algorithm 8, lines 5 and 8 to 10, and algorithm 28.
func approximate(public, challenge []byte, z *[l]poly, hints *[k][n]bool) []byte {
	for s := range z {
		z[s].ntt()
	}
	c := sampleInBall(challenge)
	c.ntt()
	encoded := make([]byte, 0, k*w1Size)
	for r := range k {
		var w poly
		for s := range l {
			a := rejNTTPoly(public[:seedSize], byte(s), byte(r))
			w.addProduct(&a, &z[s])
		}
		t := unpackT1(public[seedSize+r*t1Size:][:t1Size])
		t.ntt()
		var ct poly
		ct.addProduct(&c, &t)
		for i := range w {
			w[i] = subtract(w[i], ct[i])
		}
		w.inverse()
		encoded = appendW1(encoded, &w, &hints[r])
	}
	return encoded
}

// unpackT1 reads coefficients of 10 bits, times 2^d: algorithm 23.
func unpackT1(b []byte) (p poly) {
	for i := range n / 4 {
		five := b[5*i : 5*i+5]
		bits := uint64(five[0]) | uint64(five[1])<<8 | uint64(five[2])<<16 | uint64(five[3])<<24 | uint64(five[4])<<32
		for j := range 4 {
			p[4*i+j] = uint32(bits>>(10*j)) & 0x3ff << d
		}
	}
	return p
}

// unpackZ reads coefficients of 18 bits, which are counted down from γ₁ (algorithm 27), and reports whether all are smaller
// than γ₁ - β either way (algorithm 8, line 13).
func unpackZ(b []byte) (*[l]poly, bool) {
	var z [l]poly
	for i := range l * n / 4 {
		nine := b[9*i : 9*i+9]
		low := uint64(nine[0]) | uint64(nine[1])<<8 | uint64(nine[2])<<16 | uint64(nine[3])<<24 | uint64(nine[4])<<32 |
			uint64(nine[5])<<40 | uint64(nine[6])<<48 | uint64(nine[7])<<56
		for j := range 4 {
			value := int32(low>>(18*j)) & 0x3ffff
			if j == 3 {
				value |= int32(nine[8]) << 10 & 0x3ffff
			}
			value = gamma1 - value
			if value <= -(gamma1-beta) || value >= gamma1-beta {
				return nil, false
			}
			if value < 0 {
				value += q
			}
			z[i/(n/4)][4*(i%(n/4))+j] = uint32(value)
		}
	}
	return &z, true
}

// unpackHints reads where the hints are 1: algorithm 21. There is one encoding of them only: places rise within a polynomial, the
// ends of polynomials never fall, and what is left over is zero.
func unpackHints(b []byte) (*[k][n]bool, bool) {
	var hints [k][n]bool
	at := 0
	for r := range k {
		end := int(b[omega+r])
		if end < at || end > omega {
			return nil, false
		}
		for first := at; at < end; at++ {
			if at > first && b[at-1] >= b[at] {
				return nil, false
			}
			hints[r][b[at]] = true
		}
	}
	for ; at < omega; at++ {
		if b[at] != 0 {
			return nil, false
		}
	}
	return &hints, true
}

// appendW1 appends the high bits of w, corrected by the hints, in 6 bits each: algorithms 40 (UseHint) and 28 (w1Encode).
func appendW1(b []byte, w *poly, hints *[n]bool) []byte {
	for i := 0; i < n; i += 4 {
		bits := highBits(w[i], hints[i]) | highBits(w[i+1], hints[i+1])<<6 | highBits(w[i+2], hints[i+2])<<12 | highBits(w[i+3], hints[i+3])<<18
		b = append(b, byte(bits), byte(bits>>8), byte(bits>>16))
	}
	return b
}

// highBits is UseHint: algorithm 40, with Decompose, algorithm 36.
func highBits(r uint32, hint bool) uint32 {
	const m = (q - 1) / (2 * gamma2) // 44
	r1 := (r + gamma2 - 1) / (2 * gamma2)
	r0 := int32(r) - int32(r1)*2*gamma2 // r mod± 2γ₂: above -γ₂, at most γ₂
	if r1 == m {                        // r - r0 is q - 1
		r1, r0 = 0, r0-1
	}
	switch {
	case !hint:
		return r1
	case r0 > 0:
		return (r1 + 1) % m
	default:
		return (r1 + m - 1) % m
	}
}

// sampleInBall is algorithm 29: τ coefficients are 1 or -1, the others 0.
func sampleInBall(challenge []byte) (c poly) {
	s := sha3.NewShake256()
	s.Write(challenge)
	var first [8]byte
	s.Read(first[:])
	signs := uint64(0)
	for i, b := range first {
		signs |= uint64(b) << (8 * i)
	}
	for i := n - tau; i < n; i++ {
		var j [1]byte
		s.Read(j[:])
		for int(j[0]) > i {
			s.Read(j[:])
		}
		c[i] = c[j[0]]
		c[j[0]] = 1
		if signs&1 == 1 {
			c[j[0]] = q - 1
		}
		signs >>= 1
	}
	return c
}

// rejNTTPoly is algorithm 30, for the element of the matrix in column s and row r (algorithm 32): three bytes make a coefficient of 23
// bits; those from q up are left out.
func rejNTTPoly(seed []byte, s, r byte) (a poly) {
	g := sha3.NewShake128()
	g.Write(seed)
	g.Write([]byte{s, r})
	var block [sha3.Rate128]byte // 56 times three bytes
	for i := 0; i < n; {
		g.Read(block[:])
		for at := 0; at < len(block) && i < n; at += 3 {
			if v := uint32(block[at]) | uint32(block[at+1])<<8 | uint32(block[at+2]&0x7f)<<16; v < q {
				a[i] = v
				i++
			}
		}
	}
	return a
}

// shake256 is H: FIPS 204, section 3.7.
func shake256(size int, parts ...[]byte) []byte {
	s := sha3.NewShake256()
	for _, p := range parts {
		s.Write(p)
	}
	out := make([]byte, size)
	s.Read(out)
	return out
}
