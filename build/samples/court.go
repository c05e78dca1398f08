package samples

import (
	"fmt"
	"io"
)

// decision is a court's decision, as long as it needs to be.
type decision struct {
	doc *pdf
	p   *page
	y   int
}

const (
	courtLeft   = 82 * unit
	courtRight  = a4Short - 72*unit
	courtBottom = 84 * unit
	courtIndent = 24 * unit
)

var courtText = style{roman, 11 * unit, 0, black}

func writeDecision(w io.Writer) error {
	d := &decision{doc: &pdf{title: "Judgment 2 AC 118/2025", author: "Administrative Court of Northhaven", day: "2026-01-22"}}
	d.turn()
	d.head()
	for _, s := range judgment {
		d.heading(s.title)
		for _, text := range s.paragraphs {
			d.paragraph(text)
		}
	}
	d.close()
	d.number()
	return d.doc.writeTo(w)
}

// turn begins a page.
func (d *decision) turn() {
	d.p = d.doc.page(a4Short, a4Long)
	d.y = 770 * unit
	d.p.draw(0xc9bfa6, 350, band(point{40 * unit, 60 * unit}, point{40 * unit, a4Long - 60*unit}, 9*unit, 46, 5)...)
	d.p.draw(navy, 700, line(point{54 * unit, 60 * unit}, point{54 * unit, a4Long - 60*unit}))
	if len(d.doc.pages) > 1 {
		d.p.left(style{italic, 9500, 0, grey}, courtLeft, 800*unit, "Administrative Court of Northhaven")
		d.p.right(style{italic, 9500, 0, grey}, courtRight, 800*unit, "2 AC 118/2025")
		d.p.draw(grey, 400, line(point{courtLeft, 794 * unit}, point{courtRight, 794 * unit}))
	}
}

// room turns the page where less than n is left of this one.
func (d *decision) room(n int) {
	if d.y-n < courtBottom {
		d.turn()
	}
}

func (d *decision) head() {
	p, mid := d.p, (courtLeft+courtRight)/2
	p.emblem(point{mid, 768 * unit}, 27*unit, navy)
	p.centre(style{roman, 10 * unit, 2400, navy}, mid, 726*unit, "REPUBLIC OF EXAMPLE")
	p.centre(style{bold, 19 * unit, 200, navy}, mid, 704*unit, "Administrative Court of Northhaven")
	p.draw(0xb59a5b, 700, line(point{mid - 110*unit, 692 * unit}, point{mid + 110*unit, 692 * unit}))
	p.left(courtText, courtLeft, 668*unit, "Case No. 2 AC 118/2025")
	p.right(courtText, courtRight, 668*unit, "Delivered on 22 January 2026")
	p.centre(style{bold, 16 * unit, 3000, black}, mid, 636*unit, "JUDGMENT")
	p.centre(style{italic, 12 * unit, 0, black}, mid, 619*unit, "In the name of the Republic")
	d.y = 594 * unit
	d.party("Claimant", "Harbour Street Residents’ Association, Northhaven, represented by M. Achterberg, attorney")
	d.party("Defendant", "City of Northhaven, Planning Office")
	d.party("Joined", "Eastmere Cold Storage Ltd, Eastmere")
	d.party("Concerning", "Building permit NH-B-2024-0931 of 3 September 2024, operation of a cold store at night")
}

func (d *decision) party(role, name string) {
	d.p.left(style{italic, 11 * unit, 0, grey}, courtLeft, d.y, role)
	for _, s := range courtText.wrap(name, courtRight-courtLeft-74*unit) {
		d.p.left(courtText, courtLeft+74*unit, d.y, s)
		d.y -= 14 * unit
	}
	d.y -= 2 * unit
}

func (d *decision) heading(s string) {
	d.room(60 * unit) // A heading does not stand alone at the foot of a page.
	d.y -= 12 * unit
	d.p.left(style{bold, 12 * unit, 200, navy}, courtLeft, d.y, s)
	d.y -= 19 * unit
}

// paragraph sets "1. text", the number in the margin, the last line ragged.
func (d *decision) paragraph(text [2]string) {
	lines := courtText.wrap(text[1], courtRight-courtLeft-courtIndent)
	for i, s := range lines {
		d.room(0)
		if i == 0 {
			d.p.left(courtText, courtLeft, d.y, text[0])
		}
		if i < len(lines)-1 {
			d.p.justified(courtText, courtLeft+courtIndent, d.y, courtRight-courtLeft-courtIndent, s)
		} else {
			d.p.left(courtText, courtLeft+courtIndent, d.y, s)
		}
		d.y -= 14500
	}
	d.y -= 4 * unit
}

// close sets the bench's signatures and the seal.
func (d *decision) close() {
	d.room(150 * unit)
	y := d.y - 74*unit
	d.p.signed(courtLeft+80*unit, y, 71, "Dr. Leonie Farrow", "Presiding judge")
	d.p.signed(courtRight-80*unit, y, 83, "Samuel Idris Holm", "Judge rapporteur")
	d.p.seal(point{(courtLeft + courtRight) / 2, y - 6*unit}, 52*unit, red, "ADMINISTRATIVE COURT", "NORTHHAVEN")
}

// number sets the feet, once it is known how many pages there are.
func (d *decision) number() {
	for i, p := range d.doc.pages {
		mid := (courtLeft + courtRight) / 2
		p.centre(style{roman, 9500, 0, grey}, mid, 46*unit, fmt.Sprintf("Page %d of %d", i+1, len(d.doc.pages)))
		p.centre(style{sans, 6 * unit, 100, grey}, mid, 30*unit, specimen)
	}
}

// part is one part of a judgment; a paragraph is its number and its text.
type part struct {
	title      string
	paragraphs [][2]string
}

var judgment = []part{
	{"Operative part", [][2]string{
		{"I.", "The building permit of 3 September 2024 is annulled in so far as it allows goods to be loaded and engines to run between 22:00 and 06:00."},
		{"II.", "For the rest the action is dismissed."},
		{"III.", "The defendant bears two thirds of the costs of the proceedings, the claimant one third. The joined party bears its own costs."},
	}},
	{"Facts", [][2]string{
		{"1.", "The joined party owns the former fish market at 2 to 8 Harbour Street. On 3 September 2024 the defendant permitted it to be rebuilt as a cold store with six loading bays. Condition 7 of the permit limits noise at the nearest window to 45 decibels by night; it sets no limit to the number of lorries."},
		{"2.", "Forty-one households live across the street, at a distance of 18 to 30 metres. Their association objected within the period for objections. The defendant rejected the objection on 20 February 2025, relying on a forecast that the joined party had submitted with its application."},
		{"3.", "The court heard the expert Dr. P. Nakamura-Lund and inspected the site on the night of 6 October 2025. Between 23:10 and 02:40 the level at the window of 5 Harbour Street was between 43 and 58 decibels. Each of nine arrivals of refrigerated lorries exceeded the limit."},
		{"4.", "The claimant asks for the permit to be annulled as a whole. The defendant and the joined party ask for the action to be dismissed and offer a noise barrier of three metres at the eastern bays."},
	}},
	{"Reasons", [][2]string{
		{"5.", "The action is admissible. An association whose members live within the reach of the works may bring it under section 12 of the Administrative Courts Act, and it was brought in time."},
		{"6.", "It is well founded in part. Under section 33 of the Building Act a permit is to be refused where its use would disturb the neighbourhood beyond what is customary in the district. The land-use plan of 2011 designates the northern side of Harbour Street as a mixed district. By night 45 decibels are the limit there."},
		{"7.", "The forecast cannot support the permit. It assumed two arrivals in a night and engines switched off. Neither assumption was made a condition. A limit which the permitted use cannot keep is not a safeguard but a hope; the defendant was bound to ask how the limit was to be kept, and to write the answer into the permit."},
		{"8.", "Nor does the barrier that has been offered alter the result. According to the expert it lowers the level on the ground floor by six decibels, and on the second floor and above not at all. Twenty-three of the households live there."},
		{"9.", "By day the use conforms to the plan. The court sees no ground on which the building itself, its height or its access could be objected to, and the claimant has named none. It is therefore enough to annul the permit as to the night. What remains of it is a permit that the defendant could lawfully have granted and, as it stated at the hearing, would have granted."},
		{"10.", "The decision on costs follows the measure in which each side has succeeded."},
	}},
	{"Legal remedy", [][2]string{
		{"11.", "An appeal may be lodged with the Supreme Administrative Court within one month of service. It must be signed by an attorney and state the grounds on which it rests."},
	}},
}
