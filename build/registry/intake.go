package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stele/build/index"
	"stele/build/storage"
	"stele/proofs"
)

// An Intake takes signed statements from outside into the queue. It says at once what publication would refuse later, as
// far as that can be known; the publisher stays the judge. It is safe for concurrent use, and bears with others that
// work in the registry at the same time.
type Intake struct {
	// Committed is told of each durable write: how many statements it took and how long.
	Committed func(statements int, took time.Duration)

	r       *Registry
	limit   int
	reserve int

	jobs chan *intakeJob
	done chan struct{}
	seen atomic.Pointer[standing]

	mu      sync.Mutex // guards what follows
	trust   *proofs.Trust
	state   *index.State
	mark    []byte    // the published checkpoint: it changes with each publication
	again   time.Time // before that, it is not looked at again
	written uint64    // its size
	unread  bool      // the state is to be read again; so it stays until that has succeeded
	unseen  bool      // and who may say what
	batches map[string][]*held
	next    uint64 // number of the next queued statement
	byID    map[proofs.Hash]*held
	bad     int // of these, bad news
	byKey   map[proofs.Hash][]*held
	late    [2]map[proofs.Hash]string // selectors of statements that have left the queue, of late and before
	read    map[string]bool           // files of state/refused
	refused map[proofs.Hash]*Outcome
}

// standing is who may say what once everything in the queue is published. It is not changed once it is seen.
type standing struct {
	trust   *proofs.Trust
	as      proofs.Authorities
	version int
}

// held is a statement in the queue.
type held struct {
	number   uint64 // ascending through the queue
	id       proofs.Hash
	selector string
	root     bool // the root's, so that it changes who may say what
	bad      bool // bad news
	entry    []byte
}

// The states of an Outcome.
const (
	Pending   = "pending"   // durable in the queue
	Published = "published" // in the ledger, and that is written
	Refused   = "refused"
	Deferred  = "deferred" // not taken, the queue is full
)

// An Outcome is what has become of a statement.
type Outcome struct {
	Statement proofs.Hash // its identity
	State     string
	Code      string // why it is refused
	Reason    string
	Action    string
	Issuer    string
	Subject   string
	Place     uint64 // if it is published
	Published int64
	Known     bool // it was there before: whoever has a statement can send it again, its issuer or not
}

// lateStatements is how many statements the intake remembers the subjects of after their publication, at least.
const lateStatements = 100_000

// gatherFor is how long the writer waits for more before it syncs.
const (
	gatherFor  = 2 * time.Millisecond
	gatherMost = time.Second
)

// NewIntake opens the intake of a queue of at most limit statements. A tenth more is kept for revoke, suspend and withdraw.
func (r *Registry) NewIntake(limit int) (*Intake, error) {
	in := &Intake{r: r, trust: r.Trust, limit: limit, reserve: limit/10 + 1, Committed: func(int, time.Duration) {},
		jobs: make(chan *intakeJob, 64), done: make(chan struct{}), next: 1,
		batches: map[string][]*held{}, byID: map[proofs.Hash]*held{}, byKey: map[proofs.Hash][]*held{},
		late: [2]map[proofs.Hash]string{{}, {}}, read: map[string]bool{}, refused: map[proofs.Hash]*Outcome{}}
	if err := in.Refresh(); err != nil {
		return nil, err
	}
	go in.write()
	return in, nil
}

// Close ends the intake once all that was handed in is answered. Nothing is handed in after it.
func (in *Intake) Close() {
	close(in.jobs)
	<-in.done
}

// Pending is how many statements are in the queue, and how many may be.
func (in *Intake) Pending() (n, limit int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.byID), in.limit
}

// Refresh looks what others have queued and published.
func (in *Intake) Refresh() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.again = time.Time{}
	return in.refresh()
}

// refresh reads the queue before the state: a publication in between only moves statements from the one to the other.
func (in *Intake) refresh() error {
	left, roots, err := in.refreshQueue()
	if err != nil {
		return err
	}
	in.unread, in.unseen = in.unread || left, in.unseen || roots
	published, err := in.published(in.unread)
	if err != nil {
		return err
	}
	if published {
		in.unread, in.unseen = true, true
		if err := in.reload(); err != nil {
			return err
		}
		in.unread = false
	}
	if in.unseen {
		if err := in.see(); err != nil {
			return err
		}
		in.unseen = false
	}
	return nil
}

// published reports whether there has been a publication since the last look. Where looking is slow, it is not done all the
// time: that somebody has published shows in the queue too.
func (in *Intake) published(must bool) (bool, error) {
	began := time.Now()
	if !must && in.state != nil && began.Before(in.again) {
		return false, nil
	}
	b, err := in.r.at.Public.Read(checkpointPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	in.again = time.Now().Add(20 * time.Since(began))
	if in.state != nil && !must && bytes.Equal(b, in.mark) {
		return false, nil
	}
	in.mark = b
	return true, nil
}

// refreshQueue compares the queue with what is known of it, and reports whether something has left, and whether the root says
// something in what came.
func (in *Intake) refreshQueue() (left, roots bool, err error) {
	batches, err := in.r.pending(func(name string) bool { return in.batches[name] != nil })
	if err != nil {
		return false, false, err
	}
	here := make(map[string]bool, len(batches))
	for _, b := range batches {
		here[b.Name] = true
	}
	for name := range in.batches {
		if !here[name] {
			in.drop(name)
			left = true
		}
	}
	for _, b := range batches {
		if in.batches[b.Name] == nil {
			roots = in.add(b) || roots
		}
	}
	return left, roots, nil
}

// add takes the statements of a batch into memory, and reports whether the root's are among them.
func (in *Intake) add(b storage.Batch) (roots bool) {
	all := make([]*held, 0, len(b.Entries)) // not nil: it is known
	for _, e := range b.Entries {
		q := &held{number: in.next, id: StatementID(e), entry: e}
		in.next++
		if _, env, err := proofs.ParseEntry(e); err == nil {
			q.selector, q.root, q.bad = env.Selector, env.Issuer == in.trust.RootName(), isBadNews(env.Action)
		}
		roots = roots || q.root
		if in.byID[q.id] == nil {
			in.byID[q.id] = q
			if q.bad {
				in.bad++
			}
		}
		key := proofs.KeyOf(q.selector)
		in.byKey[key] = append(in.byKey[key], q)
		all = append(all, q)
	}
	in.batches[b.Name] = all
	return roots
}

// drop forgets a batch that has left, and remembers of late what its statements were about.
func (in *Intake) drop(name string) {
	for _, q := range in.batches[name] {
		if in.byID[q.id] == q {
			delete(in.byID, q.id)
			if q.bad {
				in.bad--
			}
		}
		key := proofs.KeyOf(q.selector)
		if rest := slices.DeleteFunc(in.byKey[key], func(o *held) bool { return o == q }); len(rest) > 0 {
			in.byKey[key] = rest
		} else {
			delete(in.byKey, key)
		}
		if len(in.late[0]) >= lateStatements {
			in.late[1], in.late[0] = in.late[0], map[proofs.Hash]string{}
		}
		in.late[0][q.id] = q.selector
	}
	delete(in.batches, name)
}

// reload reads what the last publication has left: the index, how much of it is written, and what it refused.
func (in *Intake) reload() error {
	in.written = 0
	if in.mark != nil {
		c, _, err := proofs.ParseCheckpoint(in.mark)
		if err != nil {
			return fmt.Errorf("%s: %w", in.r.at.Public.Path(checkpointPath), err)
		}
		in.written = c.Size
	}
	now, err := in.r.current() // keys may have changed with the publication
	if err != nil {
		return err
	}
	in.trust = now.Trust
	state, err := in.r.lastState()
	if err != nil {
		return err
	}
	if state.Size < in.written {
		return hint("restore state/ from the newest backup", "%s speaks of %d entries, but %d are published",
			in.r.at.State.Path(stateIndex), state.Size, in.written)
	}
	in.state = state
	aside, err := in.r.readRefused(in.read)
	for _, a := range aside {
		o := outcomeOf(StatementID(a.entry), a.entry)
		o.State, o.Code, o.Reason = Refused, CodePublication, a.why
		in.refused[o.Statement] = &o
	}
	return err
}

// see goes through what the root says in the queue.
func (in *Intake) see() error {
	as, err := in.state.ReadAuthorities(in.trust)
	if err != nil {
		return err
	}
	for _, q := range in.inOrder() {
		if q.root {
			if e, err := in.trust.Authorise(as, in.place(q), q.entry); err == nil {
				as.Apply(e)
			}
		}
	}
	version := 1
	if was := in.seen.Load(); was != nil {
		version = was.version + 1
	}
	in.seen.Store(&standing{in.trust, as, version})
	return nil
}

func (in *Intake) inOrder() []*held {
	var all []*held
	for _, f := range in.batches {
		all = append(all, f...)
	}
	slices.SortFunc(all, func(a, b *held) int { return int(a.number) - int(b.number) })
	return all
}

// place is where a queued statement might come to stand: only the order matters.
func (in *Intake) place(q *held) uint64 { return in.state.Size + q.number }

// outcomeOf describes a statement.
func outcomeOf(id proofs.Hash, entry []byte) Outcome {
	o := Outcome{Statement: id}
	if _, env, err := proofs.ParseEntry(entry); err == nil {
		o.Action, o.Issuer, o.Subject = env.Action, env.Issuer, env.Selector
	}
	return o
}

// A Checked is a statement whose signature has been looked at.
type Checked struct {
	Outcome
	Err error // why it is refused; nil as yet

	raw     []byte
	entry   *proofs.Entry
	version int // of the standing that it was checked by
}

// everyPlace is beyond all places: what stands there stands at the end of the queue.
const everyPlace = 1<<63 - 1

// reasonOf leaves out at which place a statement was looked at: it has none yet.
func reasonOf(err error) string {
	return strings.ReplaceAll(err.Error(), fmt.Sprint(" at place ", everyPlace), "")
}

// Check verifies statements on all processors, against the keys that stand once all in the queue is published.
func (in *Intake) Check(entries [][]byte) []*Checked {
	seen := in.seen.Load()
	out := make([]*Checked, len(entries))
	index.Authorise(seen.trust, seen.as, everyPlace, entries, func(i int, e *proofs.Entry, err error) bool {
		out[i] = in.checked(seen, entries[i], e, err)
		return false // what is not in the queue yet changes nothing for those after it
	})
	return out
}

// checked is the outcome of a statement's authorisation.
func (in *Intake) checked(seen *standing, raw []byte, e *proofs.Entry, err error) *Checked {
	c := &Checked{Err: err, raw: raw, entry: e, version: seen.version}
	switch {
	case e == nil || err != nil:
		c.Outcome, c.entry = outcomeOf(StatementID(raw), raw), nil
		return c
	case e.Statement == nil:
		c.Err = &RefusedError{CodeNotUnderstood, e.Why}
	default:
		c.Err = in.mayRegister(e.Statement)
	}
	c.Outcome = Outcome{Statement: sha256.Sum256([]byte(e.Note.Text)), Action: e.Envelope.Action, Issuer: e.Envelope.Issuer, Subject: e.Envelope.Selector}
	return c
}

// mayRegister is what a registrar's tool must look to, and no verifier does.
func (in *Intake) mayRegister(s *proofs.Statement) error {
	tomorrow := in.r.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	if s.Action != proofs.ActionRegister {
		return nil
	}
	if err := CheckKind(s.Kind); err != nil && !s.Document.Sealed {
		return &RefusedError{CodeSensitive, err}
	}
	if s.Issued > tomorrow {
		return refuse(CodeMisdated, "issued %s, but today is %s by the registry's clock", s.Issued, in.r.Now().UTC().Format(time.DateOnly))
	}
	return nil
}

// An intakeJob is one caller's statements on their way to the writer.
type intakeJob struct {
	checked []*Checked
	err     error
	done    chan struct{}
}

// Take puts what was checked into the queue, and tells each one's outcome, in order. What is told as pending is durable.
// On an error, nothing is told and nothing is promised.
func (in *Intake) Take(ctx context.Context, checked []*Checked) ([]Outcome, error) {
	j := &intakeJob{checked: checked, done: make(chan struct{})}
	select {
	case in.jobs <- j:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if j.err != nil {
		return nil, j.err
	}
	out := make([]Outcome, len(checked))
	for i, c := range checked {
		if out[i] = c.Outcome; c.Err != nil {
			out[i].State, out[i].Code, out[i].Reason = Refused, codeOf(c.Err), reasonOf(c.Err)
		}
	}
	return out, nil
}

// write is the one writer: what has come within a few milliseconds goes into one file with one sync.
func (in *Intake) write() {
	defer close(in.done)
	for j := range in.jobs {
		batch := in.gather(j)
		err := in.commit(batch)
		for _, j := range batch {
			j.err = err
			close(j.done)
		}
	}
}

func (in *Intake) gather(first *intakeJob) []*intakeJob {
	batch, n := []*intakeJob{first}, len(first.checked)
	enough := time.After(in.gatherTime())
	for n < enqueueEvery {
		select {
		case j, ok := <-in.jobs:
			if !ok {
				return batch
			}
			batch, n = append(batch, j), n+len(j.checked)
		case <-enough:
			return batch
		}
	}
	return batch
}

// gatherTime grows with the queue's batches: to look through their names takes its time with each write, and the more wait, the
// less it matters how soon one more is among them.
func (in *Intake) gatherTime() time.Duration {
	in.mu.Lock()
	defer in.mu.Unlock()
	return min(gatherFor+time.Duration(len(in.batches))*10*time.Microsecond, gatherMost)
}

// commit decides about the statements of some callers, and makes durable what is taken.
func (in *Intake) commit(batch []*intakeJob) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.refresh(); err != nil {
		return err
	}
	var checked []*Checked
	for _, j := range batch {
		checked = append(checked, j.checked...)
	}
	v, err := in.vetter(checked)
	if err != nil {
		return err
	}
	return in.enqueue(in.decide(v, checked))
}

// enqueue writes what is taken. What could not be written is not taken, and is looked for at the next refresh.
func (in *Intake) enqueue(taken [][]byte) error {
	if len(taken) == 0 {
		return nil
	}
	began := time.Now()
	if err := in.r.enqueue(taken); err != nil {
		return err
	}
	in.Committed(len(taken), time.Since(began))
	return in.refresh()
}

// vetter tries statements against what the index and the queue hold.
func (in *Intake) vetter(checked []*Checked) (*vetter, error) {
	seen := in.seen.Load()
	as := seen.as
	var entries [][]byte
	rooted := false
	for _, c := range checked {
		if c.version != seen.version { // who may say what has changed meanwhile
			e, err := seen.trust.Authorise(seen.as, everyPlace, c.raw)
			*c = *in.checked(seen, c.raw, e, err)
		}
		if c.Err == nil {
			entries = append(entries, c.raw)
			rooted = rooted || c.entry.Envelope.Issuer == in.trust.RootName()
		}
	}
	if rooted {
		as = as.Clone()
	}
	v := in.r.newVetter(saved{in.state, in.r.store()}, in.state.Size+in.next, as)
	v.trust = in.trust
	if err := v.loadRecords(entries); err != nil {
		return nil, in.r.notWhole(err)
	}
	for _, c := range checked {
		if c.Err != nil {
			continue
		}
		in.addQueued(v, proofs.KeyOf(c.Subject))
		if s := c.entry.Statement.Successor; s != nil {
			in.addQueued(v, s.Key())
		}
	}
	return v, nil
}

// saved is the index as the last publication has left it. Its files are not hashed again: Publish checks.
type saved struct {
	*index.State
	store index.Store
}

func (s saved) Finder() *index.Finder { return index.NewUncheckedFinder(s.store, s.RootTile) }

// addQueued adds what the queue holds for a key to its record, once.
func (in *Intake) addQueued(v *vetter, key proofs.Hash) {
	have := v.records[key]
	if n := len(have); n > 0 && have[n-1].Place > in.state.Size {
		return
	}
	for _, q := range in.byKey[key] {
		e, err := in.trust.Authorise(v.as, in.place(q), q.entry)
		if err == nil && !v.isThere(e, q.entry) {
			v.records[key] = append(v.records[key], proofs.RecordEntry{Place: e.Place, Bytes: e.Bytes})
		}
	}
}

// decide tells the outcome of each statement, and returns those to be queued.
func (in *Intake) decide(v *vetter, checked []*Checked) (taken [][]byte) {
	same, bad := map[proofs.Hash]*Checked{}, 0
	for _, c := range checked {
		if c.Err != nil {
			continue
		}
		if o := same[c.Statement]; o != nil {
			c.Outcome, c.Err = o.Outcome, o.Err
			c.Known = true
			continue
		}
		same[c.Statement] = c
		if c.Known = in.known(v, c); c.Known {
			continue
		}
		if !in.room(c.Action, len(taken), bad) {
			c.State = Deferred
			continue
		}
		if c.Err = v.vet(c.entry); c.Err == nil {
			c.State = Pending
			taken = append(taken, c.raw)
			if isBadNews(c.Action) {
				bad++
			}
		}
	}
	return taken
}

// known tells of a statement that is in the queue or in the ledger already.
func (in *Intake) known(v *vetter, c *Checked) bool {
	if in.byID[c.Statement] != nil {
		c.State = Pending
		return true
	}
	for _, e := range v.record(proofs.KeyOf(c.Subject)) {
		if e.Note.Text == c.entry.Note.Text && e.Place < in.state.Size {
			tellPublished(&c.Outcome, in.written, e.Place, e.Published)
			return true
		}
	}
	return false
}

// tellPublished tells of a statement in the index. Until the checkpoint that covers it is written, it is pending.
func tellPublished(o *Outcome, written, place uint64, at int64) {
	if o.State = Pending; place < written {
		o.State, o.Place, o.Published = Published, place, at
	}
}

// room keeps a reserve for bad news: a queue full of registrations must not keep a revocation out, nor a list of a million that
// somebody has put there past the intake.
func (in *Intake) room(action string, taken, bad int) bool {
	n := len(in.byID) + taken
	return n < in.limit || isBadNews(action) && (n < in.limit+in.reserve || in.bad+bad < in.reserve)
}

func isBadNews(action string) bool {
	return action == proofs.ActionRevoke || action == proofs.ActionSuspend || action == proofs.ActionWithdraw
}

// Find tells what has become of a statement, by its identity and, if that is known, what it is about.
func (in *Intake) Find(id proofs.Hash, selector string) (Outcome, bool, error) {
	q, refused, at, selectors, err := in.look(id)
	switch {
	case err != nil:
		return Outcome{}, false, err
	case q != nil:
		o := outcomeOf(id, q.entry)
		o.State = Pending
		return o, true, nil
	}
	for _, s := range append([]string{selector}, selectors...) {
		if s == "" {
			continue
		}
		if o, ok, err := in.find(at, id, s); ok || err != nil {
			return o, ok, err
		}
	}
	if refused != nil {
		return *refused, true, nil
	}
	return Outcome{}, false, nil
}

// look is what is in memory about a statement. The index is read afterwards: whoever asks must not keep the writer waiting.
func (in *Intake) look(id proofs.Hash) (q *held, refused *Outcome, at asOf, selectors []string, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.refresh(); err != nil { // others may have queued or published it
		return nil, nil, at, nil, err
	}
	refused = in.refused[id]
	return in.byID[id], refused, asOf{in.state, in.written}, []string{in.late[0][id], in.late[1][id], subjectOf(refused)}, nil
}

// asOf is the index at one look, which does not change, and how much of it is published.
type asOf struct {
	state *index.State
	size  uint64
}

func subjectOf(o *Outcome) string {
	if o == nil {
		return ""
	}
	return o.Subject
}

// find looks a statement up in the index.
func (in *Intake) find(at asOf, id proofs.Hash, selector string) (Outcome, bool, error) {
	entries, err := in.recordOf(at.state, selector)
	if err != nil {
		return Outcome{}, false, in.r.notWhole(err)
	}
	for _, e := range entries {
		if StatementID(e.Bytes) == id && e.Envelope.Selector == selector {
			o := outcomeOf(id, e.Bytes)
			tellPublished(&o, at.size, e.Place, e.Published)
			return o, true, nil
		}
	}
	return Outcome{}, false, nil
}

// recordOf is what the index holds for a selector.
func (in *Intake) recordOf(state *index.State, selector string) ([]*proofs.Entry, error) {
	key, from := proofs.KeyOf(selector), saved{state, in.r.store()}
	rec, ok := from.FindIssuer(key)
	if !ok && state.Keys > 0 {
		var err error
		if rec, ok, err = from.Finder().Find(key); err != nil {
			return nil, err
		}
	}
	if !ok {
		return nil, nil
	}
	return index.Entries(rec)
}

// Registered is the pair of digests by which a document was registered first, for those who do not have the document.
func (in *Intake) Registered(selector string) (*proofs.Digests, error) {
	in.mu.Lock()
	state := in.state
	in.mu.Unlock()
	entries, err := in.recordOf(state, selector)
	for _, e := range entries {
		if s := e.Statement; s != nil && s.Action == proofs.ActionRegister && s.Document.Selector() == selector {
			return &s.Document.Digests, nil
		}
	}
	return nil, err
}

// Genuine reports whether a statement was signed by who may say it, whatever else is wrong with it.
func (c *Checked) Genuine() bool { return c.entry != nil }
