package proofs

// Offline proofs: c2sp.org/tlog-proof.

import (
	"encoding/base64"
	"strings"
)

const (
	tlogProofHeader = "c2sp.org/tlog-proof@v1\n"
	maxTLogProof    = 4 << 20 // bytes
)

// A TLogProof is a c2sp.org/tlog-proof@v1 file: heads and receipts are such.
type TLogProof struct {
	Extra      []byte // application data, not authenticated; nil if absent
	Index      uint64
	Proof      []Hash // inclusion proof, from the leaf's sibling up
	Checkpoint []byte // the signed note, verbatim
}

// Marshal formats the proof.
func (p *TLogProof) Marshal() []byte {
	b := []byte(tlogProofHeader)
	if p.Extra != nil {
		b = append(b, "extra "...)
		b = base64.StdEncoding.AppendEncode(b, p.Extra)
		b = append(b, '\n')
	}
	b = append(b, "index "+utoa(p.Index)+"\n"...)
	for _, h := range p.Proof {
		b = append(b, h.Base64()+"\n"...)
	}
	b = append(b, '\n')
	return append(b, p.Checkpoint...)
}

// ParseTLogProof parses a tlog-proof, strictly: what would not format back to
// the same bytes is rejected. The checkpoint is cut out, not parsed.
func ParseTLogProof(b []byte) (*TLogProof, error) {
	const what = "tlog-proof"
	if len(b) > maxTLogProof {
		return nil, malformed(what, itoa(len(b)), " bytes, want at most ", itoa(maxTLogProof))
	}
	head, checkpoint, ok := strings.Cut(string(b), "\n\n")
	rest, ok2 := strings.CutPrefix(head+"\n", tlogProofHeader)
	if !ok || !ok2 {
		return nil, malformed(what, "first line ", quote(firstLine(b)), ", want ", quote(tlogProofHeader))
	}
	p := &TLogProof{Checkpoint: []byte(checkpoint)}
	lines := strings.Split(rest, "\n")
	lines = lines[:len(lines)-1]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		if p.Extra, ok = parseBase64(lines[0][len("extra "):]); !ok {
			return nil, malformed(what, "line 2: extra is not canonical base64")
		}
		if p.Extra == nil {
			p.Extra = []byte{}
		}
		lines = lines[1:]
	}
	if len(lines) == 0 || len(lines) > 1+maxProof {
		return nil, malformed(what, itoa(len(lines)), " lines before the checkpoint")
	}
	index, ok := strings.CutPrefix(lines[0], "index ")
	if p.Index, ok2 = parseDecimal(index); !ok || !ok2 {
		return nil, malformed(what, quote(lines[0]), ": want \"index\" and a decimal number")
	}
	for _, line := range lines[1:] {
		h, ok := parseHash64(line)
		if !ok {
			return nil, malformed(what, quote(line), ": want a hash of 32 bytes in base64")
		}
		p.Proof = append(p.Proof, h)
	}
	return p, nil
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(string(b[:min(len(b), 200)]), "\n")
	return line
}
