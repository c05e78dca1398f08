package registry

import (
	"cmp"
	"errors"
	"fmt"

	"stele/build/keys"
	"stele/proofs"
)

// alone reports whether nobody but the log has to sign: then one run does all, and nothing is ever proposed.
func (p *publisher) alone() bool { return p.change == nil && signsAlone(p.Trust) }

// signsAlone reports whether a policy is met by the log's own keys.
func signsAlone(t *proofs.Trust) bool {
	own := func(w int) bool { return isOwn(t, t.Policy.Witnesses[w].Key) }
	return t.Officers == "none" && t.Witnesses == "none" && t.Policy.Met(t.Policy.Quorum, own)
}

// isOwn tells the log's own ML-DSA-44 keys among the policy's witnesses.
func isOwn(t *proofs.Trust, k *proofs.Key) bool {
	return k.Name == t.Origin && k.Type == proofs.MLDSA44Key
}

// tree is the checkpoint of the ledger as it stands, checked against all that was signed before, and against its entries.
func (p *publisher) tree() (proofs.Checkpoint, error) {
	c := proofs.Checkpoint{Origin: p.Trust.Origin, Size: p.ix.State().Size}
	var err error
	if c.Root, err = p.log.Root(c.Size); err != nil {
		return c, err
	}
	for _, before := range []*proofs.Checkpoint{p.signed, p.draft.checkpoint()} {
		if err := p.consistent(before, c); err != nil {
			return c, err
		}
	}
	return c, p.log.Check(p.public, c)
}

// consistent: "A log MUST not sign any checkpoint which is inconsistent with any checkpoint it previously signed."
func (p *publisher) consistent(before *proofs.Checkpoint, c proofs.Checkpoint) error {
	if before == nil {
		return nil
	}
	proof, err := p.log.Nodes(c.Size).Consistency(before.Size, c.Size)
	if err != nil {
		return err
	}
	return proofs.CheckConsistency(before.Size, c.Size, before.Root, c.Root, proof)
}

// sign signs the ledger as it stands, or proposes it.
func (p *publisher) sign() error {
	if p.alone() {
		return p.signAlone()
	}
	if err := p.takeApprovals(); err != nil {
		return err
	}
	if !p.unpublished() {
		return nil
	}
	if err := p.propose(); err != nil {
		return err
	}
	return p.complete()
}

// signAlone signs with all of the log's keys. The checkpoint is remembered before anybody sees it.
func (p *publisher) signAlone() error {
	c, err := p.tree()
	if err != nil {
		return err
	}
	d := &draft{Checkpoint: c}
	if err := cmp.Or(p.signPlain(d, p.Trust), p.signTimed(d, p.Trust)); err != nil {
		return err
	}
	note, _, err := d.note(p.Trust, p.now)
	if err != nil {
		return err
	}
	return p.settle(d.Checkpoint, note, p.Trust)
}

// settle remembers a checkpoint that meets the policy.
func (p *publisher) settle(c proofs.Checkpoint, note []byte, t *proofs.Trust) error {
	if _, err := t.VerifyCheckpoint(note, p.now); err != nil {
		return fmt.Errorf("what was just signed does not satisfy the trust file: %w", err)
	}
	if err := p.replace(p.at.State, stateSigned, note); err != nil {
		return err
	}
	p.signed, p.note, p.under = &c, note, t
	return nil
}

// signPlain adds the line of a log key of type 0x01. Of several, any will do.
func (p *publisher) signPlain(d *draft, t *proofs.Trust) error {
	var some []*proofs.Key
	for _, l := range t.Policy.Logs {
		some = append(some, l.Key)
	}
	signers, err := p.signersOf(some)
	if err != nil {
		return err
	}
	s, err := proofs.SignCheckpoint(signers[0], d.Checkpoint)
	d.add(s)
	return err
}

// signTimed adds the lines of the log's ML-DSA-44 keys: that this is the largest tree which it has seen by now.
func (p *publisher) signTimed(d *draft, t *proofs.Trust) error {
	var own []*proofs.Key
	for _, w := range t.Policy.Witnesses {
		if isOwn(t, w.Key) {
			own = append(own, w.Key)
		}
	}
	signers, err := p.signersOf(own)
	if err != nil {
		return err
	}
	for _, signer := range signers {
		s, err := proofs.Cosign(signer, d.Checkpoint, p.now)
		if err != nil {
			return err
		}
		d.add(s)
	}
	return nil
}

// signersOf unlocks those of some keys that are here, one at least.
func (p *publisher) signersOf(some []*proofs.Key) ([]proofs.Signer, error) {
	var here []proofs.Signer
	var first error
	for _, k := range some {
		s, err := p.Keys.SignerFor(k)
		switch {
		case err == nil:
			here = append(here, s)
		case !errors.Is(err, keys.ErrNoKey):
			return nil, err
		default:
			first = cmp.Or(first, err)
		}
	}
	if len(here) == 0 {
		return nil, first
	}
	return here, nil
}
