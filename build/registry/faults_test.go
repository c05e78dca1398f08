package registry

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/proofs"
)

// A point is one side of one change on the disk.
type point struct {
	when, path string
	unsynced   bool // something has been written that a power cut may lose
}

// points lists the fault points of a scenario's publication.
func points(t *testing.T, s scenario) []point {
	t.Helper()
	dir := t.TempDir()
	copyOf(t, s, dir)
	r := openAt(t, dir, s.now)
	list := pointsOf(r, func() { publish(t, r) })
	finished(t, r, s, s.now)
	return list
}

// pointsOf lists the fault points that something comes to.
func pointsOf(r *Registry, do func()) []point {
	var list []point
	b := &breaker{at: math.MaxInt, public: r.Public()}
	var mu sync.Mutex
	r.fault = func(when, path string) error {
		mu.Lock()
		defer mu.Unlock()
		b.fault(when, path)
		rel, _ := filepath.Rel(r.Dir, path)
		list = append(list, point{when, rel, len(b.unsynced) > 0})
		return nil
	}
	do()
	r.fault = func(string, string) error { return nil }
	return list
}

// TestWritesAreCounted holds that no durable write of a publication escapes the table: the files that change are those
// at which a fault can be set, and the log's own.
func TestWritesAreCounted(t *testing.T) {
	for _, s := range scenarios {
		dir := t.TempDir()
		copyOf(t, s, dir)
		before := tree(t, dir)
		told := map[string]bool{}
		r := openAt(t, dir, s.now)
		var mu sync.Mutex
		r.fault = func(_, path string) error {
			mu.Lock()
			defer mu.Unlock()
			rel, _ := filepath.Rel(dir, path)
			told[rel] = true
			return nil
		}
		publish(t, r)
		after := tree(t, dir)
		for path := range before {
			if _, ok := after[path]; !ok && !told[path] {
				t.Errorf("%s: %s was removed, with no fault point", s.name, path)
			}
		}
		for path, b := range after {
			if before[path] != b && !told[path] && !strings.HasPrefix(path, "ledger/") && !strings.HasSuffix(path, ".lock") {
				t.Errorf("%s: %s was written, with no fault point", s.name, path)
			}
		}
	}
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var errFault = errors.New("this disk is broken")

// A breaker fails at a fault point, and at every later one, as a disk does.
type breaker struct {
	mu       sync.Mutex
	n, at    int
	unsynced []string // written since the last sync
	before   map[string]os.FileInfo
	public   string
}

func (b *breaker) fault(when, path string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	info, _ := os.Stat(path)
	switch {
	case when == "before":
		if b.before == nil {
			b.before = map[string]os.FileInfo{}
		}
		b.before[path] = info
	case path == b.public:
		b.unsynced = nil
	case info != nil && os.SameFile(b.before[path], info): // it was there already
	case when == "after" && strings.HasPrefix(path, b.public) && !replaced(path):
		b.unsynced = append(b.unsynced, path)
	}
	if b.n++; b.n >= b.at {
		return fmt.Errorf("%s: %w", path, errFault)
	}
	return nil
}

// replaced: what is written durably, since it changes.
func replaced(path string) bool {
	return strings.Contains(path, "ledger/h") || strings.HasSuffix(path, "ledger/checkpoint") || strings.HasSuffix(path, "ledger/statistics")
}

// loseUnsynced empties what was renamed into place but never synced: what a power cut may leave.
func (b *breaker) loseUnsynced(t *testing.T) {
	for _, path := range b.unsynced {
		if err := os.Truncate(path, 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// TestFaults is the table of a publication's writes. Each is made to fail, to fail although it has happened, to lose what
// was not synced where there is such, and to be the last thing that the process does. The publication before must be whole each time, and
// the next run must finish the new one.
func TestFaults(t *testing.T) {
	for _, s := range scenarios {
		list := points(t, s)
		t.Logf("%s: %d fault points", s.name, len(list))
		for i, p := range list {
			name := fmt.Sprintf("%s/%02d-%s-%s", s.name, i+1, p.when, strings.ReplaceAll(short(p.path), "/", "_"))
			t.Run(name+"/fails", func(t *testing.T) { t.Parallel(); interrupt(t, s, i+1, false) })
			if p.when == "after" && i < len(list)-1 { // to whoever comes later, after one write is before the next
				continue
			}
			if p.unsynced {
				t.Run(name+"/power", func(t *testing.T) { t.Parallel(); interrupt(t, s, i+1, true) })
			}
			t.Run(name+"/killed", func(t *testing.T) { t.Parallel(); kill(t, s, i+1) })
		}
	}
}

// short cuts long hashes.
func short(path string) string {
	dir, file := filepath.Split(path)
	if len(file) > 16 {
		file = file[:8]
	}
	return dir + file
}

func interrupt(t *testing.T, s scenario, point int, power bool) {
	dir := t.TempDir()
	copyOf(t, s, dir)
	r := openAt(t, dir, s.now)
	b := &breaker{at: point, public: r.Public()}
	r.fault = b.fault
	if _, err := r.Publish(context.Background()); !errors.Is(err, errFault) {
		t.Fatalf("got %v, want the fault", err)
	}
	if power {
		b.loseUnsynced(t)
	}
	noTemporaryFiles(t, r)
	finish(t, s, dir)
}

func kill(t *testing.T, s scenario, point int) {
	dir := t.TempDir()
	copyOf(t, s, dir)
	if !(task{dir: dir, now: s.now, point: point}).run(t) {
		t.Fatal("the child was not killed")
	}
	finish(t, s, dir)
}

// finish checks a publication that was broken off, and lets the next run finish it.
func finish(t *testing.T, s scenario, dir string) {
	t.Helper()
	whole(t, openAt(t, dir, s.now), s, s.now)
	r := openAt(t, dir, s.now+60)
	publish(t, r)
	finished(t, r, s, s.now+60)
}

// TestRandomWalk kills thirty publications in a row, at points of a fixed seed, while documents are registered all the
// time; some children are killed by the clock, so that the log's own writes are cut through as well.
func TestRandomWalk(t *testing.T) {
	t.Parallel()
	const rounds, each = 30, 2
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	rng := rand.New(rand.NewPCG(20261122, 1))
	now, kills := heartbeat.now, 0
	want := map[int]proofs.Verdict{}
	for n := range two {
		want[n] = two[n]
	}
	delete(want, 5)
	for i := range rounds {
		now += hour
		c := task{dir: dir, now: now, point: 1 + rng.IntN(50), first: 10 + each*i, end: 10 + each*(i+1)}
		byClock := i%3 == 2
		if byClock {
			c.point = 0
		}
		cmd := c.start(t)
		if byClock {
			time.Sleep(time.Duration(10+rng.IntN(40)) * time.Millisecond) // not a wait: the moment of death
			cmd.Process.Kill()
		}
		if waitFor(t, cmd) {
			kills++
		}
		r := openAt(t, dir, now)
		verdicts(t, r, now, want)
		mustAudit(t, r, now)
	}
	t.Logf("%d of %d children were killed", kills, rounds)
	if kills < rounds/2 {
		t.Errorf("only %d of %d children were killed", kills, rounds)
	}
	end := 10 + each*rounds
	r := openAt(t, dir, now+60)
	register(t, r, office, 10, end) // those whose registering was killed; the others are there already
	publish(t, r)
	for n := 10; n < end; n++ {
		want[n] = proofs.Authentic
	}
	size := mustAudit(t, r, now+60).Size
	verdicts(t, r, now+60, want)
	if got, want := statements(t, r, size), heartbeat.statements+each*rounds; got != want {
		t.Errorf("%d statements, want %d", got, want)
	}
	if n, err := r.Pending(); err != nil || n != 0 {
		t.Errorf("%d pending (%v), want none", n, err)
	}
	history(t, r, now+60)
}

// TestCollect: superseded index files stay for the grace period after the head that replaced them was written, however
// long that was after they were replaced; then they go, and with them the note about them.
func TestCollect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, second, dir)
	slot := filepath.Join(dir, theSlot(t, dir)) // of the published head
	there := func() bool { _, err := os.Stat(slot); return err == nil }
	r := openAt(t, dir, second.now)
	r.fault = func(when, path string) error {
		if when == "before" && path == r.path("state", "signed") {
			return errFault
		}
		return nil
	}
	if _, err := r.Publish(context.Background()); !errors.Is(err, errFault) {
		t.Fatalf("got %v, want the fault", err)
	}
	late := second.now + 2*collectAfter
	if p := publish(t, openAt(t, dir, late)); p.Added != 4 || p.Heartbeat {
		t.Errorf("added %d, heartbeat %t; want 4, none", p.Added, p.Heartbeat)
	}
	if !there() {
		t.Error("the slot of the head that has just been replaced is gone")
	}
	publish(t, openAt(t, dir, late+hour))
	if !there() {
		t.Error("the slot is gone an hour after the head that replaced it was written")
	}
	end := late + collectAfter
	publish(t, openAt(t, dir, end)) // collection goes by the last signature's time
	publish(t, openAt(t, dir, end+hour))
	if there() {
		t.Error("the superseded slot is still there")
	}
	if names := tree(t, filepath.Join(dir, "state", "superseded")); len(names) > 0 {
		t.Errorf("left: %v", names)
	}
	finished(t, openAt(t, dir, end+hour), second, end+hour)
}

// TestRefusals: what the rules keep out is put aside, also if nothing else happens twice in a row.
func TestRefusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	for i := range 2 {
		s := &proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionWithdraw, Issuer: r.Trust.RootName(),
			Authority: office, After: &proofs.Hash{byte(i)}} // follows nothing
		if err := r.submitRoot(s); err != nil {
			t.Fatal(err)
		}
		p, err := r.Publish(context.Background())
		if err != nil || len(p.Refused) != 1 || !p.Heartbeat {
			t.Fatalf("got %+v (%v), want a heartbeat and a refusal", p, err)
		}
	}
	if n := len(tree(t, r.path("state", "refused"))); n != 2 {
		t.Errorf("%d refusals were put aside, want 2", n)
	}
	finished(t, r, heartbeat, heartbeat.now)
}
