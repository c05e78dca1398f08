// Package audit goes through what a registry has published, and compares all of it with its ledger. It reads a portal
// as any outsider can, and needs nothing of the registry's own.
//
// The map is not built again, which would take as much memory as the ledger has bytes. The ledger is read once, and each
// entry that belongs into a record is added, as a number, to a sum; then the map is read once, and each entry that stands in a
// record is added to a second sum. The number of an entry is a secret function (SHA-512 under a key drawn for this audit) of key, place, publication
// time and leaf hash, and sums are modulo 2^256. Two different sets of entries, fixed before the key was drawn, have the same sum
// with a probability of some 2^-192 (their multiplicities differ by less than 2^64), so that equal sums mean equal records: none dropped, moved,
// doubled, dated otherwise or made up. Everything else about the map follows from the
// records: its shape from the keys, what a record holds of other documents from its own entries.
package audit

import (
	"bytes"
	"context"
	"fmt"

	"stele/build/index"
	"stele/build/portal"
	"stele/proofs"
)

// A Result is what an audit that found nothing wrong has seen.
type Result struct {
	Size        uint64
	Publication uint64
	Keys        uint64
	Issuers     uint64
	Files       int // index files read and compared

	Later []*proofs.Trust  // trust files that were published while it ran, the newest last: by that one the audit went
	Head  []byte           // ledger/head, as it was read
	State *index.State     // what the ledger comes to, to go on from: the index of the head
	Edge  *proofs.Frontier // of the ledger's tree
}

// Portal reads everything that a portal publishes and compares it: the tree with the checkpoint, the map with the
// ledger and the index statement, every slot and tile with its name, every checkpoint ever published with the ledger as it
// is, the statistics with what was counted, and the trust files with the one in hand and with each other. progress is told how much is done, by several goroutines.
//
// The trust file in hand has to be the newest that the portal proves (portal.Follow). Where another is published in the meantime, everything is
// gone through again with that one.
func Portal(ctx context.Context, t *proofs.Trust, p portal.Portal, now int64, progress func(what string, done, of uint64)) (*Result, error) {
	var later []*proofs.Trust
	for {
		a, err := once(ctx, t, p, now, progress)
		if err == nil {
			a.Later = later
			return a, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		more, _ := portal.Later(ctx, p, t, now)
		if len(more) == 0 {
			return nil, err
		}
		later = append(later, more...)
		t = more[len(more)-1]
	}
}

// A NotYetError says that a trust file is published, and nothing of its epoch: the first publication is under way, or is kept back.
type NotYetError struct{ Epoch uint64 }

func (e *NotYetError) Error() string {
	return fmt.Sprintf("the trust file of epoch %d is published, and %s is still of the epoch before", e.Epoch, proofs.HeadPath)
}

func once(ctx context.Context, t *proofs.Trust, p portal.Portal, now int64, progress func(what string, done, of uint64)) (*Result, error) {
	checkpoint, err := p.Read(ctx, "ledger/checkpoint") // before the head, which is written first
	if err != nil {
		return nil, err
	}
	raw, err := p.Read(ctx, proofs.HeadPath)
	if err != nil {
		return nil, err
	}
	head, err := proofs.ParseHead(raw)
	if err != nil {
		return nil, err
	}
	a := &auditor{ctx: ctx, t: t, p: p, now: now, progress: progress, secret: newSecret(), published: map[uint64]bool{}}
	var tile *proofs.MapTile
	if a.x, tile, err = head.Verify(t, now); err != nil {
		return nil, fmt.Errorf("head: %w", a.notYet(head, err))
	}
	state, err := a.all(checkpoint, head.RootTile, tile)
	if err != nil {
		return nil, err
	}
	x := a.x
	return &Result{Size: x.Size, Publication: x.Publication, Keys: x.Keys, Issuers: x.Issuers, Files: a.files, Head: raw, State: state, Edge: a.edge}, nil
}

// notYet tells a head that is of the epoch before from one that lacks signatures.
func (a *auditor) notYet(head *proofs.Head, err error) error {
	if a.t.Previous == nil || a.readEarlier() != nil {
		return err
	}
	if _, _, bad := head.VerifyPast(a.t, a.earlier, a.now); bad != nil {
		return err
	}
	return &NotYetError{a.t.Epoch}
}

type auditor struct {
	ctx      context.Context
	t        *proofs.Trust
	p        portal.Portal
	x        *proofs.VerifiedIndex
	now      int64
	progress func(what string, done, of uint64)
	secret   *secret
	files    int

	published map[uint64]bool // sizes of all publications, as the ledger has them
	before    uint64          // that of the one before the head's

	earlier []*proofs.Trust // of the epochs before, the newest first; read when the first checkpoint is to be judged by one

	edge *proofs.Frontier // of the tree, once all entries are read
}

// all goes through everything, in this order: a fault is told where it is, not by what follows from it. It returns what the
// ledger comes to.
func (a *auditor) all(checkpoint, rootTile []byte, tile *proofs.MapTile) (*index.State, error) {
	f, err := a.newFollower(rootTile)
	if err != nil {
		return nil, err
	}
	for _, part := range []func() error{
		f.follow,
		func() error { return a.compareStatement(f) },
		func() error { return a.checkpoint(checkpoint) },
		func() error { return a.compareMap(f.sums, rootTile, tile) },
		a.history,
		a.trust,
		a.handovers,
		func() error { return a.statistics(f.statistics()) },
	} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	s := f.ix.State()
	s.RootTile, s.Keys, s.Statistics = rootTile, a.x.Keys, f.statistics() // the map was compared, not made
	return &s, nil
}

func (a *auditor) readTile(t proofs.Tile) ([]byte, error) { return a.p.Read(a.ctx, "ledger/"+t.Path()) }

// checkpoint: the checkpoint is the head's, or one publication behind it while that is being written.
func (a *auditor) checkpoint(b []byte) error {
	s, err := a.signed(b, a.now)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if s.Size != a.x.Size && s.Size != a.before {
		return fmt.Errorf("checkpoint: size %d, want the head's %d or the %d of the publication before it", s.Size, a.x.Size, a.before)
	}
	root, err := proofs.TileNodes(a.x.Size, a.readTile).Root(s.Size)
	if err == nil && root != s.Root {
		err = fmt.Errorf("checkpoint: root %s was signed for size %d, but the ledger has %s", s.Root, s.Size, root)
	}
	return err
}

// compareStatement compares what follows from the ledger with what the index statement says of it, but for the map.
func (a *auditor) compareStatement(f *follower) error {
	if err := a.compareSizes(f.ix.State()); err != nil {
		return err
	}
	if err := a.compareIndex(f.ix, f.bridge); err != nil {
		return err
	}
	return a.compareIssuers(f.ix.State().Issuers)
}

// compareMap compares the map with the ledger's sums and the index statement.
func (a *auditor) compareMap(fromLedger *sums, rootTile []byte, tile *proofs.MapTile) error {
	w := a.newWalker(rootTile)
	keys, err := w.tile(tile, proofs.Hash{})
	if err != nil {
		return err
	}
	a.files += int(w.files.Load())
	if err := a.compareSums(fromLedger, w.sums(), tile); err != nil {
		return err
	}
	return a.compareKeys(tile.Hash(), keys)
}

func (a *auditor) compareKeys(root proofs.Hash, keys uint64) error {
	if root != a.x.Map || keys != a.x.Keys {
		return fmt.Errorf("index statement: map %s of %d keys, but it is %s of %d", a.x.Map, a.x.Keys, root, keys)
	}
	return nil
}

// statistics are those of the issuer list and of the documents together.
func (f *follower) statistics() *proofs.Statistics {
	s := f.ix.State().Statistics
	for c, n := range f.counts {
		c.Number = n
		s.Count(c)
	}
	return s
}

// compareSizes compares what the head proves growth from with the publications in the ledger: memories of it rest on those.
func (a *auditor) compareSizes(s index.State) error {
	sizes, err := s.ListedSizes(a.x.Publication)
	if err != nil {
		return fmt.Errorf("index statement: publication %d: %w", a.x.Publication, err)
	}
	if got := proofs.SizesHash(sizes); got != a.x.Sizes {
		return fmt.Errorf("index statement: sizes %s, rebuilt %s of %v", a.x.Sizes, got, sizes)
	}
	return nil
}

// compareIssuers compares the published issuer list, which every reader reads, with the one that follows from the ledger.
func (a *auditor) compareIssuers(want *proofs.IssuerList) error {
	if len(want.Records) == 0 {
		return nil
	}
	path := proofs.IndexPath(want.Root())
	b, err := a.p.Read(a.ctx, path)
	if err == nil && !bytes.Equal(b, want.Marshal()) {
		err = fmt.Errorf("%s: not the issuer list that it is named after", path)
	}
	a.files++
	return err
}

func (a *auditor) compareIndex(ix *index.Ledger, bridge proofs.Hash) error {
	have, want := ix.Index(), a.x.Index
	switch {
	case ix.State().Publication != want.Publication || ix.State().Time != want.Time:
		return fmt.Errorf("index statement: publication %d at %d does not hold after publication %d", want.Publication, want.Time, ix.State().Publication)
	case bridge != want.TreeSHA3:
		return fmt.Errorf("index statement: SHA3-256 root %s, rebuilt %s", want.TreeSHA3, bridge)
	case have.IssuersRoot != want.IssuersRoot || have.Issuers != want.Issuers:
		return fmt.Errorf("index statement: issuer list %s of %d, rebuilt %s of %d", want.IssuersRoot, want.Issuers, have.IssuersRoot, have.Issuers)
	case have.LandmarksRoot != want.LandmarksRoot || have.Landmarks != want.Landmarks:
		return fmt.Errorf("index statement: landmarks %s of %d, rebuilt %s of %d", want.LandmarksRoot, want.Landmarks, have.LandmarksRoot, have.Landmarks)
	}
	return nil
}
