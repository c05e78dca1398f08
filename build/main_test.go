package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"stele/build/keys"
	"stele/build/registry"
	"stele/build/verifier"
	"stele/proofs"
)

// patience is how long a condition is waited for.
const patience = 30 * time.Second

// scratch is a folder for what all tests share; it is removed in the end.
var scratch string

func TestMain(m *testing.M) {
	if os.Getenv(envGo) == "" { // the test itself, not a command that it runs
		tool, err := exec.LookPath("go")
		if err == nil {
			scratch, err = os.MkdirTemp("", "stele-test-")
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := errors.Join(os.Setenv(envGo, tool), sourceHere()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	testscript.Main(cleaner{m}, map[string]func(){"stele": cheaply, "go": goTool})
}

// cheaply is the command, but that new passphrases cost milliseconds: package keys has tests of what they cost.
func cheaply() {
	keys.Work = 10
	verifier.Source = os.Getenv(envSource)
	main()
}

// sourceHere notes where the source tree lies.
func sourceHere() error {
	root, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	return os.Setenv(envSource, root)
}

type cleaner struct{ m *testing.M }

func (c cleaner) Run() int {
	defer os.RemoveAll(scratch)
	return c.m.Run()
}

const (
	envGo     = "STELE_TEST_GO"     // the real go command
	envWASM   = "STELE_TEST_WASM"   // the folder with what the pages run, if it is compiled already
	envSource = "STELE_TEST_SOURCE" // the source tree
)

// goTool stands before the go command in the scripts' PATH. It hands out the programs that this test has compiled
// once with the real one, because every publish would link them again.
func goTool() {
	wasm := os.Getenv(envWASM)
	if i := slices.Index(os.Args, "-o"); wasm != "" && i > 0 && handedOut(os.Args[len(os.Args)-1]) {
		b, err := os.ReadFile(filepath.Join(wasm, filepath.Base(os.Args[i+1])))
		if err == nil {
			err = os.WriteFile(os.Args[i+1], b, 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	err := syscall.Exec(os.Getenv(envGo), append([]string{"go"}, os.Args[1:]...), os.Environ())
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// handedOut reports whether a package is compiled once for all scripts.
func handedOut(pkg string) bool {
	return strings.HasPrefix(pkg, "./wasm") || pkg == "./site/edge/worker"
}

// compiled is the folder with what the pages run, and what a Worker does.
var compiled = sync.OnceValues(func() (string, error) {
	f, err := verifier.Compile(context.Background(), "..")
	if err != nil {
		return "", err
	}
	e, err := verifier.CompileEdge(context.Background(), "..")
	if err != nil {
		return "", err
	}
	return scratch, errors.Join(os.WriteFile(filepath.Join(scratch, "verifier.wasm"), f.WASM, 0o644),
		os.WriteFile(filepath.Join(scratch, "viewer.wasm"), f.Viewer, 0o644), os.WriteFile(filepath.Join(scratch, "worker.wasm"), e.WASM, 0o644))
})

// sharedDemo makes the demonstration once for all tests, with the command itself; none may write to it.
var sharedDemo = sync.OnceValues(func() (string, error) {
	wasm, err := compiled()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(scratch, "demo")
	cmd := exec.Command("stele", "demo", "--once", "--dir", dir)
	cmd.Env = append(os.Environ(), envWASM+"="+wasm)
	if msg, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("stele demo: %w\n%s", err, msg)
	}
	return dir, nil
})

func TestScripts(t *testing.T) {
	wasm, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	demo, err := sharedDemo()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, ".home")
			e.Setenv("HOME", home)
			e.Setenv("DEMO", demo)
			e.Setenv("STELE_PASSPHRASE", "correct horse battery")
			e.Setenv(envWASM, wasm)
			for _, name := range []string{envGo, envSource, "GOFLAGS", "GOPROXY"} {
				e.Setenv(name, os.Getenv(name))
			}
			return os.Mkdir(home, 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": cmdCode, "json": cmdJSON, "until": cmdUntil, "await": cmdAwait, "address": cmdAddress, "http": cmdHTTP,
			"copydir": cmdCopyDir, "mkfifo": cmdMkfifo, "truncate": cmdTruncate, "snapshot": cmdSnapshot, "unchanged": cmdUnchanged,
			"hostile": cmdHostile, "printable": cmdPrintable, "publishat": cmdPublishAt, "revokes": cmdRevokes, "expected": cmdExpected,
			"lock": cmdLock, "linkstele": cmdLinkStele,
			"cosigned": cmdCosigned,
		},
	})
}

// code N COMMAND…: the command exits with N.
func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command [args…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func exitCode(err error) int {
	var e *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.ExitCode()
	}
	return -1
}

// json KEY=REGEXP… or json -keys KEY…: the command's stdout is one line, a JSON object with these values; strings are compared
// as they are, everything else as JSON. -keys names all the keys that there are.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	out := ts.ReadFile("stdout")
	if strings.Count(out, "\n") != 1 || !strings.HasSuffix(out, "\n") {
		ts.Fatalf("stdout: want one line of JSON, got:\n%s", out)
	}
	var v map[string]any
	ts.Check(json.Unmarshal([]byte(out), &v))
	if len(args) > 0 && args[0] == "-keys" {
		var have []string
		for k := range v {
			have = append(have, k)
		}
		slices.Sort(have)
		want := slices.Sorted(slices.Values(args[1:]))
		if !slices.Equal(have, want) {
			ts.Fatalf("keys: got %q, want %q", have, want)
		}
		return
	}
	for _, a := range args {
		key, want, ok := strings.Cut(a, "=")
		got := jsonText(jsonAt(v, key))
		match, err := regexp.MatchString("^(?:"+want+")$", got)
		ts.Check(err)
		if !ok || match == neg {
			ts.Fatalf("%s: got %s, want %s", key, got, want)
		}
	}
}

// jsonAt follows a path such as files.0.state.
func jsonAt(v any, path string) any {
	for _, part := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func jsonText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// until REGEXP COMMAND…: repeats the command until its stdout matches.
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	want := regexp.MustCompile(args[0])
	waitFor(ts, func() bool {
		ts.Exec(args[1], args[2:]...)
		return want.MatchString(ts.ReadFile("stdout"))
	})
}

// await FILE: waits until a file is there and ends with a newline.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	waitFor(ts, func() bool {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && bytes.HasSuffix(b, []byte("\n"))
	})
}

func waitFor(ts *testscript.TestScript, condition func() bool) {
	for end := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("waited for %s in vain", patience)
		}
	}
}

// address FILE: sets $URL and $HOST to the address that stele serve has written into a file.
func cmdAddress(ts *testscript.TestScript, neg bool, args []string) {
	cmdAwait(ts, neg, args)
	var v struct{ Address string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	u, err := url.Parse(v.Address)
	ts.Check(err)
	ts.Setenv("URL", v.Address)
	ts.Setenv("HOST", u.Host)
}

// http METHOD TARGET: sends the target to $HOST as it stands, which no client library would, and prints the answer.
func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	c, err := net.Dial("tcp", ts.Getenv("HOST"))
	ts.Check(err)
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	_, err = fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", args[0], args[1], ts.Getenv("HOST"))
	ts.Check(err)
	b, err := io.ReadAll(bufio.NewReader(c))
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), strings.ReplaceAll(string(b), "\r\n", "\n"))
}

// copydir FROM TO: copies a folder, without files of more than 10 MB.
func cmdCopyDir(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(copyTree(ts.MkAbs(args[0]), ts.MkAbs(args[1]), func(path string, size int64) bool { return size < 10<<20 }))
}

func copyTree(from, to string, want func(path string, size int64) bool) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		switch {
		case err != nil:
			return err
		case d.IsDir() && !want(rel, 0):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), info.Mode().Perm())
		case !d.Type().IsRegular() || !want(rel, info.Size()):
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, info.Mode().Perm())
	})
}

func cmdMkfifo(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o644))
}

// truncate FILE N: cuts a file to N bytes, or cuts -N off its end.
func cmdTruncate(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if n < 0 {
		n += info.Size()
	}
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// snapshot FILE DIR writes what lies below a folder, names and contents; unchanged FILE DIR compares with it.
func cmdSnapshot(ts *testscript.TestScript, neg bool, args []string) {
	list, err := listing(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), list, 0o644))
}

func cmdUnchanged(ts *testscript.TestScript, neg bool, args []string) {
	list, err := listing(ts.MkAbs(args[1]))
	ts.Check(err)
	if want := ts.ReadFile(args[0]); string(list) != want == !neg {
		ts.Fatalf("%s: is\n%s\nwas\n%s", args[1], list, want)
	}
}

// listing leaves out locks, which are files that stay.
func listing(dir string) ([]byte, error) {
	var b bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || strings.HasSuffix(path, ".lock") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "%s %q", info.Mode(), rel)
		if d.Type().IsRegular() {
			digests, err := registry.HashFile(context.Background(), path, make([]byte, 1<<16), func(int) {})
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %s", digests.SHA256)
		}
		b.WriteByte('\n')
		return nil
	})
	return b.Bytes(), err
}

// hostile DIR: makes files whose names try to play with the terminal, and a name that is not UTF-8.
func cmdHostile(ts *testscript.TestScript, neg bool, args []string) {
	for i, name := range []string{"\x1b[2J\x1b[31mred.txt", "two\nlines: AUTHENTIC.txt", "bell\a.txt", "left\u202etxt.exe", "bad\xff.txt", "quote'\".txt", " blank"} {
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), name), []byte{'h', byte(i)}, 0o644))
	}
}

// printable: neither stdout nor stderr holds anything that a terminal would act upon.
func cmdPrintable(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range []string{"stdout", "stderr"} {
		if text := ts.ReadFile(name); visible(text) != text {
			ts.Fatalf("%s has control characters: %q", name, text)
		}
	}
}

// openDemo opens a registry whose keys are a demonstration's.
func openDemo(ts *testscript.TestScript, dir string) *registry.Registry {
	r, err := registry.Open(ts.MkAbs(dir), keys.Fixed(keys.DemoPassphrase))
	ts.Check(err)
	return r
}

// publishat DIR DURATION: publishes with a clock that is off.
func cmdPublishAt(ts *testscript.TestScript, neg bool, args []string) {
	r := openDemo(ts, args[0])
	off, err := time.ParseDuration(args[1])
	ts.Check(err)
	r.Now = func() time.Time { return time.Now().Add(off) }
	_, err = r.Publish(context.Background())
	ts.Check(err)
}

// revokes DIR FILE N: queues N different revocations, whether or not they have an effect; the command would not.
func cmdRevokes(ts *testscript.TestScript, neg bool, args []string) {
	r := openDemo(ts, args[0])
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	b, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	doc := proofs.Ref{Digests: proofs.DigestsOf(b)}
	record, err := r.Desk().Record(context.Background(), doc.Key())
	ts.Check(err)
	signer, err := r.Keys.Signer(registry.IssuerKeyFile(record[0].Statement.Issuer))
	ts.Check(err)
	var entries [][]byte
	for i := range n {
		s := &proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionRevoke, Issuer: record[0].Statement.Issuer, Document: &doc,
			After: &record[0].Leaf, Reason: fmt.Sprintf("It was mistake %d.", i)}
		note, err := proofs.SignNote(s.Text(), signer)
		ts.Check(err)
		entries = append(entries, note.Marshal())
	}
	ts.Check(r.Desk().Deliver(context.Background(), entries))
}

// expected DIR: verifies every sample in one run, and compares with expected.json.
func cmdExpected(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[0])
	b, err := os.ReadFile(filepath.Join(dir, "samples", "expected.json"))
	ts.Check(err)
	want := map[string]string{}
	ts.Check(json.Unmarshal(b, &want))
	cmd := []string{"verify", "--json", "--registry", dir}
	for path := range want {
		if full := filepath.Join(dir, "samples", filepath.FromSlash(path)); exists(full) {
			cmd = append(cmd, full)
		}
	}
	if len(cmd) < 10 {
		ts.Fatalf("%d samples, want more", len(cmd)-4)
	}
	if got := exitCode(ts.Exec("stele", cmd...)); got != 1 {
		ts.Fatalf("exit code %d, want 1: some are not authentic, and all were decided", got)
	}
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\n"), "\n")
	if len(lines) != len(cmd)-4 {
		ts.Fatalf("%d answers for %d samples", len(lines), len(cmd)-4)
	}
	for _, line := range lines {
		var r struct {
			File, Verdict string
			Demo          bool
			Notices       []string
		}
		ts.Check(json.Unmarshal([]byte(line), &r))
		rel, err := filepath.Rel(filepath.Join(dir, "samples"), r.File)
		ts.Check(err)
		if w := want[filepath.ToSlash(rel)]; r.Verdict != w || !r.Demo || !slices.Contains(r.Notices, "demo") {
			ts.Fatalf("%s: %s (demo: %v), want %s of a demonstration", rel, r.Verdict, r.Demo, w)
		}
	}
}

// linkstele FILE: puts the command there by itself, so that PATH can do without the Go toolchain.
func cmdLinkStele(ts *testscript.TestScript, neg bool, args []string) {
	self, err := os.Executable()
	ts.Check(err)
	ts.Check(os.Symlink(self, ts.MkAbs(args[0])))
}

// lock FILE: holds the lock on a file until the script ends.
func cmdLock(ts *testscript.TestScript, neg bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_CREATE|os.O_RDWR, 0o644)
	ts.Check(err)
	ts.Check(syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	ts.Defer(func() { f.Close() })
}
