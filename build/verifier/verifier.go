// Package verifier provides the WASM that the pages run. A released binary carries it; elsewhere it
// is compiled from this module with the Go toolchain, which gives the same bytes wherever the
// source lies.
package verifier

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Files are what the page loads.
type Files struct {
	WASM   []byte // the verifier
	Viewer []byte // what looks into the ledger
	Exec   []byte // wasm_exec.js of the Go release that compiled it
}

// ErrNoSource says that there is neither an embedded verifier nor a source tree to compile one from.
var ErrNoSource = errors.New("no verifier in this binary, and no source tree or Go toolchain to compile one")

// A CompileError says that the verifier's source does not compile.
type CompileError struct {
	Root   string // the source tree
	Err    error
	Output string // of the compiler
}

// Error quotes the first thing that the compiler complains of.
func (e *CompileError) Error() string {
	said := "nothing"
	for line := range strings.Lines(e.Output) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' { // # begins a package's heading
			said = line
			break
		}
	}
	return fmt.Sprintf("compile the verifier in %s: %v; the compiler said: %s", e.Root, e.Err, said)
}

func (e *CompileError) Unwrap() error { return e.Err }

// Get returns the embedded verifier, or compiles it.
func Get(ctx context.Context) (*Files, error) {
	if embedded != nil {
		return embedded, nil
	}
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	return Compile(ctx, root)
}

// Available reports whether Get has what it needs.
func Available() bool {
	if embedded != nil {
		return true
	}
	_, errRoot := moduleRoot()
	_, errGo := exec.LookPath("go")
	return errRoot == nil && errGo == nil
}

// Compile compiles the verifier of the module in a folder. The result depends on the source and the Go release only.
func Compile(ctx context.Context, root string) (*Files, error) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSource, err)
	}
	dir, err := os.MkdirTemp("", "stele-verifier-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := checkRelease(ctx, goTool, root); err != nil {
		return nil, err
	}
	f := &Files{}
	// Inlining where speed does not matter makes the page heavier.
	lean := []string{"-gcflags=runtime=-l", "-gcflags=stele/proofs=-l"}
	if f.WASM, err = compile(ctx, goTool, root, "./wasm", filepath.Join(dir, "verifier.wasm"), lean...); err != nil {
		return nil, err
	}
	if f.Viewer, err = compile(ctx, goTool, root, "./wasm/viewer", filepath.Join(dir, "viewer.wasm"), lean...); err != nil {
		return nil, err
	}
	f.Exec, err = readExec(ctx, goTool)
	return f, err
}

func compile(ctx context.Context, goTool, root, program, out string, flags ...string) ([]byte, error) {
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"}, flags...)
	cmd := exec.CommandContext(ctx, goTool, append(args, "-o", out, program)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOWASM=", "GOFLAGS=", "GOTOOLCHAIN=local", "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &CompileError{Root: root, Err: err, Output: string(msg)}
	}
	b, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	return Pack(b)
}

// checkRelease refuses a Go whose programs Pack does not know.
func checkRelease(ctx context.Context, goTool, root string) error {
	cmd := exec.CommandContext(ctx, goTool, "env", "GOVERSION")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go env GOVERSION: %w", err)
	}
	version := strings.TrimSpace(string(out))
	if version != packs && !strings.HasPrefix(version, packs+".") {
		return fmt.Errorf("compile the verifier: this is %s, and what it compiles cannot be packed for the page; use %s", version, packs)
	}
	return nil
}

func readExec(ctx context.Context, goTool string) ([]byte, error) {
	goroot, err := exec.CommandContext(ctx, goTool, "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	return os.ReadFile(filepath.Join(strings.TrimSpace(string(goroot)), "lib", "wasm", "wasm_exec.js"))
}

// Source is the source tree that is compiled, where the program does not know it by itself: one that was compiled with -trimpath does not.
var Source string

// moduleRoot is the source tree that this program was compiled from.
func moduleRoot() (string, error) {
	root := Source
	if _, file, _, ok := runtime.Caller(0); ok && root == "" {
		root = filepath.Dir(filepath.Dir(filepath.Dir(file)))
	}
	if _, err := os.Stat(filepath.Join(root, "wasm", "main.go")); err != nil {
		return "", ErrNoSource
	}
	return root, nil
}
