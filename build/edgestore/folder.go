// Package edgestore holds the stores of an edge that runs natively: a folder, or a bucket of an S3-compatible store.
package edgestore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"stele/build/durable"
	"stele/site/edge/store"
)

// A Folder is a store in a folder. An object's version is the SHA-256 of its bytes: whoever compares by it must never write again what was there before.
type Folder struct {
	dir     string
	mu      sync.Mutex // around conditions, within this process; between processes the lock file
	settled sync.Map   // the folders within it whose names are durable
}

// lockName begins with a dot: no object's name does.
const lockName = ".lock"

// OpenFolder opens the store in a folder, which is made if it is not there.
func OpenFolder(dir string) (*Folder, error) {
	if err := durable.MakeDirs(dir); err != nil {
		return nil, err
	}
	return &Folder{dir: filepath.Clean(dir)}, nil
}

func (f *Folder) path(name string) (string, error) {
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment[0] == '.' || strings.ContainsAny(segment, "\\\x00") {
			return "", &fs.PathError{Op: "name", Path: name, Err: fs.ErrInvalid}
		}
	}
	return filepath.Join(f.dir, filepath.FromSlash(name)), nil
}

func versionOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// Get is store.Store's.
func (f *Folder) Get(_ context.Context, name string) ([]byte, string, error) {
	path, err := f.path(name)
	if err != nil {
		return nil, "", err
	}
	b, err := os.ReadFile(path)
	if info, e := os.Stat(path); err != nil && e == nil && info.IsDir() {
		err = &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, "", err
	}
	return b, versionOf(b), nil
}

// Put is store.Store's.
func (f *Folder) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if when.IsAlways() {
		return f.write(path, b)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	lock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	_, version, err := f.Get(ctx, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	there := err == nil
	want, named := when.Version()
	if named != there || named && version != want {
		return store.ErrChanged
	}
	return f.write(path, b) // also the same bytes: those that are there may be what a process has left that was killed before they were durable
}

func (f *Folder) write(path string, b []byte) error {
	if err := durable.WriteFile(path, b, 0o644); err != nil {
		return err
	}
	return f.settle(filepath.Dir(path))
}

// settle makes the name of a folder durable, and those above it, each once: who has made it may have been killed, or not have come to that yet.
func (f *Folder) settle(dir string) error {
	if _, done := f.settled.Load(dir); done || dir == f.dir {
		return nil
	}
	up := filepath.Dir(dir)
	if err := f.settle(up); err != nil {
		return err
	}
	if err := durable.SyncDir(up); err != nil {
		return err
	}
	f.settled.Store(dir, true)
	return nil
}

// Sync is store.Syncer's. An object's bytes are durable before it has its name; here its name becomes so.
func (f *Folder) Sync(name string) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := durable.SyncDir(dir); err != nil {
		return err
	}
	return f.settle(dir)
}

// lock waits for other processes: none holds it for longer than one write.
func (f *Folder) lock(ctx context.Context) (*durable.Lock, error) {
	for {
		lock, err := durable.TryLock(filepath.Join(f.dir, lockName))
		if !errors.Is(err, durable.ErrLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Delete is store.Store's.
func (f *Folder) Delete(_ context.Context, names ...string) error {
	for _, name := range names {
		path, err := f.path(name)
		if err != nil {
			return err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// List is store.Store's. It walks the folders that can hold such names, in the order of the names.
func (f *Folder) List(_ context.Context, prefix, after string) (objects []store.Object, more bool, err error) {
	root := f.dir
	if i := strings.LastIndex(prefix, "/"); i >= 0 {
		root = filepath.Join(f.dir, filepath.FromSlash(prefix[:i]))
	}
	var names []string
	infos := map[string]fs.FileInfo{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || path == root {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") { // the lock, and what is being written
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(f.dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if !strings.HasPrefix(name, prefix) || name <= after {
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		names, infos[name] = append(names, name), info
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	slices.Sort(names) // a folder's order is not that of the whole names
	more = len(names) > store.MostListed
	for _, name := range names[:min(len(names), store.MostListed)] {
		objects = append(objects, store.Object{Name: name, Size: infos[name].Size(), Time: infos[name].ModTime()})
	}
	return objects, more, nil
}
