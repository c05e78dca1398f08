package follow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"stele/build/audit"
	"stele/build/portal"
	"stele/proofs"
)

// An Outage says that something could not be read. It is never an accusation: a missing file must not look like tampering.
type Outage struct {
	Path string
	Err  error
}

func (e *Outage) Error() string {
	if e.Missing() {
		return e.Path + ": is not there"
	}
	return fmt.Sprintf("%s: could not be read: %v", e.Path, e.Err)
}

func (e *Outage) Unwrap() error { return e.Err }

// Missing reports whether the portal answered, and said that it has no such file.
func (e *Outage) Missing() bool { return errors.Is(e.Err, fs.ErrNotExist) }

// A Damage says that what was read is not what is signed for: a disk or a copy that is at fault, or a portal. Nothing proves to others what was
// served, so that it is no evidence.
type Damage struct {
	Path string // or what it is
	Err  error
}

func (e *Damage) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

func (e *Damage) Unwrap() error { return e.Err }

// A Rollback says that a head or proposal is smaller than what was seen before. It may be an old copy, and is none to go on from.
type Rollback struct {
	Seen, Got proofs.Checkpoint
	Unproved  error // why it is not known whether the smaller one is a part of the larger, nil if it is
}

func (e *Rollback) Error() string {
	s := fmt.Sprintf("size %d, but size %d was seen before", e.Got.Size, e.Seen.Size)
	if e.Unproved != nil {
		s += fmt.Sprintf(" (whether it is a part of that could not be proved: %v)", e.Unproved)
	}
	return s
}

// A Fork is two signed checkpoints of which no ledger can be both: the larger one's tree has another root at the smaller one's size.
type Fork struct {
	One, Other []byte // checkpoints with their signatures, the smaller first
	Size       uint64 // the smaller one's
	Signed     proofs.Hash
	Root       proofs.Hash   // of the larger one's tree at that size
	Growth     []proofs.Hash // the consistency proof from Root to the larger one's root
}

func (e *Fork) Error() string {
	return fmt.Sprintf("the ledger is forked: root %s was signed for size %d, but the tree of the larger checkpoint has root %s there", e.Signed, e.Size, e.Root)
}

// A WrongIndex is an index statement, signed by the publication key, that does not follow from the ledger.
type WrongIndex struct {
	Place   uint64
	Entry   []byte // the statement as it is in the ledger
	Field   string // the first that differs
	Got     string
	Want    string // as rebuilt
	Rebuilt *proofs.Index
}

func (e *WrongIndex) Error() string {
	return fmt.Sprintf("index statement at place %d: %s %s, but rebuilt from the ledger it is %s", e.Place, e.Field, e.Got, e.Want)
}

// A BadTrust says that a publication changes who may sign, and that the next trust file is not what the root's statement commits to.
type BadTrust struct{ Why string }

func (e *BadTrust) Error() string { return "change of trust: " + e.Why }

// The codes of what can be wrong, for those who act on them: Code.
const (
	CodeFork     = "fork"           // with evidence
	CodeRollback = "rollback"       // smaller than what was seen
	CodeIndex    = "index"          // does not follow from the ledger
	CodeTrust    = "trust"          // a change of trust that is not as it is committed to
	CodeDamage   = "damaged"        // what is published is not what is signed for
	CodeQuorum   = "quorum"         // signatures are missing
	CodeClock    = "clock"          // what is signed is of the future
	CodeEpoch    = "epoch"          // signed with keys of an epoch that the trust file in hand does not know
	CodeOther    = "other-registry" // of another ledger
	CodeOutage   = "outage"         // could not be read: nothing is known
)

// Code tells what kind of error it is; empty for one of this machine's own.
func Code(err error) string {
	var (
		outage     *Outage
		notYet     *audit.NotYetError
		damage     *Damage
		rollback   *Rollback
		fork       *Fork
		wrong      *WrongIndex
		trust      *BadTrust
		epoch      *proofs.OtherEpochError
		handover   *portal.NoHandoverError
		other      *proofs.OtherRegistryError
		future     *proofs.FutureError
		few        *proofs.InsufficientError
		malformed  *proofs.MalformedError
		unverified *proofs.UnverifiedError
		unknown    *proofs.NotUnderstoodError
	)
	switch {
	case errors.As(err, &fork):
		return CodeFork
	case errors.As(err, &outage), errors.As(err, &notYet):
		return CodeOutage
	case errors.As(err, &rollback):
		return CodeRollback
	case errors.As(err, &wrong):
		return CodeIndex
	case errors.As(err, &trust):
		return CodeTrust
	case errors.As(err, &future):
		return CodeClock
	case errors.As(err, &epoch), errors.As(err, &handover):
		return CodeEpoch
	case errors.As(err, &other):
		return CodeOther
	case errors.As(err, &few):
		return CodeQuorum
	case errors.As(err, &damage), errors.As(err, &malformed), errors.As(err, &unverified), errors.As(err, &unknown):
		return CodeDamage
	}
	return ""
}

// watched makes what cannot be read an *Outage, for those who read by themselves.
type watched struct{ portal.Portal }

func (w watched) Read(ctx context.Context, path string) ([]byte, error) {
	b, err := w.Portal.Read(ctx, path)
	if err != nil {
		err = &Outage{path, err}
	}
	return b, err
}

// tell makes an error of an audit one of this package's.
func (w watched) tell(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if Code(err) == "" {
		err = &Damage{w.String(), err}
	}
	return err
}
