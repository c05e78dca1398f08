package main

import (
	"flag"
	"fmt"
	"strings"
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
	if len(args) != 1 {
		return usage("stele accredit education.gov.example --title \"Ministry of Education\" --kind diploma", "accredit takes one authority, got %d", len(args))
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	if title == "" {
		title = args[0]
	}
	if len(kinds) == 0 {
		kinds = list{"*"}
	}
	if err := r.Accredit(args[0], title, kinds); err != nil {
		return err
	}
	if c.json {
		return c.printJSON(map[string]any{"authority": args[0], "title": title, "kinds": kinds, "state": "pending"})
	}
	fmt.Fprintf(c.stdout, "%s may issue %s, once published\n", args[0], strings.ReplaceAll(kinds.String(), "*", "any kind"))
	return nil
}
