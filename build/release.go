package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"stele/build/verifier"
)

func runRelease(c *cli) error {
	var out, tags string
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&out, "o", filepath.Join(".out", "stele"), "where to write the binary")
		fs.StringVar(&tags, "tags", "", "more build `tags`, separated by commas, as go build takes them")
	})
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele release -o "+shell(args[0]), "release takes no arguments, got %s", shown(args[0]))
	}
	if !exists("wasm/main.go") || !exists("build/verifier/release.go") {
		return usage("go to the top of stele's source tree, then: go run ./build release -o FILE", "no source tree here")
	}
	f, err := verifier.Compile(c.ctx, ".")
	if err != nil {
		return err
	}
	e, err := verifier.CompileEdge(c.ctx, ".")
	if err != nil {
		return err
	}
	if err := c.compileRelease(f, e, out, strings.TrimSuffix("release,"+tags, ",")); err != nil {
		return err
	}
	if c.json {
		return c.printJSON(map[string]string{"binary": out})
	}
	fmt.Fprintln(c.stdout, shown(out))
	return nil
}

// compileRelease compiles the command with the verifier and the Worker's program laid over the source tree, in which nothing is written.
func (c *cli) compileRelease(f *verifier.Files, e *verifier.Edge, out, tags string) error {
	edge, err := e.Zipped()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "stele-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for name, b := range map[string][]byte{"verifier.wasm": f.WASM, "viewer.wasm": f.Viewer, "wasm_exec.js": f.Exec, "edge.wasm.gz": edge} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
		overlay.Replace[filepath.Join("build", "verifier", name)] = filepath.Join(dir, name)
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), b, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(c.ctx, "go", "build", "-tags="+tags, "-overlay="+filepath.Join(dir, "overlay.json"),
		"-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "./build")
	cmd.Stdout, cmd.Stderr = c.stderr, c.stderr
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("compile the command: %w", err)
	}
	return nil
}
