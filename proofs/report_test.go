package proofs_test

import (
	"encoding/json"
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
