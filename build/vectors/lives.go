package main

import (
	"fmt"

	"stele/proofs"
)

// newLife is a registry with a document and one registered after it, which can succeed it.
func newLife() (r *registry, register proofs.Hash) {
	r = newDemo()
	r.accredit(education, "diploma")
	register = r.register(education, "one")
	r.register(education, "two")
	return r, register
}

// reach brings the document into a state and returns its latest entry.
func (r *registry) reach(state string, after proofs.Hash) proofs.Hash {
	switch state {
	case proofs.StateSuspended:
		return r.do(proofs.ActionSuspend, education, "one", after)
	case proofs.StateSuperseded:
		return r.supersede(education, "one", "two", after)
	case proofs.StateRevoked:
		return r.do(proofs.ActionRevoke, education, "one", after)
	}
	return after
}

// act says one more thing.
func (r *registry) act(action, issuer string, after proofs.Hash) {
	if action == proofs.ActionSupersede {
		r.supersede(issuer, "one", "two", after)
	} else {
		r.do(action, issuer, "one", after)
	}
}

var verdictOf = map[string]proofs.Verdict{
	proofs.StateActive:     proofs.Authentic,
	proofs.StateSuspended:  proofs.Suspended,
	proofs.StateSuperseded: proofs.Superseded,
	proofs.StateRevoked:    proofs.Revoked,
}

// The table of FORMAT.md, section 7: the state after an action, "" where it is void.
var table = []struct {
	state                                     string
	suspend, restore, supersede, revoke, link string
}{
	{"active", "suspended", "", "superseded", "revoked", "active"},
	{"suspended", "", "active", "superseded", "revoked", "suspended"},
	{"superseded", "", "", "", "revoked", "superseded"},
	{"revoked", "", "", "", "", "revoked"},
}

func lives(s set) {
	for _, row := range table {
		for action, next := range map[string]string{"suspend": row.suspend, "restore": row.restore, "supersede": row.supersede,
			"revoke": row.revoke, "link": row.link} {
			effect, state := "effective", next
			if next == "" {
				effect, state = "void", row.state
			}
			for _, by := range []string{education, rootName} {
				r, after := newLife()
				r.act(action, by, r.reach(row.state, after))
				who := map[string]string{education: "registrant", rootName: "root"}[by]
				s.add(fmt.Sprintf("life-%s-%s-by-%s", row.state, action, who), online(r.publish(start), "one"), verdictOf[state], "",
					fmt.Sprintf("A document that is %s; then its %s says %s.", row.state, who, action),
					"state "+state, "event "+action+" "+effect)
			}
		}
	}
	livesAfter(s)
	livesSupersede(s)
	livesSeveral(s)
}

// livesAfter: what `after` may name.
func livesAfter(s set) {
	r, reg := newLife()
	first := r.do("suspend", education, "one", reg)
	old := event("restore", education, "one", first)
	restored := r.say(old, key(education, 1))
	r.do("suspend", education, "one", restored)
	r.say(old, key(education, 1))
	s.add("life-restore-replayed", online(r.publish(start), "one"), proofs.Suspended, "",
		"Suspended, restored, suspended again; then somebody submits the first restore once more. Its text is a repeat.")

	r, reg = newLife()
	first = r.do("suspend", education, "one", reg)
	restored = r.do("restore", education, "one", first)
	r.do("suspend", education, "one", restored)
	late := event("restore", education, "one", first)
	late.Reason = "prepared long ago"
	r.say(late, key(education, 1))
	s.add("life-restore-after-not-latest", online(r.publish(start), "one"), proofs.Suspended, "",
		"A restore that names an earlier suspension is void.", "event restore void")

	r, reg = newLife()
	suspended := r.do("suspend", education, "one", reg)
	r.do("suspend", education, "one", suspended)
	r.do("revoke", education, "one", reg)
	s.add("life-revoke-after-any", online(r.publish(start), "one"), proofs.Revoked, "",
		"A revocation may name any entry of the life that took effect: no race may undo it.", "event revoke effective")

	r, reg = newLife()
	suspended = r.do("suspend", education, "one", reg)
	void := r.do("suspend", education, "one", suspended)
	r.do("revoke", education, "one", void)
	s.add("life-revoke-after-void", online(r.publish(start), "one"), proofs.Suspended, "",
		"A revocation that names a void entry leads to no life.")

	r, reg = newLife()
	linked := r.do("link", education, "one", reg)
	r.do("suspend", education, "one", linked)
	s.add("life-suspend-after-link", online(r.publish(start), "one"), proofs.Authentic, "",
		"A link does not become the latest entry, so that a suspension cannot name it.", "event suspend void")

	r, reg = newLife()
	linked = r.do("link", education, "one", reg)
	r.do("revoke", education, "one", linked)
	s.add("life-revoke-after-link", online(r.publish(start), "one"), proofs.Revoked, "", "A revocation may name a link.")

	r, reg = newLife()
	e := event("revoke", education, "one", reg)
	e.Document.Digests.SHA3512[0] ^= 1
	r.say(e, key(education, 1))
	s.add("life-revoke-other-sha3-512", online(r.publish(start), "one"), proofs.Authentic, "",
		"An event has to name the document by the same pair of digests.", "event revoke void")

	r, reg = newLife()
	r.accredit(court, "diploma")
	r.do("revoke", court, "one", reg)
	s.add("life-revoke-by-stranger", online(r.publish(start), "one"), proofs.Authentic, "",
		"Another authority cannot revoke.", "event revoke void")

	r, reg = newLife()
	e = event("revoke", education, "one", reg)
	text := withRegistry(e, origin)
	junk := noteOf(text, key(education, 1), key(police, 1))
	r.append(junk)
	r.sayText(text, key(education, 1))
	s.add("life-revoke-behind-a-longer-copy", online(r.publish(start), "one"), proofs.Revoked, "",
		"Somebody sends a revocation ahead with a signature line more. That copy is not authorised, so that its text is not taken.",
		"event revoke effective")

	r, reg = newLife()
	e = event("revoke", education, "one", reg)
	r.sayText(withRegistry(e, "staging.example/ledger"), key(education, 1))
	s.add("life-revoke-of-another-registry", online(r.publish(start), "one"), proofs.Authentic, "",
		"A statement signed for another registry is void here.")
}

func withRegistry(s *proofs.Statement, origin string) string {
	s.Registry = origin
	return s.Text()
}

func livesSupersede(s set) {
	base := func() (*registry, proofs.Hash) {
		r := newDemo()
		r.accredit(education, "diploma")
		return r, r.register(education, "one")
	}
	r, reg := base()
	r.supersede(education, "one", "two", reg)
	s.add("supersede-successor-missing", online(r.publish(start), "one"), proofs.Authentic, "",
		"A replacement by a document that was never registered is void.", "event supersede void")

	r, reg = base()
	r.supersede(education, "one", "two", reg)
	r.register(education, "two")
	s.add("supersede-successor-later", online(r.publish(start), "one"), proofs.Authentic, "",
		"The successor has to be registered before it is named.", "event supersede void")

	r = newDemo()
	r.accredit(education, "diploma")
	r.register(education, "two")
	reg = r.register(education, "one")
	r.supersede(education, "one", "two", reg)
	s.add("supersede-successor-older", online(r.publish(start), "one"), proofs.Authentic, "",
		"The successor has to be registered after what it replaces.", "event supersede void")

	r, reg = base()
	r.accredit(court, "diploma")
	r.register(court, "two")
	r.supersede(education, "one", "two", reg)
	s.add("supersede-successor-of-another", online(r.publish(start), "one"), proofs.Authentic, "",
		"Another authority's document is no successor.", "event supersede void")

	r, reg = base()
	r.supersede(education, "one", "one", reg)
	s.add("supersede-by-itself", online(r.publish(start), "one"), proofs.Authentic, "", "A document does not replace itself.", "event supersede void")

	r, reg = base()
	two := r.register(education, "two")
	r.supersede(education, "one", "two", reg)
	r.supersede(education, "two", "one", two)
	v := r.publish(start)
	s.add("supersede-cycle-first", online(v, "one"), proofs.Superseded, "", "One is replaced by two; two then by one.",
		"successor sha256:"+digests("two").SHA256.String())
	s.add("supersede-cycle-second", online(v, "two"), proofs.Authentic, "", "The way back is void, so that no document is lost in a circle.",
		"event supersede void")

	r, reg = base()
	r.publish(start)
	r.register(education, "two")
	r.publish(start + hour)
	r.supersede(education, "one", "two", reg)
	v = r.publish(start + 2*hour)
	s.add("supersede-three-publications", online(v, "one"), proofs.Superseded, "", "Document, successor and replacement in a publication each.",
		"successor sha256:"+digests("two").SHA256.String())
	s.add("supersede-receipt", offline(v, "one", receiptFor(v, "one")), proofs.Superseded, "", "The same offline: the record holds the successor's registration.",
		"successor sha256:"+digests("two").SHA256.String(), "source receipt")

	r, reg = base()
	r.register(education, "two")
	e := event("supersede", education, "one", reg)
	e.Successor = ref("two")
	r.say(e, key(education, 1))
	r.say(registration(education, sealedRef("three")), key(education, 1))
	s.add("supersede-plain-and-sealed", online(r.publish(start), "one"), proofs.Superseded, "", "Sealed documents beside do not matter.")

	r, reg = base()
	r.say(registration(education, sealedRef("three")), key(education, 1))
	e = event("supersede", education, "one", reg)
	e.Successor = sealedRef("three")
	r.say(e, key(education, 1))
	s.add("supersede-by-sealed", online(r.publish(start), "one"), proofs.Superseded, "", "The successor may be sealed.",
		"successor "+sealedRef("three").Selector())
}

// livesSeveral: more than one registration of a document.
func livesSeveral(s set) {
	r, _ := newLife()
	r.register(education, "one")
	s.add("register-repeated", online(r.publish(start), "one"), proofs.Authentic, "", "The same registration twice: the second is void.", "place 1")

	r, _ = newLife()
	again := registration(education, ref("one"))
	again.Expires = "2027-01-10"
	r.say(again, key(education, 1))
	s.add("register-again-with-expiry", online(r.publish(start), "one"), proofs.Authentic, "",
		"An authority's second registration of a document is void: to change one, it has to be replaced.", "place 1")

	r, reg := newLife()
	r.accredit(court, "diploma")
	r.do("revoke", education, "one", reg)
	r.register(court, "one")
	s.add("register-second-authority-whitewash", online(r.publish(start), "one"), proofs.Revoked, "",
		"Revoked by its issuer; another authority registers it afterwards. The earliest registration answers.", "notice other-issuers", "issuer "+education)

	r, _ = newLife()
	r.accredit(court, "diploma")
	other := r.register(court, "one")
	r.do("revoke", court, "one", other)
	s.add("register-second-authority-spoil", online(r.publish(start), "one"), proofs.Authentic, "",
		"Another authority registers a good document and revokes its own registration.", "notice other-issuers", "issuer "+education)

	r = newDemo()
	r.accredit(education, "diploma")
	r.accredit(court, "judgment")
	r.register(court, "one") // a diploma
	r.register(education, "one")
	s.add("register-second-authority-after-unaccredited", online(r.publish(start), "one"), proofs.Authentic, "",
		"A court registers a diploma, which it may not; the ministry then does. The first good registration answers.", "notice other-issuers", "issuer "+education)

	r = newDemo()
	r.accredit(education, "diploma")
	r.accredit(court, "diploma")
	reg = r.register(court, "one")
	r.register(education, "one")
	r.do("suspend", court, "one", reg)
	s.add("register-second-authority-before", online(r.publish(start), "one"), proofs.Suspended, "",
		"Another authority was first: its registration answers.", "notice other-issuers", "issuer "+court)

	r = newDemo()
	r.accredit(education, "diploma")
	r.accredit(court, "diploma")
	r.register(education, "one")
	reg = r.register(court, "one")
	r.do("revoke", rootName, "one", reg)
	s.add("root-revokes-the-other-life", online(r.publish(start), "one"), proofs.Authentic, "",
		"The root's event touches the registration that its `after` leads to, and no other.", "notice other-issuers")
}

func links(s set) {
	r, reg := newLife()
	e := event("link", education, "one", reg)
	e.Relation, e.Target, e.Reason = "translation", ref("two"), "into French"
	r.say(e, key(education, 1))
	s.add("link-by-registrant", online(r.publish(start), "one"), proofs.Authentic, "", "The registrant links two documents.", "event link effective")

	r, reg = newLife()
	e = event("link", education, "one", reg)
	r.say(e, key(education, 1), key(education, 1))
	s.add("link-by-registrant-signed-twice", online(r.publish(start), "one"), proofs.Authentic, "", "One line is wanted.", "event link void")

	foreign := func(n int) *proofs.Statement {
		e := event("link", court, "one", reg)
		e.Relation, e.Reason = "custody", fmt.Sprintf("file %d", n)
		return e
	}
	for name, c := range map[string]struct {
		signers []*signer
		effect  string
		about   string
	}{
		"alone":                {[]*signer{key(court, 1)}, "void", "without the registrant's line"},
		"countersigned":        {[]*signer{key(court, 1), key(education, 1)}, "effective", "with the registrant's line after its own"},
		"countersigned-by-old": {[]*signer{key(court, 1), key(education, 2)}, "void", "with a line of a key that the registrant does not have"},
		"countersigned-wrong":  {[]*signer{key(court, 1), key(court, 1)}, "void", "with its own line twice"},
	} {
		r, reg = newLife()
		r.accredit(court, "judgment")
		r.say(foreign(1), c.signers...)
		s.add("link-foreign-"+name, online(r.publish(start), "one"), proofs.Authentic, "", "Another authority's link "+c.about+".", "event link "+c.effect)
	}

	r, reg = newLife()
	r.accredit(court, "judgment")
	for i := range 17 {
		r.say(foreign(i), key(court, 1), key(education, 1))
	}
	v := r.publish(start)
	var events []string
	for i := range 17 {
		events = append(events, "event link "+map[bool]string{true: "effective", false: "void"}[i < 16])
	}
	s.add("link-foreign-seventeenth", online(v, "one"), proofs.Authentic, "", "A life notes sixteen links of other authorities.", events...)
	s.add("link-receipt", offline(v, "one", receiptFor(v, "one")), proofs.Authentic, "", "Offline, with the records of both authorities.", events...)

	r, reg = newLife()
	r.accredit(court, "judgment")
	from := r.place()
	r.say(foreign(1), key(court, 1), key(education, 1))
	r.withdraw(education, int64(from))
	s.add("link-countersigned-by-disowned", online(r.publish(start), "one"), proofs.Authentic, "",
		"The registrant's keys are disowned from before its countersignature.", "event link void", "notice withdrawn-later")
}
