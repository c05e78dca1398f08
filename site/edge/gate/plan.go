package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

// A plan is the list of what an offer needs, made by walking from the prepared root downwards:
//
//	root ◀── right edge ── full tiles ── (leaf tile, bundle)      compared with the right edge of the publication that is whole here
//	map  ◀── root tile ── map tiles ── slots, and the issuer list  compared tile by tile with those of that publication's map
//	set  ── history list ── new checkpoints; and the other files   compared with that publication's set
//
// What lies above the leaves has to be uploaded before the walk can go on. A walk may be longer than one request: what is left is kept, and the next request
// goes on. Two at once do not mix: the one that comes second is told so.
type plan struct {
	g    *Gate
	o    *offer
	have map[string]string

	version string // of the object
	state   planState

	whole   *base // compared with
	missing []string
	asks    int // of the store, left for this request
}

// A planState is what is kept of a plan.
type planState struct {
	Over  string     `json:"over"`  // the publication in force that it was made over,
	Whole string     `json:"whole"` // and the one that was compared with,
	Rests string     `json:"rests"` // which rests on this deployment
	Begun bool       `json:"begun"`
	Queue []node     `json:"queue,omitempty"` // not walked yet
	Items list[item] `json:"items"`
	Last  []item     `json:"last,omitempty"` // map tiles: they come after what they lead to
	Gone  list[gone] `json:"gone"`
	First int        `json:"first"` // number of chunks before the ones that come last
	Done  bool       `json:"done"`
}

func planObject(id string) string { return offersPrefix + id + "/plan" }

// A planAnswer is the answer to a plan request.
type planAnswer struct {
	Missing []string `json:"missing,omitempty"`
	Again   bool     `json:"again,omitempty"` // nothing is missing yet, and the walk is not at its end
	Items   *int     `json:"items,omitempty"`
	Chunks  *int     `json:"chunks,omitempty"`
	First   *int     `json:"first,omitempty"` // how many chunks have to be done before the others
}

// plan goes on with an offer's plan.
func (g *Gate) plan(ctx context.Context, o *offer, have map[string]string) (*planAnswer, error) {
	if _, is, err := g.inForce(ctx, o); err != nil || is {
		zero := 0
		return &planAnswer{Items: &zero, Chunks: &zero, First: &zero}, err
	}
	p := &plan{g: g, o: o, have: have, asks: 3 * g.Limits.Chunk}
	if err := p.load(ctx); err != nil {
		return nil, err
	}
	if !p.state.Done {
		if err := p.goOn(ctx); err != nil {
			return nil, err
		}
	}
	if p.state.Done {
		n := len(p.state.Items.Parts)
		return &planAnswer{Items: &p.state.Items.Total, Chunks: &n, First: &p.state.First}, nil
	}
	if most := g.Limits.missing(); len(p.missing) > most {
		p.missing = p.missing[:most]
	}
	return &planAnswer{Missing: p.missing, Again: len(p.missing) == 0}, nil
}

// load reads what is kept of the plan, and finds what to compare with. A plan that was made over something else begins anew.
func (p *plan) load(ctx context.Context) (err error) {
	if p.version, _, err = p.g.getJSON(ctx, planObject(p.o.id), &p.state); err != nil {
		return err
	}
	if p.state.Over == p.o.Over && p.state.Done && p.g.stands(p.state.Rests) {
		return nil
	}
	if p.whole, err = p.g.wholeBase(ctx); err != nil {
		return err
	}
	if p.state.Over != p.o.Over || p.state.Whole != p.whole.id() || p.state.Rests != p.whole.rests {
		p.state = planState{Over: p.o.Over, Whole: p.whole.id(), Rests: p.whole.rests}
	}
	return nil
}

// save keeps the plan, if nobody else has gone on with it meanwhile.
func (p *plan) save(ctx context.Context) error {
	when := store.Absent
	if p.version != "" {
		when = store.Still(p.version)
	}
	err := p.g.putJSON(ctx, planObject(p.o.id), &p.state, when)
	if errors.Is(err, store.ErrChanged) {
		return refuse(codeBusy, "another request has gone on with this plan")
	}
	return err
}

func (p *plan) goOn(ctx context.Context) error {
	if !p.state.Begun {
		if err := p.begin(ctx); err != nil || len(p.missing) > 0 {
			return err
		}
		p.state.Begun = true
	}
	var left []node // what has to be uploaded first
	for len(p.state.Queue) > 0 && p.asks > 0 && len(left) < p.g.Limits.missing() && len(p.state.Items.Open) < mostOpen*p.g.Limits.Chunk {
		more, err := p.walk(ctx)
		if err != nil {
			return err
		}
		left = append(left, more...)
	}
	for _, n := range left {
		p.missing = append(p.missing, n.path())
	}
	p.state.Queue = append(left, p.state.Queue...)
	return p.keep(ctx)
}

// mostOpen is how many chunks may come of one request, about: each is written, which asks the store once more.
const mostOpen = 100

// keep writes what was found; at the end of the walk, everything.
func (p *plan) keep(ctx context.Context) error {
	all := len(p.state.Queue) == 0
	if err := p.state.Items.flush(ctx, p.g, p.o.id, all, p.g.chunkOf); err != nil {
		return err
	}
	if err := p.state.Gone.flush(ctx, p.g, p.o.id, all, func(open []gone) int { return min(len(open), store.MostDeleted) }); err != nil {
		return err
	}
	if all {
		p.state.First = len(p.state.Items.Parts)
		p.state.Items.add(p.state.Last...)
		p.state.Last = nil
		if err := p.state.Items.flush(ctx, p.g, p.o.id, true, p.g.chunkOf); err != nil {
			return err
		}
		p.state.Done = true
	}
	return p.save(ctx)
}

// begin adds what needs no walk, and what the walk begins with. It adds everything or, where something is missing, nothing.
func (p *plan) begin(ctx context.Context) error {
	edge, err := p.edge(ctx)
	if err != nil {
		return err
	}
	past, err := p.history(ctx)
	if err != nil || len(p.missing) > 0 {
		return err
	}
	p.ledger(edge)
	p.index()
	p.state.Items.add(past...)
	p.files()
	return nil
}

// A fetched file is one that the walk needs: what was uploaded for it, or what is under its name already. The latter can be of a fork, which was proved and not put
// in force: where that is not what is wanted, it is as good as not there.
type fetched struct {
	b        []byte
	uploaded bool
}

// fetch reads a file of no more than so many bytes; nil if it is not there.
func (p *plan) fetch(ctx context.Context, path string, most int64) (*fetched, error) {
	var large *store.LargeError
	if sha, given := p.have[path]; given {
		if _, err := proofs.ParseHash(sha); err != nil {
			return nil, refuse(codeMalformed, "have: %s: %v", path, err)
		}
		b, ok, err := p.g.getMost(ctx, stagedPrefix+sha, most)
		if errors.As(err, &large) {
			return nil, refuse(codeWrong, "%s: %d bytes, want at most %d", path, large.Size, most)
		}
		if err != nil || ok {
			return &fetched{b, true}, err
		}
	}
	b, ok, err := p.g.getMost(ctx, published.KeptPrefix+path, most)
	if errors.As(err, &large) { // it rotted
		return nil, nil
	}
	if err != nil || !ok {
		return nil, err
	}
	return &fetched{b, false}, nil
}

// files adds the set's files that the publication compared with has not.
func (p *plan) files() {
	for _, f := range p.o.set.Files {
		if w := p.whole.file(f.Name); w == nil || w.SHA256 != f.SHA256 {
			p.state.Items.add(item{f.Name, kindFile, f.SHA256.String(), int(f.Size)})
		}
	}
	still := map[string]bool{}
	for _, f := range p.o.set.Files {
		still[objectOf(f.Name, f.SHA256.String())] = true
	}
	for _, f := range p.whole.files() {
		if object := objectOf(f.Name, f.SHA256.String()); !still[object] {
			p.state.Gone.add(gone{Object: object})
		}
	}
}

// history reads the history list that the set names, and returns the checkpoints in it that are new.
func (p *plan) history(ctx context.Context) ([]item, error) {
	f := p.o.set.File(proofs.HistoryPath)
	b, ok, err := p.g.get(ctx, stagedPrefix+f.SHA256.String()) // named by its content, and so as large as the set says
	if err == nil && !ok {
		b, ok, err = p.g.get(ctx, published.SetPrefix+f.SHA256.String())
	}
	if err != nil {
		return nil, err
	}
	if !ok {
		p.missing = append(p.missing, proofs.HistoryPath)
		return nil, nil
	}
	lines, err := proofs.ParseHistory(b)
	if err != nil {
		return nil, refuse(codeWrong, "%s: %v", proofs.HistoryPath, err)
	}
	if last := lines[len(lines)-1]; last.Size != p.o.Size || last.File.String() != p.o.File {
		return nil, refuse(codeWrong, "%s: ends with %s, want this publication's %d %s", proofs.HistoryPath, last, p.o.Size, p.o.File)
	}
	was, err := p.g.historyInForce(ctx)
	if err != nil {
		return nil, err
	}
	if len(was) > len(lines) || !slices.Equal(lines[:len(was)], was) {
		return nil, refuse(codeWrong, "%s: does not begin with the %d lines of the list in force: what was published once stays published", proofs.HistoryPath, len(was))
	}
	has := map[proofs.HistoryLine]bool{}
	for _, l := range p.whole.past {
		has[l] = true
	}
	var items []item
	for _, l := range lines {
		if !has[l] {
			has[l] = true
			items = append(items, item{l.Path(), kindPast, l.File.String(), 0})
		}
	}
	return items, nil
}

func (g *Gate) historyInForce(ctx context.Context) ([]proofs.HistoryLine, error) {
	now, err := g.Source.Current(ctx)
	if err != nil || now.Set == nil {
		return nil, err
	}
	return g.historyOf(ctx, now)
}

func (g *Gate) historyOf(ctx context.Context, p *published.Publication) ([]proofs.HistoryLine, error) {
	b, err := g.Source.Read(ctx, p, proofs.HistoryPath)
	if err != nil {
		return nil, err
	}
	return proofs.ParseHistory(b)
}

// A base is the newest publication all of whose files can be read here: what a plan compares with. A nil *published.Publication: there is none.
//
// The one that current names is whole, since it could not have come in force otherwise; but it may rest on a deployment, whose files were there as static files and
// so were not sent, and then it is whole only as long as that very deployment is. A deployment has as static files all that its checkpoint proves or, where that is
// too much for the host, none of it (stele deploy): it counts as whole if the right edge, and the first file below the root tile of its map, are among them. That
// they can be read from the store says nothing: a publication that was broken off may have left them there.
type base struct {
	p      *published.Publication
	stored bool
	rests  string // the deployment that it rests on, itself if it is one; "" for none
	size   uint64
	root   proofs.Hash
	edge   map[int][]proofs.Hash // the partial tiles of hashes, by level
	tile   *proofs.MapTile       // the map's root tile
	index  *proofs.Index
	past   []proofs.HistoryLine
}

func (b *base) id() string {
	if b.p == nil {
		return ""
	}
	return b.p.ID.String()
}

// file finds a file of the base's set in the store, where a publication's files have to lie: what was deployed is gone with the next deployment.
func (b *base) file(name string) *proofs.SetFile {
	if b.p == nil || !b.stored {
		return nil
	}
	return b.p.File(name)
}

func (b *base) files() []proofs.SetFile {
	if b.p == nil || !b.stored {
		return nil
	}
	return b.p.Files
}

// wholeBase finds what to compare with: the publication in force or, where that one was deployed without its ledger, the newest one that was published.
func (g *Gate) wholeBase(ctx context.Context) (*base, error) {
	for _, src := range []*published.Source{g.Source, g.Source.WithoutBase()} {
		now, err := src.Current(ctx)
		if err != nil {
			return nil, err
		}
		if now.Set == nil {
			break
		}
		b, err := g.readBase(ctx, now)
		if !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
		if now.Stored { // something is gone: all is asked for, and comes back
			g.Log.WarnContext(ctx, "the publication that was published last is not whole any more", "set", now.ID.String(), "err", err)
			break
		}
	}
	return &base{}, nil
}

func restsObject(publication string) string { return restsPrefix + publication }

// restsOn tells which deployment a publication rests on.
func (g *Gate) restsOn(ctx context.Context, now *published.Publication) (string, error) {
	if !now.Stored {
		return now.ID.String(), nil
	}
	b, _, err := g.get(ctx, restsObject(now.ID.String()))
	return string(b), err
}

// stands reports whether a deployment, if one is rested on, is the one that is there.
func (g *Gate) stands(rests string) bool {
	return rests == "" || g.Source.Base != nil && rests == published.IDOf(g.Source.Base).String()
}

// readBase reads what is compared. The error is fs.ErrNotExist where the files that the checkpoint proves are not there.
func (g *Gate) readBase(ctx context.Context, now *published.Publication) (*base, error) {
	b := &base{p: now, stored: now.Stored, edge: map[int][]proofs.Hash{}}
	var err error
	if b.rests, err = g.restsOn(ctx, now); err != nil {
		return nil, err
	}
	if !g.stands(b.rests) {
		return nil, fmt.Errorf("rests on the deployment %s, which is gone: %w", b.rests, fs.ErrNotExist)
	}
	read := g.Source.Kept
	if !now.Stored {
		read = g.Source.Asset // it stands, so that there is one
	}
	c, _, err := g.Source.Checkpoint(ctx, now)
	if err != nil {
		return nil, err
	}
	b.size, b.root = c.Size, c.Root
	raw, err := g.Source.Read(ctx, now, proofs.HeadPath)
	if err != nil {
		return nil, err
	}
	if b.index, b.tile, err = readHead(raw); err != nil {
		return nil, fmt.Errorf("%s in force: %w", proofs.HeadPath, err)
	}
	if b.past, err = g.historyOf(ctx, now); err != nil {
		return nil, err
	}
	for _, t := range edgeOf(b.size) {
		raw, err := read(ctx, "ledger/"+t.Path())
		if err == nil {
			b.edge[t.Level], err = t.Hashes(raw)
		}
		if err != nil {
			return nil, fmt.Errorf("ledger/%s of the publication in force: %w", t.Path(), err)
		}
	}
	if l := b.tile.Leaves[0]; !b.stored {
		if _, err := read(ctx, proofs.IndexPath(l.Hash)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// readHead takes apart a head that was verified already.
func readHead(b []byte) (*proofs.Index, *proofs.MapTile, error) {
	h, err := proofs.ParseHead(b)
	if err != nil {
		return nil, nil, err
	}
	n, err := proofs.ParseNote(h.Statement)
	if err != nil {
		return nil, nil, err
	}
	s, err := proofs.ParseStatement(n.Text)
	if err != nil {
		return nil, nil, err
	}
	if s.Index == nil {
		return nil, nil, errors.New("holds no index statement")
	}
	tile, err := proofs.ParseMapTile(h.RootTile)
	return s.Index, tile, err
}
