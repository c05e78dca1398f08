package samples

// unit is the length of one PDF point (1/72 inch) or one pixel. Coordinates
// are whole thousandths of it.
const unit = 1000

// turn is a full circle. Angles count from the x axis, anticlockwise.
const turn = 1 << 16

// one is 1 as sin and cos return it.
const one = 1 << 30

// sin returns the sine of a, times one. It is a Taylor series in integers, for
// the reason in the package comment; its error is below a millionth.
func sin(a int) int64 {
	a &= turn - 1
	switch {
	case a >= turn/2:
		return -sin(a - turn/2)
	case a > turn/4:
		a = turn/2 - a
	}
	x := int64(a) * 6746518852 / turn // 2π·2³⁰ = 6746518852.26
	square, sum := x*x>>30, int64(one)
	for _, k := range []int64{12 * 13, 10 * 11, 8 * 9, 6 * 7, 4 * 5, 2 * 3} {
		sum = one - (square*sum>>30)/k
	}
	return x * sum >> 30
}

func cos(a int) int64 { return sin(a + turn/4) }

// times returns n·f, where f is a value of sin or cos, to the nearest.
func times(n int, f int64) int { return int((int64(n)*f + one/2) >> 30) }

type point struct{ x, y int }

func (p point) plus(q point) point { return point{p.x + q.x, p.y + q.y} }

func (p point) turned(a int) point {
	return point{times(p.x, cos(a)) - times(p.y, sin(a)), times(p.x, sin(a)) + times(p.y, cos(a))}
}

// polar returns the point at distance r from c in direction a.
func polar(c point, r, a int) point { return c.plus(point{times(r, cos(a)), times(r, sin(a))}) }

// figure is one line of a drawing. The PDF pages and the image both draw it.
type figure struct {
	pts    []point
	closed bool
	smooth bool // a curve through the points, not straight lines between them
	fill   bool // an area, not a line
}

// curve is one cubic Bézier of a figure.
type curve struct{ from, c1, c2, to point }

// curves returns the pieces of f. A smooth one is the Catmull-Rom spline
// through its points; in a straight one the control points lie on the ends.
func (f figure) curves() []curve {
	n := len(f.pts)
	last := n - 1
	if f.closed {
		last = n
	}
	out := make([]curve, 0, last)
	for i := range last {
		a, b := f.at(i), f.at(i+1)
		c := curve{a, a, b, b}
		if f.smooth {
			before, after := f.at(i-1), f.at(i+2)
			c.c1 = point{a.x + (b.x-before.x)/6, a.y + (b.y-before.y)/6}
			c.c2 = point{b.x - (after.x-a.x)/6, b.y - (after.y-a.y)/6}
		}
		out = append(out, c)
	}
	return out
}

// at returns point i, counted round a closed figure and stopped at the ends of
// an open one.
func (f figure) at(i int) point {
	n := len(f.pts)
	if f.closed {
		return f.pts[(i+n)%n]
	}
	return f.pts[min(max(i, 0), n-1)]
}

// place returns figures drawn in thousandths of a radius, at c with radius r.
func place(figs []figure, c point, r int) []figure {
	out := make([]figure, len(figs))
	for i, f := range figs {
		pts := make([]point, len(f.pts))
		for j, p := range f.pts {
			pts[j] = point{c.x + p.x*r/1000, c.y + p.y*r/1000}
		}
		f.pts = pts
		out[i] = f
	}
	return out
}

func circle(c point, r int) figure {
	f := figure{closed: true, smooth: true}
	for i := range 24 {
		f.pts = append(f.pts, polar(c, r, i*turn/24))
	}
	return f
}

func disc(c point, r int) figure {
	f := circle(c, r)
	f.fill = true
	return f
}

func line(pts ...point) figure { return figure{pts: pts} }

func rect(x, y, w, h int) figure {
	return figure{closed: true, pts: []point{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}}
}

func area(x, y, w, h int) figure {
	f := rect(x, y, w, h)
	f.fill = true
	return f
}

// rosette returns a guilloche ring round c: several waves of the same number
// of lobes, each a step behind the one before.
func rosette(c point, r, depth, lobes, lines int) []figure {
	figs := make([]figure, lines)
	for k := range figs {
		n := lobes * 8
		f := figure{closed: true, smooth: true}
		for i := range n {
			a := i * turn / n
			f.pts = append(f.pts, polar(c, r+times(depth, sin(i*turn/8+k*turn/lines)), a))
		}
		figs[k] = f
	}
	return figs
}

// band returns a guilloche along an upright or level line: waves whose depth
// itself swells and falls, each a step behind the one before.
func band(from, to point, depth, waves, lines int) []figure {
	figs := make([]figure, lines)
	dx, dy := sign(to.x-from.x), sign(to.y-from.y)
	n := waves * 8
	for k := range figs {
		f := figure{smooth: true}
		for i := range n + 1 {
			swell := depth - times(depth/3, sin(i*turn/24+turn/4))
			off := times(swell*3/4, sin(i*turn/8+k*turn/lines))
			f.pts = append(f.pts, point{
				from.x + (to.x-from.x)*i/n - dy*off,
				from.y + (to.y-from.y)*i/n + dx*off,
			})
		}
		figs[k] = f
	}
	return figs
}

func sign(n int) int {
	switch {
	case n > 0:
		return 1
	case n < 0:
		return -1
	}
	return 0
}

// emblem returns the arms of the Republic, in thousandths of their radius: an
// inscribed stone under a star, in a wreath.
func emblem() []figure {
	figs := []figure{stone(), star(point{0, 285}, 105)}
	for i, half := range []int{150, 190, 170, 190, 120} {
		y := 85 - 120*i
		figs = append(figs, area(-half, y, 2*half, 34))
	}
	figs = append(figs, area(-420, -640, 840, 60), area(-350, -560, 700, 60))
	for i := range 9 {
		for _, side := range []int{1, -1} {
			figs = append(figs, leaf(i, side, 45), leaf(i, side, -35))
		}
	}
	return figs
}

// stone returns the outline of the stele, round at the top.
func stone() figure {
	f := figure{closed: true, pts: []point{{-300, -500}, {300, -500}}}
	for i := range 25 {
		f.pts = append(f.pts, polar(point{0, 240}, 270, i*turn/48))
	}
	return f
}

func star(c point, r int) figure {
	f := figure{closed: true, fill: true}
	for i := range 16 {
		f.pts = append(f.pts, polar(c, r-(i%2)*r*11/20, i*turn/16+turn/4))
	}
	return f
}

// leaf returns leaf i of the wreath, counted from the bottom: right for side 1,
// left for side -1, leaning from the stem by lean degrees.
func leaf(i, side, lean int) figure {
	f := figure{closed: true, smooth: true, fill: true}
	along := turn*3/4 + turn/22 + i*turn*35/1000 // from six o'clock to one
	root := polar(point{}, 800, along)
	for _, p := range []point{{0, 0}, {0, 0}, {70, 34}, {150, 38}, {250, 0}, {250, 0}, {150, -38}, {70, -34}} {
		p = p.turned(along + turn/4 - lean*turn/360).plus(root)
		f.pts = append(f.pts, point{side * p.x, p.y})
	}
	return f
}

// signature returns a line as a pen makes it, about 100 units long; seed
// chooses the hand.
func signature(at point, seed uint32) figure {
	f := figure{smooth: true}
	x, up := 0, 26*unit
	for i := range 17 {
		seed = scramble(seed + uint32(i))
		y := int(seed%7) * unit
		if i%2 == 1 {
			y = up + int(seed>>8%9)*unit
			up = max(up-6*unit, 5*unit)
		}
		f.pts = append(f.pts, point{at.x + x, at.y + y})
		x += int(seed>>16%9)*unit + (i%2)*6*unit - 2*unit
	}
	f.pts = append(f.pts, point{at.x + x + 26*unit, at.y + 9*unit})
	return f
}

// scramble mixes the bits of n: the only source of irregularity here.
func scramble(n uint32) uint32 {
	n = (n ^ n>>16) * 0x7feb352d
	n = (n ^ n>>15) * 0x846ca68b
	return n ^ n>>16
}
