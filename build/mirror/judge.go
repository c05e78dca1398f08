package mirror

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"stele/build/durable"
	"stele/build/follow"
	"stele/proofs"
)

// stateFollow is the folder of what the mirror has gone through, below DIR/state: package follow.
const stateFollow = "follow"

// follower opens what the mirror has gone through. What cannot be used is begun anew: then everything is audited once more, over the copy.
func (m *Mirror) follower() (*follow.Follower, error) {
	if m.f != nil && m.f.Trust.ID() == m.Trust.ID() {
		return m.f, nil
	}
	m.closeFollower()
	f, err := follow.Open(m.state.Path(stateFollow), m.Trust, nil)
	if err != nil && !errors.Is(err, durable.ErrLocked) && !errors.Is(err, os.ErrPermission) {
		m.Note(fmt.Sprintf("%v; all of the copy is audited once more", err))
		if err = os.RemoveAll(m.state.Path(stateFollow)); err == nil {
			f, err = follow.Open(m.state.Path(stateFollow), m.Trust, nil)
		}
	}
	m.f = f
	return f, err
}

func (m *Mirror) closeFollower() {
	if m.f != nil {
		m.f.Close()
		m.f = nil
	}
}

// judge asks whether the publication is right: that it goes on from what was gone through before, that its index follows from its ledger, and the rest from
// both. The first time all of it is audited, over the copy as it will be: nothing is read from the origin twice.
func (r *round) judge(grown bool) error {
	if !grown {
		return nil
	}
	f, err := r.m.follower()
	if err != nil {
		return err
	}
	f.Portal, f.Now, f.Progress = overlay{r}, r.m.Now, r.m.Progress
	err = r.advance(f)
	if code := follow.Code(err); (code == follow.CodeOutage || code == follow.CodeDamage) && f.Begun() && r.ctx.Err() == nil {
		// Everything that the head leads to is there: it is what was gone through before that does not fit, such as a backup of it.
		r.m.closeFollower()
		if err = os.RemoveAll(r.m.state.Path(stateFollow)); err == nil {
			f, err = r.m.follower()
		}
		if err == nil {
			f.Portal, f.Now, f.Progress = overlay{r}, r.m.Now, r.m.Progress
			err = r.advance(f)
		}
	}
	if err != nil {
		return r.accuse(err)
	}
	return r.compareStatistics(f)
}

// advance goes through what is new, or through everything.
func (r *round) advance(f *follow.Follower) error {
	if !f.Begun() {
		_, err := f.Begin(r.ctx)
		return err
	}
	v, err := f.View(r.raw)
	if err != nil {
		return err
	}
	c, err := f.Advance(r.ctx, v)
	if err != nil {
		return err
	}
	for _, w := range c.Wrong {
		r.m.Note("an earlier publication was wrong: " + w.Error())
	}
	return f.Keep(c)
}

// accuse makes a fork that was found by going through the ledger one of the mirror's, with its evidence.
func (r *round) accuse(err error) error {
	var fork *follow.Fork
	if errors.As(err, &fork) {
		return r.m.fork(fork.One, fork.Other, fork.Root, fork.Growth)
	}
	return err
}

// compareStatistics: what is published is what was counted. Where the origin is about to publish again, its statistics are of the next publication, and the counted ones
// stand for this one's.
func (r *round) compareStatistics(f *follow.Follower) error {
	counted := f.Index().Statistics.Marshal()
	s, err := proofs.ParseStatistics(r.statistics)
	if err != nil {
		return wrong(proofs.StatisticsPath, err)
	}
	newest := s.Series[len(s.Series)-1].Publication
	if newest <= r.x.Publication && !bytes.Equal(r.statistics, counted) {
		return wrong(proofs.StatisticsPath, fmt.Errorf("are not what was counted in the ledger: they end with publication %d, the head is of %d", newest, r.x.Publication))
	}
	r.statistics = counted
	return nil
}

// judgeHistory compares checkpoints that were published with the ledger: one that satisfies its trust file and tells of another past proves a fork.
func (r *round) judgeHistory() error {
	nodes := proofs.TileNodes(r.x.Size, r.tileOf)
	for _, l := range r.newLines() {
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

// newLines are those of the history that this round has to look at.
func (r *round) newLines() []proofs.HistoryLine {
	if r.ours == nil || r.whole {
		return r.list
	}
	ours := map[proofs.HistoryLine]bool{}
	for _, l := range r.ours.lines {
		ours[l] = true
	}
	var out []proofs.HistoryLine
	for _, l := range r.list {
		if !ours[l] {
			out = append(out, l)
		}
	}
	return out
}
