package registry

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"stele/proofs"
)

// TestHashFileEnds: whoever interrupts does not wait for the end of a large file.
func TestHashFileEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge")
	f, err := os.Create(path)
	if err == nil {
		err = errors.Join(f.Truncate(60e9), f.Close()) // sparse
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	read := 0
	_, err = HashFile(ctx, path, make([]byte, 1<<20), func(n int) {
		if read += n; read >= 3<<20 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || read != 3<<20 {
		t.Errorf("got %v after %d bytes, want %v after %d", err, read, context.Canceled, 3<<20)
	}
}

// TestHashFiles: in order, each once, whatever is in the way of one; and at its end nothing is read any more.
func TestHashFiles(t *testing.T) {
	var files []string
	for n := range 3000 {
		files = append(files, documentFile(t, 1000+n%7))
	}
	files[1500] = filepath.Join(t.TempDir(), "nowhere")
	i := 0
	err := HashFiles(context.Background(), files, func(int) {}, func(h Hashed) error {
		want := proofs.DigestsOf(document(1000 + i%7))
		if i == 1500 {
			want = proofs.Digests{}
		}
		if h.File != files[i] || h.Digests != want || errors.Is(h.Err, os.ErrNotExist) != (i == 1500) {
			t.Fatalf("file %d: got %+v", i, h)
		}
		i++
		return nil
	})
	if err != nil || i != len(files) {
		t.Errorf("%d files of %d: %v", i, len(files), err)
	}
	full := errors.New("full")
	if err := HashFiles(context.Background(), files, func(int) {}, func(Hashed) error { return full }); err != full {
		t.Errorf("got %v, want %v", err, full)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = HashFiles(ctx, files, func(int) { cancel() }, func(h Hashed) error { t.Errorf("told of %+v", h); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestInterruptedRegistration: an interrupt says nothing against the file that was being read.
func TestInterruptedRegistration(t *testing.T) {
	dir := filepath.Join(testDir, "interrupted")
	makeFirst(t, dir)
	r := openAt(t, dir, start)
	before, err := r.Pending()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.Read = func(int) { cancel() }
	req := Request{Issuer: office, Kind: "letter", Issued: "2027-01-01"}
	err = r.Register(ctx, req, []string{documentFile(t, 900)}, func(f Registered) { t.Errorf("told of %+v", f) })
	after, err2 := r.Pending()
	if !errors.Is(err, context.Canceled) || err2 != nil || after != before {
		t.Errorf("got %v, %v and %d pending, want %v and %d", err, err2, after, context.Canceled, before)
	}
}

func TestFound(t *testing.T) {
	dir := t.TempDir()
	for path, text := range map[string]string{
		"docs/a": "a", "docs/deep/b": "b", "docs/.hidden": "h", "docs/.deep/c": "c", "docs/r.tlog-proof": receiptPrefix + "v1\n",
		"docs/short": receiptPrefix[:5], "docs/reg/trust": "t", "docs/reg/keys/k": "k", "docs/public/trust/1": "t", "beside": "x",
	} {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range [][2]string{{"docs", "link"}, {"link", "chain"}, {"../beside", "docs/out"}, {"docs/deep", "deep"}} {
		if err := os.Symlink(link[0], filepath.Join(dir, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for arg, want := range map[string][]string{
		"docs":    {"docs/a", "docs/deep/b", "docs/public/trust/1", "docs/short"},
		"./docs/": {"docs/a", "docs/deep/b", "docs/public/trust/1", "docs/short"},
		"link":    {"link/a", "link/deep/b", "link/public/trust/1", "link/short"},
		"chain":   {"chain/a", "chain/deep/b", "chain/public/trust/1", "chain/short"},
		"deep/..": {"deep/../a", "deep/../deep/b", "deep/../public/trust/1", "deep/../short"},
	} {
		var f Found
		f.Add(context.Background(), arg, func(path string, err error) { t.Errorf("%s: %s: %v", arg, path, err) })
		if !slices.Equal(f.Files, want) || f.Special != 1 || f.Receipts != 1 || len(f.Registries) != 1 {
			t.Errorf("%s: got %+v, want %q, and one of each left out", arg, f, want)
		}
		for _, file := range f.Files {
			if _, err := os.Stat(file); err != nil {
				t.Error(err)
			}
		}
	}
	for _, arg := range []string{"nowhere", "docs/reg", "docs/r.tlog-proof"} {
		var f Found
		failed := 0
		f.Add(context.Background(), arg, func(path string, err error) { failed++ })
		if failed != 1 || len(f.Files) > 0 {
			t.Errorf("%s: %d failures and %q, want one failure", arg, failed, f.Files)
		}
	}
}

// TestIssuerKeyFile: no two names share a key file, and those that registries have today stay.
func TestIssuerKeyFile(t *testing.T) {
	const letters = "a_/s"
	seen := map[string]string{}
	var try func(name string)
	try = func(name string) {
		if proofs.IsName(name) {
			file := IssuerKeyFile(name)
			if other, ok := seen[file]; ok {
				t.Errorf("%q and %q share the file %q", other, name, file)
			}
			seen[file] = name
		}
		if len(name) < 6 {
			for _, c := range letters {
				try(name + string(c))
			}
		}
	}
	try("")
	for name, want := range map[string]string{"education.gov.example": "issuer-education.gov.example", "a.example/l/office": "issuer-a.example_l_office"} {
		if got := IssuerKeyFile(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// TestForeignKeyFile: a key that lies under another's name is not taken for its key.
func TestForeignKeyFile(t *testing.T) {
	dir := filepath.Join(testDir, "foreign")
	makeFirst(t, dir)
	r := openAt(t, dir, start)
	for _, ext := range []string{".key", ".pub"} {
		from, err := os.Open(r.path("keys", IssuerKeyFile(office)+ext))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(from)
		if err = errors.Join(err, from.Close(), os.WriteFile(r.path("keys", IssuerKeyFile("new.example")+ext), b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	var e *Error
	if err := r.Accredit("new.example", "New", []string{"*"}); !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("got %v, want a refusal with a hint", err)
	}
}
