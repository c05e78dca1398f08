package site

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stele/proofs"
	"stele/site/text"
)

func makePackage(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := Package([]byte("\x00asm"), []byte("// go"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestPackageIsWhole: every door of the package leads somewhere, it needs nothing else, runs nothing when it is installed, and is the
// same each time.
func TestPackageIsWhole(t *testing.T) {
	files := makePackage(t)
	var manifest struct {
		Name, Type, License, Types string
		Exports                    map[string]any
		Files                      []string
		Scripts, Dependencies      map[string]string
	}
	if err := json.Unmarshal(files["package.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Name != "stele-verify" || manifest.Type != "module" || manifest.License != "Apache-2.0" || manifest.Scripts != nil || manifest.Dependencies != nil {
		t.Errorf("package.json: got %+v", manifest)
	}
	for _, door := range doors(manifest.Exports) {
		if files[strings.TrimPrefix(door, "./")] == nil {
			t.Errorf("package.json leads to %s, which is not there", door)
		}
	}
	for name := range files {
		top, _, _ := strings.Cut(name, "/")
		listed := slices.ContainsFunc(manifest.Files, func(f string) bool {
			return f == top || strings.HasPrefix(f, "*") && strings.HasSuffix(name, f[1:]) && top == name
		})
		if !listed && !slices.Contains([]string{"package.json", "README.md", "LICENSE"}, name) { // npm packs these always
			t.Errorf("package.json does not list %s", name)
		}
	}
	again := makePackage(t)
	for name := range files {
		if string(files[name]) != string(again[name]) {
			t.Errorf("%s is not the same twice", name)
		}
	}
}

func doors(v any) (found []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case map[string]any:
		for _, to := range v {
			found = append(found, doors(to)...)
		}
	}
	return found
}

// TestPackageHoldsThePortalsModules: what is shared is the portal's to the byte, in every language, and a missing verifier is refused.
func TestPackageHoldsThePortalsModules(t *testing.T) {
	files := makePackage(t)
	assets, err := collect()
	if err != nil {
		t.Fatal(err)
	}
	shared := 0
	for name, content := range assets {
		if got, has := files["portal/"+name]; has {
			shared++
			if string(got) != string(content) {
				t.Errorf("portal/%s is not the portal's", name)
			}
		}
	}
	for _, name := range append([]string{"worker.js", "pool.js", "report.js", "memory.js"}, answerStyles...) {
		if files["portal/"+name] == nil {
			t.Errorf("portal/%s is not there", name)
		}
	}
	texts, err := text.Languages()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range texts {
		if files["portal/text/"+l.Language+".json"] == nil {
			t.Errorf("no wording in %q", l.Language)
		}
	}
	if _, err := Package(nil, nil); err == nil {
		t.Error("a package without a verifier was made")
	}
}

// TestPackageLicence: who is given a copy is given the licences, of what others wrote too.
func TestPackageLicence(t *testing.T) {
	files := makePackage(t)
	licence, err := os.ReadFile("../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if string(files["LICENSE"]) != string(licence) {
		t.Error("the package's LICENSE is not the project's: cp LICENSE site/embed/LICENSE")
	}
	for _, who := range []string{"The Go Authors", "filippo.io/mldsa", "wasm_exec.js"} {
		if !strings.Contains(string(files["NOTICE"]), who) {
			t.Errorf("NOTICE does not name %q", who)
		}
	}
}

// union returns the strings of a union type of index.d.ts.
func union(t *testing.T, types, name string) []string {
	t.Helper()
	m := regexp.MustCompile(`(?s)\nexport type ` + name + ` =\n((?:  \| '[a-z-]+'\n)+)`).FindStringSubmatch(types)
	if m == nil {
		t.Fatalf("index.d.ts has no union %s", name)
	}
	var words []string
	for _, w := range regexp.MustCompile(`'([a-z-]+)'`).FindAllStringSubmatch(m[1], -1) {
		words = append(words, w[1])
	}
	return words
}

// constants returns the string constants of a type in a file of package proofs.
func constants(t *testing.T, file, typeName string) (values []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "../proofs/"+file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != typeName {
			return true
		}
		for _, v := range spec.Values {
			s, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, s)
		}
		return true
	})
	return values
}

// TestPackageTypes: the unions that an integrator's compiler goes by are package proofs' constants, in its order.
func TestPackageTypes(t *testing.T) {
	types := string(makePackage(t)["index.d.ts"])
	var verdicts []string
	for _, v := range proofs.Verdicts() {
		verdicts = append(verdicts, string(v))
	}
	for name, want := range map[string][]string{
		"Verdict": verdicts, "Reason": constants(t, "report.go", "Reason"), "Notice": constants(t, "report.go", "Notice"),
	} {
		if got := union(t, types, name); len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestPackageWording: every label that the element's scripts ask for has its words.
func TestPackageWording(t *testing.T) {
	english := text.English()
	asked := regexp.MustCompile(`wording\.(?:ui\(|of\('(embed)', )'([A-Za-z-]+)'|\bsay\('([A-Za-z]+)'\)|\bthis\.(?:button|chooser)\('([A-Za-z]+)'`)
	found := 0
	for name, content := range makePackage(t) {
		if strings.Contains(name, "/") || !strings.HasSuffix(name, ".js") {
			continue
		}
		for _, m := range asked.FindAllStringSubmatch(string(content), -1) {
			found++
			table, key := english.UI, m[2]+m[4]
			if m[1] != "" || m[3] != "" {
				table, key = english.Embed, m[2]+m[3]
			}
			if table[key] == "" {
				t.Errorf("%s asks for the words %q, and there are none", name, key)
			}
		}
	}
	for _, key := range []string{"trust", "verifier", "verifierNext", "unpinned"} { // asked for by other names
		if english.Embed[key] == "" {
			t.Errorf("there are no words for %q", key)
		}
	}
	if found < 20 {
		t.Errorf("found %d labels; the scripts ask for them in another way than this test knows", found)
	}
}

// TestPackageIsSafe: its scripts make no markup and no code of strings.
func TestPackageIsSafe(t *testing.T) {
	unsafe := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|srcdoc|setHTML|createHTML|createScript\b`)
	for name, content := range makePackage(t) {
		if strings.HasSuffix(name, ".js") && name != "portal/wasm_exec.js" {
			if found := unsafe.Find(content); found != nil {
				t.Errorf("%s uses %s", name, found)
			}
		}
	}
}

func TestGatherRefusesWhatIsNotThere(t *testing.T) {
	files := map[string][]byte{"index.js": []byte("import './portal/here.js'\n")}
	err := gather(files, map[string][]byte{"portal/here.js": []byte("lazy('later.js')"), "portal/later.js": nil})
	if _, has := files["portal/later.js"]; err != nil || !has {
		t.Errorf("got %v and %v, want what is loaded later too", files, err)
	}
	err = gather(map[string][]byte{"index.js": []byte("import './portal/absent.js'\n")}, map[string][]byte{})
	if err == nil || !strings.Contains(err.Error(), "index.js leads to portal/absent.js") {
		t.Errorf("got %v, want which module leads to nothing", err)
	}
}
