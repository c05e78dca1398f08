package registry

import (
	"bytes"
	"testing"

	"stele/build/list"
)

var listRequest = Request{Issuer: office, Kind: "letter", Issued: "2026-11-01"}

// listOf is a list of n imaginary documents.
func listOf(t testing.TB, seed uint64, n int) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := list.NewWriter(&b)
	if err := w.Header(); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.Write(list.Line{Digests: imaginary(seed, i), File: "docs/a.pdf"}); err != nil {
			t.Fatal(err)
		}
	}
	return &b
}
