package index

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"stele/proofs"
)

// entrySize is that of a registration of a diploma with one signature.
const entrySize = 495

// BenchmarkUpdate adds keys to a map of a million, in files; the last sync to the disk is not in it.
func BenchmarkUpdate(b *testing.B) {
	const base = 1_000_000
	r := rand.New(rand.NewPCG(1, 1))
	dir := Dir(b.TempDir())
	l := newTestRegistry(b, dir).ledger
	must(b, l.updateMap(synthetic(l, randomKeys(r, base), entrySize)))
	state := l.State()
	trust := l.trust
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("%d-on-%d", n, base), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				l, err := Open(trust, dir, &state)
				must(b, err)
				batch := synthetic(l, randomKeys(r, n), entrySize)
				b.StartTimer()
				must(b, l.updateMap(batch))
			}
		})
	}
}

// BenchmarkBuild builds a map from nothing.
func BenchmarkBuild(b *testing.B) {
	const n = 100_000
	r := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		b.StopTimer()
		l := newTestRegistry(b, Discard{}).ledger
		batch := synthetic(l, randomKeys(r, n), entrySize)
		b.StartTimer()
		must(b, l.updateMap(batch))
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}

// BenchmarkRebuild verifies every entry of a ledger and builds its map again, as a publisher whose state is lost does.
func BenchmarkRebuild(b *testing.B) {
	const n = 20_000
	r := newTestRegistry(b, Discard{})
	r.accredit("a.example")
	for i := range n {
		s := &proofs.Statement{Registry: testOrigin, Action: proofs.ActionRegister, Issuer: "a.example", Document: document(i), Kind: "diploma", Issued: "2027-01-01"}
		note, err := proofs.SignNote(s.Text(), r.keys["a.example"])
		must(b, err)
		r.entries = append(r.entries, note.Marshal())
	}
	for b.Loop() {
		l, err := Open(r.trust, Discard{}, Empty())
		must(b, err)
		l.Add(r.entries...)
		_, err = l.Prepare(testStart)
		must(b, err)
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
