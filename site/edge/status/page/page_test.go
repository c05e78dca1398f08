package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"stele/build/follow/followtest"
	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/edge/status/page"
	"stele/site/headers"
	"stele/site/pages"
	"stele/site/text"
)

// portal are the files that a publication has, as far as the page needs them: those of two builds, of which the first page names the second.
var portal = map[string]string{"index.html": `<link href="assets/beefbeefbeef/stele.css">`, "assets/0a0a0a0a0a0a/stele.css": "old"}

func init() {
	for _, name := range []string{"stele.css", "results.css", "evidence.css", "viewer.css", "modes.css", "stele.svg", "language.js"} {
		portal["assets/beefbeefbeef/"+name] = "the file " + name
	}
}

func read(name string) ([]byte, error) {
	content, ok := portal[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(content), nil
}

func newTrust(t *testing.T) *proofs.Trust {
	return followtest.New(t, followtest.Policy{Officers: []string{"ada", "bob"}, Needed: 2, Witnesses: []string{"north"}, Seen: 1}).Trust
}

func files(t *testing.T) map[string][]byte {
	t.Helper()
	all, err := page.Files(newTrust(t), read)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// addresses are what a page leads to or loads, and what it should be.
var addresses = regexp.MustCompile(`(?:href|src)="([^"#]*)"(?: integrity="([^"]*)")?`)

// TestPages: one page a language, whole, each leading to the others, and everything that it loads there and as it says.
func TestPages(t *testing.T) {
	all := files(t)
	texts, err := text.Languages()
	if err != nil || len(texts) != 6 {
		t.Fatalf("%d languages, %v", len(texts), err)
	}
	leads := map[string]bool{"": true, "health.json": true, "ledger/checkpoint": true, "trust/1": true}
	for _, l := range texts {
		for _, file := range []string{"index.html", "offline.html", "issuers.html", "ledger.html", "developers.html"} {
			leads[pages.Home(l)+file] = true
		}
		leads[page.Folder+pages.Home(l)] = true
	}
	titles := map[string]bool{}
	for _, l := range texts {
		folder := page.Folder + pages.Home(l)
		content := string(all[folder+"index.html"])
		for _, want := range []string{`lang="` + l.Language + `"`, `dir="` + l.Direction + `"`, l.Health["script.title"], l.Health["unread.title"], followtest.Origin, `data-languages="en ar es fr ru zh"`} {
			if !strings.Contains(content, want) {
				t.Errorf("%s does not say %q", folder, want)
			}
		}
		if root := `data-root=""`; strings.Contains(content, root) != (l.Language == "en") {
			t.Errorf("%s: %s stands in the English page alone, which gives way to the others", folder, root)
		}
		for _, found := range addresses.FindAllStringSubmatch(content, -1) {
			name := resolve(folder, found[1])
			b, loaded := all[name]
			if !loaded && !leads[name] || loaded && html.UnescapeString(found[2]) != pages.Integrity(b) && !strings.HasSuffix(name, ".svg") {
				t.Errorf("%s: %s is not there, or is not %q", folder, name, found[2])
			}
		}
		title, _, _ := strings.Cut(content[strings.Index(content, "<title>"):], "</title>")
		titles[title] = true
	}
	if len(titles) != len(texts) {
		t.Errorf("languages say the same: %v", titles)
	}
}

// resolve is where an address leads from a folder.
func resolve(folder, address string) string {
	address = strings.TrimPrefix(address, "./")
	for strings.HasPrefix(address, "../") {
		address = address[len("../"):]
		folder = folder[:strings.LastIndexByte(strings.TrimSuffix(folder, "/"), '/')+1]
	}
	return folder + address
}

var inline = regexp.MustCompile(`<script(?: [^>]*)?>[^<]|<style|\son\w+=|\sstyle=|javascript:`)

// TestPolicy: the page runs what it names and nothing else, and says so itself.
func TestPolicy(t *testing.T) {
	for name, b := range files(t) {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		for _, want := range []string{`content="` + strings.ReplaceAll(headers.ContentSecurityPolicy, "'", "&#39;") + `"`, `<script type="module" src=`, `health.js" integrity=`} {
			if !bytes.Contains(b, []byte(want)) {
				t.Errorf("%s has not %s", name, want)
			}
		}
		if n := bytes.Count(b, []byte("<script")); n != 2 { // the language and the page's own
			t.Errorf("%s: %d scripts, want 2", name, n)
		}
		if found := inline.Find(b); found != nil {
			t.Errorf("%s: %q", name, found)
		}
	}
}

// TestScripts: modules as browsers are sent them, which import one another where they lie.
func TestScripts(t *testing.T) {
	all := files(t)
	script := string(all[page.Folder+"health.js"])
	for _, found := range regexp.MustCompile(`from '([^']*)'`).FindAllStringSubmatch(script, -1) {
		if all[resolve(page.Folder, found[1])] == nil {
			t.Errorf("health.js imports %s, which is not there", found[1])
		}
	}
	for name, b := range all {
		if strings.HasPrefix(name, page.Folder) && strings.HasSuffix(name, ".js") && (bytes.Contains(b, []byte("innerHTML")) || bytes.Contains(b, []byte(".mjs'"))) {
			t.Errorf("%s writes markup, or imports what is not published", name)
		}
	}
}

// TestWording: every key that the script says has wording, and every code that can be told.
func TestWording(t *testing.T) {
	all := files(t)
	script := string(all[page.Folder+"health.js"])
	english := string(all[page.Folder+"index.html"])
	for _, found := range regexp.MustCompile(`say\('([\w.]+)'`).FindAllStringSubmatch(script, -1) {
		if !strings.Contains(english, fmt.Sprintf(`data-key=%q`, found[1])) {
			t.Errorf("the script says %s, which the page has no wording of", found[1])
		}
	}
}

// TestOwn: the files are those that nobody can publish over, or the portal's own assets.
func TestOwn(t *testing.T) {
	for name := range files(t) {
		if !strings.HasPrefix(name, published.OwnPrefix) && portal[name] == "" || !proofs.IsSetName(name) || strings.HasPrefix(name, published.OwnPrefix) != published.IsOwn(name) {
			t.Errorf("%s is not the deployment's own", name)
		}
	}
}

// TestNoPortal: without the portal's pages there is nothing to look like.
func TestNoPortal(t *testing.T) {
	none := func(name string) ([]byte, error) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	if _, err := page.Files(newTrust(t), none); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := page.Files(newTrust(t), func(string) ([]byte, error) { return []byte("<!doctype html>"), nil }); err == nil {
		t.Error("a first page without assets is taken")
	}
}
