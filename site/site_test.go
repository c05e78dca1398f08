package site

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"html"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stele/proofs"
	"stele/site/pages"
	"stele/site/text"
)

// sample is a snapshot with everything in it that a page can show.
func sample() Snapshot {
	trust := trustFile(2)
	print := sha256.Sum256(trust)
	root := strings.Repeat("0123456789abcdef", 4)
	at := time.Date(2026, 11, 22, 14, 3, 0, 0, time.UTC)
	return Snapshot{
		Title: "Registry of <Examples>", Origin: "registry.example/ledger", Demo: true,
		TrustFile: trust, TrustEpoch: 2, TrustPrint: hex.EncodeToString(print[:]),
		Size: 1 << 60, Root: root, Published: at, Publication: 7, Keys: 1234,
		Issuers: []Issuer{
			{Name: "education.example", Title: "Ministry of Education", Kinds: []string{"diploma", "transcript"}, Since: at},
			{Name: "old.example", Title: "وزارة", Kinds: []string{"*"}, Since: at, Withdrawn: true},
		},
		History: []Publication{{Size: 9, Root: root, Hash: root, Time: at}, {Size: 3, Root: root, Hash: root, Time: at}},
		Epochs:  []Epoch{{Number: 1, Print: root, Last: 5}, {Number: 2, Print: hex.EncodeToString(print[:]), Handover: true}},
		Samples: []Sample{
			{Path: "samples/100% приказ.pdf", Verdict: proofs.Authentic, Role: "register"},
			{Path: "samples/b.txt", Role: "unheard-of", Verdict: proofs.Mismatch},
		},
		WASM: []byte("\x00asm\x01\x00\x00\x00"), ViewerWASM: []byte("\x00asm\x01\x00\x00\x00\x00"), WASMExec: []byte("globalThis.Go = class {};\n"),
	}
}

// trustFile is one with officers of whom one has two keys, and no witnesses.
func trustFile(epoch uint64) []byte {
	n := byte(0)
	key := func(name string, kind proofs.KeyType) *proofs.Key {
		n++
		s, err := proofs.NewMemorySigner(name, kind, bytes.Repeat([]byte{n}, 32))
		if err != nil {
			panic(err)
		}
		return s.Key()
	}
	const origin = "registry.example/ledger"
	witness := func(name, of string, kind proofs.KeyType) string {
		return "witness " + name + " " + key(of, kind).String() + "\n"
	}
	policy := "log " + key(origin, proofs.Ed25519Key).String() + "\n" + witness("own", origin, proofs.MLDSA44Key) +
		witness("m1", "ministry.example", proofs.CosignatureKey) + witness("m2", "ministry.example", proofs.MLDSA44Key) +
		witness("court", "court.example", proofs.CosignatureKey) + witness("archive", "archive.example", proofs.MLDSA44Key) +
		"group ministry all m1 m2\ngroup officers 2 ministry court archive\ngroup everybody all own officers\nquorum everybody\n"
	t := &proofs.Trust{Origin: origin, Epoch: 1, Title: "Registry of <Examples>", Demo: true, RootThreshold: 1,
		RootKeys: []*proofs.Key{key("registry.example/root", proofs.Ed25519Key)}, Publication: key("registry.example/publication", proofs.Ed25519Key),
		StaleAfter: 86400, ApprovalAge: 86400, Officers: "officers", Witnesses: "none", PolicyText: []byte(policy)}
	for t.Epoch < epoch {
		t = t.Successor(proofs.Checkpoint{Origin: origin, Size: 5 * t.Epoch})
	}
	return t.Marshal()
}

func rendered(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := Render(sample())
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// mirrored is English as a language that is written from right to left, for what must hold in folders of languages whichever there are.
func mirrored() *text.Text {
	t := *text.English()
	t.Language, t.Name, t.Direction = "he", "Mirrored", "rtl"
	return &t
}

// languagesShown are all that there are, and one more.
func languagesShown(t *testing.T) []*text.Text {
	t.Helper()
	texts, err := text.Languages()
	if err != nil {
		t.Fatal(err)
	}
	return append(slices.Clone(texts), mirrored())
}

func renderedIn(t *testing.T, texts []*text.Text) map[string][]byte {
	t.Helper()
	s := sample()
	trust, err := proofs.ParseTrust(s.TrustFile)
	if err != nil {
		t.Fatal(err)
	}
	files, err := render(s, trust, texts)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// eachPage checks every page in every language; its name is its path.
func eachPage(t *testing.T, check func(t *testing.T, files map[string][]byte, name, content string)) {
	texts := languagesShown(t)
	files := renderedIn(t, texts)
	for _, l := range texts {
		for _, d := range documents {
			name := pages.Home(l) + d.file
			t.Run(name, func(t *testing.T) { check(t, files, name, string(files[name])) })
		}
	}
}

func TestRenderIsDeterministic(t *testing.T) {
	a, b := rendered(t), rendered(t)
	if !maps.EqualFunc(a, b, bytes.Equal) {
		t.Error("two renderings of one snapshot differ")
	}
}

func TestRenderRefusesWhatCannotWork(t *testing.T) {
	for name, spoil := range map[string]func(*Snapshot){
		"title":      func(s *Snapshot) { s.Title = "" },
		"trust file": func(s *Snapshot) { s.TrustFile = nil },
		"no trust file": func(s *Snapshot) {
			s.TrustFile = []byte("stele.trust/1\n")
			print := sha256.Sum256(s.TrustFile)
			s.TrustPrint = hex.EncodeToString(print[:])
			s.Epochs[1].Print = s.TrustPrint
		},
		"epochs":      func(s *Snapshot) { s.Epochs = s.Epochs[:1] },
		"no epochs":   func(s *Snapshot) { s.Epochs = nil },
		"fingerprint": func(s *Snapshot) { s.TrustPrint = strings.Repeat("0", 64) },
		"verifier":    func(s *Snapshot) { s.WASM = nil },
	} {
		s := sample()
		spoil(&s)
		if _, err := Render(s); err == nil {
			t.Errorf("%s: rendered, want an error", name)
		}
	}
}

func TestEmptyRegistry(t *testing.T) {
	s := sample()
	s.Issuers, s.History, s.Samples, s.Published, s.Demo = nil, nil, nil, time.Time{}, false
	files, err := Render(s)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(files[Index]), "data-demo") {
		t.Error("a registry that is no demonstration shows the demonstration's banner")
	}
}

func TestOrderEndsWithIndex(t *testing.T) {
	order := Order(rendered(t))
	if order[len(order)-1] != Index {
		t.Errorf("last is %q, want %q", order[len(order)-1], Index)
	}
	order = Order(renderedIn(t, languagesShown(t)))
	if offline := slices.Index(order, "offline.html"); slices.Index(order, "he/index.html") > offline || offline < 0 {
		t.Error("an English page comes before a page that it leads to")
	}
	pagesBegin := slices.IndexFunc(order, func(p string) bool { return !strings.HasPrefix(p, "assets/") })
	for _, p := range order[pagesBegin:] {
		if strings.HasPrefix(p, "assets/") {
			t.Errorf("asset %q comes after a page", p)
		}
	}
}

// TestLanguages: a page says which language it is in, and leads to itself in each of the others; its links stay in its own.
func TestLanguages(t *testing.T) {
	texts := languagesShown(t)
	eachPage(t, func(t *testing.T, _ map[string][]byte, name, content string) {
		file, root, own := path.Base(name), "", "en"
		if name != file {
			root, own = "../", path.Dir(name)
		}
		for _, l := range texts {
			at := root + pages.Home(l) + file
			if want := `<link rel="alternate" hreflang="` + l.Language + `" href="` + at + `">`; !strings.Contains(content, want) {
				t.Errorf("no %s", want)
			}
			link := regexp.MustCompile(`<a href="([^"]*)" lang="` + l.Language + `" dir="` + l.Direction + `"[^>]*data-language="` + l.Language + `"[^>]*>` + l.Name + `</a>`).FindStringSubmatch(content)
			switch {
			case link == nil || link[1] != at || strings.Contains(link[0], "aria-current") != (l.Language == own):
				t.Errorf("the menu leads for %s to %q, want %q, and the page's own language to be marked", l.Language, link, at)
			case l.Language == own && !strings.Contains(content, `<html lang="`+own+`" dir="`+l.Direction+`" data-root="`+root+`" `):
				t.Errorf("the page does not say its language: %.200s", content)
			}
		}
	})
}

var (
	address   = regexp.MustCompile(`\s(?:src|href|data-wasm|data-text|data-trust|data-sample)="([^"]*)"`)
	integrity = regexp.MustCompile(`\s(?:src|href|data-wasm|data-text)="([^"]*)"(?: data-[a-z]+-| )integrity="([^"]*)"`)
	tag       = regexp.MustCompile(`<[a-z][^>]*>`)
	inline    = regexp.MustCompile(`\s(?:on[a-z]+|style)=|javascript:|<style`)
)

// besides are what the publisher puts beside the portal.
var besides = regexp.MustCompile(`^(?:ledger/(?:head|checkpoint|history/list|history/\d+/[0-9a-f]{64})|trust/[12](?:\.tlog-proof)?|samples/.+|verify\.html)$`)

func TestEveryReferenceResolves(t *testing.T) {
	eachPage(t, func(t *testing.T, files map[string][]byte, name, content string) {
		for _, m := range address.FindAllStringSubmatch(content, -1) {
			link := html.UnescapeString(m[1])
			if strings.HasPrefix(link, "#") || strings.HasPrefix(link, "https://c2sp.org/") {
				continue
			}
			u, err := url.Parse(link)
			if err != nil || u.IsAbs() || strings.HasPrefix(link, "/") {
				t.Errorf("%q is not a relative reference", link)
				continue
			}
			if at := path.Join(path.Dir(name), u.Path); files[at] == nil && !besides.MatchString(at) {
				t.Errorf("%q leads nowhere", link)
			}
		}
	})
}

func TestFragmentsResolve(t *testing.T) {
	fragment := regexp.MustCompile(`(?:href="#|for="|aria-labelledby="|aria-describedby=")([^"]*)"`)
	eachPage(t, func(t *testing.T, _ map[string][]byte, name, content string) {
		for _, m := range fragment.FindAllStringSubmatch(content, -1) {
			if strings.Count(content, ` id="`+m[1]+`"`) != 1 {
				t.Errorf("id %q does not stand on the page exactly once", m[1])
			}
		}
	})
}

// TestWhoseSignaturesCount: the ledger's page says how many of whom must sign, down to every key, and how that has changed.
func TestWhoseSignaturesCount(t *testing.T) {
	files := rendered(t)
	shown := tag.ReplaceAllString(string(files["ledger.html"]), " ")
	shown = strings.Join(strings.Fields(regexp.MustCompile(`</[a-z0-9]+>`).ReplaceAllString(shown, " ")), " ")
	for _, want := range []string{
		"Officers who approve : 2 of 3 must sign ministry.example 2 of 2 must sign ministry.example Ed25519, classical ministry.example ML-DSA-44, post-quantum court.example Ed25519, classical archive.example ML-DSA-44, post-quantum",
		"Outside witnesses : none",
		"proof that the one before agreed",
	} {
		if !strings.Contains(shown, strings.ReplaceAll(want, " : ", ": ")) {
			t.Errorf("want %q in %q", want, shown)
		}
	}
	if want := `data-trust-earlier="` + strings.Repeat("0123456789abcdef", 4) + `"`; !strings.Contains(string(files[Index]), want) || !strings.Contains(string(files["ledger.html"]), want) {
		t.Errorf("the pages do not name the earlier trust file: want %s", want)
	}
}

// TestIconsExist holds that every verdict and step state has its symbol.
func TestIconsExist(t *testing.T) {
	content := string(rendered(t)[Index])
	names := []string{"receipt", "working", "notice", "passed", "failed", "absent"}
	for _, v := range proofs.Verdicts() {
		names = append(names, string(v))
	}
	for _, n := range names {
		if !strings.Contains(content, `<symbol id="icon-`+n+`"`) {
			t.Errorf("no symbol for %q", n)
		}
	}
}

func TestContentSecurityPolicy(t *testing.T) {
	want := `<meta http-equiv="Content-Security-Policy" content="` + html.EscapeString(pages.ContentSecurityPolicy) + `"`
	eachPage(t, func(t *testing.T, _ map[string][]byte, name, content string) {
		at := strings.Index(content, want)
		if at < 0 {
			t.Fatal("no content security policy")
		}
		// A policy governs only what comes after it.
		for _, loading := range []string{"<script", "<link", "<img"} {
			if first := strings.Index(content, loading); first >= 0 && first < at {
				t.Errorf("%s stands before the policy", loading)
			}
		}
	})
}

func TestNothingInline(t *testing.T) {
	eachPage(t, func(t *testing.T, _ map[string][]byte, name, content string) {
		for _, found := range tag.FindAllString(content, -1) {
			if inline.MatchString(found) || strings.HasPrefix(found, "<script") && !strings.Contains(found, " src=") {
				t.Errorf("inline script or style: %s", found)
			}
		}
	})
}

func TestIntegrity(t *testing.T) {
	eachPage(t, func(t *testing.T, files map[string][]byte, name, content string) {
		checked := 0
		for _, m := range integrity.FindAllStringSubmatch(content, -1) {
			if got, want := html.UnescapeString(m[2]), pages.Integrity(files[path.Join(path.Dir(name), m[1])]); got != want {
				t.Errorf("integrity of %s: got %s, want %s", m[1], got, want)
			}
			checked++
		}
		if scripts := strings.Count(content, "<script ") + strings.Count(content, `rel="stylesheet"`) + strings.Count(content, "modulepreload"); checked < scripts {
			t.Errorf("%d references with integrity, want at least %d", checked, scripts)
		}
	})
}

var preloaded = regexp.MustCompile(`rel="modulepreload" href="[^"]*/([^"/]+)"`)

// TestModulesResolve follows the imports: what a module needs is published, and
// what the page runs is preloaded with its integrity, and nothing else is.
func TestModulesResolve(t *testing.T) {
	files := rendered(t)
	for _, d := range documents {
		seen := modulesOf(t, files, d.module)
		page := html.UnescapeString(string(files[d.file]))
		for name, at := range seen {
			integrity := pages.Integrity(files[at])
			if !strings.Contains(page, at+" "+integrity) && !strings.Contains(page, at+`" integrity="`+integrity) {
				t.Errorf("%s: module %q is run without integrity", d.file, name)
			}
		}
		for _, m := range preloaded.FindAllStringSubmatch(page, -1) {
			if seen[m[1]] == "" {
				t.Errorf("%s: module %q is loaded for nothing", d.file, m[1])
			}
		}
	}
	if seen := modulesOf(t, files, "page.js"); seen["viewer.js"] != "" || strings.Contains(string(files[Index]), "viewer.") {
		t.Error("the page that checks documents loads what looks into the ledger")
	}
}

// TestLazyModules: whatever the first page's scripts load on the way is named by the page, whole with all that it imports.
func TestLazyModules(t *testing.T) {
	files := rendered(t)
	page := html.UnescapeString(string(files[Index]))
	list := regexp.MustCompile(`data-lazy-parts="([^"]*)"`).FindStringSubmatch(page)
	if list == nil {
		t.Fatal("the page names no lazy modules")
	}
	groups := map[string]string{}
	for _, g := range strings.Split(list[1], " | ") {
		name, words, _ := strings.Cut(g, " ")
		groups[name] = words
	}
	for _, root := range []string{"export.js", "lists.js", "print.js", "table.js", "zip.js"} {
		if groups[root] == "" {
			t.Errorf("%s is not named", root)
		}
	}
	for root, words := range groups {
		for name, at := range reached(t, files, root, importedAtOnce) {
			whole := at + " " + pages.Integrity(files[at])
			if !strings.Contains(words, whole) && !strings.Contains(page, at+`" integrity="`+pages.Integrity(files[at])) {
				t.Errorf("%s needs %s, whose integrity is not named with it in %q", root, name, words)
			}
		}
	}
}

const importedAtOnce = `(?:from|import|new URL\()\s*["']\./([^"']+)["']`

// modulesOf are the paths of a module and of all that it ever loads, by name.
func modulesOf(t *testing.T, files map[string][]byte, first string) map[string]string {
	t.Helper()
	return reached(t, files, first, importedAtOnce+`|\blazy\('([a-z0-9-]+\.js)'\)`)
}

// reached are the paths of a module and of all to which it leads by a form of import, by name.
func reached(t *testing.T, files map[string][]byte, first, form string) map[string]string {
	t.Helper()
	imports := regexp.MustCompile(form)
	base := path.Dir(assetPath(t, files, first))
	seen := map[string]string{}
	var follow func(name string)
	follow = func(name string) {
		if seen[name] != "" {
			return
		}
		seen[name] = base + "/" + name
		content, ok := files[base+"/"+name]
		if !ok {
			t.Errorf("module %q is not published", name)
		}
		for _, m := range imports.FindAllSubmatch(content, -1) {
			follow(string(bytes.Join(m[1:], nil)))
		}
	}
	follow(first)
	return seen
}

func assetPath(t *testing.T, files map[string][]byte, name string) string {
	t.Helper()
	for p := range files {
		if strings.HasPrefix(p, "assets/") && path.Base(p) == name {
			return p
		}
	}
	t.Fatalf("no asset %q", name)
	return ""
}

// TestScriptsHaveWording holds that what the scripts ask for by a fixed key is there.
func TestScriptsHaveWording(t *testing.T) {
	key := regexp.MustCompile(`\.(ui|local|say)\(\s*["']([A-Za-z.-]+)["']|this\.(?:button|saving)\(\s*["']([A-Za-z]+)["']`)
	tableKey := regexp.MustCompile(`\.of\(\s*["']([a-z]+)["'],\s*["']([A-Za-z.-]+)["']`)
	pluralKey := regexp.MustCompile(`\.count\(\s*["']([A-Za-z.-]+)["']`)
	english := text.English()
	tables := map[string]map[string]string{"files": english.Files, "hints": english.Hints, "device": english.Device, "drawn": english.Drawn, "links": english.Links}
	for name, content := range rendered(t) {
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		for _, m := range key.FindAllStringSubmatch(string(content), -1) {
			table, k := english.UI, m[2]+m[3]
			switch m[1] {
			case "local":
				table = english.Local
			case "say":
				table = english.Viewer
			}
			if table[k] == "" {
				t.Errorf("%s: no wording for %q", path.Base(name), k)
			}
		}
		for _, m := range pluralKey.FindAllStringSubmatch(string(content), -1) {
			if english.Plurals[m[1]]["other"] == "" {
				t.Errorf("%s: no wording for the count %q", path.Base(name), m[1])
			}
		}
		for _, m := range tableKey.FindAllStringSubmatch(string(content), -1) {
			if tables[m[1]][m[2]] == "" {
				t.Errorf("%s: no wording for %q in %q", path.Base(name), m[2], m[1])
			}
		}
	}
}

func TestForeignTextIsEscaped(t *testing.T) {
	if content := string(rendered(t)[Index]); strings.Contains(content, "<Examples>") {
		t.Error("a title with markup is written as markup")
	}
}

// TestScriptsWithoutComments: what is published of a module is its code, and all of it.
func TestScriptsWithoutComments(t *testing.T) {
	const source = "// About\n/** What it does. */\nexport const at = 'https://x' // kept\n\n  /**\n   * @param {string} a\n   */\n  f(a) {\n    // why\n    return /\\/\\*/.test(a)\n  }\n"
	const want = "export const at = 'https://x' // kept\n\n  f(a) {\n    return /\\/\\*/.test(a)\n  }\n"
	if got := string(comment.ReplaceAll([]byte(source), nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, content := range rendered(t) {
		if strings.HasSuffix(name, ".js") && path.Base(name) != "wasm_exec.js" && regexp.MustCompile(`(?m)^\s*(//|/\*| \*)`).Match(content) {
			t.Errorf("%s has comments", path.Base(name))
		}
	}
}

// TestScriptsStayPlain holds what the policy cannot: no markup is made from text.
func TestScriptsStayPlain(t *testing.T) {
	for name, content := range rendered(t) {
		if !strings.HasSuffix(name, ".js") || path.Base(name) == "wasm_exec.js" {
			continue
		}
		for _, word := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"} {
			if strings.Contains(string(content), word) {
				t.Errorf("%s uses %s", path.Base(name), word)
			}
		}
	}
}
