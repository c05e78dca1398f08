package site

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"stele/proofs"
	"stele/site/pages"
	"stele/site/text"
)

// The portal works without a network once it has been visited: a service worker (assets/sw.mjs) keeps the shell, a set of files that belong
// together, and a manifest lets a device install it. What makes up the shell is listed here, each file by its hash.
//
// Nothing in the shell depends on the state of the ledger: a publication does not make every device fetch it anew. The pages that show that
// state are kept as they were last seen.

// worker is the path of the service worker's script. It lies at the root, since it has a say only below its own folder.
const worker = "sw.js"

// statePages show the state of the ledger, and change with every publication.
var statePages = []string{"issuers.html", "ledger.html"}

// A shell is what the service worker keeps; its script reads it as JSON.
type shell struct {
	Set         string            `json:"set"` // tells sets apart
	Fingerprint string            `json:"fingerprint"`
	Trust       string            `json:"trust"`
	Languages   map[string]string `json:"languages"` // of a file: for readers of which language alone
	Home        map[string]string `json:"home"`      // by language, the first page
	Pages       []string          `json:"pages"`     // of the set
	Stale       []string          `json:"stale"`     // those that are asked for from the portal first
	Files       map[string]string `json:"files"`     // of the set, with their integrity
}

// renderWorker returns the service worker's script for all the files of a portal.
func renderWorker(s Snapshot, trust *proofs.Trust, texts []*text.Text, files map[string][]byte, assets pages.Assets, graph modules) ([]byte, error) {
	sh := shell{Fingerprint: strings.Trim(strings.TrimPrefix(assets.Base, "assets/"), "/"), Trust: s.TrustPrint,
		Languages: map[string]string{}, Home: map[string]string{}, Files: map[string]string{}}
	for _, t := range texts {
		home := pages.Home(t)
		sh.Home[t.Language] = home + Index
		for _, d := range documents {
			sh.addPage(home, t.Language, d.file, files)
		}
		sh.addAsset(assets.Base+"text/"+t.Language+".json", t.Language, files)
		sh.addAsset(assets.Base+"text/"+t.Language+"-later.json", t.Language, files)
	}
	later := graph.viewerOnly()
	for path := range files {
		name, ok := strings.CutPrefix(path, assets.Base)
		if ok && !strings.HasPrefix(name, "text/") && !strings.HasSuffix(name, ".png") && !slices.Contains(later, name) {
			sh.addAsset(path, "", files)
		}
	}
	sh.Files[proofs.TrustPath(trust.Epoch)] = pages.Integrity(s.TrustFile)
	all, err := json.Marshal(sh)
	if err != nil {
		return nil, err
	}
	parts, err := collectAll()
	if err != nil {
		return nil, err
	}
	// Another script has a set of its own: one that fails to fill its set deletes it, and may not delete the one in force.
	sum := sha256.Sum256(append(all, parts[worker]...))
	sh.Set = hex.EncodeToString(sum[:])[:12]
	if all, err = json.Marshal(sh); err != nil {
		return nil, err
	}
	return slices.Concat([]byte("const shell = "), all, []byte("\n"), parts[worker]), nil
}

func (sh *shell) addPage(home, language, file string, files map[string][]byte) {
	path := home + file
	if slices.Contains(statePages, file) {
		sh.Stale = append(sh.Stale, path)
		return
	}
	sh.Pages = append(sh.Pages, path)
	if home == "" { // the way in, whatever the reader's language
		language = ""
	}
	sh.addAsset(path, language, files)
}

func (sh *shell) addAsset(path, language string, files map[string][]byte) {
	sh.Files[path] = pages.Integrity(files[path])
	if language != "" {
		sh.Languages[path] = language
	}
}

// viewerOnly are the assets that only the pages load that look into the ledger. They are large, and most readers never need them: they are
// kept when they are first loaded.
func (m modules) viewerOnly() []string {
	names := []string{"viewer.wasm", "viewer.css"}
	var needed []string
	for _, d := range documents {
		if !slices.Contains(statePages, d.file) {
			at := m.closure(d.module)
			needed = append(needed, at...)
			for _, later := range m.lazy(at) {
				needed = append(needed, later...)
			}
		}
	}
	for _, d := range documents {
		for _, name := range m.closure(d.module) {
			if !slices.Contains(needed, name) && name != "wasm_exec.js" {
				names = append(names, name)
			}
		}
	}
	return names
}

// A manifest is a W3C web application manifest, as far as we use it.
type manifest struct {
	Name         string        `json:"name"`
	ShortName    string        `json:"short_name"`
	Language     string        `json:"lang"`
	Direction    string        `json:"dir"`
	Start        string        `json:"start_url"`
	Scope        string        `json:"scope"`
	Display      string        `json:"display"`
	Background   string        `json:"background_color"`
	Theme        string        `json:"theme_color"`
	Icons        []icon        `json:"icons"`
	Shortcuts    []shortcut    `json:"shortcuts"`
	ShareTarget  shareTarget   `json:"share_target"`
	FileHandlers []fileHandler `json:"file_handlers"`
	Launch       launch        `json:"launch_handler"`
}

type icon struct {
	Source  string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose,omitempty"`
}

type shortcut struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// A shareTarget says where another program's files go: by POST, to an address that the service worker answers on the device.
type shareTarget struct {
	Action  string      `json:"action"`
	Method  string      `json:"method"`
	Coding  string      `json:"enctype"`
	Request shareParams `json:"params"`
}

type shareParams struct {
	Title string      `json:"title"`
	Text  string      `json:"text"`
	URL   string      `json:"url"`
	Files []shareFile `json:"files"`
}

type shareFile struct {
	Name   string   `json:"name"`
	Accept []string `json:"accept"`
}

type fileHandler struct {
	Action string              `json:"action"`
	Accept map[string][]string `json:"accept"`
}

type launch struct {
	Client string `json:"client_mode"`
}

// share is where the operating system's share sheet sends files; the service worker takes them, and no server does.
const share = "share"

// handled are the files that a system may open with the portal: receipts, and what documents usually are. Nothing keeps others out.
var handled = map[string][]string{
	"application/pdf":          {".pdf"},
	"application/octet-stream": {".tlog-proof", ".stele-evidence"},
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": {".docx"},
	"application/vnd.oasis.opendocument.text":                                 {".odt"},
	"application/vnd.etsi.asic-e+zip":                                         {".asice", ".sce"},
	"application/zip":                                                         {".zip"},
	"image/jpeg":                                                              {".jpg", ".jpeg"},
	"image/png":                                                               {".png"},
	"text/plain":                                                              {".txt"},
}

// renderManifest returns the manifest in a language; it lies beside the language's pages.
func renderManifest(s Snapshot, t *text.Text, assets pages.Assets) ([]byte, error) {
	root := "./"
	if pages.Home(t) != "" {
		root = "../"
	}
	m := manifest{Name: s.Title, ShortName: t.Page("device.short"), Language: t.Language, Direction: t.Direction, Start: Index, Scope: root, Display: "standalone",
		Background: "#faf7f1", Theme: "#2a2622", Launch: launch{"focus-existing"},
		Icons: []icon{{root + assets.Base + "icon-192.png", "192x192", "image/png", ""}, {root + assets.Base + "icon-512.png", "512x512", "image/png", ""},
			{root + assets.Base + "icon-512.png", "512x512", "image/png", "maskable"}, {root + assets.Base + "stele.svg", "any", "image/svg+xml", ""}},
		Shortcuts:    []shortcut{{t.Page("nav.check"), Index}, {t.Page("nav.offline"), "offline.html"}, {t.Page("nav.ledger"), "ledger.html"}},
		ShareTarget:  shareTarget{root + share, "POST", "multipart/form-data", shareParams{"title", "text", "url", []shareFile{{"files", []string{"*/*"}}}}},
		FileHandlers: []fileHandler{{Index, handled}}}
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// manifestName is the manifest's path in a language's folder.
const manifestName = "manifest.webmanifest"
