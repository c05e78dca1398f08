package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"stele/build/durable"
	"stele/proofs"
)

// queueHeader begins a file of pending statements: header ‖ entries as in an
// entry bundle ‖ SHA-256 of all before. The sum tells a damaged disk from our own
// mistakes; a crash cannot leave half a file, since it is renamed into place.
const queueHeader = "stele.queue/1\n"

// A queueFile is one durable batch of pending statements.
type queueFile struct {
	path    string
	entries [][]byte
}

// enqueue writes a batch. It is durable when enqueue returns.
func (r *Registry) enqueue(entries [][]byte) error {
	if len(entries) == 0 {
		return nil
	}
	files, err := r.queueNames()
	if err != nil {
		return err
	}
	next := uint64(1)
	if len(files) > 0 {
		last, _ := strconv.ParseUint(strings.TrimSuffix(files[len(files)-1], ".queue"), 10, 64)
		next = last + 1
	}
	return r.write(r.path("pending", fmt.Sprintf("%016d.queue", next)), formatQueue(entries))
}

func formatQueue(entries [][]byte) []byte {
	b := []byte(queueHeader)
	for _, e := range entries {
		b = proofs.AppendBundleEntry(b, e)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func parseQueue(b []byte) ([][]byte, error) {
	n := len(b) - sha256.Size
	if n < len(queueHeader) || !bytes.HasPrefix(b, []byte(queueHeader)) {
		return nil, errors.New("it does not begin with " + strconv.Quote(queueHeader))
	}
	if sha256.Sum256(b[:n]) != [32]byte(b[n:]) {
		return nil, errors.New("its sum is wrong")
	}
	return proofs.ParseEntries(b[len(queueHeader):n])
}

// queueNames lists the batches, oldest first.
func (r *Registry) queueNames() ([]string, error) {
	dir, err := os.ReadDir(r.path("pending"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var names []string
	for _, d := range dir {
		if strings.HasSuffix(d.Name(), ".queue") {
			names = append(names, d.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// pending reads all batches. The caller holds lockPending.
func (r *Registry) pending() ([]queueFile, error) {
	names, err := r.queueNames()
	if err != nil {
		return nil, err
	}
	var files []queueFile
	for _, name := range names {
		f, err := readQueueFile(r.path("pending", name))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func readQueueFile(path string) (queueFile, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return queueFile{}, err
	}
	entries, err := parseQueue(b)
	if err != nil {
		return queueFile{}, hint("restore the file from a backup, or move it away and register its documents again",
			"%s: damaged queue file: %w", path, err)
	}
	return queueFile{path, entries}, nil
}

// entriesOf are the entries of batches, in order.
func entriesOf(files []queueFile) [][]byte {
	var all [][]byte
	for _, f := range files {
		all = append(all, f.entries...)
	}
	return all
}

// dequeue removes batches that have been published.
func (r *Registry) dequeue(files []queueFile) error {
	l, err := r.lock(context.Background(), lockPending)
	if err != nil {
		return err
	}
	defer l.Unlock()
	for _, f := range files {
		if err := r.remove(f.path); err != nil {
			return err
		}
	}
	if len(files) == 0 {
		return nil
	}
	return durable.SyncDir(filepath.Dir(files[0].path))
}

// Pending counts the statements that wait for publication.
func (r *Registry) Pending() (int, error) {
	l, err := r.lock(context.Background(), lockPending)
	if err != nil {
		return 0, err
	}
	defer l.Unlock()
	files, err := r.pending()
	n := 0
	for _, f := range files {
		n += len(f.entries)
	}
	return n, err
}
