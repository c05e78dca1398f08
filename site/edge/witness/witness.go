// Package witness is a witness: c2sp.org/tlog-witness. It cosigns the checkpoints of the logs that it has been told of, each
// only if it continues the one before.
//
// What a cosignature promises is that no other with an earlier or another history was or will be given under the same key.
// So a log's record is durable before its cosignature leaves, it is replaced only if it is still the one that was judged by,
// and whatever cannot be read back for certain is not begun anew: for that log the witness then signs nothing more.
//
// The same checkpoint, sent again within a few seconds, is answered with the cosignature that the record holds, and nothing is written; see [SameFor].
//
// Where the records lie is a matter of [Records]. There are two: the folder of a witness that is a process of its own
// (package server of stele witness), and an edge's store:
//
//	witness/state/HASH                 one record a log, by the SHA-256 of its origin: the last checkpoint that was cosigned, as it is shown
//	witness/origins/HASH               that there is one, written after it and never changed, so that a record which is gone is noticed
//	witness/misbehaviour/HASH/KIND/…   what the log has signed that it must not
//
// In a store two processes may be at work at once, such as two Workers: each writes a record on condition that it is still the
// one that it has read, else it reads again and judges anew. What is noticed: a record that is changed, or of another log, or gone.
// What cannot be noticed: that a record and its entry under witness/origins are both gone, or that a record was put back to
// an earlier one. So no rule that lets objects expire may hold for witness/, the keys of a witness belong to one store, and
// if that is lost or was put back, another witness is made, under other keys.
package witness

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"stele/proofs"
	"stele/site/edge/store"
)

const (
	MostSigners = 4                // keys of one witness
	mostInside  = 512              // requests at once that have arrived, each with a body of up to 130 KB
	mostTries   = 4                // times that a request is judged, where others change the record meanwhile
	bodyTime    = 10 * time.Second // for a request to arrive; our own client waits no longer for its answer

	// SameFor is for how many seconds a cosignature is given out again to whoever sends the same checkpoint: what is public can be sent by anybody, as often
	// as they like, and a store that takes one write a second to an object would have none left for what is new. It is what the record says already, and was
	// true when it was signed. No longer, since a registry is signed again to be fresh.
	SameFor = 3
	// Backwards is how many seconds the clock may be behind the last cosignature; more is refused.
	Backwards = 60
)

const contentLines = "text/plain; charset=utf-8"

// A Config is what a witness is made of.
type Config struct {
	Store   store.Store     // where the records lie, if Records is nil
	Records Records         // where they lie else
	Signers []proofs.Signer // 1 to MostSigners; each signs what is cosigned, in this order

	// Logs returns the keys of the logs that are known, by origin; it is called for each request. An error says what cannot be used of
	// what was configured: the keys are then those of before, or nil, and nothing is signed.
	Logs func() (map[string][]*proofs.Key, error)

	Now func() time.Time // nil is the machine's clock
	Log *slog.Logger     // nil is nowhere

	// AtWork is how many requests are verified, signed and written at once, those of one log one by one; others wait: who sends
	// slowly keeps nobody waiting. 0 lets all in: in a Worker no request may wait for another, which can have been ended
	// with its turn in hand, and what is written in between is found out by the record's version alone.
	AtWork int

	Events   Events
	Problems func() []string // what /health tells besides; nil is nothing
}

// Events are told as they happen, to whoever counts them. Each may be nil.
type Events struct {
	Request    func(what string, status int, took time.Duration)
	Cosigned   func(origin string, size uint64, time int64)
	Unfit      func(origin string)       // nothing was cosigned because of a fault of the witness itself
	Misbehaved func(origin, kind string) // see Fork, Unproved
}

// A Witness answers requests. It is safe for concurrent use.
type Witness struct {
	c      Config
	inside chan struct{}
	atWork chan struct{} // nil where nobody waits

	mu    sync.Mutex
	turns map[string]*sync.Mutex // of the logs, where others wait
}

// New makes a witness.
func New(c Config) *Witness {
	if c.Records == nil {
		c.Records = InStore(c.Store)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Events.fill()
	w := &Witness{c: c, inside: make(chan struct{}, mostInside), turns: map[string]*sync.Mutex{}}
	if c.AtWork > 0 {
		w.atWork = make(chan struct{}, c.AtWork)
	}
	return w
}

func (e *Events) fill() {
	if e.Request == nil {
		e.Request = func(string, int, time.Duration) {}
	}
	if e.Cosigned == nil {
		e.Cosigned = func(string, uint64, int64) {}
	}
	if e.Unfit == nil {
		e.Unfit = func(string) {}
	}
	if e.Misbehaved == nil {
		e.Misbehaved = func(string, string) {}
	}
}

// Handler is the witness over HTTP: submission and monitoring prefix are one.
func (w *Witness) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.counted("add-checkpoint", w.add))
	mux.HandleFunc("GET /{origin}/checkpoint", w.counted("checkpoint", w.show))
	mux.HandleFunc("GET /health", w.counted("health", w.health))
	return mux
}

// An outcome is how a request is answered.
type outcome struct {
	status int
	kind   string // content type; empty for plain text
	body   []byte
}

func said(status int, format string, args ...any) outcome {
	return outcome{status, "", fmt.Appendf(nil, format+"\n", args...)}
}

// counted answers a request, and counts it.
func (w *Witness) counted(what string, do func(http.ResponseWriter, *http.Request) outcome) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		began := time.Now()
		o := do(rw, r)
		h := rw.Header()
		h.Set("Content-Type", orPlain(o.kind))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		if o.status == http.StatusServiceUnavailable {
			h.Set("Retry-After", "1")
		}
		rw.WriteHeader(o.status)
		rw.Write(o.body) // whoever has gone away asks again
		w.c.Events.Request(what, o.status, time.Since(began))
	}
}

func orPlain(kind string) string {
	if kind == "" {
		return contentLines
	}
	return kind
}

// turn waits until no other request of a log is judged. Where nobody waits there is nothing to wait for.
func (w *Witness) turn(origin string) (done func()) {
	if w.atWork == nil {
		return func() {}
	}
	w.mu.Lock()
	t := w.turns[origin]
	if t == nil {
		t = &sync.Mutex{}
		w.turns[origin] = t
	}
	w.mu.Unlock()
	t.Lock()
	return t.Unlock
}

// logs are the keys of the logs. An error is only that there are none to go by.
func (w *Witness) logs() (map[string][]*proofs.Key, error) {
	keys, err := w.c.Logs()
	if keys == nil && err == nil {
		err = errors.New("no logs are configured")
	}
	if keys == nil {
		return nil, err
	}
	return keys, nil
}

// show is the monitors' side: the last checkpoint that was cosigned, by the hash of its log's origin.
func (w *Witness) show(_ http.ResponseWriter, r *http.Request) outcome {
	keys, err := w.logs()
	if err != nil {
		return w.unfit("", err)
	}
	for origin := range keys {
		if OriginName(origin) != r.PathValue("origin") {
			continue
		}
		defer w.turn(origin)()
		st, _, err := w.load(r.Context(), origin)
		switch {
		case err != nil:
			return w.unfit(origin, err)
		case st != nil:
			return outcome{http.StatusOK, contentLines, st.note}
		}
	}
	return said(http.StatusNotFound, "no checkpoint of such a log was cosigned here")
}
