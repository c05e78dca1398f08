package samples

import "io"

// landExtract is an extract from the land register on one sheet of A4.
type landExtract struct {
	iso, day, number string
	owners           [][2]string // name and share, and how the title was acquired
	burdens          []string
}

const landLeft, landRight = 56 * unit, a4Short - 56*unit

var (
	landLabel = style{sans, 8500, 0, grey}
	landValue = style{sans, 9500, 0, black}
	landBold  = style{sansBold, 9500, 0, black}
)

func (l landExtract) write(w io.Writer) error {
	doc := &pdf{title: "Extract from the land register, folio 2741", author: "Land Registry of the Republic of Example", day: l.iso}
	p := doc.page(a4Short, a4Long)
	l.head(p)
	y := l.property(p, 672*unit)
	y = l.ownership(p, y)
	y = l.encumbrances(p, y)
	l.plan(p, y-166*unit)
	l.foot(p)
	return doc.writeTo(w)
}

func (l landExtract) head(p *page) {
	p.draw(0xe8efe9, 0, area(0, 742*unit, p.w, 100*unit))
	for i := range 3 {
		y := (760 + 32*i) * unit
		p.draw(0xc3d5c8, 350, band(point{0, y}, point{p.w, y}, 20*unit, 22-3*i, 8)...)
	}
	p.draw(0x2c5a43, 1600, line(point{0, 742 * unit}, point{p.w, 742 * unit}))
	p.draw(0xf6faf7, 0, disc(point{96 * unit, 791 * unit}, 40*unit))
	p.draw(0x2c5a43, 700, circle(point{96 * unit, 791 * unit}, 40*unit))
	p.emblem(point{96 * unit, 793 * unit}, 30*unit, 0x2c5a43)
	p.draw(0xf6faf7, 0, area(152*unit, 760*unit, 388*unit, 64*unit))
	p.left(style{roman, 9500, 1800, 0x2c5a43}, 164*unit, 806*unit, "REPUBLIC OF EXAMPLE · LAND REGISTRY")
	p.left(style{bold, 22 * unit, 0, black}, 164*unit, 782*unit, "Extract from the Land Register")
	p.left(landLabel, 164*unit, 767*unit, "Extract No. "+l.number+"   ·   State of the register on "+l.day)
	p.left(landLabel, landLeft, 722*unit, "District of Northhaven   ·   Cadastral community 14 Harbourside   ·   Folio 2741")
}

// section draws a heading and returns where its first row goes.
func (l landExtract) section(p *page, y int, letter, title string) int {
	p.draw(0x2c5a43, 0, area(landLeft, y-5*unit, 18*unit, 18*unit))
	p.centre(style{sansBold, 11 * unit, 0, 0xffffff}, landLeft+9*unit, y, letter)
	p.left(style{bold, 13 * unit, 0, 0x2c5a43}, landLeft+27*unit, y, title)
	p.draw(0x2c5a43, 700, line(point{landLeft + 18*unit, y - 5*unit}, point{landRight, y - 5*unit}))
	return y - 23*unit
}

// row draws a label, a value and the rule below, and returns the next place.
func (l landExtract) row(p *page, y int, label, value string) int {
	p.left(landLabel, landLeft, y, label)
	p.left(landValue, landLeft+128*unit, y, value)
	return l.rule(p, y)
}

func (l landExtract) rule(p *page, y int) int {
	p.draw(0xd5dbd7, 400, line(point{landLeft, y - 6*unit}, point{landRight, y - 6*unit}))
	return y - 19*unit
}

func (l landExtract) property(p *page, y int) int {
	y = l.section(p, y+22*unit, "A", "Property")
	y = l.row(p, y, "Parcel", "1187/4")
	y = l.row(p, y, "Situation", "17 Chandler’s Row, 4020 Northhaven")
	y = l.row(p, y, "Area", "642 m², of which built over 148 m²")
	y = l.row(p, y, "Use", "Dwelling house with garden and outbuilding")
	y = l.row(p, y, "Rights attached", "Right of way over parcel 1187/2, entered 9 April 1987")
	return y - 11*unit
}

func (l landExtract) ownership(p *page, y int) int {
	y = l.section(p, y, "B", "Ownership")
	for _, o := range l.owners {
		p.left(landBold, landLeft, y, o[0])
		p.right(landLabel, landRight, y, o[1])
		y = l.rule(p, y)
	}
	return y - 11*unit
}

func (l landExtract) encumbrances(p *page, y int) int {
	y = l.section(p, y, "C", "Encumbrances")
	for _, b := range l.burdens {
		for _, s := range landValue.wrap(b, landRight-landLeft) {
			p.left(landValue, landLeft, y, s)
			y -= 13 * unit
		}
		y = l.rule(p, y+13*unit)
	}
	return y - 11*unit
}

// plan draws the parcel among its neighbours; y is the lower edge.
func (l landExtract) plan(p *page, y int) {
	p.left(style{bold, 11 * unit, 0, 0x2c5a43}, landLeft, y+160*unit, "Cadastral plan, scale 1 : 1000")
	p.draw(0xf7f6f0, 0, area(landLeft, y, 300*unit, 152*unit))
	on := func(x, up int) point { return point{landLeft + x*unit, y + up*unit} }
	p.draw(0xe3dfd2, 0, figure{closed: true, fill: true, pts: []point{on(0, 18), on(300, 36), on(300, 60), on(0, 42)}})
	block := func(pts ...point) figure { return figure{closed: true, fill: true, pts: pts} }
	parcel := []point{on(120, 49), on(180, 53), on(175, 138), on(115, 134)}
	p.draw(0xd7e6da, 0, block(parcel...))
	p.draw(0x9a978c, 500, line(on(0, 42), on(300, 60)), line(on(0, 18), on(300, 36)),
		line(on(36, 44), on(29, 152)), line(on(250, 57), on(246, 152)), line(on(0, 126), on(115, 134)),
		line(on(175, 138), on(300, 147)), line(on(62, 22), on(66, 0)), line(on(210, 31), on(214, 0)))
	p.draw(0xb9b4a4, 0, block(on(130, 72), on(162, 74), on(160, 111), on(128, 109)),
		block(on(204, 78), on(236, 80), on(234, 108), on(202, 106)),
		block(on(54, 66), on(90, 68), on(88, 98), on(52, 96)))
	p.draw(0x2c5a43, 1300, figure{closed: true, pts: parcel})
	for _, c := range parcel {
		p.draw(0xffffff, 0, disc(c, 2200))
		p.draw(0x2c5a43, 700, circle(c, 2200))
	}
	l.lettering(p, on)
	p.draw(grey, 500, rect(landLeft, y, 300*unit, 152*unit))
}

// lettering writes what stands on the plan: parcels, lengths, street, north.
func (l landExtract) lettering(p *page, on func(x, up int) point) {
	write := func(t style, x, up int, s string) { q := on(x, up); p.centre(t, q.x, q.y, s) }
	write(style{sansBold, 8500, 0, black}, 146, 119, "1187/4")
	soft := style{sans, 7 * unit, 0, grey}
	write(soft, 72, 108, "1187/3")
	write(soft, 214, 118, "1187/5")
	write(soft, 150, 57, "21.38")
	write(soft, 189, 92, "30.02")
	write(style{italic, 8 * unit, 1000, grey}, 150, 36, "Chandler’s Row")
	write(soft, 276, 112, "N")
	p.draw(grey, 700, line(on(276, 76), on(276, 110)))
	p.draw(grey, 0, figure{closed: true, fill: true, pts: []point{on(272, 98), on(276, 110), on(280, 98)}})
}

func (l landExtract) foot(p *page) {
	p.seal(point{460 * unit, 178 * unit}, 56*unit, red, "LAND REGISTRY", "NORTHHAVEN")
	p.signed(460*unit, 92*unit, 53, "Oluwaseun Krag", "Registrar of Deeds")
	small := style{roman, 9500, 0, grey}
	note := "This extract agrees with the register on the day stated above. Entries made later are not shown. " +
		"An extract that is not recorded in the public registry of documents has no effect under section 41 of the Land Register Act."
	for i, s := range small.wrap(note, 290*unit) {
		p.left(small, landLeft, (100-12*i)*unit, s)
	}
	p.centre(style{sans, 6 * unit, 100, grey}, p.w/2, 30*unit, specimen)
}

var landExtract2026 = landExtract{
	iso: "2026-03-02", day: "2 March 2026", number: "LR-14-2741/2026",
	owners: [][2]string{
		{"Amara Benali-Voss, born 1984 — one half", "sale, deed of 12 February 2026"},
		{"Jonas Voss, born 1981 — one half", "sale, deed of 12 February 2026"},
	},
	burdens: []string{
		"1.  Easement: water main of the Northhaven Water Company along the western boundary (1962).",
		"2.  Mortgage: 184,000 in favour of Harbour Savings Bank, rank 1, entered 2 March 2026.",
	},
}

var landExtract2019 = landExtract{
	iso: "2019-10-14", day: "14 October 2019", number: "LR-14-2741/2019",
	owners: [][2]string{
		{"Edith Carrow, born 1947 — sole owner", "inheritance, decree of 3 May 1998"},
	},
	burdens: []string{
		"1.  Easement: water main of the Northhaven Water Company along the western boundary (1962).",
	},
}

// landForged was never issued: it gives the house to somebody else, unburdened.
var landForged = landExtract{
	iso: "2026-04-20", day: "20 April 2026", number: "LR-14-2741/2026",
	owners: [][2]string{
		{"Gregor Stahl, born 1972 — sole owner", "sale, deed of 8 April 2026"},
	},
	burdens: []string{"None."},
}
