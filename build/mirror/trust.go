package mirror

import (
	"context"
	"fmt"
	"slices"

	"stele/build/portal"
	"stele/proofs"
)

// follow goes on to the newest trust file that the origin can prove, and knows those before it. Without an answer, or where one cannot be proved, the
// one in hand stands: then it is the head that is not understood.
func (m *Mirror) follow(ctx context.Context) error {
	newest, err := portal.Follow(ctx, asPortal{m.from}, m.Trust, m.Now().Unix())
	if err != nil {
		m.Note(fmt.Sprintf("the trust file of epoch %d was not followed: %v", newest.Epoch+1, err))
	}
	if m.Trust = newest; m.knowsEarlier() {
		return nil
	}
	return m.readEarlier(ctx, asPortal{m.from})
}

func (m *Mirror) knowsEarlier() bool {
	return m.Trust.Previous == nil || len(m.earlier) > 0 && m.earlier[0].ID() == *m.Trust.Previous
}

// readEarlier reads the trust files of the epochs before.
func (m *Mirror) readEarlier(ctx context.Context, p portal.Portal) error {
	all, err := portal.Earlier(ctx, p, m.Trust)
	if err != nil {
		return fmt.Errorf("the trust files before epoch %d: %w", m.Trust.Epoch, err)
	}
	m.earlier = all
	return nil
}

// recall takes up the trust files that the copy holds: a mirror that has followed a change of keys goes on from there, whatever trust file it is given
// again. What they do not tell, the first round asks the origin for.
func (m *Mirror) recall(ctx context.Context) {
	p, err := m.Portal()
	if err != nil {
		return // nothing was copied yet
	}
	m.Trust, _ = portal.Follow(ctx, p, m.Trust, proofs.AnyTime)
	m.readEarlier(ctx, p)
}

// trustFiles obtains the trust files of all epochs, and what proves each from the one before. A handover may be missing: where the old keys were lost there is none.
func (r *round) trustFiles() error {
	all := append([]*proofs.Trust{r.m.Trust}, r.m.earlier...)
	slices.Reverse(all)
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
