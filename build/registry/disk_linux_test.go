package registry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk publishes on a small file system at many fill levels. The publication before stays whole, and once there
// is room the next run finishes.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	mount := t.TempDir()
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=2m"); err != nil {
		t.Logf("cannot mount a small file system (%v): limiting the size of files instead, as TestFileLimit does", err)
		fileLimits(t)
		return
	}
	t.Cleanup(func() { syscall.Unmount(mount, syscall.MNT_DETACH) })
	failed := 0
	for i, free := range []int{0, 1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64} {
		dir, filler := filepath.Join(mount, fmt.Sprint(i)), filepath.Join(mount, "filler")
		copyOf(t, second, dir)
		leave(t, filler, free)
		_, err := openAt(t, dir, second.now).Publish(context.Background())
		if err != nil {
			failed++
			if !errors.Is(err, syscall.ENOSPC) && !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), dir) {
				t.Errorf("%d pages free: the error does not tell path and cause: %v", free, err)
			}
			if e := new(Error); errors.As(err, &e) {
				t.Errorf("%d pages free: %v: the hint %q does not make room", free, err, e.Hint)
			}
		}
		noTemporaryFiles(t, &Registry{Dir: filepath.Join(dir, "public")})
		whole(t, openAt(t, dir, second.now), second, second.now)
		os.Remove(filler)
		finish(t, second, dir)
		os.RemoveAll(dir)
	}
	t.Logf("%d publications met a full disk", failed)
	if failed < 5 {
		t.Errorf("only %d publications met a full disk", failed)
	}
}

// leave fills a file system but for some pages.
func leave(t *testing.T, filler string, pages int) {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(filler), &s); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filler, make([]byte, (int(s.Bavail)-pages)*int(s.Bsize)), 0o644); err != nil {
		t.Fatal(err)
	}
}
