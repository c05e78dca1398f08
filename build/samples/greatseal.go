package samples

import (
	"io"
	"strings"
)

// writeGreatSeal writes the specimen of the Republic's seal, 800 by 600 pixels.
func writeGreatSeal(w io.Writer) error {
	c := newCanvas(800, 600, 0xfbf8ef)
	mid := point{400 * unit, 316 * unit}
	for i := range 19 {
		y := (30*i + 30) * unit
		c.draw(0xe9eee9, 700, band(point{0, y}, point{800 * unit, y}, 26*unit, 16+i%3, 4)...)
	}
	c.draw(0xfbf8ef, 0, disc(mid, 246*unit))
	c.draw(0xcfdcd6, 800, rosette(mid, 216*unit, 28*unit, 60, 9)...)
	c.draw(0x5f8f86, 800, rosette(mid, 216*unit, 16*unit, 90, 4)...)
	c.draw(0xc2a563, 900, rosette(mid, 238*unit, 7*unit, 72, 3)...)
	c.draw(0xfbf8ef, 0, disc(mid, 186*unit))
	c.draw(navy, 3200, circle(mid, 186*unit), circle(mid, 132*unit))
	c.draw(navy, 1200, circle(mid, 180*unit), circle(mid, 138*unit))
	c.draw(0xe6d9b5, 700, rosette(mid, 70*unit, 52*unit, 30, 5)...)
	c.draw(navy, 2800, place(emblem(), point{mid.x, mid.y + 4*unit}, 116*unit)...)
	c.draw(navy, 3400, ring(mid, 147*unit, turn/4, false, 2600, "REPUBLIC OF EXAMPLE")...)
	c.draw(navy, 3000, ring(mid, 170*unit, turn*3/4, true, 2300, "GREAT SEAL OF STATE")...)
	c.draw(0xc2a563, 0, star(polar(mid, 159*unit, turn*29/60), 9*unit), star(polar(mid, 159*unit, turn*1/60), 9*unit))
	caption(c)
	return c.writeTo(w)
}

// caption frames the picture and writes what it is.
func caption(c *canvas) {
	c.draw(0xfbf8ef, 0, area(150*unit, 24*unit, 500*unit, 34*unit))
	c.draw(navy, 1500, letters(point{400 * unit, 34 * unit}, 1500, "SPECIMEN PUBLISHED IN THE OFFICIAL GAZETTE 2026")...)
	c.draw(navy, 2400, rect(10*unit, 10*unit, 780*unit, 580*unit))
	c.draw(0xc2a563, 1000, rect(16*unit, 16*unit, 768*unit, 568*unit))
}

// writeArms writes the arms alone, for the head of a letter.
func writeArms(w io.Writer) error {
	c := newCanvas(240, 200, 0xffffff)
	c.draw(navy, 3000, place(emblem(), point{120 * unit, 104 * unit}, 108*unit)...)
	return c.writeTo(w)
}

// strokes are the letters that the image needs, drawn with a pen. The standard
// library has no font. Each stroke is a list of places, two digits each: 0 to 6
// to the right, 0 to 9 up. After "~" it is a curve, after "o" a closed one.
var strokes = map[rune]string{
	' ': "",
	'A': "003960 1353",
	'B': "0009 ~0939573505 ~0535623000",
	'C': "~6749290603204062",
	'D': "0009 ~092966632000",
	'E': "69090060 0555",
	'F': "690900 0555",
	'G': "~6749290603204062 626444",
	'H': "0009 6069 0565",
	'I': "0009",
	'L': "090060",
	'M': "0009346960",
	'N': "00096069",
	'O': "o2949666340200306",
	'P': "0009 ~0939663404",
	'R': "0009 ~0939663404 3460",
	'S': "~67492907254562402002",
	'T': "0969 3039",
	'U': "~090320406369",
	'X': "0069 0960",
	'Z': "09690060",
	'0': "o2949575240201217",
	'2': "~072949674500 0060",
	'6': "~590703204063452503",
}

// glyph returns the strokes of r at scale, its left edge at x 0, and its width.
func glyph(r rune, scale int) ([]figure, int) {
	var figs []figure
	wide := 2 * scale
	for s := range strings.FieldsSeq(strokes[r]) {
		f := figure{smooth: s[0] == '~' || s[0] == 'o', closed: s[0] == 'o'}
		s = strings.TrimLeft(s, "~o")
		for i := 0; i < len(s); i += 2 {
			p := point{int(s[i]-'0') * scale, int(s[i+1]-'0') * scale}
			f.pts = append(f.pts, p)
			wide = max(wide, p.x)
		}
		figs = append(figs, f)
	}
	if r == 'I' {
		wide = 0
	}
	return figs, wide
}

const gap = 3 // between two letters, in the places of strokes

// extent returns the length of s.
func extent(scale int, s string) int {
	n := -gap * scale
	for _, r := range s {
		_, wide := glyph(r, scale)
		n += wide + gap*scale
	}
	return n
}

// letters returns s on a level line, its middle at foot.
func letters(foot point, scale int, s string) []figure {
	var out []figure
	x := foot.x - extent(scale, s)/2
	for _, r := range s {
		figs, wide := glyph(r, scale)
		out = append(out, move(figs, point{x, foot.y}, 0)...)
		x += wide + gap*scale
	}
	return out
}

// ring returns s along a circle, as the method arc of a page sets it.
func ring(c point, r, mid int, inside bool, scale int, s string) []figure {
	var out []figure
	way := -1
	if inside {
		way = 1
	}
	a := mid - way*extent(scale, s)*10430/r/2
	for _, l := range s {
		figs, wide := glyph(l, scale)
		half := wide * 10430 / r / 2
		figs = move(figs, point{-wide / 2, 0}, 0)
		a += way * half
		out = append(out, move(figs, polar(c, r, a), a+way*turn/4)...)
		a += way * (half + gap*scale*10430/r)
	}
	return out
}

// move returns figs turned by a and then moved by to.
func move(figs []figure, to point, a int) []figure {
	out := make([]figure, len(figs))
	for i, f := range figs {
		pts := make([]point, len(f.pts))
		for j, p := range f.pts {
			pts[j] = p.turned(a).plus(to)
		}
		f.pts = pts
		out[i] = f
	}
	return out
}
