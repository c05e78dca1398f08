package keys

// Files: who may read them, and how one comes into being.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"stele/build/durable"
)

// maxName is the limit of a file's name without its extension, in bytes: file systems take 255. A name of 128 bytes,
// FORMAT.md's most, fits with a word before it.
const maxName = 200

// CheckFile says why a string cannot be the name of a key's files. Lower case only,
// for there are file systems that do not tell the cases apart.
func CheckFile(file string) error {
	const alnum = "abcdefghijklmnopqrstuvwxyz0123456789"
	if file == "" || len(file) > maxName || !strings.Contains(alnum, file[:1]) ||
		strings.Trim(file, alnum+"._-") != "" {
		return fmt.Errorf("name of 1 to %d of a-z, 0-9, dot, hyphen and underscore wanted, the first a letter or digit", maxName)
	}
	return nil
}

// checkDir refuses a folder where others could exchange files, as sshd does.
func checkDir(dir string) error {
	fi, err := os.Stat(dir)
	switch {
	case err != nil:
		return failed("open", dir, cause(err), missingHint(dir, err))
	case !fi.IsDir():
		return failed("open", dir, errors.New("not a folder"), "")
	case openTo(fi, 0o022):
		return failed("open", dir, fmt.Errorf("%w: mode %04o, want 0700", ErrTooOpen, fi.Mode().Perm()), "chmod 700 "+shell(dir))
	}
	return nil
}

// openTo reports whether a mode has one of some bits. Windows has no such bits.
func openTo(fi fs.FileInfo, bits fs.FileMode) bool {
	return runtime.GOOS != "windows" && fi.Mode().Perm()&bits != 0
}

// readPrivate reads a file that nobody else may read, as ssh does: a key that others
// could have read is to be noticed, not used.
func readPrivate(path string) ([]byte, error) { return read(path, 0o077) }

// readFile reads a file whoever may read it.
func readFile(path string) ([]byte, error) { return read(path, 0) }

func read(path string, forbidden fs.FileMode) ([]byte, error) {
	if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() { // opening a FIFO would wait
		return nil, failed("read", path, errors.New("not a regular file"), "")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, failed("read", path, cause(err), "")
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, failed("read", path, cause(err), "")
	}
	if openTo(fi, forbidden) {
		return nil, failed("read", path, fmt.Errorf("%w: mode %04o, want 0600", ErrTooOpen, fi.Mode().Perm()), "chmod 600 "+shell(path))
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("more than %d bytes", maxFile)
	}
	if err != nil {
		return nil, failed("read", path, cause(err), "")
	}
	return b, nil
}

// putNew writes a file that must not exist, whole or not at all, and durably. A
// rename would replace what is there; a link does not.
func putNew(path string, b []byte, perm fs.FileMode) error {
	tmp, err := writeTemp(filepath.Dir(path), b, perm)
	if err != nil {
		return failed("write", path, cause(err), "")
	}
	defer os.Remove(tmp)
	if err := os.Link(tmp, path); errors.Is(err, fs.ErrExist) {
		return exists(path)
	} else if err != nil {
		return failed("write", path, err, "")
	}
	if err := durable.SyncDir(filepath.Dir(path)); err != nil {
		return failed("write", path, errors.Join(err, os.Remove(path)), "")
	}
	return nil
}

// writeTemp writes a temporary file durably and returns its path, or leaves nothing.
func writeTemp(dir string, b []byte, perm fs.FileMode) (string, error) {
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err == nil {
		err = errors.Join(f.Chmod(perm), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// putSame writes a .pub. One that says the same is as good: another process has
// completed the pair.
func putSame(path string, b []byte) error {
	err := putNew(path, b, 0o644)
	if errors.Is(err, fs.ErrExist) {
		if have, err := readFile(path); err == nil && bytes.Equal(have, b) {
			return nil
		}
	}
	return err
}
