package samples

// These paths stand apart since other samples refer to them.
const (
	diplomaPath = "education/diploma.pdf"
	noticePath  = "gazette/official-notice.txt"
	archivePath = "interior/Архивная справка.txt"
	extractPath = "land/land-extract-2026.pdf"
)

// All returns every sample. The folders are named after the issuers; received
// holds what somebody was sent and now wants to check.
func All() []File {
	var all []File
	for _, part := range [][]File{education(), land(), court(), interior(), gazette(), academy(), received()} {
		all = append(all, part...)
	}
	return all
}

func education() []File {
	return []File{
		{Path: diplomaPath, Kind: "diploma", Issuer: "education", Issued: "2026-06-26",
			Role: "register", Write: universityDiploma.write},
		{Path: "education/applications/Applicant's transcript (final), 2026.txt", Kind: "transcript", Issuer: "education", Issued: "2026-06-26",
			Role: "register", Write: text(transcript)},
		{Path: "education/شهادة تخرج.txt", Kind: "diploma", Issuer: "education", Issued: "2025-06-30",
			Role: "register", Write: text(arabicDiploma)},
		{Path: "education/teaching-licence.docx", Kind: "teaching-licence", Issuer: "education", Issued: "2022-08-22",
			Role: "revoked", Write: teachingLicence.write},
	}
}

func land() []File {
	return []File{
		{Path: "land/land-extract-2019.pdf", Kind: "land-extract", Issuer: "land", Issued: "2019-10-14",
			Role: "superseded", Of: extractPath, Write: landExtract2019.write},
		{Path: extractPath, Kind: "land-extract", Issuer: "land", Issued: "2026-03-02",
			Role: "successor", Write: landExtract2026.write},
		{Path: "land/survey/aerial-survey-sheet-14.bmp", Kind: "survey", Issuer: "land", Issued: "2026-06-18",
			Role: "register", Write: writeSurvey},
	}
}

func court() []File {
	return []File{
		{Path: "court/court-decision.pdf", Kind: "court-decision", Issuer: "court", Issued: "2026-01-22",
			Role: "register", Write: writeDecision},
		{Path: "court/enforcement-order.txt", Kind: "enforcement-order", Issuer: "court", Issued: "2026-05-18",
			Role: "suspended", Write: text(enforcementOrder)},
	}
}

func interior() []File {
	return []File{
		{Path: "interior/conduct-certificate.docx", Kind: "conduct-certificate", Issuer: "interior", Issued: "2026-09-14", Expires: "2036-09-14",
			Role: "register", Write: conductCertificate.write},
		{Path: "interior/conduct-certificate-2011.docx", Kind: "conduct-certificate", Issuer: "interior", Issued: "2011-06-30", Expires: "2021-06-30",
			Role: "expired", Write: conductExpired.write},
		{Path: archivePath, Kind: "archive-extract", Issuer: "interior", Issued: "2026-02-12",
			Role: "register", Write: text(archiveExtract)},
	}
}

func gazette() []File {
	return []File{
		{Path: noticePath, Kind: "notice", Issuer: "gazette", Issued: "2026-07-03",
			Role: "register", Write: text(officialNotice)},
		{Path: "gazette/great-seal.png", Kind: "state-seal", Issuer: "gazette", Issued: "2026-01-05",
			Role: "register", Write: writeGreatSeal},
	}
}

// academy is an issuer whose accreditation the demo withdraws.
func academy() []File {
	return []File{
		{Path: "academy/academy-diploma.pdf", Kind: "diploma", Issuer: "academy", Issued: "2026-05-15",
			Role: "unaccredited", Write: academyDiploma.write},
	}
}

func received() []File {
	return []File{
		{Path: "received/diploma.pdf", Kind: "diploma", Issuer: "education", Issued: "2026-06-26",
			Role: "altered", Of: diplomaPath, Write: altered(universityDiploma.write, "(3.62 out of 5.00)", "(4.62 out of 5.00)")},
		{Path: "received/official-notice.txt", Kind: "notice", Issuer: "gazette", Issued: "2026-07-03",
			Role: "altered", Of: noticePath, Write: altered(text(officialNotice), "relief of up to 1,500", "relief of up to 7,500")},
		{Path: "received/land-extract.pdf", Kind: "land-extract", Issuer: "land", Issued: "2026-04-20",
			Role: "unknown", Write: landForged.write},
		{Path: "received/letter.txt", Role: "unknown", Write: text(demandLetter)},
		{Path: "received/diploma-annotated.pdf", Role: "appended", Of: diplomaPath, Write: changed(universityDiploma.write, annotated)},
		{Path: "received/land-extract-printed.pdf", Role: "resaved", Of: extractPath, Write: changed(landExtract2026.write, printed)},
		{Path: "received/IMG_20261005_101512.jpg", Role: "photograph", Write: writePhotograph},
		{Path: "received/notice.eml", Role: "mailed", Of: noticePath, Write: changed(text(officialNotice), mailed("official-notice.txt"))},
		{Path: "received/Архивная справка.txt", Role: "converted", Of: archivePath, Write: changed(text(archiveExtract), converted)},
		// Registered to show that a file without bytes is a file. A real registrar should not: it makes every
		// empty file in the world authentic.
		{Path: "gazette/empty-annex.txt", Kind: "notice", Issuer: "gazette", Issued: "2026-07-03", Role: "register", Write: text("")},
	}
}
