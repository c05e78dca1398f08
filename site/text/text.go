// Package text holds the words that people read, by language: what a verdict
// means and what to do next, for the page and for the command alike.
//
// A sentence is whole and has placeholders such as {issuer}; nothing is put
// together from parts, because word order differs between languages.
package text

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stele/proofs"
)

// A Verdict is the wording of one verdict. The sentences may hold the
// placeholders {issuer}, {asof}, {registered}, {changed} and {expires}.
type Verdict struct {
	Title   string `json:"title"`
	Meaning string `json:"meaning"`
	Next    string `json:"next"`
	Brief   string `json:"brief"` // one line for a list; where there is none, the reason stands there
}

// A Sample is what a document of the demonstration is called, and what was done to it.
type Sample struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// A Text is everything that is said in one language.
type Text struct {
	Language  string `json:"language"`  // BCP 47
	Name      string `json:"name"`      // of the language, in the language
	Direction string `json:"direction"` // ltr or rtl

	Verdicts map[proofs.Verdict]Verdict `json:"verdicts"`
	Evidence map[string]Verdict         `json:"evidence"` // what a file of evidence comes to
	Named    map[proofs.Verdict]Verdict `json:"named"`    // where only a digest was looked up, and no file; the others as above
	Told     map[proofs.Verdict]Verdict `json:"told"`     // the same, where a person gave the digest rather than followed it from a replaced document
	Reasons  map[proofs.Reason]string   `json:"reasons"`
	Notices  map[proofs.Notice]string   `json:"notices"`

	Steps      map[string]string `json:"steps"`      // by Step.ID
	StepStates map[string]string `json:"stepStates"` // by Step.State
	Labels     map[string]string `json:"labels"`     // by Evidence.Label
	Actions    map[string]string `json:"actions"`    // by EventReport.Action
	Relations  map[string]string `json:"relations"`  // of links; free words fall back to themselves
	LifeStates map[string]string `json:"lifeStates"` // by LifeReport.State
	Roles      map[string]string `json:"roles"`      // by SignerReport.Role
	Algorithms map[string]string `json:"algorithms"` // by MemberReport.Algorithm
	Kinds      map[string]string `json:"kinds"`      // common kinds; Kind falls back to the word itself

	Local map[string]string `json:"local"` // what only the page meets: an unreadable file, a stopped check
	UI    map[string]string `json:"ui"`    // the page's own labels, read by its scripts
	Pages map[string]string `json:"pages"` // the fixed text of the pages

	Samples map[string]Sample `json:"samples"` // of a demonstration, by what they are examples of

	Files  map[string]string `json:"files"`  // many files at once: what was given, the list, what is made of it
	Hints  map[string]string `json:"hints"`  // what may have happened to a file that is not registered
	Device map[string]string `json:"device"` // without a network: what is kept on the device, the verifier in one file
	Drawn  map[string]string `json:"drawn"`  // a proof as a picture
	Links  map[string]string `json:"links"`  // short addresses of receipts
	Embed  map[string]string `json:"embed"`  // the element for others' pages
	Health map[string]string `json:"health"` // how an edge stands

	// What is said with a number, {count}, by CLDR's plural categories of the language (unicode.org/reports/tr35, part 3).
	Plurals map[string]map[string]string `json:"plurals"`

	Viewer     map[string]string `json:"viewer"`     // labels of the pages that show the ledger and the issuers
	Fields     map[string]string `json:"fields"`     // of statements, by their word
	Statements map[string]string `json:"statements"` // a sentence for each action
	Standings  map[string]string `json:"standings"`  // by proofs.Standing

	parts     func() map[string][]byte // the file's tables as compact JSON, by name
	sentences map[string]string        // everything in it, by its path
}

// English returns the English wording. It is shared and must not be changed.
func English() *Text {
	all, err := Languages()
	if len(all) == 0 {
		panic(err) // embedded; a test reads it
	}
	return all[0] // what is wrong with the others is no concern of who speaks English
}

// The parts of the wording that scripts read, each a file of its own: nobody has to load what another page says.
var scripts = map[string][]string{
	"":        {"verdicts", "named", "told", "evidence", "reasons", "notices", "steps", "stepStates", "labels", "actions", "relations", "lifeStates", "roles", "algorithms", "kinds", "local", "ui", "files", "device", "plurals"},
	"-later":  {"hints", "drawn", "links"}, // what no first answer says
	"-viewer": {"viewer", "fields", "statements", "standings", "relations", "roles", "algorithms", "kinds", "ui", "drawn", "plurals"},
}

// Scripts returns the files that the pages' scripts read, by name.
func (t *Text) Scripts() map[string][]byte {
	files := map[string][]byte{}
	for part, tables := range scripts {
		files[t.Language+part+".json"] = t.tables(tables)
	}
	return files
}

// Whole returns in one file what the page that checks documents says, first and later: for a page that can load nothing.
func (t *Text) Whole() []byte { return t.tables(slices.Concat(scripts[""], scripts["-later"])) }

// Embedded returns what the element for others' pages reads.
func (t *Text) Embedded() []byte {
	return t.tables(slices.Concat([]string{"embed"}, scripts[""], scripts["-later"]))
}

// tables returns some tables of the wording as JSON.
func (t *Text) tables(names []string) []byte {
	parts := t.parts()
	names = slices.Concat([]string{"language", "direction"}, names)
	slices.Sort(names)
	var b bytes.Buffer
	before := "{"
	for _, name := range names {
		fmt.Fprintf(&b, "%s%q:%s", before, name, parts[name])
		before = ","
	}
	b.WriteByte('}')
	return b.Bytes()
}

// split returns the tables of a file by name, as compact JSON.
func split(file []byte) map[string][]byte {
	var all map[string]json.RawMessage
	parts := map[string][]byte{}
	err := json.Unmarshal(file, &all)
	for name, table := range all {
		var failed error
		parts[name], failed = json.Marshal(table)
		err = errors.Join(err, failed)
	}
	if err != nil {
		panic(fmt.Sprintf("text: %v", err)) // parsed before
	}
	return parts
}

// missing stands before and after a key without wording, so that whoever renders can find it. No text
// that is signed can hold it (FORMAT.md, section 2).
const missing = "\x00"

// Page returns the fixed text under key, or a mark that Missing finds.
func (t *Text) Page(key string) string {
	if s, ok := t.Pages[key]; ok {
		return s
	}
	return missing + key + missing
}

// Missing returns the first key that rendered output shows instead of its wording, if there is one.
func Missing(output string) (key string, found bool) {
	_, after, found := strings.Cut(output, missing)
	key, _, _ = strings.Cut(after, missing)
	return key, found
}

// Kind returns the wording of a kind of document, or the word itself.
func (t *Text) Kind(kind string) string {
	if s, ok := t.Kinds[kind]; ok {
		return s
	}
	if kind == "" {
		return ""
	}
	return strings.ToUpper(kind[:1]) + strings.ReplaceAll(kind[1:], "-", " ") // ASCII: a word of FORMAT.md, section 2
}

// Fill puts values in place of the placeholders of a sentence. The arguments
// are pairs of a placeholder's name, without braces, and its value.
func Fill(sentence string, pairs ...string) string {
	braced := append([]string(nil), pairs...)
	for i := 0; i+1 < len(braced); i += 2 {
		braced[i] = "{" + braced[i] + "}"
	}
	return strings.NewReplacer(braced...).Replace(sentence)
}
