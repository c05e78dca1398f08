package mirror

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"

	"stele/build/durable"
	"stele/proofs"
)

const checkpointPath = "ledger/checkpoint"

// What a mirror remembers, below DIR/state.
const (
	stateAdopted    = "adopted"    // see memory
	stateCosigned   = "cosigned"   // the last checkpoint that bears the mirror's signature
	stateSuperseded = "superseded" // files to which the head leads no more, and since when
)

// A memory is what a publication's files that change are to be. It is kept as state/adopted before the first of them is replaced: what a
// mirror has adopted is remembered even where its public folder is lost or damaged, and a broken-off adoption is finished at the next start.
//
//	"stele.mirror/1\n" ‖ opaque32 policy ‖ opaque32 history list ‖ opaque32 statistics ‖ opaque32 head ‖ SHA-256 of all before
type memory struct{ policy, list, statistics, head []byte }

const memoryHeader = "stele.mirror/1\n"

func (s *memory) marshal() []byte {
	b := []byte(memoryHeader)
	for _, part := range [][]byte{s.policy, s.list, s.statistics, s.head} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

var errMemory = errors.New("damaged: its sum is wrong")

func parseMemory(b []byte) (*memory, error) {
	n := len(b) - sha256.Size
	if n < len(memoryHeader) || !bytes.HasPrefix(b, []byte(memoryHeader)) || sha256.Sum256(b[:n]) != [sha256.Size]byte(b[n:]) {
		return nil, errMemory
	}
	s, rest := &memory{}, b[len(memoryHeader):n]
	for _, part := range []*[]byte{&s.policy, &s.list, &s.statistics, &s.head} {
		if len(rest) < 4 || uint64(len(rest)-4) < uint64(binary.BigEndian.Uint32(rest)) {
			return nil, errMemory
		}
		end := 4 + int(binary.BigEndian.Uint32(rest))
		*part, rest = rest[4:end], rest[end:]
	}
	if len(rest) > 0 {
		return nil, errMemory
	}
	return s, nil
}

// adopted is the publication that the copy is of.
type adopted struct {
	memory
	x     *proofs.VerifiedIndex
	lines []proofs.HistoryLine
}

// load reads what is remembered, and puts right the files that change. Without a memory, a public folder is begun from only if there is no
// head in it, or one that verifies: a mirror that has forgotten could be made to adopt another ledger.
func (m *Mirror) load() error {
	b, err := m.state.Read(stateAdopted)
	var s *memory
	if err == nil {
		s, err = parseMemory(b)
	}
	if absent(err) || errors.Is(err, errMemory) {
		if s, err = m.fromPublic(err); s == nil || err != nil {
			return err
		}
		err = m.replace(m.state, stateAdopted, s.marshal())
	}
	if err != nil {
		return err
	}
	if m.adopted, err = m.understand(s); err != nil {
		return fmt.Errorf("%s: %w", m.state.Path(stateAdopted), err)
	}
	return m.replaceAll(s)
}

// fromPublic makes the memory again out of the public folder.
func (m *Mirror) fromPublic(why error) (*memory, error) {
	s := &memory{}
	for path, part := range map[string]*[]byte{"policy": &s.policy, proofs.HistoryPath: &s.list, proofs.StatisticsPath: &s.statistics, proofs.HeadPath: &s.head} {
		b, err := m.public.Read(path)
		switch {
		case absent(err) && absent(why) && path == proofs.HeadPath:
			return nil, nil // nothing was ever adopted
		case err != nil && !absent(err):
			return nil, err
		}
		*part = b
	}
	if _, err := m.understand(s); err != nil {
		return nil, &Error{fmt.Errorf("%s: %w; and what is served cannot stand in for it: %v", m.state.Path(stateAdopted), why, err),
			"restore it from a backup; or, if nobody relies on what this mirror has seen before, move " + m.Dir + " away and mirror anew"}
	}
	return s, nil
}

// understand verifies a memory. Whatever its time, it was adopted already.
func (m *Mirror) understand(s *memory) (*adopted, error) {
	head, err := proofs.ParseHead(s.head)
	if err != nil {
		return nil, err
	}
	a := &adopted{memory: *s}
	if a.x, _, err = m.verifyHead(head, proofs.AnyTime); err != nil {
		return nil, err
	}
	a.lines, err = proofs.ParseHistory(s.list)
	return a, err
}

// byEpoch judges what rests on a checkpoint by the newest trust file, or, where it is of an earlier epoch, by the one that ended there: keys that were
// retired, or stolen since, say nothing of what came after.
func (m *Mirror) byEpoch(c proofs.Checkpoint, judge func(t *proofs.Trust) error) error {
	err, t := judge(m.Trust), m.Trust
	for _, before := range m.earlier {
		if err == nil || c.Size > t.FinalSize || c.Size == t.FinalSize && c.Root != t.FinalRoot {
			break
		}
		if judge(before) == nil {
			return nil
		}
		t = before
	}
	return err
}

// verifyHead verifies a head by the trust file of its epoch.
func (m *Mirror) verifyHead(h *proofs.Head, now int64) (x *proofs.VerifiedIndex, tile *proofs.MapTile, err error) {
	c, _, err := proofs.ParseCheckpoint(h.Proof.Checkpoint)
	if err == nil {
		err = m.byEpoch(c, func(t *proofs.Trust) (err error) { x, tile, err = h.Verify(t, now); return err })
	}
	return x, tile, err
}

// verifyCheckpoint verifies a checkpoint by the trust file of its epoch, whatever its time: it was published.
func (m *Mirror) verifyCheckpoint(note []byte) (s *proofs.Signed, err error) {
	c, _, err := proofs.ParseCheckpoint(note)
	if err == nil {
		err = m.byEpoch(c, func(t *proofs.Trust) (err error) { s, err = t.VerifyCheckpoint(note, proofs.AnyTime); return err })
	}
	return s, err
}

// replaceAll replaces the files that change, in the order of publication: those that are right already stay. The first time, the head is the last: where there
// is one, all is there.
func (m *Mirror) replaceAll(s *memory) error {
	head, err := proofs.ParseHead(s.head)
	if err != nil {
		return err
	}
	type file struct {
		path    string
		content []byte
	}
	files := []file{{"policy", s.policy}, {proofs.HistoryPath, s.list}, {proofs.StatisticsPath, s.statistics},
		{proofs.HeadPath, s.head}, {checkpointPath, head.Proof.Checkpoint}}
	if _, err := m.public.Read(proofs.HeadPath); absent(err) {
		files[3], files[4] = files[4], files[3]
	}
	for _, f := range files {
		if durable.Holds(m.public.Path(f.path), f.content) {
			continue
		}
		if err := m.replace(m.public, f.path, f.content); err != nil {
			return err
		}
	}
	return nil
}

// step is one change on the disk, which tests can make fail before or after it has happened.
func (m *Mirror) step(path string, do func() error) error {
	if err := m.fault("before", path); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return m.fault("after", path)
}

func (m *Mirror) replace(in durable.Folder, name string, b []byte) error {
	return m.step(in.Path(name), func() error { return in.Replace(name, b) })
}

// An Error is for whoever runs the mirror: what is wrong, and what to do next.
type Error struct {
	Err  error
	Hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// freeBytes is how many bytes the disk has room for, for whoever is not root.
func freeBytes(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, &fs.PathError{Op: "statfs", Path: filepath.Clean(dir), Err: err}
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}

// put keeps a fetched file where nothing leads to it, unless the disk is nearly full.
func (m *Mirror) put(path string, b []byte) error {
	free, err := m.freeBytes()
	if err != nil {
		return err
	}
	if free < m.spare+uint64(len(b)) {
		return fmt.Errorf("%s: %d bytes are free, and %d of them are kept so: %w", m.incoming.Path(path), free, m.spare, unix.ENOSPC)
	}
	return m.step(m.incoming.Path(path), func() error { return m.incoming.Put(path, b) })
}
