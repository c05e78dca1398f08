// Package ledger is the append-only log: Tessera's POSIX driver in a private folder,
// and what is copied out of it. We write no log engine; this package adds that
//
//   - the folder is compared with the last signed checkpoint before Tessera opens
//     it, since a rolled-back Tessera would overwrite full bundles;
//   - an append has happened only once Tessera has integrated it;
//   - Tessera's own checkpoint, signed with a key that nobody knows, is never published.
//
// A Log is used by one process at a time: the caller holds the registry's lock.
package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"

	"stele/build/durable"
	"stele/proofs"
)

const (
	// batchSize is how many entries Tessera integrates at once.
	batchSize = 10000
	// batchAge is how long a batch waits for more; a lone append costs this.
	batchAge = 10 * time.Millisecond
	// checkpointInterval is the least that Tessera takes; its checkpoint is private.
	checkpointInterval = 100 * time.Millisecond
)

// A Log is a ledger in a private folder.
type Log struct {
	dir    string
	origin string
}

// At names a log. Nothing is opened yet.
func At(dir, origin string) *Log { return &Log{dir, origin} }

// read reads a file of the log's folder, by its tlog-tiles path. A partial one that has
// become full is cut from the full one.
func (l *Log) read(t proofs.Tile) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(l.dir, t.Path()))
	if !errors.Is(err, os.ErrNotExist) || t.Width == proofs.TileWidth {
		return b, err
	}
	full := t
	full.Width = proofs.TileWidth
	if b, errFull := os.ReadFile(filepath.Join(l.dir, full.Path())); errFull == nil {
		return cut(t, b)
	}
	return nil, err
}

// cut makes a partial tile of a full one.
func cut(t proofs.Tile, full []byte) ([]byte, error) {
	if !t.Entries {
		if len(full) != proofs.TileWidth*len(proofs.Hash{}) {
			return nil, fmt.Errorf("tile %s: %d bytes, want %d", t.Path(), len(full), proofs.TileWidth*len(proofs.Hash{}))
		}
		return full[:t.Width*len(proofs.Hash{})], nil
	}
	entries, err := proofs.ParseBundle(full, proofs.TileWidth)
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

// Compare fails if the folder does not hold the tree of a signed checkpoint: a
// restored snapshot, a second publisher, a damaged disk.
func (l *Log) Compare(c proofs.Checkpoint) error {
	root, err := l.Root(c.Size)
	if err != nil {
		return fmt.Errorf("ledger %s: does not hold the %d entries that were signed: %w", l.dir, c.Size, err)
	}
	if root != c.Root {
		return fmt.Errorf("ledger %s: root of the first %d entries is %s, but %s was signed", l.dir, c.Size, root, c.Root)
	}
	return nil
}

// Entries calls f with the entries from one place up to another, in order, in runs of at most 256.
func (l *Log) Entries(from, to uint64, f func(first uint64, entries [][]byte) error) error {
	return ReadEntries(from, to, l.read, f)
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

// An Appender has the log open for appending.
type Appender struct {
	add      func(context.Context, *tessera.Entry) tessera.IndexFuture
	shutdown func(context.Context) error
	cancel   context.CancelFunc
	size     uint64
}

// Open opens the log for appending.
func (l *Log) Open(ctx context.Context) (*Appender, error) {
	quiet()
	ctx, cancel := context.WithCancel(ctx)
	a, err := l.open(ctx)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("open ledger %s: %w", l.dir, err)
	}
	a.cancel = cancel
	return a, nil
}

func (l *Log) open(ctx context.Context) (*Appender, error) {
	driver, err := posix.New(ctx, posix.Config{Path: l.dir})
	if err != nil {
		return nil, err
	}
	secret, _, err := note.GenerateKey(rand.Reader, l.origin)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	opts := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(batchSize, batchAge).
		WithCheckpointInterval(checkpointInterval).WithGarbageCollectionInterval(0).WithPushback(4 * batchSize)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, opts)
	if err != nil {
		return nil, err
	}
	size, err := reader.IntegratedSize(ctx)
	return &Appender{add: appender.Add, shutdown: shutdown, size: size}, err
}

// quiet keeps Tessera's log lines off the terminal; what fails is returned as an error.
func quiet() {
	fs := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(fs)
	fs.Set("logtostderr", "false")
	fs.Set("alsologtostderr", "false")
	fs.Set("stderrthreshold", "FATAL")
	klog.SetOutput(discard{})
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// Size is the number of entries.
func (a *Appender) Size() uint64 { return a.size }

// Append adds entries in order and returns once they are integrated and durable.
func (a *Appender) Append(ctx context.Context, entries [][]byte) error {
	for len(entries) > 0 {
		n := min(len(entries), 2*batchSize)
		if err := a.append(ctx, entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

func (a *Appender) append(ctx context.Context, entries [][]byte) error {
	futures := make([]tessera.IndexFuture, len(entries))
	for i, e := range entries {
		futures[i] = a.add(ctx, tessera.NewEntry(e))
	}
	for _, f := range futures {
		index, err := f()
		if err != nil {
			return fmt.Errorf("append entry %d: %w", a.size, err)
		}
		if index.Index != a.size {
			return fmt.Errorf("append entry: got place %d, want %d: something else is appending", index.Index, a.size)
		}
		a.size++
	}
	return nil
}

// Close ends appending. What was appended is durable already, so that waiting for
// Tessera's own checkpoint would gain nothing.
func (a *Appender) Close() { a.cancel() }

// Publish copies the tiles and bundles that a tree of newSize has and one of
// oldSize has not into a folder, and reads each back. Durable after durable.SyncTree.
func (l *Log) Publish(oldSize, newSize uint64, to string, written func(path string) error) error {
	for _, t := range proofs.TilesOf(oldSize, newSize) {
		b, err := l.read(t)
		if err != nil {
			return err
		}
		path := filepath.Join(to, t.Path())
		if err := written(path); err != nil {
			return err
		}
		if err := durable.WriteOnce(path, b); err != nil {
			return err
		}
	}
	return nil
}
