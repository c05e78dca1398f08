package proofs

import (
	"bytes"
	"strings"
	"testing"
)

const exampleStatistics = `stele.statistics/1
registry registry.gov.example/ledger
at 1 5 3 1800000000
at 2 9 6 1800003600
count education.gov.example register diploma 4
count education.gov.example revoke - 1
count registry.gov.example/ledger/root accredit - 2
`

func TestStatisticsRoundTrip(t *testing.T) {
	s, err := ParseStatistics([]byte(exampleStatistics))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Marshal(); string(got) != exampleStatistics {
		t.Errorf("got\n%s", got)
	}
	for _, change := range [][2]string{
		{"at 2 ", "at 1 "}, {"at 2 ", "at 02 "}, {"at 2 9 6", "at 2 5 6"}, {"at 2 9 6", "at 2 9 2"}, {"1800003600", "1800000000"},
		{"diploma 4", "diploma 0"}, {"diploma 4", "diploma -4"}, {"diploma", "Diploma"}, {"register diploma", "register  diploma"},
		{"revoke - 1", "register diploma 1"}, {"\ncount registry", "\nat 3 10 7 1800003601\ncount registry"}, {"statistics/1", "statistics/2"},
		{"registry registry", "registry Registry"}, {"accredit - 2\n", "accredit - 2"},
	} {
		b := strings.Replace(exampleStatistics, change[0], change[1], 1)
		if _, err := ParseStatistics([]byte(b)); err == nil {
			t.Errorf("%q for %q: taken", change[1], change[0])
		}
	}
}

// The series keeps the newest publications and grows with the logarithm of their number; what has been dropped never comes back.
func TestSeries(t *testing.T) {
	s := &Statistics{Registry: "test.example"}
	for p := uint64(1); p <= 20_000; p++ {
		s.Grow(Growth{p, 2 * p, p, int64(p)})
		for i, g := range s.Series {
			if g.Publication != s.Series[i].Publication || !InSeries(g.Publication, p) {
				t.Fatalf("publication %d in the series of %d", g.Publication, p)
			}
		}
		if n := len(s.Series); n > 128+64*10 {
			t.Fatalf("%d publications in the series of %d", n, p)
		}
	}
	want := map[uint64]bool{}
	for p := uint64(1); p <= 20_000; p++ {
		want[p] = InSeries(p, 20_000)
	}
	have := map[uint64]bool{}
	for _, g := range s.Series {
		have[g.Publication] = true
	}
	for p, in := range want {
		if in != have[p] {
			t.Errorf("publication %d: in the series %v, want %v", p, have[p], in)
		}
	}
	if _, err := ParseStatistics(s.Marshal()); err != nil {
		t.Error(err)
	}
}

func FuzzStatistics(f *testing.F) {
	f.Add([]byte(exampleStatistics))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseStatistics(b); err == nil && !bytes.Equal(s.Marshal(), b) {
			t.Errorf("%q is written again as %q", b, s.Marshal())
		}
	})
}
