// Package ledger is the append-only log: Tessera, over a private folder (its POSIX driver) or over a private part of a
// bucket with a database (its AWS driver), and what is copied out of it. We write no log engine; this package adds that
//
//   - what is there is compared with the last signed checkpoint before Tessera opens
//     it, since a rolled-back Tessera would overwrite full bundles;
//   - an append has happened only once Tessera has integrated it;
//   - Tessera's own checkpoint, signed with a key that nobody knows, is never published.
//
// A Log is used by one process at a time: the caller holds the registry's lock.
package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"

	"stele/build/durable"
	"stele/proofs"
)

const (
	// maxEntry is an entry's greatest length in bytes: c2sp.org/tlog-tiles, "uint16 length".
	maxEntry = 1<<16 - 1
	// batchAge is how long Tessera waits for a batch to be full, which ours are at once.
	batchAge = time.Minute
	// checkpointInterval is how often Tessera looks whether to write a checkpoint, which nobody reads.
	checkpointInterval = time.Minute
	// patience is how long entries that have a place may take to be in the tree.
	patience = 5 * time.Minute
)

// A Log is a ledger in a private place.
type Log struct {
	origin string
	files  Files // Tessera's
	driver func(ctx context.Context) (tessera.Driver, error)

	maxBatch int // entries that are integrated at once, in memory
	maxBytes int // bytes of them; 0 for any
}

// Files are what the log reads of what Tessera writes: storage.Files without what writes.
type Files interface {
	Read(name string) ([]byte, error)
	Remove(names ...string) error
	List(below string, f func(name string, size int64) error) error
	Path(name string) string
}

// At names a log in a folder. Nothing is opened yet.
func At(dir, origin string) *Log {
	return &Log{origin: origin, files: durable.Folder(dir), maxBatch: 1 << 16,
		driver: func(ctx context.Context) (tessera.Driver, error) { return posix.New(ctx, posix.Config{Path: dir}) }}
}

// where is the log's place, for people.
func (l *Log) where() string { return l.files.Path("") }

// read reads a tile. A partial one that is not there is cut from a wider one.
func (l *Log) read(t proofs.Tile) ([]byte, error) {
	b, err := l.files.Read(t.Path())
	if !errors.Is(err, os.ErrNotExist) || t.Width == proofs.TileWidth {
		return b, err
	}
	wider := t
	wider.Width = proofs.TileWidth
	if b, errFull := l.files.Read(wider.Path()); errFull == nil {
		return cut(t, b, wider.Width)
	}
	l.files.List(wider.Path()+".p/", func(name string, _ int64) error {
		if other, err := proofs.ParseTilePath(name); err == nil && other.Width > t.Width {
			wider = other
		}
		return nil
	})
	if wider.Width == proofs.TileWidth {
		return nil, err
	}
	if b, err = l.files.Read(wider.Path()); err != nil {
		return nil, err
	}
	return cut(t, b, wider.Width)
}

// cut makes a partial tile of a wider one.
func cut(t proofs.Tile, wider []byte, width int) ([]byte, error) {
	if !t.Entries {
		if len(wider) != width*len(proofs.Hash{}) {
			return nil, fmt.Errorf("tile %s: %d bytes of a wider one, want %d", t.Path(), len(wider), width*len(proofs.Hash{}))
		}
		return wider[:t.Width*len(proofs.Hash{})], nil
	}
	entries, err := proofs.ParseBundle(wider, width)
	if err != nil {
		return nil, err
	}
	var b []byte
	for _, e := range entries[:t.Width] {
		b = proofs.AppendBundleEntry(b, e)
	}
	return b, nil
}

// Nodes reads the tree of a size from the log's tiles.
func (l *Log) Nodes(size uint64) proofs.Nodes { return proofs.TileNodes(size, l.read) }

// Root computes the root of a size from the log's tiles.
func (l *Log) Root(size uint64) (proofs.Hash, error) { return l.Nodes(size).Root(size) }

// Own fails if what Tessera keeps for itself in a folder is missing: it would begin from nothing, and write over what is
// there. Over a bucket it never overwrites.
func (l *Log) Own() error {
	if dir, ok := l.files.(durable.Folder); ok {
		if _, err := os.Stat(dir.Path(".state/treeState")); err != nil {
			return fmt.Errorf("ledger %s: what the log keeps for itself is missing; copies that were made with * leave it out: %w", l.where(), err)
		}
	}
	return nil
}

// Compare fails if the folder does not hold the tree of a signed checkpoint: a
// restored snapshot, a second publisher, a damaged disk.
func (l *Log) Compare(c proofs.Checkpoint) error {
	root, err := l.Root(c.Size)
	if err != nil {
		return fmt.Errorf("ledger %s: does not hold the %d entries that were signed: %w", l.where(), c.Size, err)
	}
	if root != c.Root {
		return fmt.Errorf("ledger %s: root of the first %d entries is %s, but %s was signed", l.where(), c.Size, root, c.Root)
	}
	return nil
}

// Entries calls f with the entries from one place up to another, in order, in runs of at most 256. They are compared
// with their leaf hashes.
func (l *Log) Entries(from, to uint64, f func(first uint64, entries [][]byte) error) error {
	return ReadEntries(from, to, func(t proofs.Tile) ([]byte, error) {
		b, err := l.read(t)
		if err == nil {
			err = l.checkBundle(t, b)
		}
		return b, err
	}, f)
}

// ReadEntries is Log.Entries over any tlog-tiles.
func ReadEntries(from, to uint64, read func(proofs.Tile) ([]byte, error), f func(first uint64, entries [][]byte) error) error {
	for from < to {
		index := from / proofs.TileWidth
		width := min(to-index*proofs.TileWidth, proofs.TileWidth)
		b, err := read(proofs.Tile{Entries: true, Index: index, Width: int(width)})
		if err != nil {
			return err
		}
		entries, err := proofs.ParseBundle(b, int(width))
		if err != nil {
			return fmt.Errorf("bundle %d: %w", index, err)
		}
		if err := f(from, entries[from%proofs.TileWidth:]); err != nil {
			return err
		}
		from = index*proofs.TileWidth + width
	}
	return nil
}

// An Appender appends to the log.
type Appender struct {
	log  *Log
	size uint64
}

// Open finds out how large the log is, and makes an empty one if there is none.
func (l *Log) Open(ctx context.Context) (*Appender, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_, reader, err := l.open(ctx, 1)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", l.where(), err)
	}
	size, err := reader.IntegratedSize(ctx)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", l.where(), err)
	}
	return &Appender{l, size}, nil
}

// open starts Tessera, which integrates as soon as a batch is full.
func (l *Log) open(ctx context.Context, batch int) (*tessera.Appender, tessera.LogReader, error) {
	quiet()
	driver, err := l.driver(ctx)
	if err != nil {
		return nil, nil, err
	}
	secret, _, err := note.GenerateKey(rand.Reader, l.origin)
	if err != nil {
		return nil, nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, nil, err
	}
	opts := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(uint(batch), batchAge).
		WithCheckpointInterval(checkpointInterval).WithGarbageCollectionInterval(0)
	appender, _, reader, err := tessera.NewAppender(ctx, driver, opts)
	return appender, reader, err
}

// quiet keeps Tessera's log lines off the terminal; what fails is returned as an error.
var quiet = sync.OnceFunc(func() {
	fs := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(fs)
	fs.Set("logtostderr", "false")
	fs.Set("alsologtostderr", "false")
	fs.Set("stderrthreshold", "FATAL")
	klog.SetOutput(discard{})
})

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// Size is the number of entries.
func (a *Appender) Size() uint64 { return a.size }

// Append adds entries in order and returns once they are integrated and durable. Up to maxBatch of them are there
// whole or not at all.
func (a *Appender) Append(ctx context.Context, entries [][]byte) error {
	for len(entries) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := a.log.batchOf(entries)
		if err == nil {
			err = a.append(entries[:n])
		}
		if err != nil {
			return fmt.Errorf("append to ledger %s: %w", a.log.where(), err)
		}
		entries = entries[n:]
	}
	return nil
}

// batchOf is how many entries go into the next batch.
func (l *Log) batchOf(entries [][]byte) (int, error) {
	size := 0
	for n, e := range entries {
		size += len(e)
		switch {
		case len(e) > maxEntry:
			return 0, fmt.Errorf("entry %d of what is appended: %d bytes, want at most %d", n, len(e), maxEntry)
		case n == l.maxBatch, l.maxBytes > 0 && size > l.maxBytes && n > 0:
			return n, nil
		}
	}
	return len(entries), nil
}

// append makes the entries one batch of Tessera's: of two batches in its hands, the second could be integrated after
// the first has failed. What is begun is waited for, since a future of Tessera's never resolves once its context has ended.
func (a *Appender) append(entries [][]byte) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	t, reader, err := a.log.open(ctx, len(entries))
	if err != nil {
		return err
	}
	size, err := reader.IntegratedSize(ctx)
	if err != nil {
		return err
	}
	if size != a.size {
		return fmt.Errorf("%d entries, want %d: something else is appending", size, a.size)
	}
	futures := make([]tessera.IndexFuture, len(entries))
	for i, e := range entries {
		futures[i] = t.Add(ctx, tessera.NewEntry(e))
	}
	for _, f := range futures {
		index, err := f()
		if err != nil {
			return fmt.Errorf("entry %d: %w", a.size, err)
		}
		if index.Index != a.size {
			return fmt.Errorf("entry got place %d, want %d: something else is appending", index.Index, a.size)
		}
		a.size++
	}
	return a.integrated(ctx, reader)
}

// integrated waits until everything that has got a place is in the tree: over a bucket, that comes after.
func (a *Appender) integrated(ctx context.Context, reader tessera.LogReader) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		size, err := reader.IntegratedSize(ctx)
		if err != nil || size >= a.size {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d entries are in the tree after %s, want %d", size, patience, a.size)
		case <-tick.C:
		}
	}
}

// Check reads everything that the tree of a checkpoint has and one of oldSize has not, and compares the entries with
// their leaf hashes, and those with the root: a disk can change what Tessera has hashed.
func (l *Log) Check(oldSize uint64, c proofs.Checkpoint) error {
	return l.checked(oldSize, c, func(proofs.Tile, []byte) error { return nil })
}

// Publish does what Check does, and hands each tile and bundle over to be published.
func (l *Log) Publish(oldSize uint64, c proofs.Checkpoint, put func(t proofs.Tile, b []byte) error) error {
	return l.checked(oldSize, c, put)
}

// Tidy removes partial tiles that Tessera needs no more: those that have become full from one size to another, or, where
// an earlier run may have left some, all that are full.
func (l *Log) Tidy(oldSize, size uint64, all bool) error {
	folders := map[string]bool{}
	note := func(t proofs.Tile) {
		if t.Width < proofs.TileWidth && t.FullIn(size) {
			t.Width = proofs.TileWidth
			folders[t.Path()+".p/"] = true
		}
	}
	for _, t := range proofs.TilesOf(0, oldSize) {
		note(t)
	}
	if all {
		err := l.files.List("tile/", func(name string, _ int64) error {
			if t, err := proofs.ParseTilePath(name); err == nil {
				note(t)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for folder := range folders {
		if err := l.files.Remove(folder); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) checked(oldSize uint64, c proofs.Checkpoint, f func(proofs.Tile, []byte) error) error {
	if err := l.Compare(c); err != nil { // the right edge; all else hangs below it
		return err
	}
	nodes := l.Nodes(c.Size)
	for _, t := range proofs.TilesOf(oldSize, c.Size) {
		b, err := l.read(t)
		if err == nil {
			err = l.check(t, b, nodes)
		}
		if err == nil {
			err = f(t, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// check compares a bundle with the tile over its entries, and a full tile with its hash in the tile above.
func (l *Log) check(t proofs.Tile, b []byte, tree proofs.Nodes) error {
	if t.Entries {
		return l.checkBundle(t, b)
	}
	if t.Width < proofs.TileWidth {
		return nil
	}
	top := uint(t.Level+1) * 8
	want, err := tree(top, t.Index)
	if err != nil {
		return err
	}
	inside := proofs.TileNodes(1<<62, func(proofs.Tile) ([]byte, error) { return b, nil })
	left, err := inside(top-1, 2*t.Index)
	if err != nil {
		return err
	}
	right, err := inside(top-1, 2*t.Index+1)
	if got := proofs.NodeHash(left, right); err == nil && got != want {
		err = fmt.Errorf("%s: damaged: hashes to %s, want %s", l.files.Path(t.Path()), got, want)
	}
	return err
}

func (l *Log) checkBundle(t proofs.Tile, b []byte) error {
	path := l.files.Path(t.Path())
	entries, err := proofs.ParseBundle(b, t.Width)
	if err != nil {
		return fmt.Errorf("%s: damaged: %w", path, err)
	}
	leaves, err := l.read(proofs.Tile{Index: t.Index, Width: t.Width})
	if err != nil {
		return err
	}
	for i, e := range entries {
		h := proofs.LeafHash(e)
		if len(leaves) < (i+1)*len(h) || !bytes.Equal(leaves[i*len(h):(i+1)*len(h)], h[:]) {
			return fmt.Errorf("%s: damaged: entry %d is not the one in the tree", path, i)
		}
	}
	return nil
}
