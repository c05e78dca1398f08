package registry

import (
	"context"

	"stele/build/index"
	"stele/proofs"
)

// AuthoritiesPending are the authorities as they will stand once everything pending is published.
func (r *Registry) AuthoritiesPending() (proofs.Authorities, error) {
	l, err := r.lock(context.Background(), lockPending)
	if err != nil {
		return nil, err
	}
	defer l.Unlock()
	files, err := r.pending()
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
	index.Authorise(r.Trust, as, state.Size, entriesOf(files), func(int, *proofs.Entry, error) bool { return true })
	return as, nil
}
