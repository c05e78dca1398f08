package samples

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image/jpeg"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// What becomes of documents on their way: a comment is added, they are printed to a file, photographed, sent by mail, saved
// with other line ends. None of these is registered; each shows what the portal says of such a file.

// changed returns a writer of what change makes of what write writes.
func changed(write func(io.Writer) error, change func([]byte) ([]byte, error)) func(io.Writer) error {
	return func(w io.Writer) error {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		out, err := change(b.Bytes())
		if err == nil {
			_, err = w.Write(out)
		}
		return err
	}
}

var (
	pdfPage = regexp.MustCompile(`\n(\d+) 0 obj\n<< (/Type /Page [^\n]*) >>\nendobj\n`)
	pdfInfo = regexp.MustCompile(`\n2 0 obj\n<< ([^\n]*) >>\nendobj\n`)
	pdfEnd  = regexp.MustCompile(`trailer\n<< /Size (\d+) /Root 1 0 R /Info 2 0 R /ID \[<([0-9a-f]+)> <[0-9a-f]+>\] >>\nstartxref\n(\d+)\n%%EOF\n$`)
	pdfDay  = regexp.MustCompile(`/ModDate \([^)]*\)`)
)

// annotated adds a note to the first page of a PDF that writeTo has written, as a viewer does: what was there stays, byte for
// byte, and an update follows (ISO 32000-1, 7.5.6).
func annotated(b []byte) ([]byte, error) {
	page, info, end := pdfPage.FindSubmatch(b), pdfInfo.FindSubmatch(b), pdfEnd.FindSubmatch(b)
	if page == nil || info == nil || end == nil {
		return nil, fmt.Errorf("annotate: %d bytes are not as writeTo writes", len(b))
	}
	next, _ := strconv.Atoi(string(end[1]))
	first, _ := strconv.Atoi(string(page[1]))
	day := []byte("/ModDate (D:20261002141800+03'00')")
	out := bytes.NewBuffer(bytes.Clone(b))
	var table strings.Builder
	for _, o := range []struct {
		number int
		dict   string
	}{
		{2, string(pdfDay.ReplaceAll(info[1], day))},
		{first, fmt.Sprintf("%s /Annots [ %d 0 R ]", page[2], next)},
		{next, "/Type /Annot /Subtype /Text /Rect [ 500 770 520 790 ] /Name /Comment /F 4 /C [ 1 0.8 0.2 ] /T (Reception) /M (D:20261002141800+03'00') /Contents (Seen and entered on 2 October 2026.)"},
	} {
		fmt.Fprintf(&table, "%d 1\n%010d 00000 n \n", o.number, out.Len())
		fmt.Fprintf(out, "%d 0 obj\n<< %s >>\nendobj\n", o.number, o.dict)
	}
	start := out.Len()
	fmt.Fprintf(out, "xref\n%strailer\n<< /Size %d /Root 1 0 R /Info 2 0 R /Prev %s /ID [<%s> <%032x>] >>\nstartxref\n%d\n%%%%EOF\n", &table, next+1, end[3], end[2], start, start)
	return out.Bytes(), nil
}

// printed is a PDF that writeTo has written, as though it had been printed to a file by a common driver: another producer and
// another time, and so every place in the cross-reference another.
func printed(b []byte) ([]byte, error) {
	info, end := pdfInfo.FindSubmatchIndex(b), pdfEnd.FindSubmatch(b)
	if info == nil || end == nil {
		return nil, fmt.Errorf("print: %d bytes are not as writeTo writes", len(b))
	}
	said := pdfDay.ReplaceAllString(string(b[info[2]:info[3]]), "/ModDate (D:20261001101500+03'00')")
	said = strings.Replace(said, "/Producer (Stele samples)", "/Producer (Microsoft: Print To PDF)", 1)
	delta := len(said) - (info[3] - info[2])
	start, _ := strconv.Atoi(string(end[3]))
	var out bytes.Buffer
	out.Write(b[:info[2]])
	out.WriteString(said)
	out.Write(b[info[3]:start])
	for _, line := range strings.SplitAfter(string(b[start:]), "\n") {
		if at, err := strconv.Atoi(strings.TrimSuffix(line, " 00000 n \n")); err == nil && at > info[0]+1 {
			line = fmt.Sprintf("%010d 00000 n \n", at+delta)
		}
		if line == string(end[3])+"\n" {
			line = fmt.Sprintf("%d\n", start+delta)
		}
		out.WriteString(line)
	}
	return out.Bytes(), nil
}

// converted has the line ends of another system.
func converted(b []byte) ([]byte, error) {
	return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")), nil
}

// mailed is an e-mail message with a file attached to it (RFC 2045).
func mailed(name string) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		var m strings.Builder
		m.WriteString("From: Harbour Street Residents <office@residents.example>\nTo: Miriam Lindqvist <miriam@example.org>\n" +
			"Date: Mon, 5 Oct 2026 09:12:40 +0300\nSubject: The notice that I spoke of\nMessage-ID: <20261005091240.117@residents.example>\n" +
			"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=_117\"\n\n" +
			"--=_117\nContent-Type: text/plain; charset=utf-8\n\nDear Miriam,\n\nthis is the notice about the bridge, as it came to us.\n\n" +
			"--=_117\nContent-Type: text/plain; name=\"" + name + "\"\nContent-Disposition: attachment; filename=\"" + name + "\"\nContent-Transfer-Encoding: base64\n\n")
		coded := base64.StdEncoding.EncodeToString(b)
		for len(coded) > 76 {
			m.WriteString(coded[:76] + "\n")
			coded = coded[76:]
		}
		m.WriteString(coded + "\n--=_117--\n")
		return converted([]byte(m.String()))
	}
}

// writePhotograph writes a photograph of a paper on a table, with what a telephone notes besides.
func writePhotograph(w io.Writer) error {
	const unit = 1000
	c := newCanvas(480, 360, 0x5b4636)
	for y := 12; y < 360; y += 24 {
		c.draw(0x634d3b, 3*unit, line(point{0, y * unit}, point{480 * unit, (y + 9) * unit}))
	}
	// The paper lies askew: everything on it is turned about its middle.
	mid := point{240 * unit, 180 * unit}
	lie := func(figs ...figure) []figure { return move(figs, mid, turn/90) }
	c.draw(0x463527, 1, lie(area(-98*unit, -142*unit, 204*unit, 288*unit))...)
	c.draw(0xe9e4d6, 1, lie(area(-100*unit, -140*unit, 200*unit, 280*unit))...)
	c.draw(0x2c3c5c, 2*unit, lie(rect(-88*unit, -128*unit, 176*unit, 256*unit), circle(point{0, 92 * unit}, 20*unit))...)
	for i := range 11 {
		length := 140 - i*37%48
		c.draw(0x57565a, 2*unit, lie(line(point{-70 * unit, (44 - 13*i) * unit}, point{(length - 70) * unit, (44 - 13*i) * unit}))...)
	}
	var picture bytes.Buffer
	// Another release of Go may find other bytes. Nothing depends on them: a photograph is never registered.
	if err := jpeg.Encode(&picture, c.img, &jpeg.Options{Quality: 60}); err != nil {
		return err
	}
	said := exif("Example Mobile", "Pocket 5", "2026:10:05 10:15:12")
	head := []byte{0xff, 0xd8, 0xff, 0xe1}
	head = binary.BigEndian.AppendUint16(head, uint16(2+len(said)))
	_, err := w.Write(append(append(head, said...), picture.Bytes()[2:]...))
	return err
}

// exif is a segment of Exif (CIPA DC-008) with a camera's maker and model, and the time that its clock said.
func exif(maker, model, taken string) []byte {
	const ifd, sub = 8, 8 + 2 + 3*12 + 4
	texts := sub + 2 + 12 + 4
	b := []byte("Exif\x00\x00MM\x00*")
	u16 := func(n int) { b = binary.BigEndian.AppendUint16(b, uint16(n)) }
	u32 := func(n int) { b = binary.BigEndian.AppendUint32(b, uint32(n)) }
	at := texts
	ascii := func(tag int, s string) {
		u16(tag)
		u16(2) // ASCII
		u32(len(s) + 1)
		u32(at)
		at += len(s) + 1
	}
	u32(ifd)
	u16(3)
	ascii(0x010f, maker)
	ascii(0x0110, model)
	u16(0x8769) // where the rest stands
	u16(4)      // LONG
	u32(1)
	u32(sub)
	u32(0)
	u16(1)
	ascii(0x9003, taken)
	u32(0)
	return append(b, maker+"\x00"+model+"\x00"+taken+"\x00"...)
}
