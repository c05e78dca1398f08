package registry

import (
	"stele/build/index"
	"stele/build/storage"
	"stele/proofs"
)

// AuthoritiesPending are the authorities as they will stand once everything pending is published.
func (r *Registry) AuthoritiesPending() (proofs.Authorities, error) {
	batches, err := r.pending() // before the state: a publication in between moves statements from the one to the other
	if err != nil {
		return nil, err
	}
	state, err := r.lastState()
	if err != nil {
		return nil, err
	}
	as, err := state.ReadAuthorities(r.Trust)
	if err != nil {
		return nil, err
	}
	index.Authorise(r.Trust, as, state.Size, storage.EntriesOf(batches), func(int, *proofs.Entry, error) bool { return true })
	return as, nil
}
