package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"stele/site/headers"
)

// A rule of _headers: what is set for the paths that match a pattern, after what earlier rules have set is taken away.
// Of several rules that match, the host carries out all, in order.
type rule struct {
	pattern string
	set     http.Header
}

// headerRules are site/headers as rules of the assets' host, which takes at most 100, and 2,000 characters a line. Only what never changes
// under its name is answered by that host alone; the others are there for hosts that have no Worker before them.
func headerRules() []byte {
	var b strings.Builder
	for i, r := range rules() {
		b.WriteString(r.pattern + "\n")
		for _, key := range slices.Sorted(maps.Keys(r.set)) {
			if i > 0 {
				b.WriteString("  ! " + key + "\n")
			}
			if value := r.set.Get(key); value != "" {
				b.WriteString("  " + key + ": " + value + "\n")
			}
		}
	}
	return []byte(b.String())
}

// rules go from the general to the particular.
func rules() []rule {
	all := http.Header{}
	headers.Set(all, "a file without an extension")
	list := []rule{{"/*", all}}
	types, _ := headers.Types()
	for _, extension := range slices.Sorted(maps.Keys(types)) {
		list = append(list, differing("/*"+extension, "a"+extension, all))
	}
	page := differing("/", "", all)
	list = append(list, page, rule{"/*/", page.set}, differing("/"+headers.Single, headers.Single, all))
	for _, under := range []struct{ pattern, like string }{
		{"/ledger/*", "ledger/head"}, {"/trust/*", "trust/1"}, {"/policy", "policy"}, {"/ledger/history/*", "ledger/history/1/ab"},
		{"/ledger/history/list", "ledger/history/list"}, {"/ledger/tile/*", "ledger/tile/0/000"}, {"/index/*", "index/ab/cd"},
	} {
		h := http.Header{}
		kind, cache := headers.Of(under.like)
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", cache)
		list = append(list, rule{under.pattern, h})
	}
	kept := rule{"/assets/*", http.Header{}}
	kept.set.Set("Cache-Control", headers.Immutable)
	return append(list, kept)
}

// differing is a rule with what a file has that others have not.
func differing(pattern, name string, all http.Header) rule {
	h := http.Header{}
	headers.Set(h, name)
	for key := range h {
		if h.Get(key) == all.Get(key) {
			h.Del(key)
		}
	}
	return rule{pattern, h}
}

// headerModule is what front.mjs needs to know of package headers.
func headerModule() []byte {
	types, other := headers.Types()
	var b strings.Builder
	b.WriteString("// Made by stele deploy, of package headers.\n\n")
	for _, constant := range []struct {
		name  string
		value any
	}{
		{"types", types}, {"binary", other}, {"immutable", headers.Immutable}, {"asked", headers.Asked}, {"single", headers.Single},
		{"pagePolicy", headers.Policy("")}, {"singlePolicy", headers.Policy(headers.Single)}, {"permissions", headers.PermissionsPolicy},
	} {
		value, err := json.Marshal(constant.value)
		if err != nil {
			panic(err) // strings
		}
		fmt.Fprintf(&b, "export const %s = %s\n", constant.name, value)
	}
	return []byte(b.String())
}
