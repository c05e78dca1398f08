// Package front serves natively what an edge has in force, as a Worker's worker/front.mjs does: the same answers as of a folder of the same files
// (site.HandlerFS).
package front

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"stele/proofs"
	"stele/site"
	"stele/site/edge/published"
)

// Handler serves the publication in force. Each request finds out once which one that is, and is answered out of that one.
func Handler(source *published.Source, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := &files{ctx: r.Context(), source: source}
		site.HandlerFS(f).ServeHTTP(w, r)
		if f.failed != nil && r.Context().Err() == nil {
			log.Error("a file of the publication in force cannot be read", "path", r.URL.Path, "error", f.failed.Error())
		}
	})
}

// files is one publication as a file system, for one request. It knows no folders, and keeps the file that was read last, since the handler
// looks at a file before it opens it.
type files struct {
	ctx    context.Context
	source *published.Source

	mu      sync.Mutex
	current *published.Publication
	last    *file
	failed  error
}

// Open reads a file whole: it is sent only once its bytes were compared with the set that names them.
func (f *files) Open(name string) (fs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !proofs.IsSetName(name) { // neither does the gate take it
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if f.last == nil || f.last.path != name {
		b, err := f.read(name)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
				f.failed = err
			}
			return nil, err
		}
		sum := sha256.Sum256(b)
		f.last = &file{path: name, content: b, tag: site.ETag(`"` + hex.EncodeToString(sum[:]) + `"`)}
	}
	return &opened{f.last, bytes.NewReader(f.last.content)}, nil
}

func (f *files) read(name string) ([]byte, error) {
	if strings.HasPrefix(name+"/", published.OwnPrefix) {
		return f.source.Own(f.ctx, name)
	}
	if published.IsProved(name) { // readers compare it with the checkpoint
		return f.source.Kept(f.ctx, name)
	}
	if f.current == nil {
		var err error
		if f.current, err = f.source.Current(f.ctx); err != nil {
			return nil, err
		}
	}
	return f.source.Read(f.ctx, f.current, name)
}

// A file is its own FileInfo.
type file struct {
	path    string
	content []byte
	tag     site.ETag
}

func (f *file) Name() string       { return path.Base(f.path) }
func (f *file) Size() int64        { return int64(len(f.content)) }
func (f *file) Mode() fs.FileMode  { return 0o444 }
func (f *file) ModTime() time.Time { return time.Time{} } // the ETag says what it is
func (f *file) IsDir() bool        { return false }
func (f *file) Sys() any           { return f.tag }

// An opened file is read, and sought in for ranges.
type opened struct {
	*file
	io.ReadSeeker
}

func (o *opened) Stat() (fs.FileInfo, error) { return o.file, nil }
func (o *opened) Close() error               { return nil }
