package gate_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/build/edgestore"
	"stele/build/follow/followtest"
	"stele/proofs"
	"stele/site/edge/gate"
	"stele/site/edge/published"
	"stele/site/edge/store"
	"stele/site/headers"
)

var token = strings.Repeat("5e", 32)

var policy = followtest.Policy{Officers: []string{"ann", "bob"}, Needed: 1, Witnesses: []string{"wit"}, Seen: 1}

// An edge is one deployment: a store, and the gates that come and go over it.
type edge struct {
	t      *testing.T
	source *published.Source
	store  store.Store
	now    time.Time
	limits gate.Limits

	mu   sync.Mutex
	told []string // publications that Config.Published was told of
}

func newEdge(t *testing.T, trust *proofs.Trust) *edge {
	t.Helper()
	folder, err := edgestore.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &edge{t: t, store: folder, source: &published.Source{Store: folder, Trust: trust}, limits: gate.Limits{Chunk: 7}}
}

// over makes a gate over a store, which may be the edge's own with faults.
func (e *edge) over(s store.Store) *gate.Gate {
	src := &published.Source{Store: s, Base: e.source.Base, Asset: e.source.Asset, Trust: e.source.Trust}
	return gate.New(gate.Config{Source: src, TokenSHA256: sha256.Sum256([]byte(token)), Limits: e.limits, Now: func() time.Time { return e.now },
		Published: func(_ context.Context, p *published.Publication) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.told = append(e.told, p.ID.String())
		}})
}

func (e *edge) handler() http.Handler { return e.over(e.store).Handler() }

// A publisher has a registry's files, and puts them to a gate.
type publisher struct {
	t      testing.TB
	r      *followtest.Registry
	files  map[string][]byte
	to     http.Handler
	token  string
	signer proofs.Signer
	set    *proofs.Set
	change func(o *order) // of the offer before it is sent
	spoil  func(path string, b []byte) []byte
	steps  func(step string) // told before each request

	offer   string
	objects int // sent
	packed  int // objects in a pack
}

// An order is an offer as it is sent.
type order struct {
	Set         string     `json:"set"`
	Checkpoint  string     `json:"checkpoint"`
	Head        string     `json:"head"`
	Old         uint64     `json:"old"`
	Consistency []string   `json:"consistency"`
	Trust       []handover `json:"trust"`
}

type handover struct {
	File     string `json:"file"`
	Handover string `json:"handover"`
}

// newPublisher takes the registry's files as they are, with two pages and an asset.
func newPublisher(t testing.TB, r *followtest.Registry, to http.Handler) *publisher {
	p := &publisher{t: t, r: r, to: to, token: token, signer: r.Log, packed: 20, files: map[string][]byte{}}
	for _, path := range r.Paths() {
		p.files[path] = r.Get(path)
	}
	p.page("index.html", fmt.Sprintf("<title>%d entries</title>", r.Size()))
	p.page("about.html", "the same each time")
	p.page("assets/abc/app.js", "program()")
	p.makeSet(r.Now)
	return p
}

func (p *publisher) page(path, text string) { p.files[path] = []byte(text) }

func inSet(path string) bool {
	return path != proofs.ProposalPath && path != proofs.ProposedTrustPath && (!headers.Lasts(path) || strings.HasPrefix(path, "assets/"))
}

func (p *publisher) makeSet(at int64) {
	p.set = &proofs.Set{Origin: followtest.Origin, Time: at}
	h, err := proofs.ParseHead(p.files[proofs.HeadPath])
	if err != nil {
		p.t.Fatal(err)
	}
	n, _ := proofs.ParseNote(h.Statement)
	s, err := proofs.ParseStatement(n.Text)
	if err != nil {
		p.t.Fatal(err)
	}
	p.set.Publication = s.Index.Publication
	for _, path := range slices.Sorted(maps.Keys(p.files)) {
		if inSet(path) {
			p.set.Files = append(p.set.Files, proofs.SetFile{SHA256: sha256.Sum256(p.files[path]), Size: uint64(len(p.files[path])), Name: path})
		}
	}
}

// A told error is a refusal as the gate answers it.
type told struct {
	Status int
	Code   string
	Size   *uint64
	Retry  string
	Text   string
}

func (e *told) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Text) }

func codeOf(err error) string {
	var e *told
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func (p *publisher) ask(method, path string, body []byte, answer any) error {
	if p.steps != nil {
		p.steps(method + " " + path)
	}
	req := httptest.NewRequest(method, "https://edge.example"+path, bytes.NewReader(body))
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	w := httptest.NewRecorder()
	p.to.ServeHTTP(w, req)
	if w.Code >= 300 {
		var v struct {
			Error struct {
				Code, Message string
				Size          *uint64
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || v.Error.Code == "" {
			return fmt.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		return &told{w.Code, v.Error.Code, v.Error.Size, w.Header().Get("Retry-After"), v.Error.Message}
	}
	return json.Unmarshal(w.Body.Bytes(), answer)
}

func (p *publisher) post(path string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.ask("POST", path, b, answer)
}

type state struct {
	Origin, Root, Set, Checkpoint string
	Publication, Size, Epoch      uint64
	Time                          int64
	Limits                        struct{ Pack, Object, Chunk, Objects int }
}

func (p *publisher) state() (s state, err error) { return s, p.ask("GET", "/publish/state", nil, &s) }

// order makes the offer over what the gate says is in force.
func (p *publisher) order() (*order, error) {
	s, err := p.state()
	if err != nil {
		return nil, err
	}
	o := &order{Checkpoint: string(p.files["ledger/checkpoint"]), Head: string(p.files[proofs.HeadPath]), Old: s.Size}
	for e := uint64(2); p.files[proofs.HandoverPath(e)] != nil; e++ {
		o.Trust = append(o.Trust, handover{string(p.files[proofs.TrustPath(e)]), string(p.files[proofs.HandoverPath(e)])})
	}
	c, _, err := proofs.ParseCheckpoint(p.files["ledger/checkpoint"])
	if err != nil {
		return nil, err
	}
	if s.Size > 0 && s.Size < c.Size {
		growth, err := p.nodes(c.Size).Consistency(s.Size, c.Size)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, h := range growth {
			o.Consistency = append(o.Consistency, base64.StdEncoding.EncodeToString(h[:]))
		}
	}
	return o, nil
}

func (p *publisher) nodes(size uint64) proofs.Nodes {
	return proofs.TileNodes(size, func(t proofs.Tile) ([]byte, error) { return p.r.Get("ledger/" + t.Path()), nil })
}

func (p *publisher) sign(o *order) {
	b, err := proofs.SignSet(p.set, p.signer)
	if err != nil {
		p.t.Fatal(err)
	}
	o.Set = string(b)
}

// propose makes the offer, and reports whether it is in force already.
func (p *publisher) propose() (current bool, err error) {
	o, err := p.order()
	if err != nil {
		return false, err
	}
	p.sign(o)
	if p.change != nil {
		p.change(o)
	}
	var a struct {
		Offer   string
		Current bool
	}
	err = p.post("/publish/offers", o, &a)
	p.offer = a.Offer
	return a.Current, err
}

func (p *publisher) read(path string) []byte {
	b, ok := p.files[path]
	if !ok {
		p.t.Fatalf("the gate asks for %s, which the publisher has not", path)
	}
	if p.spoil != nil {
		b = p.spoil(path, bytes.Clone(b))
	}
	return b
}

func sum(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }

func packOf(objects ...[]byte) (pack []byte) {
	for _, b := range objects {
		pack = append(binary.BigEndian.AppendUint32(pack, uint32(len(b))), b...)
	}
	return pack
}

// upload sends files, as the limits have it, and returns what they hash to.
func (p *publisher) upload(paths []string) (map[string]string, error) {
	have, objects := map[string]string{}, [][]byte{}
	for _, path := range paths {
		b := p.read(path)
		have[path], objects = sum(b), append(objects, b)
	}
	for part := range slices.Chunk(objects, p.packed) {
		var a struct{ Stored int }
		if err := p.ask("POST", p.at("objects"), packOf(part...), &a); err != nil {
			return nil, err
		}
		if a.Stored != len(part) {
			return nil, fmt.Errorf("%d stored of %d", a.Stored, len(part))
		}
		p.objects += len(part)
	}
	return have, nil
}

func (p *publisher) at(rest string) string { return "/publish/offers/" + p.offer + "/" + rest }

type planned struct {
	Missing       []string
	Again         bool
	Items, Chunks *int
	First         int
}

// plan goes on until the plan is at its end, and returns the number of chunks.
func (p *publisher) plan() (int, error) {
	have := map[string]string{}
	for {
		var a planned
		if err := p.post(p.at("plan"), map[string]any{"have": have}, &a); err != nil {
			return 0, err
		}
		if a.Chunks != nil {
			return *a.Chunks, nil
		}
		if len(a.Missing) == 0 && !a.Again {
			return 0, errors.New("neither missing nor done")
		}
		for _, path := range a.Missing {
			if have[path] != "" {
				return 0, fmt.Errorf("%s: missing again", path)
			}
		}
		more, err := p.upload(a.Missing)
		if err != nil {
			return 0, err
		}
		maps.Copy(have, more)
	}
}

// chunk sends what of a chunk is not there yet.
func (p *publisher) chunk(i int) error {
	var c struct{ Paths []string }
	at := p.at(fmt.Sprintf("chunks/%d", i))
	if err := p.ask("GET", at, nil, &c); err != nil {
		return err
	}
	hashes := make([]string, len(c.Paths))
	for i, path := range c.Paths {
		hashes[i] = sum(p.read(path))
	}
	for range 2 {
		var a struct {
			Missing []string
			Done    bool
		}
		if err := p.post(at, map[string]any{"sha256": hashes}, &a); err != nil {
			return err
		}
		if a.Done {
			return nil
		}
		if _, err := p.upload(a.Missing); err != nil {
			return err
		}
	}
	return fmt.Errorf("chunk %d: missing what was uploaded", i)
}

func (p *publisher) finish() error {
	var a struct{ Current string }
	err := p.post(p.at("finish"), struct{}{}, &a)
	if want := published.IDOf(p.set).String(); err == nil && a.Current != want {
		err = fmt.Errorf("%s is in force, want %s", a.Current, want)
	}
	return err
}

// stage does everything but the last step.
func (p *publisher) stage() error {
	if current, err := p.propose(); err != nil || current {
		return err
	}
	n, err := p.plan()
	if err != nil {
		return err
	}
	for i := range n {
		if err := p.chunk(i); err != nil {
			return err
		}
	}
	return nil
}

func (p *publisher) publish() error {
	if err := p.stage(); err != nil {
		return err
	}
	return p.finish()
}

func (p *publisher) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// publishNow publishes the registry as it is, at a gate of its own.
func (e *edge) publishNow(r *followtest.Registry) *publisher {
	e.t.Helper()
	e.now = r.Clock()
	p := newPublisher(e.t, r, e.handler())
	if err := p.publish(); err != nil {
		e.t.Fatal(err)
	}
	return p
}

// whole reads everything that the publication in force consists of, from its head downwards, and compares it with what was signed. It returns the publication.
func (e *edge) whole() *published.Publication {
	e.t.Helper()
	ctx := context.Background()
	now, err := e.source.Current(ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	if now.Set == nil {
		return now
	}
	read := func(path string) []byte {
		e.t.Helper()
		b, err := e.source.Read(ctx, now, path)
		if err != nil {
			e.t.Fatalf("publication %d: %v", now.Publication, err)
		}
		return b
	}
	for _, f := range now.Files {
		if b := read(f.Name); proofs.Hash(sha256.Sum256(b)) != f.SHA256 {
			e.t.Fatalf("%s is not what the set names", f.Name)
		}
	}
	trust, err := e.source.TrustOf(context.Background(), now) // also where the last thing that finish does was broken off
	if err != nil {
		e.t.Fatal(err)
	}
	h, err := proofs.ParseHead(read(proofs.HeadPath))
	if err != nil {
		e.t.Fatal(err)
	}
	x, root, err := h.Verify(trust, proofs.AnyTime)
	if err != nil {
		e.t.Fatal(err)
	}
	e.wholeLedger(read, x)
	if x.Issuers > 0 {
		l, err := proofs.ParseIssuerList(read(proofs.IndexPath(x.IssuersRoot)))
		if err != nil || l.Root() != x.IssuersRoot {
			e.t.Fatalf("issuer list: %v", err)
		}
	}
	if keys := e.wholeMap(read, root); keys != x.Keys {
		e.t.Fatalf("%d keys in the map, want %d", keys, x.Keys)
	}
	lines, err := proofs.ParseHistory(read(proofs.HistoryPath))
	if err != nil {
		e.t.Fatal(err)
	}
	for _, l := range lines {
		if b := read(l.Path()); proofs.Hash(sha256.Sum256(b)) != l.File {
			e.t.Fatalf("%s is another file", l.Path())
		}
	}
	return now
}

func (e *edge) wholeLedger(read func(string) []byte, x *proofs.VerifiedIndex) {
	e.t.Helper()
	tree := proofs.NewFrontier()
	for i := uint64(0); i < x.Size; i += proofs.TileWidth {
		t := proofs.Tile{Entries: true, Index: i / proofs.TileWidth, Width: int(min(proofs.TileWidth, x.Size-i))}
		entries, err := proofs.ParseBundle(read("ledger/"+t.Path()), t.Width)
		if err != nil {
			e.t.Fatal(err)
		}
		t.Entries = false
		var leaves []byte
		for _, entry := range entries {
			h := proofs.LeafHash(entry)
			leaves = append(leaves, h[:]...)
			tree.Append(entry)
		}
		if !bytes.Equal(read("ledger/"+t.Path()), leaves) {
			e.t.Fatalf("ledger/%s does not fit its bundle", t.Path())
		}
	}
	if tree.Root() != x.Root {
		e.t.Fatalf("the bundles make another root at size %d", x.Size)
	}
	root, err := proofs.TileNodes(x.Size, func(t proofs.Tile) ([]byte, error) { return read("ledger/" + t.Path()), nil }).Root(x.Size)
	if err != nil || root != x.Root {
		e.t.Fatalf("the tiles make the root %s (%v)", root, err)
	}
}

func (e *edge) wholeMap(read func(string) []byte, tile *proofs.MapTile) (keys uint64) {
	e.t.Helper()
	for _, l := range tile.Leaves {
		b := read(proofs.IndexPath(l.Hash))
		if l.Tile {
			t, err := proofs.ParseMapTile(b)
			if err != nil || t.Hash() != l.Hash || t.Depth != tile.Depth+l.Depth {
				e.t.Fatalf("map tile %s: %v", l.Hash, err)
			}
			keys += e.wholeMap(read, t)
			continue
		}
		s, err := proofs.ParseSlot(b)
		if err != nil || s.Hash() != l.Hash {
			e.t.Fatalf("slot %s: %v", l.Hash, err)
		}
		keys += uint64(len(s.Records))
	}
	return keys
}

func (e *edge) trustNow() *proofs.Trust {
	t, err := e.source.TrustNow(context.Background())
	if err != nil {
		e.t.Fatal(err)
	}
	return t
}

// names are those of all objects under a prefix.
func (e *edge) names(prefix string) (names []string) {
	e.t.Helper()
	for after := ""; ; {
		objects, more, err := e.store.List(context.Background(), prefix, after)
		if err != nil {
			e.t.Fatal(err)
		}
		for _, o := range objects {
			names = append(names, o.Name)
			after = o.Name
		}
		if !more {
			return names
		}
	}
}

func (e *edge) has(name string) bool {
	_, _, err := e.store.Get(context.Background(), name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.t.Fatal(err)
	}
	return err == nil
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if codeOf(err) != code {
		t.Fatalf("%v, want %s", err, code)
	}
}

// grown is a registry with more than a bundle, and a map of several slots.
func grown(t *testing.T) *followtest.Registry {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 300)
	r.Publish()
	return r
}

func TestPublications(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	first := e.publishNow(r)
	if got := e.whole(); got.ID != published.IDOf(first.set) || !got.Stored {
		t.Fatalf("%s is in force", got.ID)
	}
	for i := range 10 {
		size := 300 + i*40
		r.Register(followtest.Office, size, size+40)
		if i == 4 {
			r.Accredit("second.test.example")
			r.Revoke(followtest.Office, 7, "lost")
		}
		r.Publish()
		p := e.publishNow(r)
		if got := e.whole(); got.ID != published.IDOf(p.set) || got.Publication != uint64(i+2) {
			t.Fatalf("publication %d of %s is in force", got.Publication, got.ID)
		}
		if p.objects >= first.objects*2 {
			t.Errorf("publication %d: %d objects sent, the first needed %d", i+2, p.objects, first.objects)
		}
	}
	s, err := newPublisher(t, r, e.handler()).state()
	if err != nil || s.Origin != followtest.Origin || s.Publication != 11 || s.Size != r.Size() || s.Root != r.Checkpoint().Root.String() || s.Epoch != 1 ||
		s.Checkpoint != sum(r.Get("ledger/checkpoint")) || s.Limits.Chunk != 7 {
		t.Errorf("state %+v: %v", s, err)
	}
	if len(e.told) != 11 {
		t.Errorf("told of %d publications, want 11", len(e.told))
	}
	if n := len(e.names("set/")); n == 0 {
		t.Error("no files of sets")
	}
}

// More map tiles than one request goes through: the plan goes on where it was, and asks for nothing twice.
func TestLongPlan(t *testing.T) {
	r := deep(t)
	e := newEdge(t, r.Trust)
	e.limits.Chunk = 1
	e.now = r.Clock()
	p := newPublisher(t, r, e.handler())
	p.packed = 4
	plans := 0
	p.steps = func(step string) {
		if strings.HasSuffix(step, "/plan") {
			plans++
		}
	}
	p.must(p.publish())
	e.whole()
	if plans < 6 {
		t.Errorf("%d requests for the plan", plans)
	}
	registerBelow(r, 3_000_000, 1)
	r.Publish()
	e.now = r.Clock()
	p = newPublisher(t, r, e.handler())
	p.packed = 4
	p.must(p.publish())
	e.whole()
	// The ledger's edge of three files, one slot and what leads to it, and the files of the set that have changed.
	if p.objects > 12 {
		t.Errorf("%d objects sent for one document", p.objects)
	}
}

// A ledger of three levels of tiles: what the one in force has below a full tile that was partial in it is not sent again.
func TestLargeLedger(t *testing.T) {
	r := followtest.New(t, followtest.Policy{})
	e := newEdge(t, r.Trust)
	e.limits.Chunk = 0 // the default
	grow := func(to uint64) int {
		for n := r.Size(); n < to-1; n++ {
			r.Append(fmt.Appendf(nil, "no statement %d", n))
		}
		r.Publish()
		e.now = r.Clock()
		p := newPublisher(t, r, e.handler())
		p.packed = 500
		p.must(p.publish())
		e.whole()
		return p.objects
	}
	const first, second, third = 253*256 + 7, 257*256 + 9, 258 * 256
	if n := grow(first); n < 2*254 || n > 2*254+20 {
		t.Errorf("%d objects sent for %d entries", n, first)
	}
	// Four tiles and bundles that have become full, the partial ones, the full tile of level 1, and partial ones of levels 1 and 2.
	if n := grow(second); n < 2*5+3 || n > 2*5+3+12 {
		t.Errorf("%d objects sent for %d entries more", n, second-first)
	}
	if n := grow(third); n < 2*1+1 || n > 2*1+1+12 {
		t.Errorf("%d objects sent for %d entries more", n, third-second)
	}
}

func heartbeat(r *followtest.Registry) {
	r.Now += 600
	r.Release(r.Sign(r.Everybody()...))
}

func TestHeartbeat(t *testing.T) {
	r := grown(t)
	e := newEdge(t, r.Trust)
	e.publishNow(r)
	before := e.names("kept/")
	heartbeat(r)
	p := e.publishNow(r)
	// Its head, its checkpoint once as that and once in the history, whose bytes are the same, and the history's list.
	if p.objects > 4 {
		t.Errorf("%d objects sent for a heartbeat", p.objects)
	}
	if after := e.names("kept/"); len(after) != len(before)+1 {
		t.Errorf("%d files that never change, want %d", len(after), len(before)+1)
	}
	e.whole()
	if current, err := p.propose(); err != nil || !current {
		t.Errorf("the same again: %v, in force %v", err, current)
	}
	p.must(p.finish())
}

func newFuzzGate(f *testing.F, dir string, r *followtest.Registry) http.Handler {
	folder, err := edgestore.OpenFolder(dir)
	if err != nil {
		f.Fatal(err)
	}
	return gate.New(gate.Config{Source: &published.Source{Store: folder, Trust: r.Trust}, TokenSHA256: sha256.Sum256([]byte(token)), Now: r.Clock}).Handler()
}
