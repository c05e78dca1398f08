package proofs

// Statements (FORMAT.md, section 5).

import (
	"slices"
	"strings"
)

// MaxStatement is the greatest length of an entry in bytes, signatures included.
const MaxStatement = 8192

const (
	statementFormat  = "stele.statement/"
	statementVersion = "1"
)

// The actions that a version 1 verifier understands.
const (
	ActionRegister  = "register"
	ActionRevoke    = "revoke"
	ActionSuspend   = "suspend"
	ActionRestore   = "restore"
	ActionSupersede = "supersede"
	ActionLink      = "link"
	ActionAccredit  = "accredit"
	ActionWithdraw  = "withdraw"
	ActionTrust     = "trust"
	ActionIndex     = "index"
	ActionLandmark  = "landmark"
	ActionRollover  = "rollover"
)

// SensitiveKinds are kinds of documents that can be guessed from what many
// people know. A registrar's tool must not register them unsealed.
var SensitiveKinds = []string{"passport", "identity-card", "birth-certificate", "death-certificate",
	"marriage-certificate", "driving-licence", "residence-permit", "visa", "voter-card", "health-card",
	"tax-number", "form"}

// A Ref points at a document by both its digests, or by both its commitments
// if it is sealed.
type Ref struct {
	Sealed  bool
	Digests Digests
}

// Selector is what the reference's key in the index is made of.
func (r Ref) Selector() string {
	if r.Sealed {
		return "sealed:" + r.Digests.SHA256.String()
	}
	return "sha256:" + r.Digests.SHA256.String()
}

// Key is the reference's key in the index.
func (r Ref) Key() Hash { return KeyOf(r.Selector()) }

// A Statement is what an issuer asserts about one document or one authority.
// Only the fields that belong to its action are set.
type Statement struct {
	Registry string // the ledger's origin
	Action   string
	Issuer   string // the signer's name

	Document  *Ref   // subject of register … link
	Authority string // subject of accredit, withdraw
	After     *Hash  // leaf hash of an earlier entry

	Kind      string // of a register
	Issued    string // date
	Expires   string // date or empty
	Successor *Ref   // of a supersede
	Relation  string // of a link
	Target    *Ref   // of a link; may be nil
	Title     string // of an accredit
	Keys      []*Key // of an accredit
	Kinds     []string
	From      *uint64 // of a withdraw: a place in the ledger
	Reason    string  // the issuer's words

	Digest       Hash   // of a trust or landmark
	Epoch        uint64 // of a trust
	Start        uint64 // of a landmark
	End          uint64
	NextRegistry string // of a rollover: the successor registry's origin

	Index *Index // of an index
}

// An Index is what an index statement commits to (FORMAT.md, section 8.4).
type Index struct {
	Publication   uint64
	Covers        uint64
	Tree          Hash // SHA-256
	TreeSHA3      Hash // SHA3-256
	Map           Hash
	Keys          uint64
	Issuers       uint64
	IssuersRoot   Hash
	Landmarks     uint64
	LandmarksRoot Hash
	Sizes         Hash  // SizesHash of the sizes that the head names
	Time          int64 // seconds
}

// An Envelope is the part of a statement that every version keeps.
type Envelope struct {
	Version  string
	Registry string
	Action   string
	Issuer   string
	Selector string // of the subject: sha256:…, sealed:…, issuer:…, or empty

	lines []string // after the envelope
}

// Authority is the name of the authority that a statement is about; ok is false for the others.
func (e *Envelope) Authority() (name string, ok bool) {
	return strings.CutPrefix(e.Selector, issuerSelector)
}

// ParseEnvelope parses the envelope of a statement's text.
func ParseEnvelope(text string) (*Envelope, error) {
	const what = "statement"
	lines := strings.Split(text, "\n")
	if len(lines) < 5 || lines[len(lines)-1] != "" {
		return nil, malformed(what, itoa(len(lines)-1), " lines, want at least 4")
	}
	lines = lines[:len(lines)-1]
	e := &Envelope{Action: lines[2], lines: lines[4:]}
	var ok1, ok2, ok3 bool
	e.Version, ok1 = strings.CutPrefix(lines[0], statementFormat)
	e.Registry, ok2 = strings.CutPrefix(lines[1], "registry ")
	e.Issuer, ok3 = strings.CutPrefix(lines[3], "issuer ")
	if n, ok := parseDecimal(e.Version); !ok1 || !ok || n == 0 {
		return nil, malformed(what, "line 1: ", quote(lines[0]), ": want ", statementFormat, statementVersion)
	}
	if !ok2 || !IsName(e.Registry) {
		return nil, malformed(what, "line 2: ", quote(lines[1]), ": want \"registry\" and an origin")
	}
	if !IsWord(e.Action) {
		return nil, malformed(what, "line 3: ", quote(lines[2]), ": want an action")
	}
	if !ok3 || !IsName(e.Issuer) {
		return nil, malformed(what, "line 4: ", quote(lines[3]), ": want \"issuer\" and a name")
	}
	for i, line := range e.lines {
		if f, v, ok := strings.Cut(line, " "); !ok || !IsWord(f) || v == "" {
			return nil, malformed(what, "line ", itoa(i+5), ": ", quote(line), ": want FIELD VALUE")
		}
	}
	e.Selector = e.subject()
	return e, nil
}

// subject derives the selector from the fifth line, in any version.
func (e *Envelope) subject() string {
	if len(e.lines) == 0 {
		return ""
	}
	f, v, _ := strings.Cut(e.lines[0], " ")
	var h Hash
	hex, ok := strings.CutPrefix(v, "sha256:")
	switch {
	case f == "document" && ok && hexDecode(h[:], hex):
		return "sha256:" + hex
	case f == "sealed" && ok && hexDecode(h[:], hex):
		return "sealed:" + hex
	case f == "authority" && IsName(v):
		return issuerSelector + v
	}
	return ""
}

// ParseStatement parses a statement's text. The error is a *MalformedError if
// the envelope is broken, a *NotUnderstoodError if only what follows is.
func ParseStatement(text string) (*Statement, error) {
	e, err := ParseEnvelope(text)
	if err != nil {
		return nil, err
	}
	return e.Statement()
}

// Statement parses what follows the envelope.
func (e *Envelope) Statement() (*Statement, error) {
	what := "statement " + quote(e.Action)
	if e.Version != statementVersion {
		return nil, notUnderstood(what, "version ", e.Version)
	}
	s := &Statement{Registry: e.Registry, Action: e.Action, Issuer: e.Issuer}
	f := &fields{lines: e.lines}
	parse, ok := actions[e.Action]
	if !ok {
		return nil, notUnderstood(what, "unknown action")
	}
	parse(s, f)
	if f.err == "" && len(f.lines) > 0 {
		f.fail("nothing")
	}
	if f.err != "" {
		return nil, notUnderstood(what, f.err)
	}
	return s, nil
}

// Each action's fields, in the order of FORMAT.md's table.
var actions = map[string]func(*Statement, *fields){
	ActionRegister: func(s *Statement, f *fields) {
		s.Document = f.subject()
		s.Kind = f.word("kind")
		s.Issued = f.date("issued")
		if f.next("expires") {
			s.Expires = f.date("expires")
			if s.Expires < s.Issued {
				f.fail("expires not before issued")
			}
		}
	},
	ActionRevoke:  parseEvent,
	ActionSuspend: parseEvent,
	ActionRestore: parseEvent,
	ActionSupersede: func(s *Statement, f *fields) {
		s.Document, s.After = f.subject(), f.after()
		s.Successor = f.ref("successor", "successor-sealed")
		s.Reason = f.reason()
	},
	ActionLink: func(s *Statement, f *fields) {
		s.Document, s.After = f.subject(), f.after()
		s.Relation = f.word("relation")
		if f.next("target") || f.next("target-sealed") {
			s.Target = f.ref("target", "target-sealed")
		}
		s.Reason = f.reason()
	},
	ActionAccredit: parseAccredit,
	ActionWithdraw: func(s *Statement, f *fields) {
		s.Authority, s.After = f.name("authority"), f.after()
		if f.next("from") {
			n := f.number("from")
			s.From = &n
		}
		s.Reason = f.reason()
	},
	ActionTrust: func(s *Statement, f *fields) {
		s.Digest = f.digest("trust", "sha256:")
		s.Epoch = f.number("epoch")
	},
	ActionIndex: parseIndex,
	ActionLandmark: func(s *Statement, f *fields) {
		s.Start, s.End = f.twoNumbers("range")
		s.Digest = f.digest("root", "sha256:")
	},
	ActionRollover: func(s *Statement, f *fields) {
		s.NextRegistry = f.name("successor-registry")
		s.Digest = f.digest("checkpoint", "sha256:")
	},
}

func parseEvent(s *Statement, f *fields) {
	s.Document, s.After, s.Reason = f.subject(), f.after(), f.reason()
}

func parseAccredit(s *Statement, f *fields) {
	s.Authority = f.name("authority")
	if f.next("after") {
		s.After = f.after()
	}
	s.Title = f.text("title")
	var keys []string
	for f.next("key") {
		keys = append(keys, f.value("key"))
	}
	for _, v := range keys {
		k, err := ParseKey(v)
		if err != nil || k.Type != Ed25519Key || k.Name != s.Authority {
			f.fail("an Ed25519 vkey named " + s.Authority)
			return
		}
		s.Keys = append(s.Keys, k)
	}
	for f.next("kind") {
		s.Kinds = append(s.Kinds, f.value("kind"))
	}
	if !ascending(keys, 8) || !ascending(s.Kinds, 64) {
		f.fail("1 to 8 keys, then 1 to 64 kinds, each ascending")
	}
	for _, k := range s.Kinds {
		if !IsWord(k) && !(k == "*" && len(s.Kinds) == 1) {
			f.fail("kinds that are words, or * alone")
		}
	}
}

func parseIndex(s *Statement, f *fields) {
	x := &Index{}
	s.Index = x
	x.Publication = f.number("publication")
	x.Covers = f.number("covers")
	x.Tree = f.digest("tree", "sha256:")
	x.TreeSHA3 = f.digest("tree", "sha3-256:")
	x.Map = f.digest("map", "sha256:")
	x.Keys = f.number("keys")
	x.Issuers, x.IssuersRoot = f.counted("issuers")
	x.Landmarks, x.LandmarksRoot = f.counted("landmarks")
	x.Sizes = f.digest("sizes", "sha256:")
	x.Time = int64(f.number("time"))
	if x.Publication == 0 || x.Time == 0 {
		f.fail("publication and time not 0")
	}
}

// ascending reports whether there are 1 to most values in strictly ascending order.
func ascending(v []string, most int) bool {
	if len(v) < 1 || len(v) > most {
		return false
	}
	for i := 1; i < len(v); i++ {
		if v[i-1] >= v[i] {
			return false
		}
	}
	return true
}

// fields reads FIELD VALUE lines in order. After the first failure it stays there.
type fields struct {
	lines []string
	err   string
}

func (f *fields) fail(want string) {
	if f.err != "" {
		return
	}
	got := "the end"
	if len(f.lines) > 0 {
		got = quote(f.lines[0])
	}
	f.err = "got " + got + ", want " + want
}

// next reports whether the next line is of this field.
func (f *fields) next(name string) bool {
	return f.err == "" && len(f.lines) > 0 && strings.HasPrefix(f.lines[0], name+" ")
}

func (f *fields) value(name string) string {
	if !f.next(name) {
		f.fail(name)
		return ""
	}
	v := f.lines[0][len(name)+1:]
	f.lines = f.lines[1:]
	return v
}

func (f *fields) checked(name string, ok func(string) bool) string {
	if f.next(name) && !ok(f.lines[0][len(name)+1:]) {
		f.fail("a good value of " + name)
	}
	return f.value(name)
}

func (f *fields) name(name string) string { return f.checked(name, IsName) }
func (f *fields) word(name string) string { return f.checked(name, IsWord) }
func (f *fields) date(name string) string { return f.checked(name, IsDate) }
func (f *fields) text(name string) string { return f.checked(name, IsText) }

func (f *fields) number(name string) uint64 {
	n, _ := parseDecimal(f.checked(name, func(s string) bool { _, ok := parseDecimal(s); return ok }))
	return n
}

func (f *fields) twoNumbers(name string) (a, b uint64) {
	v, w, _ := strings.Cut(f.value(name), " ")
	a, ok1 := parseDecimal(v)
	b, ok2 := parseDecimal(w)
	if !ok1 || !ok2 {
		f.fail(name + " and two numbers")
	}
	return a, b
}

func (f *fields) digest(name, algorithm string) (h Hash) {
	v, ok := strings.CutPrefix(f.value(name), algorithm)
	if !ok || !hexDecode(h[:], v) {
		f.fail(name + " " + algorithm + " and its hex")
	}
	return h
}

func (f *fields) counted(name string) (uint64, Hash) {
	count, digest, _ := strings.Cut(f.value(name), " ")
	n, ok := parseDecimal(count)
	hex, ok2 := strings.CutPrefix(digest, "sha256:")
	h, err := ParseHash(hex)
	if !ok || !ok2 || err != nil {
		f.fail(name + " NUMBER sha256:HEX")
	}
	return n, h
}

func (f *fields) after() *Hash {
	h := f.digest("after", "sha256:")
	return &h
}

func (f *fields) reason() string {
	if !f.next("reason") {
		return ""
	}
	return f.text("reason")
}

func (f *fields) subject() *Ref { return f.ref("document", "sealed") }

// ref reads the pair of lines of a document, or of a sealed one.
func (f *fields) ref(plain, sealed string) *Ref {
	r := &Ref{}
	name := plain
	if f.next(sealed) {
		name, r.Sealed = sealed, true
	}
	r.Digests.SHA256 = f.digest(name, "sha256:")
	v, ok := strings.CutPrefix(f.value(name), "sha3-512:")
	if !ok || !hexDecode(r.Digests.SHA3512[:], v) {
		f.fail(name + " sha3-512: and its hex")
	}
	return r
}

// Text formats the statement. It does not judge its values: what it cannot
// say, ParseStatement refuses.
func (s *Statement) Text() string {
	w := &textWriter{}
	w.raw(statementFormat + statementVersion)
	w.line("registry", s.Registry)
	w.raw(s.Action)
	w.line("issuer", s.Issuer)
	w.ref("document", "sealed", s.Document)
	w.opt("authority", s.Authority)
	w.hash("after", s.After)
	switch s.Action {
	case ActionRegister:
		w.line("kind", s.Kind)
		w.line("issued", s.Issued)
		w.opt("expires", s.Expires)
	case ActionAccredit:
		w.line("title", s.Title)
		for _, k := range s.Keys {
			w.line("key", k.String())
		}
		for _, k := range s.Kinds {
			w.line("kind", k)
		}
	case ActionTrust:
		w.hash("trust", &s.Digest)
		w.line("epoch", utoa(s.Epoch))
	case ActionLandmark:
		w.line("range", utoa(s.Start)+" "+utoa(s.End))
		w.hash("root", &s.Digest)
	case ActionRollover:
		w.line("successor-registry", s.NextRegistry)
		w.hash("checkpoint", &s.Digest)
	case ActionIndex:
		w.index(s.Index)
	}
	w.ref("successor", "successor-sealed", s.Successor)
	w.opt("relation", s.Relation)
	w.ref("target", "target-sealed", s.Target)
	if s.From != nil {
		w.line("from", utoa(*s.From))
	}
	w.opt("reason", s.Reason)
	return string(w.b)
}

// SortKeys brings an accreditation's keys and kinds into their canonical order.
func (s *Statement) SortKeys() {
	slices.SortFunc(s.Keys, func(a, b *Key) int { return strings.Compare(a.String(), b.String()) })
	slices.Sort(s.Kinds)
}

type textWriter struct{ b []byte }

func (w *textWriter) raw(s string)        { w.b = append(append(w.b, s...), '\n') }
func (w *textWriter) line(name, v string) { w.raw(name + " " + v) }

func (w *textWriter) opt(name, v string) {
	if v != "" {
		w.line(name, v)
	}
}

func (w *textWriter) hash(name string, h *Hash) {
	if h != nil {
		w.line(name, "sha256:"+h.String())
	}
}

func (w *textWriter) ref(plain, sealed string, r *Ref) {
	if r == nil {
		return
	}
	name := plain
	if r.Sealed {
		name = sealed
	}
	w.line(name, "sha256:"+r.Digests.SHA256.String())
	w.line(name, "sha3-512:"+r.Digests.SHA3512.String())
}

func (w *textWriter) index(x *Index) {
	w.line("publication", utoa(x.Publication))
	w.line("covers", utoa(x.Covers))
	w.hash("tree", &x.Tree)
	w.line("tree", "sha3-256:"+x.TreeSHA3.String())
	w.hash("map", &x.Map)
	w.line("keys", utoa(x.Keys))
	w.line("issuers", utoa(x.Issuers)+" sha256:"+x.IssuersRoot.String())
	w.line("landmarks", utoa(x.Landmarks)+" sha256:"+x.LandmarksRoot.String())
	w.hash("sizes", &x.Sizes)
	w.line("time", i64toa(x.Time))
}

// ParseEntry parses an entry's bytes into its note and envelope.
func ParseEntry(entry []byte) (*Note, *Envelope, error) {
	if len(entry) > MaxStatement {
		return nil, nil, malformed("statement", itoa(len(entry)), " bytes, want at most ", itoa(MaxStatement))
	}
	n, err := ParseNote(entry)
	if err != nil {
		return nil, nil, err
	}
	e, err := ParseEnvelope(n.Text)
	return n, e, err
}
