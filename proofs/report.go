package proofs

// A Report is a verdict with everything that a person, a page or a script may
// want to know about how it was reached. Times are seconds since 1970 UTC, 0
// where there is none; dates are YYYY-MM-DD, empty where there is none.
type Report struct {
	Verdict Verdict
	Reason  Reason // why exactly, as a stable code; empty where the verdict says it all
	Detail  string // one technical sentence, in English, for evidence and support

	Registry string // the origin
	Title    string // the registry's name, from the trust file
	Demo     bool   // a demonstration: nothing here is real

	Epoch      uint64 // of the trust file whose keys signed what decided; 0 where nothing did
	AsOf       int64  // the status is known as of this time (FORMAT.md, section 13)
	Now        int64  // the verifier's clock
	StaleAfter int64  // seconds
	Size       uint64 // of the checkpoint
	Root       Hash   // of the checkpoint
	Keys       uint64 // how many documents the index holds
	Candidates uint32 // how many keys share the slot that was read; what a server could know

	Source Source // what decided: the registry or a receipt

	Life   *LifeReport  // the life that answers, nil if none
	Others []LifeReport // other authorities' registrations of the same document

	Signers   []SignerReport
	Officers  QuorumReport
	Witnesses QuorumReport

	Notices []Notice // what a person should know besides, in order of weight
	Steps   []Step   // what was checked, in order
}

// Source tells what a report rests on.
type Source string

const (
	FromNothing  Source = ""
	FromRegistry Source = "registry"
	FromReceipt  Source = "receipt"
)

// A Reason refines a verdict.
type Reason string

const (
	ReasonReceiptMalformed  Reason = "receipt-malformed"   // malformed: not a receipt
	ReasonReceiptUnverified Reason = "receipt-unverified"  // malformed: its proofs or signatures fail
	ReasonOtherFile         Reason = "receipt-other-file"  // mismatch
	ReasonOtherRegistry     Reason = "other-registry"      // unavailable: the head or receipt is of another registry
	ReasonOutage            Reason = "outage"              // unavailable: a published file could not be read
	ReasonBadData           Reason = "bad-data"            // unavailable: a published file is not what it should be
	ReasonQuorum            Reason = "quorum"              // unavailable: required signatures are missing
	ReasonClock             Reason = "clock"               // unavailable: evidence from beyond the verifier's clock
	ReasonTooOld            Reason = "verifier-too-old"    // unavailable: something not understood under the key
	ReasonOtherEpoch        Reason = "other-epoch"         // unavailable: signed with keys of a trust file that is not at hand
	ReasonTrust             Reason = "trust"               // unavailable: no usable trust file
	ReasonRollback          Reason = "rollback"            // stale: smaller than a head seen before
	ReasonFork              Reason = "fork"                // inconsistent
	ReasonKind              Reason = "kind-not-accredited" // unaccredited: not for this kind
	ReasonWithdrawn         Reason = "withdrawn"           // unaccredited: keys disowned from before the registration
	ReasonUnreadable        Reason = "unreadable"          // unavailable: the document itself could not be read
	ReasonOneDigest         Reason = "one-digest"          // unavailable: only the SHA-256 was told, and the trust file or the receipt demands SHA3-512 too
	ReasonAbsent            Reason = "absent"              // not-registered, stale: the key is proved absent
)

// A Notice is a stable code for something to be told beside the verdict.
type Notice string

const (
	NoticeDemo            Notice = "demo"             // a demonstration registry
	NoticeNoWitnesses     Notice = "no-witnesses"     // nobody outside has looked
	NoticeNoOfficers      Notice = "no-officers"      // no second person has approved
	NoticeTrustUnpinned   Notice = "trust-unpinned"   // the trust file came from the portal itself
	NoticeBrokenReceipt   Notice = "broken-receipt"   // the receipt is broken; the registry answered
	NoticeRegistryFailed  Notice = "registry-failed"  // the registry did not answer; the receipt did
	NoticeRegisteredLater Notice = "registered-later" // registered more than a year after `issued`
	NoticePostdated       Notice = "postdated"        // `issued` lies after the publication
	NoticeOtherIssuers    Notice = "other-issuers"    // another authority registered the same document
	NoticeSealed          Notice = "sealed"           // found through a sealed commitment
	NoticeRetiredKeys     Notice = "retired-keys"     // signed with keys that the registry has replaced since: never fresh
	NoticeWithdrawnLater  Notice = "withdrawn-later"  // the issuer is no longer accredited
)

// A LifeReport is the life of a document under one registrant.
type LifeReport struct {
	State       string // active, suspended, superseded, revoked, unaccredited, unknown
	Issuer      string // the registrant's name
	IssuerTitle string // as accredited at the registration
	Kind        string
	Issued      string // date, the issuer's claim
	Expires     string // date, the issuer's claim
	Registered  int64  // publication time of the registration
	Place       uint64 // of the registration in the ledger
	Successor   string // sha256:… of the document that replaces this one
	ReplacedBy  *RegistrationReport
	Withdrawal  *WithdrawalReport // of the registrant, where one bears on this life or the registrant no longer stands
	Events      []EventReport
}

// A RegistrationReport is the registration of the document that replaces another, as the record's copy proves it. What has become of
// that document since is another lookup.
type RegistrationReport struct {
	Sealed     bool // the digests are commitments: it is found only with its receipt
	Digests    Digests
	Issuer     string
	Kind       string
	Issued     string // date, the issuer's claim
	Expires    string // date, the issuer's claim
	Registered int64  // publication time
	Place      uint64
}

// A WithdrawalReport is the root's statement that an authority may issue no more.
type WithdrawalReport struct {
	Place     uint64
	Published int64
	From      *uint64 // the place from which its keys are not to be believed; nil if what it said before stands
	Reason    string  // the root's words, untrusted text for people
}

// An EventReport is one entry of a life.
type EventReport struct {
	Action    string
	Issuer    string
	Place     uint64
	Published int64
	Reason    string // the issuer's words, untrusted text for people
	Effect    bool   // false if the entry is void
	Relation  string // of a link
	Target    string // sha256:… of a link's target or of a successor
}

// A SignerReport is one signature on the checkpoint.
type SignerReport struct {
	Name      string // the key's name
	Role      string // log, officer, witness, other
	Algorithm string // Ed25519, ML-DSA-44
	Time      int64  // 0 for signatures that carry none
}

// A QuorumReport says how much of a quorum is met.
type QuorumReport struct {
	Name    string // in the policy; "none" where none is demanded
	Needed  int    // members needed
	Of      int
	Have    int
	Met     bool
	Members []MemberReport // in the policy's order
}

// A MemberReport is a member of a quorum: a key, or a group with members of its own.
type MemberReport struct {
	QuorumReport        // of a key: Name and Met alone
	Key          string // the key's name; empty for a group
	Algorithm    string // Ed25519, ML-DSA-44; empty for a group
	Time         int64  // of the key's signature, also of one too old to count; 0 without one
}

// Called is what a member is called: by its keys' own name where they share one, else as the policy calls the group.
func (m MemberReport) Called() string {
	names := map[string]bool{}
	m.keys(names)
	if len(names) != 1 {
		return m.Name
	}
	for name := range names {
		return name
	}
	return ""
}

// keys collects the names of all keys below a member.
func (m MemberReport) keys(names map[string]bool) {
	if m.Key != "" {
		names[m.Key] = true
	}
	for _, below := range m.Members {
		below.keys(names)
	}
}

// A Step is one check, with the evidence for people who follow it by eye.
type Step struct {
	ID       string // stable: hash, digest, trust, handover, receipt, registry, head, map, consistency, policy, epoch, time, life, way
	State    string // passed, failed
	Detail   string // one technical sentence
	Evidence []Evidence
}

// Evidence is a labelled value: a hash, a size, a signature's name.
type Evidence struct {
	Label string
	Value string
}

// AppendJSON appends the report as a JSON object to b. The command and the
// page show the same bytes; encoding/json would cost the page 100 KB.
// `issuer`, `registered` and `as_of` stand at the top level for scripts, times as
// RFC 3339 in UTC, null where there is none.
func (r *Report) AppendJSON(b []byte) []byte {
	j := jsonWriter{b: b}
	j.open('{')
	r.appendFields(&j)
	j.close('}')
	return j.b
}

func (r *Report) appendFields(j *jsonWriter) {
	j.str("verdict", string(r.Verdict))
	j.str("reason", string(r.Reason))
	j.str("detail", r.Detail)
	j.str("registry", r.Registry)
	j.str("registry_title", r.Title)
	j.bool("demo", r.Demo)
	if r.Epoch != 0 {
		j.num("epoch", r.Epoch)
	} else {
		j.null("epoch")
	}
	life := r.Life
	if life == nil {
		life = &LifeReport{}
	}
	j.strOrNull("issuer", life.Issuer)
	j.strOrNull("issuer_title", life.IssuerTitle)
	j.strOrNull("kind", life.Kind)
	j.strOrNull("issued", life.Issued)
	j.strOrNull("expires", life.Expires)
	j.time("registered", life.Registered)
	j.time("as_of", r.AsOf)
	j.time("now", r.Now)
	j.num("stale_after", uint64(r.StaleAfter))
	j.str("source", string(r.Source))
	j.num("size", r.Size)
	j.strOrNull("root", r.rootText())
	j.num("keys", r.Keys)
	j.num("candidates", uint64(r.Candidates))
	if r.Life != nil {
		j.key("life")
		r.Life.appendJSON(j)
	} else {
		j.null("life")
	}
	j.key("others")
	j.open('[')
	for i := range r.Others {
		j.elem()
		r.Others[i].appendJSON(j)
	}
	j.close(']')
	r.appendSigners(j)
	j.key("notices")
	j.open('[')
	for _, n := range r.Notices {
		j.elem()
		j.string(string(n))
	}
	j.close(']')
	r.appendSteps(j)
}

func (r *Report) rootText() string {
	if r.Size == 0 {
		return ""
	}
	return "sha256:" + r.Root.String()
}

func (r *Report) appendSigners(j *jsonWriter) {
	j.key("signers")
	j.open('[')
	for _, s := range r.Signers {
		j.elem()
		j.open('{')
		j.str("name", s.Name)
		j.str("role", s.Role)
		j.str("algorithm", s.Algorithm)
		j.time("time", s.Time)
		j.close('}')
	}
	j.close(']')
	j.key("officers")
	r.Officers.appendJSON(j)
	j.key("witnesses")
	r.Witnesses.appendJSON(j)
}

func (r *Report) appendSteps(j *jsonWriter) {
	j.key("steps")
	j.open('[')
	for _, s := range r.Steps {
		j.elem()
		j.open('{')
		j.str("id", s.ID)
		j.str("state", s.State)
		j.str("detail", s.Detail)
		j.key("evidence")
		j.open('[')
		for _, e := range s.Evidence {
			j.elem()
			j.open('{')
			j.str("label", e.Label)
			j.str("value", e.Value)
			j.close('}')
		}
		j.close(']')
		j.close('}')
	}
	j.close(']')
}

func (q *QuorumReport) appendJSON(j *jsonWriter) {
	j.open('{')
	q.appendFields(j)
	j.close('}')
}

func (q *QuorumReport) appendFields(j *jsonWriter) {
	j.str("name", q.Name)
	j.num("needed", uint64(q.Needed))
	j.num("of", uint64(q.Of))
	j.num("have", uint64(q.Have))
	j.bool("met", q.Met)
	list(j, "members", q.Members, (*MemberReport).appendFields)
}

func (m *MemberReport) appendFields(j *jsonWriter) {
	if m.Key == "" {
		m.QuorumReport.appendFields(j)
		return
	}
	j.str("name", m.Name)
	j.bool("met", m.Met)
	j.str("key", m.Key)
	j.str("algorithm", m.Algorithm)
	j.time("time", m.Time)
}

func (l *LifeReport) appendJSON(j *jsonWriter) {
	j.open('{')
	j.str("state", l.State)
	j.str("issuer", l.Issuer)
	j.str("issuer_title", l.IssuerTitle)
	j.str("kind", l.Kind)
	j.str("issued", l.Issued)
	j.strOrNull("expires", l.Expires)
	j.time("registered", l.Registered)
	j.num("place", l.Place)
	j.strOrNull("successor", l.Successor)
	l.appendBesides(j)
	j.key("events")
	j.open('[')
	for i := range l.Events {
		j.elem()
		l.Events[i].appendJSON(j)
	}
	j.close(']')
	j.close('}')
}

func (l *LifeReport) appendBesides(j *jsonWriter) {
	if r := l.ReplacedBy; r != nil {
		j.key("replaced_by")
		j.open('{')
		j.bool("sealed", r.Sealed)
		j.str("sha256", r.Digests.SHA256.String())
		j.str("sha3_512", r.Digests.SHA3512.String())
		j.str("issuer", r.Issuer)
		j.str("kind", r.Kind)
		j.str("issued", r.Issued)
		j.strOrNull("expires", r.Expires)
		j.time("registered", r.Registered)
		j.num("place", r.Place)
		j.close('}')
	} else {
		j.null("replaced_by")
	}
	if w := l.Withdrawal; w != nil {
		j.key("withdrawal")
		j.open('{')
		j.num("place", w.Place)
		j.time("published", w.Published)
		j.numOrNull("from", w.From)
		j.strOrNull("reason", w.Reason)
		j.close('}')
	} else {
		j.null("withdrawal")
	}
}

func (e *EventReport) appendJSON(j *jsonWriter) {
	j.open('{')
	j.str("action", e.Action)
	j.str("issuer", e.Issuer)
	j.num("place", e.Place)
	j.time("published", e.Published)
	j.bool("effect", e.Effect)
	j.strOrNull("reason", e.Reason)
	j.strOrNull("relation", e.Relation)
	j.strOrNull("target", e.Target)
	j.close('}')
}
