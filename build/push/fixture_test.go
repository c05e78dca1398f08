package push_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/build/audit"
	"stele/build/durable"
	"stele/build/edgestore"
	"stele/build/portal"
	"stele/build/push"
	"stele/build/registry"
	"stele/proofs"
	"stele/site/edge/front"
	"stele/site/edge/gate"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

// start is the tests' time, in seconds; each publication is an hour after the one before.
const (
	start  = int64(1_800_000_000)
	hour   = int64(3600)
	origin = "test.example/ledger"
	office = "office.test.example"
)

var token = strings.Repeat("0123456789abcdef", 4)

var testDir string

func TestMain(m *testing.M) {
	var err error
	if testDir, err = os.MkdirTemp("", "push"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(testDir)
	os.Exit(code)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func document(n int) []byte { return fmt.Appendf(nil, "document %d\n", n) }

func documentFile(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(testDir, "documents", fmt.Sprint(n))
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, durable.Replace(path, document(n), 0o644))
	return path
}

// A registrar is a registry and its clock.
type registrar struct {
	dir string
	mu  sync.Mutex
	now int64
	n   int // publications

	first *push.Pusher // with a key that is unlocked
}

func (o *registrar) public() durable.Folder { return durable.Folder(filepath.Join(o.dir, "public")) }

func (o *registrar) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Unix(o.now, 0)
}

func (o *registrar) open(t testing.TB) *registry.Registry {
	t.Helper()
	r, err := registry.Open(o.dir, nil)
	must(t, err)
	r.Now = o.clock
	return r
}

// publish registers documents from first up to end, publishes an hour later, and writes pages that name the publication and an asset of its own.
func (o *registrar) publish(t testing.TB, first, end int) {
	t.Helper()
	o.mu.Lock()
	o.now += hour
	o.mu.Unlock()
	o.n++
	r := o.open(t)
	var files []string
	for n := first; n < end; n++ {
		files = append(files, documentFile(t, n))
	}
	if len(files) > 0 {
		req := registry.Request{Issuer: office, Kind: "letter", Issued: "2027-01-01"}
		must(t, r.Register(context.Background(), req, files, func(f registry.Registered) { must(t, f.Err) }))
	}
	_, err := r.Publish(context.Background())
	must(t, err)
	asset := fmt.Sprintf("assets/%d.js", o.n)
	must(t, o.public().Replace(asset, []byte("// of publication "+fmt.Sprint(o.n))))
	for _, name := range []string{"index.html", "ru/index.html", "verify.html", "policy.html"} {
		must(t, o.public().Replace(name, []byte(asset)))
	}
}

func registryAt(dir, origin string) (*registry.Registry, error) {
	return registry.Init(dir, registry.Setup{Origin: origin, Title: "Test", Demo: true, StaleAfter: 48 * time.Hour}, nil)
}

func newRegistrar(t testing.TB, dir string) *registrar {
	t.Helper()
	r, err := registryAt(dir, origin)
	must(t, err)
	must(t, r.Accredit(office, "Office", []string{"letter"}))
	return &registrar{dir: dir, now: start}
}

// made is a registry of one publication over 600 entries, that tests copy.
var made = sync.OnceValue(func() string {
	dir := filepath.Join(testDir, "made")
	newRegistrar(&testing.T{}, dir).publish(&testing.T{}, 0, 600)
	return dir
})

func aRegistry(t testing.TB) *registrar {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "registry")
	must(t, os.CopyFS(dir, os.DirFS(made())))
	keys, err := filepath.Glob(filepath.Join(dir, "keys", "*"))
	must(t, err)
	for _, key := range keys {
		must(t, os.Chmod(key, 0o600))
	}
	return &registrar{dir: dir, now: start + hour, n: 1}
}

// counting is a store that counts what is put into it.
type counting struct {
	store.Store
	mu   sync.Mutex
	puts map[string]int // by the first part of the name
}

func (c *counting) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	c.mu.Lock()
	below, _, _ := strings.Cut(name, "/")
	c.puts[below]++
	c.mu.Unlock()
	return c.Store.Put(ctx, name, b, when)
}

func (c *counting) taken(below string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.puts[below]
	c.puts[below] = 0
	return n
}

// An edge is a gate and a front over a store, served over loopback.
type edge struct {
	dir    string
	url    string
	source *published.Source
	store  *counting
}

// anEdge serves a new store.
func anEdge(t testing.TB, o *registrar, limits gate.Limits) *edge {
	t.Helper()
	return edgeAt(t, t.TempDir(), o, limits)
}

// copyOf serves a copy of another edge's store.
func copyOf(t testing.TB, of *edge, o *registrar, limits gate.Limits) *edge {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	must(t, os.CopyFS(dir, os.DirFS(of.dir)))
	return edgeAt(t, dir, o, limits)
}

func edgeAt(t testing.TB, dir string, o *registrar, limits gate.Limits) *edge {
	t.Helper()
	folder, err := edgestore.OpenFolder(dir)
	must(t, err)
	c := &counting{Store: folder, puts: map[string]int{}}
	e := &edge{dir: dir, store: c, source: &published.Source{Store: c, Trust: o.open(t).Trust,
		Asset: func(context.Context, string) ([]byte, error) { return nil, fs.ErrNotExist }}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	mux := http.NewServeMux()
	mux.Handle("/publish/", gate.New(gate.Config{Source: e.source, TokenSHA256: sha256.Sum256([]byte(token)), Limits: limits, Now: o.clock, Log: log}).Handler())
	mux.Handle("/", front.Handler(e.source, log))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	e.url = s.URL
	return e
}

// pusher pushes without ever waiting.
func (o *registrar) pusher(t testing.TB, e *edge) *push.Pusher {
	t.Helper()
	if o.first == nil {
		var err error
		o.first, err = o.open(t).Pusher("", token)
		must(t, err)
	}
	p := push.New(e.url, token)
	p.Files, p.Trust, p.Signer, p.Alone, p.Now = o.first.Files, o.first.Trust, o.first.Signer, o.first.Alone, o.first.Now
	p.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return p
}

func (o *registrar) push(t testing.TB, e *edge) *push.Result {
	t.Helper()
	r, err := o.pusher(t, e).Push(context.Background())
	must(t, err)
	return r
}

// isServed compares everything that is published with what the edge serves. What is for officers alone is not there, nor what nothing leads to.
func (o *registrar) isServed(t testing.TB, e *edge) {
	t.Helper()
	n := 0
	must(t, o.public().List("", func(name string, _ int64) error {
		n++
		want, err := o.public().Read(name)
		must(t, err)
		got, status := e.get(t, strings.TrimSuffix(name, "index.html"))
		if name == proofs.ProposalPath || name == proofs.ProposedTrustPath {
			if status != http.StatusNotFound {
				t.Errorf("%s: %d, want 404: it is for officers", name, status)
			}
		} else if status == http.StatusNotFound && (strings.HasPrefix(name, "index/") || strings.Contains(name, ".p/")) { // the audit asks for those that count
		} else if status != http.StatusOK || string(got) != string(want) {
			t.Errorf("%s: %d, %d bytes, want the %d that are published", name, status, len(got), len(want))
		}
		return nil
	}))
	if n < 15 {
		t.Errorf("%d files are published", n)
	}
	p, err := portal.Open(e.url)
	must(t, err)
	if _, err := audit.Portal(context.Background(), o.open(t).Trust, p, o.clock().Unix(), func(string, uint64, uint64) {}); err != nil {
		t.Errorf("audit of the edge: %v", err)
	}
}

func (e *edge) get(t testing.TB, name string) ([]byte, int) {
	t.Helper()
	res, err := http.Get(e.url + "/" + name)
	must(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(t, err)
	return b, res.StatusCode
}
