package proofs

// Which verdict follows from what was verified (FORMAT.md, section 14).

import (
	"errors"
	"math/bits"
	"slices"
)

// secondsPerDay: dates are days in UTC.
const secondsPerDay = 86400

// laterThan is after how many days between `issued` and publication a notice is given.
const laterThan = 366

// compareViews looks for two policy-valid views of the ledger that conflict: the
// registry's head, the remembered head and the receipt.
func (c *check) compareViews() {
	var views []*evidence
	for _, ev := range []*evidence{c.registry, c.seen, c.receipt} {
		if ev != nil {
			views = append(views, ev)
		}
	}
	for i, a := range views {
		for _, b := range views[i+1:] {
			if size, ok := conflict(a, b); ok {
				c.conflict = [][]byte{a.raw, b.raw}
				c.step("consistency", "failed", "two checkpoints that satisfy the policy prove different ledgers at size "+utoa(size))
				return // with nothing to remember, or the fork would be the truth next time
			}
		}
	}
	c.refuseOtherEnds()
	if c.registry != nil {
		c.remember = true
		c.compareMemory(c.seen)
	}
}

// refuseOtherEnds: what agrees with all that was seen and not with the trust file is no fork that could be shown, and not believed.
func (c *check) refuseOtherEnds() {
	if c.receipt != nil {
		if err := c.contradicts(c.receipt); err != nil {
			c.receipt, c.mismatch = nil, false
			c.failReceipt(err)
		}
	}
	if c.registry != nil {
		if err := c.contradicts(c.registry); err != nil {
			c.registry, c.registryErr = nil, err
			c.step("registry", "failed", err.Error())
		}
	}
}

// recall verifies the head kept from an earlier visit; one that no trust file of the registry covers is forgotten.
func (c *check) recall() {
	if c.q.Remembered == nil {
		return
	}
	head, err := ParseHead(c.q.Remembered)
	if err != nil {
		return
	}
	var x *VerifiedIndex
	by, err := c.judged(head.Proof.Checkpoint, func(t *Trust) (err error) {
		// What was seen was seen, even where this device's clock has gone back since.
		x, _, err = head.Verify(t, AnyTime)
		return err
	})
	if err != nil {
		c.seenErr, c.beyond = err, c.wentBeyond(head)
		return
	}
	c.seen = &evidence{x: x, trust: by, olds: head.Consistency, raw: c.q.Remembered}
}

// wentBeyond returns a head that this device has believed under the keys of an earlier epoch, and that is larger than the end of that epoch;
// nil if this is none. To a third party it proves nothing, since keys may be stolen after their time. But this device has seen it in its time,
// and is not to forget it because the registry has changed its keys since.
func (c *check) wentBeyond(head *Head) *evidence {
	cp, _, err := ParseCheckpoint(head.Proof.Checkpoint)
	if err != nil || cp.Origin != c.t.Origin {
		return nil
	}
	for t := c.t; t != nil && t.Previous != nil; {
		ended := t.FinalSize
		if t = c.before(t); t == nil || cp.Size <= ended {
			continue
		}
		if x, _, err := head.Verify(t, AnyTime); err == nil {
			return &evidence{x: x, trust: t, olds: head.Consistency, raw: c.q.Remembered}
		}
	}
	return nil
}

// byLogAlone tells whether nobody but the log had to sign in an epoch. Whoever has stolen its key can have shown what lies beyond the end of that epoch to
// anybody, and would otherwise have the registry called rolled back for ever; where officers or witnesses had to sign too, nobody can.
func (ev *evidence) byLogAlone() bool {
	t := ev.trust
	return t.Officers == "none" && t.Witnesses == "none" && t.Policy.Met(t.Policy.Quorum, t.isOwn)
}

// handedOver tells whether what lies beyond the end of its epoch is the tree of the change of trust. Both quorums sign that one, so that whoever
// has the handover can make a head of the epoch before out of it: it is compared like any other, or else such a head, shown once, would
// have this device call the registry rolled back for ever.
func (c *check) handedOver(ev *evidence) bool {
	if ev == nil || ev.x.Size != c.lastOf(ev.trust)+2 {
		return false
	}
	_, forked := conflict(ev, c.registry)
	return !forked
}

// compareMemory demands that the registry has grown from what this device has seen.
func (c *check) compareMemory(seen *evidence) {
	var epoch *OtherEpochError
	switch {
	case c.handedOver(c.beyond):
		seen = c.beyond
	case c.beyond != nil && c.beyond.byLogAlone():
		c.step("consistency", "passed", "what this device has seen beyond the end of epoch "+utoa(c.beyond.trust.Epoch)+" was signed by the log alone, with keys that are retired: it is forgotten",
			Evidence{"seen-size", utoa(c.beyond.x.Size)})
	case c.beyond != nil:
		c.rollback, c.remember = true, false
		c.step("consistency", "failed", "this device has seen a larger ledger, signed with keys whose time ended before it")
	case lacksKeys(c.seenErr) || errors.As(c.seenErr, &epoch):
		// It is kept: whoever withholds a trust file must not be able to have the past forgotten.
		c.remember = false
		c.step("consistency", "failed", "what this device has seen cannot be compared: "+c.seenErr.Error())
	}
	if seen == nil {
		return
	}
	if err := c.contradicts(seen); err != nil {
		c.refuseGrowth(err)
		return
	}
	size := utoa(seen.x.Size)
	switch {
	case seen.x.Size > c.registry.x.Size:
		c.rollback, c.remember = true, false
		c.step("consistency", "failed", "the registry shows size "+utoa(c.registry.x.Size)+", this device has seen "+size)
	case !c.registry.grownFrom(seen):
		c.refuseGrowth(unverified("head", "does not prove that the ledger has grown from the size ", size, ", which this device has seen"))
	default:
		c.step("consistency", "passed", "nothing that this device has seen before is contradicted", Evidence{"seen-size", size})
	}
}

// refuseGrowth: what this device has seen stands against the registry's head, which is not believed then.
func (c *check) refuseGrowth(err error) {
	c.registry, c.registryErr, c.remember = nil, err, false
	c.step("consistency", "failed", err.Error())
}

// grownFrom reports whether a head names the size that every head of a larger tree than the one seen has to name. That the roots
// agree has been looked at before.
func (ev *evidence) grownFrom(seen *evidence) bool {
	want := seen.lasting()
	return ev.x.Size == seen.x.Size || slices.ContainsFunc(ev.olds, func(o OldSize) bool { return o.Size == want })
}

// lasting is the size that stays on the public list for ever: that of the publication whose number is the
// largest power of two.
func (ev *evidence) lasting() uint64 {
	p := ev.x.Publication
	i := slices.Index(append(PublicationList(p), p), 1<<(bits.Len64(p)-1))
	return append(slices.Clone(ev.olds), OldSize{Size: ev.x.Size})[i].Size
}

// conflict finds a size at which two verified views prove different roots.
func conflict(a, b *evidence) (uint64, bool) {
	roots := map[uint64]Hash{}
	for _, o := range a.sizes() {
		roots[o.Size] = o.Root
	}
	for _, o := range b.sizes() {
		if root, ok := roots[o.Size]; ok && root != o.Root {
			return o.Size, true
		}
	}
	return 0, false
}

func (ev *evidence) sizes() []OldSize {
	return append([]OldSize{{Size: ev.x.Size, Root: ev.x.Root}}, ev.olds...)
}

func (c *check) decide() {
	switch {
	case c.receiptErr != nil && c.registry == nil && isReceiptFault(c.receiptErr):
		c.verdict(Malformed, receiptReason(c.receiptErr), c.receiptErr.Error())
	case c.conflict != nil:
		c.verdict(Inconsistent, ReasonFork, "two checkpoints that both satisfy the policy contradict each other")
	case c.mismatch:
		c.verdict(Mismatch, ReasonOtherFile, "the receipt is for another document")
	default:
		c.decideView()
	}
	c.notices()
}

func (c *check) verdict(v Verdict, reason Reason, detail string) {
	c.r.Verdict, c.r.Reason, c.r.Detail = v, reason, detail
}

// isReceiptFault tells a receipt that is broken from one that cannot be judged here.
func isReceiptFault(err error) bool {
	var m *MalformedError
	var u *UnverifiedError
	return errors.As(err, &m) || errors.As(err, &u)
}

func receiptReason(err error) Reason {
	var m *MalformedError
	if errors.As(err, &m) {
		return ReasonReceiptMalformed
	}
	return ReasonReceiptUnverified
}

// decideView chooses the newer of the two views and decides by it.
func (c *check) decideView() {
	ev := c.registry
	if c.receipt != nil && (ev == nil || newer(c.receipt.x, ev.x)) {
		ev = c.receipt
	}
	if ev == nil {
		c.decideNothing()
		return
	}
	c.describe(ev)
	if c.vanished() {
		c.verdict(Unavailable, ReasonBadData, "the later of registry and receipt lacks a document that the earlier proves registered")
		return
	}
	life := Answering(ev.lives)
	switch {
	case life == nil && ev.unknown != nil:
		c.verdict(Unavailable, ReasonTooOld, ev.unknown.Error())
	case life == nil:
		c.decideAbsent(ev)
	default:
		c.decideLife(ev, life)
	}
	if c.r.Verdict != Unavailable {
		c.tellWay(ev)
	}
}

// tellWay shows how what has decided hangs together. Where nothing was decided there is no way to show: it would look like an answer.
func (c *check) tellWay(ev *evidence) {
	w := ev.receipt.way(ev.x)
	if c.salt != nil {
		w = append(w, Evidence{"sealed", Seal(c.t.Origin, *c.salt, Digests{c.q.SHA256, *c.q.SHA3512}).Digests.SHA256.String()})
	}
	c.step("way", "passed", "every hash from the record to the root that was signed", w...)
}

// newer: a ledger only grows, so that the larger tree is the later one whatever the clocks of those who
// signed it say; of one size, the later signed.
func newer(a, b *VerifiedIndex) bool {
	return a.Size > b.Size || a.Size == b.Size && a.AsOf > b.AsOf
}

// vanished tells whether a document is there in the earlier view and not in the later one.
func (c *check) vanished() bool {
	if c.receipt == nil || c.registry == nil || c.receipt.present == c.registry.present {
		return false
	}
	there, gone := c.receipt, c.registry
	if c.registry.present {
		there, gone = gone, there
	}
	return there.x.Size <= gone.x.Size
}

// decideNothing: no view at all. The registry's failure is told before the receipt's.
func (c *check) decideNothing() {
	err, outage := c.registryErr, c.outage
	if err == nil {
		err, outage = c.receiptErr, false
	}
	if err == nil {
		c.verdict(Unavailable, ReasonOutage, "neither a receipt nor the registry was asked")
		return
	}
	c.verdict(Unavailable, reasonFor(err, outage), err.Error())
	if c.r.Reason == ReasonQuorum {
		c.tellMissing()
	}
}

// tellMissing tells who has signed a head that lacks signatures, and so who has not.
func (c *check) tellMissing() {
	head, err := ParseHead(c.q.Files[HeadPath])
	if err != nil {
		return
	}
	if s, missing, err := c.t.Examine(head.Proof.Checkpoint, c.q.Now); err == nil && missing != "" {
		c.r.Signers, c.r.Officers, c.r.Witnesses = s.Signers, s.Officers, s.Witnesses
	}
}

func (c *check) decideAbsent(ev *evidence) {
	if c.stale(ev) || c.rollback {
		c.verdict(Stale, c.staleReason(ReasonAbsent), "absent in evidence that is older than the limit")
		return
	}
	c.verdict(NotRegistered, ReasonAbsent, "the key is proved absent")
}

func (c *check) staleReason(otherwise Reason) Reason {
	if c.rollback {
		return ReasonRollback
	}
	return otherwise
}

// stale: "evidence under the keys of an earlier epoch is never fresh".
func (c *check) stale(ev *evidence) bool {
	return c.q.Now-ev.x.AsOf > c.t.StaleAfter || c.retired(ev)
}

// retired tells evidence under keys that the registry has replaced since.
func (c *check) retired(ev *evidence) bool { return ev.trust.Epoch < c.t.Epoch }

func (c *check) decideLife(ev *evidence, life *Life) {
	c.r.Life = c.reportLife(ev, life)
	for _, l := range ev.lives {
		if l != life {
			c.r.Others = append(c.r.Others, *c.reportLife(ev, l))
		}
	}
	c.step("life", "passed", itoa(1+len(life.Events))+" statements followed through the rules",
		Evidence{"issuer", life.Registrant}, Evidence{"place", utoa(life.Register.Place)}, Evidence{"leaf", life.Register.Leaf.String()},
		Evidence{"statement", string(life.Register.Bytes)})
	switch {
	case life.State == StateRevoked:
		c.verdict(Revoked, "", "revoked")
	case life.Unknown != nil:
		c.verdict(Unavailable, ReasonTooOld, life.Unknown.Error())
	case life.Reason != "":
		c.verdict(Unaccredited, life.Reason, "the issuer may not issue this")
	case life.State == StateSuperseded:
		c.verdict(Superseded, "", "replaced by another document")
	case life.State == StateSuspended:
		c.verdict(Suspended, "", "suspended")
	case expired(life.Register.Statement.Expires, c.q.Now):
		c.verdict(Expired, "", "expired on "+life.Register.Statement.Expires)
	default:
		c.decideFresh(ev)
	}
}

// decideFresh: the life is active, so that only the age of the evidence is left.
func (c *check) decideFresh(ev *evidence) {
	switch {
	case c.rollback:
		c.verdict(Stale, ReasonRollback, "the registry shows an older state than this device has seen")
	case c.stale(ev) && ev.source == FromReceipt && c.registry == nil:
		c.verdict(Recorded, "", "genuine; its status is known only as of the receipt")
	case c.stale(ev):
		c.verdict(Stale, "", "the registry's newest evidence is older than the limit")
	default:
		c.verdict(Authentic, "", "every check passed")
	}
}

// expired: "from 00:00 UTC on the day after `expires`".
func expired(expires string, now int64) bool {
	day, ok := dayNumber(expires)
	return ok && now >= (day+1)*secondsPerDay
}

func (c *check) describe(ev *evidence) {
	x := ev.x
	c.by = ev.trust
	c.r.Source, c.r.AsOf, c.r.Epoch = ev.source, x.AsOf, ev.trust.Epoch
	c.r.Size, c.r.Root, c.r.Keys = x.Size, x.Root, x.Keys
	c.r.Signers, c.r.Officers, c.r.Witnesses = x.Signers, x.Officers, x.Witnesses
	if ev.source == FromReceipt {
		c.r.Candidates = 0
	}
	var signed []Evidence
	for _, s := range x.Signers {
		signed = append(signed, Evidence{s.Role, s.Name + " (" + s.Algorithm + ")"})
	}
	c.step("policy", "passed", "the checkpoint is signed as the policy demands", signed...)
	if c.retired(ev) {
		id := ev.trust.ID()
		c.step("epoch", "passed", "signed with the keys of epoch "+utoa(ev.trust.Epoch)+", which ended at size "+utoa(c.lastOf(ev.trust))+": they prove what was, and never what is",
			Evidence{"trust-sha256", id.String()})
	}
	state := "passed"
	if c.stale(ev) {
		state = "failed"
	}
	c.step("time", state, "the evidence is "+i64toa(max(0, c.q.Now-x.AsOf))+" seconds old, the limit is "+i64toa(c.t.StaleAfter))
}

func (c *check) reportLife(ev *evidence, l *Life) *LifeReport {
	s := l.Register.Statement
	r := &LifeReport{State: l.State, Issuer: l.Registrant, IssuerTitle: l.Accredit.Title, Kind: s.Kind, Issued: s.Issued,
		Expires: s.Expires, Registered: l.Register.Published, Place: l.Register.Place}
	if l.Reason != "" && l.State != StateRevoked {
		r.State = StateUnaccredited
	}
	if l.Unknown != nil && l.State != StateRevoked {
		r.State = StateUnknown
	}
	if l.Successor != nil {
		r.Successor = l.Successor.Statement.Document.Selector()
		r.ReplacedBy = reportRegistration(l.Successor)
	}
	r.Withdrawal = ev.as[l.Registrant].withdrawal(l.Register.Place)
	for _, e := range l.Events {
		er := EventReport{Action: e.Statement.Action, Issuer: e.Statement.Issuer, Place: e.Place, Published: e.Published,
			Reason: e.Statement.Reason, Effect: e.Effect, Relation: e.Statement.Relation}
		if t := e.Statement.Target; t != nil {
			er.Target = t.Selector()
		} else if t := e.Statement.Successor; t != nil {
			er.Target = t.Selector()
		}
		r.Events = append(r.Events, er)
	}
	return r
}

func reportRegistration(e *Entry) *RegistrationReport {
	s := e.Statement
	return &RegistrationReport{Sealed: s.Document.Sealed, Digests: s.Document.Digests, Issuer: s.Issuer, Kind: s.Kind,
		Issued: s.Issued, Expires: s.Expires, Registered: e.Published, Place: e.Place}
}

func (c *check) notices() {
	add := func(when bool, n Notice) {
		if when {
			c.r.Notices = append(c.r.Notices, n)
		}
	}
	answered := c.r.Source != FromNothing
	add(c.t.Demo, NoticeDemo)
	add(answered && c.by.Witnesses == "none", NoticeNoWitnesses)
	add(answered && c.by.Officers == "none", NoticeNoOfficers)
	add(answered && c.by.Epoch < c.t.Epoch, NoticeRetiredKeys)
	add(c.receiptErr != nil && c.registry != nil, NoticeBrokenReceipt)
	add(c.registryErr != nil && c.r.Source == FromReceipt, NoticeRegistryFailed)
	add(c.salt != nil, NoticeSealed)
	life := c.r.Life
	if life == nil {
		return
	}
	issued, _ := dayNumber(life.Issued)
	day := life.Registered / secondsPerDay
	add(issued > day+1, NoticePostdated) // east of Greenwich it is tomorrow already
	add(day-issued > laterThan, NoticeRegisteredLater)
	add(len(c.r.Others) > 0, NoticeOtherIssuers)
	add(c.withdrawnLater(life), NoticeWithdrawnLater)
}

func (c *check) withdrawnLater(life *LifeReport) bool {
	for _, ev := range []*evidence{c.registry, c.receipt} {
		if ev != nil && string(ev.source) == string(c.r.Source) {
			return ev.as[life.Issuer].Standing(ev.x.Covers) == nil
		}
	}
	return false
}
