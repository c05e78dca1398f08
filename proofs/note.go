package proofs

// Notes and their keys: c2sp.org/signed-note.

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"
)

// MaxSignatures is how many signature lines a note may have.
// c2sp.org/signed-note: "MUST accept at least up to 16 signatures".
const MaxSignatures = 16

const (
	ed25519PublicKeySize = 32 // bytes // RFC 8032, section 5.1
	ed25519SignatureSize = 64
	mldsa44PublicKeySize = 1312 // FIPS 204, table 2
	mldsa44SignatureSize = 2420
)

// A KeyType is a signature type byte of c2sp.org/signed-note.
type KeyType byte

const (
	Ed25519Key     KeyType = 0x01 // Ed25519 over the note's text
	CosignatureKey KeyType = 0x04 // Ed25519 cosignature/v1, c2sp.org/tlog-cosignature
	MLDSA44Key     KeyType = 0x06 // ML-DSA-44 subtree/v1, c2sp.org/tlog-cosignature
)

// String names the algorithm for people.
func (t KeyType) String() string {
	switch t {
	case Ed25519Key, CosignatureKey:
		return "Ed25519"
	case MLDSA44Key:
		return "ML-DSA-44"
	default:
		return "type " + itoa(int(t))
	}
}

// size is the length of the public key in bytes, 0 for types not known here.
func (t KeyType) size() int {
	switch t {
	case Ed25519Key, CosignatureKey:
		return ed25519PublicKeySize
	case MLDSA44Key:
		return mldsa44PublicKeySize
	default:
		return 0
	}
}

// A Key is a public key with the name it signs under.
type Key struct {
	Name   string
	Type   KeyType
	Public []byte // 32 bytes for Ed25519, 1,312 for ML-DSA-44
}

// ID is the key ID that signature lines carry:
// SHA-256(key name ‖ 0x0A ‖ signature type ‖ public key)[:4].
func (k *Key) ID() uint32 {
	h := sum256Of([]byte(k.Name+"\n"), []byte{byte(k.Type)}, k.Public)
	return binary.BigEndian.Uint32(h[:])
}

// String formats the key as a vkey: name+id+base64(type ‖ public key).
func (k *Key) String() string {
	id := binary.BigEndian.AppendUint32(nil, k.ID())
	return k.Name + "+" + hexString(id) + "+" +
		base64.StdEncoding.EncodeToString(append([]byte{byte(k.Type)}, k.Public...))
}

// Equal reports whether two keys have the same name, type and bytes.
func (k *Key) Equal(o *Key) bool {
	return k.Name == o.Name && k.Type == o.Type && bytes.Equal(k.Public, o.Public)
}

// ParseKey parses a vkey, and rejects one whose ID does not belong to its key.
func ParseKey(vkey string) (*Key, error) {
	name, rest, _ := strings.Cut(vkey, "+")
	id, key, ok := strings.Cut(rest, "+")
	if !ok || !isKeyName(name) {
		return nil, malformed("vkey", quote(vkey), ": want NAME+ID+KEY")
	}
	b, ok := parseBase64(key)
	if !ok || len(b) < 2 {
		return nil, malformed("vkey", quote(vkey), ": key is not canonical base64")
	}
	k := &Key{name, KeyType(b[0]), b[1:]}
	if n := k.Type.size(); n == 0 || len(k.Public) != n {
		return nil, malformed("vkey", quote(vkey), ": ", k.Type.String(), " key of ", itoa(len(k.Public)), " bytes")
	}
	if vkey != k.String() {
		return nil, malformed("vkey", quote(vkey), ": key ID ", quote(id), " is not the key's")
	}
	return k, nil
}

// isKeyName follows c2sp.org/signed-note: "Key names MUST be non-empty and MUST
// NOT contain any Unicode spaces or plus (U+002B) characters."
func isKeyName(name string) bool {
	if name == "" || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if r == '+' || r < 0x20 || isSpace(r) {
			return false
		}
	}
	return true
}

// isSpace is Unicode's White_Space property, spelled out so that the meaning of
// a name does not depend on a table's version.
func isSpace(r rune) bool {
	switch r {
	case '\t', '\n', '\v', '\f', '\r', ' ', 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000:
		return true
	}
	return 0x2000 <= r && r <= 0x200a
}

// A Signature is one signature line of a note.
type Signature struct {
	Name  string
	ID    uint32
	Bytes []byte // what follows the key ID
}

// A Note is a signed note. Its text is not to be believed before a signature
// was verified.
type Note struct {
	Text       string // with its final newline
	Signatures []Signature
}

const dash = "— " // em dash, space

// ParseNote parses a note of any kind.
func ParseNote(b []byte) (*Note, error) {
	if err := checkNoteBytes(b); err != nil {
		return nil, err
	}
	s := string(b)
	i := strings.LastIndex(s, "\n\n")
	if i < 0 || !strings.HasSuffix(s, "\n") {
		return nil, malformed("note", "no empty line between text and signatures")
	}
	n := &Note{Text: s[:i+1]}
	lines := strings.Split(s[i+2:], "\n")
	lines = lines[:len(lines)-1]
	if len(lines) == 0 || len(lines) > MaxSignatures {
		return nil, malformed("note", itoa(len(lines)), " signature lines, want 1 to ", itoa(MaxSignatures))
	}
	for i, line := range lines {
		sig, ok := parseSignature(line)
		if !ok {
			return nil, malformed("note", "signature line ", itoa(i+1), ": ", quote(line))
		}
		n.Signatures = append(n.Signatures, sig)
	}
	return n, nil
}

// checkNoteBytes holds c2sp.org/signed-note: "Signed notes MUST be valid UTF-8
// and MUST NOT contain any ASCII control characters (those below U+0020) other
// than newline."
func checkNoteBytes(b []byte) error {
	if !utf8.Valid(b) {
		return malformed("note", "not UTF-8")
	}
	for i, c := range b {
		if c < 0x20 && c != '\n' {
			return malformed("note", "control character ", quote(string(c)), " at byte ", itoa(i))
		}
	}
	return nil
}

func parseSignature(line string) (Signature, bool) {
	rest, ok := strings.CutPrefix(line, dash)
	name, b64, ok2 := strings.Cut(rest, " ")
	b, ok3 := parseBase64(b64)
	if !ok || !ok2 || !ok3 || !isKeyName(name) || len(b) < 5 {
		return Signature{}, false
	}
	return Signature{name, binary.BigEndian.Uint32(b), b[4:]}, true
}

// Marshal formats the note.
func (n *Note) Marshal() []byte {
	b := append([]byte(n.Text), '\n')
	for i := range n.Signatures {
		b = append(b, n.Signatures[i].String()...)
	}
	return b
}

// String formats the signature as a line, with its newline.
func (s *Signature) String() string {
	id := binary.BigEndian.AppendUint32(nil, s.ID)
	return dash + s.Name + " " + base64.StdEncoding.EncodeToString(append(id, s.Bytes...)) + "\n"
}

// By reports whether the line claims to be by the key.
func (s *Signature) By(k *Key) bool { return s.Name == k.Name && s.ID == k.ID() }

// verifyText checks a signature of type 0x01 over a note's text.
func (s *Signature) verifyText(k *Key, text string) bool {
	return k.Type == Ed25519Key && s.By(k) && len(s.Bytes) == ed25519SignatureSize &&
		verifyEd25519(k.Public, []byte(text), s.Bytes)
}

// A Signer signs messages with one key; Sign may be slow and may fail. The implementations are a key in memory and the
// vectors' deterministic one; a token would be a third.
type Signer interface {
	Key() *Key
	Sign(message []byte) ([]byte, error)
}

// SignNote returns the note of a text with one line a signer, in order.
func SignNote(text string, signers ...Signer) (*Note, error) {
	n := &Note{Text: text}
	for _, s := range signers {
		sig, err := s.Sign([]byte(text))
		if err != nil {
			return nil, err
		}
		k := s.Key()
		n.Signatures = append(n.Signatures, Signature{k.Name, k.ID(), sig})
	}
	return n, nil
}

// A MemorySigner is a private key in memory, of any type.
type MemorySigner struct {
	key  *Key
	sign func(message []byte) ([]byte, error)
}

// NewMemorySigner makes a signer of a 32-byte seed (RFC 8032's private key, or
// FIPS 204's ξ). The program that a page runs signs nothing, and has none; package signer makes them in every program.
func NewMemorySigner(name string, t KeyType, seed []byte) (*MemorySigner, error) {
	if !isKeyName(name) || len(seed) != 32 {
		return nil, malformed("key", quote(name), " with a seed of ", itoa(len(seed)), " bytes, want 32")
	}
	if t.size() == 0 {
		return nil, malformed("key", quote(name), ": ", t.String())
	}
	if newPrivate == nil {
		return nil, errors.New("make the key " + quote(name) + ": this program cannot sign")
	}
	public, sign, err := newPrivate(t == MLDSA44Key, seed)
	if err != nil {
		return nil, err
	}
	return &MemorySigner{&Key{name, t, public}, sign}, nil
}

// Key returns the public key.
func (s *MemorySigner) Key() *Key { return s.key }

// Sign signs a message: RFC 8032, or FIPS 204 with an empty context.
func (s *MemorySigner) Sign(message []byte) ([]byte, error) { return s.sign(message) }
