package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"

	"stele/build/index"
	"stele/proofs"
)

// enqueueEvery is how many statements go into one durable batch: an fsync for each would cap
// registration at 2,000 a second.
const enqueueEvery = 4096

// A Request is what an official asserts about every file of one Register call.
type Request struct {
	Issuer  string // the authority's name
	Kind    string
	Issued  string // date
	Expires string // date or empty
}

// A Registered is what became of one file.
type Registered struct {
	File    string
	Digests proofs.Digests
	State   string // registered, already
	Err     error
}

// The states of a Registered.
const (
	NewlyRegistered   = "registered" // signed and queued; in force once published
	RegisteredAlready = "already"    // by this issuer, published or pending
)

// A registration registers files one run at a time. It holds the queue's lock.
type registration struct {
	r       *Registry
	signer  proofs.Signer
	state   *index.State
	pending map[string]bool // selectors that the issuer has pending
	batch   [][]byte
	unlock  func() error
	req     Request
}

// Register signs statements for files and puts them into the queue. Each file's outcome is told as it is known,
// in order; a file that cannot be read is told and the rest go on. Outcomes told as registered are durable when
// Register returns without an error.
func (r *Registry) Register(ctx context.Context, req Request, files []string, told func(Registered)) error {
	reg, err := r.beginRegistration(ctx, req)
	if err != nil {
		return err
	}
	defer reg.unlock()
	return reg.run(ctx, files, told)
}

func (r *Registry) beginRegistration(ctx context.Context, req Request) (*registration, error) {
	if slices.Contains(proofs.SensitiveKinds, req.Kind) {
		return nil, hint("choose another kind, or wait for sealed registration",
			"kind %q can be guessed from what many people know: it must not be registered unsealed", req.Kind)
	}
	l, err := r.lock(ctx, lockPending)
	if err != nil {
		return nil, err
	}
	reg := &registration{r: r, req: req, unlock: l.Unlock, pending: map[string]bool{}}
	if err := reg.load(); err != nil {
		l.Unlock()
		return nil, err
	}
	return reg, nil
}

// load reads the queue before the state: a publication in between only moves statements from the one to the other.
func (g *registration) load() error {
	files, err := g.r.pending()
	if err != nil {
		return err
	}
	if g.state, err = g.r.lastState(); err != nil {
		return err
	}
	as, err := g.state.ReadAuthorities(g.r.Trust)
	if err != nil {
		return err
	}
	entries := entriesOf(files)
	place := g.state.Size
	index.Authorise(g.r.Trust, as, place, entries, func(_ int, e *proofs.Entry, err error) bool {
		if err == nil && e.Statement != nil && e.Statement.Action == proofs.ActionRegister && e.Statement.Issuer == g.req.Issuer {
			g.pending[e.Envelope.Selector] = true
		}
		return true
	})
	place += uint64(len(entries))
	if err := g.mayIssue(as, place); err != nil {
		return err
	}
	g.signer, err = g.r.issuerSigner(g.req.Issuer, as[g.req.Issuer].Standing(place))
	return err
}

func (g *registration) mayIssue(as proofs.Authorities, place uint64) error {
	standing := as[g.req.Issuer].Standing(place)
	if standing == nil {
		return hint("stele accredit "+g.req.Issuer, "%s is not accredited in this registry", g.req.Issuer)
	}
	if !standing.MayIssue(g.req.Kind) {
		kinds := append(slices.Clone(standing.Kinds), g.req.Kind)
		return hint("stele accredit "+g.req.Issuer+" --kind "+strings.Join(kinds, " --kind "),
			"%s is not accredited for kind %q, but for %s", g.req.Issuer, g.req.Kind, strings.Join(standing.Kinds, ", "))
	}
	s := g.sample()
	if _, err := proofs.ParseStatement(s.Text()); err != nil {
		return fmt.Errorf("kind %q, issued %q, expires %q: %w", g.req.Kind, g.req.Issued, g.req.Expires, err)
	}
	return nil
}

func (g *registration) sample() *proofs.Statement {
	return &proofs.Statement{Registry: g.r.Trust.Origin, Action: proofs.ActionRegister, Issuer: g.req.Issuer,
		Document: &proofs.Ref{}, Kind: g.req.Kind, Issued: g.req.Issued, Expires: g.req.Expires}
}

// A prepared file has been hashed, looked up and signed.
type prepared struct {
	Registered
	entry []byte
	done  chan struct{}
}

// run hashes and signs on all processors and queues in order.
func (g *registration) run(ctx context.Context, files []string, told func(Registered)) error {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs, order := make(chan *prepared), make(chan *prepared, 1024)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			buf := make([]byte, 1<<20)
			finder := index.NewUncheckedFinder(g.r.store(), g.state.RootTile) // unchecked: Publish checks
			for p := range jobs {
				g.prepare(running, p, buf, finder)
				close(p.done)
			}
		})
	}
	go func() {
		defer close(order)
		defer close(jobs)
		for _, f := range files {
			p := &prepared{Registered: Registered{File: f}, done: make(chan struct{})}
			select {
			case jobs <- p:
				order <- p
			case <-running.Done():
				return
			}
		}
	}()
	err := g.collect(order, told)
	cancel()
	for range order { // let the others end
	}
	wg.Wait()
	return errors.Join(err, ctx.Err())
}

// collect queues what was signed, in order, each document once.
func (g *registration) collect(order <-chan *prepared, told func(Registered)) error {
	var waiting []Registered
	flush := func() error {
		if err := g.r.enqueue(g.batch); err != nil {
			return err
		}
		for _, w := range waiting {
			told(w)
		}
		g.batch, waiting = nil, nil
		return nil
	}
	for p := range order {
		<-p.done
		if errors.Is(p.Err, context.Canceled) {
			continue // the run has ended: that says nothing about the file
		}
		selector := proofs.Ref{Digests: p.Digests}.Selector()
		if p.Err == nil && p.State == NewlyRegistered {
			if g.pending[selector] {
				p.State = RegisteredAlready
			} else {
				g.pending[selector] = true
				g.batch = append(g.batch, p.entry)
			}
		}
		waiting = append(waiting, p.Registered)
		if len(g.batch) == enqueueEvery {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// prepare does everything for one file that needs no order.
func (g *registration) prepare(ctx context.Context, p *prepared, buf []byte, f *index.Finder) {
	p.Digests, p.Err = HashFile(ctx, p.File, buf, g.r.Read)
	if p.Err != nil {
		return
	}
	p.State = NewlyRegistered
	ref := proofs.Ref{Digests: p.Digests}
	known, err := g.published(f, ref.Key())
	if err != nil || known {
		p.State, p.Err = RegisteredAlready, err
		return
	}
	s := g.sample()
	s.Document = &ref
	note, err := proofs.SignNote(s.Text(), g.signer)
	if err != nil {
		p.Err = err
		return
	}
	p.entry = note.Marshal()
}

// notWhole says what to do where a published file is gone.
func (r *Registry) notWhole(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return hint("stele publish --registry "+r.Dir+", which makes it whole again; then register again", "what is published is not whole: %w", err)
}

// published reports whether the index holds a registration of the key by the issuer.
func (g *registration) published(f *index.Finder, key proofs.Hash) (bool, error) {
	if g.state.Keys == 0 {
		return false, nil
	}
	rec, ok, err := f.Find(key)
	if err != nil || !ok {
		return false, g.r.notWhole(err)
	}
	entries, err := index.Entries(rec)
	for _, e := range entries {
		if e.Statement != nil && e.Statement.Action == proofs.ActionRegister && e.Statement.Issuer == g.req.Issuer {
			return true, nil
		}
	}
	return false, err
}
