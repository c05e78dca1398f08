package main

import (
	"fmt"
	"math"
	"strings"
)

// A line of the plot.
type line struct {
	name  string
	value func(r row) float64
}

// A panel has axes of its own, both in powers of ten.
type panel struct {
	title string
	unit  func(exponent int) string
	lines []line
}

var panels = []panel{
	{"Seconds of processors", func(e int) string { return fmt.Sprintf("%g s", math.Pow10(e)) }, []line{
		{"audit of everything", func(r row) float64 { return r.Audit.CPU }},
		{"publishing 10,000 more", func(r row) float64 { return r.Publish.CPU }},
		{"heartbeat", func(r row) float64 { return r.Heartbeat.CPU }},
	}},
	{"Bytes", func(e int) string { return size(math.Pow10(e)) }, []line{
		{"published in all", func(r row) float64 { return float64(r.Files.All) }},
		{"written for 10,000 more", func(r row) float64 { return float64(r.Publish.Written) }},
		{"memory of the audit", func(r row) float64 { return float64(r.Audit.Memory) }},
		{"a lookup", func(r row) float64 { return r.Lookup.Mean }},
	}},
}

const (
	plotWidth, plotHeight = 460, 380 // of a panel
	left, right, top      = 70, 45, 44
	bottom                = 120 // with the names of the lines
)

// style is readable on white and on black. Lines differ by dashes and marks too, not by colour alone.
const style = `<style>
svg{color-scheme:light dark;background:#fff;--text:#1b1b1b;--grid:#d8d8d8;font:13px system-ui,sans-serif}
.c0{--c:#0b5fa5}.c1{--c:#b3470a}.c2{--c:#2a7a2a}.c3{--c:#7b2d8e}
@media(prefers-color-scheme:dark){svg{background:#16181c;--text:#eee;--grid:#444}.c0{--c:#6bb5f2}.c1{--c:#f0a06a}.c2{--c:#80cf80}.c3{--c:#d59be6}}
text{fill:var(--text)}.grid{stroke:var(--grid)}.line{fill:none;stroke:var(--c);stroke-width:2}.mark{fill:var(--c)}
.c1 .line{stroke-dasharray:8 4}.c2 .line{stroke-dasharray:2 4}.c3 .line{stroke-dasharray:10 3 2 3}
</style>
`

// plot draws all panels side by side.
func plot(rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="Seconds and bytes by number of documents">`+"\n%s", plotWidth*len(panels), plotHeight, style)
	for i, p := range panels {
		fmt.Fprintf(&b, "<g transform=\"translate(%d 0)\">\n", i*plotWidth)
		p.draw(&b, rows)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// A scale maps powers of ten to places.
type scale struct {
	from, to     int // exponents
	start, width float64
}

func newScale(least, most, start, width float64) scale {
	s := scale{int(math.Floor(math.Log10(least))), int(math.Ceil(math.Log10(most))), start, width}
	s.to = max(s.to, s.from+1)
	return s
}

func (s scale) at(v float64) float64 {
	return s.start + s.width*(math.Log10(v)-float64(s.from))/float64(s.to-s.from)
}

func (p panel) draw(b *strings.Builder, rows []row) {
	least, most := math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		for _, l := range p.lines {
			v := l.positive(r)
			least, most = min(least, v), max(most, v)
		}
	}
	x := newScale(float64(rows[0].Documents), float64(rows[len(rows)-1].Documents), left, plotWidth-left-right)
	y := newScale(least, most, plotHeight-bottom, -(plotHeight - bottom - top))
	fmt.Fprintf(b, "<text x=\"%d\" y=\"24\" font-weight=\"bold\">%s</text>\n", left, p.title)
	for e := x.from; e <= x.to; e++ {
		at := x.at(math.Pow10(e))
		fmt.Fprintf(b, "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			at, top, plotHeight-bottom, at, plotHeight-bottom+18, short(e))
	}
	for e := y.from; e <= y.to; e++ {
		at := y.at(math.Pow10(e))
		fmt.Fprintf(b, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			left, at, plotWidth-right, left-6, at+4, p.unit(e))
	}
	for i, l := range p.lines {
		l.draw(b, rows, x, y, i)
	}
}

// positive keeps what is nothing on the paper.
func (l line) positive(r row) float64 { return max(l.value(r), 1e-3) }

func (l line) draw(b *strings.Builder, rows []row, x, y scale, number int) {
	fmt.Fprintf(b, "<g class=\"c%d\">", number)
	path := ""
	for i, r := range rows {
		px, py := x.at(float64(r.Documents)), y.at(l.positive(r))
		path += fmt.Sprintf("%c%.1f %.1f", "ML"[min(i, 1)], px, py)
		fmt.Fprintf(b, "<circle class=\"mark\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>", px, py)
	}
	at := plotHeight - bottom + 42 + 18*number
	fmt.Fprintf(b, "<path class=\"line\" d=\"%s\"/><path class=\"line\" d=\"M%d %dh40\"/><text x=\"%d\" y=\"%d\">%s</text></g>\n",
		path, left, at-4, left+50, at, l.name)
}

// short writes a power of ten in few signs.
func short(exponent int) string {
	units := []string{"", "thousand", "million", "billion"}
	unit := min(exponent/3, len(units)-1)
	return strings.TrimSpace(fmt.Sprintf("%.0f %s", math.Pow10(exponent-3*unit), units[unit]))
}
