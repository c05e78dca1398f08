package proofs

// A Verdict is what a person is told about a document: one of a closed set of
// stable codes (FORMAT.md, section 14).
type Verdict string

// The verdicts, in their order of precedence.
const (
	Malformed     Verdict = "malformed"
	Inconsistent  Verdict = "inconsistent"
	Mismatch      Verdict = "mismatch"
	Revoked       Verdict = "revoked"
	Unaccredited  Verdict = "unaccredited"
	Superseded    Verdict = "superseded"
	Suspended     Verdict = "suspended"
	Expired       Verdict = "expired"
	Stale         Verdict = "stale"
	Recorded      Verdict = "recorded"
	Authentic     Verdict = "authentic"
	NotRegistered Verdict = "not-registered"
	Unavailable   Verdict = "unavailable"
)

// Verdicts lists the closed set in its order of precedence.
func Verdicts() []Verdict {
	return []Verdict{Malformed, Inconsistent, Mismatch, Revoked, Unaccredited, Superseded,
		Suspended, Expired, Stale, Recorded, Authentic, NotRegistered, Unavailable}
}

// ExitCode is what `stele verify` exits with: 0 only for authentic, 2 where
// nothing was decided, 1 for every other verdict.
func (v Verdict) ExitCode() int {
	switch v {
	case Authentic:
		return 0
	case Unavailable:
		return 2
	default:
		return 1
	}
}
