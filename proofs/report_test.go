package proofs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"stele/proofs"
)

// reportOf is the report of the vector of exactly this name.
func reportOf(t *testing.T, name string) *proofs.Report {
	t.Helper()
	for _, v := range vectors(t, name) {
		if v.name == name {
			return v.answer(t).Report
		}
	}
	t.Fatalf("no vector %q", name)
	return nil
}

// A replaced document's report tells of the one in its place, and a withdrawn issuer's of the withdrawal and its reach.
func TestReportTellsWhy(t *testing.T) {
	for _, name := range []string{"life-active-supersede-by-registrant", "supersede-by-sealed", "supersede-receipt"} {
		life := reportOf(t, name).Life
		r := life.ReplacedBy
		switch {
		case r == nil:
			t.Errorf("%s: nothing of the newer document", name)
		case r.Sealed != (name == "supersede-by-sealed") || (proofs.Ref{Sealed: r.Sealed, Digests: r.Digests}).Selector() != life.Successor:
			t.Errorf("%s: %+v, want %s", name, r, life.Successor)
		case r.Issuer != life.Issuer || r.Kind == "" || r.Issued == "" || r.Registered == 0 || r.Place <= life.Place:
			t.Errorf("%s: %+v", name, r)
		}
	}
	for name, want := range map[string]struct{ withdrawn, back bool }{"authentic": {}, "withdraw-before": {true, false}, "withdraw-from-register": {true, true},
		"withdraw-from-and-accredit-disowned": {true, true}} {
		life := reportOf(t, name).Life
		if w := life.Withdrawal; (w != nil) != want.withdrawn || w != nil && ((w.From != nil) != want.back || w.Published == 0) {
			t.Errorf("%s: withdrawal %+v", name, w)
		}
		if life.ReplacedBy != nil {
			t.Errorf("%s: replaced by %+v", name, life.ReplacedBy)
		}
	}
}

// Where digests were only told, the report does not claim that a file was hashed.
func TestReportOfDigestsAlone(t *testing.T) {
	for _, v := range vectors(t, "authentic") {
		q, err := v.question()
		if err != nil {
			t.Fatal(err)
		}
		q.Named, q.Files = true, v.portal
		r := proofs.Check(q).Report
		if r == nil || r.Verdict != v.verdict || r.Steps[0].ID != "digest" || strings.Contains(r.Steps[0].Detail, "was hashed on") {
			t.Errorf("%s: %+v", v.name, r)
		}
		if b := r.AppendJSON(nil); !json.Valid(b) {
			t.Errorf("%s: %s", v.name, b)
		}
	}
}

// Who was told the SHA-256 alone gets the same answer where no more is demanded, and none where it is; nobody is asked to hash a file that there is not.
func TestReportOfOneDigest(t *testing.T) {
	answered := map[proofs.Verdict]int{}
	for _, v := range vectors(t, "authentic", "sha3-", "sealed") {
		q, err := v.question()
		if err != nil {
			t.Fatal(err)
		}
		q.Files, q.SHA3512 = v.portal, nil
		demanded := proofs.Check(q).NeedSHA3
		q.Named = true
		want := v.verdict
		if demanded {
			want = proofs.Unavailable
		}
		r := proofs.Check(q).Report
		if r == nil || r.Verdict != want || (r.Reason == proofs.ReasonOneDigest) != demanded {
			t.Errorf("%s: want %s, got %+v", v.name, want, r)
		}
		answered[want]++
	}
	if answered[proofs.Authentic] == 0 || answered[proofs.Unavailable] == 0 {
		t.Errorf("want vectors of both kinds, got %v", answered)
	}
}

// A quorum is told down to every key: who has signed and when, and whose signature does not count.
func TestReportTellsWhoSigned(t *testing.T) {
	told := func(q proofs.QuorumReport) string {
		s := fmt.Sprintf("%d of %d, %d needed:", q.Have, q.Of, q.Needed)
		for _, m := range q.Members {
			s += fmt.Sprintf(" %s %s %v %v", m.Key, m.Algorithm, m.Time > 0, m.Met)
		}
		return s
	}
	for name, want := range map[string][2]string{
		"quorum-two-and-two": {
			"2 of 3, 2 needed: officer-1.example ML-DSA-44 false false officer-2.example Ed25519 true true officer-3.example Ed25519 true true",
			"2 of 3, 2 needed: witness-1.example ML-DSA-44 true true witness-2.example Ed25519 true true witness-3.example Ed25519 false false"},
		"quorum-one-officer": { // not enough, and told all the same
			"1 of 3, 2 needed: officer-1.example ML-DSA-44 false false officer-2.example Ed25519 true true officer-3.example Ed25519 false false",
			"3 of 3, 2 needed: witness-1.example ML-DSA-44 true true witness-2.example Ed25519 true true witness-3.example Ed25519 true true"},
		"authentic": {"0 of 0, 0 needed:", "0 of 0, 0 needed:"},
	} {
		r := reportOf(t, name)
		if got := [2]string{told(r.Officers), told(r.Witnesses)}; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		if b := r.AppendJSON(nil); !json.Valid(b) {
			t.Errorf("%s: %s", name, b)
		}
	}
}

// Groups in groups are told as they stand in the policy, also before anybody has signed.
func TestDemanded(t *testing.T) {
	vkey := func(name string, kind proofs.KeyType, seed byte) string {
		s, err := proofs.NewMemorySigner(name, kind, bytes.Repeat([]byte{seed}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return s.Key().String()
	}
	policy := "witness own " + vkey("a.example/ledger", proofs.MLDSA44Key, 1) +
		"\nwitness m1 " + vkey("ministry.example", proofs.CosignatureKey, 2) + "\nwitness m2 " + vkey("ministry.example", proofs.MLDSA44Key, 3) +
		"\nwitness court " + vkey("court.example", proofs.CosignatureKey, 4) + "\ngroup ministry all m1 m2\ngroup officers any ministry court\nquorum none\n"
	p, err := proofs.ParsePolicy([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	officers, witnesses := (&proofs.Trust{Officers: "officers", Witnesses: "none", Policy: p}).Demanded()
	if len(officers.Members) != 2 || officers.Needed != 1 || officers.Of != 2 || officers.Have != 0 || officers.Met {
		t.Errorf("officers: %+v", officers)
	} else if m := officers.Members[0]; m.Name != "ministry" || m.Key != "" || m.Needed != 2 || len(m.Members) != 2 || m.Members[1].Algorithm != "ML-DSA-44" {
		t.Errorf("ministry: %+v", m)
	}
	if witnesses.Name != "none" || !witnesses.Met || witnesses.Members != nil {
		t.Errorf("witnesses: %+v", witnesses)
	}
}
