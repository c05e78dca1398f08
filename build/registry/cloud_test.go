package registry

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stele/build/durable"
	"stele/build/storage/storagetest"
	"stele/proofs"
)

// machinesInCloud makes a registry in a bucket and a database, and the folders of n machines that work with it.
func machinesInCloud(t *testing.T, s *storagetest.Servers, n int) []string {
	t.Helper()
	first := filepath.Join(t.TempDir(), "machine")
	r, err := Init(first, Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: 365 * 24 * time.Hour, Storage: s.Settings("reg")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Accredit(office, "Office", []string{"letter"}); err != nil {
		t.Fatal(err)
	}
	dirs := []string{first}
	for range n - 1 {
		dir := filepath.Join(t.TempDir(), "machine")
		copyTree(t, first, dir)
		dirs = append(dirs, dir)
	}
	return dirs
}

// wholeInCloud checks all of what is published: the audit, others' fsck over a copy of the bucket, and each document.
func wholeInCloud(t *testing.T, dir string, now int64, documents int) {
	t.Helper()
	r := openAt(t, dir, now)
	a := mustAudit(t, r, now)
	if a.Keys != uint64(documents) {
		t.Errorf("%d documents, want %d", a.Keys, documents)
	}
	statements(t, r, a.Size) // none twice
	if n, err := r.Pending(); n != 0 || err != nil {
		t.Errorf("%d pending (%v)", n, err)
	}
	ledger := t.TempDir()
	err := r.at.Public.List("ledger/", func(name string, _ int64) error {
		b, err := r.at.Public.Read(name)
		if err == nil {
			err = durable.Replace(filepath.Join(ledger, filepath.FromSlash(name[len("ledger/"):])), b, 0o644)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := fsckOf(ledger, r.Trust.Origin, logKey(t, r)); err != nil {
		t.Errorf("fsck: %.300v", err)
	}
}

// TestCloud publishes, registers and publishes from two machines in turn, and at the same time.
func TestCloud(t *testing.T) {
	t.Parallel()
	s := storagetest.Start(t)
	dirs := machinesInCloud(t, s, 2)
	register(t, openAt(t, dirs[0], start), office, 0, 3)
	publish(t, openAt(t, dirs[0], start))
	wholeInCloud(t, dirs[1], start, 3)
	register(t, openAt(t, dirs[1], start+hour), office, 3, 300)
	revoke(t, openAt(t, dirs[1], start+hour), office, 1)
	publish(t, openAt(t, dirs[1], start+hour))
	wholeInCloud(t, dirs[0], start+hour, 300)

	var wg sync.WaitGroup
	for i, dir := range dirs {
		wg.Go(func() {
			register(t, openAt(t, dir, start+2*hour), office, 300+10*i, 310+10*i)
			publish(t, openAt(t, dir, start+2*hour))
		})
	}
	wg.Wait()
	publish(t, openAt(t, dirs[0], start+3*hour)) // a heartbeat
	wholeInCloud(t, dirs[1], start+3*hour, 320)
	verdicts(t, openAt(t, dirs[1], start+3*hour), start+3*hour,
		map[int]proofs.Verdict{0: proofs.Authentic, 1: proofs.Revoked, 319: proofs.Authentic, 320: proofs.NotRegistered})
	if _, err := os.Stat(filepath.Join(dirs[0], "public")); err == nil {
		t.Error("something was published into the machine's own folder")
	}
	// What is superseded is collected here too.
	now := grow(t, dirs[0], start+3*hour)
	r := openAt(t, dirs[0], now)
	if got, want := len(indexFiles(t, r)), len(leads(t, r)); got != want {
		t.Errorf("%d index files, want %d", got, want)
	}
	wholeInCloud(t, dirs[1], now, 320)
}

// TestCloudKilled: two machines register and publish, and are killed at points of their own again and again; the database is
// killed too. Nothing is lost, and nothing is there twice.
func TestCloudKilled(t *testing.T) {
	t.Parallel()
	s := storagetest.Start(t)
	dirs := machinesInCloud(t, s, 2)
	publish(t, openAt(t, dirs[0], start))
	const rounds, each = 6, 20
	rnd := rand.New(rand.NewPCG(3, 5))
	killed := 0
	for round := range rounds {
		now := start + int64(round+1)*hour
		var wg sync.WaitGroup
		var mu sync.Mutex
		for i, dir := range dirs {
			first := (2*round + i) * each
			c := task{dir: dir, now: now, point: 1 + rnd.IntN(60), first: first, end: first + each}
			cmd := c.start(t)
			wg.Go(func() {
				cmd.Wait() // killed, or its database was, or a publication failed since the other's was cut off
				if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
					mu.Lock()
					killed++
					mu.Unlock()
				}
			})
		}
		if round%3 == 2 {
			s.KillDatabase(t)
		}
		wg.Wait()
	}
	t.Logf("%d of %d were killed", killed, 2*rounds)
	if killed == 0 {
		t.Error("none was killed: nothing was tested")
	}
	now := start + (rounds+1)*hour
	register(t, openAt(t, dirs[1], now), office, 0, 2*rounds*each) // as whoever was interrupted would: run it again
	publish(t, openAt(t, dirs[1], now))
	wholeInCloud(t, dirs[0], now, 2*rounds*each)
}

// TestCloudVacant: a second registry is not made over a first.
func TestCloudVacant(t *testing.T) {
	t.Parallel()
	s := storagetest.Start(t)
	dirs := machinesInCloud(t, s, 1)
	publish(t, openAt(t, dirs[0], start))
	_, err := Init(filepath.Join(t.TempDir(), "second"), Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: time.Hour, Storage: s.Settings("reg")}, nil)
	if err == nil {
		t.Error("a registry was made where one lies")
	}
}

// TestCloudUnreached: a store or a database that does not answer is told as that, and leaves no keys in the way of the next
// attempt.
func TestCloudUnreached(t *testing.T) {
	t.Parallel()
	s := storagetest.Start(t)
	dir := filepath.Join(t.TempDir(), "registry")
	setup := Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: time.Hour}
	settings := string(s.Settings("reg"))
	for name, change := range map[string][2]string{
		"the database": {s.Address, "127.0.0.1:1"},
		"the store":    {"bucket ", "bucket no-"},
	} {
		setup.Storage = []byte(strings.Replace(settings, change[0], change[1], 1))
		var e *Error
		_, err := Init(dir, setup, nil)
		if !errors.As(err, &e) || e.Hint == "" || strings.Contains(err.Error(), "already") {
			t.Errorf("without %s: got %v, want that it could not be reached, and a hint", name, err)
		}
	}
	setup.Storage = []byte(settings)
	if _, err := Init(dir, setup, nil); err != nil {
		t.Errorf("with all in its place: %v", err)
	}
}
