package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stele/build/follow/followtest"
	"stele/build/verifier"
	"stele/proofs"
	"stele/site/edge"
	"stele/site/headers"
)

// public are a registry's published files, with pages of a kind.
type public struct {
	*followtest.Registry
	read func(name string)
}

func (p public) Read(name string) ([]byte, error) {
	if p.read != nil {
		p.read(name)
	}
	return p.Registry.Read(context.Background(), name)
}

func (p public) List(below string, f func(name string, size int64) error) error {
	for _, name := range p.Paths() {
		if strings.HasPrefix(name, below) {
			if err := f(name, int64(len(p.Get(name)))); err != nil {
				return err
			}
		}
	}
	return nil
}

func newRegistry(t *testing.T) *followtest.Registry {
	t.Helper()
	r := followtest.New(t, followtest.Policy{})
	r.Accredit(followtest.Office)
	r.Register(followtest.Office, 0, 300)
	r.Publish()
	for _, name := range []string{"index.html", "sw.js", "ru/index.html", "assets/0123/page.js", "assets/0123/text/en.json", "samples/a.pdf", "verify.html", proofs.ProposalPath, ".hidden", "a/.new-1"} {
		r.Put(name, []byte("content of "+name))
	}
	for _, name := range []string{"stele.css", "results.css", "evidence.css", "viewer.css", "modes.css", "stele.svg", "language.js"} { // what the page health/ needs
		r.Put("assets/0123456789ab/"+name, []byte("content of "+name))
	}
	r.Put("index.html", []byte(`<link href="assets/0123456789ab/stele.css">`))
	return r
}

func newPlan(r *followtest.Registry) *Plan {
	return &Plan{Public: public{Registry: r}, Trust: r.Trust, Now: r.Clock, Edge: &verifier.Edge{WASM: []byte("program"), Exec: []byte("exec")},
		Deployment: edge.Deployment{Format: edge.DeploymentFormat, URL: "https://registry.example/", Gate: &edge.Gate{TokenSHA256: strings.Repeat("ab", 32), Chunk: 200},
			Check: edge.Check{Every: 3600, Views: []string{}}}}
}

func made(t *testing.T, p *Plan, dir string) *Made {
	t.Helper()
	m, err := p.Make(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestMake: everything that is published is there and named, what is for officers or hidden is not, and the edge reads what was written.
func TestMake(t *testing.T) {
	r, dir := newRegistry(t), filepath.Join(t.TempDir(), "edge")
	m := made(t, newPlan(r), dir)
	files := contents(t, dir)
	set, err := proofs.ParseSetText(files["base"])
	if err != nil {
		t.Fatal(err)
	}
	if set.Origin != followtest.Origin || set.Time != r.Now || set.Publication != m.Publication || m.Publication == 0 || m.Size != r.Size() || !m.Whole() {
		t.Errorf("set of %s, publication %d, at %d; told %+v", set.Origin, set.Publication, set.Time, m)
	}
	for _, name := range r.Paths() {
		left := name == proofs.ProposalPath || strings.Contains("/"+name, "/.")
		if got, there := files["assets/"+name]; there == left || there && got != string(r.Get(name)) {
			t.Errorf("%s: there %t, left out %t", name, there, left)
		}
		if named := set.File(name) != nil; named != (!left && (!headers.Lasts(name) || strings.HasPrefix(name, "assets/"))) {
			t.Errorf("%s: named in the set: %t", name, named)
		}
	}
	for _, name := range []string{"health/index.html", "health/ru/index.html", "health/health.js"} {
		if files["assets/"+name] == "" || set.File(name) != nil {
			t.Errorf("%s: is not there, or part of what is published", name)
		}
	}
	d, err := edge.ParseDeployment([]byte(files["deployment.json"]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := edge.New(edge.Config{Deployment: d, Trust: []byte(files["trust"]), Base: []byte(files["base"])}); err != nil {
		t.Error(err)
	}
}

// TestWorkerFirst: the Worker answers all that can change under its name, and never what cannot.
func TestWorkerFirst(t *testing.T) {
	r, dir := newRegistry(t), filepath.Join(t.TempDir(), "edge")
	made(t, newPlan(r), dir)
	_, text, _ := strings.Cut(contents(t, dir)["wrangler.jsonc"], "\n")
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if s.Name != "stele-follow-test-example-ledger" || s.Buckets[0].Name != s.Name || s.Assets.HTML != "none" || s.Assets.NotFound != "none" {
		t.Errorf("settings %+v", s)
	}
	first := func(name string) bool {
		return slices.ContainsFunc(s.Assets.WorkerFirst, func(pattern string) bool {
			return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString("/" + name)
		})
	}
	for _, name := range r.Paths() {
		if first(name) == headers.Lasts(name) && name != proofs.ProposalPath && !strings.Contains("/"+name, "/.") {
			t.Errorf("%s: the Worker first: %t", name, first(name))
		}
	}
	many := &proofs.Set{}
	for i := range mostRules {
		many.Files = append(many.Files, proofs.SetFile{Name: fmt.Sprintf("page%03d.html", i)})
	}
	if _, err := workerFirst(many); err == nil || !strings.Contains(err.Error(), "the host takes 100") {
		t.Errorf("too many patterns: %v", err)
	}
}

// TestHeaders carries out the rules as the assets' host does, and compares.
func TestHeaders(t *testing.T) {
	text := string(headerRules())
	if n := strings.Count(text, "\n/") + 1; n > 100 {
		t.Errorf("%d rules, and the host takes 100", n)
	}
	for line := range strings.Lines(text) {
		if len(line) > 2000 {
			t.Errorf("a line of %d characters, and the host takes 2000: %.80s", len(line), line)
		}
	}
	names := []string{"", "ru/", "index.html", "verify.html", "ru/ledger.html", "sw.js", "policy", "issuers.json", "manifest.webmanifest", "ledger/head", "ledger/checkpoint", "ledger/statistics",
		"ledger/history/list", "ledger/history/7/abcd", "ledger/tile/0/000", "ledger/tile/entries/x001/000.p/7", "index/ab/abcd", "trust/1", "trust/2.tlog-proof", "samples/a/b.unknown", "samples/none"}
	types, _ := headers.Types()
	for extension := range types {
		names = append(names, "assets/0123/a"+extension, "samples/a"+extension, "a"+extension)
	}
	for _, name := range names {
		want := http.Header{}
		if as := name; strings.HasSuffix(as, "/") {
			headers.Set(want, "")
		} else {
			headers.Set(want, as)
		}
		if got := answered(text, "/"+name); !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("/%s: got %v, want %v", name, got, want)
		}
	}
}

// answered is what the host makes of _headers: all rules that match, in order; "! Key" takes away, and what is set twice is put together.
func answered(rules, path string) http.Header {
	h, matches := http.Header{}, false
	for line := range strings.Lines(rules) {
		line = strings.TrimSuffix(line, "\n")
		switch key, value, set := strings.Cut(strings.TrimSpace(line), ": "); {
		case line[0] == '/':
			matches = regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(line), `\*`, ".*") + "$").MatchString(path)
		case !matches:
		case set:
			h.Add(key, value)
		default:
			h.Del(strings.TrimPrefix(key, "! "))
		}
	}
	return h
}

// TestBrokenOff breaks the work off before every file: what was there before is whole, and nothing is left beside it.
func TestBrokenOff(t *testing.T) {
	r, parent := newRegistry(t), t.TempDir()
	dir := filepath.Join(parent, "edge")
	var names []string
	p := newPlan(r)
	p.Before = func(name string) error { names = append(names, name); return nil }
	made(t, p, dir)
	was := contents(t, dir)
	if len(names) != len(was) {
		t.Fatalf("%d files written, %d there", len(names), len(was))
	}
	r.Register(followtest.Office, 300, 301)
	r.Publish()
	broken := errors.New("broken off")
	for _, at := range names {
		p.Before = func(name string) error {
			if path.Base(name) == path.Base(at) {
				return broken
			}
			return nil
		}
		if _, err := p.Make(context.Background(), dir); !errors.Is(err, broken) {
			t.Fatalf("%s: %v", at, err)
		}
		if !maps.Equal(contents(t, parent), prefixed("edge/", was)) {
			t.Fatalf("broken off at %s, the deployment is another, or something lies beside it", at)
		}
	}
	p.Before = nil
	made(t, p, dir)
	if maps.Equal(contents(t, dir), was) {
		t.Error("the new deployment is the old one")
	}
}

func prefixed(prefix string, files map[string]string) map[string]string {
	out := map[string]string{}
	for name, content := range files {
		out[prefix+name] = content
	}
	return out
}

// TestFolder: something else is refused and stays; what the host's tool has left survives a new deployment.
func TestFolder(t *testing.T) {
	r, dir := newRegistry(t), t.TempDir()
	other := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(other, []byte("Dear Sir"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := newPlan(r).Make(context.Background(), dir); !errors.Is(err, ErrOther) {
		t.Errorf("a folder with a letter: %v", err)
	}
	if len(contents(t, dir)) != 1 {
		t.Error("something was written beside the letter")
	}
	if err := os.Remove(other); err != nil { // now it is empty
		t.Fatal(err)
	}
	made(t, newPlan(r), dir)
	state := filepath.Join(dir, ".wrangler", "state")
	if err := errors.Join(os.MkdirAll(filepath.Dir(state), 0o755), os.WriteFile(state, []byte("kept"), 0o644)); err != nil {
		t.Fatal(err)
	}
	made(t, newPlan(r), dir)
	if b, err := os.ReadFile(state); err != nil || string(b) != "kept" {
		t.Errorf("what was published here is gone: %v", err)
	}
}

// large has more files than are there, or one that is too large.
type large struct {
	public
	more int
	size int64
}

func (l large) List(below string, f func(name string, size int64) error) error {
	for i := range l.more {
		if err := f(fmt.Sprintf("ledger/tile/0/%06d", i), l.size); err != nil {
			return err
		}
	}
	return l.public.List(below, f)
}

// TestLarge: what the host would refuse as static files is left out as a whole, and why is told.
func TestLarge(t *testing.T) {
	r := newRegistry(t)
	for what, c := range map[string]struct {
		more int
		size int64
		free bool
		left string
	}{
		"fits": {19_000, 1000, true, ""}, "many, paid": {20_000, 1000, false, ""},
		"many": {20_000, 1000, true, "a deployment may have 19968 static files"}, "too many, paid": {100_000, 1000, false, "a deployment may have 99968"},
		"a large file": {1, mostFileSize + 1, false, "ledger/tile/0/000000 has 26214401 bytes, and a static file may have 26214400"},
	} {
		p := newPlan(r)
		p.Public, p.Free = large{public{Registry: r}, c.more, c.size}, c.free
		names, left, err := p.names()
		if err != nil || (left == "") != (c.left == "") || !strings.Contains(left, c.left) {
			t.Errorf("%s: %d names, left out because %q, %v; want %q", what, len(names), left, err, c.left)
		}
		if c.left == "" {
			continue
		}
		dir := filepath.Join(t.TempDir(), "edge")
		if c.free {
			if _, err := p.Make(t.Context(), dir); !errors.Is(err, ErrTooLarge) {
				t.Errorf("%s: %v, want that it is too large", what, err)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Errorf("%s: something was deployed", what)
			}
			continue
		}
		if m := made(t, p, dir); m.Whole() || m.Publication != 0 {
			t.Errorf("%s: %+v", what, m)
		}
		if files := contents(t, dir); files["base"] != "" || files["assets/index.html"] != "" || files["assets/_headers"] == "" {
			t.Errorf("%s: part of the publication is deployed", what)
		}
		if files := contents(t, dir); files["assets/health/index.html"] == "" || files["assets/assets/0123456789ab/stele.css"] == "" || files["assets/assets/0123/page.js"] != "" {
			t.Errorf("%s: the page health/ is not there with what it needs, or more is", what)
		}
	}
}

// TestPublishedMeanwhile: a deployment is of one publication.
func TestPublishedMeanwhile(t *testing.T) {
	r, dir := newRegistry(t), filepath.Join(t.TempDir(), "edge")
	p := newPlan(r)
	times, next := 1, 301
	p.Public = public{r, func(name string) {
		if name == "index.html" && times > 0 {
			times--
			r.Register(followtest.Office, next-1, next)
			next++
			r.Publish()
		}
	}}
	made(t, p, dir)
	files := contents(t, dir)
	if !bytes.Equal(r.Get("ledger/checkpoint"), []byte(files["assets/ledger/checkpoint"])) || string(r.Get("ledger/head")) != files["assets/ledger/head"] {
		t.Error("the deployment is of an older publication, or of two")
	}
	times = 1000
	if _, err := p.Make(context.Background(), dir); !errors.Is(err, errChanged) {
		t.Errorf("a registry that always publishes: %v", err)
	}
	if !maps.Equal(contents(t, dir), files) {
		t.Error("the deployment was touched")
	}
}

func TestWorkerName(t *testing.T) {
	for origin, want := range map[string]string{"registry.gov.example/ledger": "stele-registry-gov-example-ledger",
		strings.Repeat("long.", 20) + "x": "stele-" + strings.Repeat("long-", 9) + "lon", "a_b/c-": "stele-a-b-c"} {
		if got := WorkerName(origin); got != want || len(got) > mostName {
			t.Errorf("%s: %s, want %s", origin, got, want)
		}
	}
}

// TestLocalRefuses says what is missing, instead of beginning.
func TestLocalRefuses(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l := &Local{Dir: t.TempDir(), Addr: "127.0.0.1:8787", Log: os.Stderr}
	if err := l.Run(ctx, func() { t.Error("it says that it runs") }); !errors.Is(err, ErrNoNode) {
		t.Errorf("without Node: %v", err)
	}
	l.Addr = "nowhere"
	if err := l.Run(ctx, func() { t.Error("it says that it runs") }); err == nil || !strings.Contains(err.Error(), `listen on "nowhere"`) {
		t.Errorf("no address: %v", err)
	}
}
