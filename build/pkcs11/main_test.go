package main

import (
	"bufio"
	"bytes"
	"slices"
	"testing"

	"stele/build/pkcs11/wire"
)

type fakeToken struct{ closed *bool }

func (fakeToken) public() []byte                { return []byte("public") }
func (fakeToken) sign(m []byte) ([]byte, error) { return append([]byte("signed "), m...), nil }
func (f fakeToken) close()                      { *f.closed = true }

// TestServe: requests are answered in order, one key a process, and the token is left in the end.
func TestServe(t *testing.T) {
	open := wire.Request{Action: wire.Open, Key: wire.Key{Module: "m", Token: "t", Object: "o"}, PIN: []byte("1234")}.Marshal()
	sign := wire.Request{Action: wire.Sign, Message: []byte("x")}.Marshal()
	ok := func(s string) string { return string(wire.FormatAnswer([]byte(s), nil)) }
	refused := func(s string) string {
		return string(wire.FormatAnswer(nil, &wire.Error{Code: wire.Malformed, Text: s}))
	}
	for _, c := range []struct {
		name, in, want string
		opened         bool
	}{
		{"signs", string(slices.Concat(open, sign, sign)), ok("public") + ok("signed x") + ok("signed x"), true},
		{"sign first", string(sign), refused("sign before open"), false},
		{"open twice", string(slices.Concat(open, open, sign)), ok("public") + refused("open after open: one key a process") + ok("signed x"), true},
		{"junk", "junk\n" + string(open), refused("request not in its format: want " + wire.Version), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			closed, asked := false, ""
			var out bytes.Buffer
			err := serve(bufio.NewReader(bytes.NewBufferString(c.in)), &out, func(k wire.Key, pin []byte, generate bool) (token, error) {
				asked = k.Token + string(pin)
				return fakeToken{&closed}, nil
			})
			if err != nil || out.String() != c.want || closed != c.opened || c.opened && asked != "t1234" {
				t.Errorf("got %q (%v, closed %v), want %q", out.String(), err, closed, c.want)
			}
		})
	}
	if err := serve(bufio.NewReader(bytes.NewBufferString("cut off")), &bytes.Buffer{}, nil); err == nil {
		t.Error("a request that is cut off was taken for the end")
	}
}
