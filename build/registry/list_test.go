package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stele/build/list"
	"stele/proofs"
)

var listRequest = Request{Issuer: office, Kind: "letter", Issued: "2026-11-01"}

// listOf is a list of n imaginary documents.
func listOf(t testing.TB, seed uint64, n int) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := list.NewWriter(&b)
	if err := w.Header(); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.Write(list.Line{Digests: imaginary(seed, i), File: "docs/a.pdf"}); err != nil {
			t.Fatal(err)
		}
	}
	return &b
}

// lineOf is document n of the fixtures as a list has it.
func lineOf(line, n int) Document {
	return Document{Line: line, File: fmt.Sprint(n), Digests: proofs.DigestsOf(document(n))}
}

// wrongly gives a document a SHA3-512 that is not its own.
func wrongly(d Document) Document {
	d.Digests.SHA3512 = proofs.DigestsOf([]byte("another")).SHA3512
	return d
}

func linesOf(docs ...Document) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// registerLines registers lines, and returns what became of each: a state, or why not.
func registerLines(t testing.TB, r *Registry, req Request, docs ...Document) (outcomes []string) {
	t.Helper()
	err := r.RegisterList(context.Background(), req, linesOf(docs...), func(f Registered) {
		if want := docs[len(outcomes)]; f.Line != want.Line || f.File != want.File {
			t.Errorf("told of line %d (%s), want line %d (%s)", f.Line, f.File, want.Line, want.File)
		}
		if f.Err != nil {
			f.State = f.Err.Error()
		}
		outcomes = append(outcomes, f.State)
	})
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

func expect(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got %q,\nwant %q", got, want)
	}
}

// TestRegisterList: each bad line is refused for its own reason, and the good ones go on to be published.
func TestRegisterList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	now := heartbeat.now
	r := openAt(t, dir, now)
	day := func(days int) string { return time.Unix(now, 0).UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	said := func(d Document, kind, issued, expires string) Document {
		d.Kind, d.Issued, d.Expires = kind, issued, expires
		return d
	}
	empty := proofs.DigestsOf(nil)
	half := lineOf(0, 70)
	half.Digests.SHA3512 = empty.SHA3512
	docs := []Document{
		lineOf(0, 1), // published
		lineOf(0, 50), lineOf(0, 51), lineOf(0, 50), wrongly(lineOf(0, 51)), wrongly(lineOf(0, 1)),
		{Err: errors.New("bad line")},
		{Digests: empty}, half,
		said(lineOf(0, 60), "diploma", "", ""), said(lineOf(0, 61), "passport", "", ""), said(lineOf(0, 62), "Two Words", "", ""),
		said(lineOf(0, 63), "", "2026-02-29", ""), said(lineOf(0, 64), "", day(2), ""), said(lineOf(0, 65), "", "", "2030-13-01"),
		said(lineOf(0, 66), "", "2026-05-01", "2026-04-30"), said(lineOf(0, 67), "letter", day(1), day(1)),
		lineOf(0, 66), // the line before was refused for its dates
	}
	for i := range docs {
		docs[i].Line = 2 + i
	}
	expect(t, registerLines(t, r, listRequest, docs...),
		"already", "registered", "registered", "the same document as line 3", "its SHA3-512 is not that of line 4", "its SHA3-512 is not that of what is registered",
		"bad line", "it is the digest of an empty file", "it is the digest of an empty file",
		office+` is not accredited for kind "diploma"`, `kind "passport" can be guessed`, `kind "Two Words": want one word`,
		`issued "2026-02-29": want a day`, "issued "+day(2)+": that day is yet to come", `expires "2030-13-01": want a day`,
		"expires 2026-04-30, before it was issued on 2026-05-01", "registered", "registered")

	// Again: what waits for publication is known by both its digests.
	expect(t, registerLines(t, r, listRequest, lineOf(2, 50), wrongly(lineOf(3, 51)), lineOf(4, 67)),
		"already", "its SHA3-512 is not that of what waits for publication", "already")
	p := publish(t, r)
	if p.Added != 4 {
		t.Errorf("added %d, want 4", p.Added)
	}
	verdicts(t, r, now, map[int]proofs.Verdict{50: proofs.Authentic, 51: proofs.Authentic, 60: proofs.NotRegistered, 66: proofs.Authentic, 67: proofs.Authentic})
	expect(t, registerLines(t, r, listRequest, lineOf(2, 50), wrongly(lineOf(3, 51))), "already", "its SHA3-512 is not that of what is registered")
}

// TestRegisterListOfOthers: a wrong SHA3-512 may be the other authority's. A list is not to be believed then; a file that was
// hashed here is, or else one authority could keep all others from registering.
func TestRegisterListOfOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	atCourt := Request{Issuer: court, Kind: "ruling", Issued: "2026-11-01"}
	expect(t, registerLines(t, r, atCourt, wrongly(lineOf(2, 80)), wrongly(lineOf(3, 81)), lineOf(4, 82)), "registered", "registered", "registered")
	for _, published := range []bool{false, true} {
		if published {
			publish(t, r)
			r = openAt(t, dir, heartbeat.now+hour)
		}
		expect(t, registerLines(t, r, listRequest, lineOf(2, 80)), "its SHA3-512 is not that of what ")
	}
	expect(t, registerLines(t, r, listRequest, lineOf(2, 82)), "registered")
	register(t, r, office, 80, 82)
	publish(t, r)
	verdicts(t, r, heartbeat.now+hour, map[int]proofs.Verdict{80: proofs.Authentic, 81: proofs.Authentic, 82: proofs.Authentic})
}

// TestRegisterListUpFront: what holds for every line is refused before the first; a list that tells its kinds is asked for them line by line.
func TestRegisterListUpFront(t *testing.T) {
	dir := filepath.Join(testDir, "upfront")
	makeFirst(t, dir)
	r := openAt(t, dir, start)
	for _, req := range []Request{{Issuer: office, Kind: "diploma", Issued: "2026-11-01"}, {Issuer: office, Kind: "letter", Issued: "2027-11-01"},
		{Issuer: court, Kind: "letter", Issued: "2026-11-01"}} {
		var e *Error
		err := r.RegisterList(context.Background(), req, linesOf(lineOf(2, 7)), func(f Registered) { t.Errorf("told of %+v", f) })
		if !errors.As(err, &e) || e.Hint == "" {
			t.Errorf("%+v: got %v, want a refusal with a hint", req, err)
		}
	}
	told := lineOf(3, 8)
	told.Kind = "letter"
	expect(t, registerLines(t, r, Request{Issuer: office, Issued: "2026-11-01"}, lineOf(2, 7), told), "its kind is not said", "registered")
}

// TestRegisterLongList: over several runs, every line is told once and in order, and duplicates are found wherever they are.
func TestRegisterLongList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	const n = 2*runOfLines + 100
	good := map[int]int{10: 100, runOfLines - 1: 101, runOfLines: 102, 2 * runOfLines: 103, n - 1: 104}
	again := map[int]int{11: 100, runOfLines + 5: 100, n - 2: 102}
	lines := func(yield func(Document, error) bool) {
		for i := range n {
			d := Document{Err: errors.New("bad line")}
			if m, ok := good[i]; ok {
				d = lineOf(0, m)
			} else if m, ok := again[i]; ok {
				d = lineOf(0, m)
			}
			d.Line = i + 2
			if !yield(d, nil) {
				return
			}
		}
	}
	next := 0
	err := r.RegisterList(context.Background(), listRequest, lines, func(f Registered) {
		if f.Line != next+2 {
			t.Fatalf("told of line %d, want %d", f.Line, next+2)
		}
		want := "bad line"
		if _, ok := good[next]; ok {
			want = NewlyRegistered
		} else if m, ok := again[next]; ok {
			for first, of := range good {
				if of == m {
					want = fmt.Sprintf("the same document as line %d", first+2)
				}
			}
		}
		if got := f.State; f.Err == nil && got != want || f.Err != nil && f.Err.Error() != want {
			t.Errorf("line %d: %s %v, want %s", f.Line, f.State, f.Err, want)
		}
		next++
	})
	if pending, err2 := r.Pending(); err != nil || err2 != nil || next != n || pending != len(good) {
		t.Errorf("told of %d lines, want %d; %d pending, want %d (%v)", next, n, pending, len(good), errors.Join(err, err2))
	}
}

// TestListEnds: where the list ends with an error, what came before it is registered and told; an interrupt does not wait for the next line.
func TestListEnds(t *testing.T) {
	dir := filepath.Join(testDir, "listends")
	makeFirst(t, dir)
	r := openAt(t, dir, start)
	broken := errors.New("broken")
	told := 0
	err := r.RegisterList(context.Background(), listRequest, func(yield func(Document, error) bool) {
		if yield(lineOf(2, 7), nil) && yield(lineOf(3, 8), nil) {
			yield(Document{}, broken)
		}
	}, func(f Registered) { told++ })
	if pending, err2 := r.Pending(); !errors.Is(err, broken) || err2 != nil || told != 2 || pending != 1+3+2 {
		t.Errorf("got %v, %d told and %d pending (%v)", err, told, pending, err2)
	}
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan bool)
	err = r.RegisterList(ctx, listRequest, func(yield func(Document, error) bool) {
		yield(lineOf(2, 9), nil)
		cancel()
		<-end
	}, func(f Registered) { t.Errorf("told of %+v", f) })
	close(end)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestQueueStaysOpen: a daemon writes to the queue while a list is registered, and a second Register waits for the first.
func TestQueueStaysOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	second := make(chan []string, 1)
	err := openAt(t, dir, heartbeat.now).RegisterList(context.Background(), listRequest, func(yield func(Document, error) bool) {
		daemon := openAt(t, dir, heartbeat.now)
		daemon.Waiting = func(what string) { t.Errorf("waits for %s", what) }
		revoke(t, daemon, court, 4)
		publish(t, daemon)
		waiting := make(chan string, 1)
		other := openAt(t, dir, heartbeat.now)
		other.Waiting = func(what string) { waiting <- what }
		go func() { second <- registerLines(t, other, listRequest, lineOf(2, 90)) }()
		if what := <-waiting; what != lockRegister {
			t.Errorf("waits for %s, want %s", what, lockRegister)
		}
		yield(lineOf(2, 90), nil)
	}, func(f Registered) {
		if f.State != NewlyRegistered {
			t.Errorf("%+v, want it registered", f)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, <-second, "already")
	r := openAt(t, dir, heartbeat.now+hour)
	publish(t, r)
	verdicts(t, r, heartbeat.now+hour, map[int]proofs.Verdict{4: proofs.Revoked, 90: proofs.Authentic})
}

// childList tells the test binary to register a list from its stdin: "DIR NOW POINT", where it kills itself at a fault point.
const childList = "STELE_REGISTRY_TEST_LIST"

func runListChild(task string) int {
	var dir string
	k := &killer{}
	var now int64
	_, err := fmt.Sscan(task, &dir, &now, &k.at)
	if err == nil {
		err = registerStdin(dir, now, k)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func registerStdin(dir string, now int64, k *killer) error {
	r, err := Open(dir, nil)
	if err != nil {
		return err
	}
	r.Now, r.fault = func() time.Time { return time.Unix(now, 0) }, k.fault
	in, err := list.NewReader(os.Stdin)
	if err != nil {
		return err
	}
	return r.RegisterList(context.Background(), listRequest, Lines(in), func(f Registered) { err = errors.Join(err, f.Err) })
}

func startList(t testing.TB, dir string, point int, text io.Reader) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", childList, dir, heartbeat.now, point))
	cmd.Stdin, cmd.Stderr = text, &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// TestRegisterListKilled kills a registration again and again, at its writes and anywhere, and has the same command run again:
// in the end every document of the list is in the ledger, and once.
func TestRegisterListKilled(t *testing.T) {
	t.Parallel()
	const n = 4*enqueueEvery + 100
	text := listOf(t, 1, n).Bytes()
	for name, attempts := range map[string]func(t *testing.T, dir string){
		"writes": func(t *testing.T, dir string) {
			kills := 0
			for kills < 20 && waitFor(t, startList(t, dir, kills%4+1, bytes.NewReader(text))) {
				kills++
			}
			if kills < 4 || kills == 20 {
				t.Errorf("killed %d times, want at least 4, and an end", kills)
			}
		},
		"anywhere": func(t *testing.T, dir string) {
			for range 4 {
				killList(t, dir, text)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			copyOf(t, heartbeat, dir)
			attempts(t, dir)
			onceInTheLedger(t, dir, text, n)
		})
	}
}

// killList kills a child once it has queued some batches more, or while it is on its way to that.
func killList(t *testing.T, dir string, text []byte) {
	t.Helper()
	batches := func() int {
		n, err := openAt(t, dir, heartbeat.now).Pending()
		if err != nil {
			t.Error(err)
		}
		return n / enqueueEvery
	}
	enough := batches() + rand.IntN(3)
	cmd := startList(t, dir, 0, bytes.NewReader(text))
	ended := make(chan bool, 1)
	go func() { ended <- cmd.Wait() == nil }()
	for batches() < enough {
		select {
		case <-ended:
			return // it was faster
		default:
		}
	}
	cmd.Process.Kill()
	<-ended
}

// onceInTheLedger finishes a list and publishes.
func onceInTheLedger(t *testing.T, dir string, text []byte, n int) {
	t.Helper()
	if waitFor(t, startList(t, dir, 0, bytes.NewReader(text))) {
		t.Fatal("a child was killed")
	}
	r := openAt(t, dir, heartbeat.now)
	if p := publish(t, r); p.Added != n {
		t.Errorf("added %d, want %d", p.Added, n)
	}
	again := 0
	in, err := list.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	err = r.RegisterList(context.Background(), listRequest, Lines(in), func(f Registered) {
		if f.Err == nil && f.State == RegisteredAlready {
			again++
		}
	})
	if err != nil || again != n {
		t.Errorf("%d of %d registered already (%v)", again, n, err)
	}
	times := map[proofs.Hash]int{}
	err = r.log().Entries(0, mustAudit(t, r, heartbeat.now).Size, func(_ uint64, entries [][]byte) error {
		for _, e := range entries {
			if _, env, err := proofs.ParseEntry(e); err == nil && env.Action == proofs.ActionRegister {
				times[proofs.KeyOf(env.Selector)]++
			}
		}
		return nil
	})
	for i := range n {
		if key := (proofs.Ref{Digests: imaginary(1, i)}).Key(); times[key] != 1 {
			t.Errorf("document %d is in the ledger %d times", i, times[key])
		}
	}
	if twice := slices.Max(slices.Collect(maps.Values(times))); err != nil || twice != 1 {
		t.Errorf("a document is in the ledger %d times (%v)", twice, err)
	}
}
