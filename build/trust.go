package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"stele/build/keys"
	"stele/build/registry"
	"stele/proofs"
)

func runTrust(c *cli) error {
	if len(c.args) > 0 {
		sub := map[string]func(*cli) error{"change": runTrustChange, "sign": runSign, "cancel": runTrustCancel}[c.args[0]]
		if sub != nil {
			c.cmd.name += " " + c.args[0]
			c.args = c.args[1:]
			return sub(c)
		}
	}
	return runTrustShow(c)
}

// trustResult is the JSON answer of trust.
type trustResult struct {
	Registry string        `json:"registry"`
	Epoch    uint64        `json:"epoch"`
	SHA256   string        `json:"sha256"`
	Says     []saying      `json:"says"`
	Epochs   []epochResult `json:"earlier_epochs"`
	Change   *changeResult `json:"change,omitempty"` // one that is under way
}

// A saying is one thing that a trust file says, under a word.
type saying struct {
	About string `json:"about"`
	Text  string `json:"text"`
}

type epochResult struct {
	Epoch  uint64 `json:"epoch"`
	SHA256 string `json:"sha256,omitempty"` // of its trust file, where that is known
	Final  uint64 `json:"final"`            // entries of the ledger with which it ended
}

// changeResult is the JSON answer of trust change.
type changeResult struct {
	Epoch   uint64   `json:"epoch"`
	SHA256  string   `json:"sha256"`
	Final   uint64   `json:"final"`
	Removed []saying `json:"removed"`
	Added   []saying `json:"added"`
	Made    []string `json:"made,omitempty"` // IDs of keys that were made for it
	State   string   `json:"state"`          // held, pending, proposed
	File    string   `json:"file,omitempty"`
}

func runTrustShow(c *cli) error {
	var policy string
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&policy, "policy", "", "a trust `FILE` to tell of (default: that of --registry)")
	})
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele trust; stele trust change …; stele trust sign FILE; stele trust cancel", "trust takes change, sign or cancel first, got %s", shown(args[0]))
	}
	if policy != "" {
		k := &check{policy: policy}
		if err := k.openTrust(c, false); err != nil {
			return err
		}
		return c.tellTrust(trustOf(k.trust, nil), k.trust, nil)
	}
	r, err := c.look()
	if err != nil {
		return err
	}
	epochs, err := r.Epochs()
	if err != nil {
		c.note("note: %s", plain(err))
	}
	out := trustOf(r.Trust, epochs)
	next, stage, err := r.Changing()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if next != nil {
		ch := changeOf(r.Trust, next)
		ch.State = string(stage)
		out.Change = &ch
	}
	return c.tellTrust(out, r.Trust, next)
}

func trustOf(t *proofs.Trust, epochs []*proofs.Trust) trustResult {
	out := trustResult{Registry: t.Origin, Epoch: t.Epoch, SHA256: t.ID().String(), Says: says(t), Epochs: []epochResult{}}
	for i, e := range t.Eras {
		er := epochResult{Epoch: uint64(i) + 1, Final: e.Last}
		for _, known := range epochs {
			if known.Epoch == er.Epoch {
				er.SHA256 = known.ID().String()
			}
		}
		out.Epochs = append(out.Epochs, er)
	}
	if n := len(out.Epochs); n > 0 && out.Epochs[n-1].SHA256 == "" {
		out.Epochs[n-1].SHA256 = t.Previous.String()
	}
	return out
}

func (c *cli) tellTrust(out trustResult, t, next *proofs.Trust) error {
	if c.json {
		return c.printJSON(out)
	}
	fmt.Fprintf(c.stdout, "%s, epoch %d\n", out.Registry, out.Epoch)
	c.fact("fingerprint", "sha256 "+out.SHA256)
	for _, s := range out.Says {
		c.fact(s.About, s.Text)
	}
	for _, e := range slices.Backward(out.Epochs) {
		c.fact("before", fmt.Sprintf("epoch %d, which ended with %d entries %s", e.Epoch, e.Final, e.SHA256))
	}
	if next == nil {
		return nil
	}
	cancel := c.inRegistry("stele trust cancel")
	switch registry.Stage(out.Change.State) {
	case registry.ChangeHeld:
		fmt.Fprintf(c.stdout, "\na change waits for the root's signatures; nothing new is published until it has them, or is taken back: %s\n", cancel)
	case registry.ChangePending:
		fmt.Fprintf(c.stdout, "\na change waits to be published: %s; to take it back: %s\n", c.inRegistry("stele publish"), cancel)
	case registry.ChangeProposed:
		fmt.Fprintf(c.stdout, "\na change is in the ledger, and waits for officers and witnesses: %s tells for whom\n", c.inRegistry("stele publish"))
	}
	c.tellChange(t, next)
	return nil
}

// says tells what a trust file says, in words.
func says(t *proofs.Trust) []saying {
	out := []saying{{"title", t.Title}}
	if t.Demo {
		out = append(out, saying{"", "a demonstration: its keys are public"})
	}
	add := func(about, format string, args ...any) {
		out = append(out, saying{about, fmt.Sprintf(format, args...)})
	}
	add("root", "%d of %s must sign what the root says", t.RootThreshold, plural(len(t.RootKeys), "key", "keys"))
	for _, k := range t.RootKeys {
		add("root key", "%s", registry.KeyID(k))
	}
	for _, l := range t.Policy.Logs {
		add("log key", "Ed25519 %s", registry.KeyID(l.Key))
	}
	for _, w := range t.Policy.Witnesses {
		if registry.Names(t, w.Key) == "log" {
			add("log key", "%s %s", w.Key.Type, registry.KeyID(w.Key))
		}
	}
	add("publication", "signs the index with %s", registry.KeyID(t.Publication))
	out = append(out, role(t, "officers", "officer", t.Officers, "approve a publication", "nobody approves a publication")...)
	out = append(out, role(t, "witnesses", "witness", t.Witnesses, "have seen the ledger only grow", "no outsider looks whether the ledger only grows")...)
	add("stale", "what is older than %s is stale", spanOf(t.StaleAfter))
	add("approval", "an officer's is carried over for %s", spanOf(t.ApprovalAge))
	if t.NeedSHA3 {
		add("digests", "SHA-256 and SHA3-512")
	}
	return out
}

// role tells who the officers or the witnesses are.
func role(t *proofs.Trust, many, one, name, do, nobody string) []saying {
	if name == "none" {
		return []saying{{many, "none: " + nobody}}
	}
	i := slices.IndexFunc(t.Policy.Groups, func(g proofs.PolicyGroup) bool { return g.Name == name })
	if i < 0 {
		return []saying{{many, "1 of 1 must " + do}, {one, member(t, name)}}
	}
	g := t.Policy.Groups[i]
	out := []saying{{many, fmt.Sprintf("%d of %d must %s", g.K, len(g.Members), do)}}
	for _, m := range g.Members {
		out = append(out, saying{one, member(t, m)})
	}
	return out
}

// member tells of a key, of several under one name, or of a group within a group.
func member(t *proofs.Trust, name string) string {
	p := t.Policy
	leaves := p.Leaves(name)
	same := func(w int) bool { return p.Witnesses[w].Key.Name == p.Witnesses[leaves[0]].Key.Name }
	i := slices.IndexFunc(p.Groups, func(g proofs.PolicyGroup) bool { return g.Name == name })
	if i < 0 || p.Groups[i].K == len(leaves) && !slices.ContainsFunc(leaves, func(w int) bool { return !same(w) }) {
		w := p.Witnesses[leaves[0]]
		var kinds []string
		for _, l := range leaves {
			kinds = append(kinds, p.Witnesses[l].Key.Type.String()+" "+registry.KeyID(p.Witnesses[l].Key))
		}
		text := w.Key.Name + ": " + strings.Join(kinds, " and ")
		if w.URL != "" {
			text += ", at " + w.URL
		}
		return text
	}
	var members []string
	for _, m := range p.Groups[i].Members {
		members = append(members, member(t, m))
	}
	return fmt.Sprintf("%d of these %d: (%s)", p.Groups[i].K, len(members), strings.Join(members, "; "))
}

// duration tells seconds in the unit that people would use.
func spanOf(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d%(24*time.Hour) == 0:
		return plural(int(d/(24*time.Hour)), "day", "days")
	case d%time.Hour == 0:
		return plural(int(d/time.Hour), "hour", "hours")
	}
	return d.String()
}

func changeOf(t, next *proofs.Trust) changeResult {
	out := changeResult{Epoch: next.Epoch, SHA256: next.ID().String(), Final: next.FinalSize, Removed: []saying{}, Added: []saying{}}
	was, will := says(t), says(next)
	for _, s := range was {
		if !slices.Contains(will, s) {
			out.Removed = append(out.Removed, s)
		}
	}
	for _, s := range will {
		if !slices.Contains(was, s) {
			out.Added = append(out.Added, s)
		}
	}
	return out
}

// tellChange tells the difference between two trust files in words.
func (c *cli) tellChange(t, next *proofs.Trust) {
	ch := changeOf(t, next)
	c.fact("trust file", fmt.Sprintf("of epoch %d, after the %d entries of epoch %d", next.Epoch, next.FinalSize, t.Epoch))
	c.fact("", "sha256 "+ch.SHA256)
	for _, s := range ch.Removed {
		c.fact("no more", strings.TrimSpace(s.About+": "+s.Text))
	}
	for _, s := range ch.Added {
		c.fact("from then on", strings.TrimSpace(s.About+": "+s.Text))
	}
}

func runTrustChange(c *cli) error {
	var ch registry.TrustChange
	var f signerFlags
	var fresh, remove list
	var out string
	args, err := c.parse(func(fs *flag.FlagSet) {
		f.define(fs)
		fs.Var(&fresh, "new-key", "replace the registry's own key, `log`, log-mldsa44 or publication; or add a root key (root). One that stele key has made in DIR/keys is taken, else one is made; may be repeated")
		fs.Var(&f.roots, "add-root", keyOrFile+", of a holder of a root key; may be repeated")
		fs.Var(&remove, "remove-root", "the `ID` of a root key that is to sign no more; may be repeated")
		fs.Var(&f.dropOfficers, "drop-officer", "the `NAME` of one who is no officer any more; may be repeated")
		fs.Var(&f.dropWitnesses, "drop-witness", "the `NAME` of one that is no witness any more; may be repeated")
		fs.DurationVar(&ch.Fresh, "fresh", 0, "how old a signature may be before verifiers call it stale")
		fs.DurationVar(&ch.ApprovalAge, "approval-age", 0, "how long an officer's approval is carried over while nothing new is published")
		fs.StringVar(&ch.Title, "title", "", "the registry's name, for people")
		outFlag(fs, &out)
	})
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele trust change --officer KEY --officers 2", "trust change takes flags only, got %s", shown(args[0]))
	}
	ch.RemoveRoot, ch.Root = remove, f.root
	if ch.NewKeys, err = newKeys(fresh); err != nil {
		return err
	}
	if ch.Roles, err = f.roles(); err != nil {
		return err
	}
	for _, v := range f.roots {
		more, err := readKeys("--add-root", v)
		if err != nil {
			return err
		}
		ch.AddRoot = append(ch.AddRoot, more...)
	}
	if err := cmp.Or(checkAge("--fresh", ch.Fresh), checkAge("--approval-age", ch.ApprovalAge), checkOut(out)); err != nil {
		return err
	}
	if ch.Title != "" {
		if err := checkTitle("--title", ch.Title); err != nil {
			return err
		}
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	return c.changeTrust(r, ch, out)
}

func newKeys(given list) ([]keys.Role, error) {
	var out []keys.Role
	for _, v := range given {
		role := keys.Role(v)
		if !slices.Contains([]keys.Role{keys.Log, keys.LogMLDSA44, keys.Publication, keys.Root}, role) || slices.Contains(out, role) {
			return nil, usage("stele trust change --new-key log --new-key log-mldsa44", "--new-key %s: want log, log-mldsa44, publication or root, each once", shown(v))
		}
		out = append(out, role)
	}
	return out, nil
}

func checkAge(flag string, d time.Duration) error {
	if d < 0 || d%time.Second != 0 || d > 365*24*time.Hour {
		return usage("such as 48h", "%s %s: want whole seconds, from 1s to 8760h", flag, d)
	}
	return nil
}

// changeTrust prepares the next trust file, and queues the root's statement or writes it for the holders of root keys.
func (c *cli) changeTrust(r *registry.Registry, ch registry.TrustChange, out string) error {
	next, made, err := r.NextTrust(ch)
	if err != nil {
		return err
	}
	for _, k := range made {
		c.note("note: a new key signs from the next epoch on: %s %s, of %s", k.Type, registry.KeyID(k), k.Name)
	}
	if was, will := r.Trust.Policy.Logs, next.Policy.Logs; len(was) > 0 && !slices.ContainsFunc(was, func(l proofs.PolicyKey) bool { return l.Key.Equal(will[0].Key) }) {
		c.note("note: witnesses put this line into their logs files, beside the old one until the change is published:\n  log %s", will[0].Key)
	} else if had := r.Trust.Policy.Leaves(r.Trust.Witnesses); len(next.Policy.Leaves(next.Witnesses)) > len(had) {
		c.tellWitnesses(next)
	}
	j := r.TrustStatement(next)
	if out == "" {
		ring, err := r.Ring()
		if err != nil {
			return err
		}
		if _, err := j.Sign(ring, r.Trust); err != nil {
			return err
		}
		if n := j.Missing(r.Trust); n > 0 {
			return &registry.Error{Err: fmt.Errorf("root keys here: %d; have to sign: %d", len(j.Lines), r.Trust.RootThreshold),
				Hint: "add --out FILE: it is written for the other holders of root keys to sign; from then on nothing new is published until they have"}
		}
		if err := r.ChangeTrust(c.ctx, next, j.Entry()); err != nil {
			return err
		}
		return c.tellQueued(r.Trust, next, made)
	}
	if err := r.HoldTrust(c.ctx, next); err != nil {
		return err
	}
	if err := c.writeJoint(r, j, out); err != nil {
		return err
	}
	c.note("note: until it is handed in and published, or taken back with %s, nothing new is published", c.inRegistry("stele trust cancel"))
	return nil
}

func (c *cli) tellQueued(t, next *proofs.Trust, made []*proofs.Key) error {
	if c.json {
		ch := changeOf(t, next)
		ch.State, ch.Made = "pending", idsOf(made)
		return c.printJSON(ch)
	}
	fmt.Fprintf(c.stdout, "a change of trust, signed by the root\n")
	c.tellChange(t, next)
	fmt.Fprintf(c.stdout, "in force once published: %s\nafter that, give everybody who pinned the old trust file the new one, %s; clients follow by themselves as long as the old signers agree\n",
		c.inRegistry("stele publish"), "/"+proofs.TrustPath(next.Epoch))
	return nil
}

func runTrustCancel(c *cli) error {
	args, err := c.parse(nil)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele trust cancel", "trust cancel takes no arguments, got %s", shown(args[0]))
	}
	r, err := c.look()
	if err != nil {
		return err
	}
	next, _, errNext := r.Changing()
	if err := r.CancelTrust(c.ctx); err != nil {
		return err
	}
	epoch := ""
	if errNext == nil {
		epoch = " to epoch " + strconv.FormatUint(next.Epoch, 10)
	}
	if c.json {
		return c.printJSON(map[string]any{"state": "cancelled", "epoch": r.Trust.Epoch})
	}
	fmt.Fprintf(c.stdout, "the change%s is taken back: epoch %d goes on, and what waits is published again\n", epoch, r.Trust.Epoch)
	return nil
}
