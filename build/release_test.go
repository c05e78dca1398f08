package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stele/build/verifier"
)

// copyModule copies the parts of the source tree that are named, without tests and what npm has installed.
func copyModule(t *testing.T, to string, parts ...string) {
	t.Helper()
	for _, part := range append(parts, "go.mod", "go.sum") {
		err := os.MkdirAll(filepath.Dir(filepath.Join(to, part)), 0o755)
		if err == nil {
			err = copyTree(filepath.Join("..", part), filepath.Join(to, part), func(path string, _ int64) bool {
				return !strings.HasSuffix(path, "_test.go") && !slices.Contains([]string{"e2e", "testdata", "node_modules"}, filepath.Base(path))
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestVerifierIsReproducible compiles the verifier in two folders, the second time from nothing: without what the
// first has left in Go's cache, the standard library included.
func TestVerifierIsReproducible(t *testing.T) {
	var got [2]*verifier.Files
	for i, name := range []string{"a", "another/and much/deeper"} {
		if i == 1 {
			t.Setenv("GOCACHE", filepath.Join(t.TempDir(), "cache"))
		}
		dir := filepath.Join(t.TempDir(), filepath.FromSlash(name))
		copyModule(t, dir, "wasm", "proofs")
		f, err := verifier.Compile(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		got[i] = f
	}
	if !bytes.Equal(got[0].WASM, got[1].WASM) || !bytes.Equal(got[0].Viewer, got[1].Viewer) || !bytes.Equal(got[0].Exec, got[1].Exec) {
		t.Fatalf("two builds differ: %d and %d bytes of WASM", len(got[0].WASM), len(got[1].WASM))
	}
	if bytes.Contains(got[0].WASM, []byte("/another")) || bytes.Contains(got[0].WASM, []byte(os.TempDir())) {
		t.Error("the WASM names the folder it was compiled in")
	}
	t.Logf("%d bytes, twice", len(got[0].WASM))
}

// TestVerifierDoesNotCompile: what the compiler said is quoted in one line, and there is a next command.
func TestVerifierDoesNotCompile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module stele\n\ngo 1.26\n", "wasm/main.go": "package main\n\nfunc main() { broken }\n"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := verifier.Compile(context.Background(), dir)
	var compile *verifier.CompileError
	if !errors.As(err, &compile) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "main.go:3:15: undefined: broken") {
		t.Errorf("got %v, want what the compiler said, in one line", err)
	}
	if hint := hintFor(fmt.Errorf("pages: %w", err)); !strings.Contains(hint, "cd "+shell(dir)+" && GOOS=js") {
		t.Errorf("hint %q, want the command that shows all of it", hint)
	}
}

// TestRelease makes a release in a copy of the source tree and uses it where there is neither source nor toolchain.
func TestRelease(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles everything")
	}
	source, dir := t.TempDir(), t.TempDir()
	copyModule(t, source, "build", "proofs", "site", "wasm")
	before := listed(t, source)
	binary := filepath.Join(t.TempDir(), "stele")
	cmd := exec.Command("stele", "release", "-o", binary)
	cmd.Dir = source
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("release: %v\n%s", err, msg)
	}
	if !bytes.Equal(listed(t, source), before) {
		t.Error("release has changed the source tree")
	}
	if err := os.RemoveAll(source); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "doc.txt"), []byte("a document"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "--registry", "reg", "--demo"},
		{"register", "--registry", "reg", "doc.txt"},
		{"publish", "--registry", "reg"},
		{"verify", "--registry", "reg", "doc.txt"},
		{"audit", "--registry", "reg"},
		{"deploy", "--registry", "reg", "-o", "edge"},
	} {
		cmd := exec.Command(binary, args...)
		cmd.Dir, cmd.Env = dir, []string{"PATH="}
		msg, err := cmd.CombinedOutput()
		if err != nil || bytes.Contains(msg, []byte("not written")) {
			t.Fatalf("%s: %v\n%s", args[0], err, msg)
		}
	}
	for _, name := range []string{"index.html", "assets/*/verifier.wasm", "assets/*/viewer.wasm", "assets/*/wasm_exec.js", "assets/*/page.js"} {
		if found, err := filepath.Glob(filepath.Join(dir, "reg", "public", filepath.FromSlash(name))); err != nil || len(found) != 1 {
			t.Errorf("%s: got %q, want one", name, found)
		}
	}
	if program, err := os.ReadFile(filepath.Join(dir, "edge", "worker", "stele.wasm")); err != nil || !bytes.HasPrefix(program, []byte("\x00asm")) {
		t.Errorf("the deployment has no program: %d bytes, %v", len(program), err)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB", float64(info.Size())/1e6)
}

func listed(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := listing(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
