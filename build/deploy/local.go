package deploy

import (
	"context"
	_ "embed" // local.mjs
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Local runs a deployment on this machine, in the Workers' own runtime, with the settings and the bundle with which it would be deployed (local.mjs). It needs
// Node, but no account; once its packages are installed, it needs no network either. What is published to it lies in the folder .wrangler of the deployment.
// A witness's keys are taken from the environment.
type Local struct {
	Dir     string
	Addr    string // host and port
	URL     string // where it is found, in place of what the deployment says: only while it is run here
	Modules string // an installed node_modules; "" for the deployment's own
	Log     io.Writer
}

const (
	begins = 2 * time.Minute        // for the runtime to begin
	again  = 100 * time.Millisecond // between questions whether it answers
	ends   = 10 * time.Second       // for it to end in order
)

// ErrNoNode says that a program that runs the Workers' runtime is missing.
var ErrNoNode = errors.New("Node and npm are needed to run it here")

// Run runs it until the context ends, and calls ready once it answers.
func (l *Local) Run(ctx context.Context, ready func()) error {
	host, port, err := net.SplitHostPort(l.Addr)
	if err != nil {
		return fmt.Errorf("listen on %q: %w", l.Addr, err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoNode, err)
	}
	running, err := lockRunning(l.Dir)
	if err != nil {
		return err
	}
	defer running.Close()
	modules, err := l.install(ctx)
	if err != nil {
		return err
	}
	script, err := l.writeScript()
	if err != nil {
		return err
	}
	cmd := l.command(node, script, modules, host, port, l.URL)
	stdin, err := cmd.StdinPipe() // it ends with this process, however that ends
	if err != nil {
		return err
	}
	defer stdin.Close()
	said := &tail{to: l.Log}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer end(cmd, ended)
	if err := l.wait(ctx, ended, said); err != nil {
		return err
	}
	ready()
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		ended <- err
		return fmt.Errorf("the runtime has ended: %v; it said: %s", err, said)
	}
}

//go:embed local.mjs
var script []byte

// writeScript writes the program that runs the runtime, where the tool keeps what is its own.
func (l *Local) writeScript() (string, error) {
	path, err := filepath.Abs(filepath.Join(l.Dir, hostFolder, "local.mjs"))
	if err != nil {
		return "", err
	}
	return path, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, script, 0o644))
}

// command is a program of Node's that runs in the deployment's folder, in a group of processes of its own.
func (l *Local) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = l.Dir
	cmd.Env = append(os.Environ(), "CI=1", "NO_COLOR=1", "WRANGLER_SEND_METRICS=false", "WRANGLER_HIDE_BANNER=true",
		"WRANGLER_LOG_PATH=.wrangler/logs")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// install returns the folder with the packages. None of their scripts is run.
func (l *Local) install(ctx context.Context) (string, error) {
	if l.Modules != "" {
		return filepath.Abs(l.Modules)
	}
	modules, err := filepath.Abs(filepath.Join(l.Dir, "node_modules"))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(modules, "wrangler", "bin", "wrangler.js")); err == nil {
		return modules, nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoNode, err)
	}
	fmt.Fprintln(l.Log, "installing wrangler", Wrangler, "from npm")
	cmd := exec.CommandContext(ctx, npm, "install", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = l.Dir
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm install in %s: %w; it said: %s", l.Dir, err, said)
	}
	return modules, nil
}

// begun is what local.mjs says once the runtime is ready.
const begun = "schedule http"

// wait asks until the deployment answers something. Before it has begun, whoever answers is somebody else.
func (l *Local) wait(ctx context.Context, ended chan error, said *tail) error {
	ctx, cancel := context.WithTimeout(ctx, begins)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://"+l.Addr+"/", nil)
		if err != nil {
			return err
		}
		if said.holds(begun) {
			if answer, err := http.DefaultClient.Do(r); err == nil {
				answer.Body.Close()
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the runtime does not answer on %s: %w; it said: %s", l.Addr, ctx.Err(), said)
		case err := <-ended:
			ended <- err
			return fmt.Errorf("the runtime has ended: %v; it said: %s", err, said)
		case <-time.After(again):
		}
	}
}

// end ends a program with all that it has started, in order if it will.
func end(cmd *exec.Cmd, ended chan error) {
	group := -cmd.Process.Pid
	syscall.Kill(cmd.Process.Pid, syscall.SIGTERM) // it ends its own children
	select {
	case <-ended:
	case <-time.After(ends):
	}
	syscall.Kill(group, syscall.SIGKILL) // its children may outlive it
}

// A tail passes on what is written, and keeps its end.
type tail struct {
	to   io.Writer
	mu   sync.Mutex
	kept []byte
}

const mostKept = 4 << 10 // bytes

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	t.kept = t.kept[max(0, len(t.kept)-mostKept):]
	return t.to.Write(b)
}

func (t *tail) holds(what string) bool { return strings.Contains(t.String(), what) }

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
