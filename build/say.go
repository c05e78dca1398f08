package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode"
)

// shown is a file's name, or other words from outside, as they may stand on a terminal: as they are, or quoted if there
// is anything in them that would not print. A name must not be able to clear the screen or forge a line.
func shown(name string) string {
	if q := strconv.Quote(name); q != `"`+name+`"` || name == "" {
		return q
	}
	return name
}

// visible escapes whatever control characters are left in a text that is put together from parts.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// shell quotes a path so that a hint can be pasted into a shell.
func shell(path string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:@%+=,"
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	switch {
	case path != "" && strings.Trim(path, plain) == "":
		return path
	case shown(path) == path || visible(path) == path && !strings.Contains(path, "\n"):
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	var b strings.Builder // bytes in octal: bash, ksh and zsh read them in $'…', whatever the locale
	for _, c := range []byte(path) {
		if c >= 0x20 && c < 0x7f && c != '\'' && c != '\\' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	return "$'" + b.String() + "'"
}

// plain is an error in words for whoever has never heard of a system call.
func plain(err error) string {
	text := err.Error()
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		text = strings.Replace(text, p.Error(), fileError(p.Op, p.Path, p.Err), 1)
	case errors.As(err, &l):
		text = strings.Replace(text, l.Error(), fileError(l.Op, l.New, l.Err), 1)
	}
	return visible(text)
}

// fileError tells what was being done with a path, and why it failed.
func fileError(op, path string, err error) string {
	doing := map[string]string{"open": "cannot open", "stat": "cannot find", "lstat": "cannot find", "read": "cannot read",
		"write": "cannot write", "mkdir": "cannot make the folder", "rename": "cannot write", "sync": "cannot write"}[op]
	if doing == "" {
		doing = "cannot " + op
	}
	return fmt.Sprintf("%s %s: %s", doing, shown(path), fileReason(err))
}

func fileReason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file or folder"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	case errors.Is(err, syscall.ENOTDIR):
		return "a part of that path is a file, not a folder"
	case errors.Is(err, syscall.EISDIR):
		return "it is a folder, not a file"
	case errors.Is(err, syscall.ENOSPC):
		return "no space left on the disk"
	case errors.Is(err, syscall.ENAMETOOLONG):
		return "the name is too long"
	case errors.Is(err, syscall.ELOOP):
		return "the link leads in a circle"
	}
	return err.Error()
}

// notAFile says why a path cannot be read as a document, without opening it: opening a pipe would
// wait for a writer for ever.
func notAFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a folder, not a file")
	case !info.Mode().IsRegular():
		return errors.New("it is a device, a pipe or a socket, not a file")
	}
	return nil
}

// about drops the path from an error that is told beside the path.
func about(path string, err error) string {
	var p *fs.PathError
	if errors.As(err, &p) && p.Path == path {
		return "cannot be read: " + fileReason(p.Err)
	}
	return plain(errors.New(strings.TrimPrefix(err.Error(), path+": ")))
}

// nearest is the word that was probably meant: at most two letters away, and less than half of it.
func nearest(word string, words []string) (string, bool) {
	best, at := 3, ""
	for _, w := range words {
		if d := distance(word, w); d < best && 2*d < len(w) {
			best, at = d, w
		}
	}
	return at, at != ""
}

// distance is how many letters have to be changed, put in or taken out to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// needsRegistry finds the commands in a hint that work on a registry.
var needsRegistry = regexp.MustCompile(`\bstele (accredit|withdraw|issuers|register|revoke|suspend|restore|supersede|link|publish|receipt|serve|audit|trust(?: change| cancel)?)\b`)

// inRegistry completes the commands of a hint with the --registry that this run was given.
func (c *cli) inRegistry(hint string) string {
	if c.registryDir == "" || c.registryDir == "." || strings.Contains(hint, "--registry") || strings.Contains(hint, "--portal") ||
		strings.Contains(hint, "--help") {
		return hint
	}
	return needsRegistry.ReplaceAllString(hint, "$0 --registry "+strings.ReplaceAll(shell(c.registryDir), "$", "$$"))
}

// join quotes arguments for a hint.
func join(args []string) string {
	quoted := slices.Clone(args)
	for i, a := range args {
		quoted[i] = shell(a)
		if strings.HasPrefix(a, "-") {
			quoted[i] = a // a flag stays a flag
		}
	}
	return strings.Join(quoted, " ")
}
