package proofs

// Who may say what: the standing of authorities and the authorisation of
// entries (FORMAT.md, section 6).

import (
	"math"
	"slices"
)

// An Authority is an issuer's standing through the ledger. Feed it the root's
// accredit and withdraw statements in ledger order.
type Authority struct {
	Name    string
	events  []standingEvent
	unknown error // a statement of the root about it that was not understood
}

type standingEvent struct {
	place     uint64
	published int64
	leaf      Hash
	s         *Statement
}

// apply takes one of the root's statements about the authority and reports
// whether it took effect: "every later accredit or withdraw names with `after`
// the leaf hash of the latest one that took effect, else it is void".
func (a *Authority) apply(e standingEvent) bool {
	switch {
	case len(a.events) == 0 && (e.s.Action != ActionAccredit || e.s.After != nil):
		return false
	case len(a.events) > 0 && (e.s.After == nil || *e.s.After != a.last().leaf):
		return false
	case e.s.From != nil && *e.s.From > e.place:
		return false
	}
	a.events = append(a.events, e)
	return true
}

func (a *Authority) last() standingEvent { return a.events[len(a.events)-1] }

// Latest returns the leaf hash of the latest statement about the authority that took
// effect: what the next one must name with `after`.
func (a *Authority) Latest() (Hash, bool) {
	if a == nil || len(a.events) == 0 {
		return Hash{}, false
	}
	return a.last().leaf, true
}

// FirstSince is the publication time of the authority's first accreditation, 0 if it has none.
func (a *Authority) FirstSince() int64 {
	if len(a.events) == 0 {
		return 0
	}
	return a.events[0].published
}

// Standing returns the accreditation that stands at a place, nil if none does.
func (a *Authority) Standing(place uint64) *Statement {
	if a == nil {
		return nil
	}
	for _, e := range slices.Backward(a.events) {
		if e.place < place {
			if e.s.Action == ActionAccredit {
				return e.s
			}
			return nil
		}
	}
	return nil
}

// Stands returns the accreditation that stands at the end of the ledger, nil if none does.
func (a *Authority) Stands() *Statement { return a.Standing(math.MaxUint64) }

// LatestTitle is the title of the newest accreditation, whether or not it stands.
func (a *Authority) LatestTitle() string {
	for _, e := range slices.Backward(a.events) {
		if e.s.Action == ActionAccredit {
			return e.s.Title
		}
	}
	return ""
}

// Unknown is why a statement of the root about the authority was not understood, nil if all were:
// what the authority may say is then for a newer verifier to decide.
func (a *Authority) Unknown() error {
	if a == nil {
		return nil
	}
	return a.unknown
}

// Disowned reports whether a later withdrawal reaches back to a place.
func (a *Authority) Disowned(place uint64) bool {
	if a == nil {
		return false
	}
	return slices.ContainsFunc(a.events, func(e standingEvent) bool { return e.disowns(place) })
}

func (e standingEvent) disowns(place uint64) bool {
	return e.s.From != nil && *e.s.From <= place && place < e.place
}

// withdrawal tells of the withdrawal that reaches back to a place, or else of the one by which the authority no longer stands.
func (a *Authority) withdrawal(place uint64) *WithdrawalReport {
	if a == nil || len(a.events) == 0 {
		return nil
	}
	for _, e := range a.events {
		if e.disowns(place) {
			return e.report()
		}
	}
	if last := a.last(); last.s.Action == ActionWithdraw {
		return last.report()
	}
	return nil
}

func (e standingEvent) report() *WithdrawalReport {
	return &WithdrawalReport{e.place, e.published, e.s.From, e.s.Reason}
}

// MayIssue reports whether an accreditation covers a kind.
func (accredit *Statement) MayIssue(kind string) bool {
	return slices.Contains(accredit.Kinds, kind) || accredit.Kinds[0] == "*"
}

// Authorities are the authorities of a registry, by name.
type Authorities map[string]*Authority

// Apply feeds an authorised entry of the root, in ledger order, into the standing of its authority, and reports
// whether it took effect. Other entries have none.
func (as Authorities) Apply(e *Entry) bool {
	name, ok := e.Envelope.Authority()
	if !ok {
		return false
	}
	a := as[name]
	if a == nil {
		a = &Authority{Name: name}
	}
	if e.Statement == nil {
		a.unknown, as[name] = e.Why, a
		return false
	}
	if ok = a.apply(standingEvent{e.Place, e.Published, e.Leaf, e.Statement}); ok {
		as[name] = a
	}
	return ok
}

// Clone copies the authorities, so that what is not in the ledger yet can be tried.
func (as Authorities) Clone() Authorities {
	out := Authorities{}
	for name, a := range as {
		out[name] = &Authority{name, slices.Clone(a.events), a.unknown}
	}
	return out
}

// An Entry is an authorised entry of the ledger.
type Entry struct {
	Place     uint64
	Published int64 // seconds; 0 where it is not published yet
	Bytes     []byte
	Leaf      Hash // RFC 6962 leaf hash
	Note      *Note
	Envelope  *Envelope
	Statement *Statement // nil if not understood
	Why       error      // why it was not understood
}

// Authorise decides whether an entry at a place counts at all. It returns an
// error if not: *MalformedError if it is no statement, *UnverifiedError or
// *InsufficientError if nobody who may say it has signed it.
func (t *Trust) Authorise(as Authorities, place uint64, entry []byte) (*Entry, error) {
	e, claim, err := t.AuthoriseClaim(as, place, entry)
	if err != nil {
		return nil, err
	}
	if claim != nil && !verifyEd25519(claim.Key.Public, []byte(claim.Text), claim.Signature) {
		return nil, notSigned(e)
	}
	return e, nil
}

// A Claim is an Ed25519 signature over an entry's text that still has to be verified.
type Claim struct {
	Key       *Key
	Text      string
	Signature []byte
}

// AuthoriseClaim is Authorise for those who verify many signatures at once: where it returns a claim, the entry
// counts only if that verifies.
func (t *Trust) AuthoriseClaim(as Authorities, place uint64, entry []byte) (*Entry, *Claim, error) {
	note, env, err := ParseEntry(entry)
	if err != nil {
		return nil, nil, err
	}
	if env.Registry != t.Origin {
		return nil, nil, &OtherRegistryError{Got: env.Registry, Want: t.Origin}
	}
	e := &Entry{Place: place, Bytes: entry, Leaf: leafHash(entry), Note: note, Envelope: env}
	e.Statement, e.Why = env.Statement()
	claim, err := t.authoriseSigner(as, e)
	if err != nil {
		return nil, nil, err
	}
	return e, claim, nil
}

func (t *Trust) authoriseSigner(as Authorities, e *Entry) (*Claim, error) {
	note, env := e.Note, e.Envelope
	era := t.Ruling(e.Place)
	switch env.Issuer {
	case t.RootName():
		if env.Action == ActionRegister || env.Action == ActionIndex || env.Action == ActionLandmark {
			return nil, insufficient("authority", "the root does not ", quote(env.Action))
		}
		return nil, era.verifyRoot(note)
	case t.Publication.Name:
		if env.Action != ActionIndex && env.Action != ActionLandmark {
			return nil, insufficient("authority", "the publication key does not ", quote(env.Action))
		}
		return nil, era.verifyPublication(note)
	}
	return as.authorise(e)
}

// authorise decides about an authority's entry, but for its signature.
func (as Authorities) authorise(e *Entry) (*Claim, error) {
	note, env := e.Note, e.Envelope
	switch env.Action {
	case ActionAccredit, ActionWithdraw, ActionTrust, ActionRollover, ActionIndex, ActionLandmark:
		return nil, insufficient("authority", quote(env.Issuer), " may not ", quote(env.Action))
	}
	if _, ok := env.Authority(); ok {
		// In an issuer's record it would stand among what only the root says.
		return nil, insufficient("authority", quote(env.Issuer), " may not speak about authorities")
	}
	standing := as[env.Issuer].Standing(e.Place)
	if standing == nil {
		return nil, insufficient("authority", quote(env.Issuer), " is not accredited at place ", utoa(e.Place))
	}
	first := note.Signatures[0]
	key := first.keyOf(standing.Keys)
	if key == nil || len(first.Bytes) != ed25519SignatureSize {
		return nil, notSigned(e)
	}
	// A further line would make the statement void, and its text with it: whoever saw a revocation on its way
	// could keep it out by sending it ahead with a line more.
	if n := len(note.Signatures); n > e.mostLines() {
		return nil, unverified("statement", "of ", quote(env.Issuer), ": ", itoa(n), " signatures, want ", itoa(e.mostLines()))
	}
	return &Claim{key, note.Text, first.Bytes}, nil
}

func notSigned(e *Entry) error {
	return unverified("statement", "of ", quote(e.Envelope.Issuer), ": not signed by a key that stands at place ", utoa(e.Place))
}

// mostLines is how many signature lines an authority's statement may have; of what
// is not understood, that is not known either.
func (e *Entry) mostLines() int {
	switch {
	case e.Statement == nil:
		return MaxSignatures
	case e.Statement.Action == ActionLink:
		return 2
	}
	return 1
}

// keyOf is the key, among some of type 0x01, that the line claims to be by; nil if it is by none.
func (s *Signature) keyOf(keys []*Key) *Key {
	for _, k := range keys {
		if s.By(k) {
			return k
		}
	}
	return nil
}

func signedByOne(s Signature, keys []*Key, text string) bool {
	k := s.keyOf(keys)
	return k != nil && s.verifyText(k, text)
}
