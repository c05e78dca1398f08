package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"stele/build/registry"
	"stele/proofs"
)

// A Client submits statements. What it is told is not proved: that a statement is published is shown by its receipt.
type Client struct {
	URL  string // of the registry's daemon
	HTTP *http.Client

	// Waiting is told why and for how long the client waits before it asks again.
	Waiting func(why string, wait time.Duration)
	// Progress is told of each answer: how many statements have been handed in since Submit began.
	Progress func(done int)
}

// NewClient submits to the daemon at an address.
func NewClient(address string) *Client {
	return &Client{URL: strings.TrimSuffix(address, "/"), HTTP: &http.Client{Timeout: 2 * time.Minute},
		Waiting: func(string, time.Duration) {}, Progress: func(int) {}}
}

// How a client tries again where it is not told when.
const (
	firstWait   = 500 * time.Millisecond
	longestWait = time.Minute
	mostSilent  = 8 // times in a row without any answer: then nobody is there
)

// maxAnswer is the most that is read of an answer, in bytes: a receipt, or the outcomes of a request.
const maxAnswer = 16 << 20

// Submit hands statements in, as many at a time as one request may bring, and goes on until each has an outcome: it waits
// where the registry asks it to. The outcomes are in order.
func (c *Client) Submit(ctx context.Context, entries [][]byte) ([]Outcome, error) {
	var out []Outcome
	for done := 0; done < len(entries); {
		part := portion(entries[done:])
		outcomes, err := c.submitAll(ctx, part)
		if err != nil {
			return out, err
		}
		out, done = append(out, outcomes...), done+len(part)
		c.Progress(done)
	}
	return out, nil
}

// portion is as many statements as go into one request.
func portion(entries [][]byte) [][]byte {
	size := 0
	for i, e := range entries {
		if size += 2 + len(e); size > MaxBody || i == MaxStatements {
			return entries[:i]
		}
	}
	return entries
}

// submitAll sends one portion until none of it is deferred.
func (c *Client) submitAll(ctx context.Context, entries [][]byte) ([]Outcome, error) {
	out := make([]Outcome, len(entries))
	left := make([]int, len(entries)) // places in entries of those to send
	for i := range left {
		left[i] = i
	}
	for len(left) > 0 {
		var body []byte
		for _, i := range left {
			body = proofs.AppendBundleEntry(body, entries[i])
		}
		outcomes, wait, err := c.post(ctx, body)
		if err != nil {
			return nil, err
		}
		if len(outcomes) != len(left) {
			return nil, fmt.Errorf("%s: %d outcomes for %d statements", c.URL, len(outcomes), len(left))
		}
		var again []int
		for n, o := range outcomes {
			if o.State == registry.Deferred {
				again = append(again, left[n])
			}
			out[left[n]] = o
		}
		if left = again; len(left) > 0 {
			if err := c.pause(ctx, "the registry's queue is full", wait); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// post sends one bundle. wait is when to send again what is deferred.
func (c *Client) post(ctx context.Context, body []byte) (outcomes []Outcome, wait time.Duration, err error) {
	b, err := c.do(ctx, http.MethodPost, "/v1/statements", body)
	var e *Error
	if errors.As(err, &e) && len(e.Outcomes) > 0 {
		return e.Outcomes, e.RetryAfter, nil
	}
	if err != nil {
		return nil, 0, err
	}
	var o Outcomes
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, 0, fmt.Errorf("%s: not an answer of a registry: %w", c.URL, err)
	}
	return o.Outcomes, 0, nil
}

// Statement asks what has become of one.
func (c *Client) Statement(ctx context.Context, id, subject string) (Outcome, error) {
	path := "/v1/statements/" + id
	if subject != "" {
		path += "?subject=" + url.QueryEscape(subject)
	}
	var o Outcome
	b, err := c.do(ctx, http.MethodGet, path, nil)
	if err == nil {
		err = json.Unmarshal(b, &o)
	}
	return o, err
}

// Receipt asks for a document's receipt. It has to be checked.
func (c *Client) Receipt(ctx context.Context, selector string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, "/v1/receipts/"+selector, nil)
}

// do asks, and asks again where that may help: where the registry says when, or where nobody has answered. An answer that
// tells of deferred statements is the caller's.
func (c *Client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	silent, wait := 0, firstWait
	for {
		b, err := c.once(ctx, method, path, body)
		var e *Error
		switch {
		case err == nil:
			return b, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.As(err, &e) && (len(e.Outcomes) > 0 || e.RetryAfter == 0 && e.Status < 500):
			return nil, err
		case errors.As(err, &e) && e.RetryAfter > 0:
			silent = 0
			if err := c.pause(ctx, e.Message, e.RetryAfter); err != nil {
				return nil, err
			}
			continue
		}
		if silent++; silent == mostSilent {
			return nil, err
		}
		if err := c.pause(ctx, err.Error(), wait); err != nil {
			return nil, err
		}
		wait = min(2*wait, longestWait)
	}
}

// once asks once.
func (c *Client) once(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", typeBundle)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxAnswer:
		return nil, fmt.Errorf("%s%s: over %d bytes", c.URL, path, maxAnswer)
	case res.StatusCode == http.StatusOK, res.StatusCode == http.StatusAccepted,
		res.StatusCode == http.StatusUnprocessableEntity && method == http.MethodPost:
		return b, nil
	}
	return nil, c.answered(res, b)
}

// answered is the error that an answer tells.
func (c *Client) answered(res *http.Response, b []byte) error {
	e := &Error{}
	if err := json.Unmarshal(b, e); err != nil || e.Message == "" {
		e = &Error{Message: fmt.Sprintf("%s answered %s", c.URL, res.Status), Hint: "look whether the address is that of a registry's daemon"}
	}
	e.Status = res.StatusCode
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 {
		e.RetryAfter = time.Duration(min(n, 7*24*3600)) * time.Second
	}
	return e
}

// pause waits, and somewhat longer than it was asked to, so that not all come at once.
func (c *Client) pause(ctx context.Context, why string, wait time.Duration) error {
	wait = max(wait, firstWait) // a proxy may have left out when to come again
	wait += time.Duration(rand.Int64N(int64(wait / 10)))
	c.Waiting(why, wait)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}
