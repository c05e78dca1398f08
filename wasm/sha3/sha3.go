// Package sha3 is SHA-3 and SHAKE for a Go program that runs in a browser, where importing any of the standard library's crypto packages
// makes the program 60 KB heavier on its way.
//
// The algorithm is FIPS 202, "SHA-3 Standard", sections 3 (Keccak-f[1600]), 4 (the sponge) and 6 (the functions).
package sha3

import "encoding/binary"

const (
	Size256 = 32 // bytes in a digest
	Size512 = 64

	Rate128 = 168 // bytes that SHAKE128 gives or takes at a time // FIPS 202, section 6.2: 1600 - 2·128 bits
	Rate256 = 136 // bytes that SHAKE256 and SHA3-256 give or take at a time
	rate512 = 72

	suffixHash  = 0b0110 // 01, and the first bit of the padding // FIPS 202, sections 6.1 and 5.1
	suffixShake = 0b11111
)

// A State is a sponge: written to first, then read from. It is not safe for concurrent use. The zero value is of no use.
type State struct {
	a         [25]uint64
	rate      int
	suffix    byte
	at        int  // bytes of the rate that are written, or read
	squeezing bool // whether it is read from
	size      int  // of the digest, for Sum
}

// New256 is SHA3-256.
func New256() *State { return &State{rate: Rate256, suffix: suffixHash, size: Size256} }

// New512 is SHA3-512.
func New512() *State { return &State{rate: rate512, suffix: suffixHash, size: Size512} }

// NewShake128 is SHAKE128.
func NewShake128() *State { return &State{rate: Rate128, suffix: suffixShake} }

// NewShake256 is SHAKE256.
func NewShake256() *State { return &State{rate: Rate256, suffix: suffixShake} }

// Write adds p to the message. It returns len(p) and no error. It must not be called after Read.
func (s *State) Write(p []byte) (int, error) {
	if s.squeezing {
		panic("sha3: Write after Read")
	}
	n := len(p)
	for len(p) > 0 {
		if s.at%8 == 0 && len(p) >= 8 {
			words := min(len(p), s.rate-s.at) / 8
			for i := range words {
				s.a[s.at/8+i] ^= binary.LittleEndian.Uint64(p[8*i:])
			}
			s.at, p = s.at+8*words, p[8*words:]
		} else {
			s.a[s.at/8] ^= uint64(p[0]) << (8 * (s.at % 8))
			s.at, p = s.at+1, p[1:]
		}
		if s.at == s.rate {
			permute(&s.a)
			s.at = 0
		}
	}
	return n, nil
}

// Read fills p with the next bytes of the output. It returns len(p) and no error.
func (s *State) Read(p []byte) (int, error) {
	if !s.squeezing {
		s.a[s.at/8] ^= uint64(s.suffix) << (8 * (s.at % 8))
		s.a[s.rate/8-1] ^= 1 << 63
		s.at, s.squeezing = s.rate, true
	}
	for i := range p {
		if s.at == s.rate {
			permute(&s.a)
			s.at = 0
		}
		p[i] = byte(s.a[s.at/8] >> (8 * (s.at % 8)))
		s.at++
	}
	return len(p), nil
}

// Sum appends the digest of what was written so far to b. More may be written after it. It is not for SHAKE.
func (s *State) Sum(b []byte) []byte {
	end := *s
	digest := make([]byte, s.size)
	end.Read(digest)
	return append(b, digest...)
}

// Sum256 is SHA3-256 of a message.
func Sum256(message []byte) (sum [Size256]byte) {
	s := New256()
	s.Write(message)
	s.Read(sum[:])
	return sum
}

// Sum512 is SHA3-512 of a message.
func Sum512(message []byte) (sum [Size512]byte) {
	s := New512()
	s.Write(message)
	s.Read(sum[:])
	return sum
}
