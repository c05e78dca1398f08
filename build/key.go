package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"stele/build/issuer"
	"stele/build/keys"
	"stele/build/registry"
	"stele/proofs"
)

func runKey(c *cli) error {
	var dir string
	var fresh bool
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&dir, "keys", "keys", "the folder for the authority's keys; it is made if there is none")
		fs.BoolVar(&fresh, "new", false, "make a further key, although there is one")
	})
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return usage("stele key education.gov.example --keys DIR", "key takes one authority, got %d", len(args))
	}
	name := args[0]
	if err := registry.CheckAuthority(name); err != nil {
		return usage("stele key education.gov.example --keys DIR", "%w", err)
	}
	if registry.IsRegistry(dir) {
		return usage("stele key "+name+" --keys "+shell(filepath.Join(dir, "keys")), "%s is a registry's folder, want a folder of keys", shown(dir))
	}
	store, err := c.keyStore(dir)
	if err != nil {
		return err
	}
	ring, err := issuer.OpenRing(store)
	if err != nil {
		return err
	}
	state := "already"
	if len(ring.Keys(name)) == 0 || fresh {
		state = "made"
		if _, err := ring.Make(name); err != nil {
			return err
		}
	}
	all := ring.Keys(name)
	return c.tellKey(dir, name, state, all[len(all)-1])
}

// keyStore opens a folder of keys, or makes one.
func (c *cli) keyStore(dir string) (*keys.Store, error) {
	store, err := keys.Open(dir, c.passphrase())
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return store, err
	}
	isNew := !exists(dir)
	if store, err = keys.Create(dir, c.passphrase(), false); err != nil && isNew {
		os.Remove(dir) // fails where there is anything inside
	}
	return store, err
}

func (c *cli) tellKey(dir, name, state string, key *proofs.Key) error {
	if c.json {
		return c.printJSON(map[string]string{"authority": name, "state": state, "id": registry.KeyID(key), "vkey": key.String(), "keys": dir})
	}
	if state == "already" {
		c.note("note: there is a key already; --new makes a further one")
	}
	fmt.Fprintf(c.stdout, "%s\n", key)
	c.note("the line above is public: give it to the registry's office, which types\n  stele accredit %s --key %s", name, key)
	if state == "made" {
		c.note("keep %s and its passphrase: without them nothing can be signed", shown(dir))
	}
	return nil
}
