package follow

import (
	"context"
	"errors"
	"slices"
	"strings"

	"stele/proofs"
)

// Collected reports whether an Advance has failed because a file of the index is missing. A publisher may delete files "some time after the newest
// head has ceased to lead to" them (FORMAT.md, section 8.3), so that whoever was away for long cannot go on from there: Renew can.
func Collected(err error) bool {
	var outage *Outage
	return errors.As(err, &outage) && outage.Missing() && strings.HasPrefix(outage.Path, "index/")
}

// Renew goes on to the published head by an audit of all that is published. That the ledger has only grown since the last publication that was kept
// is proved by the entries in between, as in Advance; that the index follows from it, by the audit, for the newest publication alone.
func (f *Follower) Renew(ctx context.Context) (*Change, error) {
	a, err := f.audit(ctx)
	if err != nil {
		return nil, err
	}
	v, err := f.View(a.Head)
	if err != nil {
		return nil, err
	}
	c := &Change{Old: f.Last(), New: v.Checkpoint(), View: v}
	more, err := f.newer(ctx, v)
	if err != nil {
		return nil, err
	}
	if !more {
		return f.again(c)
	}
	w, err := f.newWalk(ctx, c)
	if err != nil {
		return nil, err
	}
	defer w.store.close()
	w.light, w.ix.Documents = true, func(*proofs.Entry) {}
	if err := w.grown(); err != nil {
		return nil, err
	}
	w.finish(*a.State)
	c.Made = nil
	return c, nil
}

// With is what two changes come to, of which this one goes on from the other's end: to be shown as one, not to be kept.
func (c *Change) With(before *Change) *Change {
	out := *c
	out.Old = before.Old
	out.Publications = slices.Concat(before.Publications, c.Publications)
	out.Wrong = slices.Concat(before.Wrong, c.Wrong)
	out.Counts, out.More = sum(before.Counts, c.Counts), sum(before.More, c.More)
	out.Entries, out.Void = before.Entries+c.Entries, before.Void+c.Void
	out.Sensitive = slices.Concat(before.Sensitive, c.Sensitive)
	return &out
}

func sum(a, b []proofs.Count) []proofs.Count {
	s := &proofs.Statistics{Counts: slices.Clone(a)}
	for _, c := range b {
		s.Count(c)
	}
	return s.Counts
}
