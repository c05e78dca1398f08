package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A Messenger delivers messages. One that fails is tried again in the next round, in order, until it is delivered.
type Messenger struct {
	Webhook string // an address to which each message is posted as JSON; empty for none
	Command string // a shell command that gets each message on its standard input, such as a mail program; empty for none

	// Wait is how long to wait before an address is tried again; nil is the clock's.
	Wait func(ctx context.Context, d time.Duration)
	// Failed is told what could not be delivered.
	Failed func(m Message, err error)
}

const (
	webhookTimeout = 30 * time.Second
	commandTimeout = time.Minute
	tries          = 3
	firstWait      = time.Second
)

// deliver delivers what is queued, in order, and stops at the first that fails.
func (m *Monitor) deliver(ctx context.Context) {
	for len(m.state.Queue) > 0 && ctx.Err() == nil {
		next := m.state.Queue[0]
		if err := m.Send.send(ctx, next); err != nil {
			if m.Send.Failed != nil {
				m.Send.Failed(next, err)
			}
			return
		}
		m.state.Queue = m.state.Queue[1:]
	}
	if len(m.state.Queue) == 0 {
		m.state.Queue = nil
	}
}

func (s Messenger) send(ctx context.Context, m Message) error {
	return errors.Join(s.post(ctx, m), s.run(ctx, m))
}

// post posts a message, a few times.
func (s Messenger) post(ctx context.Context, m Message) (err error) {
	if s.Webhook == "" {
		return nil
	}
	wait := firstWait
	for i := range tries {
		if i > 0 {
			s.pause(ctx, wait)
			wait *= 5
		}
		if err = s.postOnce(ctx, m); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (s Messenger) pause(ctx context.Context, d time.Duration) {
	if s.Wait != nil {
		s.Wait(ctx, d)
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (s Messenger) postOnce(ctx context.Context, m Message) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Webhook, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("webhook: answered %s", res.Status)
	}
	return nil
}

// run hands a message to the command.
func (s Messenger) run(ctx context.Context, m Message) error {
	if s.Command == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", s.Command)
	cmd.Stdin = strings.NewReader(m.Text())
	cmd.Env = append(os.Environ(), "STELE_CODE="+m.Code, "STELE_STATE="+m.State, "STELE_SEVERITY="+m.Severity)
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("command: %w: %.200q", err, out)
	}
	return nil
}
