package proofs

// What an inspection has found, and how the page is told.

import "strings"

// A View is what was found in the ledger. Where Reason is set, nothing of what was asked for is proved.
type View struct {
	Registry   string // the origin
	Now        int64
	StaleAfter int64 // seconds

	Reason Reason
	Detail string   // one technical sentence
	Faults []string // the published files that are missing or wrong
	Beyond bool     // the place or size that was asked for is not in the ledger yet

	Head         *HeadView
	Issuers      []IssuerView
	Entries      []EntryView
	Publications PublicationsView
	Statistics   *Statistics
	Fit          Fit
}

// A HeadView is the newest publication, verified as in a lookup.
type HeadView struct {
	*VerifiedIndex
	Rollback bool // this device has seen a larger ledger
}

// An IssuerView is an authority, with the root's statements about it in ledger order.
type IssuerView struct {
	Name       string
	Authority  *Authority // nil if no statement took effect
	Statements []AuthorityEvent
}

// An AuthorityEvent is a statement of the root about an authority.
type AuthorityEvent struct {
	*Entry
	Effect bool
}

// A Standing tells whether an entry's signer might say it, as far as the issuer list proves it.
type Standing string

const (
	StandingAuthorised Standing = "authorised"     // signed by whoever may say this
	StandingNot        Standing = "not-authorised" // it counts for nothing
	StandingMalformed  Standing = "malformed"      // no statement at all
	StandingElsewhere  Standing = "other-registry" // signed for another ledger: void in this one
	StandingUnproved   Standing = "unproved"       // the issuer list could not be read or is not understood
)

// An EntryView is one entry of the ledger. Its place and content are proved; the rest says what it is.
type EntryView struct {
	Place     uint64
	Bytes     []byte
	Leaf      Hash
	Path      []Hash // inclusion proof, of a single entry only
	Way       string // the same to be followed by eye, a line a level (way.go)
	Published *PublishedView

	Note           *Note // nil if it is no statement
	Envelope       *Envelope
	Statement      *Statement // nil if not understood
	NotUnderstood  string
	IssuerTitle    string // as accredited at the entry's place
	AuthorityTitle string // of the authority that it is about, the newest

	Standing  Standing
	Why       string // of a standing that is not "authorised"
	Disowned  bool   // a later withdrawal reaches back to it
	OtherKind bool   // a registration of a kind that the accreditation does not cover
}

// A PublishedView is the publication with which an entry was published.
type PublishedView struct {
	Number uint64
	Time   int64
	Place  uint64 // of its index statement
}

// A PublicationsView is a part of the list of publications, newest first.
type PublicationsView struct {
	Total    int
	Complete bool // as many as the newest one's number says
	List     []PublicationView
}

// A PublicationView is a size of the ledger that was published, with the first checkpoint of that size.
type PublicationView struct {
	Line       HistoryLine
	Number     uint64 // 0 if it is not known
	Added      uint64 // entries
	Again      int    // how often it was signed again later
	Checkpoint CheckpointView
	Grown      bool   // the ledger of today begins with it
	Proof      []Hash // consistency proof to the ledger of today
}

// A CheckpointView is a published checkpoint, verified by today's trust file.
type CheckpointView struct {
	*Signed        // nil where there is a Reason
	Reason  Reason // why it is not verified
	Detail  string
}

// A Fit tells whether the newest line of the statistics is what the head proves.
type Fit string

const (
	FitSame  Fit = "same"
	FitOlder Fit = "older" // of an earlier publication
	FitNewer Fit = "newer" // of a later one: the head is older
	FitNot   Fit = "not"   // of the same publication, and different
)

// AppendJSON appends the view as a JSON object to b. Places, sizes and counts are strings: a ledger may hold more than a
// double counts.
func (v *View) AppendJSON(b []byte) []byte {
	j := jsonWriter{b: b}
	j.open('{')
	j.str("registry", v.Registry)
	j.time("now", v.Now)
	j.num("stale_after", uint64(v.StaleAfter))
	j.str("reason", string(v.Reason))
	j.str("detail", v.Detail)
	j.strings("faults", v.Faults)
	j.bool("beyond", v.Beyond)
	if v.Head != nil {
		v.Head.appendJSON(&j)
	} else {
		j.null("head")
	}
	list(&j, "issuers", v.Issuers, (*IssuerView).appendJSON)
	list(&j, "entries", v.Entries, (*EntryView).appendJSON)
	j.count("total", uint64(v.Publications.Total))
	j.bool("complete", v.Publications.Complete)
	list(&j, "publications", v.Publications.List, (*PublicationView).appendJSON)
	if v.Statistics != nil {
		v.appendStatistics(&j)
	}
	j.close('}')
	return j.b
}

// list writes an array of objects.
func list[T any](j *jsonWriter, key string, all []T, write func(*T, *jsonWriter)) {
	j.key(key)
	j.open('[')
	for n := range all {
		j.elem()
		j.open('{')
		write(&all[n], j)
		j.close('}')
	}
	j.close(']')
}

func (j *jsonWriter) count(k string, n uint64) { j.str(k, utoa(n)) }

func (j *jsonWriter) strings(key string, all []string) {
	j.key(key)
	j.open('[')
	for _, s := range all {
		j.elem()
		j.string(s)
	}
	j.close(']')
}

func (j *jsonWriter) hashes(key string, all []Hash) {
	var hex []string
	for _, h := range all {
		hex = append(hex, h.String())
	}
	j.strings(key, hex)
}

func (h *HeadView) appendJSON(j *jsonWriter) {
	j.key("head")
	j.open('{')
	j.count("publication", h.Publication)
	j.count("size", h.Size)
	j.str("root", h.Root.String())
	j.count("keys", h.Keys)
	j.count("issuers", h.Issuers)
	j.time("time", h.Time)
	j.bool("rollback", h.Rollback)
	h.Signed.appendJSON(j)
	j.close('}')
}

func (s *Signed) appendJSON(j *jsonWriter) {
	j.num("epoch", s.Epoch)
	j.time("as_of", s.AsOf)
	r := Report{Signers: s.Signers, Officers: s.Officers, Witnesses: s.Witnesses}
	r.appendSigners(j)
}

func (v *IssuerView) appendJSON(j *jsonWriter) {
	j.str("name", v.Name)
	title, since, stands := "", int64(0), false
	if v.Authority != nil {
		title, since = v.Authority.LatestTitle(), v.Authority.FirstSince()
		stands = v.Authority.Stands() != nil
		j.bool("understood", v.Authority.Unknown() == nil)
	}
	j.str("title", title)
	j.time("since", since)
	j.bool("stands", stands)
	list(j, "statements", v.Statements, (*AuthorityEvent).appendJSON)
}

func (e *AuthorityEvent) appendJSON(j *jsonWriter) {
	j.count("place", e.Place)
	j.time("published", e.Published)
	j.str("action", e.Envelope.Action)
	j.bool("effect", e.Effect)
	j.bool("understood", e.Statement != nil)
	s := e.Statement
	if s == nil {
		s = &Statement{}
	}
	var keys []string
	for _, k := range s.Keys {
		keys = append(keys, k.String())
	}
	j.str("title", s.Title)
	j.strings("kinds", s.Kinds)
	j.strings("keys", keys)
	if s.From != nil {
		j.count("from", *s.From)
	} else {
		j.null("from")
	}
	j.strOrNull("reason", s.Reason)
}

func (v *EntryView) appendJSON(j *jsonWriter) {
	j.count("place", v.Place)
	j.str("leaf", v.Leaf.String())
	j.hashes("path", v.Path)
	j.str("way", v.Way)
	j.num("bytes", uint64(len(v.Bytes)))
	j.str("text", string(v.Bytes))
	j.str("standing", string(v.Standing))
	j.str("why", v.Why)
	j.bool("disowned", v.Disowned)
	j.bool("other_kind", v.OtherKind)
	if p := v.Published; p != nil {
		j.key("published")
		j.open('{')
		j.count("number", p.Number)
		j.time("time", p.Time)
		j.count("place", p.Place)
		j.close('}')
	} else {
		j.null("published")
	}
	if v.Envelope != nil {
		v.appendStatement(j)
	}
}

func (v *EntryView) appendStatement(j *jsonWriter) {
	e := v.Envelope
	j.str("version", e.Version)
	j.str("registry", e.Registry)
	j.str("action", e.Action)
	j.str("issuer", e.Issuer)
	j.str("issuer_title", v.IssuerTitle)
	j.str("authority_title", v.AuthorityTitle)
	j.bool("understood", v.Statement != nil)
	j.str("not_understood", v.NotUnderstood)
	list(j, "fields", e.lines, func(line *string, j *jsonWriter) {
		name, value, _ := strings.Cut(*line, " ")
		j.str("name", name)
		j.str("value", value)
	})
	list(j, "signatures", v.Note.Signatures, func(s *Signature, j *jsonWriter) {
		j.str("name", s.Name)
		j.str("key", hexString(appendU32(nil, s.ID)))
	})
}

func (p *PublicationView) appendJSON(j *jsonWriter) {
	j.count("size", p.Line.Size)
	j.str("file", p.Line.File.String())
	j.str("checkpoint", p.Line.Path())
	j.count("number", p.Number)
	j.count("added", p.Added)
	j.num("again", uint64(p.Again))
	j.bool("grown", p.Grown)
	j.hashes("proof", p.Proof)
	j.str("reason", string(p.Checkpoint.Reason))
	j.str("detail", p.Checkpoint.Detail)
	if s := p.Checkpoint.Signed; s != nil {
		j.str("root", s.Root.String())
		s.appendJSON(j)
	}
}

func (v *View) appendStatistics(j *jsonWriter) {
	j.str("fit", string(v.Fit))
	list(j, "series", v.Statistics.Series, func(g *Growth, j *jsonWriter) {
		j.count("publication", g.Publication)
		j.count("size", g.Size)
		j.count("keys", g.Keys)
		j.time("time", g.Time)
	})
	list(j, "counts", v.Statistics.Counts, func(c *Count, j *jsonWriter) {
		j.str("issuer", c.Issuer)
		j.str("action", c.Action)
		j.str("kind", c.Kind)
		j.count("number", c.Number)
	})
}
