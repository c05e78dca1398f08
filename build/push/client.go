package push

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"stele/proofs"
)

// A state is what the gate tells of itself: GET /publish/state.
type state struct {
	Origin      string
	Publication uint64
	Time        int64  // of the set
	Size        uint64 // of the ledger
	Set         string // "" if nothing is in force
	Checkpoint  string // SHA-256 of its file
	Epoch       uint64
	Limits      struct {
		Pack    int64 // bytes
		Object  int64 // bytes of one
		Objects int   // in a pack
	}
}

type offerBody struct {
	Set         string     `json:"set"`
	Checkpoint  string     `json:"checkpoint"`
	Head        string     `json:"head"`
	Old         uint64     `json:"old"`
	Consistency []string   `json:"consistency"`
	Trust       []handover `json:"trust"`
}

type handover struct {
	File     string `json:"file"`
	Handover string `json:"handover"`
}

// An Error is why a push has ended: what the gate has said, or what was found here, and what to do.
type Error struct {
	Code       string // the gate's word; empty where it is none of its refusals
	Message    string
	Hint       string
	Status     int // of HTTP; 0 where there was no answer
	RetryAfter time.Duration
	why        error
}

func (e *Error) Error() string { return e.Message }
func (e *Error) Unwrap() error { return e.why }

const (
	// TokenBytes is the length of a token, before it is written in hexadecimal.
	TokenBytes = 32

	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second
	longestTold = 10 * time.Minute // the longest Retry-After that is believed
	// mostFailed is how often a request is sent that fails for reasons that may pass; mostSilent is how often the first one is, of an edge that may not be there at all.
	mostFailed = 10
	mostSilent = 3
	// atOnce is how many requests are under way at the same time.
	atOnce = 8
	// leastPacked is how many objects go into a pack where the gate does not say how many may.
	leastPacked = 40
	// maxAnswer is the most that is read of an answer of the gate's, in bytes: a thousand paths of 512 bytes.
	maxAnswer = 4 << 20
)

// prepare checks what was typed.
func (p *Pusher) prepare() error {
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return &Error{Message: fmt.Sprintf("%s: not the address of an edge", shown(p.URL)), Hint: "type it as in a browser, with https:// in front"}
	}
	if err := CheckToken(p.Token); err != nil {
		return err
	}
	gate := *p.HTTP
	gate.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // it would turn a POST into a GET, elsewhere
	p.gate = &gate
	return nil
}

// askState asks an edge that may not be there.
func (p *Pusher) askState(ctx context.Context) (*state, error) {
	s := &state{}
	b, err := p.insist(ctx, mostSilent, func() ([]byte, error) { return p.send(ctx, http.MethodGet, "/publish/state", nil, "") })
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, s); err != nil || s.Origin == "" {
		return nil, &Error{Message: fmt.Sprintf("%s/publish/state does not answer as a gate does", p.URL), Hint: notAnEdge}
	}
	if _, err := proofs.ParseHash(s.Set); s.Set != "" && err != nil {
		return nil, &Error{Message: fmt.Sprintf("%s/publish/state names the set %s", p.URL, shown(s.Set)), Hint: notAnEdge}
	}
	if s.Limits.Object <= 0 {
		s.Limits.Object = proofs.MaxSetFile
	}
	s.Limits.Pack = max(s.Limits.Pack, s.Limits.Object+lengthBytes)
	if s.Limits.Objects < 1 {
		s.Limits.Objects = leastPacked
	}
	return s, nil
}

// CheckToken refuses what cannot be a token: TokenBytes random bytes in hexadecimal.
func CheckToken(token string) error {
	if len(token) != 2*TokenBytes || strings.Trim(token, "0123456789abcdef") != "" {
		return &Error{Message: fmt.Sprintf("the token has %d characters, want %d of 0-9 and a-f", len(token), 2*TokenBytes), Hint: "take the file that stele deploy has written: gate-token"}
	}
	return nil
}

const notAnEdge = "look whether the address is that of the edge itself, where the portal is read; whether it takes publications: stele deploy says so"

// call sends JSON and reads JSON, and goes on until there is an answer.
func (p *Pusher) call(ctx context.Context, method, path string, body, answer any) error {
	var b []byte
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			return err
		}
	}
	got, err := p.insist(ctx, mostFailed, func() ([]byte, error) { return p.send(ctx, method, path, b, "application/json") })
	if err != nil {
		return err
	}
	if err := json.Unmarshal(got, answer); err != nil {
		return &Error{Message: fmt.Sprintf("%s%s does not answer as a gate does: %v", p.URL, path, err), Hint: notAnEdge}
	}
	return nil
}

// insist does something again as long as it fails for reasons that may pass, with growing patience; never sooner than the other side asks.
func (p *Pusher) insist(ctx context.Context, most int, do func() ([]byte, error)) ([]byte, error) {
	wait := firstWait
	for failed := 1; ; failed++ {
		b, err := do()
		if err == nil || ctx.Err() != nil || !passes(err) || failed == most {
			if err != nil && ctx.Err() != nil {
				err = ctx.Err()
			}
			return b, err
		}
		pause := wait + time.Duration(rand.Int64N(int64(wait/4))) // not all at once
		var e *Error
		if errors.As(err, &e) && e.RetryAfter > 0 {
			pause = max(pause, min(e.RetryAfter, longestTold))
		}
		p.Waiting(err.Error(), pause)
		if err := p.Pause(ctx, pause); err != nil {
			return nil, err
		}
		wait = min(2*wait, longestWait)
	}
}

// passes reports whether something may go well if it is done again: there was no answer, or it was one of those that tell of an outage.
func passes(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Status {
	case 0:
		return e.Code == codeSilent
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusTooEarly:
		return true
	}
	return e.Status >= 500 && e.Status != http.StatusNotImplemented
}

// codeSilent is that there was no answer.
const codeSilent = "no-answer"

// send sends one request to the gate.
func (p *Pusher) send(ctx context.Context, method, path string, body []byte, kind string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.Token)
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	res, err := p.gate.Do(req)
	if err != nil {
		return nil, silent(p.URL, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, silent(p.URL, err)
	case len(b) > maxAnswer:
		return nil, &Error{Message: fmt.Sprintf("%s%s answers with over %d bytes", p.URL, path, maxAnswer), Hint: notAnEdge, Status: res.StatusCode}
	case res.StatusCode == http.StatusOK, res.StatusCode == http.StatusCreated:
		return b, nil
	}
	return nil, p.answered(res, path, b)
}

// silent is that there was no answer. A certificate that is not believed does not become better by asking again.
func silent(address string, err error) error {
	e := &Error{Code: codeSilent, Message: fmt.Sprintf("%s does not answer: %v", address, cause(err)), Hint: "look whether the address is right, and whether the network is there; then run the same command again: it goes on from what is done"}
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate), errors.As(err, &unknown), errors.As(err, &name):
		e.Code, e.Hint = "", "the certificate of the edge is not one that this machine believes: look at the address, and at the machine's clock"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch): // net/http puts the one for the other where it knows the answer
		e.Code, e.Hint = "", "the edge does not speak HTTPS there: look at the address, https:// or http://"
	}
	return e
}

// cause leaves out what net/http says around it.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return errors.New("it took too long")
	}
	return err
}

// answered is the error that an answer tells.
func (p *Pusher) answered(res *http.Response, path string, b []byte) error {
	var told struct {
		Error struct{ Code, Message, Hint string }
	}
	e := &Error{Status: res.StatusCode}
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 {
		e.RetryAfter = time.Duration(min(n, 24*3600)) * time.Second
	}
	if json.Unmarshal(b, &told) == nil && told.Error.Code != "" {
		e.Code, e.Hint = told.Error.Code, told.Error.Hint
		e.Message = fmt.Sprintf("the edge refuses (%s): %s", e.Code, told.Error.Message)
		if e.Code == "unauthorised" {
			e.Hint = "the token is not this deployment's: take the file gate-token that stele deploy has written for it, with --token FILE"
		}
		return e
	}
	switch to := res.Header.Get("Location"); {
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusMethodNotAllowed:
		e.Message, e.Hint = fmt.Sprintf("%s takes no publications: %s answers %s", p.URL, path, res.Status), notAnEdge
	case res.StatusCode/100 == 3 && to != "":
		e.Message = fmt.Sprintf("%s leads elsewhere, to %s", p.URL, shown(to))
		e.Hint = "type the address where it leads"
		if base, ok := strings.CutSuffix(to, path); ok {
			e.Hint = "type --to " + base
		}
	default:
		e.Message, e.Hint = fmt.Sprintf("%s%s answers %s", p.URL, path, res.Status), "run the same command again later: it goes on from what is done"
	}
	return e
}

func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

// shown quotes what somebody else has written, if it has to be.
func shown(text string) string {
	if q := strconv.Quote(text); q != `"`+text+`"` || text == "" {
		return q
	}
	return text
}
