package status

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// What a message tells of a fault.
const (
	Begins  = "begins"
	Changed = "changed"
	Ends    = "ends"
)

// A Message is told once: to the webhook and to the log. It has the names of stele monitor's.
type Message struct {
	ID       uint64 `json:"id"` // counts up: a message that was delivered twice has one
	State    string `json:"state"`
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Subject  string `json:"subject,omitempty"`
	Registry string `json:"registry"`
	Portal   string `json:"portal"`
	Size     uint64 `json:"size"` // of the ledger in force
	Time     string `json:"time"`
	Since    string `json:"since,omitempty"`
	What     string `json:"what"`
	Evidence string `json:"evidence,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

const (
	mostQueued  = 200 // messages that are kept for delivery; of more, the oldest are dropped
	mostSent    = 20  // in one check
	webhookTime = 10 * time.Second
)

// tell logs a message and queues it for the webhook.
func (c *check) tell(state string, f Fault, since int64) {
	c.st.Next++
	m := Message{ID: c.st.Next, State: state, Code: f.Code, Severity: f.Severity, Subject: f.Subject, Registry: c.Source.Trust.Origin, Portal: c.URL, Time: stamp(c.now),
		Since: stamp(since), What: f.What, Evidence: f.Evidence, Hint: f.Hint}
	if c.j != nil && c.j.signed != nil {
		m.Size = c.j.signed.Size
	}
	level := slog.LevelWarn
	if state == Ends {
		level = slog.LevelInfo
	}
	c.Log.Log(context.Background(), level, "health: "+state, "code", m.Code, "severity", m.Severity, "subject", m.Subject, "what", m.What, "evidence", m.Evidence)
	if c.Webhook == "" {
		return
	}
	c.st.Queue = append(c.st.Queue, m)
	if n := len(c.st.Queue); n > mostQueued {
		c.st.Queue = c.st.Queue[n-mostQueued:]
	}
}

// deliver delivers what is queued, in order, and stops at the first that fails: the next check goes on with it. Each is kept as delivered before the
// next is sent, so that a run that is cut off repeats one at most, under the same ID.
func (c *check) deliver(ctx context.Context) error {
	if c.Webhook == "" {
		c.st.Queue = nil // there is no webhook any more
	}
	for range min(len(c.st.Queue), mostSent) {
		if err := c.send(ctx, c.st.Queue[0]); err != nil {
			c.Log.Error("health: a message could not be delivered; the next check tries again", "id", c.st.Queue[0].ID, "queued", len(c.st.Queue), "error", err)
			return nil
		}
		c.st.Queue = c.st.Queue[1:]
		if err := c.keep(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *check) send(ctx context.Context, m Message) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, webhookTime)
	defer cancel()
	status, _, err := c.ask(ctx, http.MethodPost, c.Webhook, b)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("webhook: answered %d", status)
	}
	return err
}

// ask is Fetch, which is not waited for longer than the context lasts.
func (s *Status) ask(ctx context.Context, method, url string, body []byte) (status int, b []byte, err error) {
	type answer struct {
		status int
		b      []byte
		err    error
	}
	done := make(chan answer, 1)
	go func() {
		status, b, err := s.Fetch(ctx, method, url, body)
		done <- answer{status, b, err}
	}()
	select {
	case a := <-done:
		return a.status, a.b, a.err
	case <-ctx.Done():
		return 0, nil, ctx.Err()
	}
}
