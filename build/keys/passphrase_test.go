package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestAskEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "passphrase")
	for text, want := range map[string]string{
		"first\nsecond\n": "first", "crlf\r\n": "crlf", "no newline": "no newline", " spaces \n": " spaces ",
	} {
		overwrite(t, file, []byte(text))
		got, err := Ask(env(envFile, file, envPass, "other"), nil, nil)("keys", false)
		if err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	got, err := Ask(env(envPass, "from the environment"), nil, nil)("keys", true)
	if err != nil || string(got) != "from the environment" {
		t.Errorf("got %q, %v", got, err)
	}
	overwrite(t, file, nil)
	_, err = Ask(env(envFile, file, envPass, "other"), nil, nil)("keys", false)
	want(t, err, ErrNoPassphrase, envFile)
	overwrite(t, file, bytes.Repeat([]byte("x"), 5000))
	if _, err = Ask(env(envFile, file), nil, nil)("keys", false); err == nil || strings.Contains(err.Error(), "xx") {
		t.Errorf("long passphrase: got %v", err)
	}
	_, err = Ask(env(envFile, file+"-not"), nil, nil)("keys", false)
	want(t, err, os.ErrNotExist, envFile)
}

func TestAskNoTerminal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, stdin := range []io.Reader{nil, r, null, strings.NewReader("secret\n")} {
		var stderr bytes.Buffer
		_, err := Ask(env(), stdin, &stderr)("keys", false)
		want(t, err, ErrNoPassphrase, envFile)
		if stderr.Len() > 0 {
			t.Errorf("prompted %q on %T", stderr.String(), stdin)
		}
	}
}

// pty is a real terminal: the person's side, and the program's.
func pty(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// converse types an answer after each prompt, and returns the passphrase and all that
// the terminal showed.
func converse(t *testing.T, isNew bool, answers ...string) (got []byte, shown string, err error) {
	t.Helper()
	person, program := pty(t)
	before, err := unix.IoctlGetTermios(int(program.Fd()), getTermios)
	if err != nil {
		t.Fatal(err)
	}
	stderr := &typist{t: t, tty: program, person: person, answers: answers}
	got, err = Ask(env(), program, stderr)("keys", isNew)
	after, err2 := unix.IoctlGetTermios(int(program.Fd()), getTermios)
	if err2 != nil || *after != *before {
		t.Errorf("the terminal is not as before: %v", err2)
	}
	fmt.Fprint(program, "END")
	b := make([]byte, 4096)
	for !strings.HasSuffix(shown, "END") {
		n, err := person.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		shown += string(b[:n])
	}
	return got, strings.TrimSuffix(shown, "END"), err
}

// A typist is the program's stderr. When it is shown a prompt it waits until the
// terminal has stopped echoing, as a person would not have to, and types.
type typist struct {
	t       *testing.T
	tty     *os.File
	person  *os.File
	answers []string
}

func (w *typist) Write(b []byte) (int, error) {
	if bytes.HasSuffix(b, []byte(": ")) && len(w.answers) > 0 {
		answer := w.answers[0]
		w.answers = w.answers[1:]
		go func() {
			for {
				t, err := unix.IoctlGetTermios(int(w.tty.Fd()), getTermios)
				if err != nil || t.Lflag&unix.ECHO == 0 {
					break
				}
			}
			w.person.WriteString(answer)
		}()
	}
	return w.tty.Write(b)
}

func TestAskTerminal(t *testing.T) {
	got, shown, err := converse(t, false, "correct horse battery\r")
	if err != nil || string(got) != testPass {
		t.Errorf("got %q, %v", got, err)
	}
	if shown != "Passphrase for keys: \r\n" {
		t.Errorf("the terminal showed %q", shown)
	}
}

func TestAskTerminalEditing(t *testing.T) {
	got, _, err := converse(t, false, "correctx\x7f horse\r")
	if err != nil || string(got) != "correct horse" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, _, err = converse(t, false, "a\x1b[A\r"); err == nil {
		t.Errorf("cursor key: got %q", got)
	}
}

func TestAskTerminalNew(t *testing.T) {
	got, shown, err := converse(t, true, testPass+"\n", testPass+"\n")
	if err != nil || string(got) != testPass {
		t.Errorf("got %q, %v", got, err)
	}
	if shown != "New passphrase for keys: \r\nThe same again: \r\n" {
		t.Errorf("the terminal showed %q", shown)
	}
	if got, _, err := converse(t, true, testPass+"\n", "correct hose battery\n"); err == nil || got != nil {
		t.Errorf("two that differ: got %q, %v", got, err)
	}
}

func TestAskTerminalInterrupted(t *testing.T) {
	for _, answers := range [][]string{{"\x03"}, {"half a pass\x03"}, {testPass + "\n", "\x03"}} {
		got, shown, err := converse(t, true, answers...)
		if !errors.Is(err, ErrInterrupted) || got != nil || strings.Contains(shown, "half") {
			t.Errorf("%q: got %q, %v, shown %q", answers, got, err, shown)
		}
	}
	if _, _, err := converse(t, false, "\x04"); !errors.Is(err, ErrNoPassphrase) {
		t.Errorf("end of file: got %v", err)
	}
}
