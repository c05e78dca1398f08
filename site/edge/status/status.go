// Package status says how fresh what an edge serves is (/health.json), and alarms when that is no longer so. For people, package page says the same.
//
// What is told is worked out at each request from the publication in force. Only what takes other hosts is found beforehand, by Check, which a schedule
// runs: whether outside views (other portals of the registry, mirrors, and what witnesses show of it) have the same ledger. Check tells a webhook what
// begins, what changes and what ends; the messages are those of stele monitor, so that one receiver does for both.
//
//	status/state             what the last check has found, what was told, and what could not be delivered yet
//	status/evidence/SHA256   proofs that two histories were signed (FORMAT.md, section 20); whoever operates the edge deletes one to have its alarm end
//
// /health.json is answered 200 where all is well and 503 for everything else, for those who watch by that alone: what the edge serves is served all the
// same, so that nothing that chooses between hosts should ask here. An outage says nothing about the registry and is never told as a fork.
package status

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"stele/proofs"
	"stele/site/edge/published"
)

// Names in the store.
const (
	StateObject    = "status/state"
	EvidencePrefix = "status/evidence/"
)

// The states of an edge; where several apply, the first of them.
const (
	Unknown = "unknown"           // what is in force cannot be read, or cannot be judged
	Nothing = "nothing-published" // yet
	Wrong   = "alarm"             // an outside view differs or is ahead, or what is served is not as it must be
	Stale   = "stale"             // the evidence is older than the trust file's stale-after: verifiers say so
	Late    = "late"              // the next publication is overdue
	OK      = "ok"
)

// A Fetch asks another host. A body is JSON and is sent as such; without one it is nil. It follows at most three redirects, gives up when the context
// ends, and returns of an answer at most 256 KiB, or an error where there is more.
type Fetch func(ctx context.Context, method, url string, body []byte) (status int, b []byte, err error)

// Config is what a Status works with.
type Config struct {
	Source  *published.Source
	URL     string        // the portal's own address, as messages name it
	Every   time.Duration // how often something is published, heartbeats included; 0 is not known: nothing is ever late
	Views   []string      // outside views, at most MostViews: a portal's address, or that of a checkpoint, which ends with /checkpoint; everybody can read them
	Webhook string        // the address that messages are posted to; empty for none
	Fetch   Fetch
	Now     func() time.Time
	Log     *slog.Logger
}

// MostViews is how many outside views there can be: each takes up to MostTiles+1 requests, and a Worker's run has 50 on the free plan and 1000 on the paid one.
const MostViews = 16

// Status tells how an edge stands.
type Status struct {
	Config
}

// New makes the Status of an edge.
func New(c Config) *Status {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Status{c}
}

// judged is the publication in force, and what its checkpoint proves.
type judged struct {
	*published.Publication
	now        int64
	trust      *proofs.Trust
	checkpoint []byte
	signed     *proofs.Signed
	missing    string // of the signatures that the trust file demands
}

// judge reads and judges the publication in force. Its Set is nil where nothing was published.
func (s *Status) judge(ctx context.Context) (*judged, error) {
	j := &judged{now: s.Now().Unix()}
	var err error
	if j.Publication, err = s.Source.Current(ctx); err != nil {
		return nil, err
	}
	if j.trust, err = s.Source.TrustOf(ctx, j.Publication); err != nil {
		return nil, absent(err)
	}
	if j.Set == nil {
		return j, nil
	}
	var c proofs.Checkpoint
	if c, j.checkpoint, err = s.Source.Checkpoint(ctx, j.Publication); err != nil {
		return nil, absent(err)
	}
	for {
		j.signed, j.missing, err = j.trust.Examine(j.checkpoint, j.now)
		if j.trust.Previous == nil || c.Size > j.trust.FinalSize || err == nil && j.missing == "" {
			break
		}
		// It is of an epoch before the trust file's, which the edge was deployed with or has noted since it looked.
		before, bad := s.before(ctx, j.Publication, j.trust)
		if bad != nil {
			return nil, bad
		}
		if before == nil {
			break
		}
		j.trust = before
	}
	if err != nil {
		return nil, fmt.Errorf("the checkpoint in force: %w", err)
	}
	return j, nil
}

// before is the trust file of the epoch before; nil if a publication does not have it.
func (s *Status) before(ctx context.Context, p *published.Publication, t *proofs.Trust) (*proofs.Trust, error) {
	b, err := s.Source.Read(ctx, p, proofs.TrustPath(t.Epoch-1))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e, err := proofs.ParseTrust(b)
	if err != nil || e.ID() != *t.Previous || e.Precedes(t) != nil {
		return nil, nil
	}
	return e, nil
}

// absent keeps what should be there from being told as what need not be.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the publication in force: %v", err)
	}
	return err
}

// lateGrace is how much later than expected a publication may be: a tenth of the time between two, since a run takes its time, and five minutes at least.
func (s *Status) lateGrace() time.Duration { return max(s.Every/10, 5*time.Minute) }

// heard is when the newest evidence was signed, or at least put together. What is deployed anew is no newer for that.
func (j *judged) heard() int64 {
	if j.signed.AsOf > 0 {
		return min(j.signed.AsOf, j.Time)
	}
	return j.Time
}

// due is when the next publication is expected, and when it is late; 0 where that is not known.
func (s *Status) due(j *judged) (next, late int64) {
	if s.Every <= 0 {
		return 0, 0
	}
	next = j.heard() + int64(s.Every/time.Second)
	return next, next + int64(s.lateGrace()/time.Second)
}

// freshUntil is until when verifiers take what is in force for fresh; 0 where nobody has said as of when it holds.
func (j *judged) freshUntil() int64 {
	if j.signed.AsOf == 0 {
		return 0
	}
	return j.signed.AsOf + j.trust.StaleAfter
}

// faults are what is wrong with the publication in force by itself.
func (s *Status) faults(j *judged) (found []Fault) {
	next, late := s.due(j)
	until := j.freshUntil()
	if j.missing != "" {
		found = append(found, Fault{Code: CodeQuorum, Severity: Alarm, What: "the checkpoint in force lacks signatures: " + j.missing, Hint: hints[CodeQuorum]})
	}
	if until > 0 && j.now > until {
		found = append(found, Fault{Code: CodeStale, Severity: Alarm, since: until, Hint: hints[CodeStale],
			What: fmt.Sprintf("the newest evidence is of %s, older than %s", stamp(j.signed.AsOf), seconds(j.trust.StaleAfter))})
	}
	if late > 0 && j.now > late {
		found = append(found, Fault{Code: CodeLate, Severity: Alarm, since: late, Hint: hints[CodeLate],
			What: fmt.Sprintf("the next publication was due at %s; the newest is number %d, as of %s", stamp(next), j.Set.Publication, stamp(j.heard()))})
	}
	return found
}

func stamp(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

func seconds(n int64) string { return (time.Duration(n) * time.Second).String() }
