// Package witnesstest has what tests of witnesses need: a log that signs what it is told to, and a real witness that is not
// ours, litewitness.
package witnesstest

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"stele/proofs"
	"stele/proofs/signer"
)

// A Log is a ledger in memory with both signatures. It signs anything.
type Log struct {
	testing.TB
	Origin  string
	Signers []proofs.Signer // Ed25519 and ML-DSA-44
	leaves  []proofs.Hash
}

// NewLog makes a log of some entries, which are the same for the same history.
func NewLog(t testing.TB, origin, history string, entries int) *Log {
	t.Helper()
	l := &Log{TB: t, Origin: origin}
	for i, kind := range []proofs.KeyType{proofs.Ed25519Key, proofs.MLDSA44Key} {
		l.Signers = append(l.Signers, Signer(t, origin, kind, fmt.Sprintf("log %d", i)))
	}
	frontier := proofs.NewFrontier()
	for i := range entries {
		l.leaves = append(l.leaves, frontier.Leaf(fmt.Appendf(nil, "%s %d", history, i)))
	}
	return l
}

// Fork is a log under the same keys with the first entries of this one and other ones after them, as many in all.
func (l *Log) Fork(at int, history string) *Log {
	l.Helper()
	f := NewLog(l.TB, l.Origin, history, len(l.leaves))
	copy(f.leaves[:at], l.leaves)
	return f
}

// Signer makes a key, the same for the same name and seed.
func Signer(t testing.TB, name string, kind proofs.KeyType, seed string) proofs.Signer {
	t.Helper()
	h := sha256.Sum256([]byte(name + "\n" + seed))
	s, err := signer.New(name, kind, h[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// node is the hash of a complete subtree.
func (l *Log) node(level uint, index uint64) (proofs.Hash, error) {
	if level == 0 {
		return l.leaves[index], nil
	}
	left, _ := l.node(level-1, 2*index)
	right, _ := l.node(level-1, 2*index+1)
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...)), nil
}

// Keys are the log's public keys.
func (l *Log) Keys() []*proofs.Key {
	var keys []*proofs.Key
	for _, s := range l.Signers {
		keys = append(keys, s.Key())
	}
	return keys
}

// Policy is a policy file with the log alone.
func (l *Log) Policy() string {
	var text string
	for _, k := range l.Keys() {
		text += "log " + k.String() + "\n"
	}
	return text + "quorum none\n"
}

// Checkpoint is the tree of a size.
func (l *Log) Checkpoint(size uint64) proofs.Checkpoint {
	l.Helper()
	root, err := proofs.Nodes(l.node).Root(size)
	if err != nil {
		l.Fatal(err)
	}
	return proofs.Checkpoint{Origin: l.Origin, Size: size, Root: root}
}

// Note is the tree of a size with the log's signatures, and further lines.
func (l *Log) Note(size uint64, more ...proofs.Signature) []byte {
	l.Helper()
	return l.Sign(l.Checkpoint(size), more...)
}

// Sign signs whatever checkpoint.
func (l *Log) Sign(c proofs.Checkpoint, more ...proofs.Signature) []byte {
	l.Helper()
	n := &proofs.Note{Text: c.Text()}
	for _, s := range l.Signers {
		sign := func() (proofs.Signature, error) { return proofs.SignCheckpoint(s, c) }
		if s.Key().Type != proofs.Ed25519Key {
			sign = func() (proofs.Signature, error) { return proofs.Cosign(s, c, 1) }
		}
		sig, err := sign()
		if err != nil {
			l.Fatal(err)
		}
		n.Signatures = append(n.Signatures, sig)
	}
	n.Signatures = append(n.Signatures, more...)
	return n.Marshal()
}

// Growth proves the growth to a size.
func (l *Log) Growth(size uint64) func(old uint64) ([]proofs.Hash, error) {
	return func(old uint64) ([]proofs.Hash, error) { return proofs.Nodes(l.node).Consistency(old, size) }
}
