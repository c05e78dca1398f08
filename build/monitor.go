package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"stele/build/monitor"
	"stele/build/registry"
	"stele/build/witness"
	"stele/proofs"
)

// A watcher is one run of monitor.
type watcher struct {
	*cli
	k       *check
	state   string
	once    bool
	every   time.Duration
	watch   list
	expect  string
	webhook string
	command string
	metrics string
	silence time.Duration
	well    time.Duration

	m      *monitor.Monitor
	counts *monitor.Metrics
}

func runMonitor(c *cli) error {
	w := &watcher{cli: c, k: &check{}}
	args, err := c.parse(func(fs *flag.FlagSet) {
		w.k.flags(fs)
		fs.StringVar(&w.state, "state", "", "`folder` for what was seen, and evidence")
		fs.BoolVar(&w.once, "once", false, "look once; exit 0 all is well, 1 an alarm, 2 nothing could be decided")
		fs.DurationVar(&w.every, "every", 5*time.Minute, "how often to look")
		fs.Var(&w.watch, "watch", "an `authority` whose every statement is told; may be repeated")
		fs.StringVar(&w.expect, "expect", "", "`file` with the identities of statements that are no surprise, one a line; it is read again each time")
		fs.StringVar(&w.webhook, "webhook", "", "an `address` to which each message is posted as JSON")
		fs.StringVar(&w.command, "run", "", "a shell `command` that gets each message on its standard input, such as mail")
		fs.StringVar(&w.metrics, "metrics", "", "where to serve metrics for Prometheus, such as 127.0.0.1:9090 (default: nowhere)")
		fs.DurationVar(&w.silence, "silence", 0, "alarm where nothing new was heard for that long (default: never)")
		fs.DurationVar(&w.well, "all-well", 0, "tell that all is well that often, so that it is missed where the monitor is down (default: never)")
	})
	if err != nil {
		return err
	}
	if err := w.check(args); err != nil {
		return err
	}
	return w.run()
}

func (w *watcher) check(args []string) error {
	switch {
	case len(args) > 0:
		return usage("stele monitor --portal "+shell(args[0])+" --policy TRUST --state DIR", "monitor takes no arguments, got %s", shown(args[0]))
	case w.k.portal == "" || w.k.policy == "" || w.state == "":
		return usage("stele monitor --portal https://registry.gov.example --policy TRUST --state DIR", "monitor needs the portal, a trust file that came another way, and a folder of its own")
	case w.every < time.Second && !w.once:
		return usage("--every 5m", "--every is %s, want a second at least", w.every)
	case w.expect != "" && len(w.watch) == 0:
		return usage("add --watch AUTHORITY", "--expect says which statements are no surprise, and no authority is watched")
	case w.webhook != "" && !strings.HasPrefix(w.webhook, "http://") && !strings.HasPrefix(w.webhook, "https://"):
		return usage("--webhook https://…", "--webhook takes an address, got %s", shown(w.webhook))
	}
	for _, name := range w.watch {
		if !proofs.IsName(name) {
			return usage("--watch education.gov.example", "--watch takes the name of an authority, got %s", shown(name))
		}
	}
	return w.k.open(w.cli)
}

func (w *watcher) run() error {
	f, err := openFollower(w.cli, w.state, w.k)
	if err != nil {
		return err
	}
	defer f.Close()
	w.m = &monitor.Monitor{Follower: f, Witness: &witness.Client{}, Watch: w.watch, Silence: w.silence, Well: w.well,
		Send: monitor.Messenger{Webhook: w.webhook, Command: w.command, Failed: func(m monitor.Message, err error) {
			w.note("message %d (%s) could not be delivered, and is kept: %s", m.ID, m.Code, plain(err))
		}}}
	if w.expect != "" {
		w.m.Expected = w.expected
		if _, err := w.expected(); err != nil {
			return err
		}
	}
	if err := w.m.Open(); err != nil {
		return &registry.Error{Err: err, Hint: "move that file away: what stands is then told once more"}
	}
	w.counts = monitor.NewMetrics()
	if err := w.serve(); err != nil {
		return err
	}
	if w.once {
		return w.one()
	}
	return w.loop()
}

// serve serves the metrics, where that was asked for.
func (w *watcher) serve() error {
	if w.metrics == "" {
		return nil
	}
	l, err := net.Listen("tcp", w.metrics)
	if err != nil {
		return usage("--metrics 127.0.0.1:9090", "--metrics: %s", plain(err))
	}
	w.note("metrics http://%s/metrics", l.Addr())
	server := &http.Server{Handler: w.counts.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	go func() { <-w.ctx.Done(); server.Close() }()
	return nil
}

// expected reads the identities of statements that were announced.
func (w *watcher) expected() (map[proofs.Hash]bool, error) {
	b, err := os.ReadFile(w.expect)
	if err != nil {
		return nil, err
	}
	out := map[proofs.Hash]bool{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		h, err := proofs.ParseHash(line)
		if err != nil {
			return nil, &registry.Error{Err: fmt.Errorf("%s: line %d: want the SHA-256 of a statement's text in hex, got %s", shown(w.expect), n, shown(line)),
				Hint: "stele submit --json prints it as statement"}
		}
		out[h] = true
	}
	return out, lines.Err()
}

// one looks once.
func (w *watcher) one() error {
	r, err := w.m.Round(w.ctx)
	w.bar.clear()
	w.counts.Round(w.m, r)
	if err != nil {
		return err
	}
	if w.json {
		if err := w.printJSON(r); err != nil {
			return err
		}
	} else {
		w.tellReport(r)
	}
	if worst := r.Worst(); worst > 0 {
		return exit(worst)
	}
	return nil
}

func (w *watcher) tellReport(r *monitor.Report) {
	for _, f := range r.Faults {
		w.tellFault(f.Severity, f.Code, f.What, f.Evidence, f.Hint)
	}
	for _, f := range r.Standing {
		w.tellFault(f.Severity, f.Code, "found before, and could not be looked at again: "+f.What, f.Evidence, f.Hint)
	}
	for _, m := range r.Told {
		if m.State == monitor.Event && m.Code != monitor.CodeWell {
			w.tellFault(m.Severity, m.Code, m.What, m.Evidence, m.Hint)
		}
	}
	state := map[int]string{0: "all is well", 1: "ALARM", 2: "could not be decided"}[r.Worst()]
	if r.AsOf == 0 {
		fmt.Fprintf(w.stdout, "%s: %s\n", shown(r.Registry), state)
		return
	}
	fmt.Fprintf(w.stdout, "%s: %s: publication %d, %d entries, as of %s\n", shown(r.Registry), state, r.Publication, r.Size, stamp(r.AsOf))
}

func (w *watcher) tellFault(severity, code, what, evidence, hint string) {
	fmt.Fprintf(w.stdout, "%s (%s): %s\n", severity, code, visible(what))
	w.fact("evidence", evidence)
	w.fact("what to do", hint)
}

// loop looks until it is interrupted. What fails on this machine is told, and tried again the next time.
func (w *watcher) loop() error {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		r, err := w.m.Round(w.ctx)
		w.bar.clear()
		w.counts.Round(w.m, r)
		switch {
		case w.ctx.Err() != nil:
			return nil
		case err != nil:
			w.note("stele: %s", plain(err))
		default:
			if err := w.tellMessages(r); err != nil {
				return err
			}
		}
		select {
		case <-w.ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tellMessages prints what is told, a line each.
func (w *watcher) tellMessages(r *monitor.Report) error {
	var errs error
	for _, m := range r.Told {
		if w.json {
			errs = errors.Join(errs, w.printJSON(m))
			continue
		}
		_, err := fmt.Fprintf(w.stdout, "%s %s\n", m.Time, visible(m.Headline()))
		errs = errors.Join(errs, err)
		w.fact("evidence", m.Evidence)
		w.fact("what to do", m.Hint)
	}
	return errs
}
