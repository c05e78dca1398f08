package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"testing"

	"stele/build/storage"
	"stele/build/storage/storagetest"
)

const origin = "test.example/ledger"

func open(t *testing.T, s *storagetest.Servers) *storage.Storage {
	t.Helper()
	settings, err := storage.ParseSettings(s.Settings("reg"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := storage.InCloud(context.Background(), settings, origin, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// TestFiles holds that files are the same thing in a folder, in a bucket and in a table.
func TestFiles(t *testing.T) {
	cloud := open(t, storagetest.Start(t))
	folder := storage.In(t.TempDir(), origin)
	for name, files := range map[string]storage.Files{"folder": folder.Public, "bucket": cloud.Public, "table": cloud.State} {
		t.Run(name, func(t *testing.T) { testFiles(t, files) })
	}
	for name, q := range map[string]storage.Queue{"folder": folder.Queue, "table": cloud.Queue} {
		t.Run("queue/"+name, func(t *testing.T) { testQueue(t, q) })
	}
	for name, st := range map[string]*storage.Storage{"folder": folder, "cloud": cloud} {
		t.Run("lock/"+name, func(t *testing.T) { testLock(t, st) })
	}
}

func testFiles(t *testing.T, files storage.Files) {
	if _, err := files.Read("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			name := fmt.Sprintf("a/%02x/%d", i%7, i)
			if err := files.Put(name, []byte(name)); err != nil {
				t.Error(err)
			}
			if b, err := files.Read(name); err != nil || string(b) != name {
				t.Errorf("%s: %q, %v", name, b, err)
			}
		})
	}
	wg.Wait()
	for _, step := range []error{
		files.Put("a/00/0", []byte("a/00/0")), files.Put("empty", nil),
		files.Replace("b", []byte("one")), files.Replace("b", []byte("two")), files.Replace("c/none", nil), files.Sync(),
		files.Remove("a/01/1"), files.Remove("a/01/1"), files.Remove("a/02/"), files.Remove("never/"),
	} {
		if step != nil {
			t.Error(step)
		}
	}
	if b, err := files.Read("b"); err != nil || string(b) != "two" {
		t.Errorf("replaced: %q, %v", b, err)
	}
	if b, err := files.Read("empty"); err != nil || len(b) != 0 {
		t.Errorf("empty: %q, %v", b, err)
	}
	want := []string{"b", "c/none", "empty"}
	for i := range 300 {
		if i != 1 && i%7 != 2 {
			want = append(want, fmt.Sprintf("a/%02x/%d", i%7, i))
		}
	}
	list := func(below string) []string {
		var got []string
		err := files.List(below, func(name string, size int64) error {
			if b, err := files.Read(name); err != nil || int64(len(b)) != size {
				t.Errorf("%s: %d bytes, listed with %d (%v)", name, len(b), size, err)
			}
			got = append(got, name)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		slices.Sort(got)
		return got
	}
	slices.Sort(want)
	if got := list(""); !slices.Equal(got, want) {
		t.Errorf("got %d files, want %d", len(got), len(want))
	}
	if got := list("a/03/"); len(got) != 43 {
		t.Errorf("%d below a/03/, want 43: %v", len(got), got)
	}
	// What is damaged is put right.
	if err := files.Replace("a/00/7", []byte("damaged")); err != nil {
		t.Error(err)
	}
	if err := errors.Join(files.Put("a/00/7", []byte("a/00/7")), files.Sync()); err != nil {
		t.Error(err)
	}
	if b, err := files.Read("a/00/7"); err != nil || string(b) != "a/00/7" {
		t.Errorf("damaged, put again: %q, %v", b, err)
	}
}

func testQueue(t *testing.T, q storage.Queue) {
	large := bytes.Repeat([]byte{7}, 8000)
	var entries [][]byte
	for range 2000 { // 16 MB: more than one packet
		entries = append(entries, large)
	}
	for _, batch := range [][][]byte{{[]byte("one"), []byte("two")}, nil, entries, {[]byte("three")}} {
		if err := q.Add(batch); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := q.Len(); err != nil || n != 2003 {
		t.Errorf("%d wait, want 2003 (%v)", n, err)
	}
	batches, err := q.Batches(storage.Unknown)
	if err != nil {
		t.Fatal(err)
	}
	want := append(append([][]byte{[]byte("one"), []byte("two")}, entries...), []byte("three"))
	if got := storage.EntriesOf(batches); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("%d entries, want %d in their order", len(got), len(want))
	}
	if err := errors.Join(q.Remove(batches[:1]), q.Remove(batches[:1])); err != nil {
		t.Error(err)
	}
	if n, _ := q.Len(); n != 2001 {
		t.Errorf("%d wait, want 2001", n)
	}
	if err := q.Remove(batches); err != nil {
		t.Error(err)
	}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if err := q.Add([][]byte{fmt.Appendf(nil, "%d", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, err := q.Len(); err != nil || n != 50 {
		t.Errorf("%d of 50 that were added at once (%v)", n, err)
	}
	batches, err = q.Batches(storage.Unknown)
	seen := map[string]bool{}
	for _, e := range storage.EntriesOf(batches) {
		seen[string(e)] = true
	}
	if err != nil || len(seen) != 50 {
		t.Errorf("%d different ones of 50 (%v)", len(seen), err)
	}
}

func testLock(t *testing.T, st *storage.Storage) {
	for _, name := range []string{storage.LockPublish, "register.lock"} {
		l, err := st.TryLock(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.TryLock(name); !errors.Is(err, storage.ErrLocked) {
			t.Errorf("taken twice: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		l, err = st.TryLock(name)
		if err != nil {
			t.Errorf("not free again: %v", err)
		} else {
			l.Close()
		}
	}
}

// TestFence: a publisher whose connection has died while it slept finds every write refused, as soon as another has taken over.
func TestFence(t *testing.T) {
	t.Parallel()
	s := storagetest.Start(t)
	one, two := open(t, s), open(t, s)
	l, err := one.TryLock(storage.LockPublish)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(one.State.Replace("signed", []byte("1")), one.Public.Replace("head", []byte("1"))); err != nil {
		t.Fatal(err)
	}
	s.KillDatabase(t) // and all connections with it
	if err := one.State.Replace("signed", []byte("2")); err != nil {
		t.Errorf("nobody has taken over yet: %v", err)
	}
	other, err := two.TryLock(storage.LockPublish)
	if err != nil {
		t.Fatalf("the lock is not free: %v", err)
	}
	for what, err := range map[string]error{"state": one.State.Replace("signed", []byte("3")), "public": one.Public.Replace("head", []byte("3")),
		"removal": one.State.Remove("signed"), "queue": one.Queue.Remove([]storage.Batch{{Name: "1"}})} {
		if !errors.Is(err, storage.ErrFenced) {
			t.Errorf("%s: %v, want ErrFenced", what, err)
		}
	}
	if err := errors.Join(two.State.Replace("signed", []byte("4")), two.Public.Replace("head", []byte("4"))); err != nil {
		t.Error(err)
	}
	l.Close()
	other.Close()
	if b, err := one.State.Read("signed"); err != nil || string(b) != "4" {
		t.Errorf("signed: %q, %v", b, err)
	}
}

// TestOtherRegistry: a database holds one registry.
func TestOtherRegistry(t *testing.T) {
	t.Parallel()
	s := storagetest.Start(t)
	open(t, s)
	settings, err := storage.ParseSettings(s.Settings("reg"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storage.InCloud(context.Background(), settings, "other.example/ledger", os.Getenv); err == nil {
		t.Error("another registry was opened in the same database")
	}
}
