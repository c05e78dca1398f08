// Package headers says how each published file is answered: of what type it is, for how long it may be kept, and what its pages may do. It is the
// same whoever serves the files: this registry's daemon, a mirror, a bucket, or the edge.
package headers

import (
	"maps"
	"net/http"
	"path"
	"strings"
)

// Single is the verifier in one file.
const Single = "verify.html"

// ContentSecurityPolicy stands in every page, so that it holds on any host. A
// host that can send headers should send it too, with frame-ancestors 'none',
// which has no effect there.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
	"img-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'"

// PermissionsPolicy keeps from the pages what they never ask for, whatever script might run in them.
const PermissionsPolicy = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), bluetooth=(), midi=(), " +
	"display-capture=(), publickey-credentials-get=(), browsing-topics=()"

const (
	// Immutable is for what is named by its content, or never changes.
	Immutable = "public, max-age=31536000, immutable"
	// Asked is for what is asked for anew each time; it may be kept, and used once it was found to be the same.
	Asked = "no-cache"
)

// Set sets the headers of a published file, by its path below the portal's root; "" is its first page.
func Set(h http.Header, name string) {
	kind, cache := Of(name)
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", cache)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Access-Control-Allow-Origin", "*") // what is published is for everyone's tools
	if csp := Policy(name); csp != "" {
		h.Set("Content-Security-Policy", csp)
		h.Set("Permissions-Policy", PermissionsPolicy)
	}
}

// Policy is the content security policy of a page or script; empty for what is neither.
func Policy(name string) string {
	switch {
	case name == Single: // its own policy, which names its script by its hash, is the stricter one, and must not be crossed with the pages'
		return "frame-ancestors 'none'"
	case name == "", strings.HasSuffix(name, ".html"), strings.HasSuffix(name, ".js"):
		// As the pages say themselves; said here it binds the workers too, and keeps others from framing the page.
		return ContentSecurityPolicy + "; frame-ancestors 'none'"
	}
	return ""
}

// Of says of what type a published file is, and how it may be cached. tlog-tiles asks for these types.
func Of(name string) (contentType, cache string) {
	switch {
	case name == "":
		return types[".html"], Asked
	case strings.HasPrefix(name, "ledger/tile/"), strings.HasPrefix(name, "index/"):
		contentType = binary
	case strings.HasPrefix(name, "ledger/"), strings.HasPrefix(name, "trust/"), name == "policy":
		contentType = types[".txt"]
	default:
		contentType = types[path.Ext(name)]
	}
	if contentType == "" {
		contentType = binary
	}
	if Lasts(name) {
		return contentType, Immutable
	}
	return contentType, Asked
}

// Lasts reports whether a published file never changes under its name.
func Lasts(name string) bool {
	return strings.HasPrefix(name, "ledger/tile/") || strings.HasPrefix(name, "index/") || strings.HasPrefix(name, "assets/") ||
		strings.HasPrefix(name, "ledger/history/") && name != "ledger/history/list"
}

const binary = "application/octet-stream"

// Types are all types by extension, with its dot, and what every other file has.
func Types() (byExtension map[string]string, other string) { return maps.Clone(types), binary }

// types are those of all files that are published, by their extension: a machine's own table would say something else on another machine.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".json": "application/json", ".webmanifest": "application/manifest+json", ".wasm": "application/wasm", ".svg": "image/svg+xml",
	".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".txt": "text/plain; charset=utf-8", ".eml": "message/rfc822", ".pdf": "application/pdf",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".zip": "application/zip",
}
