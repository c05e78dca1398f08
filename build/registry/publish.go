package registry

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"stele/build/index"
	"stele/build/ledger"
	"stele/build/storage"
	"stele/proofs"
)

// clockSlack is how far the clock may run behind the last publication, in seconds, for
// the next one to be given the second after it. Beyond that the clock is wrong.
const clockSlack = 60

// A Publication is what Publish has published.
type Publication struct {
	Number      uint64            // of the index statement
	Checkpoint  proofs.Checkpoint // size and root
	Time        int64             // of the signatures, seconds
	Added       int               // statements that were not published before
	Heartbeat   bool              // nothing new: the same tree, signed again
	Keys        uint64            // documents in the index
	Refused     []Refusal         // statements that the rules keep out of the ledger
	RefusedFile string            // where they are kept; empty if there are none
}

// A Refusal is a pending statement that was not taken.
type Refusal struct {
	Entry []byte
	Why   error
}

// publisher is one run of Publish. Its methods are the stages, in order.
type publisher struct {
	*Registry
	ctx    context.Context
	log    *ledger.Log
	now    int64              // the clock, not before the last signature
	last   int64              // time of the last signature before the run; 0 if there is none
	signed *proofs.Checkpoint // the last one signed, nil before the first
	note   []byte             // its bytes
	public uint64             // size of the published checkpoint; 0 if there is none
	before uint64             // the same when the run began
	heal   bool               // the public folder is not as the last publication left it
	edges  uint64             // up to this size, the partial tiles of all checkpoints are there

	ix         *index.Ledger
	superseded []proofs.Hash // index files to which nothing refers after this publication
	strays     bool          // an earlier run was broken off, or what it knew is lost: index files may lie about

	app   *ledger.Appender
	queue []storage.Batch
	out   Publication
}

// Publish takes everything pending into the ledger, updates the index, signs and writes. With nothing new it
// signs the same tree again: the heartbeat that freshness rests on. Another publisher is waited for.
func (r *Registry) Publish(ctx context.Context) (*Publication, error) {
	l, err := r.lock(ctx, lockPublish)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return r.publish(ctx)
}

// PublishDue is Publish for one of several machines that publish on the same schedule: where another is publishing, or has
// published less than an interval ago, it returns nil.
func (r *Registry) PublishDue(ctx context.Context, interval time.Duration) (*Publication, error) {
	l, err := r.at.TryLock(lockPublish)
	if errors.Is(err, storage.ErrLocked) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	_, note, err := r.signed()
	if err != nil {
		return nil, err
	}
	if _, last, err := proofs.ParseCheckpoint(note); err == nil {
		since := r.Now().Sub(time.Unix(last.NewestTime(), 0))
		b, _ := r.at.Public.Read(checkpointPath)
		// What was signed and not written is finished at once. A clock that has gone back is for publish to tell.
		if since < interval && since >= -clockSlack*time.Second && bytes.Equal(b, note) {
			return nil, nil
		}
	}
	return r.publish(ctx)
}

// publish is one run. The caller holds the publisher's lock.
func (r *Registry) publish(ctx context.Context) (*Publication, error) {
	r.at.Public.Sync() // what a run that failed has left under way: its errors are not this one's
	p := &publisher{Registry: r, ctx: ctx, log: r.log(), now: r.Now().Unix()}
	return p.run()
}

func (p *publisher) run() (*Publication, error) {
	for _, stage := range []struct {
		name string
		do   func() error
	}{
		{"comparing what is here with what was signed last", p.reload},
		{"opening the ledger", p.open},
		{"finishing what an earlier run has left", p.catchUp},
		{"putting what is pending into ledger and index", p.takeQueue},
		{"checking the ledger and signing it", p.sign},
		{"writing what is published", p.release},
		{"clearing up", p.clean},
	} {
		if err := p.ctx.Err(); err != nil {
			return nil, err
		}
		p.Stage(stage.name)
		if err := stage.do(); err != nil {
			return nil, err
		}
	}
	return &p.out, nil
}

// reload reads what was signed last and what is published, and compares the ledger's folder with it before anything
// is opened.
func (p *publisher) reload() error {
	var err error
	if p.signed, p.note, err = p.Registry.signed(); err != nil {
		return err
	}
	if p.signed != nil {
		if err := p.comparePublic(); err != nil {
			return err
		}
		if err := cmp.Or(p.log.Own(), p.log.Compare(*p.signed)); err != nil {
			return hint("restore the newest backup of the ledger; do not publish from an older one, it would fork the ledger", "%w", err)
		}
		if err := p.checkClock(); err != nil {
			return err
		}
	}
	return p.reloadIndex()
}

// comparePublic compares the published checkpoint with the last signed one. It may be older, after a crash or because
// the public folder was restored or deleted, and is then written again.
func (p *publisher) comparePublic() error {
	path := p.at.Public.Path(checkpointPath)
	b, err := p.at.Public.Read(checkpointPath)
	p.heal = !bytes.Equal(b, p.note)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		return nil // damaged: write everything again
	}
	if c.Size > p.signed.Size || c.Size == p.signed.Size && c.Root != p.signed.Root {
		return hint("restore state/ and ledger/ from the newest backup; if "+path+" is not this registry's, remove it",
			"%s has %d entries and root %s, but %s says that %d entries with root %s were signed last",
			path, c.Size, c.Root, p.at.State.Path(stateSigned), p.signed.Size, p.signed.Root)
	}
	p.public, p.before, p.edges = c.Size, c.Size, c.Size
	there, err := p.ledgerThere(c.Size)
	if !there {
		p.heal, p.public, p.edges = true, 0, 0
	}
	return err
}

// ledgerThere reports whether all tiles of a published size, and all that the history lists, are there. Bits that have changed
// are for an audit to find.
func (p *publisher) ledgerThere(size uint64) (bool, error) {
	there := map[string]bool{}
	err := p.at.Public.List("ledger/", func(name string, size int64) error { there[name] = size > 0; return nil })
	if err != nil {
		return false, err
	}
	for _, t := range proofs.TilesOf(0, size) {
		if !there["ledger/"+t.Path()] {
			return false, nil
		}
	}
	b, err := p.at.Public.Read(proofs.HistoryPath)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	lines, errList := proofs.ParseHistory(b)
	if err != nil || errList != nil {
		return true, nil // writeHistory refuses
	}
	return !slices.ContainsFunc(lines, func(l proofs.HistoryLine) bool { return !there[l.Path()] }), nil
}

// checkClock keeps the signatures' times from going back.
func (p *publisher) checkClock() error {
	_, note, err := proofs.ParseCheckpoint(p.note)
	if err != nil {
		return err
	}
	last := note.NewestTime()
	if last-p.now > clockSlack {
		return clockError(p.now, last)
	}
	p.now, p.last = max(p.now, last), last
	return nil
}

func clockError(now, last int64) error {
	return hint("set the clock of this machine, then publish again",
		"the clock says %d, the last publication was at %d: the clock has gone back", now, last)
}

// reloadIndex reads state/index. Where what it leads to is not all there, because the public folder was restored or
// deleted, it begins from nothing.
func (p *publisher) reloadIndex() error {
	state, err := p.loadState()
	behind := p.signed == nil || p.public < p.signed.Size
	gone := errors.Is(err, fs.ErrNotExist)
	if err == nil && state.Size > 0 && behind {
		there, err := p.allThere(state)
		if err != nil {
			return err
		}
		gone = !there
	}
	if behind && gone {
		state, err = index.Empty(), nil
	}
	if err != nil {
		return err
	}
	if p.strays, err = p.unfinished(); err != nil {
		return err
	}
	p.strays = p.strays || state.Size == 0 && p.signed != nil
	if p.ix, err = index.Open(p.Trust, p.store(), state); err != nil {
		return err
	}
	p.ix.Concurrency = p.at.AtOnce
	return p.checkState(state)
}

// allThere reports whether every index file that a state leads to is there.
func (p *publisher) allThere(s *index.State) (bool, error) {
	there := map[string]bool{}
	err := p.at.Public.List("index/", func(name string, size int64) error { there[name] = size > 0; return nil })
	if err != nil {
		return false, err
	}
	all := true
	err = index.Files(p.store(), s, func(h proofs.Hash) { all = all && there[proofs.IndexPath(h)] })
	if isOutage(err) { // to begin from nothing would take hours
		return false, err
	}
	return all && err == nil, nil
}

// checkState compares state/index with the last index statement in the ledger.
func (p *publisher) checkState(s *index.State) error {
	if s.Size == 0 {
		return nil
	}
	var x *proofs.Index
	err := p.log.Entries(s.Size-1, s.Size, func(_ uint64, e [][]byte) error { x = p.indexStatement(s.Size-1, e[0]); return nil })
	if err != nil {
		return hint("restore the newest backup of the ledger", "the ledger does not hold the %d entries that %s speaks of: %w",
			s.Size, p.at.State.Path(stateIndex), err)
	}
	if x == nil {
		return p.badState(fmt.Errorf("the ledger's entry at place %d is not an index statement", s.Size-1))
	}
	if err := p.matches(x); err != nil {
		return p.badState(err)
	}
	return nil
}

// indexStatement parses an entry that is an index statement, else returns nil.
func (p *publisher) indexStatement(place uint64, entry []byte) *proofs.Index {
	if !bytes.Contains(entry, []byte("\nindex\nissuer "+p.Trust.Publication.Name+"\n")) {
		return nil
	}
	e, err := p.Trust.Authorise(nil, place, entry)
	if err != nil || e.Statement == nil {
		return nil
	}
	return e.Statement.Index
}

// matches compares an index statement with the index just after it.
func (p *publisher) matches(x *proofs.Index) error {
	s, have := p.ix.State(), p.ix.Index()
	if x.Map != have.Map || x.Keys != have.Keys || x.IssuersRoot != have.IssuersRoot || x.Publication != s.Publication || x.Time != s.Time {
		return fmt.Errorf("index statement of publication %d: map %s of %d keys, but the index is at publication %d with map %s of %d keys",
			x.Publication, x.Map, x.Keys, s.Publication, have.Map, have.Keys)
	}
	return nil
}

// open opens the ledger for appending.
func (p *publisher) open() error {
	var err error
	if p.app, err = p.log.Open(p.ctx); err != nil {
		return err
	}
	want := p.ix.State().Size
	if p.signed != nil {
		want = max(want, p.signed.Size)
	}
	if p.app.Size() < want {
		return hint("restore the newest backup of the ledger", "%s: the ledger has %d entries, but there were %d: it has been rolled back",
			p.path("ledger"), p.app.Size(), want)
	}
	return nil
}

// catchUp finishes what an earlier run has left: entries in the ledger without an index statement after them, a
// publication that was not signed, or one that was not written. Then all that is in the ledger is in the index too.
func (p *publisher) catchUp() error {
	whole, err := p.takeTail()
	if err != nil {
		return err
	}
	if n := p.ix.State().Publication; p.signed == nil && n > 1 {
		return p.noMemory("%s is missing, but the ledger holds %d publications: refusing to sign", p.at.State.Path(stateSigned), n)
	}
	size := p.app.Size()
	if whole && size > 0 && (p.signed == nil || p.signed.Size < size) {
		if err := p.sign(); err != nil {
			return err
		}
	}
	if p.signed != nil && p.public < p.signed.Size {
		if err := p.release(); err != nil {
			return err
		}
	}
	if whole {
		return nil
	}
	if err := p.appendIndex(); err != nil {
		return err
	}
	if err := p.sign(); err != nil {
		return err
	}
	return p.release()
}

// takeTail reads the entries that the state does not know, and reports whether they end a publication.
func (p *publisher) takeTail() (whole bool, err error) {
	known, size := p.ix.State().Size, p.app.Size()
	if known == size {
		return true, nil
	}
	if err := p.begin(); err != nil {
		return false, err
	}
	var last *proofs.Index // the last index statement that holds
	err = p.log.Entries(known, size, func(first uint64, entries [][]byte) error {
		from := 0
		for i, e := range entries {
			x := p.indexStatement(first+uint64(i), e)
			if x == nil || x.Covers != first+uint64(i) { // one that another publisher, fenced off, has got in too late holds nothing
				continue
			}
			p.ix.Add(entries[from:i]...)
			bridge := p.ix.State().SHA3.Root()
			p.ix.Add(e)
			from = i + 1
			if p.ix.State().Publication != x.Publication || x.TreeSHA3 != bridge {
				return fmt.Errorf("index statement of publication %d at place %d: does not hold", x.Publication, x.Covers)
			}
			last = x
		}
		p.ix.Add(entries[from:]...)
		whole = from == len(entries)
		return nil
	})
	if err != nil {
		return false, err
	}
	if last != nil {
		err = p.settle(last)
	}
	if err == nil && whole {
		err = p.keepIndex()
	}
	return whole, err
}

// settle makes the index of the last publication in the ledger.
func (p *publisher) settle(last *proofs.Index) error {
	if err := p.ix.Settle(); err != nil {
		return p.badState(err)
	}
	p.superseded = append(p.superseded, p.ix.Superseded...)
	if err := p.matches(last); err != nil {
		return hint("stele audit --registry "+p.Dir, "the index made from the ledger is not the one committed to: %w", err)
	}
	return nil
}

// takeQueue sequences what is pending, and appends the index statement as the last entry. Nothing to
// do leaves the tree as it is.
func (p *publisher) takeQueue() error {
	if err := p.readQueue(); err != nil {
		return err
	}
	if p.public > p.before { // what an earlier run has begun; its last entry is the index statement
		p.out.Added = int(p.public - p.before - 1)
	}
	added := 0
	err := p.sequence(func(entries []*proofs.Entry, inPlace bool) error {
		added += len(entries)
		return p.append(entries, inPlace)
	})
	if err != nil {
		return err
	}
	p.out.Added += added
	if added == 0 && p.signed != nil {
		p.out.Heartbeat = p.public == p.before
		return nil
	}
	return p.appendIndex()
}

func (p *publisher) readQueue() error {
	var err error
	p.queue, err = p.pending(storage.Unknown)
	return err
}

// append puts entries into the ledger and the index, in order. inPlace says that they were authorised at the very places that
// they get.
func (p *publisher) append(entries []*proofs.Entry, inPlace bool) error {
	if len(entries) == 0 {
		return nil
	}
	raw := make([][]byte, len(entries))
	for i, e := range entries {
		raw[i] = e.Bytes
	}
	return p.step(p.path("ledger"), func() error {
		if err := p.app.Append(p.ctx, raw); err != nil {
			return err
		}
		if inPlace {
			return p.ix.AddAuthorised(entries)
		}
		p.ix.Add(raw...)
		return nil
	})
}

// appendIndex updates the map and commits to it. The statement must get place N, after exactly the N
// entries that it covers.
func (p *publisher) appendIndex() error {
	time, err := p.nextTime()
	if err != nil {
		return err
	}
	if err := p.begin(); err != nil {
		return err
	}
	x, err := p.ix.Prepare(time)
	if err != nil {
		return p.badState(err)
	}
	p.superseded = append(p.superseded, p.ix.Superseded...)
	if x.Tree, err = p.log.Root(x.Covers); err != nil {
		return err
	}
	signer, err := p.Keys.Signer(keyPublication)
	if err != nil {
		return err
	}
	s := &proofs.Statement{Registry: p.Trust.Origin, Action: proofs.ActionIndex, Issuer: p.Trust.Publication.Name, Index: x}
	note, err := proofs.SignNote(s.Text(), signer)
	if err != nil {
		return err
	}
	e, err := p.Trust.Authorise(nil, x.Covers, note.Marshal())
	if err != nil {
		return fmt.Errorf("key %q is not the trust file's publication key: %w", keyPublication, err)
	}
	if err := p.append([]*proofs.Entry{e}, true); err != nil {
		return err
	}
	if size := p.ix.State().Size; size != x.Covers+1 || p.app.Size() != size {
		return fmt.Errorf("index statement: at place %d, want %d: not publishing", p.app.Size()-1, x.Covers)
	}
	return p.keepIndex()
}

// nextTime is the time of the next index statement: later than the last one's.
func (p *publisher) nextTime() (int64, error) {
	last := p.ix.State().Time
	if p.now > last {
		return p.now, nil
	}
	if last-p.now > clockSlack {
		return 0, clockError(p.now, last)
	}
	return last + 1, nil
}

// keepIndex makes the index files durable, then the state that leads to them, and remembers what they replace.
func (p *publisher) keepIndex() error {
	if err := p.sync(); err != nil {
		return err
	}
	if err := p.noteSuperseded(); err != nil {
		return err
	}
	return p.saveState()
}

// sign signs the ledger as it stands. The checkpoint is remembered before anybody sees it.
func (p *publisher) sign() error {
	size := p.ix.State().Size
	root, err := p.log.Root(size)
	if err != nil {
		return err
	}
	c := proofs.Checkpoint{Origin: p.Trust.Origin, Size: size, Root: root}
	if err := p.consistent(c); err != nil {
		return err
	}
	if err := p.log.Check(p.public, c); err != nil {
		return err
	}
	note, err := p.signCheckpoint(c)
	if err != nil {
		return err
	}
	if _, err := p.Trust.VerifyCheckpoint(note, p.now); err != nil {
		return fmt.Errorf("what was just signed does not satisfy the trust file: %w", err)
	}
	if err := p.replace(p.at.State, stateSigned, note); err != nil {
		return err
	}
	p.signed, p.note = &c, note
	return nil
}

// consistent: "A log MUST not sign any checkpoint which is inconsistent with any checkpoint it previously signed."
func (p *publisher) consistent(c proofs.Checkpoint) error {
	if p.signed == nil {
		return nil
	}
	proof, err := p.log.Nodes(c.Size).Consistency(p.signed.Size, c.Size)
	if err != nil {
		return err
	}
	return proofs.CheckConsistency(p.signed.Size, c.Size, p.signed.Root, c.Root, proof)
}

func (p *publisher) signCheckpoint(c proofs.Checkpoint) ([]byte, error) {
	ed, err := p.Keys.Signer(keyLog)
	if err != nil {
		return nil, err
	}
	pq, err := p.Keys.Signer(keyLogMLDSA)
	if err != nil {
		return nil, err
	}
	one, err := proofs.SignCheckpoint(ed, c)
	if err != nil {
		return nil, err
	}
	two, err := proofs.Cosign(pq, c, p.now)
	if err != nil {
		return nil, err
	}
	n := &proofs.Note{Text: c.Text(), Signatures: []proofs.Signature{one, two}}
	return n.Marshal(), nil
}

// release writes the publication: immutable files first, then history, then head, then checkpoint. A
// reader always finds what the head leads to.
func (p *publisher) release() error {
	if err := p.log.Publish(p.public, *p.signed, p.putTile); err != nil {
		return err
	}
	if err := p.writeTrust(); err != nil {
		return err
	}
	if err := p.sync(); err != nil {
		return err
	}
	if err := p.writeHistory(); err != nil {
		return err
	}
	if err := p.replace(p.at.Public, proofs.StatisticsPath, p.ix.State().Statistics.Marshal()); err != nil {
		return err
	}
	head, err := p.head()
	if err != nil {
		return err
	}
	if err := p.replace(p.at.Public, proofs.HeadPath, head); err != nil {
		return err
	}
	if err := p.replace(p.at.Public, checkpointPath, p.note); err != nil {
		return err
	}
	p.public = p.signed.Size
	state := p.ix.State()
	p.out.Number, p.out.Checkpoint, p.out.Time, p.out.Keys = state.Publication, *p.signed, p.now, state.Keys
	return nil
}

func (p *publisher) putTile(t proofs.Tile, b []byte) error { return p.put("ledger/"+t.Path(), b) }

// writeTrust publishes the trust file and its policy.
func (p *publisher) writeTrust() error {
	if err := p.put(fmt.Sprintf("trust/%d", p.Trust.Epoch), p.Trust.Marshal()); err != nil {
		return err
	}
	return p.put("policy", p.Trust.PolicyText)
}

// clean forgets what is published, and collects what nothing refers to any more.
func (p *publisher) clean() error {
	if err := p.keepRefused(); err != nil {
		return err
	}
	if err := p.dequeue(p.queue); err != nil {
		return err
	}
	return p.collect()
}

// keepRefused puts refused statements aside: nothing that was accepted once vanishes without a trace.
func (p *publisher) keepRefused() error {
	if len(p.out.Refused) == 0 {
		return nil
	}
	var b strings.Builder
	for i, f := range p.out.Refused {
		fmt.Fprintf(&b, "%s\n%s\n", f.Why, f.Entry)
		if b.Len() < partBytes && i < len(p.out.Refused)-1 {
			continue
		}
		name := fmt.Sprintf("refused/%d-%x", p.out.Checkpoint.Size, sha256.Sum256([]byte(b.String())))
		if err := p.replace(p.at.State, name, []byte(b.String())); err != nil {
			return err
		}
		p.out.RefusedFile = p.at.State.Path(name)
		b.Reset()
	}
	return nil
}
