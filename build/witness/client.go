package witness

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"stele/proofs"
	protocol "stele/site/edge/witness"
)

// What a client does where it is not told otherwise.
const (
	defaultPatience = 30 * time.Second
	defaultGrace    = 2 * time.Second
)

const (
	firstWait     = 200 * time.Millisecond
	longestWait   = 5 * time.Second
	attemptTime   = 10 * time.Second // for one request, its answer included
	mostConflicts = 3                // times in a row that a witness names another size: somebody else may be sending too
	mostRedirects = 3
	maxAhead      = 300  // seconds a cosignature may be timed after our clock; FORMAT.md, section 13
	maxBehind     = 3600 // and a new one before it: one of last year would count for the quorum, and what is published by it be stale
)

// A Client asks witnesses. Its fields are set before it is used; one Collect at a time, and any number of Views.
type Client struct {
	// HTTP sends the requests; nil is a client of its own, which keeps connections. Redirections are followed within a
	// host only, whatever it says.
	HTTP *http.Client
	// Patience is how long all witnesses together are waited for; 0 is 30 seconds.
	Patience time.Duration
	// Grace is how long the slower ones are still waited for where there are enough; 0 is 2 seconds.
	Grace time.Duration
	// Now is the clock; nil is the machine's.
	Now func() time.Time
	// Sizes is what each witness has cosigned last of this log, by its URL. It is read and brought up to date; who keeps it
	// saves a round. It need not be right: a witness tells.
	Sizes map[string]uint64

	once sync.Once
	http *http.Client
}

// Growth gives the consistency proof (RFC 6962) from an older size to the checkpoint's. Collect calls it once a size, never
// twice at a time, and never after it has returned.
type Growth func(old uint64) ([]proofs.Hash, error)

// Collect asks all peers at once for cosignatures of a checkpoint, a note that the log has signed. Only the lines under the
// log's name are sent: a witness has no use for others, and takes a few kilobytes.
//
// It returns the verified lines of those who answered, in the order of the peers and their keys, and why the others did
// not. enough is asked before the first answer and after each: once it says yes, the rest has the grace and no more. It may
// be nil: then all are waited for, as long as the patience lasts.
func (c *Client) Collect(ctx context.Context, note []byte, peers []Peer, growth func(old uint64) ([]proofs.Hash, error),
	enough func(lines []proofs.Signature) bool) (lines []proofs.Signature, faults []Fault) {
	j, err := newJob(note, growth)
	if err != nil {
		for _, p := range peers {
			faults = append(faults, Fault{Peer: p, Kind: Own, Err: err})
		}
		return nil, faults
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Patience, defaultPatience))
	defer cancel()
	answers := make(chan answer, len(peers))
	for i, p := range peers {
		old := c.Sizes[p.URL]
		go func() { answers <- c.persist(ctx, i, p, j, old) }()
	}
	return c.gather(cancel, peers, answers, enough)
}

// gather takes the answers in as they come. All are waited for, but not for long once cancel was called.
func (c *Client) gather(cancel func(), peers []Peer, answers <-chan answer, enough func([]proofs.Signature) bool) ([]proofs.Signature, []Fault) {
	all := make([]answer, len(peers))
	var grace <-chan time.Time
	ask := func() {
		if grace == nil && enough != nil && enough(linesOf(all)) {
			grace = time.After(cmp.Or(c.Grace, defaultGrace))
		}
	}
	for left := len(peers); left > 0; {
		ask()
		select {
		case a := <-answers:
			all[a.peer] = a
			c.remember(peers[a.peer], a)
			left--
		case <-grace:
			cancel()
			grace = make(chan time.Time) // never again
		}
	}
	return linesOf(all), faultsOf(all)
}

func linesOf(all []answer) []proofs.Signature {
	var lines []proofs.Signature
	for _, a := range all {
		lines = append(lines, a.lines...)
	}
	return lines
}

func faultsOf(all []answer) []Fault {
	var faults []Fault
	for _, a := range all {
		if a.fault != nil {
			faults = append(faults, *a.fault)
		}
	}
	return faults
}

// remember notes what a witness has cosigned last.
func (c *Client) remember(p Peer, a answer) {
	if c.Sizes != nil && a.known {
		c.Sizes[p.URL] = a.size
	}
}

// An answer is what came of one peer.
type answer struct {
	peer  int
	lines []proofs.Signature
	fault *Fault
	size  uint64 // that the witness has cosigned last
	known bool   // whether it has told size
}

// A job is what all peers are asked for.
type job struct {
	checkpoint proofs.Checkpoint
	text       string // the note's text
	note       []byte // as it is sent

	mu     sync.Mutex
	growth Growth
	proofs map[uint64]func() ([]proofs.Hash, error)
}

func newJob(note []byte, growth Growth) (*job, error) {
	c, n, err := proofs.ParseCheckpoint(note)
	if err != nil {
		return nil, err
	}
	n.Signatures = slices.DeleteFunc(n.Signatures, func(s proofs.Signature) bool { return s.Name != c.Origin })
	if len(n.Signatures) == 0 {
		return nil, fmt.Errorf("checkpoint of size %d: no signature under the log's name %q", c.Size, c.Origin)
	}
	return &job{checkpoint: c, text: n.Text, note: n.Marshal(), growth: growth, proofs: map[uint64]func() ([]proofs.Hash, error){}}, nil
}

// request makes the body for a witness that has cosigned a size. Most have the same: each proof is made once.
func (j *job) request(old uint64) ([]byte, error) {
	var proof []proofs.Hash
	if old > 0 && old < j.checkpoint.Size {
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.proofs[old] == nil {
			j.proofs[old] = sync.OnceValues(func() ([]proofs.Hash, error) { return j.growth(old) })
		}
		var err error
		if proof, err = j.proofs[old](); err != nil {
			return nil, err
		}
	}
	return (&Request{Old: old, Proof: proof, Checkpoint: j.note}).Marshal(), nil
}

// persist asks one peer until it has answered or the patience is at its end.
func (c *Client) persist(ctx context.Context, at int, p Peer, j *job, old uint64) answer {
	a := answer{peer: at, size: old}
	if old > j.checkpoint.Size {
		a.size = 0 // a size remembered of another time; the witness tells
	}
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		c.ask(ctx, p, j, &a)
		if a.fault == nil {
			return a
		}
		a.fault.Peer = p
		if a.fault.Kind != Outage || !pause(ctx, max(wait, time.Duration(a.fault.again)*time.Second)) {
			return a
		}
	}
}

// pause waits, somewhat longer than it was asked to so that not all come at once, and reports whether there is time left.
func pause(ctx context.Context, wait time.Duration) bool {
	wait += time.Duration(rand.Int64N(int64(wait/4) + 1))
	if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
		return false
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// ask asks once, and again from the size that the witness names.
func (c *Client) ask(ctx context.Context, p Peer, j *job, a *answer) {
	for range mostConflicts {
		body, err := j.request(a.size)
		if err != nil {
			a.fault = fault(Own, "", "the proof from size %d to %d cannot be made: %w", a.size, j.checkpoint.Size, err)
			return
		}
		sent := a.size
		var again bool
		if again, a.fault = c.post(ctx, p, j, body, a); !again {
			return
		}
		if a.size == sent {
			a.fault = fault(Broken, askOperator, "it says that it has not cosigned size %d last, and that it has", sent)
			return
		}
	}
	a.fault = fault(Broken, "look who else submits this log's checkpoints", "it has named another size %d times in a row", mostConflicts)
}

const askOperator = "ask whoever operates it"

// post sends one request. It reports whether to ask again, with the size that is in a now.
func (c *Client) post(ctx context.Context, p Peer, j *job, body []byte, a *answer) (again bool, f *Fault) {
	status, kind, b, f := c.send(ctx, http.MethodPost, p.URL+"/add-checkpoint", body)
	if f != nil {
		return false, f
	}
	switch status {
	case http.StatusOK:
		if a.lines, f = c.verify(p, j.checkpoint, j.text, b, c.now().Unix()-maxBehind); f == nil {
			a.size, a.known = j.checkpoint.Size, true
		}
		return false, f
	case http.StatusConflict:
		return c.conflict(j, kind, b, a)
	case http.StatusUnprocessableEntity:
		if a.size == 0 {
			return false, fault(Broken, askOperator, "it has cosigned nothing of this log, and does not take its beginning (422: %q)", cut(string(b)))
		}
		return false, contradiction(a.size, j.checkpoint.Size)
	}
	return false, refused(status, b)
}

// conflict reads the size that a witness names.
func (c *Client) conflict(j *job, kind string, b []byte, a *answer) (again bool, f *Fault) {
	size, ok := protocol.ParseSize(b)
	if media, _, err := mime.ParseMediaType(kind); err != nil || media != typeSize || !ok {
		return false, fault(Broken, askOperator, "it answered 409 without the size that it has cosigned last: %q", cut(string(b)))
	}
	if size > j.checkpoint.Size {
		return false, contradiction(size, j.checkpoint.Size)
	}
	a.size, a.known = size, true
	return true, nil
}

// contradiction is of a witness that has cosigned a size of another ledger.
func contradiction(theirs, ours uint64) *Fault {
	const why = "publish nothing more until it is known why: was the registry put back from a copy, or has somebody else its log key? " +
		"Whoever operates the witness can show what it has cosigned"
	f := fault(Contradiction, why, "it has cosigned a ledger of size %d from which ours of size %d does not go on", theirs, ours)
	switch {
	case theirs == ours:
		f = fault(Contradiction, why, "it has cosigned another ledger of size %d", ours)
	case theirs > ours:
		f = fault(Contradiction, why, "it has cosigned size %d, and ours is %d", theirs, ours)
	}
	f.Size = theirs
	return f
}

// refused is a status that is no cosignature.
func refused(status int, b []byte) *Fault {
	said := cut(strings.TrimSpace(string(b)))
	switch {
	case status == http.StatusNotFound:
		return fault(Refusal, "give its operator the log line of the policy", "it does not know this log, or there is no witness at its address (404: %q)", said)
	case status == http.StatusForbidden:
		return fault(Refusal, "give its operator the log's present keys", "it knows this log under other keys (403: %q)", said)
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500:
		return fault(Outage, "", "it answered %d: %q", status, said)
	}
	return fault(Refusal, askOperator, "it answered %d: %q", status, said)
}

// verify takes the lines of the peer's keys out of an answer. One of them that is wrong, or older than a time, spoils all.
func (c *Client) verify(p Peer, cp proofs.Checkpoint, text string, b []byte, since int64) ([]proofs.Signature, *Fault) {
	n, err := proofs.ParseNote(slices.Concat([]byte(text), []byte("\n"), b))
	if err != nil || n.Text != text {
		return nil, fault(Broken, askOperator, "its answer is not signature lines: %q", cut(string(b)))
	}
	var lines []proofs.Signature
	for _, k := range p.Keys {
		line, f := c.verifyLine(k, cp, n.Signatures)
		if f != nil {
			return nil, f
		}
		if line == nil {
			continue
		}
		if t := newest(line); t < since {
			return nil, fault(Broken, "compare both clocks with a time server", "its clock is %d seconds behind ours, want at most %d", c.now().Unix()-t, maxBehind)
		}
		lines = append(lines, *line)
	}
	if len(lines) == 0 {
		return nil, fault(Broken, "compare the witness line of the policy with the keys that its operator has published", "its answer has no line of the keys in the policy")
	}
	return lines, nil
}

// verifyLine returns a key's line, or nil if there is none.
func (c *Client) verifyLine(k *proofs.Key, cp proofs.Checkpoint, lines []proofs.Signature) (*proofs.Signature, *Fault) {
	for i := range lines {
		if !lines[i].By(k) {
			continue
		}
		t, err := lines[i].CheckCheckpoint(k, cp)
		if err != nil {
			return nil, fault(Broken, askOperator, "%w", err)
		}
		if now := c.now().Unix(); t > now+maxAhead {
			return nil, fault(Broken, "compare both clocks with a time server", "its clock is %d seconds ahead of ours, want at most %d", t-now, maxAhead)
		}
		return &lines[i], nil
	}
	return nil, nil
}

func (c *Client) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// send sends a request and reads its answer, which has a limit.
func (c *Client) send(ctx context.Context, method, url string, body []byte) (status int, kind string, b []byte, f *Fault) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err == nil && req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		err = fmt.Errorf("its address is %q, want one that begins with https:// or http://", cut(url))
	}
	if err != nil {
		return 0, "", nil, fault(Refusal, "correct the address in the policy", "%w", err)
	}
	res, err := c.client().Do(req)
	if err != nil {
		return 0, "", nil, unreachable(err)
	}
	defer res.Body.Close()
	b, err = io.ReadAll(io.LimitReader(res.Body, proofs.MaxCheckpoint+1))
	switch {
	case err != nil:
		return 0, "", nil, unreachable(err)
	case len(b) > proofs.MaxCheckpoint:
		return 0, "", nil, fault(Broken, askOperator, "its answer is over %d bytes", proofs.MaxCheckpoint)
	}
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return 0, "", nil, fault(Refusal, "correct the address in the policy", "it sends to another place: %s", cut(res.Header.Get("Location")))
	}
	if f := later(res, b); f != nil {
		return 0, "", nil, f
	}
	return res.StatusCode, res.Header.Get("Content-Type"), b, nil
}

// later is an outage that says when it will be over.
func later(res *http.Response, b []byte) *Fault {
	n, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || n <= 0 || n > 86400 {
		return nil
	}
	f := refused(res.StatusCode, b)
	if f.Kind != Outage {
		return nil
	}
	f.again = n
	return f
}

// unreachable tells an error without the address, which the caller knows.
func unreachable(err error) *Fault {
	var redirect *redirectError
	if errors.As(err, &redirect) {
		return fault(Refusal, "correct the address in the policy", "%w", redirect)
	}
	if errors.Is(err, context.Canceled) {
		return fault(Outage, "", "it has not answered while the others did")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fault(Outage, "look whether it is running, and reached from here", "it has not answered in time")
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	return fault(Outage, "look whether it is running, and reached from here", "%w", err)
}

// client is the HTTP client with redirections held back.
func (c *Client) client() *http.Client {
	c.once.Do(func() {
		h := &http.Client{}
		if c.HTTP != nil {
			*h = *c.HTTP
		}
		h.CheckRedirect = sameHost
		c.http = h
	})
	return c.http
}

// A redirectError is a redirection that is not followed.
type redirectError struct{ to string }

func (e *redirectError) Error() string {
	return fmt.Sprintf("it sends to another place, %q, which is not followed", cut(e.to))
}

// sameHost follows what stays on the host and does the same there. Another host was not named by the policy: a checkpoint
// that is not published yet is not to be sent to it.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	upgraded := first.URL.Scheme == "http" && req.URL.Scheme == "https" && first.URL.Hostname() == req.URL.Hostname()
	same := first.URL.Scheme == req.URL.Scheme && first.URL.Host == req.URL.Host
	if len(via) > mostRedirects || req.Method != first.Method || !same && !upgraded {
		return &redirectError{req.URL.String()}
	}
	return nil
}
