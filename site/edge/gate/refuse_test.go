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

// The orders are tried at an edge on which three publications have come in force, and what might come next.
type orders struct {
	e             *edge
	r             *followtest.Registry // as it is in force
	early, other  *followtest.Registry // as it was at the first publication; and before the second was sequenced
	good          *followtest.Registry // the next publication
	second, third *publisher
	at            int64
}

func newOrders(t *testing.T) *orders {
	o := &orders{r: grown(t)}
	o.early = o.r.Clone()
	o.e = newEdge(t, o.r.Trust)
	o.e.publishNow(o.r)
	o.r.Register(followtest.Office, 300, 310)
	o.other = o.r.Clone()
	o.r.Publish()
	o.second = o.e.publishNow(o.r)
	o.r.Register(followtest.Office, 310, 320)
	o.r.Publish()
	o.third = o.e.publishNow(o.r)
	o.e.now = o.r.Clock().Add(10 * time.Hour)
	o.at = o.e.now.Unix()
	o.good = o.later()
	o.good.Publish()
	return o
}

// later is the publication after the one in force, before it is signed.
func (o *orders) later() *followtest.Registry {
	c := o.r.Clone()
	c.Register(followtest.Office, 320, 330)
	return c
}

// fresh offers a registry as it is in a set of now.
func (o *orders) fresh(c *followtest.Registry) *publisher {
	p := newPublisher(o.e.t, c, o.e.handler())
	p.makeSet(o.at)
	return p
}

func TestRefusedOffers(t *testing.T) {
	o := newOrders(t)
	force := o.e.whole()
	for name, test := range map[string]func(t *testing.T){
		"rollback":       o.rollback,
		"replay":         o.replay,
		"fork":           o.fork,
		"overtaken":      o.overtaken,
		"other registry": o.otherRegistry,
		"unsigned":       o.unsigned,
		"quorum":         o.quorum,
		"forged":         o.forged,
		"head":           o.head,
		"set":            o.set,
	} {
		t.Run(name, test)
	}
	if now := o.e.whole(); now.ID != force.ID {
		t.Error("something else is in force")
	}
	p := o.fresh(o.good) // after all of that
	p.must(p.publish())
	o.e.whole()
}

func (o *orders) rollback(t *testing.T) {
	for _, c := range []*followtest.Registry{o.early, o.other} {
		if c == o.other {
			c = o.other.Clone()
			c.Now++
			c.Publish()
		}
		o.e.refused(t, o.fresh(c), "rollback")
	}
}

func (o *orders) replay(t *testing.T) {
	p := o.fresh(o.r)
	p.files, p.set = o.second.files, o.second.set
	o.e.refused(t, p, "replay")
	// Older signatures over the same tree, in a set of today.
	c := o.r.Clone()
	c.Now -= 1800
	c.Release(c.Sign(c.Everybody()...))
	o.e.refused(t, o.fresh(c), "replay")
	// A set of the very time of the one in force.
	p = o.fresh(o.good)
	p.makeSet(o.third.set.Time)
	o.e.refused(t, p, "replay")
}

func (o *orders) fork(t *testing.T) {
	for _, more := range []int{10, 11} { // of the same size, and larger, with a proof of its own growth
		c := o.other.Clone()
		c.Publish()
		c.Register(followtest.Office, 700, 700+more)
		c.Publish()
		if got := c.Size() - o.r.Size(); got != uint64(more-10) {
			t.Fatalf("%d entries more", got)
		}
		o.e.refused(t, o.fresh(c), "fork")
	}
	p := o.fresh(o.good)
	p.change = func(q *order) { q.Consistency[0], q.Consistency[1] = q.Consistency[1], q.Consistency[0] }
	o.e.refused(t, p, "fork")
	p.change = func(q *order) { q.Consistency = nil }
	o.e.refused(t, p, "malformed")
	p.change = func(q *order) { q.Consistency[0] = "?" }
	o.e.refused(t, p, "malformed")
}

func (o *orders) overtaken(t *testing.T) {
	p := o.fresh(o.good)
	p.change = func(q *order) { q.Old-- }
	if err := o.e.refused(t, p, "overtaken"); err.Size == nil || *err.Size != o.r.Size() {
		t.Errorf("told the size %v, want %d", err.Size, o.r.Size())
	}
}

func (o *orders) otherRegistry(t *testing.T) {
	p := o.fresh(o.good)
	p.set.Origin = "elsewhere.example/ledger"
	o.e.refused(t, p, "other-registry")
}

func (o *orders) unsigned(t *testing.T) {
	p := o.fresh(o.good)
	p.signer = o.r.Signer("publication", proofs.Ed25519Key)
	o.e.refused(t, p, "unsigned")
	stranger, err := proofs.NewMemorySigner(followtest.Origin, proofs.Ed25519Key, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	p.signer = stranger
	o.e.refused(t, p, "unsigned")
	p.signer = o.r.Log
	p.change = func(q *order) { q.Set = p.set.Text() }
	o.e.refused(t, p, "malformed")
	p.change = func(q *order) { q.Set = strings.Replace(q.Set, "about.html", "about2.html", 1) }
	o.e.refused(t, p, "unsigned")
	p.change = func(q *order) { q.Set, q.Checkpoint = q.Checkpoint, q.Set }
	o.e.refused(t, p, "malformed")
}

func (o *orders) quorum(t *testing.T) {
	for name, by := range map[string][]proofs.Signer{
		"no witness":  {o.r.Log, o.r.Own, o.r.Signer("ann", proofs.MLDSA44Key)},
		"no officer":  {o.r.Log, o.r.Own, o.r.Signer("wit", proofs.CosignatureKey)},
		"no ML-DSA":   {o.r.Log, o.r.Signer("ann", proofs.MLDSA44Key), o.r.Signer("wit", proofs.CosignatureKey)},
		"the log":     {o.r.Log},
		"not the log": {o.r.Own, o.r.Signer("ann", proofs.MLDSA44Key), o.r.Signer("wit", proofs.CosignatureKey)},
	} {
		c := o.later()
		c.End(nil)
		c.Release(c.Sign(by...))
		p := o.fresh(c)
		if _, err := p.propose(); codeOf(err) != "quorum" {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := o.later() // signatures from a time to come
	c.Now += 86400
	c.Publish()
	o.e.refused(t, o.fresh(c), "quorum")
}

func (o *orders) forged(t *testing.T) {
	p := o.fresh(o.good)
	flip := func(s string, sign string) string { // a bit of a signature
		i := strings.Index(s, sign) + len(sign) + 40
		b := []byte(s)
		b[i] = map[bool]byte{true: 'B', false: 'A'}[b[i] == 'A']
		return string(b)
	}
	for _, name := range []string{"— wit ", "— ann ", "— " + followtest.Origin + " "} {
		p = o.fresh(o.good)
		p.files["ledger/checkpoint"] = []byte(flip(string(p.files["ledger/checkpoint"]), name))
		h, err := proofs.ParseHead(p.files[proofs.HeadPath])
		if err != nil {
			t.Fatal(err)
		}
		h.Proof.Checkpoint = p.files["ledger/checkpoint"]
		p.files[proofs.HeadPath] = h.Marshal()
		p.makeSet(o.at)
		o.e.refused(t, p, "unsigned")
	}
}

func (o *orders) head(t *testing.T) {
	p := o.fresh(o.good)
	p.files[proofs.HeadPath] = o.third.files[proofs.HeadPath]
	p.makeSet(o.at)
	o.e.refused(t, p, "malformed")
	p = o.fresh(o.good)
	h, err := proofs.ParseHead(p.files[proofs.HeadPath])
	if err != nil {
		t.Fatal(err)
	}
	h.Consistency = h.Consistency[1:]
	p.files[proofs.HeadPath] = h.Marshal()
	p.makeSet(o.at)
	o.e.refused(t, p, "unsigned")
}

func (o *orders) set(t *testing.T) {
	p := o.fresh(o.good)
	p.set.Publication++
	o.e.refused(t, p, "malformed")
	p = o.fresh(o.good)
	p.makeSet(o.at + 301)
	o.e.refused(t, p, "malformed")
	for _, path := range []string{"ledger/head", "ledger/checkpoint", proofs.HistoryPath, proofs.TrustPath(1), "policy"} {
		p = o.fresh(o.good)
		p.set.Files = slices.DeleteFunc(p.set.Files, func(f proofs.SetFile) bool { return f.Name == path })
		o.e.refused(t, p, "malformed")
		p = o.fresh(o.good)
		p.set.File(path).SHA256[0] ^= 1
		if path != proofs.HistoryPath { // that one is no part of the offer
			o.e.refused(t, p, "malformed")
		}
	}
	for _, path := range []string{"ledger/tile/0/007", "index/aa/bb", "ledger/history/5/x", proofs.ProposalPath, proofs.ProposedTrustPath,
		"health", "health.json", "health/index.html", "publish/state", "r/abc", "witness/x"} {
		p = o.fresh(o.good)
		p.set.Files = append(p.set.Files, proofs.SetFile{Name: path})
		sortFiles(p.set)
		o.e.refused(t, p, "malformed")
	}
	p = o.fresh(o.good)
	p.change = func(q *order) { q.Head = q.Head[:len(q.Head)-1] + "?" }
	o.e.refused(t, p, "malformed")
}

func sortFiles(s *proofs.Set) {
	for i := len(s.Files) - 1; i > 0 && s.Files[i].Name < s.Files[i-1].Name; i-- {
		s.Files[i], s.Files[i-1] = s.Files[i-1], s.Files[i]
	}
}

// deep is a registry whose map has four tiles below its root tile: documents are chosen by their keys.
func deep(t *testing.T) *followtest.Registry {
	r := followtest.New(t, policy)
	have, full := map[int]int{}, 0
	for n := 0; full < 8; n++ {
		group, below := groupOf(n)
		if have[group] == 66 {
			continue
		}
		if have[group]++; below && have[group] == 66 {
			full++
		}
		r.Register(followtest.Office, n, n+1)
	}
	r.Publish()
	return r
}

// groupOf is that of a document: the keys of each are as many as keep the map splitting on the way down to the eight groups below.
func groupOf(n int) (group int, below bool) {
	key := followtest.Document(n).Key()
	zeros := 0
	for zeros < 7 && proofs.KeyBit(key, zeros) == 0 {
		zeros++
	}
	if zeros < 7 {
		return zeros, false
	}
	return 7 + 4*proofs.KeyBit(key, 7) + 2*proofs.KeyBit(key, 8) + proofs.KeyBit(key, 9), true
}

// registerBelow registers some more documents whose slots hang below the tiles.
func registerBelow(r *followtest.Registry, from, count int) {
	for n := from; count > 0; n++ {
		if _, below := groupOf(n); below {
			r.Register(followtest.Office, n, n+1)
			count--
		}
	}
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

// A map tile has many shapes of one hash. One that takes the node of a subtree for a slot leads to what cannot be had, so that nothing comes of it, it
// never lies under its name, and the right one can follow.
func TestOtherShape(t *testing.T) {
	r := deep(t)
	registerBelow(r, 1_000_000, 8*100) // the tiles' slots split once more
	r.Publish()
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	right, tile := tileBelow(t, r)
	other := &proofs.MapTile{Depth: tile.Depth}
	for _, l := range tile.Leaves {
		if n := len(other.Leaves); len(other.Leaves) > 0 && other.Leaves[n-1].Depth == l.Depth && len(other.Leaves)+1 < len(tile.Leaves) {
			other.Leaves[n-1] = proofs.MapTileLeaf{Depth: l.Depth - 1, Hash: proofs.NodeHash(other.Leaves[n-1].Hash, l.Hash)}
			continue
		}
		other.Leaves = append(other.Leaves, l)
	}
	if other.Hash() != tile.Hash() || len(other.Leaves) == len(tile.Leaves) {
		t.Fatalf("%d leaves in place of %d, and the hash %s, want %s", len(other.Leaves), len(tile.Leaves), other.Hash(), tile.Hash())
	}
	p.files[right] = other.Marshal()
	if current, err := p.propose(); err != nil || current {
		t.Fatal(err)
	}
	n, err := p.plan()
	p.must(err)
	for i := range n {
		var c struct{ Paths []string }
		at := p.at(fmt.Sprintf("chunks/%d", i))
		p.must(p.ask("GET", at, nil, &c))
		c.Paths = slices.DeleteFunc(c.Paths, func(path string) bool { return p.files[path] == nil }) // what nobody has
		hashes, err := p.upload(c.Paths)
		p.must(err)
		var list []string
		for _, path := range c.Paths {
			list = append(list, hashes[path])
		}
		var a struct{ Done bool }
		if err := p.post(at, map[string]any{"sha256": list}, &a); err != nil && codeOf(err) != "malformed" && codeOf(err) != "busy" {
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

// A map tile with one leaf has the hash of what that leaf names, a slot or a tile, and so its path: it would lie where that one should.
func TestTileOfOneLeaf(t *testing.T) {
	r := deep(t)
	e := newEdge(t, r.Trust)
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	right, tile := tileBelow(t, r)
	p.files[right] = (&proofs.MapTile{Depth: tile.Depth, Leaves: []proofs.MapTileLeaf{{Hash: tile.Hash()}}}).Marshal()
	wantCode(t, p.publish(), "wrong")
	if e.has("kept/" + right) {
		t.Fatal("the wrong tile lies under its name")
	}
	e.publishNow(r)
	e.whole()
}

// tileBelow is the tile with most leaves below the map's root tile, and its path: one that newer ones have replaced has fewer.
func tileBelow(t *testing.T, r *followtest.Registry) (at string, most *proofs.MapTile) {
	for _, path := range r.Paths() {
		if !strings.HasPrefix(path, "index/") || !bytes.HasPrefix(r.Get(path), []byte("stele.tile/1\n\x09")) {
			continue
		}
		tile, err := proofs.ParseMapTile(r.Get(path))
		if err != nil {
			t.Fatal(err)
		}
		if most == nil || len(tile.Leaves) > len(most.Leaves) {
			at, most = path, tile
		}
	}
	if most == nil {
		t.Fatal("no tile of the map below its root")
	}
	return at, most
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

// only is a body of which nothing may be read once it is at its end.
type only struct {
	t *testing.T
	*bytes.Reader
}

func (o *only) Read(p []byte) (int, error) {
	if o.Len() == 0 {
		o.t.Error("more of the body was read")
		return 0, io.EOF
	}
	return o.Reader.Read(p)
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
	wantCode(t, send(&only{t, bytes.NewReader([]byte{0, 0, 0, 9})}, 12), "malformed") // an object for which there is no room in the body
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

func TestPlansAndChunks(t *testing.T) {
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
