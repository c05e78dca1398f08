package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	lists "stele/build/list"
	"stele/build/registry"
	"stele/proofs"
)

// digestResult is the JSON answer of digest.
type digestResult struct {
	List    string       `json:"list"`
	Written int          `json:"written"`
	There   int          `json:"there"` // before, with --continue
	Failed  int          `json:"failed"`
	LeftOut int          `json:"left_out"` // of folders: links, special files, receipts, registries
	Errors  []digestFail `json:"errors"`
}

// digestFail is a file, or a line of a list to join, that could not be used.
type digestFail struct {
	File  string `json:"file"`
	Line  int    `json:"line,omitempty"`
	Error string `json:"error"`
}

// A digester makes a list.
type digester struct {
	*cli
	path  string          // of the list; empty for stdout
	goOn  bool            // with a list that is there
	line  lists.Line      // what each line says besides
	file  *os.File        // the list
	w     *lists.Writer   // to it
	there map[string]bool // files that are in it already
	out   digestResult
}

func runDigest(c *cli) error {
	d := &digester{cli: c, there: map[string]bool{}, out: digestResult{Errors: []digestFail{}}}
	joining := false
	args, err := c.parse(func(f *flag.FlagSet) {
		f.StringVar(&d.path, "o", "", "write the list to `LIST` (default: stdout)")
		f.BoolVar(&d.goOn, "continue", false, "go on with a LIST that is there: files that it names are not read again, even if they have changed since")
		f.BoolVar(&joining, "join", false, "join two lists, of SHA-256 and of SHA3-512 digests, as sha256sum and openssl dgst make them")
		f.StringVar(&d.line.Kind, "kind", "", "note on each line what the documents are, one word such as diploma")
		f.StringVar(&d.line.Issued, "issued", "", "note their date of issue, YYYY-MM-DD")
		f.StringVar(&d.line.Expires, "expires", "", "note their last day of validity, YYYY-MM-DD")
	})
	if err != nil {
		return err
	}
	d.out.List = d.path
	if err := d.check(args, joining); err != nil {
		return err
	}
	if err := d.open(); err != nil {
		return err
	}
	if joining {
		err = d.join(args[0], args[1])
	} else {
		err = d.digest(args)
	}
	c.bar.clear()
	if d.file != nil {
		err = errors.Join(err, d.file.Sync(), d.file.Close())
	}
	if errors.Is(err, context.Canceled) && d.path != "" {
		return &registry.Error{Err: errors.New("interrupted"), Hint: "the same command with --continue goes on from what is done"}
	}
	if err != nil {
		return err
	}
	return d.tell()
}

// check refuses what makes no list.
func (d *digester) check(args []string, joining bool) error {
	switch {
	case len(args) == 0:
		return usage("stele digest FILE… -o LIST", "no files to make a list of")
	case joining && len(args) != 2:
		return usage("stele digest --join SHA256SUMS SHA3SUMS -o LIST", "--join wants two lists, got %d", len(args))
	case joining && d.goOn:
		return usage("stele digest --join "+join(args), "--join has nothing to --continue")
	case d.goOn && d.path == "":
		return usage("stele digest FILE… -o LIST --continue", "--continue wants the list to go on with")
	case d.json && d.path == "":
		return usage("stele digest FILE… -o LIST --json", "--json wants -o: the list itself would go where the JSON goes")
	}
	req := registry.Request{Kind: d.line.Kind, Issued: d.line.Issued, Expires: d.line.Expires}
	if req.Kind == "" {
		req.Kind = "document"
	}
	if req.Issued == "" {
		req.Issued = "0001-01-01"
	}
	if err := checkKind(req.Kind); err != nil {
		return err
	}
	return checkRequest(req)
}

// checkKind refuses on the command line what the registry would.
func checkKind(kind string) error {
	var e *registry.Error
	if errors.As(registry.CheckKind(kind), &e) {
		return usage(e.Hint, "%w", e)
	}
	return nil
}

// open begins the list, or finds where it ends.
func (d *digester) open() error {
	var further []string
	for column, value := range map[string]string{lists.Kind: d.line.Kind, lists.Issued: d.line.Issued, lists.Expires: d.line.Expires} {
		if value != "" {
			further = append(further, column)
		}
	}
	if d.path == "" {
		d.w = lists.NewWriter(d.stdout, further...)
		return d.w.Header()
	}
	flags := os.O_RDWR | os.O_CREATE
	if !d.goOn {
		flags |= os.O_EXCL
	}
	var err error
	if d.file, err = os.OpenFile(d.path, flags, 0o644); errors.Is(err, os.ErrExist) {
		return usage("add --continue to go on with it, or name another with -o", "%s is there already", shown(d.path))
	}
	if err != nil {
		return err
	}
	d.w = lists.NewWriter(d.file, further...)
	if err := d.goOnWith(); err != nil {
		d.file.Close()
		return fmt.Errorf("%s: %w", shown(d.path), err)
	}
	return nil
}

// goOnWith reads what a list that is there names. A line that was being written when the machine stopped is made again.
func (d *digester) goOnWith() error {
	size, err := wholeLines(d.file)
	if err != nil {
		return err
	}
	if err := d.file.Truncate(size); err != nil {
		return err
	}
	if _, err := d.file.Seek(0, io.SeekStart); err != nil || size == 0 {
		return errors.Join(err, d.w.Header())
	}
	in, err := lists.NewReader(d.file)
	if err != nil {
		return err
	}
	if !slices.Equal(in.Columns(), d.w.Columns()) {
		return usage("say the same of --kind, --issued and --expires as before, or name another list with -o",
			"its columns are %s, want %s", strings.Join(in.Columns(), ","), strings.Join(d.w.Columns(), ","))
	}
	for {
		l, err := in.Next()
		switch {
		case err == io.EOF:
			d.out.There = len(d.there)
			return nil
		case err != nil:
			return err
		case l.Err != nil:
			return usage("take that line out, or name another list with -o", "line %d: %w", l.Number, l.Err)
		}
		d.there[l.File] = true
	}
}

// wholeLines is the length of a file up to its last line end.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	buf := make([]byte, min(info.Size(), 2*lists.MaxLine))
	if _, err := f.ReadAt(buf, info.Size()-int64(len(buf))); err != nil && err != io.EOF {
		return 0, err
	}
	if i := bytes.LastIndexByte(buf, '\n'); i >= 0 || int64(len(buf)) == info.Size() {
		return info.Size() - int64(len(buf)) + int64(i) + 1, nil
	}
	return 0, usage("name another list with -o", "it is no list: its last line has over %d bytes", len(buf))
}

// write adds a document's line. The list is what an interrupted run is gone on with: a line is there once it is known.
func (d *digester) write(name string, digests proofs.Digests) (err error) {
	l := d.line
	l.File, l.Digests = name, digests
	d.out.Written++
	if d.file != nil {
		return d.w.Write(l)
	}
	d.bar.aside(func() { err = d.w.Write(l) })
	return err
}

// digest computes the digests of files and folders.
func (d *digester) digest(args []string) error {
	found := d.documents(args, func(f registry.Registered) { d.failed(f.File, f.Err) })
	d.out.LeftOut = found.LeftOut()
	itself := d.itself()
	var total int64
	files := slices.DeleteFunc(found.Files, func(f string) bool {
		info, err := os.Stat(f)
		if err == nil && itself != nil && os.SameFile(info, itself) || d.there[shown(f)] {
			return true
		}
		if err == nil {
			total += info.Size()
		}
		return false
	})
	var done, known atomic.Int64 // bytes, files
	began := time.Now()
	progress := lazily(func() string {
		pace := pace(done.Load(), total, time.Since(began), func(n int64) string { return size(n) + "/s" })
		return fmt.Sprintf("%d of %s, %s of %s%s", known.Load(), plural(len(files), "file", "files"), size(done.Load()), size(total), pace)
	})
	read := func(n int) {
		done.Add(int64(n))
		d.bar.show("%s", progress)
	}
	return registry.HashFiles(d.ctx, files, read, func(h registry.Hashed) error {
		known.Add(1)
		if h.Err == nil && h.Digests == proofs.DigestsOf(nil) {
			h.Err = errors.New("it is empty: an empty file is everybody's, and proves nothing")
		}
		if h.Err != nil {
			d.failed(h.File, h.Err)
			return nil
		}
		return d.write(shown(h.File), h.Digests)
	})
}

// itself is the list, wherever it is written: it may lie in a folder that it is to be a list of.
func (d *digester) itself() os.FileInfo {
	f := d.file
	if f == nil {
		f, _ = d.stdout.(*os.File)
	}
	if f == nil {
		return nil
	}
	info, _ := f.Stat()
	return info
}

func (d *digester) failed(file string, err error) {
	d.out.Failed++
	d.out.Errors = append(d.out.Errors, digestFail{File: file, Error: about(file, err)})
	d.tellFile(registry.Registered{File: file, Err: err})
}

// join joins two lists.
func (d *digester) join(paths ...string) error {
	var both [2]io.ReadSeeker
	for i, path := range paths {
		if err := notAFile(path); err != nil {
			return fmt.Errorf("%s: %w", shown(path), err)
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		both[i] = f
	}
	told := func(which, line int, err error) {
		d.out.Failed++
		if d.out.Failed <= mostTold {
			d.note("%s line %d: %v", shown(paths[which]), line, err)
			d.out.Errors = append(d.out.Errors, digestFail{File: paths[which], Line: line, Error: visible(err.Error())})
		}
	}
	joined := func(name string, digests proofs.Digests) error {
		d.bar.show("joining, %s", plural(d.out.Written, "file", "files"))
		return errors.Join(d.ctx.Err(), d.write(shown(name), digests))
	}
	err := lists.Join(both, joined, told)
	if n := d.out.Failed - mostTold; n > 0 {
		d.note("and %d more", n)
	}
	if d.out.Written == 0 && d.out.Failed > 0 {
		d.note("hint: the list of SHA-256 digests comes first, and both name the files alike: stele digest --join %s", join([]string{paths[1], paths[0]}))
	}
	return err
}

// tell tells the sum: beside the list, if that goes to stdout.
func (d *digester) tell() error {
	text := fmt.Sprintf("%s in the list, %d failed", plural(d.out.Written+d.out.There, "file", "files"), d.out.Failed)
	if d.out.There > 0 {
		text += fmt.Sprintf("; %d were in it before, and were not read again", d.out.There)
	}
	switch {
	case d.json:
		if err := d.printJSON(d.out); err != nil {
			return err
		}
	case d.path == "":
		d.note("%s", text)
	case d.out.Written+d.out.There == 0:
		fmt.Fprintln(d.stdout, text)
	default:
		fmt.Fprintf(d.stdout, "%s\nto register them: stele register --from %s\n", text, shell(d.path))
	}
	if d.out.Failed > 0 {
		return exit(1)
	}
	return nil
}
