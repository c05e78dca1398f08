package witness_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"stele/build/witness"
	"stele/build/witness/witnesstest"
	"stele/proofs"
)

// TestLitewitness: a witness that is not ours, beside two that are, one of them an edge's.
func TestLitewitness(t *testing.T) {
	log := witnesstest.NewLog(t, origin, "true", 60)
	lite := witnesstest.Litewitness(t, "lite.example/w", log.Keys()[0]) // it knows no ML-DSA-44
	ours, atEdge := serve(t, log, "one.example/w"), serveEdge(t, log.Policy(), "two.example/w")
	client := &witness.Client{Sizes: map[string]uint64{}}
	ctx := context.Background()
	collect := func(size uint64, more ...proofs.Signature) ([]proofs.Signature, []witness.Fault) {
		return client.Collect(ctx, log.Note(size, more...), []witness.Peer{lite, ours, atEdge}, log.Growth(size), nil)
	}
	for _, size := range []uint64{1, 5, 5, 32, 47} {
		lines, faults := collect(size)
		if len(lines) != 5 || len(faults) != 0 {
			t.Fatalf("size %d: %d lines, %v", size, len(lines), faults)
		}
		if _, err := lines[0].CheckCheckpoint(lite.Keys[0], log.Checkpoint(size)); err != nil {
			t.Error(err)
		}
		if client.Sizes[lite.URL] != size {
			t.Errorf("remembered %d, want %d", client.Sizes[lite.URL], size)
		}
	}
	clear(client.Sizes) // then it tells
	officers := make([]proofs.Signature, 8)
	for i := range officers {
		officers[i] = proofs.Signature{Name: "officer.example", ID: uint32(i), Bytes: make([]byte, 2428)}
	}
	if lines, faults := collect(60, officers...); len(lines) != 5 || len(faults) != 0 { // more than it takes, were all of it sent
		t.Errorf("with officers' lines: %d lines, %v", len(lines), faults)
	}
	lines, faults := collect(50)
	if len(lines) != 0 || len(faults) != 3 || faults[0].Kind != witness.Contradiction || faults[0].Size != 60 {
		t.Errorf("a smaller tree: %d lines, %v", len(lines), faults)
	}
	forked := witnesstest.NewLog(t, origin, "false", 70)
	for _, size := range []uint64{60, 70} {
		lines, faults := client.Collect(ctx, forked.Note(size), []witness.Peer{lite, ours, atEdge}, forked.Growth(size), nil)
		if len(lines) != 0 || len(faults) != 3 || faults[0].Kind != witness.Contradiction {
			t.Errorf("another history of size %d: %d lines, %v", size, len(lines), faults)
		}
	}
	unknown := witnesstest.NewLog(t, "log.example/two", "true", 3)
	if _, faults := client.Collect(ctx, unknown.Note(3), []witness.Peer{lite}, unknown.Growth(3), nil); len(faults) != 1 || faults[0].Kind != witness.Refusal {
		t.Errorf("a log that it does not know: %v", faults)
	}
	if _, err := client.View(ctx, lite, origin, log.Keys()); !errors.Is(err, fs.ErrNotExist) { // it has no monitoring prefix
		t.Errorf("view: %v", err)
	}
}
