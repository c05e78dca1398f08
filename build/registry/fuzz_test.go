package registry

import (
	"bytes"
	"crypto/sha256"
	"os"
	"testing"
)

func FuzzQueue(f *testing.F) {
	f.Add([]byte(""), true)
	f.Add([]byte("\x00\x03abc\x00\x00"), true)
	f.Add(formatQueue([][]byte{[]byte("one"), []byte("two")}), false)
	f.Fuzz(func(t *testing.T, b []byte, body bool) {
		if body { // a body of foreign bytes under a right sum
			b = append([]byte(queueHeader), b...)
			sum := sha256.Sum256(b)
			b = append(b, sum[:]...)
		}
		entries, err := parseQueue(b)
		if err == nil && !bytes.Equal(formatQueue(entries), b) {
			t.Errorf("%q formats back to %q", b, formatQueue(entries))
		}
	})
}

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
