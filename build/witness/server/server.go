// Package server is a witness that is a process of its own. What it answers is package witness's of site/edge, which an edge has too; here are its
// records in a folder, its file of logs and its metrics. All of a witness lies in one folder:
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
	"time"

	"stele/build/durable"
	"stele/proofs"
	"stele/site/edge/witness"
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

// mostAtWork is how many requests are verified, signed and written at once: who sends slowly keeps nobody waiting.
const mostAtWork = 16

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
	lock    *durable.Lock
	logs    *logs
	records *folder
	witness *witness.Witness
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
	if n := len(c.Signers); n == 0 || n > witness.MostSigners {
		return nil, failed("", "%d witness keys, want 1 to %d", n, witness.MostSigners)
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
	s := &Server{Config: c, lock: lock}
	sweep(c.Dir, filepath.Join(c.Dir, stateFolder))
	if s.records, err = openFolder(c.Dir); err == nil {
		s.logs, err = openLogs(filepath.Join(c.Dir, LogsFile), c.Log, c.Metrics)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s.witness = witness.New(witness.Config{Records: s.records, Signers: c.Signers, Logs: s.logs.current, Now: c.Now, Log: c.Log, AtWork: mostAtWork,
		Events: c.Metrics.events(), Problems: s.problems})
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
func (s *Server) Logs() int {
	keys, _ := s.logs.current()
	return len(keys)
}

// Handler is the witness over HTTP: submission and monitoring prefix are one.
func (s *Server) Handler() http.Handler { return s.witness.Handler() }
