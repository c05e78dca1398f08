package witness_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/build/witness/witnesstest"
	"stele/proofs"
	"stele/site/edge/store"
	"stele/site/edge/witness"
)

// A memory is a store in memory, for the tests that run where there is no other: js/wasm in Node. Those beside it have a folder.
type memory struct {
	mu      sync.Mutex
	n       int
	objects map[string]object
}

type object struct {
	b       []byte
	version string
}

func newMemory() *memory { return &memory{objects: map[string]object{}} }

func (m *memory) Get(_ context.Context, name string) ([]byte, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[name]
	if !ok {
		return nil, "", &fs.PathError{Op: "get", Path: name, Err: fs.ErrNotExist}
	}
	return bytes.Clone(o.b), o.version, nil
}

func (m *memory) GetMost(ctx context.Context, name string, most int64) ([]byte, string, error) {
	b, version, err := m.Get(ctx, name)
	if err == nil && int64(len(b)) > most {
		return nil, "", &store.LargeError{Name: name, Size: int64(len(b)), Most: most}
	}
	return b, version, err
}

func (m *memory) Put(_ context.Context, name string, b []byte, when store.Condition) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	version, named := when.Version()
	if have, there := m.objects[name]; !when.IsAlways() && (named != there || have.version != version) {
		return store.ErrChanged
	}
	m.n++
	m.objects[name] = object{bytes.Clone(b), strconv.Itoa(m.n)}
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

func (m *memory) List(_ context.Context, prefix, after string) (list []store.Object, more bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(name, prefix) && name > after {
			list = append(list, store.Object{Name: name, Size: int64(len(m.objects[name].b))})
		}
	}
	return list, false, nil
}

// open puts a witness over a store into a house.
func open(h *witnesstest.House, s store.Store, atWork int) {
	h.Helper()
	var logs map[string][]*proofs.Key
	h.Configure = func(policy string) {
		var err error
		if logs, err = witness.ParseLogs([]byte(policy)); err != nil {
			h.Fatal(err)
		}
	}
	h.Again = func() { h.Handler = begin(h, s, atWork, func() map[string][]*proofs.Key { return logs }).Handler() }
	h.Kept = func(kind string) (kept [][]byte) {
		list, _, err := s.List(h.Context(), witness.MisbehaviourPrefix+witness.OriginName(witnesstest.Origin)+"/"+kind+"/", "")
		if err != nil {
			h.Fatal(err)
		}
		for _, o := range list {
			b, _, err := s.Get(h.Context(), o.Name)
			if err != nil {
				h.Fatal(err)
			}
			kept = append(kept, b)
		}
		return kept
	}
	h.Configure(h.Ledger.Policy())
	h.Again()
}

// begin begins a witness over a store.
func begin(h *witnesstest.House, s store.Store, atWork int, logs func() map[string][]*proofs.Key) *witness.Witness {
	return witness.New(witness.Config{Store: s, Signers: h.Signers(), Now: h.Clock, Log: h.Logger(), AtWork: atWork,
		Logs: func() (map[string][]*proofs.Key, error) { return logs(), nil }})
}

// another is a further witness over the store of a house, with the same keys, as a second Worker is.
func another(h *witnesstest.House, s store.Store) *witness.Witness {
	return begin(h, s, 0, func() map[string][]*proofs.Key {
		return map[string][]*proofs.Key{witnesstest.Origin: h.Ledger.Keys()}
	})
}

// newHouse has a witness over a store of its own.
func newHouse(t *testing.T) (*witnesstest.House, *memory) {
	h, s := witnesstest.NewHouse(t), newMemory()
	open(h, s, 0)
	return h, s
}

var (
	stateName  = witness.StatePrefix + witness.OriginName(witnesstest.Origin)
	originName = witness.OriginsPrefix + witness.OriginName(witnesstest.Origin)
	shownPath  = "/" + witness.OriginPath(witnesstest.Origin)
)

// TestConformance: where nobody waits, as in a Worker, and where the requests of a log come one by one.
func TestConformance(t *testing.T) {
	for _, atWork := range []int{0, 16} {
		t.Run(strconv.Itoa(atWork), func(t *testing.T) {
			witnesstest.Conformance(t, func(h *witnesstest.House) { open(h, newMemory(), atWork) })
		})
	}
}

// TestDamage: whatever is the matter with what was kept, nothing is begun anew.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		why  string
		harm func(h *witnesstest.House, s *memory) []byte // what the record is to be; nil is gone
	}{
		{"gone", func(*witnesstest.House, *memory) []byte { return nil }},
		{"empty", func(*witnesstest.House, *memory) []byte { return []byte{} }},
		{"cut", func(_ *witnesstest.House, s *memory) []byte { return s.objects[stateName].b[:200] }},
		{"something else", func(*witnesstest.House, *memory) []byte { return []byte("<html>\n") }},
		{"another log's", func(h *witnesstest.House, s *memory) []byte {
			other := witnesstest.NewLog(h, "log.example/two", "true", 5)
			h.Configure(h.Ledger.Policy() + "log " + other.Keys()[0].String() + "\n")
			h.WantCosigned(h.Post(0, nil, other.Note(5)), other.Checkpoint(5), h.Now)
			return s.objects[witness.StatePrefix+witness.OriginName(other.Origin)].b
		}},
	} {
		t.Run(c.why, func(t *testing.T) {
			h, s := newHouse(t)
			h.WantCosigned(h.Grow(0, 10), h.Ledger.Checkpoint(10), h.Now)
			if b := c.harm(h, s); b == nil {
				s.Delete(h.Context(), stateName)
			} else if err := s.Put(h.Context(), stateName, b, store.Always); err != nil {
				t.Fatal(err)
			}
			before := s.objects[stateName].version
			for range 2 { // what this process remembers helps as little as what another would
				for _, old := range []uint64{0, 10} {
					h.Want(h.Grow(old, 20), 500, "operator")
				}
				h.Want(h.Send("GET", shownPath, nil), 500, "operator")
				h.Want(h.Send("GET", "/health", nil), 503, "nothing is signed for "+witnesstest.Origin)
				h.Again()
			}
			if s.objects[stateName].version != before {
				t.Error("the record was written")
			}
			if !strings.Contains(h.Said.String(), "nothing is signed for this log") {
				t.Errorf("not told:\n%s", &h.Said)
			}
		})
	}
}

// TestFlippedBits: no bit of a record can turn without being noticed.
func TestFlippedBits(t *testing.T) {
	h, s := newHouse(t)
	h.WantCosigned(h.Grow(0, 10), h.Ledger.Checkpoint(10), h.Now)
	good := s.objects[stateName].b
	if err := witness.CheckRecord(good); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if err := witness.CheckRecord(bad); !errors.Is(err, witness.ErrDamaged) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

// TestEntryLost: a record without its entry is what is left of a process that was ended between the two. It is gone on from, and the entry made up for before
// anything is said by it.
func TestEntryLost(t *testing.T) {
	for _, ask := range []func(h *witnesstest.House){
		func(h *witnesstest.House) { h.Want(h.Grow(0, 20), 409, "10\n") },
		func(h *witnesstest.House) { h.WantCosigned(h.Grow(10, 20), h.Ledger.Checkpoint(20), h.Now) },
		func(h *witnesstest.House) { h.Want(h.Send("GET", shownPath, nil), 200, "\n10\n") },
	} {
		h, s := newHouse(t)
		h.WantCosigned(h.Grow(0, 10), h.Ledger.Checkpoint(10), h.Now)
		s.Delete(h.Context(), originName)
		ask(h)
		if b, _, err := s.Get(h.Context(), originName); err != nil || string(b) != witnesstest.Origin+"\n" {
			t.Errorf("entry %q (%v)", b, err)
		}
	}
}

// A staged store calls a function before each Put, and one after each Get, which stand for what another does meanwhile.
type staged struct {
	store.Store
	before, after func(name string)
}

func (s *staged) Get(ctx context.Context, name string) ([]byte, string, error) {
	if s.after != nil {
		defer s.after(name)
	}
	return s.Store.Get(ctx, name)
}

func (s *staged) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	if s.before != nil {
		s.before(name)
	}
	return s.Store.Put(ctx, name, b, when)
}

// send sends the checkpoint of a log's size to a witness.
func send(w *witness.Witness, l *witnesstest.Log, old, size uint64) *httptest.ResponseRecorder {
	l.Helper()
	proof, err := l.Growth(size)(old)
	if err != nil {
		l.Fatal(err)
	}
	body := (&witness.Request{Old: old, Proof: proof, Checkpoint: l.Note(size)}).Marshal()
	r := httptest.NewRecorder()
	w.Handler().ServeHTTP(r, httptest.NewRequest("POST", "/add-checkpoint", bytes.NewReader(body)))
	return r
}

// TestOvertaken: between reading a record and writing it another witness, with the same keys, cosigns another history. The one that was overtaken judges anew:
// it keeps the fork, and signs nothing.
func TestOvertaken(t *testing.T) {
	for _, first := range []bool{true, false} { // whether the log has no record yet
		h := witnesstest.NewHouse(t)
		m := newMemory()
		s := &staged{Store: m}
		open(h, s, 0)
		var old uint64
		if !first {
			h.WantCosigned(h.Grow(0, 5), h.Ledger.Checkpoint(5), h.Now)
			old = 5
		}
		forked := h.Ledger.Fork(int(old), "false")
		s.before = func(string) {
			s.before = nil
			if w := send(another(h, m), forked, old, 20); w.Code != 200 {
				t.Fatalf("the other got %d %q", w.Code, w.Body)
			}
		}
		h.Want(h.Grow(old, 20), 409, "20\n")
		if n := len(h.Kept(witness.Fork)); n != 1 {
			t.Errorf("%d forks were kept, want one", n)
		}
		h.Want(h.Send("GET", shownPath, nil), 200, forked.Checkpoint(20).Root.Base64())
	}
}

// TestBegunMeanwhile: while the first of a log is read, another witness begins it. That is no record that is gone.
func TestBegunMeanwhile(t *testing.T) {
	h := witnesstest.NewHouse(t)
	m := newMemory()
	s := &staged{Store: m}
	open(h, s, 0)
	s.after = func(string) {
		s.after = nil
		if w := send(another(h, m), h.Ledger, 0, 5); w.Code != 200 {
			t.Fatalf("the other got %d %q", w.Code, w.Body)
		}
	}
	h.Want(h.Grow(0, 7), 409, "5\n")
	h.WantCosigned(h.Grow(5, 7), h.Ledger.Checkpoint(7), h.Now)
}

// TestAlwaysOvertaken: where the record changes each time, and the request would be right each time, it is told to come again.
func TestAlwaysOvertaken(t *testing.T) {
	h := witnesstest.NewHouse(t)
	m := newMemory()
	s := &staged{Store: m}
	open(h, s, 0)
	h.WantCosigned(h.Grow(0, 5), h.Ledger.Checkpoint(5), h.Now)
	other, tries := another(h, m), 0
	s.before = func(string) {
		tries++
		h.Now += witness.SameFor // so that the other writes
		if w := send(other, h.Ledger, 5, 5); w.Code != 200 {
			t.Fatalf("the other got %d %q", w.Code, w.Body)
		}
	}
	w := h.Grow(5, 9)
	h.Want(w, 503, "by others")
	if w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "—") {
		t.Errorf("got %v %q, want to be told when to come again", w.Header(), w.Body)
	}
	if tries < 2 || tries > 10 {
		t.Errorf("tried %d times, want a few", tries)
	}
	s.before = nil
	h.WantCosigned(h.Grow(5, 9), h.Ledger.Checkpoint(9), h.Now)
}

// TestNoLogs: a witness that does not know its logs signs nothing, and says so.
func TestNoLogs(t *testing.T) {
	h := witnesstest.NewHouse(t)
	known, why := map[string][]*proofs.Key(nil), errors.New("the deployment is broken")
	h.Handler = witness.New(witness.Config{Store: newMemory(), Signers: h.Signers(), Now: h.Clock, Log: h.Logger(),
		Logs: func() (map[string][]*proofs.Key, error) { return known, why }}).Handler()
	h.Want(h.Grow(0, 5), 500, "operator")
	h.Want(h.Send("GET", shownPath, nil), 500, "operator")
	h.Want(h.Send("GET", "/health", nil), 503, "the deployment is broken")
	known = map[string][]*proofs.Key{witnesstest.Origin: h.Ledger.Keys()} // those that it knew before
	h.WantCosigned(h.Grow(0, 5), h.Ledger.Checkpoint(5), h.Now)
	h.Want(h.Send("GET", "/health", nil), 503, "the deployment is broken")
	why = nil
	h.Want(h.Send("GET", "/health", nil), 200, `"logs":1`)
}

// TestNoKeys: a witness without keys keeps nothing either.
func TestNoKeys(t *testing.T) {
	h, s := witnesstest.NewHouse(t), newMemory()
	h.Handler = witness.New(witness.Config{Store: s, Now: h.Clock, Log: h.Logger(),
		Logs: func() (map[string][]*proofs.Key, error) { return witness.ParseLogs([]byte(h.Ledger.Policy())) }}).Handler()
	h.Want(h.Grow(0, 5), 500, "operator")
	h.Want(h.Send("GET", "/health", nil), 503, "0 keys")
	if len(s.objects) != 0 {
		t.Errorf("kept: %v", slices.Collect(maps.Keys(s.objects)))
	}
}

func TestTooMany(t *testing.T) {
	h := witnesstest.NewHouse(t)
	w := begin(h, newMemory(), 4, func() map[string][]*proofs.Key {
		return map[string][]*proofs.Key{witnesstest.Origin: h.Ledger.Keys()}
	})
	h.Handler = w.Handler()
	leave, rest := w.Fill()
	r := h.Grow(0, 5)
	h.Want(r, 503, "too many")
	if r.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.Want(h.Send("GET", shownPath, nil), 404, "") // who only reads is not counted
	h.Want(h.Send("GET", "/health", nil), 200, "")
	h.Want(h.Post(0, nil, witnesstest.NewLog(t, "log.example/two", "true", 5).Note(5)), 404, "not known")
	leave()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	r = httptest.NewRecorder()
	body := (&witness.Request{Checkpoint: h.Ledger.Note(5)}).Marshal()
	h.Handler.ServeHTTP(r, httptest.NewRequest("POST", "/add-checkpoint", bytes.NewReader(body)).WithContext(gone))
	h.Want(r, 503, "broken off")
	rest()
	h.WantCosigned(h.Grow(0, 5), h.Ledger.Checkpoint(5), h.Now)
}

// A slow body says when it is waited for, and ends when it is told to.
type slow struct {
	begun chan<- bool
	end   <-chan struct{}
}

func (s slow) Read([]byte) (int, error) {
	s.begun <- true
	<-s.end
	return 0, errors.New("the connection has ended")
}

// TestSlowSenders: however many send the head of a request and then nothing, the witness answers everybody else.
func TestSlowSenders(t *testing.T) {
	for _, atWork := range []int{0, 4} {
		h := witnesstest.NewHouse(t)
		open(h, newMemory(), atWork)
		begun, end := make(chan bool), make(chan struct{})
		var wg sync.WaitGroup
		for range witness.MostInside + 1 {
			wg.Go(func() {
				r := httptest.NewRecorder()
				h.Handler.ServeHTTP(r, httptest.NewRequest("POST", "/add-checkpoint", slow{begun, end}))
				if r.Code != 400 {
					t.Errorf("got %d %q", r.Code, r.Body)
				}
			})
			<-begun
		}
		h.WantCosigned(h.Grow(0, 5), h.Ledger.Checkpoint(5), h.Now)
		h.Want(h.Send("GET", shownPath, nil), 200, "\n5\n")
		h.Want(h.Send("GET", "/health", nil), 200, `"ok":true`)
		close(end)
		wg.Wait()
	}
}

// A timed answer notes until when its request's body is waited for.
type timed struct {
	*httptest.ResponseRecorder
	until []time.Time
}

func (t *timed) SetReadDeadline(until time.Time) error {
	t.until = append(t.until, until)
	return nil
}

// TestBodyInTime: a request has to arrive in some time, and is then answered without haste.
func TestBodyInTime(t *testing.T) {
	h, _ := newHouse(t)
	r := &timed{ResponseRecorder: httptest.NewRecorder()}
	body := (&witness.Request{Checkpoint: h.Ledger.Note(5)}).Marshal()
	h.Handler.ServeHTTP(r, httptest.NewRequest("POST", "/add-checkpoint", bytes.NewReader(body)))
	h.WantCosigned(r.ResponseRecorder, h.Ledger.Checkpoint(5), h.Now)
	if len(r.until) != 2 || r.until[0].After(time.Now().Add(time.Minute)) || !r.until[1].IsZero() {
		t.Errorf("the body is waited for until %v, want less than a minute, and then no end", r.until)
	}
}

// TestSentAgainToOthers: in a Worker each request is a new program's. What is public, sent again by anybody, is not written anew, and stands in nobody's way.
func TestSentAgainToOthers(t *testing.T) {
	h, m := newHouse(t)
	first := h.Grow(0, 5)
	h.WantCosigned(first, h.Ledger.Checkpoint(5), h.Now)
	before := m.n
	began := h.Now
	for ; h.Now < began+witness.SameFor; h.Now++ {
		if r := send(another(h, m), h.Ledger, 5, 5); r.Code != 200 || r.Body.String() != first.Body.String() {
			t.Fatalf("%d seconds later: got %d %q, want what was answered at first", h.Now-began, r.Code, r.Body)
		}
	}
	if m.n != before {
		t.Errorf("%d writes for what was sent again, want none", m.n-before)
	}
	h.WantCosigned(send(another(h, m), h.Ledger, 5, 5), h.Ledger.Checkpoint(5), h.Now)
	if m.n != before+1 {
		t.Errorf("%d writes after a while, want one", m.n-before)
	}
}

// TestOtherKeys: what was signed with other keys is not given out again for what these sign.
func TestOtherKeys(t *testing.T) {
	h, m := newHouse(t)
	h.WantCosigned(h.Grow(0, 5), h.Ledger.Checkpoint(5), h.Now)
	third := witnesstest.Signer(t, witnesstest.Name, proofs.CosignatureKey, "third")
	with := func(signers ...proofs.Signer) *witness.Witness {
		return witness.New(witness.Config{Store: m, Signers: signers, Now: h.Clock, Log: h.Logger(),
			Logs: func() (map[string][]*proofs.Key, error) { return witness.ParseLogs([]byte(h.Ledger.Policy())) }})
	}
	for _, signers := range [][]proofs.Signer{{h.Signers()[1]}, {h.Signers()[1], third}, {third}, h.Signers()} {
		r := send(with(signers...), h.Ledger, 5, 5)
		if r.Code != 200 {
			t.Fatalf("got %d %q", r.Code, r.Body)
		}
		lines := witnesstest.Lines(t, []byte(h.Ledger.Checkpoint(5).Text()+"\n"+r.Body.String()))
		if len(lines) != len(signers) {
			t.Fatalf("got %d lines, want %d", len(lines), len(signers))
		}
		for i, s := range signers {
			if at, err := lines[i].CheckCheckpoint(s.Key(), h.Ledger.Checkpoint(5)); err != nil || at != h.Now {
				t.Errorf("line %d is of %d (%v), want %d", i+1, at, err, h.Now)
			}
		}
	}
}

// A lagging store can be read before it is durable, as a folder can.
type lagging struct {
	*memory
	synced []string
	fails  bool
}

func (l *lagging) Sync(name string) error {
	if l.fails {
		return errors.New("the disk is broken")
	}
	l.synced = append(l.synced, name)
	return nil
}

// TestDurableBeforeItIsShown: a record that another process has written, and perhaps was killed before it was durable, is made so before anything of it leaves; once
// for each record, and what cannot be made so is not shown.
func TestDurableBeforeItIsShown(t *testing.T) {
	for _, ask := range []func(h *witnesstest.House) *httptest.ResponseRecorder{
		func(h *witnesstest.House) *httptest.ResponseRecorder { return h.Grow(5, 5) },
		func(h *witnesstest.House) *httptest.ResponseRecorder { return h.Send("GET", shownPath, nil) },
	} {
		h := witnesstest.NewHouse(t)
		s := &lagging{memory: newMemory()}
		open(h, s, 0)
		if w := send(another(h, s.memory), h.Ledger, 0, 5); w.Code != 200 {
			t.Fatalf("the other got %d %q", w.Code, w.Body)
		}
		s.fails = true
		if r := ask(h); r.Code != 500 || strings.Contains(r.Body.String(), "—") {
			t.Errorf("got %d %q, want it kept back", r.Code, r.Body)
		}
		s.fails = false
		for range 3 {
			h.Want(ask(h), 200, "—")
		}
		if want := []string{stateName, originName}; !slices.Equal(s.synced, want) {
			t.Errorf("made durable: %q, want %q", s.synced, want)
		}
	}
}

// TestLogs: what cannot be a log's line is refused.
func TestLogs(t *testing.T) {
	l := witnesstest.NewLog(t, witnesstest.Origin, "true", 1)
	keys, err := witness.ParseLogs([]byte("# two keys of one log\n" + l.Policy()))
	if err != nil || len(keys) != 1 || len(keys[witnesstest.Origin]) != 2 {
		t.Errorf("got %v (%v), want two keys of one log", keys, err)
	}
	long := witnesstest.Signer(t, strings.Repeat("a", 256), proofs.Ed25519Key, "long")
	many := ""
	for i := range 9 {
		many += "log " + witnesstest.Signer(t, "log.example", proofs.Ed25519Key, strconv.Itoa(i)).Key().String() + "\n"
	}
	for _, text := range []string{"", "log nonsense\nquorum none\n", l.Keys()[0].String(), "log " + long.Key().String() + "\nquorum none\n", many + "quorum none\n"} {
		if keys, err := witness.ParseLogs([]byte(text)); err == nil {
			t.Errorf("%.60q: got %v, want an error", text, keys)
		}
	}
}

// FuzzCheckpoint: whatever is taken formats back to the same bytes, and says of itself what this project's own parser says
// where there are no extension lines.
func FuzzCheckpoint(f *testing.F) {
	log := witnesstest.NewLog(f, witnesstest.Origin, "true", 9)
	f.Add(log.Note(9))
	f.Add(log.Note(0))
	f.Add([]byte(log.Checkpoint(3).Text() + "more\n\n— a AAAAAAA=\n"))
	f.Add([]byte("a\n1\nb\n\n\n— a AAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		again, extended, err := witness.Reformat(b)
		strict, _, err2 := proofs.ParseCheckpoint(b)
		switch {
		case err == nil && string(again) != string(b):
			t.Errorf("%q formats back to %q", b, again)
		case err == nil && (err2 == nil) == extended && len(b) <= proofs.MaxCheckpoint:
			t.Errorf("%q: extended is %v, and the strict parser says %v", b, extended, err2)
		case err2 == nil && (err != nil || !bytes.HasPrefix(b, []byte(strict.Text()))):
			t.Errorf("%q: %v, and the strict parser takes it", b, err)
		}
	})
}

// FuzzRequest: whatever is taken formats back to the same bytes.
func FuzzRequest(f *testing.F) {
	log := witnesstest.NewLog(f, witnesstest.Origin, "true", 9)
	for _, old := range []uint64{0, 3, 9} {
		proof, err := log.Growth(9)(old)
		if err != nil {
			f.Fatal(err)
		}
		f.Add((&witness.Request{Old: old, Proof: proof, Checkpoint: log.Note(9)}).Marshal())
	}
	f.Add([]byte("old 0\n\n"))
	f.Add([]byte("old 01\nAAAA\n\n"))
	f.Add([]byte("old 1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := witness.ParseRequest(b)
		if err == nil && string(r.Marshal()) != string(b) {
			t.Errorf("%q formats back to %q", b, r.Marshal())
		}
	})
}
