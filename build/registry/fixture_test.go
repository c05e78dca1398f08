package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stele/build/audit"
	"stele/build/durable"
	"stele/build/issuer"
	"stele/build/portal"
	"stele/proofs"
)

// start is the tests' time, in seconds; each publication of a test is an hour after the one before.
const (
	start = int64(1_800_000_000)
	hour  = int64(3600)
)

const office, court = "office.test.example", "court.test.example"

// testDir is where the tests' registries and documents lie.
var testDir string

func TestMain(m *testing.M) {
	if task := os.Getenv(childTask); task != "" {
		os.Exit(runChild(task))
	}
	if task := os.Getenv(childList); task != "" {
		os.Exit(runListChild(task))
	}
	var err error
	if testDir, err = os.MkdirTemp("", "registry"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(testDir)
	os.Exit(code)
}

func document(n int) []byte { return fmt.Appendf(nil, "document %d\n", n) }

// documentFile is a file with document n.
func documentFile(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(testDir, "documents", fmt.Sprint(n))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := durable.Replace(path, document(n), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// openAt opens a registry with the clock standing.
func openAt(t testing.TB, dir string, now int64) *Registry {
	t.Helper()
	r, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Now = func() time.Time { return time.Unix(now, 0) }
	return r
}

// register registers the documents from first up to end.
func register(t testing.TB, r *Registry, issuer string, first, end int) {
	t.Helper()
	var files []string
	for n := first; n < end; n++ {
		files = append(files, documentFile(t, n))
	}
	err := r.Register(context.Background(), Request{Issuer: issuer, Kind: "letter", Issued: "2027-01-01"}, files, func(f Registered) {
		if f.Err != nil {
			t.Error(f.Err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func publish(t testing.TB, r *Registry) *Publication {
	t.Helper()
	p, err := r.Publish(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Refused {
		t.Errorf("refused: %v\n%s", f.Why, f.Entry)
	}
	return p
}

// A scenario is a registry at the point of being published, and what its documents are before and after.
type scenario struct {
	name          string
	make          func(t testing.TB, dir string)
	now           int64
	before, after map[int]proofs.Verdict
	statements    int    // in the ledger afterwards, without index statements
	number        uint64 // of the publication afterwards
}

var (
	none = map[int]proofs.Verdict{}
	one  = map[int]proofs.Verdict{0: proofs.Authentic, 1: proofs.Authentic, 2: proofs.Authentic, 3: proofs.NotRegistered}
	two  = map[int]proofs.Verdict{0: proofs.Authentic, 1: proofs.Authentic, 2: proofs.Revoked, 3: proofs.Authentic, 4: proofs.Authentic, 5: proofs.NotRegistered}
)

// The publications that are interrupted: the first, one with new statements of every kind, a heartbeat.
var scenarios = []scenario{first, second, heartbeat, collecting}

var (
	first     = scenario{"first", makeFirst, start, none, one, 4, 1}
	second    = scenario{"second", makeSecond, start + hour, one, two, 8, 2}
	heartbeat = scenario{"heartbeat", makeThird, start + 2*hour, two, two, 8, 2}

	// the same when superseded files are old enough to be deleted
	collecting = scenario{"collecting", makeOld, start + 2*collectAfter, two, two, 8, 2}
)

func makeFirst(t testing.TB, dir string) {
	r, err := Init(dir, Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: 365 * 24 * time.Hour}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Now = func() time.Time { return time.Unix(start, 0) }
	if err := r.Accredit(office, "Office", []string{"letter"}); err != nil {
		t.Fatal(err)
	}
	register(t, r, office, 0, 3)
}

func makeSecond(t testing.TB, dir string) {
	copyOf(t, first, dir)
	publish(t, openAt(t, dir, first.now))
	r := openAt(t, dir, start+hour)
	if err := r.Accredit(court, "Court", []string{"*"}); err != nil {
		t.Fatal(err)
	}
	register(t, r, office, 3, 4)
	register(t, r, court, 4, 5)
	revoke(t, r, office, 2)
}

func makeOld(t testing.TB, dir string) {
	makeThird(t, dir)
	publish(t, openAt(t, dir, start+2*collectAfter-hour))
}

func makeThird(t testing.TB, dir string) {
	copyOf(t, second, dir)
	publish(t, openAt(t, dir, second.now))
}

func revoke(t testing.TB, r *Registry, by string, n int) {
	t.Helper()
	say(t, r, issuer.Draft{Action: proofs.ActionRevoke, Issuer: by, Document: documentOf(n)})
}

func documentOf(n int) issuer.Document {
	return issuer.DocumentOf(proofs.Ref{Digests: proofs.DigestsOf(document(n))})
}

// say says one thing more about a document.
func say(t testing.TB, r *Registry, d issuer.Draft) {
	t.Helper()
	ring, err := r.Ring()
	if err != nil {
		t.Fatal(err)
	}
	c, err := issuer.Begin(context.Background(), r.Desk(), ring)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Say(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	if err := c.Deliver(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// made holds a sync.Once for each scenario, by name.
var made sync.Map

// image makes a scenario's registry, or finds it.
func image(t testing.TB, s scenario) string {
	t.Helper()
	dir := filepath.Join(testDir, "image-"+s.name)
	once, _ := made.LoadOrStore(s.name, &sync.Once{})
	once.(*sync.Once).Do(func() { s.make(t, dir) })
	return dir
}

// copyOf copies a scenario's registry into a folder.
func copyOf(t testing.TB, s scenario, dir string) { copyTree(t, image(t, s), dir) }

// copyTree copies a folder; what the copy has already is replaced.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, info.Mode())
	})
	if err != nil {
		t.Fatal(err)
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// verdicts compares what the published folder answers about documents.
func verdicts(t testing.TB, r *Registry, now int64, want map[int]proofs.Verdict) {
	t.Helper()
	for n, v := range want {
		q := proofs.Question{Trust: r.Trust, Now: now, SHA256: proofs.DigestsOf(document(n)).SHA256, Online: true}
		a, err := portal.Ask(context.Background(), r.Portal(), q, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a.Report.Verdict != v {
			t.Errorf("document %d: got %s (%s %s), want %s", n, a.Report.Verdict, a.Report.Reason, a.Report.Detail, v)
		}
	}
}

// whole checks that what is published is one whole publication, the one before or the one after.
func whole(t testing.TB, r *Registry, s scenario, now int64) {
	t.Helper()
	head := readHead(t, r)
	if head == nil {
		if len(s.before) > 0 {
			t.Errorf("the published head is gone")
		}
		return
	}
	if _, err := os.Stat(filepath.Join(r.Public(), "ledger", "checkpoint")); errors.Is(err, fs.ErrNotExist) && len(s.before) == 0 {
		verdicts(t, r, now, s.after) // between the first head and the first checkpoint
		return
	}
	want := s.before
	if mustAudit(t, r, now).Publication == s.number {
		want = s.after
	}
	verdicts(t, r, now, want)
}

func mustAudit(t testing.TB, r *Registry, now int64) *audit.Result {
	t.Helper()
	a, err := auditOf(r, now)
	if err != nil {
		t.Fatalf("audit: %v", err)
	}
	return a
}

func auditError(t testing.TB, r *Registry, now int64) error {
	t.Helper()
	_, err := auditOf(r, now)
	return err
}

func auditOf(r *Registry, now int64) (*audit.Result, error) {
	return audit.Portal(context.Background(), r.Trust, r.Portal(), now, func(string, uint64, uint64) {})
}

func readHead(t testing.TB, r *Registry) *proofs.Head {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(r.Public(), "ledger", "head"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	h, err := proofs.ParseHead(b)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// finished checks that a publication is all there: each statement once in the ledger, nothing pending, and head,
// checkpoint and history of one mind.
func finished(t testing.TB, r *Registry, s scenario, now int64) {
	t.Helper()
	a := mustAudit(t, r, now)
	if a.Publication != s.number {
		t.Errorf("publication %d, want %d", a.Publication, s.number)
	}
	verdicts(t, r, now, s.after)
	if n := statements(t, r, a.Size); n != s.statements {
		t.Errorf("%d statements in the ledger, want %d", n, s.statements)
	}
	if n, err := r.Pending(); err != nil || n != 0 {
		t.Errorf("%d pending (%v), want none", n, err)
	}
	history(t, r, now)
}

// statements counts the entries that are not index statements, and holds that no text is there twice.
func statements(t testing.TB, r *Registry, size uint64) int {
	t.Helper()
	seen := map[string]bool{}
	n := 0
	err := r.log().Entries(0, size, func(_ uint64, entries [][]byte) error {
		for _, e := range entries {
			note, env, err := proofs.ParseEntry(e)
			if err != nil {
				return err
			}
			if seen[note.Text] {
				t.Errorf("twice in the ledger:\n%s", note.Text)
			}
			seen[note.Text] = true
			if env.Action != proofs.ActionIndex {
				n++
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

// history checks every published checkpoint against the tiles, and the newest against checkpoint and head.
func history(t testing.TB, r *Registry, now int64) {
	t.Helper()
	lines, err := r.History()
	if err != nil || len(lines) == 0 {
		t.Fatalf("history: %d lines, %v", len(lines), err)
	}
	if _, err := os.Stat(filepath.Join(r.Public(), proofs.HistoryPath)); err != nil {
		t.Error(err)
	}
	checkpoint, err := os.ReadFile(filepath.Join(r.Public(), "ledger", "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readHead(t, r).Proof.Checkpoint, checkpoint) {
		t.Errorf("head and checkpoint differ")
	}
	if lines[len(lines)-1].File != sha256.Sum256(checkpoint) {
		t.Errorf("the last line of the history is not the checkpoint's")
	}
	signed, err := os.ReadFile(r.path("state", "signed"))
	if err != nil || !bytes.Equal(signed, checkpoint) {
		t.Errorf("what was signed last is not what is published (%v)", err)
	}
	before := proofs.HistoryLine{}
	for _, l := range lines {
		b, err := os.ReadFile(filepath.Join(r.Public(), l.Path()))
		if err != nil {
			t.Error(err)
			continue
		}
		c, err := r.Trust.VerifyCheckpoint(b, now)
		if err != nil {
			t.Error(err)
			continue
		}
		root, err := proofs.TileNodes(l.Size, func(tile proofs.Tile) ([]byte, error) {
			b, err := os.ReadFile(filepath.Join(r.Public(), "ledger", filepath.FromSlash(tile.Path())))
			if full := (proofs.Tile{Level: tile.Level, Index: tile.Index, Width: proofs.TileWidth}); errors.Is(err, fs.ErrNotExist) {
				return os.ReadFile(filepath.Join(r.Public(), "ledger", filepath.FromSlash(full.Path())))
			}
			return b, err
		}).Root(l.Size)
		if err != nil || root != c.Root || c.Size != l.Size {
			t.Errorf("history: size %d: root %s, the tiles have %s (%v)", l.Size, c.Root, root, err)
		}
		if l == before || l.Size < before.Size {
			t.Errorf("history: %v after %v", l, before)
		}
		before = l
	}
}

// noTemporaryFiles: a write that failed leaves nothing behind.
func noTemporaryFiles(t testing.TB, r *Registry) {
	t.Helper()
	filepath.WalkDir(r.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), ".new-") {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
}

// childTask tells the test binary to be a child that is killed: "DIR TESTDIR NOW POINT FIRST END
// LIMIT". It registers the documents from FIRST up to END, publishes, and kills itself at the given fault point; its files may
// not grow beyond the limit.
const childTask = "STELE_REGISTRY_TEST_CHILD"

type task struct {
	dir        string
	now        int64
	point      int // 0: never
	first, end int
	limit      int // bytes; 0: none
}

// start starts a child; wait for it with cmd.Wait.
func (c task) start(t testing.TB) *exec.Cmd {
	t.Helper()
	for n := c.first; n < c.end; n++ {
		documentFile(t, n)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d %d %d %d %d", childTask, c.dir, testDir, c.now, c.point, c.first, c.end, c.limit))
	cmd.Stderr = &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// run runs a child and reports whether it was killed.
func (c task) run(t testing.TB) (killed bool) {
	t.Helper()
	return waitFor(t, c.start(t))
}

func waitFor(t testing.TB, cmd *exec.Cmd) (killed bool) {
	t.Helper()
	err := cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("child: %v\n%s", err, cmd.Stderr)
	}
	return false
}

func runChild(s string) int {
	var c task
	if _, err := fmt.Sscan(s, &c.dir, &testDir, &c.now, &c.point, &c.first, &c.end, &c.limit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if err := c.work(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (c task) work() error {
	r, err := Open(c.dir, nil)
	if err != nil {
		return err
	}
	r.Now = func() time.Time { return time.Unix(c.now, 0) }
	if c.limit > 0 {
		l := syscall.Rlimit{Cur: uint64(c.limit), Max: uint64(c.limit)}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			return err
		}
	}
	if c.point > 0 {
		k := &killer{at: c.point}
		r.fault = k.fault
	}
	if c.end > c.first {
		var files []string
		for n := c.first; n < c.end; n++ {
			files = append(files, filepath.Join(testDir, "documents", fmt.Sprint(n)))
		}
		err = r.Register(context.Background(), Request{Issuer: office, Kind: "letter", Issued: "2027-01-01"}, files, func(f Registered) {
			err = errors.Join(err, f.Err)
		})
		if err != nil {
			return err
		}
	}
	_, err = r.Publish(context.Background())
	return err
}

// A killer kills the process at a fault point.
type killer struct {
	mu sync.Mutex
	n  int
	at int
}

func (k *killer) fault(string, string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.n++; k.n == k.at {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return nil
}
