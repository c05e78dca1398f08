package witness

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"stele/proofs"
	"stele/site/edge/body"
	"stele/site/edge/store"
)

// add answers add-checkpoint. The order of its checks is the specification's. Only what is whole, and of a log that is known, takes one of the places inside:
// who sends slowly keeps nobody out.
func (w *Witness) add(rw http.ResponseWriter, r *http.Request) outcome {
	b, err := body.Read(rw, r, int64(MaxRequest), bodyTime)
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return said(http.StatusRequestEntityTooLarge, "over %d bytes", MaxRequest)
	} else if err != nil {
		return said(http.StatusBadRequest, "the request did not arrive whole")
	}
	req, err := ParseRequest(b)
	if err != nil {
		return said(http.StatusBadRequest, "%v", err)
	}
	c, err := parseCheckpoint(req.Checkpoint)
	if err != nil {
		return said(http.StatusBadRequest, "%v", err)
	}
	logs, err := w.logs()
	if err != nil {
		return w.unfit("", err)
	}
	keys := logs[c.Origin]
	if len(keys) == 0 {
		w.c.Log.Debug("a log that is not known", "origin", c.Origin)
		return said(http.StatusNotFound, "this log is not known here")
	}
	select {
	case w.inside <- struct{}{}:
		defer func() { <-w.inside }()
	default:
		return said(http.StatusServiceUnavailable, "too many requests at once")
	}
	if w.atWork != nil {
		select {
		case w.atWork <- struct{}{}:
			defer func() { <-w.atWork }()
		case <-r.Context().Done(): // whoever has sent it has gone
			return said(http.StatusServiceUnavailable, "broken off")
		}
	}
	return w.consider(r.Context(), req, c, keys)
}

// consider answers a request of a log that is known.
func (w *Witness) consider(ctx context.Context, req *Request, c *checkpoint, keys []*proofs.Key) outcome {
	if err := c.verify(keys); err != nil {
		w.c.Log.Debug("not signed by the log", "origin", c.Origin, "size", c.Size, "error", err)
		return said(http.StatusForbidden, "%v", err)
	}
	if req.Old > c.Size {
		return said(http.StatusBadRequest, "old size %d, and the checkpoint's is %d", req.Old, c.Size)
	}
	defer w.turn(c.Origin)()
	for range mostTries {
		o, err := w.extend(ctx, req, c)
		if err == nil {
			return o
		}
		if !errors.Is(err, store.ErrChanged) {
			return w.unfit(c.Origin, err)
		}
	}
	w.c.Log.Warn("others have changed the record of this log each time", "origin", c.Origin, "tries", mostTries)
	return said(http.StatusServiceUnavailable, "this log's checkpoints are submitted by others at this moment")
}

// extend compares with what was cosigned last, and cosigns. What is compared with is what is replaced: where somebody else was
// first, it returns store.ErrChanged and has signed nothing.
func (w *Witness) extend(ctx context.Context, req *Request, c *checkpoint) (outcome, error) {
	last, version, err := w.load(ctx, c.Origin)
	if err != nil {
		return outcome{}, err
	}
	var before proofs.Checkpoint
	before.Root = proofs.EmptyRoot()
	if last != nil {
		before = last.Checkpoint
		w.compare(ctx, last, c)
	}
	if req.Old != before.Size {
		return outcome{http.StatusConflict, TypeSize, fmt.Appendf(nil, "%d\n", before.Size)}, nil
	}
	if err := follows(req, before, c); err != nil {
		if c.Size != before.Size { // two trees of one size have been compared above
			w.unproved(ctx, c, req, err)
		}
		return said(http.StatusUnprocessableEntity, "%v", err), nil
	}
	return w.cosign(ctx, last, version, c)
}

// follows checks that a checkpoint continues another, of the size that the request names.
func follows(req *Request, before proofs.Checkpoint, c *checkpoint) error {
	// "A checkpoint of size zero MUST have the root hash of the empty tree"
	if c.Size == 0 && c.Root != proofs.EmptyRoot() {
		return errors.New("a tree of size 0 with another root than the empty tree's")
	}
	// CheckConsistency refuses what the specification refuses besides: a proof from size zero, two roots of one size, a proof
	// where there is nothing to prove.
	return proofs.CheckConsistency(before.Size, c.Size, before.Root, c.Root, req.Proof)
}

// cosign signs, keeps, and only then answers.
func (w *Witness) cosign(ctx context.Context, last *state, version string, c *checkpoint) (outcome, error) {
	now := w.c.Now().Unix()
	if last != nil && now < last.time {
		if last.time-now > Backwards {
			return outcome{}, fmt.Errorf("the clock says %d, which is %d seconds before the last cosignature of this log", now, last.time-now)
		}
		now = last.time // a clock that was set right by a little
	}
	if last != nil && last.text == c.text && now-last.time < SameFor {
		if lines := last.by(w.c.Signers); lines != nil {
			return outcome{http.StatusOK, contentLines, joined(lines)}, nil
		}
	}
	lines, err := c.cosign(w.c.Signers, now)
	if err != nil {
		return outcome{}, err
	}
	st := &state{time: now, note: c.note(lines), checkpoint: *c}
	if err := w.c.Records.Save(ctx, c.Origin, version, st.marshal()); err != nil {
		return outcome{}, err
	}
	w.c.Events.Cosigned(c.Origin, c.Size, now)
	w.c.Log.Info("cosigned", "origin", c.Origin, "size", c.Size, "root", c.Root.String(), "time", now)
	return outcome{http.StatusOK, contentLines, joined(lines)}, nil
}

func joined(lines []proofs.Signature) (b []byte) {
	for i := range lines {
		b = append(b, lines[i].String()...)
	}
	return b
}

// unfit is the answer where this witness can say nothing about a log.
func (w *Witness) unfit(origin string, err error) outcome {
	w.c.Events.Unfit(origin)
	hint := "when it is over, nothing has to be done here"
	if errors.Is(err, ErrDamaged) {
		hint = "make another witness, in another place and with other keys: stele witness --init"
	}
	w.c.Log.Error("nothing is signed for this log", "origin", origin, "error", err, "hint", hint)
	return said(http.StatusInternalServerError, "this witness cannot sign for this log at present; its operator has been told why")
}
