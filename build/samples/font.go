package samples

import (
	"fmt"
	"strings"
)

// face is one of the standard fonts of PDF (ISO 32000-1, 9.6.2.2).
type face struct {
	resource string // its name in the pages
	name     string
	ascii    [95]uint16 // widths of ' ' to '~', in thousandths of the size
	other    map[rune]int
}

// width returns the width of r in thousandths of the size. A letter with an
// accent is as wide as the letter without.
func (f *face) width(r rune) int {
	if base, ok := plain[r]; ok {
		r = base
	}
	if r >= ' ' && r <= '~' {
		return int(f.ascii[r-' '])
	}
	w, ok := f.other[r]
	if !ok {
		panic(fmt.Sprintf("samples: no width for %q in %s", r, f.name)) // our own text, caught by any test
	}
	return w
}

var plain = map[rune]rune{'é': 'e', 'ö': 'o', 'ñ': 'n'}

// ansi holds the places of WinAnsiEncoding that differ from Latin-1.
var ansi = map[rune]byte{'’': 0x92, '“': 0x93, '”': 0x94, '–': 0x96, '—': 0x97}

// winAnsi returns s as a PDF string. Bytes above 127 are written as octal, so
// that the page's content stays plain ASCII.
func winAnsi(s string) string {
	var b strings.Builder
	b.WriteByte('(')
	for _, r := range s {
		if c, ok := ansi[r]; ok {
			r = rune(c)
		}
		switch {
		case r == '(' || r == ')' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r > '~':
			fmt.Fprintf(&b, "\\%03o", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + ")"
}

var faces = []*face{roman, bold, italic, sans, sansBold}

// The widths are those of Adobe's metrics for the standard fonts.
var (
	roman = &face{resource: "R", name: "Times-Roman",
		other: map[rune]int{'’': 333, '“': 444, '”': 444, '—': 1000, '–': 500, '§': 500, '·': 250, '²': 300},
		ascii: [95]uint16{
			250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500,
			500, 500, 500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611,
			556, 722, 722, 333, 389, 722, 611, 889, 722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722,
			722, 611, 333, 278, 333, 469, 500, 333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500,
			278, 778, 500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
		}}
	bold = &face{resource: "B", name: "Times-Bold",
		other: map[rune]int{'’': 333, '“': 500, '”': 500, '—': 1000, '–': 500, '§': 500, '·': 250, '²': 300},
		ascii: [95]uint16{
			250, 333, 555, 500, 500, 1000, 833, 278, 333, 333, 500, 570, 250, 333, 250, 278, 500, 500, 500,
			500, 500, 500, 500, 500, 500, 500, 333, 333, 570, 570, 570, 500, 930, 722, 667, 722, 722, 667,
			611, 778, 778, 389, 500, 778, 667, 944, 722, 778, 611, 778, 722, 556, 667, 722, 722, 1000, 722,
			722, 667, 333, 278, 333, 581, 500, 333, 500, 556, 444, 556, 444, 333, 500, 556, 278, 333, 556,
			278, 833, 556, 500, 556, 556, 444, 389, 333, 556, 500, 722, 500, 500, 444, 394, 220, 394, 520,
		}}
	italic = &face{resource: "I", name: "Times-Italic",
		other: map[rune]int{'’': 333, '“': 556, '”': 556, '—': 889, '–': 500, '§': 500, '·': 250, '²': 300},
		ascii: [95]uint16{
			250, 333, 420, 500, 500, 833, 778, 214, 333, 333, 500, 675, 250, 333, 250, 278, 500, 500, 500,
			500, 500, 500, 500, 500, 500, 500, 333, 333, 675, 675, 675, 500, 920, 611, 611, 667, 722, 611,
			611, 722, 722, 333, 444, 667, 556, 833, 667, 722, 611, 722, 611, 500, 556, 722, 611, 833, 611,
			556, 556, 389, 278, 389, 422, 500, 333, 500, 500, 444, 500, 444, 278, 500, 500, 278, 278, 444,
			278, 722, 500, 500, 500, 500, 389, 389, 278, 500, 444, 667, 444, 444, 389, 400, 275, 400, 541,
		}}
	sans = &face{resource: "S", name: "Helvetica",
		other: map[rune]int{'’': 222, '“': 333, '”': 333, '—': 1000, '–': 556, '§': 556, '·': 278, '²': 333},
		ascii: [95]uint16{
			278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
			556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
			611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
			667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
			222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
		}}
	sansBold = &face{resource: "T", name: "Helvetica-Bold",
		other: map[rune]int{'’': 278, '“': 500, '”': 500, '—': 1000, '–': 556, '§': 556, '·': 278, '²': 333},
		ascii: [95]uint16{
			278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
			556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667,
			611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
			667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556,
			278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
		}}
)
