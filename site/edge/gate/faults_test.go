package gate_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"testing"

	"stele/build/edgestore"
	"stele/build/follow/followtest"
	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

// A dying store dies at its nth write: that one fails, or is carried out although it is said to have failed, and nothing works afterwards.
type dying struct {
	store.Store
	at      int
	persist bool

	mu     sync.Mutex
	writes int
	dead   bool
}

var errDead = errors.New("the store has died")

func (d *dying) alive() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errDead
	}
	return nil
}

func (d *dying) write(f func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errDead
	}
	if d.writes++; d.writes < d.at {
		return f()
	}
	d.dead = true
	if d.persist {
		f()
	}
	return errDead
}

func (d *dying) Get(ctx context.Context, name string) ([]byte, string, error) {
	if err := d.alive(); err != nil {
		return nil, "", err
	}
	return d.Store.Get(ctx, name)
}

func (d *dying) GetMost(ctx context.Context, name string, most int64) ([]byte, string, error) {
	if err := d.alive(); err != nil {
		return nil, "", err
	}
	return d.Store.GetMost(ctx, name, most)
}

func (d *dying) List(ctx context.Context, prefix, after string) ([]store.Object, bool, error) {
	if err := d.alive(); err != nil {
		return nil, false, err
	}
	return d.Store.List(ctx, prefix, after)
}

func (d *dying) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	return d.write(func() error { return d.Store.Put(ctx, name, b, when) })
}

func (d *dying) Delete(ctx context.Context, names ...string) error {
	return d.write(func() error { return d.Store.Delete(ctx, names...) })
}

// copied is an edge over a copy of what is in a folder.
func copied(t *testing.T, dir string, trust *proofs.Trust) *edge {
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	folder, err := edgestore.OpenFolder(to)
	if err != nil {
		t.Fatal(err)
	}
	e := newEdge(t, trust)
	e.store, e.source.Store = folder, folder
	return e
}

// brokenOff publishes with a store that dies at each of its writes in turn, looks at what is in force, and then has the publication made once more:
// the very same one, or one of the same files with a newer set.
func brokenOff(t *testing.T, dir string, trust *proofs.Trust, r *followtest.Registry) (writes int) {
	for at := 1; ; at++ {
		for _, persist := range []bool{false, true} {
			e := copied(t, dir, trust)
			e.now = r.Clock()
			before := e.whole()
			d := &dying{Store: e.store, at: at, persist: persist}
			p := newPublisher(t, r, e.over(d).Handler())
			err := p.publish()
			if !d.dead {
				if err != nil {
					t.Fatal(err)
				}
				return at - 1
			}
			now := e.whole()
			if id := published.IDOf(p.set); now.ID != id && now.ID != before.ID {
				t.Fatalf("write %d: %s is in force", at, now.ID)
			} else if err == nil && now.ID != id {
				t.Fatalf("write %d: it was said to be in force, and is not", at)
			}
			again := newPublisher(t, r, e.handler())
			if at%2 == 0 && now.ID != published.IDOf(p.set) {
				again.makeSet(r.Now + 1)
			}
			if err := again.publish(); err != nil {
				t.Fatalf("write %d, persisted %v: and then: %v", at, persist, err)
			}
			if now := e.whole(); now.ID != published.IDOf(again.set) {
				t.Fatalf("write %d: %s is in force at the end", at, now.ID)
			}
		}
	}
}

func TestBrokenOffFirst(t *testing.T) {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	if n := brokenOff(t, t.TempDir(), r.Trust, r); n < 20 {
		t.Errorf("%d writes", n)
	}
}

func TestBrokenOffLater(t *testing.T) {
	r := grown(t)
	trust := r.Trust
	dir := t.TempDir()
	folder, err := edgestore.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	e := newEdge(t, trust)
	e.store, e.source.Store = folder, folder
	e.publishNow(r)
	r.Register(followtest.Office, 300, 320)
	r.Publish()
	if n := brokenOff(t, dir, trust, r); n < 30 {
		t.Errorf("%d writes", n)
	}
}

// Where the change of trust file is broken off too.
func TestBrokenOffEpoch(t *testing.T) {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	trust := r.Trust
	dir := t.TempDir()
	folder, err := edgestore.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	e := newEdge(t, trust)
	e.store, e.source.Store = folder, folder
	e.publishNow(r)
	changeTrust(r)
	brokenOff(t, dir, trust, r)
}

// changeTrust changes the log's keys and the officers, with a handover.
func changeTrust(r *followtest.Registry) {
	r.Rotate(followtest.Policy{Officers: []string{"carol"}, Needed: 1, Witnesses: []string{"wit"}, Seen: 1})
}

func TestEpochs(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.publishNow(r)
	first := r.Trust
	changeTrust(r)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	p.change = func(o *order) { o.Trust = nil }
	wantCode(t, p.publish(), "unsigned") // by a log key that the trust file in force does not name
	p.change = func(o *order) { o.Trust[0].Handover = o.Trust[0].Handover[:len(o.Trust[0].Handover)-1] }
	wantCode(t, p.publish(), "malformed")
	if e.trustNow().ID() != first.ID() {
		t.Fatal("followed to another trust file")
	}
	for i := range 3 { // three changes, of which the edge sees the first and then both others at once
		if i != 1 {
			e.publishNow(r)
			e.whole()
			if e.trustNow().ID() != r.Trust.ID() {
				t.Fatalf("epoch %d, want %d", e.trustNow().Epoch, r.Trust.Epoch)
			}
		}
		r.Register(followtest.Office, 300+i, 301+i)
		r.Publish()
		if i < 2 {
			changeTrust(r)
		}
	}
	e.publishNow(r)
	e.whole()
	// A set signed by the log key of an epoch that is over.
	heartbeat(r)
	e.now = r.Clock()
	p = newPublisher(t, r, e.handler())
	p.signer = oldLog(t)
	wantCode(t, p.publish(), "unsigned")
}

func oldLog(t *testing.T) proofs.Signer {
	s, err := proofs.NewMemorySigner(followtest.Origin, proofs.Ed25519Key, followtest.Seed(followtest.Origin, proofs.Ed25519Key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An unreadable store is an outage, and changes nothing.
func TestOutage(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.publishNow(r)
	heartbeat(r)
	e.now = r.Clock()
	before := e.whole()
	p := newPublisher(t, r, e.over(&dying{Store: e.store, dead: true}).Handler())
	_, err := p.state()
	wantCode(t, err, "outage")
	_, err = newPublisher(t, r, e.handler()).propose()
	if err != nil {
		t.Fatal(err)
	}
	p.offer = sum([]byte("x"))
	wantCode(t, p.finish(), "outage")
	if e.whole().ID != before.ID {
		t.Error("something else is in force")
	}
}

// That a publication came in force is recorded once, wherever the last step was broken off, and though it is asked for again and again.
func TestRecordedOnce(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	dir := t.TempDir()
	folder, err := edgestore.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	e.store, e.source.Store = folder, folder
	staged := newPublisher(t, r, e.handler())
	staged.must(staged.stage())
	for at, done := 1, false; !done; at++ {
		for _, persist := range []bool{false, true} {
			c := copied(t, dir, r.Trust)
			c.now = e.now
			d := &dying{Store: c.store, at: at, persist: persist}
			p := newPublisher(t, r, c.over(d).Handler())
			p.offer = staged.offer
			err := p.finish()
			if done = !d.dead; done && at < 4 {
				t.Fatalf("%d writes", at-1)
			}
			if d.dead {
				wantCode(t, err, "outage")
			}
			p.to = c.handler()
			for range 2 {
				p.must(p.finish())
			}
			c.whole()
			published := 0
			for _, a := range p.attempts(c) {
				if a.Code == "published" {
					published++
				}
			}
			lost := d.dead && at == d.writes && persist // the record's own answer may have been lost
			if published != 1 || len(c.told) > 1 || len(c.told) == 0 && !lost {
				t.Errorf("write %d, persisted %v: recorded %d times, want once; told %d times, want once", at, persist, published, len(c.told))
			}
		}
	}
}

// Where the right edge has been lost, nothing counts as there, and the next publication brings everything back.
func TestLost(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.publishNow(r)
	for _, prefix := range []string{"kept/ledger/tile/0/001.p/", "kept/ledger/tile/entries/", "kept/index/", "kept/ledger/history/"} {
		names := e.names(prefix)
		if len(names) == 0 {
			t.Fatalf("nothing under %s", prefix)
		}
		if err := e.store.Delete(context.Background(), names...); err != nil {
			t.Fatal(err)
		}
	}
	r.Register(followtest.Office, 300, 301)
	r.Publish()
	e.publishNow(r)
	e.whole()
}

// Two publishers come to the last step together: exactly one gets there, and the other is told.
func TestRace(t *testing.T) {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 20)
	r.Publish()
	e := newEdge(t, r.Trust)
	for round := range 6 {
		e.now = r.Clock()
		pair := []*publisher{newPublisher(t, r, e.handler()), newPublisher(t, r, e.handler())}
		pair[1].page("index.html", "the other's")
		pair[1].makeSet(r.Now + 1)
		for _, p := range pair {
			p.must(p.stage())
		}
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, p := range pair {
			wg.Go(func() { errs[i] = p.finish() })
		}
		wg.Wait()
		won := 0
		if errs[0] != nil {
			won = 1
		}
		if errs[won] != nil {
			t.Fatalf("round %d: %v and %v", round, errs[0], errs[1])
		}
		wantCode(t, errs[1-won], "overtaken")
		if now := e.whole(); now.ID != published.IDOf(pair[won].set) {
			t.Fatalf("round %d: %s is in force", round, now.ID)
		}
		_, err := pair[1-won].plan()
		wantCode(t, err, "overtaken")
		pair[1-won].makeSet(r.Now + 2)
		pair[1-won].must(pair[1-won].publish())
		if round%2 == 0 {
			r.Register(followtest.Office, 20+round, 21+round)
			r.Publish()
		} else {
			heartbeat(r)
		}
	}
}

// Two forks come to the last step together. What the one that is overtaken has left under the names of tiles keeps nobody from publishing there, and it comes under
// no name any more.
func TestForkLeavesNothing(t *testing.T) {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 20)
	r.Publish()
	e := newEdge(t, r.Trust)
	e.publishNow(r)
	for _, n := range []int{5, 700} { // within the last tile, and with full tiles
		fork := r.Clone()
		fork.Register(followtest.Office, 1000, 1000+n)
		fork.Publish()
		r.Register(followtest.Office, 2000, 2000+n)
		r.Publish()
		if fork.Size() != r.Size() || fork.Checkpoint().Root == r.Checkpoint().Root {
			t.Fatal("no fork")
		}
		e.now = r.Clock()
		slow, lost := newPublisher(t, fork, e.handler()), newPublisher(t, fork, e.handler())
		lost.makeSet(r.Now + 1)
		slow.makeSet(r.Now + 2)
		_, err := slow.propose()
		slow.must(err)
		_, err = slow.plan()
		slow.must(err)
		lost.must(lost.stage())
		p := newPublisher(t, r, e.handler())
		p.makeSet(r.Now + 3)
		p.must(p.publish())
		e.whole()
		wantCode(t, lost.finish(), "overtaken")
		wantCode(t, slow.chunk(0), "overtaken")
		e.whole()
	}
}

// assets makes an edge's base out of files.
func (e *edge) deploy(p *publisher, files func(path string) bool) {
	e.source.Base = p.set
	all := map[string][]byte{}
	for path, b := range p.files {
		if files(path) {
			all[path] = b
		}
	}
	e.source.Asset = func(_ context.Context, name string) ([]byte, error) {
		if b, ok := all[name]; ok {
			return b, nil
		}
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
}

func TestDeployed(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	deployed := newPublisher(t, r, e.handler())
	e.deploy(deployed, func(string) bool { return true })
	e.whole()
	full := len(deployed.files)
	r.Register(followtest.Office, 300, 310)
	r.Publish()
	p := e.publishNow(r)
	if now := e.whole(); !now.Stored || now.ID != published.IDOf(p.set) {
		t.Fatalf("%s is in force", now.ID)
	}
	if p.objects >= full {
		t.Errorf("%d objects sent, although %d files were deployed", p.objects, full)
	}
	if e.has("kept/ledger/tile/0/000") {
		t.Error("a tile that was deployed has been sent too")
	}

	// Deployed anew while somebody publishes.
	r.Register(followtest.Office, 310, 320)
	r.Publish()
	e.now = r.Clock()
	p = newPublisher(t, r, e.handler())
	p.must(p.stage())
	newer := newPublisher(t, r, e.handler())
	newer.makeSet(r.Now + 1)
	e.deploy(newer, func(string) bool { return true })
	p.to = e.handler()
	wantCode(t, p.finish(), "overtaken")
	if now := e.whole(); now.Stored || now.ID != published.IDOf(newer.set) {
		t.Fatalf("%s is in force", now.ID)
	}
	heartbeat(r)
	e.publishNow(r)
	e.whole()
}

// What was published over a deployment rests on it. Once another is there, all that the first one had counts as missing.
func TestDeploymentGone(t *testing.T) {
	for name, deploy := range map[string]func(e *edge, p *publisher){
		"none":    func(e *edge, p *publisher) { e.source.Base, e.source.Asset = nil, nil },
		"without": func(e *edge, p *publisher) { e.deploy(p, inSet) },
		"older": func(e *edge, p *publisher) {
			p.makeSet(followtest.Start)
			e.deploy(p, inSet)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := grown(t)
			e, _ := datedEdge(t, r)
			e.now = r.Clock()
			e.deploy(newPublisher(t, r, nil), func(string) bool { return true })
			for i := range 2 {
				r.Register(followtest.Office, 300+i, 301+i)
				r.Publish()
				e.publishNow(r)
			}
			if n := e.names("rests/"); len(n) != 2 {
				t.Errorf("%v", n)
			}
			heartbeat(r)
			e.now = r.Clock()
			p := newPublisher(t, r, e.handler())
			p.must(p.stage())
			other := newPublisher(t, r, nil)
			other.makeSet(r.Now + 1)
			deploy(e, other)
			p.to = e.handler()
			if err := p.finish(); codeOf(err) != "missing" && codeOf(err) != "overtaken" {
				t.Fatal(err)
			}
			heartbeat(r)
			e.publishNow(r)
			e.whole()
			if e.source.Base, e.source.Asset = nil, nil; e.whole().Set == nil {
				t.Error("nothing is in force")
			}
			if err := e.over(e.store).Clean(context.Background()); err != nil {
				t.Error(err)
			}
			heartbeat(r)
			e.publishNow(r)
			e.whole()
			e.now = e.now.Add(8 * 24 * 3600e9)
			if err := e.over(e.store).Clean(context.Background()); err != nil {
				t.Error(err)
			}
			if n := e.names("rests/"); len(n) > 0 {
				t.Errorf("%v is left", n)
			}
			e.whole()
		})
	}
}

// A publication that was broken off has left the right edge under its name; then the same one is deployed, without its ledger. It counts for nothing.
func TestDeployedOverBroken(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	if _, err := p.propose(); err != nil {
		t.Fatal(err)
	}
	n, err := p.plan()
	p.must(err)
	for i := range n - 2 {
		p.must(p.chunk(i))
	}
	e.deploy(newPublisher(t, r, nil), inSet)
	heartbeat(r)
	e.publishNow(r)
	e.whole()
}

// A ledger that is too large for the deployment: nothing of it counts as there until it was published.
func TestDeployedWithoutLedger(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	deployed := newPublisher(t, r, e.handler())
	e.deploy(deployed, inSet)
	p := newPublisher(t, r, e.handler())
	p.makeSet(r.Now + 1)
	p.must(p.publish())
	e.whole()
	if !e.has("kept/ledger/tile/0/000") {
		t.Error("the ledger is not there")
	}
	first := p.objects
	// Deployed once more, with a newer ledger: what is in the store goes on counting.
	r.Register(followtest.Office, 300, 310)
	r.Publish()
	e.now = r.Clock()
	newer := newPublisher(t, r, e.handler())
	newer.makeSet(r.Now)
	e.deploy(newer, inSet)
	p = newPublisher(t, r, e.handler())
	p.makeSet(r.Now + 1)
	p.must(p.publish())
	e.whole()
	if p.objects >= first {
		t.Errorf("%d objects sent, and %d the first time", p.objects, first)
	}
}
