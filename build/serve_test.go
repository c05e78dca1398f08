package main

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
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stele/build/intake"
	"stele/build/keys"
	"stele/build/ledger"
	"stele/build/registry"
	"stele/proofs"
)

// A served is a registry with the command `stele serve` running on it as a process of its own.
type served struct {
	*testing.T
	dir     string
	signer  proofs.Signer
	cmd     *exec.Cmd
	address string
	stderr  *bytes.Buffer
}

const servedOrigin = "serve.example/l"

// serveNew makes a registry with an issuer, published.
func serveNew(t *testing.T) *served {
	t.Helper()
	d := &served{T: t, dir: filepath.Join(t.TempDir(), "reg")}
	d.stele("init", "--registry", d.dir, "--demo", "--origin", servedOrigin)
	d.stele("accredit", "school.example", "--kind", "diploma", "--registry", d.dir)
	d.stele("publish", "--registry", d.dir)
	r, err := registry.Open(d.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.signer, err = r.Keys.Signer(registry.IssuerKeyFile("school.example")); err != nil {
		t.Fatal(err)
	}
	return d
}

// environment lets the command find the verifier that was compiled once.
func (d *served) environment() []string {
	d.Helper()
	wasm, err := compiled()
	if err != nil {
		d.Fatal(err)
	}
	return append(os.Environ(), envWASM+"="+wasm)
}

// stele runs the command.
func (d *served) stele(args ...string) string {
	d.Helper()
	cmd := exec.Command("stele", args...)
	cmd.Env = d.environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.Fatalf("stele %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// start starts the daemon by a command line, which sh is to exec, and waits until it listens.
func (d *served) start(before string, flags ...string) {
	d.Helper()
	args := append([]string{"exec", "stele", "serve", "--json", "--registry", d.dir, "--addr", "127.0.0.1:0"}, flags...)
	d.cmd = exec.Command("sh", "-c", before+strings.Join(args, " "))
	d.cmd.Env = d.environment()
	d.stderr = &bytes.Buffer{}
	d.cmd.Stderr = d.stderr
	out, err := d.cmd.StdoutPipe()
	if err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { d.cmd.Process.Kill() })
	var said struct{ Address string }
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		d.Fatalf("%v\n%s", err, d.stderr)
	}
	go io.Copy(io.Discard, out)
	d.address = said.Address
}

// end ends the daemon with a signal and waits for it.
func (d *served) end(sig os.Signal) {
	d.Helper()
	if err := d.cmd.Process.Signal(sig); err != nil {
		d.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil && sig != os.Kill {
		d.Errorf("%v\n%s", err, d.stderr)
	}
}

// statement is the registration of document n.
func (d *served) statement(n int) []byte {
	d.Helper()
	ref := proofs.Ref{Digests: proofs.DigestsOf(fmt.Appendf(nil, "document %d\n", n))}
	s := &proofs.Statement{Registry: servedOrigin, Action: proofs.ActionRegister, Issuer: "school.example", Document: &ref, Kind: "diploma", Issued: "2026-01-01"}
	note, err := proofs.SignNote(s.Text(), d.signer)
	if err != nil {
		d.Fatal(err)
	}
	return note.Marshal()
}

// once posts statements once, with no second try.
func (d *served) once(entries [][]byte) (int, []intake.Outcome, error) {
	var body []byte
	for _, e := range entries {
		body = proofs.AppendBundleEntry(body, e)
	}
	res, err := http.Post(d.address+"v1/statements", "application/octet-stream", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return res.StatusCode, nil, err
	}
	var o intake.Outcomes
	err = json.Unmarshal(b, &o)
	return res.StatusCode, o.Outcomes, err
}

// texts counts how often each statement stands in the ledger.
func (d *served) texts() map[proofs.Hash]int {
	d.Helper()
	b, err := os.ReadFile(filepath.Join(d.dir, "public", "ledger", "checkpoint"))
	if err != nil {
		d.Fatal(err)
	}
	c, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		d.Fatal(err)
	}
	n := map[proofs.Hash]int{}
	err = ledger.At(filepath.Join(d.dir, "ledger"), servedOrigin).Entries(0, c.Size, func(_ uint64, entries [][]byte) error {
		for _, e := range entries {
			n[registry.StatementID(e)]++
		}
		return nil
	})
	if err != nil {
		d.Fatal(err)
	}
	return n
}

// TestServeKilled: agencies submit while the daemon publishes every second and is killed again and again. Nothing that was
// acknowledged is lost, and nothing is in the ledger twice.
func TestServeKilled(t *testing.T) {
	t.Parallel()
	d := serveNew(t)
	acknowledged := map[proofs.Hash]bool{}
	next := 0
	for round := range 4 {
		d.start("", "--publish-every", "1s")
		var mu sync.Mutex
		var wg sync.WaitGroup
		var got atomic.Int64
		enough := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				for {
					mu.Lock()
					var part [][]byte
					for range 1 + next%7 {
						part = append(part, d.statement(next))
						next++
					}
					part = append(part, d.statement(next-1), d.statement(next/2)) // some again
					mu.Unlock()
					status, outcomes, err := d.once(part)
					if err != nil {
						return // killed
					}
					mu.Lock()
					for i, o := range outcomes {
						if o.State != registry.Pending && o.State != registry.Published {
							t.Errorf("%d: %+v", status, o)
						}
						acknowledged[registry.StatementID(part[i])] = true
					}
					mu.Unlock()
					if got.Add(int64(len(part))) > int64(150*(round+1)) {
						select {
						case enough <- struct{}{}:
						default:
						}
					}
				}
			})
		}
		<-enough
		d.end(os.Kill)
		wg.Wait()
	}
	d.start("", "--publish-every", "1s")
	client := intake.NewClient(d.address)
	for end := time.Now().Add(patience); ; {
		h := d.health()
		if h.Queue.Pending == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %+v", h)
		}
		time.Sleep(50 * time.Millisecond)
	}
	o, err := client.Statement(context.Background(), registry.StatementID(d.statement(0)).String(), "sha256:"+proofs.DigestsOf([]byte("document 0\n")).SHA256.String())
	if err != nil || o.State != registry.Published {
		t.Errorf("document 0: %+v, %v", o, err)
	}
	d.end(syscall.SIGTERM)
	n := d.texts()
	for id := range acknowledged {
		if n[id] != 1 {
			t.Errorf("acknowledged, and %d times in the ledger: %s", n[id], id)
		}
	}
	for id, times := range n {
		if times != 1 {
			t.Errorf("%d times in the ledger: %s", times, id)
		}
	}
	t.Logf("%d acknowledged", len(acknowledged))
	d.stele("audit", "--registry", d.dir)
}

func (d *served) health() (h intake.Health) {
	d.Helper()
	res, err := http.Get(d.address + "v1/health")
	if err != nil {
		d.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&h); err != nil {
		d.Fatal(err)
	}
	return h
}

// TestServeEnds: a daemon that is told to end answers what it has in hand.
func TestServeEnds(t *testing.T) {
	t.Parallel()
	d := serveNew(t)
	d.start("")
	var acknowledged atomic.Int64
	var wg sync.WaitGroup
	begun := make(chan struct{}, 100)
	for worker := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				status, outcomes, err := d.once([][]byte{d.statement(1000*worker + n)})
				var refused *os.SyscallError
				switch {
				case errors.As(err, &refused): // nobody listens any more
					return
				case err != nil && (errors.Is(err, io.EOF) || strings.Contains(err.Error(), "connection reset") || strings.Contains(err.Error(), "closed idle connection")):
					return // a connection that was idle, as far as the daemon could see
				case err != nil || status != 202:
					t.Errorf("got %d, %v, want 202 or nobody there", status, err)
					return
				}
				acknowledged.Add(int64(len(outcomes)))
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 20 {
		<-begun
	}
	d.end(syscall.SIGTERM)
	wg.Wait()
	r, err := registry.Look(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.Pending(); err != nil || int64(n) < acknowledged.Load() {
		t.Errorf("%d in the queue (%v), %d were acknowledged", n, err, acknowledged.Load())
	}
}

// TestServeNoRoom: where the disk takes no more, nothing is acknowledged.
func TestServeNoRoom(t *testing.T) {
	t.Parallel()
	d := serveNew(t)
	d.start("ulimit -f 8; ") // blocks of 512 or 1024 bytes
	var all [][]byte
	for n := range 100 {
		all = append(all, d.statement(n))
	}
	if status, _, err := d.once(all); err != nil || status != 507 {
		t.Errorf("got %d, %v, want 507\n%s", status, err, d.stderr)
	}
	if status, _, err := d.once(all[:2]); err != nil || status != 202 {
		t.Errorf("what fits: got %d, %v, want 202", status, err)
	}
	d.end(syscall.SIGTERM)
	r, err := registry.Look(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.Pending(); n != 2 || err != nil {
		t.Errorf("%d in the queue (%v), want 2", n, err)
	}
}

// TestServeFull: through the command, a full queue says when there will be room, and revocations get in.
func TestServeFull(t *testing.T) {
	t.Parallel()
	d := serveNew(t)
	d.start("", "--queue", "2", "--publish-every", "1h")
	first := d.statement(0)
	status, outcomes, err := d.once([][]byte{first, d.statement(1), d.statement(2)})
	if err != nil || status != 503 || outcomes[1].State != registry.Pending || outcomes[2].State != registry.Deferred {
		t.Errorf("got %d %+v, %v, want 503 and the third deferred", status, outcomes, err)
	}
	ref, leaf := proofs.Ref{Digests: proofs.DigestsOf([]byte("document 0\n"))}, proofs.LeafHash(first)
	s := &proofs.Statement{Registry: servedOrigin, Action: proofs.ActionRevoke, Issuer: "school.example", Document: &ref, After: &leaf}
	note, err := proofs.SignNote(s.Text(), d.signer)
	if err != nil {
		t.Fatal(err)
	}
	if status, outcomes, err := d.once([][]byte{note.Marshal()}); err != nil || status != 202 {
		t.Errorf("a revocation: got %d %+v, %v, want 202", status, outcomes, err)
	}
	d.end(syscall.SIGTERM)
}

// agency is a folder of keys with the issuer's key alone, of documents and of the trust file.
func (d *served) agency(documents int) string {
	d.Helper()
	dir := d.TempDir()
	if err := copyTree(filepath.Join(d.dir, "keys"), filepath.Join(dir, "keys"), func(path string, _ int64) bool {
		return path == "." || path == "identity.age" || strings.HasPrefix(path, registry.IssuerKeyFile("school.example"))
	}); err != nil {
		d.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "docs"), 0o755); err != nil {
		d.Fatal(err)
	}
	for n := range documents {
		if err := os.WriteFile(filepath.Join(dir, "docs", fmt.Sprintf("%03d.txt", n)), fmt.Appendf(nil, "document %d\n", n), 0o644); err != nil {
			d.Fatal(err)
		}
	}
	b, err := os.ReadFile(filepath.Join(d.dir, "trust"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "trust"), b, 0o644)
	}
	if err != nil {
		d.Fatal(err)
	}
	if _, err := keys.Open(filepath.Join(dir, "keys"), nil); err != nil {
		d.Fatal(err)
	}
	return dir
}

// TestSubmitKilled kills the agency's side at many points and runs it again: each document gets one statement, and its receipt.
func TestSubmitKilled(t *testing.T) {
	t.Parallel()
	const documents = 60
	d := serveNew(t)
	d.start("", "--publish-every", "1s")
	dir := d.agency(documents)
	submit := func() *exec.Cmd {
		cmd := exec.Command("stele", "submit", "register", "docs", "--kind", "diploma", "--to", d.address, "--keys", "keys", "--policy", "trust")
		cmd.Dir, cmd.Env = dir, d.environment()
		return cmd
	}
	for delay := 10 * time.Millisecond; delay < time.Second; delay = delay * 5 / 3 {
		cmd := submit()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(delay, func() { cmd.Process.Kill() })
		cmd.Wait()
		kill.Stop()
	}
	if out, err := submit().CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	receipts, err := filepath.Glob(filepath.Join(dir, "docs", "*.tlog-proof"))
	if err != nil || len(receipts) != documents {
		t.Errorf("%d receipts, want %d", len(receipts), documents)
	}
	left, err := filepath.Glob(filepath.Join(dir, "keys", "outbox", "*"+outboxExt))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the outbox: %q", left)
	}
	d.end(syscall.SIGTERM)
	n := d.texts()
	statements := len(n)
	for id, times := range n {
		if times != 1 {
			t.Errorf("%d times in the ledger: %s", times, id)
		}
	}
	r, err := registry.Look(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := r.History()
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[uint64]bool{} // each size ends with an index statement
	for _, l := range lines {
		sizes[l.Size] = true
	}
	if want := documents + len(sizes) + 2; statements != want { // the office of init, and the school, were accredited
		t.Errorf("%d statements in the ledger, want %d", statements, want)
	}
}
