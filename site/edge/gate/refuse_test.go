package gate_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"stele/build/follow/followtest"
	"stele/proofs"
	"stele/site/edge/published"
)

// refused wants an offer refused, and nothing but the record of it stored.
func (e *edge) refused(t *testing.T, p *publisher, code string) *told {
	t.Helper()
	before := e.names("")
	current, err := p.propose()
	if codeOf(err) != code {
		t.Fatalf("%v (in force: %v), want %s", err, current, code)
	}
	for _, name := range e.names("") {
		if !strings.HasPrefix(name, "attempts/") && !slices.Contains(before, name) {
			t.Errorf("%s was stored", name)
		}
	}
	return err.(*told)
}

func TestRefusedOffers(t *testing.T) {
	r := grown(t)
	early := r.Clone() // one publication old
	e := newEdge(t, r.Trust)
	e.publishNow(r)
	r.Register(followtest.Office, 300, 310)
	other := r.Clone()
	r.Publish()
	second := e.publishNow(r)
	r.Register(followtest.Office, 310, 320)
	r.Publish()
	third := e.publishNow(r)
	e.now = r.Clock().Add(10 * time.Hour)
	at := e.now.Unix()
	force := e.whole()

	// later is the publication after the one in force, before it is signed.
	later := func() *followtest.Registry {
		c := r.Clone()
		c.Register(followtest.Office, 320, 330)
		return c
	}
	fresh := func(c *followtest.Registry) *publisher {
		p := newPublisher(t, c, e.handler())
		p.makeSet(at)
		return p
	}
	good := later()
	good.Publish()

	t.Run("rollback", func(t *testing.T) {
		for _, c := range []*followtest.Registry{early, other} {
			if c == other {
				c = other.Clone()
				c.Now++
				c.Publish()
			}
			e.refused(t, fresh(c), "rollback")
		}
	})
	t.Run("replay", func(t *testing.T) {
		p := fresh(r)
		p.files, p.set = second.files, second.set
		e.refused(t, p, "replay")
		// Older signatures over the same tree, in a set of today.
		c := r.Clone()
		c.Now -= 1800
		c.Release(c.Sign(c.Everybody()...))
		e.refused(t, fresh(c), "replay")
		// A set of the very time of the one in force.
		p = fresh(good)
		p.makeSet(third.set.Time)
		e.refused(t, p, "replay")
	})
	t.Run("fork", func(t *testing.T) {
		for _, more := range []int{10, 11} { // of the same size, and larger, with a proof of its own growth
			c := other.Clone()
			c.Publish()
			c.Register(followtest.Office, 700, 700+more)
			c.Publish()
			if got := c.Size() - r.Size(); got != uint64(more-10) {
				t.Fatalf("%d entries more", got)
			}
			e.refused(t, fresh(c), "fork")
		}
		p := fresh(good)
		p.change = func(o *order) { o.Consistency[0], o.Consistency[1] = o.Consistency[1], o.Consistency[0] }
		e.refused(t, p, "fork")
		p.change = func(o *order) { o.Consistency = nil }
		e.refused(t, p, "malformed")
		p.change = func(o *order) { o.Consistency[0] = "?" }
		e.refused(t, p, "malformed")
	})
	t.Run("overtaken", func(t *testing.T) {
		p := fresh(good)
		p.change = func(o *order) { o.Old-- }
		if err := e.refused(t, p, "overtaken"); err.Size == nil || *err.Size != r.Size() {
			t.Errorf("told the size %v, want %d", err.Size, r.Size())
		}
	})
	t.Run("other registry", func(t *testing.T) {
		p := fresh(good)
		p.set.Origin = "elsewhere.example/ledger"
		e.refused(t, p, "other-registry")
	})
	t.Run("unsigned", func(t *testing.T) {
		p := fresh(good)
		p.signer = r.Signer("publication", proofs.Ed25519Key)
		e.refused(t, p, "unsigned")
		stranger, err := proofs.NewMemorySigner(followtest.Origin, proofs.Ed25519Key, bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		p.signer = stranger
		e.refused(t, p, "unsigned")
		p.signer = r.Log
		p.change = func(o *order) { o.Set = p.set.Text() }
		e.refused(t, p, "malformed")
		p.change = func(o *order) { o.Set = strings.Replace(o.Set, "about.html", "about2.html", 1) }
		e.refused(t, p, "unsigned")
		p.change = func(o *order) { o.Set, o.Checkpoint = o.Checkpoint, o.Set }
		e.refused(t, p, "malformed")
	})
	t.Run("quorum", func(t *testing.T) {
		for name, by := range map[string][]proofs.Signer{
			"no witness":  {r.Log, r.Own, r.Signer("ann", proofs.MLDSA44Key)},
			"no officer":  {r.Log, r.Own, r.Signer("wit", proofs.CosignatureKey)},
			"no ML-DSA":   {r.Log, r.Signer("ann", proofs.MLDSA44Key), r.Signer("wit", proofs.CosignatureKey)},
			"the log":     {r.Log},
			"not the log": {r.Own, r.Signer("ann", proofs.MLDSA44Key), r.Signer("wit", proofs.CosignatureKey)},
		} {
			c := later()
			c.End(nil)
			c.Release(c.Sign(by...))
			p := fresh(c)
			if _, err := p.propose(); codeOf(err) != "quorum" {
				t.Errorf("%s: %v", name, err)
			}
		}
		c := later() // signatures from a time to come
		c.Now += 86400
		c.Publish()
		e.refused(t, fresh(c), "quorum")
	})
	t.Run("forged", func(t *testing.T) {
		p := fresh(good)
		flip := func(s string, sign string) string { // a bit of a signature
			i := strings.Index(s, sign) + len(sign) + 40
			b := []byte(s)
			b[i] = map[bool]byte{true: 'B', false: 'A'}[b[i] == 'A']
			return string(b)
		}
		for _, name := range []string{"— wit ", "— ann ", "— " + followtest.Origin + " "} {
			p = fresh(good)
			p.files["ledger/checkpoint"] = []byte(flip(string(p.files["ledger/checkpoint"]), name))
			h, err := proofs.ParseHead(p.files[proofs.HeadPath])
			if err != nil {
				t.Fatal(err)
			}
			h.Proof.Checkpoint = p.files["ledger/checkpoint"]
			p.files[proofs.HeadPath] = h.Marshal()
			p.makeSet(at)
			e.refused(t, p, "unsigned")
		}
	})
	t.Run("head", func(t *testing.T) {
		p := fresh(good)
		p.files[proofs.HeadPath] = third.files[proofs.HeadPath]
		p.makeSet(at)
		e.refused(t, p, "malformed")
		p = fresh(good)
		h, err := proofs.ParseHead(p.files[proofs.HeadPath])
		if err != nil {
			t.Fatal(err)
		}
		h.Consistency = h.Consistency[1:]
		p.files[proofs.HeadPath] = h.Marshal()
		p.makeSet(at)
		e.refused(t, p, "unsigned")
	})
	t.Run("set", func(t *testing.T) {
		p := fresh(good)
		p.set.Publication++
		e.refused(t, p, "malformed")
		p = fresh(good)
		p.makeSet(at + 301)
		e.refused(t, p, "malformed")
		for _, path := range []string{"ledger/head", "ledger/checkpoint", proofs.HistoryPath, proofs.TrustPath(1), "policy"} {
			p = fresh(good)
			p.set.Files = slices.DeleteFunc(p.set.Files, func(f proofs.SetFile) bool { return f.Name == path })
			e.refused(t, p, "malformed")
			p = fresh(good)
			p.set.File(path).SHA256[0] ^= 1
			if path != proofs.HistoryPath { // that one is no part of the offer
				e.refused(t, p, "malformed")
			}
		}
		for _, path := range []string{"ledger/tile/0/007", "index/aa/bb", "ledger/history/5/x", proofs.ProposalPath, proofs.ProposedTrustPath,
			"health", "health.json", "health/index.html", "publish/state", "r/abc", "witness/x"} {
			p = fresh(good)
			p.set.Files = append(p.set.Files, proofs.SetFile{Name: path})
			sortFiles(p.set)
			e.refused(t, p, "malformed")
		}
		p = fresh(good)
		p.change = func(o *order) { o.Head = o.Head[:len(o.Head)-1] + "?" }
		e.refused(t, p, "malformed")
	})
	if now := e.whole(); now.ID != force.ID {
		t.Error("something else is in force")
	}
	p := fresh(good) // after all of that
	p.must(p.publish())
	e.whole()
}

func sortFiles(s *proofs.Set) {
	for i := len(s.Files) - 1; i > 0 && s.Files[i].Name < s.Files[i-1].Name; i-- {
		s.Files[i], s.Files[i-1] = s.Files[i-1], s.Files[i]
	}
}

// deep is a registry whose map has a tile below its root tile: documents are chosen by their keys.
func deep(t *testing.T) *followtest.Registry {
	r := followtest.New(t, policy)
	var have [12]int
	for n := 0; have[11] < 70; n++ {
		key := followtest.Document(n).Key()
		zeros := 0
		for zeros < 11 && proofs.KeyBit(key, zeros) == 0 {
			zeros++
		}
		if have[zeros] < 70 {
			have[zeros]++
			r.Register(followtest.Office, n, n+1)
		}
	}
	r.Publish()
	return r
}

// Every kind of file with one bit changed: the gate says which it is, puts nothing of it under its name, and goes on once the right one comes.
func TestCorruptUploads(t *testing.T) {
	r := deep(t)
	mapTile := ""
	for _, path := range r.Paths() {
		if strings.HasPrefix(path, "index/") && bytes.HasPrefix(r.Get(path), []byte("stele.tile/1\n\x09")) {
			mapTile = path
		}
	}
	issuers, slot := "", ""
	for _, path := range r.Paths() {
		switch {
		case bytes.HasPrefix(r.Get(path), []byte("stele.issuers/1\n")):
			issuers = path
		case bytes.HasPrefix(r.Get(path), []byte("stele.slot/1\n")):
			slot = path
		}
	}
	history := ""
	for _, path := range r.Paths() {
		if strings.HasPrefix(path, "ledger/history/") && path != proofs.HistoryPath {
			history = path
		}
	}
	size := r.Size()
	edge := proofs.Tile{Index: size / 256, Width: int(size % 256)}
	bundle := edge
	bundle.Entries = true
	top := proofs.Tile{Level: 1, Width: int(size / 256)}
	paths := map[string]string{"tile": "ledger/tile/0/001", "bundle": "ledger/tile/entries/001", "partial tile": "ledger/" + edge.Path(),
		"partial bundle": "ledger/" + bundle.Path(), "upper tile": "ledger/" + top.Path(), "slot": slot, "map tile": mapTile, "issuer list": issuers,
		"history": history, "page": "index.html", "asset": "assets/abc/app.js", "head": proofs.HeadPath}
	for name, path := range paths {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t, r.Trust)
			e.now = r.Clock()
			if r.Get(path) == nil && !strings.Contains("page asset", name) {
				t.Fatalf("%q is not published", path)
			}
			for _, where := range []string{"begin", "middle", "end", "longer", "shorter", "empty"} {
				p := newPublisher(t, r, e.handler())
				p.spoil = func(asked string, b []byte) []byte {
					if asked != path {
						return b
					}
					return spoilt(b, where)
				}
				err := p.publish()
				wantCode(t, err, "wrong")
				if !strings.Contains(err.Error(), "ledger/tile/") && !strings.Contains(err.Error(), path) {
					t.Errorf("%s: %v does not name %s", where, err, path)
				}
				if b, _, err := e.store.Get(context.Background(), "kept/"+path); err == nil && !bytes.Equal(b, p.files[path]) {
					t.Fatalf("%s: kept/%s is not what was published", where, path)
				}
				if now := e.whole(); now.Set != nil {
					t.Fatalf("%s is in force", now.ID)
				}
			}
			p := newPublisher(t, r, e.handler())
			p.must(p.publish())
			e.whole()
		})
	}
}

func spoilt(b []byte, where string) []byte {
	switch where {
	case "begin":
		b[0] ^= 1
	case "middle":
		b[len(b)/2] ^= 0x10
	case "end":
		b[len(b)-1] ^= 0x80
	case "longer":
		b = append(b, 0)
	case "shorter":
		b = b[:len(b)-1]
	case "empty":
		b = []byte{}
	}
	return b
}

// A list that has lost or changed what was published once.
func TestHistory(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.publishNow(r)
	heartbeat(r)
	e.publishNow(r)
	heartbeat(r)
	list, err := proofs.ParseHistory(r.Get(proofs.HistoryPath))
	if err != nil {
		t.Fatal(err)
	}
	e.now = r.Clock()
	for name, bad := range map[string][]proofs.HistoryLine{"a line lost": list[1:], "the end lost": list[:2], "in another order": {list[1], list[0], list[2]}} {
		p := newPublisher(t, r, e.handler())
		p.files[proofs.HistoryPath] = proofs.FormatHistory(bad)
		p.makeSet(r.Now)
		if err := p.publish(); codeOf(err) != "wrong" {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := newPublisher(t, r, e.handler())
	p.files[proofs.HistoryPath] = []byte("no list\n")
	p.makeSet(r.Now)
	wantCode(t, p.publish(), "wrong")
	e.publishNow(r)
	e.whole()
}

// A map tile that takes the node of a subtree for a slot has the right hash. What it leads to cannot be had, so that nothing comes of it, it never
// lies under its name, and the right one can follow.
func TestOtherShape(t *testing.T) {
	r := deep(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	right := ""
	for _, path := range r.Paths() {
		if strings.HasPrefix(path, "index/") && bytes.HasPrefix(r.Get(path), []byte("stele.tile/1\n\x09")) {
			right = path
		}
	}
	tile, err := proofs.ParseMapTile(r.Get(right))
	if err != nil {
		t.Fatal(err)
	}
	top := &proofs.MapTile{Depth: 9, Leaves: []proofs.MapTileLeaf{{Depth: 0, Hash: tile.Hash()}}}
	if top.Hash() != tile.Hash() {
		t.Fatal("the other tile has another hash")
	}
	p.files[right] = top.Marshal()
	if current, err := p.propose(); err != nil || current {
		t.Fatal(err)
	}
	n, err := p.plan()
	p.must(err)
	for i := range n {
		var c struct{ Paths []string }
		at := p.at(fmt.Sprintf("chunks/%d", i))
		p.must(p.ask("GET", at, nil, &c))
		hashes, err := p.upload(c.Paths)
		p.must(err)
		list := make([]string, len(c.Paths))
		for i, path := range c.Paths {
			list[i] = hashes[path]
		}
		var a struct{ Done bool }
		if err := p.post(at, map[string]any{"sha256": list}, &a); err != nil && codeOf(err) != "wrong" && codeOf(err) != "busy" {
			t.Fatal(err)
		}
	}
	wantCode(t, p.finish(), "missing")
	if e.has("kept/" + right) {
		t.Fatal("the wrong tile lies under its name")
	}
	p = newPublisher(t, r, e.handler())
	p.makeSet(r.Now + 1)
	p.must(p.publish())
	e.whole()
}

// A body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) { u.t.Error("the body was read"); return 0, io.EOF }

func TestToken(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	if _, err := p.propose(); err != nil {
		t.Fatal(err)
	}
	before := e.names("")
	for _, path := range []string{"attempts?day=2027-01-15", "offers", "offers/ID/objects", "offers/ID/plan", "offers/ID/chunks/0", "offers/ID/finish"} {
		for _, auth := range []string{"", "Bearer ", "Bearer " + strings.Repeat("5f", 32), "Bearer " + token + "0", "Basic " + token, token} {
			method := "POST"
			if strings.HasPrefix(path, "attempts") {
				method = "GET"
			}
			req := httptest.NewRequest(method, "/publish/"+strings.Replace(path, "ID", p.offer, 1), unread{t})
			req.ContentLength = 100
			if auth != "" {
				req.Header.Set("Authorization", auth)
			}
			w := httptest.NewRecorder()
			p.to.ServeHTTP(w, req)
			if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s %q: %d", path, auth, w.Code)
			}
		}
	}
	if after := e.names(""); len(after) != len(before) {
		t.Errorf("%d objects, want %d", len(after), len(before))
	}
	p.token = ""
	if _, err := p.state(); err != nil {
		t.Errorf("the state, which is for everyone: %v", err)
	}
}

// Whoever has the token and nothing else can neither stage anything nor find out the name of an offer that is under way.
func TestTokenAlone(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	if _, err := p.propose(); err != nil {
		t.Fatal(err)
	}
	thief := newPublisher(t, r, e.handler())
	for _, id := range []string{sum([]byte("x")), published.IDOf(p.set).String(), "x", strings.ToUpper(p.offer)} {
		thief.offer = id
		var a any
		wantCode(t, thief.ask("POST", thief.at("objects"), packOf([]byte("garbage")), &a), "unknown-offer")
		_, err := thief.plan()
		wantCode(t, err, "unknown-offer")
		wantCode(t, thief.chunk(0), "unknown-offer")
		wantCode(t, thief.finish(), "unknown-offer")
	}
	if n := e.names("staged/"); len(n) > 0 {
		t.Errorf("%v was staged", n)
	}
	var told json.RawMessage
	if err := thief.ask("GET", "/publish/attempts?day="+e.now.UTC().Format("2006-01-02"), nil, &told); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(told, []byte(p.offer)) || !bytes.Contains(told, []byte(published.IDOf(p.set).String())) {
		t.Errorf("attempts: %s", told)
	}
	p.must(p.publish())
}

func TestLimits(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.limits.Object, e.limits.Chunk = 2<<20, 5
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	if _, err := p.propose(); err != nil {
		t.Fatal(err)
	}
	s, err := p.state()
	p.must(err)
	if s.Limits.Object != 2<<20 || s.Limits.Pack != 2<<20+4 || s.Limits.Objects != 20 {
		t.Errorf("limits %+v", s.Limits)
	}
	send := func(body io.Reader, size int64) error {
		req := httptest.NewRequest("POST", p.at("objects"), body)
		req.ContentLength = size
		req.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		p.to.ServeHTTP(w, req)
		var v struct{ Error struct{ Code string } }
		json.Unmarshal(w.Body.Bytes(), &v)
		return &told{Status: w.Code, Code: v.Error.Code}
	}
	large := bytes.Repeat([]byte{1}, 2<<20)
	wantCode(t, send(unread{t}, 3<<20), "too-large")                                       // told beforehand
	wantCode(t, send(bytes.NewReader(packOf(large[1:], large[:100])), -1), "too-large")    // not told
	wantCode(t, send(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0xff, 1}), -1), "too-large") // an object, of which nothing comes
	wantCode(t, send(bytes.NewReader(packOf(make([][]byte, 21)...)), -1), "too-large")     // objects
	wantCode(t, send(bytes.NewReader(packOf([]byte("cut off"))[:8]), -1), "malformed")
	wantCode(t, send(bytes.NewReader([]byte{0, 0}), -1), "malformed")
	if e.has("staged/" + sum(large)) {
		t.Error("the large one was staged")
	}
	if err := send(bytes.NewReader(packOf(large)), -1).(*told); err.Status != 200 || !e.has("staged/"+sum(large)) {
		t.Errorf("one of the greatest size: %d %s", err.Status, err.Code)
	}
	p.set.Files = append(p.set.Files, proofs.SetFile{Name: "zzz", Size: 2<<20 + 1})
	e.refused(t, p, "too-large")
	p.change = func(o *order) { o.Head = strings.Repeat("x", 17<<20) }
	e.refused(t, p, "too-large")
}

// A slow body: it says when it is being read, and ends when it is told to.
type slow struct{ reading, end chan struct{} }

func (s slow) Read([]byte) (int, error) {
	close(s.reading)
	<-s.end
	return 0, io.EOF
}

func TestBusy(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	e.limits.Held = 1 << 20
	p := newPublisher(t, r, e.handler())
	if _, err := p.propose(); err != nil {
		t.Fatal(err)
	}
	s := slow{make(chan struct{}), make(chan struct{})}
	ended := make(chan int)
	go func() {
		req := httptest.NewRequest("POST", p.at("objects"), s)
		req.ContentLength = 1 << 20
		req.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		p.to.ServeHTTP(w, req)
		ended <- w.Code
	}()
	<-s.reading
	_, err := p.propose()
	wantCode(t, err, "busy")
	if retry := err.(*told); retry.Retry == "" || retry.Status != 503 {
		t.Errorf("%+v", retry)
	}
	if _, err := p.state(); err != nil {
		t.Errorf("the state: %v", err)
	}
	close(s.end)
	if code := <-ended; code != 200 {
		t.Errorf("the slow one: %d", code)
	}
	p.must(p.publish())
}

func TestChunksAndPlansOfOthers(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	if _, err := p.propose(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, p.finish(), "missing")
	wantCode(t, p.chunk(0), "missing")
	var a any
	wantCode(t, p.post(p.at("plan"), map[string]any{"have": map[string]string{"ledger/tile/1/000.p/1": "../../current"}}, &a), "malformed")
	wantCode(t, p.ask("POST", p.at("plan"), []byte("{"), &a), "malformed")
	n, err := p.plan()
	p.must(err)
	for _, number := range []string{"-1", "x", "00", "+0", fmt.Sprint(n)} {
		wantCode(t, p.ask("GET", p.at("chunks/"+number), nil, &a), "malformed")
	}
	wantCode(t, p.post(p.at("chunks/0"), map[string]any{"sha256": []string{}}, &a), "malformed")
	wantCode(t, p.finish(), "missing")
	var first struct{ Paths []string }
	p.must(p.ask("GET", p.at("chunks/0"), nil, &first))
	wrong := make([]string, len(first.Paths))
	for i := range wrong {
		wrong[i] = "../" + sum(nil)
	}
	wantCode(t, p.post(p.at("chunks/0"), map[string]any{"sha256": wrong}, &a), "malformed")
	p.must(p.publish())
	e.whole()
}

// An asset that is being read never changes under its name, whoever signs; once nobody reads it, it can be put right.
func TestAssets(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.publishNow(r)
	publish := func(text string, drop bool) error {
		heartbeat(r)
		e.now = r.Clock()
		p := newPublisher(t, r, e.handler())
		p.page("assets/abc/app.js", text)
		if drop {
			delete(p.files, "assets/abc/app.js")
		}
		p.makeSet(r.Now)
		return p.publish()
	}
	wantCode(t, publish("another program", false), "wrong")
	e.whole()
	if err := publish("", true); err != nil {
		t.Fatal(err)
	}
	if err := publish("another program", false); err != nil {
		t.Fatal(err)
	}
	e.whole()
}

// Whatever bytes come as an offer, what is in force stays so, and the answer is one of the protocol's.
func FuzzOffer(f *testing.F) {
	r := followtest.New(f, policy)
	r.Register(followtest.Office, 0, 3)
	r.Publish()
	dir, err := os.MkdirTemp("", "gate")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	g := newFuzzGate(f, dir, r)
	p := newPublisher(f, r, g)
	o, err := p.order()
	if err != nil {
		f.Fatal(err)
	}
	p.sign(o)
	b, _ := json.Marshal(o)
	f.Add(b)
	o.Set = ""
	o.Consistency = []string{base64.StdEncoding.EncodeToString(make([]byte, 32))}
	o.Trust = []handover{{string(r.Trust.Marshal()), "x"}}
	b, _ = json.Marshal(o)
	f.Add(b)
	for _, s := range []string{"", "{}", "null", "[]", `{"set":null}`, `{"old":-1}`, `{"consistency":[""]}`, `{"trust":[{}]}`, `{"old":1e99}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		q := *p
		q.t = t
		var a struct{ Offer string }
		err := q.ask("POST", "/publish/offers", body, &a)
		if err != nil && codeOf(err) == "" || codeOf(err) == "outage" {
			t.Fatalf("%q: %v", body, err)
		}
		if err == nil && a.Offer == "" {
			t.Fatalf("%q was taken", body)
		}
		if s, err := q.state(); err != nil || s.Set != "" {
			t.Fatalf("%q: in force: %+v, %v", body, s, err)
		}
	})
}
