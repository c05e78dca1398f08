package samples

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// letter is a certificate on one sheet as a word processor writes it: Office
// Open XML, ECMA-376.
type letter struct {
	office, heading string
	iso, number     string
	opening         string
	rows            [][2]string
	findings        []string
	place, signer   string
}

// zipPart is one file of the package.
type zipPart struct {
	name string
	data []byte
}

func (l letter) write(w io.Writer) error {
	var arms bytes.Buffer
	if err := writeArms(&arms); err != nil {
		return err
	}
	return writeZip(w, []zipPart{
		// The list of types stands first: some readers sniff it there.
		{"[Content_Types].xml", []byte(contentTypes)},
		{"_rels/.rels", []byte(packageRels)},
		{"docProps/core.xml", []byte(l.core())},
		{"word/document.xml", []byte(l.document())},
		{"word/_rels/document.xml.rels", []byte(documentRels)},
		{"word/styles.xml", []byte(stylesXML)},
		{"word/settings.xml", []byte(settingsXML)},
		{"word/footer1.xml", []byte(footerXML)},
		{"word/media/arms.png", arms.Bytes()},
	})
}

// writeZip stores the parts. Their lengths stand in the headers before them,
// not in descriptors behind, since stream readers refuse a stored part that
// does not say where it ends.
func writeZip(w io.Writer, parts []zipPart) error {
	z := zip.NewWriter(w)
	for _, p := range parts {
		h := &zip.FileHeader{
			Name:               p.name,
			Method:             zip.Store,
			ModifiedDate:       0x21, // 1 January 1980, the first day that the format knows
			CRC32:              crc32.ChecksumIEEE(p.data),
			CompressedSize64:   uint64(len(p.data)),
			UncompressedSize64: uint64(len(p.data)),
		}
		f, err := z.CreateRaw(h)
		if err != nil {
			return err
		}
		if _, err := f.Write(p.data); err != nil {
			return err
		}
	}
	return z.Close()
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // A Builder does not fail.
	return b.String()
}

// para returns a paragraph in a style of styles.xml.
func para(style, s string) string {
	return fmt.Sprintf(`<w:p><w:pPr><w:pStyle w:val="%s"/></w:pPr><w:r><w:t xml:space="preserve">%s</w:t></w:r></w:p>`, style, escape(s)) + "\n"
}

func (l letter) document() string {
	var b strings.Builder
	b.WriteString(documentHead)
	b.WriteString(para("Republic", "REPUBLIC OF EXAMPLE"))
	b.WriteString(para("Office", l.office))
	b.WriteString(para("Title", l.heading))
	b.WriteString(para("Number", "No. "+l.number))
	b.WriteString(para("Opening", l.opening))
	b.WriteString(l.table())
	b.WriteString(para("Normal", ""))
	for _, s := range l.findings {
		b.WriteString(para("Normal", s))
	}
	b.WriteString(para("Place", l.place))
	b.WriteString(para("Signer", l.signer))
	b.WriteString(documentTail)
	return b.String()
}

func (l letter) table() string {
	var b strings.Builder
	b.WriteString(tableHead)
	for _, r := range l.rows {
		fmt.Fprintf(&b, `<w:tr><w:tc><w:tcPr><w:tcW w:w="2900" w:type="dxa"/></w:tcPr>%s</w:tc><w:tc><w:tcPr><w:tcW w:w="5900" w:type="dxa"/></w:tcPr>%s</w:tc></w:tr>`+"\n",
			para("Label", r[0]), para("Value", r[1]))
	}
	return b.String() + "</w:tbl>\n"
}

func (l letter) core() string {
	at := l.iso + "T09:00:00Z"
	return fmt.Sprintf(coreXML, escape(l.heading), escape(l.office), at, at)
}

var conductCertificate = letter{
	office:  "Ministry of the Interior · Criminal Records Office",
	heading: "Certificate of Good Conduct",
	iso:     "2026-09-14",
	number:  "CRO 2026/118 402",
	opening: "The Criminal Records Office certifies, from the central register as it stood on 14 September 2026 at 09:00, that for the person",
	rows: [][2]string{
		{"Family name", "Achterberg"},
		{"Given names", "Noor Elisabeth"},
		{"Born on", "3 November 1991"},
		{"Citizenship", "Republic of Example"},
		{"Residence", "8 Ropewalk, 4017 Northhaven"},
		{"Valid until", "14 September 2036"},
	},
	findings: []string{
		"no conviction is entered in the register of criminal convictions, and no proceedings that would have to be stated here are pending.",
		"This certificate is issued at the request of the person named, for employment in a school. It is given as a file. It is valid only while the public registry of documents shows it as such.",
	},
	place:  "Northhaven, 14 September 2026",
	signer: "R. Okonjo-Ström, Head of the Criminal Records Office",
}

var conductExpired = letter{
	office:  "Ministry of the Interior · Criminal Records Office",
	heading: "Certificate of Good Conduct",
	iso:     "2011-06-30",
	number:  "CRO 2011/070 013",
	opening: "The Criminal Records Office certifies, from the central register as it stood on 30 June 2011 at 09:00, that for the person",
	rows: [][2]string{
		{"Family name", "Carrow"},
		{"Given names", "Edith"},
		{"Born on", "19 January 1947"},
		{"Citizenship", "Republic of Example"},
		{"Residence", "17 Chandler’s Row, 4020 Northhaven"},
		{"Valid until", "30 June 2021"},
	},
	findings: []string{
		"no conviction is entered in the register of criminal convictions.",
		"This certificate is issued at the request of the person named, for voluntary work.",
	},
	place:  "Northhaven, 30 June 2011",
	signer: "A. Fenwick, Criminal Records Office",
}

var teachingLicence = letter{
	office:  "Ministry of Education and Science · Teaching Council",
	heading: "Licence to Teach",
	iso:     "2022-08-22",
	number:  "TC 2022/3306",
	opening: "The Teaching Council grants, under section 9 of the Schools Act, to",
	rows: [][2]string{
		{"Name", "Marcus Oyelaran Field"},
		{"Born on", "27 May 1989"},
		{"Subjects", "Mathematics, Physics"},
		{"School forms", "Secondary schools, years 7 to 13"},
	},
	findings: []string{
		"the licence to teach the subjects named at the public schools of the Republic.",
		"The licence is granted without limit of time. It ends when it is revoked; the public registry of documents shows whether it has been.",
	},
	place:  "Northhaven, 22 August 2022",
	signer: "Dr. Salma Wirth, Secretary of the Teaching Council",
}
