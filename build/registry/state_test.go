package registry

import (
	"bytes"
	"os"
	"testing"

	"stele/build/index"
	"stele/proofs"
)

// TestStatistics: what the state counts, and that a state of a version that kept no statistics is made again from the ledger.
func TestStatistics(t *testing.T) {
	dir := t.TempDir()
	makeFirst(t, dir)
	r := openAt(t, dir, start)
	for i := range 3 {
		r = openAt(t, dir, start+hour*int64(i))
		register(t, r, office, 10+10*i, 20+10*i)
		publish(t, r)
	}
	path := r.path("state", "index")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in, err := index.ParseState(good, r.store().Get)
	if err != nil {
		t.Fatal(err)
	}
	s := in.Statistics
	registered := uint64(0)
	for _, c := range s.Counts {
		if c.Action == proofs.ActionRegister {
			registered += c.Number
		}
	}
	if last := s.Series[len(s.Series)-1]; registered != in.Keys || last.Keys != in.Keys || last.Size != in.Size || last.Publication != in.Publication || last.Time != in.Time {
		t.Errorf("statistics:\n%s\nwant %d documents in publication %d", s.Marshal(), in.Keys, in.Publication)
	}
	in.Statistics = nil
	old, err := in.Marshal()
	if bytes.Contains(old, []byte("statistics")) {
		t.Error("a state of old has no such line")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, old, 0o644); err != nil {
		t.Fatal(err)
	}
	r = openAt(t, r.Dir, start+10*hour)
	publish(t, r)
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, good) {
		t.Errorf("made again from the ledger (%v):\n%s\nwant\n%s", err, again, good)
	}
}
