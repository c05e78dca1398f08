package index

import (
	"fmt"

	"stele/build/durable"
	"stele/proofs"
)

// savedState is the saved form of a State: all that it holds, with the issuer list by its root only, since that is a file of
// the index. It can always be made again from the ledger.
type savedState struct {
	Size        uint64            `json:"size"`
	Publication uint64            `json:"publication"`
	Time        int64             `json:"time"`
	RootTile    []byte            `json:"root_tile"`
	Keys        uint64            `json:"keys"`
	IssuersRoot string            `json:"issuers_root"`
	SHA3        [][]byte          `json:"sha3_256_edge"`
	Sizes       map[uint64]uint64 `json:"sizes"`                // State.Sizes
	Statistics  string            `json:"statistics,omitempty"` // as they are published; a state of old has none, and its sum is without
	Sum         string            `json:"sum"`                  // SHA-256 of all this with an empty sum: against damage, not against forgery
}

// Marshal formats a state just after an index statement, to be kept. The issuer list is kept apart, under its root.
func (s *State) Marshal() ([]byte, error) {
	out := savedState{Size: s.Size, Publication: s.Publication, Time: s.Time, RootTile: s.RootTile, Keys: s.Keys,
		IssuersRoot: s.Issuers.Root().String(), Sizes: s.Sizes}
	if s.Statistics != nil {
		out.Statistics = string(s.Statistics.Marshal())
	}
	for _, h := range s.SHA3.Edge() {
		out.SHA3 = append(out.SHA3, h[:])
	}
	return durable.MarshalSummed(&out, &out.Sum)
}

// ParseState parses what Marshal formats; issuers gets the file of an issuer list that is not empty, by its root. What a version kept
// that knew no statistics counts as the empty state.
func ParseState(b []byte, issuers func(root proofs.Hash) ([]byte, error)) (*State, error) {
	var in savedState
	if err := durable.UnmarshalSummed(b, &in, &in.Sum); err != nil {
		return nil, err
	}
	if in.Statistics == "" {
		return Empty(), nil
	}
	s := &State{Size: in.Size, Publication: in.Publication, Time: in.Time, RootTile: in.RootTile, Keys: in.Keys,
		SHA3: proofs.NewFrontierSHA3(), Sizes: in.Sizes}
	var edge []proofs.Hash
	for _, b := range in.SHA3 {
		var h proofs.Hash
		copy(h[:], b)
		edge = append(edge, h)
	}
	err := s.SHA3.Restore(in.Size, edge)
	if err != nil {
		return nil, err
	}
	if s.Statistics, err = proofs.ParseStatistics([]byte(in.Statistics)); err != nil {
		return nil, err
	}
	s.Issuers, err = readIssuers(in.IssuersRoot, issuers)
	return s, err
}

func readIssuers(root string, get func(root proofs.Hash) ([]byte, error)) (*proofs.IssuerList, error) {
	h, err := proofs.ParseHash(root)
	if err != nil {
		return nil, err
	}
	if h == proofs.EmptyRoot() {
		return &proofs.IssuerList{}, nil
	}
	b, err := get(h)
	if err != nil {
		return nil, err
	}
	l, err := proofs.ParseIssuerList(b)
	if err == nil && l.Root() != h {
		err = fmt.Errorf("its content hashes to %s", l.Root())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: damaged issuer list: %w", proofs.IndexPath(h), err)
	}
	return l, nil
}
