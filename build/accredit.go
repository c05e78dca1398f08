package main

import (
	"cmp"
	"flag"
	"fmt"
	"slices"
	"strings"

	"stele/proofs"
)

func runAccredit(c *cli) error {
	var title string
	var kinds list
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&title, "title", "", "the authority's name, for people (default: AUTHORITY)")
		fs.Var(&kinds, "kind", "a kind of document that it may issue; may be repeated (default: any)")
	})
	if err != nil {
		return err
	}
	const example = `stele accredit education.gov.example --title "Ministry of Education" --kind diploma`
	if len(args) != 1 {
		return usage(example, "accredit takes one authority, got %d", len(args))
	}
	name := args[0]
	title = cmp.Or(title, name)
	if len(kinds) == 0 {
		kinds = list{"*"}
	}
	if !proofs.IsName(name) {
		return usage(example, "authority %q: want lower-case letters, digits and . - _ / inside, at most 128", name)
	}
	if !proofs.IsText(title) {
		return usage("write it on one line, without control characters", "--title %q: want 1 to 1000 bytes of text", title)
	}
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	for _, k := range kinds {
		if !proofs.IsWord(k) && !(k == "*" && len(kinds) == 1) {
			return usage(example, "--kind %q: want words of lower-case letters, digits and hyphens, or * alone for any", k)
		}
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	if err := r.Accredit(name, title, kinds); err != nil {
		return err
	}
	if c.json {
		return c.printJSON(map[string]any{"authority": name, "title": title, "kinds": kinds, "state": "pending"})
	}
	fmt.Fprintf(c.stdout, "%s may issue %s, once published: %s\n", name, strings.ReplaceAll(kinds.String(), "*", "any kind"), c.inRegistry("stele publish"))
	return nil
}
