package status

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"stele/site/pages/parts"
)

// The page's wording is a part of site/text, cut out at build time (a test holds them the same): the whole, with the portal's pages, would make a Worker
// 450 KB larger after compression and take longer to read than all else that it does. One file a language; only the reader's is parsed.
//
//go:generate go run stele/site/edge/status/cut
//go:embed words/*.json
var files embed.FS

// words is everything that the page says in one language.
type words struct {
	Language  string            `json:"language"`
	Direction string            `json:"direction"`
	Words     map[string]string `json:"words"`
}

// Languages are those that the page speaks, English first.
func Languages() ([]parts.Language, error) {
	var all []parts.Language
	b, err := files.ReadFile("words/languages.json")
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	return all, err
}

// wordsFor is the wording in the language that was asked for, or else the one that a browser prefers of those that there are, or else English.
func wordsFor(asked, accepted string) (*words, error) {
	all, err := Languages()
	if err != nil {
		return nil, err
	}
	there := func(tag string) bool {
		for _, l := range all {
			if l.Tag == tag {
				return true
			}
		}
		return false
	}
	tag := asked
	if !there(tag) {
		tag = preferred(accepted, there)
	}
	b, err := files.ReadFile("words/" + tag + ".json")
	if err != nil {
		return nil, err
	}
	t := &words{}
	return t, json.Unmarshal(b, t)
}

// preferred is the language with the greatest weight (RFC 9110, section 12.5.4); es-419 is es. The first 20 are read.
func preferred(accepted string, there func(tag string) bool) string {
	best, most := "en", 0.0
	for i, part := range strings.SplitN(accepted, ",", 21) {
		tag, weight, weighed := strings.Cut(strings.TrimSpace(part), ";")
		tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		q := 1.0
		if weighed {
			text, ok := strings.CutPrefix(strings.TrimSpace(weight), "q=")
			f, err := strconv.ParseFloat(text, 64)
			if !ok || err != nil {
				continue
			}
			q = f
		}
		if i < 20 && q > most && there(tag) {
			best, most = tag, q
		}
	}
	return best
}

// missing marks what has no wording; a test looks for it.
const missing = "\x00"

func (t *words) say(key string) string {
	if s, ok := t.Words[key]; ok {
		return s
	}
	return missing + key + missing
}

// fill puts values in place of the placeholders of a sentence: pairs of a name without braces and a value.
func (t *words) fill(key string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(t.say(key))
}

// lasted says a length of time in its two greatest units, abbreviated: no language has forms of them.
func (t *words) lasted(seconds int64) string {
	seconds = max(seconds, 0)
	days, hours, minutes := seconds/86400, seconds/3600%24, seconds/60%60
	n := func(v int64) string { return fmt.Sprint(v) }
	switch {
	case days > 0:
		return t.fill("span.days", "days", n(days), "hours", n(hours))
	case hours > 0:
		return t.fill("span.hours", "hours", n(hours), "minutes", n(minutes))
	}
	return t.fill("span.minutes", "minutes", n(minutes))
}
