package followtest

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"stele/proofs"
)

// A Turning portal shows what a registry publishes while it changes its trust file: Steps one after another, of which each is shown for as many reads as
// For says, and the last from then on.
type Turning struct {
	Steps []*Registry
	For   []int

	mu    sync.Mutex
	reads int
}

// Read reads a file.
func (p *Turning) Read(ctx context.Context, path string) ([]byte, error) {
	p.mu.Lock()
	n := p.reads
	p.reads++
	p.mu.Unlock()
	step := 0
	for step < len(p.For) && n >= p.For[step] {
		n -= p.For[step]
		step++
	}
	return p.Steps[step].Read(ctx, path)
}

func (p *Turning) String() string { return "portal that changes its keys" }

// Reads is how many there were.
func (p *Turning) Reads() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reads
}

func (p *Turning) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b, err := p.Read(req.Context(), strings.TrimPrefix(req.URL.Path, "/"))
	if err != nil {
		http.NotFound(w, req)
		return
	}
	w.Write(b)
}

// Rotate makes the states that a reader may find while a registry changes its log's keys: before; with the next trust file, proved by its handover, but still the
// head of before; and with the first publication of the new epoch. The registry itself comes to the last.
func (r *Registry) Rotate(p Policy) (before, between, after *Registry) {
	before = r.Clone()
	signers := r.Everybody()
	next := r.ChangeTrust(func(n *proofs.Trust) {
		r.Rekey()
		r.SetPolicy(n, p)
	})
	r.End(nil)
	r.Handover(next, r.Sign(signers...))
	between = r.Clone()
	r.Release(r.Sign(r.Everybody()...))
	return before, between, r
}
