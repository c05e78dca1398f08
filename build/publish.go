package main

import (
	"errors"
	"fmt"

	"stele/build/registry"
	"stele/build/verifier"
)

// publishResult is the JSON answer of publish.
type publishResult struct {
	Publication uint64   `json:"publication"`
	Size        uint64   `json:"size"`
	Root        string   `json:"root"`
	Time        string   `json:"time"`
	Added       int      `json:"added"`
	Heartbeat   bool     `json:"heartbeat"`
	Keys        uint64   `json:"keys"`
	Refused     []string `json:"refused"`
	Public      string   `json:"public"`
}

func runPublish(c *cli) error {
	args, err := c.parse(nil)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		hint := "stele publish --registry " + shell(args[0])
		if notAFile(args[0]) == nil {
			hint = "stele register " + shell(args[0]) + ", then stele publish"
		}
		return usage(hint, "publish takes no arguments, got %s", shown(args[0]))
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	p, err := c.publish(r)
	if err != nil {
		return err
	}
	return c.tellPublish(r, p)
}

// publish publishes the ledger, then the portal's pages. Pages that cannot be made do not undo a publication.
func (c *cli) publish(r *registry.Registry) (*registry.Publication, error) {
	p, err := r.Publish(c.ctx)
	if err != nil {
		return nil, err
	}
	files, err := verifier.Get(c.ctx)
	if err == nil {
		err = r.WriteSite(files.WASM, files.Exec)
	}
	if errors.Is(err, verifier.ErrNoSource) {
		c.note("note: the portal's pages were not written: %v", err)
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the ledger is published, the portal's pages are not: %w", err)
	}
	return p, nil
}

func (c *cli) tellPublish(r *registry.Registry, p *registry.Publication) error {
	out := publishResult{p.Number, p.Checkpoint.Size, p.Checkpoint.Root.String(), stamp(p.Time), p.Added, p.Heartbeat, p.Keys, []string{}, r.Public()}
	for _, f := range p.Refused {
		out.Refused = append(out.Refused, f.Why.Error())
		c.note("refused: %v", f.Why)
	}
	if c.json {
		return c.printJSON(out)
	}
	what := plural(p.Added, "statement", "statements") + " added"
	if p.Heartbeat {
		what = "nothing new; signed again"
	}
	fmt.Fprintf(c.stdout, "publication %d: %s\nsize %d, root %s, signed %s\n%s\n", out.Publication, what, out.Size, out.Root, out.Time, shown(out.Public))
	return nil
}
