package list

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"stele/proofs"
)

// A Reader reads a list line by line, in little memory however long it is.
type Reader struct {
	lines   *lines
	comma   byte // what parts the columns: programs write semicolons where a comma is the decimal sign
	columns []string
	fields  []string // of the present line
}

// NewReader reads the header. A list that cannot be used as a whole is refused with an *Error.
func NewReader(r io.Reader) (*Reader, error) {
	in := &Reader{lines: newLines(r)}
	if err := in.lines.checkEncoding(); err != nil {
		return nil, err
	}
	line, bad, err := in.lines.next()
	switch {
	case err == io.EOF:
		return nil, unusable("make one with stele digest", "it is empty")
	case err != nil:
		return nil, err
	case bad != nil:
		return nil, unusable(hintHeader, "line 1: %w", bad)
	}
	in.comma = commaOf(line)
	if in.columns, err = parseHeader(line, in.comma); err != nil {
		return nil, err
	}
	in.fields = make([]string, 0, len(in.columns)+1)
	return in, nil
}

const hintHeader = "the first line names the columns: sha256,sha3-512,file and, if there are any, kind,issued,expires"

// commaOf is what parts the columns of a header: a comma, unless there is none.
func commaOf(header []byte) byte {
	for _, c := range []byte(",;\t") {
		if bytes.IndexByte(header, c) >= 0 {
			return c
		}
	}
	return ','
}

// parseHeader reads the columns' names. A header that was forgotten is the commonest fault: the first document must not
// be lost to it.
func parseHeader(line []byte, comma byte) ([]string, error) {
	names, err := split(nil, line, comma)
	if err != nil {
		return nil, unusable(hintHeader, "line 1: %w", err)
	}
	if err := notAHeader(string(line), names); err != nil {
		return nil, err
	}
	for i, name := range names {
		switch {
		case !slices.Contains(columns, name):
			return nil, unusable(hintHeader, "there is no column %q", cut(name))
		case slices.Contains(names[:i], name):
			return nil, unusable(hintHeader, "the column %q is there twice", name)
		}
	}
	for _, name := range []string{SHA256, SHA3512} {
		if !slices.Contains(names, name) {
			return nil, unusable("make the list with stele digest, which computes both digests in one reading", "there is no column %q: both digests are needed", name)
		}
	}
	return names, nil
}

// notAHeader recognises what is found on the first line in place of the columns' names.
func notAHeader(line string, names []string) error {
	isDigest := func(s string) bool {
		var d proofs.Digests
		return parseDigest(d.SHA256[:], s, SHA256) == nil || parseDigest(d.SHA3512[:], s, SHA3512) == nil
	}
	if slices.ContainsFunc(names, isDigest) {
		return unusable("put a first line that names the columns, such as: sha256,sha3-512,file", "line 1 is a document's, want the columns' names")
	}
	if _, err := parseSum(line); err == nil {
		return unusable("stele digest --join LIST SHA3SUMS -o joined.csv joins it with one of SHA3-512 digests", "it is a list of digests of one kind, as sha256sum makes them")
	}
	return nil
}

// A Dispute is two lines that give one SHA-256 and two SHA3-512 digests.
type Dispute struct{ First, Second int }

// Disputes reads the rest of a list, and finds the documents about whose digests it disagrees with itself, by the first half of their
// SHA-256.
func (r *Reader) Disputes() (map[[16]byte]Dispute, error) {
	type said struct {
		line uint32
		sha3 [8]byte // a mistake agrees once in 2^64
	}
	seen, out := map[[16]byte]said{}, map[[16]byte]Dispute{}
	for {
		l, err := r.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if l.Err != nil {
			continue
		}
		key, now := [16]byte(l.Digests.SHA256[:16]), said{uint32(l.Number), [8]byte(l.Digests.SHA3512[:8])}
		before, ok := seen[key]
		switch {
		case !ok:
			seen[key] = now
		case before.sha3 != now.sha3:
			out[key] = Dispute{int(before.line), l.Number}
		}
	}
}

// Has reports whether the list has a column.
func (r *Reader) Has(column string) bool { return slices.Contains(r.columns, column) }

// Columns are the list's columns, as they stand in it.
func (r *Reader) Columns() []string { return r.columns }

// Next returns the next document, with Err set where its line cannot be used; empty lines are passed over. In the end the
// error is io.EOF.
func (r *Reader) Next() (Line, error) {
	for {
		line, bad, err := r.lines.next()
		switch {
		case err != nil:
			return Line{}, err
		case bad != nil:
			return Line{Number: r.lines.number, Err: bad}, nil
		case len(line) > 0:
			return r.parse(line), nil
		}
	}
}

func (r *Reader) parse(line []byte) Line {
	l := Line{Number: r.lines.number}
	if r.fields, l.Err = split(r.fields[:0], line, r.comma); l.Err != nil {
		return l
	}
	if len(r.fields) != len(r.columns) {
		l.Err = fmt.Errorf("it has %d fields, want %d: %s", len(r.fields), len(r.columns), strings.Join(r.columns, ","))
		return l
	}
	for i, c := range r.columns {
		var err error
		switch c {
		case SHA256:
			err = parseDigest(l.Digests.SHA256[:], r.fields[i], c)
		case SHA3512:
			err = parseDigest(l.Digests.SHA3512[:], r.fields[i], c)
		default:
			*l.field(c) = r.fields[i]
		}
		if l.Err == nil {
			l.Err = err
		}
	}
	return l
}

var (
	errOpen  = errors.New("a quote is opened and not closed on the line: one line is one document")
	errQuote = errors.New("a quote stands inside a field: the whole field wants quotes, and a quote in it is written twice")
)

// split appends a line's fields. The fields share one string.
func split(fields []string, line []byte, comma byte) ([]string, error) {
	rest := string(line)
	for {
		field, after, err := nextField(rest, comma)
		if err != nil {
			return fields, err
		}
		fields = append(fields, field)
		if after == "" {
			return fields, nil
		}
		rest = after[1:] // the comma
	}
}

// nextField cuts a field off; what comes after it is nothing, or begins with a comma.
func nextField(s string, comma byte) (field, after string, err error) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexByte(s, comma)
		if i < 0 {
			i = len(s)
		}
		if strings.IndexByte(s[:i], '"') >= 0 {
			return "", "", errQuote
		}
		return s[:i], s[i:], nil
	}
	for i := 1; ; i++ {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			return "", "", errOpen
		}
		if i += n; !strings.HasPrefix(s[i+1:], `"`) {
			field, after = strings.ReplaceAll(s[1:i], `""`, `"`), s[i+1:]
			break
		}
		i++
	}
	if after != "" && after[0] != comma {
		return "", "", errQuote
	}
	return field, after, nil
}
