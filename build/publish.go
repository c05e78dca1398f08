package main

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"stele/build/registry"
	"stele/build/verifier"
	"stele/proofs"
)

// publishResult is the JSON answer of publish.
type publishResult struct {
	Publication uint64    `json:"publication"`
	Size        uint64    `json:"size"`
	Root        string    `json:"root"`
	Time        string    `json:"time"`
	Added       int       `json:"added"`
	Heartbeat   bool      `json:"heartbeat"`
	Keys        uint64    `json:"keys"`
	Refused     []refusal `json:"refused"`
	RefusedFile string    `json:"refused_file,omitempty"`
	Public      string    `json:"public"`
}

// A refusal is a statement that was not taken.
type refusal struct {
	Statement string `json:"statement"` // SHA-256 of its text
	Subject   string `json:"subject"`   // sha256: and the document's, issuer: and the authority's name
	Action    string `json:"action"`
	Reason    string `json:"reason"`
}

// refusals names the statements that were refused. One that is not even a statement is named by its bytes alone.
func refusals(p *registry.Publication) []refusal {
	out := []refusal{}
	for _, f := range p.Refused {
		text, r := string(f.Entry), refusal{Reason: f.Why.Error()}
		if note, env, err := proofs.ParseEntry(f.Entry); err == nil {
			text, r.Subject, r.Action = note.Text, env.Selector, env.Action
		}
		r.Reason = strings.TrimPrefix(r.Reason, r.Action+": ")
		r.Statement = statementID(text)
		out = append(out, r)
	}
	return out
}

// statementID is a statement's identity: FORMAT.md, section 5.
func statementID(text string) string { return proofs.Hash(sha256.Sum256([]byte(text))).String() }

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
	if err := c.tellPublish(r, p); err != nil {
		return err
	}
	if len(p.Refused) > 0 {
		return exit(1)
	}
	return nil
}

// publish publishes the ledger, then the portal's pages. Pages that cannot be made do not undo a publication.
func (c *cli) publish(r *registry.Registry) (*registry.Publication, error) {
	defer c.bar.clear()
	r.Stage = c.bar.stage
	p, err := r.Publish(c.ctx)
	if err != nil {
		return nil, err
	}
	c.noteRefused(p)
	c.bar.stage("making the portal's pages")
	files, err := verifier.Get(c.ctx)
	if err == nil {
		err = r.WriteSite(c.ctx, files)
	}
	if errors.Is(err, verifier.ErrNoSource) {
		c.note("note: the portal's pages were not written: %v\nhint: %s", err, withPages)
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the ledger is published, the portal's pages are not: %w", err)
	}
	return p, nil
}

// mostRefused is how many refused statements are told one by one.
const mostRefused = 20

// noteRefused names the statements that were refused, and the file that keeps them.
func (c *cli) noteRefused(p *registry.Publication) {
	all := refusals(p)
	if len(all) == 0 {
		return
	}
	for _, f := range all[:min(len(all), mostRefused)] {
		what := cmp.Or(f.Action, "statement") + " " + cmp.Or(f.Subject, f.Statement)
		c.note("refused: %s: %s", what, f.Reason)
	}
	if n := len(all) - mostRefused; n > 0 {
		c.note("and %d more, see %s", n, shown(p.RefusedFile))
	} else {
		c.note("kept in %s", shown(p.RefusedFile))
	}
}

func (c *cli) tellPublish(r *registry.Registry, p *registry.Publication) error {
	if c.json {
		return c.printJSON(publishResult{p.Number, p.Checkpoint.Size, p.Checkpoint.Root.String(), stamp(p.Time), p.Added, p.Heartbeat,
			p.Keys, refusals(p), p.RefusedFile, r.Public()})
	}
	what := plural(p.Added, "statement", "statements") + " added"
	if p.Heartbeat {
		what = "nothing new; signed again"
	}
	fmt.Fprintf(c.stdout, "publication %d: %s\nsize %d, root %s, signed %s\n%s\n", p.Number, what, p.Checkpoint.Size, p.Checkpoint.Root,
		stamp(p.Time), shown(r.Public()))
	return nil
}
