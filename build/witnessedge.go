package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"stele/build/durable"
	"stele/proofs"
	"stele/site/edge/witness"
)

// makeForEdge makes the keys of a witness at an edge. They have no folder and no passphrase there: the edge is given their text as a secret.
func (w *witnessRun) makeForEdge() error {
	c := w.c
	switch {
	case !w.init || w.dir != "":
		return usage("stele witness --init --for-edge "+shell(w.forEdge)+" --name agency.example/witness", "keys for an edge are made with --init, and without a folder: the edge keeps what its witness remembers")
	case w.name == "":
		return usage("stele witness --init --for-edge "+shell(w.forEdge)+" --name agency.example/witness", "what is the witness to be called?")
	case !proofs.IsName(w.name):
		return badWitnessName(w.name)
	}
	secret, made, err := witness.NewKeys(w.name, rand.Reader)
	if err != nil {
		return err
	}
	if err := durable.WriteNew(w.forEdge, []byte(secret), 0o600); errors.Is(err, fs.ErrExist) {
		return usage("name a file that is not there yet", "%s is there already: a key is never overwritten", shown(w.forEdge))
	} else if err != nil {
		return err
	}
	var vkeys []string
	for _, k := range made {
		vkeys = append(vkeys, k.String())
	}
	if c.json {
		return c.printJSON(map[string]any{"name": w.name, "vkeys": vkeys, "made": true, "secret": w.forEdge})
	}
	absolute := w.forEdge
	if a, err := filepath.Abs(absolute); err == nil { // the commands are typed in another folder
		absolute = a
	}
	fmt.Fprintln(c.stdout, strings.Join(vkeys, "\n"))
	c.note("the lines above are public, the first ML-DSA-44 and the second Ed25519: give them to the logs that are to be witnessed,\n"+
		"with the edge's address and /witness after it\n"+
		"%s is secret, and for one edge alone. A Worker is given it in the deployment's folder; then remove the file:\n"+
		"npx wrangler secret put %s < %s\n"+
		"A host of your own reads it each time it starts; then keep the file:\n"+
		"%s=%s stele serve --edge DIR\n"+
		"If the edge's store is ever emptied or put back, make other keys: a witness that has forgotten what it signed\n"+
		"can be used against the public", shell(w.forEdge), witness.KeysSecret, shell(absolute), envWitnessKeys, shell(absolute))
	return nil
}

func badWitnessName(name string) error {
	return usage("use a name like agency.example/witness", "%s cannot be a witness's name: 1 to 128 of a-z, 0-9, dot, hyphen, underscore and slash, the first and last a letter or digit", shown(name))
}
