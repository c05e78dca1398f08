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
		there, err := isFile(root, name)
		folder := err == nil && !there // that of a language, say
		if folder {
			name = path.Join(name, Index)
			there, err = isFile(root, name)
		} else if strings.HasSuffix(r.URL.Path, "/") {
			there = false
		}
		switch {
		case strings.Contains("/"+name, "/.") || err == nil && !there:
			http.NotFound(w, r)
			return
		case err != nil: // an outage must not look like a missing file
			w.Header().Set("Retry-After", "60")
			http.Error(w, "503 the files cannot be read now", http.StatusServiceUnavailable)
			return
		}
		headers.Set(w.Header(), name)
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

// isFile keeps folders, and names that no file can have, from being anything but absent.
func isFile(root fs.FS, name string) (bool, error) {
	if name == "" {
		return false, nil
	}
	info, err := fs.Stat(root, name)
	for _, none := range []error{fs.ErrNotExist, fs.ErrInvalid, fs.ErrPermission, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.EINVAL, syscall.ELOOP} {
		if errors.Is(err, none) {
			return false, nil
		}
	}
	return err == nil && !info.IsDir(), err
}
