package mirror

import (
	"context"
	"sync"
)

// A crew does jobs, some at once, until one fails. Jobs are given by one goroutine, which waits while all hands are busy: nothing is queued.
type crew struct {
	ctx  context.Context
	end  context.CancelFunc
	jobs chan func(ctx context.Context) error
	wg   sync.WaitGroup
	once sync.Once
	err  error
}

func newCrew(ctx context.Context, hands int) *crew {
	c := &crew{jobs: make(chan func(context.Context) error)}
	c.ctx, c.end = context.WithCancel(ctx)
	for range hands {
		c.wg.Go(func() {
			for job := range c.jobs {
				if c.ctx.Err() == nil {
					c.note(job(c.ctx))
				}
			}
		})
	}
	return c
}

func (c *crew) note(err error) {
	if err != nil {
		c.once.Do(func() { c.err = err; c.end() })
	}
}

// do gives a job to whoever is free. It fails once a job has failed, or the context has ended.
func (c *crew) do(job func(ctx context.Context) error) error {
	select {
	case c.jobs <- job:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// wait waits for all jobs, and returns the first error: of a job, else of the one who has given them.
func (c *crew) wait(err error) error {
	close(c.jobs)
	c.wg.Wait()
	c.end()
	if c.err != nil {
		return c.err
	}
	return err
}
