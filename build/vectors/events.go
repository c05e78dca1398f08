package main

import (
	"fmt"

	"stele/proofs"
)

// Who says what: each action in each state, by those who may and those who may not (FORMAT.md, sections 6 and 7).

var actions = []string{proofs.ActionSuspend, proofs.ActionRestore, proofs.ActionSupersede, proofs.ActionRevoke, proofs.ActionLink}

func events(s set) {
	strangers(s)
	linksAfter(s)
	withdrawnSay(s)
	thirdWithdrawn(s)
	unaccreditedSay(s)
}

// eventOf says something later about document one, which two may replace.
func eventOf(action, issuer string, after proofs.Hash) *proofs.Statement {
	e := event(action, issuer, "one", after)
	if action == proofs.ActionSupersede {
		e.Successor = ref("two")
	}
	return e
}

// strangers: another authority, alone and with the registrant's line after its own.
func strangers(s set) {
	for _, row := range table {
		for _, action := range actions {
			r, after := newLife()
			r.accredit(court, "diploma")
			r.say(eventOf(action, court, r.reach(row.state, after)), key(court, 1))
			s.add(fmt.Sprintf("life-%s-%s-by-another", row.state, action), online(r.publish(start), "one"), verdictOf[row.state], "",
				fmt.Sprintf("A document that is %s; then another authority says %s.", row.state, action), "state "+row.state, "event "+action+" void")

			r, after = newLife()
			r.accredit(court, "diploma")
			r.say(eventOf(action, court, r.reach(row.state, after)), key(court, 1), key(education, 1))
			lines, so := []string{"state " + row.state}, "Only a link takes a second line: the entry is not authorised."
			if action == proofs.ActionLink {
				lines, so = append(lines, "event link effective"), "It is noted."
			}
			s.add(fmt.Sprintf("life-%s-%s-by-another-countersigned", row.state, action), online(r.publish(start), "one"), verdictOf[row.state], "",
				fmt.Sprintf("A document that is %s; then another authority says %s, with the registrant's line. %s", row.state, action, so), lines...)
		}
	}
}

// linksAfter: a link, and a revocation, may name any entry of the life that took effect, and no other. What has to name the latest
// cannot name a link.
func linksAfter(s set) {
	for name, c := range map[string]struct {
		lead  func(r *registry, register proofs.Hash) proofs.Hash // returns what the link names
		state string
		event string // of the link; empty where it leads to no life
	}{
		"register": {func(_ *registry, reg proofs.Hash) proofs.Hash { return reg }, "active", "effective"},
		"register-behind-others": {func(r *registry, reg proofs.Hash) proofs.Hash {
			r.do("suspend", education, "one", reg)
			return reg
		}, "suspended", "effective"},
		"suspend": {func(r *registry, reg proofs.Hash) proofs.Hash { return r.do("suspend", education, "one", reg) }, "suspended", "effective"},
		"restore": {func(r *registry, reg proofs.Hash) proofs.Hash {
			return r.do("restore", education, "one", r.do("suspend", education, "one", reg))
		}, "active", "effective"},
		"supersede":        {func(r *registry, reg proofs.Hash) proofs.Hash { return r.supersede(education, "one", "two", reg) }, "superseded", "effective"},
		"revoke":           {func(r *registry, reg proofs.Hash) proofs.Hash { return r.do("revoke", education, "one", reg) }, "revoked", "effective"},
		"link":             {func(r *registry, reg proofs.Hash) proofs.Hash { return r.do("link", education, "one", reg) }, "active", "effective"},
		"void":             {func(r *registry, reg proofs.Hash) proofs.Hash { return r.do("restore", education, "one", reg) }, "active", ""},
		"another-document": {func(r *registry, _ proofs.Hash) proofs.Hash { return r.leaves[2] }, "active", ""},
		"nothing":          {func(*registry, proofs.Hash) proofs.Hash { return proofs.Hash{} }, "active", ""},
	} {
		for by, signers := range map[string][]*signer{"registrant": {key(education, 1)}, "another": {key(court, 1), key(education, 1)}} {
			r, reg := newLife()
			r.accredit(court, "diploma")
			e := event("link", signers[0].Key().Name, "one", c.lead(r, reg))
			e.Relation = "custody"
			r.say(e, signers...)
			lines := []string{"state " + c.state}
			if c.event != "" {
				lines = append(lines, "event link "+c.event)
			}
			s.add("link-after-"+name+"-by-"+by, online(r.publish(start), "one"), verdictOf[c.state], "", "A link that names: "+name+".", lines...)
		}
	}
	for _, action := range []string{proofs.ActionRestore, proofs.ActionSupersede} {
		r, reg := newLife()
		r.do("suspend", education, "one", reg)
		r.act(action, education, r.do("link", education, "one", reg))
		s.add("life-"+action+"-after-link", online(r.publish(start), "one"), proofs.Suspended, "",
			"A link does not become the latest entry, so that what has to name the latest cannot name it.", "event "+action+" void")
	}
}

// ready brings document one into a state in which an action has an effect, and tells the state after it.
func (r *registry) ready(action string, register proofs.Hash) (after proofs.Hash, before, next string) {
	after, before = register, proofs.StateActive
	if action == proofs.ActionRestore {
		after, before = r.do(proofs.ActionSuspend, education, "one", register), proofs.StateSuspended
	}
	next = map[string]string{proofs.ActionSuspend: proofs.StateSuspended, proofs.ActionRestore: proofs.StateActive,
		proofs.ActionSupersede: proofs.StateSuperseded, proofs.ActionRevoke: proofs.StateRevoked, proofs.ActionLink: proofs.StateActive}[action]
	return after, before, next
}

// withdrawnSay: what an authority says before and after the place from which on its keys are not believed, and after its
// withdrawal.
func withdrawnSay(s set) {
	for _, action := range actions {
		stands := action == proofs.ActionRevoke || action == proofs.ActionSuspend
		for _, c := range []struct {
			name, about string
			say         func(r *registry, e *proofs.Statement)
			effect      string // empty where the entry is not authorised
		}{
			{"before-from", "right before the place from which on its keys are not believed", func(r *registry, e *proofs.Statement) {
				r.say(e, key(education, 1))
				r.withdraw(education, int64(r.place()))
			}, "effective"},
			{"at-from", "at the place from which on its keys are not believed", func(r *registry, e *proofs.Statement) {
				from := r.place()
				r.say(e, key(education, 1))
				r.withdraw(education, int64(from))
			}, map[bool]string{true: "effective", false: "void"}[stands]},
			{"without-from", "before a withdrawal that names no place", func(r *registry, e *proofs.Statement) {
				r.say(e, key(education, 1))
				r.withdraw(education, -1)
			}, "effective"},
			{"after", "after its withdrawal", func(r *registry, e *proofs.Statement) {
				r.withdraw(education, -1)
				r.say(e, key(education, 1))
			}, ""},
			{"after-by-root", "by the root, after the registrant's withdrawal", func(r *registry, e *proofs.Statement) {
				r.withdraw(education, -1)
				e.Issuer = rootName
				r.say(e, r.rootSigners()...)
			}, "effective"},
		} {
			r, reg := newLife()
			after, state, next := r.ready(action, reg)
			c.say(r, eventOf(action, education, after))
			lines := []string{"notice withdrawn-later"}
			if c.effect != "" {
				lines = append(lines, "event "+action+" "+c.effect)
			}
			if c.effect == "effective" {
				state = next
			}
			s.add("withdrawn-"+action+"-"+c.name, online(r.publish(start), "one"), verdictOf[state], "",
				"The registrant is withdrawn; "+action+" was said "+c.about+".", append(lines, "state "+state)...)
		}
	}
}

// thirdWithdrawn: a countersigned link, when the one who links or the one who countersigns is withdrawn.
func thirdWithdrawn(s set) {
	for _, c := range []struct{ name, who, notice string }{{"third", court, ""}, {"registrant", education, "notice withdrawn-later"}} {
		for when, do := range map[string]func(r *registry, link func()) string{
			"before-from": func(r *registry, link func()) string {
				link()
				r.withdraw(c.who, int64(r.place()))
				return "effective"
			},
			"at-from": func(r *registry, link func()) string {
				from := r.place()
				link()
				r.withdraw(c.who, int64(from))
				return "void"
			},
			"after": func(r *registry, link func()) string {
				r.withdraw(c.who, -1)
				link()
				if c.who == court {
					return "" // not authorised
				}
				return "void"
			},
		} {
			r, reg := newLife()
			r.accredit(court, "ruling")
			effect := do(r, func() { r.say(event("link", court, "one", reg), key(court, 1), key(education, 1)) })
			lines := []string{"state active"}
			if effect != "" {
				lines = append(lines, "event link "+effect)
			}
			if c.notice != "" {
				lines = append(lines, c.notice)
			}
			s.add("withdrawn-"+c.name+"-link-"+when, online(r.publish(start), "one"), proofs.Authentic, "",
				"Another authority's link with the registrant's line, where the "+c.name+" is withdrawn: "+when+".", lines...)
		}
	}
}

// unaccreditedSay: what is said by somebody who never was accredited, and what is said about a document of a kind that its
// registrant may not issue.
func unaccreditedSay(s set) {
	for _, action := range actions {
		r, reg := newLife()
		after, state, _ := r.ready(action, reg)
		r.say(eventOf(action, police, after), key(police, 1))
		s.add("unaccredited-"+action+"-by-stranger", online(r.publish(start), "one"), verdictOf[state], "",
			"Somebody who never was accredited says "+action+": not authorised.", "state "+state)

		for who, by := range map[string]string{"registrant": education, "root": rootName} {
			r := newDemo()
			r.accredit(education, "transcript")
			reg := r.register(education, "one")
			r.register(education, "two")
			after, _, next := r.ready(action, reg)
			r.say(eventOf(action, by, after), r.signersOf(by)...)
			verdict, reason := proofs.Unaccredited, proofs.ReasonKind
			if next == proofs.StateRevoked {
				verdict, reason = proofs.Revoked, ""
			}
			s.add("unaccredited-"+action+"-by-"+who, online(r.publish(start), "one"), verdict, reason,
				"A document of a kind that its registrant may not issue; then its "+who+" says "+action+".", "event "+action+" effective")
		}
	}
}
