package batch

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"filippo.io/edwards25519"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func privateKey(i int) ed25519.PrivateKey {
	seed := sha512.Sum512_256(fmt.Appendf(nil, "batch test %d", i))
	return ed25519.NewKeyFromSeed(seed[:])
}

// good are n signatures that verify, by a few keys.
func good(n int) []Item {
	items := make([]Item, n)
	for i := range items {
		k := privateKey(i % 5)
		m := fmt.Appendf(nil, "message %d", i)
		items[i] = Item{k.Public().(ed25519.PublicKey), m, ed25519.Sign(k, m)}
	}
	return items
}

// torsion are the eight points whose order divides 8; the first is the identity.
func torsion(t testing.TB) []*edwards25519.Point {
	b, err := hex.DecodeString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a") // of order 8
	must(t, err)
	p, err := new(edwards25519.Point).SetBytes(b)
	must(t, err)
	all := []*edwards25519.Point{edwards25519.NewIdentityPoint()}
	for range 7 {
		all = append(all, new(edwards25519.Point).Add(all[len(all)-1], p))
	}
	return all
}

// sign signs with a nonce and torsion added to R and to the key, so that the equation holds but for that torsion.
func sign(t testing.TB, i int, inR, inA *edwards25519.Point) Item {
	wide := sha512.Sum512(fmt.Appendf(nil, "secret %d", i))
	secret, err := edwards25519.NewScalar().SetUniformBytes(wide[:])
	must(t, err)
	wide = sha512.Sum512(fmt.Appendf(nil, "nonce %d", i))
	nonce, err := edwards25519.NewScalar().SetUniformBytes(wide[:])
	must(t, err)
	a := new(edwards25519.Point).ScalarBaseMult(secret)
	r := new(edwards25519.Point).ScalarBaseMult(nonce)
	it := Item{a.Add(a, inA).Bytes(), fmt.Appendf(nil, "message %d", i), r.Add(r, inR).Bytes()}
	h := sha512.Sum512(slices.Concat(it.Signature, it.Key, it.Message))
	k, err := edwards25519.NewScalar().SetUniformBytes(h[:])
	must(t, err)
	it.Signature = append(it.Signature, edwards25519.NewScalar().MultiplyAdd(k, secret, nonce).Bytes()...)
	return it
}

// defects are signatures that verifiers disagree about, and some that all refuse.
func defects(t testing.TB) map[string]Item {
	out := map[string]Item{}
	points := torsion(t)
	for i, p := range points {
		out[fmt.Sprint("torsion in R ", i)] = sign(t, i, p, points[0])
		for j := range 6 { // for some messages the torsion of the key falls away
			out[fmt.Sprint("torsion in the key ", i, j)] = sign(t, 100*i+j, points[0], p)
			out[fmt.Sprint("torsion in both ", i, j)] = sign(t, 100*i+j, p, p)
		}
		out[fmt.Sprint("small R ", i)] = Item{privateKey(1).Public().(ed25519.PublicKey), []byte("m"), append(p.Bytes(), make([]byte, 32)...)}
		out[fmt.Sprint("small key ", i)] = Item{p.Bytes(), []byte("m"), append(points[0].Bytes(), make([]byte, 32)...)}
		for j, r := range points {
			for m := range 2 {
				out[fmt.Sprint("small key and R ", i, j, m)] = Item{p.Bytes(), fmt.Append(nil, m), append(r.Bytes(), make([]byte, 32)...)}
			}
		}
	}
	one := good(1)[0]
	for at := range 64 {
		it := Item{one.Key, one.Message, slices.Clone(one.Signature)}
		it.Signature[at] ^= 1 << (at % 8)
		out[fmt.Sprintf("a bit of byte %d flipped", at)] = it
	}
	for at := range 32 {
		it := Item{slices.Clone(one.Key), one.Message, one.Signature}
		it.Key[at] ^= 1
		out[fmt.Sprintf("byte %d of the key flipped", at)] = it
	}
	for n := int64(1); n < 15; n++ {
		out[fmt.Sprintf("s + %dL", n)] = Item{one.Key, one.Message, append(slices.Clone(one.Signature[:32]), addOrder(one.Signature[32:], n)...)}
	}
	out["short"] = Item{one.Key, one.Message, one.Signature[:63]}
	out["long"] = Item{one.Key, one.Message, append(slices.Clone(one.Signature), 0)}
	out["none"] = Item{one.Key, one.Message, nil}
	for name, r := range nonCanonical() {
		out["R "+name] = Item{one.Key, one.Message, append(slices.Clone(r), one.Signature[32:]...)}
		out["R and s 0 "+name] = Item{points[0].Bytes(), one.Message, append(slices.Clone(r), make([]byte, 32)...)}
		out["key "+name] = Item{r, one.Message, append(points[0].Bytes(), make([]byte, 32)...)}
	}
	return out
}

// addOrder adds nL to a scalar.
func addOrder(s []byte, n int64) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	le := slices.Clone(s)
	slices.Reverse(le)
	x := new(big.Int).SetBytes(le)
	x.Add(x, order.Mul(order, big.NewInt(n)))
	x.And(x, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)))
	out := x.FillBytes(make([]byte, 32))
	slices.Reverse(out)
	return out
}

// nonCanonical are the encodings of y from p to 2^255 − 1 with either sign, and those of y = ±1 with one.
func nonCanonical() map[string][]byte {
	out := map[string][]byte{}
	for n := byte(0); n < 20; n++ {
		for _, top := range []byte{0x7f, 0xff} {
			b := bytes.Repeat([]byte{0xff}, 32)
			b[0], b[31] = 0xec+n, top
			if n < 1 {
				b[0] = 0xec
			}
			out[fmt.Sprintf("%x", b)] = b
		}
		b := make([]byte, 32)
		b[0], b[31] = n, 0x80
		out[fmt.Sprintf("%x", b)] = b
	}
	return out
}

// compare wants of each item what crypto/ed25519 says.
func compare(t testing.TB, what string, items []Item) {
	t.Helper()
	v := &Verifier{}
	for i, got := range v.Verify(items) {
		if want := items[i].verify(); got != want {
			t.Errorf("%s: item %d of %d: key %x, signature %x: got %t, want %t", what, i, len(items), items[i].Key, items[i].Signature, got, want)
		}
	}
}

func TestGood(t *testing.T) {
	for _, n := range []int{0, 1, least - 1, least, least + 1, 1000, Most, Most + least} {
		items := good(n)
		v := &Verifier{}
		if slices.Contains(v.Verify(items), false) {
			t.Errorf("%d good signatures: one was refused", n)
		}
		b := newBatch(n)
		for i := range items {
			if !b.add(v.key(items[i].Key), i, &items[i]) {
				t.Fatalf("signature %d is not taken into the batch", i)
			}
		}
		if n > 0 && !b.holds() {
			t.Errorf("a batch of %d good signatures does not hold: all of them went through one by one", n)
		}
	}
}

// TestDefects: each in a batch of its own, and some among good ones.
func TestDefects(t *testing.T) {
	rest := good(least)
	v := &Verifier{}
	n, taken, accepted := 0, 0, 0
	for name, it := range defects(t) {
		want := it.verify()
		b := newBatch(1)
		if b.add(v.key(it.Key), 0, &it) {
			if taken++; b.holds() != want {
				t.Errorf("%s: got %t, want %t", name, !want, want)
			}
		}
		if want {
			accepted++
		}
		if n++; n%20 == 0 {
			items := slices.Clone(rest)
			items[n%least] = it
			compare(t, name, items)
		}
	}
	if accepted == 0 || taken < 100 {
		t.Errorf("of %d, %d went into a batch, %d are accepted: this says nothing", n, taken, accepted)
	}
}

// TestDefectsTogether: many at random positions of larger batches.
func TestDefectsTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	all := defects(t)
	for range 2 {
		items := good(2 * least)
		for _, it := range all {
			if r.IntN(3) == 0 {
				items = slices.Insert(items, r.IntN(len(items)), it)
			}
		}
		compare(t, "together", items)
	}
}

// TestCancelling: two defects whose sum is none, in the group of order L and in the torsion.
func TestCancelling(t *testing.T) {
	points := torsion(t)
	for i := range 20 {
		items := good(least)
		one, two := &items[i%least], &items[(i+7)%least]
		switch {
		case i%2 == 0: // s + d and s − d
			one.Signature, two.Signature = shifted(t, one.Signature, 1), shifted(t, two.Signature, -1)
		default: // R + T and R − T
			n := 1 + i%7
			*one, *two = sign(t, i, points[n], points[0]), sign(t, i+1, points[8-n], points[0])
		}
		if one.verify() || two.verify() {
			t.Fatal("a defect that is none")
		}
		compare(t, "cancelling", items)
	}
}

// TestTorsionOnly: all else of the equation holds, so that nothing but the check of R's torsion can tell, many times over.
func TestTorsionOnly(t *testing.T) {
	points := torsion(t)
	v := &Verifier{}
	for i := range 20 {
		items := good(least)
		for n := range 1 + i%2*(least-1) { // one, or all
			items[n] = sign(t, n, points[1+(i+n)%7], points[0])
		}
		b := newBatch(len(items))
		for n := range items {
			if !b.add(v.key(items[n].Key), n, &items[n]) {
				t.Fatalf("item %d is not taken into the batch", n)
			}
		}
		if _, free := b.sumR(); free {
			t.Fatal("torsion in R was not noticed")
		}
	}
}

// TestAllFree: points with torsion here and there, the sum of all without.
func TestAllFree(t *testing.T) {
	points := torsion(t)
	for n := 1; n < 20; n += 3 {
		all := make([]edwards25519.Point, n)
		for i := range all {
			all[i].ScalarBaseMult(minusOne)
		}
		if !allFree(all) {
			t.Errorf("%d points without torsion", n)
		}
		for i := range all {
			saved := all[i]
			all[i].Add(&all[i], points[1+i%7])
			if allFree(all) {
				t.Errorf("torsion in point %d of %d", i, n)
			}
			if i > 0 {
				last := all[i-1]
				all[i-1].Subtract(&all[i-1], points[1+i%7])
				if allFree(all) {
					t.Errorf("torsion in points %d and %d of %d", i-1, i, n)
				}
				all[i-1] = last
			}
			all[i] = saved
		}
	}
}

func TestSetCanonical(t *testing.T) {
	var p edwards25519.Point
	for _, b := range nonCanonical() {
		want := false
		if q, err := new(edwards25519.Point).SetBytes(b); err == nil {
			want = bytes.Equal(q.Bytes(), b)
		}
		if got := setCanonical(&p, b); got != want {
			t.Errorf("%x: canonical %t, want %t", b, got, want)
		}
	}
}

func shifted(t testing.TB, signature []byte, by int64) []byte {
	s, err := edwards25519.NewScalar().SetCanonicalBytes(signature[32:])
	must(t, err)
	one := edwards25519.NewScalar().Negate(minusOne)
	if by < 0 {
		one = minusOne
	}
	return append(slices.Clone(signature[:32]), s.Add(s, one).Bytes()...)
}

// TestVectors: testdata/README.md says where they are from.
func TestVectors(t *testing.T) {
	f, err := os.Open("testdata/ed25519vectors.json.gz")
	must(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	must(t, err)
	var vectors []struct{ A, R, S, M string }
	must(t, json.NewDecoder(z).Decode(&vectors))
	items := make([]Item, len(vectors))
	for i, v := range vectors {
		key, err := hex.DecodeString(v.A)
		must(t, err)
		signature, err := hex.DecodeString(v.R + v.S)
		must(t, err)
		items[i] = Item{key, []byte(v.M), signature}
	}
	if len(items) < 500 {
		t.Fatalf("%d vectors", len(items))
	}
	compare(t, "vectors", items)
	v := &Verifier{}
	for i, it := range items { // each alone, as far as it goes into a batch at all
		b := newBatch(1)
		if k := v.key(it.Key); b.add(k, 0, &it) && b.holds() != it.verify() {
			t.Errorf("vector %d: got %t, want %t", i, !it.verify(), it.verify())
		}
	}
}

// FuzzVerify puts an altered signature into a batch.
func FuzzVerify(f *testing.F) {
	for _, it := range defects(f) {
		if len(it.Signature) == 64 && len(it.Key) == 32 {
			f.Add(it.Key, it.Message, it.Signature, uint16(7))
		}
	}
	rest := good(least)
	f.Fuzz(func(t *testing.T, key, message, signature []byte, at uint16) {
		if len(key) != ed25519.PublicKeySize {
			return // ed25519.Verify panics
		}
		it := Item{key, message, signature}
		v := &Verifier{}
		b := newBatch(1)
		if b.add(v.key(key), 0, &it) {
			if b.holds() != it.verify() {
				t.Errorf("a batch of one: got %t, want %t", !it.verify(), it.verify())
			}
		}
		if at%16 == 0 {
			items := slices.Clone(rest)
			items[int(at)%least] = it
			compare(t, "fuzz", items)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{64, 256, 512, 1024, 4096, 8192} {
		items := good(n)
		for i := range items {
			items[i].Message = make([]byte, 500)
			items[i].Signature = ed25519.Sign(privateKey(i%5), items[i].Message)
		}
		v := &Verifier{}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if slices.Contains(v.Verify(items), false) {
					b.Fatal("refused")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n*b.N), "µs/signature")
		})
	}
}
