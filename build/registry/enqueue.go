package registry

import "context"

// Enqueue queues statements that are signed already, as one batch. They are durable when it returns, and judged when
// they are published.
func (r *Registry) Enqueue(ctx context.Context, entries [][]byte) error {
	l, err := r.lock(ctx, lockPending)
	if err != nil {
		return err
	}
	defer l.Unlock()
	return r.enqueue(entries)
}
