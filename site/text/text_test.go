package text

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stele/proofs"
)

// constants returns the values of the string constants of a type in package
// proofs, read from its source so that a new one cannot be forgotten here.
func constants(t *testing.T, file, typeName string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "../../proofs/"+file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
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
	if len(values) == 0 {
		t.Fatalf("no constants of type %s in %s", typeName, file)
	}
	return values
}

func TestEveryVerdictHasWording(t *testing.T) {
	text := English()
	for _, v := range proofs.Verdicts() {
		w := text.Verdicts[v]
		if w.Title == "" || w.Meaning == "" || w.Next == "" {
			t.Errorf("verdict %q has no complete wording: %+v", v, w)
		}
	}
	if got, want := len(text.Verdicts), len(proofs.Verdicts()); got != want {
		t.Errorf("wording for %d verdicts, want %d", got, want)
	}
	if got, want := len(constants(t, "verdict.go", "Verdict")), len(proofs.Verdicts()); got != want {
		t.Errorf("package proofs has %d verdict constants and lists %d", got, want)
	}
}

func TestEveryReasonAndNoticeHasWording(t *testing.T) {
	text := English()
	for _, r := range constants(t, "report.go", "Reason") {
		if text.Reasons[proofs.Reason(r)] == "" {
			t.Errorf("reason %q has no wording", r)
		}
	}
	for _, n := range constants(t, "report.go", "Notice") {
		if text.Notices[proofs.Notice(n)] == "" {
			t.Errorf("notice %q has no wording", n)
		}
	}
}

// words returns the string literals that match, in every source file of package proofs:
// what a report can say without a constant of its own.
func words(t *testing.T, pattern string) []string {
	t.Helper()
	return wordsIn(t, "*.go", pattern)
}

func wordsIn(t *testing.T, files, pattern string) []string {
	t.Helper()
	sources, err := filepath.Glob("../../proofs/" + files)
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources of package proofs: %v", err)
	}
	var found []string
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(source, -1) {
			found = append(found, string(m[1]))
		}
	}
	if len(found) == 0 {
		t.Fatalf("nothing in package proofs matches %s", pattern)
	}
	return found
}

// checkCodes holds that a table has wording for every code, and for nothing else.
func checkCodes(t *testing.T, what string, table map[string]string, codes ...string) {
	t.Helper()
	for _, code := range codes {
		if table[code] == "" {
			t.Errorf("%s %q has no wording", what, code)
		}
	}
	for code := range table {
		if !slices.Contains(codes, code) {
			t.Errorf("%s %q has wording and is never shown", what, code)
		}
	}
}

func TestStepsHaveWording(t *testing.T) {
	checkCodes(t, "step", English().Steps, words(t, `(?:c\.step\(|Step\{ID: )"([^"]*)"`)...)
	checkCodes(t, "step state", English().StepStates, "passed", "failed")
}

// TestEvidenceHasWording holds that no label of a proof is shown as a code. A signer's role is a label too.
func TestEvidenceHasWording(t *testing.T) {
	roles := []string{"log", "officer", "witness", "other"}
	checkCodes(t, "role", English().Roles, roles...)
	way := wordsIn(t, "way.go", `w\.(?:tell|hash|count|climb)\("([^"]*)"`)
	checkCodes(t, "label", English().Labels, slices.Concat(words(t, `Evidence\{(?:Label: )?"([^"]*)"`), way, roles)...)
}

func TestLivesHaveWording(t *testing.T) {
	checkCodes(t, "state of a life", English().LifeStates, words(t, `\tState\w+ += "([a-z]+)"`)...)
	// What begins a life is not among its events, and the others are never in a document's life.
	silent := []string{"register", "accredit", "withdraw", "trust", "index", "landmark", "rollover"}
	checkCodes(t, "statement", English().Statements, words(t, `\tAction\w+ += "([a-z]+)"`)...)
	actions := slices.DeleteFunc(words(t, `\tAction\w+ += "([a-z]+)"`), func(a string) bool { return slices.Contains(silent, a) })
	checkCodes(t, "action", English().Actions, actions...)
}

// TestFieldsHaveWording holds that every field of a statement, and every standing of an entry, is told in words.
func TestFieldsHaveWording(t *testing.T) {
	fields := wordsIn(t, "statement.go", `w\.(?:line|opt|hash)\("([a-z-]+)"`)
	for _, m := range wordsIn(t, "statement.go", `w\.ref\(("[a-z-]+", "[a-z-]+")`) {
		fields = append(fields, strings.Split(strings.Trim(m, `"`), `", "`)...)
	}
	fields = slices.DeleteFunc(fields, func(f string) bool { return f == "registry" || f == "issuer" }) // of the envelope
	checkCodes(t, "field", English().Fields, fields...)
	checkCodes(t, "standing", English().Standings, constants(t, "view.go", "Standing")...)
}

// TestFailuresOfTheViewer holds that whatever keeps a page from proving something is told in words.
func TestFailuresOfTheViewer(t *testing.T) {
	for _, r := range []proofs.Reason{proofs.ReasonOutage, proofs.ReasonBadData, proofs.ReasonQuorum, proofs.ReasonClock, proofs.ReasonTooOld,
		proofs.ReasonOtherRegistry, proofs.ReasonTrust, proofs.ReasonFork} {
		if English().Viewer[string(r)] == "" {
			t.Errorf("reason %q has no wording in the viewer", r)
		}
	}
}

// TestScripts holds that a file for scripts has every table that it names, and no page's fixed text.
func TestScripts(t *testing.T) {
	for name, b := range English().Scripts() {
		var tables map[string]json.RawMessage
		if err := json.Unmarshal(b, &tables); err != nil {
			t.Fatal(err)
		}
		for table, content := range tables {
			if len(content) < 4 || table == "pages" {
				t.Errorf("%s: table %q is %s", name, table, content)
			}
		}
	}
}

// TestPlaceholders holds that a verdict uses only what is known whenever it is
// given: without a life there is no issuer to name.
func TestPlaceholders(t *testing.T) {
	lifeless := map[proofs.Verdict]bool{proofs.Malformed: true, proofs.Inconsistent: true, proofs.Mismatch: true,
		proofs.Stale: true, proofs.NotRegistered: true, proofs.Unavailable: true}
	dated := map[proofs.Verdict]bool{proofs.Stale: true, proofs.NotRegistered: true, proofs.Authentic: true, proofs.Recorded: true}
	changed := map[proofs.Verdict]bool{proofs.Revoked: true, proofs.Superseded: true, proofs.Suspended: true}
	placeholder := regexp.MustCompile(`\{[^}]*\}`)
	all := slices.Collect(maps.Keys(English().Verdicts))
	all = append(all, slices.Collect(maps.Keys(English().Named))...)
	for _, v := range append(all, slices.Collect(maps.Keys(English().Told))...) {
		w := English().Verdicts[v]
		for _, more := range []Verdict{English().Named[v], English().Told[v]} {
			w.Title, w.Meaning, w.Next, w.Brief = w.Title+more.Title, w.Meaning+more.Meaning, w.Next+more.Next, w.Brief+more.Brief
		}
		for _, p := range placeholder.FindAllString(w.Title+w.Meaning+w.Next+w.Brief, -1) {
			ok := (p == "{issuer}" || p == "{registered}") && !lifeless[v] || p == "{asof}" && dated[v] ||
				p == "{expires}" && v == proofs.Expired || p == "{changed}" && changed[v]
			if !ok {
				t.Errorf("verdict %q uses %s, which need not be known", v, p)
			}
		}
	}
}

func TestFill(t *testing.T) {
	got := Fill("{a} and {b}, {c}", "a", "{b}", "b", "two")
	if want := "{b} and two, {c}"; got != want {
		t.Errorf("Fill = %q, want %q", got, want)
	}
}

func TestMissing(t *testing.T) {
	if key, found := Missing("<p>" + English().Page("nav") + " ⟦⟧</p>"); found {
		t.Errorf("Missing found %q where nothing is missing", key)
	}
	if key, found := Missing("<p>" + English().Page("no.such") + "</p>" + English().Page("nor.this")); !found || key != "no.such" {
		t.Errorf("Missing = %q, %v, want no.such", key, found)
	}
}
