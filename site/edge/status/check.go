package status

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"stele/proofs"
	"stele/site/edge/store"
)

const (
	mostTime = 3 * time.Minute // for one check; a schedule's run in a Worker has 15
	lease    = 4 * time.Minute // for which nobody else begins one
)

// A check is one run.
type check struct {
	*Status
	st      *state
	version string
	now     int64
	j       *judged // nil if it could not be judged
	faults  []Fault
	decided map[string]bool // views that could be compared, and ""; the publication in force

	chainOnce sync.Once
	chain     []*proofs.Trust
	chainErr  error
}

// Check is what a schedule runs: it compares what is in force with the clock and with the outside views, and tells what has changed since the last time.
// Of two at once the later does nothing. The error is that nothing could be found out or kept; what it has found wrong is no error.
func (s *Status) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, mostTime)
	defer cancel()
	c, err := s.begin(ctx)
	if c == nil {
		return err
	}
	c.publication(ctx)
	c.outside(ctx)
	c.settle(ctx)
	c.st.Checked = c.now
	if err := c.keep(ctx); err != nil {
		return err
	}
	errSend := c.deliver(ctx)
	c.st.Until = 0
	return errors.Join(errSend, c.keep(ctx))
}

// begin takes the lease; nil if somebody else has it.
func (s *Status) begin(ctx context.Context) (*check, error) {
	st, version, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	c := &check{Status: s, st: st, version: version, now: s.Now().Unix(), decided: map[string]bool{}}
	if st.Until > c.now && st.Until <= c.now+int64(lease/time.Second) { // one further ahead is of a clock that was wrong
		s.Log.Info("health: another check is at work", "until", stamp(st.Until))
		return nil, nil
	}
	st.Until = c.now + int64(lease/time.Second)
	if err = c.keep(ctx); errors.Is(err, store.ErrChanged) {
		s.Log.Info("health: another check was first")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *check) keep(ctx context.Context) error {
	version, err := c.save(ctx, c.st, c.version)
	if err != nil {
		return fmt.Errorf("keep what was found: %w", err)
	}
	c.version = version
	return nil
}

// publication judges what is in force, by itself and by what was in force before.
func (c *check) publication(ctx context.Context) {
	j, err := c.judge(ctx)
	if err != nil {
		c.faults = append(c.faults, outage(err))
		return
	}
	c.j, c.decided[""] = j, true
	before := c.st.Newest
	if j.Set == nil {
		if before.Time > 0 {
			c.faults = append(c.faults, rollback(before, "nothing is"))
		}
		return
	}
	if j.Time < before.Time || j.signed.Size < before.Size {
		c.faults = append(c.faults, rollback(before, fmt.Sprintf("number %d of %s, %d entries, is", j.Set.Publication, stamp(j.Time), j.signed.Size)))
	} else {
		c.st.Newest = newest{j.Time, j.Set.Publication, j.signed.Size}
	}
	c.faults = append(c.faults, c.Status.faults(j)...)
}

func rollback(before newest, now string) Fault {
	return Fault{Code: CodeRollback, Severity: Alarm, Hint: hints[CodeRollback],
		What: fmt.Sprintf("publication %d of %s, %d entries, was in force here, and now %s", before.Publication, stamp(before.Time), before.Size, now)}
}

// outside looks at all outside views, side by side.
func (c *check) outside(ctx context.Context) {
	urls := slices.Compact(slices.Sorted(slices.Values(c.Views)))
	if len(urls) > MostViews {
		c.Log.Error("health: too many outside views; the rest is left out", "views", len(urls), "most", MostViews)
		urls = urls[:MostViews]
	}
	looks := make([]*look, len(urls))
	var wg sync.WaitGroup
	for i, url := range urls {
		looks[i] = &look{check: c, url: url, v: c.st.Views[url]}
		wg.Go(func() { looks[i].run(ctx) })
	}
	wg.Wait()
	c.st.Views = map[string]*view{}
	for _, l := range looks {
		c.st.Views[l.url] = l.v
		c.decided[l.url] = l.decided
		c.faults = append(c.faults, l.faults...)
	}
}

// settle compares what was found with the alarms that stand. What could not be decided anew, stands.
func (c *check) settle(ctx context.Context) {
	found := map[string]bool{}
	for _, f := range c.faults {
		found[f.key()] = true
		before, stood := c.st.Alarms[f.key()]
		since := c.now
		switch {
		case stood && (before.Severity != f.Severity || before.Evidence != f.Evidence):
			since = before.Since
			c.tell(Changed, f, since)
		case stood:
			since = before.Since
		default:
			c.tell(Begins, f, since)
		}
		c.st.Alarms[f.key()] = standing{f, since}
	}
	for _, key := range slices.Sorted(maps.Keys(c.st.Alarms)) {
		a := c.st.Alarms[key]
		if !found[key] && c.over(ctx, a) {
			delete(c.st.Alarms, key)
			c.tell(Ends, a.Fault, a.Since)
		}
	}
}

// over reports whether an alarm that was not found again has ended. That two histories were signed does not end by one of them not being shown any
// more: it ends when somebody has taken the proof away.
func (c *check) over(ctx context.Context, a standing) bool {
	switch a.Code {
	case CodeOutage:
		return c.decided[""]
	case CodeUnreachable, CodeBroken:
		return true // each check knows
	case CodeDiffers:
		if c.proofStands(ctx, a.Evidence) {
			return false
		}
	}
	if a.Subject != "" && !slices.Contains(c.Views, a.Subject) {
		return true // nobody looks there any more
	}
	return c.decided[a.Subject]
}
