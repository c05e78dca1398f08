// Command pack packs a WebAssembly program that Go 1.26 has compiled, in place, as the pages' are packed:
//
//	go run ./build/verifier/pack FILE
//
// It serves tests and measurements that compile programs by themselves; see packed_exec beside it.
package main

import (
	"fmt"
	"os"

	"stele/build/verifier"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("got %d arguments, want one file", len(args))
	}
	b, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	if b, err = verifier.Pack(b); err != nil {
		return err
	}
	return os.WriteFile(args[0], b, 0o644)
}
