package push_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stele/build/push"
	"stele/proofs"
	"stele/site/edge/gate"
	"stele/site/edge/store"
)

// TestPush: the first publication, then one that changes little, then nothing new.
func TestPush(t *testing.T) {
	o := aRegistry(t)
	e := anEdge(t, o, gate.Limits{})
	first := o.push(t, e)
	if first.Already || first.Objects < 20 || first.Bytes < 10_000 || first.Publication != 1 || first.ReadBack < first.Objects {
		t.Errorf("the first: %+v", first)
	}
	if n := e.store.taken("staged"); n != first.Objects {
		t.Errorf("%d objects were uploaded, said were %d", n, first.Objects)
	}
	o.isServed(t, e)

	o.publish(t, 600, 601)
	second := o.push(t, e)
	if second.Objects >= first.Objects || second.Size != 604 || second.Publication != 2 {
		t.Errorf("the second: %+v, want fewer objects than the first: %+v", second, first)
	}
	if n := e.store.taken("staged"); n != second.Objects {
		t.Errorf("%d objects were uploaded, said were %d", n, second.Objects)
	}
	o.isServed(t, e)

	e.store.taken("offers")
	third := o.push(t, e)
	if !third.Already || third.Objects != 0 || e.store.taken("staged") != 0 || e.store.taken("offers") != 0 {
		t.Errorf("nothing new: %+v, want that nothing was done", third)
	}
}

// cutting is a network that breaks off.
type cutting struct {
	n     int64 // the request, from 1
	after bool  // it has taken effect, and its answer is lost
	dead  bool  // so are all later ones: the process was killed
	sent  atomic.Int64
}

var errCut = errors.New("the connection was cut")

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	n := c.sent.Add(1)
	cut := n == c.n || c.dead && n > c.n
	if cut && (!c.after || n > c.n) {
		return nil, errCut
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if cut && err == nil {
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return nil, errCut
	}
	return res, err
}

// TestCut: the connection is cut at every request, before or after it took effect. One that goes on finishes; after one that was killed, what was in force is whole, and the
// next push finishes.
func TestCut(t *testing.T) {
	o := aRegistry(t)
	limits := gate.Limits{Chunk: 5} // several chunks
	before := anEdge(t, o, limits)
	o.push(t, before)
	old, _ := before.get(t, "ledger/checkpoint")
	o.publish(t, 600, 620)
	fresh, err := o.public().Read("ledger/checkpoint")
	must(t, err)
	for _, c := range []struct{ after, dead bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		t.Run(fmt.Sprintf("after=%v,dead=%v", c.after, c.dead), func(t *testing.T) {
			for n := int64(1); ; n++ {
				e := copyOf(t, before, o, limits)
				p := o.pusher(t, e)
				net := &cutting{n: n, after: c.after, dead: c.dead}
				p.HTTP = &http.Client{Transport: net}
				r, err := p.Push(context.Background())
				if net.sent.Load() < n {
					if n < 20 {
						t.Errorf("%d requests in all", n-1)
					}
					return
				}
				if !c.dead && (err != nil || r.Publication != 2) {
					t.Fatalf("cut at request %d: %+v, %v", n, r, err)
				}
				if c.dead && err == nil {
					t.Fatalf("dead from request %d on, and nothing is said", n)
				}
				if now, _ := e.get(t, "ledger/checkpoint"); c.dead && string(now) != string(old) && string(now) != string(fresh) {
					t.Fatalf("dead from request %d on: serves neither the old checkpoint nor the new one", n)
				}
				if c.dead {
					o.push(t, e)
				}
				if n%7 == 1 {
					o.isServed(t, e)
				} else if now, _ := e.get(t, "ledger/checkpoint"); string(now) != string(fresh) {
					t.Fatalf("cut at request %d: the new checkpoint is not served", n)
				}
			}
		})
	}
}

// TestResume: after a push that was killed while it uploaded, the next one does not upload again what lies there.
func TestResume(t *testing.T) {
	o := aRegistry(t)
	manyFiles(t, o, 400)
	e := anEdge(t, o, gate.Limits{Chunk: 20})
	p := o.pusher(t, e)
	p.HTTP = &http.Client{Transport: &cutting{n: 60, dead: true}}
	if _, err := p.Push(context.Background()); err == nil {
		t.Fatal("it was not killed")
	}
	have := e.store.taken("staged")
	r := o.push(t, e)
	again := e.store.taken("staged")
	if have < 20 || again < r.Objects || r.Skipped == 0 { // what was on its way when it was killed may have come in later
		t.Errorf("%d were there, then %d uploaded: %+v", have, again, r)
	}
	all := o.push(t, anEdge(t, o, gate.Limits{})).Objects
	if have+again > all+all/20 {
		t.Errorf("%d were uploaded before and %d after, of %d: too many twice", have, again, all)
	}
	o.isServed(t, e)
}

// TestLargeFiles: files that an edge can only hold one of at a time are never sent together.
func TestLargeFiles(t *testing.T) {
	o := aRegistry(t)
	for i := range 5 {
		must(t, o.public().Replace(fmt.Sprintf("large/%d", i), bytes.Repeat([]byte{byte(i)}, 6<<20)))
	}
	e := anEdge(t, o, gate.Limits{Held: 16 << 20})
	p := o.pusher(t, e)
	p.Waiting = func(why string, _ time.Duration) { t.Errorf("waits: %s", why) }
	if _, err := p.Push(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// busy is an edge that has no room for the first requests.
type busy struct {
	mu sync.Mutex
	n  int
}

func (b *busy) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Method != http.MethodPost || b.n == 0 {
		return http.DefaultTransport.RoundTrip(r)
	}
	b.n--
	w := httptest.NewRecorder()
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	io.WriteString(w, `{"error":{"code":"busy","message":"other bodies are coming in"}}`)
	return w.Result(), nil
}

// TestBusy: an edge that asks for a second each time is given more and more, since it does not know how long it will be.
func TestBusy(t *testing.T) {
	o := aRegistry(t)
	e := anEdge(t, o, gate.Limits{})
	p := o.pusher(t, e)
	p.HTTP = &http.Client{Transport: &busy{n: 9}}
	var waits []time.Duration
	p.Waiting = func(_ string, wait time.Duration) { waits = append(waits, wait) }
	if _, err := p.Push(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(waits) != 9 || waits[0] != time.Second || waits[8] < 30*time.Second {
		t.Errorf("waits %v, want 9, from a second to 30", waits)
	}
}

// manyFiles adds files that the set names.
func manyFiles(t *testing.T, o *registrar, n int) {
	t.Helper()
	for i := range n {
		path := filepath.Join(string(o.public()), "samples", fmt.Sprint(i%100), fmt.Sprint(i))
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, fmt.Appendf(nil, "sample %d", i), 0o644))
	}
}

// TestThousands: thousands of objects are ordinary.
func TestThousands(t *testing.T) {
	o := aRegistry(t)
	manyFiles(t, o, 3000)
	e := anEdge(t, o, gate.Limits{})
	if r := o.push(t, e); r.Objects < 3000 || r.ReadBack < 3000 {
		t.Errorf("%+v, want 3000 objects at least", r)
	}
	manyFiles(t, o, 3001)
	if r := o.push(t, e); r.Objects != 1 || r.Already {
		t.Errorf("one more file: %+v, want it alone", r)
	}
}

// lying is an edge, or something before it, that changes a bit of what it serves.
type lying struct{ path string }

func (l lying) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, l.path) {
		b, _ := io.ReadAll(res.Body)
		if len(b) > 0 {
			b[len(b)/2] ^= 1
		}
		res.Body = io.NopCloser(strings.NewReader(string(b)))
	}
	return res, err
}

// TestLies: what is read back otherwise than it was uploaded is not put in force; where it can be read only afterwards, it is told.
func TestLies(t *testing.T) {
	o := aRegistry(t)
	for path, finished := range map[string]bool{"/ledger/tile/": false, "/index/": false, "/assets/": false, "/ledger/history/6": false, "/ledger/head": true, "/ru/": true} {
		e := anEdge(t, o, gate.Limits{})
		p := o.pusher(t, e)
		p.HTTP = &http.Client{Transport: lying{path}}
		_, err := p.Push(context.Background())
		var told *push.Error
		if !errors.As(err, &told) || !strings.Contains(told.Message, path) || !strings.Contains(told.Message, "not those that were uploaded") {
			t.Errorf("%s: %v, want it to be named", path, err)
		}
		if _, status := e.get(t, "ledger/head"); (status == http.StatusOK) != finished {
			t.Errorf("%s: the head is answered with %d", path, status)
		}
	}
}

// TestTwoPublishers: two push the same at once, and one that has an older copy is refused.
func TestTwoPublishers(t *testing.T) {
	o := aRegistry(t)
	old := aRegistry(t)
	e := anEdge(t, o, gate.Limits{Chunk: 5})
	for round := range 4 {
		o.publish(t, 600+round, 601+round)
		var wg sync.WaitGroup
		pushers := []*push.Pusher{o.pusher(t, e), o.pusher(t, e), o.pusher(t, e)}
		for _, p := range pushers {
			wg.Go(func() {
				if _, err := p.Push(context.Background()); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		wg.Wait()
		o.isServed(t, e)
	}
	_, err := old.pusher(t, e).Push(context.Background())
	if err == nil || !strings.Contains(err.Error(), "never goes back") {
		t.Errorf("an older copy: %v, want a refusal", err)
	}
}

// TestCleaning: a run of cleaning that has died, and keeps everybody from bringing files until its lock is over, is waited for.
func TestCleaning(t *testing.T) {
	o := aRegistry(t)
	e := anEdge(t, o, gate.Limits{})
	lock := fmt.Appendf(nil, `{"run":1,"until":%d}`, o.now+240)
	must(t, e.store.Put(context.Background(), "cleaning", lock, store.Always))
	p := o.pusher(t, e)
	p.Pause = func(_ context.Context, wait time.Duration) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.now += int64(wait / time.Second)
		return nil
	}
	before := o.now
	_, err := p.Push(context.Background())
	must(t, err)
	if waited := o.now - before; waited < 240 {
		t.Errorf("waited for %d s, and the lock was over in 240", waited)
	}
	o.isServed(t, e)
}

// TestRefusals: what an official reads.
func TestRefusals(t *testing.T) {
	o := aRegistry(t)
	e := anEdge(t, o, gate.Limits{})
	other, err := registryOf(t, "other.example/ledger")
	must(t, err)
	elsewhere := httptest.NewServer(http.RedirectHandler(e.url+"/publish/state", http.StatusMovedPermanently))
	defer elsewhere.Close()
	files := httptest.NewServer(http.NotFoundHandler())
	defer files.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<!doctype html>") }))
	defer page.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	secure := httptest.NewUnstartedServer(nil)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	never := func(why string, _ time.Duration) { t.Errorf("asked again, although %s", why) }
	for name, c := range map[string]struct {
		spoil      func(p *push.Pusher)
		want, hint string
	}{
		"token":         {func(p *push.Pusher) { p.Token = strings.Repeat("0", 64) }, "unauthorised", "--token FILE"},
		"short token":   {func(p *push.Pusher) { p.Token = "0123" }, "4 characters, want 64", "gate-token"},
		"no address":    {func(p *push.Pusher) { p.URL = "registry.example" }, "not the address of an edge", "https://"},
		"not an edge":   {func(p *push.Pusher) { p.URL = files.URL }, "takes no publications", "where the portal is read"},
		"a page":        {func(p *push.Pusher) { p.URL = page.URL }, "does not answer as a gate does", "where the portal is read"},
		"no TLS":        {func(p *push.Pusher) { p.URL, p.Waiting = strings.Replace(files.URL, "http:", "https:", 1), never }, "does not answer: ", "does not speak HTTPS there"},
		"silent":        {func(p *push.Pusher) { p.URL = gone.URL }, "does not answer: ", "run the same command again"},
		"redirect":      {func(p *push.Pusher) { p.URL = elsewhere.URL }, "leads elsewhere", "--to " + e.url},
		"certificate":   {func(p *push.Pusher) { p.URL, p.Waiting = secure.URL, never }, "does not answer: ", "certificate"},
		"other":         {func(p *push.Pusher) { p.Files, p.Trust, p.Signer = other.Files, other.Trust, other.Signer }, "the edge of another registry", "--to"},
		"other signer":  {func(p *push.Pusher) { p.Signer = other.Signer }, "unsigned", "log key"},
		"old trust":     {func(p *push.Pusher) { p.Trust = &proofs.Trust{Origin: origin} }, "follows the trust file of epoch 1", "published now"},
		"clock is fast": {func(p *push.Pusher) { p.Now = func() time.Time { return o.clock().Add(time.Hour) } }, "after the clock here", ""},
	} {
		p := o.pusher(t, e)
		c.spoil(p)
		_, err := p.Push(context.Background())
		var told *push.Error
		if !errors.As(err, &told) || !strings.Contains(told.Message, c.want) || !strings.Contains(told.Hint, c.hint) {
			t.Errorf("%s: %v (%+v), want %q and the hint %q", name, err, told, c.want, c.hint)
		}
	}
	if _, status := e.get(t, "ledger/head"); status != http.StatusNotFound || e.store.taken("staged") > 0 {
		t.Errorf("something of it came through: %d", status)
	}
}

func registryOf(t *testing.T, name string) (*push.Pusher, error) {
	dir := t.TempDir()
	r, err := registryAt(dir, name)
	if err != nil {
		return nil, err
	}
	r.Now = func() time.Time { return time.Unix(start, 0) }
	if _, err := r.Publish(context.Background()); err != nil {
		return nil, err
	}
	return r.Pusher("https://nowhere.example", token)
}

// TestFiles: what is published has to be such that an edge can serve it.
func TestFiles(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, o *registrar)
		want  string
	}{
		"name": {func(t *testing.T, o *registrar) { must(t, o.public().Replace("samples/two words.pdf", nil)) }, "no name for an edge"},
		"large": {func(t *testing.T, o *registrar) {
			must(t, o.public().Replace("large", make([]byte, proofs.MaxSetFile+1)))
		}, "an edge takes"},
		"torn":    {func(t *testing.T, o *registrar) { must(t, o.public().Replace("ledger/checkpoint", []byte("another"))) }, "of two publications"},
		"nothing": {func(t *testing.T, o *registrar) { must(t, o.public().Remove("ledger/checkpoint")) }, "nothing is published"},
		"no head": {func(t *testing.T, o *registrar) { must(t, o.public().Remove("ledger/head")) }, "ledger/head is not there"},
		"no tile": {func(t *testing.T, o *registrar) { must(t, o.public().Remove("ledger/tile/entries/000")) }, "not among what is published"},
	} {
		o := aRegistry(t)
		c.spoil(t, o)
		e := anEdge(t, o, gate.Limits{})
		if _, err := o.pusher(t, e).Push(context.Background()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	o := aRegistry(t)
	for _, name := range []string{".DS_Store", "samples/.hidden/x", "ledger/proposal", "trust/proposed"} {
		path := filepath.Join(string(o.public()), name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte("private"), 0o644))
	}
	e := anEdge(t, o, gate.Limits{})
	o.push(t, e)
	for _, name := range []string{".DS_Store", "samples/.hidden/x", "ledger/proposal", "trust/proposed"} {
		if _, status := e.get(t, name); status != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", name, status)
		}
	}
}
