package registry

import (
	"context"

	"stele/proofs"
)

// AuthoritiesPending are the authorities as they will stand once everything pending is published.
func (r *Registry) AuthoritiesPending() (proofs.Authorities, error) {
	as, _, err := r.Desk().Authorities(context.Background())
	return as, err
}

// Entries calls f with the ledger's entries from one place up to another, in order, in runs of at most 256.
func (r *Registry) Entries(from, to uint64, f func(first uint64, entries [][]byte) error) error {
	return r.log().Entries(from, to, f)
}
