package main

import (
	"fmt"
	"strings"

	"stele/proofs"
)

// newOne is a registry with one document.
func newOne(r *registry) *registry {
	st := &proofs.Statement{Action: proofs.ActionAccredit, Issuer: rootName, Authority: education, Title: titles[education],
		Keys: []*proofs.Key{key(education, 1).Key()}, Kinds: []string{"diploma"}}
	r.accounts[education] = r.say(st, r.rootSigners()...)
	r.register(education, "one")
	return r
}

func asOf(t int64) string { return fmt.Sprintf("as-of %d", t) }

func times(s set) {
	v := newOne(newDemo()).publish(start)
	s.add("time-fresh-on-the-limit", online(v, "one").at(start+staleAfter), proofs.Authentic, "", "As old as stale-after, to the second.", asOf(start))
	s.add("time-stale-past-the-limit", online(v, "one").at(start+staleAfter+1), proofs.Stale, "", "A second older.", asOf(start))
	s.add("time-absent-stale", online(v, "two").at(start+staleAfter+1), proofs.Stale, proofs.ReasonAbsent, "Absence from stale evidence is stale.")
	s.add("time-recorded", offline(v, "one", receiptFor(v, "one")).at(start+staleAfter+1), proofs.Recorded, "", "The same from a receipt: genuine, its status known as of then.", "source receipt")
	s.add("time-receipt-on-the-limit", offline(v, "one", receiptFor(v, "one")).at(start+staleAfter), proofs.Authentic, "", "A receipt as old as stale-after.", "source receipt")
	s.add("time-receipt-absent-stale", offline(v, "two", receiptFor(v, "two")).at(start+staleAfter+1), proofs.Stale, proofs.ReasonAbsent, "An old receipt of absence.")
	s.add("time-heartbeat", online(v.signedAt(start+5*day), "one").at(start+5*day+hour), proofs.Authentic, "", "The same tree signed again: fresh.", asOf(start+5*day))
	s.add("time-clock-within-five-minutes", online(v.signedAt(start+300), "one").at(start), proofs.Authentic, "", "Signed 300 seconds after this clock.", asOf(start+300))
	s.add("time-clock-past-five-minutes", online(v.signedAt(start+301), "one").at(start), proofs.Unavailable, proofs.ReasonClock, "Signed 301 seconds after this clock.")
	s.add("time-index-clock", online(newOne(newDemo()).publish(start+301).signedAt(start), "one").at(start), proofs.Unavailable, proofs.ReasonClock, "The index statement is timed 301 seconds after this clock.")
	s.add("time-receipt-clock", offline(v, "one", receiptFor(v, "one")).at(start-301), proofs.Unavailable, proofs.ReasonClock, "A receipt from the future.")

	expiry(s)
	claims(s)
	quorums(s)
}

func expiry(s set) {
	r := newOne(newDemo())
	two := registration(education, ref("two"))
	two.Expires = "2027-02-28"
	r.say(two, key(education, 1))
	const end = 1_803_859_200 // 2027-03-01T00:00:00Z
	v := r.publish(start).signedAt(end - hour)
	s.add("expires-last-second", online(v, "two").at(end-1), proofs.Authentic, "", "The last second of the day on which it expires.")
	s.add("expires-next-day", online(v, "two").at(end), proofs.Expired, "", "The first second of the day after.")
	s.add("expires-stale", online(v, "two").at(end+2*day), proofs.Expired, "", "Bad news survives staleness.")
	s.add("expires-receipt", offline(v, "two", receiptFor(v, "two")).at(end+2*day), proofs.Expired, "", "Bad news survives staleness, offline too.")
}

// claims: `issued` against the time of publication.
func claims(s set) {
	for _, c := range []struct{ name, issued, notice string }{
		{"today", "2027-01-15", ""},
		{"tomorrow", "2027-01-16", ""},
		{"in-two-days", "2027-01-17", "postdated"},
		{"366-days-ago", "2026-01-14", ""},
		{"367-days-ago", "2026-01-13", "registered-later"},
	} {
		r := newDemo()
		r.accredit(education, "diploma")
		st := registration(education, ref("one"))
		st.Issued = c.issued
		r.say(st, key(education, 1))
		var lines []string
		if c.notice != "" {
			lines = append(lines, "notice "+c.notice)
		}
		s.add("issued-"+c.name, online(r.publish(start), "one"), proofs.Authentic, "", "Published on 2027-01-15, issued on "+c.issued+".", lines...)
	}
}

// quorums: officers and witnesses 2 of 3 of mixed keys, and what their times come to.
func quorums(s set) {
	v := newOne(newState()).publish(start)
	all := map[string]int64{"own": 0, "officer-1": 0, "officer-2": 0, "officer-3": 0, "witness-1": 0, "witness-2": 0, "witness-3": 0}
	const absent = -1 << 40
	// Times are after start; what is not named is signed at start.
	sign := func(times map[string]int64) *view {
		at := map[string]int64{}
		for label := range all {
			if d := times[label]; d != absent {
				at[label] = start + d
			}
		}
		return v.signed(at)
	}
	now := int64(start + hour)
	good := func(name string, asof int64, about string, times map[string]int64) {
		s.add("quorum-"+name, online(sign(times), "one").at(now), proofs.Authentic, "", about, asOf(start+asof))
	}
	bad := func(name string, reason proofs.Reason, about string, times map[string]int64) {
		s.add("quorum-"+name, online(sign(times), "one").at(now), proofs.Unavailable, reason, about)
	}
	good("all", 0, "Everybody has signed.", nil)
	good("two-and-two", 0, "Two officers and two witnesses have signed.", map[string]int64{"officer-1": absent, "witness-3": absent})
	bad("one-officer", proofs.ReasonQuorum, "One officer of the two needed.", map[string]int64{"officer-1": absent, "officer-3": absent})
	bad("one-witness", proofs.ReasonQuorum, "One witness of the two needed.", map[string]int64{"witness-1": absent, "witness-2": absent})
	bad("no-ml-dsa", proofs.ReasonQuorum, "The log's own ML-DSA-44 signature is missing.", map[string]int64{"own": absent})
	good("skewed-witnesses", 2000, "Witness times 1000, 2000 and 3000: two are at or after 2000.", map[string]int64{"witness-1": 3000, "witness-2": 1000, "witness-3": 2000})
	good("own-time-does-not-count", 0, "The log's own time counts only where the policy names no witnesses.", map[string]int64{"own": 3000})
	good("one-witness-ahead", 100, "A witness in the future is ignored.", map[string]int64{"witness-1": hour + 301, "witness-2": 200, "witness-3": 100})
	bad("two-witnesses-ahead", proofs.ReasonClock, "Two witnesses in the future are ignored, and then one is too few.", map[string]int64{"witness-1": hour + 301, "witness-2": hour + 301})
	good("old-approval", 0, "Officers have approved as long ago as approval-age.", map[string]int64{"officer-1": absent, "officer-2": -approvalAge, "officer-3": -approvalAge})
	bad("too-old-approval", proofs.ReasonQuorum, "One of two approvals is a second older than that.", map[string]int64{"officer-1": absent, "officer-2": -approvalAge, "officer-3": -approvalAge - 1})
	good("later-approval", 0, "Officers have approved after the witnesses signed.", map[string]int64{"officer-1": 3000, "officer-2": 3000, "officer-3": 3000})
	s.add("quorum-old-witnesses", online(sign(map[string]int64{"officer-1": 3000, "own": 3000}), "one").at(start+staleAfter+1), proofs.Stale, "",
		"Officers' and the log's own times do not make evidence fresh.", asOf(start))

	lines := v.lines()
	stranger := lines[0]
	stranger.Name, stranger.ID = "stranger.example", 7
	s.add("quorum-crowd", online(newOne(newCrowd()).publish(start), "one"), proofs.Authentic, "", "Ten signatures, six of them ML-DSA-44.", asOf(start))
	s.add("quorum-unknown-line", online(v.withLines(append([]proofs.Signature{stranger}, lines...)), "one"), proofs.Authentic, "", "An unknown key's line is ignored.")
	s.add("quorum-no-ed25519", online(v.withLines(lines[1:]), "one"), proofs.Unavailable, proofs.ReasonQuorum, "The log's Ed25519 signature is missing.")

	nestedQuorums(s)

	sha3 := *v.r.trust
	sha3.NeedSHA3 = true
	s.add("sha3-demanded", online(v, "one").trusting(&sha3).withSHA3(), proofs.Authentic, "", "The trust file demands SHA3-512 too.")
	demo := newDemo()
	demo.accredit(education, "diploma")
	collision := registration(education, ref("one"))
	collision.Document.Digests.SHA3512 = digests("forged").SHA3512
	demo.say(collision, key(education, 1))
	need := *demo.trust
	need.NeedSHA3 = true
	v = demo.publish(start)
	s.add("sha3-known-and-not-demanded", online(v, "one").withSHA3(), proofs.Authentic, "",
		"A verifier that happens to know the SHA3-512 digest judges as one that does not, where the trust file does not demand it.")
	s.add("sha3-collision", online(v, "one").trusting(&need).withSHA3(), proofs.NotRegistered, proofs.ReasonAbsent,
		"Registered is another document of the same SHA-256 digest: its SHA3-512 digest is not this one's.")
}

// nestedQuorums: groups of groups. A ministry is an officer by two keys, a classical and a post-quantum one; of three courts any one speaks for them
// all; and of ministry, courts and audit office two have to approve. Of the witnesses, two of three have to have looked, one of them being a group of k of n itself.
func nestedQuorums(s set) {
	var cs []cosigner
	policy := ""
	for _, c := range []struct {
		label string
		t     proofs.KeyType
	}{{"ministry-classical", proofs.CosignatureKey}, {"ministry-quantum", proofs.MLDSA44Key}, {"court-1", proofs.CosignatureKey}, {"court-2", proofs.MLDSA44Key},
		{"court-3", proofs.CosignatureKey}, {"audit", proofs.MLDSA44Key}, {"press", proofs.CosignatureKey}, {"university-1", proofs.CosignatureKey},
		{"university-2", proofs.MLDSA44Key}, {"university-3", proofs.CosignatureKey}, {"abroad", proofs.MLDSA44Key}} {
		name := strings.TrimSuffix(strings.TrimSuffix(c.label, "-classical"), "-quantum") + ".example"
		cs = append(cs, cosigner{c.label, newSigner(c.label, name, c.t)})
	}
	r := newDemo()
	r.cosigners = append(r.cosigners, cs...)
	for _, c := range r.cosigners {
		policy += "witness " + c.label + " " + c.Key().String() + " https://" + c.label + ".example/\n"
	}
	t := *r.trust
	t.Demo, t.Officers, t.Witnesses = false, "officers", "witnesses"
	t.PolicyText = []byte("# Comments and white space may vary.\nlog " + r.log.Key().String() + " https://registry.example/ledger\n" + policy + "\n" +
		"group\tministry all  ministry-classical ministry-quantum\ngroup courts any court-1 court-2 court-3\ngroup officers 2 ministry courts audit\n" +
		"group universities 2 university-1 university-2 university-3\ngroup witnesses 2 press universities abroad\n" +
		"  # The log's own key is demanded as well.\ngroup everybody all own officers witnesses\nquorum everybody\n")
	r.useTrust(&t)
	r.reopen()
	v := newOne(r).publish(start)
	say := func(name, about string, verdict proofs.Verdict, reason proofs.Reason, lines []string, times map[string]int64) {
		at := map[string]int64{"own": start}
		for label, d := range times {
			at[label] = start + d
		}
		s.add("quorum-nested-"+name, online(v.signed(at), "one").at(start+hour), verdict, reason, about, lines...)
	}
	good := func(name, about string, asof int64, times map[string]int64) {
		say(name, about, proofs.Authentic, "", []string{asOf(start + asof)}, times)
	}
	bad := func(name, about string, times map[string]int64) {
		say(name, about, proofs.Unavailable, proofs.ReasonQuorum, nil, times)
	}
	good("all", "The ministry's two keys, one court, the press and two universities.", 0,
		map[string]int64{"ministry-classical": 0, "ministry-quantum": 0, "court-2": 0, "press": 0, "university-1": 0, "university-2": 0})
	good("without-ministry", "A court and the audit office, the press and one abroad.", 0, map[string]int64{"court-3": 0, "audit": 0, "press": 0, "abroad": 0})
	good("times", "The universities are as late as the second of them, and the press has looked at 300.", 200,
		map[string]int64{"court-1": 0, "audit": 0, "press": 300, "university-1": 100, "university-2": 900, "university-3": 200})
	bad("half-a-ministry", "Of the ministry's two keys the classical one alone, and a court.", map[string]int64{"ministry-classical": 0, "court-1": 0, "press": 0, "abroad": 0})
	bad("other-half", "And the post-quantum one alone.", map[string]int64{"ministry-quantum": 0, "court-1": 0, "press": 0, "abroad": 0})
	bad("courts-alone", "Three courts speak as one.", map[string]int64{"court-1": 0, "court-2": 0, "court-3": 0, "press": 0, "abroad": 0})
	bad("one-university", "One university of the two needed, and the press.", map[string]int64{"court-1": 0, "audit": 0, "press": 0, "university-3": 0})
	bad("old-half", "The ministry's post-quantum approval is older than approval-age, its classical one is not.",
		map[string]int64{"ministry-classical": 0, "ministry-quantum": -approvalAge - 1, "court-1": 0, "press": 0, "abroad": 0})
	good("old-approvals", "All approvals are as old as they may be.", 0,
		map[string]int64{"ministry-classical": -approvalAge, "ministry-quantum": -approvalAge, "court-1": -approvalAge, "press": 0, "abroad": 0})
	bad("officers-for-witnesses", "Who approves does not witness.", map[string]int64{"ministry-classical": 0, "ministry-quantum": 0, "court-1": 0, "audit": 0, "press": 0})
}
