package server

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"stele/build/durable"
	"stele/build/witness"
)

// ErrDamaged says that what a witness has kept is not what it has written.
var ErrDamaged = errors.New("damaged")

// A record is what is known of one log. Whoever holds its lock may look and cosign.
type record struct {
	sync.Mutex
	read  bool   // whether state is what lies on the disk
	state *state // nil: nothing was ever cosigned
}

// A state is the last checkpoint of a log that was cosigned.
type state struct {
	time int64  // of its cosignature
	note []byte // with the log's lines and the witness's
	said []byte // the lines that were answered; nil once it was read from the disk
	checkpoint
}

const (
	stateFormat   = "stele.witness-state/1"
	originsFormat = "stele.witness-origins/1"
)

// checksummed puts a format's name and a SHA-256 before some bytes.
func checksummed(format string, b []byte) []byte {
	return append(fmt.Appendf(nil, "%s\nsha256 %x\n", format, sha256.Sum256(b)), b...)
}

// unsummed is the opposite, and refuses what is not exactly so.
func unsummed(format string, file []byte) ([]byte, error) {
	parts := bytes.SplitN(file, []byte("\n"), 3)
	if len(parts) != 3 || !bytes.Equal(checksummed(format, parts[2]), file) {
		return nil, fmt.Errorf("%w: its checksum is not that of what it holds", ErrDamaged)
	}
	return parts[2], nil
}

func (st *state) marshal() []byte {
	return checksummed(stateFormat, append(fmt.Appendf(nil, "time %d\n\n", st.time), st.note...))
}

func parseState(file []byte) (*state, error) {
	b, err := unsummed(stateFormat, file)
	if err != nil {
		return nil, err
	}
	head, note, _ := bytes.Cut(b, []byte("\n\n"))
	st := &state{note: note}
	text, ok := strings.CutPrefix(string(head), "time ")
	st.time, err = strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		return nil, fmt.Errorf("%w: no time", ErrDamaged)
	}
	c, err := parseCheckpoint(note)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	st.checkpoint = *c
	return st, nil
}

func (s *Server) statePath(origin string) string {
	return filepath.Join(s.Dir, stateFolder, strings.TrimSuffix(witness.OriginPath(origin), "/checkpoint"))
}

// record returns the record of a log. Whether anything is in it is known once it is loaded.
func (s *Server) record(origin string) *record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[origin] == nil {
		s.records[origin] = &record{}
	}
	return s.records[origin]
}

// load returns what was cosigned last of a log, nil if nothing ever was. The caller holds the record.
func (s *Server) load(origin string, rec *record) (*state, error) {
	if rec.read {
		return rec.state, nil
	}
	path := s.statePath(origin)
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.seen(origin):
		return nil, fmt.Errorf("%s: %w: it is gone, and checkpoints of this log have been cosigned", path, ErrDamaged)
	case errors.Is(err, fs.ErrNotExist):
		rec.read, rec.state = true, nil
		return nil, nil
	case err != nil:
		return nil, err
	}
	st, err := parseState(b)
	if err == nil && st.Origin != origin {
		err = fmt.Errorf("%w: it is of the log %q", ErrDamaged, st.Origin)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	rec.read, rec.state = true, st
	return st, nil
}

// save makes a state durable: first the record and then, of a new log, its name in the list, so that a crash in between leaves
// nothing that looks like a loss. Where it fails, what is on the disk may be the one or the other: no cosignature has left,
// both are true, and the next to ask reads it again.
func (s *Server) save(rec *record, st *state) error {
	rec.read = false
	if err := durable.WriteFile(s.statePath(st.Origin), st.marshal(), 0o644); err != nil {
		return err
	}
	if err := s.see(st.Origin); err != nil {
		return err
	}
	rec.read, rec.state = true, st
	return nil
}

func (s *Server) seen(origin string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.origins[origin]
}

// see adds an origin to the list, durably.
func (s *Server) see(origin string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.origins[origin] {
		return nil
	}
	more := maps.Clone(s.origins)
	more[origin] = true
	if err := writeOrigins(s.Dir, more); err != nil {
		return err
	}
	s.origins = more
	return nil
}

func writeOrigins(dir string, origins map[string]bool) error {
	var b []byte
	for _, o := range slices.Sorted(maps.Keys(origins)) {
		b = append(b, o+"\n"...)
	}
	return durable.WriteFile(filepath.Join(dir, originsFile), checksummed(originsFormat, b), 0o644)
}

func readOrigins(dir string) (map[string]bool, error) {
	path := filepath.Join(dir, originsFile)
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b, err := unsummed(originsFormat, file)
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
