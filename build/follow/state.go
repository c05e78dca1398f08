package follow

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"stele/build/durable"
	"stele/build/index"
	"stele/proofs"
)

// A state is what the last publication came to.
type state struct {
	head  []byte // the file of its head or proposal; nil for the empty ledger
	index *index.State
	edge  *proofs.Frontier
	epoch uint64        // of the trust file that it was verified with
	next  *proofs.Trust // to which it changes, where it is a proposal that does
}

func (f *Follower) empty() *state {
	return &state{index: index.Empty(), edge: proofs.NewFrontier(), epoch: f.Trust.Epoch}
}

func (f *Follower) edge() *proofs.Frontier {
	e := proofs.NewFrontier()
	if f.last != nil {
		e.Restore(f.last.edge.Size(), f.last.edge.Edge()) // fits itself
	}
	return e
}

func (s *state) checkpoint() proofs.Checkpoint {
	c := proofs.Checkpoint{Size: s.edge.Size(), Root: s.edge.Root()}
	if h, err := proofs.ParseHead(s.head); err == nil {
		if signed, _, err := proofs.ParseCheckpoint(h.Proof.Checkpoint); err == nil {
			c.Origin = signed.Origin
		}
	}
	return c
}

// savedState is the file.
type savedState struct {
	Epoch uint64   `json:"epoch"`
	Head  []byte   `json:"head"`
	Edge  [][]byte `json:"sha256_edge"`
	Index string   `json:"index"`          // index.State.Marshal
	Next  string   `json:"next,omitempty"` // the trust file that the proposal changes to
	Sum   string   `json:"sum"`            // SHA-256 of all this with an empty sum: against damage, not against forgery
}

const stateFile = "state"

func (f *Follower) path(name ...string) string {
	return filepath.Join(append([]string{f.dir}, name...)...)
}

func (f *Follower) takeLock() error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	var err error
	f.lock, err = durable.TryLock(f.path("lock"))
	return err
}

// keep makes a state durable, what it leads to first.
func (f *Follower) keep(s *state) error {
	if err := f.keepTrust(); err != nil {
		return err
	}
	issuers := f.path("issuers", s.index.Issuers.Root().String())
	if err := durable.WriteFile(issuers, s.index.Issuers.Marshal(), 0o600); err != nil {
		return err
	}
	out := savedState{Epoch: s.epoch, Head: s.head}
	if s.next != nil {
		out.Next = string(s.next.Marshal())
	}
	for _, h := range s.edge.Edge() {
		out.Edge = append(out.Edge, h[:])
	}
	ix, err := s.index.Marshal()
	if err != nil {
		return err
	}
	out.Index = string(ix)
	b, err := durable.MarshalSummed(&out, &out.Sum)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(f.path(stateFile), b, 0o600); err != nil {
		return err
	}
	f.last = s
	f.removeIssuers(issuers)
	return nil
}

// removeIssuers removes the issuer lists of states before. One that stays does no harm.
func (f *Follower) removeIssuers(but string) {
	all, _ := filepath.Glob(f.path("issuers", "*"))
	for _, path := range all {
		if path != but {
			os.Remove(path)
		}
	}
}

// load reads what the folder holds.
func (f *Follower) load() error {
	b, err := os.ReadFile(f.path(stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return f.loadTrust(f.Trust.Epoch)
	}
	if err != nil {
		return err
	}
	if err := f.loadState(b); err != nil {
		return fmt.Errorf("%s: cannot be used: %w", f.path(stateFile), err)
	}
	return nil
}

func (f *Follower) loadState(b []byte) error {
	var in savedState
	if err := durable.UnmarshalSummed(b, &in, &in.Sum); err != nil {
		return err
	}
	if err := f.loadTrust(in.Epoch); err != nil {
		return err
	}
	s := &state{head: in.Head, edge: proofs.NewFrontier(), epoch: in.Epoch}
	var err error
	s.index, err = index.ParseState([]byte(in.Index), func(root proofs.Hash) ([]byte, error) { return os.ReadFile(f.path("issuers", root.String())) })
	if err != nil {
		return err
	}
	var edge []proofs.Hash
	for _, h := range in.Edge {
		if len(h) != len(proofs.Hash{}) {
			return fmt.Errorf("a hash of %d bytes", len(h))
		}
		edge = append(edge, proofs.Hash(h))
	}
	if err := s.edge.Restore(s.index.Size, edge); err != nil {
		return err
	}
	if in.Next != "" {
		if s.next, err = proofs.ParseTrust([]byte(in.Next)); err != nil {
			return err
		}
	}
	f.last = s
	return f.checkState(s)
}

// checkState compares the parts of a state with each other: a folder that was put together from two is not gone on from.
func (f *Follower) checkState(s *state) error {
	head, err := proofs.ParseHead(s.head)
	if err != nil {
		return err
	}
	c, _, err := proofs.ParseCheckpoint(head.Proof.Checkpoint)
	switch {
	case err != nil:
		return err
	case c.Origin != f.Trust.Origin:
		return &proofs.OtherRegistryError{Got: c.Origin, Want: f.Trust.Origin}
	case c.Size != s.edge.Size() || c.Root != s.edge.Root():
		return fmt.Errorf("its head is of size %d and root %s, its edge of size %d and root %s", c.Size, c.Root, s.edge.Size(), s.edge.Root())
	}
	return nil
}
