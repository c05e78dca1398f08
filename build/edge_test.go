package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stele/build/durable"
	"stele/build/registry"
	"stele/proofs"
	"stele/site/edge"
	"stele/site/edge/published"
)

// An edgeProcess is `stele serve --edge` as a process of its own, which can be killed and begun again. Readers and publishers come through a proxy, whose
// address stays.
type edgeProcess struct {
	*served
	dir      string
	deployed int64 // how often with files
	proxy    *httptest.Server

	mu     sync.Mutex
	cmd    *exec.Cmd
	target *url.URL
	n      int
	on     func(n int) // before the nth request goes on
}

// newEdgeProcess serves a deployment; base says whether what is published is in it.
func newEdgeProcess(d *served, base bool) *edgeProcess {
	d.Helper()
	e := &edgeProcess{served: d, dir: filepath.Join(d.TempDir(), "edge"), on: func(int) {}}
	e.deploy(e.dir, base)
	e.begin()
	d.Cleanup(func() { e.kill() })
	e.proxy = httptest.NewServer(http.HandlerFunc(e.forward))
	d.Cleanup(e.proxy.Close)
	return e
}

var edgeToken = strings.Repeat("0123456789abcdef", 4)

// deploy makes a deployment without a Worker.
func (e *edgeProcess) deploy(dir string, base bool) {
	d := e.served
	d.Helper()
	sum := sha256.Sum256([]byte(edgeToken))
	trust, err := os.ReadFile(filepath.Join(d.dir, "trust"))
	if err != nil {
		d.Fatal(err)
	}
	deployment := edge.Deployment{Format: edge.DeploymentFormat, Gate: &edge.Gate{TokenSHA256: hex.EncodeToString(sum[:]), Chunk: 20}, Check: edge.Check{Every: 86400, Views: []string{}}}
	var set []byte
	assets := filepath.Join(dir, edge.AssetsFolder)
	if err = os.MkdirAll(assets, 0o755); err == nil && base {
		err = copyTree(filepath.Join(d.dir, "public"), assets, func(string, int64) bool { return true })
		set = baseOf(d, assets, e.deployed)
		e.deployed++
	}
	if err != nil {
		d.Fatal(err)
	}
	for path, b := range map[string][]byte{filepath.Join(d.dir, registry.TokenName): []byte(edgeToken + "\n"), filepath.Join(dir, edge.TrustFile): trust,
		filepath.Join(dir, edge.BaseFile): set, filepath.Join(dir, edge.DeploymentFile): deployment.Marshal()} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			d.Fatal(err)
		}
	}
}

// baseOf is the set of a deployment's files, made now.
func baseOf(d *served, assets string, number int64) []byte {
	d.Helper()
	set := &proofs.Set{Origin: servedOrigin, Time: time.Now().Unix() + 1 + 2*number} // later than what was published in this second
	folder := durable.Folder(assets)
	err := folder.List("", func(name string, size int64) error {
		if !published.InSet(name) {
			return nil
		}
		b, err := folder.Read(name)
		set.Files = append(set.Files, proofs.SetFile{SHA256: sha256.Sum256(b), Size: uint64(size), Name: name})
		if h, errHead := proofs.ParseHead(b); name == proofs.HeadPath && errHead == nil {
			note, _, _ := proofs.ParseEntry(h.Statement)
			if s, err := proofs.ParseStatement(note.Text); err == nil {
				set.Publication = s.Index.Publication
			}
		}
		return err
	})
	if err != nil || set.Publication == 0 {
		d.Fatal(set.Publication, err)
	}
	slices.SortFunc(set.Files, func(a, b proofs.SetFile) int { return strings.Compare(a.Name, b.Name) })
	return []byte(set.Text())
}

// forward passes a request on. One whose other side dies is broken off.
func (e *edgeProcess) forward(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.n++
	e.on(e.n)
	target := e.target
	e.mu.Unlock()
	p := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }}
	p.ServeHTTP(w, r)
}

// begin starts the process, and waits until it listens.
func (e *edgeProcess) begin() {
	e.Helper()
	e.cmd = exec.Command("stele", "serve", "--edge", e.dir, "--addr", "127.0.0.1:0", "--json")
	e.cmd.Stderr = io.Discard
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := e.cmd.StdoutPipe()
	if err == nil {
		err = e.cmd.Start()
	}
	var said struct{ Address string }
	if err == nil {
		err = json.NewDecoder(out).Decode(&said)
	}
	if err == nil {
		e.target, err = url.Parse(said.Address)
	}
	if err != nil {
		e.Fatal(err)
	}
}

func (e *edgeProcess) kill() {
	e.cmd.Process.Kill()
	e.cmd.Wait()
}

// register puts another document into the queue.
func (e *edgeProcess) register(n int) {
	e.Helper()
	path := filepath.Join(e.TempDir(), fmt.Sprintf("%d.txt", n))
	if err := os.WriteFile(path, fmt.Appendf(nil, "document %d", n), 0o644); err != nil {
		e.Fatal(err)
	}
	e.stele("register", path, "--registry", e.served.dir, "--issuer", "school.example", "--kind", "diploma")
}

// publish runs the command; at the nth request that it makes something is done to it, or to the edge. It returns how many requests it made, and its exit code.
func (e *edgeProcess) publish(at int, do func(publisher *exec.Cmd)) (n, code int) {
	e.Helper()
	cmd := exec.Command("stele", "publish", "--registry", e.served.dir, "--to", e.proxy.URL)
	cmd.Env = e.environment()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	e.mu.Lock()
	e.n, e.on = 0, func(n int) {
		if n == at {
			do(cmd)
		}
	}
	if err := cmd.Start(); err != nil {
		e.Fatal(err)
	}
	e.mu.Unlock()
	err := cmd.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.on = func(int) {}
	if err != nil && at < 0 {
		e.Errorf("%v\n%s", err, &out)
	}
	return e.n, exitCode(err)
}

// audited is the publication that the edge serves whole.
func (e *edgeProcess) audited() string {
	e.Helper()
	out := e.stele("audit", "--portal", e.proxy.URL, "--policy", filepath.Join(e.served.dir, "trust"))
	_, rest, ok := strings.Cut(out, "everything agrees with publication ")
	if !ok {
		e.Errorf("audit of the edge: %s", out)
	}
	return strings.TrimSpace(rest)
}

// TestPublishToKilled: the publisher is killed at a request, then the edge; what is in force is whole each time, and the next run, or the same one, brings the rest.
func TestPublishToKilled(t *testing.T) {
	e := newEdgeProcess(serveNew(t), false)
	if _, code := e.publish(-1, nil); code != 0 {
		t.Fatalf("the first publication: exit code %d", code)
	}
	publication := 1
	killed := 0
	for _, at := range []int{1, 2, 3, 4, 5, 6, 8, 11, 16, 24} {
		e.register(publication)
		n, _ := e.publish(at, func(publisher *exec.Cmd) { publisher.Process.Kill() })
		publication++
		if n >= at {
			killed++
		}
		if now := e.audited(); now != fmt.Sprint(publication) && now != fmt.Sprint(publication-1) {
			t.Errorf("killed at request %d: the edge serves %s of %d publications", at, now, publication)
		}
		if _, code := e.publish(-1, nil); code != 0 {
			t.Errorf("killed at request %d: the next run exits with %d", at, code)
		}
		if now := e.audited(); now != fmt.Sprint(publication) {
			t.Errorf("killed at request %d, and run again: the edge serves %s of %d publications", at, now, publication)
		}
	}
	if killed < 8 {
		t.Errorf("killed %d times", killed)
	}
	for _, at := range []int{1, 3, 5, 7, 12} {
		e.register(publication)
		publication++
		_, code := e.publish(at, func(*exec.Cmd) { e.kill(); e.begin() })
		if now := e.audited(); code != 0 || now != fmt.Sprint(publication) {
			t.Errorf("the edge was killed at request %d: exit code %d, and it serves %s of %d publications", at, code, now, publication)
		}
	}
}

// TestServeEdgeAnew: a deployment serves what it was made with, then what is published to it; and a new deployment in its place is served without a new start.
func TestServeEdgeAnew(t *testing.T) {
	e := newEdgeProcess(serveNew(t), true)
	if now := e.audited(); now != "1" {
		t.Errorf("serves %s, want the base", now)
	}
	r, err := registry.Open(e.served.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Pusher(e.proxy.URL, edgeToken)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := p.Push(t.Context()); err != nil || !done.Already {
		t.Errorf("what was deployed: %+v, %v, want that nothing is done", done, err)
	}
	e.register(1)
	if _, code := e.publish(-1, nil); code != 0 || e.audited() != "2" {
		t.Errorf("published to it: exit code %d, serves %s", code, e.audited())
	}
	e.register(2)
	e.stele("publish", "--registry", e.served.dir)
	next := e.dir + ".next"
	e.deploy(next, true)
	if err := errors.Join(os.Rename(e.dir, e.dir+".old"), os.Rename(next, e.dir), os.RemoveAll(e.dir+".old")); err != nil {
		t.Fatal(err)
	}
	if now := e.audited(); now != "3" {
		t.Errorf("deployed anew: serves %s, want 3", now)
	}
}
