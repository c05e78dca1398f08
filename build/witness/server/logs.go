package server

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"stele/proofs"
	"stele/site/edge/witness"
)

// emptyLogs is the file of logs as Init makes it.
const emptyLogs = `# The logs that this witness cosigns for, a line each: the word log and the log's verifier key. A log with two keys has two
# lines; one that changes its keys has the old and the new ones until it signs with the new ones alone, and the line of a key
# that was stolen is taken out at once. The file is read again when it changes. Its form is c2sp.org/tlog-policy.
quorum none
`

// logs are the keys of each log, by its origin, as a file says.
type logs struct {
	path    string
	log     *slog.Logger
	metrics *Metrics

	mu    sync.Mutex
	stamp stamp
	keys  map[string][]*proofs.Key
	bad   error // why the file as it is now is not used
}

// A stamp tells one version of a file from another.
type stamp struct {
	size int64
	time time.Time
	info fs.FileInfo // the file itself: an editor puts another into its place
}

func (a stamp) same(b stamp) bool {
	return a.size == b.size && a.time.Equal(b.time) && a.info != nil && b.info != nil && os.SameFile(a.info, b.info)
}

func openLogs(path string, log *slog.Logger, m *Metrics) (*logs, error) {
	l := &logs{path: path, log: log, metrics: m}
	var err error
	if l.stamp, l.keys, err = readLogs(path); err != nil {
		return nil, failed("correct it: one line for each log, log VKEY, and the line quorum none", "%s: %w", path, err)
	}
	m.configured(len(l.keys), true)
	return l, nil
}

// current is what the file says. It is looked at each time; one that is broken is told, what it said before is kept, and the error says why.
func (l *logs) current() (map[string][]*proofs.Key, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := stampOf(l.path); !now.same(l.stamp) {
		l.reread(now)
	}
	if l.bad != nil {
		return l.keys, fmt.Errorf("the file of logs cannot be used: %w", l.bad)
	}
	return l.keys, nil
}

func (l *logs) reread(now stamp) {
	read, keys, err := readLogs(l.path)
	if err != nil {
		if l.bad == nil || l.bad.Error() != err.Error() { // once, not with every request
			l.log.Error("the file of logs cannot be used; what it said before is kept", "file", l.path, "error", err)
		}
		l.bad, l.stamp = err, now // of a file that is gone, a stamp that is never the same
		l.metrics.configured(len(l.keys), false)
		return
	}
	l.stamp, l.keys, l.bad = read, keys, nil
	l.metrics.configured(len(keys), true)
	l.log.Info("the file of logs was read", "file", l.path, "logs", len(keys))
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime(), info}
}

// readLogs reads the log lines of a policy file; its other lines are for those who verify.
func readLogs(path string) (stamp, map[string][]*proofs.Key, error) {
	at := stampOf(path) // before it is read: a change in between is noticed next time
	b, err := os.ReadFile(path)
	if err != nil {
		return at, nil, err
	}
	keys, err := witness.ParseLogs(b)
	return at, keys, err
}
