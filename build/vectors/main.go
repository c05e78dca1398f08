// Command vectors writes the test vectors of package proofs, the same bytes every time:
//
//	go run ./build/vectors
//
// It builds registries in memory with the code of build/index, says what a case is about with keys made from
// a fixed seed, and writes what a verifier would be given together with the verdict that
// proofs/FORMAT.md demands. The verdicts are written down by hand.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	dir := flag.String("o", "proofs/testdata", "write the vectors into `DIR`")
	flag.Parse()
	s := all()
	err := errors.Join(wrong...)
	if err == nil {
		err = s.write(*dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vectors:", err)
		os.Exit(1)
	}
	fmt.Printf("%d vectors in %s\n", len(s), *dir)
}

// all makes every vector.
func all() set {
	s := set{}
	for _, group := range []func(set){verdicts, lives, links, events, authorities, unknowns, times, receipts, views, maps_, forms, precedence, handovers, retired} {
		group(s)
	}
	return s
}
