package main

import (
	"context"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"stele/build/witness"
	"stele/proofs"
)

// cosigned VKEYS CHECKPOINT: the witness at $URL cosigns a published checkpoint with each of its keys, and shows it.
func cmdCosigned(ts *testscript.TestScript, neg bool, args []string) {
	peer := witness.Peer{Name: "witness", URL: strings.TrimSuffix(ts.Getenv("URL"), "/")}
	for _, line := range strings.Fields(ts.ReadFile(args[0])) {
		k, err := proofs.ParseKey(line)
		ts.Check(err)
		peer.Keys = append(peer.Keys, k)
	}
	note := []byte(ts.ReadFile(args[1]))
	client := &witness.Client{}
	lines, faults := client.Collect(context.Background(), note, []witness.Peer{peer}, nil, nil) // it has nothing, or this one: no proof is needed
	if len(faults) > 0 || len(lines) != len(peer.Keys) || len(lines) == 0 {
		ts.Fatalf("%d lines, %v", len(lines), faults)
	}
	c, _, err := proofs.ParseCheckpoint(note)
	ts.Check(err)
	policy, err := proofs.ParsePolicy([]byte(ts.ReadFile("w/logs")))
	ts.Check(err)
	var logs []*proofs.Key
	for _, l := range policy.Logs {
		logs = append(logs, l.Key)
	}
	v, err := client.View(context.Background(), peer, c.Origin, logs)
	ts.Check(err)
	if v.Checkpoint != c {
		ts.Fatalf("it shows size %d, want %d", v.Checkpoint.Size, c.Size)
	}
}
