package mldsa44_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"filippo.io/mldsa"

	"stele/wasm/mldsa44"
)

// both asks us and filippo.io/mldsa, which must agree.
func both(t *testing.T, public, message, signature []byte) bool {
	t.Helper()
	got := mldsa44.Verify(public, message, signature)
	key, err := mldsa.NewPublicKey(mldsa.MLDSA44(), public)
	if err != nil {
		t.Fatal(err)
	}
	if want := mldsa.Verify(key, message, signature, nil) == nil; got != want {
		t.Fatalf("key %x, message %x, signature %x: got %v, want %v", public, message, signature, got, want)
	}
	return got
}

func newKey(t testing.TB, seed byte) *mldsa.PrivateKey {
	t.Helper()
	key, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, key *mldsa.PrivateKey, message []byte) []byte {
	t.Helper()
	signature, err := key.SignDeterministic(message, nil)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// TestVerify takes signatures of many keys, and alters each in the message, the key and the signature.
func TestVerify(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		key := newKey(t, byte(i))
		public := key.PublicKey().Bytes()
		message := bytes.Repeat([]byte{byte(i)}, i*i)
		signature := sign(t, key, message)
		if !both(t, public, message, signature) {
			t.Fatalf("key %d: its own signature does not verify", i)
		}
		for range 40 {
			altered := [][]byte{bytes.Clone(public), append(bytes.Clone(message), 1), bytes.Clone(signature)}
			what := r.IntN(3)
			if what != 1 {
				altered[1] = message
			}
			altered[what][r.IntN(len(altered[what]))] ^= 1 << r.IntN(8)
			if both(t, altered[0], altered[1], altered[2]) && !bytes.Equal(altered[1], message) {
				t.Fatalf("key %d: a signature over another message verifies", i)
			}
		}
	}
}

// TestHints alters every byte of the encoding of the hints, the last 84 bytes, in many ways, and the order of the places.
func TestHints(t *testing.T) {
	key := newKey(t, 7)
	public, message := key.PublicKey().Bytes(), []byte("message")
	signature := sign(t, key, message)
	const at = mldsa44.SignatureSize - 84
	const step = 13
	for i := at; i < len(signature); i++ {
		for value := i % step; value < 256; value += step {
			altered := bytes.Clone(signature)
			altered[i] = byte(value)
			if verified := both(t, public, message, altered); verified != (altered[i] == signature[i]) {
				t.Fatalf("byte %d set to %d: %v", i, value, verified)
			}
		}
	}
	swapped := bytes.Clone(signature)
	swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
	if both(t, public, message, swapped) {
		t.Error("hints that fall verify")
	}
}

func TestLengths(t *testing.T) {
	key := newKey(t, 7)
	public, signature := key.PublicKey().Bytes(), sign(t, key, nil)
	for _, s := range [][]byte{nil, signature[:1], signature[:len(signature)-1], append(bytes.Clone(signature), 0)} {
		if both(t, public, nil, s) {
			t.Errorf("a signature of %d bytes verifies", len(s))
		}
	}
	for _, p := range [][]byte{nil, public[1:], append(bytes.Clone(public), 0)} {
		if mldsa44.Verify(p, nil, signature) {
			t.Errorf("with a key of %d bytes it verifies", len(p))
		}
	}
}

// TestLargest takes coefficients of z at the bound, one beyond, and at the ends of what can be written.
func TestLargest(t *testing.T) {
	key := newKey(t, 9)
	public, signature := key.PublicKey().Bytes(), sign(t, key, nil)
	for _, value := range []uint32{0, 1, 77, 78, 79, 1<<17 - 1, 1 << 17, 1<<18 - 79, 1<<18 - 78, 1<<18 - 77, 1<<18 - 1} {
		for _, i := range []int{0, 4, 1020} { // coefficients that begin with a byte
			altered := bytes.Clone(signature)
			place := altered[32+i/4*9:]
			word := binary.LittleEndian.Uint32(place)
			binary.LittleEndian.PutUint32(place, word&^(1<<18-1)|value)
			if both(t, public, nil, altered) && !bytes.Equal(altered, signature) {
				t.Errorf("coefficient %d set to %d verifies", i, value)
			}
		}
	}
}

// FuzzVerify: whatever a key, a message and a signature are, the answer is filippo.io/mldsa's.
func FuzzVerify(f *testing.F) {
	key := newKey(f, 1)
	f.Add(key.PublicKey().Bytes(), []byte("message"), sign(f, key, []byte("message")))
	f.Add(make([]byte, mldsa44.PublicKeySize), []byte{}, make([]byte, mldsa44.SignatureSize))
	f.Fuzz(func(t *testing.T, public, message, signature []byte) {
		if len(public) == mldsa44.PublicKeySize {
			both(t, public, message, signature)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	key := newKey(b, 1)
	public, message := key.PublicKey().Bytes(), []byte("message")
	signature := sign(b, key, message)
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			mldsa44.Verify(public, message, signature)
		}
	})
	b.Run("filippo.io", func(b *testing.B) {
		for b.Loop() {
			key, _ := mldsa.NewPublicKey(mldsa.MLDSA44(), public)
			mldsa.Verify(key, message, signature, nil)
		}
	})
}
