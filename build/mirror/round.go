package mirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"stele/proofs"

	"golang.org/x/sys/unix"
)

// A round is one look at the origin, and what comes of it.
type round struct {
	m    *Mirror
	ctx  context.Context
	ours *adopted // before the round; nil if nothing was adopted yet

	// What the origin shows.
	raw        []byte // its head
	head       *proofs.Head
	x          *proofs.VerifiedIndex
	tile       *proofs.MapTile // the map's root tile
	checkpoint []byte          // its own file: other people's tools read that
	list       []proofs.HistoryLine
	statistics []byte

	whole bool // compare every file, not only what is new

	mu     sync.Mutex
	staged map[string]bool // what is in incoming and verified in this round
	live   map[string]bool // index files that the head leads to, where all are gone through

	files, bytes, healed atomic.Int64
	done                 atomic.Uint64 // files compared or fetched
}

// read reads a file of the origin's.
func (r *round) read(ctx context.Context, path string, limit int) ([]byte, error) {
	b, err := r.m.from.read(ctx, path, limit)
	var large *tooLarge
	if errors.As(err, &large) {
		return nil, wrong(path, err)
	}
	if err == nil {
		r.files.Add(1)
		r.bytes.Add(int64(len(b)))
	}
	return b, err
}

// look reads the head and the checkpoint, and verifies them.
func (r *round) look() (err error) {
	if r.checkpoint, err = r.read(r.ctx, checkpointPath, proofs.MaxCheckpoint); err != nil { // before the head, which is written first
		return err
	}
	if r.raw, err = r.read(r.ctx, proofs.HeadPath, maxHead); err != nil {
		return err
	}
	if r.head, err = proofs.ParseHead(r.raw); err != nil {
		return wrong(proofs.HeadPath, err)
	}
	if err = r.verify(); err == nil || r.ctx.Err() != nil {
		return err
	}
	before := r.m.Trust
	if bad := r.m.follow(r.ctx); bad != nil || r.m.Trust == before {
		return err
	}
	return r.verify() // it was of an epoch that has begun since trust files were followed
}

func (r *round) verify() (err error) {
	r.x, r.tile, err = r.head.VerifyPast(r.m.Trust, r.m.earlier, r.m.Now().Unix())
	return wrong(proofs.HeadPath, err)
}

// same reports whether the copy is of this very publication, or of the same ledger with newer signatures.
func (r *round) same() bool {
	return r.ours != nil && (bytes.Equal(r.ours.head, r.raw) || r.ours.x.Size == r.x.Size && r.x.AsOf <= r.ours.x.AsOf)
}

// readRest reads history and statistics as they are beside this head. They are written before it: where they are of a later publication, the
// origin is about to replace its head. Then this round copies the head that it has begun with, which is a whole publication, with as much
// of the history as belongs to it; and the statistics follow from the ledger.
func (r *round) readRest() error {
	if r.same() { // signatures that are older, or files of the copy that are to be looked at
		r.raw, r.x, r.list, r.statistics = r.ours.head, r.ours.x, r.ours.lines, r.ours.statistics
		var err error
		if r.head, err = proofs.ParseHead(r.raw); err == nil {
			r.tile, err = proofs.ParseMapTile(r.head.RootTile)
		}
		return err
	}
	if err := r.readHistory(); err != nil {
		return err
	}
	if r.ours != nil && r.ours.x.Size == r.x.Size {
		r.statistics = r.ours.statistics
		return nil
	}
	var err error
	if r.statistics, err = r.read(r.ctx, proofs.StatisticsPath, maxListing); err == nil {
		_, err = proofs.ParseStatistics(r.statistics)
		err = wrong(proofs.StatisticsPath, err)
	}
	return err
}

// readHistory reads the list up to the head's own line. What the copy has and the list has lost stays: every checkpoint that was published proves when.
func (r *round) readHistory() error {
	b, err := r.read(r.ctx, proofs.HistoryPath, maxListing)
	if err != nil {
		return err
	}
	lines, err := proofs.ParseHistory(b)
	if err != nil {
		return wrong(proofs.HistoryPath, err)
	}
	own := proofs.HistoryLine{Size: r.x.Size, File: sha256.Sum256(r.head.Proof.Checkpoint)}
	end := slices.Index(lines, own)
	if end < 0 {
		return wrong(proofs.HistoryPath, fmt.Errorf("the head's checkpoint %s is not in it", own))
	}
	r.list = lines[:end+1]
	if r.ours != nil {
		r.list = r.withOurs(r.list)
	}
	return nil
}

// withOurs adds the lines that the copy has and the origin's list has not, at the end of their size but before the head's own.
func (r *round) withOurs(lines []proofs.HistoryLine) []proofs.HistoryLine {
	has := map[proofs.HistoryLine]bool{}
	for _, l := range lines {
		has[l] = true
	}
	for _, l := range r.ours.lines {
		if has[l] {
			continue
		}
		at := slices.IndexFunc(lines, func(o proofs.HistoryLine) bool { return o.Size > l.Size })
		if at < 0 {
			at = len(lines) - 1
		}
		lines = slices.Insert(slices.Clone(lines), at, l)
		r.m.Note(fmt.Sprintf("%s: the line %q has gone at the origin; the copy keeps it", proofs.HistoryPath, l))
	}
	return lines
}

// leastBytes is what one entry takes at least: a hash in a tile, and its length in a bundle.
const leastBytes = 32 + 2

// room refuses at once what can never fit.
func (r *round) room() error {
	free, err := r.m.freeBytes()
	if err != nil {
		return err
	}
	have := uint64(0)
	if r.ours != nil {
		have = r.ours.x.Size
	}
	if more := r.x.Size - have; more > free/leastBytes {
		return fmt.Errorf("%s: %d more entries, of %d bytes at least each, and %d bytes are free on the disk: %w", r.m.Dir, more, leastBytes, free, unix.ENOSPC)
	}
	return nil
}

// obtain returns a file of the copy, once right has nothing against it: from a round that was broken off, from the copy itself, or else from the
// origin. What is fetched is kept.
func (r *round) obtain(ctx context.Context, path string, limit int, right func(b []byte) error) ([]byte, error) {
	if b, err := r.m.incoming.Read(path); err == nil {
		if right(b) == nil {
			r.stage(path)
			return b, nil
		}
		if err := r.m.incoming.Remove(path); err != nil {
			return nil, err
		}
	}
	b, err := r.m.public.Read(path)
	if err == nil && right(b) == nil {
		r.told()
		return b, nil
	}
	damaged := err == nil
	if b, err = r.read(ctx, path, limit); err != nil {
		return nil, err
	}
	if err := right(b); err != nil {
		return nil, wrong(path, err)
	}
	if err := r.m.put(path, b); err != nil {
		return nil, err
	}
	if damaged {
		r.healed.Add(1)
		r.m.Note(path + ": was damaged, and has been fetched again")
	}
	r.stage(path)
	return b, nil
}

func (r *round) stage(path string) {
	r.mu.Lock()
	r.staged[path] = true
	r.mu.Unlock()
	r.told()
}

func (r *round) told() { r.m.Progress("files", r.done.Add(1), 0) }

// leadsTo remembers an index file for collect.
func (r *round) leadsTo(path string) {
	if r.whole {
		r.mu.Lock()
		r.live[path] = true
		r.mu.Unlock()
	}
}

// overlay is the copy as it will be, for those who judge it.
type overlay struct{ r *round }

func (o overlay) String() string { return o.r.m.from.String() }

func (o overlay) Read(ctx context.Context, path string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := o.r
	switch path {
	case proofs.HeadPath:
		return r.raw, nil
	case checkpointPath:
		return r.head.Proof.Checkpoint, nil
	case proofs.HistoryPath:
		return proofs.FormatHistory(r.list), nil
	case proofs.StatisticsPath:
		return r.statistics, nil
	case "policy":
		return r.m.Trust.PolicyText, nil
	}
	r.mu.Lock()
	staged := r.staged[path]
	r.mu.Unlock()
	if staged {
		return r.m.incoming.Read(path)
	}
	return r.m.public.Read(path)
}

// tileOf reads a tile of the copy as it will be.
func (r *round) tileOf(t proofs.Tile) ([]byte, error) {
	return overlay{r}.Read(r.ctx, "ledger/"+t.Path())
}
