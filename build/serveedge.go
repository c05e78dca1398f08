package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"stele/proofs"
	"stele/site"
	"stele/site/edge"
	"stele/site/edge/front"
	"stele/site/edge/store"
	"stele/site/edge/witness"
)

const (
	// scheduledEvery is how often an edge looks at itself and clears up, as a Worker's schedule does.
	scheduledEvery = 10 * time.Minute
	// fetchTime and mostFetched bound an answer of somebody else's, in time and bytes.
	fetchTime   = 20 * time.Second
	mostFetched = 8 << 20
)

// An edgeDaemon serves a deployment on this machine, as a Worker would elsewhere.
type edgeDaemon struct {
	dir, store string

	c       *cli
	log     *slog.Logger
	objects struct{ store.Store } // opened before anything is served, and after everything else was looked at
	signers []proofs.Signer

	mu  sync.Mutex
	now *nativeEdge
}

func (e *edgeDaemon) define(fs *flag.FlagSet) {
	fs.StringVar(&e.dir, "edge", "", "serve the deployment in this `folder`, which stele deploy has made, and take publications (stele publish --to). Its witness's keys are in "+witness.KeysSecret+", or in the file that "+envWitnessKeys+" names")
	fs.StringVar(&e.store, "store", "", "with --edge: the `folder` for what is published to it, or a file that names a bucket (lines stele.storage/1, bucket, region, endpoint) (default: the deployment's folder with -store after it)")
}

// run serves until it is interrupted.
func (e *edgeDaemon) run(c *cli, d *daemon) error {
	switch {
	case e.dir == "":
		return usage("add --edge DIR, a folder that stele deploy has made", "--store is for --edge")
	case d.every != 0 || len(d.to.to) > 0 || d.metrics != "":
		return usage("leave them out: who publishes is another stele: stele publish --to URL", "--publish-every, --to and --metrics do not go with --edge")
	}
	e.c = c
	c.bar = &progress{}
	e.log = logTo(c)
	var err error
	if e.signers, err = edgeWitnessKeys(); err != nil {
		return err
	}
	if _, err := e.current(); err != nil {
		return err
	}
	if err := e.checkStore(); err != nil {
		return err
	}
	listening, err := listen(d.addr, "--addr")
	if err != nil {
		return err
	}
	if e.objects.Store, err = e.openStore(); err != nil {
		listening.Close()
		return err
	}
	d.c, d.log = c, e.log
	address := "http://" + listening.Addr().String() + "/"
	if c.json {
		c.printJSON(map[string]string{"address": address, "deployment": e.dir, "store": e.storePath()})
	} else {
		fmt.Fprintf(c.stdout, "serving %s\nstore %s\n%s\n", shown(e.dir), shown(e.storePath()), address)
	}
	failed := make(chan error, 1)
	d.serve(listening, e, failed)
	var looking sync.WaitGroup
	looking.Go(e.schedule)
	select {
	case <-c.ctx.Done():
	case err = <-failed:
	}
	d.end()
	if err == nil {
		looking.Wait()
	}
	return err
}

// A nativeEdge is a deployment as it was read.
type nativeEdge struct {
	*edge.Edge
	made  fs.FileInfo // of deployment.json: a new deployment puts another in its place
	files http.Handler
}

// ServeHTTP answers by the deployment that is there now.
func (e *edgeDaemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now, err := e.current()
	if err != nil {
		e.log.Error("the deployment cannot be read", "error", plain(err))
		site.Unreadable(w)
		return
	}
	if now.Handles(r.URL.Path) {
		now.Handler().ServeHTTP(w, r)
		return
	}
	now.files.ServeHTTP(w, r)
}

// current is the deployment, read anew where stele deploy has replaced it.
func (e *edgeDaemon) current() (*nativeEdge, error) {
	made, err := os.Stat(filepath.Join(e.dir, edge.DeploymentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage(e.deployHint(), "%s is no deployment: it has no %s", shown(e.dir), edge.DeploymentFile)
	}
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.now != nil && os.SameFile(e.now.made, made) && e.now.made.ModTime().Equal(made.ModTime()) {
		return e.now, nil
	}
	now, err := e.load(made)
	if err == nil {
		e.now = now
	}
	return now, err
}

// deployHint is what to do where there is no deployment: stele deploy makes one where nothing is.
func (e *edgeDaemon) deployHint() string {
	if there, err := os.ReadDir(e.dir); errors.Is(err, fs.ErrNotExist) || err == nil && len(there) == 0 {
		return "stele deploy -o " + shell(e.dir) + " makes one"
	}
	return "name the folder that stele deploy -o has made"
}

func (e *edgeDaemon) load(made fs.FileInfo) (*nativeEdge, error) {
	files := map[string][]byte{}
	for _, name := range []string{edge.DeploymentFile, edge.TrustFile, edge.BaseFile} {
		b, err := os.ReadFile(filepath.Join(e.dir, name))
		if err != nil {
			return nil, err
		}
		files[name] = b
	}
	deployment, err := edge.ParseDeployment(files[edge.DeploymentFile])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(e.dir), err)
	}
	assets := os.DirFS(filepath.Join(e.dir, edge.AssetsFolder))
	now, err := edge.New(edge.Config{Deployment: deployment, Trust: files[edge.TrustFile], Base: files[edge.BaseFile], Store: &e.objects,
		Asset: func(_ context.Context, name string) ([]byte, error) { return deployed(assets, name) },
		Fetch: fetch, Signers: e.signers, Now: time.Now, Log: e.log})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(e.dir), err)
	}
	return &nativeEdge{now, made, now.Announce(front.Handler(now.Source, e.log))}, nil
}

// deployed reads a deployed file. A folder is none.
func deployed(assets fs.FS, name string) ([]byte, error) {
	if info, err := fs.Stat(assets, name); err == nil && info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return fs.ReadFile(assets, name)
}

// schedule looks every few minutes how fresh everything is, and clears up.
func (e *edgeDaemon) schedule() {
	tick := time.NewTicker(scheduledEvery)
	defer tick.Stop()
	for {
		now, err := e.current()
		if err == nil {
			err = now.Scheduled(e.c.ctx)
		}
		if err != nil && e.c.ctx.Err() == nil {
			e.log.Error("the scheduled check has failed", "error", plain(err))
		}
		select {
		case <-e.c.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// fetch asks somebody else: a mirror, a witness, whoever is told what is wrong.
func fetch(ctx context.Context, method, address string, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, mostFetched+1))
	if err == nil && len(b) > mostFetched {
		err = fmt.Errorf("%s %s: the answer is longer than %d bytes", method, address, mostFetched)
	}
	return res.StatusCode, b, err
}
