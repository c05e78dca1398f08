package storage

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"stele/build/durable"
	"stele/build/ledger"
	"stele/proofs"
)

// In is the storage of a registry that lies in a folder.
func In(dir, origin string) *Storage {
	return &Storage{
		AtOnce:  runtime.GOMAXPROCS(0),
		Public:  durable.Folder(filepath.Join(dir, "public")),
		State:   durable.Folder(filepath.Join(dir, "state")),
		Queue:   FolderQueue(filepath.Join(dir, "pending")),
		Ledger:  ledger.At(filepath.Join(dir, "ledger"), origin),
		TryLock: func(name string) (io.Closer, error) { return durable.TryLock(filepath.Join(dir, "state", name)) },
	}
}

// queueHeader begins a file of pending statements: header ‖ entries as in an
// entry bundle ‖ SHA-256 of all before. The sum tells a damaged disk from our own
// mistakes; a crash cannot leave half a file, since it is linked into place.
const queueHeader = "stele.queue/1\n"

// FolderQueue is a Queue in a folder: files named NUMBER-COUNT-RANDOM.queue, in the order of their numbers. The numbers begin
// again where the folder was empty; the names do not come again.
type FolderQueue string

func (q FolderQueue) path(name string) string { return filepath.Join(string(q), name) }

// Add writes the next file. Of two that are added at the same moment either may be the first.
func (q FolderQueue) Add(entries [][]byte) error {
	if len(entries) == 0 {
		return nil
	}
	b := FormatBatch(entries)
	for {
		names, err := q.names()
		if err != nil {
			return err
		}
		next := uint64(1)
		if len(names) > 0 {
			last, _ := parseQueueName(names[len(names)-1])
			next = last + 1
		}
		err = durable.WriteNew(q.path(fmt.Sprintf("%016d-%d-%016x%s", next, len(entries), rand.Uint64(), queueSuffix)), b, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
}

const queueSuffix = ".queue"

// parseQueueName takes a name apart. The count is 0 where it is not said: older versions named their files by the number alone.
func parseQueueName(name string) (number uint64, count int) {
	parts := strings.Split(strings.TrimSuffix(name, queueSuffix), "-")
	number, _ = strconv.ParseUint(parts[0], 10, 64)
	if len(parts) > 1 {
		count, _ = strconv.Atoi(parts[1])
	}
	return number, count
}

// names lists the files, oldest first.
func (q FolderQueue) names() ([]string, error) {
	dir, err := os.ReadDir(string(q))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var names []string
	for _, d := range dir {
		if strings.HasSuffix(d.Name(), queueSuffix) && !strings.HasPrefix(d.Name(), ".") {
			names = append(names, d.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Batches reads all files that are not known. One that has been published meanwhile is passed over.
func (q FolderQueue) Batches(known func(name string) bool) ([]Batch, error) {
	names, err := q.names()
	if err != nil {
		return nil, err
	}
	var all []Batch
	for _, name := range names {
		if known(name) {
			all = append(all, Batch{Name: name})
			continue
		}
		b, err := os.ReadFile(q.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		entries, err := ParseBatch(b)
		if err != nil {
			return nil, &DamagedError{q.path(name), err}
		}
		all = append(all, Batch{name, entries})
	}
	return all, nil
}

// Remove removes files, durably.
func (q FolderQueue) Remove(batches []Batch) error {
	for _, b := range batches {
		if err := os.Remove(q.path(b.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(batches) == 0 {
		return nil
	}
	return durable.SyncDir(string(q))
}

// Len counts by the files' names.
func (q FolderQueue) Len() (int, error) {
	names, err := q.names()
	if err != nil {
		return 0, err
	}
	total := 0
	for _, name := range names {
		_, n := parseQueueName(name)
		if n == 0 {
			b, err := os.ReadFile(q.path(name))
			if err == nil {
				entries, _ := ParseBatch(b)
				n = len(entries)
			}
		}
		total += n
	}
	return total, nil
}

// FormatBatch formats a file of the queue.
func FormatBatch(entries [][]byte) []byte {
	n := len(queueHeader) + sha256.Size
	for _, e := range entries {
		n += 2 + len(e)
	}
	b := append(make([]byte, 0, n), queueHeader...)
	for _, e := range entries {
		b = proofs.AppendBundleEntry(b, e)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// ParseBatch parses a file of the queue. The entries share its memory.
func ParseBatch(b []byte) ([][]byte, error) {
	n := len(b) - sha256.Size
	if n < len(queueHeader) || !bytes.HasPrefix(b, []byte(queueHeader)) {
		return nil, errors.New("it does not begin with " + strconv.Quote(queueHeader))
	}
	if sha256.Sum256(b[:n]) != [32]byte(b[n:]) {
		return nil, errors.New("its sum is wrong")
	}
	return proofs.ParseEntries(b[len(queueHeader):n])
}
