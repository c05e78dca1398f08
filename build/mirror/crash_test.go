package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"stele/build/follow/followtest"
	"stele/proofs"
)

var errFault = errors.New("this disk is broken")

// A breaker fails at a change on the disk, and at every later one, as a disk does.
type breaker struct {
	m     *Mirror
	mu    sync.Mutex
	n, at int
	put   []string // into incoming, since the last sync
	moved []string // into public, since the last sync
}

func (b *breaker) fault(when, path string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case when == "before":
	case path == b.m.Dir:
		b.put, b.moved = nil, nil
	case strings.HasPrefix(path, string(b.m.incoming)+"/"):
		b.put = append(b.put, path)
	case strings.HasPrefix(path, string(b.m.public)+"/") && !replacedInPlace(path):
		b.moved = append(b.moved, path)
	}
	if b.n++; b.at > 0 && b.n >= b.at {
		return fmt.Errorf("%s: %w", path, errFault)
	}
	return nil
}

// replacedInPlace: what changes is durable when it is replaced.
func replacedInPlace(path string) bool {
	for _, name := range []string{"policy", "ledger/head", "ledger/checkpoint", "ledger/statistics", "ledger/history/list"} {
		if strings.HasSuffix(path, "/"+name) {
			return true
		}
	}
	return false
}

// loseUnsynced does what a power cut may do: files that were put are empty, names that were moved are as before.
func (b *breaker) loseUnsynced(t *testing.T) {
	for _, path := range b.put {
		if err := os.Truncate(path, 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	for _, path := range b.moved {
		must(t, os.RemoveAll(path))
	}
}

// TestCrashes makes each change on the disk fail, before and after it has happened, and be the last thing that the process does, with and without a power cut. The
// copy is whole each time, of the publication before or of the new one, and the next process goes on.
func TestCrashes(t *testing.T) {
	base := first(t)
	after := grown(base)
	for _, begun := range []bool{false, true} {
		prepared := filepath.Join(t.TempDir(), "prepared")
		s := newStand(t, base)
		if begun {
			m := openStand(t, prepared, s, base.Trust)
			m.mustRound(t, Adopted)
			must(t, m.Close())
		} else {
			must(t, os.MkdirAll(prepared, 0o755))
		}
		s.show(after)
		count := crashAt(t, s, prepared, base, after, 0, false)
		if count < 60 {
			t.Fatalf("%d changes on the disk, want more", count)
		}
		for at := 1; at <= count; at++ {
			if at > 6 && at < count-40 && at%7 != 0 {
				continue // one file that is put is as another
			}
			t.Run(fmt.Sprintf("begun %t, change %d", begun, at), func(t *testing.T) {
				t.Parallel()
				crashAt(t, s, prepared, base, after, at, at%2 == 0)
			})
		}
	}
}

func crashAt(t *testing.T, s *stand, prepared string, base, after *followtest.Registry, at int, powerCut bool) (count int) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mirror")
	must(t, os.CopyFS(dir, os.DirFS(prepared)))
	m := openStand(t, dir, s, base.Trust)
	m.Now = after.Clock
	b := &breaker{m: m, at: at}
	m.fault = b.fault
	_, err := m.Round(context.Background())
	if at > 0 && !errors.Is(err, errFault) || at == 0 && err != nil {
		t.Fatalf("change %d: %v", at, err)
	}
	if powerCut {
		b.loseUnsynced(t)
	}
	must(t, m.Close())
	if head := read(t, m, proofs.HeadPath); head != nil {
		if err := auditOf(t, m.Public(), after.Trust, after.Now); err != nil {
			t.Errorf("change %d of %d, power cut %t: the copy is not whole: %v", at, b.n, powerCut, err)
		}
	} else if base.Get(proofs.HeadPath) == nil {
		t.Error("no head")
	}
	m = openStand(t, dir, s, base.Trust)
	m.Now = after.Clock
	if _, err := m.Round(context.Background()); err != nil {
		t.Fatalf("change %d, power cut %t: afterwards: %v", at, powerCut, err)
	}
	wholeCopy(t, m, after)
	if !bytes.Equal(read(t, m, proofs.HeadPath), after.Get(proofs.HeadPath)) {
		t.Errorf("change %d: the copy is not of the new publication", at)
	}
	must(t, m.Close())
	must(t, os.RemoveAll(dir))
	return b.n
}

// TestResumes: what was fetched by a round that was broken off is not fetched again.
func TestResumes(t *testing.T) {
	r := grown(first(t))
	s := newStand(t, r)
	dir := filepath.Join(t.TempDir(), "mirror")
	m := openStand(t, dir, s, r.Trust)
	s.spoil(proofs.StatisticsPath, faults["flipped"](r.Get(proofs.StatisticsPath))) // told by the audit, when all else is there
	_, err := m.Round(context.Background())
	if err == nil {
		t.Fatal("adopted with wrong statistics")
	}
	must(t, m.Close())
	s.spoil("", nil)
	m = openStand(t, dir, s, r.Trust)
	if res := m.mustRound(t, Adopted); res.Files > 4 {
		t.Errorf("%d files were read, want head, checkpoint, history and statistics only", res.Files)
	}
	wholeCopy(t, m, r)
}

// TestFullDisk mirrors onto a small file system at many fill levels: the publication before stays whole, and once there is room the next round goes on.
func TestFullDisk(t *testing.T) {
	mount := t.TempDir()
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(mount, syscall.MNT_DETACH) })
	base := first(t)
	after := grown(base)
	failed := 0
	for i, free := range []int{0, 1, 2, 4, 8, 16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 160, 200} {
		s := newStand(t, base)
		dir, filler := filepath.Join(mount, fmt.Sprint(i)), filepath.Join(mount, "filler")
		m := openStand(t, dir, s, base.Trust)
		m.spare = 0
		m.mustRound(t, Adopted)
		s.show(after)
		m.Now = after.Clock
		leave(t, filler, free)
		_, err := m.Round(context.Background())
		if err != nil {
			failed++
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), dir) || Code(nil, err) != "failed" {
				t.Errorf("%d pages free: the error does not tell path and cause: %v", free, err)
			}
			if err := auditOf(t, m.Public(), base.Trust, after.Now); err != nil {
				t.Errorf("%d pages free: the copy is not whole: %v", free, err)
			}
		}
		must(t, os.Remove(filler))
		if _, err := m.Round(context.Background()); err != nil {
			t.Fatalf("%d pages free: once there is room: %v", free, err)
		}
		wholeCopy(t, m, after)
		must(t, m.Close())
		must(t, os.RemoveAll(dir))
	}
	if failed < 5 {
		t.Errorf("only %d rounds met a full disk", failed)
	}
}

// leave fills a file system but for some pages.
func leave(t *testing.T, filler string, pages int) {
	t.Helper()
	var s syscall.Statfs_t
	must(t, syscall.Statfs(filepath.Dir(filler), &s))
	must(t, os.WriteFile(filler, make([]byte, (int(s.Bavail)-pages)*int(s.Bsize)), 0o644))
}

// TestJudgedAndNotAdopted: a publication that was gone through, and then could not be put in place, is remembered: another of its size is a fork, and a later one is taken.
func TestJudgedAndNotAdopted(t *testing.T) {
	base := first(t)
	left := grown(base)
	same, _ := forkOf(base)
	later := left.Clone()
	later.Register(followtest.Office, 3000, 3300)
	later.Publish()
	s := newStand(t, base)
	dir := filepath.Join(t.TempDir(), "mirror")
	m := openStand(t, dir, s, base.Trust)
	m.mustRound(t, Adopted)
	m.fault = func(when, path string) error {
		if path == m.Dir {
			return errFault
		}
		return nil
	}
	s.show(left)
	m.Now = later.Clock
	if _, err := m.Round(context.Background()); !errors.Is(err, errFault) {
		t.Fatal(err)
	}
	must(t, m.Close())
	m = openStand(t, dir, s, base.Trust)
	m.Now = later.Clock
	s.show(same)
	_, err := m.Round(context.Background())
	if Code(nil, err) != "fork" {
		t.Errorf("another ledger of that size: %v, want a fork", err)
	}
	wholeCopy(t, m, base)
	s.show(later)
	m.mustRound(t, Adopted)
	wholeCopy(t, m, later)
}
