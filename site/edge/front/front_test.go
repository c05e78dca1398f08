package front_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"stele/build/edgestore"
	"stele/proofs"
	"stele/site"
	"stele/site/edge/front"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

// files are what is published: in a folder, and in an edge's store.
var files = fstest.MapFS{
	"index.html": {Data: []byte("<!doctype html>English")}, "ru/index.html": {Data: []byte("<!doctype html>Russian")}, "issuers.html": {Data: []byte("issuers")},
	"verify.html": {Data: []byte("verifier")}, "worker.js": {Data: []byte("// worker")}, "samples/a.pdf": {Data: []byte("%PDF-0123456789")},
	"ledger/head": {Data: []byte("head")}, "ledger/checkpoint": {Data: []byte("checkpoint")}, "ledger/history/list": {Data: []byte("list")}, "policy": {Data: nil},
	"trust/1": {Data: []byte("trust")}, "assets/a.wasm": {Data: []byte("\x00asm")}, "ledger/tile/0/000.p/3": {Data: []byte("tile")},
	"index/ab/abcd": {Data: []byte("index")}, "ledger/history/3/abcd": {Data: []byte("history")},
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put puts files into a store as the gate does, and has their set in force.
func put(t testing.TB, s store.Store, files fstest.MapFS) {
	t.Helper()
	set := &proofs.Set{Origin: "test.example/ledger", Publication: 1, Time: 1}
	ctx := context.Background()
	for name, f := range files {
		sum := proofs.Hash(sha256.Sum256(f.Data))
		if slices.Contains([]string{"index/ab/abcd", "ledger/tile/0/000.p/3", "ledger/history/3/abcd", "assets/a.wasm"}, name) {
			must(t, s.Put(ctx, published.KeptPrefix+name, f.Data, store.Always))
		} else {
			must(t, s.Put(ctx, published.SetPrefix+sum.String(), f.Data, store.Always))
		}
		if !published.IsProved(name) {
			set.Files = append(set.Files, proofs.SetFile{SHA256: sum, Size: uint64(len(f.Data)), Name: name})
		}
	}
	slices.SortFunc(set.Files, func(a, b proofs.SetFile) int { return strings.Compare(a.Name, b.Name) })
	signer, err := proofs.NewMemorySigner("test.example/ledger", proofs.Ed25519Key, make([]byte, 32))
	must(t, err)
	note, err := proofs.SignSet(set, signer)
	must(t, err)
	must(t, s.Put(ctx, published.CurrentObject, note, store.Always))
}

func open(t testing.TB) store.Store {
	t.Helper()
	s, err := edgestore.OpenFolder(t.TempDir())
	must(t, err)
	return s
}

func ask(h http.Handler, method, target string, header http.Header) *http.Response {
	r := httptest.NewRequest(method, "http://portal.example"+target, nil)
	r.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// TestSameAsFolder: every answer is that of a folder of the same files, but for what says when and what it is.
func TestSameAsFolder(t *testing.T) {
	s := open(t)
	put(t, s, files)
	edge, folder := front.Handler(&published.Source{Store: s}, slog.New(slog.DiscardHandler)), site.HandlerFS(files)
	targets := []string{"/", "/ru/", "/ru", "/en/", "/ledger/", "/ledger", "/nowhere", "/ledger/head/", "/.hidden", "/ru/.hidden", "/../etc/passwd", "//", "/ru//",
		"/assets/", "/assets/other.js", "/index/", "/share", "/a%00b", "/a%20b", "/samples/", "/ledger/tile/0/000", "/ledger/proposal", "/" + strings.Repeat("x", 3000)}
	for name := range files {
		targets = append(targets, "/"+name, "/"+name+"?x=y")
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
		for _, target := range targets {
			for _, header := range []http.Header{{}, {"Range": {"bytes=2-3"}}, {"Range": {"bytes=900-"}}} {
				got, want := ask(edge, method, target, header), ask(folder, method, target, header)
				var a, b [8192]byte
				n, _ := got.Body.Read(a[:])
				m, _ := want.Body.Read(b[:])
				tag := got.Header.Get("ETag")
				if (got.StatusCode == 200 || got.StatusCode == 206) != (tag != "") {
					t.Errorf("%s %s: status %d and the ETag %q", method, target, got.StatusCode, tag)
				}
				for _, own := range []string{"Etag", "Last-Modified", "Date"} {
					got.Header.Del(own)
					want.Header.Del(own)
				}
				if got.StatusCode != want.StatusCode || string(a[:n]) != string(b[:m]) || !equal(got.Header, want.Header) {
					t.Errorf("%s %s %v: got %d %q %v, want %d %q %v", method, target, header, got.StatusCode, a[:n], got.Header, want.StatusCode, b[:m], want.Header)
				}
			}
		}
	}
}

// TestOwn: the deployment's own files are what was deployed, whatever was published under their names, and before anything is.
func TestOwn(t *testing.T) {
	s := open(t)
	src := &published.Source{Store: s, Asset: func(_ context.Context, name string) ([]byte, error) {
		if name == "health/index.html" {
			return []byte("ours"), nil
		}
		return nil, fs.ErrNotExist
	}}
	edge := front.Handler(src, slog.New(slog.DiscardHandler))
	for range 2 {
		for target, want := range map[string]string{"/health/": "200 ours", "/health": "301 ", "/health/index.html": "301 ", "/health/other.html": "404 404 page not found\n"} {
			r := ask(edge, "GET", target, nil)
			b, err := io.ReadAll(r.Body)
			if got := fmt.Sprint(r.StatusCode, " ", string(b)); err != nil || r.StatusCode != 301 && got != want || r.StatusCode == 301 && !strings.HasPrefix(want, "301") {
				t.Errorf("%s: %q, want %q", target, got, want)
			}
		}
		put(t, s, fstest.MapFS{"index.html": {Data: []byte("first")}, "health/index.html": {Data: []byte("theirs")}, "health/other.html": {Data: []byte("theirs")}})
	}
}

func equal(a, b http.Header) bool {
	for key := range a {
		if !slices.Equal(a[key], b[key]) {
			return false
		}
	}
	return len(a) == len(b)
}

// TestETag: what was read once is not sent again, until it is another.
func TestETag(t *testing.T) {
	s := open(t)
	put(t, s, files)
	h := front.Handler(&published.Source{Store: s}, slog.New(slog.DiscardHandler))
	for _, target := range []string{"/", "/ledger/head", "/assets/a.wasm"} {
		tag := ask(h, "GET", target, nil).Header.Get("ETag")
		again := http.Header{"If-None-Match": {tag}}
		if res := ask(h, "GET", target, again); res.StatusCode != http.StatusNotModified || res.Header.Get("ETag") != tag {
			t.Errorf("%s: %d %q, want 304 and the same tag", target, res.StatusCode, res.Header.Get("ETag"))
		}
		other := fstest.MapFS{}
		for name, f := range files {
			other[name] = f
		}
		other["index.html"], other["ledger/head"] = &fstest.MapFile{Data: []byte("other")}, &fstest.MapFile{Data: []byte("other")}
		put(t, s, other)
		if res := ask(h, "GET", target, again); (res.StatusCode == http.StatusOK) != (target != "/assets/a.wasm") {
			t.Errorf("%s: %d after it was replaced", target, res.StatusCode)
		}
		put(t, s, files)
	}
}

// broken is a store that does not answer for some names.
type broken struct {
	store.Store
	below string
}

func (b broken) Get(ctx context.Context, name string) ([]byte, string, error) {
	if strings.HasPrefix(name, b.below) {
		return nil, "", errors.New("the store does not answer")
	}
	return b.Store.Get(ctx, name)
}

// TestAssets: of the files that never change, those that the set in force names are compared with it. Those of another publication, which a page that was loaded
// before may ask for, are not named by it.
func TestAssets(t *testing.T) {
	s := open(t)
	put(t, s, files)
	ctx := context.Background()
	must(t, s.Put(ctx, published.KeptPrefix+"assets/before.js", []byte("before"), store.Always))
	h := front.Handler(&published.Source{Store: s}, slog.New(slog.DiscardHandler))
	for target, want := range map[string]int{"/assets/a.wasm": 200, "/assets/before.js": 200, "/assets/never.js": 404} {
		if res := ask(h, "GET", target, nil); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", target, res.StatusCode, want)
		}
	}
	for what, damage := range map[string]func(string) error{
		"damaged": func(name string) error { return s.Put(ctx, name, []byte("\x00ASM"), store.Always) },
		"gone":    func(name string) error { return s.Delete(ctx, name) },
	} {
		must(t, damage(published.KeptPrefix+"assets/a.wasm"))
		if res := ask(h, "GET", "/assets/a.wasm", nil); res.StatusCode != http.StatusServiceUnavailable || strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v, want 503", what, res.StatusCode, res.Header)
		}
	}
	base := &proofs.Set{Origin: "test.example/ledger", Publication: 1, Time: 1, Files: []proofs.SetFile{{SHA256: sha256.Sum256([]byte("deployed")), Size: 8, Name: "assets/a.wasm"}}}
	for content, want := range map[string]int{"deployed": 200, "other": 503} {
		src := &published.Source{Store: open(t), Base: base, Asset: func(context.Context, string) ([]byte, error) { return []byte(content), nil }}
		if res := ask(front.Handler(src, slog.New(slog.DiscardHandler)), "GET", "/assets/a.wasm", nil); res.StatusCode != want {
			t.Errorf("%q deployed: %d, want %d", content, res.StatusCode, want)
		}
	}
}

// TestOutage: an outage is never an absence, nor is a file that is damaged, or gone, or what is there before anything was published.
func TestOutage(t *testing.T) {
	s := open(t)
	put(t, s, files)
	sum := proofs.Hash(sha256.Sum256([]byte("head")))
	for name, c := range map[string]struct {
		store  store.Store
		target string
	}{
		"current": {broken{s, "current"}, "/ledger/head"}, "a page": {broken{s, "set/"}, "/"}, "an absence": {broken{s, "current"}, "/nowhere"}, "a tile": {broken{s, "kept/"}, "/ledger/tile/0/000"},
		"damaged": {s, "/ledger/head"}, "gone": {s, "/ledger/head"},
	} {
		switch name {
		case "damaged":
			must(t, s.Put(context.Background(), published.SetPrefix+sum.String(), []byte("HEAD"), store.Always))
		case "gone":
			must(t, s.Delete(context.Background(), published.SetPrefix+sum.String()))
		}
		res := ask(front.Handler(&published.Source{Store: c.store}, slog.New(slog.DiscardHandler)), "GET", c.target, nil)
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v, want 503 and when to come again", name, res.StatusCode, res.Header)
		}
	}
	empty := front.Handler(&published.Source{Store: open(t), Asset: func(context.Context, string) ([]byte, error) { return nil, fs.ErrNotExist }}, slog.New(slog.DiscardHandler))
	for _, target := range []string{"/", "/ledger/head", "/assets/a.wasm", "/ru/"} {
		if res := ask(empty, "GET", target, nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s where nothing is published: %d", target, res.StatusCode)
		}
	}
}
