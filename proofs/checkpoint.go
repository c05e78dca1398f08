package proofs

// Checkpoints: c2sp.org/tlog-checkpoint.

import "strings"

// MaxCheckpoint is a checkpoint's greatest length in bytes: 16 signatures of
// post-quantum size with room.
const MaxCheckpoint = 131072

// A Checkpoint is a ledger's size and root, as its note's text says.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   Hash
}

// Text formats the note text: origin, size and root, a line each.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + utoa(c.Size) + "\n" + c.Root.Base64() + "\n"
}

// ParseCheckpointText parses a checkpoint's text. Extension lines are refused: no
// monitor can audit them, and ML-DSA-44 cosignatures do not cover them.
func ParseCheckpointText(text string) (Checkpoint, error) {
	var c Checkpoint
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, malformed("checkpoint", itoa(len(lines)-1), " lines, want 3")
	}
	size, ok := parseDecimal(lines[1])
	if !ok {
		return c, malformed("checkpoint", "line 2: ", quote(lines[1]), ": want a size in decimal")
	}
	root, ok := parseHash64(lines[2])
	if !ok {
		return c, malformed("checkpoint", "line 3: ", quote(lines[2]), ": want a hash of 32 bytes in base64")
	}
	if lines[0] == "" {
		return c, malformed("checkpoint", "line 1: no origin")
	}
	return Checkpoint{lines[0], size, root}, nil
}

// ParseCheckpoint parses a checkpoint's note without verifying anything.
func ParseCheckpoint(b []byte) (Checkpoint, *Note, error) {
	if len(b) > MaxCheckpoint {
		return Checkpoint{}, nil, malformed("checkpoint", itoa(len(b)), " bytes, want at most ", itoa(MaxCheckpoint))
	}
	n, err := ParseNote(b)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	c, err := ParseCheckpointText(n.Text)
	return c, n, err
}
