//go:build !js

package witness_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"stele/build/edgestore"
	client "stele/build/witness"
	"stele/build/witness/witnesstest"
	"stele/proofs"
	"stele/site/edge/store"
	"stele/site/edge/witness"
)

// What follows is over a real store, a folder.

func newFolder(t testing.TB) *edgestore.Folder {
	t.Helper()
	s, err := edgestore.OpenFolder(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformanceFolder(t *testing.T) {
	for _, atWork := range []int{0, 16} {
		t.Run(strconv.Itoa(atWork), func(t *testing.T) {
			witnesstest.Conformance(t, func(h *witnesstest.House) { open(h, newFolder(h), atWork) })
		})
	}
}

var errBroken = errors.New("the store is broken")

// A faulty store fails at one of its writes, and from then on or not; late is after the object was written all the same.
type faulty struct {
	store.Store
	fail  int // the write that fails, from 1
	late  bool
	stays bool // broken
	puts  int
}

func (f *faulty) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	f.puts++
	if f.puts != f.fail && !(f.stays && f.fail > 0 && f.puts > f.fail) {
		return f.Store.Put(ctx, name, b, when)
	}
	if f.late {
		return errors.Join(errBroken, f.Store.Put(ctx, name, b, when))
	}
	return errBroken
}

// TestWriteFails: what could not be made durable is not answered, at whichever write it fails, also where the write was done all the same and nobody heard of it;
// and the witness goes on from what lies there, without anything of what was judged before being lost.
func TestWriteFails(t *testing.T) {
	for _, c := range []struct {
		old    uint64
		writes int // of a request that is answered: of a new log the record and its entry
	}{{0, 2}, {10, 1}} {
		for fail := 1; fail <= c.writes; fail++ {
			for _, late := range []bool{false, true} {
				for _, stays := range []bool{false, true} {
					h := witnesstest.NewHouse(t)
					f := &faulty{Store: newFolder(t), late: late, stays: stays}
					open(h, f, 0)
					if c.old > 0 {
						h.WantCosigned(h.Grow(0, c.old), h.Ledger.Checkpoint(c.old), h.Now)
					}
					f.puts, f.fail = 0, fail
					w := h.Grow(c.old, 20)
					h.Want(w, 500, "operator")
					if strings.Contains(w.Body.String(), "—") {
						t.Error("a cosignature has left")
					}
					f.fail = 0
					last := c.old
					if late || fail > 1 { // the record was written
						last = 20
						h.Want(h.Grow(c.old, 25), 409, "20\n")
						h.Want(h.Post(c.old, nil, h.Ledger.Fork(int(c.old), "false").Note(20)), 409, "20\n") // and another history has come too late
					}
					h.WantCosigned(h.Grow(last, 25), h.Ledger.Checkpoint(25), h.Now)
					if _, _, err := f.Get(t.Context(), originName); err != nil {
						t.Errorf("write %d, late %v: no entry of the log: %v", fail, late, err)
					}
				}
			}
		}
	}
}

// A doubting store has written, did not hear of it, tried again by itself, and finds that the object has changed meanwhile.
type doubting struct {
	store.Store
	once bool
}

func (s *doubting) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	err := s.Store.Put(ctx, name, b, when)
	if s.once && err == nil {
		s.once = false
		return store.ErrChanged
	}
	return err
}

// TestChangedByItself: the witness finds its own record, and names its size.
func TestChangedByItself(t *testing.T) {
	for _, old := range []uint64{0, 10} {
		h := witnesstest.NewHouse(t)
		s := &doubting{Store: newFolder(t)}
		open(h, s, 0)
		if old > 0 {
			h.WantCosigned(h.Grow(0, old), h.Ledger.Checkpoint(old), h.Now)
		}
		s.once = true
		h.Want(h.Grow(old, 20), 409, "20\n")
		h.WantCosigned(h.Grow(20, 20), h.Ledger.Checkpoint(20), h.Now)
	}
}

// TestWrites holds the number of writes that TestWriteFails goes through, and that evidence which cannot be kept keeps nobody from an answer.
func TestWrites(t *testing.T) {
	h := witnesstest.NewHouse(t)
	f := &faulty{Store: newFolder(t)}
	open(h, f, 0)
	h.WantCosigned(h.Grow(0, 10), h.Ledger.Checkpoint(10), h.Now)
	if f.puts != 2 {
		t.Errorf("%d writes for a new log, want 2", f.puts)
	}
	h.WantCosigned(h.Grow(10, 20), h.Ledger.Checkpoint(20), h.Now)
	if f.puts != 3 {
		t.Errorf("%d writes after one more, want 3", f.puts)
	}
	h.WantCosigned(h.Grow(20, 20), h.Ledger.Checkpoint(20), h.Now) // within a second
	if f.puts != 3 {
		t.Errorf("%d writes after the same again, want 3", f.puts)
	}
	f.fail = 4
	h.Want(h.Post(20, nil, h.Ledger.Fork(0, "false").Note(20)), 422, "two roots")
	if !strings.Contains(h.Said.String(), "could not be kept") {
		t.Errorf("not told:\n%s", &h.Said)
	}
}

// TestReadFails: a store that cannot be read is no store of a log of which nothing was cosigned yet.
func TestReadFails(t *testing.T) {
	for _, name := range []string{stateName, originName} {
		h := witnesstest.NewHouse(t)
		s := newFolder(t)
		open(h, s, 0)
		h.WantCosigned(h.Grow(0, 10), h.Ledger.Checkpoint(10), h.Now)
		open(h, &unreadable{s, name}, 0)
		h.Want(h.Grow(0, 20), 500, "operator")
		h.Want(h.Grow(10, 20), 500, "operator")
		h.Want(h.Send("GET", "/health", nil), 503, "nothing is signed for "+witnesstest.Origin)
		open(h, s, 0)
		h.WantCosigned(h.Grow(10, 20), h.Ledger.Checkpoint(20), h.Now)
	}
}

type unreadable struct {
	store.Store
	name string
}

func (s *unreadable) Get(ctx context.Context, name string) ([]byte, string, error) {
	if name == s.name {
		return nil, "", errBroken
	}
	return s.Store.Get(ctx, name)
}

// TestRace: several witnesses with the same keys over one store, as Workers are, are offered two histories at once. Only one is ever cosigned, never back in size.
func TestRace(t *testing.T) {
	h := witnesstest.NewHouse(t)
	dir := filepath.Join(t.TempDir(), "store")
	const parted = 8
	histories := []*witnesstest.Log{h.Ledger, h.Ledger.Fork(parted, "false")}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var of [2]int
	var sizes [2]map[uint64]bool
	for i := range 6 { // each has the store opened on its own, as processes have
		s, err := edgestore.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		w, log := another(h, s), histories[i%2]
		wg.Go(func() {
			for old, tries := uint64(0), 0; old < 40 && tries < 200; tries++ {
				r := send(w, log, old, min(old+2, 40))
				switch r.Code {
				case http.StatusOK:
					old = min(old+2, 40)
					mu.Lock()
					if old > parted {
						if of[i%2]++; sizes[i%2] == nil {
							sizes[i%2] = map[uint64]bool{}
						}
						sizes[i%2][old] = true
					}
					mu.Unlock()
				case http.StatusConflict:
					if old, _ = witness.ParseSize(r.Body.Bytes()); old == 40 {
						return
					}
				case http.StatusUnprocessableEntity: // the other history has won
					return
				case http.StatusServiceUnavailable:
				default:
					t.Errorf("got %d %q", r.Code, r.Body)
					return
				}
			}
		})
	}
	wg.Wait()
	if of[0] > 0 && of[1] > 0 {
		t.Errorf("both histories were cosigned: %v and %v", sizes[0], sizes[1])
	}
	if of[0]+of[1] == 0 {
		t.Error("neither history was cosigned")
	}
}

// TestRaceOfOneSize: two checkpoints of one size, of two histories, to two witnesses at once, again and again, for new logs and for such as both have cosigned before:
// one is cosigned and one is not.
func TestRaceOfOneSize(t *testing.T) {
	s := newFolder(t)
	h := witnesstest.NewHouse(t)
	logs := map[string][]*proofs.Key{}
	known := func() map[string][]*proofs.Key { return logs }
	a, b := begin(h, s, 0, known), begin(h, s, 0, known)
	for i := range 60 {
		log := witnesstest.NewLog(t, "log.example/"+strconv.Itoa(i), "true", 7)
		logs[log.Origin] = log.Keys()
		old := uint64(i % 2 * 3)
		if old > 0 {
			if w := send(a, log, 0, old); w.Code != 200 {
				t.Fatalf("got %d %q", w.Code, w.Body)
			}
		}
		forked := log.Fork(int(old), "false")
		codes := make(chan int, 2)
		var wg sync.WaitGroup
		wg.Go(func() { codes <- send(a, log, old, 7).Code })
		wg.Go(func() { codes <- send(b, forked, old, 7).Code })
		wg.Wait()
		if x, y := <-codes, <-codes; x+y != 200+409 {
			t.Fatalf("%s from size %d: got %d and %d, want one cosignature and one conflict", log.Origin, old, x, y)
		}
	}
}

// TestClient: our client, with the edge's paths.
func TestClient(t *testing.T) {
	h := witnesstest.NewHouse(t)
	s := newFolder(t)
	open(h, s, 16)
	mux := http.NewServeMux()
	mux.Handle("/witness/", http.StripPrefix("/witness", h.Handler))
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	signers := h.Signers()
	peer := client.Peer{Name: witnesstest.Name, URL: web.URL + "/witness", Keys: []*proofs.Key{signers[0].Key(), signers[1].Key()}}
	c := &client.Client{Sizes: map[string]uint64{}, Now: h.Clock}
	collect := func(l *witnesstest.Log, size uint64) ([]proofs.Signature, []client.Fault) {
		return c.Collect(t.Context(), l.Note(size), []client.Peer{peer}, l.Growth(size), nil)
	}
	for _, size := range []uint64{1, 5, 5, 32} {
		if lines, faults := collect(h.Ledger, size); len(lines) != 2 || len(faults) != 0 {
			t.Fatalf("size %d: %d lines, %v", size, len(lines), faults)
		}
	}
	clear(c.Sizes) // then it tells
	if lines, faults := collect(h.Ledger, 40); len(lines) != 2 || len(faults) != 0 {
		t.Errorf("%d lines, %v", len(lines), faults)
	}
	v, err := c.View(t.Context(), peer, witnesstest.Origin, h.Ledger.Keys())
	if err != nil || v.Checkpoint != h.Ledger.Checkpoint(40) || v.Time != h.Now {
		t.Errorf("it shows %+v (%v)", v, err)
	}
	if _, faults := collect(h.Ledger.Fork(20, "false"), 40); len(faults) != 1 || faults[0].Kind != client.Contradiction {
		t.Errorf("a fork: %v", faults)
	}
	if n := len(h.Kept(witness.Fork)); n != 1 {
		t.Errorf("%d forks were kept, want one", n)
	}
	if _, faults := collect(witnesstest.NewLog(t, "log.example/two", "true", 3), 3); len(faults) != 1 || faults[0].Kind != client.Refusal {
		t.Errorf("a log that it does not know: %v", faults)
	}
	res, err := http.Get(web.URL + "/witness/health")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var health witness.Health
	if err := json.NewDecoder(res.Body).Decode(&health); err != nil || !health.OK || health.Logs != 1 {
		t.Errorf("health %+v (%v)", health, err)
	}
}
