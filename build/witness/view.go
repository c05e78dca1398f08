package witness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"stele/proofs"
)

// A View is the newest checkpoint of a log that a witness shows: signed by the log and by the witness.
type View struct {
	Note       []byte
	Checkpoint proofs.Checkpoint
	Time       int64 // of the witness's cosignature, in seconds
}

// ErrNotSigned is in the fault of a witness that shows a checkpoint without a line of the log's keys, as they were given.
var ErrNotSigned = errors.New("the checkpoint that it shows is not signed by the log's keys")

// View asks a witness what it has cosigned last of a log, whose keys are given. Its monitoring prefix is taken to be its
// submission prefix, as it is for most. The error is a *Fault; it is fs.ErrNotExist where the witness shows nothing, which
// the protocol lets it.
func (c *Client) View(ctx context.Context, p Peer, origin string, logs []*proofs.Key) (*View, error) {
	v, f := c.view(ctx, p, origin, logs)
	if f != nil {
		f.Peer = p
		return nil, f
	}
	return v, nil
}

func (c *Client) view(ctx context.Context, p Peer, origin string, logs []*proofs.Key) (*View, *Fault) {
	status, _, b, f := c.send(ctx, http.MethodGet, p.URL+"/"+OriginPath(origin), nil)
	switch {
	case f != nil:
		return nil, f
	case status == http.StatusNotFound:
		return nil, &Fault{Kind: Refusal, Err: fmt.Errorf("it shows no checkpoint of %q: %w", origin, fs.ErrNotExist)}
	case status != http.StatusOK:
		return nil, refused(status, b)
	}
	cp, n, err := proofs.ParseCheckpoint(b)
	if err != nil {
		return nil, fault(Broken, askOperator, "%w", err)
	}
	if cp.Origin != origin {
		return nil, fault(Broken, askOperator, "it shows a checkpoint of %q, want %q", cut(cp.Origin), origin)
	}
	signed, f := c.verifyLines(logs, cp, n.Signatures)
	if f == nil && signed == nil {
		f = fault(Broken, askOperator, "%w", ErrNotSigned)
	}
	if f != nil {
		return nil, f
	}
	v := &View{Note: b, Checkpoint: cp}
	lines, f := c.verify(p, cp, n.Text, b[len(n.Text)+1:], 0)
	for i := range lines {
		v.Time = max(v.Time, newest(&lines[i]))
	}
	return v, f
}

// verifyLines returns the first line of some keys; one that is wrong is a fault.
func (c *Client) verifyLines(keys []*proofs.Key, cp proofs.Checkpoint, lines []proofs.Signature) (*proofs.Signature, *Fault) {
	var first *proofs.Signature
	for _, k := range keys {
		line, f := c.verifyLine(k, cp, lines)
		if f != nil {
			return nil, f
		}
		if first == nil {
			first = line
		}
	}
	return first, nil
}

// newest is the time of a cosignature that was verified.
func newest(line *proofs.Signature) int64 {
	return (&proofs.Note{Signatures: []proofs.Signature{*line}}).NewestTime()
}
