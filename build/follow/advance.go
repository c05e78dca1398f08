package follow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"stele/build/index"
	"stele/proofs"
)

// A Change is what lies between the last publication and a view, gone through and found to be in order.
type Change struct {
	Old, New     proofs.Checkpoint
	View         *View
	Publications []proofs.Growth // that New holds and Old does not; none where it is the same tree again
	Wrong        []*WrongIndex   // of these, the ones before the last whose index was not as rebuilt
	Counts       []proofs.Count  // of what the records have got
	Entries      uint64          // of the ledger
	Void         uint64          // of them, those that count for nothing: unauthorised, or the repeat of a text
	Sensitive    []*proofs.Entry // in ledger order: see Sensitive
	More         []proofs.Count  // those of the sensitive that are not told in full, by issuer and action
	Made         []File          // files of the index

	state *state
}

// Again reports whether it is the tree that was seen already.
func (c *Change) Again() bool { return c.New.Size == c.Old.Size }

// mostSensitive is how many sensitive statements of one issuer and action a Change holds; all of the root's.
const mostSensitive = 20

// Advance goes through what a view has and the last publication has not. Nothing is kept before Keep. Where the files of the index as it was are not
// there any more, because the last publication is long ago, the error is one for which Collected is true.
func (f *Follower) Advance(ctx context.Context, v *View) (*Change, error) {
	c := &Change{Old: f.Last(), New: v.Checkpoint(), View: v}
	more, err := f.newer(ctx, v)
	if err != nil {
		return nil, err
	}
	if !more {
		return f.again(c)
	}
	w, err := f.newWalk(ctx, c)
	if err != nil {
		return nil, err
	}
	defer w.store.close()
	if err := w.all(); err != nil {
		return nil, err
	}
	return c, nil
}

// again is the same tree once more: a heartbeat, a renewal, or, where it was a proposal before, its publication.
func (f *Follower) again(c *Change) (*Change, error) {
	s := *f.last
	s.epoch, s.next = f.Trust.Epoch, c.View.Next
	if s.edge.Size() > 0 {
		s.head = c.View.Raw
	}
	if n := c.View.Next; n != nil && (f.last.next == nil || f.last.next.ID() != n.ID()) {
		return nil, &BadTrust{fmt.Sprintf("%s is not the trust file that the tree of size %d was gone through with", proofs.ProposedTrustPath, c.Old.Size)}
	}
	c.state = &s
	return c, nil
}

// Keep makes what was gone through the state to go on from, durably.
func (f *Follower) Keep(c *Change) error {
	if c.Old != f.Last() {
		return errors.New("keep: it does not begin with the last publication that was kept")
	}
	return f.keep(c.state)
}

// A walk is one Advance.
type walk struct {
	f     *Follower
	ctx   context.Context
	c     *Change
	x     *proofs.VerifiedIndex
	trust *proofs.Trust
	store *store
	ix    *index.Ledger
	edge  *proofs.Frontier
	old   *proofs.Statistics
	told  map[proofs.Count]uint64 // sensitive entries, in full or not
	last  *proofs.Index           // the last index statement that was compared
	final proofs.Hash             // the root at the size at which the next trust file says that this epoch ends
	light bool                    // the map is not made again
	known error                   // of entries that stand in one bundle with the first new one
}

func (f *Follower) newWalk(ctx context.Context, c *Change) (*walk, error) {
	w := &walk{f: f, ctx: ctx, c: c, x: c.View.Index, trust: f.Trust, edge: f.edge(), told: map[proofs.Count]uint64{},
		store: &store{ctx: ctx, from: f.Portal, own: f.Store, dir: f.dir, made: map[proofs.Hash]kept{}}}
	if c.View.Next != nil {
		w.trust = c.View.Next // whose eras know the keys before
	}
	var err error
	if w.ix, err = index.Open(w.trust, w.store, f.Index()); err != nil {
		return nil, err
	}
	w.old = w.ix.State().Statistics
	w.ix.Seen, w.ix.Concurrency = w.take, readers
	return w, nil
}

// all goes through the entries, then compares what they come to with what is signed.
func (w *walk) all() error {
	if err := w.grown(); err != nil {
		return err
	}
	if err := w.compareLast(); err != nil {
		return err
	}
	if err := w.checkNext(); err != nil {
		return err
	}
	w.finish(w.ix.State())
	return w.compareIssuers()
}

// grown goes through the entries and compares the root.
func (w *walk) grown() error {
	if err := w.f.entries(w.ctx, w.c.Old.Size, w.c.New.Size, w.add); err != nil {
		return err
	}
	if root := w.edge.Root(); root != w.c.New.Root {
		return w.otherRoot(root)
	}
	return w.known
}

// otherRoot tells why what was read does not come to the signed root: because the tree is another, or because it was not its entries.
func (w *walk) otherRoot(got proofs.Hash) error {
	if w.c.Old.Size > 0 {
		if err := w.f.Compare(w.ctx, w.f.lastNote(), w.c.View.Note()); err != nil {
			return err
		}
	}
	return &Damage{fmt.Sprintf("entries %d to %d", w.c.Old.Size, w.c.New.Size-1),
		fmt.Errorf("with the tree before they come to root %s, but %s is signed", got, w.c.New.Root)}
}

// add takes the next entries, and compares the index with each index statement among them.
func (w *walk) add(first uint64, entries [][]byte) error {
	if old := w.c.Old.Size; first < old {
		w.compareKnown(entries[:old-first])
		first, entries = old, entries[old-first:]
	}
	from := 0
	for i, e := range entries {
		x := w.statement(first+uint64(i), e)
		if x == nil {
			continue
		}
		w.append(entries[from:i])
		if err := w.compare(x, e); err != nil {
			return err
		}
		from = i + 1
	}
	w.append(entries[from:])
	return w.ctx.Err()
}

// compareKnown compares the entries that stand in one bundle with the first new one, with the right edge: its last hashes are over them. If
// they differ because the tree is another, that is to be told instead.
func (w *walk) compareKnown(entries [][]byte) {
	here, edge := proofs.NewFrontier(), w.edge.Edge()
	for _, e := range entries {
		here.Append(e)
	}
	if want := edge[len(edge)-len(here.Edge()):]; !slices.Equal(here.Edge(), want) {
		w.known = &Damage{fmt.Sprintf("entries %d to %d", w.c.Old.Size-here.Size(), w.c.Old.Size-1), errors.New("are not those that were there before")}
	}
}

func (w *walk) append(entries [][]byte) {
	for _, e := range entries {
		if next := w.c.View.Next; next != nil && next.FinalSize == w.edge.Size() {
			w.final = w.edge.Root()
		}
		w.edge.Append(e)
	}
	w.ix.Add(entries...)
}

// statement parses an entry that is an index statement about all before it, else returns nil.
func (w *walk) statement(place uint64, entry []byte) *proofs.Index {
	if !bytes.Contains(entry, []byte("\nindex\nissuer "+w.trust.Publication.Name+"\n")) {
		return nil
	}
	e, err := w.trust.Authorise(nil, place, entry)
	if err != nil || e.Statement == nil || e.Statement.Index == nil || e.Statement.Index.Covers != place {
		return nil
	}
	return e.Statement.Index
}

// compare adds an index statement, and compares it with the index made again. One that does not hold counts for nothing, unless it is the
// view's own: compareLast. One that holds and is wrong, and was followed by others, is told and gone on from: it lies in the ledger for ever.
func (w *walk) compare(x *proofs.Index, entry []byte) error {
	before := w.ix.State()
	want := proofs.Index{Covers: before.Size, Tree: w.edge.Root(), TreeSHA3: before.SHA3.Root()}
	w.append([][]byte{entry})
	after := w.ix.State()
	if after.Publication != before.Publication+1 {
		return nil
	}
	if w.light {
		w.last = x
		w.c.Publications = append(w.c.Publications, proofs.Growth{Publication: x.Publication, Size: x.Covers + 1, Keys: x.Keys, Time: x.Time})
		return nil
	}
	if err := w.ix.Settle(); err != nil {
		return w.unsettled(err)
	}
	w.store.drop(w.ix.Superseded)
	have := w.ix.Index()
	want.Publication, want.Time = after.Publication, after.Time
	want.Map, want.Keys, want.Issuers, want.IssuersRoot = have.Map, have.Keys, have.Issuers, have.IssuersRoot
	want.Landmarks, want.LandmarksRoot = have.Landmarks, have.LandmarksRoot
	sizes, err := after.ListedSizes(x.Publication)
	if err != nil {
		return err
	}
	want.Sizes = proofs.SizesHash(sizes)
	w.last = x
	w.c.Publications = append(w.c.Publications, proofs.Growth{Publication: x.Publication, Size: x.Covers + 1, Keys: have.Keys, Time: x.Time})
	if *x != want {
		w.c.Wrong = append(w.c.Wrong, wrongIndex(x, &want, entry))
	}
	return nil
}

// unsettled: the index cannot be made again, because files of the one before could not be read, or are not what they are named after.
func (w *walk) unsettled(err error) error {
	var outage *Outage
	if errors.As(err, &outage) || w.ctx.Err() != nil {
		return err
	}
	return &Damage{"index before " + fmt.Sprint(w.c.New.Size), err}
}

// wrongIndex names the first field that differs.
func wrongIndex(got, want *proofs.Index, entry []byte) *WrongIndex {
	e := &WrongIndex{Place: got.Covers, Entry: entry, Rebuilt: want}
	lines := func(x *proofs.Index) []byte {
		return []byte((&proofs.Statement{Registry: "-", Action: proofs.ActionIndex, Issuer: "-", Index: x}).Text())
	}
	a, b := bytes.Split(lines(got), []byte("\n")), bytes.Split(lines(want), []byte("\n"))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			field, value, _ := bytes.Cut(a[i], []byte(" "))
			_, rebuilt, _ := bytes.Cut(b[i], []byte(" "))
			e.Field, e.Got, e.Want = string(field), string(value), string(rebuilt)
			return e
		}
	}
	return e
}

// compareLast: the view's own index statement holds, and is as rebuilt.
func (w *walk) compareLast() error {
	if n := len(w.c.Wrong); n > 0 && w.c.Wrong[n-1].Place == w.x.Covers {
		return w.c.Wrong[n-1]
	}
	if w.last != nil && *w.last == *w.x.Index {
		return nil
	}
	s := w.ix.State()
	return &WrongIndex{Place: w.x.Covers, Entry: w.x.Entry, Field: "publication", Got: fmt.Sprintf("%d at %d", w.x.Publication, w.x.Time),
		Want: fmt.Sprintf("%d, later than %d", s.Publication+1, s.Time)}
}

// compareIssuers compares the published issuer list, which every reader reads, where it has changed.
func (w *walk) compareIssuers() error {
	list := w.c.state.index.Issuers
	root := list.Root()
	if w.f.Store != nil || len(list.Records) == 0 || root == w.f.Index().Issuers.Root() {
		return nil
	}
	b, err := w.f.read(w.ctx, proofs.IndexPath(root))
	if err == nil && !bytes.Equal(b, list.Marshal()) {
		err = &Damage{proofs.IndexPath(root), errors.New("not the issuer list that it is named after")}
	}
	return err
}

// take is told each entry that counts.
func (w *walk) take(e *proofs.Entry) {
	if w.f.Seen != nil {
		w.f.Seen(e)
	}
	if !Sensitive(w.trust, e) {
		return
	}
	c := proofs.Count{Issuer: e.Envelope.Issuer, Action: e.Envelope.Action, Kind: "-"}
	about := e.Envelope.Selector == ""
	_, authority := e.Envelope.Authority()
	if authority || about {
		w.c.Sensitive = append(w.c.Sensitive, e)
		return
	}
	if w.told[c]++; w.told[c] <= mostSensitive {
		w.c.Sensitive = append(w.c.Sensitive, e)
	}
}

// Sensitive tells what officers look at one by one: what changes who may say what, what takes a document's standing away, and whatever the root
// says or nobody understands. Registrations, links, replacements and restorations of authorities are counted.
func Sensitive(t *proofs.Trust, e *proofs.Entry) bool {
	switch {
	case e.Envelope.Issuer == t.Publication.Name && e.Envelope.Action == proofs.ActionIndex:
		return false
	case e.Envelope.Issuer == t.RootName() || e.Statement == nil:
		return true
	}
	return e.Envelope.Action == proofs.ActionRevoke || e.Envelope.Action == proofs.ActionSuspend
}

// finish makes the new state of what the ledger comes to.
func (w *walk) finish(s index.State) {
	c := w.c
	c.Entries = c.New.Size - c.Old.Size
	c.Counts = difference(s.Statistics.Counts, w.old.Counts)
	counted := uint64(0)
	for _, n := range c.Counts {
		counted += n.Number
	}
	c.Void = c.Entries - min(c.Entries, counted+w.others())
	for n, number := range w.told {
		if n.Number = number - min(number, mostSensitive); n.Number > 0 {
			c.More = append(c.More, n)
		}
	}
	slices.SortFunc(c.More, proofs.Count.Compare)
	for h, k := range w.store.made {
		c.Made = append(c.Made, File{h, k.sum})
	}
	c.state = &state{head: c.View.Raw, index: &s, edge: w.edge, epoch: w.f.Trust.Epoch, next: c.View.Next}
}

// others are the entries that count and lie in no record: index statements that hold, and what the root says about the registry itself.
func (w *walk) others() uint64 {
	n := uint64(len(w.c.Publications))
	for _, e := range w.c.Sensitive {
		if e.Envelope.Selector == "" {
			n++
		}
	}
	return n
}

// difference is by how much counts have grown.
func difference(after, before []proofs.Count) []proofs.Count {
	var out []proofs.Count
	for _, c := range after {
		if i, ok := slices.BinarySearchFunc(before, c, proofs.Count.Compare); ok {
			c.Number -= before[i].Number
		}
		if c.Number > 0 {
			out = append(out, c)
		}
	}
	return out
}
