package witness

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"stele/proofs"
)

// A checkpoint is one of any log, c2sp.org/tlog-checkpoint. Unlike those of this project's registries it may have extension
// lines: a witness says nothing about them.
type checkpoint struct {
	proofs.Checkpoint
	text  string             // of the note, with its extension lines
	lines []proofs.Signature // as they came; once verified, those of the log alone
}

// parseCheckpoint parses a checkpoint. Nothing is verified.
func parseCheckpoint(b []byte) (*checkpoint, error) {
	n, err := proofs.ParseNote(b)
	if err != nil {
		return nil, err
	}
	lines := strings.SplitAfter(n.Text, "\n")
	c := &checkpoint{text: n.Text, lines: n.Signatures}
	if c.Checkpoint, err = proofs.ParseCheckpointText(strings.Join(lines[:min(3, len(lines))], "")); err != nil {
		return nil, err
	}
	// "Extension lines, if any, MUST be non-empty."; what follows the last newline is empty
	if i := slices.Index(lines[3:len(lines)-1], "\n"); i >= 0 {
		return nil, fmt.Errorf("line %d of the checkpoint is empty", 4+i)
	}
	return c, nil
}

// extended reports whether there are extension lines.
func (c *checkpoint) extended() bool { return c.text != c.Text() }

// verify keeps the lines of the log's keys, one a key. "The witness MUST verify the checkpoint signature against the public
// key(s) it trusts for the checkpoint origin, and it MUST ignore signatures from unknown keys."
func (c *checkpoint) verify(keys []*proofs.Key) error {
	var good []proofs.Signature
	covered := !c.extended()
	for _, k := range keys {
		had := false
		for i := range c.lines {
			if !c.lines[i].By(k) {
				continue
			}
			if err := c.verifyLine(&c.lines[i], k); err != nil {
				return err
			}
			if !had {
				good, had = append(good, c.lines[i]), true
			}
			covered = covered || k.Type == proofs.Ed25519Key
		}
	}
	switch {
	case len(good) == 0:
		return fmt.Errorf("no signature of a key that is known for %q", c.Origin)
	case !covered: // anybody could have added them to what the log has signed
		return fmt.Errorf("the extension lines are not covered by a signature of %q", c.Origin)
	}
	c.lines = good
	return nil
}

// verifyLine is for a log's key: Ed25519 signs the whole text, ML-DSA-44 its first three lines.
func (c *checkpoint) verifyLine(line *proofs.Signature, k *proofs.Key) error {
	if k.Type != proofs.Ed25519Key {
		_, err := line.CheckCheckpoint(k, c.Checkpoint)
		return err
	}
	if len(line.Bytes) != ed25519.SignatureSize || !ed25519.Verify(k.Public, []byte(c.text), line.Bytes) {
		return fmt.Errorf("the signature of %q (Ed25519) does not verify", k.Name)
	}
	return nil
}

// cosign signs with all keys at a time. "Extension lines … if present MUST be included in the cosigned message" is said of
// Ed25519; ML-DSA-44 leaves them out.
func (c *checkpoint) cosign(signers []proofs.Signer, time int64) ([]proofs.Signature, error) {
	if n := len(signers); n == 0 || n > MostSigners {
		return nil, fmt.Errorf("%d witness keys, want 1 to %d", n, MostSigners)
	}
	var lines []proofs.Signature
	for _, s := range signers {
		line, err := c.cosignOne(s, time)
		if err != nil {
			return nil, fmt.Errorf("sign as %q: %w", s.Key().Name, err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func (c *checkpoint) cosignOne(s proofs.Signer, time int64) (proofs.Signature, error) {
	k := s.Key()
	if k.Type != proofs.CosignatureKey || !c.extended() {
		return proofs.Cosign(s, c.Checkpoint, time)
	}
	sig, err := s.Sign(fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", time, c.text))
	stamp := binary.BigEndian.AppendUint64(nil, uint64(time))
	return proofs.Signature{Name: k.Name, ID: k.ID(), Bytes: append(stamp, sig...)}, err
}

// note is the checkpoint with its log's lines and others.
func (c *checkpoint) note(more []proofs.Signature) []byte {
	n := &proofs.Note{Text: c.text, Signatures: slices.Concat(c.lines, more)}
	return n.Marshal()
}
