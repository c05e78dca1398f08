package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"stele/build/registry"
	"stele/build/verifier"
	"stele/site"
)

func runServe(c *cli) error {
	var addr string
	var every time.Duration
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&addr, "addr", "127.0.0.1:8080", "where to listen")
		fs.DurationVar(&every, "publish-every", 0, "publish on a schedule, such as 1h (default: only serve)")
	})
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele serve --registry "+shell(args[0]), "serve takes no arguments, got %s", shown(args[0]))
	}
	if every != 0 && every < leastEvery {
		return usage("such as 1h, or 24h", "--publish-every %s: want %s at least", every, leastEvery)
	}
	r, err := c.openToServe(every > 0)
	if err != nil {
		return err
	}
	if err := c.mustBeServable(r); err != nil {
		return err
	}
	return c.serve(r, addr, every)
}

// leastEvery is the shortest time between publications: each is kept for ever.
const leastEvery = time.Second

// openToServe opens the registry with its keys only if it will publish, and then asks for the passphrase before anything is served.
func (c *cli) openToServe(publish bool) (*registry.Registry, error) {
	if !publish {
		return c.look()
	}
	r, err := c.open()
	if err == nil {
		err = r.Keys.Unlock()
	}
	return r, err
}

// mustBeServable wants a publication with its pages. A stele that cannot make them is no help by publishing again.
func (c *cli) mustBeServable(r *registry.Registry) error {
	switch {
	case !c.published():
		return &registry.Error{Err: fmt.Errorf("%s has not been published yet", c.folder()), Hint: "stele publish"}
	case hasPages(r):
		return nil
	case verifier.Available():
		return &registry.Error{Err: fmt.Errorf("%s has been published without its pages", c.folder()), Hint: "stele publish"}
	}
	return &registry.Error{Err: fmt.Errorf("%s has been published without its pages, and this stele cannot make them", c.folder()), Hint: withPages}
}

// hasPages reports whether the portal's pages are there, or cannot be looked at: why is told to whoever asks for one.
func hasPages(r *registry.Registry) bool {
	there, err := r.Published(site.Index)
	return there || err != nil
}

// withPages is what to do where a binary has no pages and cannot make them.
const withPages = "make a stele that carries them, where there are its source tree and Go: go run ./build release -o stele (stele release); then publish with that one"

// serve serves the public folder until it is interrupted, and publishes on a schedule.
func (c *cli) serve(r *registry.Registry, addr string, every time.Duration) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return &registry.Error{Err: listenError(addr, err), Hint: "choose another address with --addr, such as 127.0.0.1:0 for any free port"}
	}
	srv := &http.Server{Handler: r.Site(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	if every > 0 {
		go c.publishEvery(r, every)
	}
	address := "http://" + l.Addr().String() + "/"
	if c.json {
		c.printJSON(map[string]string{"address": address, "public": r.Public()})
	} else {
		fmt.Fprintf(c.stdout, "serving %s\n%s\n", shown(r.Public()), address)
	}
	go func() {
		<-c.ctx.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		srv.Shutdown(ctx)
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listenError leaves out what the net package says around the cause.
func listenError(addr string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return fmt.Errorf("cannot listen on %s: %w", shown(addr), err)
}

// publishEvery publishes on a schedule. A publication that fails is told, and tried again at the next turn.
func (c *cli) publishEvery(r *registry.Registry, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
			if _, err := c.publish(r); err != nil && c.ctx.Err() == nil {
				c.exitCode(err)
			}
		}
	}
}
