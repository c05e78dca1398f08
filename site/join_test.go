package site

import (
	"strings"
	"testing"
)

func modulesFrom(pairs ...string) map[string][]byte {
	m := map[string][]byte{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = []byte(pairs[i+1])
	}
	return m
}

// TestJoinForms: what each form of import and export becomes, in the order in which it is needed, and each module once.
func TestJoinForms(t *testing.T) {
	sources := modulesFrom(
		"page.js", "import './start.js'\nimport { a, b as c } from './m.js'\nimport {\n  d,\n} from './n.js'\nconst later = () => import('./late.js')\nexport { b, a } from './m.js'\nexport class Page {}\nexport const x = 1\nexport async function f() {}\nexport function* g() {}\n",
		"start.js", "globalThis.x = 1",
		"m.js", "import { d } from './n.js'\nexport const a = d\nexport const b = 2\n",
		"n.js", "export const d = 1\n",
		"other.js", "export const d = 2\n",
		"late.js", "import { x } from './page.js'\nexport const y = x\n",
	)
	got, err := join(sources, map[string]string{"n.js": "other.js"}, "page.js")
	if err != nil {
		t.Fatal(err)
	}
	body := strings.TrimPrefix(got, joinRuntime)
	want := `"other.js": ($take, self) => {
const d = 2
return { d }
},
"m.js": ($take, self) => {
const {d} = $take("other.js")
const a = d
const b = 2
return { a, b }
},
"start.js": ($take, self) => {
globalThis.x = 1
return {  }
},
"page.js": ($take, self) => {
$take("start.js")
const {a, b: c} = $take("m.js")
const {d,} = $take("other.js")
const later = () => Promise.resolve().then(() => $take("late.js"))
$take("m.js")
class Page {}
const x = 1
async function f() {}
function* g() {}
return { b: $take("m.js").b, a: $take("m.js").a, Page, x, f, g }
},
"late.js": ($take, self) => {
const {x} = $take("page.js")
const y = x
return { y }
},
}
`
	if body != want {
		t.Errorf("got\n%s\nwant\n%s", body, want)
	}
}

// TestJoinRefuses: a form that is not known would be left out or do something else.
func TestJoinRefuses(t *testing.T) {
	for name, m := range map[string]string{
		"default import":     "import x from './m.js'\n",
		"namespace":          "import * as x from './m.js'\n",
		"default export":     "export default 1\n",
		"list":               "const a = 1\nexport { a }\n",
		"handed on, renamed": "export { a as b } from './m.js'\n",
		"handed on, missing": "export { b } from './m.js'\n",
		"everything":         "export * from './m.js'\n",
		"changing":           "export let a = 1\n",
		"taken apart":        "export const { a } = b\n",
		"another folder":     "import { a } from './x/m.js'\n",
		"above":              "import { a } from '../m.js'\n",
		"bare":               "import { a } from 'm'\n",
		"computed":           "const p = (n) => import(n)\n",
		"meta":               "new URL('./m.js', import.meta.url)\n",
		"indented":           "  import { a } from './m.js'\n",
		"attributes":         "import { a } from './m.js' with { type: 'json' }\n",
		"missing":            "import { a } from './none.js'\n",
		"missing later":      "const p = () => import('./none.js')\n",
		"missing stand-in":   "import { a } from './gone.js'\n",
		"not exported":       "import { a, b } from './m.js'\n",
		"its own name":       "const $take = 1\n",
		"itself":             "import { a } from './page.js'\n",
		"circle":             "import { a } from './back.js'\n",
		"end of the script":  "const s = '</script>'\n",
		"comment of markup":  "const s = '<!-- x'\n",
		"begin of a script":  "const s = '<SCRIPT'\n",
		"two on one line":    "import { a } from './m.js'; import { b } from './m.js'\n",
		"double quotes":      "import { a } from \"./m.js\"\n",
		"names in a string":  "import { 'a b' as c } from './m.js'\n",
		"later, with a name": "const p = import('./' + name)\n",
	} {
		sources := modulesFrom("page.js", m, "m.js", "export const a = 1\n", "back.js", "import { b } from './page.js'\nexport const a = b\n")
		if got, err := join(sources, map[string]string{"gone.js": "nowhere.js"}, "page.js"); err == nil {
			t.Errorf("%s: joined, want an error:\n%s", name, strings.TrimPrefix(got, joinRuntime))
		}
	}
}
