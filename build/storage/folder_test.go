package storage

import (
	"bytes"
	"crypto/sha256"
	"testing"
)

func FuzzQueue(f *testing.F) {
	f.Add([]byte(""), true)
	f.Add([]byte("\x00\x03abc\x00\x00"), true)
	f.Add(FormatBatch([][]byte{[]byte("one"), []byte("two")}), false)
	f.Fuzz(func(t *testing.T, b []byte, body bool) {
		if body { // a body of foreign bytes under a right sum
			b = append([]byte(queueHeader), b...)
			sum := sha256.Sum256(b)
			b = append(b, sum[:]...)
		}
		entries, err := ParseBatch(b)
		if err == nil && !bytes.Equal(FormatBatch(entries), b) {
			t.Errorf("%q formats back to %q", b, FormatBatch(entries))
		}
	})
}
