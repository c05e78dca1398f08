package registry

import (
	"context"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"stele/proofs"
)

// TestWaiting: who has to wait is told so, and goes on when the other has ended.
func TestWaiting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	for name, do := range map[string]func(r *Registry) error{
		lockPublish:  func(r *Registry) error { _, err := r.Publish(context.Background()); return err },
		lockRegister: func(r *Registry) error { register(t, r, office, 3, 4); return nil },
	} {
		held, err := openAt(t, dir, heartbeat.now).lock(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		r := openAt(t, dir, heartbeat.now)
		waiting, done := make(chan string, 1), make(chan error)
		r.Waiting = func(what string) { waiting <- what }
		go func() { done <- do(r) }()
		if what := <-waiting; what != name {
			t.Errorf("waits for %s, want %s", what, name)
		}
		select {
		case err := <-done:
			t.Errorf("went on without waiting for %s (%v)", name, err)
		default:
		}
		if err := held.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestWaitingEnds: a wait can be broken off.
func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	held, err := openAt(t, dir, heartbeat.now).lock(context.Background(), lockPublish)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	ctx, cancel := context.WithCancel(context.Background())
	r := openAt(t, dir, heartbeat.now)
	r.Waiting = func(string) { cancel() }
	if _, err := r.Publish(ctx); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestTogether registers and publishes from several processes and goroutines at once, the same documents among
// others: nothing is lost and nothing is there twice.
func TestTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	now := heartbeat.now
	var children []*exec.Cmd
	for i := range 3 {
		children = append(children, task{dir: dir, now: now, first: 10 + 4*i, end: 20 + 4*i}.start(t))
	}
	var wg sync.WaitGroup
	for i := range 3 {
		r := openAt(t, dir, now)
		wg.Go(func() { register(t, r, office, 24+4*i, 34+4*i) })
		wg.Go(func() {
			if p, err := r.Publish(context.Background()); err != nil || len(p.Refused) > 0 {
				t.Errorf("publish: %v", err)
			}
		})
	}
	wg.Wait()
	if slices.ContainsFunc(children, func(c *exec.Cmd) bool { return waitFor(t, c) }) {
		t.Error("a child was killed")
	}
	r := openAt(t, dir, now+60)
	publish(t, r)
	want := map[int]proofs.Verdict{}
	for n := 10; n < 42; n++ {
		want[n] = proofs.Authentic
	}
	verdicts(t, r, now+60, want)
	if got, want := statements(t, r, mustAudit(t, r, now+60).Size), heartbeat.statements+32; got != want {
		t.Errorf("%d statements, want %d", got, want)
	}
	history(t, r, now+60)
}
