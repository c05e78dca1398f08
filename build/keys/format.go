package keys

// The text inside the files. Canonical lines, as everywhere in this project: what
// does not format back to the same bytes is rejected. No error quotes a line,
// because the line may be the seed.

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"filippo.io/age"

	"stele/proofs"
)

const (
	secretFormat   = "stele.secret-key/1"
	publicFormat   = "stele.public-key/1"
	identityFormat = "# stele.key-identity/1" // a comment to age

	seedSize = 32 // bytes: RFC 8032, section 5.1.5; FIPS 204, algorithm 1
)

// A Role is what a key is for. A key has one for life.
type Role string

const (
	Root        Role = "root"        // signs what accredits and withdraws issuers
	Log         Role = "log"         // signs checkpoints with Ed25519
	LogMLDSA44  Role = "log-mldsa44" // signs checkpoints with ML-DSA-44
	Publication Role = "publication" // signs index statements and nothing else
	Issuer      Role = "issuer"      // signs an issuer's statements
	Officer     Role = "officer"     // cosigns: approves a publication
	Witness     Role = "witness"     // cosigns: saw a consistent ledger
)

// takes reports whether keys of that role are of that type: proofs/FORMAT.md,
// sections 2 and 12.
func (r Role) takes(t proofs.KeyType) bool {
	switch r {
	case Root, Log, Publication, Issuer:
		return t == proofs.Ed25519Key
	case LogMLDSA44:
		return t == proofs.MLDSA44Key
	case Officer, Witness:
		return t == proofs.CosignatureKey || t == proofs.MLDSA44Key
	default:
		return false
	}
}

// A half is what the public half of a key says, and the private half says too.
type half struct {
	Role Role
	Demo bool
	Key  *proofs.Key
}

func (h half) equal(o half) bool {
	return h.Role == o.Role && h.Demo == o.Demo && h.Key.Equal(o.Key)
}

// marshal formats a public half, the text of a .pub file.
func (h half) marshal() []byte { return h.lines(publicFormat) }

func (h half) lines(format string) []byte {
	b := []byte(format + "\nrole " + string(h.Role) + "\n")
	if h.Demo {
		b = append(b, "demo\n"...)
	}
	return append(b, "public "+h.Key.String()+"\n"...)
}

// parsePublic parses the text of a .pub file.
func parsePublic(b []byte) (half, error) {
	h, rest, err := parseHalf(publicFormat, b)
	if err == nil && (len(rest) > 0 || !bytes.Equal(h.marshal(), b)) {
		err = malformed(publicFormat, "not in canonical form")
	}
	return h, err
}

// A secret is a private half.
type secret struct {
	half
	seed []byte
}

// newSecret draws a seed and makes the private half of it. The caller clears the seed.
func newSecret(name string, h half, t proofs.KeyType, rand io.Reader) (*secret, error) {
	seed := make([]byte, seedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	signer, err := proofs.NewMemorySigner(name, t, seed)
	if err != nil {
		return nil, err
	}
	h.Key = signer.Key()
	return &secret{h, seed}, nil
}

// signer makes the signer, and fails if the seed is not that of the public key.
func (s *secret) signer() (*proofs.MemorySigner, error) {
	signer, err := proofs.NewMemorySigner(s.Key.Name, s.Key.Type, s.seed)
	if err != nil {
		return nil, err
	}
	if !signer.Key().Equal(s.Key) {
		return nil, fmt.Errorf("%w: the seed makes another public key", ErrDamaged)
	}
	return signer, nil
}

// marshal formats a private half. The caller clears the result.
func (s *secret) marshal() []byte {
	head := append(s.lines(secretFormat), "seed "...)
	b := make([]byte, 0, len(head)+base64.StdEncoding.EncodedLen(len(s.seed))+1)
	b = base64.StdEncoding.AppendEncode(append(b, head...), s.seed)
	return append(b, '\n')
}

// parseSecret parses a private half. The caller clears the seed.
func parseSecret(b []byte) (*secret, error) {
	h, rest, err := parseHalf(secretFormat, b)
	if err != nil {
		return nil, err
	}
	line, ok := bytes.CutPrefix(rest, []byte("seed "))
	line, ok2 := bytes.CutSuffix(line, []byte("\n"))
	if !ok || !ok2 || len(line) != base64.StdEncoding.EncodedLen(seedSize) {
		return nil, malformed(secretFormat, "want a seed line at the end")
	}
	s := &secret{h, make([]byte, base64.StdEncoding.DecodedLen(len(line)))}
	n, err := base64.StdEncoding.Decode(s.seed, line)
	s.seed = s.seed[:n]
	again := s.marshal()
	defer clear(again)
	if err != nil || n != seedSize || !bytes.Equal(again, b) {
		clear(s.seed)
		return nil, malformed(secretFormat, "not in canonical form")
	}
	return s, nil
}

// parseHalf parses the lines that both halves have, and returns what follows.
func parseHalf(format string, b []byte) (half, []byte, error) {
	l := &lines{format: format, rest: b}
	if l.next() != format {
		return half{}, nil, l.malformed("want the format's name")
	}
	role := l.value("role ")
	demo := bytes.HasPrefix(l.rest, []byte("demo\n"))
	if demo {
		l.next()
	}
	k, err := proofs.ParseKey(l.value("public "))
	if err != nil {
		return half{}, nil, l.malformed("want public and a vkey")
	}
	h := half{Role(role), demo, k}
	if !h.Role.takes(k.Type) {
		return half{}, nil, malformed(format, "no role for a key of type "+strconv.Itoa(int(k.Type)))
	}
	return h, l.rest, nil
}

// lines takes lines off the front of a text.
type lines struct {
	format string
	rest   []byte
	n      int
}

// next returns a line without its newline, "" if there is none. Only lines that are
// public anyway are taken, for a string cannot be cleared.
func (l *lines) next() string {
	line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
	l.n++
	if !ok {
		return ""
	}
	l.rest = rest
	return string(line)
}

// value takes a line only if it begins with a name.
func (l *lines) value(name string) string {
	if !bytes.HasPrefix(l.rest, []byte(name)) {
		l.n++
		return ""
	}
	return strings.TrimPrefix(l.next(), name) // no newline, no line
}

func (l *lines) malformed(why string) error {
	return malformed(l.format, "line "+strconv.Itoa(l.n)+": "+why)
}

func malformed(what, why string) error { return &proofs.MalformedError{What: what, Why: why} }

// marshalIdentity formats the identity as age's own tool reads it. The caller clears
// the result.
func marshalIdentity(id *age.HybridIdentity, demo bool) []byte {
	b := []byte(identityFormat + "\n")
	if demo {
		b = append(b, "# demo\n"...)
	}
	return slices.Concat(b, []byte(id.String()), []byte("\n"))
}

// parseIdentity parses the text inside identity.age.
func parseIdentity(b []byte) (*age.HybridIdentity, bool, error) {
	rest, ok := bytes.CutPrefix(b, []byte(identityFormat+"\n"))
	rest, demo := bytes.CutPrefix(rest, []byte("# demo\n"))
	id, err := age.ParseHybridIdentity(string(bytes.TrimSuffix(rest, []byte("\n"))))
	if !ok || err != nil { // age's error quotes the line
		return nil, false, malformed("identity", "want "+identityFormat+" and an identity")
	}
	again := marshalIdentity(id, demo)
	defer clear(again)
	if !bytes.Equal(again, b) {
		return nil, false, malformed("identity", "not in canonical form")
	}
	return id, demo, nil
}
