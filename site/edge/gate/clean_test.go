package gate_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/build/follow/followtest"
	"stele/proofs"
	"stele/site/edge/store"
)

// A dated store tells the edge's time as that at which an object was written, and may do something before an object is read.
type dated struct {
	store.Store
	e      *edge
	times  map[string]time.Time
	before func(name string)
}

func (d *dated) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	err := ctx.Err()
	if err == nil {
		err = d.Store.Put(ctx, name, b, when)
	}
	if err == nil {
		d.e.mu.Lock()
		defer d.e.mu.Unlock()
		d.times[name] = d.e.now
	}
	return err
}

func (d *dated) Get(ctx context.Context, name string) ([]byte, string, error) {
	if d.before != nil {
		d.before(name)
	}
	return d.Store.Get(ctx, name)
}

func (d *dated) List(ctx context.Context, prefix, after string) ([]store.Object, bool, error) {
	objects, more, err := d.Store.List(ctx, prefix, after)
	for i := range objects {
		objects[i].Time = d.times[objects[i].Name]
	}
	return objects, more, err
}

func datedEdge(t *testing.T, r *followtest.Registry) (*edge, *dated) {
	e := newEdge(t, r.Trust)
	d := &dated{Store: e.store, e: e, times: map[string]time.Time{}}
	e.store, e.source.Store = d, d
	return e, d
}

func (e *edge) clean(after time.Duration) {
	e.t.Helper()
	e.now = e.now.Add(after)
	if err := e.over(e.store).Clean(context.Background()); err != nil {
		e.t.Fatal(err)
	}
}

// index are the paths of the index to which a registry's newest head leads.
func index(r *followtest.Registry) (paths []string) {
	c := r.Clone()
	c.Collect()
	for _, path := range c.Paths() {
		if strings.HasPrefix(path, "index/") {
			paths = append(paths, "kept/"+path)
		}
	}
	return paths
}

const day = 24 * time.Hour

func TestClean(t *testing.T) {
	r := deep(t)
	e, _ := datedEdge(t, r)
	e.publishNow(r)
	for round := range 2 {
		registerBelow(r, 3_000_000*(round+1), 3)
		for i := range 10 {
			r.Register(followtest.Office, 1_000_000+int(r.Size()), 1_000_001+int(r.Size()))
			if i == 7 {
				r.Accredit(fmt.Sprintf("office%d.test.example", r.Size()))
			}
		}
		r.Publish()
		e.publishNow(r)
	}
	all := e.names("kept/index/")
	want := index(r)
	if len(all) <= len(want) {
		t.Fatalf("%d files of the index, of which %d are referred to", len(all), len(want))
	}
	e.clean(0)
	if got := e.names("kept/index/"); !slices.Equal(got, all) || len(e.names("staged/")) == 0 || len(e.names("offers/")) == 0 {
		t.Fatal("something was cleaned away at once")
	}
	e.clean(2*day + time.Minute)
	if n := e.names("staged/"); len(n) > 0 {
		t.Errorf("%d uploads are left", len(n))
	}
	if got := e.names("kept/index/"); !slices.Equal(got, all) {
		t.Fatal("something was cleaned away before its time")
	}
	e.clean(5 * day)
	got := e.names("kept/index/")
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("%s is gone", name)
		}
	}
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("%s is left", name)
		}
	}
	e.whole()
	if n := e.names("superseded/"); len(n) > 0 {
		t.Errorf("%v is left", n)
	}
	if n := len(e.names("set/")); n != len(setObjects(newPublisher(t, r, nil))) {
		t.Errorf("%d files of sets, want %d", n, len(setObjects(newPublisher(t, r, nil))))
	}
	e.clean(2 * time.Hour)
	if n := e.names("offers/"); len(n) > 0 {
		t.Errorf("%d objects of offers are left", len(n))
	}
	if len(e.names("attempts/")) == 0 {
		t.Error("the attempts are gone")
	}
	e.clean(90 * day)
	if n := e.names("attempts/"); len(n) > 0 {
		t.Errorf("%d attempts are left", len(n))
	}
	e.whole()
	r.Register(followtest.Office, 2_000_000, 2_000_010)
	r.Now = e.now.Unix()
	r.Publish()
	e.publishNow(r)
	e.whole()
}

// An object was superseded, of the index at a place in the map.
type object struct {
	Object string `json:"object"`
	Prefix string `json:"prefix,omitempty"`
}

// supersede notes that objects were superseded long ago.
func (e *edge) supersede(d *dated, id string, objects ...object) {
	e.t.Helper()
	b, err := json.Marshal(map[string]any{"time": 0, "files": objects})
	if err == nil {
		err = d.Store.Put(context.Background(), "superseded/"+id, b, store.Always)
	}
	if err != nil {
		e.t.Fatal(err)
	}
	d.times["superseded/"+id] = time.Unix(0, 0)
}

func setObjects(p *publisher) map[proofs.Hash]bool {
	objects := map[proofs.Hash]bool{}
	for _, f := range p.set.Files {
		if !strings.HasPrefix(f.Name, "assets/") {
			objects[f.SHA256] = true
		}
	}
	return objects
}

// with publishes a heartbeat with one page.
func (e *edge) with(r *followtest.Registry, text string) *publisher {
	heartbeat(r)
	r.Now = max(r.Now, e.now.Unix())
	e.now = r.Clock()
	p := newPublisher(e.t, r, e.handler())
	p.page("index.html", text)
	p.makeSet(r.Now)
	return p
}

// A page that comes again is not cleaned away as the one that was superseded: neither when it is in force, nor when it is on offer, nor when it is just
// being counted as there.
func TestCleanAgain(t *testing.T) {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	e, d := datedEdge(t, r)
	for _, text := range []string{"one", "two", "one"} {
		p := e.with(r, text)
		p.must(p.publish())
	}
	e.clean(8 * day)
	e.whole()
	if !e.has("set/"+sum([]byte("one"))) || e.has("set/"+sum([]byte("two"))) {
		t.Error("the wrong page is left")
	}

	p := e.with(r, "two")
	p.must(p.publish())
	e.clean(6 * day) // the page will be cleaned away as soon as its time is over
	p = e.with(r, "one")
	p.must(p.stage())
	if e.has("staged/" + sum([]byte("one"))) {
		t.Fatal("the page was sent, and not counted as there")
	}
	e.clean(2 * day)
	p.must(p.finish())
	e.whole()

	p = e.with(r, "two")
	p.must(p.publish())
	e.now = e.now.Add(8 * day)
	p = e.with(r, "one")
	cleaned := 0 // when the chunk is tried first, which other files are missing from, and when all are there
	d.before = func(name string) {
		if name == "set/"+sum([]byte("one")) && cleaned < 2 {
			cleaned++
			e.supersede(d, "nothing") // so that there is something to be cleaned
			if err := e.over(e.store).Clean(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}
	err := p.stage()
	if cleaned != 2 {
		t.Fatalf("cleaned %d times", cleaned)
	}
	wantCode(t, err, "busy")
	p.must(p.publish())
	e.whole()
	d.before = nil

	p = e.with(r, "three")
	p.must(p.publish())
	for range 3 {
		e.clean(8 * day)
		e.whole()
	}
	if n := e.names("superseded/"); len(n) > 0 || e.has("set/"+sum([]byte("one"))) || e.has("set/"+sum([]byte("two"))) {
		t.Errorf("%v is left, or a page that is not in force any more", n)
	}
}

// Clean dies at each of its writes in turn. What is in force stays whole, and after a while the next run ends what it has begun.
func TestCleanBrokenOff(t *testing.T) {
	for at := 1; ; at++ {
		r := followtest.New(t, policy)
		r.Register(followtest.Office, 0, 10)
		r.Publish()
		e, _ := datedEdge(t, r)
		e.publishNow(r)
		r.Register(followtest.Office, 10, 20)
		r.Publish()
		e.publishNow(r)
		e.now = e.now.Add(9 * day)
		d := &dying{Store: e.store, at: at, persist: at%2 == 0}
		err := e.over(d).Clean(context.Background())
		if !d.dead {
			if err != nil || at < 5 {
				t.Fatalf("after %d writes: %v", at, err)
			}
			return
		}
		if err == nil {
			t.Fatalf("write %d: nothing was said", at)
		}
		e.whole()
		e.clean(11 * time.Minute)
		e.whole()
		for _, prefix := range []string{"staged/", "offers/", "superseded/"} {
			if n := e.names(prefix); len(n) > 0 {
				t.Errorf("write %d: %d objects are left under %s", at, len(n), prefix)
			}
		}
	}
}

// While it is being cleaned, nothing is counted as there; a run that has died is given up after a while.
func TestCleaningIsSeen(t *testing.T) {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	e, d := datedEdge(t, r)
	e.publishNow(r)
	p := e.with(r, "one")
	e.supersede(d, "old", object{Object: "set/gone"})
	if err := e.over(&dying{Store: e.store, at: 2}).Clean(context.Background()); err == nil {
		t.Fatal("it did not die")
	}
	err := p.stage()
	wantCode(t, err, "busy")
	var told *told
	if errors.As(err, &told); told.Retry != "30" {
		t.Errorf("asked to come back after %s s", told.Retry)
	}
	if err := e.over(e.store).Clean(context.Background()); err != nil || len(e.names("superseded/")) == 0 {
		t.Errorf("a second run beside the first: %v", err)
	}
	e.now = e.now.Add(4*time.Minute - 5*time.Second)
	if errors.As(p.stage(), &told); told.Retry != "5" {
		t.Errorf("asked to come back after %s s, and the lock is over in 5", told.Retry)
	}
	e.now = e.now.Add(6 * time.Second)
	p.must(p.publish())
	e.whole()

	// A clock that was far ahead for a moment keeps nobody from publishing.
	lock := fmt.Appendf(nil, `{"run":9,"until":%d}`, e.now.Add(100*day).Unix())
	if err := e.store.Put(context.Background(), "cleaning", lock, store.Always); err != nil {
		t.Fatal(err)
	}
	p = e.with(r, "two")
	p.must(p.publish())
	e.clean(0)
	if n := e.names("superseded/"); len(n) != 2 {
		t.Errorf("%v: want those of two publications", n)
	}
}

// A run whose time is over, or that is broken off from outside, gives its lock back.
func TestCleanGivesBack(t *testing.T) {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	e, d := datedEdge(t, r)
	e.publishNow(r)
	ctx, cancel := context.WithCancel(context.Background())
	e.supersede(d, "old", object{Object: "set/gone"})
	d.before = func(name string) {
		if name == "superseded/old" {
			cancel()
		}
	}
	if err := e.over(e.store).Clean(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was broken off", err)
	}
	if lock := e.lock(); bytes.Contains(lock, []byte("until")) {
		t.Errorf("the lock is kept: %s", lock)
	}
	p := e.with(r, "one")
	p.must(p.publish())
	d.before = func(name string) {
		if name == "superseded/old" {
			e.now = e.now.Add(3 * time.Minute) // within the lock's time, and longer than a run takes
		}
	}
	e.clean(0)
	if n := e.names("superseded/"); len(n) != 1 {
		t.Errorf("%v: what was begun was not ended", n)
	}
	if lock := e.lock(); bytes.Contains(lock, []byte("until")) {
		t.Errorf("the lock is kept: %s", lock)
	}
	d.before = nil
	p = e.with(r, "two")
	p.must(p.publish())
	e.whole()
}

// A run that was held up for longer than its lock lasts deletes nothing any more: somebody may have counted it as there. Nor does it touch the lock of the next.
func TestCleanHeldUp(t *testing.T) {
	for _, next := range []bool{false, true} {
		r := followtest.New(t, policy)
		r.Register(followtest.Office, 0, 10)
		r.Publish()
		e, d := datedEdge(t, r)
		for _, text := range []string{"one", "two"} {
			p := e.with(r, text)
			p.must(p.publish())
		}
		e.now = e.now.Add(9 * day)
		var p *publisher
		var lock []byte
		d.before = func(name string) {
			if !strings.HasPrefix(name, "superseded/") {
				return
			}
			d.before = nil
			e.now = e.now.Add(5 * time.Minute)
			p = e.with(r, "one")
			if p.must(p.stage()); e.has("staged/" + sum([]byte("one"))) {
				t.Error("the page was sent, and not counted as there")
			}
			if next {
				e.supersede(d, "older")
				if err := e.over(&dying{Store: e.store, at: 2}).Clean(context.Background()); err == nil {
					t.Error("it did not die")
				}
				lock = e.lock()
			}
		}
		if err := e.over(e.store).Clean(context.Background()); err == nil || !strings.Contains(err.Error(), "held up") {
			t.Errorf("%v, want that it was held up", err)
		}
		if got := e.lock(); next && !bytes.Equal(got, lock) {
			t.Errorf("the lock of the next run is %s, want %s", got, lock)
		}
		p.must(p.finish())
		e.whole()
	}
}

func (e *edge) lock() []byte {
	b, _, err := e.store.Get(context.Background(), "cleaning")
	if err != nil {
		e.t.Error(err)
	}
	return b
}

// Where an offer cannot be read, nothing is deleted to which it may refer.
func TestCleanUnreadOffer(t *testing.T) {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	e, _ := datedEdge(t, r)
	for _, text := range []string{"one", "two"} {
		p := e.with(r, text)
		p.must(p.publish())
	}
	e.now = e.now.Add(8 * day)
	p := e.with(r, "one")
	p.must(p.stage())
	bad := &failing{Store: e.store, name: "offers/" + p.offer + "/offer"}
	if err := e.over(bad).Clean(context.Background()); !errors.Is(err, errDead) {
		t.Errorf("%v, want what the store said", err)
	}
	p.must(p.finish())
	e.whole()
}

// A failing store does not read one object.
type failing struct {
	store.Store
	name string
}

func (f *failing) Get(ctx context.Context, name string) ([]byte, string, error) {
	if name == f.name {
		return nil, "", errDead
	}
	return f.Store.Get(ctx, name)
}

// A rationed store answers so many requests and no more, as a Worker's bucket does.
type rationed struct {
	store.Store
	left int
}

func (s *rationed) ask() error {
	if s.left--; s.left < 0 {
		return errors.New("too many requests")
	}
	return nil
}

func (s *rationed) Get(ctx context.Context, name string) ([]byte, string, error) {
	if err := s.ask(); err != nil {
		return nil, "", err
	}
	return s.Store.Get(ctx, name)
}

func (s *rationed) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	if err := s.ask(); err != nil {
		return err
	}
	return s.Store.Put(ctx, name, b, when)
}

func (s *rationed) Delete(ctx context.Context, names ...string) error {
	if err := s.ask(); err != nil {
		return err
	}
	return s.Store.Delete(ctx, names...)
}

func (s *rationed) List(ctx context.Context, prefix, after string) ([]store.Object, bool, error) {
	if err := s.ask(); err != nil {
		return nil, false, err
	}
	return s.Store.List(ctx, prefix, after)
}

// A memory is a store without a disk.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (m *memory) Get(_ context.Context, name string) ([]byte, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.get(name)
}

func (m *memory) get(name string) ([]byte, string, error) {
	b, ok := m.objects[name]
	if !ok {
		return nil, "", fs.ErrNotExist
	}
	return b, sum(b), nil
}

func (m *memory) Put(_ context.Context, name string, b []byte, when store.Condition) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, have, _ := m.get(name)
	if want, _ := when.Version(); !when.IsAlways() && want != have {
		return store.ErrChanged
	}
	m.objects[name] = b
	return nil
}

func (m *memory) Delete(_ context.Context, names ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range names {
		delete(m.objects, name)
	}
	return nil
}

func (m *memory) List(_ context.Context, prefix, after string) (objects []store.Object, more bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, b := range m.objects {
		if strings.HasPrefix(name, prefix) && name > after {
			objects = append(objects, store.Object{Name: name, Size: int64(len(b))})
		}
	}
	slices.SortFunc(objects, func(a, b store.Object) int { return strings.Compare(a.Name, b.Name) })
	n := min(len(objects), store.MostListed)
	return objects[:n], len(objects) > n, nil
}

// cleanRationed runs Clean with no more requests than it may make, and returns how many it has made.
func (e *edge) cleanRationed() int {
	e.t.Helper()
	s := &rationed{e.store, e.limits.Clean}
	if err := e.over(s).Clean(context.Background()); err != nil {
		e.t.Fatalf("after %d requests: %v", e.limits.Clean-s.left, err)
	}
	e.now = e.now.Add(10 * time.Minute)
	return e.limits.Clean - s.left
}

// However often something is published, no run asks more than it may; together they clean everything away, and in between something can be published.
func TestCleanRation(t *testing.T) {
	r := followtest.New(t, followtest.Policy{})
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	e, d := datedEdge(t, r)
	d.Store = &memory{objects: map[string][]byte{}}
	e.limits.Clean = 100
	for i := range 100 {
		p := e.with(r, fmt.Sprint(i))
		p.must(p.publish())
		e.now = e.now.Add(10 * time.Minute)
		r.Now = e.now.Unix()
		if i >= 60 {
			e.cleanRationed()
		}
	}
	if n := len(e.offers()); n > 35 {
		t.Errorf("%d offers are left", n)
	}

	e.now = e.now.Add(8 * day)
	r.Now = e.now.Unix()
	p := e.with(r, "0") // the one that was superseded longest ago comes again, and stays on offer all the time
	p.must(p.stage())
	for i := range 8000 { // and much was uploaded, some of it lately
		name := "staged/" + sum(fmt.Append(nil, i))
		if err := e.store.Put(context.Background(), name, nil, store.Always); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			d.times[name] = time.Unix(0, 0)
		}
	}
	runs := 0
	for ; len(e.names("superseded/")) > 1 || len(e.offers()) > 1; runs++ {
		if e.cleanRationed(); runs > 60 {
			t.Fatalf("after %d runs: %d lists of superseded files and %d offers are left", runs, len(e.names("superseded/")), len(e.offers()))
		}
	}
	for _, name := range e.names("staged/") {
		if d.times[name].Unix() == 0 {
			t.Fatalf("%s is left", name)
		}
	}
	p.must(p.finish())
	e.whole()
	if n, want := len(e.names("set/")), len(setObjects(p)); n > 2*want {
		t.Errorf("%d files of sets, want %d and those superseded just now", n, want)
	}
	p = e.with(r, "at the end")
	p.must(p.publish())
}

// offers are the names of what is on offer, or was.
func (e *edge) offers() map[string]bool {
	ids := map[string]bool{}
	for _, name := range e.names("offers/") {
		ids[strings.Split(name, "/")[1]] = true
	}
	return ids
}

// As long as anything is left of an offer that is too old, nothing is deleted that its chunks, which are marked as done, have counted as there: it may be offered again.
func TestCleanOffersFirst(t *testing.T) {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	e, d := datedEdge(t, r)
	d.Store = &memory{objects: map[string][]byte{}}
	e.limits.Clean = 100
	e.publishNow(r)
	page := object{Object: "set/page"}
	for i := range 8000 {
		e.store.Put(context.Background(), "offers/00/done/"+sum(fmt.Append(nil, i)), nil, store.Always)
	}
	e.store.Put(context.Background(), page.Object, nil, store.Always)
	e.supersede(d, "old", page)
	for runs := 0; e.has(page.Object); runs++ {
		left := len(e.names("offers/00/"))
		if e.cleanRationed(); runs > 10 || !e.has(page.Object) && len(e.names("offers/00/")) > 0 {
			t.Fatalf("run %d: %d objects are left of an offer, and the page is there: %v", runs, left, e.has(page.Object))
		}
	}
	e.whole()
}

// A list of superseded files that takes more requests than one run may make is gone through by several, and what stays of it is looked at again when its time
// has come once more.
func TestCleanLongList(t *testing.T) {
	r := deep(t)
	e, d := datedEdge(t, r)
	e.publishNow(r)
	e.limits.Clean = 100
	lost := e.names("kept/index/") // so that each place takes a request: it may be below what cannot be read
	files := make([][]byte, len(lost))
	for i, name := range lost {
		files[i], _, _ = e.store.Get(context.Background(), name)
	}
	if err := e.store.Delete(context.Background(), lost...); err != nil {
		t.Fatal(err)
	}
	const places = 150
	list := []object{{Object: "set/first"}}
	for n := 0; len(list) <= places; n++ {
		if _, below := groupOf(n); below {
			key := followtest.Document(n).Key()
			list = append(list, object{fmt.Sprintf("kept/index/%02x/%s", n%256, sum(key[:])), hex.EncodeToString(key[:])})
		}
	}
	list = append(list, object{Object: "set/last"})
	for _, o := range list {
		if err := e.store.Put(context.Background(), o.Object, []byte("x"), store.Always); err != nil {
			t.Fatal(err)
		}
	}
	e.supersede(d, "long", list...)
	runs := 0
	for ; e.has("set/last"); runs++ {
		if e.cleanRationed(); runs > 10 {
			t.Fatal("the end of the list is not reached")
		}
		if e.has("set/first") {
			t.Error("the list was not begun with")
		}
	}
	if runs < 3 {
		t.Errorf("%d runs: not worth the name of a long list", runs)
	}
	if got := len(e.names("kept/index/")); got != places {
		t.Errorf("%d files are left that may be referred to, want %d", got, places)
	}
	b, _, err := e.store.Get(context.Background(), "superseded/long")
	if err != nil || strings.Count(string(b), `"prefix"`) != places || strings.Contains(string(b), "stay") {
		t.Errorf("%v: what stays is noted as %s", err, b)
	}
	for i, name := range lost {
		if err := e.store.Put(context.Background(), name, files[i], store.Always); err != nil {
			t.Fatal(err)
		}
	}
	e.now = e.now.Add(8 * day)
	for range 10 {
		e.cleanRationed()
	}
	if n := e.names("superseded/"); len(n) > 0 || len(e.names("kept/index/")) != len(lost) {
		t.Errorf("%v is left, and of the index %d files, want %d", n, len(e.names("kept/index/")), len(lost))
	}
	e.whole()
}

func TestAttempts(t *testing.T) {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	e := newEdge(t, r.Trust)
	e.publishNow(r)
	p := newPublisher(t, r, e.handler())
	p.signer = r.Signer("publication", proofs.Ed25519Key)
	if _, err := p.propose(); codeOf(err) != "unsigned" {
		t.Fatal(err)
	}
	type told struct {
		Time, Step, Code, Publication, Remote string
		Number                                uint64
		Size                                  *uint64
	}
	type answer struct {
		Attempts []told
		Next     string
	}
	list := func(query string) (a answer) {
		t.Helper()
		p.must(p.ask("GET", "/publish/attempts?"+query, nil, &a))
		return a
	}
	today := "day=" + e.now.UTC().Format(time.DateOnly)
	a := list(today)
	slices.SortFunc(a.Attempts, func(a, b told) int { return strings.Compare(a.Code, b.Code) }) // they are all of one moment
	if len(a.Attempts) != 3 || a.Attempts[0].Code != "published" || a.Attempts[0].Step != "finish" || a.Attempts[1].Code != "taken" || a.Attempts[2].Code != "unsigned" {
		t.Fatalf("%+v", a)
	}
	if got := a.Attempts[0]; got.Number != 1 || got.Size == nil || *got.Size != r.Size() || got.Remote == "" || got.Time != e.now.UTC().Format(time.RFC3339) {
		t.Errorf("%+v", got)
	}
	// A thief has filled the day's record; a publication is recorded all the same.
	day := "attempts/" + e.now.UTC().Format(time.DateOnly) + "/"
	for i := range 895 {
		if err := e.store.Put(context.Background(), fmt.Sprintf("%s000000-%d.json", day, i), []byte(`{"code":"unsigned"}`), store.Always); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if _, err := p.propose(); codeOf(err) != "unsigned" {
			t.Fatal(err)
		}
	}
	if n := len(e.names(day)); n != 900 {
		t.Errorf("%d attempts are kept", n)
	}
	e.now = e.now.Add(time.Minute)
	r.Now = e.now.Unix()
	r.Release(r.Sign(r.Everybody()...))
	e.publishNow(r)
	seen, last := 0, ""
	for next, more := "", true; more; more = next != "" {
		a := list(today + "&after=" + next)
		next = a.Next
		seen, last = seen+len(a.Attempts), a.Attempts[len(a.Attempts)-1].Code
	}
	if seen != 901 || last != "published" {
		t.Errorf("%d attempts told, the last one %q", seen, last)
	}
	if a := list("day=2020-01-01"); len(a.Attempts) != 0 || a.Next != "" {
		t.Errorf("%+v", a)
	}
	var none any
	for _, bad := range []string{"", "day=x", "day=../../current"} {
		wantCode(t, p.ask("GET", "/publish/attempts?"+bad, nil, &none), "malformed")
	}
}
