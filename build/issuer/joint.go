package issuer

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stele/proofs"
)

// jointFormat begins a file that travels between the holders of root keys:
//
//	stele.for-signature/1
//	statement LENGTH
//	trust LENGTH            only with a `trust` statement
//
// and then the statement as a note with the lines so far (none: text and an empty line), and the trust file that it commits to.
const jointFormat = "stele.for-signature/1"

// MaxJoint is the limit of such a file in bytes: a statement and a trust file.
const MaxJoint = 1 << 20

// A Joint is a statement of the root that several people sign, one after the other, each on a machine of their own.
type Joint struct {
	Text  string
	Lines []proofs.Signature // in the order of the trust file
	Next  []byte             // the trust file that a `trust` statement commits to
}

func (j *Joint) note() *proofs.Note { return &proofs.Note{Text: j.Text, Signatures: j.Lines} }

// Entry is the statement with its lines, as it goes into the ledger.
func (j *Joint) Entry() []byte { return j.note().Marshal() }

// Marshal formats the file.
func (j *Joint) Marshal() []byte {
	s := j.Entry()
	b := []byte(jointFormat + "\nstatement " + strconv.Itoa(len(s)) + "\n")
	if j.Next != nil {
		b = append(b, "trust "+strconv.Itoa(len(j.Next))+"\n"...)
	}
	return slices.Concat(b, s, j.Next)
}

// ParseJoint parses the file. Nothing in it is verified.
func ParseJoint(b []byte) (*Joint, error) {
	bad := func(why string) (*Joint, error) {
		return nil, &proofs.MalformedError{What: "file for signature", Why: why}
	}
	head, rest, ok := cutLines(b)
	if !ok || len(b) > MaxJoint {
		return bad("want the line " + jointFormat + " and what follows it")
	}
	n, ok := length(head[0], "statement ")
	if !ok || n > len(rest) {
		return bad("line 2: want statement and its length")
	}
	j := &Joint{}
	if len(head) == 2 {
		j.Next = rest[n:]
	}
	note, lines, ok := strings.Cut(string(rest[:n]), "\n\n")
	if !ok {
		return bad("the statement is no note")
	}
	j.Text = note + "\n"
	if lines != "" {
		parsed, err := proofs.ParseNote(rest[:n])
		if err != nil {
			return nil, err
		}
		j.Lines = parsed.Signatures
	}
	if !bytes.Equal(j.Marshal(), b) {
		return bad("not in canonical form")
	}
	return j, nil
}

// cutLines takes the format's line, and one or two with lengths, off the front.
func cutLines(b []byte) (head []string, rest []byte, ok bool) {
	rest, ok = bytes.CutPrefix(b, []byte(jointFormat+"\n"))
	for _, name := range []string{"statement ", "trust "} {
		if line, after, found := bytes.Cut(rest, []byte("\n")); found && bytes.HasPrefix(line, []byte(name)) {
			head, rest = append(head, string(line)), after
		}
	}
	return head, rest, ok && len(head) > 0
}

func length(line, name string) (int, bool) {
	digits, ok := strings.CutPrefix(line, name)
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0
}

// Check reads the statement, and verifies the lines and that it is one which the root of this trust file can say. next is the trust file
// that it commits to, nil if it is about something else.
func (j *Joint) Check(t *proofs.Trust) (s *proofs.Statement, next *proofs.Trust, err error) {
	if s, err = proofs.ParseStatement(j.Text); err != nil {
		return nil, nil, err
	}
	switch {
	case s.Registry != t.Origin:
		return nil, nil, &proofs.OtherRegistryError{Got: s.Registry, Want: t.Origin}
	case s.Issuer != t.RootName():
		return nil, nil, fmt.Errorf("a statement of %s, want one of the registry's root, %s", s.Issuer, t.RootName())
	case (s.Action == proofs.ActionTrust) != (j.Next != nil):
		return nil, nil, errors.New("a trust statement comes with the trust file that it commits to, and no other does")
	}
	if err := j.checkLines(t); err != nil || j.Next == nil {
		return s, nil, err
	}
	next, err = proofs.ParseTrust(j.Next)
	if err == nil && (s.Digest != proofs.Hash(sha256.Sum256(j.Next)) || s.Epoch != next.Epoch) {
		err = errors.New("the statement commits to another trust file than the one beside it")
	}
	if err == nil {
		err = t.CheckSuccessor(next)
	}
	return s, next, err
}

// checkLines verifies the lines: of different root keys, in the trust file's order, no more than have to sign.
func (j *Joint) checkLines(t *proofs.Trust) error {
	last := -1
	for _, l := range j.Lines {
		i := slices.IndexFunc(t.RootKeys, l.By)
		if i <= last || !ed25519.Verify(t.RootKeys[i].Public, []byte(j.Text), l.Bytes) {
			return fmt.Errorf("the signature line %s+%08x is not one of a root key of epoch %d, or does not verify, or stands in the wrong order", l.Name, l.ID, t.Epoch)
		}
		last = i
	}
	if len(j.Lines) > t.RootThreshold {
		return fmt.Errorf("%d signature lines, and %d have to sign", len(j.Lines), t.RootThreshold)
	}
	return nil
}

// Missing is how many root keys still have to sign.
func (j *Joint) Missing(t *proofs.Trust) int { return t.RootThreshold - len(j.Lines) }

// Merge adds the lines of a copy of the same file that others have signed.
func (j *Joint) Merge(o *Joint, t *proofs.Trust) error {
	if o.Text != j.Text || !bytes.Equal(o.Next, j.Next) {
		return errors.New("the files are not copies of one: they say different things")
	}
	for _, l := range o.Lines {
		if !slices.ContainsFunc(j.Lines, func(h proofs.Signature) bool { return h.ID == l.ID }) && j.Missing(t) > 0 {
			j.Lines = append(j.Lines, l)
		}
	}
	j.sort(t)
	return nil
}

// CanSign reports whether Sign would add a line.
func (j *Joint) CanSign(ring *Ring, t *proofs.Trust) bool {
	return slices.ContainsFunc(t.RootKeys, func(k *proofs.Key) bool { return j.wants(k, ring, t) })
}

// wants reports whether a root key that is in the folder has still to sign.
func (j *Joint) wants(k *proofs.Key, ring *Ring, t *proofs.Trust) bool {
	return j.Missing(t) > 0 && ring.has(k) && !slices.ContainsFunc(j.Lines, func(l proofs.Signature) bool { return l.By(k) })
}

// Sign adds lines of the root keys in a folder, as many as are missing and are there, and returns the keys.
func (j *Joint) Sign(ring *Ring, t *proofs.Trust) ([]*proofs.Key, error) {
	var added []*proofs.Key
	for _, k := range t.RootKeys {
		if !j.wants(k, ring, t) {
			continue
		}
		signer, err := ring.rootSigner(k)
		if err != nil {
			return added, err
		}
		note, err := proofs.SignNote(j.Text, signer)
		if err != nil {
			return added, err
		}
		j.Lines, added = append(j.Lines, note.Signatures...), append(added, k)
	}
	j.sort(t)
	return added, nil
}

func (j *Joint) sort(t *proofs.Trust) {
	place := func(l proofs.Signature) int { return slices.IndexFunc(t.RootKeys, l.By) }
	slices.SortStableFunc(j.Lines, func(a, b proofs.Signature) int { return place(a) - place(b) })
}
