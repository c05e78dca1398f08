package gate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

// hashOf is the hash by which the item is known, over bytes that claim to be it.
func (it item) hashOf(b []byte) (h proofs.Hash, err error) {
	switch it.Kind {
	case kindFile:
		if len(b) != it.N {
			return h, fmt.Errorf("%d bytes, want %d", len(b), it.N)
		}
		return hashOf(b), nil
	case kindPast:
		return it.past(b)
	case kindTile:
		hashes, err := proofs.Tile{Width: proofs.TileWidth}.Hashes(b)
		if err != nil {
			return h, err
		}
		return proofs.TopOf(hashes), nil
	case kindBundle:
		hashes, err := leavesOf(b, proofs.TileWidth)
		if err != nil {
			return h, err
		}
		return proofs.TopOf(hashes), nil
	case kindEdge:
		hashes, err := leavesOf(b, it.N)
		var all []byte
		for _, h := range hashes {
			all = append(all, h[:]...)
		}
		return hashOf(all), err
	case kindSlot:
		s, err := proofs.ParseSlot(b)
		if err != nil {
			return h, err
		}
		return s.Hash(), nil
	case kindMapTile:
		t, err := proofs.ParseMapTile(b)
		if err == nil && t.Depth != it.N {
			err = fmt.Errorf("a map tile of depth %d, want %d", t.Depth, it.N)
		}
		if err != nil {
			return h, err
		}
		return t.Hash(), nil
	case kindIssuers:
		l, err := proofs.ParseIssuerList(b)
		if err != nil {
			return h, err
		}
		return l.Root(), nil
	}
	return h, fmt.Errorf("of an unknown kind %q", it.Kind)
}

// past wants a checkpoint of the size that its path names.
func (it item) past(b []byte) (proofs.Hash, error) {
	c, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		return proofs.Hash{}, err
	}
	if size, _, _ := strings.Cut(strings.TrimPrefix(it.Path, "ledger/history/"), "/"); size != strconv.FormatUint(c.Size, 10) {
		return proofs.Hash{}, fmt.Errorf("a checkpoint of size %d, want %s", c.Size, size)
	}
	return hashOf(b), nil
}

func leavesOf(bundle []byte, width int) ([]proofs.Hash, error) {
	entries, err := proofs.ParseBundle(bundle, width)
	if err != nil {
		return nil, err
	}
	hashes := make([]proofs.Hash, len(entries))
	for i, e := range entries {
		hashes[i] = proofs.LeafHash(e)
	}
	return hashes, nil
}

// A chunk is one part of a plan's list.
type chunk struct {
	hash  string
	items []item
	last  bool // one of those that come after all others
}

// chunk reads a chunk of an offer's plan.
func (g *Gate) chunk(ctx context.Context, o *offer, number string) (*chunk, *planState, error) {
	s, err := g.planned(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 || i >= len(s.Items.Parts) || strconv.Itoa(i) != number {
		return nil, nil, refuse(codeMalformed, "chunk %q: there are %d, from 0 on", number, len(s.Items.Parts))
	}
	c := &chunk{hash: s.Items.Parts[i], last: i >= s.First}
	c.items, err = readPart[item](ctx, g, o.id, c.hash)
	return c, s, err
}

// planned reads a plan that is at its end.
func (g *Gate) planned(ctx context.Context, o *offer) (*planState, error) {
	s := &planState{}
	_, ok, err := g.getJSON(ctx, planObject(o.id), s)
	if err == nil && (!ok || !s.Done || s.Over != o.Over || !g.stands(s.Rests)) {
		err = refuse(codeMissing, "this offer's plan is not at its end")
	}
	return s, err
}

// promote proves the files of a chunk one by one, and puts each under its name. The missing ones are returned; if there are none, the chunk is marked as done.
//
// What lies under its name already was proved when it was put there; it is proved again all the same, since one who reads it has as good as done so: a file that
// rotted away meanwhile is uploaded anew.
//
// Map tiles come last: two tiles of one hash can differ, if one takes the node of a subtree for a slot; but the files to which the wrong one leads cannot be had.
func (g *Gate) promote(ctx context.Context, o *offer, s *planState, c *chunk, sha []string) (missing []string, err error) {
	if len(sha) != len(c.items) {
		return nil, refuse(codeMalformed, "%d hashes, want one for each of the %d paths", len(sha), len(c.items))
	}
	if _, _, err := g.inForce(ctx, o); err != nil { // what was overtaken can be a fork, whose tiles have the names of those in force
		return nil, err
	}
	run, err := g.notCleaning(ctx)
	if err != nil {
		return nil, err
	}
	if c.last {
		if left, err := g.undone(ctx, o, s.Items.Parts[:s.First]); err != nil || left > 0 {
			if err == nil {
				err = refuse(codeBusy, "%d chunks come before this one, which have to be done first", left)
			}
			return nil, err
		}
	}
	var mu sync.Mutex
	lost := make([]bool, len(c.items))
	err = each(ctx, g.io, c.items, item.bytes, func(ctx context.Context, i int, it item) error {
		ok, err := g.promoteOne(ctx, it, &share{g.io, it.bytes()}, sha[i])
		mu.Lock()
		defer mu.Unlock()
		lost[i] = !ok
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, it := range c.items {
		if lost[i] {
			missing = append(missing, it.Path)
		}
	}
	if len(missing) > 0 {
		return missing, nil
	}
	if now, err := g.notCleaning(ctx); err != nil || now != run {
		if err == nil {
			err = refuse(codeBusy, "old files were cleaned away meanwhile")
		}
		return nil, err
	}
	return nil, g.store().Put(ctx, doneObject(o.id, c.hash), []byte("done\n"), store.Always)
}

// A share is what something under way has of a pace's bytes.
type share struct {
	pace  *pace
	bytes int64
}

// getItem reads what claims to be an item. Its share covers all of it: where that is more than was thought, it is asked for once more. What is larger than
// the item can be is a refusal.
func (g *Gate) getItem(ctx context.Context, it item, s *share, name string) (b []byte, ok bool, err error) {
	b, ok, err = g.getMost(ctx, name, min(s.bytes, it.most()))
	var large *store.LargeError
	if !errors.As(err, &large) {
		return b, ok, err
	}
	if large.Size > it.most() {
		return nil, false, refuse(codeWrong, "%s: %d bytes, want at most %d", it.Path, large.Size, it.most())
	}
	if err := s.pace.grow(ctx, s.bytes, large.Size); err != nil {
		return nil, false, err
	}
	s.bytes = large.Size
	return g.getMost(ctx, name, s.bytes)
}

// promoteOne proves one file, and puts it under its name. It asks the store four times at most, for whatever is larger than its share: twice for what was uploaded,
// and then once to write it, or, if that is gone meanwhile, twice for what is there.
func (g *Gate) promoteOne(ctx context.Context, it item, s *share, sha string) (ok bool, err error) {
	began := s.bytes
	defer func() { s.pace.shrink(s.bytes, began) }()
	if sha != "" {
		if _, err := proofs.ParseHash(sha); err != nil {
			return false, refuse(codeMalformed, "%s: %v", it.Path, err)
		}
		b, ok, err := g.getItem(ctx, it, s, stagedPrefix+sha)
		if err != nil {
			return false, err
		}
		if ok {
			if err := it.verify(b); err != nil {
				return false, refuse(codeWrong, "%s: %v", it.Path, err)
			}
			if err := g.mayReplace(ctx, it); err != nil {
				return false, err
			}
			return true, g.store().Put(ctx, it.object(), b, store.Always)
		}
	}
	b, ok, err := g.getItem(ctx, it, s, it.object())
	var refused *Refusal
	if errors.As(err, &refused) { // too large: it rotted
		return false, nil
	}
	return ok && it.verify(b) == nil, err
}

// mayReplace refuses an asset that the publication in force has with other bytes: it never changes under its name, and someone may be reading it.
func (g *Gate) mayReplace(ctx context.Context, it item) error {
	if it.Kind != kindFile || it.object() != published.KeptPrefix+it.Path || published.IsProved(it.Path) {
		return nil
	}
	now, err := g.Source.Current(ctx)
	if err != nil || now.Set == nil {
		return err
	}
	if f := now.File(it.Path); f != nil && f.SHA256.String() != it.Hash {
		return refuse(codeWrong, "%s: is in force as %s, and never changes under its name", it.Path, f.SHA256)
	}
	return nil
}

// undone counts the chunks that are not marked as done.
func (g *Gate) undone(ctx context.Context, o *offer, parts []string) (int, error) {
	done := map[string]bool{}
	err := g.list(ctx, doneObject(o.id, ""), func(obj store.Object) error {
		done[strings.TrimPrefix(obj.Name, doneObject(o.id, ""))] = true
		return nil
	})
	n := 0
	for _, p := range parts {
		if !done[p] {
			n++
		}
	}
	return n, err
}

// list goes through all objects under a prefix.
func (g *Gate) list(ctx context.Context, prefix string, f func(store.Object) error) error {
	for after := ""; ; {
		objects, more, err := g.store().List(ctx, prefix, after)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if err := f(o); err != nil {
				return err
			}
			after = o.Name
		}
		if !more || len(objects) == 0 {
			return nil
		}
	}
}
