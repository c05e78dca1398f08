package samples

// The parts of a word-processing package that are the same in every letter.
// Lengths are in twentieths of a point, font sizes in half points, and those of
// the picture in EMU, 914,400 to the inch (ECMA-376, part 1).

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

const contentTypes = xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Default Extension="png" ContentType="image/png"/>
<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>
<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>
<Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/>
<Override PartName="/word/settings.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.settings+xml"/>
<Override PartName="/word/footer1.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml"/>
</Types>
`

const packageRels = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>
<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/>
</Relationships>
`

const documentRels = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>
<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/settings" Target="settings.xml"/>
<Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footer" Target="footer1.xml"/>
<Relationship Id="rId4" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" Target="media/arms.png"/>
</Relationships>
`

// coreXML takes the title, the author, and the time of making and of the last
// change.
const coreXML = xmlHead + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<dc:title>%s</dc:title>
<dc:creator>%s</dc:creator>
<dcterms:created xsi:type="dcterms:W3CDTF">%s</dcterms:created>
<dcterms:modified xsi:type="dcterms:W3CDTF">%s</dcterms:modified>
</cp:coreProperties>
`

const wordSpaces = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`

const documentHead = xmlHead + `<w:document ` + wordSpaces + ` xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture">
<w:body>
<w:p><w:pPr><w:pStyle w:val="Republic"/></w:pPr><w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent cx="1188720" cy="990600"/><wp:docPr id="1" name="Arms" descr="Arms of the Republic of Example: an inscribed stone in a wreath"/><a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:nvPicPr><pic:cNvPr id="1" name="arms.png"/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:embed="rId4"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="1188720" cy="990600"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>
`

const documentTail = `<w:sectPr><w:footerReference w:type="default" r:id="rId3"/><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1250" w:right="1550" w:bottom="1250" w:left="1550" w:header="700" w:footer="760" w:gutter="0"/><w:pgBorders w:offsetFrom="page"><w:top w:val="thinThickSmallGap" w:sz="18" w:space="24" w:color="1D2F52"/><w:left w:val="thinThickSmallGap" w:sz="18" w:space="24" w:color="1D2F52"/><w:bottom w:val="thickThinSmallGap" w:sz="18" w:space="24" w:color="1D2F52"/><w:right w:val="thickThinSmallGap" w:sz="18" w:space="24" w:color="1D2F52"/></w:pgBorders></w:sectPr>
</w:body>
</w:document>
`

const tableHead = `<w:tbl><w:tblPr><w:tblW w:w="8800" w:type="dxa"/><w:tblBorders><w:top w:val="single" w:sz="8" w:space="0" w:color="B59A5B"/><w:bottom w:val="single" w:sz="8" w:space="0" w:color="B59A5B"/><w:insideH w:val="single" w:sz="4" w:space="0" w:color="DDD6C4"/></w:tblBorders><w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid><w:gridCol w:w="2900"/><w:gridCol w:w="5900"/></w:tblGrid>
`

const footerXML = xmlHead + `<w:ftr ` + wordSpaces + `><w:p><w:pPr><w:pStyle w:val="Footer"/></w:pPr><w:r><w:t>` + specimen + `</w:t></w:r></w:p></w:ftr>
`

const settingsXML = xmlHead + `<w:settings ` + wordSpaces + `><w:defaultTabStop w:val="720"/><w:compat><w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat></w:settings>
`

const stylesXML = xmlHead + `<w:styles ` + wordSpaces + `>
<w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="Times New Roman" w:hAnsi="Times New Roman" w:cs="Times New Roman"/><w:color w:val="1B1B1F"/><w:sz w:val="23"/><w:szCs w:val="23"/><w:lang w:val="en-GB"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing w:after="140" w:line="300" w:lineRule="auto"/></w:pPr></w:pPrDefault></w:docDefaults>
<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/></w:style>
<w:style w:type="paragraph" w:styleId="Republic"><w:name w:val="Republic"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:before="60" w:after="60"/><w:jc w:val="center"/></w:pPr><w:rPr><w:color w:val="1D2F52"/><w:spacing w:val="60"/><w:sz w:val="21"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Office"><w:name w:val="Office"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:after="420"/><w:jc w:val="center"/></w:pPr><w:rPr><w:color w:val="6B6B72"/><w:sz w:val="22"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/><w:next w:val="Normal"/><w:qFormat/><w:pPr><w:spacing w:after="60" w:line="240" w:lineRule="auto"/><w:jc w:val="center"/></w:pPr><w:rPr><w:b/><w:color w:val="1D2F52"/><w:sz w:val="52"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Number"><w:name w:val="Number"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:after="420"/><w:jc w:val="center"/></w:pPr><w:rPr><w:color w:val="6B6B72"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Opening"><w:name w:val="Opening"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:after="220"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Label"><w:name w:val="Label"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:before="70" w:after="70" w:line="240" w:lineRule="auto"/></w:pPr><w:rPr><w:i/><w:color w:val="6B6B72"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Value"><w:name w:val="Value"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:before="70" w:after="70" w:line="240" w:lineRule="auto"/></w:pPr><w:rPr><w:b/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Place"><w:name w:val="Place"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:before="500" w:after="60"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Signer"><w:name w:val="Signer"/><w:basedOn w:val="Normal"/><w:rPr><w:i/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Footer"><w:name w:val="footer"/><w:basedOn w:val="Normal"/><w:pPr><w:spacing w:after="0"/><w:jc w:val="center"/></w:pPr><w:rPr><w:color w:val="6B6B72"/><w:sz w:val="13"/></w:rPr></w:style>
</w:styles>
`
