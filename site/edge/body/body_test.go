//go:build !js

package body_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"stele/site/edge/body"
)

const limit = 100

// A result is what Read has returned to the server.
type result struct {
	b    string
	err  error
	gone bool // whether the sender was taken for gone while it was answered
}

// connect sends what a sender does to a server with a patience, which tells each result, and takes longer for its answer than it waits for a body.
func connect(t *testing.T, patience time.Duration) (net.Conn, <-chan result) {
	t.Helper()
	results := make(chan result, 4)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := body.Read(w, r, limit, patience)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		} else {
			time.Sleep(2 * patience)
		}
		results <- result{string(b), err, r.Context().Err() != nil}
	}))
	t.Cleanup(server.Close)
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, results
}

func post(length int, sent string) string {
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: edge.example\r\nContent-Length: %d\r\n\r\n%s", length, sent)
}

// status reads an answer.
func status(t *testing.T, from *bufio.Reader) int {
	t.Helper()
	res, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// TestConnectionGoesOn: the deadline is that of the body, and neither of the answer nor of the connection's next request.
func TestConnectionGoesOn(t *testing.T) {
	const patience = 150 * time.Millisecond
	c, results := connect(t, patience)
	answers := bufio.NewReader(c)
	for _, text := range []string{"", strings.Repeat("x", limit)} {
		fmt.Fprint(c, post(len(text), text))
		if got := <-results; got.b != text || got.err != nil || got.gone {
			t.Errorf("got %q, %v, gone: %v, want %q", got.b, got.err, got.gone, text)
		}
		if got := status(t, answers); got != http.StatusOK {
			t.Errorf("%q: answered %d", text, got)
		}
		time.Sleep(patience + 10*time.Millisecond)
	}
}

// TestBodyDoesNotArrive: who sends half of it is answered, and the connection is ended, though nothing more ever comes.
func TestBodyDoesNotArrive(t *testing.T) {
	c, results := connect(t, 50*time.Millisecond)
	fmt.Fprint(c, post(limit, "half"))
	if got := <-results; !errors.Is(got.err, os.ErrDeadlineExceeded) {
		t.Errorf("got %q, %v, want the deadline", got.b, got.err)
	}
	answers := bufio.NewReader(c)
	if got := status(t, answers); got != http.StatusBadRequest {
		t.Errorf("answered %d", got)
	}
	if _, err := answers.ReadByte(); err != io.EOF {
		t.Errorf("the connection goes on: %v", err)
	}
}

// TestTooLong: what is beyond the limit is not waited for.
func TestTooLong(t *testing.T) {
	c, results := connect(t, time.Minute)
	fmt.Fprint(c, post(1<<20, strings.Repeat("x", limit+1)))
	if got := <-results; !errors.As(got.err, new(*http.MaxBytesError)) {
		t.Errorf("got %d bytes, %v, want that it is too long", len(got.b), got.err)
	}
	if got := status(t, bufio.NewReader(c)); got != http.StatusBadRequest {
		t.Errorf("answered %d", got)
	}
}

// TestNoDeadlines: a server that has none, such as a Worker's, is none the worse.
func TestNoDeadlines(t *testing.T) {
	for _, c := range []struct {
		sent string
		want int
	}{{"one", 3}, {strings.Repeat("x", limit+1), 0}} {
		b, err := body.Read(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(c.sent)), limit, time.Nanosecond)
		if len(b) != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%d bytes: got %d, %v", len(c.sent), len(b), err)
		}
	}
}
