package gate

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// firstBytes is how many bytes of a body are made room for before any has come; each time they are there, for as many again.
	firstBytes = 4 << 10
	// stepBytes is how much of a body has to come within Limits.Slow.
	stepBytes = 512 << 10
	// shareOfLeft is how many times as much as is left of a room one body may have, while others are in it.
	shareOfLeft = 2
)

// A room is what bodies take up in memory while they come in. None waits in it: of many that have some of it and want more, none might go on.
//
// What is left says how much each may have: one alone everything, of several each up to twice as much as is left for others. So a few that take all they can
// and never end leave enough for one of an ordinary size.
type room struct {
	mu   sync.Mutex
	most int64
	held int64
}

// fits reports whether a body that has so many bytes may have more.
func (r *room) fits(has, more int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.may(has, more)
}

func (r *room) may(has, more int64) bool {
	return r.held == has || has+more <= shareOfLeft*(r.most-r.held-more)
}

func (r *room) take(has, more int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.may(has, more) {
		return false
	}
	r.held += more
	return true
}

func (r *room) give(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held -= bytes
}

// A body is a request's, as it comes in. Memory is made for what has come, whatever was said of its length.
type body struct {
	from io.Reader
	conn *http.ResponseController
	room *room
	has  int64 // of the room
	most int64 // bytes it may have, and one
	left int64 // still to come; -1 where that was not said

	slow  time.Duration
	spare time.Duration // left of that, for this step
	step  int64         // bytes of it that have come
}

// body begins to read a request's body, which may have so many bytes.
func (g *Gate) body(w http.ResponseWriter, r *http.Request, in *room, limit int64) (*body, error) {
	if r.ContentLength > limit {
		return nil, refuseBody(codeTooLarge, "%d bytes, want at most %d", r.ContentLength, limit)
	}
	return &body{from: http.MaxBytesReader(w, r.Body, limit), conn: http.NewResponseController(w), room: in, most: limit + 1,
		left: max(-1, r.ContentLength), slow: g.Limits.Slow, spare: g.Limits.Slow}, nil
}

// Read reads what comes, as long as it comes fast enough. Only the time counts in which it is waited for.
func (b *body) Read(p []byte) (n int, err error) {
	began := time.Now()
	b.conn.SetReadDeadline(began.Add(b.spare)) // where the server can do that
	n, err = b.from.Read(p)
	if b.spare, b.step = b.spare-time.Since(began), b.step+int64(n); b.step >= stepBytes {
		b.spare, b.step = b.slow, 0
	}
	if b.left >= 0 {
		b.left -= int64(n)
	}
	if err == io.EOF {
		b.ended()
	}
	return n, err
}

// ended takes back the deadline: else the server would break off what is done with the body.
func (b *body) ended() { b.conn.SetReadDeadline(time.Time{}) }

// bytes reads so many bytes; with -1, all there are.
func (b *body) bytes(size int64) (all []byte, err error) {
	if size > 0 && !b.room.fits(b.has, size) { // what would not fit anyway need not come
		return nil, errNoRoom()
	}
	had := b.has
	defer func() {
		if err != nil {
			b.give(b.has - had)
		}
	}()
	most := size
	if size < 0 {
		most = b.most
	}
	buf := []byte{}
	for size < 0 || int64(len(buf)) < size {
		if len(buf) == cap(buf) {
			full := min(max(firstBytes, 2*int64(cap(buf))), most)
			more := full - int64(cap(buf))
			if !b.room.take(b.has, more) {
				return nil, errNoRoom()
			}
			b.has += more
			buf = append(make([]byte, 0, full), buf...)
		}
		n, err := b.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF && size < 0:
			return buf, nil
		case err == io.EOF && int64(len(buf)) < size:
			return nil, b.readErr(io.ErrUnexpectedEOF)
		case err != nil && err != io.EOF:
			return nil, b.readErr(err)
		}
	}
	return buf, nil
}

// whole reads all of a body.
func (b *body) whole() ([]byte, error) {
	all, err := b.bytes(b.left)
	if err == nil {
		b.ended()
	}
	return all, err
}

// give gives back the room of what is not the body's any more.
func (b *body) give(bytes int64) {
	b.has -= bytes
	b.room.give(bytes)
}

// done gives back all of it.
func (b *body) done() { b.give(b.has) }

func errNoRoom() *Refusal {
	return refuseBody(codeBusy, "other bodies are coming in, of as many bytes as can be held")
}

// readErr says what was wrong with a body.
func (b *body) readErr(err error) error {
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return refuseBody(codeTooLarge, "more than %d bytes", long.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuseBody(codeBusy, "the body came in too slowly: %d bytes in %v, want %d", b.step, b.slow, stepBytes)
	}
	return refuseBody(codeMalformed, "the body was broken off: %v", err)
}
