package gate_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/site/edge/gate"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

// A halting body is sent up to a place, and goes on when it is told to.
type halting struct {
	first, rest io.Reader
	halted, on  chan struct{}
	once        sync.Once
}

func halt(b []byte, at int) *halting {
	return &halting{first: bytes.NewReader(b[:at]), rest: bytes.NewReader(b[at:]), halted: make(chan struct{}), on: make(chan struct{})}
}

func (h *halting) Read(p []byte) (int, error) {
	if n, err := h.first.Read(p); err == nil {
		return n, nil
	}
	h.once.Do(func() { close(h.halted) })
	<-h.on
	return h.rest.Read(p)
}

// posted sends a body, and returns the status of the answer.
func (p *publisher) posted(path string, body io.Reader, size int64) (int, string) {
	req := httptest.NewRequest("POST", path, body)
	req.ContentLength = size
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	p.to.ServeHTTP(w, req)
	var v struct{ Error struct{ Code string } }
	json.Unmarshal(w.Body.Bytes(), &v)
	return w.Code, v.Error.Code
}

// attempts are those of the day.
func (p *publisher) attempts(e *edge) (list []struct{ Step, Code, Message string }) {
	var a struct {
		Attempts []struct{ Step, Code, Message string }
	}
	p.must(p.ask("GET", "/publish/attempts?day="+e.now.UTC().Format(time.DateOnly), nil, &a))
	return a.Attempts
}

// Where there is no room, bodies are refused, told of, and taken once there is; what comes for known offers leaves offers their own.
func TestBusy(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	e.limits.Held = 1 << 20
	p := newPublisher(t, r, e.handler())
	if _, err := p.propose(); err != nil {
		t.Fatal(err)
	}
	large := packOf(make([]byte, 600<<10))
	first := halt(large, len(large)-1)
	ended := make(chan int)
	go func() {
		code, _ := p.posted(p.at("objects"), first, int64(len(large)))
		ended <- code
	}()
	<-first.halted
	second := packOf(bytes.Repeat([]byte{1}, 100<<10))
	for size, body := range map[int64]io.Reader{int64(len(second)): &only{t, bytes.NewReader(second[:4])}, -1: bytes.NewReader(second)} {
		if status, code := p.posted(p.at("objects"), body, size); status != 503 || code != "busy" {
			t.Errorf("a second one: %d %s, want 503 busy", status, code)
		}
	}
	told := map[[2]string]int{} // all of one moment: in no order
	for _, a := range p.attempts(e) {
		told[[2]string{a.Step, a.Code}]++
	}
	if len(told) != 2 || told[[2]string{"offer", "taken"}] != 1 || told[[2]string{"objects", "busy"}] != 2 {
		t.Errorf("attempts: %v, want the offer and two that were busy", told)
	}
	if _, err := p.propose(); err != nil {
		t.Errorf("an offer meanwhile: %v", err)
	}
	close(first.on)
	if code := <-ended; code != 200 {
		t.Errorf("the first one: %d", code)
	}
	if status, _ := p.posted(p.at("objects"), bytes.NewReader(second), int64(len(second))); status != 200 {
		t.Errorf("the second one afterwards: %d", status)
	}
	p.must(p.publish())
}

// Bodies that were announced and do not come keep nobody waiting: not idle ones, and not those of which much has come.
func TestIdleBodies(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	e.limits.Held = 80 << 20 // as package edge has it
	g := e.over(e.store)
	server := httptest.NewServer(g.Handler())
	t.Cleanup(server.Close)
	p := newPublisher(t, r, server.Config.Handler)
	if _, err := p.propose(); err != nil {
		t.Fatal(err)
	}
	begin := func(path string, sent int) {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		size := 4 << 20
		if path == "/publish/offers" || path == p.at("objects") {
			size = 16 << 20
		}
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n\x00\xf0\x00\x00", path, token, size)
		go c.Write(make([]byte, sent))
	}
	for _, path := range []string{"/publish/offers", p.at("plan"), p.at("chunks/0"), p.at("objects")} {
		for range 10 {
			begin(path, 1)
		}
		for range 3 {
			begin(path, 6<<20)
		}
	}
	for unknown, known := int64(0), int64(0); unknown < 6<<20 || known < 6<<20; unknown, known = g.Held() {
		time.Sleep(time.Millisecond)
	}
	for i := range 3 {
		q := newPublisher(t, r, server.Config.Handler)
		q.makeSet(r.Now + int64(i))
		q.must(q.stage())
	}
	p.must(p.publish())
}

// A body about an offer that nobody has made is not read.
func TestUnknownOffer(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	for _, id := range []string{sum(nil), "x"} {
		for _, step := range []string{"objects", "plan", "chunks/0", "finish"} {
			if status, code := p.posted("/publish/offers/"+id+"/"+step, unread{t}, 100); status != 404 || code != "unknown-offer" {
				t.Errorf("%s: %d %s, want 404 unknown-offer", step, status, code)
			}
		}
	}
}

// A body that does not come is not waited for, and it is told that it did not.
func TestSlow(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	if _, err := p.propose(); err != nil {
		t.Fatal(err)
	}
	e.limits.Slow = 20 * time.Millisecond
	server := httptest.NewServer(e.handler())
	defer server.Close()
	for _, path := range []string{"/publish/offers", p.at("plan"), p.at("objects")} {
		body, end := io.Pipe()
		defer end.Close()
		req, err := http.NewRequest("POST", server.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s", resp.Status)
		}
	}
	if status, code := p.posted(p.at("plan"), strings.NewReader("{"), 100); code != "malformed" {
		t.Errorf("broken off: %d %s, want malformed", status, code)
	}
	told := map[string]int{}
	for _, a := range p.attempts(e) {
		told[a.Step+" "+a.Code]++
	}
	for _, want := range []string{"offer taken", "offer busy", "plan busy", "objects busy", "plan malformed"} {
		if told[want] != 1 {
			t.Errorf("%s: told %d times, want once: %v", want, told[want], told)
		}
	}
}

// A waiting store is slow to write.
type waiting struct{ store.Store }

func (s waiting) Put(ctx context.Context, name string, b []byte, when store.Condition) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(100 * time.Millisecond):
	}
	return s.Store.Put(ctx, name, b, when)
}

// How long a body may take says nothing of how long it takes to do what it asks for.
func TestSlowStore(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	if _, err := p.propose(); err != nil {
		t.Fatal(err)
	}
	e.limits.Slow = 50 * time.Millisecond
	server := httptest.NewServer(e.over(waiting{e.store}).Handler())
	defer server.Close()
	req, err := http.NewRequest("POST", server.URL+p.at("objects"), bytes.NewReader(packOf([]byte("one"), []byte("two"))))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s, want 200", resp.Status)
	}
}

// A weighing store adds up what was uploaded and is in memory at once.
type weighing struct {
	store.Store
	mu        sync.Mutex
	now, most int64
}

func (s *weighing) add(name string, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(name, "staged/") {
		s.now += int64(bytes)
		s.most = max(s.most, s.now)
	}
}

func (s *weighing) Get(ctx context.Context, name string) ([]byte, string, error) {
	return s.GetMost(ctx, name, 1<<62)
}

func (s *weighing) GetMost(ctx context.Context, name string, most int64) ([]byte, string, error) {
	b, version, err := s.Store.GetMost(ctx, name, most)
	s.add(name, len(b))
	time.Sleep(10 * time.Millisecond) // it is looked at
	s.add(name, -len(b))
	return b, version, err
}

// Whoever knows an offer's name can upload large objects, and name them for small files: they are not read.
func TestLargeForSmall(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	e.limits.Chunk = 20
	s := &weighing{Store: e.store}
	p := newPublisher(t, r, e.over(s).Handler())
	if _, err := p.propose(); err != nil {
		t.Fatal(err)
	}
	var a planned
	huge, large := make([]byte, 25<<20), make([]byte, 10<<20)
	var stored any
	for _, b := range [][]byte{huge, large} {
		p.must(p.ask("POST", p.at("objects"), packOf(b), &stored))
	}
	p.must(p.post(p.at("plan"), map[string]any{}, &a))
	have := map[string]string{}
	for _, path := range a.Missing {
		have[path] = sum(huge)
	}
	wantCode(t, p.post(p.at("plan"), map[string]any{"have": have}, &stored), "wrong")
	n, err := p.plan()
	p.must(err)
	for _, named := range [][]byte{huge, large} {
		for i := range n {
			var c struct{ Paths []string }
			at := p.at(fmt.Sprintf("chunks/%d", i))
			p.must(p.ask("GET", at, nil, &c))
			list := make([]string, len(c.Paths))
			for j := range list {
				list[j] = sum(named)
			}
			if err := p.post(at, map[string]any{"sha256": list}, &stored); codeOf(err) != "wrong" && codeOf(err) != "busy" {
				t.Errorf("chunk %d: %v", i, err)
			}
		}
	}
	if s.most > 16<<20 {
		t.Errorf("%d MiB of uploads are in memory at once, want 16 at most", s.most>>20)
	}
	p.must(p.publish())
}

// What is logged names no offer: whoever has the token as well could go on with it.
func TestLogNamesNoOffer(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	p.must(p.stage())
	var log bytes.Buffer
	g := gate.New(gate.Config{Source: &published.Source{Store: unplanned{e.store}, Trust: r.Trust}, TokenSHA256: sha256.Sum256([]byte(token)), Now: r.Clock,
		Log: slog.New(slog.NewTextHandler(&log, nil))})
	p.to = g.Handler()
	wantCode(t, p.finish(), "outage")
	p.token = "another"
	wantCode(t, p.finish(), "unauthorised")
	if told := log.String(); strings.Contains(told, p.offer) || !strings.Contains(told, "offers/ID/plan") || strings.Count(told, "/publish/offers/{id}/finish") != 2 {
		t.Errorf("logged: %s", told)
	}
}

// An unplanned store cannot read plans.
type unplanned struct{ store.Store }

func (s unplanned) Get(ctx context.Context, name string) ([]byte, string, error) {
	if strings.HasSuffix(name, "/plan") {
		return nil, "", fmt.Errorf("the object %s cannot be read", name)
	}
	return s.Store.Get(ctx, name)
}
