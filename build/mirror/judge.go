package mirror

import (
	"fmt"

	"stele/build/audit"
	"stele/proofs"
)

// judge asks whether the publication is right: that its index follows from its ledger, and everything else from both. Only what is new has to be gone
// through; the rest was judged when it was adopted.
func (r *round) judge(grown bool) error {
	if !grown {
		return nil
	}
	_, err := audit.Portal(r.ctx, r.m.Trust, overlay{r}, r.m.Now().Unix(), r.m.Progress)
	if err != nil {
		return fmt.Errorf("audit of %s: %w", r.m.from, err)
	}
	return nil
}

// judgeHistory compares checkpoints that were published with the ledger: one that satisfies its trust file and tells of another past proves a fork.
func (r *round) judgeHistory() error {
	ours := map[proofs.HistoryLine]bool{}
	if r.ours != nil && !r.whole {
		for _, l := range r.ours.lines {
			ours[l] = true
		}
	}
	nodes := proofs.TileNodes(r.x.Size, r.tileOf)
	for _, l := range r.list {
		if ours[l] {
			continue
		}
		b, err := overlay{r}.Read(r.ctx, l.Path())
		if err != nil {
			return err
		}
		s, err := r.m.verifyCheckpoint(b)
		if err != nil {
			return wrong(l.Path(), err)
		}
		if err := r.goesOn(b, s.Checkpoint, nodes); err != nil {
			return err
		}
	}
	return nil
}
