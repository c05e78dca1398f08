package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stele/build/edgestore"
	"stele/build/registry"
	"stele/build/storage"
	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/store"
	"stele/site/edge/witness"
)

// envWitnessKeys names a file with the keys of an edge's witness.
const envWitnessKeys = "STELE_WITNESS_KEYS_FILE"

// edgeObjects are the first parts of the names that an edge gives to what it stores.
var edgeObjects = []string{"attempts", "cleaning", "current", "kept", "links", "offers", "probe", "rests", "set", "staged", "status", "superseded", "trust", "witness"}

func (e *edgeDaemon) storePath() string {
	if e.store != "" {
		return e.store
	}
	dir := filepath.Clean(e.dir)
	if base := filepath.Base(dir); base == "." || base == ".." { // the store is beside the folder, not in it
		if absolute, err := filepath.Abs(dir); err == nil {
			dir = absolute
		}
	}
	return strings.TrimRight(dir, string(filepath.Separator)) + "-store"
}

// checkStore refuses a folder that is something else, before anything is written there.
func (e *edgeDaemon) checkStore() error {
	path := e.storePath()
	if isBelow(resolved(path), resolved(e.dir)) {
		return usage("leave out --store, or name a folder elsewhere", "--store %s lies in the deployment %s, in whose place stele deploy puts another", shown(path), shown(e.dir))
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	const hint = "name a folder of its own with --store: one that is not there yet, or is empty, or that an edge has written"
	switch {
	case registry.IsDeployment(path):
		return usage(hint, "--store %s is a deployment", shown(path))
	case registry.IsRegistry(path) && !exists(filepath.Join(path, published.CurrentObject)): // a store can have a file trust too
		return usage(hint, "--store %s is a registry's folder", shown(path))
	}
	there, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, t := range there {
		if name := t.Name(); !strings.HasPrefix(name, ".") && !slices.Contains(edgeObjects, name) {
			return usage(hint, "--store %s holds %s, which no edge has written", shown(path), shown(name))
		}
	}
	return nil
}

// openStore opens the folder, or the bucket that a file names.
func (e *edgeDaemon) openStore() (store.Store, error) {
	path := e.storePath()
	info, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil || info.IsDir() {
		return edgestore.OpenFolder(path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := storage.ParseBucket(b)
	if err != nil {
		return nil, &registry.Error{Err: fmt.Errorf("--store %s: %w", shown(path), err), Hint: "name a folder, or a file with the lines stele.storage/1, bucket NAME, region REGION and, if it is not AWS's, endpoint URL"}
	}
	opened, err := edgestore.OpenS3(e.c.ctx, edgestore.Bucket{Name: s.Bucket, Prefix: s.Prefix, Region: s.Region, Endpoint: s.Endpoint})
	switch {
	case errors.Is(err, edgestore.ErrConditions):
		return nil, &registry.Error{Err: fmt.Errorf("--store %s: %w", shown(path), err), Hint: "take a store that keeps them, or a folder"}
	case err != nil:
		return nil, &registry.Error{Err: fmt.Errorf("--store %s: %w", shown(path), err),
			Hint: "look at the file's lines, at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, and whether the bucket is there and may be written"}
	}
	return opened, nil
}

// edgeWitnessKeys are the keys of the edge's witness, as a Worker's secret or in a file; none where it has none.
func edgeWitnessKeys() ([]proofs.Signer, error) {
	const hint = "stele witness --init --for-edge FILE --name NAME has written them: give them as they are, the text in " + witness.KeysSecret + ", or the file's path in " + envWitnessKeys
	text, path := os.Getenv(witness.KeysSecret), os.Getenv(envWitnessKeys)
	from := witness.KeysSecret
	switch {
	case text == "" && path == "":
		return nil, nil
	case text != "" && path != "":
		return nil, usage("leave out one of them", "%s and %s are both set: which of the two has the witness's keys?", witness.KeysSecret, envWitnessKeys)
	case path != "":
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, &registry.Error{Err: fmt.Errorf("the witness's keys (%s): %w", envWitnessKeys, err), Hint: hint}
		}
		text, from = string(b), shown(path)
	}
	signers, err := witness.ParseKeys(text)
	if err != nil {
		return nil, &registry.Error{Err: fmt.Errorf("%s: %w", from, err), Hint: hint}
	}
	return signers, nil
}
