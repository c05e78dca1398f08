package registry

import "context"

// Enqueue queues statements that are signed already, as one batch. They are durable when it returns, and judged when
// they are published.
func (r *Registry) Enqueue(ctx context.Context, entries [][]byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.enqueue(entries)
}
