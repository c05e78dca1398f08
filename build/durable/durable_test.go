package durable

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func names(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "file")
	for _, want := range []string{"one", "", "three"} {
		if err := WriteFile(path, []byte(want), 0o640); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v (%v), want 0640", info.Mode(), err)
	}
	if got := names(t, filepath.Dir(path)); got != "file" {
		t.Errorf("left behind: %s", got)
	}
}

// TestWriteFails: the file before stays, nothing is left behind, and the error tells the path.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.MkdirAll(filepath.Join(path, "inside"), 0o755); err != nil { // a folder that has something in it
		t.Fatal(err)
	}
	for _, err := range []error{WriteFile(path, []byte("two"), 0o644), WriteOnce(path, []byte("two"))} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want an error that names %s", err, path)
		}
	}
	if got := names(t, dir); got != "file" {
		t.Errorf("left behind: %s", got)
	}
	under := filepath.Join(dir, "plain", "file")
	if err := os.WriteFile(filepath.Dir(under), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(under, nil, 0o644); err == nil || !strings.Contains(err.Error(), filepath.Dir(under)) {
		t.Errorf("got %v, want an error that names %s", err, filepath.Dir(under))
	}
}

// TestWriteOnce: a file that is there counts only if its bytes are right.
func TestWriteOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, before := range []string{"", "right", "wrong", "righ", "rightly"} {
		if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
			t.Fatal(err)
		}
		was, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteOnce(path, []byte("right")); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != "right" {
			t.Errorf("after %q: got %q, want %q", before, got, "right")
		}
		is, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if same := os.SameFile(was, is); same != (before == "right") {
			t.Errorf("after %q: written again is %t", before, !same)
		}
	}
}

// TestReaders: a reader sees one content or the other, never a mixture.
func TestReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	one, two := strings.Repeat("1", 1<<16), strings.Repeat("2", 1<<16)
	if err := Replace(path, []byte(one), 0o644); err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if b, err := os.ReadFile(path); err != nil || string(b) != one && string(b) != two {
					t.Errorf("read %d bytes (%v) that nobody wrote", len(b), err)
					return
				}
			}
		}
	})
	for range 200 {
		for _, s := range []string{two, one} {
			if err := Replace(path, []byte(s), 0o644); err != nil {
				t.Error(err)
			}
		}
	}
	close(done)
	wg.Wait()
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "lock")
	l, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryLock(path); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want %v with the path", err, ErrLocked)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if _, err := TryLock(filepath.Join(path, "below")); err == nil || errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want another error", err)
	}
}

func TestSync(t *testing.T) {
	dir := t.TempDir()
	nowhere := filepath.Join(dir, "nowhere")
	for name, sync := range map[string]func(string) error{"SyncDir": SyncDir, "SyncTree": SyncTree} {
		if err := sync(dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := sync(nowhere); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), nowhere) {
			t.Errorf("%s: got %v, want an error that names %s", name, err, nowhere)
		}
	}
}

// TestMakeDirs: a web server is another user, whatever the umask of whoever publishes.
func TestMakeDirs(t *testing.T) {
	top := t.TempDir()
	old := syscall.Umask(0o077)
	err := Replace(filepath.Join(top, "a", "b", "c", "file"), []byte("x"), 0o644)
	syscall.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "a/b", "a/b/c"} {
		info, err := os.Stat(filepath.Join(top, name))
		if err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: mode %v, want 0755 (%v)", name, info.Mode(), err)
		}
	}
	if info, err := os.Stat(filepath.Join(top, "a/b/c/file")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("file: %v", err)
	}
	if err := MakeDirs(filepath.Join(top, "a/b/c/file")); err == nil {
		t.Error("a file was taken for a folder")
	}
	if err := MakeDirs(filepath.Join(top, "a/b/c/file/d")); err == nil {
		t.Error("a folder in a file")
	}
}

// TestMakeDirsDurable: the names of folders that are made are synced, each in the folder above, before a file in them counts as durable.
func TestMakeDirsDurable(t *testing.T) {
	top := t.TempDir()
	var synced []string
	fsync = func(f *os.File) error {
		rel, err := filepath.Rel(top, f.Name())
		if err != nil {
			t.Error(err)
		}
		synced = append(synced, rel)
		return f.Sync()
	}
	t.Cleanup(func() { fsync = (*os.File).Sync })
	for _, c := range []struct {
		what string
		do   func(path string) error
		want string
	}{
		{"a/b/file", func(path string) error { return WriteFile(path, []byte("x"), 0o644) }, ". a a/b"},
		{"a/b/file", func(path string) error { return WriteFile(path, []byte("y"), 0o644) }, "a/b"},
		{"c/new", func(path string) error { return WriteNew(path, []byte("x"), 0o644) }, ". c"},
		{"d/e", MakeDirs, ". d"},
		{"f/file", func(path string) error { return Replace(path, []byte("x"), 0o644) }, ""}, // thousands of files, and one SyncTree
		{"g/h", MakeDirsUnsynced, ""},
	} {
		synced = nil
		if err := c.do(filepath.Join(top, c.what)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(synced, " "); got != c.want {
			t.Errorf("%s: synced %q, want %q", c.what, got, c.want)
		}
	}
	fsync = func(*os.File) error { return syscall.EIO }
	if err := MakeDirs(filepath.Join(top, "i", "j")); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), top) {
		t.Errorf("got %v, want an error that names %s", err, top)
	}
}

// TestNewFile: a file that is being written has no name until it is whole, and one that was given up leaves nothing.
func TestNewFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report")
	write := func(text string) *NewFile {
		f, err := Create(path)
		if err == nil {
			_, err = f.WriteString(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	write("given up").Discard()
	f := write("whole")
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it has its name before it is whole (%v)", err)
	}
	if err := f.Commit(0o640); err != nil {
		t.Fatal(err)
	}
	f.Discard()
	write("given up").Discard()
	b, err := os.ReadFile(path)
	info, err2 := os.Stat(path)
	if err != nil || err2 != nil || string(b) != "whole" || info.Mode().Perm() != 0o640 {
		t.Errorf("got %q and %v (%v)", b, info, errors.Join(err, err2))
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("left behind: %v (%v)", names, err)
	}
	if _, err := Create(filepath.Join(dir, "no", "report")); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "no/report") {
		t.Errorf("got %v, want one that names the file", err)
	}
}

// TestLockIsReleased: a copy of the file in another process, such as one that is just being started, does not hold the lock any longer.
func TestLockIsReleased(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	held, err := syscall.Dup(int(l.f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(held)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
