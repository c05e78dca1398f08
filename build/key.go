package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stele/build/issuer"
	"stele/build/keys"
	"stele/build/registry"
	"stele/proofs"
)

// A wantedKey is what key was asked to make.
type wantedKey struct {
	name, dir string
	role      keys.Role
	types     []proofs.KeyType
	fresh     bool
	module    string // of a token; empty for files
	label     string
	object    string
}

func runKey(c *cli) error {
	var w wantedKey
	var role string
	var ed25519 bool
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&w.dir, "keys", "keys", "the folder for the keys; it is made if there is none")
		fs.StringVar(&role, "role", string(keys.Issuer), "what the key is for: `ROLE` is issuer, officer, witness, root, log, log-mldsa44 or publication")
		fs.BoolVar(&ed25519, "ed25519", false, "for an officer or a witness, an Ed25519 key of the same name besides the ML-DSA-44 one")
		fs.BoolVar(&w.fresh, "new", false, "make a further key, although there is one")
		fs.StringVar(&w.module, "token", "", "keep it on a PKCS#11 token: the path of the token's `MODULE`, such as /usr/lib/softhsm/libsofthsm2.so; Ed25519 only.\n"+
			"        Its PIN is asked for, or read from the file named by STELE_PIN_FILE")
		fs.StringVar(&w.label, "token-label", "", "which token: its `LABEL`")
		fs.StringVar(&w.object, "object", "", "the key's `LABEL` on the token (default: the name); a key that has it is adopted, else one is made")
	})
	if err != nil {
		return err
	}
	if w.role = keys.Role(role); len(args) != 1 {
		return usage("stele key education.gov.example --keys DIR", "key takes one name, got %d", len(args))
	}
	w.name = args[0]
	if err := w.check(ed25519); err != nil {
		return err
	}
	if err := w.checkToken(); err != nil {
		return err
	}
	if registry.IsDeployment(w.dir) {
		return usage("choose a folder of its own with --keys", "%s is a deployment, which stele deploy has made: keep nothing else in it", shown(w.dir))
	}
	if registry.IsRegistry(w.dir) {
		return usage("stele key "+w.name+" --keys "+shell(filepath.Join(w.dir, "keys")), "%s is a registry's folder, want a folder of keys", shown(w.dir))
	}
	if w.role == keys.Issuer && w.module == "" {
		return c.issuerKey(w)
	}
	return c.roleKeys(w)
}

// check refuses names, roles and types that no key can have.
func (w *wantedKey) check(ed25519 bool) error {
	switch w.role {
	case keys.Issuer:
		if err := registry.CheckAuthority(w.name); err != nil {
			return usage("stele key education.gov.example --keys DIR", "%w", err)
		}
		w.types = []proofs.KeyType{proofs.Ed25519Key}
	case keys.Officer, keys.Witness:
		w.types = []proofs.KeyType{proofs.MLDSA44Key}
		if ed25519 && w.module != "" {
			w.types = []proofs.KeyType{proofs.CosignatureKey}
		} else if ed25519 {
			w.types = append(w.types, proofs.CosignatureKey)
		}
	case keys.LogMLDSA44:
		w.types = []proofs.KeyType{proofs.MLDSA44Key}
	case keys.Root, keys.Log, keys.Publication:
		w.types = []proofs.KeyType{proofs.Ed25519Key}
	default:
		return usage("stele key "+shell(w.name)+" --role officer", "--role %s: want issuer, officer, witness, root, log, log-mldsa44 or publication", shown(string(w.role)))
	}
	if !proofs.IsName(w.name) {
		return usage("use a name like anna.officers.gov.example", "name %s: want lower-case letters, digits and . - _ / inside, at most 128", shown(w.name))
	}
	if ed25519 && w.role != keys.Officer && w.role != keys.Witness {
		return usage("leave it out", "--ed25519 is for officers and witnesses: a key for %s has one type", w.role)
	}
	if want := map[keys.Role]string{keys.Root: "/root", keys.Publication: "/publication"}[w.role]; !strings.HasSuffix(w.name, want) {
		return usage("stele key "+w.name+want+" --role "+string(w.role), "a registry's %s key is named by its origin and %s", w.role, want)
	}
	return nil
}

func (w *wantedKey) checkToken() error {
	const example = "stele key NAME --role root --token /usr/lib/softhsm/libsofthsm2.so --token-label LABEL"
	switch {
	case w.module == "" && (w.label != "" || w.object != ""):
		return usage(example, "--token-label and --object say where on a token, and --token is missing")
	case w.module == "":
		return nil
	case w.label == "":
		return usage(example, "--token-label is missing: which token?")
	case slices.Contains(w.types, proofs.MLDSA44Key):
		hint := "leave --token out"
		if w.role == keys.Officer || w.role == keys.Witness {
			hint = "make the ML-DSA-44 key in a file, without --token; and the Ed25519 one on the token with --ed25519"
		}
		return usage(hint, "%w", keys.ErrNotOnToken)
	}
	abs, err := filepath.Abs(w.module)
	w.module = abs
	return err
}

// issuerKey makes an authority's key.
func (c *cli) issuerKey(w wantedKey) error {
	store, err := c.keyStore(w.dir)
	if err != nil {
		return err
	}
	ring, err := issuer.OpenRing(store)
	if err != nil {
		return err
	}
	state := "already"
	if len(ring.Keys(w.name)) == 0 || w.fresh {
		state = "made"
		if _, err := ring.Make(w.name); err != nil {
			return err
		}
	}
	all := ring.Keys(w.name)
	return c.tellMade(w, state, all[len(all)-1:])
}

// roleKeys makes the keys of any other role, and those on tokens.
func (c *cli) roleKeys(w wantedKey) error {
	store, err := c.storeFor(w)
	if err != nil {
		return err
	}
	infos, err := store.List()
	if err != nil {
		return err
	}
	state := "already"
	var out []*proofs.Key
	for _, t := range w.types {
		if k := w.newest(infos, t); k != nil && !w.fresh {
			out = append(out, k)
			continue
		}
		k, made, err := c.makeKey(store, infos, w, t)
		if err != nil {
			return err
		}
		if state = "made"; !made {
			state = "adopted"
		}
		out = append(out, k)
		if infos, err = store.List(); err != nil {
			return err
		}
	}
	return c.tellMade(w, state, out)
}

// newest is the key that is there already.
func (w *wantedKey) newest(infos []keys.Info, t proofs.KeyType) *proofs.Key {
	for _, i := range slices.Backward(infos) {
		if i.Private && i.Role == w.role && i.Key.Name == w.name && i.Key.Type == t {
			return i.Key
		}
	}
	return nil
}

func (c *cli) makeKey(store *keys.Store, infos []keys.Info, w wantedKey, t proofs.KeyType) (*proofs.Key, bool, error) {
	base := string(w.role)
	switch {
	case w.role == keys.Issuer:
		base = registry.IssuerKeyFile(w.name)
	case w.role == keys.Officer || w.role == keys.Witness:
		base += "-" + strings.ReplaceAll(w.name, "/", "_") + map[proofs.KeyType]string{proofs.CosignatureKey: "-ed25519"}[t]
	}
	file := registry.FreeFile(infos, base)
	if w.module == "" {
		k, err := store.Generate(file, w.name, w.role, t, rand.Reader)
		return k, true, err
	}
	object := w.object
	if object == "" {
		object = w.name
	}
	return store.AddToken(file, w.name, w.role, t, keys.Token{Module: w.module, Label: w.label, Object: object})
}

// storeFor opens a folder of keys, or makes one; for keys on tokens it needs no passphrase.
func (c *cli) storeFor(w wantedKey) (*keys.Store, error) {
	if w.module != "" {
		return keys.ForTokens(w.dir, c.passphrase())
	}
	store, err := c.keyStore(w.dir)
	if err == nil && !store.Sealed() { // so far there are only keys on tokens
		store, err = keys.Create(w.dir, c.passphrase(), false)
	}
	return store, err
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

func (c *cli) tellMade(w wantedKey, state string, all []*proofs.Key) error {
	if c.json {
		out := map[string]any{"authority": w.name, "role": w.role, "state": state, "id": registry.KeyID(all[0]), "vkey": all[0].String(), "keys": w.dir}
		if len(all) > 1 {
			out["id_ed25519"], out["vkey_ed25519"] = registry.KeyID(all[1]), all[1].String()
		}
		if w.role != keys.Issuer {
			delete(out, "authority")
			out["name"] = w.name
		}
		return c.printJSON(out)
	}
	if state == "already" {
		c.note("note: there is a key already; --new makes a further one")
	}
	for _, k := range all {
		fmt.Fprintf(c.stdout, "%s\n", k)
	}
	c.tellHandOver(w, all)
	switch {
	case w.module != "" && state != "already":
		c.note("it is on the token %s (%s); %s says where", shown(w.label), map[string]string{"made": "made there", "adopted": "it was there"}[state], shown(w.dir))
	case state == "made":
		c.note("keep %s and its passphrase: without them nothing can be signed", shown(w.dir))
	}
	return nil
}

// tellHandOver tells what the public key is for.
func (c *cli) tellHandOver(w wantedKey, all []*proofs.Key) {
	lines := "the line above is public: give it"
	if len(all) > 1 {
		lines = "the lines above are public: give them, in a file say,"
	}
	next := map[keys.Role]string{
		keys.Issuer:  "stele accredit " + w.name + " --key " + all[0].String(),
		keys.Officer: "stele init --officer FILE …, or stele trust change --officer FILE",
		keys.Witness: "stele init --witness FILE=URL …, or stele trust change --witness FILE=URL",
		keys.Root:    "stele init --root-key FILE …, or stele trust change --add-root FILE", keys.Log: "stele trust change --new-key log",
		keys.LogMLDSA44: "stele trust change --new-key log-mldsa44", keys.Publication: "stele trust change --new-key publication",
	}[w.role]
	switch w.role {
	case keys.Log, keys.LogMLDSA44, keys.Publication:
		c.note("a registry whose folder of keys this is takes it into use with\n  %s", next)
	default:
		c.note("%s to the registry's office, which types\n  %s", lines, next)
	}
}
