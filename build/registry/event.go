package registry

import (
	"context"
	"fmt"

	"stele/build/index"
	"stele/proofs"
)

// Event signs a later statement about a registered document and queues it. `after` is found in the published
// index; the rest of the statement is the caller's.
func (r *Registry) Event(s *proofs.Statement, file string) error {
	digests, err := HashFile(context.Background(), file, make([]byte, 1<<20), func(int) {})
	if err != nil {
		return err
	}
	s.Registry, s.Document = r.Trust.Origin, &proofs.Ref{Digests: digests}
	if s.After, err = r.latestOf(*s.Document, s.Issuer); err != nil {
		return err
	}
	return r.SubmitIssuer(s)
}

// latestOf is the leaf hash of the latest published statement about a document that took effect.
func (r *Registry) latestOf(doc proofs.Ref, registrant string) (*proofs.Hash, error) {
	state, err := r.lastState()
	if err != nil {
		return nil, err
	}
	as, err := state.ReadAuthorities(r.Trust)
	if err != nil {
		return nil, err
	}
	slot, err := index.FindSlot(r.store(), state.RootTile, doc.Key())
	if err != nil {
		return nil, err
	}
	rec, ok := slot.Find(doc.Key())
	if !ok {
		return nil, hint("stele register FILE, then stele publish", "the document is not registered")
	}
	entries, err := index.Entries(rec)
	if err != nil {
		return nil, err
	}
	for _, l := range proofs.Lives(r.Trust, as, doc.Key(), entries) {
		if l.Registrant == registrant {
			h := l.Latest()
			return &h, nil
		}
	}
	return nil, fmt.Errorf("the document is not registered by %s", registrant)
}

// Withdraw queues the root's statement that an authority may issue no more. If its keys are not to be believed at
// all, all that it has registered is unaccredited.
func (r *Registry) Withdraw(name string, fromTheStart bool, reason string) error {
	after, err := r.latestAbout(name)
	if err != nil {
		return err
	}
	s := &proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionWithdraw, Issuer: r.Trust.RootName(),
		Authority: name, After: after, Reason: reason}
	if fromTheStart {
		s.From = new(uint64)
	}
	return r.SubmitRoot(s)
}
