package witness

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"stele/proofs"
)

const (
	// MaxProof is how many lines a consistency proof may have: "The client MUST NOT send more than 63".
	MaxProof = 63
	// MaxRequest is the greatest length of a request in bytes: the old size, the proof, an empty line, and the longest
	// checkpoint.
	MaxRequest = len("old 18446744073709551615\n") + MaxProof*hashLine + 1 + proofs.MaxCheckpoint

	hashLine = 45 // 32 bytes in base64, and a newline
)

// A Request is the body of add-checkpoint.
type Request struct {
	Old        uint64        // the size that the witness has cosigned last
	Proof      []proofs.Hash // that it is a prefix
	Checkpoint []byte        // a note
}

// Marshal formats a request.
func (r *Request) Marshal() []byte {
	b := fmt.Appendf(nil, "old %d\n", r.Old)
	for _, h := range r.Proof {
		b = append(b, h.Base64()+"\n"...)
	}
	return append(append(b, '\n'), r.Checkpoint...)
}

// ParseRequest parses a request, and rejects what does not format back to the same bytes. What is in the checkpoint is not
// looked at.
func ParseRequest(b []byte) (*Request, error) {
	head, checkpoint, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok {
		return nil, errors.New("no empty line between the proof and the checkpoint")
	}
	lines := strings.Split(string(head), "\n")
	r := &Request{Checkpoint: checkpoint}
	size, ok := strings.CutPrefix(lines[0], "old ")
	if r.Old, ok = parseSize(size, ok); !ok {
		return nil, fmt.Errorf("line 1: %q, want old and a size in decimal", cut(lines[0]))
	}
	if len(lines)-1 > MaxProof {
		return nil, fmt.Errorf("%d proof lines, want at most %d", len(lines)-1, MaxProof)
	}
	for i, line := range lines[1:] {
		h, ok := parseHash(line)
		if !ok {
			return nil, fmt.Errorf("line %d: %q, want a hash of 32 bytes in base64", i+2, cut(line))
		}
		r.Proof = append(r.Proof, h)
	}
	return r, nil
}

// parseSize parses a decimal without leading zeroes.
func parseSize(text string, ok bool) (uint64, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	return n, ok && err == nil && strconv.FormatUint(n, 10) == text
}

func parseHash(line string) (h proofs.Hash, ok bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(line)
	if err != nil || len(b) != len(h) {
		return h, false
	}
	copy(h[:], b)
	return h, h.Base64() == line // base64 skips carriage returns
}

// cut shortens what somebody else has sent, for an error.
func cut(text string) string {
	const most = 80
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
