package proofs

// What a registry's publication consists of besides what its checkpoint proves (FORMAT.md, section 21).

import "strings"

const (
	// MaxSet is a set's greatest length in bytes.
	MaxSet = 4 << 20
	// MaxSetFiles is how many files a set may name.
	MaxSetFiles = 20_000
	// MaxSetFile is the greatest length of one of its files, in bytes: what a host of static files takes (25 MiB, Cloudflare's).
	MaxSetFile = 25 << 20
	// maxSetName is a file name's greatest length in bytes.
	maxSetName = 512
)

const setHeader = "stele.set/1"

// A Set names the files of a publication that its checkpoint does not prove, checkpoint and head included.
type Set struct {
	Origin      string
	Publication uint64
	Time        int64 // when it was made, seconds
	Files       []SetFile
}

// A SetFile is one file of a set.
type SetFile struct {
	SHA256 Hash
	Size   uint64
	Name   string // its path below the portal's root
}

// Text formats the set.
func (s *Set) Text() string {
	var b strings.Builder
	b.WriteString(setHeader + "\nregistry " + s.Origin + "\npublication " + utoa(s.Publication) + "\ntime " + utoa(uint64(s.Time)) + "\n")
	for _, f := range s.Files {
		b.WriteString("file " + f.SHA256.String() + " " + utoa(f.Size) + " " + f.Name + "\n")
	}
	return b.String()
}

// File finds a file by its path; nil if the set has none of that name.
func (s *Set) File(name string) *SetFile {
	lo, hi := 0, len(s.Files)
	for lo < hi {
		if mid := (lo + hi) / 2; s.Files[mid].Name < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(s.Files) && s.Files[lo].Name == name {
		return &s.Files[lo]
	}
	return nil
}

// ParseSetText parses a set's text. Names ascend bytewise without repeats.
func ParseSetText(text string) (*Set, error) {
	const what = "set"
	if len(text) > MaxSet {
		return nil, malformed(what, itoa(len(text)), " bytes, want at most ", itoa(MaxSet))
	}
	lines := strings.Split(text, "\n")
	if len(lines) < 5 || lines[0] != setHeader || lines[len(lines)-1] != "" {
		return nil, malformed(what, "want the line ", quote(setHeader), ", three lines more, and a newline at the end")
	}
	s := &Set{}
	origin, ok1 := strings.CutPrefix(lines[1], "registry ")
	number, ok2 := strings.CutPrefix(lines[2], "publication ")
	at, ok3 := strings.CutPrefix(lines[3], "time ")
	var ok4, ok5 bool
	s.Origin = origin
	s.Publication, ok4 = parseDecimal(number)
	time, ok5 := parseDecimal(at)
	if s.Time = int64(time); !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !IsName(origin) || s.Time < 0 {
		return nil, malformed(what, "want the lines registry, publication and time")
	}
	files := lines[4 : len(lines)-1]
	if len(files) > MaxSetFiles {
		return nil, malformed(what, itoa(len(files)), " files, want at most ", itoa(MaxSetFiles))
	}
	for i, line := range files {
		f, ok := parseSetFile(line)
		if !ok || i > 0 && f.Name <= s.Files[i-1].Name {
			return nil, malformed(what, "line ", itoa(i+5), ": ", quote(line), ": want a file's SHA-256, its size and its name, ascending by name")
		}
		s.Files = append(s.Files, f)
	}
	return s, nil
}

func parseSetFile(line string) (f SetFile, ok bool) {
	rest, ok := strings.CutPrefix(line, "file ")
	parts := strings.SplitN(rest, " ", 3)
	if !ok || len(parts) != 3 {
		return f, false
	}
	h, err := ParseHash(parts[0])
	size, ok := parseDecimal(parts[1])
	f = SetFile{h, size, parts[2]}
	return f, err == nil && ok && size <= MaxSetFile && IsSetName(f.Name)
}

// IsSetName reports whether a file can be published under a path: segments of printable ASCII without a space, none of them empty or
// beginning with a dot, at most 512 bytes.
func IsSetName(name string) bool {
	if name == "" || len(name) > maxSetName {
		return false
	}
	begin := true
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c <= ' ' || c >= 0x7f || c == '\\' || c == '%' || c == '?' || c == '#':
			return false
		case begin && (c == '.' || c == '/'):
			return false
		}
		begin = c == '/'
	}
	return !begin
}

// SignSet signs a set with the log's Ed25519 key.
func SignSet(s *Set, log Signer) ([]byte, error) {
	n, err := SignNote(s.Text(), log)
	if err != nil {
		return nil, err
	}
	return n.Marshal(), nil
}

// ReadSet parses a signed set, and verifies that it bears one line, of one of the log's Ed25519 keys of the trust file.
func (t *Trust) ReadSet(b []byte) (*Set, error) {
	if len(b) > MaxSet {
		return nil, malformed("set", itoa(len(b)), " bytes, want at most ", itoa(MaxSet))
	}
	n, err := ParseNote(b)
	if err != nil {
		return nil, err
	}
	s, err := ParseSetText(n.Text)
	if err != nil {
		return nil, err
	}
	if s.Origin != t.Origin {
		return nil, &OtherRegistryError{Got: s.Origin, Want: t.Origin}
	}
	for _, l := range t.Policy.Logs {
		if len(n.Signatures) == 1 && n.Signatures[0].verifyText(l.Key, n.Text) {
			return s, nil
		}
	}
	return nil, unverified("set", "want one signature, of a log key of ", quote(t.Origin))
}
