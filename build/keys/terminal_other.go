//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package keys

import (
	"errors"
	"os"
)

// Elsewhere nobody is asked: the passphrase comes from the environment.

func isTerminal(*os.File) bool { return false }

func readNoEcho(*os.File) ([]byte, error) { return nil, errors.ErrUnsupported }
