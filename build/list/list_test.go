package list

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"stele/proofs"
)

var (
	one = proofs.DigestsOf([]byte("one"))
	two = proofs.DigestsOf([]byte("two"))
	hex = one.SHA256.String()
	sha = one.SHA3512.String()
)

// read reads a list whole.
func read(t testing.TB, text string) []Line {
	t.Helper()
	in, err := NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []Line
	for {
		l, err := in.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
}

func TestReader(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []Line
	}{
		{"least", "sha256,sha3-512\n" + hex + "," + sha + "\n", []Line{{Number: 2, Digests: one}}},
		{"no final newline", "sha256,sha3-512\n" + hex + "," + sha, []Line{{Number: 2, Digests: one}}},
		{"CRLF", "sha256,sha3-512\r\n" + hex + "," + sha + "\r\n", []Line{{Number: 2, Digests: one}}},
		{"any order, any case, prefixes, quotes", "file,expires,\"sha3-512\",kind,sha256,issued\n" +
			"\"a, \"\"b\"\"\",2030-01-01,sha3-512:" + strings.ToUpper(sha) + ",diploma,\"sha256:" + strings.ToUpper(hex) + "\",2020-01-01\n",
			[]Line{{Number: 2, Digests: one, File: `a, "b"`, Kind: "diploma", Issued: "2020-01-01", Expires: "2030-01-01"}}},
		{"empty lines", "sha256,sha3-512,file\n\n\r\n" + hex + "," + sha + ",\n\n", []Line{{Number: 4, Digests: one}}},
		{"header alone", "sha256,sha3-512", nil},
	} {
		if got := read(t, c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestBadLines: each is refused for its own reason, and the line after it is read.
func TestBadLines(t *testing.T) {
	for text, want := range map[string]string{
		hex + "," + sha:                                      "it has 2 fields, want 3: sha256,sha3-512,file",
		hex + "," + sha + ",a,b":                             "it has 4 fields",
		hex[1:] + "," + sha + ",a":                           "the sha256 column has 63 digits, want 64",
		hex + "," + sha + "0,a":                              "the sha3-512 column has 129 digits, want 128",
		sha + "," + hex + ",a":                               "the sha256 column holds a SHA3-512",
		hex + "," + hex + ",a":                               "the sha3-512 column holds a SHA-256",
		hex[:40] + "," + sha + ",a":                          "the sha256 column holds a SHA-1",
		"sha3-512:" + sha + "," + sha + ",a":                 `the sha256 column holds a digest of "sha3-512"`,
		"," + sha + ",a":                                     "the sha256 column is empty",
		hex[1:] + "g," + sha + ",a":                          `the sha256 column: 'g' after 63 digits is no digit of hex`,
		hex[2:] + "é," + sha + ",a":                          `the sha256 column: 'é' after 62 digits is no digit of hex`,
		" " + hex + "," + sha + ",a":                         `the sha256 column: ' ' after 0 digits is no digit of hex`,
		hex + "," + sha + ",\"a":                             "a quote is opened and not closed on the line",
		hex + "," + sha + ",\"a\"\"":                         "a quote is opened and not closed on the line",
		hex + "," + sha + ",a\"b\"":                          "a quote stands inside a field",
		hex + "," + sha + ",\"a\"b":                          "a quote stands inside a field",
		hex + "," + sha + ",a\xffb":                          "it is not UTF-8 text",
		hex + "," + sha + ",a\x00b":                          "it holds a byte 0",
		hex + "," + sha + "," + strings.Repeat("x", MaxLine): "the line has over 65536 bytes",
	} {
		got := read(t, "sha256,sha3-512,file\n"+text+"\n"+two.SHA256.String()+","+two.SHA3512.String()+",b\n")
		if len(got) != 2 || got[0].Err == nil || !strings.HasPrefix(got[0].Err.Error(), want) || got[0].Number != 2 {
			t.Errorf("%.80q: got %+v, want %s", text, got[0], want)
			continue
		}
		if next := (Line{Number: 3, Digests: two, File: "b"}); got[1] != next {
			t.Errorf("%.80q: then %+v, want %+v", text, got[1], next)
		}
	}
}

// TestNoList: what cannot be a list is refused as a whole, with what to do about it.
func TestNoList(t *testing.T) {
	utf16 := func(s string, order ...int) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			pair := []byte{c, 0}
			b.Write([]byte{pair[order[0]], pair[order[1]]})
		}
		return b.String()
	}
	header := "sha256,sha3-512,file\n"
	for text, want := range map[string][2]string{
		"":                                    {"it is empty", "stele digest"},
		"\n":                                  {`there is no column ""`, "first line"},
		"\xff\xfe" + utf16(header, 0, 1):      {"it is UTF-16", "iconv -f UTF-16 "},
		"\xfe\xff" + utf16(header, 1, 0):      {"it is UTF-16", "iconv -f UTF-16 "},
		utf16(header, 0, 1):                   {"it is UTF-16LE", "iconv -f UTF-16LE "},
		utf16(header, 1, 0):                   {"it is UTF-16BE", "iconv -f UTF-16BE "},
		"\xff\xfe\x00\x00s\x00\x00\x00":       {"it is UTF-32", "iconv -f UTF-32 "},
		"\x1f\x8b\x08\x00":                    {"it is a gzip file", "gunzip"},
		"PK\x03\x04":                          {"it is a workbook", "save it as CSV"},
		hex + "," + sha + ",a\n":              {"line 1 is a document's", "put a first line"},
		"a," + sha + "\n":                     {"line 1 is a document's", "put a first line"},
		hex + "  a.pdf\n":                     {"it is a list of digests of one kind", "stele digest --join"},
		"SHA256 (a.pdf) = " + hex + "\n":      {"it is a list of digests of one kind", "stele digest --join"},
		"sha256,sha3-512,size\n":              {`there is no column "size"`, "first line"},
		"sha256,sha3-512,sha256\n":            {`the column "sha256" is there twice`, "first line"},
		"SHA256,sha3-512\n":                   {`there is no column "SHA256"`, "first line"},
		"sha256,file\n":                       {`there is no column "sha3-512": both`, "stele digest"},
		"sha3-512\n":                          {`there is no column "sha256": both`, "stele digest"},
		"sha256,\"sha3-512\n":                 {"line 1: a quote is opened", "first line"},
		"sha256,sha3-512,f\xffle\n":           {"line 1: it is not UTF-8", "first line"},
		strings.Repeat("x", MaxLine+3) + "\n": {"line 1: the line has over", "first line"},
	} {
		_, err := NewReader(strings.NewReader(text))
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), want[0]) || !strings.Contains(e.Hint, want[1]) {
			t.Errorf("%.40q: got %v (%+v), want %q with the hint %q", text, err, e, want[0], want[1])
		}
	}
}

// TestLineLimit holds the limit to the byte, whatever ends the line.
func TestLineLimit(t *testing.T) {
	for _, end := range []string{"", "\n", "\r\n"} {
		for n := MaxLine - 2; n <= MaxLine+4; n++ {
			name := strings.Repeat("x", n-len(hex+","+sha+","))
			got := read(t, "sha256,sha3-512,file\n"+hex+","+sha+","+name+end)
			if len(got) != 1 || (got[0].Err == nil) != (n <= MaxLine) {
				t.Errorf("%d bytes and %q: %d lines, the first %.60v", n, end, len(got), got[0].Err)
			}
		}
	}
}

// endless is a stream of one letter.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// TestLongLines: a line of 100 MB costs no memory, and the next one is read.
func TestLongLines(t *testing.T) {
	const long = 100 << 20
	in, err := NewReader(io.MultiReader(strings.NewReader("sha256,sha3-512\n"), io.LimitReader(endless{}, long),
		strings.NewReader("\n"+hex+","+sha+"\n"), io.LimitReader(endless{}, long)))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var got []Line
	for {
		l, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, l)
	}
	runtime.ReadMemStats(&after)
	want := []Line{{Number: 2, Err: errLong}, {Number: 3, Digests: one}, {Number: 4, Err: errLong}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes of memory for 200 MB in two lines", n)
	}
}

// TestReadErrors: the end of a disk is not the end of the list.
func TestReadErrors(t *testing.T) {
	broken := errors.New("broken")
	text := "sha256,sha3-512\n" + hex + "," + sha + "\n" + hex
	for n := range len(text) + 1 {
		in, err := NewReader(io.MultiReader(strings.NewReader(text[:n]), iotest.ErrReader(broken)))
		for err == nil {
			_, err = in.Next()
		}
		if !errors.Is(err, broken) {
			t.Errorf("after %d bytes: got %v, want %v", n, err, broken)
		}
	}
}

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, Expires, Kind)
	lines := []Line{{Number: 2, Digests: one, File: `a, "b"`, Kind: "diploma"}, {Number: 3, Digests: two, File: " c", Expires: "2030-01-01"}}
	err := w.Header()
	for _, l := range lines {
		err = errors.Join(err, w.Write(l))
	}
	want := "sha256,sha3-512,file,kind,expires\n" + hex + "," + sha + ",\"a, \"\"b\"\"\",diploma,\n" +
		two.SHA256.String() + "," + two.SHA3512.String() + ",\" c\",,2030-01-01\n"
	if err != nil || b.String() != want {
		t.Errorf("got %q (%v), want %q", b.String(), err, want)
	}
	if got := read(t, b.String()); !slices.Equal(got, lines) {
		t.Errorf("reads back as %+v, want %+v", got, lines)
	}
	for _, name := range []string{"a\nb", "a\rb", "a\x00b", "a\xffb", strings.Repeat("x", MaxLine)} {
		if err := w.Write(Line{File: name}); err == nil {
			t.Errorf("%.20q was written, and could not be read", name)
		}
	}
	if b.String() != want {
		t.Error("a line that was refused was written")
	}
}

// FuzzReader: what is read is written and read again as the same.
func FuzzReader(f *testing.F) {
	f.Add("sha256,sha3-512,file\n" + hex + "," + sha + ",\"a,\"\"b\"\n")
	f.Add("file,sha3-512,kind,sha256,issued,expires\r\na," + sha + ",k," + strings.ToUpper(hex) + ",,\r\n\r\n\"a\n")
	f.Add("\xff\xfes\x00")
	f.Fuzz(func(t *testing.T, text string) {
		in, err := NewReader(strings.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		w := NewWriter(&b, Kind, Issued, Expires)
		w.Header()
		var all []Line
		for number := 1; ; {
			l, err := in.Next()
			if err == io.EOF {
				break
			}
			if err != nil || l.Number <= number {
				t.Fatalf("line %d after %d: %v", l.Number, number, err)
			}
			number = l.Number
			if l.Err == nil && w.Write(l) == nil {
				l.Number = len(all) + 2
				all = append(all, l)
			} else if l.Err == nil && !strings.Contains(text, "\r") && len(text) < MaxLine/2 {
				t.Errorf("%+v was read and cannot be written", l)
			}
		}
		if got := read(t, b.String()); !slices.Equal(got, all) {
			t.Errorf("got %+v, want %+v", got, all)
		}
		if lines := strings.Count(text, "\n") + 1; len(all) > lines {
			t.Errorf("%d documents in %d lines", len(all), lines)
		}
	})
}
