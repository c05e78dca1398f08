package follow

import (
	"context"
	"errors"
	"fmt"

	"stele/proofs"
)

// Compare compares two signed checkpoints of the ledger: nil if one's tree is a part of the other's, a *Fork if that cannot be. The
// larger one's tree is read from the portal: an *Outage or a *Damage says that nothing is decided. Signatures are the caller's to check.
func (f *Follower) Compare(ctx context.Context, a, b []byte) error {
	one, _, err := proofs.ParseCheckpoint(a)
	if err != nil {
		return err
	}
	other, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		return err
	}
	if one.Size > other.Size {
		one, other, a, b = other, one, b, a
	}
	fork := &Fork{One: a, Other: b, Size: one.Size, Signed: one.Root, Root: other.Root}
	switch {
	case one.Origin != other.Origin:
		return &proofs.OtherRegistryError{Got: other.Origin, Want: one.Origin}
	case one.Size == 0 || one == other:
		return nil
	case one.Size == other.Size:
		return fork
	}
	if fork.Root, fork.Growth, err = f.growth(ctx, one.Size, other); err != nil {
		return err
	}
	if fork.Root == one.Root {
		return nil
	}
	return fork
}

// growth proves the root that a signed tree has at an earlier size, from the portal's tiles, or from the last head that was kept.
func (f *Follower) growth(ctx context.Context, size uint64, in proofs.Checkpoint) (proofs.Hash, []proofs.Hash, error) {
	nodes := f.Nodes(ctx, in.Size)
	root, err := nodes.Root(size)
	var proof []proofs.Hash
	if err == nil {
		proof, err = nodes.Consistency(size, in.Size)
	}
	if err == nil {
		err = proofs.CheckConsistency(size, in.Size, root, in.Root, proof)
	}
	if err == nil {
		return root, proof, nil
	}
	if head, errHead := proofs.ParseHead(f.LastHead()); errHead == nil && f.Last() == in {
		for _, o := range head.Consistency {
			if o.Size == size && proofs.CheckConsistency(size, in.Size, o.Root, in.Root, o.Proof) == nil {
				return o.Root, o.Proof, nil
			}
		}
	}
	if ctx.Err() != nil {
		return root, nil, ctx.Err()
	}
	var outage *Outage
	if !errors.As(err, &outage) {
		err = &Damage{fmt.Sprintf("tiles of size %d", in.Size), err}
	}
	return root, nil, err
}

// newer checks that a view is not behind what was seen, and of no other ledger than that as far as it shows without reading it.
// It reports whether there is more in it.
func (f *Follower) newer(ctx context.Context, v *View) (bool, error) {
	seen, got := f.Last(), v.Checkpoint()
	switch {
	case f.last == nil:
		return false, errors.New("advance: nothing to go on from: Begin first")
	case seen.Size == 0 || got.Size > seen.Size:
		return got.Size > seen.Size, nil
	}
	err := f.Compare(ctx, f.lastNote(), v.Note())
	var fork *Fork
	if errors.As(err, &fork) || ctx.Err() != nil {
		return false, err
	}
	if got.Size < seen.Size {
		return false, &Rollback{Seen: seen, Got: got, Unproved: err}
	}
	return false, err
}

// lastNote is the checkpoint of the last publication that was kept, with its signatures.
func (f *Follower) lastNote() []byte {
	head, err := proofs.ParseHead(f.LastHead())
	if err != nil {
		return nil
	}
	return head.Proof.Checkpoint
}
