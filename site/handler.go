package site

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"syscall"

	"stele/site/headers"
)

// Handler serves a public folder: the files as they are, with the types that tlog-tiles asks for, caching
// as far as each file can change, a folder's first page for the folder, and no listings. Any other file server will do too.
func Handler(dir string) http.Handler { return HandlerFS(os.DirFS(dir)) }

// An ETag names a file's bytes, quotes included. A file system that knows it gives it as FileInfo.Sys, and HandlerFS sends it.
type ETag string

// HandlerFS is Handler for files that lie elsewhere.
func HandlerFS(root fs.FS) http.Handler {
	files := http.FileServerFS(root)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && path.Clean(r.URL.Path) == "/"+share {
			// The device has no service worker (any more) that would have taken it. It is not read, and the page says what to do.
			w.Header().Set("Connection", "close")
			http.Redirect(w, r, Index+"?arrived=lost", http.StatusSeeOther)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "405 method not allowed: everything here is a file", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		file, err := fileOf(root, name)
		folder := err == nil && file == nil // that of a language, say
		if folder {
			name = path.Join(name, Index)
			file, err = fileOf(root, name)
		} else if strings.HasSuffix(r.URL.Path, "/") {
			file = nil
		}
		switch {
		case strings.Contains("/"+name, "/.") || err == nil && file == nil:
			http.NotFound(w, r)
			return
		case err != nil:
			Unreadable(w)
			return
		}
		headers.Set(w.Header(), name)
		if tag, ok := file.Sys().(ETag); ok && (!folder || strings.HasSuffix(r.URL.Path, "/")) && path.Base(r.URL.Path) != Index { // else it is led elsewhere
			w.Header().Set("ETag", string(tag))
		}
		switch {
		case !folder:
			files.ServeHTTP(w, r)
		case !strings.HasSuffix(r.URL.Path, "/"):
			http.Redirect(w, r, path.Base(r.URL.Path)+"/", http.StatusMovedPermanently)
		default: // by the file's own name: what lies in a bucket knows no folders
			http.ServeFileFS(w, r, root, name)
		}
	})
}

// Unreadable answers that the files cannot be read now: an outage must not look like a missing file.
func Unreadable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "60")
	http.Error(w, "503 the files cannot be read now", http.StatusServiceUnavailable)
}

// fileOf keeps folders, and names that no file can have, from being anything but absent: nil.
func fileOf(root fs.FS, name string) (fs.FileInfo, error) {
	if name == "" {
		return nil, nil
	}
	info, err := fs.Stat(root, name)
	for _, none := range []error{fs.ErrNotExist, fs.ErrInvalid, fs.ErrPermission, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.EINVAL, syscall.ELOOP} {
		if errors.Is(err, none) {
			return nil, nil
		}
	}
	if err != nil || info.IsDir() {
		return nil, err
	}
	return info, nil
}
