package monitor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stele/build/durable"
	"stele/build/follow"
)

// What a message tells of a fault.
const (
	Begins  = "begins"
	Changed = "changed"
	Ends    = "ends"
	Event   = "event" // it happened once
)

// A Message is told once: to the webhook, to the command, and on the terminal.
type Message struct {
	ID       uint64 `json:"id"` // counts up: a message that was delivered twice has one
	State    string `json:"state"`
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Subject  string `json:"subject,omitempty"`
	Registry string `json:"registry"`
	Portal   string `json:"portal"`
	Size     uint64 `json:"size"` // of the ledger that was gone through
	Time     string `json:"time"`
	Since    string `json:"since,omitempty"`
	What     string `json:"what"`
	Evidence string `json:"evidence,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// Headline is the message in a line.
func (m Message) Headline() string {
	switch m.State {
	case Ends:
		return fmt.Sprintf("%s: %s has ended, it began at %s", m.Registry, m.Code, m.Since)
	case Changed:
		return fmt.Sprintf("%s: %s (%s, changed): %s", m.Registry, m.Severity, m.Code, m.What)
	}
	return fmt.Sprintf("%s: %s (%s): %s", m.Registry, m.Severity, m.Code, m.What)
}

// Text is the message for a mail: its headline, then all else line by line.
func (m Message) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", m.Headline())
	for _, line := range [][2]string{{"code", m.Code}, {"state", m.State}, {"subject", m.Subject}, {"portal", m.Portal}, {"size", fmt.Sprint(m.Size)}, {"time", m.Time},
		{"since", m.Since}, {"evidence", m.Evidence}, {"what to do", m.Hint}} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%-11s %s\n", line[0], line[1])
		}
	}
	return b.String()
}

// saved is what a monitor keeps beside what it follows.
type saved struct {
	Alarms    map[string]standing `json:"alarms"`
	Queue     []Message           `json:"queue"` // told, and not delivered yet
	Next      uint64              `json:"next"`  // ID
	AsOf      int64               `json:"as_of"` // newest that was seen
	Heard     int64               `json:"heard"` // when that was, by this machine's clock
	Well      int64               `json:"well"`  // when it was told last that all is well
	Witnesses map[string]uint64   `json:"-"`     // sizes that they showed in this round
}

// A standing alarm has begun and has not ended.
type standing struct {
	Fault
	Version string `json:"version"`
	Since   int64  `json:"since"`
}

// mostQueued is how many messages are kept for delivery; of more, the oldest are dropped.
const mostQueued = 1000

const alarmsFile = "alarms"

func (m *Monitor) path() string { return filepath.Join(m.Follower.Dir(), alarmsFile) }

func (m *Monitor) load() error {
	m.state = saved{Alarms: map[string]standing{}}
	b, err := os.ReadFile(m.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, &m.state)
	}
	if err != nil {
		return fmt.Errorf("%s: cannot be used: %w", m.path(), err)
	}
	if m.state.Alarms == nil {
		m.state.Alarms = map[string]standing{}
	}
	return nil
}

// save makes alarms and undelivered messages durable, if they have changed.
func (m *Monitor) save() error {
	b, err := json.MarshalIndent(m.state, "", "\t")
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if have, err := os.ReadFile(m.path()); err == nil && bytes.Equal(have, b) {
		return nil
	}
	return durable.WriteFile(m.path(), b, 0o600)
}

// settle compares the faults of the round with the alarms that stand. What a step that could not decide has found before, stands.
func (r *round) settle() {
	now := map[string]Fault{}
	for _, f := range r.faults {
		now[f.key()] = f
	}
	for _, key := range slices.Sorted(maps.Keys(r.state.Alarms)) {
		before := r.state.Alarms[key]
		_, there := now[key]
		switch {
		case there:
		case r.over(before):
			delete(r.state.Alarms, key)
			r.tell(Ends, before.Fault, before.Since)
		default:
			r.standing = append(r.standing, before.Fault)
		}
	}
	for _, f := range r.faults {
		before, stood := r.state.Alarms[f.key()]
		switch {
		case !stood:
			before.Since = r.now
			r.tell(Begins, f, r.now)
		case before.Version != f.version || before.Severity != f.Severity:
			r.tell(Changed, f, before.Since)
		}
		r.state.Alarms[f.key()] = standing{f, f.version, before.Since}
	}
	r.allWell()
}

// over reports whether an alarm that was not found again has ended: where its step has decided. How the portal and each witness answer shows in every
// round.
func (r *round) over(s standing) bool {
	switch s.Code {
	case follow.CodeOutage, follow.CodeClock, CodeWitness, CodeWitnessWrong, CodeOwn:
		return true
	}
	if strings.HasPrefix(s.Step, "witness ") && r.decided["witnesses"] && !slices.Contains(r.asked, s.Step) {
		return true // it is no witness any more
	}
	return r.decided[s.Step]
}

// allWell tells now and then that nothing is wrong, if that was asked for: whoever misses it knows that the monitor is down.
func (r *round) allWell() {
	if r.Well == 0 || len(r.state.Alarms) > 0 || r.now-r.state.Well < int64(r.Well/time.Second) {
		return
	}
	r.state.Well = r.now
	r.tell(Event, Fault{Code: CodeWell, Severity: "none", What: fmt.Sprintf("all is well: publication %d, %d entries, as of %s", r.Follower.Index().Publication, r.Follower.Last().Size, stamp(r.state.AsOf))}, 0)
}

// event tells what happened once.
func (r *round) event(f Fault) { r.tell(Event, f, 0) }

// tell queues a message.
func (r *round) tell(state string, f Fault, since int64) {
	r.state.Next++
	m := Message{ID: r.state.Next, State: state, Code: f.Code, Severity: f.Severity, Subject: f.Subject, Registry: r.Follower.Trust.Origin, Portal: r.Follower.Portal.String(),
		Size: r.Follower.Last().Size, Time: stamp(r.now), What: f.What, Evidence: f.Evidence, Hint: f.Hint}
	if since > 0 {
		m.Since = stamp(since)
	}
	r.events = append(r.events, m)
	r.state.Queue = append(r.state.Queue, m)
	if n := len(r.state.Queue); n > mostQueued {
		r.state.Queue = r.state.Queue[n-mostQueued:]
	}
}
