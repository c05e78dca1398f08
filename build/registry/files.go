package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha3"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"stele/proofs"
)

// Found is what a search for documents has come upon.
type Found struct {
	Files      []string // in a stable order, named as they were asked for
	Special    int      // links, pipes, devices and sockets in folders: left out
	Receipts   int      // in folders: left out
	Empty      int      // empty files in folders: left out, since their digest is everybody's
	Registries []string // folders in folders, and deployments of them: left out
}

// Add adds a file as it is, a folder with all in it except hidden files and what Found counts. What cannot be
// registered is told and the rest go on.
func (f *Found) Add(ctx context.Context, arg string, failed func(path string, err error)) {
	info, err := os.Stat(arg)
	switch {
	case err != nil:
		failed(arg, err)
	case info.IsDir() && IsRegistry(arg):
		failed(arg, hint("name the documents in it, or a folder that holds nothing else", "it is the folder of a registry"))
	case info.IsDir() && IsDeployment(arg):
		failed(arg, hint("name the documents, or a folder that holds nothing else", "it is a deployment, which stele deploy has made"))
	case info.IsDir():
		f.addFolder(ctx, arg, failed)
	case IsReceipt(arg):
		failed(arg, hint("name the document that it is for", "it is a receipt, not a document"))
	default:
		f.Files = append(f.Files, arg)
	}
}

// addFolder walks the folder that arg leads to: WalkDir follows no link, not even its root.
func (f *Found) addFolder(ctx context.Context, arg string, failed func(path string, err error)) {
	root, err := filepath.EvalSymlinks(arg)
	if err != nil {
		failed(arg, err)
		return
	}
	filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		name := arg
		if path != root {
			name = inside(arg, strings.TrimPrefix(strings.TrimPrefix(path, root), string(filepath.Separator)))
		}
		switch hidden := path != root && d.Name()[0] == '.'; {
		case ctx.Err() != nil:
			return filepath.SkipAll
		case err != nil:
			failed(name, renamed(err, name))
		case hidden && d.IsDir():
			return filepath.SkipDir
		case !hidden:
			return f.addEntry(path, name, d)
		}
		return nil
	})
}

// addEntry adds what lies in a folder.
func (f *Found) addEntry(path, name string, d os.DirEntry) error {
	switch {
	case d.IsDir() && (IsRegistry(path) || IsDeployment(path)):
		f.Registries = append(f.Registries, name)
		return filepath.SkipDir
	case d.IsDir():
	case !d.Type().IsRegular():
		f.Special++
	case IsReceipt(path):
		f.Receipts++
	default:
		if info, err := d.Info(); err == nil && info.Size() == 0 {
			f.Empty++
			return nil
		}
		f.Files = append(f.Files, name)
	}
	return nil
}

// LeftOut counts what is left out.
func (f *Found) LeftOut() int { return f.Special + f.Receipts + f.Empty + len(f.Registries) }

// inside names a file in a folder. A name with .. in it must not be shortened: where link leads is not where it lies.
func inside(dir, rel string) string {
	if strings.Contains(dir, "..") {
		return dir + string(filepath.Separator) + rel
	}
	return filepath.Join(dir, rel)
}

// renamed is a file's error under the name that the file was asked for by.
func renamed(err error, name string) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return &fs.PathError{Op: p.Op, Path: name, Err: p.Err}
	}
	return err
}

// receiptPrefix begins receipts of any version: c2sp.org/tlog-proof.
const receiptPrefix = "c2sp.org/tlog-proof@"

// IsReceipt tells a receipt by how it begins. What cannot be read is none.
func IsReceipt(path string) bool {
	f, err := openFile(path)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, len(receiptPrefix))
	_, err = io.ReadFull(f, b)
	return err == nil && bytes.Equal(b, []byte(receiptPrefix))
}

// openFile opens a file without waiting: without O_NONBLOCK, a pipe would wait for ever for somebody to write into it.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
}

// buffers are scratch space for HashFile.
var buffers = sync.Pool{New: func() any { return new([1 << 20]byte) }}

// HashFile computes both digests of a file in one reading. buf is scratch space. It ends with its context, and tells of
// the bytes that it has read.
func HashFile(ctx context.Context, path string, buf []byte, read func(bytes int)) (proofs.Digests, error) {
	var d proofs.Digests
	f, err := openFile(path)
	if err != nil {
		return d, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return d, err
	}
	if !info.Mode().IsRegular() {
		return d, fmt.Errorf("%s: not a regular file", path)
	}
	h256, h512 := sha256.New(), sha3.New512()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(h256, h512)}, &reading{ctx, f, read}, buf)
	if err != nil {
		return d, err
	}
	if n != info.Size() {
		return d, fmt.Errorf("%s: changed while it was being read: %d bytes, then %d", path, info.Size(), n)
	}
	h256.Sum(d.SHA256[:0])
	h512.Sum(d.SHA3512[:0])
	return d, nil
}

// A Hashed is a file with its digests, or with why it has none.
type Hashed struct {
	File    string
	Digests proofs.Digests
	Err     error
}

// HashFiles is HashFile for many files, on all processors. Each is told in order, as soon as it and those before it are
// known; an error of told's ends it.
func HashFiles(ctx context.Context, files []string, read func(bytes int), told func(Hashed) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	type job struct {
		file string
		done chan Hashed
	}
	jobs, order := make(chan job), make(chan job, 1024)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			buf := make([]byte, 1<<20)
			for j := range jobs {
				d, err := HashFile(ctx, j.file, buf, read)
				j.done <- Hashed{j.file, d, err}
			}
		})
	}
	wg.Go(func() {
		defer close(order)
		defer close(jobs)
		for _, f := range files {
			j := job{f, make(chan Hashed, 1)}
			select {
			case order <- j:
				jobs <- j
			case <-ctx.Done():
				return
			}
		}
	})
	for j := range order {
		h := <-j.done
		if err := ctx.Err(); err != nil { // that says nothing about the file
			return err
		}
		if err := told(h); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// A reading reads until its context ends.
type reading struct {
	ctx  context.Context
	r    io.Reader
	told func(bytes int)
}

func (r *reading) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.r.Read(b)
	r.told(n)
	return n, err
}
