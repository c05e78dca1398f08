package proofs

// Keys over time (FORMAT.md, sections 12, 12.1 and 13): an epoch is the time of one trust file, an era the places of the ledger that its
// root and publication keys rule, and a handover the proof that one epoch has agreed to the next.

import (
	"errors"
	"math"
	"slices"
)

const handoverHeader = "stele.handover/1\n"

const (
	// ProposalPath is the path of a publication that officers have not approved yet, below the portal's root.
	ProposalPath = "ledger/proposal"
	// ProposedTrustPath is the path of the next trust file while a change is proposed.
	ProposedTrustPath = "trust/proposed"
)

// TrustPath is where an epoch's trust file is published.
func TrustPath(epoch uint64) string { return "trust/" + utoa(epoch) }

// HandoverPath is where the proof is published that the epoch before agreed to a trust file (FORMAT.md, section 12.1).
func HandoverPath(epoch uint64) string { return TrustPath(epoch) + ".tlog-proof" }

// An Era is a part of the ledger with the keys that rule it.
type Era struct {
	Last          uint64 // the last place; math.MaxUint64 for the present one
	RootThreshold int
	RootKeys      []*Key // ascending, all of one name
	Publication   *Key
}

// Ruling returns the root and publication keys by which an entry at a place is judged: those of "the first era with
// p ≤ LAST, else the file's own".
func (t *Trust) Ruling(place uint64) Era {
	for _, e := range t.Eras {
		if place <= e.Last {
			return e
		}
	}
	return t.present()
}

// present is the era that has not ended.
func (t *Trust) present() Era {
	return Era{math.MaxUint64, t.RootThreshold, t.RootKeys, t.Publication}
}

// eras are those of the trust file, and its own as it will be once it has ended.
func (t *Trust) eras(last uint64) []Era {
	own := t.present()
	own.Last = last
	return append(slices.Clone(t.Eras), own)
}

func (e *Era) equal(o *Era) bool {
	same := func(a, b *Key) bool { return a.Equal(b) }
	return e.Last == o.Last && e.RootThreshold == o.RootThreshold && slices.EqualFunc(e.RootKeys, o.RootKeys, same) && e.Publication.Equal(o.Publication)
}

// invalid says what an era's keys cannot be, or "".
func (e Era) invalid() string {
	if n := len(e.RootKeys); n == 0 || n > 16 || e.RootThreshold < 1 || e.RootThreshold > n {
		return itoa(e.RootThreshold) + " of " + itoa(n) + " root keys"
	}
	for i, k := range e.RootKeys {
		if k.Type != Ed25519Key || k.Name != e.RootKeys[0].Name || !IsName(k.Name) || i > 0 && e.RootKeys[i-1].String() >= k.String() {
			return "root keys: want Ed25519 (0x01) keys of one name, ascending"
		}
	}
	if e.Publication.Type != Ed25519Key || !IsName(e.Publication.Name) {
		return "publication key is not Ed25519 (0x01), or has no good name"
	}
	return ""
}

func (t *Trust) invalidEras() string {
	if uint64(len(t.Eras)) != t.Epoch-1 {
		return itoa(len(t.Eras)) + " eras, want one for each epoch before the " + utoa(t.Epoch) + "th"
	}
	for i, e := range t.Eras {
		where := "era " + itoa(i+1) + ": "
		switch why := e.invalid(); {
		case why != "":
			return where + why
		case e.RootKeys[0].Name != t.RootName() || e.Publication.Name != t.Publication.Name:
			return where + "the names of root and publication key never change"
		case i > 0 && e.Last <= t.Eras[i-1].Last:
			return where + "ends at " + utoa(e.Last) + ", not after the one before"
		}
	}
	if n := len(t.Eras); n > 0 && t.Eras[n-1].Last != t.FinalSize {
		return "the last era ends at " + utoa(t.Eras[n-1].Last) + ", want the size of final, " + utoa(t.FinalSize)
	}
	return ""
}

func (w *textWriter) era(e *Era) {
	w.line("era", utoa(e.Last))
	w.line("era-root", itoa(e.RootThreshold))
	for _, k := range e.RootKeys {
		w.line("era-root-key", k.String())
	}
	w.line("era-publication", e.Publication.String())
}

func (f *fields) era() Era {
	e := Era{Last: f.number("era")}
	e.RootThreshold, e.RootKeys = f.roots("era-root", "era-root-key")
	e.Publication = f.key("era-publication")
	return e
}

func (f *fields) roots(threshold, key string) (k int, keys []*Key) {
	k = int(min(f.number(threshold), 1000))
	for f.next(key) {
		keys = append(keys, f.key(key))
	}
	return k, keys
}

// verifyRoot wants exactly k lines of distinct root keys, in the order of the trust file. Other keys, or another number of them, may be those of
// another epoch.
func (e *Era) verifyRoot(note *Note) error {
	for i := range note.Signatures {
		if s := &note.Signatures[i]; s.Name == e.RootKeys[0].Name && s.keyOf(e.RootKeys) == nil {
			return &OtherEpochError{What: "statement of the root: signature " + itoa(i+1) + " is by a key that is not named"}
		}
	}
	if n := len(note.Signatures); n != e.RootThreshold {
		return &OtherEpochError{What: "statement of the root: " + itoa(n) + " signatures, want " + itoa(e.RootThreshold)}
	}
	next := 0
	for i := range note.Signatures {
		s := &note.Signatures[i]
		for next < len(e.RootKeys) && !s.By(e.RootKeys[next]) {
			next++
		}
		if next == len(e.RootKeys) || !s.verifyText(e.RootKeys[next], note.Text) {
			return unverified("statement", "of the root: signature ", itoa(i+1))
		}
		next++
	}
	return nil
}

// verifyPublication wants one line, of the publication key.
func (e *Era) verifyPublication(note *Note) error {
	s := &note.Signatures[0]
	if len(note.Signatures) == 1 && s.Name == e.Publication.Name && !s.By(e.Publication) {
		return &OtherEpochError{What: "statement of " + quote(s.Name) + ": by a key that is not named"}
	}
	if len(note.Signatures) != 1 || !s.verifyText(e.Publication, note.Text) {
		return unverified("statement", "of ", quote(e.Publication.Name), ": want one signature of the publication key")
	}
	return nil
}

// Successor returns a copy that follows this trust file, whose epoch ends with a published tree. The caller changes keys, policy and limits.
func (t *Trust) Successor(final Checkpoint) *Trust {
	next, id := *t, t.ID()
	next.Epoch, next.Previous = t.Epoch+1, &id
	next.FinalSize, next.FinalRoot = final.Size, final.Root
	next.Eras = t.eras(final.Size)
	next.RootKeys, next.PolicyText = slices.Clone(t.RootKeys), slices.Clone(t.PolicyText)
	return &next
}

// CheckSuccessor checks that a trust file can be the one after this: what never changes, what they say of each other, and the eras.
// That the registry wanted it so is for Follow to find out.
func (t *Trust) CheckSuccessor(next *Trust) error {
	why := ""
	switch eras := t.eras(next.FinalSize); {
	case next.Origin != t.Origin:
		return &OtherRegistryError{Got: next.Origin, Want: t.Origin}
	case next.Epoch != t.Epoch+1 || next.Previous == nil:
		why = "is of epoch " + utoa(next.Epoch) + ", want " + utoa(t.Epoch+1)
	case *next.Previous != t.ID():
		why = "follows the trust file " + next.Previous.String() + ", but the one before it is " + t.ID().String()
	case next.RootName() != t.RootName() || next.Publication.Name != t.Publication.Name:
		why = "the names of root and publication key never change"
	case next.Demo != t.Demo:
		why = "a demonstration stays one, and nothing becomes one"
	case t.Previous != nil && next.FinalSize <= t.FinalSize:
		why = "ends the epoch before at size " + utoa(next.FinalSize) + ", which began at " + utoa(t.FinalSize)
	case !slices.EqualFunc(next.Eras, eras, func(a, b Era) bool { return a.equal(&b) }):
		why = "its eras are not those of the trust file before it, and that one's own"
	}
	if why != "" {
		return unverified("trust file", why)
	}
	return nil
}

// Precedes checks that this trust file is the one before another: `previous` names its hash, so that it needs no other proof.
func (t *Trust) Precedes(next *Trust) error { return t.CheckSuccessor(next) }

// A Handover is the proof that an epoch agreed to the trust file after it.
type Handover struct {
	Proof     TLogProof // of the trust statement; Extra is made of the fields below
	Statement []byte    // the trust statement's entry
	Growth    []Hash    // RFC 6962, section 2.1.2, from the end of the epoch before to the checkpoint
}

// Marshal formats the handover's file.
func (h *Handover) Marshal() []byte {
	p := h.Proof
	p.Extra = appendPath(appendOpaque16([]byte(handoverHeader), h.Statement), h.Growth)
	return p.Marshal()
}

// ParseHandover parses a handover's file without verifying anything.
func ParseHandover(b []byte) (*Handover, error) {
	p, err := ParseTLogProof(b)
	if err != nil {
		return nil, err
	}
	r := &reader{what: "handover", b: p.Extra}
	r.literal(handoverHeader)
	h := &Handover{Proof: *p, Statement: r.opaque16()}
	h.Growth = r.hashes(r.u8())
	if len(h.Growth) > maxProof {
		r.fail("a proof of ", itoa(len(h.Growth)), " hashes, want at most ", itoa(maxProof))
	}
	if err := r.done(); err != nil {
		return nil, err
	}
	if string(h.Marshal()) != string(b) {
		return nil, malformed("handover", "not in canonical form")
	}
	return h, nil
}

// Follow returns the next trust file, if its handover proves that this epoch has agreed to it: its quorum has signed a tree that
// has grown from the end that the file names, and in it the root's statement that names the file stands right there.
func (t *Trust) Follow(next, handover []byte, now int64) (*Trust, error) {
	n, err := ParseTrust(next)
	if err != nil {
		return nil, err
	}
	if err := t.CheckSuccessor(n); err != nil {
		return nil, err
	}
	h, err := ParseHandover(handover)
	if err != nil {
		return nil, err
	}
	if err := t.verifyHandover(n, h, now); err != nil {
		return nil, err
	}
	return n, nil
}

func (t *Trust) verifyHandover(next *Trust, h *Handover, now int64) error {
	signed, err := t.VerifyCheckpoint(h.Proof.Checkpoint, now)
	if err != nil {
		return err
	}
	place := next.FinalSize
	// The trust statement and the index statement, and nothing else.
	if h.Proof.Index != place || signed.Size != place+2 {
		return unverified("handover", "of place ", utoa(h.Proof.Index), " in a ledger of ", utoa(signed.Size), ", want ", utoa(place), " in ", utoa(place+2))
	}
	if err := CheckConsistency(place, signed.Size, next.FinalRoot, signed.Root, h.Growth); err != nil {
		return err
	}
	if err := CheckInclusion(leafHash(h.Statement), place, signed.Size, h.Proof.Proof, signed.Root); err != nil {
		return err
	}
	return t.verifyTrustStatement(next, h.Statement)
}

// verifyTrustStatement checks that the root has said, at the end of its era, that a trust file is the next.
func (t *Trust) verifyTrustStatement(next *Trust, statement []byte) error {
	e, err := t.Authorise(nil, next.FinalSize, statement)
	if err != nil {
		return err
	}
	if e.Statement == nil {
		return e.Why
	}
	s, digest := e.Statement, Hash(sum256(next.Marshal()))
	if s.Action != ActionTrust || s.Issuer != t.RootName() || s.Epoch != next.Epoch || s.Digest != digest {
		return unverified("handover", "its statement is a ", quote(s.Action), " that names ", s.Digest.String(), " for epoch ", utoa(s.Epoch),
			"; the trust file is ", digest.String(), " for epoch ", utoa(next.Epoch))
	}
	return nil
}

// optional returns a file that may be missing without harm, and asks for it where the registry is asked at all.
func (c *check) optional(path string) []byte {
	b, ok := c.q.Files[path]
	if !ok && c.q.Online && !slices.Contains(c.need, path) {
		c.need = append(c.need, path)
	}
	return b
}

// next returns the trust file after the one in hand, where something is signed with keys that this one does not name, and the
// registry proves that it agreed to it. A missing or wrong file changes nothing: why the evidence was not believed stands.
func (c *check) next() *Trust {
	if len(c.need) > 0 || c.newest || !c.q.Online || c.t.Epoch >= maxEpochs || !c.mayBeLater() {
		return nil
	}
	next, handover := c.optional(TrustPath(c.t.Epoch+1)), c.optional(HandoverPath(c.t.Epoch+1))
	if len(c.need) > 0 {
		return nil
	}
	c.newest = true
	if next == nil || handover == nil {
		return nil
	}
	t, err := c.t.Follow(next, handover, c.q.Now)
	if err != nil {
		c.step("handover", "failed", err.Error())
		return nil
	}
	return t
}

// maxEpochs is how many trust files are followed: one a month for 80 years. A registry that always had a next one would keep whoever
// asks it busy for ever.
const maxEpochs = 1000

// mayBeLater tells whether something was refused that a later trust file may judge otherwise.
func (c *check) mayBeLater() bool {
	return !c.outage && lacksKeys(c.registryErr) || lacksKeys(c.receiptErr) || lacksKeys(c.seenErr)
}

// lacksKeys tells an error for want of a signature from all others.
func lacksKeys(err error) bool {
	var few *InsufficientError
	var epoch *OtherEpochError
	return errors.As(err, &few) || errors.As(err, &epoch) && epoch.Epoch == 0
}

// judged verifies evidence with the trust file in hand or, where its checkpoint is of an earlier epoch, with that epoch's.
func (c *check) judged(checkpoint []byte, verify func(*Trust) error) (*Trust, error) {
	return judge(c.t, checkpoint, c.before, verify)
}

// judge verifies evidence with a trust file or, where its checkpoint is of an earlier epoch, with that epoch's, and returns the one that
// decided. Each is believed because the one after it names its hash. An epoch's end with another root than the next trust file names is
// let through, for it may be evidence of a fork: see contradicts.
func judge(t *Trust, checkpoint []byte, before func(*Trust) *Trust, verify func(*Trust) error) (*Trust, error) {
	for {
		err := verify(t)
		if err == nil || !t.mayBeEarlier(checkpoint, err) {
			return t, err
		}
		earlier := before(t)
		switch {
		case earlier == nil && lacksKeys(err):
			return t, &OtherEpochError{"checkpoint", t.Epoch - 1}
		case earlier == nil:
			return t, err
		}
		t = earlier
	}
}

// mayBeEarlier tells whether a checkpoint that a trust file does not cover may be of an epoch before it: it is smaller than the end
// of that one, or is that end.
func (t *Trust) mayBeEarlier(checkpoint []byte, err error) bool {
	c, _, bad := ParseCheckpoint(checkpoint)
	if bad != nil || t.Previous == nil || c.Origin != t.Origin {
		return false
	}
	return c.Size < t.FinalSize || c.Size == t.FinalSize && (c.Root != t.FinalRoot || lacksKeys(err))
}

// contradicts tells a view of an earlier epoch that is of its very end, and has another root than the trust file says.
func (c *check) contradicts(ev *evidence) error {
	for t := c.t; t != nil && t.Epoch > ev.trust.Epoch; t = c.before(t) {
		if err := t.checkFinal(ev.x.Checkpoint); err != nil {
			return err
		}
	}
	return nil
}

// before returns the trust file before one, nil if it is not at hand.
func (c *check) before(t *Trust) *Trust {
	if t.Previous == nil {
		return nil
	}
	if before, ok := c.earlier[t.Epoch]; ok {
		return before
	}
	b := c.optional(TrustPath(t.Epoch - 1))
	if b == nil || Hash(sum256(b)) != *t.Previous {
		return nil
	}
	before, err := ParseTrust(b)
	if err != nil || before.Precedes(t) != nil {
		return nil
	}
	if c.earlier == nil {
		c.earlier = map[uint64]*Trust{}
	}
	c.earlier[t.Epoch] = before
	return before
}

// lastOf is the size with which an epoch before the one in hand ended.
func (c *check) lastOf(t *Trust) uint64 { return c.t.Eras[t.Epoch-1].Last }

// newTrust is the trust file that was followed to, nil if it is the one in hand.
func (c *check) newTrust() []byte {
	if len(c.followed) == 0 {
		return nil
	}
	return c.t.Marshal()
}
