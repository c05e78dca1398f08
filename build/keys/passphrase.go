package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode"
	"unicode/utf8"
)

// DemoPassphrase protects the keys of demonstrations. It is published here: it
// protects nothing.
const DemoPassphrase = "demo"

const (
	envFile = "STELE_PASSPHRASE_FILE"
	envPass = "STELE_PASSPHRASE"

	// minPassphrase is for new passphrases, in characters. NIST SP 800-63B-4 allows 8
	// where a second factor is needed as well: here, having the folder.
	minPassphrase = 8
	maxPassphrase = 1024 // bytes
)

// A Passphrase says what the passphrase of a folder is. isNew means that it is being
// chosen: a person types it twice. The store clears the result.
type Passphrase func(dir string, isNew bool) ([]byte, error)

// Fixed is a passphrase known beforehand.
func Fixed(p string) Passphrase {
	return func(string, bool) ([]byte, error) { return []byte(p), nil }
}

// Ask looks for a passphrase in these places: the first line of the file named by
// STELE_PASSPHRASE_FILE; STELE_PASSPHRASE, which other processes of the same user
// can read; the terminal, if stdin is one.
func Ask(getenv func(string) string, stdin io.Reader, stderr io.Writer) Passphrase {
	return func(dir string, isNew bool) ([]byte, error) {
		if path := getenv(envFile); path != "" {
			return firstLine(path)
		}
		if p := getenv(envPass); p != "" {
			return []byte(p), nil
		}
		if f, ok := stdin.(*os.File); ok && isTerminal(f) {
			return prompt(f, stderr, dir, isNew)
		}
		return nil, noPassphrase(dir, fmt.Errorf("%w, and no terminal to ask on", ErrNoPassphrase))
	}
}

func noPassphrase(dir string, err error) error {
	return failed("unlock", dir, err, "set "+envFile+" to the path of a file with the passphrase on its first line")
}

// firstLine reads a passphrase file, which may be a pipe.
func firstLine(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, failed("read passphrase from", path, cause(err), "correct "+envFile)
	}
	defer f.Close()
	p, err := readLine(f, '\n')
	if err != nil {
		return nil, failed("read passphrase from", path, cause(err), "correct "+envFile)
	}
	return bytes.TrimSuffix(p, []byte("\r")), nil
}

// prompt asks on a terminal, twice for a new passphrase.
func prompt(f *os.File, stderr io.Writer, dir string, isNew bool) ([]byte, error) {
	if !isNew {
		return promptOnce(f, stderr, "Passphrase for "+dir+": ")
	}
	p, err := promptOnce(f, stderr, "New passphrase for "+dir+": ")
	if err != nil {
		return nil, err
	}
	again, err := promptOnce(f, stderr, "The same again: ")
	defer clear(again)
	if err == nil && !bytes.Equal(p, again) {
		err = errors.New("the two passphrases differ")
	}
	if err != nil {
		clear(p)
		return nil, err
	}
	return p, nil
}

func promptOnce(f *os.File, stderr io.Writer, text string) ([]byte, error) {
	fmt.Fprint(stderr, text)
	defer fmt.Fprintln(stderr) // the newline typed was not echoed
	p, err := readNoEcho(f)
	if err == nil && bytes.ContainsFunc(p, unicode.IsControl) {
		clear(p)
		return nil, errors.New("control character in the passphrase")
	}
	return p, err
}

// readLine reads a line without its newline, a byte at a time so as to take nothing
// that comes after it. The byte interrupt, where it is not a newline, means that the
// person has given up.
func readLine(r io.Reader, interrupt byte) ([]byte, error) {
	p := make([]byte, maxPassphrase+1)
	for n := 0; n < len(p); {
		m, err := r.Read(p[n : n+1])
		switch n += m; {
		case m == 1 && p[n-1] == '\n':
			return p[:n-1], nil
		case m == 1 && p[n-1] == interrupt:
			clear(p)
			return nil, ErrInterrupted
		case err == io.EOF && n > 0:
			return p[:n], nil
		case err == io.EOF:
			return nil, ErrNoPassphrase
		case err != nil:
			clear(p)
			return nil, err
		}
	}
	clear(p)
	return nil, fmt.Errorf("passphrase of more than %d bytes", maxPassphrase)
}

// checkNew holds the rules for new passphrases. Old ones are taken as they are.
func checkNew(p []byte) error {
	if n := utf8.RuneCount(p); n < minPassphrase {
		return fmt.Errorf("passphrase of %d characters, want at least %d", n, minPassphrase)
	}
	if len(p) > maxPassphrase {
		return fmt.Errorf("passphrase of %d bytes, want at most %d", len(p), maxPassphrase)
	}
	if !utf8.Valid(p) || bytes.ContainsFunc(p, unicode.IsControl) {
		return errors.New("control character or invalid UTF-8 in the passphrase")
	}
	return nil
}
