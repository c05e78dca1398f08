// Package page is the page that says how an edge stands, /health/, for people. It is a few static files that a deployment brings along, one page a language:
// what is fresh and what is wrong a script asks the edge's /health.json, so that no reader of the page starts more than that.
//
// The files are the deployment's own: whatever is published, they stay until something else is deployed. They look as the portal did that was
// deployed with them.
package page

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/a-h/templ"

	"stele/proofs"
	"stele/site"
	"stele/site/edge/status"
	"stele/site/pages"
	"stele/site/pages/parts"
	"stele/site/text"
)

// Folder is where the files lie, below the portal's root.
const Folder = "health/"

//go:embed health.mjs
var script []byte

// The page's scripts: its own, and those that it imports of the portal's.
const scriptName = "health.js"

var imports = []string{"dates.js", "dom.js"}

// What the page needs of the portal's assets: style sheets, in the order in which they are laid over one another, its sign, and what chooses the language.
var (
	sheets = []string{"stele.css", "results.css", "evidence.css", "viewer.css", "modes.css"}
	others = []string{"stele.svg", "language.js"}
)

// assetsIn finds the folder of assets that a page of the portal names.
var assetsIn = regexp.MustCompile(`assets/[0-9a-f]{12}/`)

// Files returns the page's files by their path below the portal's root, with those of the portal's assets that they need. It reads what is published.
func Files(trust *proofs.Trust, read func(name string) ([]byte, error)) (map[string][]byte, error) {
	files := map[string][]byte{}
	if err := addScripts(files); err != nil {
		return nil, fmt.Errorf("the page %s: %w", Folder, err)
	}
	assets, err := addAssets(files, read)
	if err != nil {
		return nil, fmt.Errorf("the page %s: %w", Folder, err)
	}
	texts, err := text.Languages()
	if err != nil {
		return nil, fmt.Errorf("the page %s: %w", Folder, err)
	}
	for _, t := range texts {
		name := Folder + pages.Home(t) + site.Index
		if files[name], err = render(page{Text: t, texts: texts, trust: trust, assets: assets, files: files}); err != nil {
			return nil, fmt.Errorf("the page %s: %w", name, err)
		}
	}
	return files, nil
}

func addScripts(files map[string][]byte) error {
	files[Folder+scriptName] = site.Published(bytes.ReplaceAll(script, []byte("'../../../assets/"), []byte("'./")))
	for _, name := range imports {
		b, err := site.Module(name)
		if err != nil {
			return err
		}
		files[Folder+name] = b
	}
	return nil
}

// addAssets adds those of the portal's assets that its first page names: older ones may lie beside them.
func addAssets(files map[string][]byte, read func(name string) ([]byte, error)) (folder string, err error) {
	index, err := read(site.Index)
	if err != nil {
		return "", err
	}
	folder = string(assetsIn.Find(index))
	if folder == "" {
		return "", errors.New("the portal's first page names no assets")
	}
	for _, list := range [][]string{sheets, others} {
		for _, name := range list {
			if files[folder+name], err = read(folder + name); err != nil {
				return "", err
			}
		}
	}
	return folder, nil
}

func render(p page) ([]byte, error) {
	var b bytes.Buffer
	if err := health(p).Render(context.Background(), &b); err != nil {
		return nil, err
	}
	if key, missing := text.Missing(b.String()); missing {
		return nil, fmt.Errorf("text %q has no wording", key)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// page is what the template gets.
type page struct {
	*text.Text
	texts  []*text.Text
	trust  *proofs.Trust
	assets string            // folder of the portal's assets, below its root
	files  map[string][]byte // what the page loads, among others
}

// say is the page's own wording, or what it has in common with the portal's pages.
func (p page) say(key string) string {
	if said, ok := p.Health[key]; ok {
		return said
	}
	return p.Page(key)
}

// root leads from the page to the portal's root.
func (p page) root() string { return p.folder() + "../" }

// folder leads from the page to the folder of all its languages.
func (p page) folder() string { return strings.Repeat("../", strings.Count(pages.Home(p.Text), "/")) }

// to leads to a page of the portal in the reader's language.
func (p page) to(file string) templ.SafeURL {
	return templ.SafeURL(p.root() + pages.Home(p.Text) + file)
}

// in leads to this page in another language.
func (p page) in(t *text.Text) templ.SafeURL {
	if to := p.folder() + pages.Home(t); to != "" {
		return templ.SafeURL(to)
	}
	return "./"
}

func (p page) asset(name string) string     { return p.root() + p.assets + name }
func (p page) assetSRI(name string) string  { return pages.Integrity(p.files[p.assets+name]) }
func (p page) script(name string) string    { return p.folder() + name }
func (p page) scriptSRI(name string) string { return pages.Integrity(p.files[Folder+name]) }

// languages are the tags of all, for language.js.
func (p page) languages() string {
	var tags []string
	for _, t := range p.texts {
		tags = append(tags, t.Language)
	}
	return strings.Join(tags, " ")
}

// frame is what stands around the page: the same as around the portal's own.
func (p page) frame() parts.Frame {
	t, path := p.trust, proofs.TrustPath(p.trust.Epoch)
	f := parts.Frame{Say: p.say, Title: t.Title, Origin: t.Origin, Demo: t.Demo, Home: p.to(site.Index), Mark: p.asset("stele.svg"), Language: p.Language, Name: p.Name,
		Print: t.ID().String(), Trust: templ.SafeURL(p.root() + path), TrustName: path[strings.LastIndexByte(path, '/')+1:],
		Checkpoint: templ.SafeURL(p.root() + "ledger/checkpoint"), Offline: p.to("offline.html")}
	for _, n := range parts.Navigation {
		f.Links = append(f.Links, parts.Link{Key: n.Key, Href: p.to(n.File)})
	}
	for _, other := range p.texts {
		f.Languages = append(f.Languages, parts.Language{Tag: other.Language, Name: other.Name, Direction: other.Direction, Href: p.in(other)})
	}
	return f
}

// states are all that an edge can be in, with their symbols.
var states = []struct{ name, symbol string }{
	{status.OK, "authentic"}, {status.Late, "stale"}, {status.Stale, "stale"}, {status.Wrong, "inconsistent"}, {status.Unknown, "unavailable"}, {status.Nothing, "working"},
}

// spoken are the keys of what the script says, besides what the templates hold: an alarm's code and what came of an outside view are found by it.
func (p page) spoken() []string {
	keys := []string{"unread.title", "unread.text", "readAt", "since", "signed", "notSigned", "ledger.none", "dueNone", "checked", "never", "viewsText", "viewsNone",
		"span.days", "span.hours", "span.minutes"}
	for _, s := range states {
		keys = append(keys, "state."+s.name+".title", "state."+s.name+".text")
	}
	for _, code := range []string{status.CodeDiffers, status.CodeBehind, status.CodeRollback, status.CodeQuorum, status.CodeUnreachable, status.CodeBroken} {
		keys = append(keys, "alarm."+code+".title", "alarm."+code+".text")
	}
	for _, result := range []string{status.NotYet, status.Same, status.Older, status.Ahead, status.Differs, status.Unreachable, status.Broken, status.Undecided} {
		keys = append(keys, "result."+result)
	}
	return keys
}

// before and after are what a sentence says before and after its one placeholder, where a link stands.
func (p page) before(key string) string {
	b, _, _ := strings.Cut(p.say(key), "{")
	return b
}

func (p page) after(key string) string {
	_, a, _ := strings.Cut(p.say(key), "}")
	return a
}
