package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"stele/build/registry"
)

const (
	chunk     = 50_000    // documents whose statements are queued at once
	published = 1_000_000 // documents a publication, at most

	// Times are made up too. Between two publications lies more than the grace period of superseded files.
	firstTime = 1_800_000_000
	between   = 8 * 24 * 3600
)

// open opens the registry in a folder, or makes one, at the time of its next publication.
func open(dir string) (*registry.Registry, error) {
	if !registry.IsRegistry(dir) {
		r, err := registry.Init(dir, registry.Setup{Origin: "scale.example/ledger", Title: "Scale", Demo: true, StaleAfter: 365 * 24 * time.Hour}, nil)
		if err != nil {
			return nil, err
		}
		for _, name := range issuers {
			if err := r.Accredit(name, name, kinds); err != nil {
				return nil, err
			}
		}
	}
	r, err := registry.Open(dir, nil)
	if err != nil {
		return nil, err
	}
	lines, err := r.History()
	now := time.Unix(firstTime+int64(len(lines))*between, 0)
	r.Now = func() time.Time { return now }
	return r, err
}

// grow publishes documents until there are as many as wanted, and returns how many there were.
func grow(dir string, from, to int) error {
	for from < to {
		end := min(from+published, to)
		began := time.Now()
		if err := enqueue(dir, from, end); err != nil {
			return err
		}
		signed := time.Since(began)
		n, err := publish(dir)
		if err != nil {
			return err
		}
		if n != end {
			return fmt.Errorf("%s: %d documents published, want %d", dir, n, end)
		}
		fmt.Fprintf(os.Stderr, "%d documents: signed in %s, published in %s, at most %d MB of memory\n", end, signed.Round(time.Second/10),
			(time.Since(began) - signed).Round(time.Second/10), peakMemory()/1e6)
		from = end
	}
	return nil
}

// enqueue signs and queues all about some documents. What a broken-off run has left in the queue is forgotten.
func enqueue(dir string, from, to int) error {
	r, err := open(dir)
	if err != nil {
		return err
	}
	g, err := newGenerator(r)
	if err != nil {
		return err
	}
	if from > 0 { // before, the accreditations are there
		if err := os.RemoveAll(filepath.Join(dir, "pending")); err != nil {
			return err
		}
	}
	for ; from < to; from += chunk {
		entries, err := g.batch(from, min(from+chunk, to))
		if err != nil {
			return err
		}
		if err := r.Enqueue(context.Background(), entries); err != nil {
			return err
		}
	}
	return nil
}

// publish publishes what is queued, or the heartbeat, and returns how many documents there are.
func publish(dir string) (int, error) {
	r, err := open(dir)
	if err != nil {
		return 0, err
	}
	p, err := r.Publish(context.Background())
	if err != nil {
		return 0, err
	}
	if len(p.Refused) > 0 {
		return 0, fmt.Errorf("%d statements were refused, the first one because: %w", len(p.Refused), p.Refused[0].Why)
	}
	return int(p.Keys), nil
}
