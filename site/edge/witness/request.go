package witness

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
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

// TypeSize is the media type of a 409's body: the size that was cosigned last, in decimal, and a newline.
const TypeSize = "text/x.tlog.size"

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
	old, sized := parseSize(size)
	if !ok || !sized {
		return nil, fmt.Errorf("line 1: %.80q, want old and a size in decimal", lines[0])
	}
	r.Old = old
	if len(lines)-1 > MaxProof {
		return nil, fmt.Errorf("%d proof lines, want at most %d", len(lines)-1, MaxProof)
	}
	for i, line := range lines[1:] {
		h, ok := parseHash(line)
		if !ok {
			return nil, fmt.Errorf("line %d: %.80q, want a hash of 32 bytes in base64", i+2, line)
		}
		r.Proof = append(r.Proof, h)
	}
	return r, nil
}

// ParseSize parses the body of a 409.
func ParseSize(body []byte) (uint64, bool) {
	text, ok := strings.CutSuffix(string(body), "\n")
	n, sized := parseSize(text)
	return n, ok && sized
}

// parseSize parses a decimal without leading zeroes.
func parseSize(text string) (uint64, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil && strconv.FormatUint(n, 10) == text
}

func parseHash(line string) (h proofs.Hash, ok bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(line)
	if err != nil || len(b) != len(h) {
		return h, false
	}
	copy(h[:], b)
	return h, h.Base64() == line // base64 skips carriage returns
}

// OriginPath is where a witness shows the newest checkpoint of a log, below its monitoring prefix.
func OriginPath(origin string) string { return OriginName(origin) + "/checkpoint" }

// OriginName names a log by the SHA-256 of its origin, in hexadecimal: as tlog-witness does in paths, and as its records are named.
func OriginName(origin string) string {
	h := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(h[:])
}
