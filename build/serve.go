package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"stele/build/intake"
	"stele/build/registry"
	"stele/build/verifier"
	"stele/site"
)

func runServe(c *cli) error {
	var d daemon
	var e edgeDaemon
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&d.addr, "addr", "127.0.0.1:8080", "where to listen")
		fs.DurationVar(&d.every, "publish-every", 0, "publish on a schedule, such as 1h (default: only serve)")
		fs.StringVar(&d.metrics, "metrics", "", "where to serve metrics for Prometheus, such as 127.0.0.1:9090 (default: nowhere)")
		fs.IntVar(&d.queue, "queue", 100_000, "the most statements that may wait for publication")
		d.to.define(fs)
		e.define(fs)
	})
	if err == nil {
		err = d.to.check()
	}
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele serve --registry "+shell(args[0]), "serve takes no arguments, got %s", shown(args[0]))
	}
	if e.dir != "" || e.store != "" {
		return e.run(c, &d)
	}
	if len(d.to.to) > 0 && d.every == 0 {
		return usage("add --publish-every 1h; or once: stele publish --to "+shell(d.to.to[0]), "--to needs --publish-every: it is after a publication that something is brought to an edge")
	}
	if d.every != 0 && d.every < leastEvery {
		return usage("such as 1h, or 24h", "--publish-every %s: want %s at least", d.every, leastEvery)
	}
	if d.queue < 1 {
		return usage("such as --queue 100000", "--queue %d: want 1 at least", d.queue)
	}
	r, err := c.openToServe(d.every > 0)
	if err == nil {
		err = d.to.load(r)
	}
	if err != nil {
		return err
	}
	if err := c.mustBeServable(r); err != nil {
		return err
	}
	return d.run(c, r)
}

// leastEvery is the shortest time between publications: each is kept for ever.
const leastEvery = time.Second

// openToServe opens the registry with its keys only if it will publish, and then asks for the passphrase before anything is served.
func (c *cli) openToServe(publish bool) (*registry.Registry, error) {
	if !publish {
		return c.look()
	}
	if r, err := c.look(); err != nil {
		return nil, err
	} else if dir := filepath.Join(r.Dir, "keys"); !exists(dir) {
		return nil, usage("leave out --publish-every: it takes statements, and a machine that has the keys publishes", "%s is not there: without keys this machine cannot publish", shown(dir))
	}
	r, err := c.open()
	if err == nil {
		err = r.Keys.Unlock()
	}
	return r, err
}

// mustBeServable wants a publication with its pages. A stele that cannot make them is no help by publishing again. Where officers have
// to approve the first one, they do so through the daemon.
func (c *cli) mustBeServable(r *registry.Registry) error {
	switch {
	case !c.published() && r.Trust.Officers != "none":
		c.note("note: nothing is published yet; stele publish proposes the first publication, and officers approve it here")
		return nil
	case !c.published():
		return &registry.Error{Err: fmt.Errorf("%s has not been published yet", c.folder()), Hint: "stele publish"}
	case hasPages(r):
		return nil
	}
	return c.withoutPages()
}

// withoutPages is that a publication has no pages.
func (c *cli) withoutPages() error {
	if verifier.Available() {
		return &registry.Error{Err: fmt.Errorf("%s has been published without its pages", c.folder()), Hint: "stele publish"}
	}
	return &registry.Error{Err: fmt.Errorf("%s has been published without its pages, and this stele cannot make them", c.folder()), Hint: withPages}
}

// hasPages reports whether the portal's pages are there, or cannot be looked at: why is told to whoever asks for one.
func hasPages(r *registry.Registry) bool {
	there, err := r.Published(site.Index)
	return there || err != nil
}

// withPages is what to do where a binary has no pages and cannot make them.
const withPages = "make a stele that carries them, where there are its source tree and Go: go run ./build release -o stele (stele release); then publish with that one"

// A daemon serves the portal and takes statements until it is interrupted, and publishes on a schedule.
type daemon struct {
	addr, metrics string
	every         time.Duration
	queue         int
	to            edges

	c        *cli
	r        *registry.Registry
	in       *registry.Intake // nil where no statements can be taken
	log      *slog.Logger
	schedule *intake.Schedule
	counts   *intake.Metrics
	atOnce   chan struct{} // a publication is asked for
	pushing  []*pushing    // one for each edge
	servers  []*http.Server
}

// run listens before it says so, and ends in order: nothing new, then what is in hand, then the queue.
func (d *daemon) run(c *cli, r *registry.Registry) error {
	d.c, d.r = c, r
	c.bar = &progress{} // a log has no line that renews itself
	d.log = logTo(c)
	d.schedule = &intake.Schedule{Every: d.every}
	d.atOnce = make(chan struct{}, 1)
	handler := d.handler()
	listening, metrics, err := d.listen()
	if err != nil {
		return err
	}
	d.say(listening, metrics)
	failed := make(chan error, 2)
	d.serve(listening, handler, failed)
	if metrics != nil {
		d.serve(metrics, d.counts.Handler(), failed)
	}
	var pushed sync.WaitGroup
	for _, address := range d.to.to {
		p := &pushing{d: d, address: address, due: make(chan struct{}, 1)}
		d.pushing = append(d.pushing, p)
		p.wake() // what was published before may not be there
		pushed.Go(p.run)
	}
	published := make(chan struct{})
	go func() { defer close(published); d.publishEvery() }()
	select {
	case <-c.ctx.Done():
	case err = <-failed:
	}
	d.end()
	if d.every > 0 && err == nil {
		<-published
		pushed.Wait()
	}
	return err
}

// logTo logs on stderr, in JSON where that was asked for.
func logTo(c *cli) *slog.Logger {
	if c.json {
		return slog.New(slog.NewJSONHandler(c.stderr, nil))
	}
	return slog.New(slog.NewTextHandler(c.stderr, nil))
}

// handler is the portal with the intake under /v1/. Whoever only serves need not be able to write, nor to read what is not
// published: then the portal is served alone.
func (d *daemon) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", d.r.Site())
	var err error
	if d.in, err = d.r.NewIntake(d.queue); err != nil {
		d.c.note("note: no statements are taken, only the portal is served: %s", plain(err))
		if h := hintFor(err); h != "" {
			d.c.note("hint: %s", d.c.inRegistry(h))
		}
		mux.Handle("/v1/", intake.Closed())
		d.counts = intake.NewMetrics(nil)
		return mux
	}
	d.counts = intake.NewMetrics(d.in)
	s := &intake.Server{Registry: d.r, Intake: d.in, Log: d.log, Schedule: d.schedule, Limits: intake.DefaultLimits, Metrics: d.counts}
	if d.every > 0 {
		s.Publish = d.publishAtOnce
	}
	mux.Handle("/v1/", s.Handler())
	return mux
}

// publishAtOnce asks for a publication that does not wait for its turn: the officers' quorum is met.
func (d *daemon) publishAtOnce() {
	select {
	case d.atOnce <- struct{}{}:
	default: // it is asked for already
	}
}

func (d *daemon) listen() (listening, metrics net.Listener, err error) {
	if listening, err = listen(d.addr, "--addr"); err == nil && d.metrics != "" {
		metrics, err = listen(d.metrics, "--metrics")
	}
	return listening, metrics, err
}

func listen(addr, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &registry.Error{Err: listenError(addr, err), Hint: "choose another address with " + flag + ", such as 127.0.0.1:0 for any free port"}
	}
	return l, nil
}

// say tells where the portal is; a script waits for that.
func (d *daemon) say(listening, metrics net.Listener) {
	said := map[string]string{"address": "http://" + listening.Addr().String() + "/", "public": d.r.Public()}
	if metrics != nil {
		said["metrics"] = "http://" + metrics.Addr().String() + "/metrics"
	}
	if d.c.json {
		d.c.printJSON(said)
		return
	}
	fmt.Fprintf(d.c.stdout, "serving %s\n%s\n", shown(said["public"]), said["address"])
	if metrics != nil {
		fmt.Fprintf(d.c.stdout, "metrics %s\n", said["metrics"])
	}
}

func (d *daemon) serve(l net.Listener, h http.Handler, failed chan<- error) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug)}
	d.servers = append(d.servers, srv)
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
}

// patienceAtEnd is how long requests in hand are waited for.
const patienceAtEnd = 30 * time.Second

func (d *daemon) end() {
	ctx, cancel := context.WithTimeout(context.Background(), patienceAtEnd)
	defer cancel()
	whole := true
	for _, srv := range d.servers {
		whole = srv.Shutdown(ctx) == nil && whole
	}
	if d.in != nil && whole { // else somebody may still hand something in
		d.in.Close()
	}
}

// listenError leaves out what the net package says around the cause.
func listenError(addr string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return fmt.Errorf("cannot listen on %s: %w", shown(addr), err)
}

// retryAfter is when a publication that has failed is tried again, if its next turn is not sooner.
const retryAfter = 5 * time.Minute

// publishEvery publishes on a schedule. A publication that fails is told, and tried again.
func (d *daemon) publishEvery() {
	if d.every == 0 {
		return
	}
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	d.schedule.Due(time.Now().Add(d.every), 0)
	var again <-chan time.Time
	for {
		publish := func(ctx context.Context) (*registry.Publication, error) { return d.r.PublishDue(ctx, d.every/2) }
		select {
		case <-d.c.ctx.Done():
			return
		case <-d.atOnce:
			publish = d.r.Publish
		case <-again:
		case <-tick.C:
		}
		again = nil
		if !d.publish(publish) && retryAfter < d.every {
			again = time.After(retryAfter)
		}
	}
}

// publish reports whether there is nothing to be tried again.
func (d *daemon) publish(publish func(ctx context.Context) (*registry.Publication, error)) bool {
	began := time.Now()
	d.schedule.Due(began.Add(d.every), 0)
	p, err := d.c.publishBy(d.r, publish)
	took := time.Since(began)
	d.schedule.Due(began.Add(max(d.every, took)), took)
	if d.c.ctx.Err() != nil {
		return true
	}
	if p == nil && err == nil {
		d.log.Debug("another machine publishes")
		d.refresh()
		return true
	}
	d.counts.Publication(p, took, err)
	if err != nil {
		d.log.Error("publication failed", "error", plain(withoutHint(err)), "hint", d.c.inRegistry(hintFor(err)), "seconds", took.Seconds())
		return false
	}
	d.log.Info("publication", "number", p.Number, "size", p.Checkpoint.Size, "added", p.Added, "refused", len(p.Refused),
		"heartbeat", p.Heartbeat, "seconds", took.Seconds())
	d.logProposal(p)
	d.refresh()
	if p.Number > 0 {
		for _, e := range d.pushing {
			e.wake()
		}
	}
	return p.Stale == "" && (p.Proposal == nil || !p.Proposal.ForWitnesses())
}

// logProposal tells what waits, and for whom.
func (d *daemon) logProposal(p *registry.Publication) {
	for _, f := range p.Faults {
		d.log.Warn("witness has not signed", "witness", f.Peer.Name, "kind", f.Kind, "error", f.Err.Error(), "hint", f.Hint)
	}
	if p.Stale != "" {
		d.log.Warn("what is published could not be signed again", "why", p.Stale)
	}
	if q := p.Proposal; q != nil {
		o := quorumOf(q.Officers)
		d.log.Info("proposed", "size", q.Size, "added", q.Added, "renewal", q.Renewal, "since", stamp(q.Since), "waits_for", waitsFor(q),
			"officers", o.Have, "needed", o.Needed, "missing", o.Missing)
	}
}

// refresh looks what has been queued and published.
func (d *daemon) refresh() {
	if d.in == nil {
		return
	}
	if err := d.in.Refresh(); err != nil {
		d.log.Error("the queue cannot be read", "error", plain(err))
	}
}
