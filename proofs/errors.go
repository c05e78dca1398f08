package proofs

import "strconv"

// The verifier tells seven kinds of failure apart, by type, because they lead
// to different words for the person who asked.

// A MalformedError says that bytes are not in the format they claim.
type MalformedError struct {
	What string // the thing being parsed, such as "checkpoint"
	Why  string // where, got and want
}

func (e *MalformedError) Error() string { return "malformed " + e.What + ": " + e.Why }

// An UnverifiedError says that well-formed bytes carry a signature or a proof
// that does not verify.
type UnverifiedError struct {
	What string
	Why  string
}

func (e *UnverifiedError) Error() string { return "unverified " + e.What + ": " + e.Why }

// An InsufficientError says that what is there verifies and is not enough: a
// signature, a quorum or a file is missing. It is never an accusation.
type InsufficientError struct {
	What string
	Why  string
}

func (e *InsufficientError) Error() string { return "insufficient " + e.What + ": " + e.Why }

// A NotUnderstoodError says that a statement keeps the envelope and that this
// verifier is too old for the rest (FORMAT.md, section 5).
type NotUnderstoodError struct {
	What string
	Why  string
}

func (e *NotUnderstoodError) Error() string { return e.What + " not understood: " + e.Why }

// An OtherRegistryError says that a checkpoint or statement is of another ledger.
type OtherRegistryError struct{ Got, Want string }

func (e *OtherRegistryError) Error() string {
	return "origin " + quote(e.Got) + ", want " + quote(e.Want)
}

// An OtherEpochError says that something is not signed with the keys of the trust file in hand, and may be with those of
// an earlier or a later one (FORMAT.md, section 12). It is never an accusation.
type OtherEpochError struct {
	What  string
	Epoch uint64 // of the trust file that has to judge it; 0 where that is not known
}

func (e *OtherEpochError) Error() string {
	if e.Epoch == 0 {
		return e.What + "; the trust file of another epoch may judge otherwise"
	}
	return e.What + ": signed before this trust file was in force, and the one of its time is not at hand: " + TrustPath(e.Epoch)
}

// A FutureError says that required signatures are timed after the verifier's clock.
type FutureError struct{ Now int64 }

func (e *FutureError) Error() string {
	return "required signatures, or what they sign, are timed more than " + itoa(maxAhead) + " seconds after this device's clock"
}

func malformed(what string, why ...string) error {
	return &MalformedError{what, concat(why)}
}

func unverified(what string, why ...string) error {
	return &UnverifiedError{what, concat(why)}
}

func insufficient(what string, why ...string) error {
	return &InsufficientError{what, concat(why)}
}

func notUnderstood(what string, why ...string) error {
	return &NotUnderstoodError{what, concat(why)}
}

func concat(parts []string) string {
	var s string
	for _, p := range parts {
		s += p
	}
	return s
}

// quote shows untrusted text in an error: quoted, and cut to 60 bytes so that
// a hostile megabyte does not end up on a terminal.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.Quote(s[:most]) + "… (" + itoa(len(s)) + " bytes)"
	}
	return strconv.Quote(s)
}

func itoa(n int) string     { return strconv.Itoa(n) }
func utoa(n uint64) string  { return strconv.FormatUint(n, 10) }
func i64toa(n int64) string { return strconv.FormatInt(n, 10) }
