package samples

// Parts that several of the PDF documents have in common.

const specimen = "Specimen. The Republic of Example and all persons, bodies and places named in this document are fictional."

// seal draws a round seal with a text along the top and one along the bottom.
func (p *page) seal(c point, r int, ink rgb, top, bottom string) {
	p.draw(ink, 350, rosette(c, r*95/100, r*5/100, 48, 3)...)
	p.draw(ink, 1100, circle(c, r*87/100))
	p.draw(ink, 450, circle(c, r*84/100), circle(c, r*61/100))
	t := style{face: bold, size: r * 13 / 100, track: r * 15 / 1000, ink: ink}
	p.arc(t, c, r*68/100, turn/4, false, top)
	p.arc(t, c, r*77/100, turn*3/4, true, bottom)
	p.emblem(c, r*52/100, ink)
}

// emblem draws the arms of the Republic.
func (p *page) emblem(c point, r int, ink rgb) {
	p.draw(ink, r*3/100, place(emblem(), c, r)...)
}

// frame draws a guilloche between two rules, inset from the edge of the page,
// and a rosette over each corner.
func (p *page) frame(inset, depth int, dark, light rgb) {
	mid := inset + depth/2
	corners := []point{{mid, mid}, {p.w - mid, mid}, {p.w - mid, p.h - mid}, {mid, p.h - mid}}
	for i, c := range corners {
		next := corners[(i+1)%4]
		length := max(next.x-c.x, c.x-next.x, next.y-c.y, c.y-next.y)
		p.draw(light, 300, band(c, next, depth/2, length/(depth*5/4), 6)...)
	}
	p.draw(dark, 1400, rect(inset, inset, p.w-2*inset, p.h-2*inset))
	in := inset + depth
	p.draw(dark, 500, rect(in, in, p.w-2*in, p.h-2*in), rect(in+3*unit, in+3*unit, p.w-2*in-6*unit, p.h-2*in-6*unit))
	for _, c := range corners {
		p.draw(0xfdfbf4, 0, disc(c, depth*85/100))
		p.draw(light, 300, rosette(c, depth*55/100, depth*25/100, 12, 5)...)
		p.draw(dark, 800, circle(c, depth*85/100), disc(c, depth*10/100))
	}
}

// signed draws a signature over a rule, and under it who signed.
func (p *page) signed(x, y int, seed uint32, name, office string) {
	p.draw(blue, 900, signature(point{x - 55*unit, y + 8*unit}, seed))
	p.draw(grey, 500, line(point{x - 80*unit, y}, point{x + 80*unit, y}))
	p.centre(style{face: roman, size: 11 * unit, ink: black}, x, y-14*unit, name)
	p.centre(style{face: italic, size: 10 * unit, ink: grey}, x, y-27*unit, office)
}
