// Package site makes the portal: static pages, scripts and styles that any file
// server can serve, from a snapshot of the registry.
package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/a-h/templ"

	"stele/proofs"
	"stele/site/pages"
	"stele/site/text"
)

// The types stand in package pages, because the templates read them.
type (
	Snapshot    = pages.Snapshot
	Issuer      = pages.Issuer
	Publication = pages.Publication
	Epoch       = pages.Epoch
	Sample      = pages.Sample
)

//go:embed assets/*.mjs assets/*.css assets/*.svg assets/*.png
var sources embed.FS

// Index is the path of the first page. It is written last, so that whoever
// opens it finds everything that it leads to.
const Index = "index.html"

// Render returns the portal's files by their path below its root. The same
// snapshot gives the same bytes.
//
// Whoever publishes them writes everything under assets/ first, then the pages,
// and Index last, each by rename. The folder under assets/ is named by its
// content and never changes; older ones are left where they are, for readers who
// have their page open. The trust file, the ledger, the index and the samples
// are not among the files: the pages expect them beside themselves.
func Render(s Snapshot) (map[string][]byte, error) {
	if err := check(s); err != nil {
		return nil, err
	}
	trust, err := proofs.ParseTrust(s.TrustFile)
	if err != nil {
		return nil, fmt.Errorf("render portal: %w", err)
	}
	texts, err := text.Languages()
	if err != nil {
		return nil, fmt.Errorf("render portal: %w", err)
	}
	return render(s, trust, texts)
}

// render makes the pages in every language: the English ones at the portal's root, the others in folders of their own.
func render(s Snapshot, trust *proofs.Trust, texts []*text.Text) (map[string][]byte, error) {
	files, assets, err := renderAssets(s, texts)
	if err != nil {
		return nil, err
	}
	single := s.Single
	if single == nil {
		if single, err = renderSingle(texts, SingleInput{TrustFile: s.TrustFile, WASM: s.WASM, WASMExec: s.WASMExec}); err != nil {
			return nil, err
		}
	}
	files[Single] = single
	print := sha256.Sum256(single)
	graph := modulesIn(files, assets.Base)
	loaded := make([]pages.Page, len(documents)) // what each loads, in every language
	for i, d := range documents {
		modules := graph.closure(d.module)
		loaded[i] = pages.Page{Snapshot: s, Trust: trust, Texts: texts, Assets: assets, File: d.file, Styles: d.styles, Modules: modules,
			Worker: graph.closure("worker.js"), Lazy: graph.lazy(modules), State: slices.Contains(statePages, d.file), SinglePrint: hex.EncodeToString(print[:])}
	}
	for _, t := range texts {
		home := pages.Home(t)
		for i, d := range documents {
			page := loaded[i]
			page.Text, page.Root = t, strings.Repeat("../", strings.Count(home, "/"))
			content, err := renderPage(d.template(page))
			if err != nil {
				return nil, fmt.Errorf("render %s: %w", home+d.file, err)
			}
			files[home+d.file] = content
		}
		if files[home+manifestName], err = renderManifest(s, t, assets); err != nil {
			return nil, err
		}
	}
	if files[IssuersFile], err = issuersJSON(s); err != nil {
		return nil, err
	}
	files[worker], err = renderWorker(s, trust, texts, files, assets, graph)
	return files, err
}

// Order returns the paths of files in the order in which they are to be
// written: assets, pages in other languages, English pages, and Index last.
func Order(files map[string][]byte) []string {
	paths := make([]string, 0, len(files))
	for p := range files {
		paths = append(paths, p)
	}
	rank := func(p string) int {
		switch {
		case strings.HasPrefix(p, "assets/"):
			return 0
		case strings.Contains(p, "/"):
			return 1 // the English pages, at the root, lead to the others
		case p != Index:
			return 2
		}
		return 3
	}
	sort.Slice(paths, func(i, j int) bool {
		if a, b := rank(paths[i]), rank(paths[j]); a != b {
			return a < b
		}
		return paths[i] < paths[j]
	})
	return paths
}

// documents are the pages with what they load. What the module imports is named by the page too, so that its integrity is checked.
var documents = []struct {
	file     string
	template func(pages.Page) templ.Component
	styles   []string
	module   string
}{
	{Index, pages.Check, answerStyles, "page.js"},
	{"offline.html", pages.Offline, plainStyles, "times.js"},
	{"issuers.html", pages.Issuers, viewerStyles, "issuers.js"},
	{"ledger.html", pages.Ledger, viewerStyles, "ledger.js"},
	{"status.html", pages.Moved, plainStyles, "times.js"},
	{"developers.html", pages.Developers, plainStyles, "times.js"},
}

// Style sheets, in the order in which they are laid over one another.
var (
	plainStyles  = []string{"stele.css", "device.css", "modes.css"}
	answerStyles = []string{"stele.css", "results.css", "evidence.css", "hints.css", "print.css", "device.css", "modes.css"}
	viewerStyles = []string{"stele.css", "evidence.css", "viewer.css", "device.css", "modes.css"}
)

// check refuses a snapshot whose pages could not work.
func check(s Snapshot) error {
	switch {
	case s.Title == "" || s.Origin == "":
		return errors.New("render portal: the registry has no title or no origin")
	case len(s.TrustFile) == 0 || s.TrustEpoch < 1:
		return errors.New("render portal: no trust file")
	case len(s.WASM) == 0 || len(s.ViewerWASM) == 0 || len(s.WASMExec) == 0:
		return errors.New("render portal: no verifier")
	}
	last := s.Epochs[max(0, len(s.Epochs)-1):]
	if len(last) == 0 || last[0].Number != s.TrustEpoch || last[0].Print != s.TrustPrint {
		return fmt.Errorf("render portal: the last epoch is %v, want %d with the trust file %s", last, s.TrustEpoch, s.TrustPrint)
	}
	if sum := sha256.Sum256(s.TrustFile); s.TrustPrint != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("render portal: trust file's fingerprint: got %q, want %x", s.TrustPrint, sum)
	}
	return nil
}

func renderPage(c templ.Component) ([]byte, error) {
	var b bytes.Buffer
	if err := c.Render(context.Background(), &b); err != nil {
		return nil, err
	}
	if key, missing := text.Missing(b.String()); missing {
		return nil, fmt.Errorf("text %q has no wording", key)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// renderAssets returns the assets under their paths, and where they lie.
func renderAssets(s Snapshot, texts []*text.Text) (map[string][]byte, pages.Assets, error) {
	assets, err := collect()
	if err != nil {
		return nil, pages.Assets{}, err
	}
	assets["verifier.wasm"] = s.WASM
	assets["wasm_exec.js"] = s.WASMExec
	assets["viewer.wasm"] = s.ViewerWASM
	for _, t := range texts {
		for name, content := range t.Scripts() {
			assets["text/"+name] = content
		}
	}

	where := pages.Assets{Base: "assets/" + fingerprint(assets) + "/", Integrity: map[string]string{}}
	files := map[string][]byte{}
	for name, content := range assets {
		where.Integrity[name] = pages.Integrity(content)
		files[where.Base+name] = content
	}
	return files, where, nil
}

// comment is a line of comment, or a block that begins a line, in a module: they are for whoever reads the source, and a quarter of
// what a browser would load.
var comment = regexp.MustCompile(`(?m)^[ \t]*(?://.*|/\*\*(?s:.*?)\*/)\n`)

// collect reads the embedded assets. Modules are published as .js, since file
// servers as old as Debian 12's send .mjs with a type that browsers refuse to
// run.
func collect() (map[string][]byte, error) {
	assets, err := collectAll()
	for name := range assets {
		if strings.HasPrefix(name, "single-") || name == worker || name == "folder.js" { // for verify.html, and for the portal's root
			delete(assets, name)
		}
	}
	return assets, err
}

// collectAll returns all embedded assets, as they are published. The map is the caller's own.
func collectAll() (map[string][]byte, error) {
	assets, err := published()
	return maps.Clone(assets), err
}

// published is kept because what is embedded stays as it is, and is asked for several times in a publication.
var published = sync.OnceValues(func() (map[string][]byte, error) {
	assets := map[string][]byte{}
	err := fs.WalkDir(sources, "assets", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := sources.ReadFile(path)
		if err != nil {
			return err
		}
		name, content := publishedModule(strings.TrimPrefix(path, "assets/"), content)
		assets[name] = content
		return nil
	})
	return assets, err
})

// Module returns a module of the portal's as it is published, by the name that it has then: for pages besides the portal's.
func Module(name string) ([]byte, error) {
	source, err := sources.ReadFile("assets/" + strings.TrimSuffix(name, ".js") + ".mjs")
	return Published(source), err
}

// Published is a module as it is published: as publishedModule has it.
func Published(source []byte) []byte {
	_, content := publishedModule(".mjs", source)
	return content
}

// publishedModule gives a module the name and the content under which it is published; other files stay as they are.
func publishedModule(name string, content []byte) (string, []byte) {
	module, ok := strings.CutSuffix(name, ".mjs")
	if !ok {
		return name, content
	}
	content = bytes.ReplaceAll(content, []byte(`.mjs'`), []byte(`.js'`))
	return module + ".js", comment.ReplaceAll(content, nil)
}

// fingerprint names a set of assets by what is in it: 12 hex digits tell the
// few versions that a portal will ever have apart; integrity is checked by the
// whole hash of each file.
func fingerprint(assets map[string][]byte) string {
	names := make([]string, 0, len(assets))
	for n := range assets {
		names = append(names, n)
	}
	sort.Strings(names)
	h := sha256.New()
	for _, n := range names {
		sum := sha256.Sum256(assets[n])
		fmt.Fprintf(h, "%s %x\n", n, sum)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}
