package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Joining puts ES modules, as they are published, into one classic script: a page that is opened from disk may load no modules
// (their origin is "null"), and a worker made from a Blob has no folder to load them from.
//
// Each module becomes a function that is called once, when something first takes what it exports:
//
//	import { a, b as c } from './m.js'  →  const { a, b: c } = $take("m.js")
//	import './m.js'                     →  $take("m.js")
//	export { a } from './m.js'          →  a of $take("m.js") among what is returned
//	import('./m.js'), lazy('m.js')      →  Promise.resolve().then(() => $take("m.js"))
//	export function f() {}              →  function f() {}, and f among what is returned at the end
//
// There is no parser. The forms above, each at the beginning of a line as our modules are written, are all that is known; whatever
// else looks like an import or an export is refused, and so is a circle of imports, in which a name would be taken before it is there.
type joiner struct {
	sources map[string][]byte   // by name, such as page.js
	instead map[string]string   // the module that stands in for another
	entered []string            // modules on the way to the present one
	done    map[string][]string // what each module exports
	out     strings.Builder
}

var (
	importNames   = regexp.MustCompile(`(?m)^import \{([\w\s,]*)\} from '\./([\w-]+\.js)';?$`)
	importAlone   = regexp.MustCompile(`(?m)^import '\./([\w-]+\.js)';?$`)
	importLater   = regexp.MustCompile(`\b(?:import\('\./|lazy\(')([\w-]+\.js)'\)`)
	exportFrom    = regexp.MustCompile(`(?m)^export \{([\w\s,]*)\} from '\./([\w-]+\.js)';?$`)
	exportNamed   = regexp.MustCompile(`(?m)^export ((?:async )?function\*?|class|const) (\w+)`)
	importRenamed = regexp.MustCompile(`(\w+) as (\w+)`)
	otherModules  = regexp.MustCompile(`(?m)^\s*(?:import|export)\b.*$|\bimport\s*[(.].*$|\bawait\s+import\b.*$`)
	endOfScript   = regexp.MustCompile(`(?i)<(/script|!--|script)`)
)

// joinRuntime begins the script. A self other than the global one is for a module that is written for a worker and runs in the page.
const joinRuntime = `const begin = (self) => {
const made = new Map()
const take = (name) => {
if (!made.has(name)) made.set(name, modules[name](take, self))
return made.get(name)
}
return take
}
const modules = {
`

// join returns a script that declares begin(self) → take(name), and all modules to which the first ones lead. Those named in instead
// are replaced by others, which export the same names.
func join(sources map[string][]byte, instead map[string]string, first ...string) (string, error) {
	j := &joiner{sources: sources, instead: instead, done: map[string][]string{}}
	j.out.WriteString(joinRuntime)
	for _, name := range first {
		if err := j.add(name); err != nil {
			return "", fmt.Errorf("join %s: %w", name, err)
		}
	}
	j.out.WriteString("}\n")
	return j.out.String(), nil
}

// stand is the name of the module that is meant by a name.
func (j *joiner) stand(name string) string {
	if other, ok := j.instead[name]; ok {
		return other
	}
	return name
}

func (j *joiner) add(name string) error {
	name = j.stand(name)
	if slices.Contains(j.entered, name) {
		return fmt.Errorf("a circle of imports: %s", strings.Join(append(j.entered, name), " → "))
	}
	if _, done := j.done[name]; done {
		return nil
	}
	source, ok := j.sources[name]
	if !ok {
		return fmt.Errorf("there is no module %q", name)
	}
	m, err := j.rewrite(string(source))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	j.entered = append(j.entered, name)
	for _, i := range m.now {
		if err := j.addFor(name, i); err != nil {
			return err
		}
	}
	j.entered = j.entered[:len(j.entered)-1]
	j.done[name] = m.exports
	fmt.Fprintf(&j.out, "%s: ($take, self) => {\n%s},\n", quote(name), m.code)
	for _, later := range m.later { // what is asked for when everything runs may lead back
		entered := j.entered
		j.entered = nil
		if err := j.add(later); err != nil {
			return err
		}
		j.entered = entered
	}
	return nil
}

// addFor adds what a module imports. A name that is not exported there would be undefined, and nobody would be told.
func (j *joiner) addFor(name string, i taken) error {
	if err := j.add(i.from); err != nil {
		return err
	}
	for _, n := range i.names {
		if exports := j.done[j.stand(i.from)]; !slices.Contains(exports, n) {
			return fmt.Errorf("%s imports %s, which %s does not export: it exports %s", name, n, j.stand(i.from), strings.Join(exports, ", "))
		}
	}
	return nil
}

// A module is one that is rewritten.
type module struct {
	code    string   // a function's body
	now     []taken  // what it takes when it begins
	later   []string // what it asks for when it runs
	exports []string
}

type taken struct {
	from  string
	names []string
}

func (j *joiner) rewrite(source string) (m module, err error) {
	m.code = replaceEach(importNames, source, func(found []string) string {
		names := strings.Join(strings.Fields(importRenamed.ReplaceAllString(found[1], "$1: $2")), " ")
		m.now = append(m.now, taken{found[2], namesOf(names)})
		return "const {" + names + "} = $take(" + quote(j.stand(found[2])) + ")"
	})
	var handed []string // what is exported of what others export
	m.code = replaceEach(exportFrom, m.code, func(found []string) string {
		names := namesOf(found[1])
		m.now = append(m.now, taken{found[2], names})
		for _, n := range names {
			m.exports = append(m.exports, n)
			handed = append(handed, n+": $take("+quote(j.stand(found[2]))+")."+n)
		}
		return "$take(" + quote(j.stand(found[2])) + ")"
	})
	m.code = replaceEach(importAlone, m.code, func(found []string) string {
		m.now = append(m.now, taken{from: found[1]})
		return "$take(" + quote(j.stand(found[1])) + ")"
	})
	m.code = replaceEach(importLater, m.code, func(found []string) string {
		m.later = append(m.later, found[1])
		return "Promise.resolve().then(() => $take(" + quote(j.stand(found[1])) + "))"
	})
	m.code = replaceEach(exportNamed, m.code, func(found []string) string {
		m.exports = append(m.exports, found[2])
		handed = append(handed, found[2])
		return found[1] + " " + found[2]
	})
	if strings.Contains(source, "$take") {
		return m, errors.New("$take is the joined script's own name: call it otherwise")
	}
	if other := otherModules.FindString(m.code); other != "" {
		return m, fmt.Errorf("%q is a form of import or export that cannot be joined: write it as the other modules do", strings.TrimSpace(other))
	}
	if end := endOfScript.FindString(m.code); end != "" {
		return m, fmt.Errorf("%q would end the script in which it stands: write it in two parts", end)
	}
	if !strings.HasSuffix(m.code, "\n") {
		m.code += "\n"
	}
	m.code += "return { " + strings.Join(handed, ", ") + " }\n"
	return m, nil
}

// namesOf are the names that are taken out of a module: of "a, b: c" a and b.
func namesOf(list string) []string {
	var names []string
	for _, n := range strings.Split(list, ",") {
		if n, _, _ = strings.Cut(strings.TrimSpace(n), ":"); n != "" {
			names = append(names, n)
		}
	}
	return names
}

func replaceEach(form *regexp.Regexp, source string, with func(match []string) string) string {
	return form.ReplaceAllStringFunc(source, func(found string) string { return with(form.FindStringSubmatch(found)) })
}

// quote writes a name as a JavaScript string.
func quote(name string) string {
	b, err := json.Marshal(name)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(b)
}
