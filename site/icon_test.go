package site

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"strconv"
	"testing"
)

var draw = flag.Bool("draw", false, "draw the icons anew: go test ./site -run Icon -draw")

// The icon is the sign of assets/stele.svg on the colour of the page's head, small enough for whatever shape a device cuts out of it.

var (
	basalt = color.RGBA{0x2a, 0x26, 0x22, 0xff}
	ochre  = color.RGBA{0xd8, 0xb2, 0x6a, 0xff}
	carved = color.RGBA{0x5a, 0x3d, 0x12, 0xff}
)

// signAt is the colour of a place on the sign, in the units of stele.svg (36 × 44).
func signAt(x, y float64) color.RGBA {
	arch := func(left, right, top, foot float64) bool { // a stone with a round top
		r, mid := (right-left)/2, (left+right)/2
		if x < left || x > right || y < top || y > foot {
			return false
		}
		return y >= top+r || math.Hypot(x-mid, y-top-r) <= r
	}
	line := func(x1, x2, at, width float64) bool {
		return math.Hypot(x-min(max(x, x1), x2), y-at) <= width/2
	}
	ring := math.Abs(math.Hypot(x-18, y-14)-4) <= 0.9
	edge := arch(5.9, 30.1, 4.9, 38.6) && !arch(7.1, 28.9, 6.1, 37.4)
	switch {
	case ring, edge, line(11, 25, 24, 2), line(11, 25, 28.5, 2), line(11, 19.5, 33, 2):
		return carved
	case arch(3, 33, 2, 41), line(1, 35, 41.2, 2.4):
		return ochre
	}
	return basalt
}

func drawIcon(size int) image.Image {
	const fine = 4 // samples across a pixel
	scale := 44 / (0.62 * float64(size))
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for py := range size {
		for px := range size {
			var r, g, b int
			for i := range fine * fine {
				x := float64(px) + (float64(i%fine)+0.5)/fine - float64(size)/2
				y := float64(py) + (float64(i/fine)+0.5)/fine - float64(size)/2
				c := signAt(x*scale+18, y*scale+22)
				r, g, b = r+int(c.R), g+int(c.G), b+int(c.B)
			}
			n := fine * fine
			img.SetRGBA(px, py, color.RGBA{uint8(r / n), uint8(g / n), uint8(b / n), 0xff})
		}
	}
	return img
}

// TestIcons: the icons are what this draws, pixel by pixel.
func TestIcons(t *testing.T) {
	for _, size := range []int{192, 512} {
		path, want := "assets/icon-"+strconv.Itoa(size)+".png", drawIcon(size)
		if *draw {
			var b bytes.Buffer
			if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, want); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v; go test ./site -run Icon -draw makes it", err)
		}
		got, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for i := range size * size {
			x, y := i%size, i/size
			if color.RGBAModel.Convert(got.At(x, y)) != want.At(x, y) {
				t.Fatalf("%s at %d,%d: got %v, want %v; if the drawing was changed: go test ./site -run Icon -draw", path, x, y, got.At(x, y), want.At(x, y))
			}
		}
	}
}
