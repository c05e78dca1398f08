package mirror

import (
	"bytes"
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
	"testing"

	"stele/build/follow"
	"stele/build/follow/followtest"
	"stele/proofs"
)

// A stand serves a registry in memory, but for some paths something else.
type stand struct {
	*httptest.Server
	mu    sync.Mutex
	r     *followtest.Registry
	as    http.Handler // if set, what is shown instead
	fault map[string]http.HandlerFunc
}

func (s *stand) show(r *followtest.Registry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.r, s.as = r, nil
}

// showAs shows something else than the whole of a registry.
func (s *stand) showAs(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.as = h
}

func (s *stand) spoil(path string, fault http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = map[string]http.HandlerFunc{"/" + path: fault}
}

func newStand(t testing.TB, r *followtest.Registry) *stand {
	s := &stand{r: r}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.mu.Lock()
		answer, from := s.fault[req.URL.Path], http.Handler(s.r)
		if s.as != nil {
			from = s.as
		}
		s.mu.Unlock()
		if answer != nil {
			answer(w, req)
			return
		}
		from.ServeHTTP(w, req)
	}))
	t.Cleanup(s.Close)
	return s
}

// openStand opens a mirror of a stand whose clock is the registry's.
func openStand(t testing.TB, dir string, s *stand, trust *proofs.Trust) *Mirror {
	t.Helper()
	m, err := Open(context.Background(), dir, s.URL, trust)
	must(t, err)
	m.Now = s.r.Clock
	m.from.(*web).pause = 0
	t.Cleanup(func() { m.Close() })
	return m
}

// first is a registry of two publications, grown is a third one on it.
func first(t testing.TB) *followtest.Registry {
	r := followtest.New(t, followtest.Policy{Officers: []string{"one", "two"}, Needed: 2, Witnesses: []string{"w1", "w2"}, Seen: 2})
	r.Register(followtest.Office, 0, 300)
	r.Publish()
	r.Register(followtest.Office, 300, 320)
	r.Publish()
	return r
}

func grown(r *followtest.Registry) *followtest.Registry {
	g := r.Clone()
	g.Revoke(followtest.Office, 7, "a mistake")
	g.Register(followtest.Office, 320, 600)
	g.Accredit("second.test.example")
	g.Publish()
	return g
}

// faults are what an origin may do with one of its files.
var faults = map[string]func(good []byte) http.HandlerFunc{
	"missing": func([]byte) http.HandlerFunc { return http.NotFound },
	"500":     status(http.StatusInternalServerError),
	"403":     status(http.StatusForbidden),
	"empty":   body(func([]byte) []byte { return nil }),
	"a page":  body(func([]byte) []byte { return []byte("<!doctype html><title>Log in to the network</title>") }),
	"flipped": body(func(good []byte) []byte { good[len(good)*2/3] ^= 1; return good }),
	"shorter": body(func(good []byte) []byte { return good[:len(good)-1] }),
	"longer":  body(func(good []byte) []byte { return append(good, 0) }),
	"cut off": func(good []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			w.Write(good[:len(good)/2])
			panic(http.ErrAbortHandler)
		}
	},
	"endless": func([]byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for chunk := make([]byte, 1<<20); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
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

// isOutage are the faults that say nothing about a file.
func isOutage(fault string) bool {
	return fault == "missing" || fault == "500" || fault == "403" || fault == "cut off"
}

// TestEachFileALie: whatever an origin does with any of its files, the mirror adopts nothing that is not the publication itself, tells an outage
// from what is wrong, and goes on once the file is right: the first time, and when there is a publication already.
func TestEachFileALie(t *testing.T) {
	before := first(t)
	after := grown(before)
	paths := slices.DeleteFunc(after.Paths(), func(p string) bool { return p == proofs.ProposalPath })
	check := func(path, fault string, begun bool) {
		t.Run(fmt.Sprintf("%s %s, begun %t", path, fault, begun), func(t *testing.T) {
			t.Parallel()
			spoiled(t, before, after, path, fault, begun)
		})
	}
	for i, path := range paths {
		switch {
		case path == proofs.HeadPath || i == len(paths)/2:
			for name := range faults {
				check(path, name, true)
			}
		case strings.HasPrefix(path, "index/") || strings.HasPrefix(path, "ledger/history/"): // one is as another
			check(path, []string{"flipped", "missing"}[i%2], i%4 > 1)
		default:
			check(path, "flipped", true)
			check(path, "flipped", false)
		}
	}
}

func spoiled(t *testing.T, before, after *followtest.Registry, path, fault string, begun bool) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mirror")
	s := newStand(t, before)
	m := openStand(t, dir, s, before.Trust)
	want := []byte(nil)
	if begun {
		m.mustRound(t, Adopted)
		want = before.Get(proofs.HeadPath)
	}
	s.show(after)
	m.Now = after.Clock
	s.spoil(path, faults[fault](after.Get(path)))
	_, err := m.Round(context.Background())
	switch adopted := bytes.Equal(read(t, m, proofs.HeadPath), after.Get(proofs.HeadPath)); {
	case adopted && err == nil: // it was not needed
		wholeCopy(t, m, after)
	case err == nil || !bytes.Equal(read(t, m, proofs.HeadPath), want):
		t.Errorf("%v, and the copy has another head", err)
	case isOutage(fault) != (Code(nil, err) == "failed") && path != "ledger/tile/0/000":
		t.Errorf("told as %q: %v", Code(nil, err), err)
	case !strings.Contains(err.Error(), strings.SplitN(path, ".p/", 2)[0]) && !strings.HasPrefix(path, "ledger/tile/"):
		t.Errorf("the error does not name it: %v", err)
	case begun:
		wholeCopy(t, m, before)
	}
	s.spoil("", nil)
	res, err := m.Round(context.Background())
	if err != nil {
		t.Errorf("once it is right: %v", err)
	} else if _, err := os.Stat(string(m.incoming)); err == nil {
		t.Errorf("%s, and something is left in incoming", res.State)
	}
	wholeCopy(t, m, after)
	m.Close()
	s.Close()
}

func read(t testing.TB, m *Mirror, path string) []byte {
	t.Helper()
	b, err := m.public.Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return b
}

// wholeCopy audits a copy, and compares it with what it is of.
func wholeCopy(t testing.TB, m *Mirror, r *followtest.Registry) {
	t.Helper()
	if err := auditOf(t, m.Public(), r.Trust, r.Now); err != nil {
		t.Errorf("audit of the copy: %v", err)
	}
	err := m.public.List("", func(name string, _ int64) error {
		b, err := m.public.Read(name)
		if want := r.Get(name); !bytes.Equal(b, want) && err == nil {
			t.Errorf("%s: is not the origin's", name)
		}
		return err
	})
	must(t, err)
}

// TestWrongIndex: what is signed by everybody and does not follow from the ledger.
func TestWrongIndex(t *testing.T) {
	for name, lie := range map[string]func(x *proofs.Index){
		"keys": func(x *proofs.Index) { x.Keys++ },
		"SHA3": func(x *proofs.Index) { x.TreeSHA3[0] ^= 1 },
		"tree": func(x *proofs.Index) { x.Tree[0] ^= 1 },
	} {
		for _, begun := range []bool{false, true} {
			r := first(t)
			s := newStand(t, r)
			m := openStand(t, filepath.Join(t.TempDir(), "mirror"), s, r.Trust)
			if begun {
				m.mustRound(t, Adopted)
			}
			bad := r.Clone()
			bad.Register(followtest.Office, 400, 410)
			bad.End(lie)
			bad.Release(bad.Sign(bad.Everybody()...))
			s.show(bad)
			m.Now = bad.Clock
			_, err := m.Round(context.Background())
			if err == nil || Code(nil, err) != "wrong" {
				t.Errorf("%s, begun %t: %v, told as %s", name, begun, err, Code(nil, err))
			}
			var w *follow.WrongIndex
			if begun && !errors.As(err, &w) {
				t.Errorf("%s: %v, want the index statement to be named", name, err)
			}
			if begun {
				wholeCopy(t, m, r)
			} else if read(t, m, proofs.HeadPath) != nil {
				t.Errorf("%s: adopted", name)
			}
		}
	}
}
