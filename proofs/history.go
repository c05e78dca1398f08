package proofs

import "strings"

// HistoryPath is the path of the list of published checkpoints below the portal's root.
const HistoryPath = "ledger/history/list"

// A HistoryLine is one published checkpoint in the list of them all (FORMAT.md, section 15).
type HistoryLine struct {
	Size uint64
	File Hash // SHA-256 of the checkpoint's file, and its name
}

// String formats the line, without its newline.
func (l HistoryLine) String() string { return utoa(l.Size) + " " + l.File.String() }

// Path is the path of the checkpoint's file below the portal's root.
func (l HistoryLine) Path() string { return "ledger/history/" + utoa(l.Size) + "/" + l.File.String() }

// FormatHistory formats the list, in order of publication.
func FormatHistory(lines []HistoryLine) []byte {
	var b []byte
	for _, l := range lines {
		b = append(append(b, l.String()...), '\n')
	}
	return b
}

// ParseHistory parses the list. Sizes do not fall; heartbeats repeat one.
func ParseHistory(b []byte) ([]HistoryLine, error) {
	const what = "history list"
	if len(b) == 0 || b[len(b)-1] != '\n' {
		return nil, malformed(what, "no newline at the end")
	}
	var lines []HistoryLine
	for i, line := range strings.Split(string(b[:len(b)-1]), "\n") {
		size, file, _ := strings.Cut(line, " ")
		n, ok := parseDecimal(size)
		h, err := ParseHash(file)
		if !ok || err != nil {
			return nil, malformed(what, "line ", itoa(i+1), ": ", quote(line), ": want a size and a hash")
		}
		if i > 0 && n < lines[i-1].Size {
			return nil, malformed(what, "line ", itoa(i+1), ": size ", size, " after ", utoa(lines[i-1].Size))
		}
		lines = append(lines, HistoryLine{n, h})
	}
	return lines, nil
}
