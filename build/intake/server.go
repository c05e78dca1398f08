// Package intake is how agencies hand statements to a registry over HTTP: the registry's side as a handler, with its limits
// and metrics, and the agency's side as a client. openapi.yaml is the contract.
//
// No password guards it: a statement's signature is the authority. So signatures are verified before anything is counted
// against an issuer, and whoever sends what does not verify is slowed down by address.
package intake

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
)

// OpenAPI is the document at /v1/openapi.yaml.
//
//go:embed openapi.yaml
var OpenAPI []byte

// What one request may bring.
const (
	MaxStatements = 1000
	MaxBody       = 4 << 20 // bytes
)

const (
	commitTime = 30 * time.Second // for the queue to be written
	answerTime = 30 * time.Second // for the client to read its answer
)

// The types of what is submitted.
const (
	typeStatement = "text/plain"
	typeBundle    = "application/octet-stream"
)

// A Server answers /v1/. Its fields are set before it is used.
type Server struct {
	Registry *registry.Registry
	Intake   *registry.Intake
	Log      *slog.Logger
	Schedule *Schedule
	Limits   Limits
	Metrics  *Metrics
	Publish  func() // asks for a publication at once; nil where somebody else publishes

	public portal.Portal
	gate   *gate
}

// Handler is the server's handler, below /v1/.
func (s *Server) Handler() http.Handler {
	s.public = s.Registry.Portal()
	s.gate = newGate(s.Limits)
	mux := http.NewServeMux()
	for _, route := range []struct {
		method, path string
		do           func(http.ResponseWriter, *http.Request, *line) error
	}{
		{"POST", "/v1/statements", s.submit},
		{"GET", "/v1/statements/{hash}", s.statement},
		{"GET", "/v1/receipts/{selector}", s.receipt},
		{"POST", "/v1/approvals", s.approve},
		{"GET", "/v1/health", s.health},
		{"GET", "/v1/ready", s.ready},
		{"GET", "/v1/openapi.yaml", s.openAPI},
	} {
		mux.Handle(route.method+" "+route.path, s.logged(route.path, route.do))
		mux.Handle(route.path, s.logged(route.path, func(w http.ResponseWriter, r *http.Request, _ *line) error {
			w.Header().Set("Allow", route.method)
			return fail(http.StatusMethodNotAllowed, "use "+route.method, "%s takes no %s", route.path, r.Method)
		}))
	}
	mux.Handle("/v1/", s.logged("/v1/", func(http.ResponseWriter, *http.Request, *line) error {
		return fail(http.StatusNotFound, "see /v1/openapi.yaml", "there is nothing of that name")
	}))
	return mux
}

// Closed answers where no statements are taken.
func Closed() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tellError(w, later(http.StatusServiceUnavailable, time.Hour, "ask the registry where to send statements", "no statements are taken here"))
	})
}

// An Error is an answer that is no success.
type Error struct {
	Status     int           `json:"-"`
	RetryAfter time.Duration `json:"-"` // 0: it is of no use to try again
	Message    string        `json:"error"`
	Hint       string        `json:"hint"`
	Outcomes   []Outcome     `json:"outcomes,omitempty"` // of a full queue
	Size       *uint64       `json:"size,omitempty"`     // of what is proposed, where an approval is of another tree
}

func (e *Error) Error() string { return e.Message }

func fail(status int, hint, format string, args ...any) error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func later(status int, after time.Duration, hint, format string, args ...any) error {
	return &Error{Status: status, RetryAfter: after, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// An Outcome is a registry.Outcome as it is sent.
type Outcome struct {
	Statement string     `json:"statement"`
	State     string     `json:"state"`
	Code      string     `json:"code,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	Action    string     `json:"action,omitempty"`
	Issuer    string     `json:"issuer,omitempty"`
	Subject   string     `json:"subject,omitempty"`
	Place     *uint64    `json:"place,omitempty"`
	Published *time.Time `json:"published,omitempty"`
}

func outcome(o registry.Outcome) Outcome {
	out := Outcome{Statement: o.Statement.String(), State: o.State, Code: o.Code, Reason: o.Reason,
		Action: o.Action, Issuer: o.Issuer, Subject: o.Subject}
	if o.State == registry.Published {
		at := time.Unix(o.Published, 0).UTC()
		out.Place, out.Published = &o.Place, &at
	}
	return out
}

// Outcomes is the answer to a submission.
type Outcomes struct {
	Outcomes []Outcome `json:"outcomes"`
}

// submit takes statements: read, count, verify, count again by issuer, and queue.
func (s *Server) submit(w http.ResponseWriter, r *http.Request, l *line) error {
	leave, err := s.gate.enter(l.remote)
	if err != nil {
		return err
	}
	defer leave()
	entries, err := readStatements(w, r, s.Limits.BodyTime)
	if err != nil {
		return err
	}
	l.count = len(entries)
	checked, err := s.verify(r.Context(), entries, l)
	if err != nil {
		return err
	}
	outcomes, err := s.Intake.Take(r.Context(), checked)
	s.gate.charge(l.remote, checked, outcomes)
	if err != nil {
		return s.notTaken(err)
	}
	return s.tell(w, outcomes)
}

// verify checks signatures, so many at a time as there are processors, counts what does not verify against its sender, and looks
// whether the issuers of what does may send as much.
func (s *Server) verify(ctx context.Context, entries [][]byte, l *line) ([]*registry.Checked, error) {
	done, err := s.gate.work(ctx)
	if err != nil {
		return nil, err
	}
	checked := s.Intake.Check(entries)
	done()
	genuine, bad := map[string]int{}, 0
	for _, c := range checked {
		if c.Genuine() {
			genuine[c.Issuer]++
		} else {
			bad++
		}
	}
	s.gate.blame(l.remote, bad)
	for issuer := range genuine {
		l.issuers = append(l.issuers, issuer)
	}
	return checked, s.gate.allow(genuine)
}

// readStatements reads the body by its type.
func readStatements(w http.ResponseWriter, r *http.Request, patience time.Duration) ([][]byte, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	most := int64(MaxBody)
	switch kind {
	case typeStatement:
		most = proofs.MaxStatement
	case typeBundle:
	default:
		return nil, fail(http.StatusUnsupportedMediaType, "send one statement as text/plain, or many as application/octet-stream",
			"content type %q is not one that is read here", kind)
	}
	if r.Header.Get("Content-Encoding") != "" {
		return nil, fail(http.StatusUnsupportedMediaType, "send it as it is", "compressed bodies are not read")
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		return nil, bodyError(err, patience)
	}
	if kind == typeStatement {
		return [][]byte{b}, nil
	}
	entries, err := proofs.ParseEntries(b)
	switch {
	case err != nil:
		return nil, fail(http.StatusBadRequest, "before each statement stands its length as two bytes, the greater first", "not an entry bundle: %v", err)
	case len(entries) == 0:
		return nil, fail(http.StatusBadRequest, "put at least one statement into it", "the bundle is empty")
	case len(entries) > MaxStatements:
		return nil, fail(http.StatusRequestEntityTooLarge, "send it in parts", "%d statements, want at most %d", len(entries), MaxStatements)
	}
	return entries, nil
}

func bodyError(err error, patience time.Duration) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return fail(http.StatusRequestEntityTooLarge, "send at most 1,000 statements and 4 MiB in one bundle; one statement has at most 8,192 bytes",
			"the body has more than %d bytes", large.Limit)
	case isTimeout(err):
		return fail(http.StatusRequestTimeout, "send it again", "the body did not arrive within %s", patience)
	}
	return fail(http.StatusBadRequest, "send it again", "the body broke off: %v", err)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// notTaken tells of a queue that could not be written. Nothing of the request is promised then.
func (s *Server) notTaken(err error) error {
	var reg *registry.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fail(statusGone, "send it again", "the request was broken off")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		s.Log.Error("the queue cannot be written", "error", err)
		return later(http.StatusInsufficientStorage, time.Minute, "send it again later: nothing of it was taken", "the registry has no room left on its disk")
	case errors.As(err, &reg):
		s.Log.Error("the queue cannot be used", "error", err, "hint", reg.Hint)
	default:
		s.Log.Error("the queue cannot be used", "error", err)
	}
	return later(http.StatusServiceUnavailable, time.Minute, "send it again later: nothing of it was taken", "the registry cannot use its queue; its log says why")
}

// statusGone is logged where nobody is there to read the answer any more.
const statusGone = 499

// tell answers with the outcomes, and a status that sums them up.
func (s *Server) tell(w http.ResponseWriter, outcomes []registry.Outcome) error {
	n := map[string]int{}
	out := make([]Outcome, len(outcomes))
	for i, o := range outcomes {
		n[o.State]++
		out[i] = outcome(o)
	}
	for state, count := range n {
		s.Metrics.statements.WithLabelValues(state).Add(float64(count))
	}
	status := http.StatusOK
	switch {
	case n[registry.Deferred] > 0:
		_, limit := s.Intake.Pending()
		return &Error{Status: http.StatusServiceUnavailable, RetryAfter: s.Schedule.Room(), Outcomes: out,
			Message: fmt.Sprintf("the queue is full: %d statements wait for the next publication", limit),
			Hint:    "send those that are deferred again later"}
	case n[registry.Pending] > 0:
		status = http.StatusAccepted
		w.Header().Set("Retry-After", seconds(s.Schedule.Room()))
	case n[registry.Refused] == len(out):
		status = http.StatusUnprocessableEntity
	}
	return answer(w, status, Outcomes{out})
}

func (s *Server) statement(w http.ResponseWriter, r *http.Request, _ *line) error {
	id, err := proofs.ParseHash(r.PathValue("hash"))
	if err != nil {
		return fail(http.StatusBadRequest, "a statement's hash is the SHA-256 of its text, 64 hexadecimal digits", "%q is not a statement's hash", short(r.PathValue("hash")))
	}
	subject := r.URL.Query().Get("subject")
	if subject != "" && !isSelector(subject) {
		return fail(http.StatusBadRequest, "such as subject=sha256:9f86d0…, with all 64 digits", "%q is not a statement's subject", short(subject))
	}
	done, err := s.gate.read()
	if err != nil {
		return err
	}
	defer done()
	o, ok, err := s.Intake.Find(id, subject)
	if err != nil {
		return s.notTaken(err)
	}
	if !ok && subject == "" {
		return fail(http.StatusNotFound, "add ?subject=sha256:… with the document's digest: of what was published some time ago, only that is known; or send the statement again",
			"no statement of that hash is known")
	}
	if !ok {
		return fail(http.StatusNotFound, "send the statement again", "no statement of that hash about that subject is known")
	}
	return answer(w, http.StatusOK, outcome(o))
}

// isSelector tells sha256:…, sealed:… and issuer:…
func isSelector(s string) bool {
	kind, value, _ := strings.Cut(s, ":")
	switch kind {
	case "sha256", "sealed":
		_, err := proofs.ParseHash(value)
		return err == nil
	case "issuer":
		return proofs.IsName(value)
	}
	return false
}

// receipt proves a document's status from what is published, as everybody could do for themselves.
func (s *Server) receipt(w http.ResponseWriter, r *http.Request, _ *line) error {
	selector := r.PathValue("selector")
	value, ok := strings.CutPrefix(selector, "sha256:")
	digest, err := proofs.ParseHash(value)
	if !ok || err != nil {
		return fail(http.StatusBadRequest, "such as /v1/receipts/sha256:9f86d0…, with all 64 digits; of a sealed document only who has its salt can make one",
			"%q is not a document's digest", short(selector))
	}
	done, err := s.gate.read()
	if err != nil {
		return err
	}
	defer done()
	q := proofs.Question{Trust: s.Registry.Trust, Now: s.Registry.Now().Unix(), SHA256: digest, Online: true}
	a, err := portal.Ask(r.Context(), s.public, q, func() (*proofs.Hash512, error) { return s.sha3(selector) })
	if err != nil {
		return s.notTaken(err)
	}
	switch rep := a.Report; {
	case rep.Verdict == proofs.Unavailable || rep.Verdict == proofs.Inconsistent:
		s.Log.Error("no receipt can be made", "verdict", rep.Verdict, "reason", rep.Reason, "detail", rep.Detail)
		return later(http.StatusServiceUnavailable, time.Minute, "ask again later", "what is published cannot be read: %s", rep.Verdict)
	case a.Receipt == nil || rep.Life == nil:
		return fail(http.StatusNotFound, "a receipt is given once the registration is published: ask /v1/statements/ whether it is pending", "the document is not registered")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err = w.Write(a.Receipt)
	return err
}

// sha3 is the other digest that the document was registered by: the registry has the document no more than anybody.
func (s *Server) sha3(selector string) (*proofs.Hash512, error) {
	d, err := s.Intake.Registered(selector)
	if err != nil || d == nil {
		return &proofs.Hash512{}, err
	}
	h := proofs.Hash512(d.SHA3512)
	return &h, nil
}

func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request, _ *line) error {
	w.Header().Set("Content-Type", "application/yaml")
	_, err := w.Write(OpenAPI)
	return err
}

// short keeps what a stranger sent from filling an answer.
func short(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// seconds is a Retry-After: at least one.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int((d + time.Second - 1).Seconds())))
}

func answer(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(append(b, '\n'))
	return err
}

// A line is what the log tells of one request.
type line struct {
	remote  string
	issuers []string
	count   int
}

// logged answers, tells an error as JSON, and logs one line: which route, not which document, since who asks about what is
// nobody's business.
func (s *Server) logged(route string, do func(http.ResponseWriter, *http.Request, *line) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, l := time.Now(), &line{remote: remote(r)}
		rec := &recorder{ResponseWriter: w}
		http.NewResponseController(w).SetWriteDeadline(began.Add(s.Limits.BodyTime + commitTime + answerTime))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if err := do(rec, r, l); err != nil && rec.status == 0 {
			if e := (*Error)(nil); !errors.As(err, &e) {
				s.Log.Error("request failed", "error", err)
			}
			tellError(rec, err)
		}
		took := time.Since(began)
		s.Metrics.request(route, r.Method, rec.status, took)
		attrs := []any{"method", r.Method, "path", route, "status", rec.status, "seconds", took.Round(time.Microsecond).Seconds()}
		if r.Method == http.MethodPost {
			attrs = append(attrs, "remote", l.remote, "issuer", strings.Join(l.issuers, ","), "count", l.count)
		}
		s.Log.Info("request", attrs...)
	})
}

func tellError(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Message: "the registry has made a mistake; its log says which", Hint: "ask again later"}
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(e.RetryAfter))
	}
	answer(w, e.Status, e)
}

// A recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
