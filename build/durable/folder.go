package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Folder is files by slash-separated names. It is safe for concurrent use.
type Folder string

// Path is where a file lies.
func (d Folder) Path(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

// Read returns a file.
func (d Folder) Read(name string) ([]byte, error) { return os.ReadFile(d.Path(name)) }

// Put writes a file that never changes; it is durable after Sync.
func (d Folder) Put(name string, b []byte) error { return WriteOnce(d.Path(name), b) }

// Replace replaces a file atomically and durably.
func (d Folder) Replace(name string, b []byte) error {
	return WriteFile(d.Path(name), b, 0o644)
}

// Sync makes everything in the folder durable.
func (d Folder) Sync() error { return SyncTree(string(d)) }

// Remove removes files, and everything below names that end with a slash. What is gone already does not matter.
func (d Folder) Remove(names ...string) error {
	for _, name := range names {
		if err := d.remove(name); err != nil {
			return err
		}
	}
	return nil
}

func (d Folder) remove(name string) error {
	if strings.HasSuffix(name, "/") {
		return os.RemoveAll(d.Path(name))
	}
	if err := os.Remove(d.Path(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// List calls f with the name and size of each file below a name that ends with a slash, or of all for "". It leaves out
// hidden files: those that are being written.
func (d Folder) List(below string, f func(name string, size int64) error) error {
	return filepath.WalkDir(d.Path(below), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // none at all, or removed meanwhile
		}
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(string(d), path)
		if err != nil {
			return err
		}
		return f(filepath.ToSlash(rel), info.Size())
	})
}
