// Package list reads and writes lists of documents by their digests: an agency makes one on its own machine, and
// registers it without handing the documents over.
//
// A list is CSV (RFC 4180) in UTF-8, one line a document, with the columns' names on the first line:
//
//	sha256,sha3-512,file,kind,issued,expires
//	9f86d081…,b850b5b7…,diplomas/a.pdf,diploma,2026-11-22,
//
// Only the two digests have to be there, and the order is free. Lists that come from spreadsheets may begin with a byte order
// mark and have semicolons or tabs for commas. A quoted field ends on its line: a quote that somebody
// forgot to close costs that line, and not all that follow.
package list

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"stele/proofs"
)

// The columns, in the order in which they are written.
const (
	SHA256  = "sha256"
	SHA3512 = "sha3-512"
	File    = "file"
	Kind    = "kind"
	Issued  = "issued"
	Expires = "expires"
)

var columns = []string{SHA256, SHA3512, File, Kind, Issued, Expires}

// MaxLine is the greatest length of a line in bytes, its end not counted. A path has at most 4,096.
const MaxLine = 64 << 10

// A Line is one document.
type Line struct {
	Number  int // in the list, from 1; the header is 1
	Digests proofs.Digests
	File    string // what the list calls it; for people only
	Kind    string // this and the dates are empty where the list does not say
	Issued  string
	Expires string
	Err     error // why it cannot be used
}

// field is where a column's value lies in a line.
func (l *Line) field(column string) *string {
	switch column {
	case File:
		return &l.File
	case Kind:
		return &l.Kind
	case Issued:
		return &l.Issued
	}
	return &l.Expires
}

// A Writer writes a list.
type Writer struct {
	csv     *csv.Writer
	columns []string
}

// NewWriter writes lists with the digests, the file and further columns.
func NewWriter(w io.Writer, further ...string) *Writer {
	out := &Writer{csv: csv.NewWriter(w)}
	for _, c := range columns {
		if c == SHA256 || c == SHA3512 || c == File || slices.Contains(further, c) {
			out.columns = append(out.columns, c)
		}
	}
	return out
}

// Header writes the first line.
func (w *Writer) Header() error { return w.write(w.columns) }

// Write writes a document's line, and hands it on at once: what was written is there after a kill. A name must be one that
// fits on a line.
func (w *Writer) Write(l Line) error {
	fields := make([]string, len(w.columns))
	for i, c := range w.columns {
		switch c {
		case SHA256:
			fields[i] = l.Digests.SHA256.String()
		case SHA3512:
			fields[i] = l.Digests.SHA3512.String()
		default:
			fields[i] = *l.field(c)
		}
	}
	return w.write(fields)
}

func (w *Writer) write(fields []string) error {
	for _, f := range fields {
		if strings.ContainsAny(f, "\n\r") || len(f) > MaxLine/2 {
			return fmt.Errorf("%q does not fit on a line", cut(f))
		}
		if err := check([]byte(f)); err != nil {
			return fmt.Errorf("%q: %w", cut(f), err)
		}
	}
	if err := w.csv.Write(fields); err != nil {
		return err
	}
	w.csv.Flush()
	return w.csv.Error()
}

// Columns are the columns of the list.
func (w *Writer) Columns() []string { return w.columns }

// An Error is about a list as a whole: what is wrong, and what to do.
type Error struct {
	Err  error
	Hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func unusable(hint, format string, args ...any) error {
	return &Error{fmt.Errorf(format, args...), hint}
}
