package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stele/build/keys"
	"stele/build/registry"
	"stele/proofs"
)

// keyResult of keys: what is in a folder.
type keptKey struct {
	Role  string `json:"role"`
	Name  string `json:"name"`
	Type  string `json:"type"`
	ID    string `json:"id"`
	File  string `json:"file"`
	Kept  string `json:"kept"` // file, token, elsewhere
	Where string `json:"where,omitempty"`
	State string `json:"state,omitempty"` // in force, retired, unknown; none without a trust file
	As    string `json:"as,omitempty"`    // what the trust file names it as
	Epoch uint64 `json:"epoch,omitempty"` // in which a retired one was last in force
	VKey  string `json:"vkey"`
}

func runKeys(c *cli) error {
	var dir, policy string
	var change bool
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&dir, "keys", "", "the folder of keys (default: that of --registry)")
		fs.StringVar(&policy, "policy", "", "a trust `FILE`, which tells which of them count (default: that of --registry, if no folder is named)")
		fs.BoolVar(&change, "change-passphrase", false, "give the folder another passphrase")
	})
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele keys --keys "+shell(args[0]), "keys takes no arguments, got %s", shown(args[0]))
	}
	epochs, r, err := c.epochsFor(dir, policy)
	if err != nil {
		return err
	}
	var store *keys.Store
	if r != nil {
		dir, store = filepath.Join(r.Dir, "keys"), r.Keys
	} else if store, err = keys.Open(dir, c.passphrase()); err != nil {
		return err
	}
	store.AllowDemo = true // to be listed
	if change {
		return c.changePassphrase(dir, store)
	}
	infos, err := store.List()
	if err != nil {
		return err
	}
	all := []keptKey{}
	for _, i := range infos {
		all = append(all, kept(dir, i, epochs))
	}
	if r != nil {
		if err := c.accredited(r, infos, all); err != nil {
			return err
		}
	}
	return c.tellKeys(dir, all)
}

// accredited tells of authorities' keys what the root has said of them.
func (c *cli) accredited(r *registry.Registry, infos []keys.Info, all []keptKey) error {
	as, err := r.Authorities(c.ctx)
	for n, i := range infos {
		for _, a := range as {
			if i.Role != keys.Issuer || i.Key.Name != a.Name || !a.Had(i.Key) {
				continue
			}
			if all[n].State, all[n].As = "retired", "issuer"; a.Standing != nil && slices.ContainsFunc(a.Standing.Keys, i.Key.Equal) {
				all[n].State = "in force"
			}
		}
	}
	return err
}

// epochsFor are the trust files to judge keys by, the newest last.
func (c *cli) epochsFor(dir, policy string) ([]*proofs.Trust, *registry.Registry, error) {
	if policy != "" {
		k := &check{policy: policy}
		err := k.openTrust(c, false)
		return []*proofs.Trust{k.trust}, nil, err
	}
	if dir != "" {
		return nil, nil, nil
	}
	r, err := c.open()
	if err != nil {
		return nil, nil, err
	}
	epochs, err := r.Epochs()
	if err != nil {
		c.note("note: %s", plain(err))
		epochs = []*proofs.Trust{r.Trust}
	}
	return epochs, r, nil
}

func (c *cli) tellKeys(dir string, all []keptKey) error {
	if c.json {
		return c.printJSON(map[string]any{"keys": all, "folder": dir})
	}
	for _, k := range all {
		fmt.Fprintf(c.stdout, "%s\n", k.Name)
		c.fact("role", k.Role)
		c.fact("key", k.Type+" "+k.ID)
		c.fact("kept", map[string]string{"file": "in " + k.Where, "token": k.Where, "elsewhere": "elsewhere: only its public half is here"}[k.Kept])
		switch k.State {
		case "in force":
			c.fact("in force", "as "+k.As)
		case "retired":
			if k.Epoch == 0 {
				c.fact("retired", "its authority is no more accredited with it")
				break
			}
			c.fact("retired", fmt.Sprintf("it was in force as %s until epoch %d ended", k.As, k.Epoch))
		case "unknown":
			c.fact("unknown", "no trust file in hand names it, and no accreditation that is in hand")
		}
	}
	if len(all) == 0 {
		c.note("%s holds no keys", shown(dir))
	}
	return nil
}

func kept(dir string, i keys.Info, epochs []*proofs.Trust) keptKey {
	k := keptKey{Role: string(i.Role), Name: i.Key.Name, Type: i.Key.Type.String(), ID: registry.KeyID(i.Key), File: i.File, VKey: i.Key.String(), Kept: "elsewhere"}
	switch {
	case i.Token != nil:
		k.Kept, k.Where = "token", fmt.Sprintf("on the token %s, as %s (%s)", i.Token.Label, i.Token.Object, i.Token.Module)
	case i.Private:
		k.Kept, k.Where = "file", filepath.Join(dir, i.File+".key")
	}
	if len(epochs) == 0 {
		return k
	}
	k.State = "unknown"
	newest := epochs[len(epochs)-1]
	if k.As = registry.Names(newest, i.Key); k.As != "" {
		k.State = "in force"
		return k
	}
	for _, t := range slices.Backward(epochs[:len(epochs)-1]) {
		if k.As = registry.Names(t, i.Key); k.As != "" {
			k.State, k.Epoch = "retired", t.Epoch
			return k
		}
	}
	for n, e := range slices.Backward(newest.Eras) { // where the trust file alone is in hand
		as := map[bool]string{true: "publication"}[e.Publication.Equal(i.Key)]
		if slices.ContainsFunc(e.RootKeys, i.Key.Equal) {
			as = "root"
		}
		if as != "" {
			k.State, k.As, k.Epoch = "retired", as, uint64(n)+1
			return k
		}
	}
	return k
}

// changePassphrase asks for the old and the new passphrase; a script names files for both.
func (c *cli) changePassphrase(dir string, store *keys.Store) error {
	fresh := keys.Ask(func(name string) string { return os.Getenv(strings.Replace(name, "STELE_", "STELE_NEW_", 1)) }, c.stdin, c.stderr)
	err := store.ChangePassphrase(fresh)
	if errors.Is(err, keys.ErrNoPassphrase) && (os.Getenv("STELE_PASSPHRASE_FILE") != "" || os.Getenv("STELE_PASSPHRASE") != "") {
		return &registry.Error{Err: errors.New("no new passphrase, and no terminal to ask on"), Hint: "set STELE_NEW_PASSPHRASE_FILE to the path of a file with the new passphrase on its first line"}
	}
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(map[string]string{"keys": dir, "state": "passphrase changed"})
	}
	fmt.Fprintf(c.stdout, "%s has a new passphrase; copies of the folder that were made before still open with the old one\n", shown(dir))
	return nil
}
