package list

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// algorithms are the digests that are met with, by their length in digits of hex.
var algorithms = map[int]string{32: "an MD5", 40: "a SHA-1", 64: "a SHA-256", 96: "a SHA-384", 128: "a SHA3-512"}

// parseDigest reads a digest in hex, in either case, with its algorithm before it or without. Somebody who has confused
// two columns is told so.
func parseDigest(dst []byte, s, column string) error {
	if algorithm, hex, ok := strings.Cut(s, ":"); ok {
		if algorithm != column {
			return fmt.Errorf("the %s column holds a digest of %q", column, cut(algorithm))
		}
		s = hex
	}
	if s == "" {
		return fmt.Errorf("the %s column is empty", column)
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf || unhex(byte(r)) < 0 }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		return fmt.Errorf("the %s column: %q after %d digits is no digit of hex", column, r, i)
	}
	if len(s) != 2*len(dst) {
		if other, ok := algorithms[len(s)]; ok {
			return fmt.Errorf("the %s column holds %s", column, other)
		}
		return fmt.Errorf("the %s column has %d digits, want %d", column, len(s), 2*len(dst))
	}
	for i := range dst {
		dst[i] = byte(unhex(s[2*i])<<4 | unhex(s[2*i+1]))
	}
	return nil
}

// unhex is a digit's value, -1 for what is no digit.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// cut shortens foreign words for an error.
func cut(s string) string {
	const most = 40 // bytes
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
