// Package durable writes files so that they are there after a crash, whole or
// not at all.
package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// WriteFile replaces a file atomically and durably: temporary file, fsync,
// rename, fsync of the folder. Folders are made as needed.
func WriteFile(path string, b []byte, perm os.FileMode) error {
	if err := replace(path, b, perm, true); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// Replace replaces a file atomically. It is durable only after SyncTree.
func Replace(path string, b []byte, perm os.FileMode) error { return replace(path, b, perm, false) }

// WriteNew makes a file that is not there yet, atomically and durably; else it fails with fs.ErrExist.
func WriteNew(path string, b []byte, perm os.FileMode) error {
	link := func(tmp, path string) error {
		defer os.Remove(tmp)
		return os.Link(tmp, path)
	}
	if err := place(path, b, perm, true, link); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

func replace(path string, b []byte, perm os.FileMode, sync bool) error {
	return place(path, b, perm, sync, os.Rename)
}

// place writes a temporary file and has it put into its place.
func place(path string, b []byte, perm os.FileMode, sync bool, put func(tmp, path string) error) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".new-*")
	if errors.Is(err, os.ErrNotExist) {
		if err := makeDirs(dir, sync); err != nil {
			return err
		}
		tmp, err = os.CreateTemp(dir, ".new-*")
	}
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err == nil && sync {
		err = tmp.Sync()
	}
	err = errors.Join(err, tmp.Chmod(perm), tmp.Close())
	if err == nil {
		err = put(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// MakeDirs makes a folder and those above it that are missing, durably, for everybody to read whatever the umask is: a web
// server is another user. The name of one that is there already may not be durable: what has made it may have been killed.
func MakeDirs(dir string) error { return makeDirs(dir, true) }

// MakeDirsUnsynced is MakeDirs without a sync for each. They are durable only after SyncTree.
func MakeDirsUnsynced(dir string) error { return makeDirs(dir, false) }

func makeDirs(dir string, sync bool) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	up := filepath.Dir(dir)
	if up != dir {
		if err := makeDirs(up, sync); err != nil {
			return err
		}
	}
	switch err := os.Mkdir(dir, 0o755); {
	case err == nil:
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	case !errors.Is(err, os.ErrExist):
		return err
	default: // another was faster, and may not have come to what follows
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: unix.ENOTDIR}
		}
	}
	if !sync {
		return nil
	}
	return SyncDir(up)
}

// Holds reports whether a file has these bytes.
func Holds(path string, b []byte) bool {
	have, err := os.ReadFile(path)
	return err == nil && bytes.Equal(have, b)
}

// WriteOnce writes a file that never changes. One that is there already counts
// only if its bytes are right: after a crash a rightly named file may be empty.
// The file is read back and compared.
func WriteOnce(path string, b []byte) error {
	if Holds(path, b) {
		return nil
	}
	if err := Replace(path, b, 0o644); err != nil {
		return err
	}
	have, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, b) {
		return fmt.Errorf("write %s: what was read back differs from what was written", path)
	}
	return nil
}

// SyncDir makes the names in a folder durable.
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := fsync(f); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}

var fsync = (*os.File).Sync // tests look on

// A Lock is held on a file by one process.
type Lock struct{ f *os.File }

// ErrLocked says that another process holds the lock.
var ErrLocked = errors.New("another process is at work")

// TryLock takes a lock, or fails at once with ErrLocked. A process that dies loses its locks.
func TryLock(path string) (*Lock, error) {
	if err := MakeDirs(filepath.Dir(path)); err != nil {
		return nil, err
	}
	// Whoever can read a file can lock it, and keep its owner waiting.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.Mode().Perm() != 0o600 {
		f.Chmod(0o600)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", path, ErrLocked)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Lock{f}, nil
}

// Close releases the lock: by itself, before the file is closed, because a program that is being started at this very moment has the file
// open too until it runs, and would hold the lock as long.
func (l *Lock) Close() error {
	err := unix.Flock(int(l.f.Fd()), unix.LOCK_UN)
	return errors.Join(err, l.f.Close())
}
