package registry

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/build/portal"
	"stele/proofs"
	"stele/site"
)

// A server's access log, as its operator could keep it.
type accessLog struct {
	mu    sync.Mutex
	paths []string
}

func (a *accessLog) ServeHTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.paths = append(a.paths, r.URL.RequestURI())
		a.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (a *accessLog) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.paths
	a.paths = nil
	return p
}

// TestWhatTheServerKnows looks documents up, reads the access log as a curious operator would, and counts the
// documents that each lookup could have been about.
func TestWhatTheServerKnows(t *testing.T) {
	r, docs := registryOf(t, 700)
	log := &accessLog{}
	srv := httptest.NewServer(log.ServeHTTP(site.Handler(r.Public())))
	defer srv.Close()
	p, err := portal.Open(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	least, shapes := 1<<30, map[string]bool{}
	for i, d := range append(docs[:40:40], unregistered(40)...) {
		digests := proofs.DigestsOf(d)
		q := proofs.Question{Trust: r.Trust, Now: time.Now().Unix(), SHA256: digests.SHA256, Online: true}
		a, err := portal.Ask(context.Background(), p, q, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := proofs.Authentic
		if i >= 40 {
			want = proofs.NotRegistered
		}
		if a.Report.Verdict != want {
			t.Fatalf("document %d: got %s (%s), want %s", i, a.Report.Verdict, a.Report.Detail, want)
		}
		paths := log.take()
		shapes[shape(t, r, paths)] = true
		least = min(least, candidates(t, r, paths))
		for _, path := range paths {
			if strings.Contains(path, digests.SHA256.String()[:8]) || strings.Contains(path, proofs.Ref{Digests: digests}.Key().String()[:16]) {
				t.Errorf("the request %s gives the document away", path)
			}
		}
	}
	if len(shapes) != 1 {
		t.Errorf("requests differ between hits and misses: %v", shapes)
	}
	if least < proofs.SplitAt {
		t.Errorf("a lookup could be about %d registered documents only, want at least %d", least, proofs.SplitAt)
	}
	t.Logf("from the access log, a lookup could be about any of at least %d registered documents, or of the unregistered ones beside them", least)
}

// shape is what kinds of files were read, in order.
func shape(t *testing.T, r *Registry, paths []string) string {
	var kinds []string
	for _, path := range paths {
		kind := path
		if strings.HasPrefix(path, "/index/") {
			b, err := os.ReadFile(filepath.Join(r.Public(), path))
			if err != nil {
				t.Fatal(err)
			}
			header, _, _ := bytes.Cut(b, []byte("\n"))
			kind = string(header)
		}
		kinds = append(kinds, kind)
	}
	return strings.Join(kinds, " ")
}

// candidates counts the registered documents under the only slot in the log.
func candidates(t *testing.T, r *Registry, paths []string) int {
	n := 0
	for _, path := range paths {
		b, err := os.ReadFile(filepath.Join(r.Public(), path))
		if err != nil {
			t.Fatal(err)
		}
		if slot, err := proofs.ParseSlot(b); err == nil {
			if n > 0 {
				t.Fatalf("two slots in one lookup: %v", paths)
			}
			n = len(slot.Records)
		}
	}
	return n
}

// registryOf makes and publishes a demonstration registry of n small documents.
func registryOf(t testing.TB, n int) (*Registry, [][]byte) {
	t.Helper()
	dir := t.TempDir()
	r, err := Init(filepath.Join(dir, "reg"), Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: 48 * time.Hour}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Accredit("office.test.example", "Office", []string{"*"}); err != nil {
		t.Fatal(err)
	}
	var docs [][]byte
	var files []string
	for i := range n {
		docs = append(docs, fmt.Appendf(nil, "document %d\n", i))
		files = append(files, filepath.Join(dir, fmt.Sprint(i)))
		if err := os.WriteFile(files[i], docs[i], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	req := Request{Issuer: "office.test.example", Kind: "letter", Issued: "2026-01-01"}
	if err := r.Register(context.Background(), req, files, func(f Registered) {
		if f.Err != nil {
			t.Error(f.Err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Publish(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r, docs
}

func unregistered(n int) [][]byte {
	var docs [][]byte
	for i := range n {
		docs = append(docs, fmt.Appendf(nil, "never registered %d\n", i))
	}
	return docs
}
