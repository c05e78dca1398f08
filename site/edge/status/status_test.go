package status_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/build/edgestore"
	"stele/build/follow/followtest"
	"stele/build/monitor"
	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/status"
	"stele/site/edge/store"
	"stele/site/headers"
)

const (
	own     = "https://portal.test.example"
	lateBy  = 6 * 60 // seconds: a tenth of an hour
	minutes = 60
)

// An edge is one under test: a folder's store, a registry, a clock, and a webhook that takes what it is sent.
type edge struct {
	t       *testing.T
	reg     *followtest.Registry
	src     *published.Source
	now     int64
	every   time.Duration
	views   []string
	hook    *httptest.Server
	mu      sync.Mutex
	got     []status.Message
	refuses bool
	fetch   status.Fetch
}

func newEdge(t *testing.T) *edge {
	t.Helper()
	folder, err := edgestore.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	reg := followtest.New(t, followtest.Policy{Officers: []string{"ada", "bob", "cyd"}, Needed: 2, Witnesses: []string{"north", "south"}, Seen: 1})
	e := &edge{t: t, reg: reg, src: &published.Source{Store: folder, Trust: reg.Trust}, now: reg.Now, every: time.Hour, fetch: fetch}
	e.hook = e.serve(http.HandlerFunc(e.take))
	return e
}

func (e *edge) serve(h http.Handler) *httptest.Server {
	s := httptest.NewServer(h)
	e.t.Cleanup(s.Close)
	return s
}

// take is the webhook.
func (e *edge) take(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var m status.Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || e.refuses || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	e.got = append(e.got, m)
}

// fetch asks as a host's own Fetch does.
func fetch(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 256<<10))
	return res.StatusCode, b, err
}

func (e *edge) status() *status.Status {
	return status.New(status.Config{Source: e.src, URL: own + "/", Every: e.every, Views: e.views, Webhook: e.hook.URL, Fetch: e.fetch, Now: func() time.Time { return time.Unix(e.now, 0) }})
}

// check runs a check and returns what the webhook was told by it: "begins late", "ends fork http://…".
func (e *edge) check() []string {
	e.t.Helper()
	if err := e.status().Check(context.Background()); err != nil {
		e.t.Fatal(err)
	}
	return e.told()
}

func (e *edge) told() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var told []string
	for _, m := range e.got {
		told = append(told, strings.TrimSpace(m.State+" "+m.Code+" "+m.Subject))
	}
	e.got = nil
	return told
}

func (e *edge) wantTold(want ...string) {
	e.t.Helper()
	if got := e.check(); !slices.Equal(got, want) {
		e.t.Errorf("told %q, want %q", got, want)
	}
}

func (e *edge) wantStatus(want string) *status.Health {
	e.t.Helper()
	h := e.status().Health(context.Background())
	if h.Status != want {
		e.t.Errorf("status %q with %+v, want %q", h.Status, h.Alarms, want)
	}
	return h
}

func (e *edge) put(name string, b []byte) {
	e.t.Helper()
	if err := e.src.Store.Put(context.Background(), name, b, store.Always); err != nil {
		e.t.Fatal(err)
	}
}

// publish puts what a registry has published into force.
func (e *edge) publish(reg *followtest.Registry) {
	e.t.Helper()
	reg.Publish()
	e.install(reg)
	e.now = reg.Now + 5
}

func (e *edge) install(reg *followtest.Registry) {
	e.t.Helper()
	set := &proofs.Set{Origin: followtest.Origin, Publication: reg.Size(), Time: reg.Now + 1}
	add := func(name string, b []byte) {
		h := proofs.Hash(sha256.Sum256(b))
		set.Files = append(set.Files, proofs.SetFile{SHA256: h, Size: uint64(len(b)), Name: name})
		if headers.Lasts(name) {
			e.put(published.KeptPrefix+name, b)
		} else {
			e.put(published.SetPrefix+h.String(), b)
		}
	}
	add("index.html", []byte("<!doctype html>"))
	for _, name := range reg.Paths() {
		if headers.Lasts(name) {
			e.put(published.KeptPrefix+name, reg.Get(name))
		} else {
			add(name, reg.Get(name))
		}
	}
	slices.SortFunc(set.Files, func(a, b proofs.SetFile) int { return strings.Compare(a.Name, b.Name) })
	b, err := proofs.SignSet(set, reg.Log)
	if err != nil {
		e.t.Fatal(err)
	}
	e.put(published.CurrentObject, b)
}

func (e *edge) get(path string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	e.status().Handler().ServeHTTP(w, req)
	return w
}

// TestFreshness: ok, late, stale, and late again no more once something was published; each told once, and read by programs.
func TestFreshness(t *testing.T) {
	e := newEdge(t)
	h := e.wantStatus(status.Nothing)
	if h.Epoch != 1 || h.Origin != followtest.Origin || h.AsOf != nil {
		t.Errorf("before the first publication: %+v", h)
	}
	e.wantTold()
	e.reg.Register(followtest.Office, 0, 300)
	e.publish(e.reg)
	e.wantTold()
	h = e.wantStatus(status.OK)
	asOf := e.reg.Now
	for name, got := range map[string]any{"size": h.Size == e.reg.Size(), "root": h.Root == e.reg.Checkpoint().Root.String(), "as of": *h.AsOf == stamp(asOf),
		"fresh until": *h.FreshUntil == stamp(asOf+86400), "due": *h.NextDue == stamp(asOf+3600), "late after": *h.LateAfter == stamp(asOf+3600+lateBy),
		"officers": h.Officers == status.Quorum{Have: 3, Needed: 2, Of: 3, Met: true}, "witnesses": h.Witnesses == status.Quorum{Have: 2, Needed: 1, Of: 2, Met: true},
		"checked": *h.Checked == stamp(e.now), "alarms": len(h.Alarms) == 0, "publication": h.Publication == e.reg.Size()} {
		if got != true {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if w := e.get("/health.json"); w.Code != 200 {
		t.Errorf("ok is answered %d", w.Code)
	}

	e.now = asOf + 3600 + lateBy
	e.wantStatus(status.OK)
	e.now++
	e.wantStatus(status.Late)
	e.wantTold("begins late")
	e.now += 600
	e.wantTold()
	if since := *e.wantStatus(status.Late).Alarms[0].Since; since != stamp(asOf+3600+lateBy) {
		t.Errorf("late since %s", since)
	}
	e.now = asOf + 86400
	e.wantStatus(status.Late)
	e.now++
	e.wantTold("begins stale")
	h = e.wantStatus(status.Stale)
	if !h.Late || !h.Stale || len(h.Alarms) != 2 {
		t.Errorf("stale: %+v", h)
	}
	w := e.get("/health.json")
	var read map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &read); err != nil || w.Code != 503 || read["status"] != "stale" || read["late"] != true {
		t.Errorf("%d %v %s", w.Code, err, w.Body)
	}
	e.reg.Now = e.now
	e.publish(e.reg)
	e.wantStatus(status.OK)
	e.wantTold("ends late", "ends stale")
}

func stamp(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

// TestDeployedAnew: files that were put together anew are no news.
func TestDeployedAnew(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	e.now += 7200
	e.reg.Now += 7200
	e.install(e.reg)
	e.wantStatus(status.Late)
}

// failing is a store that answers nothing.
type failing struct{ store.Store }

func (failing) Get(context.Context, string) ([]byte, string, error) {
	return nil, "", errors.New("bucket secret-7 is on strike")
}

// TestOutage: what cannot be read is an outage, and neither absent nor an accusation; and nobody is told where the store lies.
func TestOutage(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	e.views = []string{e.serve(e.reg).URL}
	e.wantTold()
	current, _, _ := e.src.Store.Get(context.Background(), published.CurrentObject)
	ends := "ends outage"
	for name, damage := range map[string]func(){
		"current":    func() { e.put(published.CurrentObject, current[:len(current)/2]) },
		"checkpoint": func() { e.put(published.SetPrefix+sum(e.reg.Get("ledger/checkpoint")), []byte("x")) },
		"no file": func() {
			if err := e.src.Store.Delete(context.Background(), published.SetPrefix+sum(e.reg.Get("ledger/checkpoint"))); err != nil {
				t.Fatal(err)
			}
		},
	} {
		damage()
		h := e.wantStatus(status.Unknown)
		if len(h.Alarms) != 1 || h.Alarms[0].Code != status.CodeOutage || h.Alarms[0].Severity != status.Outage {
			t.Errorf("%s: %+v", name, h.Alarms)
		}
		e.wantTold("begins outage")
		e.wantTold()
		if w := e.get("/health.json"); w.Code != 503 || w.Header().Get("Retry-After") != "" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		e.put(published.CurrentObject, current)
		e.put(published.SetPrefix+sum(e.reg.Get("ledger/checkpoint")), e.reg.Get("ledger/checkpoint"))
		e.wantTold(ends)
		e.wantStatus(status.OK)
	}
	s := e.src.Store
	e.src.Store = failing{s}
	e.wantStatus(status.Unknown)
	if b := e.get("/health.json").Body.String(); strings.Contains(b, "secret") {
		t.Errorf("tells where the store lies: %s", b)
	}
	if err := e.status().Check(context.Background()); err == nil {
		t.Error("a check without a store says nothing")
	}
	e.src.Store = s
	e.put(status.StateObject, []byte("{"))
	e.wantTold()
	e.wantStatus(status.OK)
}

func sum(b []byte) string { return proofs.Hash(sha256.Sum256(b)).String() }

// TestForks: another history is proved, whether it is as long, shorter or longer; told once; and it stays told until somebody takes the proof away.
func TestForks(t *testing.T) {
	for name, c := range map[string]struct{ ours, theirs int }{"as long": {2, 2}, "shorter": {300, 2}, "longer": {2, 700}} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			e.publish(e.reg)
			other := e.reg.Clone()
			honest := e.serve(e.reg)
			e.reg.Register(followtest.Office, 0, c.ours)
			e.publish(e.reg)
			other.Register(followtest.Office, 1000, 1000+c.theirs)
			other.Publish()
			lying := e.serve(other)
			e.views = []string{lying.URL, honest.URL}
			e.wantTold("begins fork " + lying.URL)
			e.wantTold()
			h := e.wantStatus(status.Wrong)
			if h.Views[0].Result != status.Differs || h.Views[1].Result != status.Same || len(h.Alarms) != 1 || h.Alarms[0].View != lying.URL {
				t.Fatalf("%+v %+v", h.Views, h.Alarms)
			}
			path, ok := strings.CutPrefix(h.Alarms[0].Evidence, own)
			proof := e.get(path)
			if !ok || proof.Code != 200 || proof.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("the proof %q: %d", h.Alarms[0].Evidence, proof.Code)
			}
			r, err := e.reg.Trust.CheckEvidence(proof.Body.Bytes(), nil, e.now)
			if err != nil || r.Size != min(e.reg.Size(), other.Size()) {
				t.Fatalf("the proof: %+v, %v", r, err)
			}
			e.views = e.views[1:]
			e.wantTold()
			e.wantStatus(status.Wrong)
			name := strings.TrimSuffix(path[strings.LastIndex(path, "/")+1:], ".stele-evidence")
			if err := e.src.Store.Delete(context.Background(), status.EvidencePrefix+name); err != nil {
				t.Fatal(err)
			}
			e.wantTold("ends fork " + lying.URL)
			e.wantStatus(status.OK)
		})
	}
}

// TestProofsBounded: however many others there are, only so many proofs are kept, and the rest is told all the same.
func TestProofsBounded(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	for i := range 16 {
		e.put(status.EvidencePrefix+sum([]byte{byte(i)}), []byte("x"))
	}
	other := e.reg.Clone()
	e.reg.Register(followtest.Office, 0, 2)
	e.publish(e.reg)
	other.Register(followtest.Office, 5, 7)
	other.Publish()
	e.views = []string{e.serve(other).URL}
	e.wantTold("begins fork " + e.views[0])
	if h := e.wantStatus(status.Wrong); h.Alarms[0].Evidence != "" {
		t.Errorf("%+v", h.Alarms)
	}
	objects, _, err := e.src.Store.List(context.Background(), status.EvidencePrefix, "")
	if err != nil || len(objects) != 16 {
		t.Errorf("%d proofs, %v", len(objects), err)
	}
}

// TestBehind: who has more is told once that has lasted longer than a publication takes, and no more once it is here too. A witness has no tiles.
func TestBehind(t *testing.T) {
	for _, name := range []string{"portal", "witness"} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			e.every = 24 * time.Hour
			e.reg.Register(followtest.Office, 0, 3)
			e.publish(e.reg)
			newer := e.reg.Clone()
			newer.Register(followtest.Office, 10, 600)
			newer.Publish()
			server := e.serve(newer)
			view := server.URL + "/"
			if name == "witness" {
				view = e.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/aabbcc/checkpoint" {
						w.Write(newer.Get("ledger/checkpoint"))
					}
				})).URL + "/aabbcc/checkpoint"
			}
			e.views = []string{view}
			e.now = newer.Now + 15*minutes
			e.wantTold()
			if h := e.wantStatus(status.OK); h.Views[0].Result != status.Ahead || h.Views[0].Size != newer.Size() {
				t.Errorf("%+v", h.Views)
			}
			e.now += 1
			e.wantTold("begins behind " + view)
			e.wantTold()
			e.wantStatus(status.Wrong)
			e.reg = newer
			e.install(newer)
			e.wantTold("ends behind " + view)
			if h := e.wantStatus(status.OK); h.Views[0].Result != status.Same {
				t.Errorf("%+v", h.Views)
			}
		})
	}
}

// TestMirrorTakesItsTime: an older state of the same ledger is no fault.
func TestMirrorTakesItsTime(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	mirror := e.reg.Clone()
	e.views = []string{e.serve(mirror).URL + "/ledger/checkpoint"}
	e.reg.Register(followtest.Office, 0, 600)
	e.publish(e.reg)
	e.wantTold()
	if h := e.wantStatus(status.OK); h.Views[0].Result != status.Older {
		t.Errorf("%+v", h.Views)
	}
}

// TestRollback: whoever puts an older publication back, or takes all away, is noticed, though its signatures are right.
func TestRollback(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	old, _, _ := e.src.Store.Get(context.Background(), published.CurrentObject)
	e.reg.Register(followtest.Office, 0, 3)
	e.publish(e.reg)
	e.now = e.reg.Now - 60
	e.wantTold()
	e.put(published.CurrentObject, old)
	e.wantTold("begins rollback")
	e.wantTold()
	e.wantStatus(status.Wrong)
	if err := e.src.Store.Delete(context.Background(), published.CurrentObject); err != nil {
		t.Fatal(err)
	}
	e.wantTold()
	e.wantStatus(status.Nothing)
	e.install(e.reg)
	e.wantTold("ends rollback")
}

// TestUnreachable: a view that does not answer is told after three checks, as an outage; what was found before stands meanwhile.
func TestUnreachable(t *testing.T) {
	e := newEdge(t)
	e.every = 24 * time.Hour
	e.publish(e.reg)
	newer := e.reg.Clone()
	newer.Register(followtest.Office, 0, 3)
	newer.Publish()
	down := true
	view := e.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		newer.ServeHTTP(w, r)
	})).URL
	e.views = []string{view}
	e.wantTold()
	e.wantTold()
	if h := e.wantStatus(status.OK); h.Views[0].Result != status.Unreachable || h.Views[0].Seen != nil {
		t.Errorf("%+v", h.Views)
	}
	e.wantTold("begins view-unreachable " + view)
	if h := e.wantStatus(status.OK); len(h.Alarms) != 1 || h.Alarms[0].Severity != status.Outage {
		t.Errorf("%+v", h.Alarms)
	}
	down = false
	e.now = newer.Now + 16*minutes
	e.wantTold("begins behind "+view, "ends view-unreachable "+view)
	down = true
	e.wantTold()
	e.wantStatus(status.Wrong)
	e.views = nil
	e.wantTold("ends behind " + view)
}

// TestBroken: what this registry has not signed accuses nobody.
func TestBroken(t *testing.T) {
	e := newEdge(t)
	e.reg.Register(followtest.Office, 0, 3)
	e.publish(e.reg)
	other := e.reg.Clone()
	other.Register(followtest.Office, 5, 9)
	other.Rekey()
	other.Publish()
	foreign := strings.Replace(string(e.reg.Get("ledger/checkpoint")), followtest.Origin+"\n", "elsewhere.example/log\n", 1)
	for name, b := range map[string][]byte{"a page": []byte("<!doctype html><p>Welcome"), "another key": other.Get("ledger/checkpoint"), "another log": []byte(foreign),
		"too long": bytes.Repeat([]byte("x"), proofs.MaxCheckpoint+1)} {
		e.views = []string{e.serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(b) })).URL}
		e.wantTold()
		e.wantTold()
		e.wantTold("begins view-broken " + e.views[0])
		if h := e.wantStatus(status.OK); h.Views[0].Result != status.Broken {
			t.Errorf("%s: %+v", name, h.Views)
		}
		gone := e.views[0]
		e.views = nil
		e.wantTold("ends view-broken " + gone)
	}
}

// TestEarlierEpoch: a mirror that has not followed the change of the log's keys yet is compared by the keys of its time.
func TestEarlierEpoch(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	mirror := e.reg.Clone()
	lying := e.reg.Clone()
	lying.Register(followtest.Office, 50, 52)
	lying.Publish()
	e.views = []string{e.serve(mirror).URL}
	e.reg.Register(followtest.Office, 0, 9)
	e.reg.Publish()
	e.rotate()
	e.install(e.reg)
	e.now = e.reg.Now + 5
	e.put(published.TrustObject, e.reg.Trust.Marshal())
	e.wantTold()
	if h := e.wantStatus(status.OK); h.Epoch != 2 || h.Views[0].Result != status.Older {
		t.Errorf("%+v", h)
	}
	e.views = []string{e.serve(lying).URL}
	e.wantTold("begins fork " + e.views[0])
}

// rotate changes the log's keys, and has the edge's registry publish with the next ones.
func (e *edge) rotate() (before, between, after *followtest.Registry) {
	return e.reg.Rotate(followtest.Policy{Officers: []string{"ada", "bob", "cyd"}, Needed: 2, Witnesses: []string{"north", "south"}, Seen: 1})
}

// TestWhileKeysChange: what is in force is judged by the trust file of its own epoch, whether the edge has noted that one yet, or a later one already.
func TestWhileKeysChange(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	before, between, after := e.rotate()
	want := func(r *followtest.Registry, epoch uint64) {
		t.Helper()
		e.install(r)
		e.now = r.Now + 5
		e.wantTold()
		if h := e.wantStatus(status.OK); h.Epoch != epoch {
			t.Errorf("epoch %d with %d entries, want %d", h.Epoch, h.Size, epoch)
		}
	}
	want(before, 1)
	want(between, 1) // the next trust file is there, and the checkpoint still of before
	want(after, 2)
	e.put(published.TrustObject, after.Trust.Marshal())
	want(after, 2)
	e.reg.Register(followtest.Office, 60, 62)
	e.reg.Publish()
	want(e.reg, 2)

	// The edge is deployed with the next trust file while a publication of before is in force.
	e = newEdge(t)
	e.publish(e.reg)
	e.reg.Publish()
	before, between, _ = e.rotate()
	e.src.Trust = e.reg.Trust
	want(before, 1)
	want(between, 1)
}

// TestWebhook: what could not be delivered is delivered later, in order and once.
func TestWebhook(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	e.refuses = true
	e.now = e.reg.Now + 7200
	e.wantTold()
	e.now = e.reg.Now + 90000
	e.wantTold()
	if h := e.wantStatus(status.Stale); h.Undelivered != 2 {
		t.Errorf("%d undelivered", h.Undelivered)
	}
	e.refuses = false
	e.wantTold("begins late", "begins stale")
	e.wantTold()
	if h := e.wantStatus(status.Stale); h.Undelivered != 0 {
		t.Errorf("%d undelivered", h.Undelivered)
	}
}

// TestTwoAtOnce: of two checks that overlap, one tells.
func TestTwoAtOnce(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	e.now += 7200
	e.views = []string{e.serve(e.reg).URL}
	inside, goOn := make(chan bool), make(chan bool)
	first := e.status()
	first.Fetch = func(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
		if method == http.MethodGet {
			inside <- true
			<-goOn
		}
		return fetch(ctx, method, url, body)
	}
	done := make(chan error)
	go func() { done <- first.Check(context.Background()) }()
	<-inside
	e.wantTold()
	close(goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := e.told(); !slices.Equal(got, []string{"begins late"}) {
		t.Errorf("told %q", got)
	}
}

// TestCutOff: a check that was cut off gives way in time, and of what it has sent only that is repeated, under the same number, of which it was not known
// to have arrived.
func TestCutOff(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	e.now += 90000
	cut, posts := e.status(), 0
	ctx, cancel := context.WithCancel(context.Background())
	cut.Fetch = func(_ context.Context, method, url string, body []byte) (int, []byte, error) {
		if posts++; posts == 2 {
			defer cancel() // it arrives, and the sender never learns it
		}
		return fetch(context.Background(), method, url, body)
	}
	cut.Source = &published.Source{Store: &stopping{e.src.Store, ctx}, Trust: e.src.Trust}
	if err := cut.Check(ctx); err == nil {
		t.Fatal("a check that was cut off says nothing")
	}
	if len(e.got) != 2 {
		t.Fatalf("%+v, want two messages", e.got)
	}
	last := e.got[1]
	e.told()
	e.wantTold() // its time is not over
	e.now += 5 * minutes
	if err := e.status().Check(context.Background()); err != nil || len(e.got) != 1 || e.got[0] != last {
		t.Errorf("%v: %+v, want %+v again", err, e.got, last)
	}
}

// overtaken is a store in which somebody else runs a whole check after the state was read.
type overtaken struct {
	store.Store
	other func()
}

func (s *overtaken) Get(ctx context.Context, name string) ([]byte, string, error) {
	b, version, err := s.Store.Get(ctx, name)
	if name == status.StateObject && s.other != nil {
		other := s.other
		s.other = nil
		other()
	}
	return b, version, err
}

// TestOvertaken: who was read before another check and writes after it, writes nothing.
func TestOvertaken(t *testing.T) {
	for _, first := range []bool{true, false} {
		e := newEdge(t)
		e.publish(e.reg)
		if !first {
			e.check()
		}
		e.now += 7200
		slow := e.status()
		slow.Source = &published.Source{Trust: e.src.Trust, Store: &overtaken{e.src.Store, func() { e.wantTold("begins late") }}}
		if err := slow.Check(context.Background()); err != nil {
			t.Error(err)
		}
		if got := e.told(); got != nil {
			t.Errorf("told %q again", got)
		}
	}
}

// stopping is a store that ends with a context.
type stopping struct {
	store.Store
	ctx context.Context
}

func (s *stopping) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	return s.Store.Put(ctx, name, b, when)
}

// TestManyAtOnce: whoever is first, everything is told once.
func TestManyAtOnce(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	e.now += 7200
	var wg sync.WaitGroup
	for range 8 {
		s := e.status()
		wg.Go(func() {
			if err := s.Check(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := e.told(); !slices.Equal(got, []string{"begins late"}) {
		t.Errorf("told %q", got)
	}
}

// TestHanging: a view that never answers holds nothing up for longer than its time, even where Fetch does not heed it.
func TestHanging(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	e.views = []string{"https://hangs.test.example", e.serve(e.reg).URL}
	never := make(chan bool)
	t.Cleanup(func() { close(never) })
	ctx, cancel := context.WithCancel(context.Background())
	e.fetch = func(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
		if strings.Contains(url, "hangs") {
			cancel() // as the end of its time does
			<-never
		}
		return fetch(context.Background(), method, url, body)
	}
	if err := e.status().Check(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// TestMessage holds that one receiver reads the messages of a monitor and those of an edge.
func TestMessage(t *testing.T) {
	fields := func(v any) (names []string) {
		for f := range reflect.TypeOf(v).Fields() {
			names = append(names, f.Name+" "+f.Type.String()+" "+string(f.Tag))
		}
		return names
	}
	if a, b := fields(status.Message{}), fields(monitor.Message{}); !slices.Equal(a, b) {
		t.Errorf("%q, and a monitor's %q", a, b)
	}
	for own, theirs := range map[string]string{status.Begins: monitor.Begins, status.Changed: monitor.Changed, status.Ends: monitor.Ends, status.Alarm: monitor.Alarm,
		status.Outage: monitor.Outage, status.Warning: monitor.Warning, status.CodeStale: monitor.CodeStale} {
		if own != theirs {
			t.Errorf("%q, and a monitor's %q", own, theirs)
		}
	}
}

type inState struct {
	status string
	edge   *edge
}

// states are edges in each state, with every kind of alarm among them.
func states(t *testing.T) []inState {
	make := func(want string, change func(e *edge)) inState {
		e := newEdge(t)
		if want != status.Nothing {
			e.reg.Register(followtest.Office, 0, 3)
			e.publish(e.reg)
		}
		change(e)
		return inState{want, e}
	}
	return []inState{
		make(status.OK, func(e *edge) { e.views = []string{e.serve(e.reg).URL}; e.check() }),
		make(status.Nothing, func(*edge) {}),
		make(status.Late, func(e *edge) { e.now += 7200; e.views = []string{"https://unseen.test.example"} }),
		make(status.Stale, func(e *edge) { e.now += 90000 }),
		make(status.Unknown, func(e *edge) { e.put(published.CurrentObject, nil) }),
		make(status.Wrong, func(e *edge) {
			other := e.reg.Clone()
			other.Register(followtest.Office, 70, 75)
			other.Publish()
			old, _, _ := e.src.Store.Get(context.Background(), published.CurrentObject)
			newer := e.reg.Clone()
			e.reg.Register(followtest.Office, 20, 25)
			e.publish(e.reg)
			newer.Register(followtest.Office, 20, 29)
			newer.Publish()
			dead := e.serve(http.NotFoundHandler())
			odd := e.serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
			e.views = []string{e.serve(other).URL, dead.URL, odd.URL}
			e.check()
			e.check()
			e.put(published.CurrentObject, old)
			e.now += 90000
			e.views = append(e.views, e.serve(newer).URL)
			told := e.check()
			for _, code := range []string{"rollback", "late", "stale", "view-unreachable", "view-broken"} {
				if !slices.ContainsFunc(told, func(s string) bool { return strings.HasPrefix(s, "begins "+code) }) {
					t.Errorf("%s was not told: %q", code, told)
				}
			}
		}),
	}
}

var write = flag.Bool("write", false, "write the answers that the browser tests show: go test ./site/edge/status -run Answers -write")

// TestAnswers holds that what the page is tested with in a browser (site/e2e/health.test.mjs) is what an edge answers in each state.
func TestAnswers(t *testing.T) {
	for _, in := range states(t) {
		in.edge.wantStatus(in.status)
		got := in.edge.answer()
		path := filepath.Join("testdata", in.status+".json")
		if *write {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || !bytes.Equal(want, got) {
			t.Errorf("%s is not what is answered (%v): go test ./site/edge/status -run Answers -write", path, err)
		}
	}
}

// answer is what is answered, but for what is another thing each time: addresses, proofs, and the set, which names signatures.
func (e *edge) answer() []byte {
	e.t.Helper()
	text := e.get("/health.json").Body.String()
	for i, view := range e.views {
		text = strings.ReplaceAll(text, view, fmt.Sprintf("https://view%d.test.example", i+1))
	}
	any := strings.Repeat("0123456789abcdef", 4)
	text = regexp.MustCompile(`(evidence/|"set": ")[0-9a-f]{64}`).ReplaceAllString(text, "${1}"+any)
	var h status.Health
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		e.t.Fatal(err)
	}
	slices.SortStableFunc(h.Alarms, func(a, b status.Told) int { return strings.Compare(a.View, b.View) }) // as addresses, the order is another one each time
	b, err := json.MarshalIndent(h, "", "\t")
	if err != nil {
		e.t.Fatal(err)
	}
	return append(b, '\n')
}

// TestHeaders: read by everybody's tools, and kept by nobody.
func TestHeaders(t *testing.T) {
	e := newEdge(t)
	e.publish(e.reg)
	j := e.get("/health.json").Header()
	if j.Get("Cache-Control") != "no-store" || j.Get("Access-Control-Allow-Origin") != "*" || j.Get("Content-Type") != "application/json" || j.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the JSON's: %v", j)
	}
	for path, want := range map[string]int{"/health": 404, "/health/": 404, "/health/evidence/": 404, "/health/evidence/../current": 404, "/health/evidence/" + sum(nil) + ".stele-evidence": 404, "/health.jso": 404} {
		if got := e.get(path).Code; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	req := httptest.NewRequest("POST", "/health.json", nil)
	w := httptest.NewRecorder()
	e.status().Handler().ServeHTTP(w, req)
	if w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d", w.Code)
	}
}

// TestWASM holds that the package builds for a Worker.
func TestWASM(t *testing.T) {
	cmd := exec.Command("go", "build", ".")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
