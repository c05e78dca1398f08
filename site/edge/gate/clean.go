package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

const (
	// cleanFor is how long a run of Clean begins anything more. Its lock lasts twice as long: a run that has died keeps publishers waiting for four minutes, for
	// which they are patient (package push: ten tries), and less than until the next run.
	cleanFor = 2 * time.Minute
	lockFor  = 2 * cleanFor
	// lastRequest is how much longer the request may take that was begun last, and giving the lock back.
	lastRequest = 30 * time.Second
	// longestBusy is after how many seconds at most somebody who waits for a run asks again: most runs take much less than their lock lasts.
	longestBusy = 30
	// margin is between the last moment at which an offer can come in force and the first at which it is cleaned away: clocks differ.
	margin = time.Hour
	// cleanAtOnce is how many lists of superseded files one run goes through: the next one goes on.
	cleanAtOnce = 10
	// keptOffers is how many of the newest offers are kept that were overtaken: what comes and goes and comes again (a page, a deployment that is taken back) can
	// still be read by those who read it just now. Each is read by each run. cleanOffersAt is how many there are before the others are taken away.
	keptOffers    = 20
	cleanOffersAt = keptOffers + 10
	// reserve is how much of a ration is for ending what was begun: deleting what was found, and noting what was not looked at.
	reserve = 20
)

// A cleaning is what the object of that name holds: chunks that were proved while a run began, or ended, are proved once more, since it may have deleted
// what they took for there. What is on offer already when a run begins is not touched by it.
type cleaning struct {
	Run   int64 `json:"run"`
	Until int64 `json:"until,omitempty"` // 0 once it is at its end

	// Where the next run goes on.
	Staged string `json:"staged,omitempty"` // behind this upload
	Record string `json:"record,omitempty"` // with this list of superseded files, which the last run was not through with
}

// underWay is for how many seconds at most the run may still be at work; 0: not any more. A time that is further ahead than clocks differ is of one that was wrong.
func (c cleaning) underWay(now time.Time) int64 {
	if left := c.Until - now.Unix(); left > 0 && left <= int64((lockFor+margin)/time.Second) {
		return left
	}
	return 0
}

// notCleaning returns the number of the last run, and refuses while one is under way.
func (g *Gate) notCleaning(ctx context.Context) (run int64, err error) {
	var c cleaning
	if _, _, err := g.getJSON(ctx, cleaningObject, &c); err != nil {
		return 0, err
	}
	if left := c.underWay(g.Now()); left > 0 {
		r := refuse(codeBusy, "old files are being cleaned away")
		r.wait = min(left, longestBusy)
		return 0, r
	}
	return c.Run, nil
}

// errEnough ends a part of a run, and is no error: the next run goes on.
var errEnough = errors.New("enough for one run of cleaning")

// A ration is a store of which one run asks so much and no more: a Worker that asks too often dies where it is.
type ration struct {
	store.Store
	left  int // requests
	share int // of them for what is being done now
	late  func() bool
}

// read is for everything that is asked; what is written follows from it, and is let through: that is what the reserve is for.
func (r *ration) read() error {
	if r.left <= reserve || r.share <= 0 || r.late() {
		return errEnough
	}
	r.spend()
	return nil
}

func (r *ration) spend() {
	r.left--
	r.share--
}

func (r *ration) Get(ctx context.Context, name string) ([]byte, string, error) {
	if err := r.read(); err != nil {
		return nil, "", err
	}
	return r.Store.Get(ctx, name)
}

func (r *ration) List(ctx context.Context, prefix, after string) ([]store.Object, bool, error) {
	if err := r.read(); err != nil {
		return nil, false, err
	}
	return r.Store.List(ctx, prefix, after)
}

func (r *ration) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	r.spend()
	return r.Store.Put(ctx, name, b, when)
}

func (r *ration) Delete(ctx context.Context, names ...string) error {
	r.spend()
	return r.Store.Delete(ctx, names...)
}

// A cleaner is one run of Clean: a gate over a ration.
type cleaner struct {
	*Gate
	ration *ration
	all    *Gate // over the whole store
	state  cleaning
	refs   *references
	rests  map[string]bool // that stay
}

func (g *Gate) cleaner() *cleaner {
	end := g.Now().Add(cleanFor)
	r := &ration{Store: g.store(), left: g.Limits.Clean - 2, late: func() bool { return !g.Now().Before(end) }} // two for giving the lock back
	src := &published.Source{Store: r, Base: g.Source.Base, Trust: g.Source.Trust}
	if asset := g.Source.Asset; asset != nil {
		src.Asset = func(ctx context.Context, name string) ([]byte, error) {
			if err := r.read(); err != nil {
				return nil, err
			}
			return asset(ctx, name)
		}
	}
	over := *g
	over.Source = src
	c := &cleaner{Gate: &over, ration: r, all: g, rests: map[string]bool{}}
	c.refs = &references{g: c.Gate, files: map[string]bool{}, issuers: map[string]bool{}, tiles: map[string]*proofs.MapTile{}}
	return c
}

// Clean deletes what nothing comes of any more: uploads and offers that are too old, attempts long past, and what was superseded a while ago and is not
// referred to again. It may be called at any time, by several at once. One call does as much as Limits.Clean says, and the next one goes on.
func (g *Gate) Clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanFor+lastRequest)
	defer cancel()
	c := g.cleaner()
	c.ration.spend()
	version, ok, err := c.all.getJSON(ctx, cleaningObject, &c.state)
	if err != nil || c.state.underWay(g.Now()) > 0 {
		return err
	}
	was := c.state
	when := store.Absent
	if ok {
		when = store.Still(version)
	}
	_, err = c.part(10, func() error { return c.staged(ctx) })
	_, err2 := c.part(20, func() error { return c.attempts(ctx) })
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	due := false
	end, err := c.part(10, func() (err error) {
		due, err = c.due(ctx)
		return err
	})
	if err != nil || end && !due && c.state == was {
		return err
	}
	c.state.Until = 0
	if due || !end {
		c.state.Run++
		c.state.Until = g.Now().Add(lockFor).Unix()
	}
	if err := c.putJSON(ctx, cleaningObject, c.state, when); err != nil {
		if errors.Is(err, store.ErrChanged) {
			return nil
		}
		return err
	}
	if c.state.Until == 0 {
		return nil
	}
	return errors.Join(c.locked(ctx), c.release(ctx))
}

// part does a part of the work, for which the store is asked one nth of the ration, and reports whether it came to its end.
func (c *cleaner) part(nth int, f func() error) (end bool, err error) {
	c.ration.share = c.Limits.Clean / nth
	err = f()
	if errors.Is(err, errEnough) {
		return false, nil
	}
	return err == nil, err
}

// locked does what nobody may prove chunks beside: it takes away what they count as there.
func (c *cleaner) locked(ctx context.Context) error {
	gone := map[string]bool{}
	all, err := c.part(3, func() error { return c.offers(ctx, gone) })
	if err != nil {
		return err
	}
	swept := true
	if len(gone) > 0 {
		if swept, err = c.part(10, func() error { return c.cleanOffers(ctx, gone) }); err != nil {
			return err
		}
	}
	if !all || !swept { // what else is on offer refers to something too; and what is left of an offer counts on it, if it is made again
		return nil
	}
	if _, err := c.part(20, func() error { return c.cleanRests(ctx) }); err != nil {
		return err
	}
	_, err = c.part(1, func() error { return c.superseded(ctx) })
	return err
}

// release gives the lock back, with where the next run goes on: also where the time is over. Who has lost it lets the other one be.
func (c *cleaner) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRequest)
	defer cancel()
	var now cleaning
	version, _, err := c.all.getJSON(ctx, cleaningObject, &now)
	if err != nil || now.Run != c.state.Run || now.Until != c.state.Until {
		return err
	}
	c.state.Until = 0
	err = c.all.putJSON(ctx, cleaningObject, c.state, store.Still(version))
	if errors.Is(err, store.ErrChanged) {
		return nil
	}
	return err
}

// delete deletes as long as the lock is this run's. One that was held up for longer has an old view of what is on offer.
func (c *cleaner) delete(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	if err := c.own(ctx); err != nil {
		return err
	}
	return c.store().Delete(ctx, names...)
}

func (c *cleaner) own(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var now cleaning
	c.ration.spend()
	if _, _, err := c.all.getJSON(ctx, cleaningObject, &now); err != nil {
		return err
	}
	if now.Run != c.state.Run || now.Until != c.state.Until || now.underWay(c.Now()) == 0 {
		return fmt.Errorf("the object %s: run %d until %d, want %d until %d: this run was held up until its lock was over", cleaningObject, now.Run, now.Until, c.state.Run, c.state.Until)
	}
	return nil
}

// sweep deletes the objects under a prefix that are done with, from behind a name on and page by page, and returns behind which one it ended; "" if with the last.
// Where done has had enough, what it has decided holds.
func (c *cleaner) sweep(ctx context.Context, prefix, after string, done func(store.Object) (bool, error), remove func(ctx context.Context, names ...string) error) (string, error) {
	for {
		objects, more, err := c.store().List(ctx, prefix, after)
		if err != nil {
			return after, err
		}
		var names []string
		for _, o := range objects {
			var is bool
			if is, err = done(o); err != nil {
				break
			}
			if is {
				names = append(names, o.Name)
			}
		}
		if len(names) > 0 {
			if err := remove(ctx, names...); err != nil {
				return after, err
			}
		}
		if err != nil {
			return after, err
		}
		if !more || len(objects) == 0 {
			return "", nil
		}
		after = objects[len(objects)-1].Name
	}
}

// staged deletes uploads. That needs no lock: who finds one gone asks for it again.
func (c *cleaner) staged(ctx context.Context) (err error) {
	old := c.Now().Add(-c.Limits.Staged)
	c.state.Staged, err = c.sweep(ctx, stagedPrefix, c.state.Staged, func(o store.Object) (bool, error) { return o.Time.Before(old), nil }, c.store().Delete)
	return err
}

// attempts deletes what is told of days long past: they come first.
func (c *cleaner) attempts(ctx context.Context) error {
	day := attemptsPrefix + c.Now().Add(-c.Limits.Told).UTC().Format(time.DateOnly)
	_, err := c.sweep(ctx, attemptsPrefix, "", func(o store.Object) (bool, error) {
		if o.Name >= day {
			return false, errEnough
		}
		return true, nil
	}, c.store().Delete)
	return err
}

// due reports whether there is anything for which to take the lock.
func (c *cleaner) due(ctx context.Context) (bool, error) {
	if c.state.Record != "" {
		return true, nil
	}
	ids, err := c.offered(ctx)
	if err != nil || len(ids) > cleanOffersAt {
		return true, err
	}
	for _, o := range ids {
		if o.at.Before(c.tooOld()) {
			return true, nil
		}
	}
	due := false
	err = c.list(ctx, supersededPrefix, func(obj store.Object) error {
		if due = c.overdue(obj); due {
			return errEnough
		}
		return nil
	})
	return due, err
}

func (c *cleaner) tooOld() time.Time { return c.Now().Add(-c.Limits.Offered - margin) }
func (c *cleaner) grace() time.Time  { return c.Now().Add(-c.Limits.Grace) }

// overdue reports whether a list of superseded files may be old enough: it was not written before what it tells.
func (c *cleaner) overdue(obj store.Object) bool { return obj.Time.Before(c.grace()) }

// An offered ID is one under which there is something.
type offered struct {
	id string
	at time.Time // when its offer was written; long ago if that is gone
}

// offered lists what is on offer, or was, oldest first.
func (c *cleaner) offered(ctx context.Context) (ids []offered, err error) {
	err = c.list(ctx, offersPrefix, func(obj store.Object) error {
		id, rest, _ := strings.Cut(strings.TrimPrefix(obj.Name, offersPrefix), "/")
		if len(ids) == 0 || ids[len(ids)-1].id != id {
			ids = append(ids, offered{id: id})
		}
		if rest == "offer" {
			ids[len(ids)-1].at = obj.Time
		}
		return nil
	})
	slices.SortFunc(ids, func(a, b offered) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.id, b.id)) })
	return ids, err
}

// offers reads what is on offer, oldest first, notes what it refers to, and which of it can go: what is too old; and what can never come in force any more, since
// the times of what current names only grow. Where it has had enough, what was read last may be on offer still.
func (c *cleaner) offers(ctx context.Context, gone map[string]bool) error {
	now, err := c.Source.WithoutBase().Current(ctx)
	if err != nil {
		return err
	}
	ids, more := c.offered(ctx)
	if more != nil && !errors.Is(more, errEnough) {
		return more
	}
	for i, at := range ids {
		o, err := c.openOffer(ctx, at.id)
		if err != nil {
			return err
		}
		if o == nil || time.Unix(o.Time, 0).Before(c.tooOld()) {
			gone[at.id] = true
			continue
		}
		overtaken := now.Set != nil && o.set.Time <= now.Time && o.Publication != now.ID.String()
		switch {
		case !overtaken:
			if err := c.refs.offer(o); err != nil {
				return err
			}
			c.rests[restsObject(o.Publication)] = true
		case i < len(ids)-keptOffers:
			gone[at.id] = true
		case !time.Unix(o.Time, 0).Before(c.grace()):
			c.refs.past(o)
		}
	}
	return more
}

// cleanOffers deletes all that there is of offers.
func (c *cleaner) cleanOffers(ctx context.Context, gone map[string]bool) error {
	_, err := c.sweep(ctx, offersPrefix, "", func(obj store.Object) (bool, error) {
		id, _, _ := strings.Cut(strings.TrimPrefix(obj.Name, offersPrefix), "/")
		return gone[id], nil
	}, c.delete)
	return err
}

// cleanRests deletes what is told of publications that are neither the one that current names nor on offer. What was written just now may be of one that was
// offered, and has come in force, since the offers were read.
func (c *cleaner) cleanRests(ctx context.Context) error {
	now, err := c.Source.WithoutBase().Current(ctx)
	if err != nil {
		return err
	}
	c.rests[restsObject(now.ID.String())] = true
	old := c.Now().Add(-margin)
	_, err = c.sweep(ctx, restsPrefix, "", func(obj store.Object) (bool, error) { return !c.rests[obj.Name] && obj.Time.Before(old), nil }, c.delete)
	return err
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

// superseded deletes what was superseded a while ago, unless something refers to it.
func (c *cleaner) superseded(ctx context.Context) error {
	if err := c.refs.inForce(ctx); err != nil {
		return err
	}
	if c.state.Record != "" {
		if err := c.record(ctx, c.state.Record); err != nil {
			return err
		}
		c.state.Record = ""
	}
	n := 0
	return c.list(ctx, supersededPrefix, func(obj store.Object) error {
		if !c.overdue(obj) {
			return nil
		}
		if n++; n > cleanAtOnce {
			return errEnough
		}
		return c.record(ctx, obj.Name)
	})
}

// record deletes the files of a list, and the list; those that something refers to stay in it, for another time. Where the ration ends, those that were not looked
// at stay too, for the next run.
func (c *cleaner) record(ctx context.Context, name string) error {
	var s superseded
	if _, ok, err := c.getJSON(ctx, name, &s); err != nil || !ok || !time.Unix(s.Time, 0).Before(c.grace()) {
		return err
	}
	var names []string
	all := len(s.Files)
	for len(s.Files) > 0 {
		used, err := c.refs.to(ctx, s.Files[0])
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			return err
		}
		if used {
			s.Stay = append(s.Stay, s.Files[0])
		} else {
			names = append(names, s.Files[0].Object)
		}
		s.Files = s.Files[1:]
	}
	if err := c.delete(ctx, names...); err != nil {
		return err
	}
	switch {
	case len(s.Files) == all && all > 0:
		return errEnough
	case len(s.Files) > 0:
		if err := c.putJSON(ctx, name, s, store.Always); err != nil {
			return err
		}
		c.state.Record = name // it has just been written, and is not found by its time
		return errEnough
	case len(s.Stay) > 0:
		return c.putJSON(ctx, name, superseded{Time: c.Now().Unix(), Files: s.Stay}, store.Always)
	}
	return c.delete(ctx, name)
}

// references are what is referred to: by the publication in force, by the one that current names if that is another, by what is on offer, and by the sets of what
// was lately.
type references struct {
	g       *Gate
	files   map[string]bool // objects of their sets
	issuers map[string]bool // roots of their issuer lists
	maps    []*proofs.MapTile
	tiles   map[string]*proofs.MapTile
}

// inForce adds the publication in force, and the one that current names.
func (r *references) inForce(ctx context.Context) error {
	for _, src := range []*published.Source{r.g.Source, r.g.Source.WithoutBase()} {
		now, err := src.Current(ctx)
		if err != nil {
			return err
		}
		if now.Set == nil {
			continue
		}
		r.set(now.Set)
		b, err := src.Read(ctx, now, proofs.HeadPath)
		if err != nil {
			return err
		}
		x, tile, err := readHead(b)
		if err != nil {
			return err
		}
		r.maps, r.issuers[x.IssuersRoot.String()] = append(r.maps, tile), true
	}
	return nil
}

// offer adds what can still come in force.
func (r *references) offer(o *offer) error {
	r.past(o)
	tile, err := proofs.ParseMapTile(o.RootTile)
	if err == nil {
		r.maps = append(r.maps, tile)
	}
	return err
}

// past adds what was in force, or could have been. Its map is left out: what a map has lost does not come back in it.
func (r *references) past(o *offer) {
	r.set(o.set)
	r.issuers[o.IssuersRoot] = true
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
	if r.issuers[hash] {
		return true, nil
	}
	if f.Prefix == "" {
		return false, nil
	}
	for _, tile := range r.maps {
		if used, err := r.below(ctx, tile, f.Prefix, hash); err != nil || used {
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
