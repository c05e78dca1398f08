package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"stele/build/durable"
	"stele/build/registry"
	"stele/proofs"
)

const (
	origin = "test.example/ledger"
	office = "office.test.example"
	court  = "court.test.example"
)

// start is the tests' time, in seconds.
const start = int64(1_800_000_000)

var testDir string

func TestMain(m *testing.M) {
	var err error
	if testDir, err = os.MkdirTemp("", "intake"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(testDir)
	os.Exit(code)
}

func document(n int) proofs.Ref {
	return proofs.Ref{Digests: proofs.DigestsOf(fmt.Appendf(nil, "document %d\n", n))}
}

// image is a registry with two issuers, which has published documents 0 and 1 of the office.
var image = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(testDir, "image")
	r, err := registry.Init(dir, registry.Setup{Origin: origin, Title: "Test", Demo: true, StaleAfter: 48 * time.Hour}, nil)
	if err != nil {
		return "", err
	}
	r.Now = func() time.Time { return time.Unix(start, 0) }
	if err := r.Accredit(office, "Office", []string{"letter", "passport"}); err != nil {
		return "", err
	}
	if err := r.Accredit(court, "Court", []string{"*"}); err != nil {
		return "", err
	}
	d := &desk{r: r}
	if err := r.Desk().Deliver(context.Background(), [][]byte{d.registration(office, 0), d.registration(office, 1)}); err != nil {
		return "", err
	}
	_, err = r.Publish(context.Background())
	return dir, err
})

// A desk is a registry with its server, and an agency before it.
type desk struct {
	testing.TB
	r      *registry.Registry
	in     *registry.Intake
	s      *Server
	http   *httptest.Server
	log    *bytes.Buffer
	client *http.Client
	now    int64

	signers map[string]proofs.Signer // by file; nil where there are several goroutines
}

// A setup is what a test wants otherwise than usual.
type setup struct {
	queue  int
	limits Limits
	dir    string
}

func open(t testing.TB, set setup) *desk {
	t.Helper()
	from, err := image()
	if err != nil {
		t.Fatal(err)
	}
	if set.dir == "" {
		set.dir = t.TempDir()
	}
	copyTree(t, from, set.dir)
	d := &desk{TB: t, now: start + 60}
	d.begin(set)
	return d
}

// begin starts the server on a registry, as after a restart.
func (d *desk) begin(set setup) {
	d.Helper()
	var err error
	if d.r, err = registry.Open(set.dir, nil); err != nil {
		d.Fatal(err)
	}
	d.r.Now = func() time.Time { return time.Unix(d.now, 0) }
	if set.queue == 0 {
		set.queue = 1000
	}
	if set.limits == (Limits{}) {
		set.limits = DefaultLimits
	}
	if d.in, err = d.r.NewIntake(set.queue); err != nil {
		d.Fatal(err)
	}
	d.log = &bytes.Buffer{}
	d.s = &Server{Registry: d.r, Intake: d.in, Log: slog.New(slog.NewJSONHandler(&locked{w: d.log}, nil)), Schedule: &Schedule{},
		Limits: set.limits, Metrics: NewMetrics(d.in)}
	d.http = httptest.NewServer(d.s.Handler())
	d.client = &http.Client{Transport: conforming{d, http.DefaultTransport}}
	d.Cleanup(d.end)
}

func (d *desk) end() {
	if d.http != nil {
		d.http.Close()
		d.in.Close()
		d.http = nil
	}
}

// restart ends the server and starts another on the same folder.
func (d *desk) restart() {
	d.Helper()
	dir := d.r.Dir
	d.end()
	d.begin(setup{dir: dir})
}

// locked is a writer for several goroutines.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// router finds the operation of a request in openapi.yaml.
var router = sync.OnceValues(func() (routers.Router, error) {
	openapi3filter.RegisterBodyDecoder("application/octet-stream", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/yaml", openapi3filter.FileBodyDecoder)
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringDateTime))
	doc, err := openapi3.NewLoader().LoadFromData(OpenAPI)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// conforming compares every request that is meant well, and every answer, with openapi.yaml.
type conforming struct {
	t    testing.TB
	next http.RoundTripper
}

// wrong marks a request that breaks the contract on purpose.
type wrong struct{}

func (c conforming) RoundTrip(req *http.Request) (*http.Response, error) {
	rt, err := router()
	if err != nil {
		return nil, err
	}
	found := *req
	u := *req.URL
	u.Scheme, u.Host = "", ""
	found.URL = &u
	route, params, err := rt.FindRoute(&found)
	if err != nil {
		if req.Context().Value(wrong{}) == nil {
			c.t.Errorf("%s %s: %v", req.Method, req.URL.Path, err)
		}
		return c.next.RoundTrip(req)
	}
	in := &openapi3filter.RequestValidationInput{Request: &found, PathParams: params, Route: route,
		Options: &openapi3filter.Options{IncludeResponseStatus: true}}
	if req.Context().Value(wrong{}) == nil {
		if err := openapi3filter.ValidateRequest(req.Context(), in); err != nil {
			c.t.Errorf("request %s %s: %v", req.Method, req.URL.Path, err)
		}
		req.Body = found.Body
	}
	res, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(res.Body)
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out := (&openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode, Header: res.Header,
		Options: in.Options}).SetBodyBytes(b)
	if err := openapi3filter.ValidateResponse(req.Context(), out); err != nil {
		c.t.Errorf("answer to %s %s: %d %s: %v", req.Method, req.URL.Path, res.StatusCode, b, err)
	}
	return res, nil
}

// An answered is an answer that was read.
type answered struct {
	status int
	header http.Header
	body   []byte
}

func (d *desk) ask(ctx context.Context, method, path, kind string, body io.Reader) *answered {
	d.Helper()
	req, err := http.NewRequestWithContext(ctx, method, d.http.URL+path, body)
	if err != nil {
		d.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := d.client.Do(req)
	if err != nil {
		d.Error(err)
		return &answered{}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		d.Error(err)
	}
	return &answered{res.StatusCode, res.Header, b}
}

// bad sends what breaks the contract.
func (d *desk) bad(method, path, kind string, body []byte) *answered {
	d.Helper()
	return d.ask(context.WithValue(context.Background(), wrong{}, true), method, path, kind, bytes.NewReader(body))
}

func (d *desk) get(path string) *answered {
	d.Helper()
	return d.ask(context.Background(), "GET", path, "", nil)
}

// post sends statements as a bundle and returns their outcomes, those of a full queue as well.
func (d *desk) post(entries ...[]byte) (*answered, []Outcome) {
	d.Helper()
	var body []byte
	for _, e := range entries {
		body = proofs.AppendBundleEntry(body, e)
	}
	a := d.ask(context.Background(), "POST", "/v1/statements", "application/octet-stream", bytes.NewReader(body))
	var o Outcomes
	if err := json.Unmarshal(a.body, &o); err != nil {
		d.Errorf("%d %s: %v", a.status, a.body, err)
	}
	return a, o.Outcomes
}

// must posts one statement, which is to come to a state.
func (d *desk) must(state string, entry []byte) Outcome {
	d.Helper()
	a, out := d.post(entry)
	if len(out) != 1 || out[0].State != state {
		d.Fatalf("got %d %s, want %s of\n%s", a.status, a.body, state, entry)
	}
	return out[0]
}

func (a *answered) error(t testing.TB) (e Error) {
	t.Helper()
	if err := json.Unmarshal(a.body, &e); err != nil || e.Message == "" || e.Hint == "" {
		t.Errorf("%d %s: want an error with a hint", a.status, a.body)
	}
	return e
}

// sign signs a statement with the keys of files in the registry's folder.
func (d *desk) sign(s *proofs.Statement, files ...string) []byte {
	if s.Registry == "" {
		s.Registry = origin
	}
	return d.signText(s.Text(), files...)
}

func (d *desk) signText(text string, files ...string) []byte {
	var signers []proofs.Signer
	for _, f := range files {
		s, err := d.signer(f)
		if err != nil {
			panic(err)
		}
		signers = append(signers, s)
	}
	note, err := proofs.SignNote(text, signers...)
	if err != nil {
		panic(err)
	}
	return note.Marshal()
}

// signer unlocks a key once.
func (d *desk) signer(file string) (proofs.Signer, error) {
	if s := d.signers[file]; s != nil {
		return s, nil
	}
	s, err := d.r.Keys.Signer(file)
	if err == nil && d.signers != nil {
		d.signers[file] = s
	}
	return s, err
}

// registration is a statement of an issuer about document n.
func (d *desk) registration(issuer string, n int) []byte {
	ref := document(n)
	return d.sign(&proofs.Statement{Action: proofs.ActionRegister, Issuer: issuer, Document: &ref, Kind: "letter", Issued: "2027-01-15"},
		registry.IssuerKeyFile(issuer))
}

// event is a later statement of an issuer about document n.
func (d *desk) event(action, issuer string, n int, after []byte, reason string) []byte {
	ref, leaf := document(n), proofs.LeafHash(after)
	return d.sign(&proofs.Statement{Action: action, Issuer: issuer, Document: &ref, After: &leaf, Reason: reason}, registry.IssuerKeyFile(issuer))
}

// publish publishes; the publisher has to take all that the intake has let through.
func (d *desk) publish() *registry.Publication {
	d.Helper()
	d.now += 60
	p, err := d.r.Publish(context.Background())
	if err != nil {
		d.Fatal(err)
	}
	for _, f := range p.Refused {
		d.Errorf("refused after it was taken: %v\n%s", f.Why, f.Entry)
	}
	return p
}

func id(entry []byte) string { return registry.StatementID(entry).String() }

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		at := filepath.Join(to, strings.TrimPrefix(path, from))
		if e.IsDir() {
			return os.MkdirAll(at, 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return durable.Replace(at, b, info.Mode())
	})
	if err == nil {
		err = os.Chmod(filepath.Join(to, "keys"), 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
}
