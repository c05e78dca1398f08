//go:build linux || darwin || freebsd || netbsd || openbsd

package keys

import (
	"os"

	"golang.org/x/sys/unix"
)

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), getTermios)
	return err == nil
}

// readNoEcho reads a line from a terminal that does not show it. The interrupt key
// ends the line instead of killing the process, which would leave the terminal
// without echo.
func readNoEcho(f *os.File) ([]byte, error) {
	fd := int(f.Fd())
	old, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	t := *old
	t.Lflag &^= unix.ECHO | unix.ISIG
	t.Lflag |= unix.ICANON
	t.Iflag |= unix.ICRNL
	interrupt := t.Cc[unix.VINTR]
	t.Cc[unix.VEOL] = interrupt
	if err := unix.IoctlSetTermios(fd, setTermios, &t); err != nil {
		return nil, err
	}
	defer unix.IoctlSetTermios(fd, setTermios, old)
	return readLine(f, interrupt)
}
