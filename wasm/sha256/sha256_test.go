package sha256

import (
	"bytes"
	stdlib "crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// hash is the digest of data, written in pieces of the given lengths, over and over; 0 counts as 1.
func hash(data []byte, pieces ...byte) [Size]byte {
	dg := New()
	for i := 0; len(pieces) > 0 && len(data) > 0; i++ {
		n := min(len(data), max(1, int(pieces[i%len(pieces)])))
		dg.Write(data[:n])
		data = data[n:]
	}
	dg.Write(data)
	return dg.Sum()
}

func random(seed uint64, n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(data)
	return data
}

// The examples for SHA-256 that NIST publishes with FIPS 180-4, and the empty message.
func TestNISTVectors(t *testing.T) {
	for _, v := range []struct{ name, message, digest string }{
		{"empty", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"one block", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{"896 bits", "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
			"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
		{"a million a", strings.Repeat("a", 1_000_000),
			"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	} {
		if got := fmt.Sprintf("%x", hash([]byte(v.message))); got != v.digest {
			t.Errorf("%s: got %s, want %s", v.name, got, v.digest)
		}
	}
}

// Lengths 0 to 300 pass every place of the padding in the last block several times over.
func TestEveryLength(t *testing.T) {
	for n := range 301 {
		data := random(uint64(n), n)
		if got, want := hash(data), stdlib.Sum256(data); got != want {
			t.Errorf("%d bytes: got %x, want %x", n, got, want)
		}
	}
}

func TestEverySplitInTwo(t *testing.T) {
	data := random(1, 200)
	want := stdlib.Sum256(data)
	for at := range data {
		dg := New()
		dg.Write(data[:at])
		dg.Write(data[at:])
		if got := dg.Sum(); got != want {
			t.Errorf("split at %d: got %x, want %x", at, got, want)
		}
	}
}

func TestRandomSplits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		data := random(uint64(round), rng.IntN(5000))
		pieces := random(uint64(round)+1000, 1+rng.IntN(20))
		if got, want := hash(data, pieces...), stdlib.Sum256(data); got != want {
			t.Fatalf("%d bytes in pieces of %v: got %x, want %x", len(data), pieces, got, want)
		}
	}
}

func TestSumLeavesTheDigestAsItWas(t *testing.T) {
	data := random(2, 300)
	dg := New()
	for n := range data {
		if got, want := dg.Sum(), stdlib.Sum256(data[:n]); got != want {
			t.Fatalf("after %d bytes: got %x, want %x", n, got, want)
		}
		dg.Write(data[n : n+1])
	}
}

// The length field has more than 32 bits' worth from 512 MiB on.
func TestLongMessage(t *testing.T) {
	if testing.Short() {
		t.Skip("hashes 513 MiB twice")
	}
	dg, std, piece := New(), stdlib.New(), random(3, 1<<20)
	for range 513 {
		dg.Write(piece)
		std.Write(piece)
	}
	if got, want := dg.Sum(), std.Sum(nil); !bytes.Equal(got[:], want) {
		t.Errorf("513 MiB: got %x, want %x", got, want)
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	dg, data := New(), random(4, 1000)
	if n := testing.AllocsPerRun(100, func() { dg.Write(data) }); n != 0 {
		t.Errorf("Write of %d bytes: %v allocations, want none", len(data), n)
	}
	if n := testing.AllocsPerRun(100, func() { dg.Sum() }); n != 0 {
		t.Errorf("Sum: %v allocations, want none", n)
	}
}

func FuzzAgainstStandardLibrary(f *testing.F) {
	f.Add([]byte(nil), []byte(nil))
	f.Add([]byte("abc"), []byte{1})
	for _, n := range []int{55, 56, 63, 64, 65, 119, 120, 128} { // the edges of the padding
		f.Add(random(uint64(n), n), []byte{64, 1})
	}
	f.Fuzz(func(t *testing.T, data, pieces []byte) {
		got, want := hash(data, pieces...), stdlib.Sum256(data)
		if got != want {
			t.Errorf("%d bytes in pieces of %v: got %s, want %s",
				len(data), pieces, hex.EncodeToString(got[:]), hex.EncodeToString(want[:]))
		}
	})
}

// Natively crypto/sha256 wins by its assembly. The comparison that matters runs in a browser:
// node site/e2e/bench/hash.mjs.
func Benchmark(b *testing.B) {
	data := random(5, 64<<10) // what the browser hands over at a time
	b.Run("stele", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		dg := New()
		for b.Loop() {
			dg.Write(data)
		}
	})
	b.Run("crypto", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		dg := stdlib.New()
		for b.Loop() {
			dg.Write(data)
		}
	})
}
