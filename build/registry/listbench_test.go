package registry

import (
	"context"
	"crypto/sha3"
	"encoding/binary"
	"iter"
	"testing"
	"time"

	"stele/build/list"
	"stele/proofs"
)

// imaginaryLines are the lines of a list of documents that nobody has.
func imaginaryLines(seed uint64, first, end int) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		for i := first; i < end; i++ {
			if !yield(Document{Line: i + 2, Digests: imaginary(seed, i)}, nil) {
				return
			}
		}
	}
}

func imaginary(seed uint64, i int) (d proofs.Digests) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], seed)
	binary.BigEndian.PutUint64(b[8:], uint64(i))
	d.SHA3512 = sha3.Sum512(b[:])
	copy(d.SHA256[:], d.SHA3512[:])
	return d
}

// BenchmarkRegisterList registers a list of 200,000 lines in a registry that has a million documents: reading the list, looking
// up, signing, queueing durably.
func BenchmarkRegisterList(b *testing.B) {
	dir := largeRegistry(b)
	const n = 200_000
	var cpu uint64
	for range b.N {
		b.StopTimer()
		r := large(b, dir)
		text := listOf(b, uint64(time.Now().UnixNano()), n)
		before := cpuTime()
		b.StartTimer()
		in, err := list.NewReader(text)
		if err != nil {
			b.Fatal(err)
		}
		registered := 0
		err = r.RegisterList(context.Background(), listRequest, Lines(in), func(f Registered) {
			if f.Err == nil && f.State == NewlyRegistered {
				registered++
			}
		})
		if err != nil || registered != n {
			b.Fatalf("%d registered of %d: %v", registered, n, err)
		}
		cpu += cpuTime() - before
	}
	b.ReportMetric(float64(cpu)/float64(n*b.N), "us-of-processors/line")
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "lines/s")
	b.StopTimer()
	large(b, dir)
}

// BenchmarkRegisterListAgain is the same for a list that waits for publication already, as after a kill.
func BenchmarkRegisterListAgain(b *testing.B) {
	dir := largeRegistry(b)
	const n = 200_000
	b.StopTimer()
	r := large(b, dir)
	seed := uint64(time.Now().UnixNano())
	if err := r.RegisterList(context.Background(), listRequest, imaginaryLines(seed, 0, n), func(Registered) {}); err != nil {
		b.Fatal(err)
	}
	b.StartTimer()
	for range b.N {
		already := 0
		err := r.RegisterList(context.Background(), listRequest, imaginaryLines(seed, 0, n), func(f Registered) {
			if f.Err == nil && f.State == RegisteredAlready {
				already++
			}
		})
		if err != nil || already != n {
			b.Fatalf("%d of %d registered already: %v", already, n, err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "lines/s")
	b.StopTimer()
	large(b, dir)
}
