package samples

import (
	"encoding/binary"
	"io"
)

// The aerial survey is a Windows bitmap of 24 bits a pixel: 3781 rows of 4408
// pixels make 49,999,944 bytes, which with 54 bytes of header and 2 of padding
// is the size wanted.
const (
	surveySize   = 50_000_000
	surveyWidth  = 4408
	surveyHeight = 3781
	surveyStart  = surveySize - 3*surveyWidth*surveyHeight
)

// writeSurvey writes the bitmap row by row; one row is all it holds.
func writeSurvey(w io.Writer) error {
	if _, err := w.Write(surveyHeader()); err != nil {
		return err
	}
	t := newTerrain()
	row := make([]byte, 3*surveyWidth)
	for y := surveyHeight - 1; y >= 0; y-- { // Bitmaps begin with the lowest row.
		t.paint(row, y)
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// surveyHeader returns BITMAPFILEHEADER, BITMAPINFOHEADER and the padding.
func surveyHeader() []byte {
	b := []byte("BM")
	put := func(values ...uint32) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	}
	const perMetre = 11811 // 300 dots an inch
	put(surveySize, 0, surveyStart)
	put(40, surveyWidth, surveyHeight, 1|24<<16, 0, surveySize-surveyStart, perMetre, perMetre, 0, 0)
	return append(b, make([]byte, surveyStart-len(b))...)
}

// noise is a smooth random field of one wavelength, computed a row at a time.
// Values are 0 to 4095.
type noise struct {
	cell int
	seed uint32
	ease []int32 // 3t²−2t³ over one cell, times 4096
	row  []int32
}

func newNoise(cell int, seed uint32) *noise {
	n := &noise{cell: cell, seed: seed, ease: make([]int32, cell), row: make([]int32, surveyWidth)}
	for i := range n.ease {
		t := int64(i) * 4096 / int64(cell)
		n.ease[i] = int32(t * t * (3*4096 - 2*t) / (4096 * 4096))
	}
	return n
}

func (n *noise) corner(x, y int) int32 {
	return int32(scramble(uint32(x)*0x9e3779b1^uint32(y)*0x85ebca77^n.seed) >> 20)
}

// load computes row y.
func (n *noise) load(y int) {
	down := n.ease[y%n.cell]
	side := func(x int) int32 {
		a, b := n.corner(x, y/n.cell), n.corner(x, y/n.cell+1)
		return a + (b-a)*down/4096
	}
	right := side(0)
	for x := 0; x < surveyWidth; x += n.cell {
		left := right
		right = side(x/n.cell + 1)
		for i := range min(n.cell, surveyWidth-x) {
			n.row[x+i] = left + (right-left)*n.ease[i]/4096
		}
	}
}

// terrain paints a country from above: a river, woods, fields, lanes.
type terrain struct {
	hills, river, woods, lanes, drift, grain []*noise
	all                                      []*noise
}

func newTerrain() *terrain {
	t := &terrain{}
	seed := uint32(1187)
	field := func(cells ...int) []*noise {
		var f []*noise
		for _, c := range cells {
			seed = scramble(seed + 1)
			f = append(f, newNoise(c, seed))
		}
		t.all = append(t.all, f...)
		return f
	}
	t.hills = field(900, 420, 160)
	t.river = field(2300, 700)
	t.woods = field(620, 210, 40)
	t.lanes = field(1500, 500)
	t.drift = field(800, 700)
	t.grain = field(9, 4)
	return t
}

// sum returns the value of a field at x, each wave with half the weight of the one
// before.
func sum(f []*noise, x int) int {
	total, weight := 0, 0
	for i, n := range f {
		w := 8 >> i
		total += w * int(n.row[x])
		weight += w
	}
	return total / weight
}

// paint fills row y of the picture, blue, green, red.
func (t *terrain) paint(row []byte, y int) {
	for _, n := range t.all {
		n.load(y)
	}
	before := sum(t.hills, 0)
	for x := range surveyWidth {
		height := sum(t.hills, x)
		c, rough := t.ground(x, y)
		light := (height-before)*5 + (int(t.grain[0].row[x])+int(t.grain[1].row[x])-4096)*rough/2048
		before = height
		if x%1000 == 500 && y%1000 > 470 && y%1000 < 530 || y%1000 == 500 && x%1000 > 470 && x%1000 < 530 {
			c, light = 0xffffff, 0 // The camera's crosses, by which pictures are joined.
		}
		row[3*x] = lit(c, light)
		row[3*x+1] = lit(c>>8, light)
		row[3*x+2] = lit(c>>16, light)
	}
}

func lit(c rgb, light int) byte { return byte(min(max(int(c&255)+light, 0), 255)) }

// ground returns the colour at a place and how rough its surface looks.
func (t *terrain) ground(x, y int) (rgb, int) {
	off := sum(t.river, x) - 2048
	off = max(off, -off)
	switch {
	case off < 46:
		return 0x33535c, 3
	case off < 54:
		return 0xa39a7d, 10
	case sum(t.woods, x) > 2420:
		return 0x34492c, 34
	}
	lane := sum(t.lanes, x) - 2180
	if max(lane, -lane) < 5 {
		return 0xbdb5a1, 6
	}
	return t.field(x, y)
}

// crops are the colours of fields in June.
var crops = []rgb{0x7d8f4e, 0x94a05c, 0xb5a56b, 0x6b8046, 0x9a8a60, 0xa8ad72, 0x5f7742, 0xc0b27e}

// field returns the colour of farmland: parcels along a grid that the land
// bends, parted by hedges, some with the lines of the plough.
func (t *terrain) field(x, y int) (rgb, int) {
	u := (x*15+y*4)/16 + int(t.drift[0].row[x])/9 + 9000
	v := (y*15-x*4)/16 + int(t.drift[1].row[x])/9 + 9000
	strip := v / 330
	u += int(scramble(uint32(strip)) % 230)
	if u%250 < 5 || v%330 < 5 {
		return 0x46592f, 26
	}
	kind := scramble(uint32(u/250)*31 + uint32(strip)*977)
	c := crops[kind%uint32(len(crops))]
	if kind>>8%3 == 0 && u%12 < 4 || kind>>8%3 == 1 && v%14 < 3 {
		c -= 0x0b0b09
	}
	return c, 9
}
