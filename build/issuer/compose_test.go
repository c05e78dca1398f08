package issuer

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"stele/proofs"
)

const (
	origin    = "registry.example/ledger"
	root      = "registry.example/root"
	education = "education.example" // the registrant
	court     = "court.example"     // another authority
	police    = "police.example"    // withdrawn
	nobody    = "nobody.example"    // never accredited
)

func signer(name string) *proofs.MemorySigner {
	seed := sha256.Sum256([]byte(name))
	s, err := proofs.NewMemorySigner(name, proofs.Ed25519Key, seed[:])
	if err != nil {
		panic(err)
	}
	return s
}

// A ledger is a registry's entries in memory, decided on with the verifier's own rules and nothing of this package.
type ledger struct {
	t     *testing.T
	trust *proofs.Trust
	as    proofs.Authorities
	all   []*proofs.Entry // authorised
	place uint64
}

func newLedger(t *testing.T) *ledger {
	trust := &proofs.Trust{Origin: origin, Epoch: 1, Title: "Registry", RootThreshold: 1, RootKeys: []*proofs.Key{signer(root).Key()},
		Publication: signer("registry.example/publication").Key()}
	l := &ledger{t: t, trust: trust, as: proofs.Authorities{}}
	for _, name := range []string{education, court, police} {
		l.accredit(name)
	}
	return l
}

func (l *ledger) accredit(name string) *proofs.Entry {
	s := &proofs.Statement{Registry: origin, Action: proofs.ActionAccredit, Issuer: root, Authority: name, After: l.about(name), Title: name,
		Keys: []*proofs.Key{signer(name).Key()}, Kinds: []string{"*"}}
	return l.must(s, root)
}

func (l *ledger) withdraw(name string, from *uint64) {
	l.must(&proofs.Statement{Registry: origin, Action: proofs.ActionWithdraw, Issuer: root, Authority: name, After: l.about(name), From: from}, root)
}

func (l *ledger) about(name string) *proofs.Hash {
	if h, ok := l.as[name].Latest(); ok {
		return &h
	}
	return nil
}

func (l *ledger) register(name, doc string) *proofs.Entry {
	r := ref(doc)
	return l.must(&proofs.Statement{Registry: origin, Action: proofs.ActionRegister, Issuer: name, Document: &r, Kind: "diploma", Issued: "2027-01-01"}, name)
}

// append signs a statement and takes it into the ledger, if it is authorised there.
func (l *ledger) append(s *proofs.Statement, signers ...string) (*proofs.Entry, error) {
	var keys []proofs.Signer
	for _, name := range signers {
		keys = append(keys, signer(name))
	}
	note, err := proofs.SignNote(s.Text(), keys...)
	if err != nil {
		l.t.Fatal(err)
	}
	e, err := l.trust.Authorise(l.as, l.place, note.Marshal())
	if err != nil {
		return nil, err
	}
	e.Published = 1_800_000_000 + int64(l.place)*86400
	l.as.Apply(e)
	l.all = append(l.all, e)
	l.place++
	return e, nil
}

func (l *ledger) must(s *proofs.Statement, signers ...string) *proofs.Entry {
	l.t.Helper()
	e, err := l.append(s, signers...)
	if err != nil {
		l.t.Fatal(err)
	}
	return e
}

// counts appends a statement and asks the verifier's rules whether it takes effect.
func (l *ledger) counts(s *proofs.Statement, signers ...string) bool {
	e, err := l.append(s, signers...)
	if err != nil {
		return false
	}
	for _, life := range proofs.Lives(l.trust, l.as, s.Document.Key(), l.record(s.Document.Selector())) {
		for _, o := range life.Events {
			if o.Entry == e {
				return o.Effect
			}
		}
	}
	return false
}

// record holds the registrations of all other documents too: whose successor one is, the rules find out.
func (l *ledger) record(selector string) []*proofs.Entry {
	var out []*proofs.Entry
	for _, e := range l.all {
		if e.Envelope.Selector == selector || e.Statement.Action == proofs.ActionRegister {
			out = append(out, e)
		}
	}
	return out
}

func (l *ledger) matter(doc, successor string) *Matter {
	m := &Matter{Trust: l.trust, Authorities: l.as, Place: l.place}
	for _, e := range l.all {
		switch e.Envelope.Selector {
		case ref(doc).Selector():
			m.Record = append(m.Record, e)
		case ref(successor).Selector():
			m.Successor = append(m.Successor, e)
		}
		if e.Statement.Action == proofs.ActionRegister && e.Envelope.Selector == ref("two").Selector() && e.Statement.Issuer == education {
			m.Record = append(m.Record, e) // as the index does for a supersede
		}
	}
	return m
}

func ref(doc string) proofs.Ref { return proofs.Ref{Digests: proofs.DigestsOf([]byte(doc))} }

// do says something that takes effect.
func (l *ledger) do(d Draft) *proofs.Entry {
	l.t.Helper()
	s, _, err := l.matter("one", "two").Compose(d)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.must(s, s.Issuer)
}

func draft(action, by string) Draft {
	d := Draft{Action: action, Issuer: by, Document: DocumentOf(ref("one"))}
	switch action {
	case proofs.ActionSupersede:
		d.Successor = DocumentOf(ref("two"))
	case proofs.ActionLink:
		d.Relation = "amendment"
	}
	return d
}

// in is a ledger whose document is in a state.
func in(t *testing.T, state string) *ledger {
	l := newLedger(t)
	l.register(education, "one")
	l.register(education, "two")
	switch state {
	case proofs.StateSuspended:
		l.do(draft(proofs.ActionSuspend, education))
	case proofs.StateSuperseded:
		l.do(draft(proofs.ActionSupersede, education))
	case proofs.StateRevoked:
		l.do(draft(proofs.ActionRevoke, education))
	}
	return l
}

var actions = []string{proofs.ActionSuspend, proofs.ActionRestore, proofs.ActionSupersede, proofs.ActionRevoke, proofs.ActionLink}

// The table of FORMAT.md, section 7: what has an effect when the registrant or the root says it.
var table = map[string][]string{
	proofs.StateActive:     {proofs.ActionSuspend, proofs.ActionSupersede, proofs.ActionRevoke, proofs.ActionLink},
	proofs.StateSuspended:  {proofs.ActionRestore, proofs.ActionSupersede, proofs.ActionRevoke, proofs.ActionLink},
	proofs.StateSuperseded: {proofs.ActionRevoke, proofs.ActionLink},
	proofs.StateRevoked:    {proofs.ActionLink},
}

// TestTable: for each state, action and issuer, what Compose refuses is what the written rules call void, and what the verifier's
// code calls so.
func TestTable(t *testing.T) {
	for state, good := range table {
		for _, action := range actions {
			for _, by := range []string{education, root, court, police, nobody} {
				t.Run(strings.Join([]string{state, action, by}, "/"), func(t *testing.T) {
					l := in(t, state)
					l.withdraw(police, nil)
					signers := []string{by}
					want := slices.Contains(good, action) && (by == education || by == root)
					if by == court && action == proofs.ActionLink {
						signers, want = append(signers, education), true
					}
					s, _, err := l.matter("one", "two").Compose(draft(action, by))
					var r *Refusal
					if err != nil && !errors.As(err, &r) {
						t.Fatalf("got %v, want a refusal", err)
					}
					if got := err == nil; got != want {
						t.Errorf("composed: got %v (%v), want %v", got, err, want)
					}
					if s == nil {
						s = regardless(l, action, by)
					}
					if got := l.counts(s, signers...); got != want {
						t.Errorf("takes effect: got %v, want %v", got, want)
					}
				})
			}
		}
	}
}

// regardless is the statement that Compose has refused, as well made as it can be.
func regardless(l *ledger, action, by string) *proofs.Statement {
	life := proofs.Lives(l.trust, l.as, ref("one").Key(), l.record(ref("one").Selector()))[0]
	one, two, after := ref("one"), ref("two"), life.Latest()
	s := &proofs.Statement{Registry: origin, Action: action, Issuer: by, Document: &one, After: &after}
	switch action {
	case proofs.ActionSupersede:
		s.Successor = &two
	case proofs.ActionLink:
		s.Relation = "amendment"
	}
	return s
}

// TestWithdrawnFrom: what an authority said while its keys are not believed stands or is void as section 6 says, and what comes
// next is composed upon what stands.
func TestWithdrawnFrom(t *testing.T) {
	l := in(t, proofs.StateSuspended)
	from := l.place
	l.do(draft(proofs.ActionRestore, education))
	l.withdraw(education, &from)
	if _, _, err := l.matter("one", "two").Compose(draft(proofs.ActionSuspend, root)); code(err) != Suspended {
		t.Errorf("suspend after a disowned restore: got %v, want %s", err, Suspended)
	}
	s, _, err := l.matter("one", "two").Compose(draft(proofs.ActionRestore, root))
	if err != nil || !l.counts(s, root) {
		t.Errorf("restore by the root: got %v, want an effect", err)
	}
}

func code(err error) Code {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// TestRefusals: each has its code, and names what a person needs to know.
func TestRefusals(t *testing.T) {
	other := proofs.Hash512{1}
	for _, c := range []struct {
		name string
		prep func(l *ledger)
		edit func(d *Draft)
		code Code
		says string
	}{
		{"unregistered", nil, func(d *Draft) { d.Document = DocumentOf(ref("three")) }, NotRegistered, "not registered in this registry"},
		{"stranger", nil, func(d *Draft) { d.Issuer = court }, OtherRegistrant, "not registered by court.example, but by education.example"},
		{"wrong-registrant", nil, func(d *Draft) { d.Issuer, d.Registrant = root, court }, OtherRegistrant, "not registered by court.example"},
		{"never", nil, func(d *Draft) { d.Issuer, d.Registrant = nobody, education }, NotAccredited, "nobody.example is not accredited"},
		{"withdrawn", func(l *ledger) { l.withdraw(education, nil) }, nil, NotAccredited, "was withdrawn"},
		{"collision", nil, func(d *Draft) { d.Document.SHA3512 = &other }, OtherDocument, "another SHA3-512"},
		{"twice", func(l *ledger) { l.do(draft(proofs.ActionRevoke, education)) }, nil, Revoked, "already revoked, on 2027-01-20"},
		{"after-revoke", func(l *ledger) { l.do(draft(proofs.ActionRevoke, education)) }, act(proofs.ActionSuspend), Revoked, "revoked, on 2027-01-20: that is final"},
		{"suspended", func(l *ledger) { l.do(draft(proofs.ActionSuspend, education)) }, act(proofs.ActionSuspend), Suspended, "already suspended, on 2027-01-20"},
		{"active", nil, act(proofs.ActionRestore), NotSuspended, "nothing to restore"},
		{"replaced", func(l *ledger) { l.do(draft(proofs.ActionSupersede, education)) }, act(proofs.ActionSuspend), Superseded, "already replaced by sha256:"},
		{"no-successor", nil, func(d *Draft) { *d = draft(proofs.ActionSupersede, education); d.Successor = DocumentOf(ref("four")) }, SuccessorMissing, "not registered yet"},
		{"itself", nil, func(d *Draft) { *d = draft(proofs.ActionSupersede, education); d.Successor = d.Document }, SuccessorItself, "does not replace itself"},
		{"of-another", func(l *ledger) { l.register(court, "four") },
			func(d *Draft) { *d = draft(proofs.ActionSupersede, education); d.Successor = DocumentOf(ref("four")) }, SuccessorOfAnother, "registered by court.example"},
		{"repeated", func(l *ledger) { l.do(draft(proofs.ActionLink, education)) }, act(proofs.ActionLink), Repeated, "said already, on 2027-01-20"},
		{"target", nil, func(d *Draft) {
			*d = draft(proofs.ActionLink, education)
			d.Target = Document{Selector: ref("four").Selector()}
		}, TargetMissing, "in no record"},
		{"countersigner-gone", func(l *ledger) { l.withdraw(education, nil) }, func(d *Draft) { *d = draft(proofs.ActionLink, court) }, NoCountersignature, "was withdrawn"},
		{"full", func(l *ledger) {
			for i := range proofs.MaxForeignLinks {
				d := draft(proofs.ActionLink, court)
				d.Reason = fmt.Sprint(i)
				s, _, err := l.matter("one", "two").Compose(d)
				if err != nil || !l.counts(s, court, education) {
					l.t.Fatalf("link %d: %v", i, err)
				}
			}
		}, func(d *Draft) { *d = draft(proofs.ActionLink, court) }, LinksFull, "16 links"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := in(t, proofs.StateActive)
			if c.prep != nil {
				c.prep(l)
			}
			d := draft(proofs.ActionRevoke, education)
			if c.edit != nil {
				c.edit(&d)
			}
			m := l.matter("one", "four")
			if d.Document.Selector == ref("three").Selector() {
				m.Record = nil
			}
			if d.Successor.Selector == ref("two").Selector() || d.Successor.Selector == ref("one").Selector() {
				m = l.matter("one", "two")
			}
			_, _, err := m.Compose(d)
			if code(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %q (%v), want %q with %q", code(err), err, c.code, c.says)
			}
		})
	}
}

func act(action string) func(*Draft) {
	return func(d *Draft) { *d = draft(action, education) }
}

// TestSuccessorEarlier: what was registered before cannot replace.
func TestSuccessorEarlier(t *testing.T) {
	l := newLedger(t)
	l.register(education, "two")
	l.register(education, "one")
	m := l.matter("one", "two")
	if _, _, err := m.Compose(draft(proofs.ActionSupersede, education)); code(err) != SuccessorEarlier {
		t.Errorf("got %v, want %s", err, SuccessorEarlier)
	}
}

// TestRace: a revocation that was composed before another statement came in between still takes effect; a suspension does not, and
// the rules of FORMAT.md want it so.
func TestRace(t *testing.T) {
	for action, want := range map[string]bool{proofs.ActionRevoke: true, proofs.ActionLink: true, proofs.ActionSupersede: false} {
		l := in(t, proofs.StateActive)
		s, _, err := l.matter("one", "two").Compose(draft(action, education))
		if err != nil {
			t.Fatal(err)
		}
		l.do(draft(proofs.ActionSuspend, root))
		if got := l.counts(s, education); got != want {
			t.Errorf("%s behind a suspension: takes effect %v, want %v", action, got, want)
		}
	}
}

// TestRefusedBefore: a revocation that was composed while a suspension waited takes effect although that is refused in the end.
func TestRefusedBefore(t *testing.T) {
	s, _, err := in(t, proofs.StateSuspended).matter("one", "two").Compose(draft(proofs.ActionRevoke, education))
	if err != nil {
		t.Fatal(err)
	}
	if !in(t, proofs.StateActive).counts(s, education) { // the same ledger, without the suspension
		t.Error("the revocation has no effect")
	}
}

// TestWhich: of two registrations of a document, each issuer speaks about its own, the root about the one that answers or the one
// that it names.
func TestWhich(t *testing.T) {
	l := in(t, proofs.StateActive)
	l.register(court, "one")
	for _, c := range []struct{ by, of, want string }{{education, "", education}, {court, "", court}, {root, "", education}, {root, court, court}} {
		d := draft(proofs.ActionSuspend, c.by)
		d.Registrant = c.of
		s, life, err := l.matter("one", "two").Compose(d)
		if err != nil || life.Registrant != c.want || *s.After != life.Register.Leaf {
			t.Errorf("%s about %q: got %v of %v, want one of %s", c.by, c.of, err, life, c.want)
		}
	}
}
