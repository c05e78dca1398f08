package text

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"
)

// made is English made over as another language: every sentence marked, and the forms of counts that the language has.
func made(t *testing.T, tag string, spoil func(map[string]any)) []byte {
	t.Helper()
	b, err := sources.ReadFile(source + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	marked(all, tag+" ")
	all["language"], all["direction"] = tag, "rtl"
	for key, forms := range all["plurals"].(map[string]any) {
		other := forms.(map[string]any)["other"]
		fresh := map[string]any{}
		for _, category := range categories[tag] {
			fresh[category] = other
		}
		all["plurals"].(map[string]any)[key] = fresh
	}
	if spoil != nil {
		spoil(all)
	}
	b, err = json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func marked(table map[string]any, mark string) {
	for key, v := range table {
		switch v := v.(type) {
		case string:
			if v != "" {
				table[key] = mark + v
			}
		case map[string]any:
			marked(v, mark)
		}
	}
}

func withEnglish(t *testing.T, files map[string][]byte) fstest.MapFS {
	t.Helper()
	english, err := sources.ReadFile(source + ".json")
	if err != nil {
		t.Fatal(err)
	}
	all := fstest.MapFS{"en.json": {Data: english}}
	for name, b := range files {
		all[name] = &fstest.MapFile{Data: b}
	}
	return all
}

// TestLanguages holds, for every language there is, that it says just what English says.
func TestLanguages(t *testing.T) {
	all, err := Languages()
	if err != nil {
		t.Error(err)
	}
	if len(all) == 0 || all[0] != English() || English().Language != source {
		t.Fatalf("%d languages, of which the first is not English", len(all))
	}
	for _, l := range all {
		t.Run(l.Language, func(t *testing.T) {
			for name, b := range l.Scripts() {
				if !strings.HasPrefix(name, l.Language) || !strings.Contains(string(b), `"language":"`+l.Language+`"`) {
					t.Errorf("%s is not in %s", name, l.Language)
				}
			}
		})
	}
}

func TestOrderOfLanguages(t *testing.T) {
	all, err := load(withEnglish(t, map[string][]byte{"ru.json": made(t, "ru", nil), "ar.json": made(t, "ar", nil), "zh.json": made(t, "zh", nil)}))
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, l := range all {
		tags = append(tags, l.Language)
	}
	if got, want := strings.Join(tags, " "), "en ar ru zh"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := all[1].Page("nav"); got != "ar Pages" {
		t.Errorf("the second says %q", got)
	}
}

// TestIncompleteLanguage spoils a translation in every way that must not come to a reader.
func TestIncompleteLanguage(t *testing.T) {
	table := func(all map[string]any, name string) map[string]any { return all[name].(map[string]any) }
	for name, one := range map[string]struct {
		spoil func(map[string]any)
		want  string
	}{
		"missing":              {func(all map[string]any) { delete(table(all, "pages"), "nav") }, "/pages/nav is missing"},
		"a table is missing":   {func(all map[string]any) { delete(all, "kinds") }, "/kinds/diploma is missing"},
		"superfluous":          {func(all map[string]any) { table(all, "pages")["new"] = "x" }, "/pages/new is superfluous"},
		"unknown table":        {func(all map[string]any) { all["more"] = map[string]any{} }, `unknown field "more"`},
		"empty":                {func(all map[string]any) { table(all, "pages")["nav"] = " " }, `/pages/nav is " "`},
		"placeholder lost":     {func(all map[string]any) { table(all, "ui")["linked"] = "x" }, "/ui/linked has the placeholders [], want [{relation}]"},
		"placeholder invented": {func(all map[string]any) { table(all, "ui")["linked"] = "{relation} {x}" }, "has the placeholders [{relation} {x}]"},
		"no name":              {func(all map[string]any) { all["name"] = "" }, `"name" is ""`},
		"direction":            {func(all map[string]any) { all["direction"] = "up" }, `"direction" "up"`},
		"other language":       {func(all map[string]any) { all["language"] = "fr" }, `"language" is "fr", want "ru"`},
		"form missing":         {func(all map[string]any) { delete(forms(all), "few") }, "/plurals/digits/few is missing"},
		"form superfluous":     {func(all map[string]any) { forms(all)["two"] = "{count}" }, "/plurals/digits/two is superfluous"},
		"number lost":          {func(all map[string]any) { forms(all)["one"] = "x" }, "/plurals/digits/one has the placeholders [], want [{count}]"},
		"count missing":        {func(all map[string]any) { delete(table(all, "plurals"), "digits") }, "/plurals/digits/other is missing"},
		"list":                 {func(all map[string]any) { table(all, "pages")["nav"] = []string{"x"} }, "cannot unmarshal"},
	} {
		_, err := load(withEnglish(t, map[string][]byte{"ru.json": made(t, "ru", one.spoil)}))
		if err == nil || !strings.Contains(err.Error(), one.want) || !strings.Contains(err.Error(), "ru.json") {
			t.Errorf("%s: got %v, want %q", name, err, one.want)
		}
	}
}

func forms(all map[string]any) map[string]any {
	return all["plurals"].(map[string]any)["digits"].(map[string]any)
}

// TestFormsForOneNumber: where a form is for one number only, a word may stand for it; elsewhere not.
func TestFormsForOneNumber(t *testing.T) {
	spoken := func(all map[string]any) {
		for _, category := range []string{"zero", "one", "two"} {
			forms(all)[category] = "x"
		}
	}
	if _, err := load(withEnglish(t, map[string][]byte{"ar.json": made(t, "ar", spoken)})); err != nil {
		t.Error(err)
	}
}

func TestLanguageFilesAreStrict(t *testing.T) {
	twice := strings.Replace(string(made(t, "ru", nil)), `"pages":{`, `"pages":{"nav":"x",`, 1)
	for name, one := range map[string]struct{ file, content, want string }{
		"key twice":        {"ru.json", twice, "/pages/nav stands twice"},
		"something after":  {"ru.json", string(made(t, "ru", nil)) + "{}", "something follows"},
		"unknown language": {"xx.json", string(made(t, "xx", nil)), "plural categories are not known"},
		"no JSON":          {"ru.json", "", "ru.json: EOF"},
	} {
		_, err := load(withEnglish(t, map[string][]byte{one.file: []byte(one.content)}))
		if err == nil || !strings.Contains(err.Error(), one.want) {
			t.Errorf("%s: got %v, want %q", name, err, one.want)
		}
	}
	if _, err := load(fstest.MapFS{"ru.json": {Data: made(t, "ru", nil)}}); err == nil || !strings.Contains(err.Error(), `no wording in "en"`) {
		t.Errorf("without English: got %v", err)
	}
}
