package proofs_test

import (
	"testing"

	"stele/proofs"
)

// BenchmarkCheck decides about one document with every file at hand.
func BenchmarkCheck(b *testing.B) {
	for _, name := range []string{"authentic", "authentic-state", "map-split", "map-split-absent", "map-split-receipt", "receipt-full-quorum", "quorum-crowd"} {
		for _, v := range vectors(b, name) {
			if v.name != name {
				continue
			}
			q, err := v.question()
			if err != nil {
				b.Fatal(err)
			}
			q.Files = v.portal
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if a := proofs.Check(q); a.Report.Verdict != v.verdict {
						b.Fatal(a.Report.Verdict)
					}
				}
			})
		}
	}
}
