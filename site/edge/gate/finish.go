package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

// finish makes an offer the publication in force: one conditional write of current, once everything is under its name. Where it is in force already, what comes
// after that write is made up for: the answer to it may have been lost. is reports whether it is in force, also where something after that has failed.
func (g *Gate) finish(ctx context.Context, o *offer) (is bool, err error) {
	_, is, err = g.inForce(ctx, o)
	if err != nil {
		return false, err
	}
	if is {
		return true, g.after(ctx, o)
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
		if err != nil {
			return false, err
		}
		return true, g.after(ctx, o)
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
		if err := g.noteTrust(ctx, next, o.Trust); err != nil {
			return err
		}
	}
	return g.noteSuperseded(ctx, o)
}

// noteTrust keeps the newest trust file. One that comes late takes no newer one's place.
func (g *Gate) noteTrust(ctx context.Context, next *proofs.Trust, file string) error {
	for {
		_, version, err := g.store().Get(ctx, published.TrustObject)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		when := store.Absent
		if err == nil {
			when = store.Still(version)
		}
		if now, err := g.Source.TrustNow(ctx); err != nil || now.Epoch >= next.Epoch { // read after the version: what is newer than this changes that
			return err
		}
		if err := g.store().Put(ctx, published.TrustObject, []byte(file), when); !errors.Is(err, store.ErrChanged) {
			return err
		}
	}
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
