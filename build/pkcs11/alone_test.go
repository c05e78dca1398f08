package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// TestAlone: nothing but this program imports C or the PKCS#11 binding, and all of it compiles without cgo.
func TestAlone(t *testing.T) {
	cmd := exec.Command("go", "list", "-e", "-f", `{{.ImportPath}} {{join .Imports " "}} {{if .CgoFiles}}C{{end}} {{join .IgnoredGoFiles " "}}`, "stele/...")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		has := false
		for _, w := range words[1:] {
			has = has || w == "C" || strings.HasPrefix(w, "github.com/miekg/")
		}
		if words[0] == "stele/build/pkcs11" {
			found = has
		} else if has {
			t.Errorf("%s imports C or the binding", words[0])
		}
	}
	if !found {
		t.Error("stele/build/pkcs11 does not import the binding: the test looks at nothing")
	}
	cmd = exec.Command("go", "list", "-deps", "stele/build")
	if out, err = cmd.Output(); err != nil || bytes.Contains(out, []byte("miekg")) {
		t.Errorf("stele depends on the binding, or cannot be listed: %v", err)
	}
}
