package proofs

// Trust files: what a verifier is given beforehand (FORMAT.md, section 12), and
// who has signed a checkpoint (sections 4 and 13). How one follows another is in epoch.go.

import (
	"math"
	"slices"
	"strings"
)

const (
	trustFormat = "stele.trust/1"
	maxTrust    = 2 * maxPolicy
	maxAge      = 31536000 // seconds, a year

	// maxAhead is how far a cosignature's time may run before the verifier's clock, in seconds.
	maxAhead = 300
)

// AnyTime is a clock to which nothing is too new: for what was seen or published already.
const AnyTime = math.MaxInt64 - maxAhead

// A Trust is a parsed trust file.
type Trust struct {
	Origin        string
	Epoch         uint64
	Previous      *Hash // the trust file before this one; nil in epoch 1
	FinalSize     uint64
	FinalRoot     Hash
	Eras          []Era // whose keys rule the earlier places; one for each earlier epoch
	Title         string
	Demo          bool
	RootThreshold int
	RootKeys      []*Key // ascending, all of one name
	Publication   *Key
	NeedSHA3      bool  // a verifier must compute SHA3-512 too
	StaleAfter    int64 // seconds
	ApprovalAge   int64 // seconds
	Officers      string
	Witnesses     string
	PolicyText    []byte
	Policy        *Policy
}

// ID is the SHA-256 of the trust file, its fingerprint.
func (t *Trust) ID() Hash { return sum256(t.Marshal()) }

// RootName is the name that the root keys sign under.
func (t *Trust) RootName() string { return t.RootKeys[0].Name }

// Marshal formats the trust file.
func (t *Trust) Marshal() []byte {
	w := &textWriter{}
	w.raw(trustFormat)
	w.line("origin", t.Origin)
	w.line("epoch", utoa(t.Epoch))
	if t.Previous != nil {
		w.hash("previous", t.Previous)
		w.line("final", utoa(t.FinalSize)+" sha256:"+t.FinalRoot.String())
	}
	for i := range t.Eras {
		w.era(&t.Eras[i])
	}
	w.line("title", t.Title)
	if t.Demo {
		w.raw("demo")
	}
	w.line("root", itoa(t.RootThreshold))
	for _, k := range t.RootKeys {
		w.line("root-key", k.String())
	}
	w.line("publication", t.Publication.String())
	w.line("digest", "sha256")
	if t.NeedSHA3 {
		w.line("digest", "sha3-512")
	}
	w.line("stale-after", i64toa(t.StaleAfter))
	w.line("approval-age", i64toa(t.ApprovalAge))
	w.line("officers", t.Officers)
	w.line("witnesses", t.Witnesses)
	w.raw("policy")
	return append(w.b, t.PolicyText...)
}

// ParseTrust parses a trust file.
func ParseTrust(b []byte) (*Trust, error) {
	const what = "trust file"
	if len(b) > maxTrust {
		return nil, malformed(what, itoa(len(b)), " bytes, want at most ", itoa(maxTrust))
	}
	head, policy, ok := strings.Cut(string(b), "\npolicy\n")
	if !ok {
		return nil, malformed(what, "no policy line")
	}
	t := &Trust{PolicyText: []byte(policy)}
	f := &fields{lines: strings.Split(head, "\n")}
	t.parseFields(f)
	if f.err == "" && len(f.lines) > 0 {
		f.fail("policy")
	}
	if f.err != "" {
		return nil, malformed(what, f.err)
	}
	var err error
	if t.Policy, err = ParsePolicy(t.PolicyText); err != nil {
		return nil, err
	}
	if why := t.invalid(); why != "" {
		return nil, malformed(what, why)
	}
	if string(t.Marshal()) != string(b) {
		return nil, malformed(what, "not in canonical form")
	}
	return t, nil
}

func (t *Trust) parseFields(f *fields) {
	f.bare(trustFormat)
	t.Origin = f.name("origin")
	t.Epoch = f.number("epoch")
	if f.next("previous") {
		h := f.digest("previous", "sha256:")
		t.Previous = &h
		t.FinalSize, t.FinalRoot = f.counted("final")
	}
	for f.next("era") {
		t.Eras = append(t.Eras, f.era())
	}
	t.Title = f.text("title")
	if len(f.lines) > 0 && f.lines[0] == "demo" {
		f.bare("demo")
		t.Demo = true
	}
	t.RootThreshold, t.RootKeys = f.roots("root", "root-key")
	t.Publication = f.key("publication")
	f.checked("digest", func(v string) bool { return v == "sha256" })
	if f.next("digest") {
		f.checked("digest", func(v string) bool { return v == "sha3-512" })
		t.NeedSHA3 = true
	}
	t.StaleAfter = int64(f.number("stale-after"))
	t.ApprovalAge = int64(f.number("approval-age"))
	t.Officers = f.value("officers")
	t.Witnesses = f.value("witnesses")
}

func (f *fields) bare(line string) {
	if f.err == "" && len(f.lines) > 0 && f.lines[0] == line {
		f.lines = f.lines[1:]
		return
	}
	f.fail(quote(line))
}

func (f *fields) key(name string) *Key {
	k, err := ParseKey(f.value(name))
	if err != nil {
		f.fail(err.Error())
	}
	return k
}

// invalid says what the trust file demands that cannot be, or "".
func (t *Trust) invalid() string {
	switch {
	case t.Epoch == 0 || (t.Epoch > 1) != (t.Previous != nil):
		return "epoch " + utoa(t.Epoch) + ": want previous and final after epoch 1, and only then"
	}
	if why := t.present().invalid(); why != "" {
		return why
	}
	switch {
	case t.Publication.Name == t.Origin || t.RootName() == t.Origin || t.RootName() == t.Publication.Name:
		return "origin, root and publication key share a name"
	case t.StaleAfter < 1 || t.StaleAfter > maxAge || t.ApprovalAge < 1 || t.ApprovalAge > maxAge:
		return "stale-after and approval-age, want 1 to " + itoa(maxAge) + " seconds"
	}
	if why := t.invalidEras(); why != "" {
		return why
	}
	return t.invalidPolicy()
}

func (t *Trust) invalidPolicy() string {
	if len(t.Policy.Logs) == 0 {
		return "policy has no log"
	}
	for _, l := range t.Policy.Logs {
		if l.Key.Name != t.Origin || l.Key.Type != Ed25519Key {
			return "policy: log " + quote(l.Key.Name) + ": want an Ed25519 key (0x01) named by the origin"
		}
	}
	for _, role := range []string{t.Officers, t.Witnesses} {
		if _, group := t.Policy.group(role); !group && t.Policy.witness(role) < 0 && role != "none" {
			return "role " + quote(role) + " is not in the policy"
		}
		if slices.ContainsFunc(t.Policy.Leaves(role), t.isOwn) {
			return "role " + quote(role) + " holds the log's own key"
		}
	}
	for _, w := range t.Policy.Leaves(t.Officers) {
		if slices.Contains(t.Policy.Leaves(t.Witnesses), w) {
			return "officers and witnesses share " + quote(t.Policy.Witnesses[w].Name)
		}
	}
	if t.Policy.Met(t.Policy.Quorum, func(i int) bool { return !t.isOwn(i) }) {
		return "the quorum can be met without the log's own ML-DSA-44 key"
	}
	return ""
}

// isOwn tells the log's own ML-DSA-44 key among the policy's witnesses.
func (t *Trust) isOwn(witness int) bool {
	k := t.Policy.Witnesses[witness].Key
	return k.Name == t.Origin && k.Type == MLDSA44Key
}

func (t *Trust) role(witness int) string {
	switch {
	case t.isOwn(witness):
		return "log"
	case slices.Contains(t.Policy.Leaves(t.Officers), witness):
		return "officer"
	case slices.Contains(t.Policy.Leaves(t.Witnesses), witness):
		return "witness"
	}
	return "other"
}

// Demanded says who must approve and who must have looked, as the quorums are before anybody has signed.
func (t *Trust) Demanded() (officers, witnesses QuorumReport) {
	nobody := func(int) bool { return false }
	return t.Policy.progress(t.Officers, nil, nobody), t.Policy.progress(t.Witnesses, nil, nobody)
}

// A Signed is a checkpoint that satisfies a trust file; from Examine, one that does so as far as it does.
type Signed struct {
	Checkpoint
	Note      []byte
	Epoch     uint64 // of the trust file
	AsOf      int64  // seconds
	Signers   []SignerReport
	Officers  QuorumReport
	Witnesses QuorumReport
}

// VerifyCheckpoint checks that a checkpoint's note satisfies the trust file at
// the time now (seconds). Errors: *MalformedError, *UnverifiedError if a known key's signature
// fails, *OtherRegistryError if it is of another ledger, *OtherEpochError if it is older than the trust file's epoch,
// *InsufficientError if signatures are missing, *FutureError if they are only too new.
func (t *Trust) VerifyCheckpoint(b []byte, now int64) (*Signed, error) {
	v, err := t.examine(b, now)
	if err != nil {
		return nil, err
	}
	s, missing := v.judge(b)
	if missing != "" && v.ahead {
		return nil, &FutureError{v.now}
	}
	if missing != "" {
		return nil, insufficient("signatures on the checkpoint", missing)
	}
	return s, nil
}

// Examine judges a checkpoint's note as VerifyCheckpoint does, and tells of one that does not satisfy the trust file what it has and
// what is missing: nothing if and only if VerifyCheckpoint is content. Every line of a known key has been verified; lines that are too
// new count as missing.
func (t *Trust) Examine(checkpoint []byte, now int64) (s *Signed, missing string, err error) {
	v, err := t.examine(checkpoint, now)
	if err != nil {
		return nil, "", err
	}
	s, missing = v.judge(checkpoint)
	return s, missing, nil
}

// examine verifies the lines of all known keys.
func (t *Trust) examine(b []byte, now int64) (*checkpointVerifier, error) {
	c, note, err := ParseCheckpoint(b)
	if err != nil {
		return nil, err
	}
	if c.Origin != t.Origin {
		return nil, &OtherRegistryError{Got: c.Origin, Want: t.Origin}
	}
	if err := t.checkFinal(c); err != nil {
		return nil, err
	}
	if c.Size < t.FinalSize {
		return nil, &OtherEpochError{What: "checkpoint of size " + utoa(c.Size), Epoch: t.Epoch - 1}
	}
	v := &checkpointVerifier{t: t, c: c, now: now, times: map[int]int64{}}
	return v, v.verifyLines(note)
}

// checkFinal compares a size and root with those at which the epoch before this one ended.
func (t *Trust) checkFinal(c Checkpoint) error {
	if t.Previous != nil && c.Size == t.FinalSize && c.Root != t.FinalRoot {
		return unverified("checkpoint", "root ", c.Root.String(), " at size ", utoa(c.Size), ", but the epoch before this one ended with ", t.FinalRoot.String())
	}
	return nil
}

type checkpointVerifier struct {
	t       *Trust
	c       Checkpoint
	now     int64
	log     bool          // a log line has verified
	times   map[int]int64 // of verified cosignatures, by witness
	ahead   bool          // some were timed in the future
	signers []SignerReport
}

func (v *checkpointVerifier) verifyLines(note *Note) error {
	seen := map[string]bool{}
	for i := range note.Signatures {
		s := &note.Signatures[i]
		if id := s.Name + "+" + utoa(uint64(s.ID)); seen[id] {
			return malformed("checkpoint", "two signatures of ", quote(s.Name), " with one key ID")
		} else {
			seen[id] = true
		}
		for _, l := range v.t.Policy.Logs {
			if s.By(l.Key) {
				if _, err := s.verifyCheckpoint(l.Key, v.c); err != nil {
					return err
				}
				v.log = true
				v.signers = append(v.signers, SignerReport{l.Key.Name, "log", l.Key.Type.String(), 0})
			}
		}
		for w := range v.t.Policy.Witnesses {
			if err := v.verifyWitness(s, w); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *checkpointVerifier) verifyWitness(s *Signature, w int) error {
	k := v.t.Policy.Witnesses[w].Key
	if !s.By(k) {
		return nil
	}
	time, err := s.verifyCheckpoint(k, v.c)
	if err != nil {
		return err
	}
	if time > v.now+maxAhead {
		v.ahead = true
		return nil
	}
	v.times[w] = time
	v.signers = append(v.signers, SignerReport{k.Name, v.t.role(w), k.Type.String(), time})
	return nil
}

// judge applies the quorum and the time rules to what has verified, and says what is missing.
func (v *checkpointVerifier) judge(b []byte) (s *Signed, missing string) {
	p := v.t.Policy
	asOf := v.asOf()
	counts := func(w int) bool {
		time, ok := v.times[w]
		return ok && (v.t.role(w) != "officer" || time >= asOf-v.t.ApprovalAge)
	}
	s = &Signed{Checkpoint: v.c, Note: b, Epoch: v.t.Epoch, AsOf: asOf, Signers: v.signers,
		Officers: p.progress(v.t.Officers, v.times, counts), Witnesses: p.progress(v.t.Witnesses, v.times, counts)}
	switch {
	case !v.log:
		missing = "no Ed25519 signature of the log"
	case !s.Officers.Met:
		missing = "officers: " + itoa(s.Officers.Have) + " of the " + itoa(s.Officers.Needed) + " needed"
	case !s.Witnesses.Met:
		missing = "witnesses: " + itoa(s.Witnesses.Have) + " of the " + itoa(s.Witnesses.Needed) + " needed"
	case !p.Met(p.Quorum, counts) || asOf == 0:
		missing = "quorum " + quote(p.Quorum) + " is not met"
	}
	return s, missing
}

// asOf is the greatest t such that the cosignatures with times ≥ t meet the
// witness quorum; without witnesses, the log's own time. 0 if there is none.
func (v *checkpointVerifier) asOf() int64 {
	var best int64
	for w, t := range v.times {
		switch {
		case v.t.Witnesses == "none":
			if v.t.isOwn(w) {
				best = max(best, t)
			}
		case t > best && v.t.Policy.Met(v.t.Witnesses, func(o int) bool { return v.times[o] >= t }):
			best = t
		}
	}
	return best
}
