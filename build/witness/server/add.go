package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"stele/build/witness"
	"stele/proofs"
)

// add answers add-checkpoint. The order of its checks is the specification's.
func (s *Server) add(r *http.Request) outcome {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, int64(witness.MaxRequest)))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return said(http.StatusRequestEntityTooLarge, "over %d bytes", witness.MaxRequest)
	} else if err != nil {
		return said(http.StatusBadRequest, "the request did not arrive whole")
	}
	req, err := witness.ParseRequest(body)
	if err != nil {
		return said(http.StatusBadRequest, "%v", err)
	}
	c, err := parseCheckpoint(req.Checkpoint)
	if err != nil {
		return said(http.StatusBadRequest, "%v", err)
	}
	keys := s.logs.current()[c.Origin]
	if len(keys) == 0 {
		s.Log.Debug("a log that is not known", "origin", c.Origin)
		return said(http.StatusNotFound, "this log is not known here")
	}
	select {
	case s.atWork <- struct{}{}:
		defer func() { <-s.atWork }()
	case <-r.Context().Done(): // whoever has sent it has gone
		return said(http.StatusServiceUnavailable, "broken off")
	}
	return s.consider(req, c, keys)
}

// consider answers a request of a log that is known.
func (s *Server) consider(req *witness.Request, c *checkpoint, keys []*proofs.Key) outcome {
	if err := c.verify(keys); err != nil {
		s.Log.Debug("not signed by the log", "origin", c.Origin, "size", c.Size, "error", err)
		return said(http.StatusForbidden, "%v", err)
	}
	if req.Old > c.Size {
		return said(http.StatusBadRequest, "old size %d, and the checkpoint's is %d", req.Old, c.Size)
	}
	return s.extend(req, c)
}

// extend compares with what was cosigned last, and cosigns. One request of a log is in here at a time: what is compared with
// is what is replaced.
func (s *Server) extend(req *witness.Request, c *checkpoint) outcome {
	rec := s.record(c.Origin)
	rec.Lock()
	defer rec.Unlock()
	last, err := s.load(c.Origin, rec)
	if err != nil {
		return s.unfit(c.Origin, err)
	}
	var before proofs.Checkpoint
	before.Root = proofs.EmptyRoot()
	if last != nil {
		before = last.Checkpoint
		s.compare(last, c)
	}
	if req.Old != before.Size {
		return outcome{http.StatusConflict, "text/x.tlog.size", fmt.Appendf(nil, "%d\n", before.Size)}
	}
	if err := follows(req, before, c); err != nil {
		if c.Size != before.Size { // two trees of one size have been compared above
			s.unproved(c, req, err)
		}
		return said(http.StatusUnprocessableEntity, "%v", err)
	}
	return s.cosign(rec, last, c)
}

// follows checks that a checkpoint continues another, of the size that the request names.
func follows(req *witness.Request, before proofs.Checkpoint, c *checkpoint) error {
	// "A checkpoint of size zero MUST have the root hash of the empty tree"
	if c.Size == 0 && c.Root != proofs.EmptyRoot() {
		return errors.New("a tree of size 0 with another root than the empty tree's")
	}
	// CheckConsistency refuses what the specification refuses besides: a proof from size zero, two roots of one size, a proof
	// where there is nothing to prove.
	return proofs.CheckConsistency(before.Size, c.Size, before.Root, c.Root, req.Proof)
}

// cosign signs, keeps, and only then answers.
func (s *Server) cosign(rec *record, last *state, c *checkpoint) outcome {
	now := s.Now().Unix()
	if last != nil && now < last.time {
		if last.time-now > backwards {
			return s.unfit(c.Origin, fmt.Errorf("the clock says %d, which is %d seconds before the last cosignature of this log", now, last.time-now))
		}
		now = last.time // a clock that was set right by a little
	}
	if last != nil && last.time == now && last.text == c.text && last.said != nil {
		return outcome{http.StatusOK, contentLines, last.said} // what is public can be sent again by anybody, as often as they like
	}
	lines, err := c.cosign(s.Signers, now)
	if err != nil {
		return s.unfit(c.Origin, err)
	}
	st := &state{time: now, note: c.note(lines), checkpoint: *c}
	for i := range lines {
		st.said = append(st.said, lines[i].String()...)
	}
	if err := s.save(rec, st); err != nil {
		return s.unfit(c.Origin, err)
	}
	s.Metrics.cosigned(c.Origin, c.Size, now)
	s.Log.Info("cosigned", "origin", c.Origin, "size", c.Size, "root", c.Root.String(), "time", now)
	return outcome{http.StatusOK, contentLines, st.said}
}

// unfit is the answer where this witness can say nothing about a log.
func (s *Server) unfit(origin string, err error) outcome {
	s.Metrics.unfit(origin)
	hint := "when it is over, nothing has to be done here"
	if errors.Is(err, ErrDamaged) {
		hint = "make another witness, in another folder and with other keys: stele witness --init"
	}
	s.Log.Error("nothing is signed for this log", "origin", origin, "error", err, "hint", hint)
	return said(http.StatusInternalServerError, "this witness cannot sign for this log at present; its operator has been told why")
}
