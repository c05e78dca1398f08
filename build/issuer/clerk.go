package issuer

import (
	"context"
	"errors"
	"slices"

	"stele/proofs"
)

// A Clerk composes statements for a desk one after the other, each knowing of those before it, and delivers them together.
type Clerk struct {
	desk  Desk
	ring  *Ring
	as    proofs.Authorities
	place uint64
	said  map[proofs.Hash][]*proofs.Entry // since the last delivery, by key
	wait  [][]byte
	old   bool // the desk knows more since the last delivery
}

// Begin looks how things stand.
func Begin(ctx context.Context, desk Desk, ring *Ring) (*Clerk, error) {
	c := &Clerk{desk: desk, ring: ring}
	return c, c.look(ctx)
}

func (c *Clerk) look(ctx context.Context) (err error) {
	c.as, c.place, err = c.desk.Authorities(ctx)
	c.said, c.old = map[proofs.Hash][]*proofs.Entry{}, err != nil
	return err
}

// A Said is a statement that was signed.
type Said struct {
	Entry *proofs.Entry
	Life  *proofs.Life // that it is about, as it was before
	Half  bool         // lines are wanting: it has not been put among what is to be delivered
	Joint *Joint       // what is half said by the root
	Note  string       // what whoever has said it may not expect; may be empty
}

// Say composes and signs a statement, and puts it among those that Deliver delivers.
func (c *Clerk) Say(ctx context.Context, d Draft) (*Said, error) {
	m, err := c.matter(ctx, d)
	if err != nil {
		return nil, err
	}
	if d.Issuer == "" {
		if d, err = c.speaker(m, d); err != nil {
			return nil, err
		}
	}
	s, life, err := m.Compose(d)
	if err != nil {
		return nil, err
	}
	signers, half, err := c.signers(s, life, d.Half)
	if err != nil {
		return nil, withLife(err, life)
	}
	note, err := proofs.SignNote(s.Text(), signers...)
	if err != nil {
		return nil, err
	}
	if half && s.Issuer == m.Trust.RootName() {
		return c.joint(note, life)
	}
	said, err := c.take(m, note, life, half)
	if err == nil {
		said.Note = m.unexpected(s, life)
	}
	return said, err
}

// joint signs for the root as far as its keys are here; the others sign elsewhere.
func (c *Clerk) joint(note *proofs.Note, life *proofs.Life) (*Said, error) {
	j := &Joint{Text: note.Text}
	if _, err := j.Sign(c.ring, c.desk.Trust()); err != nil {
		return nil, err
	}
	s, _, err := j.Check(c.desk.Trust())
	if err != nil {
		return nil, err
	}
	env, err := proofs.ParseEnvelope(j.Text)
	return &Said{Entry: &proofs.Entry{Bytes: j.Entry(), Note: j.note(), Envelope: env, Statement: s}, Life: life, Half: true, Joint: j}, err
}

// Take takes a statement about a document that has all its lines, as Say takes what it has signed.
func (c *Clerk) Take(ctx context.Context, entry []byte) (*Said, error) {
	note, env, err := proofs.ParseEntry(entry)
	if err != nil {
		return nil, err
	}
	s, err := env.Statement()
	if err != nil {
		return nil, err
	}
	if s.Document == nil {
		return nil, refuse(NoEffect, nil, "a statement about no document")
	}
	d := Draft{Action: s.Action, Document: DocumentOf(*s.Document)}
	if s.Successor != nil {
		d.Successor = DocumentOf(*s.Successor)
	}
	m, err := c.matter(ctx, d)
	if err != nil {
		return nil, err
	}
	registrant := proofs.Registrant(m.Record, &proofs.Entry{Place: c.place, Note: note, Envelope: env, Statement: s})
	for _, l := range proofs.Lives(m.Trust, m.Authorities, d.Document.Key(), m.Record) {
		if l.Registrant == registrant {
			if err := m.wouldCount(s, l); err != nil {
				return nil, err
			}
			return c.take(m, note, l, false)
		}
	}
	return nil, refuse(NotRegistered, nil, "it is about a registration that is not in this registry")
}

// take looks at a signed statement as the registry will, and keeps it for delivery.
func (c *Clerk) take(m *Matter, note *proofs.Note, life *proofs.Life, half bool) (*Said, error) {
	e, err := m.Trust.Authorise(c.as, c.place, note.Marshal())
	if err != nil {
		return nil, err
	}
	if half {
		return &Said{Entry: e, Life: life, Half: true}, nil
	}
	if !m.hasEffect(e) {
		return nil, refuse(NoEffect, life, "a %s so signed has no effect on a document that is %s", e.Statement.Action, life.State)
	}
	key := proofs.KeyOf(e.Envelope.Selector)
	c.said[key] = append(c.said[key], e)
	c.wait = append(c.wait, e.Bytes)
	c.place++
	return &Said{Entry: e, Life: life}, nil
}

// speaker is who says what no issuer was named for: a registrant whose key is here, best that of the registration that answers.
func (c *Clerk) speaker(m *Matter, d Draft) (Draft, error) {
	if d.Issuer = d.Registrant; d.Issuer != "" {
		return d, nil
	}
	lives := proofs.Lives(m.Trust, m.Authorities, d.Document.Key(), m.Record)
	first := proofs.Answering(lives)
	if first == nil {
		return d, nil // Compose refuses
	}
	here := func(l *proofs.Life) bool { return len(c.ring.of(l.Registrant)) > 0 }
	i := slices.IndexFunc(lives, here)
	switch {
	case here(first):
		d.Issuer = first.Registrant
	case i >= 0:
		d.Issuer = lives[i].Registrant
	default:
		return d, refuse(NoKey, first, "registered by %s, whose key is not here", registrants(lives))
	}
	return d, nil
}

// signers are whose lines a statement needs; half means that the last one is left to be added elsewhere.
func (c *Clerk) signers(s *proofs.Statement, life *proofs.Life, half bool) ([]proofs.Signer, bool, error) {
	if half && s.Issuer == c.desk.Trust().RootName() {
		return nil, true, nil // Clerk.joint
	}
	if half && s.Issuer == life.Registrant {
		return nil, false, refuse(NotForCountersigner, life, "a %s of %s needs no second signature", s.Action, s.Issuer)
	}
	if s.Issuer == c.desk.Trust().RootName() {
		signers, err := c.ring.Root(c.desk.Trust())
		return signers, false, err
	}
	own, err := c.ring.Signer(s.Issuer, c.as[s.Issuer].Standing(c.place))
	if err != nil || s.Issuer == life.Registrant {
		return []proofs.Signer{own}, false, err
	}
	if half {
		return []proofs.Signer{own}, true, nil
	}
	registrant, err := c.ring.Signer(life.Registrant, c.as[life.Registrant].Standing(c.place))
	var r *Refusal
	if errors.As(err, &r) {
		err = refuse(Countersignature, life, "a link of %s to a document of %s needs the signature of both, and %s", s.Issuer, life.Registrant, r.Why)
	}
	return []proofs.Signer{own, registrant}, false, err
}

func withLife(err error, life *proofs.Life) error {
	var r *Refusal
	if errors.As(err, &r) && r.Life == nil {
		r.Life = life
	}
	return err
}

// Half parses another authority's link that its own line is on, and the registrant's is not.
func (c *Clerk) Half(b []byte) (*proofs.Entry, error) {
	e, err := c.desk.Trust().Authorise(c.as, c.place, b)
	switch {
	case err != nil:
		return nil, refuse(NotForCountersigner, nil, "not a link that waits for a second signature: %v", err)
	case e.Statement == nil || e.Statement.Action != proofs.ActionLink:
		return nil, refuse(NotForCountersigner, nil, "a %s, and only a link takes a second signature", e.Envelope.Action)
	case len(e.Note.Signatures) != 1:
		return nil, refuse(NotForCountersigner, nil, "it has both signatures already")
	}
	return e, nil
}

// Countersign adds the registrant's line to another authority's link that Half has parsed.
func (c *Clerk) Countersign(ctx context.Context, half *proofs.Entry) (*Said, error) {
	doc := Document{Selector: half.Envelope.Selector}
	m, err := c.matter(ctx, Draft{Action: proofs.ActionLink, Document: doc})
	if err != nil {
		return nil, err
	}
	registrant := proofs.Registrant(m.Record, half)
	var life *proofs.Life
	for _, l := range proofs.Lives(m.Trust, m.Authorities, doc.Key(), m.Record) {
		if l.Registrant == registrant {
			life = l
		}
	}
	switch {
	case life == nil:
		return nil, refuse(NotRegistered, nil, "it is about a registration that is not in this registry")
	case half.Statement.Issuer == life.Registrant || half.Statement.Issuer == m.Trust.RootName():
		return nil, refuse(NotForCountersigner, life, "a link of %s needs no second signature", half.Statement.Issuer)
	}
	if err := m.wouldCount(half.Statement, life); err != nil {
		return nil, err
	}
	signer, err := c.ring.Signer(life.Registrant, c.as[life.Registrant].Standing(c.place))
	if err != nil {
		return nil, withLife(err, life)
	}
	line, err := proofs.SignNote(half.Note.Text, signer)
	if err != nil {
		return nil, err
	}
	note := &proofs.Note{Text: half.Note.Text, Signatures: append(slices.Clone(half.Note.Signatures), line.Signatures...)}
	return c.take(m, note, life, false)
}

// matter gathers what a draft needs to know.
func (c *Clerk) matter(ctx context.Context, d Draft) (*Matter, error) {
	if c.old {
		if err := c.look(ctx); err != nil {
			return nil, err
		}
	}
	m := &Matter{Trust: c.desk.Trust(), Authorities: c.as, Place: c.place}
	var err error
	if m.Record, err = c.record(ctx, d.Document.Key()); err != nil {
		return nil, err
	}
	if m.Record, err = c.withSuccessors(ctx, m.Record); err != nil {
		return nil, err
	}
	if d.Successor.Selector != "" {
		if m.Successor, err = c.record(ctx, d.Successor.Key()); err != nil {
			return nil, err
		}
	}
	if d.Target.Selector != "" {
		m.Target, err = c.record(ctx, d.Target.Key())
	}
	return m, err
}

func (c *Clerk) record(ctx context.Context, key proofs.Hash) ([]*proofs.Entry, error) {
	entries, err := c.desk.Record(ctx, key)
	return append(slices.Clone(entries), c.said[key]...), err
}

// withSuccessors adds the registrations of successors that the index has not added, since the `supersede` is pending.
func (c *Clerk) withSuccessors(ctx context.Context, record []*proofs.Entry) ([]*proofs.Entry, error) {
	for _, e := range slices.Clone(record) {
		if e.Published != 0 || e.Statement == nil || e.Statement.Successor == nil {
			continue
		}
		others, err := c.record(ctx, e.Statement.Successor.Key())
		if err != nil {
			return nil, err
		}
		for _, o := range registers(DocumentOf(*e.Statement.Successor), others) {
			if o.Statement.Issuer == proofs.Registrant(record, e) {
				record = append(record, o)
				break
			}
		}
	}
	slices.SortStableFunc(record, byPlace)
	return slices.CompactFunc(record, func(a, b *proofs.Entry) bool { return a.Place == b.Place }), nil
}

// Deliver delivers what was said since the last delivery.
func (c *Clerk) Deliver(ctx context.Context) error {
	if len(c.wait) == 0 {
		return nil
	}
	if err := c.desk.Deliver(ctx, c.wait); err != nil {
		return err
	}
	c.wait, c.old = nil, true
	return nil
}
