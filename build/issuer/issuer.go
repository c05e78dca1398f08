// Package issuer is how an authority says the next thing about a document so that it takes effect.
//
//	Draft ── Matter.Compose ──> statement ── Ring: sign ──> entry ── Desk.Deliver ──> the registry's queue
//
// A statement that has no effect under the rules (proofs/FORMAT.md, section 7) is refused here, with the reason, before
// anything is signed: the verifier would pass over it in silence, and somebody would believe a document revoked. What
// Compose refuses is what [proofs.Lives] calls void, since it asks that.
//
// The desk may know less than the registry: another desk's statements are on their way. So a revocation and a link name the
// registration with `after`, which no race undoes; the others have to name the latest statement, and the registry refuses
// them if that has changed.
package issuer

import (
	"context"

	"stele/proofs"
)

// A Desk takes an authority's statements in, and tells what stands: the registry's folder, or its daemon. It is for one
// goroutine.
type Desk interface {
	Trust() *proofs.Trust

	// Authorities returns the authorities as they stand, what is pending included, with the place that the next statement
	// would get. What Record says later is of the same time or newer.
	Authorities(ctx context.Context) (as proofs.Authorities, place uint64, err error)

	// Record returns the authorised statements about a key in ledger order: what the index holds under it, and what is
	// pending where the desk knows that. None is no error.
	Record(ctx context.Context, key proofs.Hash) ([]*proofs.Entry, error)

	// Deliver takes signed statements, in order. They are durable when it returns without an error, and in force once they
	// are published. To deliver one twice does no harm.
	Deliver(ctx context.Context, entries [][]byte) error
}

// A Document is named by its selector, and by its SHA3-512 where that is known: whoever has only the digest that a record
// begins with finds the other in the record.
type Document struct {
	Selector string
	SHA3512  *proofs.Hash512
}

// DocumentOf names the document of a reference.
func DocumentOf(r proofs.Ref) Document { return Document{r.Selector(), &r.Digests.SHA3512} }

// Key is the document's key in the index.
func (d Document) Key() proofs.Hash { return proofs.KeyOf(d.Selector) }

// A Draft is what somebody wants to say.
type Draft struct {
	Action     string // revoke, suspend, restore, supersede, link
	Issuer     string // who says it; empty for the registrant whose key is here
	Registrant string // whose registration it is about; empty for the issuer's own, or else the one that answers
	Document   Document
	Successor  Document // of a supersede
	Relation   string   // of a link
	Target     Document // of a link; may be empty
	Reason     string   // the issuer's words, which citizens read

	// Half leaves a link of another authority without the registrant's line, for the registrant to add; and what the root says,
	// without the lines of root keys that are elsewhere.
	Half bool
}

// A Code says why a statement was refused, for scripts and for whoever knows what to do next.
type Code string

const (
	NotRegistered       Code = "not-registered"
	OtherRegistrant     Code = "other-registrant"       // the issuer has not registered it
	OtherDocument       Code = "other-document"         // registered with another SHA3-512
	NotAccredited       Code = "not-accredited"         // the issuer never was, or its accreditation was withdrawn
	NoKey               Code = "no-key"                 // the private key is not here
	NoRootKey           Code = "no-root-key"            // too few of the root's private keys are here
	Countersignature    Code = "countersignature"       // a link of another authority needs the registrant's line
	NoCountersignature  Code = "no-countersignature"    // the registrant is not accredited any more
	LinksFull           Code = "links-full"             // no more links of other authorities
	NotSuspended        Code = "not-suspended"          //
	Suspended           Code = "suspended"              // already
	Superseded          Code = "superseded"             // already; only a revocation or a link has an effect
	Revoked             Code = "revoked"                // already; only a link has an effect
	Repeated            Code = "repeated"               // the very same has been said
	SuccessorMissing    Code = "successor-unregistered" //
	SuccessorOfAnother  Code = "successor-of-another"   // registered by another authority
	SuccessorEarlier    Code = "successor-earlier"      // registered before what it is to replace
	SuccessorItself     Code = "successor-itself"       //
	TargetMissing       Code = "target-unregistered"    // a link's target, of which only one digest is known
	NotForCountersigner Code = "not-for-countersigning" // what was given is no half-signed link
	NoEffect            Code = "no-effect"              // otherwise
)

// A Refusal says why a statement would have no effect, or cannot be made here.
type Refusal struct {
	Code Code
	Why  string
	Life *proofs.Life // nil if there is none
}

func (r *Refusal) Error() string { return r.Why }
