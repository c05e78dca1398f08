// Package wire is what stele and its PKCS#11 helper say to each other over the helper's stdin and stdout. The helper is a
// process of its own because PKCS#11 modules are C: stele itself has none in it.
//
//	stele  → stele.pkcs11/1 open MODULE TOKEN OBJECT ID PIN
//	helper → ok PUBLIC
//	stele  → stele.pkcs11/1 sign MESSAGE
//	helper → ok SIGNATURE
//	…
//	(stele closes stdin; the helper logs out and ends)
//
// A message is one line: words with one space between them, at the end a newline, at most [MaxLine] bytes. MODULE (a path), TOKEN and
// OBJECT (labels), ID (an object's CKA_ID), PIN and everything after them are bytes in canonical base64, and "-" for none. In place of open,
// `generate` first makes a key pair under OBJECT's label; a label that is in use is refused. PUBLIC is an Ed25519 public key of 32 bytes,
// SIGNATURE one of 64 over MESSAGE. A helper serves one key: a second open is refused.
//
// What cannot be done is answered by "error CODE TEXT", TEXT being base64 of words for people; the codes are below. After an error
// of open or generate the helper ends. It writes nothing else on stdout, and the PIN nowhere: it comes over stdin because other
// processes can read arguments and environment.
//
// The helper is not trusted further than this: stele verifies every signature with the public key that it knows.
package wire

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Version begins every request.
const Version = "stele.pkcs11/1"

// MaxLine is the limit of a message, in bytes: base64 of a message of 64 KiB, and some. A statement has at most 8 KiB.
const MaxLine = 96 << 10

// The requests.
const (
	Open     = "open"
	Generate = "generate"
	Sign     = "sign"
)

// A Code says what cannot be done.
type Code string

const (
	Malformed   Code = "malformed"       // the request
	NoModule    Code = "no-module"       // the library cannot be loaded or started
	NoToken     Code = "no-token"        // none of that label
	TwoTokens   Code = "two-tokens"      // of one label
	NoObject    Code = "no-object"       // no Ed25519 key of that label or id
	TwoObjects  Code = "two-objects"     // several
	InUse       Code = "object-in-use"   // a new key's label
	WrongPIN    Code = "wrong-pin"       //
	LastTry     Code = "last-try"        // a wrong PIN now would lock the token: not tried
	Locked      Code = "locked"          // the PIN is
	SessionLost Code = "session-lost"    // the token was taken away, or another program has closed it
	Unable      Code = "unable"          // the token has no Ed25519
	Failed      Code = "failed"          // anything else
	NoCgo       Code = "built-without-c" // the helper was compiled with CGO_ENABLED=0
)

// An Error is an answer that something cannot be done.
type Error struct {
	Code Code
	Text string
}

func (e *Error) Error() string { return e.Text }

// A Key says where a key is.
type Key struct {
	Module string
	Token  string
	Object string
	ID     []byte // may be empty
}

// A Request is one of stele's.
type Request struct {
	Action  string
	Key     Key    // of open and generate
	PIN     []byte // of open and generate
	Message []byte // of sign
}

// Marshal formats a request as a line. The caller clears the result, which may hold the PIN.
func (r Request) Marshal() []byte {
	b := []byte(Version + " " + r.Action)
	if r.Action == Sign {
		return append(word(b, r.Message), '\n')
	}
	for _, f := range [][]byte{[]byte(r.Key.Module), []byte(r.Key.Token), []byte(r.Key.Object), r.Key.ID, r.PIN} {
		b = word(b, f)
	}
	return append(b, '\n')
}

func word(b, field []byte) []byte {
	if len(field) == 0 {
		return append(b, " -"...)
	}
	return base64.StdEncoding.AppendEncode(append(b, ' '), field)
}

// ParseRequest parses a line.
func ParseRequest(line []byte) (Request, error) {
	bad := &Error{Malformed, "request not in its format: want " + Version}
	text, ok := strings.CutSuffix(string(line), "\n")
	words := strings.Split(text, " ")
	if !ok || len(words) < 2 || words[0] != Version {
		return Request{}, bad
	}
	var fields [][]byte
	for _, w := range words[2:] {
		f, ok := unword(w)
		if !ok {
			return Request{}, bad
		}
		fields = append(fields, f)
	}
	switch r := (Request{Action: words[1]}); {
	case r.Action == Sign && len(fields) == 1:
		r.Message = fields[0]
		return r, nil
	case (r.Action == Open || r.Action == Generate) && len(fields) == 5:
		r.Key, r.PIN = Key{string(fields[0]), string(fields[1]), string(fields[2]), fields[3]}, fields[4]
		return r, nil
	}
	return Request{}, bad
}

// unword takes canonical base64 only.
func unword(w string) ([]byte, bool) {
	if w == "-" {
		return nil, true
	}
	b, err := base64.StdEncoding.DecodeString(w)
	return b, err == nil && len(b) > 0 && base64.StdEncoding.EncodeToString(b) == w
}

// FormatAnswer formats what a request has come to.
func FormatAnswer(result []byte, err error) []byte {
	if err == nil {
		return append(word([]byte("ok"), result), '\n')
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Failed, err.Error()}
	}
	return append(word([]byte("error "+string(e.Code)), []byte(e.Text)), '\n')
}

// ParseAnswer parses a line; the error is an *Error if the helper has given one.
func ParseAnswer(line []byte) ([]byte, error) {
	text, ok := strings.CutSuffix(string(line), "\n")
	words := strings.Split(text, " ")
	last, ok2 := unword(words[len(words)-1])
	switch {
	case ok && ok2 && len(words) == 2 && words[0] == "ok":
		return last, nil
	case ok && ok2 && len(words) == 3 && words[0] == "error" && words[1] != "":
		return nil, &Error{Code(words[1]), string(last)}
	}
	return nil, fmt.Errorf("answer of %d bytes is not in the format %s", len(line), Version)
}

// ReadLine reads a message with its newline; io.EOF is the end of all messages.
func ReadLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		b, err := r.ReadByte()
		switch {
		case err == io.EOF && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
		if line = append(line, b); b == '\n' {
			return line, nil
		}
		if len(line) == MaxLine {
			clear(line)
			return nil, &Error{Malformed, fmt.Sprintf("message of more than %d bytes", MaxLine)}
		}
	}
}
