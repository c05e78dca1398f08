package main

import (
	"fmt"

	"stele/build/registry"
	"stele/proofs"
)

// issuerResult is an authority in the JSON answer of issuers.
type issuerResult struct {
	Authority string      `json:"authority"`
	Title     string      `json:"title"`
	Standing  string      `json:"standing"` // accredited, withdrawn
	Kinds     []string    `json:"kinds"`
	Keys      []keyResult `json:"keys"`
	Since     *string     `json:"since"`   // since when it has stood, or has been withdrawn; null if that is not published yet
	From      *uint64     `json:"from"`    // of a withdrawal: the place from which on its statements are not believed
	Reason    string      `json:"reason"`  // of a withdrawal
	Pending   bool        `json:"pending"` // the latest statement about it is not published yet
}

func runIssuers(c *cli) error {
	args, err := c.parse(nil)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele issuers --registry "+shell(args[0]), "issuers takes no arguments, got %s", shown(args[0]))
	}
	r, err := c.open()
	if err != nil {
		var errLook error
		if r, errLook = c.look(); errLook != nil { // without the keys it can still be told who stands
			return err
		}
	}
	all, err := r.Authorities(c.ctx)
	if err != nil {
		return err
	}
	out := []issuerResult{}
	for _, a := range all {
		out = append(out, c.issuerResult(r, a))
	}
	if c.json {
		return c.printJSON(map[string]any{"registry": r.Trust.Origin, "issuers": out})
	}
	if len(out) == 0 {
		fmt.Fprintf(c.stdout, "no authority is accredited; %s\n", c.inRegistry("stele accredit AUTHORITY"))
	}
	for i, a := range all {
		c.tellIssuer(out[i], keysText(standingKeys(a), c.keysHere(r, a.Name)))
	}
	return nil
}

func standingKeys(a *registry.Authority) []*proofs.Key {
	if a.Standing == nil {
		return nil
	}
	return a.Standing.Keys
}

func (c *cli) issuerResult(r *registry.Registry, a *registry.Authority) issuerResult {
	last := a.Last()
	out := issuerResult{Authority: a.Name, Title: a.Title, Standing: "withdrawn", Kinds: []string{}, Pending: last.Published == 0,
		Keys: keyResults(standingKeys(a), c.keysHere(r, a.Name)), From: last.Statement.From, Reason: last.Statement.Reason}
	if a.Standing != nil {
		out.Standing, out.Kinds = "accredited", a.Standing.Kinds
	}
	since := last.Published
	for i := len(a.Said) - 1; i >= 0 && a.Said[i].Statement.Action == last.Statement.Action; i-- {
		since = a.Said[i].Published // the first of the unbroken run of the same
	}
	if since != 0 {
		text := stamp(since)
		out.Since = &text
	}
	return out
}

func (c *cli) tellIssuer(i issuerResult, keys string) {
	since := "not published yet"
	if i.Since != nil {
		since = *i.Since
	}
	fmt.Fprintf(c.stdout, "%s\n", i.Authority)
	c.fact("title", i.Title)
	if i.Standing == "withdrawn" {
		c.fact("withdrawn", since)
		if i.From != nil {
			c.fact("", fmt.Sprintf("what it has said from place %d of the ledger on is not believed", *i.From))
		}
		c.fact("reason", i.Reason)
		return
	}
	c.fact("issues", kindsText(i.Kinds))
	c.fact("since", since)
	c.fact("keys", keys)
	if i.Pending && i.Since != nil {
		c.fact("", "a change of it is not published yet")
	}
}
