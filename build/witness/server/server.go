// Package server is a witness: c2sp.org/tlog-witness. It cosigns the checkpoints of the logs that it has been told of, each
// only if it continues the one before.
//
// All of a witness lies in one folder:
//
//	lock            held by the process that serves it
//	keys/           its private keys (package keys, role witness): ML-DSA-44, Ed25519, or both
//	logs            the logs that it witnesses: the log lines of a c2sp.org/tlog-policy file
//	origins         every log that it has ever cosigned, so that a record which is gone is noticed
//	state/…         one record a log: the last checkpoint that it has cosigned, as it shows it
//	misbehaviour/…  what logs have signed that they must not
//
// What a cosignature promises is that no other with an earlier or another history was or will be given under the same key.
// So a record is durable before its cosignature leaves the process, and whatever cannot be read back for certain is not
// begun anew: for that log the witness then signs nothing more. The one thing that it cannot notice is that its whole folder
// was put back to an earlier day. A witness is never restored from a copy; another is made, under another key.
package server

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"stele/build/durable"
	"stele/build/witness"
	"stele/proofs"
)

// Names in a witness's folder.
const (
	KeysFolder  = "keys"
	LogsFile    = "logs"
	lockFile    = "lock"
	originsFile = "origins"
	stateFolder = "state"
	badFolder   = "misbehaviour"
)

const (
	mostSigners = 4   // keys of one witness
	mostInside  = 512 // requests at once, each with a body of up to 130 KB
	mostAtWork  = 16  // of them, those that are being verified, signed and written: who sends slowly keeps nobody waiting
	backwards   = 60  // seconds that the clock may be behind the last cosignature; more is refused
)

const contentLines = "text/plain; charset=utf-8"

// A Config is what a server is made of.
type Config struct {
	Dir     string
	Signers []proofs.Signer // each signs what is cosigned, in this order
	Log     *slog.Logger
	Now     func() time.Time // nil is the machine's clock
	Metrics *Metrics         // nil counts for nobody
}

// A Server is a witness at work. It is safe for concurrent use.
type Server struct {
	Config
	lock   *durable.Lock
	logs   *logs
	inside chan struct{}
	atWork chan struct{}

	mu      sync.Mutex
	origins map[string]bool // those in the file
	records map[string]*record
}

// An Error says what is the matter with a witness's folder, and what to do.
type Error struct {
	Err  error
	Hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func failed(hint, format string, args ...any) error { return &Error{fmt.Errorf(format, args...), hint} }

// ErrNoWitness says that a folder is not a witness's.
var ErrNoWitness = errors.New("not the folder of a witness")

// Init makes what a witness's folder holds besides its keys, the list of origins last: it says that the folder is whole. What
// is there already stays.
func Init(dir string) error {
	if err := durable.MakeDirs(dir); err != nil {
		return err
	}
	lock, err := take(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := writeMissing(filepath.Join(dir, LogsFile), []byte(emptyLogs)); err != nil {
		return err
	}
	switch _, err := readOrigins(dir); {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if n, err := countFiles(filepath.Join(dir, stateFolder)); err != nil || n > 0 {
		return failed("make another witness, in another folder and with other keys", "%s has records of %d logs and no list of them: it has been tampered with (%w)",
			dir, n, errors.Join(ErrDamaged, err))
	}
	if err := durable.MakeDirs(filepath.Join(dir, stateFolder)); err != nil {
		return err
	}
	return errors.Join(writeOrigins(dir, nil), durable.SyncDir(filepath.Dir(dir))) // which makes the names in the folder durable
}

// IsWitness tells the folder of a witness by its list of origins.
func IsWitness(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, originsFile))
	return err == nil && info.Mode().IsRegular()
}

func writeMissing(path string, b []byte) error {
	if err := durable.WriteNew(path, b, 0o644); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func take(dir string) (*durable.Lock, error) {
	lock, err := durable.TryLock(filepath.Join(dir, lockFile))
	if errors.Is(err, durable.ErrLocked) {
		return nil, failed("end the other process first: two at once could cosign two histories", "%s: another witness is at work in this folder", dir)
	}
	return lock, err
}

// Open takes a witness's folder. A second process is refused.
func Open(c Config) (*Server, error) {
	if n := len(c.Signers); n == 0 || n > mostSigners {
		return nil, failed("", "%d witness keys, want 1 to %d", n, mostSigners)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics()
	}
	if !IsWitness(c.Dir) { // before a lock is left behind in a folder that is somebody else's
		return nil, failed("make one: stele witness --init", "%s is %w", c.Dir, ErrNoWitness)
	}
	lock, err := take(c.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{Config: c, lock: lock, inside: make(chan struct{}, mostInside), atWork: make(chan struct{}, mostAtWork), records: map[string]*record{}}
	sweep(c.Dir, filepath.Join(c.Dir, stateFolder))
	if s.origins, err = readOrigins(c.Dir); err == nil {
		s.logs, err = openLogs(filepath.Join(c.Dir, LogsFile), c.Log, c.Metrics)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// sweep removes what a process that was killed was about to write. What cannot be removed is in nobody's way.
func sweep(dirs ...string) {
	for _, dir := range dirs {
		left, _ := filepath.Glob(filepath.Join(dir, ".new-*"))
		for _, path := range left {
			os.Remove(path)
		}
	}
}

// Close gives the folder free. Nothing may be served any more.
func (s *Server) Close() error { return s.lock.Close() }

// Logs is how many logs are witnessed.
func (s *Server) Logs() int { return len(s.logs.current()) }

// Handler is the witness over HTTP: submission and monitoring prefix are one.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", s.counted("add-checkpoint", s.add))
	mux.HandleFunc("GET /{origin}/checkpoint", s.counted("checkpoint", s.show))
	mux.HandleFunc("GET /health", s.counted("health", s.health))
	return mux
}

// An outcome is how a request is answered.
type outcome struct {
	status int
	kind   string // content type; empty for plain text
	body   []byte
}

func said(status int, format string, args ...any) outcome {
	return outcome{status, "", fmt.Appendf(nil, format+"\n", args...)}
}

// counted answers a request, unless there are too many, and counts it.
func (s *Server) counted(what string, do func(*http.Request) outcome) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		o := s.inTurn(r, do)
		h := w.Header()
		h.Set("Content-Type", orPlain(o.kind))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		if o.status == http.StatusServiceUnavailable {
			h.Set("Retry-After", "1")
		}
		w.WriteHeader(o.status)
		w.Write(o.body) // whoever has gone away asks again
		s.Metrics.request(what, o.status, time.Since(began))
	}
}

func (s *Server) inTurn(r *http.Request, do func(*http.Request) outcome) outcome {
	select {
	case s.inside <- struct{}{}:
		defer func() { <-s.inside }()
		return do(r)
	default:
		return said(http.StatusServiceUnavailable, "too many requests at once")
	}
}

func orPlain(kind string) string {
	if kind == "" {
		return contentLines
	}
	return kind
}

// show is the monitors' side: the last checkpoint that was cosigned, by the hash of its log's origin.
func (s *Server) show(r *http.Request) outcome {
	for origin := range s.logs.current() {
		if witness.OriginPath(origin) != r.PathValue("origin")+"/checkpoint" {
			continue
		}
		rec := s.record(origin)
		rec.Lock()
		defer rec.Unlock()
		st, err := s.load(origin, rec)
		switch {
		case err != nil:
			return s.unfit(origin, err)
		case st != nil:
			return outcome{http.StatusOK, contentLines, st.note}
		}
	}
	return said(http.StatusNotFound, "no checkpoint of such a log was cosigned here")
}
