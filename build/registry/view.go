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
