package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stele/build/durable"
	"stele/build/intake"
	"stele/build/issuer"
	"stele/build/keys"
	"stele/build/registry"
	"stele/proofs"
)

// A submission is one run of submit: statements on their way to a registry elsewhere.
type submission struct {
	c       *cli
	to      string
	policy  string
	keysDir string
	out     string
	wait    time.Duration
	noWait  bool
	req     registry.Request
	w       wish // of a later statement about documents

	trust  *proofs.Trust
	client *intake.Client
	desk   *intake.Desk
	all    []*submitted
}

// A submitted is one statement of a submission, or a file that none could be made for.
type submitted struct {
	file    string // or what else it was named by
	entry   []byte
	id      proofs.Hash
	state   string // of an intake.Outcome, or already, failed
	code    string
	why     string
	place   *uint64
	receipt string // where it was written
	proved  bool
	hint    string

	statement *proofs.Statement
}

// The states of a submitted that no outcome has.
const (
	submitAlready = "already" // this issuer has registered it before, with another statement
	submitFailed  = "failed"
)

// submitReady is the action for statements that are signed already.
const submitReady = "statement"

// submitActions are what can be submitted.
var submitActions = []string{proofs.ActionRegister, proofs.ActionRevoke, proofs.ActionSuspend, proofs.ActionRestore, proofs.ActionSupersede,
	proofs.ActionLink, submitReady}

const submitExample = "stele submit register FILE… --kind diploma --to https://registry.gov.example --keys KEYS --policy TRUST"

func runSubmit(c *cli) error {
	s := &submission{c: c}
	args, err := c.parse(s.flags)
	if err != nil {
		return err
	}
	if len(args) < 2 {
		return usage(submitExample, "submit takes an action and files")
	}
	if err := s.check(args[0], args[1:]); err != nil {
		return err
	}
	if err := s.open(); err != nil {
		return err
	}
	switch args[0] {
	case proofs.ActionRegister:
		err = s.signAll(args[1:])
	case submitReady:
		err = s.readAll(args[1:])
	default:
		err = s.sayAll(args[1:])
	}
	if err != nil {
		return err
	}
	return s.run()
}

func (s *submission) flags(f *flag.FlagSet) {
	f.StringVar(&s.to, "to", "", "address of the registry's daemon")
	f.StringVar(&s.policy, "policy", "", "the registry's trust file")
	f.StringVar(&s.keysDir, "keys", "keys", "the folder of the issuer's keys; what is signed is kept in its outbox/ until it is published")
	f.StringVar(&s.out, "out", "", "folder for the receipts (default: each beside its document)")
	f.DurationVar(&s.wait, "wait", 0, "how long to wait for publication, such as 1h (default: as long as it takes)")
	f.BoolVar(&s.noWait, "no-wait", false, "do not wait for publication; the same command later fetches the receipts")
	f.StringVar(&s.req.Issuer, "issuer", "", "the authority that issues them (default: the only one whose key is there)")
	f.StringVar(&s.req.Kind, "kind", "document", "what they are, one word such as diploma")
	f.StringVar(&s.req.Issued, "issued", "", "date of issue, YYYY-MM-DD (default: today)")
	f.StringVar(&s.req.Expires, "expires", "", "last day of validity, YYYY-MM-DD")
	f.StringVar(&s.w.reason, "reason", "", "of a later statement: why, in words that citizens read, for ever")
	f.BoolVar(&s.w.root, "root", false, "of a later statement: the registry's root says it")
	f.StringVar(&s.w.registrant, "registrant", "", "of a later statement: whose registration is meant, if several authorities have registered the document")
	f.StringVar(&s.w.relation, "relation", "", "of a link: what it tells of, one word such as amendment")
	f.StringVar(&s.w.target, "target", "", "of a link: the other document, a file, a receipt or a digest")
}

func (s *submission) check(action string, docs []string) error {
	issued := s.req.Issued
	if issued == "" {
		s.req.Issued = time.Now().Format(time.DateOnly)
	}
	err := checkRequest(s.req)
	s.req.Issued = issued
	switch {
	case !slices.Contains(submitActions, action):
		return usage(submitExample, "submit %s: want one of %s; statement is for what is signed already", shown(action), strings.Join(submitActions, ", "))
	case action == proofs.ActionSupersede && len(docs) != 2:
		return usage("stele submit supersede OLD NEW", "supersede takes two documents, the old one and the new one, got %d", len(docs))
	case s.to == "":
		return usage(submitExample, "--to is missing: the address of the registry's daemon")
	case !strings.HasPrefix(s.to, "http://") && !strings.HasPrefix(s.to, "https://"):
		return usage("such as --to https://registry.gov.example", "--to %s: want an address", shown(s.to))
	case s.policy == "":
		return usage(submitExample, "--policy is missing: the registry's trust file, against which receipts are checked")
	case s.wait < 0 || s.wait > 0 && s.noWait:
		return usage("--wait 1h, or --no-wait", "--wait %s and --no-wait: want one of them, and no time less than 0", s.wait)
	case s.out != "" && !exists(s.out):
		return usage("mkdir -p "+shell(s.out), "there is no folder %s to write the receipts to", shown(s.out))
	}
	if err := checkKind(s.req.Kind); err != nil {
		return err
	}
	if s.w.action, s.w.issuer = action, s.req.Issuer; err != nil || action == proofs.ActionRegister || action == submitReady {
		return err
	}
	if action == proofs.ActionLink {
		return s.w.checkLink(docs)
	}
	return s.w.check()
}

// open reads the trust file, and makes the client.
func (s *submission) open() error {
	k := &check{policy: s.policy}
	if err := k.openTrust(s.c, false); err != nil {
		return err
	}
	s.trust, s.client = k.trust, intake.NewClient(s.to)
	s.client.Waiting = func(why string, wait time.Duration) {
		s.c.note("waiting %s: %s", wait.Round(time.Second), plain(errors.New(oneLine(why))))
	}
	var err error
	s.desk, err = intake.NewDesk(s.trust, s.client)
	return err
}

// ring opens the folder of keys.
func (s *submission) ring() (*issuer.Ring, []keys.Info, error) {
	if !exists(s.keysDir) {
		return nil, nil, usage("name the folder with --keys, or make a key: stele key AUTHORITY --keys "+shell(s.keysDir), "there is no folder %s", shown(s.keysDir))
	}
	store, err := keys.Open(s.keysDir, s.c.passphrase())
	if err != nil {
		return nil, nil, err
	}
	store.AllowDemo = s.trust.Demo
	infos, err := store.List()
	if err != nil {
		return nil, nil, err
	}
	ring, err := issuer.OpenRing(store)
	return ring, infos, err
}

// signer unlocks the issuer's key: the newest that it is accredited with, or, since an accreditation may be pending, the newest.
func (s *submission) signer() (proofs.Signer, error) {
	ring, infos, err := s.ring()
	if err != nil {
		return nil, err
	}
	infos = slices.DeleteFunc(infos, func(i keys.Info) bool {
		return i.Role != keys.Issuer || !i.Private || s.req.Issuer != "" && i.Key.Name != s.req.Issuer
	})
	switch {
	case len(infos) == 0 && s.req.Issuer != "":
		return nil, usage("name the folder with --keys", "%s holds no key of %s", shown(s.keysDir), s.req.Issuer)
	case len(infos) == 0:
		return nil, usage("name the folder with --keys; stele key AUTHORITY makes one", "%s holds no issuer's key", shown(s.keysDir))
	}
	for _, i := range infos {
		if s.req.Issuer != "" && i.Key.Name != s.req.Issuer {
			return nil, usage("add --issuer "+i.Key.Name, "%s holds the keys of several issuers, say which", shown(s.keysDir))
		}
		s.req.Issuer = i.Key.Name
	}
	as, _, err := s.desk.Authorities(s.c.ctx)
	if err != nil {
		return nil, s.unreached(err)
	}
	if signer, err := ring.Signer(s.req.Issuer, as[s.req.Issuer].Stands()); err == nil {
		return signer, nil
	}
	return ring.Signer(s.req.Issuer, &proofs.Statement{Keys: ring.Keys(s.req.Issuer)})
}

// sayAll signs a later statement about each document, or finds the one that an earlier run has signed.
func (s *submission) sayAll(docs []string) error {
	ring, _, err := s.ring()
	if err != nil {
		return err
	}
	box, err := openOutbox(s.keysDir)
	if err != nil {
		return err
	}
	defer box.unlock()
	s.desk.Own(box.all)
	at := &counter{s.desk, ring, s.desk.Portal()}
	clerk, err := issuer.Begin(s.c.ctx, at.desk, at.ring)
	if err != nil {
		return s.unreached(err)
	}
	second := s.w.target
	if s.w.action == proofs.ActionSupersede {
		docs, second = docs[:1], docs[1]
	}
	var fresh [][]byte
	for _, doc := range docs {
		m := &submitted{file: doc}
		s.all = append(s.all, m)
		err := s.say(m, at, clerk, box, second)
		var refusal *issuer.Refusal
		switch {
		case errors.As(err, &refusal), err != nil && s.c.ctx.Err() == nil && notAFile(doc) != nil:
			m.state, m.code, m.why = submitFailed, "", about(doc, err)
			if refusal != nil {
				m.code = string(refusal.Code)
				m.hint = s.elsewhere(s.c.lifeHint(s.w.action, ask{name: doc, second: second}, err))
			}
		case err != nil:
			return s.unreached(err)
		case !box.holds(m.id):
			fresh = append(fresh, m.entry)
		}
	}
	return box.put(fresh)
}

// atRegistry finds the commands in a hint that submit has for a registry elsewhere.
var atRegistry = regexp.MustCompile(`\bstele (register|revoke|suspend|restore|supersede|link)\b`)

// elsewhere turns the commands of a hint that is meant for a registry's own folder into those for this one.
func (s *submission) elsewhere(hint string) string {
	literal := func(text string) string { return strings.ReplaceAll(text, "$", "$$") }
	at := " --to " + shell(s.to) + " --keys " + shell(s.keysDir) + " --policy " + shell(s.policy)
	hint = atRegistry.ReplaceAllString(hint, "stele submit $1"+literal(at))
	return strings.ReplaceAll(hint, "stele verify", "stele verify --portal "+shell(s.to)+" --policy "+shell(s.policy))
}

// say makes the statement about one document.
func (s *submission) say(m *submitted, at *counter, clerk *issuer.Clerk, box *outbox, second string) error {
	d, err := s.c.draft(at, &s.w, m.file)
	if err != nil {
		return err
	}
	if second != "" {
		other, err := s.c.other(at, second)
		if err != nil {
			return err
		}
		if s.w.action == proofs.ActionSupersede {
			d.Successor = other
		} else {
			d.Target = other
		}
	}
	if old := box.says(s.trust.Origin, d); old != nil {
		stands, err := s.stands(old)
		if err != nil {
			return err
		}
		if stands {
			m.statement = old.statement
			m.set(old.entry)
			return nil
		}
	}
	said, err := clerk.Say(s.c.ctx, d)
	if err != nil {
		return err
	}
	if said.Note != "" {
		s.c.note("note: %s: %s", shown(m.file), said.Note)
	}
	m.statement = said.Entry.Statement
	m.set(said.Entry.Bytes)
	return nil
}

// stands tells whether what an earlier run has said is still the last word: if it is not, whoever says it again means it anew.
func (s *submission) stands(old *boxed) (bool, error) {
	if a := old.statement.Action; a == proofs.ActionRevoke || a == proofs.ActionLink {
		return true, nil
	}
	key := old.statement.Document.Key()
	entries, err := s.desk.Record(s.c.ctx, key)
	if err != nil {
		return false, err
	}
	as, _, err := s.desk.Authorities(s.c.ctx)
	if err != nil {
		return false, err
	}
	leaf := proofs.LeafHash(old.entry)
	return slices.ContainsFunc(proofs.Lives(s.trust, as, key, entries), func(l *proofs.Life) bool { return l.Latest() == leaf }), nil
}

// signAll signs a statement for each document, or finds the one that an earlier run has signed and not seen published:
// whatever happens, one document gets one statement. All are in the outbox before the first is sent.
func (s *submission) signAll(args []string) error {
	signer, err := s.signer()
	if err != nil {
		return err
	}
	found := s.c.documents(args, func(f registry.Registered) {
		s.all = append(s.all, &submitted{file: f.File, state: submitFailed, why: about(f.File, f.Err)})
	})
	box, err := openOutbox(s.keysDir)
	if err != nil {
		return err
	}
	defer box.unlock()
	made := make([]*submitted, len(found.Files))
	var next, read atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			buf := make([]byte, 1<<20)
			for i := int(next.Add(1)) - 1; i < len(made) && s.c.ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				d, err := registry.HashFile(s.c.ctx, found.Files[i], buf, func(n int) {
					s.c.bar.show("signing for %s, %s read", plural(len(made), "file", "files"), size(read.Add(int64(n))))
				})
				made[i] = s.sign(signer, box, found.Files[i], d, err)
			}
		})
	}
	wg.Wait()
	s.c.bar.clear()
	if err := s.c.ctx.Err(); err != nil {
		return err
	}
	return s.keep(box, made)
}

// sign makes the statement about one document.
func (s *submission) sign(signer proofs.Signer, box *outbox, file string, d proofs.Digests, err error) *submitted {
	m := &submitted{file: file}
	req := s.req
	if req.Issued == "" {
		req.Issued = time.Now().Format(time.DateOnly)
	}
	m.statement = &proofs.Statement{Registry: s.trust.Origin, Action: proofs.ActionRegister, Issuer: req.Issuer,
		Document: &proofs.Ref{Digests: d}, Kind: req.Kind, Issued: req.Issued, Expires: req.Expires}
	if err == nil {
		if old := box.registered(m.statement); old != nil {
			return s.again(m, old)
		}
		var note *proofs.Note
		if note, err = proofs.SignNote(m.statement.Text(), signer); err == nil {
			m.set(note.Marshal())
			return m
		}
	}
	m.statement, m.state, m.why = nil, submitFailed, about(file, err)
	return m
}

// again takes what an earlier run has signed about the document. It may be on its way: to say something else now is too late.
func (s *submission) again(m *submitted, old *boxed) *submitted {
	was, now := old.statement, m.statement
	if was.Kind != now.Kind || was.Expires != now.Expires || s.req.Issued != "" && was.Issued != now.Issued {
		m.state = submitFailed
		m.why = fmt.Sprintf("an earlier run has signed it as %s, issued %s, and it may be on its way: finish that with the same words first", was.Kind, was.Issued)
		m.statement = nil
		return m
	}
	m.statement = was
	m.set(old.entry)
	return m
}

func (m *submitted) set(entry []byte) { m.entry, m.id = entry, registry.StatementID(entry) }

// keep puts what is new into the outbox. A document that is there under two names has one statement.
func (s *submission) keep(box *outbox, made []*submitted) error {
	var fresh [][]byte
	seen := map[string]*submitted{}
	for _, m := range made {
		s.all = append(s.all, m)
		if m.entry == nil {
			continue
		}
		selector := m.statement.Document.Selector()
		if first := seen[selector]; first != nil {
			m.statement = first.statement
			m.set(first.entry)
			continue
		}
		seen[selector] = m
		if !box.holds(m.id) {
			fresh = append(fresh, m.entry)
		}
	}
	return box.put(fresh)
}

// readAll reads statements that are signed already.
func (s *submission) readAll(files []string) error {
	for _, file := range files {
		m := &submitted{file: file}
		s.all = append(s.all, m)
		b, whole, err := readUpTo(file, proofs.MaxStatement)
		if err == nil && !whole {
			err = fmt.Errorf("over %d bytes: no statement", proofs.MaxStatement)
		}
		var env *proofs.Envelope
		if err == nil {
			_, env, err = proofs.ParseEntry(b)
		}
		if err == nil {
			m.statement, err = env.Statement()
		}
		if err == nil && m.statement.Registry != s.trust.Origin {
			err = fmt.Errorf("a statement for the registry %s, want %s", m.statement.Registry, s.trust.Origin)
		}
		if err != nil {
			m.statement, m.state, m.why = nil, submitFailed, about(file, err)
			continue
		}
		m.set(b)
	}
	return nil
}

// run sends what is signed, waits until it is published, and proves it.
func (s *submission) run() error {
	ctx, cancel := s.c.ctx, context.CancelFunc(func() {})
	if s.wait > 0 {
		ctx, cancel = context.WithTimeout(s.c.ctx, s.wait)
	}
	defer cancel()
	err := s.send(ctx, s.unfinished())
	if err == nil && !s.noWait {
		err = s.untilPublished(ctx)
	}
	if err == nil && !s.noWait {
		err = s.prove(ctx)
	}
	s.c.bar.clear()
	if err != nil && s.c.ctx.Err() == nil && ctx.Err() == nil {
		return s.unreached(err)
	}
	if err := s.c.ctx.Err(); err != nil {
		return err
	}
	if err := s.clear(); err != nil {
		return err
	}
	return s.tell()
}

// unreached says why the registry could not be talked to.
func (s *submission) unreached(err error) error {
	var e *intake.Error
	if errors.As(err, &e) {
		return &registry.Error{Err: fmt.Errorf("%s: %s", shown(s.to), oneLine(e.Message)), Hint: oneLine(e.Hint)}
	}
	return &registry.Error{Err: fmt.Errorf("%s: %s", shown(s.to), unreachable(err)),
		Hint: "look whether the address is right and the network is up, then run the same command again: it goes on from what is done"}
}

// unfinished are the statements that are neither published nor refused, as far as is known.
func (s *submission) unfinished() []*submitted {
	return slices.DeleteFunc(slices.Clone(s.all), func(m *submitted) bool {
		return m.entry == nil || m.state != "" && m.state != registry.Pending
	})
}

// send hands statements in, or in again, which tells what has become of them.
func (s *submission) send(ctx context.Context, all []*submitted) error {
	entries := make([][]byte, len(all))
	for i, m := range all {
		entries[i] = m.entry
	}
	s.client.Progress = func(done int) { s.c.bar.show("%d of %s handed in", done, plural(len(all), "statement", "statements")) }
	outcomes, err := s.client.Submit(ctx, entries)
	for i, o := range outcomes {
		all[i].take(o)
	}
	return err
}

// oneLine keeps a server from putting lines of its own among those of the command.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (m *submitted) take(o intake.Outcome) {
	m.state, m.code, m.why, m.place = o.State, o.Code, oneLine(o.Reason), o.Place
	if o.Code == registry.CodeRegistered {
		m.state, m.code, m.why = submitAlready, "", ""
	}
}

// How often one statement of many is asked about.
const (
	askFirst = 200 * time.Millisecond
	askLast  = 30 * time.Second
)

// untilPublished asks about one statement until it is no longer pending, then about all: they go together.
func (s *submission) untilPublished(ctx context.Context) error {
	every := askFirst
	for {
		left := s.unfinished()
		if len(left) == 0 {
			return nil
		}
		s.c.bar.show("%s wait for publication", plural(len(left), "statement", "statements"))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
		every = min(every*3/2, askLast)
		o, err := s.client.Statement(ctx, left[0].id.String(), subjectOf(left[0].statement))
		var e *intake.Error
		if err != nil && !(errors.As(err, &e) && e.Status == 404) {
			return err
		}
		if err != nil || o.State != registry.Pending { // unknown: the registry has lost it, so that it is handed in again
			if err := s.send(ctx, left); err != nil {
				return err
			}
		}
	}
}

// subjectOf is what a statement is about, as a selector.
func subjectOf(st *proofs.Statement) string {
	if st.Document != nil {
		return st.Document.Selector()
	}
	if st.Authority != "" {
		return "issuer:" + st.Authority
	}
	return ""
}

// proveAtOnce is how many receipts are fetched at once.
const proveAtOnce = 8

// prove fetches the receipt of each statement that is said to be published, and believes only what that proves.
func (s *submission) prove(ctx context.Context) error {
	var next, done atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, proveAtOnce)
	names := s.receiptNames()
	for worker := range proveAtOnce {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(s.all) && errs[worker] == nil; i = int(next.Add(1)) - 1 {
				m := s.all[i]
				if m.state != registry.Published && m.state != submitAlready {
					continue
				}
				errs[worker] = s.proveOne(ctx, m, names[i])
				s.c.bar.show("%s fetched and checked", plural(int(done.Add(1)), "receipt", "receipts"))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// receiptNames are where the receipts go. Two documents of one name in different folders must not share one.
func (s *submission) receiptNames() []string {
	names, taken := make([]string, len(s.all)), map[string]bool{}
	for i, m := range s.all {
		switch {
		case m.statement == nil:
			continue
		case !exists(m.file): // named by its digest
			names[i] = strings.ReplaceAll(subjectOf(m.statement), ":", "-") + ".tlog-proof"
		case registry.IsReceipt(m.file): // a newer one takes its place
			names[i] = m.file
		default:
			names[i] = m.file + ".tlog-proof"
		}
		if s.out == "" {
			continue
		}
		name := filepath.Join(s.out, filepath.Base(names[i]))
		if taken[name] {
			name = filepath.Join(s.out, strings.ReplaceAll(subjectOf(m.statement), ":", "-")+".tlog-proof")
		}
		names[i], taken[name] = name, true
	}
	return names
}

// proveOne proves one. What is wrong with its receipt is told of it; only that nobody answers ends the run.
func (s *submission) proveOne(ctx context.Context, m *submitted, name string) error {
	ref := m.statement.Document
	if ref == nil || ref.Sealed {
		return s.proveHeld(ctx, m)
	}
	b, err := s.client.Receipt(ctx, ref.Selector())
	var e *intake.Error
	if err != nil && !errors.As(err, &e) {
		return err
	}
	wanted := func(e *proofs.Entry) bool { return registry.StatementID(e.Bytes) == m.id }
	if m.state == submitAlready {
		wanted = func(e *proofs.Entry) bool {
			return e.Statement != nil && e.Statement.Action == proofs.ActionRegister && e.Statement.Issuer == m.statement.Issuer
		}
	}
	if err == nil {
		err = s.checkReceipt(b, ref.Digests, wanted)
	}
	if err == nil {
		err = mayReplace(name)
	}
	if err == nil {
		err = durable.WriteFile(name, b, 0o644)
	}
	if err != nil {
		m.why = plain(err)
		return nil
	}
	m.receipt, m.proved = name, true
	return nil
}

// checkReceipt verifies a receipt, also where the registry has changed its keys since the trust file was opened.
func (s *submission) checkReceipt(receipt []byte, doc proofs.Digests, wanted func(*proofs.Entry) bool) error {
	deskMu.Lock()
	defer deskMu.Unlock()
	_, err := intake.CheckReceipt(s.desk.Trust(), time.Now().Unix(), receipt, doc, wanted)
	if err != nil && s.desk.Follow(s.c.ctx) {
		_, err = intake.CheckReceipt(s.desk.Trust(), time.Now().Unix(), receipt, doc, wanted)
	}
	return err
}

// desks are not for several goroutines.
var deskMu sync.Mutex

// proveHeld looks in the published files for what no receipt is given for: statements about authorities, and sealed documents.
func (s *submission) proveHeld(ctx context.Context, m *submitted) error {
	deskMu.Lock()
	defer deskMu.Unlock()
	held, err := s.desk.Holds(ctx, subjectOf(m.statement), m.id)
	if err != nil {
		return err
	}
	if m.proved = held; !held {
		m.why = "the published files do not hold it"
	}
	return nil
}

// clear removes from the outbox what needs no second try: published and proved, or refused.
func (s *submission) clear() error {
	over := map[proofs.Hash]bool{}
	for _, m := range s.all {
		if m.proved || m.state == registry.Refused {
			over[m.id] = true
		}
	}
	if len(over) == 0 || !exists(filepath.Join(s.keysDir, outboxDir)) {
		return nil
	}
	box, err := openOutbox(s.keysDir)
	if err != nil {
		return err
	}
	defer box.unlock()
	return box.clear(over)
}

// submitResult is the JSON answer of submit.
type submitResult struct {
	Published int              `json:"published"` // with a receipt that was checked
	Already   int              `json:"already"`
	Pending   int              `json:"pending"`
	Refused   int              `json:"refused"`
	Failed    int              `json:"failed"`
	Files     []submitFileLine `json:"files"`
}

// submitFileLine is one file of it.
type submitFileLine struct {
	File      string  `json:"file"`
	State     string  `json:"state"` // published, already, pending, refused, failed
	Statement string  `json:"statement,omitempty"`
	Subject   string  `json:"subject,omitempty"`
	Place     *uint64 `json:"place,omitempty"`
	Receipt   string  `json:"receipt,omitempty"`
	Code      string  `json:"code,omitempty"`
	Reason    string  `json:"reason,omitempty"`
	Hint      string  `json:"hint,omitempty"`
}

func (r *submitResult) add(m *submitted) {
	line := submitFileLine{File: m.file, State: m.state, Place: m.place, Receipt: m.receipt, Code: m.code, Reason: m.why, Hint: m.hint}
	if m.statement != nil {
		line.Statement, line.Subject = m.id.String(), subjectOf(m.statement)
	}
	switch {
	case m.state == registry.Refused:
		r.Refused++
	case m.state == submitFailed:
		r.Failed++
	case m.proved && m.state == submitAlready:
		r.Already++
	case m.proved:
		r.Published++
	case m.why != "": // said to be published, and not proved
		line.State = submitFailed
		r.Failed++
	default:
		line.State = registry.Pending
		r.Pending++
	}
	r.Files = append(r.Files, line)
}

// refusedHint is what an agency can do about a refusal of the registry's.
func (s *submission) refusedHint(m *submitted) string {
	issuer := "AUTHORITY"
	if m.statement != nil {
		issuer = m.statement.Issuer
	}
	switch m.code {
	case registry.CodeNotAuthorised, registry.CodeBadSignature:
		return "ask the registry's office to accredit the key that this prints: stele key " + issuer + " --keys " + shell(s.keysDir)
	case registry.CodeKind:
		return "use a --kind that you are accredited for, or ask the registry's office for this one"
	}
	return ""
}

// tell tells of each file that something is wrong with, and the sum.
func (s *submission) tell() error {
	out := submitResult{Files: []submitFileLine{}}
	for _, m := range s.all {
		if m.state == registry.Refused {
			m.hint = s.refusedHint(m)
		}
		out.add(m)
		if m.why != "" {
			what := ""
			if m.state == registry.Refused {
				what = "refused: "
			}
			s.c.note("%s: %s%s", shown(m.file), what, m.why)
			if m.hint != "" {
				s.c.note("hint: %s", m.hint)
			}
		}
	}
	if s.c.json {
		if err := s.c.printJSON(out); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(s.c.stdout, "%d published, %d already registered, %d pending, %d refused, %d failed\n",
			out.Published, out.Already, out.Pending, out.Refused, out.Failed)
		if out.Pending > 0 {
			fmt.Fprintln(s.c.stdout, "they are in force once published; the same command again fetches their receipts")
		}
	}
	if out.Refused+out.Failed > 0 || out.Pending > 0 && !s.noWait {
		return exit(1)
	}
	return nil
}
