package site

import (
	"regexp"
	"slices"
	"strings"
)

// modules are the scripts of a set of assets, by name: which of them one needs is read from their own imports.
type modules map[string]asking

// What a module asks for: those that it imports, and those that it asks for later (lazy.mjs).
type asking struct{ imports, lazy []string }

var (
	imported   = regexp.MustCompile(`(?:from|import)\s*'\./([^']+)'`)
	importLazy = regexp.MustCompile(`\blazy\('([\w-]+\.js)'\)`)
)

func modulesIn(files map[string][]byte, base string) modules {
	m := modules{}
	for path, content := range files {
		if name, ok := strings.CutPrefix(path, base); ok && strings.HasSuffix(name, ".js") {
			m[name] = asking{named(imported, content), named(importLazy, content)}
		}
	}
	return m
}

func named(by *regexp.Regexp, content []byte) (names []string) {
	for _, found := range by.FindAllSubmatch(content, -1) {
		names = append(names, string(found[1]))
	}
	return names
}

// closure is what a module needs to run: itself, and in alphabetical order all that it imports, at any distance.
func (m modules) closure(root string) []string {
	seen := []string{root}
	for i := 0; i < len(seen); i++ {
		for _, name := range m[seen[i]].imports {
			if !slices.Contains(seen, name) {
				seen = append(seen, name)
			}
		}
	}
	slices.Sort(seen[1:])
	return seen
}

// lazy are the modules that those loaded ask for later, and that these ask for in turn, each with what has to be whole before it
// is run: itself and all that it imports, but for what is loaded already.
func (m modules) lazy(loaded []string) map[string][]string {
	parts := map[string][]string{}
	asking := slices.Clone(loaded)
	for i := 0; i < len(asking); i++ {
		for _, name := range m[asking[i]].lazy {
			if parts[name] == nil {
				parts[name] = slices.DeleteFunc(m.closure(name), func(n string) bool { return slices.Contains(loaded, n) })
				asking = append(asking, parts[name]...)
			}
		}
	}
	return parts
}
