package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// progressEvery is how often a progress line renews itself, and how long a command runs before it shows one.
const progressEvery = 100 * time.Millisecond

// progress shows a line that renews itself on a terminal, and nothing elsewhere. It may be told from several goroutines.
type progress struct {
	w io.Writer // nil where nothing is shown

	mu    sync.Mutex
	last  time.Time
	shown bool
}

// newProgress shows progress on stderr if that is a terminal.
func newProgress(stderr io.Writer) *progress {
	p := &progress{last: time.Now()}
	if f, ok := stderr.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.w = f
		}
	}
	return p
}

// show renews the line, unless that was done just now.
func (p *progress) show(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w != nil && time.Since(p.last) >= progressEvery {
		p.write(fmt.Sprintf(format, args...))
	}
}

// stage shows a line in any case: the next one may be a long time coming.
func (p *progress) stage(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w != nil {
		p.write(what)
	}
}

func (p *progress) write(line string) {
	p.last, p.shown = time.Now(), true
	fmt.Fprint(p.w, "\r\x1b[K"+visible(line))
}

// aside prints something else, with the line out of its way.
func (p *progress) aside(print func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
	print()
}

func (p *progress) clear() { p.aside(func() {}) }

// What is put together lazily, is only when it is shown.
type lazily func() string

func (l lazily) String() string { return l() }

// pace is how fast something comes on and how long the rest will take, to be added to what is done; a second after the start
// nobody knows. each says what is done a second; a total of 0 is not known.
func pace(done, total int64, took time.Duration, each func(perSecond int64) string) string {
	if done <= 0 || took < time.Second {
		return ""
	}
	one := float64(took) / float64(done)
	text := ", " + each(int64(float64(time.Second)/one))
	if total > done {
		text += ", " + duration(time.Duration(one*float64(total-done))) + " left"
	}
	return text
}

// duration is a time as people say it who wait.
func duration(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	}
	return fmt.Sprintf("%d s", int(d.Seconds())+1)
}

// size is a number of bytes as people say it.
func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d bytes", n)
}
