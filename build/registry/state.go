package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"stele/build/index"
	"stele/proofs"
)

// savedState is state/index: what index.State holds, with the issuer list by its
// root only, since the file lies in the store. It can always be made again from the ledger.
type savedState struct {
	Size        uint64   `json:"size"`
	Publication uint64   `json:"publication"`
	Time        int64    `json:"time"`
	RootTile    []byte   `json:"root_tile"`
	Keys        uint64   `json:"keys"`
	IssuersRoot string   `json:"issuers_root"`
	SHA3        [][]byte `json:"sha3_256_edge"`
}

func (r *Registry) saveState(s index.State) error {
	out := savedState{Size: s.Size, Publication: s.Publication, Time: s.Time, RootTile: s.RootTile, Keys: s.Keys,
		IssuersRoot: s.Issuers.Root().String()}
	for _, h := range s.SHA3.Edge() {
		out.SHA3 = append(out.SHA3, h[:])
	}
	b, err := json.MarshalIndent(out, "", "\t")
	if err != nil {
		return err
	}
	return r.write(r.path("state", "index"), append(b, '\n'))
}

// loadState reads state/index, or begins from nothing: Publish then goes through the whole ledger.
func (r *Registry) loadState() (*index.State, error) {
	b, err := os.ReadFile(r.path("state", "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return index.Empty(), nil
	}
	if err != nil {
		return nil, err
	}
	var in savedState
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, r.badState(err)
	}
	s := &index.State{Size: in.Size, Publication: in.Publication, Time: in.Time, RootTile: in.RootTile, Keys: in.Keys,
		SHA3: proofs.NewFrontierSHA3()}
	if err := s.SHA3.Restore(in.Size, hashesOf(in.SHA3)); err != nil {
		return nil, r.badState(err)
	}
	if s.Issuers, err = r.loadIssuers(in.IssuersRoot); err != nil {
		return nil, r.badState(err)
	}
	return s, nil
}

func (r *Registry) badState(err error) error {
	return hint("remove "+r.path("state", "index")+": the next publish makes it again from the ledger",
		"%s: damaged: %w", r.path("state", "index"), err)
}

func hashesOf(bs [][]byte) []proofs.Hash {
	var hs []proofs.Hash
	for _, b := range bs {
		var h proofs.Hash
		copy(h[:], b)
		hs = append(hs, h)
	}
	return hs
}

func (r *Registry) loadIssuers(root string) (*proofs.IssuerList, error) {
	h, err := proofs.ParseHash(root)
	if err != nil {
		return nil, err
	}
	if h == proofs.EmptyRoot() {
		return &proofs.IssuerList{}, nil
	}
	b, err := r.store().Get(h)
	if err != nil {
		return nil, err
	}
	l, err := proofs.ParseIssuerList(b)
	if err == nil && l.Root() != h {
		err = fmt.Errorf("issuer list %s: its content hashes to %s", h, l.Root())
	}
	return l, err
}

// signed reads state/signed, the last checkpoint that this registry's keys have signed, whole with its
// signatures. nil if nothing was ever signed.
func (r *Registry) signed() (*proofs.Checkpoint, []byte, error) {
	b, err := os.ReadFile(r.path("state", "signed"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, r.mustBeNew()
	}
	if err != nil {
		return nil, nil, err
	}
	c, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", r.path("state", "signed"), err)
	}
	if c.Origin != r.Trust.Origin {
		return nil, nil, fmt.Errorf("%s: origin %q, want %q", r.path("state", "signed"), c.Origin, r.Trust.Origin)
	}
	return &c, b, nil
}

// mustBeNew refuses to sign without the memory of what was signed before: a signer that has forgotten
// could be made to sign a second history.
func (r *Registry) mustBeNew() error {
	published := r.path("public", "ledger", "checkpoint")
	if _, err := os.Stat(published); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return hint("restore state/ from a backup, or, if "+published+" is surely the newest checkpoint ever signed, copy it to "+r.path("state", "signed"),
		"%s is missing, but something has been published: refusing to sign", r.path("state", "signed"))
}
