package intake

import (
	"context"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"stele/build/registry"
)

// Limits keep one from using up what is there for all.
type Limits struct {
	IssuerRate   float64 // statements a second of one issuer
	IssuerBurst  int     // statements at once
	BadRate      float64 // statements a second of one address that do not verify
	BadBurst     int
	Requests     int // submissions at once
	AddressShare int // submissions at once of one address

	BodyTime time.Duration // for a whole body to arrive
}

// DefaultLimits are generous to issuers: 2,000 a second are more than the queue of a day.
var DefaultLimits = Limits{IssuerRate: 2000, IssuerBurst: 20_000, BadRate: 20, BadBurst: 2000, Requests: 128, AddressShare: 32, BodyTime: 30 * time.Second}

// mostAddresses is how many addresses are remembered before those that owe nothing are forgotten.
const mostAddresses = 10_000

// A gate holds the limits.
type gate struct {
	l         Limits
	workers   chan struct{}
	approvals chan struct{} // approvals at once: they wait for the store too
	readers   chan struct{} // questions at once: they wait for the store, and must not take the place of submissions

	mu      sync.Mutex
	inside  int
	from    map[string]int           // submissions at once, by address
	issuers map[string]*rate.Limiter // only of those whose signature was verified
	bad     map[string]*rate.Limiter // by address
	again   map[string]*rate.Limiter // by address: what was there before
}

func newGate(l Limits) *gate {
	return &gate{l: l, workers: make(chan struct{}, runtime.GOMAXPROCS(0)), approvals: make(chan struct{}, approvalsAtOnce),
		readers: make(chan struct{}, questionsAtOnce), from: map[string]int{},
		issuers: map[string]*rate.Limiter{}, bad: map[string]*rate.Limiter{}, again: map[string]*rate.Limiter{}}
}

// remote is who has sent a request. A proxy on this machine tells for whom it asks.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return host
	}
	said := r.Header.Values("X-Forwarded-For")
	if len(said) == 0 {
		return host
	}
	hops := strings.Split(said[len(said)-1], ",") // the last one is the proxy's own word
	if ip := net.ParseIP(strings.TrimSpace(hops[len(hops)-1])); ip != nil {
		return ip.String()
	}
	return host
}

// enter counts a submission in, before its body is read, unless there are too many.
func (g *gate) enter(from string) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if lim := g.bad[from]; lim != nil && lim.Tokens() < 1 {
		return nil, later(http.StatusTooManyRequests, time.Duration((1-lim.Tokens())/g.l.BadRate*float64(time.Second)),
			"look why the statements before were refused", "too many statements from this address do not verify")
	}
	if lim := g.again[from]; lim != nil && lim.Tokens() < 1 {
		return nil, later(http.StatusTooManyRequests, time.Duration((1-lim.Tokens())/g.l.IssuerRate*float64(time.Second)),
			"ask about one statement instead of sending it again", "too many statements from this address were here before")
	}
	if g.inside >= g.l.Requests || g.from[from] >= g.l.AddressShare {
		return nil, later(http.StatusServiceUnavailable, time.Second, "send it again; use fewer connections at once", "too many submissions at once")
	}
	g.inside++
	g.from[from]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.inside--
		if g.from[from]--; g.from[from] == 0 {
			delete(g.from, from)
		}
	}, nil
}

// work waits for a processor.
func (g *gate) work(ctx context.Context) (done func(), err error) { return take(ctx, g.workers) }

// approvalsAtOnce is how many approvals are looked at together: officers are few.
const approvalsAtOnce = 2

// approve waits for the turn of an approval. It is not work's: whoever floods officers' place must not keep statements waiting.
func (g *gate) approve(ctx context.Context) (done func(), err error) { return take(ctx, g.approvals) }

func take(ctx context.Context, places chan struct{}) (done func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, fail(statusGone, "send it again", "the request was broken off")
	}
}

// questionsAtOnce is how many are answered at the same time.
const questionsAtOnce = 64

// read lets a question in, unless there are too many.
func (g *gate) read() (done func(), err error) {
	select {
	case g.readers <- struct{}{}:
		return func() { <-g.readers }, nil
	default:
		return nil, later(http.StatusServiceUnavailable, time.Second, "ask again; use fewer connections at once", "too many questions at once")
	}
}

// blame counts statements that do not verify against who has sent them; the debt may outlast this request.
func (g *gate) blame(from string, n int) {
	if n == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.bad) >= mostAddresses {
		for a, lim := range g.bad {
			if lim.Tokens() >= float64(g.l.BadBurst) {
				delete(g.bad, a)
			}
		}
	}
	lim := g.bad[from]
	if lim == nil {
		lim = rate.NewLimiter(rate.Limit(g.l.BadRate), g.l.BadBurst)
		g.bad[from] = lim
	}
	lim.ReserveN(time.Now(), min(n, g.l.BadBurst))
}

// allow looks whether each issuer may send so many more. They are counted once it is known which of them are new.
func (g *gate) allow(statements map[string]int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for issuer, n := range statements {
		lim := g.limiter(g.issuers, issuer)
		if lacks := float64(min(n, g.l.IssuerBurst)) - lim.Tokens(); lacks > 0 {
			return later(http.StatusTooManyRequests, time.Duration(lacks/g.l.IssuerRate*float64(time.Second)), "send it again after that time, or in smaller parts",
				"%s has sent more than %.0f statements a second", issuer, g.l.IssuerRate)
		}
	}
	return nil
}

// charge counts what is new against its issuer, and what was there before against who has sent it: a published statement is in
// everybody's hands, and must not use up its issuer's share. outcomes is nil where none was told.
func (g *gate) charge(from string, checked []*registry.Checked, outcomes []registry.Outcome) {
	g.mu.Lock()
	defer g.mu.Unlock()
	counts, known := map[string]int{}, 0
	for i, c := range checked {
		switch {
		case !c.Genuine():
		case outcomes != nil && outcomes[i].Known:
			known++
		default:
			counts[c.Issuer]++
		}
	}
	now := time.Now()
	for issuer, n := range counts {
		g.limiter(g.issuers, issuer).ReserveN(now, min(n, g.l.IssuerBurst))
	}
	if known == 0 {
		return
	}
	if len(g.again) >= mostAddresses {
		for a, lim := range g.again {
			if lim.Tokens() >= float64(g.l.IssuerBurst) {
				delete(g.again, a)
			}
		}
	}
	g.limiter(g.again, from).ReserveN(now, min(known, g.l.IssuerBurst))
}

// limiter is one of an issuer's rate.
func (g *gate) limiter(of map[string]*rate.Limiter, name string) *rate.Limiter {
	if of[name] == nil {
		of[name] = rate.NewLimiter(rate.Limit(g.l.IssuerRate), g.l.IssuerBurst)
	}
	return of[name]
}
