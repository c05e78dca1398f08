package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"stele/build/registry"
	"stele/proofs"
)

// fileResult is one file's line in the JSON answer of register.
type fileResult struct {
	File   string `json:"file"`
	State  string `json:"state"` // registered, already, failed
	SHA256 string `json:"sha256,omitempty"`
	Error  string `json:"error,omitempty"`
}

// registerResult is the JSON answer of register.
type registerResult struct {
	Registered int          `json:"registered"`
	Already    int          `json:"already"`
	Failed     int          `json:"failed"`
	LeftOut    int          `json:"left_out"` // of folders: links, special files, receipts, registries
	Issuer     string       `json:"issuer"`
	Kind       string       `json:"kind"`
	Files      []fileResult `json:"files"`
}

func runRegister(c *cli) error {
	var req registry.Request
	var from, report string
	args, err := c.parse(func(f *flag.FlagSet) {
		f.StringVar(&from, "from", "", "register what a `LIST` made by stele digest names, without the files; - is stdin")
		f.StringVar(&report, "report", "", "with --from: write what became of each line to `FILE`, as CSV")
		f.StringVar(&req.Issuer, "issuer", "", "the authority that issues them (default: the only one here)")
		f.StringVar(&req.Kind, "kind", "", "what they are, one word such as diploma (default: document)")
		f.StringVar(&req.Issued, "issued", time.Now().Format(time.DateOnly), "date of issue, YYYY-MM-DD")
		f.StringVar(&req.Expires, "expires", "", "last day of validity, YYYY-MM-DD")
	})
	if err != nil {
		return err
	}
	switch {
	case from != "" && len(args) > 0:
		return usage("stele register --from "+shell(from), "either files or --from a list, got both")
	case from == "" && report != "":
		return usage("stele register FILE… --json lists them all", "--report goes with --from")
	case from == "" && len(args) == 0:
		return usage("stele register FILE…, or --from LIST", "no files to register")
	}
	mixed := req.Kind == ""
	if mixed {
		req.Kind = "document"
	}
	if err := checkRequest(req); err != nil {
		return err
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	if req.Issuer == "" {
		if req.Issuer, err = onlyIssuer(r); err != nil {
			return err
		}
	}
	if from != "" {
		return c.registerList(r, req, mixed, from, report)
	}
	return c.register(r, req, args)
}

// checkRequest refuses what no statement can say.
func checkRequest(req registry.Request) error {
	const day = "write a day as YYYY-MM-DD, such as 2026-11-22"
	switch {
	case !proofs.IsWord(req.Kind):
		return usage("use a word such as diploma or land-extract", "--kind %q: want one word of lower-case letters, digits and hyphens", req.Kind)
	case !proofs.IsDate(req.Issued):
		return usage(day, "--issued %q: want a day of the calendar", req.Issued)
	case req.Issued > time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly):
		return usage("look at the date, and at this machine's clock", "--issued %s: that day is yet to come", req.Issued)
	case req.Expires != "" && !proofs.IsDate(req.Expires):
		return usage(day, "--expires %q: want a day of the calendar", req.Expires)
	case req.Expires != "" && req.Expires < req.Issued:
		return usage("look whether the two are the wrong way round", "--expires %s lies before --issued %s", req.Expires, req.Issued)
	case req.Issuer != "" && !proofs.IsName(req.Issuer):
		return usage("use the authority's name as it was accredited, such as education.gov.example", "--issuer %q: want lower-case letters, digits and . - _ / inside", req.Issuer)
	}
	return nil
}

// onlyIssuer is the issuer whose key is here, if there is just one.
func onlyIssuer(r *registry.Registry) (string, error) {
	names, err := r.IssuersHere()
	if err != nil {
		return "", err
	}
	if len(names) == 1 {
		return names[0], nil
	}
	if len(names) == 0 {
		return "", usage("stele accredit AUTHORITY", "this registry has no issuer's key")
	}
	return "", usage("stele register FILE… --issuer "+names[0], "this registry has the keys of %d issuers, say which: %s", len(names), strings.Join(names, ", "))
}

func (c *cli) register(r *registry.Registry, req registry.Request, args []string) error {
	out := registerResult{Issuer: req.Issuer, Kind: req.Kind, Files: []fileResult{}}
	told := func(f registry.Registered) {
		out.add(f)
		c.tellFile(f)
	}
	found := c.documents(args, told)
	out.LeftOut = found.LeftOut()
	var read atomic.Int64
	r.Read = func(n int) {
		c.bar.show("registering %s, %s read", plural(len(found.Files), "file", "files"), size(read.Add(int64(n))))
	}
	err := r.Register(c.ctx, req, found.Files, told)
	c.bar.clear()
	if err != nil {
		return err
	}
	return c.tellRegister(out)
}

// tellFile tells of a file at once what the sum at the end does not.
func (c *cli) tellFile(f registry.Registered) {
	var e *registry.Error
	switch {
	case f.Err != nil:
		c.note("%s: %s", shown(f.File), about(f.File, f.Err))
		if errors.As(f.Err, &e) {
			c.note("hint: %s", c.inRegistry(e.Hint))
		}
	case f.State == registry.RegisteredAlready && !c.json:
		c.tellAlready(f.File)
	}
}

// mostAlready is how many files are told one by one as registered already.
const mostAlready = 20

func (c *cli) tellAlready(file string) {
	c.already++
	switch {
	case c.already <= mostAlready:
		c.bar.aside(func() { fmt.Fprintf(c.stdout, "%s: registered already, nothing added\n", shown(file)) })
	case c.already == mostAlready+1:
		c.bar.aside(func() { fmt.Fprintln(c.stdout, "and more; --json lists them all") })
	}
}

// documents finds the files to register. What is neither file nor folder is told as failed.
func (c *cli) documents(args []string, told func(registry.Registered)) *registry.Found {
	found := &registry.Found{}
	for _, arg := range args {
		bad := false
		failed := func(path string, err error) {
			bad = true
			told(registry.Registered{File: path, Err: err})
		}
		info, err := os.Stat(arg)
		if err == nil && !info.IsDir() {
			if err := notAFile(arg); err != nil {
				failed(arg, err)
				continue
			}
		}
		before := len(found.Files)
		found.Add(c.ctx, arg, failed)
		if len(found.Files) == before && !bad {
			c.note("note: no documents in %s; hidden files are left out", shown(arg))
		}
	}
	c.noteLeftOut(found)
	return found
}

// noteLeftOut tells what lies in folders and is not registered.
func (c *cli) noteLeftOut(found *registry.Found) {
	if found.Special > 0 {
		c.note("note: %d left out: links and special files", found.Special)
	}
	if found.Receipts > 0 {
		c.note("note: %d left out: receipts", found.Receipts)
	}
	if found.Empty > 0 {
		c.note("note: %d left out: empty files, which anybody has; if one is meant, name it", found.Empty)
	}
	for _, dir := range found.Registries {
		what := "the folder of a registry"
		if registry.IsDeployment(dir) {
			what = "a deployment"
		}
		c.note("note: %s left out: %s", shown(dir), what)
	}
}

func (o *registerResult) add(f registry.Registered) {
	res := fileResult{File: f.File, State: f.State}
	if f.Err != nil {
		res.State, res.Error = "failed", about(f.File, f.Err)
		o.Failed++
	} else {
		res.SHA256 = f.Digests.SHA256.String()
		if f.State == registry.RegisteredAlready {
			o.Already++
		} else {
			o.Registered++
		}
	}
	o.Files = append(o.Files, res)
}

func (c *cli) tellRegister(out registerResult) error {
	if c.json {
		if err := c.printJSON(out); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(c.stdout, "%d registered, %d already registered, %d failed\n", out.Registered, out.Already, out.Failed)
		if out.Registered > 0 {
			fmt.Fprintf(c.stdout, "they are in force once published: %s\n", c.inRegistry("stele publish"))
		}
	}
	if out.Failed > 0 {
		return exit(1)
	}
	return nil
}
