package storage

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"stele/build/durable"
)

// FS shows files as a file system for what serves files. What lies in a folder is read as it is sent; folders elsewhere list
// nothing, and their files are read whole.
func FS(files Files) fs.FS {
	if d, ok := files.(durable.Folder); ok {
		return os.DirFS(string(d))
	}
	return filesFS{files}
}

type filesFS struct{ files Files }

func (f filesFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return &openFile{name: ".", dir: true, Reader: bytes.NewReader(nil)}, nil
	}
	b, err := f.files.Read(name)
	if err != nil {
		return nil, err
	}
	return &openFile{name: path.Base(name), Reader: bytes.NewReader(b)}, nil
}

// An openFile is a whole file in memory, and its own FileInfo.
type openFile struct {
	*bytes.Reader
	name string
	dir  bool
}

func (o *openFile) Stat() (fs.FileInfo, error)           { return o, nil }
func (o *openFile) Close() error                         { return nil }
func (o *openFile) ReadDir(n int) ([]fs.DirEntry, error) { return nil, io.EOF }
func (o *openFile) Name() string                         { return o.name }
func (o *openFile) ModTime() time.Time                   { return time.Time{} }
func (o *openFile) IsDir() bool                          { return o.dir }
func (o *openFile) Sys() any                             { return nil }
func (o *openFile) Mode() fs.FileMode {
	if o.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
