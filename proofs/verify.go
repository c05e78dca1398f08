package proofs

// The decision (FORMAT.md, sections 8.3 and 14).

import (
	"errors"
	"slices"
)

// HeadPath is the head's path below the portal's root.
const HeadPath = "ledger/head"

// A Question is one document and what there is to decide about it.
type Question struct {
	Trust      *Trust
	Now        int64    // the clock, in seconds
	SHA256     Hash     // of the document
	SHA3512    *Hash512 // of the document; nil until Answer.NeedSHA3 asks for it; that of a Named one, if it was told
	Named      bool     // what was told is looked up, and no file was hashed: it may be the SHA-256 alone, which suffices where the trust file demands no more
	Receipt    []byte   // nil if there is none
	Online     bool     // look the document up in the registry
	Remembered []byte   // a head kept from an earlier answer; nil if there is none

	// Files holds what was read from the portal, by path; nil is a file that could
	// not be read, and Errors may say why. Trust files (TrustPath) got by another way may stand there from the start, also
	// where nothing is asked online: evidence under the keys of an earlier epoch is judged by its own.
	Files  map[string][]byte
	Errors map[string]string
}

// An Answer is a report, or what is needed to reach one.
type Answer struct {
	Need     []string // read these, put them into Question.Files and ask again
	NeedSHA3 bool     // compute Question.SHA3512 and ask again

	Report       *Report
	Receipt      []byte // a receipt to keep; nil if the registry did not answer
	Remember     []byte // a head to give back as Question.Remembered; nil to keep what there was
	RememberSize uint64 // its size: of two that were told at once, the larger is to be kept
	Conflict     []byte // for inconsistent: both pieces of evidence, a file for third parties
	Trust        []byte // the newest trust file, proved by the handovers after Question.Trust: to be kept and given next time; nil if that is it
}

// Check decides, or says what it needs. It is a pure function of the question.
func Check(q Question) Answer {
	c := &check{q: q, t: q.Trust}
	for {
		a, next := c.run()
		if next == nil {
			return a
		}
		c = &check{q: q, t: next, followed: append(c.followed, next)}
	}
}

// run decides by one trust file, or returns the next one where that has to be asked.
func (c *check) run() (a Answer, next *Trust) {
	c.key = KeyOf("sha256:" + c.q.SHA256.String())
	c.begin()
	if c.t.NeedSHA3 && c.q.SHA3512 == nil {
		return c.wantSHA3(), nil
	}
	for _, stage := range []func(){c.openHead, c.readReceipt, c.recall, c.askRegistry} {
		if stage(); c.needSHA3 {
			return c.wantSHA3(), nil
		}
		if next = c.next(); next != nil || len(c.need) > 0 {
			return Answer{Need: c.need}, next
		}
	}
	c.compareViews()
	c.decide()
	return c.answer(), nil
}

// wantSHA3 asks for the other digest. Where no file was hashed there is nobody to ask: what was told does not name one document, and
// nothing is decided about it.
func (c *check) wantSHA3() Answer {
	if !c.q.Named {
		return Answer{NeedSHA3: true}
	}
	c.verdict(Unavailable, ReasonOneDigest, "only the SHA-256 was told, and the SHA3-512 is demanded besides")
	return Answer{Report: &c.r, Trust: c.newTrust()}
}

// check is the state of one decision.
type check struct {
	q  Question
	t  *Trust
	r  Report
	by *Trust // whose keys signed what decides: t, or an earlier one

	followed []*Trust          // from Question.Trust to t
	newest   bool              // nothing after t can be followed
	earlier  map[uint64]*Trust // the trust files before those of these epochs, as far as they were asked for

	key  Hash
	salt *Salt

	need     []string
	needSHA3 bool

	receipt    *evidence // nil if there is none or it is not usable
	receiptErr error
	mismatch   bool

	seen    *evidence // the head kept from an earlier visit, nil if there is none or it is not usable
	seenErr error     // why it cannot be judged here
	beyond  *evidence // the same, where it is of an earlier epoch and lies beyond the end of that

	registry    *evidence
	top         *MapTile // of the head
	registryErr error
	outage      bool // registryErr is only that a file could not be read
	look        lookup

	conflict [][]byte // two pieces of evidence
	rollback bool
	remember bool // the registry's head is to be remembered
}

// evidence is one verified view of the key.
type evidence struct {
	x       *VerifiedIndex
	trust   *Trust // whose keys signed it
	present bool
	lives   []*Life
	as      Authorities
	unknown error // an entry not understood, for where there is no life to hang it on
	source  Source
	receipt *Receipt  // the same as a receipt, nil where that is not known yet
	olds    []OldSize // proved earlier sizes, of a head
	raw     []byte
}

func (c *check) begin() {
	t := c.q.Trust
	c.r = Report{Registry: c.t.Origin, Title: c.t.Title, Demo: c.t.Demo, Now: c.q.Now, StaleAfter: c.t.StaleAfter}
	id := t.ID()
	if c.q.Named {
		c.step("digest", "passed", "the document's digest was given, and no file was hashed", Evidence{"sha256", c.q.SHA256.String()})
	} else {
		c.step("hash", "passed", "the document was hashed on this device", Evidence{"sha256", c.q.SHA256.String()})
	}
	c.step("trust", "passed", "trust file of "+t.Origin+", epoch "+utoa(t.Epoch), Evidence{"trust-sha256", id.String()})
	for _, n := range c.followed {
		id := n.ID()
		c.step("handover", "passed", "the epoch before has agreed to the trust file of epoch "+utoa(n.Epoch), Evidence{"trust-sha256", id.String()},
			Evidence{"place", utoa(n.FinalSize)})
	}
}

func (c *check) step(id, state, detail string, e ...Evidence) {
	c.r.Steps = append(c.r.Steps, Step{id, state, detail, e})
}

// readReceipt verifies the receipt and whether it is for this document.
func (c *check) readReceipt() {
	if c.q.Receipt == nil {
		return
	}
	rc, err := ParseReceipt(c.q.Receipt)
	if err != nil {
		c.failReceipt(err)
		return
	}
	var ev *evidence
	by, err := c.judged(rc.Proof.Checkpoint, func(t *Trust) error {
		x, err := rc.Verify(t, c.q.Now)
		if err == nil {
			ev, err = c.receiptEvidence(t, rc, x)
		}
		return err
	})
	if len(c.need) > 0 {
		return
	}
	if err != nil {
		c.failReceipt(err)
		return
	}
	x := ev.x
	key := c.key
	if rc.Salt != nil {
		if c.q.SHA3512 == nil {
			c.needSHA3 = true
			return
		}
		key = Seal(c.t.Origin, *rc.Salt, Digests{c.q.SHA256, *c.q.SHA3512}).Key()
	}
	if rc.Key != key {
		c.mismatch = true
		c.step("receipt", "failed", "the receipt is sound, and is for another document",
			Evidence{"key", key.String()}, Evidence{"receipt-key", rc.Key.String()})
		c.receipt = &evidence{x: x, trust: by, source: FromReceipt, raw: c.q.Receipt}
		return
	}
	c.key, c.salt, c.receipt = key, rc.Salt, ev
	c.keepOwn(ev)
	c.step("receipt", "passed", "the receipt is for this document and its proofs hold",
		Evidence{"size", utoa(x.Size)}, Evidence{"root", x.Root.String()})
}

func (c *check) receiptEvidence(t *Trust, rc *Receipt, x *VerifiedIndex) (*evidence, error) {
	ev := &evidence{x: x, trust: t, source: FromReceipt, as: Authorities{}, receipt: rc, raw: c.q.Receipt}
	for _, p := range rc.Issuers {
		if err := t.readAuthority(ev.as, p.Record, x.Covers, x.Time); err != nil {
			return nil, err
		}
	}
	if rc.Present == nil {
		return ev, nil
	}
	if err := ev.readRecord(rc.Present.Record); err != nil {
		return nil, err
	}
	signers := signersOf(rc.Present.Record, ev.as)
	if !slices.EqualFunc(signers, rc.Issuers, func(name string, p Proved) bool { return IssuerKey(name) == p.Key }) {
		return nil, unverified("receipt", "its issuers are not those of the record's entries, in order")
	}
	return ev, nil
}

func (c *check) failReceipt(err error) {
	c.receiptErr = err
	c.step("receipt", "failed", err.Error())
}

// covered: "at a place ≥ N of the index statement, or published at 0 or later than the index statement's time".
func (re RecordEntry) covered(covers uint64, time int64) bool {
	return re.Place < covers && 0 < re.Published && re.Published <= time
}

// readRecord authorises every entry of the record and follows its lives.
func (ev *evidence) readRecord(rec Record) error {
	raw, err := rec.Entries()
	if err != nil {
		return err
	}
	var entries []*Entry
	for _, re := range raw {
		if !re.covered(ev.x.Covers, ev.x.Time) {
			return unverified("record", "entry at place ", utoa(re.Place), " is not covered by the index")
		}
		e, err := ev.trust.Authorise(ev.as, re.Place, re.Bytes)
		if err != nil {
			return ev.unauthorised(re, err)
		}
		e.Published = re.Published
		if KeyOf(e.Envelope.Selector) != rec.Key && (e.Statement == nil || e.Statement.Action != ActionRegister) {
			return unverified("record", "entry at place ", utoa(re.Place), " is about another document")
		}
		entries = append(entries, e)
	}
	if !slices.ContainsFunc(entries, func(e *Entry) bool { return KeyOf(e.Envelope.Selector) == rec.Key }) {
		return unverified("record", "holds nothing about its own key")
	}
	ev.present = true
	ev.lives = Lives(ev.trust, ev.as, rec.Key, entries)
	for _, e := range entries {
		if e.Statement == nil {
			ev.unknown = e.Why
		}
	}
	return nil
}

// unauthorised: the index holds authorised entries only, so that one which is not makes the record
// unbelievable, unless a newer verifier would know better.
func (ev *evidence) unauthorised(re RecordEntry, err error) error {
	if _, env, err := ParseEntry(re.Bytes); err == nil {
		if why := ev.as[env.Issuer].Unknown(); why != nil {
			return why
		}
	}
	if errors.As(err, new(*OtherEpochError)) {
		return err
	}
	return unverified("record", "entry at place ", utoa(re.Place), ": ", err.Error())
}

// keepOwn leaves out the lives of documents with the same SHA-256 and another SHA3-512. Where the trust file does not
// demand it, a verifier that happens to know it judges as one that does not.
func (c *check) keepOwn(ev *evidence) {
	ev.lives = slices.DeleteFunc(ev.lives, func(l *Life) bool {
		d := l.Register.Statement.Document
		if c.salt != nil {
			return *d != Seal(c.t.Origin, *c.salt, Digests{c.q.SHA256, *c.q.SHA3512})
		}
		return c.t.NeedSHA3 && d.Digests.SHA3512 != *c.q.SHA3512
	})
}

// openHead reads and verifies the head. A failure is kept in registryErr.
func (c *check) openHead() {
	if c.q.Online {
		c.top, c.registryErr = c.readHead()
	}
}

// askRegistry reads tiles, slot and issuer list. A failure is kept in registryErr.
func (c *check) askRegistry() {
	if !c.q.Online {
		return
	}
	if c.registryErr == nil {
		c.registryErr = c.lookUp()
	}
	if len(c.need) > 0 {
		return
	}
	if c.registryErr == nil {
		c.registryErr = c.registryEvidence()
	}
	if c.registryErr != nil {
		c.registry = nil
		c.step("registry", "failed", c.registryErr.Error())
	}
}

// file returns a file of the portal, or asks for it. A nil file without need is an outage.
func (c *check) file(path string) []byte {
	b, ok := c.q.Files[path]
	if !ok {
		c.need = append(c.need, path)
		return nil
	}
	if b == nil {
		c.outage = true
	}
	return b
}

func (c *check) outageError(path string) error {
	why := c.q.Errors[path]
	if why == "" {
		why = "could not be read"
	}
	return insufficient("registry", path, ": ", why)
}

func (c *check) lookUp() error {
	errIssuers := c.readIssuers()
	errSlot := c.descend(c.top)
	if errIssuers != nil {
		return errIssuers
	}
	return errSlot
}

// readHead reads and verifies the head, and returns the map's top tile.
func (c *check) readHead() (*MapTile, error) {
	raw := c.file(HeadPath)
	if raw == nil {
		return nil, c.outageError(HeadPath)
	}
	head, err := ParseHead(raw)
	if err != nil {
		return nil, err
	}
	var x *VerifiedIndex
	var tile *MapTile
	by, err := c.judged(head.Proof.Checkpoint, func(t *Trust) (err error) {
		x, tile, err = head.Verify(t, c.q.Now)
		return err
	})
	if err != nil || len(c.need) > 0 {
		return nil, err
	}
	c.look = lookup{x: x, trust: by, head: head, issuers: &IssuerList{}}
	return tile, nil
}

// readIssuers reads the whole issuer list: which issuer is of interest stays here.
func (c *check) readIssuers() error {
	x := c.look.x
	if x.Issuers == 0 && x.IssuersRoot == EmptyRoot() {
		return nil
	}
	path := IndexPath(x.IssuersRoot)
	b := c.file(path)
	if b == nil {
		return c.outageError(path)
	}
	l, err := ParseIssuerList(b)
	if err != nil {
		return err
	}
	if l.Root() != x.IssuersRoot || uint64(len(l.Records)) != x.Issuers {
		return unverified("issuer list", path, " is not the one that the index statement names")
	}
	c.look.issuers = l
	return nil
}

// descend follows the key from the root tile to its slot.
func (c *check) descend(tile *MapTile) error {
	for {
		leaf, siblings := tile.Descend(c.key)
		c.look.siblings = append(siblings, c.look.siblings...)
		depth := tile.Depth + leaf.Depth
		path := IndexPath(leaf.Hash)
		b := c.file(path)
		if b == nil {
			return c.outageError(path)
		}
		if !leaf.Tile {
			return c.readSlot(b, leaf.Hash, depth)
		}
		next, err := ParseMapTile(b)
		if err != nil {
			return err
		}
		if next.Depth != depth || next.Hash() != leaf.Hash {
			return unverified("map tile", path, " is not the one that the map leads to")
		}
		tile = next
	}
}

func (c *check) readSlot(b []byte, want Hash, depth int) error {
	s, err := ParseSlot(b)
	if err != nil {
		return err
	}
	if s.Hash() != want || s.Depth != depth || s.Prefix != prefixOf(c.key, depth) {
		return unverified("slot", IndexPath(want), " is not the one that the map leads to")
	}
	c.look.slot = s
	return nil
}

func (c *check) registryEvidence() error {
	l := &c.look
	as, err := l.trust.ReadAuthorities(l.issuers, l.x.Covers, l.x.Time)
	if err != nil {
		return err
	}
	ev := &evidence{x: l.x, trust: l.trust, as: as, source: FromRegistry, olds: l.head.Consistency, raw: c.q.Files[HeadPath]}
	rec, ok := l.slot.Find(c.key)
	if ok {
		if err := ev.readRecord(rec); err != nil {
			return err
		}
	}
	c.keepOwn(ev)
	ev.receipt = l.receipt(c.key, c.salt, signersOf(rec, as))
	c.registry = ev
	c.r.Candidates = uint32(len(l.slot.Records))
	c.step("head", "passed", "the registry's newest index statement is the last entry of a checkpoint that satisfies the policy",
		Evidence{"size", utoa(l.x.Size)}, Evidence{"root", l.x.Root.String()}, Evidence{"map", l.x.Map.String()})
	found := "present"
	if !ev.present {
		found = "absent"
	}
	c.step("map", "passed", "the document's key is proved "+found+" in the index", Evidence{"key", c.key.String()},
		Evidence{"slot", l.slot.Hash().String()}, Evidence{"depth", itoa(l.slot.Depth)}, Evidence{"slot-keys", itoa(len(l.slot.Records))})
	return nil
}

// answer finishes the report.
func (c *check) answer() Answer {
	a := Answer{Report: &c.r}
	if c.remember {
		a.Remember, a.RememberSize = c.q.Files[HeadPath], c.look.x.Size
	}
	if c.registry != nil && !c.mismatch && c.conflict == nil && !c.vanished() {
		a.Receipt = c.newReceipt()
	}
	if c.conflict != nil {
		a.Conflict = FormatConflict(c.conflict[0], c.conflict[1])
	}
	a.Trust = c.newTrust()
	return a
}

// newReceipt makes a receipt of what the registry has answered; nil if there can be none.
func (c *check) newReceipt() []byte {
	if c.salt != nil && !c.registry.present {
		return nil
	}
	b := c.registry.receipt.Marshal()
	if _, err := ParseReceipt(b); err != nil { // beyond the limits
		return nil
	}
	return b
}

// signersOf lists the authorities that signed an entry of a record, in the order of their first entry.
func signersOf(rec Record, as Authorities) []string {
	entries, _ := rec.Entries()
	var names []string
	for _, re := range entries {
		note, env, err := ParseEntry(re.Bytes)
		if err != nil {
			continue
		}
		for _, name := range append([]string{env.Issuer}, signatureNames(note)...) {
			if as[name] != nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func signatureNames(n *Note) []string {
	var names []string
	for _, s := range n.Signatures {
		names = append(names, s.Name)
	}
	return names
}

// reasonFor classifies why a piece of evidence could not be used.
func reasonFor(err error, outage bool) Reason {
	var (
		other  *OtherRegistryError
		future *FutureError
		epoch  *OtherEpochError
		few    *InsufficientError
		old    *NotUnderstoodError
	)
	switch {
	case errors.As(err, &other):
		return ReasonOtherRegistry
	case errors.As(err, &future):
		return ReasonClock
	case errors.As(err, &old):
		return ReasonTooOld
	case outage:
		return ReasonOutage
	case errors.As(err, &epoch):
		return ReasonOtherEpoch
	case errors.As(err, &few):
		return ReasonQuorum
	}
	return ReasonBadData
}

// NoTrust is the report where the trust file itself cannot be used.
func NoTrust(err error) *Report {
	return &Report{Verdict: Unavailable, Reason: ReasonTrust, Detail: err.Error(),
		Steps: []Step{{ID: "trust", State: "failed", Detail: err.Error()}}}
}
