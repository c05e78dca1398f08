package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"stele/build/durable"
	"stele/build/index"
	"stele/build/ledger"
	"stele/proofs"
)

// clockSlack is how far the clock may run behind the last publication, in seconds, for
// the next one to be given the second after it. Beyond that the clock is wrong.
const clockSlack = 60

// A Publication is what Publish has published.
type Publication struct {
	Number     uint64            // of the index statement
	Checkpoint proofs.Checkpoint // size and root
	Time       int64             // of the signatures, seconds
	Added      int               // statements taken from the queue
	Heartbeat  bool              // nothing new: the same tree, signed again
	Keys       uint64            // documents in the index
	Refused    []Refusal         // statements that the rules keep out of the ledger
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
	signed *proofs.Checkpoint // the last one signed, nil before the first
	note   []byte             // its bytes
	ix     *index.Ledger
	now    int64

	app   *ledger.Appender // nil until something has to be appended
	queue []queueFile
	out   Publication
}

// Publish takes everything pending into the ledger, updates the index, signs and writes. With nothing new it
// signs the same tree again: the heartbeat that freshness rests on. Another publisher is waited for.
func (r *Registry) Publish(ctx context.Context) (*Publication, error) {
	l, err := r.lock(lockPublish)
	if err != nil {
		return nil, err
	}
	defer l.Unlock()
	p := &publisher{Registry: r, ctx: ctx, log: r.log(), now: r.Now().Unix()}
	defer func() {
		if p.app != nil {
			p.app.Close()
		}
	}()
	return p.run()
}

func (p *publisher) run() (*Publication, error) {
	if err := p.reload(); err != nil {
		return nil, err
	}
	if err := p.catchUp(); err != nil {
		return nil, err
	}
	if err := p.takeQueue(); err != nil {
		return nil, err
	}
	if err := p.sign(); err != nil {
		return nil, err
	}
	if err := p.release(); err != nil {
		return nil, err
	}
	return &p.out, p.clean()
}

// reload reads what was signed last, and compares the ledger's folder with it before anything is opened.
func (p *publisher) reload() error {
	var err error
	if p.signed, p.note, err = p.Registry.signed(); err != nil {
		return err
	}
	if p.signed != nil {
		if err := p.log.Compare(*p.signed); err != nil {
			return hint("restore the newest backup of the ledger; do not publish from an older one, it would fork the ledger", "%w", err)
		}
	}
	state, err := p.loadState()
	if err != nil {
		return err
	}
	if p.ix, err = index.Open(p.Trust, p.store(), state); err != nil {
		return err
	}
	return p.checkState(state)
}

// checkState compares state/index with the last index statement in the ledger.
func (p *publisher) checkState(s *index.State) error {
	if s.Size == 0 {
		return nil
	}
	var last []byte
	err := p.log.Entries(s.Size-1, s.Size, func(_ uint64, e [][]byte) error { last = e[0]; return nil })
	if err != nil {
		return err
	}
	if err := p.matches(last, *s); err != nil {
		return p.badState(err)
	}
	return nil
}

// matches compares an index statement with the state just after it.
func (p *publisher) matches(entry []byte, s index.State) error {
	e, err := p.Trust.Authorise(nil, s.Size-1, entry)
	if err != nil {
		return err
	}
	if e.Statement == nil || e.Statement.Index == nil {
		return fmt.Errorf("the ledger's entry at place %d is not an index statement", s.Size-1)
	}
	x, have := e.Statement.Index, p.ix.Index()
	if x.Map != have.Map || x.Keys != have.Keys || x.IssuersRoot != have.IssuersRoot || x.Publication != s.Publication || x.Time != s.Time {
		return fmt.Errorf("index statement at place %d: map %s, want %s", s.Size-1, x.Map, have.Map)
	}
	return nil
}

// catchUp takes in what an earlier run has left: entries in the ledger that the state does not know, a
// publication that was not signed, or one that was not written.
func (p *publisher) catchUp() error {
	known := p.ix.State().Size
	size, err := p.integrated(known)
	if err != nil {
		return err
	}
	whole := true // the ledger ends with an index statement that the state agrees with
	if size > known {
		if whole, err = p.takeTail(known, size); err != nil {
			return err
		}
	}
	if size > 0 && whole && (p.signed == nil || p.signed.Size < size) {
		if err := p.sign(); err != nil {
			return err
		}
	}
	released, err := p.releasedSize()
	if err != nil || p.signed == nil || released >= p.signed.Size {
		return err
	}
	return p.release()
}

// takeTail reads entries that the state does not know and reports whether they end a publication.
func (p *publisher) takeTail(known, size uint64) (bool, error) {
	var last []byte
	err := p.log.Entries(known, size, func(_ uint64, entries [][]byte) error {
		p.ix.Add(entries...)
		last = entries[len(entries)-1]
		return nil
	})
	if err != nil || !p.endsWithIndex(last, size) {
		return false, err
	}
	return true, p.settle(last)
}

// settle finishes the index of a publication whose statement is in the ledger already.
func (p *publisher) settle(last []byte) error {
	if err := p.ix.Settle(); err != nil {
		return err
	}
	if err := p.matches(last, p.ix.State()); err != nil {
		return hint("stele audit --registry "+p.Dir, "the index made from the ledger is not the one committed to: %w", err)
	}
	return p.keepIndex()
}

// integrated is how many entries the ledger has. It is opened for appending, unless nothing can be new.
func (p *publisher) integrated(known uint64) (uint64, error) {
	if p.app == nil {
		app, err := p.log.Open(p.ctx)
		if err != nil {
			return 0, err
		}
		p.app = app
	}
	want := known
	if p.signed != nil {
		want = max(known, p.signed.Size)
	}
	if p.app.Size() < want {
		return 0, hint("restore the newest backup of the ledger", "the ledger has %d entries, but there were %d: it has been rolled back", p.app.Size(), want)
	}
	return p.app.Size(), nil
}

func (p *publisher) endsWithIndex(last []byte, size uint64) bool {
	e, err := p.Trust.Authorise(nil, size-1, last)
	return err == nil && e.Statement != nil && e.Statement.Index != nil && e.Statement.Index.Covers == size-1 &&
		p.ix.State().Publication == e.Statement.Index.Publication
}

// takeQueue sequences what is pending, and appends the index statement as the last entry. Nothing to
// do leaves the tree as it is.
func (p *publisher) takeQueue() error {
	if err := p.readQueue(); err != nil {
		return err
	}
	entries, err := p.sequence()
	if err != nil {
		return err
	}
	p.out.Added = len(entries)
	state := p.ix.State()
	if len(entries) == 0 && p.signed != nil && state.Size == p.signed.Size {
		p.out.Heartbeat = true
		return nil
	}
	if err := p.append(entries); err != nil {
		return err
	}
	return p.appendIndex()
}

func (p *publisher) readQueue() error {
	l, err := p.lock(lockPending)
	if err != nil {
		return err
	}
	defer l.Unlock()
	p.queue, err = p.pending()
	return err
}

// append puts entries into the ledger and the index, in order.
func (p *publisher) append(entries [][]byte) error {
	if len(entries) == 0 {
		return nil
	}
	if err := p.fault("before", "append"); err != nil {
		return err
	}
	if err := p.app.Append(p.ctx, entries); err != nil {
		return err
	}
	p.ix.Add(entries...)
	return p.fault("after", "append")
}

// appendIndex updates the map and commits to it. The statement must get place N, after exactly the N
// entries that it covers.
func (p *publisher) appendIndex() error {
	time, err := p.nextTime()
	if err != nil {
		return err
	}
	x, err := p.ix.Prepare(time)
	if err != nil {
		return err
	}
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
	if _, err := p.Trust.Authorise(nil, x.Covers, note.Marshal()); err != nil {
		return fmt.Errorf("key %q is not the trust file's publication key: %w", keyPublication, err)
	}
	if err := p.append([][]byte{note.Marshal()}); err != nil {
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
		return 0, hint("set the clock of this machine, then publish again",
			"the clock says %d, the last publication was at %d: the clock has gone back", p.now, last)
	}
	return last + 1, nil
}

// keepIndex makes the index files durable, then the state that leads to them, and remembers what they replace.
func (p *publisher) keepIndex() error {
	if err := p.fault("before", "index"); err != nil {
		return err
	}
	if err := durable.SyncTree(p.path("public")); err != nil {
		return err
	}
	if err := p.noteSuperseded(p.ix.Superseded); err != nil {
		return err
	}
	return p.saveState(p.ix.State())
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
	note, err := p.signCheckpoint(c)
	if err != nil {
		return err
	}
	if _, err := p.Trust.VerifyCheckpoint(note, p.now); err != nil {
		return fmt.Errorf("what was just signed does not satisfy the trust file: %w", err)
	}
	if err := p.write(p.path("state", "signed"), note); err != nil {
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
	public := func(elem ...string) string { return p.path(append([]string{"public", "ledger"}, elem...)...) }
	old, err := p.releasedSize()
	if err != nil {
		return err
	}
	if err := p.log.Publish(old, p.signed.Size, public(), func(path string) error { return p.fault("before", path) }); err != nil {
		return err
	}
	if err := durable.SyncTree(public()); err != nil {
		return err
	}
	if err := p.writeHistory(); err != nil {
		return err
	}
	head, err := p.head()
	if err != nil {
		return err
	}
	if err := p.write(public("head"), head); err != nil {
		return err
	}
	if err := p.writeTrust(); err != nil {
		return err
	}
	if err := p.write(public("checkpoint"), p.note); err != nil {
		return err
	}
	state := p.ix.State()
	p.out.Number, p.out.Checkpoint, p.out.Time, p.out.Keys = state.Publication, *p.signed, p.now, state.Keys
	return nil
}

// releasedSize is the size up to which tiles are in the public folder.
func (p *publisher) releasedSize() (uint64, error) {
	if p.signed == nil {
		return 0, nil
	}
	b, err := os.ReadFile(p.path("public", "ledger", "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	c, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		return 0, nil // damaged: write everything again
	}
	if c.Size > p.signed.Size {
		return 0, hint("restore state/ from the newest backup", "the published checkpoint has %d entries, the signed one %d", c.Size, p.signed.Size)
	}
	return c.Size, nil
}

// writeTrust publishes the trust file and its policy.
func (p *publisher) writeTrust() error {
	path := p.path("public", "trust", fmt.Sprint(p.Trust.Epoch))
	if err := durable.WriteOnce(path, p.Trust.Marshal()); err != nil {
		return err
	}
	return durable.WriteOnce(p.path("public", "policy"), p.Trust.PolicyText)
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
	for _, f := range p.out.Refused {
		fmt.Fprintf(&b, "%s\n%s\n", f.Why, f.Entry)
	}
	return p.write(p.path("state", "refused", fmt.Sprintf("%d", p.out.Checkpoint.Size)), []byte(b.String()))
}
