package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"stele/build/pkcs11/tokentest"
)

// TestTokens: keys on a PKCS#11 token, with the command.
func TestTokens(t *testing.T) {
	hsm := tokentest.Start(t)
	wasm, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	stele, err := exec.LookPath("stele")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "token"),
		Setup: func(e *testscript.Env) error {
			dir := filepath.Join(e.WorkDir, ".tokens")
			conf := filepath.Join(e.WorkDir, ".softhsm2.conf")
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("STELE_PASSPHRASE", "correct horse battery")
			e.Setenv("MODULE", hsm.Module)
			e.Setenv("PINS", hsm.PINs)
			e.Setenv("STELE_PIN_FILE", hsm.PINs)
			e.Setenv("STELE_PKCS11_HELPER", hsm.Helper)
			e.Setenv("SOFTHSM2_CONF", conf)
			e.Setenv("STELEPATH", filepath.Dir(stele))
			e.Setenv(envWASM, wasm)
			e.Setenv(envGo, os.Getenv(envGo))
			e.Setenv(envSource, os.Getenv(envSource))
			if err := os.Mkdir(dir, 0o700); err != nil {
				return err
			}
			return os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": cmdCode, "json": cmdJSON, "maketoken": cmdMakeToken},
	})
}

// maketoken LABEL: a token of that label.
func cmdMakeToken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: maketoken LABEL")
	}
	ts.Check(ts.Exec("softhsm2-util", "--init-token", "--free", "--label", args[0], "--pin", tokentest.PIN, "--so-pin", "12345678"))
}
