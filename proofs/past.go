package proofs

// What was signed in an epoch that is over (FORMAT.md, section 13), for whoever has the earlier trust files at hand.

// VerifyPast is VerifyCheckpoint for a checkpoint that may be of an earlier epoch: it is judged by the trust file of its epoch, if that
// is among the earlier ones, and only up to the tree with which the epoch ended. Signed.Epoch tells which it is.
func (t *Trust) VerifyPast(checkpoint []byte, earlier []*Trust, now int64) (s *Signed, err error) {
	err = t.past(checkpoint, earlier, func(t *Trust) (err error) { s, err = t.VerifyCheckpoint(checkpoint, now); return err })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// VerifyPast is Verify for a head that may be of an earlier epoch, as Trust.VerifyPast says.
func (h *Head) VerifyPast(t *Trust, earlier []*Trust, now int64) (x *VerifiedIndex, tile *MapTile, err error) {
	err = t.past(h.Proof.Checkpoint, earlier, func(t *Trust) (err error) { x, tile, err = h.Verify(t, now); return err })
	if err != nil {
		return nil, nil, err
	}
	return x, tile, nil
}

// VerifyPast is Verify for a receipt that may be of an earlier epoch, as Trust.VerifyPast says.
func (c *Receipt) VerifyPast(t *Trust, earlier []*Trust, now int64) (x *VerifiedIndex, err error) {
	err = t.past(c.Proof.Checkpoint, earlier, func(t *Trust) (err error) { x, err = c.Verify(t, now); return err })
	if err != nil {
		return nil, err
	}
	return x, nil
}

// past has evidence verified with the trust file of its epoch. Where that is an earlier one, every trust file since has to agree with the tree
// that its epoch ended with.
func (t *Trust) past(checkpoint []byte, earlier []*Trust, verify func(*Trust) error) error {
	chain := t.chain(earlier)
	by, err := judge(t, checkpoint, chain.before, verify)
	if err != nil {
		return err
	}
	c, _, err := ParseCheckpoint(checkpoint)
	for e := t; err == nil && e != by; e = chain.before(e) {
		err = e.checkFinal(c)
	}
	return err
}
