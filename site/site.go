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
	"regexp"
	"slices"
	"sort"
	"strings"

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

//go:embed assets/*.mjs assets/*.css assets/*.svg
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
	english := text.English()
	files, assets, err := renderAssets(s, english)
	if err != nil {
		return nil, err
	}
	for _, d := range documents {
		page := pages.Page{Snapshot: s, Trust: trust, Text: english, Assets: assets, File: d.file, Styles: d.styles, Modules: d.modules,
			Lazy: lazyParts(files, assets.Base, d.lazy, d.modules)}
		content, err := renderPage(d.template(page))
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", d.file, err)
		}
		files[d.file] = content
	}
	return files, nil
}

// Order returns the paths of files in the order in which they are to be
// written: assets, pages, and Index last.
func Order(files map[string][]byte) []string {
	paths := make([]string, 0, len(files))
	for p := range files {
		paths = append(paths, p)
	}
	rank := func(p string) int {
		switch {
		case strings.HasPrefix(p, "assets/"):
			return 0
		case p != Index:
			return 1
		}
		return 2
	}
	sort.Slice(paths, func(i, j int) bool {
		if a, b := rank(paths[i]), rank(paths[j]); a != b {
			return a < b
		}
		return paths[i] < paths[j]
	})
	return paths
}

// documents are the pages with what they load: of the modules the first is run, the
// others are what it imports, named so that their integrity is checked too. The lazy ones are loaded when they are needed (lazy.mjs).
var documents = []struct {
	file     string
	template func(pages.Page) templ.Component
	styles   []string
	modules  []string
	lazy     []string
}{
	{Index, pages.Check, answerStyles, []string{"page.js", "asset.js", "dates.js", "dom.js", "evidence.js", "files.js", "lazy.js", "memory.js", "pool.js", "portal.js", "quorum.js", "report.js", "row.js", "rows.js", "text.js", "times.js", "verifier.js"}, checkLazy},
	{"offline.html", pages.Offline, plainStyles, []string{"times.js", "dates.js"}, nil},
	{"issuers.html", pages.Issuers, viewerStyles, append([]string{"issuers.js"}, viewerModules...), nil},
	{"ledger.html", pages.Ledger, viewerStyles, append([]string{"ledger.js", "chart.js", "climb.js", "counts.js", "entries.js", "publications.js", "statement.js"}, viewerModules...), nil},
	{"status.html", pages.Moved, plainStyles, []string{"times.js", "dates.js"}, nil},
	{"developers.html", pages.Developers, plainStyles, []string{"times.js", "dates.js"}, nil},
}

// checkLazy are what the first page loads only when it is needed.
var checkLazy = []string{"drawn.js"}

// imported finds what a module imports.
var imported = regexp.MustCompile(`(?:from|import)\s*'\./([^']+)'`)

// lazyParts lists, for each lazy module, what has to be whole before it is run: itself and all that it imports, but for what the page has loaded.
func lazyParts(files map[string][]byte, base string, roots, loaded []string) map[string][]string {
	parts := map[string][]string{}
	for _, root := range roots {
		parts[root] = []string{root}
		for i := 0; i < len(parts[root]); i++ {
			for _, m := range imported.FindAllStringSubmatch(string(files[base+parts[root][i]]), -1) {
				if !slices.Contains(loaded, m[1]) && !slices.Contains(parts[root], m[1]) {
					parts[root] = append(parts[root], m[1])
				}
			}
		}
	}
	return parts
}

// Style sheets, in the order in which they are laid over one another.
var (
	plainStyles  = []string{"stele.css", "modes.css"}
	answerStyles = []string{"stele.css", "results.css", "evidence.css", "modes.css"}
	viewerStyles = []string{"stele.css", "evidence.css", "viewer.css", "modes.css"}
)

// viewerModules are what the pages share that look into the ledger.
var viewerModules = []string{"viewer.js", "asset.js", "dates.js", "dom.js", "memory.js", "portal.js", "quorum.js", "text.js", "times.js", "verifier.js", "wasm_exec.js"}

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
func renderAssets(s Snapshot, t *text.Text) (map[string][]byte, pages.Assets, error) {
	assets, err := collect()
	if err != nil {
		return nil, pages.Assets{}, err
	}
	assets["verifier.wasm"] = s.WASM
	assets["wasm_exec.js"] = s.WASMExec
	assets["viewer.wasm"] = s.ViewerWASM
	for name, content := range t.Scripts() {
		assets["text/"+name] = content
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
	assets := map[string][]byte{}
	err := fs.WalkDir(sources, "assets", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := sources.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, "assets/")
		if module, ok := strings.CutSuffix(name, ".mjs"); ok {
			name = module + ".js"
			content = bytes.ReplaceAll(content, []byte(`.mjs'`), []byte(`.js'`))
			content = comment.ReplaceAll(content, nil)
		}
		assets[name] = content
		return nil
	})
	return assets, err
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
