// Package parts holds what the portal's pages have in common with the edge's: the frame around them, times, fingerprints and symbols.
package parts

import (
	"time"

	"github.com/a-h/templ"
)

// A Frame is what stands around a page.
type Frame struct {
	Say       func(key string) string // the fixed text of the pages
	Title     string                  // the registry's
	Origin    string
	Demo      bool
	Home      templ.SafeURL // of the first page in the reader's language
	Mark      string        // address of the portal's sign; "" for none
	Links     []Link        // to the other pages, in the order of the menu
	Language  string        // of this page
	Name      string        // of that language, in itself
	Languages []Language    // in which there is this page
	Published time.Time     // as of when this page is, zero where it does not change
	Print     string        // SHA-256 of the trust file, hex

	Trust, Checkpoint, Offline templ.SafeURL // of the trust file, the newest checkpoint, and the page on other ways to check
	TrustName                  string        // the trust file's, without a folder
}

// A Link leads to another page.
type Link struct {
	Key     string // of its wording
	Href    templ.SafeURL
	Current bool
}

// A Language is one in which there is the page.
type Language struct {
	Tag       string        `json:"tag"` // BCP 47
	Name      string        `json:"name"`
	Direction string        `json:"direction"`
	Href      templ.SafeURL `json:"-"`
}

// Navigation lists the pages in the order of the menu.
var Navigation = []struct{ File, Key string }{
	{"index.html", "nav.check"},
	{"offline.html", "nav.offline"},
	{"issuers.html", "nav.issuers"},
	{"ledger.html", "nav.ledger"},
	{"developers.html", "nav.developers"},
}

// groups splits a hex fingerprint, so that people can compare it by eye.
func groups(hex string) []string {
	var parts []string
	for len(hex) > 8 {
		parts, hex = append(parts, hex[:8]), hex[8:]
	}
	return append(parts, hex)
}

// PlainTime is readable in every language; a script puts it into the reader's own.
func PlainTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

// MachineTime is what scripts read.
func MachineTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
