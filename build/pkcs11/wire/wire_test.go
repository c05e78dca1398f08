package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestRequests(t *testing.T) {
	for _, r := range []Request{
		{Action: Open, Key: Key{"/usr/lib/m.so", "a token", "root", nil}, PIN: []byte("1234")},
		{Action: Generate, Key: Key{"m", "t", "", []byte{0, 1}}, PIN: nil},
		{Action: Sign, Message: []byte("text\n")},
	} {
		got, err := ParseRequest(r.Marshal())
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("got %+v, %v, want %+v", got, err, r)
		}
	}
	for _, line := range []string{"", "\n", "stele.pkcs11/1\n", "stele.pkcs11/2 sign YQ==\n", "stele.pkcs11/1 sign YQ==", "stele.pkcs11/1 sign YR==\n",
		"stele.pkcs11/1 sign  YQ==\n", "stele.pkcs11/1 sign YQ== YQ==\n", "stele.pkcs11/1 open - - - -\n", "stele.pkcs11/1 wipe YQ==\n"} {
		var e *Error
		if _, err := ParseRequest([]byte(line)); !errors.As(err, &e) || e.Code != Malformed {
			t.Errorf("%q: got %v, want it refused", line, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	if got, err := ParseAnswer(FormatAnswer([]byte("sig"), nil)); err != nil || string(got) != "sig" {
		t.Errorf("got %q, %v", got, err)
	}
	var e *Error
	if _, err := ParseAnswer(FormatAnswer(nil, &Error{Locked, "the PIN\nis locked"})); !errors.As(err, &e) || *e != (Error{Locked, "the PIN\nis locked"}) {
		t.Errorf("got %v", err)
	}
	if _, err := ParseAnswer(FormatAnswer(nil, io.ErrClosedPipe)); !errors.As(err, &e) || e.Code != Failed {
		t.Errorf("got %v", err)
	}
	for _, line := range []string{"", "ok", "ok\n", "fine YQ==\n", "ok YQ== YQ==\n", "error YQ==\n", "error x y z\n"} {
		if got, err := ParseAnswer([]byte(line)); err == nil || errors.As(err, &e) && e.Code == Code("x") {
			t.Errorf("%q: got %q, %v, want it refused", line, got, err)
		}
	}
}

func TestReadLine(t *testing.T) {
	r := bufio.NewReader(strings.NewReader("a\nb"))
	if b, err := ReadLine(r); err != nil || string(b) != "a\n" {
		t.Errorf("got %q, %v", b, err)
	}
	if b, err := ReadLine(r); err != io.ErrUnexpectedEOF {
		t.Errorf("got %q, %v, want it cut off", b, err)
	}
	if _, err := ReadLine(r); err != io.EOF {
		t.Errorf("got %v, want the end", err)
	}
	if _, err := ReadLine(bufio.NewReader(bytes.NewReader(make([]byte, MaxLine+1)))); err == nil {
		t.Error("a line without end was read")
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte("stele.pkcs11/1 open YQ== YQ== - - YQ==\n"))
	f.Add([]byte("stele.pkcs11/1 sign -\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseRequest(b); err == nil && !bytes.Equal(r.Marshal(), b) {
			t.Errorf("%q is read and not written again: %q", b, r.Marshal())
		}
	})
}
