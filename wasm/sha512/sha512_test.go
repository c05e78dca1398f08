package sha512_test

import (
	std "crypto/sha512"
	"testing"

	"stele/wasm/sha512"
)

// TestSum compares every length around the ends of blocks, in one part and in several, with the standard library.
func TestSum(t *testing.T) {
	message := make([]byte, 600)
	for i := range message {
		message[i] = byte(i*7 + i>>8)
	}
	for n := range message {
		m := message[:n]
		want := std.Sum512(m)
		for _, parts := range [][][]byte{{m}, {m[:n/3], nil, m[n/3:]}, {m[:min(n, 64)], m[min(n, 64):min(n, 96)], m[min(n, 96):]}} {
			if got := sha512.Sum(parts...); got != want {
				t.Fatalf("%d bytes in %d parts: got %x, want %x", n, len(parts), got, want)
			}
		}
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte("abc"), 1)
	f.Fuzz(func(t *testing.T, message []byte, at int) {
		at = min(max(at, 0), len(message))
		if got, want := sha512.Sum(message[:at], message[at:]), std.Sum512(message); got != want {
			t.Fatalf("%x, split at %d: got %x, want %x", message, at, got, want)
		}
	})
}
