package sha3_test

import (
	"bytes"
	std "crypto/sha3"
	"io"
	"testing"

	"stele/wasm/sha3"
)

var messages = func() [][]byte {
	long := make([]byte, 700)
	for i := range long {
		long[i] = byte(i*11 + i>>8)
	}
	var all [][]byte
	for n := range long {
		all = append(all, long[:n])
	}
	return all
}()

// TestSums compares every length around the ends of blocks with the standard library, written in one go and in pieces.
func TestSums(t *testing.T) {
	for _, m := range messages {
		if got, want := sha3.Sum256(m), std.Sum256(m); got != want {
			t.Fatalf("SHA3-256 of %d bytes: got %x, want %x", len(m), got, want)
		}
		want := std.Sum512(m)
		if got := sha3.Sum512(m); got != want {
			t.Fatalf("SHA3-512 of %d bytes: got %x, want %x", len(m), got, want)
		}
		for _, piece := range []int{1, 3, 8, 71, 100} {
			s := sha3.New512()
			for rest := m; len(rest) > 0; {
				n := min(piece, len(rest))
				s.Write(rest[:n])
				rest = rest[n:]
				s.Sum(nil) // changes nothing
			}
			if got := s.Sum([]byte("x")); !bytes.Equal(got, append([]byte("x"), want[:]...)) {
				t.Fatalf("SHA3-512 of %d bytes in pieces of %d: got %x, want %x", len(m), piece, got, want)
			}
		}
	}
}

// TestShake compares what the extendable functions give, read in one go and in pieces.
func TestShake(t *testing.T) {
	for _, m := range messages {
		for name, pair := range map[string]struct {
			own  *sha3.State
			peer *std.SHAKE
		}{"SHAKE128": {sha3.NewShake128(), std.NewSHAKE128()}, "SHAKE256": {sha3.NewShake256(), std.NewSHAKE256()}} {
			pair.own.Write(m)
			pair.peer.Write(m)
			want := make([]byte, 500)
			io.ReadFull(pair.peer, want)
			var got []byte
			for i := 1; len(got) < len(want); i += 13 {
				piece := make([]byte, min(i, len(want)-len(got)))
				pair.own.Read(piece)
				got = append(got, piece...)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%s of %d bytes: got %x, want %x", name, len(m), got, want)
			}
		}
	}
}

func FuzzSums(f *testing.F) {
	f.Add([]byte("abc"), 1)
	f.Fuzz(func(t *testing.T, m []byte, at int) {
		at = min(max(at, 0), len(m))
		s := sha3.New512()
		s.Write(m[:at])
		s.Write(m[at:])
		if want := std.Sum512(m); !bytes.Equal(s.Sum(nil), want[:]) {
			t.Fatalf("%x, split at %d: got %x, want %x", m, at, s.Sum(nil), want)
		}
	})
}

// BenchmarkSum512: what hashes a document a second time, and its peer. Run it under js/wasm; elsewhere the peer has assembly.
func BenchmarkSum512(b *testing.B) {
	data := make([]byte, 64<<10)
	for name, sum := range map[string]func([]byte) [64]byte{"own": sha3.Sum512, "crypto": std.Sum512} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				sum(data)
			}
		})
	}
}
