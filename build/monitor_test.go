package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stele/build/durable"
	"stele/build/follow/followtest"
	"stele/build/monitor"
	"stele/proofs"
)

// monitor runs stele monitor.
func (o *office) monitor(more ...string) (int, string, string) {
	return inProcess("", o.monitorArgs(more...)...)
}

func (o *office) monitorArgs(more ...string) []string {
	return append([]string{"monitor", "--portal", o.url, "--policy", o.trust, "--state", filepath.Join(o.dir, "monitor")}, more...)
}

// newRegistry is an office whose last publication is as new as can be.
func newRegistry(t *testing.T) *office {
	o := newOffice(t, followtest.Policy{})
	o.Now = time.Now().Unix() - 3*3600
	o.Register(followtest.Office, 10, 20)
	o.Publish()
	return o
}

// TestMonitorOnce: exit codes, evidence that verify-evidence takes, and JSON.
func TestMonitorOnce(t *testing.T) {
	o := newRegistry(t)
	o.want(0, "all is well: publication 2, 23 entries")(o.monitor("--once"))
	other := &office{t: t, Registry: o.Registry.Clone(), dir: o.dir, trust: o.trust}
	o.Register(followtest.Office, 20, 25)
	o.Publish()
	o.want(1, "alarm (watched): register by "+followtest.Office, "ALARM")(o.monitor("--once", "--watch", followtest.Office))
	other.Register(followtest.Office, 30, 40)
	other.Publish()
	other.serve()
	code, stdout, stderr := other.monitor("--once", "--json")
	var r monitor.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 1 || len(r.Faults) == 0 || r.Faults[0].Code != "fork" {
		t.Fatalf("exit %d, %v:\n%s%s", code, err, stdout, stderr)
	}
	o.want(0)(inProcess("", "verify-evidence", r.Faults[0].Evidence, "--policy", o.trust))
	o.Remove(proofs.HeadPath)
	o.want(1, "found before", "outage (outage): ledger/head: is not there", "nothing is known against the registry")(o.monitor("--once"))
	fresh := newRegistry(t)
	fresh.Remove(proofs.StatisticsPath)
	fresh.want(2, "could not be decided", "ledger/statistics")(fresh.monitor("--once"))
}

// TestMonitorNobody: a registry that cannot be reached is no alarm, whether it was seen before or not; a folder that another monitor has is none either.
func TestMonitorNobody(t *testing.T) {
	o := newRegistry(t)
	url := o.url
	nowhere := httptest.NewServer(nil)
	nowhere.Close()
	o.url = nowhere.URL
	o.want(2, "outage (outage)", "could not be decided")(o.monitor("--once"))
	o.url = url
	o.want(0, "all is well")(o.monitor("--once"))
	o.url = nowhere.URL
	o.want(2, "outage (outage)")(o.monitor("--once"))
	lock, err := durable.TryLock(filepath.Join(o.dir, "monitor", "lock"))
	mustDo(t, err)
	defer lock.Close()
	o.want(2, "another stele works with")(o.monitor("--once"))
}

// TestMonitorUsage: what is missing is named.
func TestMonitorUsage(t *testing.T) {
	o := newRegistry(t)
	o.want(2, "monitor needs")(inProcess("", "monitor", "--portal", o.url))
	o.want(2, "--watch AUTHORITY")(o.monitor("--expect", "x"))
	o.want(2, "takes the name of an authority")(o.monitor("--watch", "-+"))
	o.want(2, "--every")(o.monitor("--every", "1ms"))
	o.want(2, "--webhook takes an address")(o.monitor("--webhook", "mail"))
	o.want(2, "--metrics")(o.monitor("--metrics", "nowhere:-1"))
}

// TestMonitorLoop: round after round until it is interrupted; the webhook and the metrics are served meanwhile.
func TestMonitorLoop(t *testing.T) {
	o := newRegistry(t)
	messages := make(chan monitor.Message, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var m monitor.Message
		if err := json.NewDecoder(req.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		messages <- m
	}))
	defer hook.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	read, write := io.Pipe()
	errRead, errWrite := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, o.monitorArgs("--every", "1s", "--webhook", hook.URL, "--metrics", "127.0.0.1:0", "--all-well", "24h"), strings.NewReader(""), write, errWrite)
	}()
	go io.Copy(io.Discard, read)
	metrics := ""
	for buf := make([]byte, 1000); !strings.Contains(metrics, "/metrics"); {
		n, err := errRead.Read(buf)
		mustDo(t, err)
		metrics += string(buf[:n])
	}
	go io.Copy(io.Discard, errRead)
	o.wait(messages, "well", monitor.Event)
	o.Remove("ledger/checkpoint")
	o.wait(messages, "outage", monitor.Begins)
	res, err := http.Get(strings.TrimSpace(metrics[strings.Index(metrics, "http"):]))
	mustDo(t, err)
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(b), "stele_monitor_rounds_total") {
		t.Errorf("metrics %s (%v)", b, err)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d", code)
	}
}

// wait waits for a message.
func (o *office) wait(messages chan monitor.Message, code, state string) {
	o.t.Helper()
	for end := time.After(patience); ; {
		select {
		case m := <-messages:
			if m.Code == code && m.State == state {
				return
			}
		case <-end:
			o.t.Fatalf("no message %s %s", code, state)
		}
	}
}
