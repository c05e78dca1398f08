package site

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"sort"
	"strings"
	"sync"

	"stele/proofs"
	"stele/site/pages"
	"stele/site/text"
)

// The verifier in one file, verify.html, is the portal's first page with everything that it loads inside: the same modules, styles,
// wording and WASM. It works from disk, with no network and no server:
//
//	modules   joined into one script (join.go); a few that read from a server give way to others that read from the file
//	workers   run the same script, which stands in the page once
//	the rest  WASM, trust file and wording: packed with gzip, in blocks of data that are not run
//	language  each language's page in a template; a script shows the reader's
//
// Its content security policy names the script and the style by their hashes and allows no connection at all: the browser itself
// holds that nothing that was dropped on it can leave.
//
// It depends on the program and the trust file alone, and on nothing that changes with a publication: whoever keeps it can compare it
// with what the registry has registered.

// Single is the path of the verifier in one file.
const Single = pages.SingleName

// singlePolicy is the content security policy of the file, but for the hashes of its script and its style. A worker that is made from
// the page inherits it.
const singlePolicy = "default-src 'none'; script-src '%s' 'wasm-unsafe-eval'; style-src '%s'; img-src data:; worker-src blob:; base-uri 'none'; form-action 'none'"

// standIns are the modules that take the place of others in one file.
var standIns = map[string]string{
	"asset.js":    "single-asset.js",
	"portal.js":   "single-portal.js",
	"workers.js":  "single-workers.js",
	"arrivals.js": "single-arrivals.js",
	"lazy.js":     "single-lazy.js",
}

// A SingleInput is all that the verifier in one file is made of, besides what stands in this package.
type SingleInput struct {
	TrustFile []byte
	WASM      []byte
	WASMExec  []byte
}

// ID tells two inputs apart: the same one gives the same file.
func (in SingleInput) ID() (proofs.Hash, error) {
	texts, err := text.Languages()
	if err != nil {
		return proofs.Hash{}, err
	}
	return in.id(texts)
}

// id tells two inputs apart: the same one gives the same file. What stands in this package is part of it.
func (in SingleInput) id(texts []*text.Text) (proofs.Hash, error) {
	parts, err := in.parts(texts)
	if err != nil {
		return proofs.Hash{}, err
	}
	h := sha256.New()
	names := make([]string, 0, len(parts))
	for n := range parts {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		fmt.Fprintf(h, "%s %x\n", n, sha256.Sum256(parts[n]))
	}
	return proofs.Hash(h.Sum(nil)), nil
}

// parts are the embedded sources and what is brought along, by name.
func (in SingleInput) parts(texts []*text.Text) (map[string][]byte, error) {
	parts, err := collectAll()
	if err != nil {
		return nil, err
	}
	parts["verifier.wasm"], parts["wasm_exec.js"], parts["trust"] = in.WASM, in.WASMExec, in.TrustFile
	for _, t := range texts {
		parts["text/"+t.Language+".json"] = t.Whole()
		parts["page/"+t.Language] = []byte(fmt.Sprint(t.Pages))
	}
	return parts, nil
}

// lastSingle is kept because a daemon makes the pages anew with every publication, and packing takes longer than all of them.
var lastSingle struct {
	sync.Mutex
	id   proofs.Hash
	file []byte
}

// RenderSingle returns the verifier in one file. The same input gives the same bytes, which are shared and must not be changed.
func RenderSingle(in SingleInput) ([]byte, error) {
	texts, err := text.Languages()
	if err != nil {
		return nil, err
	}
	return renderSingle(texts, in)
}

func renderSingle(texts []*text.Text, in SingleInput) ([]byte, error) {
	id, err := in.id(texts)
	if err != nil {
		return nil, err
	}
	lastSingle.Lock()
	defer lastSingle.Unlock()
	if lastSingle.file != nil && lastSingle.id == id {
		return lastSingle.file, nil
	}
	file, err := in.render(texts)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", Single, err)
	}
	lastSingle.id, lastSingle.file = id, file
	return file, nil
}

func (in SingleInput) render(texts []*text.Text) ([]byte, error) {
	trust, err := proofs.ParseTrust(in.TrustFile)
	if err != nil {
		return nil, err
	}
	parts, err := in.parts(texts)
	if err != nil {
		return nil, err
	}
	script, err := singleScript(parts)
	if err != nil {
		return nil, err
	}
	bodies, err := in.bodies(texts, trust, parts)
	if err != nil {
		return nil, err
	}
	data, err := singleData(texts, trust, parts)
	if err != nil {
		return nil, err
	}
	style := singleStyle(parts)
	var b bytes.Buffer
	title := html.EscapeString(trust.Title)
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html lang=\"en\" dir=\"ltr\">\n<head>\n<meta charset=\"utf-8\">\n")
	fmt.Fprintf(&b, "<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n",
		html.EscapeString(fmt.Sprintf(singlePolicy, pages.Integrity([]byte(script)), pages.Integrity([]byte(style)))))
	fmt.Fprintf(&b, "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"+
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s</title>\n<link rel=\"icon\" href=\"%s\">\n<style>%s</style>\n</head>\n<body>\n", title, mark(parts), style)
	b.Write(bodies)
	b.Write(data)
	fmt.Fprintf(&b, "<script data-program>%s</script>\n</body>\n</html>\n", script)
	return b.Bytes(), nil
}

// singleScript is the one script of the file: in the page it begins the page, in a worker the worker.
func singleScript(parts map[string][]byte) (string, error) {
	joined, err := join(parts, standIns, "single-start.js", "worker.js")
	if err != nil {
		return "", err
	}
	return "'use strict'\n" + joined + "begin(globalThis)(typeof document === 'undefined' ? 'worker.js' : 'single-start.js')\n", nil
}

// singleStyle is what the first page's style sheets say.
func singleStyle(parts map[string][]byte) string {
	var b strings.Builder
	for _, name := range answerStyles {
		b.Write(parts[name])
	}
	return b.String()
}

// bodies are the pages in every language, and what is read without scripts.
func (in SingleInput) bodies(texts []*text.Text, trust *proofs.Trust, parts map[string][]byte) ([]byte, error) {
	print := trust.ID()
	var templates, plain bytes.Buffer
	for _, t := range texts {
		p := pages.Page{Trust: trust, Text: t, Texts: texts, Mark: mark(parts), Snapshot: Snapshot{Title: trust.Title, Origin: trust.Origin, Demo: trust.Demo,
			TrustFile: in.TrustFile, TrustEpoch: int(trust.Epoch), TrustPrint: print.String()}}
		body, err := renderPage(pages.SingleBody(p))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&templates, "<template data-language=\"%s\" data-direction=\"%s\" data-title=\"%s\">\n%s</template>\n", t.Language, t.Direction,
			html.EscapeString(t.Page("onefile.title")+" · "+trust.Title), body)
		if err := pages.SingleNoScript(p).Render(context.Background(), &plain); err != nil {
			return nil, err
		}
	}
	return append(templates.Bytes(), "<noscript>"+plain.String()+"</noscript>\n"...), nil
}

// singleData are the blocks that the scripts read (assets/single-asset.mjs).
func singleData(texts []*text.Text, trust *proofs.Trust, parts map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	add := func(name string, content []byte) error {
		packed, err := pack(content)
		fmt.Fprintf(&b, "<script type=\"application/gzip\" data-part=\"%s\">%s</script>\n", name, base64.StdEncoding.EncodeToString(packed))
		return err
	}
	if err := add("verifier.wasm", parts["verifier.wasm"]); err != nil {
		return nil, err
	}
	if err := add(proofs.TrustPath(trust.Epoch), parts["trust"]); err != nil {
		return nil, err
	}
	for _, t := range texts {
		name := "text/" + t.Language + ".json"
		if err := add(name, parts[name]); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func pack(content []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b) // the best compression takes three times as long for one per cent less
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

// mark is the portal's sign as an address that holds it.
func mark(parts map[string][]byte) string {
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(parts["stele.svg"])
}
