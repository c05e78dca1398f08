// Package storage is where a registry lies: in a folder, or in an S3-compatible bucket with a MySQL database beside it.
//
//	         in a folder            in the cloud
//	Public   DIR/public/            BUCKET/PREFIX/public/
//	State    DIR/state/             table stele_state
//	Queue    DIR/pending/           table stele_queue
//	Ledger   DIR/ledger/            BUCKET/PREFIX/ledger/ and Tessera's own tables
//	TryLock  flock in DIR/state/    GET_LOCK, for as long as a connection lasts, and a fence in table stele_registry
//
// What is the same everywhere: an immutable file is Put and counts once Sync has returned; a file that changes is
// Replaced, atomically and durably; and the publisher replaces what leads to something only after that is durable.
//
// The fence stands before every change of the state, in one transaction with it: a publisher that has lost its lock unawares
// remembers nothing, and so signs no second history. Before a file of the bucket it is asked only just before: one that
// stalls in the middle of a request can put an older file in place of a newer once. The next publication writes head and checkpoint
// anew; a list of the history would go on without the line that was lost, though not without the checkpoint itself.
package storage

import (
	"errors"
	"fmt"
	"io"

	"stele/build/durable"
	"stele/build/ledger"
)

// A Storage is one registry's.
type Storage struct {
	Public Files
	State  Files
	Queue  Queue
	Ledger *ledger.Log
	// AtOnce is how many files are best read and written at once.
	AtOnce int

	// TryLock takes a lock, or fails at once with ErrLocked. It is released when it is closed or its holder dies.
	TryLock func(name string) (io.Closer, error)
}

// RemoveAtOnce is how many files are best removed at once: what one request to a bucket can delete.
const RemoveAtOnce = 1000

// ErrLocked says that another process holds the lock.
var ErrLocked = durable.ErrLocked

// Files are files by slash-separated names. They are safe for concurrent use. What is not there is an fs.ErrNotExist.
type Files interface {
	// Read returns what was last written, unverified.
	Read(name string) ([]byte, error)
	// Put writes a file that never changes, and reads it back; it is durable after Sync. One that is there already counts
	// only if its bytes are right.
	Put(name string, b []byte) error
	// Replace writes a file whole or not at all; it is durable when Replace returns.
	Replace(name string, b []byte) error
	// Remove removes files, and everything below names that end with a slash. What is gone already does not matter.
	Remove(names ...string) error
	// Sync makes durable what was Put.
	Sync() error
	// List calls f with the name and size of each file below a name that ends with a slash, or of all for "".
	List(below string, f func(name string, size int64) error) error
	// Path says where a file lies, for people.
	Path(name string) string
}

// A Queue keeps signed statements until they are published, in the order in which they came. It is safe for concurrent use,
// also by several processes.
type Queue interface {
	// Add adds a batch. It is durable when Add returns.
	Add(entries [][]byte) error
	// Batches reads all that wait, oldest first. Those that are known already come without their entries. A name is never
	// given twice.
	Batches(known func(name string) bool) ([]Batch, error)
	// Remove forgets batches.
	Remove(batches []Batch) error
	// Len counts the statements that wait, without reading them.
	Len() (int, error)
}

// A Batch is what was added to a queue at once.
type Batch struct {
	Name    string
	Entries [][]byte
}

// EntriesOf are the entries of batches, in order.
func EntriesOf(batches []Batch) [][]byte {
	n := 0
	for _, b := range batches {
		n += len(b.Entries)
	}
	all := make([][]byte, 0, n)
	for _, b := range batches {
		all = append(all, b.Entries...)
	}
	return all
}

// Unknown is for those who want to read all batches.
func Unknown(string) bool { return false }

// A DamagedError says that something of the queue cannot be read any more.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s: damaged batch of pending statements: %v", e.Path, e.Err)
}
func (e *DamagedError) Unwrap() error { return e.Err }

// errReadBack is a disk, or a store, that does not keep what it is given.
var errReadBack = errors.New("what was read back differs from what was written")
