package mirror

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"stele/build/durable"
	"stele/proofs"
)

// compare holds what the origin shows against what the copy has, and reports whether the ledger has grown. Where two ledgers were signed, the evidence
// is written down. Nothing is fetched for it but a few tiles.
func (r *round) compare() (grown bool, err error) {
	if r.ours == nil {
		return true, r.compareCheckpoint()
	}
	ours, theirs := r.ours.x.Checkpoint, r.x.Checkpoint
	switch {
	case theirs.Size < ours.Size:
		return false, r.behind()
	case theirs.Size == ours.Size && theirs.Root != ours.Root:
		return false, r.m.fork(r.ours.x.Note, r.x.Note, theirs.Root, nil)
	case theirs.Size > ours.Size:
		if err := r.goesOn(r.ours.x.Note, r.ours.x.Checkpoint, r.fromOrigin()); err != nil {
			return false, err
		}
		grown = true
	}
	return grown, r.compareCheckpoint()
}

// fromOrigin reads nodes of the origin's tree, which nobody has compared with anything.
func (r *round) fromOrigin() proofs.Nodes {
	return proofs.TileNodes(r.x.Size, func(t proofs.Tile) ([]byte, error) { return r.read(r.ctx, "ledger/"+t.Path(), maxTile) })
}

// fromCopy reads nodes of the copy's tree.
func (r *round) fromCopy() proofs.Nodes {
	return proofs.TileNodes(r.ours.x.Size, func(t proofs.Tile) ([]byte, error) { return r.m.public.Read("ledger/" + t.Path()) })
}

// goesOn fails unless the head's tree begins with that of a checkpoint. The head may prove it itself; else the tree's nodes do. What is not proved either
// way is the nodes' fault, and no fork.
func (r *round) goesOn(note []byte, c proofs.Checkpoint, nodes proofs.Nodes) error {
	root, growth, err := r.growth(c.Size, nodes)
	if err != nil {
		return err
	}
	if root != c.Root {
		return r.m.fork(note, r.x.Note, root, growth)
	}
	return nil
}

// growth is the root that the head's tree has at a size, and its proof.
func (r *round) growth(size uint64, nodes proofs.Nodes) (root proofs.Hash, growth []proofs.Hash, err error) {
	for _, o := range r.head.Consistency {
		if o.Size == size {
			return o.Root, o.Proof, nil // verified with the head
		}
	}
	if root, err = nodes.Root(size); err == nil {
		growth, err = nodes.Consistency(size, r.x.Size)
	}
	if err != nil {
		return root, nil, err
	}
	return root, growth, wrong("ledger/tile", proofs.CheckConsistency(size, r.x.Size, root, r.x.Root, growth))
}

// behind tells a fork from an older ledger.
func (r *round) behind() error {
	nodes := r.fromCopy()
	root, err := nodes.Root(r.x.Size)
	if err != nil {
		return err
	}
	growth, err := nodes.Consistency(r.x.Size, r.ours.x.Size)
	if err != nil {
		return err
	}
	if err := proofs.CheckConsistency(r.x.Size, r.ours.x.Size, root, r.ours.x.Root, growth); err != nil {
		return fmt.Errorf("the copy in %s is damaged: %w", r.m.public, err)
	}
	if root != r.x.Root {
		return r.m.fork(r.x.Note, r.ours.x.Note, root, growth)
	}
	return &RollbackError{Have: r.ours.x.Size, Got: r.x.Size}
}

// compareCheckpoint: the origin's checkpoint, which other people's tools read, is the head's own, or of an earlier publication of the same ledger while the
// head has just been replaced. A later one has been written since.
func (r *round) compareCheckpoint() error {
	if bytes.Equal(r.checkpoint, r.head.Proof.Checkpoint) {
		return nil
	}
	s, err := r.m.verifyCheckpoint(r.checkpoint)
	switch {
	case err != nil:
		return wrong(checkpointPath, err)
	case s.Size > r.x.Size: // it was read first, and is written last
		return wrong(checkpointPath, fmt.Errorf("is of size %d, the head of size %d", s.Size, r.x.Size))
	case s.Size == r.x.Size && s.Root != r.x.Root:
		return r.m.fork(s.Note, r.x.Note, r.x.Root, nil)
	case s.Size == r.x.Size:
		return nil
	}
	return r.goesOn(s.Note, s.Checkpoint, r.fromOrigin())
}

// fork writes the evidence down: the smaller checkpoint first, with the root of the other's tree at its size, and the proof of that.
func (m *Mirror) fork(one, other []byte, root proofs.Hash, growth []proofs.Hash) error {
	e := &ForkError{Root: root}
	var err error
	if e.One, _, err = proofs.ParseCheckpoint(one); err == nil {
		e.Other, _, err = proofs.ParseCheckpoint(other)
	}
	if err != nil {
		return err
	}
	e.Evidence, err = m.keepEvidence(proofs.FormatFork(one, other, root, growth))
	if err != nil {
		return fmt.Errorf("%w; the evidence could not be kept: %w", e, err)
	}
	return e
}

// keepEvidence keeps evidence under a name of its content's: what is found in every round is written once.
func (m *Mirror) keepEvidence(b []byte) (string, error) {
	sum := sha256.Sum256(b)
	in := durable.Folder(m.Dir)
	name := "evidence/" + hex.EncodeToString(sum[:8]) + ".stele-evidence"
	if durable.Holds(in.Path(name), b) {
		return in.Path(name), nil
	}
	return in.Path(name), m.replace(in, name, b)
}
