package main

import (
	"strings"

	"stele/proofs"
)

func authorities(s set) {
	r := newDemo()
	r.accredit(education, "transcript")
	r.register(education, "one")
	s.add("accredit-other-kind", online(r.publish(start), "one"), proofs.Unaccredited, proofs.ReasonKind, "A diploma by an authority that may issue transcripts only.")

	r = newDemo()
	r.accredit(education, "*")
	r.register(education, "one")
	s.add("accredit-every-kind", online(r.publish(start), "one"), proofs.Authentic, "", "An authority that may issue every kind.")

	r = newDemo()
	r.register(education, "one")
	r.accredit(education, "diploma")
	r.register(education, "two")
	v := r.publish(start)
	s.add("accredit-too-late", online(v, "one"), proofs.NotRegistered, proofs.ReasonAbsent, "Registered before its issuer was accredited: not authorised.")
	s.add("accredit-in-time", online(v, "two"), proofs.Authentic, "", "Registered right after.")

	r = newDemo()
	r.accreditKeys(education, []string{"diploma"}, key(education, 1))
	r.register(education, "one")
	r.accreditKeys(education, []string{"diploma"}, key(education, 2))
	r.register(education, "two")
	r.say(registration(education, ref("three")), key(education, 2))
	v = r.publish(start)
	s.add("accredit-rotated-before", online(v, "one"), proofs.Authentic, "", "Signed by the old key while it stood.")
	s.add("accredit-rotated-old-key", online(v, "two"), proofs.NotRegistered, proofs.ReasonAbsent, "Signed by the old key after the new one took its place.")
	s.add("accredit-rotated-new-key", online(v, "three"), proofs.Authentic, "", "Signed by the new key.")

	r = newDemo()
	r.accreditKeys(education, []string{"diploma"}, key(education, 1), key(education, 2))
	reg := r.register(education, "one")
	r.say(event("suspend", education, "one", reg), key(education, 2))
	s.add("accredit-two-keys", online(r.publish(start), "one"), proofs.Suspended, "", "Each of an authority's keys signs for it.")

	r = newDemo()
	r.accredit(education, "diploma")
	r.accounts = map[string]proofs.Hash{} // forget it, so that the next names none
	r.accredit(education, "transcript")
	r.register(education, "one")
	s.add("accredit-again-without-after", online(r.publish(start), "one"), proofs.Authentic, "", "A second accreditation that names no earlier one is void.")

	for name, signers := range map[string][]*signer{rootName: r.rootSigners(), education: {key(education, 1)}} {
		for _, action := range []string{proofs.ActionIndex, proofs.ActionLandmark} {
			r := newOne(newDemo())
			r.sayText("stele.statement/2\nregistry "+origin+"\n"+action+"\nissuer "+name+"\n"+refLines(ref("one")), signers...)
			s.add("entry-"+action+"-by-"+strings.ReplaceAll(name, "/", "-"), online(r.publish(start), "one"), proofs.Authentic, "", "Nobody but the publication key says `"+action+"`, in any version.")
		}
	}

	rootSignatures(s)
	withdrawals(s)
	issuerRecords(s)
	epochs(s)
}

// refLines are the lines of a document subject.
func refLines(d *proofs.Ref) string {
	return "document sha256:" + d.Digests.SHA256.String() + "\ndocument sha3-512:" + d.Digests.SHA3512.String() + "\n"
}

// issuerRecords: an issuer list that the quorum has signed, and that cannot be.
func issuerRecords(s set) {
	lie := func(name, about string, change func(r *registry, e []proofs.RecordEntry) []proofs.RecordEntry) {
		r, _ := newLife()
		withdrawn := &proofs.Statement{Registry: origin, Action: proofs.ActionWithdraw, Issuer: rootName, Authority: education, After: &r.leaves[0], From: new(uint64)}
		x, err := r.ledger.Prepare(start)
		check(err)
		rec := r.ledger.State().Issuers.Records[0]
		entries, err := rec.Entries()
		check(err)
		entries = append(entries, proofs.RecordEntry{Place: 2, Published: start, Bytes: noteOf(withdrawn.Text(), r.rootSigners()...)})
		rec.Body = proofs.MarshalBody(change(r, entries))
		list := &proofs.IssuerList{Records: []proofs.Record{rec}}
		check(r.store.Put(list.Root(), list.Marshal()))
		x.IssuersRoot = list.Root()
		v := r.publishIndex(x, r.ledger.State().RootTile)
		s.add("lie-issuer-"+name, online(v, "one"), proofs.Unavailable, proofs.ReasonBadData, "An issuer list that the quorum has signed, and that cannot be: "+about+".")
	}
	lie("place-not-covered", "a withdrawal from beyond the index statement", func(r *registry, e []proofs.RecordEntry) []proofs.RecordEntry {
		e[1].Place = 3
		return e
	})
	lie("place-far", "the same, far beyond", func(r *registry, e []proofs.RecordEntry) []proofs.RecordEntry {
		e[1].Place = 1 << 40
		return e
	})
	lie("published-later", "the accreditation was published after the index statement", func(r *registry, e []proofs.RecordEntry) []proofs.RecordEntry {
		e[0].Published = start + 1
		return e[:1]
	})
	lie("published-never", "the accreditation was not published", func(r *registry, e []proofs.RecordEntry) []proofs.RecordEntry {
		e[0].Published = 0
		return e[:1]
	})
}

// epochs: what a trust file says of the end of the epoch before it.
func epochs(s set) {
	r := newOne(newDemo())
	v1 := r.publish(start)
	r.register(education, "two")
	v2 := r.publish(start + hour)
	next := func(size uint64, root proofs.Hash) *proofs.Trust {
		return r.trust.Successor(proofs.Checkpoint{Size: size, Root: root})
	}
	other := v1.cp.Root
	other[0] ^= 1
	s.add("epoch-final", online(v2, "one").trusting(next(v1.cp.Size, v1.cp.Root)), proofs.Authentic, "", "The ledger has gone on from the end of the epoch before.")
	s.add("epoch-final-itself", online(v1, "one").trusting(next(v1.cp.Size, v1.cp.Root)), proofs.Authentic, "", "The new epoch begins with the tree with which the one before ended.")
	s.add("epoch-final-other-root", online(v1, "one").trusting(next(v1.cp.Size, other)), proofs.Unavailable, proofs.ReasonBadData, "The epoch before ended with another tree.")
	s.add("epoch-final-other-root-before", online(v2, "one").trusting(next(v1.cp.Size, other)), proofs.Unavailable, proofs.ReasonBadData, "The head proves growth from another tree than that of the end.")
	s.add("epoch-final-beyond", online(v2, "one").trusting(next(v2.cp.Size+1, other)), proofs.Unavailable, proofs.ReasonOtherEpoch, "The ledger is smaller than it was when the epoch before ended, and that one's trust file is not to be had.")
}

// rootSignatures: exactly k root keys, in the trust file's order.
func rootSignatures(s set) {
	for name, c := range map[string]struct {
		keys  []int
		good  bool
		about string
	}{
		"two":         {[]int{0, 2}, true, "by two of the three root keys"},
		"one":         {[]int{0}, false, "by one of the two root keys needed"},
		"three":       {[]int{0, 1, 2}, false, "by three root keys, where exactly two are wanted"},
		"wrong-order": {[]int{2, 0}, false, "by two root keys against the trust file's order"},
		"same-twice":  {[]int{1, 1}, false, "by one root key twice"},
	} {
		r := newRegistry(origin, 3, 2, "none", "none", nil)
		st := &proofs.Statement{Registry: origin, Action: proofs.ActionAccredit, Issuer: rootName, Authority: education, Title: "Ministry",
			Keys: []*proofs.Key{key(education, 1).Key()}, Kinds: []string{"diploma"}}
		var signers []*signer
		for _, i := range c.keys {
			signers = append(signers, r.root[i])
		}
		r.say(st, signers...)
		r.register(education, "one")
		verdict, reason := proofs.NotRegistered, proofs.ReasonAbsent
		if c.good {
			verdict, reason = proofs.Authentic, ""
		}
		s.add("root-signed-by-"+name, online(r.publish(start), "one"), verdict, reason, "An accreditation signed "+c.about+".")
	}
}

func withdrawals(s set) {
	r, _ := newLife()
	r.withdraw(education, -1)
	r.register(education, "three")
	v := r.publish(start)
	s.add("withdraw-before", online(v, "one"), proofs.Authentic, "", "Without `from`, what was said before a withdrawal stands.", "notice withdrawn-later")
	s.add("withdraw-after", online(v, "three"), proofs.NotRegistered, proofs.ReasonAbsent, "After a withdrawal nothing is authorised.")

	r, reg := newLife() // places: 0 accredit, 1 one, 2 two
	suspended := r.do("suspend", education, "one", reg)
	from := r.place()
	r.register(education, "three")
	r.do("restore", education, "one", suspended)
	r.do("revoke", education, "two", r.leaves[2])
	r.withdraw(education, int64(from))
	v = r.publish(start)
	s.add("withdraw-from-register", online(v, "three"), proofs.Unaccredited, proofs.ReasonWithdrawn, "Registered at the place from which on the keys are disowned.", "notice withdrawn-later")
	s.add("withdraw-from-restore", online(v, "one"), proofs.Suspended, "", "A restore from then on is void.", "event restore void", "notice withdrawn-later")
	s.add("withdraw-from-revoke", online(v, "two"), proofs.Revoked, "", "A revocation from then on stands.", "event revoke effective", "notice withdrawn-later")

	r, reg = newLife()
	from = r.place()
	r.supersede(education, "one", "two", reg)
	r.do("suspend", education, "two", r.leaves[2])
	r.withdraw(education, int64(from))
	v = r.publish(start)
	s.add("withdraw-from-supersede", online(v, "one"), proofs.Authentic, "", "A replacement from then on is void.", "event supersede void", "notice withdrawn-later")
	s.add("withdraw-from-suspend", online(v, "two"), proofs.Suspended, "", "A suspension from then on stands.", "event suspend effective", "notice withdrawn-later")

	r, _ = newLife()
	r.withdraw(education, -1)
	r.register(education, "three")
	r.accredit(education, "diploma")
	r.register(education, "four")
	v = r.publish(start)
	s.add("withdraw-and-accredit-before", online(v, "one"), proofs.Authentic, "", "Withdrawn and accredited again: what came before.")
	s.add("withdraw-and-accredit-between", online(v, "three"), proofs.NotRegistered, proofs.ReasonAbsent, "Withdrawn and accredited again: what was said in between.")
	s.add("withdraw-and-accredit-after", online(v, "four"), proofs.Authentic, "", "Withdrawn and accredited again: what came after.")

	r, _ = newLife()
	from = r.place()
	r.register(education, "three")
	r.withdraw(education, int64(from))
	r.accredit(education, "diploma")
	r.register(education, "four")
	v = r.publish(start)
	s.add("withdraw-from-and-accredit-disowned", online(v, "three"), proofs.Unaccredited, proofs.ReasonWithdrawn, "A new accreditation does not bring back what a withdrawal disowned.")
	s.add("withdraw-from-and-accredit-after", online(v, "four"), proofs.Authentic, "", "A withdrawal judges what lies before it only.")

	r, _ = newLife()
	r.withdraw(education, -1)
	r.withdraw(education, 1)
	s.add("withdraw-again-from", online(r.publish(start), "one"), proofs.Unaccredited, proofs.ReasonWithdrawn,
		"Withdrawn, and then found to have lost its keys earlier.", "notice withdrawn-later")

	r, _ = newLife()
	r.withdraw(education, int64(r.place())+1)
	s.add("withdraw-from-ahead", online(r.publish(start), "one"), proofs.Authentic, "", "A withdrawal from a place after its own is void.")

	r, _ = newLife()
	r.accounts[education] = r.leaves[1]
	r.withdraw(education, 0)
	s.add("withdraw-after-other", online(r.publish(start), "one"), proofs.Authentic, "", "A withdrawal that does not name the accreditation is void.")

	r, _ = newLife()
	st := &proofs.Statement{Action: proofs.ActionWithdraw, Issuer: court, Authority: education, After: &r.leaves[0]}
	r.accredit(court, "*")
	r.say(st, key(court, 1))
	s.add("withdraw-by-authority", online(r.publish(start), "one"), proofs.Authentic, "", "An authority cannot withdraw another.")
}

// unauthorisedByUnknown is a registry whose index holds an entry by a key that does not stand, of an issuer about whom the root
// has said what is not understood.
func unauthorisedByUnknown() *view {
	r, _ := newLife()
	r.sayText("stele.statement/2\nregistry "+origin+"\naccredit\nissuer "+rootName+"\nauthority "+education+"\nrank 3\n", r.rootSigners()...)
	st := registration(education, ref("one"))
	st.Expires = "2037-01-10"
	place := r.place()
	r.say(st, key(education, 2))
	return liar(r, nil, r.record(ref("one").Key(), 1, place))
}

// unknowns: what a version 1 verifier does not understand.
func unknowns(s set) {
	plain := func(issuer string) string { return withRegistry(registration(issuer, ref("one")), origin) }
	for name, edit := range map[string]func(string) string{
		"version": func(t string) string { return strings.Replace(t, "statement/1", "statement/2", 1) },
		"action":  func(t string) string { return strings.Replace(t, "\nregister\n", "\nnotarise\n", 1) },
		"erase":   func(t string) string { return strings.Replace(t, "\nregister\n", "\nerase\n", 1) },
		"field":   func(t string) string { return t + "watermark yes\n" },
		"order": func(t string) string {
			return strings.Replace(t, "kind diploma\nissued 2027-01-10\n", "issued 2027-01-10\nkind diploma\n", 1)
		},
		"value": func(t string) string { return strings.Replace(t, "2027-01-10", "2027-02-30", 1) },
	} {
		r, _ := newLife()
		r.sayText(edit(plain(education)), key(education, 1))
		v := r.publish(start)
		s.add("unknown-"+name+"-by-registrant", online(v, "one"), proofs.Unavailable, proofs.ReasonTooOld, "The registrant says something that this verifier does not know: "+name+".")
		s.add("unknown-"+name+"-beside", online(v, "two"), proofs.Authentic, "", "Another document of the same slot is none of its business.")

		r, _ = newLife()
		r.accredit(court, "diploma")
		r.sayText(edit(plain(court)), key(court, 1))
		s.add("unknown-"+name+"-by-another", online(r.publish(start), "one"), proofs.Authentic, "", "Another authority says later what this verifier does not know: "+name+".")
	}

	unknownBesides(s, plain)
	unknownByRoot(s, plain)
}

// unknownBesides: where something unknown stands before or beside a registration.
func unknownBesides(s set, plain func(issuer string) string) {
	newer := func(issuer string) string { return strings.Replace(plain(issuer), "statement/1", "statement/2", 1) }
	r := newDemo()
	r.accredit(education, "diploma")
	r.sayText(newer(education), key(education, 1))
	v := r.publish(start)
	s.add("unknown-alone", online(v, "one"), proofs.Unavailable, proofs.ReasonTooOld, "Nothing but a statement that this verifier does not know: it begins no life.")
	s.add("unknown-alone-receipt", offline(v, "one", receiptFor(v, "one")), proofs.Unavailable, proofs.ReasonTooOld, "The same from a receipt.")

	r = newDemo()
	r.accredit(education, "diploma")
	r.sayText(newer(education), key(education, 1))
	r.register(education, "one")
	s.add("unknown-before-registration", online(r.publish(start), "one"), proofs.Unavailable, proofs.ReasonTooOld, "The registrant said something unknown before its registration.")

	r = newDemo()
	r.accredit(education, "diploma")
	r.accredit(court, "diploma")
	r.sayText(newer(court), key(court, 1))
	r.register(education, "one")
	s.add("unknown-by-another-before", online(r.publish(start), "one"), proofs.Unavailable, proofs.ReasonTooOld,
		"Another authority said something unknown before: it may be an earlier registration.")

	for name, action := range map[string]string{"register": proofs.ActionRegister, "revoke": proofs.ActionRevoke, "link": proofs.ActionLink} {
		r, _ := newLife()
		text := strings.Replace(plain(education), "\nregister\n", "\n"+action+"\n", 1) + "watermark yes\n"
		r.sayText(text, key(education, 1), key(court, 1), key(police, 1))
		s.add("unknown-"+name+"-of-three-lines", online(r.publish(start), "one"), proofs.Unavailable, proofs.ReasonTooOld,
			"The registrant says something that this verifier does not know, with three lines: how many are right, it does not know either.")
	}

	r = newDemo()
	r.accredit(education, "transcript")
	r.accredit(court, "diploma")
	r.register(education, "one")
	r.register(court, "one")
	r.sayText(newer(education), key(education, 1))
	s.add("unknown-in-unaccredited-before", online(r.publish(start), "one"), proofs.Unavailable, proofs.ReasonTooOld,
		"In the earlier, unaccredited life something is not understood: a newer verifier may find that it answers.", "notice other-issuers")

	r, reg := newLife()
	r.sayText(newer(education), key(education, 1))
	r.do("revoke", education, "one", reg)
	s.add("unknown-and-revoked", online(r.publish(start), "one"), proofs.Revoked, "", "A revocation is final, whatever else was said.")
}

// unknownByRoot: what the root says and is not understood, and what is no statement at all.
func unknownByRoot(s set, plain func(issuer string) string) {
	r, _ := newLife()
	r.sayText(strings.Replace(plain(rootName), "\nregister\n", "\nnotarise\n", 1), r.rootSigners()...)
	v := r.publish(start)
	s.add("unknown-by-root", online(v, "one"), proofs.Unavailable, proofs.ReasonTooOld, "The root says about the document what this verifier does not know.")
	s.add("unknown-by-root-beside", online(v, "two"), proofs.Authentic, "", "Another document of the same slot.")

	r, _ = newLife()
	r.accredit(court, "diploma")
	r.register(court, "three")
	r.sayText("stele.statement/2\nregistry "+origin+"\naccredit\nissuer "+rootName+"\nauthority "+education+"\nrank 3\n", r.rootSigners()...)
	v = r.publish(start)
	s.add("unknown-about-issuer", online(v, "one"), proofs.Unavailable, proofs.ReasonTooOld, "The root says about the issuer what this verifier does not know.")
	s.add("unknown-about-issuer-receipt", offline(v, "one", receiptFor(v, "one")), proofs.Unavailable, proofs.ReasonTooOld, "The same from a receipt.")
	s.add("unknown-about-issuer-unauthorised", online(unauthorisedByUnknown(), "one"), proofs.Unavailable, proofs.ReasonTooOld,
		"The record holds an entry that is not authorised, by an issuer of whom the root has said what this verifier does not know: a newer one may find that it is.")
	s.add("unknown-about-another-issuer", online(v, "three"), proofs.Authentic, "", "Documents of other issuers do not suffer from it.")

	r, _ = newLife()
	r.accredit(court, "diploma")
	r.sayText("stele.statement/1\nregistry "+origin+"\npraise\nissuer "+court+"\nauthority "+education+"\n", key(court, 1))
	s.add("unknown-authority-by-authority", online(r.publish(start), "one"), proofs.Authentic, "",
		"An authority speaks about another: not authorised, or it could spoil every lookup.")

	r = newDemo()
	r.accredit(education, "diploma")
	r.sayText(strings.Replace(plain(education), ref("one").Digests.SHA256.String(), strings.ToUpper(ref("one").Digests.SHA256.String()), 1), key(education, 1))
	s.add("entry-upper-case-digest", online(r.publish(start), "one"), proofs.NotRegistered, proofs.ReasonAbsent, "A digest in upper case is no subject: the entry has no key.")

	r, _ = newLife()
	r.append([]byte("not a note at all"))
	r.append(noteOf("hello\n", key(education, 1)))
	r.append(make([]byte, 9000))
	r.sayText(plain(education)+"\n", key(education, 1))
	s.add("entries-malformed", online(r.publish(start), "one"), proofs.Authentic, "", "Entries that are no statements give no key.")
}
