package registry

import (
	"bytes"
	"context"
	"slices"

	"stele/build/index"
	"stele/build/issuer"
	"stele/proofs"
)

// A desk is the registry's folder for those who have something to say. It looks at the queue and at what is published once,
// and again after a delivery.
type desk struct {
	r       *Registry
	state   *index.State
	finder  *index.Finder
	as      proofs.Authorities // once everything pending is published
	place   uint64
	pending map[proofs.Hash][]queued // by key
}

// A queued statement is not published yet. Its signature is checked when somebody asks about its key: a million may wait.
type queued struct {
	place uint64
	bytes []byte
}

// Desk takes statements into this registry's queue.
func (r *Registry) Desk() issuer.Desk { return &desk{r: r} }

func (d *desk) Trust() *proofs.Trust { return d.r.Trust }

func (d *desk) Authorities(ctx context.Context) (proofs.Authorities, uint64, error) {
	if err := d.look(ctx); err != nil {
		return nil, 0, err
	}
	return d.as.Clone(), d.place, nil
}

// look reads the queue before the state: a publication in between only moves statements from the one to the other.
func (d *desk) look(ctx context.Context) error {
	entries, err := d.r.pendingEntries(ctx)
	if err != nil {
		return err
	}
	state, err := d.r.lastState()
	if err != nil {
		return err
	}
	if d.as, err = state.ReadAuthorities(d.r.Trust); err != nil {
		return err
	}
	d.state, d.finder = state, index.NewFinder(d.r.store(), state.RootTile)
	d.takePending(entries)
	return nil
}

func (d *desk) takePending(entries [][]byte) {
	d.place, d.pending = d.state.Size, map[proofs.Hash][]queued{}
	root := []byte("\nissuer " + d.r.Trust.RootName() + "\n")
	for _, b := range entries {
		text, _, _ := bytes.Cut(b, []byte("\n\n"))
		if env, err := proofs.ParseEnvelope(string(text) + "\n"); err == nil && env.Selector != "" {
			key := proofs.KeyOf(env.Selector)
			d.pending[key] = append(d.pending[key], queued{d.place, b})
		}
		if bytes.Contains(b, root) {
			if e, err := d.r.Trust.Authorise(d.as, d.place, b); err == nil {
				d.as.Apply(e)
			}
		}
		d.place++
	}
}

func (d *desk) Record(ctx context.Context, key proofs.Hash) ([]*proofs.Entry, error) {
	if d.state == nil {
		if err := d.look(ctx); err != nil {
			return nil, err
		}
	}
	rec, ok, err := d.published(key)
	if err != nil {
		return nil, d.r.notWhole(err)
	}
	var entries []*proofs.Entry
	if ok {
		if entries, err = index.Entries(rec); err != nil {
			return nil, err
		}
	}
	for _, w := range d.pending[key] {
		if e, err := d.r.Trust.Authorise(d.as, w.place, w.bytes); err == nil && proofs.KeyOf(e.Envelope.Selector) == key {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// published finds a record, of the issuer list or of the map.
func (d *desk) published(key proofs.Hash) (proofs.Record, bool, error) {
	list := d.state.Issuers.Records
	byKey := func(r proofs.Record, k proofs.Hash) int { return bytes.Compare(r.Key[:], k[:]) }
	if i, ok := slices.BinarySearchFunc(list, key, byKey); ok {
		return list[i], true, nil
	}
	if d.state.Keys == 0 {
		return proofs.Record{}, false, nil
	}
	return d.finder.Find(key)
}

func (d *desk) Deliver(ctx context.Context, entries [][]byte) error {
	d.state = nil
	return d.r.Enqueue(ctx, entries)
}
