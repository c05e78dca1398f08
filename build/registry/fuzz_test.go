package registry

import (
	"bytes"
	"os"
	"testing"
)

func FuzzSavedState(f *testing.F) {
	r, _ := registryOf(f, 3)
	b, err := os.ReadFile(r.path("state", "index"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	if _, err := parseSavedState(b); err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Replace(b, []byte("1"), []byte("2"), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSavedState(b)
		if err != nil {
			return
		}
		if again, err := s.marshal(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q formats back to %q (%v)", b, again, err)
		}
	})
}
