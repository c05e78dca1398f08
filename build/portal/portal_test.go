package portal_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
)

var trust *proofs.Trust
var public string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "portal")
	if err == nil {
		err = makeRegistry(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

var registered, unknown = []byte("a registered document\n"), []byte("an unknown document\n")

func makeRegistry(dir string) error {
	r, err := registry.Init(filepath.Join(dir, "registry"), registry.Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: time.Hour}, nil)
	if err != nil {
		return err
	}
	trust, public = r.Trust, r.Public()
	if err := r.Accredit("office.test.example", "Office", []string{"*"}); err != nil {
		return err
	}
	file := filepath.Join(dir, "document")
	if err := os.WriteFile(file, registered, 0o644); err != nil {
		return err
	}
	req := registry.Request{Issuer: "office.test.example", Kind: "letter", Issued: "2026-01-01"}
	if err := r.Register(context.Background(), req, []string{file}, func(registry.Registered) {}); err != nil {
		return err
	}
	_, err = r.Publish(context.Background())
	return err
}

func question(document []byte) proofs.Question {
	return proofs.Question{Trust: trust, Now: time.Now().Unix(), SHA256: proofs.DigestsOf(document).SHA256, Online: true}
}

func ask(t *testing.T, p portal.Portal, document []byte) *proofs.Report {
	t.Helper()
	a, err := portal.Ask(context.Background(), p, question(document), nil)
	if err != nil {
		t.Fatal(err)
	}
	return a.Report
}

func open(t *testing.T, where string) portal.Portal {
	t.Helper()
	p, err := portal.Open(where)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A server serves the published folder, but has something of its own for one path.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	paths []string // asked for
	bad   string   // path
	fault http.HandlerFunc
}

// spoil gives a path its own answer.
func (s *server) spoil(path string, fault http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bad, s.fault = path, fault
}

// asked returns the paths that were asked for.
func (s *server) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.paths)
}

func serve(t *testing.T) *server {
	s := &server{}
	files := http.FileServer(http.Dir(public))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.paths = append(s.paths, r.URL.Path)
		answer := files.ServeHTTP
		if r.URL.Path == s.bad {
			answer = s.fault
		}
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestAsk(t *testing.T) {
	s := serve(t)
	for _, where := range []string{public, s.URL, s.URL + "/"} {
		for _, c := range []struct {
			document []byte
			want     proofs.Verdict
		}{{registered, proofs.Authentic}, {unknown, proofs.NotRegistered}} {
			if r := ask(t, open(t, where), c.document); r.Verdict != c.want {
				t.Errorf("%s: %q: got %s (%s), want %s", where, c.document, r.Verdict, r.Detail, c.want)
			}
		}
		got, err := portal.TrustFile(context.Background(), open(t, where))
		if err != nil || got.ID() != trust.ID() {
			t.Errorf("%s: trust file: %v", where, err)
		}
	}
}

// faults are what a server may do with one file.
var faults = map[string]func(good []byte) http.HandlerFunc{
	"404": status(http.StatusNotFound),
	"403": status(http.StatusForbidden),
	"500": status(http.StatusInternalServerError),
	"204": status(http.StatusNoContent),
	"206": func(good []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206); w.Write(good[:len(good)/2]) }
	},
	"empty":   body(func([]byte) []byte { return nil }),
	"a page":  body(func([]byte) []byte { return []byte("<!doctype html><title>Log in to the network</title>") }),
	"flipped": body(func(good []byte) []byte { good[len(good)*2/3] ^= 1; return good }),
	"shorter": body(func(good []byte) []byte { return good[:len(good)-1] }),
	"longer":  body(func(good []byte) []byte { return append(good, 0) }),
	"newline": body(func(good []byte) []byte { return append(good, '\n') }),
	"zeros":   body(func(good []byte) []byte { return make([]byte, len(good)) }),
	"cut off": func(good []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(good)))
			w.Write(good[:len(good)/2])
			panic(http.ErrAbortHandler)
		}
	},
	"cut off in chunks": func(good []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Write(good)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	},
	"redirects for ever": func([]byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }
	},
	"not gzip": func(good []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(good)
		}
	},
}

func status(code int) func([]byte) http.HandlerFunc {
	return func([]byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
}

func body(f func(good []byte) []byte) func([]byte) http.HandlerFunc {
	return func(good []byte) http.HandlerFunc {
		bad := f(bytes.Clone(good))
		return func(w http.ResponseWriter, _ *http.Request) { w.Write(bad) }
	}
}

// TestFaults: whatever a server does with any of the files of a lookup, an outage is not told as a forgery: the verdict
// is `unavailable`, for documents that are registered and for those that are not.
func TestFaults(t *testing.T) {
	for _, document := range [][]byte{registered, unknown} {
		s := serve(t)
		p := open(t, s.URL)
		ask(t, p, document)
		paths := s.asked()
		if len(paths) < 3 {
			t.Fatalf("a lookup read only %v", paths)
		}
		for _, path := range paths {
			good, err := os.ReadFile(filepath.Join(public, filepath.FromSlash(path)))
			if err != nil {
				t.Fatal(err)
			}
			for name, fault := range faults {
				s.spoil(path, fault(good))
				if r := ask(t, p, document); r.Verdict != proofs.Unavailable || r.Detail == "" {
					t.Errorf("%s: %s: %q: got %s (%s), want %s and the cause", path, name, document, r.Verdict, r.Detail, proofs.Unavailable)
				}
			}
		}
	}
}

// TestSwapped: files in each other's places.
func TestSwapped(t *testing.T) {
	s := serve(t)
	p := open(t, s.URL)
	ask(t, p, registered)
	paths := s.asked()
	for _, path := range paths {
		for _, other := range paths {
			if path == other {
				continue
			}
			b, err := os.ReadFile(filepath.Join(public, filepath.FromSlash(other)))
			if err != nil {
				t.Fatal(err)
			}
			s.spoil(path, body(func([]byte) []byte { return b })(nil))
			if r := ask(t, p, registered); r.Verdict != proofs.Unavailable {
				t.Errorf("%s in place of %s: got %s, want %s", other, path, r.Verdict, proofs.Unavailable)
			}
		}
	}
}

func TestSlow(t *testing.T) {
	s := serve(t)
	s.spoil("/"+proofs.HeadPath, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("c2sp"))
		w.(http.Flusher).Flush()
		<-r.Context().Done() // until the reader has gone
	})
	if r := ask(t, portal.Impatient(s.URL, 50*time.Millisecond), registered); r.Verdict != proofs.Unavailable {
		t.Errorf("got %s, want %s", r.Verdict, proofs.Unavailable)
	}
}

func TestNobodyThere(t *testing.T) {
	s := serve(t)
	p := open(t, s.URL)
	s.Close()
	if r := ask(t, p, registered); r.Verdict != proofs.Unavailable || r.Detail == "" {
		t.Errorf("got %s (%s), want %s and the cause", r.Verdict, r.Detail, proofs.Unavailable)
	}
}

// TestHuge: a body without end is read up to the limit, also if it comes in a small compressed one.
func TestHuge(t *testing.T) {
	s := serve(t)
	var sent atomic.Int64
	zeros := make([]byte, 1<<20)
	s.spoil("/"+proofs.HeadPath, func(w http.ResponseWriter, _ *http.Request) {
		for {
			n, err := w.Write(zeros)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	p := open(t, s.URL)
	if r := ask(t, p, registered); r.Verdict != proofs.Unavailable {
		t.Errorf("got %s, want %s", r.Verdict, proofs.Unavailable)
	}
	if n := sent.Load(); n > portal.MaxFile+64<<20 {
		t.Errorf("%d bytes were sent, want about %d at most", n, portal.MaxFile)
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range portal.MaxFile>>20 + 1 {
		z.Write(zeros)
	}
	z.Close()
	s.spoil("/"+proofs.HeadPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	})
	if _, err := p.Read(context.Background(), proofs.HeadPath); err == nil || !strings.Contains(err.Error(), "over") {
		t.Errorf("got %v, want an error about the size", err)
	}
}

// TestEnded: an answer that the caller no longer wants is no verdict.
func TestEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a, err := portal.Ask(ctx, open(t, public), question(registered), nil)
	if !errors.Is(err, context.Canceled) || a.Report != nil {
		t.Errorf("got %v and the report %v, want %v", err, a.Report, context.Canceled)
	}
}

func TestOpen(t *testing.T) {
	if _, err := portal.Open(filepath.Join(public, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := portal.Open(filepath.Join(public, "policy")); err == nil {
		t.Error("a file was opened as a portal")
	}
}

// TestTrustFile refuses what is not the trust file of the epoch that was asked for.
func TestTrustFile(t *testing.T) {
	s := serve(t)
	p := open(t, s.URL)
	for name, c := range map[string]struct {
		path  string
		fault http.HandlerFunc
	}{
		"gone":               {"/trust/1", http.NotFound},
		"a page":             {"/trust/1", faults["a page"](nil)},
		"a page as the next": {"/trust/2", faults["a page"](nil)},
		"an error next":      {"/trust/2", faults["500"](nil)},
		"the first again":    {"/trust/2", body(func([]byte) []byte { return trust.Marshal() })(nil)},
	} {
		s.spoil(c.path, c.fault)
		if _, err := portal.TrustFile(context.Background(), p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestTrustFiles reads the newest of several, and refuses one that does not follow the one before, or that never end.
func TestTrustFiles(t *testing.T) {
	var mu sync.Mutex
	var files [][]byte // by epoch, from 1
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		var n int
		if fmt.Sscanf(r.URL.Path, "/trust/%d", &n); n < 1 || n > len(files) {
			http.NotFound(w, r)
			return
		}
		w.Write(files[n-1])
	}))
	defer s.Close()
	read := func(count int, wrong int) (*proofs.Trust, error) {
		mu.Lock()
		files, asked = nil, 0
		now := *trust
		for n := 1; n <= count; n++ {
			files = append(files, now.Marshal())
			next := now.Successor(proofs.Checkpoint{Size: uint64(n)})
			if n == wrong {
				next.Previous[0] ^= 1
			}
			now = *next
		}
		mu.Unlock()
		return portal.TrustFile(context.Background(), open(t, s.URL))
	}
	if got, err := read(3, 0); err != nil || got.Epoch != 3 {
		t.Errorf("got %+v, %v, want the third", got, err)
	}
	if _, err := read(3, 1); err == nil || !strings.Contains(err.Error(), "trust/2: unverified trust file: follows the trust file ") {
		t.Errorf("got %v, want that the second does not follow the first", err)
	}
	if _, err := read(portal.MaxEpochs+5, 0); err == nil || asked > portal.MaxEpochs {
		t.Errorf("got %v after %d files, want an end", err, asked)
	}
}

func TestMemory(t *testing.T) {
	m := portal.Memory(filepath.Join(t.TempDir(), "heads"))
	if got := m.Recall(trust); got != nil {
		t.Errorf("got %q before anything was kept", got)
	}
	m.Keep(trust, []byte("one"))
	m.Keep(trust, []byte("two"))
	m.Keep(trust, nil)
	if got := m.Recall(trust); string(got) != "two" {
		t.Errorf("got %q, want the last", got)
	}
	nowhere := portal.Memory("")
	nowhere.Keep(trust, []byte("one"))
	if got := nowhere.Recall(trust); got != nil {
		t.Errorf("got %q from no memory", got)
	}
}
