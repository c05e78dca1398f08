package proofs

// Evidence of misbehaviour (FORMAT.md, section 20): two views of one ledger that cannot both be true, in a file that a third party checks
// with nothing but the trust files.

import "strings"

const (
	conflictHeader = "stele.conflict/1\n"
	forkHeader     = "stele.fork/1\n"
)

// MaxEvidence is the most that evidence has, in bytes: two heads or receipts.
const MaxEvidence = 2*maxTLogProof + 1024

// The kinds of evidence, and how much it proves.
const (
	EvidenceConflict = "conflict" // two heads or receipts
	EvidenceFork     = "fork"     // two checkpoints, and how the larger tree begins

	StrengthPolicy = "policy" // both views satisfy the trust file of their epoch
	StrengthLog    = "log"    // both bear a signature of the log's key, which one thief can give
)

// An EvidenceReport is what evidence proves: two roots of one size.
type EvidenceReport struct {
	Kind     string
	Registry string // the origin
	Size     uint64 // for which two roots were signed, or proved under what was
	Strength string
	Roots    [2]Hash   // of that size, by One and by Other
	One      *Signed   // as far as it satisfies the trust file of its epoch
	Other    *Signed   // likewise
	Missing  [2]string // what One and Other lack of their policy; empty where they satisfy it
}

// FormatConflict puts two heads or receipts that conflict into one file, which a third
// party can check with nothing but the trust file.
func FormatConflict(a, b []byte) []byte {
	return appendOpaque32(appendOpaque32([]byte(conflictHeader), a), b)
}

// ParseConflict takes a conflict file apart.
func ParseConflict(b []byte) (first, second []byte, err error) {
	r := &reader{what: "conflict", b: b}
	r.literal(conflictHeader)
	first, second = r.opaque32(), r.opaque32()
	return first, second, r.done()
}

// FormatFork puts two checkpoints into one file with the proof that the tree of the other, which is not the smaller one, has another
// root at the one's size: growth is the consistency proof from that root (RFC 6962, section 2.1.2), none for equal sizes.
func FormatFork(one, other []byte, root Hash, growth []Hash) []byte {
	b := appendOpaque32(appendOpaque32([]byte(forkHeader), one), other)
	return appendPath(append(b, root[:]...), growth)
}

// CheckEvidence checks evidence of any kind: an error says why it proves nothing. Views of an earlier epoch are judged by its trust file,
// if that is among the earlier ones.
func (t *Trust) CheckEvidence(b []byte, earlier []*Trust, now int64) (*EvidenceReport, error) {
	chain := t.chain(earlier)
	if strings.HasPrefix(string(b[:min(len(b), len(forkHeader))]), forkHeader) {
		return chain.checkFork(b, now)
	}
	return chain.checkConflict(b, now)
}

// A chain is a trust file and those before it, the newest first.
type chain []*Trust

// chain picks those of some trust files that lie before this one, without a gap.
func (t *Trust) chain(earlier []*Trust) chain {
	c := chain{t}
	for range earlier {
		for _, e := range earlier {
			if t.Previous != nil && e.ID() == *t.Previous && e.Precedes(t) == nil {
				t, c = e, append(c, e)
				break
			}
		}
	}
	return c
}

func (c chain) before(t *Trust) *Trust {
	for i, e := range c[1:] {
		if c[i] == t {
			return e
		}
	}
	return nil
}

func (c chain) checkConflict(b []byte, now int64) (*EvidenceReport, error) {
	first, second, err := ParseConflict(b)
	if err != nil {
		return nil, err
	}
	one, err := c.view(first, now)
	if err != nil {
		return nil, err
	}
	two, err := c.view(second, now)
	if err != nil {
		return nil, err
	}
	size, ok := conflict(one, two)
	if !ok {
		return nil, insufficient("conflict", "the two views agree, or have no size in common")
	}
	return &EvidenceReport{Kind: EvidenceConflict, Registry: c[0].Origin, Size: size, Strength: StrengthPolicy,
		Roots: [2]Hash{one.rootAt(size), two.rootAt(size)}, One: one.x.Signed, Other: two.x.Signed}, nil
}

func (ev *evidence) rootAt(size uint64) Hash {
	for _, o := range ev.sizes() {
		if o.Size == size {
			return o.Root
		}
	}
	return Hash{}
}

// view verifies a head or a receipt, whichever it is.
func (c chain) view(b []byte, now int64) (*evidence, error) {
	if head, err := ParseHead(b); err == nil {
		var x *VerifiedIndex
		by, err := judge(c[0], head.Proof.Checkpoint, c.before, func(t *Trust) (err error) {
			x, _, err = head.Verify(t, now)
			return err
		})
		return &evidence{x: x, trust: by, olds: head.Consistency}, err
	}
	rc, err := ParseReceipt(b)
	if err != nil {
		return nil, err
	}
	var x *VerifiedIndex
	by, err := judge(c[0], rc.Proof.Checkpoint, c.before, func(t *Trust) (err error) {
		x, err = rc.Verify(t, now)
		return err
	})
	return &evidence{x: x, trust: by}, err
}

func (c chain) checkFork(b []byte, now int64) (*EvidenceReport, error) {
	r := &reader{what: "fork", b: b}
	r.literal(forkHeader)
	first, second, root := r.opaque32(), r.opaque32(), r.hash()
	growth := r.hashes(r.u8())
	if err := r.done(); err != nil {
		return nil, err
	}
	one, missing, err := c.signed(first, now)
	if err != nil {
		return nil, err
	}
	other, lacks, err := c.signed(second, now)
	if err != nil {
		return nil, err
	}
	if err := CheckConsistency(one.Size, other.Size, root, other.Root, growth); err != nil {
		return nil, err
	}
	if root == one.Root {
		return nil, insufficient("fork", "both checkpoints are of one ledger")
	}
	report := &EvidenceReport{Kind: EvidenceFork, Registry: c[0].Origin, Size: one.Size, Strength: StrengthPolicy,
		Roots: [2]Hash{one.Root, root}, One: one, Other: other, Missing: [2]string{missing, lacks}}
	if missing != "" || lacks != "" {
		report.Strength = StrengthLog
	}
	return report, nil
}

// signed tells what a checkpoint bears, by the trust file of its epoch, and what it lacks of its policy. The log has to have signed it. That
// the root is the one with which an epoch ended is not asked: here it may be just that which is wrong.
func (c chain) signed(b []byte, now int64) (s *Signed, missing string, err error) {
	cp, note, err := ParseCheckpoint(b)
	if err != nil {
		return nil, "", err
	}
	if cp.Origin != c[0].Origin {
		return nil, "", &OtherRegistryError{Got: cp.Origin, Want: c[0].Origin}
	}
	for i, t := range c {
		if cp.Size < t.FinalSize || i > 0 && cp.Size > c[i-1].FinalSize {
			continue
		}
		v := &checkpointVerifier{t: t, c: cp, now: now, times: map[int]int64{}}
		if err := v.verifyLines(note); err != nil {
			return nil, "", err
		}
		if got, lacks := v.judge(b); v.log && (s == nil || lacks == "") {
			s, missing = got, lacks
		}
	}
	if s == nil {
		return nil, "", insufficient("checkpoint", "of size ", utoa(cp.Size), " is not signed by the log, as far as the trust files at hand tell")
	}
	return s, missing, nil
}

// AppendJSON appends the report as a JSON object to b.
func (r *EvidenceReport) AppendJSON(b []byte) []byte {
	j := jsonWriter{b: b}
	j.open('{')
	j.str("kind", r.Kind)
	j.str("registry", r.Registry)
	j.num("size", r.Size)
	j.str("strength", r.Strength)
	for i, s := range []*Signed{r.One, r.Other} {
		j.key([]string{"one", "other"}[i])
		j.open('{')
		j.str("root_at_size", "sha256:"+r.Roots[i].String())
		j.num("size", s.Size)
		j.str("root", "sha256:"+s.Root.String())
		j.str("missing", r.Missing[i])
		s.appendJSON(&j)
		j.close('}')
	}
	j.close('}')
	return j.b
}
