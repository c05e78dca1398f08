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

// BenchmarkCheckpoint verifies a checkpoint with both signatures of the log, three officers (ML-DSA-44) and five witnesses (three
// Ed25519, two ML-DSA-44), all of them demanded.
func BenchmarkCheckpoint(b *testing.B) {
	trust, note := fullCheckpoint(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := trust.VerifyCheckpoint(note, epochNow); err != nil {
			b.Fatal(err)
		}
	}
}

func fullCheckpoint(t testing.TB) (*proofs.Trust, []byte) {
	k := newKeys(t, "bench")
	c := proofs.Checkpoint{Origin: epochOrigin, Size: 1 << 20, Root: proofs.Hash{1}}
	line, err := proofs.SignCheckpoint(k.log, c)
	if err != nil {
		t.Fatal(err)
	}
	n := &proofs.Note{Text: c.Text(), Signatures: []proofs.Signature{line}}
	policy := "log " + k.log.Key().String() + "\n"
	cosign := func(label string, s *proofs.MemorySigner) {
		line, err := proofs.Cosign(s, c, epochNow)
		if err != nil {
			t.Fatal(err)
		}
		n.Signatures = append(n.Signatures, line)
		policy += "witness " + label + " " + s.Key().String() + "\n"
	}
	cosign("own", k.own)
	for _, label := range []string{"officer-1", "officer-2", "officer-3"} {
		cosign(label, memorySigner(t, label+".example", proofs.MLDSA44Key, label))
	}
	for label, kind := range map[string]proofs.KeyType{"witness-1": proofs.CosignatureKey, "witness-2": proofs.CosignatureKey, "witness-3": proofs.CosignatureKey,
		"witness-4": proofs.MLDSA44Key, "witness-5": proofs.MLDSA44Key} {
		cosign(label, memorySigner(t, label+".example", kind, label))
	}
	policy += "group officers all officer-1 officer-2 officer-3\ngroup witnesses all witness-1 witness-2 witness-3 witness-4 witness-5\n" +
		"group everybody all own officers witnesses\nquorum everybody\n"
	f := k.use(t, &proofs.Trust{Origin: epochOrigin, Epoch: 1, Title: "Benchmark", StaleAfter: 3600, ApprovalAge: 3600, Officers: "none", Witnesses: "none"})
	f.Officers, f.Witnesses, f.PolicyText = "officers", "witnesses", []byte(policy)
	f, err = proofs.ParseTrust(f.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	return f, n.Marshal()
}
