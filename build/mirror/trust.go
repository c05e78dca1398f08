package mirror

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"stele/proofs"
)

// predecessors reads the trust files of the epochs before one, oldest first. Each is believed because the next names its hash.
func predecessors(t *proofs.Trust, read func(path string) ([]byte, error)) ([]*proofs.Trust, error) {
	var out []*proofs.Trust
	for t.Previous != nil {
		path := proofs.TrustPath(t.Epoch - 1)
		b, err := read(path)
		if err != nil {
			return nil, err
		}
		if got := proofs.Hash(sha256.Sum256(b)); got != *t.Previous {
			return nil, wrong(path, notNamed(got))
		}
		if t, err = proofs.ParseTrust(b); err != nil {
			return nil, wrong(path, err)
		}
		out = append(out, t)
	}
	slices.Reverse(out)
	return out, nil
}

// knowEarlier reads the earlier trust files: from the copy, or else from the origin.
func (m *Mirror) knowEarlier(ctx context.Context) error {
	if n := len(m.earlier); m.Trust.Previous == nil || n > 0 && m.earlier[n-1].ID() == *m.Trust.Previous {
		return nil
	}
	all, err := predecessors(m.Trust, m.public.Read)
	if err != nil {
		all, err = predecessors(m.Trust, func(path string) ([]byte, error) { return m.from.read(ctx, path, maxTrust) })
	}
	if err != nil {
		return fmt.Errorf("the trust files before epoch %d: %w", m.Trust.Epoch, err)
	}
	m.earlier = all
	return nil
}

// trustFiles obtains the trust files of all epochs, and what proves each from the one before. A handover may be missing: where the old keys were lost there is none.
func (r *round) trustFiles() error {
	all := append(slices.Clone(r.m.earlier), r.m.Trust)
	for i, t := range all {
		want := t.Marshal()
		if err := r.keep(proofs.TrustPath(t.Epoch), want, func(b []byte) error { return sameBytes(b, want) }); err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		_, err := r.obtain(r.ctx, proofs.HandoverPath(t.Epoch), maxHandover, func(b []byte) error {
			_, err := all[i-1].Follow(want, b, proofs.AnyTime)
			return err
		})
		if err != nil && !absent(err) {
			return err
		}
	}
	return nil
}

// follow goes on to the newest trust file.
func (m *Mirror) follow(ctx context.Context) error { return m.knowEarlier(ctx) }
