package gate

import (
	"context"
	"sync"
)

const (
	atOnce = 16 // objects on their way at once
	// inFlight is how many bytes they have together, or one that is larger alone: a Worker has 128 MiB for everything.
	inFlight = 16 << 20
	// likely is what an object is taken for whose size nobody has said: few bundles and slots are larger, and those are asked for once more.
	likely = 2 << 20
)

// A pace bounds how much is under way at once, in number and in bytes. What is larger than all of it goes alone.
type pace struct {
	mu      sync.Mutex
	most    int
	bytes   int64
	n       int
	held    int64
	growing int           // wait for other bytes than they had: nothing begins before them
	freed   chan struct{} // closed when something is given back
}

func newPace(most int, bytes int64) *pace {
	return &pace{most: most, bytes: bytes, freed: make(chan struct{})}
}

// try begins what fits; else freed is closed when it may.
func (p *pace) try(bytes int64) (ok bool, freed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n >= p.most || p.growing > 0 || !p.fits(bytes) {
		return false, p.freed
	}
	p.n++
	p.held += bytes
	return true, nil
}

func (p *pace) fits(bytes int64) bool { return p.held == 0 || p.held+bytes <= p.bytes }

// begin waits until there is room.
func (p *pace) begin(ctx context.Context, bytes int64) error {
	for {
		ok, freed := p.try(bytes)
		if ok {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *pace) end(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n--
	p.give(bytes)
}

func (p *pace) give(bytes int64) {
	p.held -= bytes
	close(p.freed)
	p.freed = make(chan struct{})
}

// grow has what is under way, and has nothing in memory, wait for other bytes than it began with. The first ones are given back meanwhile: if many grew
// and kept theirs, none could go on. Where it fails, it has its first bytes again.
func (p *pace) grow(ctx context.Context, was, bytes int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.growing++
	p.give(was)
	for !p.fits(bytes) && ctx.Err() == nil {
		freed := p.freed
		p.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
		}
		p.mu.Lock()
	}
	err := ctx.Err()
	if err != nil {
		bytes = was
	}
	p.growing--
	p.give(-bytes) // those that wait to begin look again
	return err
}

// shrink gives back what something has grown by.
func (p *pace) shrink(was, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.give(was - bytes)
}

// A crew does several things at once, at a pace, and stops at the first error.
type crew struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	pace   *pace
	wg     sync.WaitGroup
}

func newCrew(ctx context.Context, p *pace) *crew {
	c := &crew{pace: p}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	return c
}

// do begins something that takes so many bytes, as soon as there is room.
func (c *crew) do(bytes int64, f func(ctx context.Context) error) error {
	if err := c.pace.begin(c.ctx, bytes); err != nil {
		return context.Cause(c.ctx)
	}
	c.wg.Go(func() {
		defer c.pace.end(bytes)
		if err := f(c.ctx); err != nil {
			c.cancel(err)
		}
	})
	return nil
}

// wait returns the first error.
func (c *crew) wait() error {
	c.wg.Wait()
	err := context.Cause(c.ctx)
	c.cancel(nil)
	return err
}

// each does the same for many things.
func each[T any](ctx context.Context, p *pace, things []T, bytes func(T) int64, f func(ctx context.Context, i int, thing T) error) error {
	c := newCrew(ctx, p)
	for i, t := range things {
		if c.do(bytes(t), func(ctx context.Context) error { return f(ctx, i, t) }) != nil {
			break
		}
	}
	return c.wait()
}
