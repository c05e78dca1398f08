package main

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, last: time.Now()}
	p.show("too early")
	p.aside(func() { fmt.Fprintln(&out, "a note") })
	p.last = time.Time{}
	p.show("%d of %d", 1, 2)
	p.show("too soon after")
	p.stage("another stage\x1b[2J")
	p.aside(func() { fmt.Fprintln(&out, "a note") })
	p.clear()
	const renew = "\r\x1b[K"
	want := "a note\n" + renew + "1 of 2" + renew + `another stage\x1b[2J` + renew + "a note\n"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if p := newProgress(&out); p.w != nil {
		t.Error("shown where there is no terminal")
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999_999: "999999 bytes", 1e6: "1 MB", 64e9: "64.0 GB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d): got %s, want %s", n, got, want)
		}
	}
}
