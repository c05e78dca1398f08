package ed25519_test

import (
	"bytes"
	std "crypto/ed25519"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"stele/wasm/ed25519"
)

// both asks us and crypto/ed25519, which must agree.
func both(t *testing.T, public, message, signature []byte) bool {
	t.Helper()
	got := ed25519.Verify(public, message, signature)
	if want := std.Verify(public, message, signature); got != want {
		t.Fatalf("key %x, message %x, signature %x: got %v, want %v", public, message, signature, got, want)
	}
	return got
}

// corners are points of low order and encodings that are not canonical, of these and of others.
var corners = []string{
	"0100000000000000000000000000000000000000000000000000000000000000", // the neutral element
	"0100000000000000000000000000000000000000000000000000000000000080", // with a sign that it has not
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"0000000000000000000000000000000000000000000000000000000000000000", // order 4
	"0000000000000000000000000000000000000000000000000000000000000080",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 0 as p
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 1 as p + 1
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 3 as p + 3
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0200000000000000000000000000000000000000000000000000000000000000", // no point
}

// order is the group's, L of RFC 8032, section 5.1.
const order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"

// TestCorners takes every corner as the key and as R, with S at 0, at the order and around it.
func TestCorners(t *testing.T) {
	verified := 0
	for _, a := range corners {
		for _, r := range corners {
			for _, s := range []string{"00", "01", order, "ec" + order[2:], "ee" + order[2:], "ff"} {
				public, _ := hex.DecodeString(a)
				signature, _ := hex.DecodeString(r + s)
				signature = append(signature, bytes.Repeat(signature[len(signature)-1:], 64-len(signature))...)
				if s == "01" {
					clear(signature[33:])
				}
				for m := range 16 { // low orders verify by chance
					if both(t, public, []byte{byte(m)}, signature) {
						verified++
					}
				}
			}
		}
	}
	if verified == 0 {
		t.Error("none of the corners verifies: want those that crypto/ed25519 takes")
	}
}

// TestVerify takes signatures of many keys, and alters each in the message, the key and the signature.
func TestVerify(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 100 {
		key := std.NewKeyFromSeed(bytes.Repeat([]byte{byte(i)}, 32))
		public := []byte(key.Public().(std.PublicKey))
		message := bytes.Repeat([]byte{byte(i)}, i*3+1)
		signature := std.Sign(key, message)
		if !both(t, public, message, signature) {
			t.Fatalf("key %d: its own signature does not verify", i)
		}
		for range 50 {
			altered := [][]byte{bytes.Clone(public), bytes.Clone(message), bytes.Clone(signature)}
			what := r.IntN(3)
			altered[what][r.IntN(len(altered[what]))] ^= 1 << r.IntN(8)
			if both(t, altered[0], altered[1], altered[2]) {
				t.Fatalf("key %d: an altered signature verifies", i)
			}
		}
		for _, s := range [][]byte{nil, signature[:63], append(bytes.Clone(signature), 0)} {
			if both(t, public, message, s) {
				t.Errorf("a signature of %d bytes verifies", len(s))
			}
		}
	}
}

func TestShortKey(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a key that is too short is taken")
		}
	}()
	ed25519.Verify(make([]byte, 31), nil, make([]byte, 64))
}

// FuzzVerify: whatever a key, a message and a signature are, the answer is crypto/ed25519's.
func FuzzVerify(f *testing.F) {
	key := std.NewKeyFromSeed(make([]byte, 32))
	f.Add([]byte(key.Public().(std.PublicKey)), []byte("message"), std.Sign(key, []byte("message")))
	for _, corner := range corners {
		b, _ := hex.DecodeString(corner)
		f.Add(b, []byte{0}, append(bytes.Clone(b), make([]byte, 32)...))
	}
	f.Fuzz(func(t *testing.T, public, message, signature []byte) {
		if len(public) == ed25519.PublicKeySize {
			both(t, public, message, signature)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	key := std.NewKeyFromSeed(make([]byte, 32))
	public, message := []byte(key.Public().(std.PublicKey)), []byte("message")
	signature := std.Sign(key, message)
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			ed25519.Verify(public, message, signature)
		}
	})
	b.Run("crypto", func(b *testing.B) {
		for b.Loop() {
			std.Verify(public, message, signature)
		}
	})
}
