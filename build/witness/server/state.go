package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"stele/build/durable"
	"stele/site/edge/store"
	"stele/site/edge/witness"
)

// ErrDamaged says that what a witness has kept is not what it has written.
var ErrDamaged = witness.ErrDamaged

const originsFormat = "stele.witness-origins/1"

// A folder is the home of records in a witness's folder, which is one process's. It is a witness.Records.
type folder struct {
	dir string

	mu      sync.Mutex
	origins map[string]bool // those in the file
	records map[string]*record
}

// A record is what is known of one log. Whoever holds its lock may look and replace.
type record struct {
	sync.Mutex
	read bool   // whether file is what lies on the disk
	file []byte // nil: nothing was ever cosigned
}

// version names what a record holds.
func (rec *record) version() string {
	if rec.file == nil {
		return ""
	}
	h := sha256.Sum256(rec.file)
	return hex.EncodeToString(h[:])
}

func openFolder(dir string) (*folder, error) {
	origins, err := readOrigins(dir)
	if err == nil {
		err = durable.SyncDir(dir) // the list too may be what a process has left that was killed before it was durable
	}
	return &folder{dir: dir, origins: origins, records: map[string]*record{}}, err
}

func (f *folder) statePath(origin string) string {
	return filepath.Join(f.dir, stateFolder, witness.OriginName(origin))
}

// record returns the record of a log. Whether anything is in it is known once it is loaded.
func (f *folder) record(origin string) *record {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.records[origin] == nil {
		f.records[origin] = &record{}
	}
	return f.records[origin]
}

// Load is witness.Records's. What was read or written once is not read again.
func (f *folder) Load(_ context.Context, origin string) ([]byte, string, error) {
	rec := f.record(origin)
	rec.Lock()
	defer rec.Unlock()
	if err := f.load(origin, rec); err != nil {
		return nil, "", err
	}
	return rec.file, rec.version(), nil
}

// load reads a record where it has to. The caller holds it.
func (f *folder) load(origin string, rec *record) error {
	if rec.read {
		return nil
	}
	path := f.statePath(origin)
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && f.seen(origin):
		return fmt.Errorf("%s: %w: it is gone, and checkpoints of this log have been cosigned", path, ErrDamaged)
	case errors.Is(err, fs.ErrNotExist):
		rec.read, rec.file = true, nil
		return nil
	case err != nil:
		return err
	}
	if err := durable.SyncDir(filepath.Dir(path)); err != nil { // who was to do it may have been killed, or have failed
		return err
	}
	rec.read, rec.file = true, b
	return nil
}

// Save is witness.Records's: first the record and then, of a new log, its name in the list, so that a crash in between leaves
// nothing that looks like a loss. Where it fails, what is on the disk may be the one or the other: no cosignature has left,
// both are true, and the next to ask reads it again.
func (f *folder) Save(_ context.Context, origin, version string, b []byte) error {
	rec := f.record(origin)
	rec.Lock()
	defer rec.Unlock()
	if err := f.load(origin, rec); err != nil {
		return err
	}
	if rec.version() != version {
		return store.ErrChanged
	}
	rec.read = false
	if err := durable.WriteFile(f.statePath(origin), b, 0o644); err != nil {
		return err
	}
	if err := f.see(origin); err != nil {
		return err
	}
	rec.read, rec.file = true, b
	return nil
}

func (f *folder) seen(origin string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.origins[origin]
}

// see adds an origin to the list, durably.
func (f *folder) see(origin string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.origins[origin] {
		return nil
	}
	more := maps.Clone(f.origins)
	more[origin] = true
	if err := writeOrigins(f.dir, more); err != nil {
		return err
	}
	f.origins = more
	return nil
}

// Keep is witness.Records's.
func (f *folder) Keep(_ context.Context, origin, kind, name string, b []byte) (string, error) {
	dir := filepath.Join(f.dir, badFolder, witness.OriginName(origin), kind)
	n, err := countFiles(dir)
	if err != nil || n >= witness.MostKept {
		return "", err
	}
	path := filepath.Join(dir, name)
	if err := durable.WriteNew(path, b, 0o644); errors.Is(err, fs.ErrExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	return path, nil
}

func writeOrigins(dir string, origins map[string]bool) error {
	var b []byte
	for _, o := range slices.Sorted(maps.Keys(origins)) {
		b = append(b, o+"\n"...)
	}
	return durable.WriteFile(filepath.Join(dir, originsFile), witness.Checksummed(originsFormat, b), 0o644)
}

func readOrigins(dir string) (map[string]bool, error) {
	path := filepath.Join(dir, originsFile)
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b, err := witness.Unsummed(originsFormat, file)
	if err != nil {
		return nil, failed("make another witness, in another folder and with other keys: this one does not know any more what it has signed", "%s: %w", path, err)
	}
	origins := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		origins[strings.TrimSuffix(line, "\n")] = true
	}
	return origins, nil
}

// countFiles counts what is in a folder, without what is being written.
func countFiles(dir string) (int, error) {
	names, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	n := 0
	for _, e := range names {
		if !strings.HasPrefix(e.Name(), ".") {
			n++
		}
	}
	return n, err
}
