package gate_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	err := d.Store.Put(ctx, name, b, when)
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

func (d *dated) GetMost(ctx context.Context, name string, most int64) ([]byte, string, error) {
	if d.before != nil {
		d.before(name)
	}
	return d.Store.GetMost(ctx, name, most)
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
	e, _ := datedEdge(t, r)
	e.now = r.Clock()
	if err := e.over(&dying{Store: e.store, at: 2}).Clean(context.Background()); err == nil {
		t.Fatal("it did not die")
	}
	p := newPublisher(t, r, e.handler())
	wantCode(t, p.stage(), "busy")
	if err := e.over(e.store).Clean(context.Background()); err != nil || len(e.names("staged/")) == 0 {
		t.Errorf("a second run beside the first: %v", err)
	}
	e.now = e.now.Add(10*time.Minute + time.Second)
	p.must(p.publish())
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
	// A thief has filled the day's record; what needs the log's key is recorded all the same.
	day := "attempts/" + e.now.UTC().Format(time.DateOnly) + "/"
	for i := range 894 {
		if err := e.store.Put(context.Background(), fmt.Sprintf("%s000000-%d.json", day, i), []byte(`{"code":"unsigned"}`), store.Always); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if _, err := p.propose(); codeOf(err) != "unsigned" {
			t.Fatal(err)
		}
	}
	if n := len(e.names(day)); n != 902 {
		t.Errorf("%d attempts are kept, want 900 refused, 1 taken and 1 published", n)
	}
	e.now = e.now.Add(time.Minute)
	r.Now = e.now.Unix()
	r.Release(r.Sign(r.Everybody()...))
	e.publishNow(r)
	seen, last := 0, []told{}
	for next, more := "", true; more; more = next != "" {
		a := list(today + "&after=" + next)
		next = a.Next
		seen, last = seen+len(a.Attempts), a.Attempts
	}
	codes := map[string]int{}
	for _, a := range last[max(0, len(last)-2):] { // they are of one moment
		codes[a.Code]++
	}
	if seen != 904 || codes["taken"] != 1 || codes["published"] != 1 {
		t.Errorf("%d attempts told, want 904; the last two are %v, want one taken and one published", seen, codes)
	}
	if a := list("day=2020-01-01"); len(a.Attempts) != 0 || a.Next != "" {
		t.Errorf("%+v", a)
	}
	var none any
	for _, bad := range []string{"", "day=x", "day=../../current"} {
		wantCode(t, p.ask("GET", "/publish/attempts?"+bad, nil, &none), "malformed")
	}
}
