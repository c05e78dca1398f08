package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A NewFile is written bit by bit, and takes its name only once it is whole.
type NewFile struct {
	*os.File
	path string
}

// Create begins a file in the folder where it is to be.
func Create(path string) (*NewFile, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		p.Path = path
	}
	if err != nil {
		return nil, err
	}
	return &NewFile{f, path}, nil
}

// Commit replaces the file of that name atomically and durably.
func (f *NewFile) Commit(perm os.FileMode) error {
	err := errors.Join(f.Sync(), f.Chmod(perm), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	return SyncDir(filepath.Dir(f.path))
}

// Discard leaves everything as it was. After Commit it does nothing.
func (f *NewFile) Discard() {
	if f.Close() == nil {
		os.Remove(f.Name())
	}
}
