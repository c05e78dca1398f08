package site

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stele/proofs"
	"stele/site/pages"
)

func single(t *testing.T, change func(*SingleInput)) string {
	t.Helper()
	s := sample()
	in := SingleInput{TrustFile: s.TrustFile, WASM: s.WASM, WASMExec: s.WASMExec}
	if change != nil {
		change(&in)
	}
	b, err := RenderSingle(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSingleDependsOnNothingThatIsPublished: the same program and trust file give the same bytes, whatever the ledger holds; others, others.
func TestSingleDependsOnNothingThatIsPublished(t *testing.T) {
	s := sample()
	first, err := Render(s)
	if err != nil {
		t.Fatal(err)
	}
	s.Size, s.Root, s.Published, s.Publication, s.Keys, s.Issuers, s.History, s.Samples = 1, strings.Repeat("1", 64), time.Unix(1, 0), 8, 1, nil, nil, nil
	second, err := Render(s)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first[Single], second[Single]) || string(first[Single]) != single(t, nil) {
		t.Error("the file changes with what is published")
	}
	for name, change := range map[string]func(*SingleInput){
		"program":    func(in *SingleInput) { in.WASM = append(bytes.Clone(in.WASM), 0) },
		"its start":  func(in *SingleInput) { in.WASMExec = append(bytes.Clone(in.WASMExec), ' ') },
		"trust file": func(in *SingleInput) { in.TrustFile = trustFile(1) },
	} {
		if single(t, change) == single(t, nil) {
			t.Errorf("another %s gives the same file", name)
		}
	}
}

// TestSingleLoadsNothing: everything is inside, what runs is named by its hash, and no connection is allowed.
func TestSingleLoadsNothing(t *testing.T) {
	content := single(t, nil)
	for _, m := range regexp.MustCompile(`\s(?:src|href|action)="([^"]*)"`).FindAllStringSubmatch(content, -1) {
		if !strings.HasPrefix(m[1], "#") && !strings.HasPrefix(m[1], "data:image/") {
			t.Errorf("%q is outside of the file", m[1])
		}
	}
	between := func(begin, end string) string {
		_, after, _ := strings.Cut(content, begin)
		inner, _, found := strings.Cut(after, end)
		if !found {
			t.Fatalf("no %s", begin)
		}
		return inner
	}
	policy := html.UnescapeString(between(`<meta http-equiv="Content-Security-Policy" content="`, `"`))
	for what, part := range map[string]string{
		"script": "script-src '" + pages.Integrity([]byte(between("<script data-program>", "</script>"))) + "' 'wasm-unsafe-eval';",
		"style":  "style-src '" + pages.Integrity([]byte(between("<style>", "</style>"))) + "';",
		"rest":   "default-src 'none';",
	} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s: want %q in %q", what, part, policy)
		}
	}
	for _, word := range []string{"connect-src", "unsafe-inline", "http:", "https:", "*"} {
		if strings.Contains(policy, word) {
			t.Errorf("the policy has %q: %s", word, policy)
		}
	}
	if at := strings.Index(content, "Content-Security-Policy"); at > strings.Index(content, "<style") || at > strings.Index(content, "<script") {
		t.Error("something stands before the policy that is to govern it")
	}
}

// TestSingleHolds what it was made of, in every language.
func TestSingleHolds(t *testing.T) {
	content, s := single(t, nil), sample()
	unpacked := func(name string) []byte {
		m := regexp.MustCompile(`<script type="application/gzip" data-part="` + regexp.QuoteMeta(name) + `">([^<]*)</script>`).FindStringSubmatch(content)
		if m == nil {
			t.Fatalf("no part %q", name)
		}
		packed, err := base64.StdEncoding.DecodeString(m[1])
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(unpacked("verifier.wasm"), s.WASM) || !bytes.Equal(unpacked(proofs.TrustPath(2)), s.TrustFile) {
		t.Error("program or trust file is another one")
	}
	texts := languagesShown(t)
	b, err := renderSingle(texts, SingleInput{TrustFile: s.TrustFile, WASM: s.WASM, WASMExec: s.WASMExec})
	if err != nil {
		t.Fatal(err)
	}
	content = string(b)
	for _, l := range texts {
		if !strings.Contains(content, `<template data-language="`+l.Language+`" data-direction="`+l.Direction+`"`) || len(unpacked("text/"+l.Language+".json")) == 0 {
			t.Errorf("nothing in %q", l.Language)
		}
	}
}

// TestStandInsExportTheSame: what takes a module's place in one file exports what others import from it; join checks the names, this that
// nothing is replaced that is not there.
func TestStandInsExportTheSame(t *testing.T) {
	parts, err := collectAll()
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range standIns {
		if parts[name] == nil || parts[other] == nil {
			t.Errorf("%s or %s is not there", name, other)
		}
	}
	published, err := collect()
	if err != nil {
		t.Fatal(err)
	}
	for name := range published {
		if strings.HasPrefix(name, "single-") || name == worker {
			t.Errorf("%s is published among the assets", name)
		}
	}
}

// TestShellDoesNotFollowTheLedger: a publication changes neither the service worker nor any file that it keeps by its hash.
func TestShellDoesNotFollowTheLedger(t *testing.T) {
	s := sample()
	before, err := Render(s)
	if err != nil {
		t.Fatal(err)
	}
	s.Size, s.Root, s.Published, s.Publication, s.Keys = 1<<61, strings.Repeat("1", 64), time.Unix(1, 0).UTC(), 8, 1235
	s.Issuers, s.History = s.Issuers[:1], s.History[:1]
	after, err := Render(s)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before[worker], after[worker]) {
		t.Error("the service worker changes with a publication")
	}
	if bytes.Equal(before["ledger.html"], after["ledger.html"]) {
		t.Error("the ledger's page does not change with a publication")
	}
	sh := shellOf(t, after)
	for path, integrity := range sh.Files {
		if path != proofs.TrustPath(2) && pages.Integrity(after[path]) != integrity {
			t.Errorf("%s: the hash in the list is not that of the file", path)
		}
	}
	s = sample()
	s.WASM = append(s.WASM, 1)
	if newer, err := Render(s); err != nil || shellOf(t, newer).Set == sh.Set {
		t.Errorf("another program is the same set, %v", err)
	}
}

// TestShellIsWhole: whatever the pages of the shell load is in it, but for what only the pages of the ledger need.
func TestShellIsWhole(t *testing.T) {
	texts := languagesShown(t)
	files := renderedIn(t, texts)
	sh := shellOf(t, files)
	for _, path := range sh.Pages {
		root := strings.Repeat("../", strings.Count(path, "/"))
		content := html.UnescapeString(string(files[path]))
		for _, found := range regexp.MustCompile(`(?:\.\./)*(?:assets|trust)/[^" |<]+`).FindAllString(content, -1) {
			found = strings.TrimPrefix(found, root)
			if sh.Files[found] == "" && found != "trust/EPOCH" && !strings.HasSuffix(found, ".tlog-proof") {
				t.Errorf("%s loads %s, which is not in the shell", path, found)
			}
		}
	}
	for _, l := range texts {
		home := pages.Home(l)
		if !slices.Contains(sh.Pages, home+Index) || !slices.Contains(sh.Stale, home+"ledger.html") || sh.Home[l.Language] != home+Index {
			t.Errorf("%q is not kept", l.Language)
		}
		if home != "" && sh.Languages[home+Index] != l.Language {
			t.Errorf("%s is kept for readers of %q", home+Index, sh.Languages[home+Index])
		}
	}
	for path := range sh.Files {
		if strings.HasSuffix(path, "viewer.wasm") || strings.HasPrefix(path, "ledger/") || path == Single || slices.Contains(sh.Stale, path) {
			t.Errorf("%s is in the shell", path)
		}
	}
}
