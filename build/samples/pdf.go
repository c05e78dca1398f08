package samples

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
)

// pdf is a document of PDF 1.4 (ISO 32000-1): lines, areas and text in the
// standard fonts, which every reader has. Streams are left uncompressed, so
// that a person can read the file with no program for it.
type pdf struct {
	title, author string
	day           string // YYYY-MM-DD
	pages         []*page
}

// page is one page. Coordinates are in thousandths of a point, from the lower
// left corner.
type page struct {
	w, h int
	ops  bytes.Buffer
}

// A4, ISO 216: 210 by 297 mm.
const (
	a4Short = 595276
	a4Long  = 841890
)

// rgb is a colour, 0xRRGGBB.
type rgb uint32

const (
	black rgb = 0x1b1b1f
	grey  rgb = 0x6b6b72
	navy  rgb = 0x1d2f52
	blue  rgb = 0x24409c // the ink of signatures
	red   rgb = 0x8e1f2f // the ink of seals
)

func (c rgb) String() string {
	return fmt.Sprintf("%s %s %s", num(int(c>>16&255)*1000/255), num(int(c>>8&255)*1000/255), num(int(c&255)*1000/255))
}

// num formats thousandths as PDF writes numbers: no exponent, no idle zeros.
func num(n int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	s := fmt.Sprintf("%s%d.%03d", sign, n/1000, n%1000)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

func (d *pdf) page(w, h int) *page {
	p := &page{w: w, h: h}
	d.pages = append(d.pages, p)
	return p
}

func (p *page) op(format string, args ...any) { fmt.Fprintf(&p.ops, format+"\n", args...) }

// draw draws figures in one colour; width is that of the lines.
func (p *page) draw(c rgb, width int, figs ...figure) {
	p.op("%v rg %v RG %s w 1 J 1 j", c, c, num(width))
	for _, f := range figs {
		p.op("%s m", at(f.pts[0]))
		for _, c := range f.curves() {
			if f.smooth {
				p.op("%s %s %s c", at(c.c1), at(c.c2), at(c.to))
			} else {
				p.op("%s l", at(c.to))
			}
		}
		p.op("%s", paint(f))
	}
}

// paint returns the operator that ends a path, ISO 32000-1, table 60.
func paint(f figure) string {
	switch {
	case f.fill:
		return "f"
	case f.closed:
		return "s"
	}
	return "S"
}

func at(p point) string { return num(p.x) + " " + num(p.y) }

// style is how a text is set. Size and track, the space added after each
// letter, are in thousandths of a point.
type style struct {
	face  *face
	size  int
	track int
	ink   rgb
}

// width returns the length of s, without the space after its last letter.
func (t style) width(s string) int {
	n := 0
	for _, r := range s {
		n += t.face.width(r)*t.size/1000 + t.track
	}
	return n - t.track
}

func (p *page) left(t style, x, y int, s string) {
	p.show(t, fmt.Sprintf("1 0 0 1 %s", at(point{x, y})), 0, s)
}

func (p *page) centre(t style, x, y int, s string) { p.left(t, x-t.width(s)/2, y, s) }

func (p *page) right(t style, x, y int, s string) { p.left(t, x-t.width(s), y, s) }

// show writes s under a text matrix, with word added to every space.
func (p *page) show(t style, matrix string, word int, s string) {
	p.op("%v rg BT /%s %s Tf %s Tc %s Tw %s Tm %s Tj ET",
		t.ink, t.face.resource, num(t.size), num(t.track), num(word), matrix, winAnsi(s))
}

// arc sets s along a circle round c, its middle at angle mid. Inside out, the
// letters stand on the circle's inner side, as at the bottom of a seal.
func (p *page) arc(t style, c point, r, mid int, inside bool, s string) {
	way := -1
	if inside {
		way = 1
	}
	angle := func(length int) int { return length * 10430 / r } // turn/2π = 10430.4
	a := mid - way*angle(t.width(s))/2
	for _, l := range s {
		half := angle(t.face.width(l)*t.size/1000) / 2
		p.letter(t, polar(c, r, a+way*half), a+way*half+way*turn/4, l)
		a += way * (2*half + angle(t.track))
	}
}

// letter sets l upright in direction a, the middle of its foot at q.
func (p *page) letter(t style, q point, a int, l rune) {
	half := t.face.width(l) * t.size / 2000
	q = q.plus(point{-half, 0}.turned(a))
	c, s := fine(cos(a)), fine(sin(a))
	p.show(t, fmt.Sprintf("%s %s %s %s", c, s, fine(-sin(a)), c)+" "+at(q), 0, string(l))
}

// fine formats a sine. Three places would make the letters of a seal dance.
func fine(f int64) string {
	n := times(1000000, f)
	if n < 0 {
		return fmt.Sprintf("-%d.%06d", -n/1000000, -n%1000000)
	}
	return fmt.Sprintf("%d.%06d", n/1000000, n%1000000)
}

// wrap breaks s into lines of at most width.
func (t style) wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case t.width(line+" "+word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// justified sets one line of a paragraph to the full width.
func (p *page) justified(t style, x, y, width int, s string) {
	word := 0
	if n := strings.Count(s, " "); n > 0 {
		word = (width - t.width(s)) / n
	}
	p.show(t, fmt.Sprintf("1 0 0 1 %s", at(point{x, y})), word, s)
}

// writeTo writes the file: header, objects, cross-reference table, trailer.
func (d *pdf) writeTo(w io.Writer) error {
	var b bytes.Buffer
	// Bytes above 127 in the second line tell a file transfer that this is not
	// text: ISO 32000-1, 7.5.2.
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	objects := d.objects()
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	id := sha256.Sum256(b.Bytes())
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /Info 2 0 R /ID [<%x> <%x>] >>\nstartxref\n%d\n%%%%EOF\n",
		len(objects)+1, id[:16], id[:16], start)
	_, err := w.Write(b.Bytes())
	return err
}

// objects returns the objects in the order of their numbers: catalogue, facts
// about the document, page tree, fonts, then a page and its content in turn.
func (d *pdf) objects() []string {
	first := 4 + len(faces)
	var kids, fonts strings.Builder
	for i := range d.pages {
		fmt.Fprintf(&kids, "%d 0 R ", first+2*i)
	}
	for i, f := range faces {
		fmt.Fprintf(&fonts, "/%s %d 0 R ", f.resource, 4+i)
	}
	objects := []string{
		"<< /Type /Catalog /Pages 3 0 R /Lang (en) /ViewerPreferences << /DisplayDocTitle true >> >>",
		d.info(),
		fmt.Sprintf("<< /Type /Pages /Kids [ %s] /Count %d /Resources << /Font << %s>> >> >>", &kids, len(d.pages), &fonts),
	}
	for _, f := range faces {
		objects = append(objects, fmt.Sprintf("<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>", f.name))
	}
	for i, p := range d.pages {
		objects = append(objects,
			fmt.Sprintf("<< /Type /Page /Parent 3 0 R /MediaBox [0 0 %s %s] /Contents %d 0 R >>", num(p.w), num(p.h), first+2*i+1),
			fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", p.ops.Len(), &p.ops))
	}
	return objects
}

func (d *pdf) info() string {
	date := "D:" + strings.ReplaceAll(d.day, "-", "") + "090000Z"
	return fmt.Sprintf("<< /Title %s /Author %s /Producer (Stele samples) /CreationDate (%s) /ModDate (%s) >>",
		winAnsi(d.title), winAnsi(d.author), date, date)
}
