package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"stele/build/index"
	"stele/build/list"
	"stele/proofs"
)

const (
	// enqueueEvery is how many statements go into one durable batch: an fsync for each would cap
	// registration at 2,000 a second.
	enqueueEvery = 4096

	// A run is looked up in the order of the index, so that neighbours share a slot: the longer, the fewer slots are
	// read. A file takes longer to hash than to look up, and what was hashed should soon be durable.
	runOfLines = 1 << 15
	runOfFiles = enqueueEvery
)

// A Request is what an official asserts about every document of one Register call.
type Request struct {
	Issuer  string // the authority's name
	Kind    string // may be empty where each line of a list has its own
	Issued  string // date
	Expires string // date or empty
}

// A Document is a file to register, or a line of a list, which brings the digests along.
type Document struct {
	File    string // to be read; for a line, only what it is called
	Line    int    // in the list; 0 for a file
	Digests proofs.Digests
	Kind    string // this and the dates hold in place of the request's, where they are not empty
	Issued  string
	Expires string
	Err     error // why the line cannot be used
}

// A Registered is what became of one document.
type Registered struct {
	File    string
	Line    int // of a list
	Digests proofs.Digests
	State   string // registered, already
	Err     error
}

// The states of a Registered.
const (
	NewlyRegistered   = "registered" // signed and queued; in force once published
	RegisteredAlready = "already"    // by this issuer, published or pending
)

// Register signs statements for files and puts them into the queue. Each file's outcome is told as it is known,
// in order; a file that cannot be read is told and the rest go on. Outcomes told as registered are durable when
// Register returns without an error.
func (r *Registry) Register(ctx context.Context, req Request, files []string, told func(Registered)) error {
	return r.register(ctx, req, runOfFiles, func(yield func(Document, error) bool) {
		for _, f := range files {
			if !yield(Document{File: f}, nil) {
				return
			}
		}
	}, told)
}

// RegisterList is Register for the lines of a list. A line that cannot be used is told, and the rest go on. The error that the list ends with, if any, is returned when all before it is durable. It may be read from after RegisterList has
// returned, if that was interrupted while it waited for a line.
func (r *Registry) RegisterList(ctx context.Context, req Request, lines iter.Seq2[Document, error], told func(Registered)) error {
	return r.register(ctx, req, runOfLines, lines, told)
}

// Lines are the lines of a list, for RegisterList.
func Lines(in *list.Reader) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		for {
			l, err := in.Next()
			if err == io.EOF {
				return
			}
			d := Document{File: l.File, Line: l.Number, Digests: l.Digests, Kind: l.Kind, Issued: l.Issued, Expires: l.Expires, Err: l.Err}
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

func (r *Registry) register(ctx context.Context, req Request, run int, docs iter.Seq2[Document, error], told func(Registered)) error {
	l, err := r.lock(ctx, lockRegister)
	if err != nil {
		return err
	}
	defer l.Close()
	g := &registration{r: r, req: req, latest: r.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly), taken: map[key16]noted{}}
	if err := g.load(ctx); err != nil {
		return err
	}
	if req.Kind != "" { // else every document is of a kind of its own
		if err := g.check(&Document{}); err != nil {
			return err
		}
	}
	g.finders.New = func() any { return index.NewUncheckedFinder(r.store(), g.state.RootTile) } // unchecked: Publish checks
	return g.run(ctx, run, docs, told)
}

// A registration registers documents one call at a time.
type registration struct {
	r        *Registry
	req      Request
	latest   string // the last date of issue that is not a mistake
	signer   proofs.Signer
	standing *proofs.Statement // the issuer's accreditation
	state    *index.State
	finders  sync.Pool
	waiting
	taken    map[key16]noted // what this call has come upon
	batch    [][]byte
	outcomes []Registered // told once the batch is durable
}

// load reads the queue before the state: a publication in between only moves statements from the one to the other.
func (g *registration) load(ctx context.Context) error {
	var err error
	if g.waiting, err = g.r.readWaiting(ctx, g.req.Issuer); err != nil {
		return err
	}
	if g.state, err = g.r.lastState(); err != nil {
		return err
	}
	as, err := g.state.ReadAuthorities(g.r.Trust)
	if err != nil {
		return err
	}
	g.waiting.apply(g.r.Trust, as, g.state.Size)
	place := g.state.Size + g.waiting.size
	if g.standing = as[g.req.Issuer].Standing(place); g.standing == nil {
		return hint("look whether the name is spelt right: stele issuers lists them; a new one the registry's root lets in: stele accredit "+g.req.Issuer+" --kind "+cmp.Or(g.req.Kind, "WORD"),
			"%s is not accredited in this registry", g.req.Issuer)
	}
	g.signer, err = g.r.issuerSigner(g.req.Issuer, g.standing)
	return err
}

// CheckKind refuses a kind of which no document may be registered unsealed: FORMAT.md, section 5.
func CheckKind(kind string) error {
	if slices.Contains(proofs.SensitiveKinds, kind) {
		return hint("choose another kind, or wait for sealed registration",
			"kind %q can be guessed from what many people know: it must not be registered unsealed", kind)
	}
	return nil
}

// emptyFile is everybody's. Who registers the file itself may know what he does; a list of thousands has it by mistake, and
// would vouch for every file that was cut to nothing.
var emptyFile = proofs.DigestsOf(nil)

// check completes a document by the request, and refuses what must not be signed.
func (g *registration) check(d *Document) error {
	for _, f := range [][2]*string{{&d.Kind, &g.req.Kind}, {&d.Issued, &g.req.Issued}, {&d.Expires, &g.req.Expires}} {
		if *f[0] == "" {
			*f[0] = *f[1]
		}
	}
	switch {
	case d.Err != nil:
		return d.Err
	case d.Kind == "":
		return hint("say it on the line, or for all with --kind", "its kind is not said")
	case !proofs.IsWord(d.Kind):
		return hint("use a word such as diploma or land-extract", "kind %q: want one word of lower-case letters, digits and hyphens", d.Kind)
	case CheckKind(d.Kind) != nil:
		return CheckKind(d.Kind)
	case !g.standing.MayIssue(d.Kind):
		kinds := append(slices.Clone(g.standing.Kinds), d.Kind)
		return hint("stele accredit "+g.req.Issuer+" --kind "+strings.Join(kinds, " --kind "),
			"%s is not accredited for kind %q, but for %s", g.req.Issuer, d.Kind, strings.Join(g.standing.Kinds, ", "))
	}
	return g.checkDates(d)
}

func (g *registration) checkDates(d *Document) error {
	const day = "write a day as YYYY-MM-DD, such as 2026-11-22"
	switch {
	case !proofs.IsDate(d.Issued):
		return hint(day, "issued %q: want a day of the calendar, YYYY-MM-DD", d.Issued)
	case d.Issued > g.latest:
		return hint("look at the date, and at this machine's clock", "issued %s: that day is yet to come", d.Issued)
	case d.Expires != "" && !proofs.IsDate(d.Expires):
		return hint(day, "expires %q: want a day of the calendar, YYYY-MM-DD", d.Expires)
	case d.Expires != "" && d.Expires < d.Issued:
		return hint("look whether the two are the wrong way round", "expires %s, before it was issued on %s", d.Expires, d.Issued)
	}
	return nil
}

// A prepared document has been hashed, looked up and signed.
type prepared struct {
	Document
	key   proofs.Hash // in the index
	state string
	entry []byte
}

// run reads, prepares and queues, each while the next is at work on a later run of documents.
func (g *registration) run(ctx context.Context, size int, docs iter.Seq2[Document, error], told func(Registered)) error {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	runs, ready := make(chan []*prepared), make(chan []*prepared)
	errRead, errPrepare := make(chan error, 1), make(chan error, 1)
	go func() {
		defer close(runs)
		errRead <- gather(running, docs, size, runs)
	}()
	go func() {
		defer close(ready)
		for run := range receive(running, runs) {
			if err := g.prepareAll(running, run); err != nil {
				errPrepare <- err
				return
			}
			ready <- run // it is received in any case
		}
		errPrepare <- nil
	}()
	err := g.collect(ready, told)
	cancel()
	for range ready {
	}
	err = errors.Join(err, <-errPrepare, ctx.Err())
	if err == nil { // else the reader may be waiting for a line for ever
		err = <-errRead
	}
	return err
}

// gather makes runs of documents.
func gather(ctx context.Context, docs iter.Seq2[Document, error], size int, runs chan<- []*prepared) (failed error) {
	var run []*prepared
	send := func() bool {
		select {
		case runs <- run:
			run = nil
			return true
		case <-ctx.Done():
			return false
		}
	}
	for d, err := range docs {
		if err != nil {
			failed = err
			break
		}
		if run = append(run, &prepared{Document: d}); len(run) == size && !send() {
			return nil
		}
	}
	if len(run) > 0 {
		send()
	}
	return failed
}

// receive is range over a channel until the context ends.
func receive[T any](ctx context.Context, from <-chan T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			select {
			case v, ok := <-from:
				if !ok || !yield(v) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// collect queues what was signed, in order, each document once.
func (g *registration) collect(ready <-chan []*prepared, told func(Registered)) error {
	for run := range ready {
		for _, p := range run {
			if errors.Is(p.Err, context.Canceled) {
				continue // the call has ended: that says nothing about the document
			}
			g.settle(p)
			g.outcomes = append(g.outcomes, Registered{p.File, p.Line, p.Digests, p.state, p.Err})
			if len(g.batch) == enqueueEvery {
				if err := g.flush(told); err != nil {
					return err
				}
			}
		}
		if err := g.flush(told); err != nil {
			return err
		}
	}
	return nil
}

// flush makes a batch durable and tells of it.
func (g *registration) flush(told func(Registered)) error {
	if len(g.batch) > 0 {
		if err := g.r.enqueue(g.batch); err != nil {
			return err
		}
	}
	for _, o := range g.outcomes {
		told(o)
	}
	g.batch, g.outcomes = nil, g.outcomes[:0]
	return nil
}

// settle compares a document with those before it.
func (g *registration) settle(p *prepared) {
	if p.Err != nil {
		return
	}
	key := half(p.key)
	before, ok := g.taken[key]
	switch {
	case !ok:
		g.taken[key] = noteOf(p.Digests.SHA3512, p.Line)
		if p.entry != nil {
			g.batch = append(g.batch, p.entry)
		}
	case before.line == 0: // files: what is hashed here cannot differ
		p.state = RegisteredAlready
	case !before.agrees(p.Digests.SHA3512):
		p.Err = disagree("line %d", before.line)
	default:
		p.Err = fmt.Errorf("the same document as line %d", before.line)
	}
}

// prepareAll does everything for a run of documents that needs no order.
func (g *registration) prepareAll(ctx context.Context, run []*prepared) error {
	onAll(len(run), func(i int) { g.take(ctx, run[i]) })
	sorted := slices.Clone(run)
	slices.SortFunc(sorted, func(a, b *prepared) int { return compare(a.key, b.key) })
	parts := make([]error, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() {
			parts[i] = g.prepareSorted(ctx, sorted[i*len(sorted)/len(parts):(i+1)*len(sorted)/len(parts)])
		})
	}
	wg.Wait()
	return cmp.Or(parts...)
}

// take checks a document and takes or computes its digests.
func (g *registration) take(ctx context.Context, p *prepared) {
	if p.Err = g.check(&p.Document); p.Err != nil {
		return
	}
	if p.Line == 0 {
		buf := buffers.Get().(*[1 << 20]byte)
		p.Digests, p.Err = HashFile(ctx, p.File, buf[:], g.r.Read)
		buffers.Put(buf)
	} else if p.Digests.SHA256 == emptyFile.SHA256 || p.Digests.SHA3512 == emptyFile.SHA3512 {
		p.Err = hint("look whether the file was copied whole", "it is the digest of an empty file, which is everybody's and proves nothing")
	}
	p.key = proofs.Ref{Digests: p.Digests}.Key()
}

// prepareSorted looks documents up and signs what is not registered.
func (g *registration) prepareSorted(ctx context.Context, run []*prepared) error {
	finder := g.finders.Get().(*index.Finder)
	defer g.finders.Put(finder)
	for _, p := range run {
		if p.Err != nil {
			continue
		}
		if p.Err = ctx.Err(); p.Err != nil {
			continue
		}
		known, err := g.known(p, finder)
		if err != nil {
			return err
		}
		switch {
		case p.Err != nil:
		case known:
			p.state = RegisteredAlready
		default:
			p.state = NewlyRegistered
			p.entry, p.Err = g.sign(p)
		}
	}
	return nil
}

func (g *registration) sign(p *prepared) ([]byte, error) {
	s := &proofs.Statement{Registry: g.r.Trust.Origin, Action: proofs.ActionRegister, Issuer: g.req.Issuer,
		Document: &proofs.Ref{Digests: p.Digests}, Kind: p.Kind, Issued: p.Issued, Expires: p.Expires}
	note, err := proofs.SignNote(s.Text(), g.signer)
	if err != nil {
		return nil, err
	}
	return note.Marshal(), nil
}

// known reports whether the issuer has registered the document, and sets the document's Err where another SHA3-512 stands
// beside its SHA-256: one of the two is wrong.
func (g *registration) known(p *prepared, f *index.Finder) (bool, error) {
	if n, ok := g.mine[half(p.key)]; ok {
		if !n.agrees(p.Digests.SHA3512) {
			p.Err = disagree("what waits for publication")
		}
		return true, nil
	}
	if n, ok := g.others[half(p.key)]; ok && p.Line > 0 && !n.agrees(p.Digests.SHA3512) {
		p.Err = disagree("what another authority has waiting for publication")
		return false, nil
	}
	entries, err := g.published(f, p.key)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		s := e.Statement
		if s == nil || s.Action != proofs.ActionRegister || s.Document.Key() != p.key {
			continue
		}
		mine, agrees := s.Issuer == g.req.Issuer, s.Document.Digests == p.Digests
		switch {
		case !agrees && mine && p.Line == 0: // a file was hashed here: no second reading helps
			p.Err = hint("its registration is wrong, and can only be taken back: stele revoke sha256:"+p.Digests.SHA256.String(),
				"it is registered with another SHA3-512, though the SHA-256 is the same")
			return true, nil
		case !agrees && mine:
			p.Err = disagree("what is registered")
			return true, nil
		case mine:
			return true, nil
		case !agrees && p.Line > 0: // a file was hashed here: it is the other that is wrong, and must not stand in its way
			p.Err = disagree("what %s has registered", s.Issuer)
		}
	}
	return false, nil
}

// disagree says that two statements give one SHA-256 two SHA3-512, which no document has.
func disagree(with string, args ...any) error {
	return hint("compute both digests again, from the file itself: stele digest FILE",
		"its SHA3-512 is not that of "+with+", though the SHA-256 is the same: one of the two is wrong", args...)
}

// published are the entries that the index holds for a key.
func (g *registration) published(f *index.Finder, key proofs.Hash) ([]*proofs.Entry, error) {
	if g.state.Keys == 0 {
		return nil, nil
	}
	rec, ok, err := f.Find(key)
	if err != nil || !ok {
		return nil, g.r.notWhole(err)
	}
	return index.Entries(rec)
}

// notWhole says what to do where a published file is gone.
func (r *Registry) notWhole(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return hint("stele publish --registry "+r.Dir+", which makes it whole again; then register again", "what is published is not whole: %w", err)
}
