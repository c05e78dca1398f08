package gate

import (
	"context"
	"errors"
	"fmt"

	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

// finish makes an offer the publication in force: one conditional write of current, once everything is under its name. Where it is in force already, what comes
// after that write is made up for.
func (g *Gate) finish(ctx context.Context, o *offer) (fresh bool, err error) {
	_, is, err := g.inForce(ctx, o)
	if err != nil {
		return false, err
	}
	if is {
		return false, g.after(ctx, o)
	}
	s, err := g.planned(ctx, o)
	if err != nil {
		return false, err
	}
	if n, err := g.undone(ctx, o, s.Items.Parts); err != nil || n > 0 {
		if err == nil {
			err = refuse(codeMissing, "%d of %d chunks are not done", n, len(s.Items.Parts))
		}
		return false, err
	}
	if s.Rests != "" {
		if err := g.store().Put(ctx, restsObject(o.Publication), []byte(s.Rests), store.Always); err != nil {
			return false, err
		}
	}
	when := store.Absent
	if o.Version != "" {
		when = store.Still(o.Version)
	}
	err = g.store().Put(ctx, published.CurrentObject, []byte(o.Set), when)
	if errors.Is(err, store.ErrChanged) {
		now, is, err := g.inForce(ctx, o)
		if err == nil && !is {
			err = g.overtaken(ctx, now)
		}
		return false, err
	}
	if err != nil {
		return false, err
	}
	return true, g.after(ctx, o)
}

// after is what follows once an offer is in force. Where it is broken off, the publication is in force all the same: the next trust file is then followed to once
// more by whoever offers the next publication, and of what was superseded some stays.
func (g *Gate) after(ctx context.Context, o *offer) error {
	if o.Trust != "" {
		next, err := proofs.ParseTrust([]byte(o.Trust))
		if err != nil {
			return err
		}
		now, err := g.Source.TrustNow(ctx)
		if err != nil {
			return err
		}
		if next.Epoch > now.Epoch {
			if err := g.store().Put(ctx, published.TrustObject, []byte(o.Trust), store.Always); err != nil {
				return err
			}
		}
	}
	return g.noteSuperseded(ctx, o)
}

// A superseded record is what a publication has put an end to, and when.
type superseded struct {
	Time  int64  `json:"time"`
	Files []gone `json:"files"`
	Stay  []gone `json:"stay,omitempty"` // of one that Clean is not through with: those to which something refers
}

func (g *Gate) noteSuperseded(ctx context.Context, o *offer) error {
	s, err := g.planned(ctx, o)
	var r *Refusal
	if errors.As(err, &r) { // the plan is gone: it was noted long ago
		return nil
	}
	if err != nil {
		return err
	}
	for i, hash := range s.Gone.Parts {
		files, err := readPart[gone](ctx, g, o.id, hash)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%s%s-%06d", supersededPrefix, o.Publication, i)
		err = g.putJSON(ctx, name, superseded{Time: g.Now().Unix(), Files: files}, store.Absent)
		if err != nil && !errors.Is(err, store.ErrChanged) {
			return err
		}
	}
	return nil
}
