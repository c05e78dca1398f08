// Package samples makes the documents of the demo registry: files of the kinds
// that a state issues, which open in ordinary programs.
//
// They are the same bytes on every machine and in every year, because the
// registry knows a document by its digest. So dates are fixed, drawing is done
// in integers (some processors fuse floating-point steps and round otherwise),
// and nothing is compressed (a compressor may find a shorter form in its next
// release).
//
// The Republic of Example and everybody named in the documents are fictional,
// and every document a person might take for a real one says so.
package samples

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// File is one sample document.
type File struct {
	// Path is the slash-separated path below the samples folder.
	Path string

	// Kind, Issuer, Issued and Expires are what the statement about the file
	// says, or for a file that is never registered what the paper claims.
	// Kind is a word of [a-z0-9-]; Issuer is the short name of an authority of
	// the demo; the days are YYYY-MM-DD, and Expires is "" where there is none.
	// They are all "" for a file that claims nothing.
	Kind    string
	Issuer  string
	Issued  string
	Expires string

	// Role is what the demo does with the file: "register", "expired",
	// "revoked", "suspended", "superseded", "successor" and "unaccredited" are
	// registered; "altered" and "unknown" never are, nor are "appended",
	// "resaved", "photograph", "mailed" and "converted", which tell what has
	// become of a document on its way.
	Role string

	// Of is the path of another sample: for "superseded" the successor, for
	// what is never registered the original.
	Of string

	// Write writes the content. It keeps no state and may be called again.
	Write func(w io.Writer) error
}

// Registered tells whether the demo registers the file.
func (f File) Registered() bool {
	switch f.Role {
	case "altered", "unknown", "appended", "resaved", "photograph", "mailed", "converted":
		return false
	}
	return true
}

// WriteAll writes every sample below dir and makes the folders it needs. Each
// file appears whole or not at all; one that is already there is replaced.
func WriteAll(dir string) error {
	for _, f := range All() {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := writeFile(path, f.Write); err != nil {
			return fmt.Errorf("write sample %q: %w", f.Path, err)
		}
	}
	return nil
}

// writeFile writes beside the target and renames, so that a demo stopped half
// way leaves no half document to be registered by the next one.
func writeFile(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".sample-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // Fails, as it should, once it is renamed.
	if err := fill(tmp, write); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// fill writes and closes f.
func fill(f *os.File, write func(io.Writer) error) error {
	err := write(f)
	if err == nil {
		err = f.Chmod(0o644) // CreateTemp makes it for the owner alone.
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// text returns a writer of s.
func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// altered returns a writer of what write writes with the only occurrence of
// from replaced by to. The two are of one length: a PDF's cross-reference table
// stays right, and the forgery opens as well as the original.
func altered(write func(io.Writer) error, from, to string) func(io.Writer) error {
	return func(w io.Writer) error {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		if n := bytes.Count(b.Bytes(), []byte(from)); n != 1 || len(from) != len(to) {
			return fmt.Errorf("alter %q to %q: got %d places, want 1 of the same length", from, to, n)
		}
		_, err := w.Write(bytes.Replace(b.Bytes(), []byte(from), []byte(to), 1))
		return err
	}
}
