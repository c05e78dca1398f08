package witness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stele/proofs"
)

// Records are what a witness remembers. They are safe for concurrent use, and what Save has returned from without an error is durable.
type Records interface {
	// Load returns what was saved last of a log, and which version that is; nil and "" of a log of which nothing ever was. Where
	// something was and is gone, the error is ErrDamaged. What it returns is durable, also where a Save was broken off: it is shown,
	// and given out again.
	Load(ctx context.Context, origin string) (record []byte, version string, err error)
	// Save replaces a record, or begins it where the version is "", if it is still of that version at that moment; else it changes
	// nothing and returns store.ErrChanged. After another error the record may be the old or the new one.
	Save(ctx context.Context, origin, version string, record []byte) error
	// Keep keeps what a log has signed that it must not, and says where. It keeps so much of each kind and no more, and of each name
	// the first: for what was not kept it says "".
	Keep(ctx context.Context, origin, kind, name string, b []byte) (place string, err error)
}

// ErrDamaged says that what a witness has kept is not what it has written.
var ErrDamaged = errors.New("damaged")

// A state is the last checkpoint of a log that was cosigned.
type state struct {
	time int64  // of its cosignature
	note []byte // with the log's lines and the witness's
	checkpoint
}

const stateFormat = "stele.witness-state/1"

// Checksummed puts a format's name and a SHA-256 before some bytes.
func Checksummed(format string, b []byte) []byte {
	return append(fmt.Appendf(nil, "%s\nsha256 %x\n", format, sha256.Sum256(b)), b...)
}

// Unsummed is the opposite, and refuses with ErrDamaged what is not exactly so.
func Unsummed(format string, file []byte) ([]byte, error) {
	parts := bytes.SplitN(file, []byte("\n"), 3)
	if len(parts) != 3 || !bytes.Equal(Checksummed(format, parts[2]), file) {
		return nil, fmt.Errorf("%w: its checksum is not that of what it holds", ErrDamaged)
	}
	return parts[2], nil
}

// by are the lines of all these signers, which were answered when it was saved; nil where there is not one of each.
func (st *state) by(signers []proofs.Signer) (lines []proofs.Signature) {
	for _, s := range signers {
		i := slices.IndexFunc(st.lines, func(l proofs.Signature) bool { return l.By(s.Key()) })
		if i < 0 {
			return nil
		}
		lines = append(lines, st.lines[i])
	}
	return lines
}

func (st *state) marshal() []byte {
	return Checksummed(stateFormat, append(fmt.Appendf(nil, "time %d\n\n", st.time), st.note...))
}

func parseState(file []byte) (*state, error) {
	b, err := Unsummed(stateFormat, file)
	if err != nil {
		return nil, err
	}
	head, note, _ := bytes.Cut(b, []byte("\n\n"))
	st := &state{note: note}
	text, ok := strings.CutPrefix(string(head), "time ")
	st.time, err = strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		return nil, fmt.Errorf("%w: no time", ErrDamaged)
	}
	c, err := parseCheckpoint(note)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	st.checkpoint = *c
	return st, nil
}

// load returns what was cosigned last of a log, and the version of its record; nil if nothing ever was.
func (w *Witness) load(ctx context.Context, origin string) (*state, string, error) {
	file, version, err := w.c.Records.Load(ctx, origin)
	if err != nil || version == "" {
		return nil, "", err
	}
	st, err := parseState(file)
	if err == nil && st.Origin != origin {
		err = fmt.Errorf("%w: it is of the log %q", ErrDamaged, st.Origin)
	}
	if err != nil {
		return nil, "", fmt.Errorf("the record of %q: %w", origin, err)
	}
	return st, version, nil
}
