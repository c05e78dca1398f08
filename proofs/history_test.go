package proofs

import (
	"bytes"
	"testing"
)

func FuzzHistory(f *testing.F) {
	good := FormatHistory([]HistoryLine{{1, Hash{1}}, {1, Hash{2}}, {300, Hash{3}}})
	f.Add(good)
	for _, bad := range [][]byte{nil, []byte("\n"), good[:len(good)-1], append([]byte("0"), good...), append([]byte("301"), good[1:]...), bytes.ToUpper(good), append(good, '\n')} {
		f.Add(bad)
		if _, err := ParseHistory(bad); err == nil && !bytes.Equal(bad, bytes.ToUpper(good)) {
			f.Errorf("%q is taken for a history list", bad)
		}
	}
	if lines, err := ParseHistory(good); err != nil || len(lines) != 3 {
		f.Fatal(lines, err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if lines, err := ParseHistory(b); err == nil && !bytes.Equal(FormatHistory(lines), b) {
			t.Errorf("%q does not format back to itself", b)
		}
	})
}
