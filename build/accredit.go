package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"stele/build/registry"
	"stele/proofs"
)

func runAccredit(c *cli) error {
	var title string
	var kinds list
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&title, "title", "", "the authority's name, for people (default: as it is, or AUTHORITY)")
		fs.Var(&kinds, "kind", "a kind of document that it may issue; may be repeated (default: as they are, or any)")
	})
	if err != nil {
		return err
	}
	const example = `stele accredit education.gov.example --title "Ministry of Education" --kind diploma`
	if len(args) != 1 {
		return usage(example, "accredit takes one authority, got %d", len(args))
	}
	name := args[0]
	if err := registry.CheckAuthority(name); err != nil {
		return usage(example, "%w", err)
	}
	if title != "" {
		if err := checkTitle("--title", title); err != nil {
			return err
		}
	}
	if kinds, err = checkKinds(kinds); err != nil {
		return err
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	return c.accredit(r, name, title, kinds)
}

// checkTitle refuses a name for people that no statement can say.
func checkTitle(flag, title string) error {
	if !proofs.IsText(title) {
		return usage("write it on one line, without control characters", "%s %q: want 1 to 1000 bytes of text", flag, title)
	}
	return nil
}

// checkKinds sorts kinds, each once.
func checkKinds(kinds list) (list, error) {
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	for _, k := range kinds {
		if !proofs.IsWord(k) && !(k == "*" && len(kinds) == 1) {
			return nil, usage("stele accredit AUTHORITY --kind diploma --kind transcript",
				"--kind %q: want words of lower-case letters, digits and hyphens, or * alone for any", k)
		}
	}
	return kinds, nil
}

// accredit leaves what was not said as it stands. A new authority is called by its name and may issue any kind.
func (c *cli) accredit(r *registry.Registry, name, title string, kinds list) error {
	as, err := r.AuthoritiesPending()
	if err != nil {
		return err
	}
	if a := as[name]; a != nil && title == "" {
		title = a.LatestTitle()
		c.note("note: its title stays %s; --title changes it", shown(title))
	}
	if standing := as[name].Stands(); standing != nil && len(kinds) == 0 {
		kinds = standing.Kinds
		c.note("note: its kinds stay %s; --kind changes them, all at once", kindsText(kinds))
	}
	if len(kinds) == 0 {
		kinds = list{"*"}
	}
	title = cmp.Or(title, name)
	err = r.Accredit(name, title, kinds)
	if err != nil && !errors.Is(err, registry.ErrStands) {
		return err
	}
	return c.tellAccredit(name, title, kinds, err == nil)
}

func (c *cli) tellAccredit(name, title string, kinds list, added bool) error {
	state, text := "pending", "%s may issue %s, once published: "+c.inRegistry("stele publish")+"\n"
	if !added {
		state, text = "already", "%s may issue %s already, under the same title: nothing added\n"
	}
	if c.json {
		return c.printJSON(map[string]any{"authority": name, "title": title, "kinds": kinds, "state": state})
	}
	fmt.Fprintf(c.stdout, text, name, kindsText(kinds))
	return nil
}

func kindsText(kinds []string) string {
	return strings.ReplaceAll(strings.Join(kinds, ", "), "*", "any kind")
}
