package site

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"stele/site/headers"
)

// TestShortCache: what changes is asked for anew each time, and a proposal changes with every approval.
func TestShortCache(t *testing.T) {
	for name, immutable := range map[string]bool{
		"ledger/head": false, "ledger/checkpoint": false, "ledger/proposal": false, "trust/proposed": false, "trust/2": false, "trust/2.tlog-proof": false, "policy": false,
		"ledger/history/list": false, "ledger/history/7/abc": true, "ledger/tile/0/000": true, "index/ab/abcd": true,
	} {
		kind, cache := headers.Of(name)
		if want := "no-cache"; !immutable && cache != want {
			t.Errorf("%s: %q, want %q", name, cache, want)
		}
		if immutable && cache != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %q", name, cache)
		}
		if kind == "" {
			t.Errorf("%s: no type", name)
		}
	}
}

// TestFolders: a language's folder shows its first page; no other folder shows anything.
func TestFolders(t *testing.T) {
	files := fstest.MapFS{"index.html": {Data: []byte("English")}, "ru/index.html": {Data: []byte("Russian")}, "ledger/head": {Data: []byte("head")}}
	t.Run("in a folder", func(t *testing.T) { showsFolders(t, files) })
	t.Run("in a bucket", func(t *testing.T) { showsFolders(t, bucket{files}) })
}

// A bucket has files with long names and knows no folders but itself.
type bucket struct{ files fstest.MapFS }

func (b bucket) Open(name string) (fs.File, error) {
	if _, ok := b.files[name]; !ok && name != "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return b.files.Open(name)
}

func showsFolders(t *testing.T, files fs.FS) {
	server := httptest.NewServer(HandlerFS(files))
	defer server.Close()
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/": {200, "English"}, "/index.html": {200, "English"}, "/ru/": {200, "Russian"}, "/ru": {200, "Russian"}, "/ru/index.html": {200, "Russian"}, "/ledger/head": {200, "head"},
		"/ledger/": {404, ""}, "/ledger": {404, ""}, "/es/": {404, ""}, "/ledger/head/": {404, ""}, "/ru/index.html/": {404, ""},
	} {
		r, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != want.status || want.status == 200 && string(body) != want.body {
			t.Errorf("%s: %d %q, %v; want %d %q", path, r.StatusCode, body, err, want.status, want.body)
		}
		if strings.HasSuffix(path, "/") && want.status == 200 && r.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: no content security policy", path)
		}
	}
}
