package list

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// lines reads lines of bounded length: a line of 100 MB takes no more memory than one of 64 KiB.
type lines struct {
	r      *bufio.Reader
	number int // of the line that was read last
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, MaxLine+2)} }

// What makes a line unusable, whatever is in it.
var (
	errLong    = fmt.Errorf("the line has over %d bytes", MaxLine)
	errNUL     = errors.New("it holds a byte 0, which no text does")
	errNotUTF8 = errors.New("it is not UTF-8 text")
)

// next returns the next line without its end, LF or CRLF; the last one needs none. It is good until the next call.
// The error bad is about the line, err about the reading.
func (l *lines) next() (line []byte, bad, err error) {
	line, err = l.r.ReadSlice('\n')
	if len(line) > 0 {
		l.number++
	}
	switch {
	case err == bufio.ErrBufferFull:
		return nil, errLong, l.skip()
	case err == io.EOF && len(line) > 0:
		err = nil
	case err != nil:
		return nil, nil, err
	}
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	return line, check(line), nil
}

func check(line []byte) error {
	switch {
	case len(line) > MaxLine:
		return errLong
	case bytes.IndexByte(line, 0) >= 0:
		return errNUL
	case !utf8.Valid(line):
		return errNotUTF8
	}
	return nil
}

// skip passes over the rest of a line.
func (l *lines) skip() error {
	for {
		switch _, err := l.r.ReadSlice('\n'); err {
		case bufio.ErrBufferFull:
		case nil, io.EOF: // what comes after the end is the next call's
			return nil
		default:
			return err
		}
	}
}

// beginnings are what files begin with that are no lists in UTF-8, the longer before what begins like them.
var beginnings = []struct{ bytes, what, hint string }{
	{"\xff\xfe\x00\x00", "UTF-32", "iconv -f UTF-32 -t UTF-8 LIST > LIST.utf8, and use that"},
	{"\x00\x00\xfe\xff", "UTF-32", "iconv -f UTF-32 -t UTF-8 LIST > LIST.utf8, and use that"},
	{"\xff\xfe", "UTF-16", "iconv -f UTF-16 -t UTF-8 LIST > LIST.utf8, and use that"},
	{"\xfe\xff", "UTF-16", "iconv -f UTF-16 -t UTF-8 LIST > LIST.utf8, and use that"},
	{"\x1f\x8b", "a gzip file", "gunzip it first: gunzip -c LIST | stele register --from -"},
	{"PK\x03\x04", "a workbook or another zip archive", "save it as CSV in UTF-8 from the program that made it"},
}

// mark is the byte order mark in UTF-8.
const mark = "\xef\xbb\xbf"

// checkEncoding refuses a file that is in another encoding as a whole: every line of it would be wrong in the same way.
func (l *lines) checkEncoding() error {
	const most = 4
	b, err := l.r.Peek(most)
	if err != nil && err != io.EOF {
		return err
	}
	if bytes.HasPrefix(b, []byte(mark)) { // harmless, and spreadsheets write it
		_, err := l.r.Discard(len(mark))
		return err
	}
	for _, k := range beginnings {
		if bytes.HasPrefix(b, []byte(k.bytes)) {
			return unusable(k.hint, "it is %s, want plain UTF-8", k.what)
		}
	}
	if len(b) == most && (b[0] == 0) != (b[1] == 0) && b[0]|b[1] < utf8.RuneSelf && (b[0] == 0) == (b[2] == 0) && (b[1] == 0) == (b[3] == 0) {
		encoding := "UTF-16LE"
		if b[0] == 0 {
			encoding = "UTF-16BE"
		}
		return unusable("iconv -f "+encoding+" -t UTF-8 LIST > LIST.utf8, and use that", "it is %s, want plain UTF-8", encoding)
	}
	return nil
}
