package proofs

// Looking into the ledger itself: its publications, its entries and who may sign them, each with what proves it. Nothing
// here is a verdict about a document.

import (
	"errors"
	"slices"
)

// A Subject is what an Inquiry asks about.
type Subject string

const (
	SubjectHead         Subject = "head"         // the newest publication
	SubjectIssuers      Subject = "issuers"      // every authority, with the root's statements about it
	SubjectEntries      Subject = "entries"      // Count entries from Place on
	SubjectEntry        Subject = "entry"        // the entry at Place, with its inclusion proof
	SubjectPublications Subject = "publications" // Count publications, the newest Skip left out
	SubjectCheckpoint   Subject = "checkpoint"   // the published checkpoint Line, and that the ledger has grown from it
	SubjectStatistics   Subject = "statistics"   // what the registry has counted
)

// mostShown is how many entries or publications one finding shows; more would be many files, and nobody reads them at once.
const mostShown = 256

// An Inquiry is a question about the ledger. The head is verified as in a lookup, and all else follows from it.
type Inquiry struct {
	Trust      *Trust
	Now        int64  // the clock, in seconds
	Remembered []byte // a head kept from an earlier answer; nil if there is none

	Subject Subject
	Place   uint64
	Count   int
	Skip    int
	Size    *uint64     // of publications: every signature of the ledger of this size
	Line    HistoryLine // of a checkpoint

	Files  map[string][]byte // as in a Question
	Errors map[string]string
}

// A Finding is what was found, or what is needed to find it.
type Finding struct {
	Need []string // read these, put them into Inquiry.Files and ask again

	View         *View
	Remember     []byte // as in an Answer
	RememberSize uint64
	Conflict     []byte
	Trust        []byte // as in an Answer
}

// Inspect finds out, or says what it needs. It is a pure function of the inquiry.
func Inspect(in Inquiry) Finding {
	q := Question{Trust: in.Trust, Now: in.Now, Remembered: in.Remembered, Online: true, Files: in.Files, Errors: in.Errors}
	c := check{q: q, t: in.Trust}
	for {
		i := &inspection{in: in, tiles: map[Tile][]Hash{}, check: c}
		err := i.inspect()
		if i.later == nil {
			return i.finding(err)
		}
		c = check{q: q, t: i.later, followed: append(c.followed, i.later)}
	}
}

func (i *inspection) finding(err error) Finding {
	if len(i.need) > 0 {
		return Finding{Need: i.need}
	}
	f := Finding{View: &i.v, Trust: i.newTrust()}
	i.v.Registry, i.v.Now, i.v.StaleAfter = i.t.Origin, i.in.Now, i.t.StaleAfter
	if err != nil {
		i.v.Detail = err.Error()
		if i.v.Reason == "" {
			i.v.Reason = reasonFor(err, i.outage)
		}
	}
	if i.remember {
		f.Remember, f.RememberSize = i.in.Files[HeadPath], i.x.Size
	}
	if i.conflict != nil {
		f.Conflict = FormatConflict(i.conflict[0], i.conflict[1])
	}
	return f
}

// inspection is the state of one inquiry. What it embeds reads the files and compares the head with what is remembered.
type inspection struct {
	check
	in    Inquiry
	x     *VerifiedIndex
	v     View
	later *Trust // to be asked in place of the one in hand

	tiles    map[Tile][]Hash // known to be the ledger's
	edge     error           // what is wrong with the ledger's right edge
	edgeSeen bool
}

// inspect looks by one trust file, and for the next one where that has to be asked.
func (i *inspection) inspect() error {
	err := i.readLedger()
	if err == nil && i.later == nil && len(i.need) == 0 {
		err = i.show()
	}
	if err != nil {
		i.registryErr = err
	}
	if i.later == nil {
		i.later = i.next()
	}
	return err
}

func (i *inspection) show() error {
	switch i.in.Subject {
	case SubjectIssuers:
		return i.issuers()
	case SubjectEntries:
		return i.entries()
	case SubjectEntry:
		return i.entry()
	case SubjectPublications:
		return i.publications()
	case SubjectCheckpoint:
		return i.checkpoint()
	case SubjectStatistics:
		return i.statistics()
	}
	return nil
}

// readLedger verifies the head, and holds it against what this device has seen.
func (i *inspection) readLedger() error {
	if _, i.registryErr = i.readHead(); i.registryErr != nil || len(i.need) > 0 {
		return i.blame(HeadPath, i.registryErr)
	}
	if i.recall(); len(i.need) > 0 {
		return nil
	}
	if i.later = i.next(); i.later != nil || len(i.need) > 0 { // what was remembered is of a later epoch
		return nil
	}
	i.x = i.look.x
	i.registry = &evidence{x: i.x, trust: i.look.trust, source: FromRegistry, olds: i.look.head.Consistency, raw: i.in.Files[HeadPath]}
	i.compareViews()
	switch {
	case i.conflict != nil:
		i.v.Reason = ReasonFork
		return i.blame(HeadPath, unverified("head", "it and the one that this device remembers prove different ledgers"))
	case i.registry == nil:
		return i.blame(HeadPath, i.registryErr)
	}
	i.v.Head = &HeadView{VerifiedIndex: i.x, Rollback: i.rollback}
	return nil
}

// blame notes the file that is missing or wrong.
func (i *inspection) blame(path string, err error) error {
	if !slices.Contains(i.v.Faults, path) {
		i.v.Faults = append(i.v.Faults, path)
	}
	return err
}

// read returns a file of the portal; nil without an error while it is needed.
func (i *inspection) read(path string) ([]byte, error) {
	if slices.Contains(i.need, path) {
		return nil, nil
	}
	b := i.file(path)
	if _, asked := i.q.Files[path]; b == nil && asked {
		return nil, i.blame(path, i.outageError(path))
	}
	return b, nil
}

// aside runs what may fail without the rest: a file that is missing there is no outage of the whole.
func (i *inspection) aside(run func() error) error {
	outage, faults := i.outage, len(i.v.Faults)
	err := run()
	i.outage, i.v.Faults = outage, i.v.Faults[:faults]
	return err
}

// readTile reads a tile or bundle of the ledger, and the full one in place of a partial one that is gone. It is nil while it is needed.
func (i *inspection) readTile(t Tile) ([]byte, error) {
	path := "ledger/" + t.Path()
	if b, asked := i.q.Files[path]; asked && b == nil && t.Width < TileWidth {
		t.Width = TileWidth
		full := "ledger/" + t.Path()
		if b, asked := i.q.Files[full]; b != nil || !asked {
			return i.read(full)
		}
	}
	return i.read(path)
}

// hashes are a tile's, as published; all zeroes while they are needed.
func (i *inspection) hashes(t Tile) ([]Hash, error) {
	b, err := i.readTile(t)
	if err != nil || b == nil {
		return make([]Hash, t.Width), err
	}
	if len(b) < t.Width*len(Hash{}) {
		return nil, i.blame("ledger/"+t.Path(), malformed("tile", t.Path(), ": ", itoa(len(b)), " bytes, want ", itoa(t.Width*len(Hash{}))))
	}
	hs := make([]Hash, t.Width)
	for n := range hs {
		copy(hs[n][:], b[n*len(Hash{}):])
	}
	return hs, nil
}

// proven returns the hashes of a tile that are known to be the ledger's: a full tile hashes to what the tile above it
// says, and all that are not full hash to the ledger's root together.
func (i *inspection) proven(t Tile) ([]Hash, error) {
	if hs, ok := i.tiles[t]; ok {
		return hs, nil
	}
	hs, err := i.hashes(t)
	if err != nil {
		return nil, err
	}
	if t.Width < TileWidth {
		err = i.proveEdge()
	} else {
		err = i.proveFull(t, hs)
	}
	if err == nil && len(i.need) == 0 {
		i.tiles[t] = hs
	}
	return hs, err
}

func (i *inspection) proveFull(t Tile, hs []Hash) error {
	up, err := i.proven(tileAt(i.x.Size, t.Level+1, t.Index/TileWidth))
	if err != nil || len(i.need) > 0 {
		return err
	}
	if TopOf(slices.Clone(hs)) != up[t.Index%TileWidth] {
		return i.blame("ledger/"+t.Path(), unverified("tile", t.Path(), " does not hash to what the tile above it says"))
	}
	return nil
}

// proveEdge hashes the tiles that are not full to the root that is signed.
func (i *inspection) proveEdge() error {
	if i.edgeSeen {
		return i.edge
	}
	var edge []string
	root, err := TileNodes(i.x.Size, func(t Tile) ([]byte, error) {
		edge = append(edge, "ledger/"+t.Path())
		return i.bytesOf(t, i.hashes)
	}).Root(i.x.Size)
	if err != nil || len(i.need) > 0 {
		return err
	}
	if i.edgeSeen = true; root != i.x.Root {
		for _, path := range edge {
			i.edge = i.blame(path, unverified("tile", "those that are not full hash to ", root.String(), ", and the signed root is ", i.x.Root.String()))
		}
	}
	return i.edge
}

func (i *inspection) bytesOf(t Tile, from func(Tile) ([]Hash, error)) ([]byte, error) {
	hs, err := from(t)
	return appendHashes(nil, hs), err
}

// nodes are the ledger's, out of tiles that are known to be its own.
func (i *inspection) nodes() Nodes {
	return TileNodes(i.x.Size, func(t Tile) ([]byte, error) { return i.bytesOf(t, i.proven) })
}

// readEntries reads the entries from a place up to another, each of them the leaf that the ledger has there. Nothing
// is returned while files are needed.
func (i *inspection) readEntries(from, end uint64) ([][]byte, error) {
	var all [][]byte
	for n := from / TileWidth; n*TileWidth < end; n++ {
		t := tileAt(i.x.Size, 0, n)
		leaves, err := i.proven(t)
		if err != nil {
			return nil, err
		}
		t.Entries = true
		bundle, err := i.readBundle(t)
		if err != nil {
			return nil, err
		}
		for at, entry := range bundle {
			place := n*TileWidth + uint64(at)
			if place < from || place >= end || len(i.need) > 0 {
				continue
			}
			if LeafHash(entry) != leaves[at] {
				return nil, i.blame("ledger/"+t.Path(), unverified("entry bundle", t.Path(), ": the entry at place ", utoa(place), " does not hash to the leaf that the ledger has there"))
			}
			all = append(all, entry)
		}
	}
	return all, nil
}

func (i *inspection) readBundle(t Tile) ([][]byte, error) {
	b, err := i.readTile(t)
	if err != nil || b == nil {
		return nil, err
	}
	entries, err := ParseEntries(b)
	if err == nil && len(entries) < t.Width {
		err = malformed("entry bundle", itoa(len(entries)), " entries, want ", itoa(t.Width))
	}
	if err != nil {
		return nil, i.blame("ledger/"+t.Path(), err)
	}
	return entries[:t.Width], nil
}

// most is how many are to be shown.
func (i *inspection) most() int { return max(0, min(i.in.Count, mostShown)) }

// entries shows a part of the ledger.
func (i *inspection) entries() error {
	from := min(i.in.Place, i.x.Size)
	raw, err := i.readEntries(from, min(i.x.Size, from+uint64(i.most())))
	as, why := i.authorities()
	if err != nil || len(i.need) > 0 {
		return err
	}
	for n, b := range raw {
		i.v.Entries = append(i.v.Entries, i.describeEntry(from+uint64(n), b, as, why))
	}
	return nil
}

// entry shows one entry, with its inclusion proof.
func (i *inspection) entry() error {
	place, size := i.in.Place, i.x.Size
	if place >= size {
		i.v.Beyond = true
		return nil
	}
	raw, err := i.readEntries(place, place+1)
	if err != nil {
		return err
	}
	path, err := i.nodes().Inclusion(place, size)
	if err != nil {
		return err
	}
	as, why := i.authorities()
	var published *PublishedView
	failed := i.aside(func() error { published, err = i.published(place); return err })
	if len(i.need) > 0 {
		return nil
	}
	if err := CheckInclusion(LeafHash(raw[0]), place, size, path, i.x.Root); err != nil {
		return err
	}
	e := i.describeEntry(place, raw[0], as, why)
	e.Path, e.Published = path, published
	_, e.Way = climbed(e.Leaf, path, sides(place, size))
	i.v.Entries = []EntryView{e}
	if failed != nil {
		i.v.Detail = failed.Error() // the entry is proved all the same
	}
	return nil
}

// authorities reads the issuer list. Why it could not be is kept apart: an entry is proved without it, and what its signer
// may say is not.
func (i *inspection) authorities() (as Authorities, err error) {
	err = i.aside(func() error {
		if err := i.readIssuers(); err != nil || len(i.need) > 0 {
			return err
		}
		as, err = i.t.ReadAuthorities(i.look.issuers, i.x.Covers, i.x.Time)
		return err
	})
	var epoch *OtherEpochError
	if errors.As(err, &epoch) {
		i.registryErr = err // a later trust file may know the root's keys
	}
	return as, err
}

// published finds the publication of an entry: the first whose ledger holds it. The list of publications is not proved; the
// index statement that it leads to is.
func (i *inspection) published(place uint64) (*PublishedView, error) {
	b, err := i.read(HistoryPath)
	if b == nil {
		return nil, err
	}
	lines, err := ParseHistory(b)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(lines, func(l HistoryLine) bool { return l.Size > place })
	if at < 0 || lines[at].Size >= i.x.Size {
		return &PublishedView{i.x.Publication, i.x.Time, i.x.Covers}, nil
	}
	last := lines[at].Size - 1
	raw, err := i.readEntries(last, last+1)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	e, err := i.t.Authorise(nil, last, raw[0])
	if err != nil || e.Statement == nil || e.Statement.Index == nil || e.Statement.Index.Covers != last {
		return nil, unverified("publication", "the entry at place ", utoa(last), " is no index statement that holds")
	}
	return &PublishedView{e.Statement.Index.Publication, e.Statement.Index.Time, last}, nil
}

// issuers shows the issuer list: every statement of the root about every authority.
func (i *inspection) issuers() error {
	path := IndexPath(i.x.IssuersRoot)
	if err := i.readIssuers(); err != nil || len(i.need) > 0 {
		return i.blame(path, err)
	}
	as := Authorities{}
	for _, rec := range i.look.issuers.Records {
		var v IssuerView
		err := i.t.eachAbout(as, rec, i.x.Covers, i.x.Time, func(e *Entry, effect bool) {
			v.Name, _ = e.Envelope.Authority()
			v.Statements = append(v.Statements, AuthorityEvent{e, effect})
		})
		if err != nil {
			return i.blame(path, err)
		}
		v.Authority = as[v.Name]
		i.v.Issuers = append(i.v.Issuers, v)
	}
	return nil
}

// publications shows the newest publications, or all signatures of one. Their numbers are counted back from the newest,
// which is proved.
func (i *inspection) publications() error {
	b, err := i.read(HistoryPath)
	if b == nil {
		return err
	}
	lines, err := ParseHistory(b)
	if err != nil {
		return i.blame(HistoryPath, err)
	}
	all := i.group(lines)
	i.v.Publications.Total = len(all)
	i.v.Publications.Complete = len(all) > 0 && all[0].Number == 1
	slices.Reverse(all)
	shown := all[min(max(i.in.Skip, 0), len(all)):]
	for _, p := range shown[:min(len(shown), i.most())] {
		i.aside(func() error { p.Checkpoint, err = i.readCheckpoint(p.Line); return err })
		i.v.Publications.List = append(i.v.Publications.List, p)
	}
	return nil
}

// group makes publications of the list's lines: one for each size, ascending. With Inquiry.Size, each line of that size is one.
func (i *inspection) group(lines []HistoryLine) []PublicationView {
	var all []PublicationView
	newest := -1
	before := uint64(0)
	for _, l := range lines {
		if n := len(all); n > 0 && all[n-1].Line.Size == l.Size {
			all[n-1].Again++
			continue
		}
		all = append(all, PublicationView{Line: l, Added: l.Size - before})
		if before = l.Size; l.Size <= i.x.Size {
			newest = len(all) - 1
		}
	}
	for n := range all {
		// A list that leaves publications out leads to numbers below 1; those are not told.
		if number := int64(i.x.Publication) + int64(n-newest); number > 0 && newest >= 0 {
			all[n].Number = uint64(number)
		}
	}
	if i.in.Size == nil {
		return all
	}
	var one []PublicationView
	at := slices.IndexFunc(all, func(p PublicationView) bool { return p.Line.Size == *i.in.Size })
	for _, l := range lines {
		if l.Size == *i.in.Size {
			p := all[at]
			p.Line, p.Again = l, 0
			one = append(one, p)
		}
	}
	return one
}

// readCheckpoint reads and verifies a published checkpoint by today's trust file. Its failure is its own: the others are shown.
func (i *inspection) readCheckpoint(l HistoryLine) (CheckpointView, error) {
	b, err := i.read(l.Path())
	switch {
	case err != nil:
		return CheckpointView{Reason: ReasonOutage, Detail: err.Error()}, err
	case b == nil:
		return CheckpointView{}, nil
	}
	var signed *Signed
	_, err = i.judged(b, func(t *Trust) (err error) {
		signed, err = t.VerifyCheckpoint(b, AnyTime)
		return err
	})
	if len(i.need) > 0 {
		return CheckpointView{}, nil
	}
	if sum256(b) != l.File {
		err = unverified("checkpoint", "its content is not what its name says")
	} else if err == nil && signed.Size != l.Size {
		err = unverified("checkpoint", "of size ", utoa(signed.Size), ", listed with ", utoa(l.Size))
	}
	if err != nil {
		return CheckpointView{Reason: reasonFor(err, false), Detail: err.Error()}, err
	}
	return CheckpointView{Signed: signed}, nil
}

// checkpoint shows whether today's ledger begins with what a published checkpoint signed.
func (i *inspection) checkpoint() error {
	l := i.in.Line
	p := PublicationView{Line: l}
	var err error
	if p.Checkpoint, err = i.readCheckpoint(l); err != nil {
		return i.blame(l.Path(), err)
	}
	if len(i.need) > 0 {
		return nil
	}
	if l.Size > i.x.Size {
		i.v.Beyond = true
		return nil
	}
	root, err := i.nodes().Root(l.Size)
	if err != nil {
		return err
	}
	proof, err := i.nodes().Consistency(l.Size, i.x.Size)
	if err != nil || len(i.need) > 0 {
		return err
	}
	signed := p.Checkpoint.Signed
	if signed.Root != root {
		// Every tile is the ledger's own: both checkpoints are signed, and they exclude each other.
		i.v.Reason = ReasonFork
		i.v.Detail = "the checkpoint of size " + utoa(l.Size) + " signs the root " + signed.Root.String() + ", and the ledger's own at that size is " + root.String()
		return nil
	}
	if err := CheckConsistency(l.Size, i.x.Size, signed.Root, i.x.Root, proof); err != nil {
		return err
	}
	p.Grown, p.Proof = true, proof
	i.v.Publications.List = []PublicationView{p}
	return nil
}

// statistics shows what the registry has counted, and whether its newest line is what the head proves.
func (i *inspection) statistics() error {
	b, err := i.read(StatisticsPath)
	if b == nil {
		return err
	}
	s, err := ParseStatistics(b)
	if err == nil && s.Registry != i.t.Origin {
		err = &OtherRegistryError{Got: s.Registry, Want: i.t.Origin}
	}
	if err != nil {
		return i.blame(StatisticsPath, err)
	}
	i.v.Statistics, i.v.Fit = s, FitSame
	switch newest, x := s.Series[len(s.Series)-1], i.x; {
	case newest.Publication < x.Publication:
		i.v.Fit = FitOlder
	case newest.Publication > x.Publication:
		i.v.Fit = FitNewer
	case newest != Growth{x.Publication, x.Size, x.Keys, x.Time}:
		i.v.Fit = FitNot
	}
	return nil
}

// describeEntry decodes an entry and finds out whether whoever signed it might. `as` is nil where `why` is not.
func (i *inspection) describeEntry(place uint64, raw []byte, as Authorities, why error) EntryView {
	v := EntryView{Place: place, Bytes: raw, Leaf: LeafHash(raw)}
	note, env, err := ParseEntry(raw)
	if err != nil {
		v.Standing, v.Why = StandingMalformed, err.Error()
		return v
	}
	v.Note, v.Envelope = note, env
	v.Statement, err = env.Statement()
	if err != nil {
		v.NotUnderstood = err.Error()
	}
	if a := as[env.Issuer]; a != nil {
		v.IssuerTitle = a.LatestTitle()
		if s := a.Standing(place); s != nil {
			v.IssuerTitle = s.Title
			v.OtherKind = v.Statement != nil && v.Statement.Action == ActionRegister && !s.MayIssue(v.Statement.Kind)
		}
		v.Disowned = a.Disowned(place)
	}
	if name, ok := env.Authority(); ok && as[name] != nil {
		v.AuthorityTitle = as[name].LatestTitle()
	}
	v.Standing, v.Why = i.standing(place, raw, env, as, why)
	return v
}

func (i *inspection) standing(place uint64, raw []byte, env *Envelope, as Authorities, why error) (Standing, string) {
	_, err := i.t.Authorise(as, place, raw)
	var other *OtherRegistryError
	own := env.Issuer == i.t.RootName() || env.Issuer == i.t.Publication.Name
	switch {
	case err == nil:
		return StandingAuthorised, ""
	case errors.As(err, &other):
		return StandingElsewhere, err.Error()
	case why != nil && !own:
		return StandingUnproved, why.Error()
	case as[env.Issuer].Unknown() != nil:
		return StandingUnproved, as[env.Issuer].Unknown().Error()
	}
	return StandingNot, err.Error()
}
