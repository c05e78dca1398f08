package list

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// A sum is a line of a list of digests of one kind.
type sum struct {
	algorithm string // as the line names it; most do not
	hex       string
	name      string // the file's, bytes as they are
}

var (
	// HASH  NAME (text), HASH *NAME (binary): sha256sum, sha3sum, rhash, openssl dgst -r; HASH NAME: BSD's sha256 -r.
	plainSum = regexp.MustCompile(`^([0-9A-Fa-f]+) ((?s:[ *].+|[^ *].*))$`)
	// ALGORITHM (NAME) = HASH: sha256sum --tag, rhash --bsd, BSD's sha256; ALGORITHM(NAME)= HASH: openssl dgst.
	taggedSum = regexp.MustCompile(`^([A-Z][A-Z0-9/-]*) ?\(((?s:.+))\) ?= ([0-9A-Fa-f]+)$`)
)

var errNoSum = errors.New(`it is neither "HASH  NAME" nor "ALGORITHM (NAME) = HASH"`)

// parseSum reads a line in any of the forms in which such lists are made.
func parseSum(line string) (s sum, err error) {
	line, escaped := strings.CutPrefix(line, `\`)
	if m := plainSum.FindStringSubmatch(line); m != nil {
		if s = (sum{hex: m[1], name: m[2]}); strings.IndexByte(" *", s.name[0]) >= 0 {
			s.name = s.name[1:]
		}
	} else if m := taggedSum.FindStringSubmatch(line); m != nil {
		s = sum{algorithm: m[1], name: m[2], hex: m[3]}
	} else {
		return s, errNoSum
	}
	if escaped {
		s.name, err = unescape(s.name)
	}
	return s, err
}

// unescape undoes what GNU coreutils does to a name that would break its line.
func unescape(name string) (string, error) {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(name, `\`)
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		if after == "" || strings.IndexByte(`\nr`, after[0]) < 0 {
			return "", errors.New(`its name is escaped, and has a \ before something other than \, n and r`)
		}
		b.WriteByte(map[byte]byte{'\\': '\\', 'n': '\n', 'r': '\r'}[after[0]])
		name = after[1:]
	}
}

// sumLists are how the two lists are called for, and how their lines may name the algorithm.
var sumLists = [2]struct {
	column string
	digest string
	tags   []string
}{
	{SHA256, "SHA-256", []string{"SHA256", "SHA2-256", "SHA-256"}},
	{SHA3512, "SHA3-512", []string{"SHA3-512"}},
}

// eachSum reads one of the two lists from its beginning. What is no digest of that kind is told.
func eachSum(r io.ReadSeeker, which int, each func(line int, s sum, digest []byte), told func(line int, err error)) error {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := newLines(r)
	if err := in.checkEncoding(); err != nil {
		return err
	}
	digest := make([]byte, [2]int{32, 64}[which])
	for {
		line, bad, err := in.next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case bad != nil && bad != errNotUTF8: // names are bytes
			told(in.number, bad)
			continue
		case len(line) == 0 || line[0] == '#' || line[0] == ';': // rhash writes comments
			continue
		}
		s, err := parseSum(string(line))
		if err == nil {
			err = s.digest(digest, which)
		}
		if err != nil {
			told(in.number, err)
			continue
		}
		each(in.number, s, digest)
	}
}

// digest decodes the line's digest, which must be of the kind that the list is for.
func (s sum) digest(dst []byte, which int) error {
	want := sumLists[which]
	if s.algorithm != "" {
		known := false
		for _, tag := range want.tags {
			known = known || tag == s.algorithm
		}
		if !known {
			return fmt.Errorf("it is a %s, want a %s", cut(s.algorithm), want.digest)
		}
	}
	if len(s.hex) != 2*len(dst) {
		return fmt.Errorf("the digest has %d digits, want the %d of a %s", len(s.hex), 2*len(dst), want.digest)
	}
	return parseDigest(dst, s.hex, want.column)
}
