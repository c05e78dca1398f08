package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"stele/build/durable"
	"stele/build/verifier"
)

func runRelease(c *cli) error {
	var out string
	if _, err := c.parse(func(fs *flag.FlagSet) { fs.StringVar(&out, "o", ".out/stele", "where to write the binary") }); err != nil {
		return err
	}
	if !exists("wasm/main.go") || !exists("build/verifier/release.go") {
		return usage("run it at the top of the source tree", "no source tree here")
	}
	f, err := verifier.Compile(c.ctx, ".")
	if err != nil {
		return err
	}
	for name, b := range map[string][]byte{"verifier.wasm": f.WASM, "wasm_exec.js": f.Exec} {
		if err := durable.WriteFile(filepath.Join("build", "verifier", name), b, 0o644); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(c.ctx, "go", "build", "-tags=release", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "./build")
	cmd.Stdout, cmd.Stderr = c.stderr, c.stderr
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return err
	}
	fmt.Fprintln(c.stdout, out)
	return nil
}
