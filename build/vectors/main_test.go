package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestFresh holds that the vectors in the tree are what the generator makes, byte for byte: neither was
// changed without the other, and a second run gives the same signatures.
func TestFresh(t *testing.T) {
	const dir = "../../proofs/testdata"
	s := all()
	for _, w := range wrong {
		t.Error(w)
	}
	for name, want := range s {
		got, err := os.ReadFile(filepath.Join(dir, name+".txtar"))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator makes (%v): go run ./build/vectors", name, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) != len(s) {
		t.Errorf("%d files in %s, want %d (%v): go run ./build/vectors", len(files), dir, len(s), err)
	}
}
