// Package links gives short addresses to receipts, for a printed CV or a message: on request only, and for documents of public kinds only.
//
//	POST   r                     a receipt's file                → {"code", "address", "withdraw"}
//	GET    r/CODE                                                → the portal's page, which reads the next one by itself
//	GET    r/CODE.tlog-proof                                     → the receipt
//	DELETE r/CODE                Authorization: Bearer SECRET    → withdrawn, for good
//
// A short address is public to whoever has it, and says what the receipt says: which document, by its fingerprint, is registered by whom and as what. So
// nothing gets one that was registered so that it could not be found: no sealed document, and none of a kind that can be guessed. A code is random and tells
// nothing of the document. Nobody can list what there is, and nobody is told by a code's absence whether a document has another one.
//
// In the store:
//
//	links/CODE    what has a short address; see link.go
//	links/count   how many were ever given, and how many today; see count.go
//	links/by/…    the same of one document
//
// What links/by counts stays when an address is withdrawn. Its names are hashes: who can read the store, and tries them with the documents of the ledger, learns
// which of these were ever given addresses, and no address.
//
// What it does not keep from happening: who has a public document's receipt can give it an address, as they could put the receipt on any other website, and so
// use up those that it gets; somebody with the receipts of some hundred documents can use up a day's addresses for everybody, and with those of some thousands,
// in a hundred days, all of them. A host that has room for more deletes the object links/count, or the document's: it is then counted anew.
package links

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"stele/site/edge/body"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

const (
	// MostReceipt is how long a receipt may be, in bytes. The format allows 4 MiB (FORMAT.md, section 16). One of a document with one registration, three
	// officers and five witnesses has some 20 KiB; this leaves room for hundreds of statements about it.
	MostReceipt = 256 << 10
	// Suffix is that of a receipt's address: browsers and the page know by it what it is.
	Suffix = ".tlog-proof"

	prefix   = "links/"
	bodyTime = 20 * time.Second // for a receipt to arrive
)

// Bounds are how many addresses are given, so that nobody fills the store, and no document takes all that there are. Withdrawing one makes no room: to make and
// withdraw in turn would be free.
type Bounds struct {
	Total uint64
	Day   uint64 // in UTC
}

var (
	// DefaultBounds come to some 2 GB of receipts when all are used.
	DefaultBounds = Bounds{Total: 100_000, Day: 1_000}
	// DefaultEach is more than anybody prints, and so much that somebody else needs days to use it up.
	DefaultEach = Bounds{Total: 64, Day: 16}
)

// Config is what Links need.
type Config struct {
	Source    *published.Source
	Sensitive []string // kinds of documents that get no address, besides proofs.SensitiveKinds
	Most      Bounds   // of all; DefaultBounds where it is zero
	Each      Bounds   // of each document; DefaultEach where it is zero
	Root      string   // the portal's public address; "" has addresses told as paths
	Now       func() time.Time
	Log       *slog.Logger // is told of outages, and never which code or document is meant
	Random    io.Reader    // crypto/rand's where it is nil
}

// Links give short addresses.
type Links struct{ c Config }

// New makes them.
func New(c Config) *Links {
	if c.Most == (Bounds{}) {
		c.Most = DefaultBounds
	}
	if c.Each == (Bounds{}) {
		c.Each = DefaultEach
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	c.Root = strings.TrimSuffix(c.Root, "/")
	return &Links{c}
}

// Handler answers below /r.
func (l *Links) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /r", l.answer(l.make))
	mux.HandleFunc("GET /r/{code}", l.answer(l.open))
	mux.HandleFunc("DELETE /r/{code}", l.answer(l.withdraw))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Robots-Tag", "noindex")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		mux.ServeHTTP(w, r)
	})
}

// A refusal is an answer other than what was asked for.
type refusal struct {
	status  int
	code    string // stable, for programs
	message string // for people, in English
	hint    string
}

func (e *refusal) Error() string { return e.code + ": " + e.message }

// answer makes a handler of a function that may refuse. What is no refusal is an outage: it is logged without the code, and told as one.
func (l *Links) answer(do func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := do(w, r)
		if err == nil {
			return
		}
		var why *refusal
		if !errors.As(err, &why) {
			l.c.Log.Error("short addresses: an outage", "error", without(err, r.PathValue("code")))
			why = &refusal{http.StatusServiceUnavailable, "outage", "the store or the ledger cannot be read now", "try again in a minute"}
		}
		if why.status == http.StatusServiceUnavailable || why.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "60")
		}
		writeJSON(w, why.status, map[string]any{"error": map[string]string{"code": why.code, "message": why.message, "hint": why.hint}})
	}
}

// without is an error's text without a code, as it was typed or as it is kept.
func without(err error, typed string) string {
	said := err.Error()
	name, _ := strings.CutSuffix(typed, Suffix)
	if code, ok := parseCode(name); ok {
		said = strings.ReplaceAll(said, string(code), "CODE")
	}
	return said
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings alone
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}

// fromElsewhere reports whether a browser sends this for another website's page. Other programs do not say.
func fromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}

var otherSite = &refusal{http.StatusForbidden, "other-site", "this is asked for by another website", "open the portal's own page"}

// make gives a receipt a short address.
func (l *Links) make(w http.ResponseWriter, r *http.Request) error {
	if fromElsewhere(r) {
		return otherSite
	}
	receipt, err := body.Read(w, r, MostReceipt, bodyTime)
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return &refusal{http.StatusRequestEntityTooLarge, "too-large", "the receipt has more than 256 KiB", "give the receipt's file away itself"}
		}
		return &refusal{http.StatusBadRequest, "malformed", "the receipt did not come whole", "send it again"}
	}
	document, err := l.judge(r.Context(), receipt)
	if err != nil {
		return err
	}
	// Counted before it is made: what fails in between takes one of the day's, and nothing is ever made uncounted.
	if err := l.count(r.Context(), document); err != nil {
		return err
	}
	code, secret, err := l.keep(r.Context(), receipt)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, map[string]string{"code": string(code), "address": l.c.Root + "/r/" + string(code), "withdraw": secret})
	return nil
}

// keep stores a receipt under a code that nobody has.
func (l *Links) keep(ctx context.Context, receipt []byte) (code, string, error) {
	secret, hash, err := newSecret(l.c.Random)
	if err != nil {
		return "", "", err
	}
	for range 8 { // of 2^50 codes: with a million taken, the first is taken once in 10^9 times
		c, err := newCode(l.c.Random)
		if err != nil {
			return "", "", err
		}
		err = l.c.Source.Store.Put(ctx, c.object(), link{Withdraw: hash, Receipt: receipt}.marshal(), store.Absent)
		if errors.Is(err, store.ErrChanged) {
			continue
		}
		if err != nil {
			return "", "", errors.New(strings.ReplaceAll(err.Error(), string(c), "CODE"))
		}
		return c, secret, nil
	}
	return "", "", errors.New("eight codes in a row were taken: the source of randomness is broken")
}

var (
	unknown = &refusal{http.StatusNotFound, "unknown", "there is no such short address", "compare it with what you were given, letter by letter"}
	gone    = &refusal{http.StatusGone, "withdrawn", "this short address was withdrawn by whoever had made it", "ask whoever gave it to you for the receipt itself"}
)

// open leads a browser to the page, and gives the page the receipt. The code stands behind a #, which no browser sends: what language the page is to have,
// whether it comes from the device, is its own business. Whether there is such an address the page finds out.
func (l *Links) open(w http.ResponseWriter, r *http.Request) error {
	name, asked := strings.CutSuffix(r.PathValue("code"), Suffix)
	c, ok := parseCode(name)
	if !ok {
		return unknown
	}
	if !asked {
		w.Header().Set("Location", "../#r="+string(c)) // relative: the portal may lie in a folder
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	k, _, err := l.get(r.Context(), c)
	if err != nil {
		return err
	}
	if k.Receipt == nil {
		return gone
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-cache") // it may be withdrawn
	h.Set("Access-Control-Allow-Origin", "*")
	if r.Method != http.MethodHead {
		w.Write(k.Receipt)
	}
	return nil
}

// withdraw ends an address for good. The receipt is deleted, the code is never given again. Who does it twice is told the same twice.
func (l *Links) withdraw(w http.ResponseWriter, r *http.Request) error {
	if fromElsewhere(r) {
		return otherSite
	}
	c, ok := parseCode(r.PathValue("code"))
	if !ok {
		return unknown
	}
	secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	k, version, err := l.get(r.Context(), c)
	if err != nil {
		return err
	}
	if !k.opens(secret) {
		return &refusal{http.StatusForbidden, "unauthorised", "this is not the secret that was given with the address", "send it as Authorization: Bearer SECRET"}
	}
	if k.Receipt != nil {
		err = l.c.Source.Store.Put(r.Context(), c.object(), link{Withdraw: k.Withdraw}.marshal(), store.Still(version))
		if errors.Is(err, store.ErrChanged) { // it only ever changes by this
			err = nil
		}
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// get reads what a code leads to.
func (l *Links) get(ctx context.Context, c code) (link, string, error) {
	b, version, err := l.c.Source.Store.Get(ctx, c.object())
	if errors.Is(err, fs.ErrNotExist) {
		return link{}, "", unknown
	}
	if err != nil {
		return link{}, "", err
	}
	k, err := parseLink(b)
	return k, version, err
}
