package samples

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// made holds the samples by path, since the survey takes a second to paint.
var made = map[string][]byte{}

// content returns the bytes of a sample.
func content(t *testing.T, f File) []byte {
	t.Helper()
	if b, ok := made[f.Path]; ok {
		return b
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatalf("%s: %v", f.Path, err)
	}
	made[f.Path] = b.Bytes()
	return b.Bytes()
}

func find(t *testing.T, path string) File {
	t.Helper()
	for _, f := range All() {
		if f.Path == path {
			return f
		}
	}
	t.Fatalf("no sample %q", path)
	return File{}
}

// TestGolden holds the digests: a document that changed is another document.
// After a change that is meant, run: go test ./build/samples -args update
func TestGolden(t *testing.T) {
	const list = "testdata/sha256.txt"
	var got strings.Builder
	for _, f := range All() {
		sum, h := sha256.Sum256(content(t, f)), sha256.New()
		if err := f.Write(h); err != nil {
			t.Fatalf("%s: %v", f.Path, err)
		}
		if !bytes.Equal(h.Sum(nil), sum[:]) {
			t.Errorf("%s: two generations differ", f.Path)
		}
		fmt.Fprintf(&got, "%x  %s\n", sum, f.Path)
	}
	if os.Args[len(os.Args)-1] == "update" {
		if err := os.WriteFile(list, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("digests differ from %s, got:\n%s", list, got.String())
	}
}

func TestCatalogue(t *testing.T) {
	roles := map[string]bool{}
	paths := map[string]bool{}
	for _, f := range All() {
		roles[f.Role] = true
		key := strings.ToLower(f.Path) // Some file systems fold case.
		if paths[key] {
			t.Errorf("%s: path used twice", f.Path)
		}
		paths[key] = true
		checkPath(t, f.Path)
		checkClaims(t, f)
	}
	for _, r := range []string{"register", "expired", "altered", "unknown", "appended", "resaved", "photograph", "mailed", "converted", "revoked", "superseded", "successor", "suspended", "unaccredited"} {
		if !roles[r] {
			t.Errorf("no sample for role %q", r)
		}
	}
}

// checkPath checks that a path is portable. With no mark and no compatibility
// form in it, it is in NFC, which the standard library cannot test for.
func checkPath(t *testing.T, p string) {
	t.Helper()
	if !utf8.ValidString(p) || path.Clean(p) != p || !filepath.IsLocal(p) || strings.ContainsAny(p, `\:*?"<>|`) {
		t.Errorf("%q: not a portable path", p)
	}
	for _, r := range p {
		if unicode.Is(unicode.M, r) || r >= 0xF900 || unicode.IsControl(r) {
			t.Errorf("%q: has %U", p, r)
		}
	}
}

func checkClaims(t *testing.T, f File) {
	t.Helper()
	if (f.Of != "") != (f.Role == "superseded" || !f.Registered() && f.Role != "unknown" && f.Role != "photograph") {
		t.Errorf("%s: role %q of %q", f.Path, f.Role, f.Of)
	}
	if f.Of != "" {
		find(t, f.Of)
	}
	if f.Kind == "" && !f.Registered() {
		return
	}
	if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(f.Kind) || f.Issuer == "" {
		t.Errorf("%s: kind %q, issuer %q", f.Path, f.Kind, f.Issuer)
	}
	if _, err := time.Parse(time.DateOnly, f.Issued); err != nil {
		t.Errorf("%s: %v", f.Path, err)
	}
	if _, err := time.Parse(time.DateOnly, f.Expires); f.Expires != "" && (err != nil || f.Expires <= f.Issued) {
		t.Errorf("%s: expires %q, issued %q", f.Path, f.Expires, f.Issued)
	}
}

func TestAltered(t *testing.T) {
	for _, f := range All() {
		if f.Role != "altered" {
			continue
		}
		a, b := content(t, find(t, f.Of)), content(t, f)
		if len(a) != len(b) {
			t.Fatalf("%s: %d bytes, the original %d", f.Path, len(b), len(a))
		}
		n := 0
		for i := range a {
			if a[i] != b[i] {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: %d bytes differ, want 1", f.Path, n)
		}
	}
}

// No two samples may have the same bytes, or one's verdict would be the other's.
func TestDistinct(t *testing.T) {
	seen := map[[sha256.Size]byte]string{}
	for _, f := range All() {
		sum := sha256.Sum256(content(t, f))
		if was, ok := seen[sum]; ok {
			t.Errorf("%s and %s are the same bytes", was, f.Path)
		}
		seen[sum] = f.Path
	}
}

func TestPDF(t *testing.T) {
	pages := map[string]int{"court/court-decision.pdf": 2}
	for _, f := range All() {
		if path.Ext(f.Path) != ".pdf" {
			continue
		}
		b := content(t, f)
		if f.Role == "appended" {
			b = b[:len(content(t, find(t, f.Of)))] // the update is TestReceived's
		}
		checkXref(t, f.Path, b)
		checkStreams(t, f.Path, b)
		want := max(pages[f.Path], 1)
		if got := bytes.Count(b, []byte("/Type /Page ")); got != want {
			t.Errorf("%s: %d pages, want %d", f.Path, got, want)
		}
	}
}

// checkXref follows startxref to the table, and each entry to its object.
func checkXref(t *testing.T, name string, b []byte) {
	t.Helper()
	m := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindSubmatch(b)
	if m == nil || !bytes.HasPrefix(b, []byte("%PDF-1.4\n")) {
		t.Fatalf("%s: no head or no end", name)
	}
	start, _ := strconv.Atoi(string(m[1]))
	table, _, _ := strings.Cut(string(b[start:]), "trailer\n")
	lines := strings.SplitAfter(table, "\n")
	lines = lines[:len(lines)-1]
	if want := fmt.Sprintf("0 %d\n", len(lines)-2); lines[0] != "xref\n" || lines[1] != want {
		t.Fatalf("%s: table begins %q, want %q", name, lines[:2], want)
	}
	for i, l := range lines[3:] {
		off, err := strconv.Atoi(l[:10])
		head := fmt.Sprintf("%d 0 obj\n", i+1)
		if err != nil || len(l) != 20 || !bytes.HasPrefix(b[off:], []byte(head)) {
			t.Errorf("%s: entry %q does not lead to %q", name, l, head)
		}
	}
}

// checkStreams checks that each stream is as long as it says.
func checkStreams(t *testing.T, name string, b []byte) {
	t.Helper()
	found := regexp.MustCompile(`<< /Length (\d+) >>\nstream\n`).FindAllSubmatchIndex(b, -1)
	if len(found) == 0 {
		t.Errorf("%s: no stream", name)
	}
	for _, m := range found {
		n, _ := strconv.Atoi(string(b[m[2]:m[3]]))
		if !bytes.HasPrefix(b[m[1]+n:], []byte("endstream\nendobj\n")) {
			t.Errorf("%s: stream at %d is not %d bytes long", name, m[1], n)
		}
	}
}

func TestDOCX(t *testing.T) {
	for _, f := range All() {
		if path.Ext(f.Path) != ".docx" {
			continue
		}
		b := content(t, f)
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatalf("%s: %v", f.Path, err)
		}
		if z.File[0].Name != "[Content_Types].xml" {
			t.Errorf("%s: begins with %s", f.Path, z.File[0].Name)
		}
		for _, part := range z.File {
			checkPart(t, f.Path, part)
		}
		checkTargets(t, f.Path, z)
	}
}

// checkPart reads a part to its end, which checks its CRC as well.
func checkPart(t *testing.T, name string, part *zip.File) {
	t.Helper()
	r, err := part.Open()
	if err != nil {
		t.Fatalf("%s: %s: %v", name, part.Name, err)
	}
	defer r.Close()
	if path.Ext(part.Name) == ".png" {
		if _, err := png.Decode(r); err != nil {
			t.Errorf("%s: %s: %v", name, part.Name, err)
		}
		return
	}
	d := xml.NewDecoder(r)
	for err == nil {
		_, err = d.Token()
	}
	if err != io.EOF {
		t.Errorf("%s: %s: %v", name, part.Name, err)
	}
}

// checkTargets checks that what the document refers to is in the package.
func checkTargets(t *testing.T, name string, z *zip.Reader) {
	t.Helper()
	var rels struct {
		Relationship []struct {
			Target string `xml:",attr"`
		}
	}
	for base, list := range map[string]string{".": "_rels/.rels", "word": "word/_rels/document.xml.rels"} {
		b, err := readPart(z, list)
		if err == nil {
			err = xml.Unmarshal(b, &rels)
		}
		if err != nil {
			t.Fatalf("%s: %s: %v", name, list, err)
		}
		for _, r := range rels.Relationship {
			if _, err := readPart(z, path.Join(base, r.Target)); err != nil {
				t.Errorf("%s: %s: %v", name, list, err)
			}
		}
		rels.Relationship = nil
	}
}

func readPart(z *zip.Reader, name string) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func TestPNG(t *testing.T) {
	img, err := png.Decode(bytes.NewReader(content(t, find(t, "gazette/great-seal.png"))))
	if err != nil {
		t.Fatal(err)
	}
	if s := img.Bounds().Size(); s.X != 800 || s.Y != 600 {
		t.Errorf("got %v, want 800 by 600", s)
	}
}

func TestSurvey(t *testing.T) {
	b := content(t, find(t, "land/survey/aerial-survey-sheet-14.bmp"))
	if len(b) != 50_000_000 {
		t.Fatalf("got %d bytes, want 50,000,000", len(b))
	}
	le := binary.LittleEndian
	start, w, h := le.Uint32(b[10:]), le.Uint32(b[18:]), le.Uint32(b[22:])
	if string(b[:2]) != "BM" || le.Uint32(b[2:]) != uint32(len(b)) || le.Uint16(b[28:]) != 24 {
		t.Errorf("header %s", hex.EncodeToString(b[:start]))
	}
	if 3*w%4 != 0 || start+3*w*h != uint32(len(b)) {
		t.Errorf("pixels: %d + 3·%d·%d do not fill the file", start, w, h)
	}
}

// chunks counts writes and their greatest length.
type chunks struct{ n, longest int }

func (c *chunks) Write(p []byte) (int, error) {
	c.n++
	c.longest = max(c.longest, len(p))
	return len(p), nil
}

func TestSurveyStreams(t *testing.T) {
	var c chunks
	if err := writeSurvey(&c); err != nil {
		t.Fatal(err)
	}
	if c.longest > 1<<16 {
		t.Errorf("longest write is %d bytes, want at most 64 KiB", c.longest)
	}
}

func TestWriteAll(t *testing.T) {
	dir := t.TempDir()
	if err := WriteAll(dir); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil || n != len(All()) {
		t.Errorf("got %d files, %v; want %d", n, err, len(All()))
	}
	for _, f := range All() {
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Path)))
		if err != nil || !bytes.Equal(got, content(t, f)) {
			t.Errorf("%s: not as written: %v", f.Path, err)
		}
	}
}

func TestWriteAllNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "education"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteAll(dir); err == nil || !strings.Contains(err.Error(), diplomaPath) {
		t.Errorf("got %v, want an error that names %s", err, diplomaPath)
	}
}

// A letter that the pen cannot draw would be left out without a word.
func TestStrokes(t *testing.T) {
	for _, r := range "REPUBLIC OF EXAMPLE GREAT SEAL OF STATE SPECIMEN PUBLISHED IN THE OFFICIAL GAZETTE 2026" {
		if _, ok := strokes[r]; !ok {
			t.Errorf("no strokes for %q", r)
		}
	}
}

func TestSine(t *testing.T) {
	for a, want := range map[int]int64{0: 0, turn / 12: one / 2, turn / 4: one, turn / 2: 0, turn * 3 / 4: -one, -turn / 4: -one} {
		if got := sin(a); got-want > one/10000 || want-got > one/10000 {
			t.Errorf("sin(%d/%d) = %d, want about %d", a, turn, got, want)
		}
	}
}
