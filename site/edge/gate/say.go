package gate

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"stele/proofs"
)

// A Refusal is why the gate did not do what it was asked to, in the protocol's words.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`

	Size   *uint64 `json:"size,omitempty"` // of the ledger in force, where the offer was made over another
	wait   int64   // after how many seconds to ask again; 0: retryAfter
	ofBody bool    // the body could not be read: that is always told of
}

// moment is a time as people read it, in UTC.
func moment(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// The protocol's codes.
const (
	codeUnauthorised  = "unauthorised"
	codeMalformed     = "malformed"
	codeUnsigned      = "unsigned"
	codeQuorum        = "quorum"
	codeOtherRegistry = "other-registry"
	codeRollback      = "rollback"
	codeReplay        = "replay"
	codeFork          = "fork"
	codeOvertaken     = "overtaken"
	codeTooLarge      = "too-large"
	codeBusy          = "busy"
	codeOutage        = "outage"
	codeUnknownOffer  = "unknown-offer"
	codeMissing       = "missing"
	codeWrong         = "wrong"
)

var statuses = map[string]int{
	codeUnauthorised: http.StatusUnauthorized, codeMalformed: http.StatusBadRequest, codeUnsigned: http.StatusForbidden, codeQuorum: http.StatusForbidden,
	codeOtherRegistry: http.StatusForbidden, codeRollback: http.StatusConflict, codeReplay: http.StatusConflict, codeFork: http.StatusConflict,
	codeOvertaken: http.StatusConflict, codeTooLarge: http.StatusRequestEntityTooLarge, codeBusy: http.StatusServiceUnavailable,
	codeOutage: http.StatusServiceUnavailable, codeUnknownOffer: http.StatusNotFound, codeMissing: http.StatusConflict, codeWrong: http.StatusUnprocessableEntity,
}

var hints = map[string]string{
	codeUnauthorised:  "stele publish --to needs the token of this deployment",
	codeUnsigned:      "the set has to be signed by a log key of the trust file in force here",
	codeQuorum:        "stele publish, and have enough officers and witnesses sign",
	codeOtherRegistry: "this edge was deployed for another registry",
	codeRollback:      "a newer publication is in force; was this one made out of a restored backup?",
	codeReplay:        "a newer publication is in force",
	codeFork:          "keep both checkpoints: stele audit says which of the two the registry stands by",
	codeOvertaken:     "ask for the state, and offer again what is newest",
	codeBusy:          "try again a little later",
	codeUnknownOffer:  "offer the publication again",
	codeWrong:         "compare the file with the publisher's own: stele audit",
}

func refuse(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...), Hint: hints[code]}
}

func refuseBody(code, format string, args ...any) *Refusal {
	r := refuse(code, format, args...)
	r.ofBody = true
	return r
}

// refusalOf says why something signed was not believed.
func refusalOf(what string, err error) *Refusal {
	code := codeUnsigned
	var few *proofs.InsufficientError
	var epoch *proofs.OtherEpochError
	var other *proofs.OtherRegistryError
	var bad *proofs.MalformedError
	var future *proofs.FutureError
	switch {
	case errors.As(err, &other):
		code = codeOtherRegistry
	case errors.As(err, &bad):
		code = codeMalformed
	case errors.As(err, &few), errors.As(err, &epoch), errors.As(err, &future):
		code = codeQuorum
	}
	return refuse(code, "%s: %v", what, err)
}

// toldAs is the refusal that an error is, or that something could not be read or written: that is nobody's fault here, and its detail is for the log only.
func toldAs(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return refuse(codeOutage, "the edge's store did not answer as it should; what was done before stands, and the same request may be made again")
}
