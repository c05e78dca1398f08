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
		return usage("stele serve --registry DIR", "serve takes no arguments, got %q", args[0])
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	if _, err := os.Stat(r.Public() + "/index.html"); err != nil {
		return &registry.Error{Err: fmt.Errorf("%s has not been published yet", r.Dir), Hint: "stele publish --registry " + r.Dir}
	}
	return c.serve(r, addr, every)
}

// serve serves the public folder until it is interrupted, and publishes on a schedule.
func (c *cli) serve(r *registry.Registry, addr string, every time.Duration) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return &registry.Error{Err: err, Hint: "choose another address with --addr, such as 127.0.0.1:0 for any free port"}
	}
	srv := &http.Server{Handler: site.Handler(r.Public()), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	if every > 0 {
		go c.publishEvery(r, every)
	}
	address := "http://" + l.Addr().String() + "/"
	if c.json {
		c.printJSON(map[string]string{"address": address, "public": r.Public()})
	} else {
		fmt.Fprintf(c.stdout, "serving %s\n%s\n", r.Public(), address)
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
