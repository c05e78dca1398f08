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
	var a registry.Accreditation
	var kinds, vkeys, retire list
	var out string
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&a.Title, "title", "", "the authority's name, for people (default: as it is, or AUTHORITY)")
		fs.Var(&kinds, "kind", "a kind of document that it may issue; may be repeated (default: as they are, or any)")
		fs.Var(&vkeys, "key", "a public key of the authority, as stele key prints it, whose private key is elsewhere; may be repeated")
		fs.BoolVar(&a.NewKey, "new-key", false, "make a further key here; the authority's next statements are signed with it")
		outFlag(fs, &out)
		fs.Var(&retire, "retire-key", "the ID of a key that is to sign no more; what it has signed stays valid; may be repeated")
	})
	if err != nil {
		return err
	}
	const example = `stele accredit education.gov.example --title "Ministry of Education" --kind diploma`
	if len(args) != 1 {
		return usage(example, "accredit takes one authority, got %d", len(args))
	}
	a.Authority, a.Retire = args[0], retire
	if err := registry.CheckAuthority(a.Authority); err != nil {
		return usage(example, "%w", err)
	}
	if a.Title != "" {
		if err := checkTitle("--title", a.Title); err != nil {
			return err
		}
	}
	if a.Kinds, err = checkKinds(kinds); err != nil {
		return err
	}
	if a.Add, err = checkKeys(a.Authority, vkeys); err != nil {
		return err
	}
	if err := checkOut(out); err != nil {
		return err
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	a.Say = c.sayTo(r, out)
	return c.accredit(r, a)
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

// checkKeys parses public keys that are an authority's.
func checkKeys(name string, vkeys list) ([]*proofs.Key, error) {
	const hint = "paste the whole line that stele key AUTHORITY has printed on the authority's own machine"
	var out []*proofs.Key
	for _, v := range vkeys {
		k, err := proofs.ParseKey(v)
		switch {
		case err != nil:
			return nil, usage(hint, "--key: %w", err)
		case k.Type != proofs.Ed25519Key:
			return nil, usage(hint, "--key %s: an %s key for something else, want the Ed25519 key of an issuer", v, k.Type)
		case k.Name != name:
			return nil, usage("look whether the key or the authority is the wrong one", "--key is a key of %s, want one of %s", k.Name, name)
		}
		out = append(out, k)
	}
	return out, nil
}

// accredit leaves what was not said as it stands. A new authority is called by its name and may issue any kind.
func (c *cli) accredit(r *registry.Registry, a registry.Accreditation) error {
	known, err := r.Authority(c.ctx, a.Authority)
	if err != nil {
		return err
	}
	if len(known.Said) > 0 && a.Title == "" {
		a.Title = known.Title
		c.note("note: its title stays %s; --title changes it", shown(a.Title))
	}
	if known.Standing != nil && len(a.Kinds) == 0 {
		a.Kinds = known.Standing.Kinds
		c.note("note: its kinds stay %s; --kind changes them, all at once", kindsText(a.Kinds))
	}
	if len(a.Kinds) == 0 {
		a.Kinds = list{"*"}
	}
	a.Title = cmp.Or(a.Title, a.Authority)
	after, err := r.AccreditKeys(a)
	if err != nil && !errors.Is(err, registry.ErrStands) {
		return err
	}
	if a.Say != nil && err == nil { // it was told as it was written
		return nil
	}
	return c.tellAccredit(r, a, known, after, err == nil)
}

func (c *cli) tellAccredit(r *registry.Registry, a registry.Accreditation, known *registry.Authority, after []*proofs.Key, added bool) error {
	var before []*proofs.Key
	if known.Standing != nil {
		before = known.Standing.Keys
	}
	here := c.keysHere(r, a.Authority)
	state, text := "pending", "%s may issue %s, once published: "+c.inRegistry("stele publish")+"\n"
	if !added {
		state, text = "already", "%s may issue %s already, under the same title: nothing added\n"
	}
	if c.json {
		return c.printJSON(map[string]any{"authority": a.Authority, "title": a.Title, "kinds": a.Kinds, "state": state,
			"keys_before": keyResults(before, here), "keys": keyResults(after, here)})
	}
	fmt.Fprintf(c.stdout, text, a.Authority, kindsText(a.Kinds))
	if same(before, after) {
		return nil
	}
	if len(before) > 0 {
		c.fact("keys before", keysText(before, here))
	}
	c.fact("keys", keysText(after, here))
	if !slices.ContainsFunc(after, func(k *proofs.Key) bool { return slices.ContainsFunc(here, k.Equal) }) {
		c.note("note: none of its keys is here: its statements are signed elsewhere")
	}
	return nil
}

func kindsText(kinds []string) string {
	return strings.ReplaceAll(strings.Join(kinds, ", "), "*", "any kind")
}

// A keyResult is a key in a JSON answer.
type keyResult struct {
	ID   string `json:"id"`
	VKey string `json:"vkey"`
	Here bool   `json:"here"` // the private key is in this folder
}

func keyResults(all, here []*proofs.Key) []keyResult {
	out := []keyResult{}
	for _, k := range all {
		out = append(out, keyResult{registry.KeyID(k), k.String(), slices.ContainsFunc(here, k.Equal)})
	}
	return out
}

// keysText names keys by their IDs, and which of them signs here: the newest.
func keysText(all, here []*proofs.Key) string {
	signs := slices.DeleteFunc(slices.Clone(here), func(k *proofs.Key) bool { return !slices.ContainsFunc(all, k.Equal) })
	var out []string
	for _, k := range all {
		switch {
		case len(signs) > 0 && k.Equal(signs[len(signs)-1]):
			out = append(out, registry.KeyID(k)+" (here, signs)")
		case slices.ContainsFunc(here, k.Equal):
			out = append(out, registry.KeyID(k)+" (here)")
		default:
			out = append(out, registry.KeyID(k)+" (elsewhere)")
		}
	}
	return strings.Join(out, ", ")
}

// keysHere are an authority's keys in the registry's folder, the newest last; none where the folder cannot be read.
func (c *cli) keysHere(r *registry.Registry, name string) []*proofs.Key {
	if r.Keys == nil {
		return nil
	}
	ring, err := r.Ring()
	if err != nil {
		return nil
	}
	return ring.Keys(name)
}

func same(a, b []*proofs.Key) bool {
	return slices.EqualFunc(a, b, func(x, y *proofs.Key) bool { return x.Equal(y) })
}
