package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/build/follow"
	"stele/build/follow/followtest"
	"stele/build/portal"
	"stele/build/witness"
	"stele/proofs"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A world is a registry on loopback with two witnesses, a webhook, and a monitor of it.
type world struct {
	t *testing.T
	*followtest.Registry
	m      *Monitor
	dir    string
	now    int64
	where  string
	policy followtest.Policy
	shows  http.Handler // if set, what the portal shows instead of the registry

	mu     sync.Mutex
	shown  map[string][]byte // by witness: its checkpoint
	posted []Message
	refuse bool // the webhook does
	down   bool // the portal is
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, shown: map[string][]byte{}, dir: t.TempDir()}
	witnesses := httptest.NewServer(http.HandlerFunc(w.witness))
	t.Cleanup(witnesses.Close)
	w.policy = followtest.Policy{Witnesses: []string{"w1", "w2"}, Seen: 1, URL: witnesses.URL}
	w.Registry = followtest.New(t, w.policy)
	w.publish(0, 20)
	public := httptest.NewServer(http.HandlerFunc(w.portal))
	t.Cleanup(public.Close)
	w.where = public.URL
	w.open()
	return w
}

func (w *world) portal(out http.ResponseWriter, req *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		http.Error(out, "down", http.StatusBadGateway)
		return
	}
	if w.shows != nil {
		w.shows.ServeHTTP(out, req)
		return
	}
	w.Registry.ServeHTTP(out, req)
}

func (w *world) witness(out http.ResponseWriter, req *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name, path, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	if b := w.shown[name]; b != nil && path == witness.OriginPath(followtest.Origin) {
		out.Write(b)
		return
	}
	http.NotFound(out, req)
}

func (w *world) hook(out http.ResponseWriter, req *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse {
		http.Error(out, "no", http.StatusServiceUnavailable)
		return
	}
	var m Message
	b, _ := io.ReadAll(req.Body)
	must(w.t, json.Unmarshal(b, &m))
	w.posted = append(w.posted, m)
}

// publish registers documents, publishes, and has the witnesses show it.
func (w *world) publish(first, end int) {
	w.Register(followtest.Office, first, end)
	w.Publish()
	w.seen(w.Registry)
	w.now = w.Now + 60
}

// seen lets both witnesses show a registry's checkpoint.
func (w *world) seen(r *followtest.Registry) {
	for _, name := range []string{"w1", "w2"} {
		w.show(name, r)
	}
}

func (w *world) show(name string, r *followtest.Registry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown[name] = (&proofs.Note{Text: r.Checkpoint().Text(), Signatures: r.Sign(r.Log, r.Own, r.Signer(name, proofs.CosignatureKey))}).Marshal()
}

// open starts the monitor, or starts it again.
func (w *world) open() {
	w.t.Helper()
	if w.m != nil {
		w.m.Follower.Close()
	}
	p, err := portal.Open(w.where)
	must(w.t, err)
	f, err := follow.Open(filepath.Join(w.dir, "state"), w.Trust, p)
	must(w.t, err)
	w.t.Cleanup(func() { f.Close() })
	f.Now = func() time.Time { return time.Unix(w.now, 0) }
	hook := httptest.NewServer(http.HandlerFunc(w.hook))
	w.t.Cleanup(hook.Close)
	w.m = &Monitor{Follower: f, Witness: &witness.Client{Patience: time.Second, Now: f.Now}, Send: Messenger{Webhook: hook.URL, Wait: func(context.Context, time.Duration) {}}}
	must(w.t, w.m.Open())
}

// round runs one and compares what was posted ("code state") and the exit code.
func (w *world) round(exit int, want ...string) *Report {
	w.t.Helper()
	w.mu.Lock()
	w.posted = nil
	w.mu.Unlock()
	r, err := w.m.Round(context.Background())
	must(w.t, err)
	got := []string{}
	for _, m := range w.posted {
		got = append(got, m.Code+" "+m.State)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, append([]string{}, want...)) || r.Worst() != exit {
		w.t.Errorf("exit %d, told %q, want %d, %q\nfaults: %+v", r.Worst(), got, exit, want, r.Faults)
	}
	return r
}

// TestWell: nothing is told of a registry that is as it should be, round after round, and what was asked for now and then.
func TestWell(t *testing.T) {
	w := newWorld(t)
	w.round(0)
	w.round(0)
	w.publish(20, 30)
	w.m.Well = 24 * time.Hour
	w.round(0, "well event")
	w.open()
	w.m.Well = 24 * time.Hour
	r := w.round(0)
	if r.Size != w.Size() || r.AsOf != w.Now || r.Publication != 2 {
		t.Errorf("report %+v", r)
	}
	w.publish(30, 40)
	w.publish(40, 50)
	w.now += 86400 / 2
	w.round(0)
}

// TestFreeze: what stands still is told at three quarters, when it is stale, and when it goes on; silence by itself.
func TestFreeze(t *testing.T) {
	w := newWorld(t)
	w.m.Silence = 30 * time.Hour
	w.round(0)
	w.now = w.Now + 86400*3/4 + 1
	w.round(0, "aging begins")
	w.open()
	w.m.Silence = 30 * time.Hour
	w.round(0)
	w.now = w.Now + 86400 + 1
	w.round(1, "aging ends", "stale begins")
	w.round(1)
	w.now += 7 * 3600
	w.round(1, "silence begins")
	w.Now = w.now
	w.publish(20, 21)
	w.round(0, "stale ends", "silence ends")
}

// TestOutage: that nothing can be read is told once, accuses nobody, and ends no alarm.
func TestOutage(t *testing.T) {
	w := newWorld(t)
	w.round(0)
	good := w.Get(proofs.StatisticsPath)
	w.Put(proofs.StatisticsPath, []byte(strings.Replace(string(good), "register letter 20", "register letter 21", 1)))
	w.round(1, "statistics begins")
	w.down = true
	r := w.round(1, "outage begins")
	for _, f := range r.Faults {
		if f.Severity != Outage || f.Code != follow.CodeOutage {
			t.Errorf("%+v, want outages alone", f)
		}
	}
	w.round(1)
	w.down = false
	w.Put(proofs.StatisticsPath, good)
	w.round(0, "outage ends", "statistics ends")
	w.Remove(proofs.HeadPath)
	w.round(2, "outage begins")
}

// evidenceOf is the evidence that a report names, checked offline.
func (w *world) evidenceOf(r *Report, code string) {
	w.t.Helper()
	i := slices.IndexFunc(r.Faults, func(f Fault) bool { return f.Code == code })
	if i < 0 {
		w.t.Fatalf("no %s among %+v", code, r.Faults)
	}
	b, err := os.ReadFile(r.Faults[i].Evidence)
	must(w.t, err)
	if got, err := w.Trust.CheckEvidence(b, nil, w.now); err != nil || got.Kind != "fork" {
		w.t.Errorf("evidence: %+v, %v", got, err)
	}
	if !strings.Contains(r.Faults[i].Hint, "stele verify-evidence "+r.Faults[i].Evidence) {
		w.t.Errorf("hint %q", r.Faults[i].Hint)
	}
}

// TestSplitView: the portal shows another ledger than the witnesses have seen: longer, shorter, or as long.
func TestSplitView(t *testing.T) {
	for name, documents := range map[string]int{"longer": 40, "shorter": 2, "as long": 10} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.round(0)
			other := w.Clone()
			w.publish(20, 30)
			other.Register(followtest.Office, 500, 500+documents)
			other.Publish()
			if name == "longer" { // the tiles of the larger tree have to be somewhere
				for _, path := range other.Paths() {
					if strings.HasPrefix(path, "ledger/tile/") && w.Get(path) == nil {
						w.Put(path, other.Get(path))
					}
				}
				for _, path := range other.Paths() {
					if strings.HasPrefix(path, "ledger/tile/0/") || strings.HasPrefix(path, "ledger/tile/entries/") {
						w.Put(path, other.Get(path))
					}
				}
			}
			w.show("w2", other)
			r := w.round(1, "fork begins")
			w.evidenceOf(r, follow.CodeFork)
			w.round(1)
			w.mu.Lock()
			w.shown["w2"] = nil // it goes down: that ends nothing
			w.mu.Unlock()
			w.round(1, "witness-outage begins")
			if len(w.m.state.Alarms) != 2 {
				t.Errorf("alarms that stand: %+v", w.m.state.Alarms)
			}
		})
	}
}

// TestForked: the portal itself changes to another history, goes back, or serves an old one.
func TestForked(t *testing.T) {
	w := newWorld(t)
	other, old := w.Clone(), w.Clone()
	w.publish(20, 30)
	w.round(0)
	mine := w.Registry
	other.Register(followtest.Office, 500, 540)
	other.Publish()
	w.Registry = other
	r := w.round(1, "fork begins", "history begins")
	w.evidenceOf(r, follow.CodeFork)
	w.Registry = mine
	w.round(0, "fork ends", "history ends")
	w.Registry = old
	for _, path := range mine.Paths() {
		if strings.HasPrefix(path, "ledger/tile/") {
			old.Put(path, mine.Get(path))
		}
	}
	w.round(1, "rollback begins", "history begins")
}

// TestWitnesses: one that is ahead is believed for as long as a publication takes, and no longer; one that is down is told and is no alarm.
func TestWitnesses(t *testing.T) {
	w := newWorld(t)
	w.round(0)
	ahead := w.Clone()
	ahead.Register(followtest.Office, 20, 25)
	ahead.Publish()
	w.show("w1", ahead)
	w.now = ahead.Now + 60
	w.round(0)
	w.now = ahead.Now + aheadFor + 1
	w.round(1, "witness-ahead begins")
	w.Registry.Now = ahead.Now
	w.publish(20, 30)
	w.round(0, "witness-ahead ends")
	w.shown["w1"] = []byte("nonsense")
	w.round(1, "witness-broken begins")
	delete(w.shown, "w1")
	w.round(0, "witness-outage begins", "witness-broken ends")
	w.show("w1", w.Registry)
	w.round(0, "witness-outage ends")
}

// TestWrongIndex: a map that does not follow from the ledger, while it is the newest and after it was put right.
func TestWrongIndex(t *testing.T) {
	w := newWorld(t)
	w.round(0)
	w.Register(followtest.Office, 20, 30)
	w.End(func(x *proofs.Index) { x.IssuersRoot[0] ^= 1 })
	w.Release(w.Sign(w.Everybody()...))
	w.seen(w.Registry)
	w.now = w.Now + 60
	r := w.round(1, "index begins")
	b, err := os.ReadFile(filepath.Join(r.Faults[0].Evidence, "rebuilt"))
	if err != nil || !strings.Contains(string(b), "\nissuers 1 ") {
		t.Errorf("rebuilt: %s (%v)", b, err)
	}
	w.publish(30, 40)
	w.round(1, "index event", "index ends")
	w.round(0)
}

// TestFiles: of what the newest publication has changed in the index, every file is read again.
func TestFiles(t *testing.T) {
	w := newWorld(t)
	w.round(0)
	before := w.Paths()
	w.publish(20, 30)
	for _, path := range w.Paths() {
		if good := w.Get(path); strings.HasPrefix(path, "index/") && !slices.Contains(before, path) {
			w.Put(path, append(slices.Clone(good), 0))
			w.round(1, "damaged begins")
			w.Put(path, good)
		}
	}
	w.round(0, "damaged ends")
}

// TestAway: a monitor that was away until the index of then was deleted goes on, and tells what it was to watch for.
func TestAway(t *testing.T) {
	w := newWorld(t)
	w.round(0)
	w.publish(20, 30)
	w.publish(30, 31)
	w.Collect()
	w.open()
	w.m.Watch = []string{followtest.Office}
	if r := w.round(1, slices.Repeat([]string{"watched event"}, 11)...); r.Size != w.Size() {
		t.Errorf("gone through to %d, want %d", r.Size, w.Size())
	}
	w.round(0)
}

// TestHistory: the list of published checkpoints only grows.
func TestHistory(t *testing.T) {
	w := newWorld(t)
	w.round(0)
	w.publish(20, 30)
	w.round(0)
	good := w.Get(proofs.HistoryPath)
	lines, err := proofs.ParseHistory(good)
	must(t, err)
	w.Put(proofs.HistoryPath, proofs.FormatHistory(lines[:1]))
	w.round(0, "history begins")
	w.Put(proofs.HistoryPath, proofs.FormatHistory(lines[1:]))
	r := w.round(1, "history changed")
	if b, err := os.ReadFile(filepath.Join(r.Faults[0].Evidence, "seen-before")); err != nil || string(b) != string(good) {
		t.Errorf("evidence: %q, %v", b, err)
	}
	w.Put(proofs.HistoryPath, good)
	w.round(0, "history ends")
}

// TestClock: a clock that is wrong here accuses no witness.
func TestClock(t *testing.T) {
	w := newWorld(t)
	w.round(0)
	w.publish(20, 30)
	w.now = w.Now - 1000
	w.round(1, "clock begins", "witness-outage begins", "witness-outage begins")
	w.now = w.Now
	w.round(0, "clock ends", "witness-outage ends", "witness-outage ends")
}

// TestEpochs: while a change of trust is being published, and after it, nothing is amiss; what the keys of before sign anew is never fresh.
func TestEpochs(t *testing.T) {
	w := newWorld(t)
	w.round(0)
	first := *w.Trust
	log, own := w.Log, w.Own
	w.Now += 60
	w.Release(w.Sign(w.Everybody()...)) // a heartbeat of the size at which the epoch ends
	next := w.ChangeTrust(func(n *proofs.Trust) {
		w.Rekey()
		w.SetPolicy(n, w.policy)
	})
	w.End(nil)
	w.Handover(next, w.Sign(log, own, w.Signer("w1", proofs.CosignatureKey)))
	w.now = w.Now + 60
	w.round(0) // the head is that of before
	if w.m.Follower.Trust.Epoch != 2 {
		t.Errorf("epoch %d, want 2", w.m.Follower.Trust.Epoch)
	}
	before := w.m.state.AsOf
	w.now += 86400 + 1
	w.round(1, "stale begins")
	old := w.Clone()
	w.Now = w.now
	w.Release(w.Sign(w.Everybody()...))
	w.seen(w.Registry)
	w.now = w.Now + 60
	w.round(0, "stale ends")
	w.Trust = &first
	w.open()
	w.round(0)
	if w.m.Follower.Trust.ID() != next.ID() || w.m.state.AsOf <= before {
		t.Errorf("epoch %d, as of %d", w.m.Follower.Trust.Epoch, w.m.state.AsOf)
	}
	w.Put(proofs.HeadPath, old.Get(proofs.HeadPath))
	w.round(1, "rollback begins")
}

// TestWhileKeysChange: wherever in a round it falls that the log's keys are changed, in one that has seen the registry before and in the first, nothing is told
// against the registry; and the next round knows all of it.
func TestWhileKeysChange(t *testing.T) {
	for _, begun := range []bool{true, false} {
		for n, more := 0, true; more; n++ {
			for _, pause := range []int{0, 1, 3} {
				what := fmt.Sprintf("begun %t, changed after %d reads, and that took %d", begun, n, pause)
				w := newWorld(t)
				if begun {
					w.round(0)
				}
				before, between, after := w.Rotate(w.policy)
				p := &followtest.Turning{Steps: []*followtest.Registry{before, between, after}, For: []int{n, pause}}
				w.shows = p
				w.seen(w.Registry)
				w.now = w.Now + 60
				r, err := w.m.Round(context.Background())
				must(t, err)
				for _, f := range r.Faults {
					if f.Severity == Alarm {
						t.Errorf("%s: %s: %s", what, f.Code, f.What)
					}
				}
				more = p.Reads() > n
				w.shows = after
				r, err = w.m.Round(context.Background())
				must(t, err)
				if len(r.Faults) > 0 || w.m.Follower.Trust.Epoch != 2 || r.Size != after.Size() {
					t.Errorf("%s: then %+v, epoch %d, %d entries", what, r.Faults, w.m.Follower.Trust.Epoch, r.Size)
				}
			}
		}
	}
}

// TestWitnessesOfTheNext: a witness has cosigned what a new key of the log has signed. That is out later, and the portal may tell what waits.
func TestWitnessesOfTheNext(t *testing.T) {
	w := newWorld(t)
	w.round(0)
	first := w.Trust
	_, between, _ := w.Rotate(w.policy)
	w.seen(w.Registry)
	w.shows = between
	w.now = w.Now + 60
	hidden := between.Clone()
	hidden.Remove(proofs.TrustPath(2), proofs.HandoverPath(2))
	w.shows = hidden
	w.round(0, "witness-broken begins", "witness-broken begins")
	w.now += aheadFor
	w.round(0)
	w.now++
	w.round(1, "witness-broken changed", "witness-broken changed") // whoever has signed that, nothing tells of them

	// The proposal tells whose key it is. From then on the witnesses are ahead.
	hidden.Put(proofs.ProposedTrustPath, w.Trust.Marshal())
	hidden.Put(proofs.ProposalPath, w.HeadOf(w.Sign(w.Log)))
	w.round(1, "witness-broken ends", "witness-broken ends", "witness-ahead begins", "witness-ahead begins")
	w.shows = nil
	w.round(0, "witness-ahead ends", "witness-ahead ends")
	if w.m.Follower.Trust.ID() == first.ID() {
		t.Error("the next trust file was not followed")
	}
}

// TestWatched: each statement of or about an authority is told, unless it was announced.
func TestWatched(t *testing.T) {
	w := newWorld(t)
	w.m.Watch = []string{followtest.Office}
	w.round(0) // what was there before the monitor is not told
	w.Revoke(followtest.Office, 1, "Error")
	w.Accredit("court.test.example")
	w.Accredit(followtest.Office)
	w.Publish()
	w.seen(w.Registry)
	w.now = w.Now + 60
	w.refuse = true
	r := w.round(1)
	if len(r.Told) != 2 || r.Undelivered != 2 || !strings.Contains(r.Told[0].What, "revoke by "+followtest.Office) {
		t.Errorf("told %+v, %d undelivered", r.Told, r.Undelivered)
	}
	w.refuse = false
	w.open() // what could not be delivered is not forgotten
	w.round(0, "watched event", "watched event")
	w.m.Watch = []string{followtest.Office}
	place := w.Size()
	w.Register(followtest.Office, 60, 62)
	note, err := proofs.ParseNote(w.Entry(place))
	must(t, err)
	w.m.Expected = func() (map[proofs.Hash]bool, error) { return map[proofs.Hash]bool{identity(note.Text): true}, nil }
	w.Publish()
	w.seen(w.Registry)
	w.now = w.Now + 60
	w.round(1, "watched event")
}

// TestCommand: the message comes on standard input; one that fails is kept.
func TestCommand(t *testing.T) {
	w := newWorld(t)
	out := filepath.Join(w.dir, "mail")
	w.m.Send = Messenger{Command: `test -z "$FAIL" && { echo "$STELE_CODE $STELE_STATE"; cat; } >> ` + out, Failed: func(m Message, err error) {
		if !strings.Contains(err.Error(), "command") {
			t.Errorf("%d: %v", m.ID, err)
		}
	}}
	w.round(0)
	w.Remove("ledger/checkpoint")
	t.Setenv("FAIL", "yes")
	if r := w.round(2); r.Undelivered != 1 {
		t.Errorf("%d undelivered", r.Undelivered)
	}
	t.Setenv("FAIL", "")
	w.round(2)
	b, err := os.ReadFile(out)
	if err != nil || !strings.HasPrefix(string(b), "outage begins\n"+followtest.Origin+": outage (outage): ledger/checkpoint: is not there\n") || !strings.Contains(string(b), "what to do") {
		t.Errorf("got %q (%v)", b, err)
	}
}

// TestMetrics: what a Prometheus server reads.
func TestMetrics(t *testing.T) {
	w := newWorld(t)
	counts := NewMetrics()
	counts.Round(w.m, w.round(0))
	delete(w.shown, "w2")
	w.Remove(proofs.HistoryPath)
	counts.Round(w.m, w.round(2, "outage begins", "witness-outage begins"))
	counts.Round(w.m, nil)
	res := httptest.NewRecorder()
	counts.Handler().ServeHTTP(res, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{`stele_monitor_alarm{code="outage",severity="outage",subject=""} 1`, `stele_monitor_alarm{code="witness-outage",severity="warning",subject="w2"} 1`,
		`stele_monitor_rounds_total{outcome="well"} 1`, `stele_monitor_rounds_total{outcome="undecided"} 1`, `stele_monitor_rounds_total{outcome="failed"} 1`,
		`stele_monitor_witness_size{witness="w1"} 22`, `stele_monitor_ledger_size 22`} {
		if !strings.Contains(res.Body.String(), want+"\n") {
			t.Errorf("want %s in\n%s", want, res.Body)
		}
	}
}
