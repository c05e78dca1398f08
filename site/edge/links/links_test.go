package links_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"stele/build/edgestore"
	"stele/build/follow/followtest"
	"stele/proofs"
	"stele/site/edge/links"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

// A portal is a registry's, at an edge that gives short addresses.
type portal struct {
	*testing.T
	registry *followtest.Registry
	store    store.Store
	config   links.Config
	log      *bytes.Buffer
	handler  http.Handler
	now      time.Time
}

var policy = followtest.Policy{Officers: []string{"ada", "ben"}, Needed: 2, Witnesses: []string{"north"}, Seen: 1}

// newPortal is that of a registry with three documents and one of each kind of what gets no address.
func newPortal(t *testing.T) *portal {
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 1, 4)
	r.Say(&proofs.Statement{Action: proofs.ActionRegister, Issuer: followtest.Office, Document: followtest.Document(20), Kind: "passport", Issued: "2027-01-01"})
	r.Say(&proofs.Statement{Action: proofs.ActionRegister, Issuer: followtest.Office, Document: followtest.Document(21), Kind: "payslip", Issued: "2027-01-01"})
	r.Say(&proofs.Statement{Action: proofs.ActionRegister, Issuer: followtest.Office, Document: sealedRef(), Kind: "letter", Issued: "2027-01-01"})
	r.End(nil)
	r.Publish()
	folder, err := edgestore.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := &portal{T: t, registry: r, store: folder, log: &bytes.Buffer{}, now: r.Clock()}
	p.config = links.Config{Sensitive: []string{"payslip"}, Root: "https://registry.example/", Now: func() time.Time { return p.now }, Log: slog.New(slog.NewTextHandler(p.log, nil))}
	p.serve(r)
	return p
}

// serve puts what a registry has published in force.
func (p *portal) serve(r *followtest.Registry) {
	s := &proofs.Set{Origin: followtest.Origin, Publication: 1, Time: r.Now}
	files := map[string][]byte{}
	for _, path := range r.Paths() {
		files[path] = r.Get(path)
		s.Files = append(s.Files, proofs.SetFile{SHA256: sha256.Sum256(files[path]), Size: uint64(len(files[path])), Name: path})
	}
	p.config.Source = &published.Source{Store: p.store, Base: s, Trust: r.Trust, Asset: func(_ context.Context, name string) ([]byte, error) {
		if b, ok := files[name]; ok {
			return b, nil
		}
		return nil, fs.ErrNotExist
	}}
	p.begin()
}

// begin starts the handler anew, with the configuration as it is now.
func (p *portal) begin() { p.handler = links.New(p.config).Handler() }

var salt = proofs.Salt{1, 2, 3}

func sealedRef() *proofs.Ref {
	ref := proofs.Seal(followtest.Origin, salt, followtest.Document(22).Digests)
	return &ref
}

// receiptOf makes a receipt as a page does that looks a document up.
func receiptOf(t testing.TB, r *followtest.Registry, d proofs.Digests) []byte {
	q := proofs.Question{Trust: r.Trust, Now: r.Now, SHA256: d.SHA256, SHA3512: &d.SHA3512, Online: true, Files: map[string][]byte{}}
	for {
		a := proofs.Check(q)
		if a.Report != nil {
			if a.Receipt == nil {
				t.Fatalf("no receipt: %s %s", a.Report.Verdict, a.Report.Detail)
			}
			return a.Receipt
		}
		for _, path := range a.Need {
			q.Files[path] = r.Get(path)
		}
	}
}

func (p *portal) receipt(n int) []byte {
	return receiptOf(p, p.registry, followtest.Document(n).Digests)
}

func (p *portal) do(method, path string, body []byte, headers ...string) *http.Response {
	p.Helper()
	r := httptest.NewRequest(method, "https://registry.example"+path, bytes.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w.Result()
}

func (p *portal) bytes(r *http.Response) []byte {
	p.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		p.Fatal(err)
	}
	return b
}

type made struct{ Code, Address, Withdraw string }

func (p *portal) post(receipt []byte) made {
	p.Helper()
	r := p.do("POST", "/r", receipt)
	if r.StatusCode != http.StatusCreated {
		p.Fatalf("POST /r: %d %s", r.StatusCode, p.bytes(r))
	}
	var m made
	if err := json.Unmarshal(p.bytes(r), &m); err != nil {
		p.Fatal(err)
	}
	return m
}

func (p *portal) refused(r *http.Response, status int, code string) {
	p.Helper()
	var e struct {
		Error struct{ Code, Message, Hint string }
	}
	b := p.bytes(r)
	if err := json.Unmarshal(b, &e); err != nil || r.StatusCode != status || e.Error.Code != code || e.Error.Message == "" || e.Error.Hint == "" {
		p.Errorf("got %d %s, want %d %q with a message and a hint", r.StatusCode, b, status, code)
	}
}

func TestReceiptGetsAnAddressAndComesBack(t *testing.T) {
	p := newPortal(t)
	receipt := p.receipt(1)
	m := p.post(receipt)
	if want := "https://registry.example/r/" + m.Code; m.Address != want {
		t.Errorf("the address is %q, want %q", m.Address, want)
	}
	r := p.do("GET", "/r/"+m.Code+links.Suffix, nil)
	if got := p.bytes(r); r.StatusCode != 200 || !bytes.Equal(got, receipt) {
		t.Errorf("GET: %d and %d bytes, want the receipt's %d", r.StatusCode, len(got), len(receipt))
	}
	for name, want := range map[string]string{"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff",
		"Access-Control-Allow-Origin": "*", "X-Robots-Tag": "noindex", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if r := p.do("HEAD", "/r/"+m.Code+links.Suffix, nil); r.StatusCode != 200 || len(p.bytes(r)) != 0 {
		t.Errorf("HEAD: %d", r.StatusCode)
	}
}

// Two addresses of one receipt have nothing in common, so that none says whether there is another.
func TestCodesAreRandom(t *testing.T) {
	p := newPortal(t)
	one, other := p.post(p.receipt(1)), p.post(p.receipt(1))
	if one.Code == other.Code || one.Withdraw == other.Withdraw {
		t.Errorf("the same receipt twice: %+v and %+v", one, other)
	}
}

func TestBrowserIsLedToThePage(t *testing.T) {
	p := newPortal(t)
	m := p.post(p.receipt(1))
	typed := strings.ToLower(m.Code[:5] + "-" + m.Code[5:])
	typed = strings.NewReplacer("0", "o", "1", "l").Replace(typed) // as somebody reads them on paper
	for _, path := range []string{"/r/" + m.Code, "/r/" + typed} {
		r := p.do("GET", path, nil, "Accept", "text/html")
		if want := "../#r=" + m.Code; r.StatusCode != 303 || r.Header.Get("Location") != want {
			t.Errorf("GET %s: %d to %q, want 303 to %q", path, r.StatusCode, r.Header.Get("Location"), want)
		}
	}
	if r := p.do("GET", "/r/"+typed+links.Suffix, nil); r.StatusCode != 200 {
		t.Errorf("as it was typed: %d", r.StatusCode)
	}
}

func TestUnknownCodes(t *testing.T) {
	p := newPortal(t)
	p.post(p.receipt(1))
	for _, code := range []string{"0000000000", "short", "UUUUUUUUUU", "count", "Count" + links.Suffix, strings.Repeat("0", 4000), "..%2Fcount"} {
		path := "/r/" + code
		if !strings.HasSuffix(path, links.Suffix) {
			path += links.Suffix
		}
		p.refused(p.do("GET", path, nil), 404, "unknown")
		p.refused(p.do("DELETE", "/r/"+code, nil), 404, "unknown")
	}
	p.refused(p.do("GET", "/r/count", nil), 404, "unknown")
	if r := p.do("GET", "/r", nil); r.StatusCode != 405 {
		t.Errorf("GET /r: %d: nobody can list what there is", r.StatusCode)
	}
}

func TestOnlyPublicDocumentsRegisteredHere(t *testing.T) {
	p := newPortal(t)
	good := p.receipt(1)
	sealed := p.sealedReceipt(&salt)
	for _, c := range []struct {
		what    string
		receipt []byte
		status  int
		code    string
	}{
		{"nothing", nil, 400, "malformed"},
		{"a document", []byte("%PDF-1.7"), 400, "malformed"},
		{"a head", p.registry.Get("ledger/head"), 400, "malformed"},
		{"one byte more", append(slices.Clone(good), '\n'), 403, "unverified"},
		{"a document that is not registered", p.receipt(9), 403, "absent"},
		{"a passport", p.receipt(20), 403, "sensitive"},
		{"a kind that this portal keeps to itself", p.receipt(21), 403, "sensitive"},
		{"a sealed document", sealed, 403, "sealed"},
		{"a sealed document without its salt", p.sealedReceipt(nil), 403, "sealed"},
		{"a sealed document of another registry", vector(t, "sealed-receipt"), 403, "sealed"},
		{"another registry's", vector(t, "receipt-present"), 403, "other-registry"},
		{"a wrong signature", p.damaged(good, func(c *proofs.Receipt) {
			c.Proof.Checkpoint = bytes.Replace(c.Proof.Checkpoint, []byte("— north "), []byte("— south "), 1)
		}), 403, "unverified"},
		{"another document's record", p.damaged(good, func(c *proofs.Receipt) { c.Present.Position ^= 1 }), 403, "unverified"},
		{"no issuers", p.damaged(good, func(c *proofs.Receipt) { c.Issuers = nil }), 403, "unverified"},
	} {
		t.Run(c.what, func(t *testing.T) {
			sub := *p
			sub.T = t
			sub.refused(sub.do("POST", "/r", c.receipt), c.status, c.code)
		})
	}
	if objects, _, err := p.store.List(context.Background(), "", ""); err != nil || len(objects) != 0 {
		t.Errorf("what was refused left %v, %v", objects, err)
	}
}

func (p *portal) damaged(b []byte, do func(*proofs.Receipt)) []byte {
	p.Helper()
	c, err := proofs.ParseReceipt(b)
	if err != nil {
		p.Fatal(err)
	}
	do(c)
	return c.Marshal()
}

// sealedReceipt proves the record under a sealed document's key, with a salt or without.
func (p *portal) sealedReceipt(salt *proofs.Salt) []byte {
	p.Helper()
	head, err := proofs.ParseHead(p.registry.Get(proofs.HeadPath))
	if err != nil {
		p.Fatal(err)
	}
	_, tile, err := head.Verify(p.registry.Trust, p.registry.Now)
	if err != nil {
		p.Fatal(err)
	}
	key := sealedRef().Key()
	leaf, siblings := tile.Descend(key)
	slot, err := proofs.ParseSlot(p.registry.Get(proofs.IndexPath(leaf.Hash)))
	if err != nil {
		p.Fatal(err)
	}
	i := slices.IndexFunc(slot.Records, func(r proofs.Record) bool { return r.Key == key })
	if i < 0 {
		p.Fatal("the sealed document is not in its slot")
	}
	path := (&proofs.IssuerList{Records: slot.Records}).Path(i) // a slot's records make a tree as the issuer list's do
	c := &proofs.Receipt{Proof: head.Proof, Statement: head.Statement, Salt: salt, Siblings: siblings, Count: uint32(len(slot.Records)), Key: key,
		Present: &proofs.Proved{Record: slot.Records[i], Position: uint32(i), Path: path}}
	if _, err := c.Verify(p.registry.Trust, p.registry.Now); err != nil {
		p.Fatalf("the receipt is to be refused for nothing but the seal: %v", err)
	}
	return c.Marshal()
}

func vector(t *testing.T, name string) []byte {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("..", "..", "..", "proofs", "testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		if f.Name == "receipt" {
			return f.Data
		}
	}
	t.Fatalf("%s holds no receipt", name)
	return nil
}

func TestTooLarge(t *testing.T) {
	p := newPortal(t)
	p.refused(p.do("POST", "/r", make([]byte, links.MostReceipt+1)), 413, "too-large")
	p.refused(p.do("POST", "/r", make([]byte, links.MostReceipt)), 400, "malformed")
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

// A receipt has to arrive in some time, and is then judged without haste.
func TestReceiptInTime(t *testing.T) {
	p := newPortal(t)
	w := &timed{ResponseRecorder: httptest.NewRecorder()}
	p.handler.ServeHTTP(w, httptest.NewRequest("POST", "https://registry.example/r", bytes.NewReader(p.receipt(1))))
	if w.Code != 201 || len(w.until) != 2 || w.until[0].After(time.Now().Add(time.Minute)) || !w.until[1].IsZero() {
		t.Errorf("got %d; the receipt is waited for until %v, want less than a minute, and then no end", w.Code, w.until)
	}
}

// What leads here is shown here: a receipt of a newer ledger waits, and one of another ledger of the same size never comes.
func TestReceiptsOfOtherSizes(t *testing.T) {
	p := newPortal(t)
	old := p.receipt(1)
	fork, newer := p.registry.Clone(), p.registry.Clone()
	newer.Register(followtest.Office, 5, 6)
	newer.End(nil)
	newer.Publish()
	ahead := receiptOf(t, newer, followtest.Document(1).Digests)
	p.now = newer.Clock()
	p.refused(p.do("POST", "/r", ahead), 409, "ahead")

	p.serve(newer)
	p.post(ahead)
	p.post(old)

	fork.Register(followtest.Office, 6, 7)
	fork.End(nil)
	fork.Publish()
	p.refused(p.do("POST", "/r", receiptOf(t, fork, followtest.Document(1).Digests)), 403, "unverified")
}

func TestRevokedDocumentKeepsItsReceipt(t *testing.T) {
	p := newPortal(t)
	p.registry.Revoke(followtest.Office, 2, "by mistake")
	p.registry.End(nil)
	p.registry.Publish()
	p.now = p.registry.Clock()
	p.serve(p.registry)
	p.post(p.receipt(2))
}

// A receipt from before a change of keys is judged by the trust file of its time, which is published.
func TestReceiptOfAnEarlierEpoch(t *testing.T) {
	p := newPortal(t)
	old := p.receipt(1)
	r, first, signers := p.registry, p.registry.Trust, p.registry.Everybody()
	next := r.ChangeTrust(func(n *proofs.Trust) {
		r.Rekey()
		r.SetPolicy(n, policy)
	})
	r.End(nil)
	r.Handover(next, r.Sign(signers...))
	r.Put(proofs.TrustPath(1), first.Marshal())
	p.registry.Register(followtest.Office, 5, 6)
	p.registry.End(nil)
	p.registry.Publish()
	p.now = p.registry.Clock()
	p.serve(p.registry)
	if next.Epoch != 2 || p.config.Source.Trust.Epoch != 2 {
		t.Fatalf("epoch %d, and the portal's is %d", next.Epoch, p.config.Source.Trust.Epoch)
	}
	p.post(old)
	p.post(p.receipt(1))

	p.registry.Remove(proofs.TrustPath(1))
	p.serve(p.registry)
	p.refused(p.do("POST", "/r", old), 503, "outage")
}

func TestWithdrawing(t *testing.T) {
	p := newPortal(t)
	m, kept := p.post(p.receipt(1)), p.post(p.receipt(1))
	path := "/r/" + m.Code
	p.refused(p.do("DELETE", path, nil), 403, "unauthorised")
	p.refused(p.do("DELETE", path, nil, "Authorization", "Bearer "+kept.Withdraw), 403, "unauthorised")
	if r := p.do("GET", path+links.Suffix, nil); r.StatusCode != 200 {
		t.Fatalf("after attempts at withdrawing: %d", r.StatusCode)
	}
	for range 2 { // the first answer may have been lost
		if r := p.do("DELETE", path, nil, "Authorization", "Bearer "+m.Withdraw); r.StatusCode != 204 {
			t.Fatalf("DELETE: %d %s", r.StatusCode, p.bytes(r))
		}
	}
	p.refused(p.do("GET", path+links.Suffix, nil), 410, "withdrawn")
	p.refused(p.do("DELETE", path, nil), 403, "unauthorised")
	b, _, err := p.store.Get(context.Background(), "links/"+m.Code)
	if err != nil || len(b) > 100 {
		t.Errorf("what is left of it: %q, %v", b, err)
	}
	if r := p.do("GET", "/r/"+kept.Code+links.Suffix, nil); r.StatusCode != 200 {
		t.Errorf("the other address of the same receipt: %d", r.StatusCode)
	}
}

func TestBounds(t *testing.T) {
	p := newPortal(t)
	p.config.Most = links.Bounds{Total: 5, Day: 3}
	p.begin()
	receipt := p.receipt(1)
	for range 3 {
		m := p.post(receipt)
		p.do("DELETE", "/r/"+m.Code, nil, "Authorization", "Bearer "+m.Withdraw) // which makes no room
	}
	r := p.do("POST", "/r", receipt)
	if r.Header.Get("Retry-After") == "" {
		t.Error("nothing says when to try again")
	}
	p.refused(r, 429, "full-today")
	p.refused(p.do("POST", "/r", p.receipt(20)), 403, "sensitive") // is told what is wrong all the same
	p.now = p.now.Add(24 * time.Hour)
	p.begin() // what was counted is kept in the store
	p.post(receipt)
	p.post(receipt)
	p.refused(p.do("POST", "/r", receipt), 507, "full")
	p.now = p.now.Add(48 * time.Hour)
	p.refused(p.do("POST", "/r", receipt), 507, "full")
}

// One document takes no more than its own, by whatever receipt, whatever becomes of them, and however long somebody goes on.
func TestOneDocument(t *testing.T) {
	p := newPortal(t)
	p.config.Most, p.config.Each = links.Bounds{Total: 10, Day: 4}, links.Bounds{Total: 3, Day: 2}
	p.begin()
	old := p.receipt(1)
	m := p.post(old)
	p.do("DELETE", "/r/"+m.Code, nil, "Authorization", "Bearer "+m.Withdraw) // which makes no room
	p.registry.Register(followtest.Office, 5, 6)
	p.registry.End(nil)
	p.registry.Publish()
	p.now = p.registry.Clock()
	p.serve(p.registry)
	newer := p.receipt(1)
	if bytes.Equal(old, newer) {
		t.Fatal("the newer publication makes the same receipt")
	}
	p.post(newer)
	for range 5 {
		for _, receipt := range [][]byte{old, newer} {
			r := p.do("POST", "/r", receipt)
			if r.Header.Get("Retry-After") == "" {
				t.Error("nothing says when to try again")
			}
			p.refused(r, 429, "enough-today")
		}
	}
	p.post(p.receipt(2))
	p.now = p.now.Add(24 * time.Hour)
	p.begin() // what was counted is kept in the store
	p.post(old)
	for range 5 {
		p.refused(p.do("POST", "/r", newer), 403, "enough")
		p.now = p.now.Add(24 * time.Hour)
	}
	p.post(p.receipt(2))
	p.post(p.receipt(3))
}

// On a day on which there are none left, none of a document's own is taken.
func TestFullDayTakesNothing(t *testing.T) {
	p := newPortal(t)
	p.config.Most, p.config.Each = links.Bounds{Total: 10, Day: 1}, links.Bounds{Total: 1, Day: 1}
	p.begin()
	p.post(p.receipt(1))
	for range 3 {
		p.refused(p.do("POST", "/r", p.receipt(2)), 429, "full-today")
	}
	p.now = p.now.Add(24 * time.Hour)
	p.post(p.receipt(2))
}

// Of one document's at once exactly as many are given as it gets.
func TestOneDocumentAtOnce(t *testing.T) {
	p := newPortal(t)
	p.config.Each = links.Bounds{Total: 3, Day: 3}
	p.begin()
	receipt := p.receipt(1)
	var given atomic.Int64
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if r := p.do("POST", "/r", receipt); r.StatusCode == 201 {
				given.Add(1)
			}
		})
	}
	wg.Wait()
	if n := given.Load(); n != 3 {
		t.Errorf("%d got an address, want 3", n)
	}
}

// Of many at once exactly as many get an address as may, and none another's.
func TestManyAtOnce(t *testing.T) {
	p := newPortal(t)
	p.config.Most, p.config.Each = links.Bounds{Total: 100, Day: 5}, links.Bounds{Total: 100, Day: 100}
	p.begin()
	var mu sync.Mutex
	given := map[string]bool{}
	var wg sync.WaitGroup
	receipts := [][]byte{p.receipt(1), p.receipt(2)}
	for i := range 16 {
		wg.Go(func() {
			for {
				r := p.do("POST", "/r", receipts[i%2])
				var m made
				if err := json.Unmarshal(p.bytes(r), &m); err != nil {
					t.Error(err)
				}
				mu.Lock()
				if r.StatusCode == 201 {
					given[m.Code] = true
				} else if r.StatusCode != 429 && r.StatusCode != 503 {
					t.Errorf("got %d", r.StatusCode)
				}
				mu.Unlock()
				if r.StatusCode != 503 { // busy: as somebody does who is told so
					return
				}
			}
		})
	}
	wg.Wait()
	if len(given) != 5 {
		t.Errorf("%d got an address, want 5", len(given))
	}
}

// Numbers is a source of randomness that gives what it is told to.
type numbers struct{ next [][]byte }

func (n *numbers) Read(b []byte) (int, error) {
	if len(n.next) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	c := copy(b, n.next[0])
	n.next = n.next[1:]
	return c, nil
}

func TestTakenCodeIsNeverGivenAgain(t *testing.T) {
	p := newPortal(t)
	secret, same, other := bytes.Repeat([]byte{7}, 16), bytes.Repeat([]byte{1}, 7), bytes.Repeat([]byte{2}, 7)
	p.config.Random = &numbers{[][]byte{secret, same, secret, same, same, other}}
	p.begin()
	one, two := p.receipt(1), p.receipt(2)
	first := p.post(one)
	p.do("DELETE", "/r/"+first.Code, nil, "Authorization", "Bearer "+first.Withdraw)
	second := p.post(two)
	if first.Code == second.Code {
		t.Error("a withdrawn code was given again")
	}
	p.refused(p.do("GET", "/r/"+first.Code+links.Suffix, nil), 410, "withdrawn")
	p.refused(p.do("POST", "/r", one), 503, "outage") // no randomness is left, and nothing is made of less
}

func TestOtherWebsitesAskForNothing(t *testing.T) {
	p := newPortal(t)
	m := p.post(p.receipt(1))
	for _, site := range []string{"cross-site", "same-site"} {
		p.refused(p.do("POST", "/r", p.receipt(1), "Sec-Fetch-Site", site), 403, "other-site")
		p.refused(p.do("DELETE", "/r/"+m.Code, nil, "Sec-Fetch-Site", site, "Authorization", "Bearer "+m.Withdraw), 403, "other-site")
		if r := p.do("GET", "/r/"+m.Code, nil, "Sec-Fetch-Site", site); r.StatusCode != 303 {
			t.Errorf("a link on another website: %d", r.StatusCode)
		}
	}
	if r := p.do("POST", "/r", p.receipt(1), "Sec-Fetch-Site", "same-origin"); r.StatusCode != 201 {
		t.Errorf("the portal's own page: %d", r.StatusCode)
	}
}

// broken is a store some of whose calls fail.
type broken struct {
	store.Store
	get, put func(name string) bool
}

func (b *broken) Get(ctx context.Context, name string) ([]byte, string, error) {
	if b.get != nil && b.get(name) {
		return nil, "", fmt.Errorf("read %s: no connection", name)
	}
	return b.Store.Get(ctx, name)
}

func (b *broken) Put(ctx context.Context, name string, body []byte, when store.Condition) error {
	if b.put != nil && b.put(name) {
		return fmt.Errorf("write %s: no connection", name)
	}
	return b.Store.Put(ctx, name, body, when)
}

// An outage is no absence, and its line in the log names no code.
func TestOutages(t *testing.T) {
	p := newPortal(t)
	receipt := p.receipt(1)
	m := p.post(receipt)
	working := p.store
	isDocument := func(name string) bool { return strings.HasPrefix(name, "links/by/") }
	isLink := func(name string) bool {
		return strings.HasPrefix(name, "links/") && name != "links/count" && !isDocument(name)
	}
	for _, c := range []struct {
		what string
		b    *broken
		ask  func() *http.Response
	}{
		{"reading", &broken{get: isLink}, func() *http.Response { return p.do("GET", "/r/"+strings.ToLower(m.Code)+links.Suffix, nil) }},
		{"writing", &broken{put: isLink}, func() *http.Response { return p.do("POST", "/r", receipt) }},
		{"counting", &broken{put: func(name string) bool { return name == "links/count" }}, func() *http.Response { return p.do("POST", "/r", receipt) }},
		{"counting a document's", &broken{put: isDocument}, func() *http.Response { return p.do("POST", "/r", receipt) }},
		{"reading a document's", &broken{get: isDocument}, func() *http.Response { return p.do("POST", "/r", receipt) }},
		{"withdrawing", &broken{put: isLink}, func() *http.Response { return p.do("DELETE", "/r/"+m.Code, nil, "Authorization", "Bearer "+m.Withdraw) }},
		{"the publication", &broken{get: func(name string) bool { return name == "current" }}, func() *http.Response { return p.do("POST", "/r", receipt) }},
	} {
		c.b.Store = working
		p.config.Source.Store = c.b
		p.begin()
		p.refused(c.ask(), 503, "outage")
	}
	if said := p.log.String(); strings.Count(said, "no connection") != 7 || strings.Contains(said, m.Code) || strings.Count(said, "links/CODE") != 3 || strings.Count(said, "links/by/DOCUMENT") != 2 || strings.Contains(said, p.byObject(1)) {
		t.Errorf("the log says\n%s\nwant seven outages, three of codes and two of documents that are not told", said)
	}
	p.config.Source.Store = working
	p.begin()
	if r := p.do("GET", "/r/"+m.Code+links.Suffix, nil); r.StatusCode != 200 {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
}

func TestNothingPublishedYet(t *testing.T) {
	p := newPortal(t)
	p.config.Source.Base = nil
	p.begin()
	p.refused(p.do("POST", "/r", p.receipt(1)), 503, "outage")
}

// Damaged objects are outages too, and never a receipt.
func TestDamagedObjects(t *testing.T) {
	p := newPortal(t)
	m := p.post(p.receipt(1))
	for name, ask := range map[string]func() *http.Response{
		"links/" + m.Code: func() *http.Response { return p.do("GET", "/r/"+m.Code+links.Suffix, nil) },
		"links/count":     func() *http.Response { return p.do("POST", "/r", p.receipt(1)) },
		p.byObject(2):     func() *http.Response { return p.do("POST", "/r", p.receipt(2)) },
	} {
		if err := p.store.Put(context.Background(), name, []byte("stele.links/1\ntotal 1\n"), store.Always); err != nil {
			t.Fatal(err)
		}
		p.refused(ask(), 503, "outage")
	}
	if said := p.log.String(); strings.Contains(said, p.byObject(2)) {
		t.Errorf("the log says which document was meant:\n%s", said)
	}
}

// byObject is where a document's addresses are counted.
func (p *portal) byObject(n int) string {
	p.Helper()
	c, err := proofs.ParseReceipt(p.receipt(n))
	if err != nil {
		p.Fatal(err)
	}
	return fmt.Sprintf("links/by/%x", sha256.Sum256(append([]byte("stele.links/1\n"), c.Key[:]...)))
}

// An object's bytes stay readable by the next version: they are written out here.
func TestObjects(t *testing.T) {
	p := newPortal(t)
	receipt := p.receipt(1)
	m := p.post(receipt)
	hash := sha256.Sum256([]byte(m.Withdraw))
	for name, want := range map[string]string{
		"links/" + m.Code: fmt.Sprintf("stele.link/1\nwithdraw %s\n\n%s", proofs.Hash(hash), receipt),
		"links/count":     "stele.links/1\ntotal 1\nday " + p.now.UTC().Format(time.DateOnly) + " 1\n",
		p.byObject(1):     "stele.links/1\ntotal 1\nday " + p.now.UTC().Format(time.DateOnly) + " 1\n",
	} {
		got, _, err := p.store.Get(context.Background(), name)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
}
