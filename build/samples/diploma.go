package samples

import "io"

// diploma is a university diploma on one sheet of A4, lying.
type diploma struct {
	university, over string // the name, and the line above it
	authority        string
	name, faculty    string
	degree, subject  string
	grade            string
	place, day, iso  string
	number           string
	signers          [2][2]string // name and office
	hands            [2]uint32
	sealTop, sealLow string
	dark, light      rgb
}

func (d diploma) write(w io.Writer) error {
	doc := &pdf{title: "Diploma of " + d.name, author: d.university, day: d.iso}
	p := doc.page(a4Long, a4Short)
	mid := p.w / 2
	p.draw(0xfdfbf4, 0, area(0, 0, p.w, p.h))
	p.draw(0xf1eadb, 500, rosette(point{mid, 272 * unit}, 150*unit, 48*unit, 36, 7)...)
	p.draw(0xf1eadb, 500, rosette(point{mid, 272 * unit}, 66*unit, 40*unit, 18, 5)...)
	p.frame(26*unit, 22*unit, d.dark, d.light)
	d.head(p, mid)
	d.award(p, mid)
	d.foot(p, mid)
	return doc.writeTo(w)
}

func (d diploma) head(p *page, mid int) {
	p.emblem(point{mid, 494 * unit}, 33*unit, d.dark)
	p.centre(style{roman, 10500, 2600, d.dark}, mid, 444*unit, d.over)
	p.centre(style{bold, 31 * unit, 400, d.dark}, mid, 408*unit, d.university)
	p.draw(d.light, 800, line(point{mid - 150*unit, 395 * unit}, point{mid + 150*unit, 395 * unit}))
	p.draw(d.light, 0, star(point{mid, 395 * unit}, 5*unit))
	p.centre(style{italic, 13 * unit, 0, black}, mid, 373*unit, d.authority)
}

func (d diploma) award(p *page, mid int) {
	soft := style{italic, 13 * unit, 0, black}
	p.centre(style{bold, 34 * unit, 0, black}, mid, 327*unit, d.name)
	p.draw(grey, 400, line(point{mid - 190*unit, 316 * unit}, point{mid + 190*unit, 316 * unit}))
	p.centre(soft, mid, 296*unit, "who has completed the prescribed course of study in the "+d.faculty+", the degree of")
	p.centre(style{bold, 23 * unit, 300, d.dark}, mid, 263*unit, d.degree)
	p.centre(style{roman, 16 * unit, 300, black}, mid, 241*unit, d.subject)
	p.centre(soft, mid, 213*unit, "with the final grade of")
	p.centre(style{bold, 18 * unit, 300, black}, mid, 190*unit, d.grade)
}

func (d diploma) foot(p *page, mid int) {
	p.seal(point{mid, 115 * unit}, 50*unit, red, d.sealTop, d.sealLow)
	p.signed(200*unit, 118*unit, d.hands[0], d.signers[0][0], d.signers[0][1])
	p.signed(p.w-200*unit, 118*unit, d.hands[1], d.signers[1][0], d.signers[1][1])
	small := style{roman, 9 * unit, 200, grey}
	p.left(small, 66*unit, 66*unit, "Given at "+d.place+" on "+d.day)
	p.right(small, p.w-66*unit, 66*unit, "Diploma No. "+d.number)
	p.centre(style{sans, 6 * unit, 100, grey}, mid, 14*unit, specimen)
}

var universityDiploma = diploma{
	over:       "REPUBLIC OF EXAMPLE · MINISTRY OF EDUCATION AND SCIENCE",
	university: "The State University of Northhaven",
	authority:  "on the recommendation of the Senate, and by the authority vested in it by the Higher Education Act, confers upon",
	name:       "Miriam Adaeze Lindqvist",
	faculty:    "Faculty of Engineering",
	degree:     "Master of Science",
	subject:    "in Civil and Structural Engineering",
	grade:      "3.62 out of 5.00",
	place:      "Northhaven",
	day:        "26 June 2026",
	iso:        "2026-06-26",
	number:     "SUN-2026-004817",
	signers:    [2][2]string{{"Prof. Helena Marsh-Okoye", "Rector"}, {"Prof. Tomas Bergström", "Dean of the Faculty"}},
	hands:      [2]uint32{11, 29},
	sealTop:    "UNIVERSITY OF NORTHHAVEN",
	sealLow:    "RECTORATE",
	dark:       navy,
	light:      0xb59a5b,
}

var academyDiploma = diploma{
	over:       "REPUBLIC OF EXAMPLE · PRIVATE INSTITUTE OF HIGHER EDUCATION",
	university: "Meridian Academy of Management",
	authority:  "by resolution of its Academic Board confers upon",
	name:       "Daniel Ruiz Hartmann",
	faculty:    "School of Business",
	degree:     "Bachelor of Arts",
	subject:    "in Business Administration",
	grade:      "4.75 out of 5.00",
	place:      "Eastmere",
	day:        "15 May 2026",
	iso:        "2026-05-15",
	number:     "MAM-26-0093",
	signers:    [2][2]string{{"Dr. Victor Salinger", "President"}, {"Ingrid Pohl", "Registrar"}},
	hands:      [2]uint32{5, 101},
	sealTop:    "MERIDIAN ACADEMY",
	sealLow:    "EASTMERE",
	dark:       0x2c4a3a,
	light:      0x8a9f78,
}
