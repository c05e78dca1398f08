package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stele/build/audit"
	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
)

// Fewer in tests.
var (
	fresh = 10_000 // documents that each size has published on top of it
	asked = 2000   // lookups
)

// A row is what was measured at one size. Publishing, the heartbeat and the audit are run in a process each, so that the memory is theirs.
type row struct {
	Documents int

	Publish   cost // of fresh documents
	Heartbeat cost
	Audit     cost
	Entries   uint64 // that the audit went through

	Lookup lookups
	Files  files
}

// A cost is what a run of a process took.
type cost struct {
	Seconds float64
	CPU     float64 // seconds of all processors
	Memory  int64   // bytes
	Written int64   // bytes
}

// lookups are what finding documents by themselves alone took, hits and misses.
type lookups struct {
	Requests, Rounds int     // at most
	Mean             float64 // bytes
	P50, P99         int
}

// files are what is published.
type files struct {
	Count         int
	Ledger, Index int64 // bytes
	All           int64
}

// measure measures a registry of so many documents; afterwards it has fresh more.
func measure(dir string, documents int) (*row, error) {
	r := &row{Documents: documents}
	if err := enqueue(dir, documents, documents+fresh); err != nil {
		return nil, err
	}
	var err error
	for _, step := range []struct {
		task string
		into *cost
	}{{"publish", &r.Publish}, {"publish", &r.Heartbeat}, {"audit", &r.Audit}} {
		var out result
		if out, err = child(step.task, dir); err != nil {
			return nil, fmt.Errorf("%s at %d documents: %w", step.task, documents, err)
		}
		*step.into = out.cost
		r.Entries = out.Entries
	}
	if r.Lookup, err = lookUp(dir, documents+fresh); err != nil {
		return nil, err
	}
	r.Files, err = countFiles(dir)
	return r, err
}

// A result is what a child process prints.
type result struct {
	cost
	Entries uint64
}

// child runs a task in a process of its own.
func child(task, dir string) (result, error) {
	var out result
	self, err := os.Executable()
	if err != nil {
		return out, err
	}
	cmd := exec.Command(self, dir)
	cmd.Env = append(os.Environ(), taskVariable+"="+task)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	return out, err
}

// taskVariable makes this command a child.
const taskVariable = "STELE_SCALE_TASK"

// runTask is the child.
func runTask(task, dir string) error {
	began := time.Now()
	var out result
	var err error
	switch task {
	case "publish":
		_, err = publish(dir)
	case "audit":
		var a *audit.Result
		if a, err = auditAll(dir); err == nil {
			out.Entries = a.Size
		}
	default:
		err = fmt.Errorf("%s=%q: want publish or audit", taskVariable, task)
	}
	if err != nil {
		return err
	}
	out.cost = cost{time.Since(began).Seconds(), cpuTime(), peakMemory(), bytesWritten()}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// at opens a registry's portal, and tells the time of its newest publication.
func at(dir string) (*registry.Registry, portal.Portal, int64, error) {
	r, err := open(dir)
	if err != nil {
		return nil, nil, 0, err
	}
	p, err := portal.Open(r.Public())
	return r, p, r.Now().Unix() - between, err
}

func auditAll(dir string) (*audit.Result, error) {
	r, p, now, err := at(dir)
	if err != nil {
		return nil, err
	}
	return audit.Portal(context.Background(), r.Trust, p, now, func(string, uint64, uint64) {})
}

// A counting portal counts what is read from another.
type counting struct {
	portal.Portal
	requests, bytes int
}

func (c *counting) Read(ctx context.Context, path string) ([]byte, error) {
	b, err := c.Portal.Read(ctx, path)
	c.requests++
	c.bytes += len(b)
	return b, err
}

// lookUp looks up 1,000 random documents that are registered, and 1,000 that are not.
func lookUp(dir string, documents int) (lookups, error) {
	var out lookups
	r, p, now, err := at(dir)
	if err != nil {
		return out, err
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	var bytes []int
	for n := range asked {
		i := rnd.IntN(documents)
		if n%2 == 1 {
			i = documents + n
		}
		c := &counting{Portal: p}
		rounds, verdict, err := ask(c, proofs.Question{Trust: r.Trust, Now: now, SHA256: digestsOf(i).SHA256, Online: true})
		if err != nil {
			return out, err
		}
		if (verdict == proofs.NotRegistered) != (n%2 == 1) || verdict == proofs.Unavailable {
			return out, fmt.Errorf("document %d of %d: %s", i, documents, verdict)
		}
		out.Requests, out.Rounds = max(out.Requests, c.requests), max(out.Rounds, rounds)
		out.Mean += float64(c.bytes) / float64(asked)
		bytes = append(bytes, c.bytes)
	}
	slices.Sort(bytes)
	out.P50, out.P99 = bytes[len(bytes)/2], bytes[len(bytes)*99/100]
	return out, nil
}

// ask is portal.Ask, which does not tell how many times it had to ask for files.
func ask(p portal.Portal, q proofs.Question) (rounds int, verdict proofs.Verdict, err error) {
	q.Files = map[string][]byte{}
	for {
		a := proofs.Check(q)
		if a.Report != nil {
			return rounds, a.Report.Verdict, nil
		}
		if len(a.Need) == 0 {
			return rounds, "", fmt.Errorf("nothing is asked for, and nothing decided")
		}
		rounds++
		for _, path := range a.Need {
			if q.Files[path], err = p.Read(context.Background(), path); err != nil {
				return rounds, "", err
			}
		}
	}
}

// countFiles counts what is published, without the index files that wait for being collected.
func countFiles(dir string) (files, error) {
	var out files
	gone, err := superseded(dir)
	if err != nil {
		return out, err
	}
	public := filepath.Join(dir, "public")
	err = filepath.WalkDir(public, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || gone[d.Name()] {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		out.Count++
		out.All += info.Size()
		switch rel, _ := filepath.Rel(public, path); {
		case strings.HasPrefix(rel, "ledger"):
			out.Ledger += info.Size()
		case strings.HasPrefix(rel, "index"+string(filepath.Separator)):
			out.Index += info.Size()
		}
		return nil
	})
	return out, err
}

// superseded are the names of the index files that wait for being collected.
func superseded(dir string) (map[string]bool, error) {
	out := map[string]bool{}
	lists, err := filepath.Glob(filepath.Join(dir, "state", "superseded", "*"))
	for _, list := range lists {
		b, errList := os.ReadFile(list)
		if errList != nil {
			return nil, errList
		}
		for _, name := range strings.Fields(string(b)) {
			out[filepath.Base(name)] = strings.HasPrefix(name, "index/")
		}
	}
	return out, err
}
