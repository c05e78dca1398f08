package gate

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// Many that grow to all there is go one after the other; those that begin meanwhile come after them, and all come to their end.
func TestGrow(t *testing.T) {
	p := newPace(4, 100)
	var mu sync.Mutex
	held, most := int64(0), int64(0)
	weigh := func(bytes int64) {
		mu.Lock()
		defer mu.Unlock()
		held += bytes
		most = max(most, held)
	}
	things := make([]int64, 200)
	for i := range things {
		things[i] = []int64{10, 60, 100, 20}[i%4]
	}
	err := each(context.Background(), p, things, func(int64) int64 { return 20 }, func(ctx context.Context, _ int, bytes int64) error {
		if bytes > 20 {
			if err := p.grow(ctx, 20, bytes); err != nil {
				return err
			}
			defer p.shrink(bytes, 20)
		}
		weigh(bytes)
		defer weigh(-bytes)
		return nil
	})
	if err != nil || most > 100 || p.held != 0 || p.n != 0 || p.growing != 0 {
		t.Errorf("%v; %d at once, want 100 at most; at the end %d of %d, %d growing", err, most, p.held, p.n, p.growing)
	}
}

// What was told to give up while it waited has what it began with.
func TestGrowGivenUp(t *testing.T) {
	p := newPace(4, 100)
	for range 2 {
		if ok, _ := p.try(50); !ok {
			t.Fatal("no room")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.grow(ctx, 50, 90); !errors.Is(err, context.Canceled) || p.held != 100 || p.growing != 0 {
		t.Errorf("%v, %d held, %d growing", err, p.held, p.growing)
	}
}

func TestRoom(t *testing.T) {
	r := &room{most: 24}
	want := func(has, more int64, ok bool) {
		t.Helper()
		if r.take(has, more) != ok {
			t.Errorf("%d more for one that has %d, while %d of %d are held: want %v", more, has, r.held, r.most, ok)
		}
	}
	want(0, 16, true) // alone
	want(0, 6, false)
	want(0, 5, true)
	want(5, 1, false)
	want(16, 1, false)
	want(0, 2, true)
	r.give(16 + 2)
	want(5, 25, true) // alone, and larger than all there is
	want(0, 1, false)
}
