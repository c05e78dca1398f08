// Package tokentest makes PKCS#11 tokens for tests: SoftHSM's, in a folder of the test's own, with the helper program compiled.
package tokentest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// PIN is that of every token made here.
const PIN = "987654"

// Tokens is a place for tokens.
type Tokens struct {
	Module string // the PKCS#11 library
	Helper string // stele-pkcs11
	Conf   string // what SOFTHSM2_CONF has to name
	Dir    string // where the tokens lie, each in a folder
	PINs   string // what STELE_PIN_FILE has to name
}

var modules = []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"}

// build compiles the helper into the test's own folder; Go's cache makes that quick.
func build(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stele-pkcs11")
	cmd := exec.Command("go", "build", "-o", path, "stele/build/pkcs11")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compiling the helper: %v\n%s", err, out)
	}
	return path
}

// Start makes the place, and sets the environment in which keys are found there. Without SoftHSM or a C compiler the test is skipped,
// unless STELE_TOOLS says that everything must be there.
func Start(t testing.TB) *Tokens {
	t.Helper()
	k := &Tokens{Dir: filepath.Join(t.TempDir(), "tokens"), Module: os.Getenv("SOFTHSM2_MODULE")}
	for _, m := range modules {
		if _, err := os.Stat(m); err == nil && k.Module == "" {
			k.Module = m
		}
	}
	_, errTool := exec.LookPath("softhsm2-util")
	_, errC := exec.LookPath("cc")
	if k.Module == "" || errTool != nil || errC != nil {
		if os.Getenv("STELE_TOOLS") == "" {
			t.Skip("SoftHSM or a C compiler is not installed")
		}
		t.Fatalf("SoftHSM (%q, %v) and a C compiler (%v) are wanted", k.Module, errTool, errC)
	}
	k.Helper = build(t)
	k.Conf, k.PINs = filepath.Join(filepath.Dir(k.Dir), "softhsm2.conf"), filepath.Join(filepath.Dir(k.Dir), "pin")
	write(t, k.Conf, "directories.tokendir = "+k.Dir+"\nobjectstore.backend = file\nlog.level = ERROR\n")
	write(t, k.PINs, PIN+"\n")
	if err := os.Mkdir(k.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"SOFTHSM2_CONF": k.Conf, "STELE_PKCS11_HELPER": k.Helper, "STELE_PIN_FILE": k.PINs} {
		t.Setenv(name, value)
	}
	return k
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Make makes a token.
func (k *Tokens) Make(t testing.TB, label string) {
	t.Helper()
	cmd := exec.Command("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "12345678")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
}
