package text

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// One file a language, named by its tag. English is the source: what it says, every other file says too, and nothing besides.
//
//go:embed *.json
var sources embed.FS

const source = "en"

// categories are the plural categories that whole numbers have in a language (CLDR 48, supplemental/plurals.xml). Fractions, which
// some languages set apart, are never counted here.
var categories = map[string][]string{
	"ar": {"zero", "one", "two", "few", "many", "other"},
	"en": {"one", "other"},
	"es": {"one", "many", "other"},
	"fr": {"one", "many", "other"},
	"ru": {"one", "few", "many", "other"},
	"zh": {"other"},
}

// single are the categories that mean one number alone, so that a word can stand for it.
var single = map[string][]string{"ar": {"zero", "one", "two"}, "en": {"one"}, "es": {"one"}}

// Languages returns the wording in every language there is: English first, the others in the order of their tags. It fails where one
// of them does not say just what English says. The texts are shared and must not be changed.
func Languages() ([]*Text, error) { return languages() }

var languages = sync.OnceValues(func() ([]*Text, error) { return load(sources) })

func load(files fs.FS) ([]*Text, error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, err
	}
	var all []*Text
	var wrong []error
	for _, name := range names {
		t, err := read(files, name)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		all = append(all, t)
	}
	slices.SortStableFunc(all, func(a, b *Text) int { return strings.Compare(rank(a), rank(b)) })
	if len(all) == 0 || all[0].Language != source {
		return nil, errors.Join(append(wrong, fmt.Errorf("text: no wording in %q, from which the others are made", source))...)
	}
	for _, t := range all {
		wrong = append(wrong, t.compare(all[0])...)
	}
	return all, errors.Join(wrong...)
}

func rank(t *Text) string {
	if t.Language == source {
		return ""
	}
	return t.Language
}

func read(files fs.FS, name string) (*Text, error) {
	b, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	t := &Text{parts: sync.OnceValue(func() map[string][]byte { return split(b) })}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(t); err != nil {
		return nil, fmt.Errorf("text: %s: %w", name, err)
	}
	if t.sentences, err = flatten(b); err != nil {
		return nil, fmt.Errorf("text: %s: %w", name, err)
	}
	if want := strings.TrimSuffix(name, ".json"); t.Language != want {
		return nil, fmt.Errorf(`text: %s: "language" is %q, want %q`, name, t.Language, want)
	}
	return t, nil
}

// flatten returns every string of a JSON text by its path. A key that stands twice, of which a decoder would take the last, is an error.
func flatten(b []byte) (map[string]string, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	found := map[string]string{}
	if err := value(d, "", found); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the text")
	}
	return found, nil
}

func value(d *json.Decoder, path string, found map[string]string) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case string:
		if _, twice := found[path]; twice {
			return fmt.Errorf("%s stands twice", path)
		}
		found[path] = t
		return nil
	case json.Delim:
		if t == '{' {
			return object(d, path, found)
		}
	}
	return fmt.Errorf("%s: got %v, want a sentence or a table", path, t)
}

func object(d *json.Decoder, path string, found map[string]string) error {
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if err := value(d, path+"/"+key.(string), found); err != nil { // JSON's keys are strings
			return err
		}
	}
	_, err := d.Token()
	return err
}

// compare tells in what a text differs from English where it must not.
func (t *Text) compare(english *Text) (wrong []error) {
	say := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("text: "+t.Language+".json: "+format, args...))
	}
	if t.Name == "" || t.Direction != "ltr" && t.Direction != "rtl" {
		say(`"name" is %q and "direction" %q, want the language's own name, and ltr or rtl`, t.Name, t.Direction)
	}
	if categories[t.Language] == nil {
		say("its plural categories are not known: take them from CLDR into site/text/languages.go")
	}
	want := t.wanted(english)
	for _, path := range slices.Sorted(maps.Keys(want)) {
		sentence, there := t.sentences[path]
		switch {
		case !there:
			say("%s is missing; in English: %q", path, want[path])
		case (strings.TrimSpace(sentence) == "") != (want[path] == ""):
			say("%s is %q; in English: %q", path, sentence, want[path])
		case !slices.Equal(t.placeholders(path, sentence), t.placeholders(path, want[path])):
			say("%s has the placeholders %v, want %v; in English: %q", path, t.placeholders(path, sentence), t.placeholders(path, want[path]), want[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(t.sentences)) {
		if _, there := want[path]; !there {
			say("%s is superfluous", path)
		}
	}
	return wrong
}

// wanted are the paths that a text must have, with what English says there: as English has them, but for the forms of counts.
func (t *Text) wanted(english *Text) map[string]string {
	want := map[string]string{}
	for path, sentence := range english.sentences {
		if !strings.HasPrefix(path, counts) {
			want[path] = sentence
		}
	}
	for key, forms := range english.Plurals {
		for _, category := range categories[t.Language] {
			want[counts+key+"/"+category] = forms["other"]
		}
	}
	return want
}

const counts = "/plurals/"

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// placeholders are those of a sentence, each once, in order. The number itself need not stand in a form that is for one number only.
func (t *Text) placeholders(path, sentence string) []string {
	all := placeholder.FindAllString(sentence, -1)
	slices.Sort(all)
	category := path[strings.LastIndexByte(path, '/')+1:]
	if strings.HasPrefix(path, counts) && slices.Contains(single[t.Language], category) {
		all = slices.DeleteFunc(all, func(p string) bool { return p == "{count}" })
	}
	return slices.Compact(all)
}
