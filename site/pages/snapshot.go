// Package pages holds the portal's pages as templates. What they show is a
// Snapshot; where their scripts and styles lie is told by Assets.
package pages

import (
	"cmp"
	"maps"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"stele/proofs"
	"stele/site/headers"
	"stele/site/pages/parts"
	"stele/site/text"
)

// A Snapshot is what the pages show about a registry at one publication. It is
// data for people: nothing on the pages is believed by a verifier.
type Snapshot struct {
	Title  string // the registry's name
	Origin string
	Demo   bool

	TrustFile  []byte // as published at trust/<TrustEpoch>; the page loads it from there
	TrustEpoch int
	TrustPrint string // SHA-256 of the trust file, hex

	Size        uint64
	Root        string // hex
	Published   time.Time
	Publication uint64
	Keys        uint64

	Issuers []Issuer
	History []Publication // newest first, up to 20
	Epochs  []Epoch       // oldest first, the present one last

	Samples []Sample // of a demonstration

	WASM       []byte // the verifier
	ViewerWASM []byte // what looks into the ledger
	WASMExec   []byte // wasm_exec.js of the Go release that built it
	Single     []byte // the verifier in one file that is made of them and the trust file, where it is at hand; nil to have it made
}

// An Issuer is an accredited authority, as the ledger has it.
type Issuer struct {
	Name      string
	Title     string
	Kinds     []string // words, or "*" alone
	Since     time.Time
	Withdrawn bool
}

// A Publication is one line of the ledger's history.
type Publication struct {
	Size uint64
	Root string // hex
	Hash string // hex, of the checkpoint file: ledger/history/<Size>/<Hash>
	Time time.Time
}

// An Epoch is the time of one trust file.
type Epoch struct {
	Number   int
	Print    string // SHA-256 of its trust file, hex
	Last     uint64 // the last entry that its keys rule; of the present one nothing
	Handover bool   // the proof that the epoch before agreed to it is published
}

// A Sample is a document of the demonstration that a visitor may try.
type Sample struct {
	Path    string         // of the file below the portal's root, such as samples/order.pdf; not escaped
	Role    string         // what it is an example of: the wording has a title and a line for each, else the file's name stands there
	Verdict proofs.Verdict // what is expected
}

// Assets tells where the scripts, styles and images lie. They share one folder
// named by the hash of them all: a page never mixes two versions.
type Assets struct {
	Base      string            // below the portal's root, ending with a slash
	Integrity map[string]string // by name: subresource integrity
}

// SRI returns the integrity of an asset.
func (a Assets) SRI(name string) string { return a.Integrity[name] }

// A Page is what every template gets.
type Page struct {
	Snapshot
	Trust   *proofs.Trust // the trust file, parsed
	Text    *text.Text
	Texts   []*text.Text // every language there is, English first
	Root    string       // the way from this page to the portal's root: "", or "../" from a language's folder
	Mark    string       // the portal's sign, as an address, where the page can load nothing
	Assets  Assets
	File    string   // of this page in its folder, such as index.html
	Styles  []string // its style sheets, in their order
	Modules []string // the one that is run, then what it imports
	State   bool     // the page shows the state of the ledger, and changes with it

	SinglePrint string // SHA-256 of the verifier in one file, hex

	Worker []string            // the modules that the page's workers run
	Lazy   map[string][]string // modules that are loaded when they are needed, each with itself and what it imports besides
}

func (p Page) say(key string) string { return p.Text.Page(key) }

// Home is the folder of a language's pages, seen from the portal's root.
func Home(t *text.Text) string {
	if t.Language == "en" {
		return ""
	}
	return t.Language + "/"
}

// URL returns the address of an asset, relative to the page.
func (p Page) URL(name string) string { return p.Root + p.Assets.Base + name }

// at returns the address of a published file, relative to the page.
func (p Page) at(path string) templ.SafeURL { return templ.SafeURL(p.Root + path) }

// in returns the address of this page in another language.
func (p Page) in(t *text.Text) templ.SafeURL { return p.at(Home(t) + p.File) }

// languages lists the tags of the languages there are.
func (p Page) languages() string {
	var tags []string
	for _, t := range p.Texts {
		tags = append(tags, t.Language)
	}
	return strings.Join(tags, " ")
}

// workerParts lists the worker's modules, each with its integrity, all set apart by spaces: a browser
// checks the integrity of no module that a worker loads, so that the page does.
func (p Page) workerParts() string {
	var parts []string
	for _, m := range p.Worker {
		parts = append(parts, p.URL(m), p.Assets.SRI(m))
	}
	return strings.Join(parts, " ")
}

// lazyParts lists the lazy modules, set apart by bars: each one's name, then what has to be whole, with its integrity (lazy.mjs).
func (p Page) lazyParts() string {
	var groups []string
	for _, name := range slices.Sorted(maps.Keys(p.Lazy)) {
		words := []string{name}
		for _, m := range p.Lazy[name] {
			words = append(words, p.URL(m), p.Assets.SRI(m))
		}
		groups = append(groups, strings.Join(words, " "))
	}
	return strings.Join(groups, " | ")
}

// workerURL is the service worker's address; it keeps the pages of the reader's language.
func (p Page) workerURL() string { return p.Root + "sw.js?in=" + p.Text.Language }

// version tells whether the service worker's pages are of the same build and the same trust file as this one.
func (p Page) version() string {
	return strings.Trim(strings.TrimPrefix(p.Assets.Base, "assets/"), "/") + " " + p.TrustPrint
}

// frame is what stands around the page.
func (p Page) frame() parts.Frame {
	f := parts.Frame{Say: p.say, Title: p.Title, Origin: p.Origin, Demo: p.Demo, Home: "index.html", Mark: p.URL("stele.svg"), Language: p.Text.Language, Name: p.Text.Name,
		Print: p.TrustPrint, Trust: p.at(p.trustPath()), Checkpoint: p.at("ledger/checkpoint"), Offline: "offline.html", TrustName: fileName(p.trustPath())}
	for _, n := range parts.Navigation {
		f.Links = append(f.Links, parts.Link{Key: n.Key, Href: templ.SafeURL(n.File), Current: n.File == p.File})
	}
	for _, t := range p.Texts {
		f.Languages = append(f.Languages, parts.Language{Tag: t.Language, Name: t.Name, Direction: t.Direction, Href: p.in(t)})
	}
	if p.State {
		f.Published = p.Published
	}
	return f
}

// The parts that the pages share with the edge's.
var (
	when        = parts.When
	fingerprint = parts.Fingerprint
	icon        = parts.Icon
	icons       = parts.Icons
	machineTime = parts.MachineTime
)

// ContentSecurityPolicy stands in every page, so that it holds on any host. A
// host that can send headers should send it too, with frame-ancestors 'none',
// which has no effect here.
const ContentSecurityPolicy = headers.ContentSecurityPolicy

func (p Page) trustPath() string { return proofs.TrustPath(uint64(p.TrustEpoch)) }

// escaped makes a relative URL of a path, so that a sample may be called 100%.pdf.
func escaped(path string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// fileName is the last part of a path.
func fileName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func (p Page) sampleTitle(s Sample) string {
	return cmp.Or(p.Text.Samples[s.Role].Title, fileName(s.Path))
}

// format is the kind of file that a sample is, by its name: PDF.
func (s Sample) format() string {
	return strings.ToUpper(strings.TrimPrefix(path.Ext(s.Path), "."))
}

// shown is how many samples stand open on the page.
func (p Page) shown() int { return min(5, len(p.Samples)) }

func number(n uint64) string { return strconv.FormatUint(n, 10) }

func (p Page) kinds(kinds []string) string {
	if len(kinds) == 0 {
		return p.say("issuers.noKinds")
	}
	named := make([]string, len(kinds))
	for i, k := range kinds {
		named[i] = p.Text.Kind(k)
	}
	return strings.Join(named, p.Text.UI["separator"])
}

func (p Page) verdictTitle(v proofs.Verdict) string { return p.Text.Verdicts[v].Title }

func (p Page) unwatched() bool { return p.Trust.Officers == "none" || p.Trust.Witnesses == "none" }

// earlierPrints lists the fingerprints of the trust files before the present one, newest first: what a device remembers was kept
// under one of them.
func (p Page) earlierPrints() string {
	var prints []string
	for _, e := range p.Epochs[:len(p.Epochs)-1] {
		prints = append([]string{e.Print}, prints...)
	}
	return strings.Join(prints, " ")
}

func (e Epoch) path() string { return proofs.TrustPath(uint64(e.Number)) }

func (e Epoch) handoverPath() string { return proofs.HandoverPath(uint64(e.Number)) }
