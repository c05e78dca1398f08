package samples

import (
	"image"
	"image/color"
	"image/png"
	"io"
	"slices"
)

// steps is the number of fine steps in a pixel, each way. They smooth the edges.
const steps = 4

// canvas is an image that figures are drawn on, in thousandths of a pixel from
// the lower left corner, as on a PDF page.
type canvas struct {
	img  *image.NRGBA
	w, h int    // in fine steps
	mask []bool // where the current ink covers
}

func newCanvas(w, h int, paper rgb) *canvas {
	c := &canvas{img: image.NewNRGBA(image.Rect(0, 0, w, h)), w: w * steps, h: h * steps}
	c.mask = make([]bool, c.w*c.h)
	for y := range h {
		for x := range w {
			c.img.SetNRGBA(x, y, paper.opaque())
		}
	}
	return c
}

func (c rgb) opaque() color.NRGBA {
	return color.NRGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 255}
}

// draw draws figures in one ink. Where they cross, the ink is not doubled.
func (c *canvas) draw(ink rgb, width int, figs ...figure) {
	clear(c.mask)
	for _, f := range figs {
		pts := f.flat()
		if f.fill {
			c.cover(pts)
			continue
		}
		for i := range len(pts) - 1 {
			c.stroke(pts[i], pts[i+1], width)
		}
	}
	c.apply(ink)
}

// flat returns f as a chain of straight pieces, a closed one with its first
// point at the end as well.
func (f figure) flat() []point {
	pts := []point{f.pts[0]}
	for _, c := range f.curves() {
		if !f.smooth {
			pts = append(pts, c.to)
			continue
		}
		const n = 8
		for t := 1; t <= n; t++ {
			pts = append(pts, c.on(t, n))
		}
	}
	return pts
}

// on returns the point of the curve at t of n.
func (c curve) on(t, n int) point {
	u := n - t
	mix := func(a, b, d, e int) int {
		return (u*u*u*a + 3*u*u*t*b + 3*u*t*t*d + t*t*t*e) / (n * n * n)
	}
	return point{mix(c.from.x, c.c1.x, c.c2.x, c.to.x), mix(c.from.y, c.c1.y, c.c2.y, c.to.y)}
}

// stroke covers a straight line with round ends: what lies within half its
// width of it.
func (c *canvas) stroke(a, b point, width int) {
	const grid = unit / steps
	dx, dy, half := b.x-a.x, b.y-a.y, width/2
	square := dx*dx + dy*dy
	for y := max((min(a.y, b.y)-half)/grid, 0); y <= min((max(a.y, b.y)+half)/grid, c.h-1); y++ {
		for x := max((min(a.x, b.x)-half)/grid, 0); x <= min((max(a.x, b.x)+half)/grid, c.w-1); x++ {
			px, py := x*grid+grid/2-a.x, y*grid+grid/2-a.y
			t := min(max(px*dx+py*dy, 0), square)
			if square > 0 {
				px, py = px-dx*t/square, py-dy*t/square
			}
			if px*px+py*py <= half*half {
				c.mask[y*c.w+x] = true
			}
		}
	}
}

// cover covers an area by the even-odd rule, row by row.
func (c *canvas) cover(pts []point) {
	const grid = unit / steps
	low, high := pts[0].y, pts[0].y
	for _, p := range pts {
		low, high = min(low, p.y), max(high, p.y)
	}
	for y := max(low/grid, 0); y <= min(high/grid, c.h-1); y++ {
		cuts := crossings(y*grid+grid/2, pts)
		for i := 0; i+1 < len(cuts); i += 2 {
			for x := max(cuts[i]/grid, 0); x < min(cuts[i+1]/grid, c.w); x++ {
				c.mask[y*c.w+x] = true
			}
		}
	}
}

// crossings returns where the outline crosses the level y, from left to right.
func crossings(y int, pts []point) []int {
	var cuts []int
	for i := range len(pts) - 1 {
		a, b := pts[i], pts[i+1]
		if (a.y > y) != (b.y > y) {
			cuts = append(cuts, a.x+(b.x-a.x)*(y-a.y)/(b.y-a.y))
		}
	}
	slices.Sort(cuts)
	return cuts
}

// apply mixes the ink into each pixel, by how many of its steps are covered.
func (c *canvas) apply(ink rgb) {
	to := ink.opaque()
	for y := range c.h / steps {
		for x := range c.w / steps {
			n := c.covered(x, y)
			if n == 0 {
				continue
			}
			row := c.h/steps - 1 - y // An image counts its rows from the top.
			was := c.img.NRGBAAt(x, row)
			mix := func(a, b uint8) uint8 { return uint8((int(a)*(steps*steps-n) + int(b)*n) / (steps * steps)) }
			c.img.SetNRGBA(x, row, color.NRGBA{mix(was.R, to.R), mix(was.G, to.G), mix(was.B, to.B), 255})
		}
	}
}

func (c *canvas) covered(x, y int) int {
	n := 0
	for i := range steps {
		at := (y*steps+i)*c.w + x*steps
		for _, m := range c.mask[at : at+steps] {
			if m {
				n++
			}
		}
	}
	return n
}

// writeTo writes a PNG without compression, for the reason in the package
// comment.
func (c *canvas) writeTo(w io.Writer) error {
	e := png.Encoder{CompressionLevel: png.NoCompression}
	return e.Encode(w, c.img)
}
