// Package body reads the bodies of requests that anybody may send.
package body

import (
	"io"
	"net/http"
	"time"
)

// Read reads a body whole, of at most limit bytes; beyond, the error is a *http.MaxBytesError. It has to have arrived within patience: who sends slowly, or
// nothing, holds a connection for so long, and should hold nothing else meanwhile.
func Read(w http.ResponseWriter, r *http.Request, limit int64, patience time.Duration) ([]byte, error) {
	connection := http.NewResponseController(w)
	connection.SetReadDeadline(time.Now().Add(patience)) // where the server can do that: in a Worker it is its host's business
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, err // and the deadline stays: neither is the rest of the body waited for, before the answer
	}
	connection.SetReadDeadline(time.Time{}) // the server reads on while it is answered, and would take the sender for gone
	return b, nil
}
