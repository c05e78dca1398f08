package registry

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"

	"stele/proofs"
)

// The codes of a RefusedError: stable, for programs.
const (
	CodeMalformed      = "malformed"          // no statement
	CodeOtherRegistry  = "other-registry"     // for another ledger
	CodeNotUnderstood  = "not-understood"     // its version, action or fields are not known here
	CodeNotAuthorised  = "not-authorised"     // its issuer may not say it
	CodeBadSignature   = "bad-signature"      // its signature does not verify by a key that stands
	CodeKind           = "kind"               // its issuer may not issue that kind
	CodeSensitive      = "sensitive"          // a kind that must not be registered unsealed
	CodeMisdated       = "misdated"           // issued after tomorrow
	CodeRegistered     = "already-registered" // by the same issuer
	CodeNoEffect       = "no-effect"          // the document's life, or the authority's standing, does not allow it
	CodeNoRegistration = "no-registration"    // nothing that its `after` leads to
	CodeDoesNotFit     = "does-not-fit"       // FORMAT.md, section 16
	CodeRepeated       = "repeated"           // the same text again
	CodePublication    = "publication"        // refused by a publication, for the reason that it gave
)

// A RefusedError says why the rules keep a statement out of the ledger.
type RefusedError struct {
	Code string
	Err  error
}

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

func refuse(code, format string, args ...any) error {
	return &RefusedError{code, fmt.Errorf(format, args...)}
}

// codeOf is why a statement is refused, as a code.
func codeOf(err error) string {
	var (
		refused    *RefusedError
		other      *proofs.OtherRegistryError
		unverified *proofs.UnverifiedError
		few        *proofs.InsufficientError
		unknown    *proofs.NotUnderstoodError
	)
	switch {
	case errors.As(err, &refused):
		return refused.Code
	case errors.As(err, &other):
		return CodeOtherRegistry
	case errors.As(err, &unverified):
		return CodeBadSignature
	case errors.As(err, &few):
		return CodeNotAuthorised
	case errors.As(err, &unknown):
		return CodeNotUnderstood
	}
	return CodeMalformed
}

// whyNoEffect says what an event meets in the life that its `after` leads to.
func whyNoEffect(t *proofs.Trust, life *proofs.Life, e *proofs.Entry) string {
	s := e.Statement
	switch {
	case s.Issuer != t.RootName() && s.Issuer != life.Registrant && s.Action != proofs.ActionLink:
		return fmt.Sprintf("the document is registered by %s, and %s may not speak for it", life.Registrant, s.Issuer)
	case s.Document == nil || *s.Document != *life.Register.Statement.Document:
		return "it names the document by other digests than its registration"
	}
	return fmt.Sprintf("has no effect on a document that is %s, or does not follow its latest statement", life.State)
}

// StatementID is a statement's identity, the SHA-256 of its text; of what is no note, that of its bytes.
func StatementID(entry []byte) proofs.Hash {
	if note, err := proofs.ParseNote(entry); err == nil {
		return sha256.Sum256([]byte(note.Text))
	}
	return sha256.Sum256(entry)
}

// A putAside is a statement in state/refused.
type putAside struct {
	why   string
	entry []byte
}

// refusedBelow is where refused statements are put aside, below what the publisher remembers.
const refusedBelow = "refused/"

// readRefused reads files of refused statements that are not among those read, and adds their names.
func (r *Registry) readRefused(read map[string]bool) ([]putAside, error) {
	var names []string
	err := r.at.State.List(refusedBelow, func(name string, _ int64) error {
		if !read[name] {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []putAside
	for _, name := range names {
		b, err := r.at.State.Read(name)
		if err != nil {
			return all, err
		}
		all = append(all, parseRefused(b)...)
		read[name] = true
	}
	return all, nil
}

// parseRefused reads what keepRefused has written: a line why, then the statement, then an empty line. What is no note is
// passed over.
func parseRefused(b []byte) []putAside {
	var all []putAside
	for len(b) > 0 {
		why, rest, _ := bytes.Cut(b, []byte("\n"))
		n := noteLength(rest)
		if n == 0 {
			b = rest
			continue
		}
		all = append(all, putAside{string(why), rest[:n]})
		b = bytes.TrimPrefix(rest[n:], []byte("\n"))
	}
	return all
}

// noteLength is the length of the note that some bytes begin with: its text, an empty line, signature lines. 0 if there is none.
func noteLength(b []byte) int {
	if !bytes.HasPrefix(b, []byte("stele.statement/")) {
		return 0
	}
	text := bytes.Index(b, []byte("\n\n"))
	if text < 0 {
		return 0
	}
	n := text + 2
	for bytes.HasPrefix(b[n:], []byte("— ")) {
		line := cmp.Or(bytes.IndexByte(b[n:], '\n')+1, len(b)-n)
		n += line
	}
	if n == text+2 {
		return 0
	}
	return n
}
