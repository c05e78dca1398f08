package registry

import (
	"errors"

	"stele/build/storage"
)

// enqueue adds a batch to the queue. It is durable when enqueue returns.
func (r *Registry) enqueue(entries [][]byte) error {
	if len(entries) == 0 {
		return nil
	}
	return r.step(r.path("pending"), func() error { return r.at.Queue.Add(entries) })
}

// pending reads the batches that are not known, oldest first; of the others it tells the names.
func (r *Registry) pending(known func(name string) bool) ([]storage.Batch, error) {
	batches, err := r.at.Queue.Batches(known)
	var damaged *storage.DamagedError
	if errors.As(err, &damaged) {
		return nil, hint("restore it from a backup, or move it away and register its documents again", "%w", err)
	}
	return batches, err
}

// dequeue forgets batches that have been published.
func (r *Registry) dequeue(batches []storage.Batch) error {
	for i, b := range batches {
		if err := r.step(r.path("pending", b.Name), func() error { return r.at.Queue.Remove(batches[i : i+1]) }); err != nil {
			return err
		}
	}
	return nil
}

// Pending counts the statements that wait for publication.
func (r *Registry) Pending() (int, error) { return r.at.Queue.Len() }
