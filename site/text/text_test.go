package text

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
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
	sources, err := filepath.Glob("../../proofs/*.go")
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

func TestStepsHaveWording(t *testing.T) {
	for _, id := range words(t, `(?:c\.step\(|Step\{ID: )"([^"]*)"`) {
		if English().Steps[id] == "" {
			t.Errorf("step %q has no wording", id)
		}
	}
	for _, state := range []string{"passed", "failed", "skipped"} {
		if English().StepStates[state] == "" {
			t.Errorf("step state %q has no wording", state)
		}
	}
}

// TestEvidenceHasWording holds that no label of a proof is shown as a code. A signer's role is a label too.
func TestEvidenceHasWording(t *testing.T) {
	for _, label := range append(words(t, `Evidence\{(?:Label: )?"([^"]*)"`), "log", "officer", "witness", "other") {
		if English().Labels[label] == "" {
			t.Errorf("label %q has no wording", label)
		}
	}
	for _, role := range []string{"log", "officer", "witness", "other"} {
		if English().Roles[role] == "" {
			t.Errorf("role %q has no wording", role)
		}
	}
}

func TestLivesHaveWording(t *testing.T) {
	for _, state := range words(t, `\tState\w+ += "([a-z]+)"`) {
		if English().LifeStates[state] == "" {
			t.Errorf("state %q of a life has no wording", state)
		}
	}
	internal := map[string]bool{"trust": true, "index": true, "landmark": true, "rollover": true} // never in a document's life
	for _, action := range words(t, `\tAction\w+ += "([a-z]+)"`) {
		if English().Actions[action] == "" && !internal[action] {
			t.Errorf("action %q has no wording", action)
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
	for v, w := range English().Verdicts {
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
