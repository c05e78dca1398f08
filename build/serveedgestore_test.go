package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"stele/site/edge/witness"
)

// TestStoreBeside: the store that nobody has named is beside the deployment, wherever that is named from.
func TestStoreBeside(t *testing.T) {
	dir := t.TempDir()
	edge := filepath.Join(dir, "edge")
	if err := os.MkdirAll(filepath.Join(edge, "assets"), 0o755); err != nil {
		t.Fatal(err)
	}
	for from, names := range map[string][]string{dir: {"edge", "edge/", "./edge", edge}, edge: {".", "./", "../edge", edge + "/."}, filepath.Join(edge, "assets"): {"..", "../../edge"}} {
		t.Chdir(from)
		for _, name := range names {
			e := &edgeDaemon{dir: name}
			got, err := filepath.Abs(e.storePath())
			if want := edge + "-store"; err != nil || got != want {
				t.Errorf("--edge %s in %s: %s (%v), want %s", name, from, got, err, want)
			}
			if err := e.checkStore(); err != nil {
				t.Errorf("--edge %s in %s: %v", name, from, err)
			}
		}
	}
}

// TestCheckStore: what an edge has written is taken, a trust file included, which a registry has too.
func TestCheckStore(t *testing.T) {
	for want, names := range map[bool][][]string{
		true:  {{}, edgeObjects, {"current", "trust", ".lock"}, {".DS_Store"}, {"witness"}},
		false: {{"trust"}, {"trust", "keys"}, {"current", "letter.txt"}, {"edge"}, {"index"}},
	} {
		for _, in := range names {
			e := &edgeDaemon{dir: t.TempDir(), store: t.TempDir()}
			for _, name := range in {
				if err := os.WriteFile(filepath.Join(e.store, name), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := e.checkStore(); (err == nil) != want {
				t.Errorf("a folder with %q: %v, want it taken: %v", in, err, want)
			}
		}
	}
}

// TestEdgeWitnessKeys: a host of one's own is given them as a Worker is, or in a file.
func TestEdgeWitnessKeys(t *testing.T) {
	secret, made, err := witness.NewKeys("agency.example/edge", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text, path string
		want       int
	}{{"", "", 0}, {secret, "", len(made)}, {"", path, len(made)}, {secret, path, -1}, {"another", "", -1}, {"", path + "2", -1}} {
		t.Setenv(witness.KeysSecret, c.text)
		t.Setenv(envWitnessKeys, c.path)
		signers, err := edgeWitnessKeys()
		if err != nil {
			signers = nil
		}
		if (err != nil) != (c.want < 0) || err == nil && len(signers) != c.want || err != nil && hintFor(err) == "" {
			t.Errorf("%.8q, %q: %d keys, %v (hint %q), want %d", c.text, c.path, len(signers), err, hintFor(err), c.want)
		}
	}
}
