package proofs

// The life of a document (FORMAT.md, section 7).

// MaxForeignLinks is how many links of other authorities a life notes.
const MaxForeignLinks = 16

// The states of a life.
const (
	StateActive       = "active"
	StateSuspended    = "suspended"
	StateSuperseded   = "superseded"
	StateRevoked      = "revoked"
	StateUnaccredited = "unaccredited"
	StateUnknown      = "unknown" // something in it was not understood
)

// A Life is what became of a document under one registrant.
type Life struct {
	State      string // active, suspended, superseded, revoked
	Registrant string
	Register   *Entry
	Accredit   *Statement // that stood at the registration
	Reason     Reason     // why it is unaccredited; empty if it is not
	Unknown    error      // an entry that was not understood
	Successor  *Entry     // the register of the document that replaces this one
	Events     []LifeEvent

	latest  Hash          // leaf hash of the latest entry that took effect
	chain   map[Hash]bool // leaf hashes of all that took effect
	foreign int
}

// A LifeEvent is an entry that names a life.
type LifeEvent struct {
	*Entry
	Effect bool
}

// Lives follows a record's entries, in ledger order, through the rules. The
// entries are authorised, and their subject is the key, but for successors'.
func Lives(t *Trust, as Authorities, key Hash, entries []*Entry) []*Life {
	l := &lives{t: t, as: as, key: key, successors: map[Hash]*Entry{}}
	texts := map[string]bool{} // "A second entry with the same text is void."
	for _, e := range entries {
		switch {
		case texts[e.Note.Text]:
		case KeyOf(e.Envelope.Selector) != key:
			l.addSuccessor(e)
		case e.Statement == nil:
			l.unknown = append(l.unknown, e)
		case e.Statement.Action == ActionRegister:
			l.register(e)
		default:
			l.event(e)
		}
		texts[e.Note.Text] = true
	}
	for _, life := range l.all {
		life.Unknown = l.unknownOf(life)
	}
	return l.all
}

type lives struct {
	t          *Trust
	as         Authorities
	key        Hash
	all        []*Life
	successors map[Hash]*Entry // registers of successors, by leaf hash
	unknown    []*Entry        // not understood
}

func (l *lives) addSuccessor(e *Entry) {
	if e.Statement != nil && e.Statement.Action == ActionRegister {
		l.successors[e.Leaf] = e
	}
}

func (l *lives) of(registrant string) *Life {
	for _, life := range l.all {
		if life.Registrant == registrant {
			return life
		}
	}
	return nil
}

// unknownOf: "An entry that is not understood makes the life of its issuer unavailable, wherever in the record it stands,
// the root's makes every life of the record so, and another authority's every life that began after it".
func (l *lives) unknownOf(life *Life) error {
	for _, e := range l.unknown {
		issuer := e.Envelope.Issuer
		if issuer == life.Registrant || issuer == l.t.RootName() || e.Place < life.Register.Place {
			return e.Why
		}
	}
	return l.as[life.Registrant].Unknown()
}

func (l *lives) register(e *Entry) {
	if l.of(e.Statement.Issuer) != nil {
		return
	}
	a := l.as[e.Statement.Issuer]
	life := &Life{State: StateActive, Registrant: e.Statement.Issuer, Register: e, Accredit: a.Standing(e.Place),
		latest: e.Leaf, chain: map[Hash]bool{e.Leaf: true}}
	if a.Disowned(e.Place) {
		life.Reason = ReasonWithdrawn
	} else if !life.Accredit.MayIssue(e.Statement.Kind) {
		life.Reason = ReasonKind
	}
	l.all = append(l.all, life)
}

// event applies a later statement to the life that its `after` leads to.
func (l *lives) event(e *Entry) {
	s := e.Statement
	if s.After == nil {
		return
	}
	for _, life := range l.all {
		if life.chain[*s.After] {
			life.Events = append(life.Events, LifeEvent{e, l.takeEffect(life, e)})
			return
		}
	}
}

func (l *lives) takeEffect(life *Life, e *Entry) bool {
	s := e.Statement
	byRoot := s.Issuer == l.t.RootName()
	if s.Document == nil || *s.Document != *life.Register.Statement.Document {
		return false
	}
	if s.Action == ActionLink {
		return l.link(life, e)
	}
	if !byRoot && s.Issuer != life.Registrant {
		return false
	}
	next := transition(life.State, s.Action)
	disowned := !byRoot && l.as[s.Issuer].Disowned(e.Place)
	switch s.Action {
	case ActionRevoke:
	case ActionSuspend:
		if *s.After != life.latest {
			return false
		}
	default:
		if *s.After != life.latest || disowned {
			return false
		}
	}
	if next == "" || s.Action == ActionSupersede && !l.succeed(life, e) {
		return false
	}
	life.State, life.latest = next, e.Leaf
	life.chain[e.Leaf] = true
	return true
}

// transition is the table of FORMAT.md, section 7; "" is void.
func transition(state, action string) string {
	switch {
	case action == ActionRevoke && state != StateRevoked:
		return StateRevoked
	case action == ActionSuspend && state == StateActive:
		return StateSuspended
	case action == ActionRestore && state == StateSuspended:
		return StateActive
	case action == ActionSupersede && (state == StateActive || state == StateSuspended):
		return StateSuperseded
	}
	return ""
}

// succeed finds the successor's register by the same registrant, between the
// replaced document's register and the supersede.
func (l *lives) succeed(life *Life, e *Entry) bool {
	var best *Entry
	for _, s := range l.successors {
		if s.Envelope.Selector == e.Statement.Successor.Selector() && s.Statement.Issuer == life.Registrant &&
			s.Place > life.Register.Place && s.Place < e.Place && (best == nil || s.Place < best.Place) {
			best = s
		}
	}
	if best != nil {
		life.Successor = best
	}
	return best != nil
}

// link notes a link; one of another authority needs the registrant's line after its own.
func (l *lives) link(life *Life, e *Entry) bool {
	s, n := e.Statement, e.Note
	if s.Issuer == l.t.RootName() {
		life.chain[e.Leaf] = true
		return true
	}
	if l.as[s.Issuer].Disowned(e.Place) {
		return false
	}
	if s.Issuer == life.Registrant {
		if len(n.Signatures) != 1 {
			return false
		}
		life.chain[e.Leaf] = true
		return true
	}
	standing := l.as[life.Registrant].Standing(e.Place)
	if len(n.Signatures) != 2 || standing == nil || life.foreign == MaxForeignLinks ||
		l.as[life.Registrant].Disowned(e.Place) || !signedByOne(n.Signatures[1], standing.Keys, n.Text) {
		return false
	}
	life.foreign++
	life.chain[e.Leaf] = true
	return true
}

// Answering returns the life that answers for a key: the earliest registration
// that is not unaccredited, or that a newer verifier may find not to be; if there is none, the earliest. nil if there is none at all.
func Answering(lives []*Life) *Life {
	for _, l := range lives {
		if l.Reason == "" || l.Unknown != nil {
			return l
		}
	}
	if len(lives) > 0 {
		return lives[0]
	}
	return nil
}

// Registrant follows `after` from an event through a record's entries to the
// registration it leads to, and returns its issuer, or "" (FORMAT.md, section 8.1).
func Registrant(entries []*Entry, event *Entry) string {
	byLeaf := map[Hash]*Entry{}
	for _, e := range entries {
		byLeaf[e.Leaf] = e
	}
	for e := event; e != nil && e.Statement != nil; e = byLeaf[*e.Statement.After] {
		if e.Statement.Action == ActionRegister {
			return e.Statement.Issuer
		}
		if e.Statement.After == nil || byLeaf[*e.Statement.After] == nil || byLeaf[*e.Statement.After].Place >= e.Place {
			return ""
		}
	}
	return ""
}

// Latest is the leaf hash of the latest entry of the life that took effect: what the next one has to name with `after`.
func (l *Life) Latest() Hash { return l.latest }
