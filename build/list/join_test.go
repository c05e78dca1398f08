package list

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stele/proofs"
)

func TestParseSum(t *testing.T) {
	for line, want := range map[string]sum{
		hex + "  a b.pdf":             {hex: hex, name: "a b.pdf"},
		hex + " *a.pdf":               {hex: hex, name: "a.pdf"},
		hex + "   a.pdf":              {hex: hex, name: " a.pdf"},
		hex + " a.pdf":                {hex: hex, name: "a.pdf"}, // sha256 -r
		`\` + hex + `  a\nb\\c\r`:     {hex: hex, name: "a\nb\\c\r"},
		hex + `  a\nb`:                {hex: hex, name: `a\nb`},
		"SHA256 (a (1).pdf) = " + hex: {"SHA256", hex, "a (1).pdf"},
		"SHA2-256(a.pdf)= " + hex:     {"SHA2-256", hex, "a.pdf"},
		"SHA3-512 (a) = b) = " + sha:  {"SHA3-512", sha, "a) = b"},
		`\SHA256 (a\nb) = ` + hex:     {"SHA256", hex, "a\nb"},
		strings.ToUpper(hex) + "  a":  {hex: strings.ToUpper(hex), name: "a"},
		hex + "  \xff\u202e":          {hex: hex, name: "\xff\u202e"},
	} {
		if got, err := parseSum(line); err != nil || got != want {
			t.Errorf("%q: got %+v (%v), want %+v", line, got, err, want)
		}
	}
	for _, line := range []string{"", "a.pdf", hex, hex + " ", hex + "  ", "  " + hex + "  a", hex + "\ta", "SHA256 () = " + hex,
		"SHA256 (a) = ", "sha256 (a) = " + hex, `\` + hex + `  a\tb`, `\` + hex + `  a\`, hex + "," + sha + ",a", "sha256:" + hex + "  a"} {
		if got, err := parseSum(line); err == nil {
			t.Errorf("%q: got %+v, want an error", line, got)
		}
	}
}

// joinOf joins two lists, and returns what came out and what was told.
func joinOf(t testing.TB, first, second string) (out, told []string) {
	t.Helper()
	err := Join([2]io.ReadSeeker{strings.NewReader(first), strings.NewReader(second)}, func(name string, d proofs.Digests) error {
		out = append(out, name+" "+d.SHA256.String()[:4]+" "+d.SHA3512.String()[:4])
		return nil
	}, func(which, line int, err error) { told = append(told, fmt.Sprintf("%d:%d %v", which, line, err)) })
	if err != nil {
		t.Fatal(err)
	}
	return out, told
}

func TestJoin(t *testing.T) {
	sum := func(text string) (string, string) {
		d := proofs.DigestsOf([]byte(text))
		return d.SHA256.String(), d.SHA3512.String()
	}
	a, a3 := sum("a")
	b, b3 := sum("b")
	c, c3 := sum("c")
	first := "# made by nobody\n" + a + "  a\n" + b + "  b\n\n" + a3 + "  long\n" + c + "  only\n" + a + "  twice\n" + b + "  twice\n" + c + " *./c\n" + c + "  c\nrubbish\n" + c + "  other\n"
	second := "; comment\r\nSHA3-512(c)= " + c3 + "\r\nSHA3-512(b)= " + b3 + "\r\nSHA3-512(a)= " + a3 + "\r\nSHA3-512(twice)= " + a3 +
		"\r\nSHA512(long)= " + a3 + "\r\nSHA3-512(mine)= " + a3 + "\r\nSHA3-512(other)= " + c3[1:] + "\r\n"
	out, told := joinOf(t, first, second)
	want := []string{"a " + a[:4] + " " + a3[:4], "b " + b[:4] + " " + b3[:4], "./c " + c[:4] + " " + c3[:4]}
	if !slices.Equal(out, want) {
		t.Errorf("joined: got %q, want %q", out, want)
	}
	want = []string{
		"0:5 the digest has 128 digits, want the 64 of a SHA-256",
		`0:8 "twice" has another digest on line 7: left out`,
		`0:11 it is neither "HASH  NAME" nor "ALGORITHM (NAME) = HASH"`,
		"1:6 it is a SHA512, want a SHA3-512",
		"1:8 the digest has 127 digits, want the 128 of a SHA3-512",
		`0:6 "only" is not in the list of SHA3-512 digests`,
		`0:12 "other" is not in the list of SHA3-512 digests`,
		`1:7 "mine" is not in the list of SHA-256 digests`,
	}
	if !slices.Equal(told, want) {
		t.Errorf("told: got %q,\nwant %q", told, want)
	}
}

// TestJoinEnds: an error of whoever takes the lines ends it.
func TestJoinEnds(t *testing.T) {
	full, n := errors.New("full"), 0
	text := hex + "  a\n" + hex + "  b\n"
	text3 := sha + "  a\n" + sha + "  b\n"
	err := Join([2]io.ReadSeeker{strings.NewReader(text), strings.NewReader(text3)}, func(string, proofs.Digests) error { n++; return full }, nil)
	if err != full || n != 1 {
		t.Errorf("got %v after %d, want %v after one", err, n, full)
	}
}

// TestJoinPeers joins what other tools write about files with names that are no fun.
func TestJoinPeers(t *testing.T) {
	dir := t.TempDir()
	files := []string{"plain", "two  spaces", "back\\slash", "new\nline", "a) = b", "*star", "bad\xff", "Ünïcödé"}
	want := map[string]proofs.Digests{}
	for _, name := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("of "+name), 0o644); err != nil {
			t.Fatal(err)
		}
		want[name] = proofs.DigestsOf([]byte("of " + name))
	}
	run := func(files []string, args ...string) string {
		cmd := exec.Command(args[0], append(args[1:], files...)...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if errors.Is(err, exec.ErrNotFound) {
			t.Skipf("%s is not here", args[0])
		}
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		return string(out)
	}
	// openssl escapes nothing: a name with a line break cannot be read from it.
	tame := slices.DeleteFunc(slices.Clone(files), func(s string) bool { return strings.ContainsAny(s, "\n\\") })
	for _, c := range []struct {
		files   []string
		sha256  []string
		sha3512 []string
	}{
		{tame, []string{"sha256sum"}, []string{"openssl", "dgst", "-sha3-512"}},
		{tame, []string{"sha256sum", "--tag"}, []string{"openssl", "dgst", "-sha3-512", "-r"}},
		{tame, []string{"openssl", "dgst", "-sha256"}, []string{"openssl", "dgst", "-sha3-512"}},
		{tame, []string{"shasum", "-a", "256", "-b"}, []string{"openssl", "dgst", "-sha3-512"}},
	} {
		got := map[string]proofs.Digests{}
		err := Join([2]io.ReadSeeker{strings.NewReader(run(c.files, c.sha256...)), strings.NewReader(run(c.files, c.sha3512...))},
			func(name string, d proofs.Digests) error { got[name] = d; return nil },
			func(which, line int, err error) { t.Errorf("%q: %d:%d %v", c.sha256, which, line, err) })
		if err != nil || len(got) != len(c.files) {
			t.Errorf("%q: %d of %d joined (%v)", c.sha256, len(got), len(c.files), err)
		}
		for name, d := range got {
			if d != want[name] {
				t.Errorf("%q: %q has the digests of another", c.sha256, name)
			}
		}
	}
	for _, tool := range [][]string{{"sha256sum"}, {"sha256sum", "-b"}, {"sha256sum", "--tag"}} {
		var names []string
		err := eachSum(strings.NewReader(run(files, tool...)), 0, func(line int, s sum, digest []byte) {
			names = append(names, s.name)
			if d := want[s.name].SHA256; string(digest) != string(d[:]) {
				t.Errorf("%q: %q has the digest of another", tool, s.name)
			}
		}, func(line int, err error) { t.Errorf("%q: line %d: %v", tool, line, err) })
		if err != nil || !slices.Equal(names, files) {
			t.Errorf("%q: got %q (%v), want %q", tool, names, err, files)
		}
	}
}

// FuzzParseSum: what GNU coreutils would write of what was read is read as the same, in both of its forms.
func FuzzParseSum(f *testing.F) {
	f.Add(hex + "  a.pdf")
	f.Add(`\` + hex + ` *a\nb`)
	f.Add("SHA3-512 (a) = " + sha)
	f.Fuzz(func(t *testing.T, line string) {
		s, err := parseSum(line)
		if err != nil || strings.Contains(s.hex, "\n") {
			return
		}
		escaped, slash := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(s.name), ""
		if escaped != s.name {
			slash = `\`
		}
		for _, again := range []string{slash + s.hex + " *" + escaped, slash + "SHA256 (" + escaped + ") = " + s.hex} {
			got, err := parseSum(again)
			if got.algorithm = s.algorithm; err != nil || got != s {
				t.Errorf("%q is %+v, but %q is %+v (%v)", line, s, again, got, err)
			}
		}
	})
}

// FuzzJoin: whatever two lists hold, what comes out is in both, and every name is either joined or told.
func FuzzJoin(f *testing.F) {
	f.Add(hex+"  a\n", sha+"  a\n")
	f.Add(hex+"  a\n"+hex+"  ./a\nSHA256(b)= "+hex, sha+"  a\n\n#\n"+sha+" b")
	f.Fuzz(func(t *testing.T, first, second string) {
		files := 0
		told := 0
		err := Join([2]io.ReadSeeker{strings.NewReader(first), strings.NewReader(second)}, func(name string, d proofs.Digests) error {
			files++
			if !strings.Contains(strings.ToLower(first), d.SHA256.String()) || !strings.Contains(strings.ToLower(second), d.SHA3512.String()) {
				t.Errorf("%q: joined of digests that are not in both", name)
			}
			return nil
		}, func(which, line int, err error) {
			told++
			if line < 1 || which != 0 && which != 1 {
				t.Errorf("told of line %d of list %d", line, which)
			}
		})
		if err == nil && files == 0 && told == 0 && strings.Trim(first, "\r\n") != "" && !strings.ContainsAny(first, "#;") {
			t.Errorf("nothing joined and nothing told of %q", first)
		}
	})
}
