package intake

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"stele/build/registry"
	"stele/proofs"
)

// An Approval is the answer to an officer's cosignature.
type Approval struct {
	Size      uint64   `json:"size"`
	Root      string   `json:"root"`
	Officers  Officers `json:"officers"`
	Published bool     `json:"published"`
}

// Officers is how far a quorum of officers is.
type Officers struct {
	Have   int  `json:"have"`
	Needed int  `json:"needed"`
	Met    bool `json:"met"`
}

// approve takes officers' cosignatures. Whatever brings nothing new counts against its sender, as statements do that do not verify: a
// proposal is public with its lines, so that nobody has to be an officer to send one, and each costs reading what is signed and verifying it.
func (s *Server) approve(w http.ResponseWriter, r *http.Request, l *line) error {
	leave, err := s.gate.enter(l.remote)
	if err != nil {
		return err
	}
	defer leave()
	b, err := readApproval(w, r, s.Limits.BodyTime)
	if err != nil {
		return err
	}
	done, err := s.gate.approve(r.Context())
	if err != nil {
		return err
	}
	a, err := s.Registry.Approve(r.Context(), b)
	done()
	if err != nil {
		return s.notApproved(err, l)
	}
	s.Metrics.approved(a)
	if !a.New {
		s.gate.blame(l.remote, 1)
	} else if a.Officers.Met && !a.Published && s.Publish != nil {
		s.Publish()
	}
	return answer(w, http.StatusOK, Approval{a.Size, a.Root.String(), Officers{a.Officers.Have, a.Officers.Needed, a.Officers.Met}, a.Published})
}

// readApproval reads the body: a checkpoint.
func readApproval(w http.ResponseWriter, r *http.Request, patience time.Duration) ([]byte, error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != typeStatement {
		return nil, fail(http.StatusUnsupportedMediaType, "send the checkpoint with the cosignature as text/plain", "content type %q is not one that is read here", kind)
	}
	if r.Header.Get("Content-Encoding") != "" {
		return nil, fail(http.StatusUnsupportedMediaType, "send it as it is", "compressed bodies are not read")
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, proofs.MaxCheckpoint))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, fail(http.StatusRequestEntityTooLarge, "send the checkpoint with your own lines alone", "the body has more than %d bytes", large.Limit)
	}
	if err != nil {
		return nil, bodyError(err, patience)
	}
	return b, nil
}

// notApproved tells why an approval was not taken.
func (s *Server) notApproved(err error, l *line) error {
	var e *registry.ApprovalError
	switch {
	case !errors.As(err, &e):
		return s.notTaken(err)
	case e.Overtaken:
		s.gate.blame(l.remote, 1)
		return &Error{Status: http.StatusConflict, Message: e.Error(), Hint: "fetch the proposal anew: stele approve", Size: &e.Size}
	}
	s.gate.blame(l.remote, 1)
	return fail(http.StatusUnprocessableEntity, "approve what is proposed now, with an officer's key that the trust file names: stele approve", "%s", e.Error())
}
