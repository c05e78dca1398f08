package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"stele/build/durable"
	lists "stele/build/list"
	"stele/build/registry"
)

const (
	mostTold = 20     // refused lines that are told one by one on stderr
	mostJSON = 10_000 // and in JSON, which is one object in memory
)

// refusedLine is a line of a list that was refused.
type refusedLine struct {
	Line   int    `json:"line"`
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Reason string `json:"reason"`
}

// registerListResult is the JSON answer of register --from.
type registerListResult struct {
	Registered int           `json:"registered"`
	Already    int           `json:"already"`
	Refused    int           `json:"refused"`
	Issuer     string        `json:"issuer"`
	Lines      []refusedLine `json:"lines"`
	More       int           `json:"more"` // refused lines that are not among them: --report lists all
}

// A listRun registers a list.
type listRun struct {
	*cli
	name   string // of the list, as it is told
	out    registerListResult
	report *report
	hinted map[string]bool // hints that were told already
}

// registerList registers what a list names. mixed says that no kind was given: a list with a column for it has to tell each.
func (c *cli) registerList(r *registry.Registry, req registry.Request, mixed bool, from, reportPath string) error {
	l := &listRun{cli: c, name: shown(from), out: registerListResult{Issuer: req.Issuer, Lines: []refusedLine{}}, hinted: map[string]bool{}}
	in, size, err := l.open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if reportPath != "" {
		if l.report, err = newReport(reportPath, in); err != nil {
			return err
		}
		defer l.report.Discard()
	}
	disputes, err := disputesOf(in)
	if err != nil {
		return l.unusable(from, err)
	}
	read := &readCounter{r: in}
	lines, err := lists.NewReader(read)
	if err != nil {
		return l.unusable(from, err)
	}
	if mixed && lines.Has(lists.Kind) {
		req.Kind = ""
	}
	began, told := time.Now(), 0
	progress := lazily(func() string {
		took := time.Since(began)
		each := func(int64) string { return fmt.Sprintf("%.0f a second", float64(told)/took.Seconds()) }
		return fmt.Sprintf("registering %s: %s%s", l.name, plural(told, "line", "lines"), pace(read.n.Load(), size, took, each))
	})
	var errReport error
	err = r.RegisterList(c.ctx, req, undisputed(registry.Lines(lines), disputes), func(f registry.Registered) {
		told++
		errReport = errors.Join(errReport, l.add(f))
		c.bar.show("%s", progress)
	})
	c.bar.clear()
	if err = errors.Join(err, errReport); err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	return l.tell(reportPath)
}

// disputesOf reads a list through before anything is registered: of two lines that contradict each other the wrong one could come first, and
// what is registered with a wrong SHA3-512 cannot be registered rightly again. What comes through a pipe is judged line by line.
func disputesOf(in io.Reader) (map[[16]byte]lists.Dispute, error) {
	f, ok := in.(*os.File)
	if info, err := f.Stat(); !ok || err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	lines, err := lists.NewReader(f)
	if err != nil {
		return nil, err
	}
	disputes, err := lines.Disputes()
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	return disputes, err
}

// undisputed refuses lines that contradict others.
func undisputed(docs iter.Seq2[registry.Document, error], disputes map[[16]byte]lists.Dispute) iter.Seq2[registry.Document, error] {
	return func(yield func(registry.Document, error) bool) {
		for d, err := range docs {
			if at, ok := disputes[[16]byte(d.Digests.SHA256[:16])]; ok && d.Err == nil {
				d.Err = fmt.Errorf("lines %d and %d give the same SHA-256 with different SHA3-512 digests: one of them is wrong, and neither is registered", at.First, at.Second)
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

// open opens the list. The size is for the progress only.
func (l *listRun) open(from string) (io.ReadCloser, int64, error) {
	if from == "-" {
		l.name = "stdin"
		return io.NopCloser(l.stdin), 0, nil
	}
	f, err := os.Open(from)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = usage("stele register "+shell(from)+" registers the files in it", "%s is a folder, not a list", l.name)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// unusable names the list in the hint, so that it can be pasted.
func (l *listRun) unusable(from string, err error) error {
	var e *lists.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	hint := e.Hint
	if from != "-" {
		hint = strings.ReplaceAll(hint, "LIST", shell(from))
	}
	return &registry.Error{Err: fmt.Errorf("%s: %w", l.name, e.Err), Hint: hint}
}

// add counts a line's outcome, and tells of it if it was refused.
func (l *listRun) add(f registry.Registered) error {
	state := f.State
	switch {
	case f.Err != nil:
		state = "refused"
		l.out.Refused++
		l.refused(f)
	case f.State == registry.RegisteredAlready:
		l.out.Already++
	default:
		l.out.Registered++
	}
	if l.report == nil {
		return nil
	}
	return l.report.add(f, state)
}

func (l *listRun) refused(f registry.Registered) {
	if len(l.out.Lines) < mostJSON {
		l.out.Lines = append(l.out.Lines, refusedLine{f.Line, f.File, sha256Of(f), visible(f.Err.Error())})
	} else {
		l.out.More++
	}
	if l.report != nil || l.out.Refused > mostTold {
		return
	}
	name := ""
	if f.File != "" {
		name = " (" + shown(f.File) + ")"
	}
	l.note("%s line %d%s: %v", l.name, f.Line, name, f.Err)
	var e *registry.Error
	if errors.As(f.Err, &e) && !l.hinted[e.Hint] {
		l.hinted[e.Hint] = true
		l.note("hint: %s", l.inRegistry(e.Hint))
	}
}

// digestOf is a line's digest, empty if it has none that can be read.
func sha256Of(f registry.Registered) string {
	if f.Digests.SHA256 == [32]byte{} {
		return ""
	}
	return f.Digests.SHA256.String()
}

func (l *listRun) tell(reportPath string) error {
	if l.report != nil {
		if err := l.report.commit(); err != nil {
			return err
		}
	} else if n := l.out.Refused - mostTold; n > 0 {
		l.note("and %d more: --report FILE lists them all", n)
	}
	if l.json {
		if err := l.printJSON(l.out); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(l.stdout, "%d registered, %d already registered, %d refused\n", l.out.Registered, l.out.Already, l.out.Refused)
		if l.report != nil {
			fmt.Fprintf(l.stdout, "what became of each line: %s\n", shown(reportPath))
		}
		if l.out.Registered > 0 {
			fmt.Fprintf(l.stdout, "they are in force once published: %s\n", l.inRegistry("stele publish"))
		}
	}
	if l.out.Refused > 0 {
		return exit(1)
	}
	return nil
}

// A readCounter counts the bytes that are read.
type readCounter struct {
	r io.Reader
	n atomic.Int64
}

func (c *readCounter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// A report is a CSV file of what became of each line. It is there whole in the end, or not at all.
type report struct {
	*durable.NewFile
	csv *csv.Writer
}

// newReport begins a report. It must not take the place of the list, nor of a device.
func newReport(path string, of io.Reader) (*report, error) {
	if info, err := os.Stat(path); err == nil {
		if err := notAFile(path); err != nil {
			return nil, usage("name a file for the report", "--report %s: %w", shown(path), err)
		}
		if f, ok := of.(*os.File); ok {
			if in, err := f.Stat(); err == nil && os.SameFile(info, in) {
				return nil, usage("name another file for the report", "--report %s is the list itself", shown(path))
			}
		}
	}
	f, err := durable.Create(path)
	if err != nil {
		return nil, err
	}
	r := &report{f, csv.NewWriter(f)}
	return r, r.csv.Write([]string{"line", "file", "sha256", "state", "reason"})
}

func (r *report) add(f registry.Registered, state string) error {
	reason := ""
	if f.Err != nil {
		reason = visible(f.Err.Error())
	}
	return r.csv.Write([]string{strconv.Itoa(f.Line), f.File, sha256Of(f), state, reason})
}

func (r *report) commit() error {
	if r.csv.Flush(); r.csv.Error() != nil {
		return r.csv.Error()
	}
	return r.Commit(0o644)
}
