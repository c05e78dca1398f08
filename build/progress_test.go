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

func TestPace(t *testing.T) {
	each := func(n int64) string { return fmt.Sprintf("%d/s", n) }
	for _, c := range []struct {
		done, total int64
		took        time.Duration
		want        string
	}{
		{0, 100, time.Minute, ""},
		{50, 100, time.Second - 1, ""},
		{50, 100, time.Second, ", 50/s, 2 s left"},
		{50, 0, time.Second, ", 50/s"},
		{100, 100, 10 * time.Second, ", 10/s"},
		{120, 100, 10 * time.Second, ", 12/s"},
		{10, 1000, 10 * time.Second, ", 1/s, 17 min left"},
		{10, 100_000, 10 * time.Second, ", 1/s, 27 h 46 min left"},
		{1, 2, 59*time.Minute + 59*time.Second, ", 0/s, 60 min left"},
	} {
		if got := pace(c.done, c.total, c.took, each); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

// TestLazily: a line that is not shown is not put together.
func TestLazily(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, last: time.Now()}
	n := 0
	line := lazily(func() string { n++; return "line" })
	p.show("%s", line)
	p.last = time.Time{}
	p.show("%s", line)
	if n != 1 || out.String() != "\r\x1b[Kline" {
		t.Errorf("put together %d times, shown %q", n, out.String())
	}
}
