package proofs

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

const hashSize = 32 // bytes in a SHA-256 hash

// A Hash is a SHA-256 hash: of a Merkle tree (RFC 6962, section 2.1), a record, a slot or a file.
type Hash [hashSize]byte

// String returns the hash in 64 digits of lower-case hex.
func (h Hash) String() string { return hexString(h[:]) }

// Base64 returns the hash as checkpoints and proofs write it.
func (h Hash) Base64() string { return base64.StdEncoding.EncodeToString(h[:]) }

// A Hash512 is a SHA3-512 hash.
type Hash512 [64]byte

func (h Hash512) String() string { return hexString(h[:]) }

// ParseHash parses 64 digits of lower-case hex.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if !hexDecode(h[:], s) {
		return h, malformed("hash", quote(s), ": want 64 digits of lower-case hex")
	}
	return h, nil
}

const hexDigits = "0123456789abcdef"

func hexString(b []byte) string {
	s := make([]byte, 0, 2*len(b))
	for _, c := range b {
		s = append(s, hexDigits[c>>4], hexDigits[c&15])
	}
	return string(s)
}

func hexDecode(dst []byte, s string) bool {
	if len(s) != 2*len(dst) {
		return false
	}
	for i := range dst {
		hi, lo := strings.IndexByte(hexDigits, s[2*i]), strings.IndexByte(hexDigits, s[2*i+1])
		if hi < 0 || lo < 0 {
			return false
		}
		dst[i] = byte(hi<<4 | lo)
	}
	return true
}

// parseHash64 parses a hash in canonical base64.
func parseHash64(s string) (Hash, bool) {
	var h Hash
	b, ok := parseBase64(s)
	if !ok || len(b) != len(h) {
		return h, false
	}
	copy(h[:], b)
	return h, true
}

// parseBase64 accepts only what encodes back to the same string: the strict
// decoder still skips line breaks, so the round trip is the check.
func parseBase64(s string) ([]byte, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	return b, true
}

// parseDecimal parses a decimal number of at most 63 bits, without sign or leading zero.
func parseDecimal(s string) (uint64, bool) {
	if s == "" || len(s) > 19 || (s[0] == '0' && s != "0") {
		return 0, false
	}
	var n uint64
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return n, n <= 1<<63-1
}

// Digests are the digests of one document.
type Digests struct {
	SHA256  Hash
	SHA3512 Hash512
}

// DigestsOf computes both digests of a document held in memory.
func DigestsOf(document []byte) Digests {
	return Digests{sum256(document), sumSHA3512(document)}
}

// RFC 6962, section 2.1.
func leafHash(data []byte) Hash {
	return sum256Of([]byte{0}, data)
}

func nodeHash(left, right Hash) Hash {
	var b [1 + 2*hashSize]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+hashSize:], right[:])
	return sum256(b[:])
}

// LeafHash returns the RFC 6962 leaf hash of an entry.
func LeafHash(entry []byte) Hash { return leafHash(entry) }

// A reader takes a binary format apart. After the first failure it reads
// zeroes; done reports the failure, or bytes left over.
type reader struct {
	what string
	b    []byte
	off  int
	err  error
}

func (r *reader) fail(why ...string) {
	if r.err == nil {
		r.err = malformed(r.what, append([]string{"byte " + itoa(r.off) + ": "}, why...)...)
	}
}

func (r *reader) bytes(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b)-r.off {
		r.fail("want ", itoa(n), " bytes, got ", itoa(len(r.b)-r.off))
		return nil
	}
	b := r.b[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

func (r *reader) u8() int {
	if b := r.bytes(1); b != nil {
		return int(b[0])
	}
	return 0
}

func (r *reader) u16() int {
	if b := r.bytes(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// count is a u64 that must fit in 63 bits: a place, a size or a time.
func (r *reader) count() uint64 {
	n := r.u64()
	if n > 1<<63-1 {
		r.fail("number over 2^63 - 1")
		return 0
	}
	return n
}

func (r *reader) hash() (h Hash) { copy(h[:], r.bytes(len(h))); return h }

func (r *reader) hashes(n int) []Hash {
	if r.err != nil || n > (len(r.b)-r.off)/hashSize {
		r.fail("want ", itoa(n), " hashes, got ", itoa(len(r.b)-r.off), " bytes")
		return nil
	}
	hs := make([]Hash, n)
	for i := range hs {
		hs[i] = r.hash()
	}
	return hs
}

func (r *reader) opaque16() []byte { return r.bytes(r.u16()) }

func (r *reader) opaque32() []byte {
	n := r.u32()
	if r.err == nil && uint64(n) > uint64(len(r.b)-r.off) {
		r.fail("want ", utoa(uint64(n)), " bytes, got ", itoa(len(r.b)-r.off))
		return nil
	}
	return r.bytes(int(n))
}

func (r *reader) literal(s string) {
	if got := string(r.bytes(len(s))); r.err == nil && got != s {
		r.off -= len(s)
		r.fail("got ", quote(got), ", want ", quote(s))
	}
}

func (r *reader) done() error {
	if r.err == nil && r.off != len(r.b) {
		r.fail(itoa(len(r.b)-r.off), " bytes left over")
	}
	return r.err
}

func appendU16(b []byte, n int) []byte    { return binary.BigEndian.AppendUint16(b, uint16(n)) }
func appendU32(b []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(b, n) }
func appendU64(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

func appendOpaque16(b, v []byte) []byte { return append(appendU16(b, len(v)), v...) }
func appendOpaque32(b, v []byte) []byte { return append(appendU32(b, uint32(len(v))), v...) }

func appendHashes(b []byte, hs []Hash) []byte {
	for _, h := range hs {
		b = append(b, h[:]...)
	}
	return b
}
