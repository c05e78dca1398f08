package site

import (
	"regexp"
	"slices"
	"strings"
)

// modules are the scripts of a set of assets, by name: which of them one needs is read from their own imports.
type modules map[string]string

var (
	imported   = regexp.MustCompile(`(?:from|import)\s*'\./([^']+)'`)
	importLazy = regexp.MustCompile(`\blazy\('([\w-]+\.js)'\)`)
)

func modulesIn(files map[string][]byte, base string) modules {
	m := modules{}
	for path, content := range files {
		if name, ok := strings.CutPrefix(path, base); ok && strings.HasSuffix(name, ".js") {
			m[name] = string(content)
		}
	}
	return m
}

// closure is what a module needs to run: itself, and in alphabetical order all that it imports, at any distance.
func (m modules) closure(root string) []string {
	seen := []string{root}
	for i := 0; i < len(seen); i++ {
		for _, found := range imported.FindAllStringSubmatch(m[seen[i]], -1) {
			if !slices.Contains(seen, found[1]) {
				seen = append(seen, found[1])
			}
		}
	}
	slices.Sort(seen[1:])
	return seen
}

// lazy are the modules that those loaded ask for later (lazy.mjs), and that these ask for in turn, each with what has to be whole before it
// is run: itself and all that it imports, but for what is loaded already.
func (m modules) lazy(loaded []string) map[string][]string {
	parts := map[string][]string{}
	asking := slices.Clone(loaded)
	for i := 0; i < len(asking); i++ {
		for _, found := range importLazy.FindAllStringSubmatch(m[asking[i]], -1) {
			if name := found[1]; parts[name] == nil {
				parts[name] = slices.DeleteFunc(m.closure(name), func(n string) bool { return slices.Contains(loaded, n) })
				asking = append(asking, parts[name]...)
			}
		}
	}
	return parts
}
