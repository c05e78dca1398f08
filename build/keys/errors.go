package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"stele/proofs"
)

// Causes, for errors.Is. A missing file is fs.ErrNotExist, one that is in the way
// fs.ErrExist, and text in a wrong form a *proofs.MalformedError.
var (
	ErrPassphrase   = errors.New("wrong passphrase")
	ErrNoPassphrase = errors.New("no passphrase")
	ErrInterrupted  = errors.New("interrupted")
	ErrTooOpen      = errors.New("open to others than its owner")
	ErrDamaged      = errors.New("damaged")
	ErrMismatch     = errors.New("public and private half do not belong together")
	ErrDemo         = errors.New("keys of a demonstration, refused for a registry that is none")
	ErrNoKey        = errors.New("no such private key in this folder")
	ErrPublished    = errors.New("keys of a real registry under the published passphrase of demonstrations")
)

// An Error says which file is the matter, why, and what to do next. No error of this
// package holds a secret.
type Error struct {
	Op   string // what was being done, such as "open"
	Path string
	Err  error
	Hint string // may be empty
}

// Error formats the error; the hint has a line of its own.
func (e *Error) Error() string {
	s := e.Op + " " + strconv.Quote(e.Path) + ": " + e.Err.Error()
	if e.Hint != "" {
		s += "\nhint: " + e.Hint
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

func failed(op, path string, err error, hint string) error {
	return &Error{op, path, err, hint}
}

func exists(path string) error {
	return failed("write", path, fs.ErrExist, "a key is never overwritten: choose another name")
}

// missing says which private key was wanted.
func missing(k *proofs.Key) error {
	return fmt.Errorf("%w: the %s key %08x of %s", ErrNoKey, k.Type, k.ID(), k.Name)
}

func refusedDemo(path string) error {
	return failed("unlock", path, ErrDemo, "make keys of the registry's own: stele init")
}

// missingHint is what to do about a folder of keys that cannot be opened. One that is there is not to be made anew.
func missingHint(dir string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "name the right folder: a registry's with --registry, your own with --keys; stele init makes a registry, stele key NAME a key"
	case errors.Is(err, fs.ErrPermission):
		return "look whose it is, or work as that user: ls -ld " + shell(dir)
	}
	return ""
}

// cause takes the path off a file system's error: Error names it already.
func cause(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// shell quotes a path so that a hint can be pasted.
func shell(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
