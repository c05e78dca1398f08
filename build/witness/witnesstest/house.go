package witnesstest

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stele/proofs"
	"stele/site/edge/witness"
)

const (
	Origin = "log.example/one"        // of a house's log
	Name   = "agency.example/witness" // of its witness
)

// A House is a witness with a log, wherever the witness keeps its records. Who opens it sets the four functions below.
type House struct {
	*testing.T
	Ledger *Log         // that is witnessed
	Now    int64        // the witness's clock
	Said   bytes.Buffer // what it has logged

	Handler   http.Handler
	Configure func(policy string)        // tells the witness its logs
	Again     func()                     // ends the witness and begins it anew, from what it has kept; sets Handler
	Kept      func(kind string) [][]byte // what it has kept that the log must not have signed
}

// NewHouse makes a house without a witness.
func NewHouse(t *testing.T) *House {
	return &House{T: t, Ledger: NewLog(t, Origin, "true", 40), Now: 1_800_000_000}
}

// Signers are the witness's, ML-DSA-44 and Ed25519.
func (h *House) Signers() []proofs.Signer {
	return []proofs.Signer{Signer(h, Name, proofs.MLDSA44Key, "w"), Signer(h, Name, proofs.CosignatureKey, "w")}
}

// Clock is the witness's.
func (h *House) Clock() time.Time { return time.Unix(h.Now, 0) }

// Logger is the witness's.
func (h *House) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(&h.Said, nil)) }

// Lines are the signature lines of a note.
func Lines(t testing.TB, note []byte) []proofs.Signature {
	t.Helper()
	n, err := proofs.ParseNote(note)
	if err != nil {
		t.Fatal(err)
	}
	return n.Signatures
}

// Send sends a request.
func (h *House) Send(method, path string, body []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.Handler.ServeHTTP(w, httptest.NewRequest(method, path, bytes.NewReader(body)))
	return w
}

// Post sends a checkpoint with a proof from a size.
func (h *House) Post(old uint64, proof []proofs.Hash, note []byte) *httptest.ResponseRecorder {
	return h.Send("POST", "/add-checkpoint", (&witness.Request{Old: old, Proof: proof, Checkpoint: note}).Marshal())
}

// Grow sends the log's checkpoint of a size with the right proof.
func (h *House) Grow(old, size uint64) *httptest.ResponseRecorder {
	h.Helper()
	proof, err := h.Ledger.Growth(size)(old)
	if err != nil {
		h.Fatal(err)
	}
	return h.Post(old, proof, h.Ledger.Note(size))
}

// Want checks an answer.
func (h *House) Want(w *httptest.ResponseRecorder, status int, body string) {
	h.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), body) {
		h.Errorf("got %d %q, want %d with %q", w.Code, w.Body, status, body)
	}
}

// WantCosigned checks both lines, and that they are of a time.
func (h *House) WantCosigned(w *httptest.ResponseRecorder, c proofs.Checkpoint, time int64) {
	h.Helper()
	if w.Code != http.StatusOK {
		h.Fatalf("got %d %q, want 200", w.Code, w.Body)
	}
	n, err := proofs.ParseNote([]byte(c.Text() + "\n" + w.Body.String()))
	if err != nil || len(n.Signatures) != 2 {
		h.Fatalf("got %q (%v), want two lines", w.Body, err)
	}
	for i, s := range h.Signers() {
		if got, err := n.Signatures[i].CheckCheckpoint(s.Key(), c); err != nil || got != time {
			h.Errorf("line %d is of %d (%v), want %d", i+1, got, err, time)
		}
	}
}

// WantEvidence checks evidence as anybody would who has the registry's trust file.
func (h *House) WantEvidence(evidence []byte, size uint64, one, other proofs.Hash) {
	h.Helper()
	policy, err := proofs.ParsePolicy([]byte(h.Ledger.Policy()))
	if err != nil {
		h.Fatal(err)
	}
	trust := &proofs.Trust{Epoch: 1, Origin: Origin, Policy: policy, Officers: "none", Witnesses: "none"}
	r, err := trust.CheckEvidence(evidence, nil, h.Now)
	if err != nil || r.Size != size || r.Roots != [2]proofs.Hash{one, other} {
		h.Errorf("the evidence proves %+v (%v), want two roots of size %d", r, err, size)
	}
}
