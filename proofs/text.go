package proofs

// The values that statements and trust files are made of (FORMAT.md, section 2).

import (
	"strings"
	"unicode/utf8"
)

const (
	maxName = 128  // bytes
	maxWord = 63   // bytes
	maxText = 1000 // bytes
)

// IsName reports whether s is a name: 1 to 128 bytes of a-z 0-9 . - _ /,
// beginning and ending with a letter or digit.
func IsName(s string) bool { return isToken(s, maxName, ".-_/") }

// IsWord reports whether s is a word: 1 to 63 bytes of a-z 0-9 -, beginning
// and ending with a letter or digit.
func IsWord(s string) bool { return isToken(s, maxWord, "-") }

func isToken(s string, most int, inner string) bool {
	if s == "" || len(s) > most {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			continue
		}
		if i == 0 || i == len(s)-1 || strings.IndexByte(inner, c) < 0 {
			return false
		}
	}
	return true
}

// IsText reports whether s is a text: 1 to 1,000 bytes of UTF-8 that cannot
// play tricks on the reader.
func IsText(s string) bool {
	if s == "" || len(s) > maxText || !utf8.ValidString(s) || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	for _, r := range s {
		if isTrickRune(r) {
			return false
		}
	}
	return true
}

// isTrickRune: control characters, separators, bidirectional controls, byte order mark.
func isTrickRune(r rune) bool {
	switch {
	case r < 0x20, 0x7f <= r && r <= 0x9f, r == 0x2028, r == 0x2029, r == 0x061c,
		r == 0x200e, r == 0x200f, 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069, r == 0xfeff:
		return true
	}
	return false
}

// IsDate reports whether s is a day of the Gregorian calendar, YYYY-MM-DD.
func IsDate(s string) bool {
	_, ok := dayNumber(s)
	return ok
}

// dayNumber counts days from 1970-01-01 to a date.
func dayNumber(s string) (int64, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y, ok1 := digits(s[:4])
	m, ok2 := digits(s[5:7])
	d, ok3 := digits(s[8:])
	if !ok1 || !ok2 || !ok3 || y < 1 || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return 0, false
	}
	// Days of the proleptic Gregorian calendar, years counted from March.
	if m <= 2 {
		y, m = y-1, m+12
	}
	return 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 719469, true
}

// stamp writes a time (seconds) as RFC 3339 does, in UTC. Package time would cost the page 20 KB for it.
func stamp(unix int64) string {
	day, second := unix/secondsPerDay, unix%secondsPerDay
	if second < 0 {
		day, second = day-1, second+secondsPerDay
	}
	// The day's date, by eras of 400 years (146,097 days) that begin on the 1st of March.
	z := day + 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	d := z - era*146097
	y := (d - d/1460 + d/36524 - d/146096) / 365
	d -= 365*y + y/4 - y/100
	m := (5*d + 2) / 153
	d -= (153*m+2)/5 - 1
	y += 400 * era
	if m += 3; m > 12 {
		y, m = y+1, m-12
	}
	return pad(y, 4) + "-" + pad(m, 2) + "-" + pad(d, 2) + "T" +
		pad(second/3600, 2) + ":" + pad(second/60%60, 2) + ":" + pad(second%60, 2) + "Z"
}

func pad(n int64, width int) string {
	s := i64toa(n)
	for len(s) < width {
		s = "0" + s
	}
	return s
}

func digits(s string) (n int64, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int64(s[i]-'0')
	}
	return n, true
}

func daysIn(y, m int64) int64 {
	switch {
	case m == 2 && (y%4 == 0 && y%100 != 0 || y%400 == 0):
		return 29
	case m == 2:
		return 28
	case m == 4 || m == 6 || m == 9 || m == 11:
		return 30
	}
	return 31
}
