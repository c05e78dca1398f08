package witness

import (
	"context"
	"crypto/sha256"
	"fmt"

	"stele/proofs"
)

// What a log has signed and must not is kept: "the witness MAY log the request even if the checkpoint fails one of the
// consistency checks, as it might be proof of log misbehavior". Of each log so many files and no more; those that prove
// something and those that may not are counted apart, since anybody can send a wrong proof with a true checkpoint.
const (
	Fork     = "fork"     // two ledgers of one size
	Unproved = "unproved" // a request whose proof does not hold

	// MostKept is how much is kept of each kind of a log.
	MostKept = 16
)

// compare looks whether a log has signed two ledgers of one size, whatever old size the request names.
func (w *Witness) compare(ctx context.Context, last *state, c *checkpoint) {
	if last.Size != c.Size || last.Root == c.Root {
		return
	}
	w.c.Events.Misbehaved(c.Origin, Fork)
	place := w.keep(ctx, c, Fork, "stele-evidence", fork(last.note, c))
	if place == "" {
		return
	}
	w.c.Log.Error("THE LOG HAS SIGNED TWO LEDGERS OF ONE SIZE", "origin", c.Origin, "size", c.Size, "cosigned", last.Root.String(), "submitted", c.Root.String(), "evidence", place)
}

// unproved keeps a request whose proof does not hold. It shows nothing by itself: the sender may have made a mistake.
func (w *Witness) unproved(ctx context.Context, c *checkpoint, req *Request, why error) {
	w.c.Events.Misbehaved(c.Origin, Unproved)
	if place := w.keep(ctx, c, Unproved, "request", req.Marshal()); place != "" {
		w.c.Log.Warn("does not follow from what was cosigned", "origin", c.Origin, "old", req.Old, "size", c.Size, "error", why, "request", place)
	}
}

// keep keeps something, once for each checkpoint text, and returns where. It is empty where nothing was written: whoever sends
// the same again and again does not fill the log.
func (w *Witness) keep(ctx context.Context, c *checkpoint, kind, ext string, b []byte) string {
	text := sha256.Sum256([]byte(c.text))
	place, err := w.c.Records.Keep(ctx, c.Origin, kind, fmt.Sprintf("%d-%x.%s", c.Size, text[:8], ext), b)
	if err != nil {
		w.c.Log.Error("what a log has signed could not be kept", "origin", c.Origin, "error", err)
		return ""
	}
	return place
}

// fork is the evidence that a log has signed two ledgers of one size: what was cosigned, and what was submitted.
func fork(cosigned []byte, c *checkpoint) []byte {
	return proofs.FormatFork(cosigned, c.note(nil), c.Root, nil)
}
