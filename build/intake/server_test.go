package intake

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stele/build/keys"
	"stele/build/registry"
	"stele/proofs"
)

var officeKey, courtKey = registry.IssuerKeyFile(office), registry.IssuerKeyFile(court)

// TestSubmit follows one statement from its submission to its receipt.
func TestSubmit(t *testing.T) {
	d := open(t, setup{})
	e := d.registration(office, 5)
	path, receipt := "/v1/statements/"+id(e), "/v1/receipts/"+document(5).Selector()
	if a := d.get(path); a.status != 404 || !strings.Contains(a.error(t).Hint, "?subject=") {
		t.Errorf("before: got %d %s, want 404 and how to ask", a.status, a.body)
	}
	a := d.ask(context.Background(), "POST", "/v1/statements", "text/plain; charset=utf-8", bytes.NewReader(e))
	if a.status != 202 || a.header.Get("Retry-After") == "" {
		t.Errorf("got %d %s, want 202 and when to ask again", a.status, a.body)
	}
	d.expect(path, registry.Pending)
	if a := d.get(receipt); a.status != 404 || !strings.Contains(a.error(t).Hint, "once the registration is published") {
		t.Errorf("receipt before publication: got %d %s, want 404", a.status, a.body)
	}
	d.publish()
	o := d.expect(path, registry.Published)
	if o.Place == nil || *o.Place != 5 || o.Published == nil || o.Published.Unix() != d.now || o.Subject != document(5).Selector() || o.Issuer != office {
		t.Errorf("published: got %+v, want place 5 at %d", o, d.now)
	}
	if a, _ := d.post(e); a.status != 200 {
		t.Errorf("again: got %d %s, want 200", a.status, a.body)
	}
	a = d.get(receipt)
	rep, err := CheckReceipt(d.r.Trust, d.now, a.body, document(5).Digests, func(x *proofs.Entry) bool { return registry.StatementID(x.Bytes).String() == id(e) })
	if err != nil || rep.Verdict != proofs.Authentic {
		t.Errorf("receipt: %v, %+v", err, rep)
	}
	d.restart() // what of late is known by its hash alone is forgotten then
	if a := d.get(path); a.status != 404 {
		t.Errorf("after a restart: got %d, want 404 without the subject", a.status)
	}
	d.expect(path+"?subject="+document(5).Selector(), registry.Published)
	if a := d.get(path + "?subject=" + document(0).Selector()); a.status != 404 {
		t.Errorf("another subject: got %d, want 404", a.status)
	}
	d.must(registry.Published, e)
	if n, err := d.r.Pending(); n != 0 || err != nil {
		t.Errorf("%d pending (%v), want none", n, err)
	}
}

// expect asks about a statement, which is to be in a state.
func (d *desk) expect(path, state string) (o Outcome) {
	d.Helper()
	a := d.get(path)
	if err := json.Unmarshal(a.body, &o); err != nil || a.status != 200 || o.State != state {
		d.Errorf("%s: got %d %s, want %s", path, a.status, a.body, state)
	}
	return o
}

// TestRefused: every kind of bad statement is refused with its reason, one by one and among good ones, and none of it is queued.
func TestRefused(t *testing.T) {
	d := open(t, setup{})
	ref, good := document(7), d.registration(office, 7)
	reg0, reg1 := d.published(0), d.published(1)
	register := func(change func(*proofs.Statement)) []byte {
		s := &proofs.Statement{Action: proofs.ActionRegister, Issuer: office, Document: &ref, Kind: "letter", Issued: "2027-01-15"}
		change(s)
		return d.sign(s, registry.IssuerKeyFile(s.Issuer))
	}
	stranger, err := proofs.NewMemorySigner(office, proofs.Ed25519Key, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := proofs.NewMemorySigner("nobody.test.example", proofs.Ed25519Key, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	text := string(good[:bytes.Index(good, []byte("\n\n"))+1])
	tomorrow := time.Unix(d.now, 0).UTC().AddDate(0, 0, 2).Format(time.DateOnly)
	cases := []struct {
		name, code, reason string
		entry              []byte
	}{
		{"garbage", registry.CodeMalformed, "malformed", []byte("%PDF-1.7 garbage")},
		{"no signature", registry.CodeMalformed, "malformed", []byte(text)},
		{"not UTF-8", registry.CodeMalformed, "malformed", []byte(text + "\xff\n\n— x y\n")},
		{"too long", registry.CodeMalformed, "8192", register(func(s *proofs.Statement) { s.Kind = strings.Repeat("k", 9000) })},
		{"altered", registry.CodeBadSignature, "not signed by a key that stands", bytes.Replace(good, []byte("2027-01-15"), []byte("2027-01-14"), 1)},
		{"forged", registry.CodeBadSignature, "not signed by a key that stands", note(t, text, stranger)},
		{"signed by another", registry.CodeBadSignature, "not signed by a key that stands", d.signText(text, courtKey)},
		{"two signatures", registry.CodeBadSignature, "2 signatures, want 1", d.signText(text, officeKey, courtKey)},
		{"another registry", registry.CodeOtherRegistry, "other.example/ledger", register(func(s *proofs.Statement) { s.Registry = "other.example/ledger" })},
		{"not accredited", registry.CodeNotAuthorised, `"nobody.test.example" is not accredited`, note(t, strings.Replace(text, "issuer "+office, "issuer nobody.test.example", 1), unknown)},
		{"says what only the root says", registry.CodeNotAuthorised, "may not", d.accredit("third.test.example", office, officeKey)},
		{"an index statement", registry.CodeNotAuthorised, "may not", d.signText(strings.Replace(text, "\nregister\n", "\nindex\n", 1), officeKey)},
		{"the publication key registers", registry.CodeNotAuthorised, "does not", d.signText(strings.Replace(text, "issuer "+office, "issuer "+origin+"/publication", 1), "publication")},
		{"another version", registry.CodeNotUnderstood, "version 2", d.signText(strings.Replace(text, "statement/1", "statement/2", 1), officeKey)},
		{"an unknown action", registry.CodeNotUnderstood, "unknown action", d.signText(strings.Replace(text, "\nregister\n", "\nbless\n", 1), officeKey)},
		{"an unknown field", registry.CodeNotUnderstood, "colour", d.signText(text+"colour red\n", officeKey)},
		{"one digest only", registry.CodeNotUnderstood, "want document", d.signText(regexp.MustCompile(`document sha3.*\n`).ReplaceAllString(text, ""), officeKey)},
		{"expires before it is issued", registry.CodeNotUnderstood, "expires", register(func(s *proofs.Statement) { s.Expires = "2026-01-01" })},
		{"a trust file", registry.CodeNotAuthorised, "stele trust change", d.sign(&proofs.Statement{Action: proofs.ActionTrust, Issuer: d.r.Trust.RootName(), Epoch: 2}, "root")},
		{"a kind it may not issue", registry.CodeKind, `not accredited for kind "diploma"`, register(func(s *proofs.Statement) { s.Kind = "diploma" })},
		{"a sensitive kind", registry.CodeSensitive, "unsealed", register(func(s *proofs.Statement) { s.Kind = "passport" })},
		{"of the day after tomorrow", registry.CodeMisdated, tomorrow, register(func(s *proofs.Statement) { s.Issued = tomorrow })},
		{"registered", registry.CodeRegistered, "already registered", d.sign(&proofs.Statement{Action: proofs.ActionRegister, Issuer: office,
			Document: ptr(document(0)), Kind: "letter", Issued: "2027-01-14"}, officeKey)},
		{"another issuer's document", registry.CodeNoEffect, office + ", and " + court + " may not speak for it", d.event(proofs.ActionRevoke, court, 0, reg0, "")},
		{"after something else", registry.CodeNoRegistration, "no registration", d.event(proofs.ActionRevoke, office, 0, reg1, "")},
		{"of a document that is not there", registry.CodeNoRegistration, "no registration", d.event(proofs.ActionRevoke, office, 99, reg1, "")},
		{"restored, and never suspended", registry.CodeNoEffect, "active", d.event(proofs.ActionRestore, office, 0, reg0, "")},
		{"other digests than registered", registry.CodeNoEffect, "other digests", d.otherDigests(reg0)},
		{"a successor that is not registered", registry.CodeNoEffect, "active", d.sign(&proofs.Statement{Action: proofs.ActionSupersede, Issuer: office,
			Document: ptr(document(0)), After: ptr(proofs.LeafHash(reg0)), Successor: &ref}, officeKey)},
		{"withdraws nobody", registry.CodeNoEffect, "does not follow", d.sign(&proofs.Statement{Action: proofs.ActionWithdraw, Issuer: d.r.Trust.RootName(),
			Authority: "third.test.example", After: ptr(proofs.Hash{1})}, "root")},
	}
	var all [][]byte
	for _, c := range cases {
		all = append(all, c.entry)
		a, out := d.post(c.entry)
		if a.status != 422 || len(out) != 1 || out[0].State != registry.Refused || out[0].Code != c.code || !strings.Contains(out[0].Reason, c.reason) ||
			strings.Contains(out[0].Reason, "at place 9") { // where it was looked at says nothing to people
			t.Errorf("%s: got %d %s, want it refused as %s: %s", c.name, a.status, a.body, c.code, c.reason)
		}
	}
	a, out := d.post(append(all, good)...)
	if a.status != 202 || len(out) != len(cases)+1 {
		t.Fatalf("mixed: got %d and %d outcomes, want 202 and %d", a.status, len(out), len(cases)+1)
	}
	for i, o := range out[:len(cases)] {
		if o.Code != cases[i].code {
			t.Errorf("%s, among others: got %s, want %s", cases[i].name, o.Code, cases[i].code)
		}
	}
	if o := out[len(cases)]; o.State != registry.Pending {
		t.Errorf("the good one among bad ones: got %+v", o)
	}
	if n, err := d.r.Pending(); n != 1 || err != nil {
		t.Errorf("%d in the queue (%v), want the good one alone", n, err)
	}
	d.publish()
}

func ptr[T any](v T) *T { return &v }

func note(t *testing.T, text string, s proofs.Signer) []byte {
	t.Helper()
	n, err := proofs.SignNote(text, s)
	if err != nil {
		t.Fatal(err)
	}
	return n.Marshal()
}

// published is the entry by which the office has registered document n.
func (d *desk) published(n int) []byte {
	d.Helper()
	p, err := NewDesk(d.r.Trust, NewClient(d.http.URL))
	if err != nil {
		d.Fatal(err)
	}
	p.portal, p.Now = d.s.public, d.r.Now
	entries, err := p.Record(context.Background(), document(n).Key())
	if err != nil || len(entries) == 0 {
		d.Fatalf("document %d: %v", n, err)
	}
	return entries[0].Bytes
}

// accredit is an accreditation by whoever signs it, with a key of its own.
func (d *desk) accredit(name, by, file string) []byte {
	d.Helper()
	key, err := d.r.Keys.Generate(registry.IssuerKeyFile(name), name, keys.Issuer, proofs.Ed25519Key, rand.Reader)
	if err != nil {
		d.Fatal(err)
	}
	return d.sign(&proofs.Statement{Action: proofs.ActionAccredit, Issuer: by, Authority: name, Title: "Third", Keys: []*proofs.Key{key}, Kinds: []string{"letter"}}, file)
}

func (d *desk) otherDigests(after []byte) []byte {
	ref := document(0)
	ref.Digests.SHA3512[0] ^= 1
	return d.sign(&proofs.Statement{Action: proofs.ActionRevoke, Issuer: office, Document: &ref, After: ptr(proofs.LeafHash(after))}, officeKey)
}

// TestLifeInTheQueue: what is judged is the life as it will be once all that is pending is published, within one batch and
// across several.
func TestLifeInTheQueue(t *testing.T) {
	d := open(t, setup{})
	e := d.registration(office, 3)
	suspend := d.event(proofs.ActionSuspend, office, 3, e, "An appeal.")
	restore := d.event(proofs.ActionRestore, office, 3, suspend, "")
	again := d.event(proofs.ActionSuspend, office, 3, e, "Again.") // replayed: not after the latest
	if _, out := d.post(e, suspend, restore, again); out[2].State != registry.Pending || out[3].Code != registry.CodeNoEffect {
		t.Errorf("one batch: got %+v", out)
	}
	d.must(registry.Pending, d.event(proofs.ActionSuspend, office, 3, restore, "Once more."))
	if _, out := d.post(d.event(proofs.ActionRevoke, office, 3, e, "One."), d.event(proofs.ActionRevoke, office, 3, e, "Two.")); out[0].State != registry.Pending || out[1].Code != registry.CodeNoEffect {
		t.Errorf("conflicting events: got %+v", out)
	}
	if o := d.must(registry.Refused, d.event(proofs.ActionRevoke, office, 3, e, "Three.")); o.Code != registry.CodeNoEffect || !strings.Contains(o.Reason, "revoked") {
		t.Errorf("got %+v, want that it is revoked", o)
	}
	if o := d.must(registry.Refused, d.sign(&proofs.Statement{Action: proofs.ActionRegister, Issuer: office, Document: ptr(document(3)), Kind: "letter", Issued: "2027-01-13"}, officeKey)); o.Code != registry.CodeRegistered {
		t.Errorf("registered in the queue: got %+v", o)
	}
	next := d.registration(office, 4)
	replaced := d.registration(office, 8)
	if _, out := d.post(replaced, next, d.sign(&proofs.Statement{Action: proofs.ActionSupersede, Issuer: office, Document: ptr(document(8)),
		After: ptr(proofs.LeafHash(replaced)), Successor: ptr(document(4))}, officeKey)); out[2].State != registry.Pending {
		t.Errorf("superseded by what is pending: got %+v", out)
	}
	d.publish()
	if o := d.must(registry.Refused, d.event(proofs.ActionRestore, office, 3, suspend, "It was nothing.")); o.Code != registry.CodeNoEffect {
		t.Errorf("an old restore replayed: got %+v", o)
	}
}

// TestPendingAccreditation: an authority may speak as soon as its accreditation is in the queue, and no more once its
// withdrawal is.
func TestPendingAccreditation(t *testing.T) {
	d := open(t, setup{})
	const third = "third.test.example"
	accredit := d.accredit(third, d.r.Trust.RootName(), "root")
	if o := d.must(registry.Refused, d.registration(third, 20)); o.Code != registry.CodeNotAuthorised {
		t.Errorf("before: got %+v", o)
	}
	if _, out := d.post(accredit); out[0].State != registry.Pending || out[0].Subject != "issuer:"+third {
		t.Fatalf("got %+v", out)
	}
	d.must(registry.Pending, d.registration(third, 20))
	d.must(registry.Pending, d.sign(&proofs.Statement{Action: proofs.ActionWithdraw, Issuer: d.r.Trust.RootName(), Authority: third, After: ptr(proofs.LeafHash(accredit))}, "root"))
	if o := d.must(registry.Refused, d.registration(third, 21)); o.Code != registry.CodeNotAuthorised {
		t.Errorf("after the withdrawal: got %+v", o)
	}
	d.publish()
	d.expect("/v1/statements/"+id(accredit)+"?subject=issuer:"+third, registry.Published)
	d.restart()
	d.expect("/v1/statements/"+id(accredit)+"?subject=issuer:"+third, registry.Published)
	d.must(registry.Published, accredit)
}

// TestResigned: a statement is its text. The same text under another of the issuer's keys is the same statement.
func TestResigned(t *testing.T) {
	d := open(t, setup{})
	const third = "third.test.example"
	first := d.accredit(third, d.r.Trust.RootName(), "root")
	one, err := d.r.Keys.Signer(registry.IssuerKeyFile(third))
	if err != nil {
		t.Fatal(err)
	}
	other, err := d.r.Keys.Generate("issuer2-"+third, third, keys.Issuer, proofs.Ed25519Key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &proofs.Statement{Action: proofs.ActionAccredit, Issuer: d.r.Trust.RootName(), Authority: third, After: ptr(proofs.LeafHash(first)), Title: "Third",
		Keys: []*proofs.Key{one.Key(), other}, Kinds: []string{"letter"}}
	s.SortKeys()
	d.post(first, d.sign(s, "root"))
	text := (&proofs.Statement{Registry: origin, Action: proofs.ActionRegister, Issuer: third, Document: ptr(document(30)), Kind: "letter", Issued: "2027-01-15"}).Text()
	a, b := d.signText(text, registry.IssuerKeyFile(third)), d.signText(text, "issuer2-"+third)
	if bytes.Equal(a, b) {
		t.Fatal("the two are the same bytes")
	}
	if _, out := d.post(a, b); out[0].State != registry.Pending || out[1].State != registry.Pending || out[0].Statement != out[1].Statement {
		t.Errorf("got %+v, want one statement", out)
	}
	d.must(registry.Pending, b)
	if n, _ := d.r.Pending(); n != 3 {
		t.Errorf("%d in the queue, want 3", n)
	}
	if p := d.publish(); p.Added != 3 {
		t.Errorf("%d added, want 3", p.Added)
	}
	d.must(registry.Published, b)
}

// TestTogether: the same statement from many at once is queued once, and comes to stand in the ledger once.
func TestTogether(t *testing.T) {
	d := open(t, setup{})
	e := d.registration(office, 9)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, out := d.post(e); len(out) != 1 || out[0].State != registry.Pending {
				t.Errorf("got %+v", out)
			}
		})
	}
	wg.Wait()
	if n, err := d.r.Pending(); n != 1 || err != nil {
		t.Errorf("%d in the queue (%v), want 1", n, err)
	}
	if p := d.publish(); p.Added != 1 {
		t.Errorf("%d added, want 1", p.Added)
	}
}

// TestFullQueue: beyond its limit the queue takes bad news only, and what it does not take it says when to send again.
func TestFullQueue(t *testing.T) {
	d := open(t, setup{queue: 3})
	d.s.Schedule.Every = time.Hour
	d.s.Schedule.Due(time.Now().Add(30*time.Minute), 5*time.Second)
	a, out := d.post(d.registration(office, 10), d.registration(office, 11), d.registration(office, 12), d.registration(office, 13),
		d.event(proofs.ActionRevoke, office, 0, d.published(0), "Bad news."))
	var states []string
	for _, o := range out {
		states = append(states, o.State)
	}
	if want := []string{"pending", "pending", "pending", "deferred", "pending"}; a.status != 503 || !slices.Equal(states, want) {
		t.Fatalf("got %d %s, want 503 and %v", a.status, a.body, want)
	}
	if after, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || after < 29*60 || after > 31*60 {
		t.Errorf("Retry-After: got %q, want the time of the next publication", a.header.Get("Retry-After"))
	}
	if a := d.ask(context.Background(), "POST", "/v1/statements", "text/plain", bytes.NewReader(d.registration(court, 14))); a.status != 503 || !strings.Contains(a.error(t).Message, "full") {
		t.Errorf("got %d %s, want 503: full", a.status, a.body)
	}
	d.must(registry.Pending, d.registration(office, 10)) // what is in the queue already is still told
	if a, out := d.post(d.event(proofs.ActionSuspend, office, 1, d.published(1), "")); a.status != 503 || out[0].State != registry.Deferred {
		t.Errorf("beyond the reserve: got %d %s, want 503", a.status, a.body)
	}
	if h := d.get("/v1/health"); h.status != 503 || !strings.Contains(string(h.body), "the queue is full") {
		t.Errorf("health: got %d %s", h.status, h.body)
	}
	if a := d.get("/v1/ready"); a.status != 200 { // bad news can still come in
		t.Errorf("ready: got %d %s", a.status, a.body)
	}
	d.publish()
	if _, out := d.post(d.registration(office, 13)); out[0].State != registry.Pending {
		t.Errorf("after the publication: got %+v", out)
	}
}

// TestIssuerRate: an issuer that sends too much is told when to go on; others are not held up, and nobody can use up
// another's share with statements that are not its own.
func TestIssuerRate(t *testing.T) {
	limits := DefaultLimits
	limits.IssuerRate, limits.IssuerBurst = 0.01, 3
	d := open(t, setup{limits: limits})
	forged := d.registration(office, 15)
	forged[len(forged)-10] ^= 1
	for range 5 {
		d.post(forged)
	}
	if a, _ := d.post(d.registration(office, 15), d.registration(office, 16), d.registration(office, 17)); a.status != 202 {
		t.Fatalf("got %d %s, want 202", a.status, a.body)
	}
	a, _ := d.post(d.registration(office, 18))
	after, err := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != 429 || err != nil || after < 50 || after > 101 || !strings.Contains(a.error(t).Message, office) {
		t.Errorf("got %d %s after %q, want 429 and about 100 s", a.status, a.body, a.header.Get("Retry-After"))
	}
	d.must(registry.Pending, d.registration(court, 18))
	if a, _ := d.post(d.registration(court, 19), d.registration(office, 19)); a.status != 429 {
		t.Errorf("one of two issuers: got %d, want 429", a.status)
	}
	if n, _ := d.r.Pending(); n != 4 {
		t.Errorf("%d in the queue, want 4: nothing of a request that is too much", n)
	}
}

// from posts one statement for an address.
func (d *desk) from(address string, body []byte) *http.Response {
	d.Helper()
	req, _ := http.NewRequest("POST", d.http.URL+"/v1/statements", bytes.NewReader(body))
	req.Header.Set("Content-Type", "text/plain")
	req.Header.Set("X-Forwarded-For", "203.0.113.99, "+address)
	res, err := d.client.Do(req)
	if err != nil {
		d.Fatal(err)
	}
	return res
}

// TestBadSender: an address that sends what does not verify is refused before anything more is verified; a proxy on
// this machine tells whose address it is.
func TestBadSender(t *testing.T) {
	limits := DefaultLimits
	limits.BadRate, limits.BadBurst = 0.01, 3
	d := open(t, setup{limits: limits})
	from := d.from
	for range 3 {
		if res := from("203.0.113.1", []byte("garbage")); res.StatusCode != 422 {
			t.Fatalf("got %s, want 422", res.Status)
		}
	}
	if res := from("203.0.113.1", d.registration(office, 15)); res.StatusCode != 429 || res.Header.Get("Retry-After") == "" {
		t.Errorf("got %s, want 429", res.Status)
	}
	if res := from("203.0.113.2", d.registration(office, 15)); res.StatusCode != 202 {
		t.Errorf("another address: got %s, want 202", res.Status)
	}
}

// TestBadRequests: what is too large, or no request of this interface, is refused with what to do.
func TestBadRequests(t *testing.T) {
	d := open(t, setup{})
	var many []byte
	for range MaxStatements + 1 {
		many = proofs.AppendBundleEntry(many, []byte("x"))
	}
	const post, bundle, plain = "/v1/statements", "application/octet-stream", "text/plain"
	for _, c := range []struct {
		name, method, path, kind string
		body                     []byte
		status                   int
	}{
		{"a statement too long", "POST", post, plain, make([]byte, proofs.MaxStatement+1), 413},
		{"a bundle too long", "POST", post, bundle, make([]byte, MaxBody+1), 413},
		{"too many statements", "POST", post, bundle, many, 413},
		{"no bundle", "POST", post, bundle, []byte{0, 9, 'x'}, 400},
		{"an empty bundle", "POST", post, bundle, nil, 400},
		{"no content type", "POST", post, "", []byte("x"), 415},
		{"JSON", "POST", post, "application/json", []byte("{}"), 415},
		{"another method", "DELETE", post, "", nil, 405},
		{"posting a receipt", "POST", "/v1/receipts/sha256:" + strings.Repeat("0", 64), plain, nil, 405},
		{"nothing there", "GET", "/v1/nothing", "", nil, 404},
		{"no hash", "GET", post + "/abc", "", nil, 400},
		{"no hash, and long", "GET", post + "/" + strings.Repeat("a", 1000), "", nil, 400},
		{"no subject", "GET", post + "/" + strings.Repeat("0", 64) + "?subject=me", "", nil, 400},
		{"no selector", "GET", "/v1/receipts/sha256:12", "", nil, 400},
		{"a sealed document", "GET", "/v1/receipts/sealed:" + strings.Repeat("0", 64), "", nil, 400},
	} {
		a := d.bad(c.method, c.path, c.kind, c.body)
		if a.status != c.status {
			t.Errorf("%s: got %d %s, want %d", c.name, a.status, a.body, c.status)
		}
		if e := a.error(t); len(e.Message) > 400 {
			t.Errorf("%s: %d bytes of error", c.name, len(e.Message))
		}
	}
	if n, _ := d.r.Pending(); n != 0 {
		t.Errorf("%d in the queue, want none", n)
	}
	if a := d.get("/v1/openapi.yaml"); a.status != 200 || !bytes.Equal(a.body, OpenAPI) {
		t.Errorf("openapi.yaml: got %d", a.status)
	}
	if strings.Contains(d.log.String(), strings.Repeat("0", 64)) {
		t.Error("the log tells which documents were asked about")
	}
}

// TestSlowBodies: bodies that do not come are given up, and meanwhile hold up nobody else but their own sender.
func TestSlowBodies(t *testing.T) {
	limits := DefaultLimits
	limits.Requests, limits.AddressShare, limits.BodyTime = 8, 4, 300*time.Millisecond
	d := open(t, setup{limits: limits})
	answers := make(chan *http.Response)
	began := make(chan struct{}, 4)
	for range 4 {
		go func() {
			r, w := io.Pipe()
			defer w.Close()
			req, _ := http.NewRequestWithContext(context.WithValue(context.Background(), wrong{}, true), "POST", d.http.URL+"/v1/statements", r)
			req.Header.Set("Content-Type", "application/octet-stream")
			go func() { w.Write([]byte{0}); began <- struct{}{} }()
			res, err := d.client.Do(req)
			if err != nil {
				t.Error(err)
			}
			answers <- res
		}()
	}
	for range 4 {
		<-began
	}
	for d.inside() < 4 { // until the server has let them in
		time.Sleep(time.Millisecond)
	}
	if a, _ := d.post(d.registration(office, 5)); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("one more of the same address: got %d %s, want 503", a.status, a.body)
	}
	req, _ := http.NewRequest("POST", d.http.URL+"/v1/statements", bytes.NewReader(d.registration(office, 5)))
	req.Header.Set("Content-Type", "text/plain")
	req.Header.Set("X-Forwarded-For", "203.0.113.2")
	if res, err := d.client.Do(req); err != nil || res.StatusCode != 202 {
		t.Errorf("another address: got %v, %v, want 202", res, err)
	}
	for range 4 {
		if res := <-answers; res.StatusCode != 408 {
			t.Errorf("a slow body: got %s, want 408", res.Status)
		}
	}
	d.must(registry.Pending, d.registration(office, 6))
}

// inside is how many submissions are going on.
func (d *desk) inside() int {
	d.s.gate.mu.Lock()
	defer d.s.gate.mu.Unlock()
	return d.s.gate.inside
}

// TestHealth tells of a publication that is late and of a clock that has gone back.
func TestHealth(t *testing.T) {
	d := open(t, setup{})
	health := func(want ...string) {
		t.Helper()
		a := d.get("/v1/health")
		var h Health
		if err := json.Unmarshal(a.body, &h); err != nil || h.OK != (len(want) == 0) || (a.status == 200) != h.OK || len(h.Problems) != len(want) {
			t.Fatalf("got %d %s, want the problems %q", a.status, a.body, want)
		}
		for i, w := range want {
			if !strings.Contains(h.Problems[i], w) {
				t.Errorf("got %q, want %q", h.Problems[i], w)
			}
		}
	}
	health()
	d.now = start + 49*3600 // verifiers take it for stale
	health("the last publication is 49h0m0s old")
	d.now, d.s.Schedule.Every = start+4000, time.Hour
	health()
	d.now = start + 2*3600 + 61
	health("the last publication is 2h1m1s old")
	d.now = start - 61
	health("the clock is 1m1s behind")
}

// TestMetrics reads what Prometheus would read.
func TestMetrics(t *testing.T) {
	d := open(t, setup{})
	d.post(d.registration(office, 5), d.registration(office, 6), []byte("garbage"))
	d.get("/v1/statements/" + strings.Repeat("0", 64))
	d.bad("BREW", "/v1/statements", "", nil)
	p := d.publish()
	d.s.Metrics.Publication(p, time.Second, nil)
	d.s.Metrics.Publication(nil, time.Second, errors.New("failed"))
	d.post(d.registration(office, 7))
	m := d.scrape()
	for name, want := range map[string]float64{
		`stele_requests_total{code="202",method="POST",path="/v1/statements"}`:       2,
		`stele_requests_total{code="404",method="GET",path="/v1/statements/{hash}"}`: 1,
		`stele_requests_total{code="405",method="other",path="/v1/statements"}`:      1,
		`stele_statements_total{state="pending"}`:                                    3,
		`stele_statements_total{state="refused"}`:                                    1,
		`stele_commit_statements_sum`:                                                3,
		`stele_commit_seconds_count`:                                                 2,
		`stele_queue_statements`:                                                     1,
		`stele_queue_limit`:                                                          1000,
		`stele_ledger_size`:                                                          float64(p.Checkpoint.Size),
		`stele_index_keys`:                                                           4,
		`stele_published_timestamp_seconds`:                                          float64(p.Time),
		`stele_publications_total{result="ok"}`:                                      1,
		`stele_publications_total{result="failed"}`:                                  1,
		`stele_request_seconds_bucket{path="/v1/statements",le="+Inf"}`:              3,
	} {
		if got, ok := m[name]; !ok || got != want {
			t.Errorf("%s: got %v (there: %v), want %v", name, got, ok, want)
		}
	}
}

var sample = regexp.MustCompile(`^([a-z_]+(?:\{(?:[a-z_]+="[^"]*",?)*\})?) ([-+.e0-9NaIf]+)$`)

// scrape parses the metrics strictly: every line is a comment or a sample.
func (d *desk) scrape() map[string]float64 {
	d.Helper()
	req, _ := http.NewRequest("GET", "/metrics", nil)
	rec := &body{header: http.Header{}}
	d.s.Metrics.Handler().ServeHTTP(rec, req)
	out := map[string]float64{}
	for line := range strings.Lines(rec.String()) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "# HELP ") || strings.HasPrefix(line, "# TYPE ") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			d.Errorf("not a sample: %q", line)
			continue
		}
		v, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			d.Error(err)
		}
		out[m[1]] = v
	}
	return out
}

// A body is an answer in memory.
type body struct {
	bytes.Buffer
	header http.Header
}

func (b *body) Header() http.Header { return b.header }
func (b *body) WriteHeader(int)     {}

// TestRefusedAtPublication: what only the publisher refuses is told too, and after a restart as well.
func TestRefusedAtPublication(t *testing.T) {
	d := open(t, setup{})
	reg := d.published(0)
	d.must(registry.Pending, d.event(proofs.ActionRevoke, office, 0, reg, "One."))
	// Another desk at the same registry does not ask the intake.
	second := &proofs.Statement{Registry: origin, Action: proofs.ActionRevoke, Issuer: office, Document: ptr(document(0)), After: ptr(proofs.LeafHash(reg)), Reason: "Two."}
	e := d.sign(second, officeKey)
	if err := d.r.Desk().Deliver(context.Background(), [][]byte{e}); err != nil {
		t.Fatal(err)
	}
	d.expect("/v1/statements/"+id(e), registry.Pending)
	d.now += 60
	p, err := d.r.Publish(context.Background())
	if err != nil || len(p.Refused) != 1 {
		t.Fatalf("refused %d (%v), want 1", len(p.Refused), err)
	}
	for range 2 {
		o := d.expect("/v1/statements/"+id(e), registry.Refused)
		if o.Code != registry.CodePublication || !strings.Contains(o.Reason, "revoked") || o.Subject != document(0).Selector() {
			t.Errorf("got %+v, want the publisher's reason", o)
		}
		d.restart()
	}
}

// TestOthersAtWork: others register and publish in the same folder meanwhile; the queue's numbers begin again.
func TestOthersAtWork(t *testing.T) {
	d := open(t, setup{})
	for round := range 3 {
		n := 40 + 10*round
		mine := d.registration(office, n)
		d.must(registry.Pending, mine)
		other, err := registry.Open(d.r.Dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		other.Now = d.r.Now
		file := filepath.Join(t.TempDir(), "doc")
		if err := os.WriteFile(file, fmt.Appendf(nil, "document %d\n", n+1), 0o644); err != nil {
			t.Fatal(err)
		}
		req := registry.Request{Issuer: office, Kind: "letter", Issued: "2027-01-15"}
		if err := other.Register(context.Background(), req, []string{file}, func(registry.Registered) {}); err != nil {
			t.Fatal(err)
		}
		if n, _ := d.in.Pending(); round > 0 && n == 0 {
			t.Errorf("round %d: the queue is empty", round)
		}
		if o := d.must(registry.Refused, d.sign(&proofs.Statement{Action: proofs.ActionRegister, Issuer: office, Document: ptr(document(n + 1)), Kind: "letter",
			Issued: "2027-01-14"}, officeKey)); o.Code != registry.CodeRegistered {
			t.Errorf("round %d: what another has queued: got %+v", round, o)
		}
		if p := d.publish(); p.Added != 2 {
			t.Errorf("round %d: %d added, want 2", round, p.Added)
		}
		d.expect("/v1/statements/"+id(mine), registry.Published)
		if o := d.must(registry.Refused, d.sign(&proofs.Statement{Action: proofs.ActionRegister, Issuer: office, Document: ptr(document(n + 1)), Kind: "letter",
			Issued: "2027-01-13"}, officeKey)); o.Code != registry.CodeRegistered {
			t.Errorf("round %d: what another has published: got %+v", round, o)
		}
		if n, _ := d.in.Pending(); n != 0 {
			t.Errorf("round %d: %d pending, want none", round, n)
		}
	}
}

// TestDuringPublication: a publication in the middle does not keep statements from being taken, and loses none.
func TestDuringPublication(t *testing.T) {
	d := open(t, setup{})
	d.must(registry.Pending, d.registration(office, 50))
	var late []byte
	d.r.Stage = func(stage string) {
		if strings.HasPrefix(stage, "checking the ledger") { // the queue has been read, and is not emptied yet
			late = d.registration(office, 51)
			d.must(registry.Pending, late)
		}
	}
	if p := d.publish(); p.Added != 1 {
		t.Errorf("%d added, want 1", p.Added)
	}
	d.r.Stage = func(string) {}
	d.expect("/v1/statements/"+id(late), registry.Pending)
	if p := d.publish(); p.Added != 1 {
		t.Errorf("%d added, want the late one", p.Added)
	}
	d.expect("/v1/statements/"+id(late), registry.Published)
}

// TestFullDisk: where the queue cannot be written, nothing is acknowledged, and that is said. Once there is room, it goes on.
func TestFullDisk(t *testing.T) {
	mount := t.TempDir()
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("cannot mount a small file system (%v): the daemon's test limits the size of files instead", err)
	}
	t.Cleanup(func() { syscall.Unmount(mount, syscall.MNT_DETACH) })
	d := open(t, setup{dir: filepath.Join(mount, "reg")})
	filler := filepath.Join(mount, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	var all [][]byte
	for n := range 100 {
		all = append(all, d.registration(office, 100+n))
	}
	a := d.ask(context.Background(), "POST", "/v1/statements", "application/octet-stream", bytes.NewReader(bundle(all)))
	if a.status != 507 || a.header.Get("Retry-After") == "" || !strings.Contains(a.error(t).Message, "no room left on its disk") {
		t.Errorf("got %d %s, want 507", a.status, a.body)
	}
	if a := d.get("/v1/statements/" + id(all[0])); a.status != 404 {
		t.Errorf("got %d %s, want 404: it was not taken", a.status, a.body)
	}
	if a := d.get("/v1/health"); a.status != 503 || !strings.Contains(string(a.body), "left on the disk") {
		t.Errorf("health: got %d %s, want 503", a.status, a.body)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if a, out := d.post(all...); a.status != 202 || len(out) != 100 {
		t.Errorf("with room again: got %d, want 202", a.status)
	}
	if p := d.publish(); p.Added != 100 {
		t.Errorf("%d added, want 100", p.Added)
	}
}

func bundle(entries [][]byte) []byte {
	var b []byte
	for _, e := range entries {
		b = binary.BigEndian.AppendUint16(b, uint16(len(e)))
		b = append(b, e...)
	}
	return b
}

// TestDamagedQueue: a queue file that is damaged stops the intake, with the way out in its log; nothing is passed over.
func TestDamagedQueue(t *testing.T) {
	d := open(t, setup{})
	path := filepath.Join(d.r.Dir, "pending", "0000000000000001.queue")
	if err := os.WriteFile(path, []byte("stele.queue/1\nrubbish"), 0o644); err != nil {
		t.Fatal(err)
	}
	a := d.ask(context.Background(), "POST", "/v1/statements", "text/plain", bytes.NewReader(d.registration(office, 5)))
	if a.status != 503 || !strings.Contains(a.error(t).Message, "its log says why") || !strings.Contains(d.log.String(), "damaged batch of pending statements") {
		t.Errorf("got %d %s, log %s", a.status, a.body, d.log)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	d.must(registry.Pending, d.registration(office, 5))
}
