package issuer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"stele/proofs"
)

// A Matter is what is known about a document when something is to be said about it.
type Matter struct {
	Trust       *proofs.Trust
	Authorities proofs.Authorities
	Place       uint64          // that the statement would get
	Record      []*proofs.Entry // of the document, the registrations of successors included
	Successor   []*proofs.Entry // the record of what is to replace it
	Target      []*proofs.Entry // the record of a link's target
}

// Compose makes the statement that a draft wants, and returns the life that it is about, as it was. The error is a
// *Refusal where it would have no effect. Another authority's link is composed although it has none without the registrant's line.
func (m *Matter) Compose(d Draft) (*proofs.Statement, *proofs.Life, error) {
	life, err := m.choose(d)
	if err != nil {
		return nil, nil, err
	}
	if d.Issuer == "" {
		d.Issuer = life.Registrant
	}
	if err := m.maySpeak(d, life); err != nil {
		return nil, life, err
	}
	s := &proofs.Statement{Registry: m.Trust.Origin, Action: d.Action, Issuer: d.Issuer, Document: life.Register.Statement.Document,
		After: after(d.Action, life), Relation: d.Relation, Reason: d.Reason}
	if err := m.others(d, s, life); err != nil {
		return nil, life, err
	}
	if _, err := proofs.ParseStatement(s.Text()); err != nil {
		return nil, life, err
	}
	return s, life, m.wouldCount(s, life)
}

// after is the entry to name: the latest, which `suspend`, `restore` and `supersede` have to; the registration where any will do,
// since that is the one that no refusal of something still pending can take away.
func after(action string, life *proofs.Life) *proofs.Hash {
	h := life.Latest()
	if action == proofs.ActionRevoke || action == proofs.ActionLink {
		h = life.Register.Leaf
	}
	return &h
}

// choose finds the life that a draft is about.
func (m *Matter) choose(d Draft) (*proofs.Life, error) {
	lives := proofs.Lives(m.Trust, m.Authorities, d.Document.Key(), m.Record)
	if len(lives) == 0 {
		return nil, refuse(NotRegistered, nil, "not registered in this registry")
	}
	whose := d.Registrant
	if whose == "" && d.Issuer != m.Trust.RootName() {
		whose = d.Issuer
	}
	own := func(l *proofs.Life) bool { return l.Registrant == whose }
	life := proofs.Answering(lives)
	if i := slices.IndexFunc(lives, own); i >= 0 {
		life = lives[i]
	} else if whose != "" && (d.Registrant != "" || d.Action != proofs.ActionLink) {
		return nil, refuse(OtherRegistrant, life, "not registered by %s, but by %s", whose, registrants(lives))
	}
	if h := d.Document.SHA3512; h != nil && *h != life.Register.Statement.Document.Digests.SHA3512 {
		return nil, refuse(OtherDocument, life, "registered by %s with another SHA3-512: it is not this document", life.Registrant)
	}
	return life, nil
}

func registrants(lives []*proofs.Life) string {
	var names []string
	for _, l := range lives {
		names = append(names, l.Registrant)
	}
	return strings.Join(names, " and ")
}

// maySpeak refuses who cannot say anything about a life.
func (m *Matter) maySpeak(d Draft, life *proofs.Life) error {
	switch {
	case d.Issuer == m.Trust.RootName():
		return nil
	case m.Authorities[d.Issuer].Standing(m.Place) == nil:
		if _, known := m.Authorities[d.Issuer].Latest(); known {
			return refuse(NotAccredited, life, "the accreditation of %s was withdrawn: it can say nothing more", d.Issuer)
		}
		return refuse(NotAccredited, life, "%s is not accredited in this registry", d.Issuer)
	case d.Issuer != life.Registrant && d.Action != proofs.ActionLink:
		return refuse(OtherRegistrant, life, "not registered by %s, but by %s", d.Issuer, life.Registrant)
	}
	return nil
}

// others adds the other document that a statement names.
func (m *Matter) others(d Draft, s *proofs.Statement, life *proofs.Life) error {
	if d.Action == proofs.ActionLink && d.Target.Selector != "" {
		target, ok := refOf(d.Target, m.Target)
		if !ok {
			return refuse(TargetMissing, life, "the target is in no record here, and its SHA3-512 is not known without one")
		}
		s.Target = target
	}
	if d.Action != proofs.ActionSupersede {
		return nil
	}
	if d.Successor.Selector == d.Document.Selector {
		return refuse(SuccessorItself, life, "a document does not replace itself")
	}
	e := m.registration(d.Successor, life.Registrant)
	switch {
	case e == nil && len(registers(d.Successor, m.Successor)) > 0:
		return refuse(SuccessorOfAnother, life, "its replacement is registered by %s, and has to be by %s",
			registers(d.Successor, m.Successor)[0].Statement.Issuer, life.Registrant)
	case e == nil:
		return refuse(SuccessorMissing, life, "its replacement is not registered yet")
	case e.Place < life.Register.Place:
		return refuse(SuccessorEarlier, life, "its replacement was registered before it, and has to be registered after")
	}
	s.Successor = e.Statement.Document
	return nil
}

// registers are the registrations of a document in its record.
func registers(d Document, record []*proofs.Entry) []*proofs.Entry {
	var out []*proofs.Entry
	for _, e := range record {
		if e.Statement != nil && e.Statement.Action == proofs.ActionRegister && e.Envelope.Selector == d.Selector &&
			(d.SHA3512 == nil || *d.SHA3512 == e.Statement.Document.Digests.SHA3512) {
			out = append(out, e)
		}
	}
	return out
}

// refOf is a document by both digests, the second one from its record if need be.
func refOf(d Document, record []*proofs.Entry) (*proofs.Ref, bool) {
	if all := registers(d, record); len(all) > 0 {
		return all[0].Statement.Document, true
	}
	hex, plain := strings.CutPrefix(d.Selector, "sha256:")
	h, err := proofs.ParseHash(hex)
	if d.SHA3512 == nil || !plain || err != nil {
		return nil, false
	}
	return &proofs.Ref{Digests: proofs.Digests{SHA256: h, SHA3512: *d.SHA3512}}, true
}

// registration is the successor's, as the document's record will hold it (FORMAT.md, section 8.1): the first by the registrant.
func (m *Matter) registration(d Document, registrant string) *proofs.Entry {
	for _, e := range registers(d, m.Successor) {
		if e.Statement.Issuer == registrant {
			return e
		}
	}
	return nil
}

// wouldCount tries a statement at the end of the record.
func (m *Matter) wouldCount(s *proofs.Statement, life *proofs.Life) error {
	text := s.Text()
	for _, e := range m.Record {
		if e.Note.Text == text {
			return m.refuseIn(s, life, refuse(Repeated, life, "the very same has been said already, %s", when(e)))
		}
	}
	if s.Action == proofs.ActionLink && s.Issuer != life.Registrant && s.Issuer != m.Trust.RootName() {
		return m.mayCountersign(life)
	}
	env, err := proofs.ParseEnvelope(text)
	if err != nil {
		return err
	}
	e := &proofs.Entry{Place: m.Place, Leaf: proofs.LeafHash([]byte(text)), Envelope: env, Statement: s,
		Note: &proofs.Note{Text: text, Signatures: make([]proofs.Signature, 1)}}
	if m.hasEffect(e) {
		return nil
	}
	return m.refuseIn(s, life, refuse(NoEffect, life, "a %s has no effect on a document that is %s", s.Action, life.State))
}

// mayCountersign: another authority's link needs a line by a key of the registrant that stands, and there are only so many.
func (m *Matter) mayCountersign(life *proofs.Life) error {
	if m.Authorities[life.Registrant].Standing(m.Place) == nil {
		return refuse(NoCountersignature, life, "a link of another authority needs the signature of %s, whose accreditation was withdrawn", life.Registrant)
	}
	n := 0
	for _, e := range life.Events {
		if e.Effect && e.Statement.Action == proofs.ActionLink && e.Statement.Issuer != life.Registrant && e.Statement.Issuer != m.Trust.RootName() {
			n++
		}
	}
	if n >= proofs.MaxForeignLinks {
		return refuse(LinksFull, life, "%d links of other authorities stand already, and no more count", n)
	}
	return nil
}

// hasEffect asks the verifier's own rules about an entry at the end of the record.
func (m *Matter) hasEffect(e *proofs.Entry) bool {
	record := slices.Clone(m.Record)
	if s := e.Statement.Successor; s != nil {
		for _, o := range m.Successor {
			if o.Envelope.Selector == s.Selector() && !slices.Contains(record, o) {
				record = append(record, o)
			}
		}
		slices.SortStableFunc(record, byPlace)
	}
	for _, life := range proofs.Lives(m.Trust, m.Authorities, proofs.KeyOf(e.Envelope.Selector), append(record, e)) {
		for _, o := range life.Events {
			if o.Entry == e {
				return o.Effect
			}
		}
	}
	return false
}

func byPlace(a, b *proofs.Entry) int { return cmp.Compare(a.Place, b.Place) }

// refuseIn says it by the state in which the life is, and otherwise if that is not the reason.
func (m *Matter) refuseIn(s *proofs.Statement, life *proofs.Life, otherwise *Refusal) error {
	if s.Action == proofs.ActionLink {
		return otherwise
	}
	last := latest(life)
	switch state := life.State; {
	case state == proofs.StateRevoked && s.Action == proofs.ActionRevoke:
		return refuse(Revoked, life, "already revoked, %s", when(last))
	case state == proofs.StateRevoked:
		return refuse(Revoked, life, "revoked, %s: that is final", when(last))
	case state == proofs.StateSuperseded && s.Action != proofs.ActionRevoke:
		return refuse(Superseded, life, "already replaced by %s, %s: that is final, it can only be revoked", life.Successor.Envelope.Selector, when(last))
	case state == proofs.StateSuspended && s.Action == proofs.ActionSuspend:
		return refuse(Suspended, life, "already suspended, %s", when(last))
	case state == proofs.StateActive && s.Action == proofs.ActionRestore:
		return refuse(NotSuspended, life, "not suspended: there is nothing to restore")
	}
	return otherwise
}

// unexpected is what a statement that takes effect does not change, or brings about, and somebody may not think of.
func (m *Matter) unexpected(s *proofs.Statement, life *proofs.Life) string {
	first := proofs.Answering(proofs.Lives(m.Trust, m.Authorities, life.Register.Statement.Document.Key(), m.Record))
	if first != nil && first.Registrant != life.Registrant && s.Action != proofs.ActionLink {
		return fmt.Sprintf("%s has registered it too, and its registration is the one that verifiers go by; it stays %s", first.Registrant, first.State)
	}
	if s.Successor == nil {
		return ""
	}
	for _, l := range proofs.Lives(m.Trust, m.Authorities, s.Successor.Key(), m.Successor) {
		if l.Registrant == life.Registrant && l.State != proofs.StateActive {
			return "its replacement is itself " + l.State
		}
	}
	return ""
}

// latest is the statement that has brought a life into its state.
func latest(life *proofs.Life) *proofs.Entry {
	for _, e := range life.Events {
		if e.Leaf == life.Latest() {
			return e.Entry
		}
	}
	return life.Register
}

// when tells when something was said, as far as it is known.
func when(e *proofs.Entry) string {
	if e.Published == 0 {
		return "not published yet"
	}
	return "on " + time.Unix(e.Published, 0).UTC().Format(time.DateOnly)
}

func refuse(code Code, life *proofs.Life, format string, args ...any) *Refusal {
	return &Refusal{code, fmt.Sprintf(format, args...), life}
}
