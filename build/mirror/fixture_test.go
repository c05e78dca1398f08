package mirror

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"stele/build/audit"
	"stele/build/durable"
	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
	"stele/site"
)

// start is the tests' time, in seconds.
const (
	start = int64(1_800_000_000)
	hour  = int64(3600)
)

const (
	origin = "test.example/ledger"
	office = "office.test.example"
)

var testDir string

func TestMain(m *testing.M) {
	if os.Getenv(childDir) != "" {
		os.Exit(runChild())
	}
	var err error
	if testDir, err = os.MkdirTemp("", "mirror"); err != nil {
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

// An office is a registry and its clock.
type registrar struct {
	dir string
	now int64
}

func (o *registrar) public() string { return filepath.Join(o.dir, "public") }

func (o *registrar) open(t testing.TB) *registry.Registry {
	t.Helper()
	r, err := registry.Open(o.dir, nil)
	must(t, err)
	r.Now = func() time.Time { return time.Unix(o.now, 0) }
	return r
}

func (o *registrar) trust(t testing.TB) *proofs.Trust { return o.open(t).Trust }

// publish registers documents from first up to end, and publishes an hour later.
func (o *registrar) publish(t testing.TB, first, end int) {
	t.Helper()
	o.now += hour
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
}

func newRegistrar(t testing.TB, dir string) *registrar {
	t.Helper()
	r, err := registry.Init(dir, registry.Setup{Origin: origin, Title: "Test", Demo: true, StaleAfter: 48 * time.Hour}, nil)
	must(t, err)
	must(t, r.Accredit(office, "Office", []string{"letter"}))
	return &registrar{dir, start}
}

// made is a registry of two publications, the second over 256 entries, that tests copy.
var made = sync.OnceValue(func() string {
	dir := filepath.Join(testDir, "made")
	t := &testing.T{}
	o := newRegistrar(t, dir)
	o.publish(t, 0, 40)
	o.publish(t, 40, 700)
	return dir
})

// aRegistry is a copy of made, of one's own.
func aRegistry(t testing.TB) *registrar {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "registry")
	copyDir(t, made(), dir)
	return &registrar{dir, start + 2*hour}
}

func copyDir(t testing.TB, from, to string) {
	t.Helper()
	must(t, os.CopyFS(to, os.DirFS(from)))
	keys, err := filepath.Glob(filepath.Join(to, "keys", "*"))
	must(t, err)
	for _, key := range keys {
		must(t, os.Chmod(key, 0o600))
	}
}

// openMirror opens a mirror whose clock is the registrar's.
func openMirror(t testing.TB, dir, where string, o *registrar) *Mirror {
	t.Helper()
	m, err := tryOpen(dir, where, o.trust(t))
	must(t, err)
	m.Now = func() time.Time { return time.Unix(o.now, 0) }
	t.Cleanup(func() { m.Close() })
	return m
}

func tryOpen(dir, where string, trust *proofs.Trust) (*Mirror, error) {
	return Open(context.Background(), dir, where, trust)
}

// reopen closes a mirror, and opens it as the next process would.
func reopen(t testing.TB, m *Mirror, o *registrar) *Mirror {
	t.Helper()
	must(t, m.Close())
	next := openMirror(t, m.Dir, m.from.String(), o)
	next.Programs, next.Cosigner = m.Programs, m.Cosigner
	return next
}

func (m *Mirror) mustRound(t testing.TB, want string) *Result {
	t.Helper()
	r, err := m.Round(context.Background())
	must(t, err)
	if r.State != want {
		t.Fatalf("the round says %+v, want %s", r, want)
	}
	return r
}

// auditOf audits a published folder or an address.
func auditOf(t testing.TB, where string, trust *proofs.Trust, now int64) error {
	t.Helper()
	p, err := portal.Open(where)
	must(t, err)
	_, err = audit.Portal(context.Background(), trust, p, now, func(string, uint64, uint64) {})
	return err
}

// verdictOf is what a lookup says of a document.
func verdictOf(t testing.TB, where string, trust *proofs.Trust, now int64, n int) proofs.Verdict {
	t.Helper()
	p, err := portal.Open(where)
	must(t, err)
	a, err := portal.Ask(context.Background(), p, proofs.Question{Trust: trust, Now: now, SHA256: proofs.DigestsOf(document(n)).SHA256, Online: true}, nil)
	must(t, err)
	return a.Report.Verdict
}

// serve serves a published folder over loopback.
func serve(t testing.TB, dir string) string {
	t.Helper()
	s := httptest.NewServer(site.Handler(dir))
	t.Cleanup(s.Close)
	return s.URL
}

// equalPublished compares a copy with the original: every file but the pages, and what only the original has of earlier sizes.
func equalPublished(t testing.TB, public, copied string) {
	t.Helper()
	n := 0
	err := durable.Folder(copied).List("", func(name string, _ int64) error {
		n++
		have, err := os.ReadFile(filepath.Join(copied, name))
		must(t, err)
		if !durable.Holds(filepath.Join(public, name), have) {
			t.Errorf("%s: is not the original's", name)
		}
		return nil
	})
	must(t, err)
	if n < 20 {
		t.Errorf("%d files in the copy", n)
	}
}
