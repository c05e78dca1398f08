//go:build !wasm

package proofs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestPure holds that the package opens no file, makes no request and reads no clock: what decides takes
// bytes and the time, in the page as in the command.
func TestPure(t *testing.T) {
	banned := []string{"fmt", "net", "net/http", "os", "io/fs", "encoding/json", "syscall", "syscall/js", "math/rand", "math/rand/v2", "crypto/rand", "log"}
	clocks := []string{"Now", "Since", "Until", "Sleep", "After", "Tick", "NewTimer", "NewTicker"}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if path, _ := strconv.Unquote(i.Path.Value); slices.Contains(banned, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if p, ok := s.X.(*ast.Ident); ok && p.Name == "time" && slices.Contains(clocks, s.Sel.Name) {
					t.Errorf("%s uses time.%s", name, s.Sel.Name)
				}
			}
			return true
		})
	}
}

// TestDependencies holds what the page's weight rests on: no network, no JSON, no x509 by way of others either, and nothing of
// the standard library's cryptography but crypto/subtle, which brings nothing else: all the rest brings its self-tests and settings.
func TestDependencies(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", ".")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := strings.Fields(string(out))
	for _, banned := range []string{"net", "net/http", "crypto", "crypto/x509", "crypto/tls", "crypto/sha256", "crypto/internal/fips140/check", "internal/godebug",
		"encoding/json", "text/template", "regexp", "fmt", "os", "time"} {
		if slices.Contains(deps, banned) {
			t.Errorf("package proofs depends on %s", banned)
		}
	}
	for _, d := range deps {
		if first, _, _ := strings.Cut(d, "/"); strings.Contains(first, ".") && !strings.HasPrefix(d, "filippo.io/edwards25519") && !strings.HasPrefix(d, "vendor/") && !strings.HasPrefix(d, "golang.org/x/") {
			t.Errorf("package proofs depends on %s", d)
		}
	}
}
