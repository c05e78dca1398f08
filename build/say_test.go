package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"diploma.pdf":           "diploma.pdf",
		"two words, 2026.txt":   "two words, 2026.txt",
		"شهادة تخرج.txt":        "شهادة تخرج.txt",
		"Архивная справка.txt":  "Архивная справка.txt",
		"":                      `""`,
		`a "quoted" name`:       `"a \"quoted\" name"`,
		"line\nbreak":           `"line\nbreak"`,
		"\x1b[31mred":           `"\x1b[31mred"`,
		"\u009b31mred":          `"\u009b31mred"`,
		"\u202eexe.pdf":         `"\u202eexe.pdf"`,
		"not UTF-8 \xff":        `"not UTF-8 \xff"`,
		"zero\u200bwidth":       `"zero\u200bwidth"`,
		"private \U000f0000":    `"private \U000f0000"`,
		"backslash \\x1b stays": `"backslash \\x1b stays"`,
	} {
		if got := shown(in); got != want {
			t.Errorf("shown(%q): got %s, want %s", in, got, want)
		}
	}
}

// TestShell has a shell read what was quoted for it.
func TestShell(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, path := range []string{"plain/path.txt", "two words", "it's", `"quoted"`, "$HOME `id` $(id)", "a\nb", "\x1b[2J", "\u202e'", "~", "*", "a\\b", "\xff", "#x", "!!", ""} {
		for _, locale := range []string{"C", "C.UTF-8"} {
			cmd := exec.Command(bash, "-c", "printf %s "+shell(path))
			cmd.Env = append(os.Environ(), "LC_ALL="+locale)
			got, err := cmd.Output()
			if err != nil || string(got) != path {
				t.Errorf("shell(%q) = %s: read as %q (%v) in the locale %s", path, shell(path), got, err, locale)
			}
		}
	}
	if got := shell("-rf"); got != "./-rf" {
		t.Errorf("shell(-rf): got %s, want ./-rf", got)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"demo", "init", "register", "publish", "receipt", "verify", "serve", "audit"}
	for in, want := range map[string]string{
		"verfy": "verify", "Verify": "verify", "publsh": "publish", "regsiter": "register", "audits": "audit", "iniit": "init",
		"frobnicate": "", "": "", "x": "", "doc.txt": "", "no": "",
	} {
		if got, _ := nearest(in, words); got != want {
			t.Errorf("nearest(%q): got %q, want %q", in, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	missing := &fs.PathError{Op: "open", Path: "a\nb", Err: syscall.ENOENT}
	for _, c := range []struct {
		err  error
		want string
	}{
		{missing, `cannot open "a\nb": there is no such file or folder`},
		{fmt.Errorf("audit of x: %w", missing), `audit of x: cannot open "a\nb": there is no such file or folder`},
		{&fs.PathError{Op: "mkdir", Path: "p", Err: syscall.ENOTDIR}, "cannot make the folder p: a part of that path is a file, not a folder"},
		{&fs.PathError{Op: "write", Path: "p", Err: syscall.ENOSPC}, "cannot write p: no space left on the disk"},
		{&fs.PathError{Op: "open", Path: "p", Err: syscall.EACCES}, "cannot open p: permission denied"},
		{&fs.PathError{Op: "read", Path: "p", Err: syscall.EIO}, "cannot read p: input/output error"},
		{errors.New("a\x1b[31m b\u0007"), `a\x1b[31m b\a`},
	} {
		if got := plain(c.err); got != c.want {
			t.Errorf("plain(%q): got %s, want %s", c.err, got, c.want)
		}
	}
}
