package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFresh holds that the folder has the wording as it is in site/text today, and nothing besides.
func TestFresh(t *testing.T) {
	want, err := files()
	if err != nil {
		t.Fatal(err)
	}
	const folder = "../words"
	have, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range have {
		b, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil || string(b) != string(want[e.Name()]) {
			t.Errorf("%s is not what site/text says (%v): go generate ./site/edge/status", e.Name(), err)
		}
	}
	if len(have) != len(want) {
		t.Errorf("%d files, want %d: go generate ./site/edge/status", len(have), len(want))
	}
}
