package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stele/build/push"
	"stele/build/registry"
)

// envToken names a file with the token of the edges that are published to.
const envToken = "STELE_GATE_TOKEN_FILE"

// edges are the flags --to and --token: where what is published is brought to.
type edges struct {
	to        list
	tokenFile string
	secret    string // the token
}

func (e *edges) define(fs *flag.FlagSet) {
	fs.Var(&e.to, "to", "the `URL` of an edge that what is published is brought to; may be repeated (stele deploy)")
	fs.StringVar(&e.tokenFile, "token", "", "a `FILE` with the edge's token (default: the one that "+envToken+" names, or gate-token in the registry's folder)")
}

// check refuses what cannot be an address.
func (e *edges) check() error {
	if len(e.to) == 0 && e.tokenFile != "" {
		return usage("add --to URL", "--token %s: there is no --to that it would be for", shown(e.tokenFile))
	}
	for _, address := range e.to {
		if err := checkEdge(address); err != nil {
			return err
		}
	}
	return nil
}

// checkEdge refuses what no requests can be made of, before anything is published. A name and a password in it are told to nobody.
func checkEdge(address string) error {
	u, err := url.Parse(address)
	if err == nil && u.User != nil {
		return usage("leave out what stands before the @: who publishes is known by the token, --token FILE", "--to: want an address without name and password")
	}
	if i := strings.IndexAny(address, "?#"); err == nil && u.Host != "" && i >= 0 {
		return usage("--to "+shell(address[:i]), "--to %s: want the address of the edge alone, without %s", shown(address), shown(address[i:]))
	}
	if err := checkAddress("--to", address, withoutQuery); err != nil || address == "" {
		return usage("such as --to https://registry.gov.example/", "--to %s is no address", shown(address))
	}
	return nil
}

// load reads the token, before anything is published. What is in the file is told to nobody.
func (e *edges) load(r *registry.Registry) error {
	if len(e.to) == 0 {
		return nil
	}
	path, hint := e.tokenFile, "stele deploy has written one, as gate-token in the registry's folder"
	if path == "" {
		path = os.Getenv(envToken)
	}
	if path == "" {
		path, hint = r.TokenFile(), "stele deploy -o DIR writes it; or name another with --token FILE"
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &registry.Error{Err: fmt.Errorf("there is no token for the edge: %s is not there", shown(path)), Hint: hint}
	}
	if err != nil {
		return &registry.Error{Err: fmt.Errorf("the edge's token: %w", err), Hint: tokenHint(path)}
	}
	e.secret = strings.TrimSpace(string(b))
	if err := push.CheckToken(e.secret); err != nil {
		return &registry.Error{Err: fmt.Errorf("%s: %w", shown(path), err), Hint: hint}
	}
	return nil
}

// tokenHint is what to type where a path cannot be read.
func tokenHint(path string) string {
	if in := filepath.Join(path, registry.TokenName); exists(in) {
		return "--token " + shell(in)
	}
	return "name a file that you may read: stele deploy writes the token to " + registry.TokenName + " in the registry's folder"
}

// pushedTo is the JSON of one edge.
type pushedTo struct {
	Edge        string  `json:"edge"`
	Set         string  `json:"set,omitempty"`
	Publication uint64  `json:"publication,omitempty"`
	Size        uint64  `json:"size,omitempty"`
	Already     bool    `json:"already"`
	Objects     int     `json:"objects"`
	Bytes       int64   `json:"bytes"`
	Skipped     int     `json:"skipped"`
	ReadBack    int     `json:"read_back"`
	Seconds     float64 `json:"seconds"`
	Error       string  `json:"error,omitempty"`
	Hint        string  `json:"hint,omitempty"`

	err error
}

// pushTo brings what is published to one edge.
func (c *cli) pushTo(ctx context.Context, r *registry.Registry, address, token string, waiting func(why string, wait time.Duration)) pushedTo {
	began := time.Now()
	out := pushedTo{Edge: address}
	p, err := r.Pusher(address, token)
	var done *push.Result
	if err == nil {
		p.Waiting = waiting
		p.Progress = func(now push.Progress) { c.bar.show("%s", progressOf(address, now)) }
		done, err = p.Push(ctx)
	}
	out.Seconds = time.Since(began).Seconds()
	if err != nil {
		out.err, out.Error, out.Hint = err, plain(withoutHint(err)), c.inRegistry(hintFor(err))
		return out
	}
	out.Publication, out.Size, out.Already, out.Objects, out.Bytes, out.Skipped, out.ReadBack =
		done.Publication, done.Size, done.Already, done.Objects, done.Bytes, done.Skipped, done.ReadBack
	if !done.Already {
		out.Set = done.Set.String()
	}
	return out
}

func progressOf(address string, now push.Progress) string {
	text := address + ": " + now.Stage
	if now.Total > 0 {
		text += fmt.Sprintf(", %d of %d", now.Done, now.Total)
	}
	if now.Bytes > 0 {
		text += ", " + size(now.Bytes)
	}
	return text
}

// pushAll brings what is published to all edges, one after the other; one that fails does not keep the others from it.
func (c *cli) pushAll(r *registry.Registry, e *edges) ([]pushedTo, error) {
	var all []pushedTo
	for _, address := range e.to {
		done := c.pushTo(c.ctx, r, address, e.secret, func(why string, wait time.Duration) {
			c.note("waiting %s: %s", duration(wait), why)
		})
		c.bar.clear()
		if c.ctx.Err() != nil {
			return all, c.ctx.Err()
		}
		all = append(all, done)
	}
	return all, nil
}

// notPushed says that the publication stands, and where it is not served yet.
func (c *cli) notPushed(address string, err error) error {
	h := hintFor(err)
	if h == "" {
		h = "run the same command again: it goes on from what is done"
	}
	return &registry.Error{Err: fmt.Errorf("published here, and not at %s: %w", shown(address), err), Hint: h}
}

// tellPushed tells what became of each edge.
func (c *cli) tellPushed(all []pushedTo) error {
	var failed error
	for _, p := range all {
		switch {
		case p.err != nil && failed == nil:
			failed = c.notPushed(p.Edge, p.err)
		case p.err != nil:
			c.note("%s: %s", shown(p.Edge), p.Error)
		case c.json:
		case p.Already:
			fmt.Fprintf(c.stdout, "%s has it already: publication %d\n", shown(p.Edge), p.Publication)
		default:
			fmt.Fprintf(c.stdout, "%s serves publication %d: %s uploaded, %s, %d there already, %d read back, in %.1f s\n", shown(p.Edge), p.Publication,
				plural(p.Objects, "object", "objects"), size(p.Bytes), p.Skipped, p.ReadBack, p.Seconds)
		}
	}
	return failed
}

// A pushing brings each publication of a daemon's to one edge. It does not keep the next publication waiting: that one is brought in its stead.
type pushing struct {
	d       *daemon
	address string
	due     chan struct{}
}

// wake asks for what is published to be brought.
func (p *pushing) wake() {
	select {
	case p.due <- struct{}{}:
	default: // it is asked for already
	}
}

// run brings what is published whenever it is asked for, and tries again what has failed.
func (p *pushing) run() {
	var again <-chan time.Time
	for {
		select {
		case <-p.d.c.ctx.Done():
			return
		case <-p.due:
		case <-again:
		}
		again = nil
		if !p.push() {
			again = time.After(min(retryAfter, p.d.every))
		}
	}
}

// push reports whether there is nothing to be tried again.
func (p *pushing) push() bool {
	d := p.d
	done := d.c.pushTo(d.c.ctx, d.r, p.address, d.to.secret, func(why string, wait time.Duration) {
		d.log.Warn("waiting for the edge", "edge", p.address, "why", why, "seconds", wait.Seconds())
	})
	if d.c.ctx.Err() != nil {
		return true
	}
	if errors.Is(done.err, push.ErrUnpublished) {
		return true // the first publication will ask again
	}
	d.counts.Push(p.address, time.Duration(done.Seconds*float64(time.Second)), done.err)
	if done.err != nil {
		d.log.Error("not brought to the edge", "edge", p.address, "error", done.Error, "hint", done.Hint, "seconds", done.Seconds)
		return false
	}
	d.log.Info("the edge serves the publication", "edge", p.address, "number", done.Publication, "size", done.Size, "already", done.Already,
		"objects", done.Objects, "bytes", done.Bytes, "skipped", done.Skipped, "read_back", done.ReadBack, "seconds", done.Seconds)
	return true
}
