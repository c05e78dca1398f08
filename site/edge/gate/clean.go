package gate

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

const (
	// cleanFor is how long a run of Clean takes at most; one that has not ended twice as long after it began has died.
	cleanFor = 5 * time.Minute
	// margin is between the last moment at which an offer can come in force and the first at which it is cleaned away.
	margin = time.Hour
	// cleanAtOnce is how many lists of superseded files one run goes through: the next one goes on.
	cleanAtOnce = 10
)

// A cleaning is what the object of that name holds: chunks that were proved while a run began, or ended, are proved once more, since it may have deleted
// what they took for there. What is on offer already when a run begins is not touched by it.
type cleaning struct {
	Run   int64 `json:"run"`
	Until int64 `json:"until,omitempty"` // 0 once it is at its end
}

// notCleaning returns the number of the last run, and refuses while one is under way.
func (g *Gate) notCleaning(ctx context.Context) (run int64, err error) {
	var c cleaning
	if _, _, err := g.getJSON(ctx, cleaningObject, &c); err != nil {
		return 0, err
	}
	if c.Until > g.Now().Unix() {
		return 0, refuse(codeBusy, "old files are being cleaned away")
	}
	return c.Run, nil
}

// Clean deletes what nothing comes of any more: uploads and offers that are too old, attempts long past, and what was superseded a while ago and is not
// referred to again. It may be called at any time, by several at once.
func (g *Gate) Clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanFor)
	defer cancel()
	var c cleaning
	version, ok, err := g.getJSON(ctx, cleaningObject, &c)
	if err != nil || c.Until > g.Now().Unix() {
		return err
	}
	when := store.Absent
	if ok {
		when = store.Still(version)
	}
	c = cleaning{c.Run + 1, g.Now().Add(2 * cleanFor).Unix()}
	if err := g.putJSON(ctx, cleaningObject, c, when); err != nil {
		if errors.Is(err, store.ErrChanged) {
			return nil
		}
		return err
	}
	err = g.clean(ctx)
	return errors.Join(err, g.putJSON(ctx, cleaningObject, cleaning{Run: c.Run}, store.Always))
}

func (g *Gate) clean(ctx context.Context) error {
	now := g.Now()
	open, err := g.cleanOffers(ctx, now.Add(-g.Limits.Offered-margin))
	if err != nil {
		return err
	}
	if err := g.cleanSuperseded(ctx, now.Add(-g.Limits.Grace), open); err != nil {
		return err
	}
	if err := g.cleanRests(ctx, open); err != nil {
		return err
	}
	old := now.Add(-g.Limits.Staged)
	if err := g.sweep(ctx, stagedPrefix, func(o store.Object) bool { return o.Time.Before(old) }); err != nil {
		return err
	}
	day := attemptsPrefix + now.Add(-g.Limits.Told).UTC().Format(time.DateOnly)
	return g.sweep(ctx, attemptsPrefix, func(o store.Object) bool { return o.Name < day })
}

// sweep deletes the objects under a prefix that are done with.
func (g *Gate) sweep(ctx context.Context, prefix string, done func(store.Object) bool) error {
	var names []string
	err := g.list(ctx, prefix, func(o store.Object) error {
		if done(o) {
			names = append(names, o.Name)
		}
		if len(names) < store.MostDeleted {
			return nil
		}
		err := g.store().Delete(ctx, names...)
		names = names[:0]
		return err
	})
	if err == nil && len(names) > 0 {
		err = g.store().Delete(ctx, names...)
	}
	return err
}

// cleanOffers deletes offers from before a time, and returns the others.
func (g *Gate) cleanOffers(ctx context.Context, before time.Time) (open []*offer, err error) {
	seen := map[string]bool{} // whether it stays
	err = g.sweep(ctx, offersPrefix, func(obj store.Object) bool {
		id, _, _ := strings.Cut(strings.TrimPrefix(obj.Name, offersPrefix), "/")
		stays, ok := seen[id]
		if !ok {
			o, e := g.openOffer(ctx, id)
			err = errors.Join(err, e)
			stays = e != nil || o != nil && !time.Unix(o.Time, 0).Before(before)
			if seen[id] = stays; stays && o != nil {
				open = append(open, o)
			}
		}
		return !stays
	})
	return open, err
}

// cleanRests deletes what is told of publications that are neither the one that current names nor on offer.
func (g *Gate) cleanRests(ctx context.Context, open []*offer) error {
	now, err := g.Source.WithoutBase().Current(ctx)
	if err != nil {
		return err
	}
	stay := map[string]bool{restsObject(now.ID.String()): true}
	for _, o := range open {
		stay[restsObject(o.Publication)] = true
	}
	return g.sweep(ctx, restsPrefix, func(obj store.Object) bool { return !stay[obj.Name] })
}

// openOffer reads an offer whatever its age; nil if there is none, and what is left of one can go.
func (g *Gate) openOffer(ctx context.Context, id string) (*offer, error) {
	o := &offer{id: id}
	_, ok, err := g.getJSON(ctx, offerObject(id), o)
	if err != nil || !ok {
		return nil, err
	}
	n, err := proofs.ParseNote([]byte(o.Set))
	if err == nil {
		o.set, err = proofs.ParseSetText(n.Text)
	}
	return o, err
}

// cleanSuperseded deletes what was superseded before a time, unless something refers to it.
func (g *Gate) cleanSuperseded(ctx context.Context, before time.Time, open []*offer) error {
	refs, err := g.references(ctx, open)
	if err != nil {
		return err
	}
	n := 0
	return g.list(ctx, supersededPrefix, func(obj store.Object) error {
		var s superseded
		if _, ok, err := g.getJSON(ctx, obj.Name, &s); err != nil || !ok || !time.Unix(s.Time, 0).Before(before) || n == cleanAtOnce {
			return err
		}
		n++
		return g.cleanRecord(ctx, obj.Name, s, refs)
	})
}

// cleanRecord deletes the files of a record, and the record; those that something refers to stay in it, for another time.
func (g *Gate) cleanRecord(ctx context.Context, name string, s superseded, refs *references) error {
	var names []string
	var stay []gone
	for _, f := range s.Files {
		used, err := refs.to(ctx, f)
		switch {
		case err != nil:
			return err
		case used:
			stay = append(stay, f)
		default:
			names = append(names, f.Object)
		}
	}
	if err := g.store().Delete(ctx, names...); err != nil {
		return err
	}
	if len(stay) > 0 {
		return g.putJSON(ctx, name, superseded{g.Now().Unix(), stay}, store.Always)
	}
	return g.store().Delete(ctx, name)
}

// references finds out what is referred to: by the publication in force, by the one that current names if that is another, and by what is on offer.
type references struct {
	g     *Gate
	files map[string]bool // objects of their sets
	maps  []reference
	tiles map[string]*proofs.MapTile
}

type reference struct {
	tile    *proofs.MapTile
	issuers string
}

func (g *Gate) references(ctx context.Context, open []*offer) (*references, error) {
	r := &references{g: g, files: map[string]bool{}, tiles: map[string]*proofs.MapTile{}}
	for _, src := range []*published.Source{g.Source, g.Source.WithoutBase()} {
		now, err := src.Current(ctx)
		if err != nil {
			return nil, err
		}
		if now.Set == nil {
			continue
		}
		r.set(now.Set)
		b, err := src.Read(ctx, now, proofs.HeadPath)
		if err != nil {
			return nil, err
		}
		x, tile, err := readHead(b)
		if err != nil {
			return nil, err
		}
		r.maps = append(r.maps, reference{tile, x.IssuersRoot.String()})
	}
	for _, o := range open {
		r.set(o.set)
		tile, err := proofs.ParseMapTile(o.RootTile)
		if err != nil {
			return nil, err
		}
		r.maps = append(r.maps, reference{tile, o.IssuersRoot})
	}
	return r, nil
}

func (r *references) set(s *proofs.Set) {
	for _, f := range s.Files {
		r.files[objectOf(f.Name, f.SHA256.String())] = true
	}
}

// to reports whether a file is referred to, or may be.
func (r *references) to(ctx context.Context, f gone) (bool, error) {
	if r.files[f.Object] {
		return true, nil
	}
	path, index := strings.CutPrefix(f.Object, published.KeptPrefix+"index/")
	if !index {
		return false, nil
	}
	_, hash, _ := strings.Cut(path, "/")
	for _, m := range r.maps {
		if m.issuers == hash {
			return true, nil
		}
		if f.Prefix == "" {
			continue
		}
		if used, err := r.below(ctx, m.tile, f.Prefix, hash); err != nil || used {
			return used, err
		}
	}
	return false, nil
}

// below looks for a hash on the way down a map to a place. What cannot be read may refer to it.
func (r *references) below(ctx context.Context, tile *proofs.MapTile, prefix, hash string) (bool, error) {
	key, err := proofs.ParseHash(prefix)
	if err != nil {
		return true, nil
	}
	for {
		l, _ := tile.Descend(key)
		name := l.Hash.String()
		if name == hash || !l.Tile {
			return name == hash, nil
		}
		if tile = r.tiles[name]; tile != nil {
			continue
		}
		b, err := r.g.Source.Kept(ctx, indexPath(name))
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		if err == nil {
			tile, err = proofs.ParseMapTile(b)
		}
		if err != nil {
			return true, err
		}
		r.tiles[name] = tile
	}
}
