package site

import (
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"syscall"

	"stele/site/pages"
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
		setHeaders(w.Header(), name)
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

// setHeaders says how a file is to be read and for how long it may be kept.
func setHeaders(h http.Header, name string) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Access-Control-Allow-Origin", "*") // what is published is for everyone's tools
	kind, cache := Headers(name)
	h.Set("Cache-Control", cache)
	switch {
	case name == Single: // its own policy, which names its script by its hash, is the stricter one, and must not be crossed with the pages'
		h.Set("Content-Security-Policy", "frame-ancestors 'none'")
	case name == "", strings.HasSuffix(name, ".html"), strings.HasSuffix(name, ".js"):
		// As the pages say themselves; said here it binds the workers too, and keeps others from framing the page.
		h.Set("Content-Security-Policy", pages.ContentSecurityPolicy+"; frame-ancestors 'none'")
	}
	h.Set("Content-Type", kind)
}

// Headers says of what type a published file is, and how it may be cached. tlog-tiles asks for these types.
func Headers(name string) (contentType, cache string) {
	contentType = mime.TypeByExtension(path.Ext(name))
	switch {
	case strings.HasSuffix(name, ".webmanifest"):
		contentType = "application/manifest+json"
	case name == "":
		contentType = "text/html; charset=utf-8"
	case strings.HasPrefix(name, "ledger/tile/"), strings.HasPrefix(name, "index/"):
		contentType = "application/octet-stream"
	case strings.HasPrefix(name, "ledger/"), strings.HasPrefix(name, "trust/"), name == "policy":
		contentType = "text/plain; charset=utf-8"
	case contentType == "":
		contentType = "application/octet-stream"
	}
	return contentType, cacheControl(name)
}

func cacheControl(name string) string {
	switch {
	case strings.HasPrefix(name, "ledger/tile/"), strings.HasPrefix(name, "index/"), strings.HasPrefix(name, "assets/"),
		strings.HasPrefix(name, "ledger/history/") && name != "ledger/history/list":
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}
