package intake

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"stele/build/registry"
	"stele/proofs"
)

// A Schedule is when publications are due.
type Schedule struct {
	Every time.Duration // 0: this daemon does not publish

	mu   sync.Mutex
	next time.Time
	took time.Duration // of the last one
}

// unscheduled is how long to wait where somebody else publishes.
const unscheduled = time.Minute

// Due notes when the next publication begins, and how long the last one took.
func (s *Schedule) Due(next time.Time, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.took = next, took
}

// Next is when the next publication begins; zero where this daemon does not publish.
func (s *Schedule) Next() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

// Room is how long it takes until the queue will have been published.
func (s *Schedule) Room() time.Duration {
	if s.Every == 0 {
		return unscheduled
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, time.Until(s.next)) + s.took
}

// Health is the answer of /v1/health.
type Health struct {
	OK          bool              `json:"ok"`
	Problems    []string          `json:"problems"`
	Registry    string            `json:"registry"`
	Time        time.Time         `json:"time"`
	Queue       HealthQueue       `json:"queue"`
	Publication HealthPublication `json:"publication"`
	DiskFree    *uint64           `json:"disk_free,omitempty"`
}

// HealthQueue tells how full the queue is.
type HealthQueue struct {
	Pending int `json:"pending"`
	Limit   int `json:"limit"`
}

// HealthPublication tells of the last publication and the next.
type HealthPublication struct {
	Size   uint64     `json:"size"`
	Time   time.Time  `json:"time"`
	Next   *time.Time `json:"next,omitempty"`
	OnTime bool       `json:"on_time"`
}

// What is still well.
const (
	leastDisk  = 256 << 20        // bytes
	clockSlack = 60 * time.Second // behind the last publication: registry's own limit
)

func (s *Server) health(w http.ResponseWriter, r *http.Request, _ *line) error {
	h := Health{Problems: []string{}, Registry: s.Registry.Trust.Origin, Time: s.Registry.Now().UTC().Truncate(time.Second)}
	h.Queue.Pending, h.Queue.Limit = s.Intake.Pending()
	if h.Queue.Pending >= h.Queue.Limit {
		h.problem("the queue is full: %d statements", h.Queue.Pending)
	}
	if err := s.publication(r.Context(), &h); err != nil {
		h.problem("what is published cannot be read: %v", err)
	}
	s.disk(&h)
	status := http.StatusServiceUnavailable
	if h.OK = len(h.Problems) == 0; h.OK {
		status = http.StatusOK
	}
	return answer(w, status, h)
}

// ready tells who shares the load between several front ends whether to send anything here: also where the queue is full or a
// publication late, since bad news has to get in then too.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request, _ *line) error {
	if err := s.Intake.Refresh(); err != nil {
		return later(http.StatusServiceUnavailable, readyAgain, "see /v1/health and the log of the daemon", "the queue or the index cannot be read")
	}
	return answer(w, http.StatusOK, struct {
		Ready bool `json:"ready"`
	}{true})
}

// readyAgain is when it is worth asking again.
const readyAgain = 5 * time.Second

func (h *Health) problem(format string, args ...any) {
	h.Problems = append(h.Problems, fmt.Sprintf(format, args...))
}

// publication looks at the published checkpoint: it is on time if it is no older than two turns of the schedule, or, where
// somebody else publishes, than what verifiers still take for fresh.
func (s *Server) publication(ctx context.Context, h *Health) error {
	b, err := s.Registry.Portal().Read(ctx, "ledger/checkpoint")
	if err != nil {
		return err
	}
	c, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		return err
	}
	h.Publication.Size, h.Publication.Time = c.Size, time.Unix(registry.SignedAt(b, c.Origin), 0).UTC()
	if next := s.Schedule.Next(); !next.IsZero() {
		next = next.UTC().Truncate(time.Second)
		h.Publication.Next = &next
	}
	limit := time.Duration(s.Registry.Trust.StaleAfter) * time.Second
	if s.Schedule.Every > 0 {
		limit = min(limit, 2*s.Schedule.Every+leastLate)
	}
	age := h.Time.Sub(h.Publication.Time)
	h.Publication.OnTime = age <= limit
	if !h.Publication.OnTime {
		h.problem("the last publication is %s old, want at most %s", age, limit)
	}
	if age < -clockSlack {
		h.problem("the clock is %s behind the last publication", -age)
	}
	return nil
}

// leastLate is how long a publication itself may take before it is called late.
const leastLate = time.Minute

func (s *Server) disk(h *Health) {
	var st unix.Statfs_t
	if err := unix.Statfs(s.Registry.Dir, &st); err != nil {
		h.problem("the disk cannot be asked for its room: %v", err)
		return
	}
	free := st.Bavail * uint64(st.Bsize)
	h.DiskFree = &free
	if free < leastDisk {
		h.problem("%d MB are left on the disk, want at least %d", free>>20, leastDisk>>20)
	}
}
