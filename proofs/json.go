package proofs

import "unicode/utf8"

// jsonWriter writes JSON (RFC 8259) in one pass. It knows objects, arrays,
// strings, numbers, booleans and null, which is all that a report needs.
type jsonWriter struct {
	b     []byte
	comma bool // the next member or element needs a comma before it
}

func (j *jsonWriter) open(c byte)  { j.b = append(j.b, c); j.comma = false }
func (j *jsonWriter) close(c byte) { j.b = append(j.b, c); j.comma = true }

func (j *jsonWriter) elem() {
	if j.comma {
		j.b = append(j.b, ',')
	}
	j.comma = false
}

func (j *jsonWriter) key(k string) {
	j.elem()
	j.string(k)
	j.b = append(j.b, ':')
	j.comma = false
}

func (j *jsonWriter) str(k, v string)        { j.key(k); j.string(v) }
func (j *jsonWriter) num(k string, v uint64) { j.key(k); j.raw(utoa(v)) }
func (j *jsonWriter) null(k string)          { j.key(k); j.raw("null") }

func (j *jsonWriter) bool(k string, v bool) {
	j.key(k)
	if v {
		j.raw("true")
	} else {
		j.raw("false")
	}
}

func (j *jsonWriter) strOrNull(k, v string) {
	if v == "" {
		j.null(k)
	} else {
		j.str(k, v)
	}
}

func (j *jsonWriter) numOrNull(k string, v *uint64) {
	if v == nil {
		j.null(k)
	} else {
		j.num(k, *v)
	}
}

func (j *jsonWriter) time(k string, unix int64) {
	if unix == 0 {
		j.null(k)
	} else {
		j.str(k, stamp(unix))
	}
}

func (j *jsonWriter) raw(s string) { j.b = append(j.b, s...); j.comma = true }

// string writes s with everything escaped that JSON or an HTML script element
// could trip over; bytes that are not UTF-8 become U+FFFD.
func (j *jsonWriter) string(s string) {
	const hex = "0123456789abcdef"
	j.b = append(j.b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			j.b = append(j.b, '\\', byte(r))
		case r < 0x20 || r == 0x7f || r == '<' || r == '>' || r == '&' || r == 0x2028 || r == 0x2029:
			j.b = append(j.b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			j.b = utf8.AppendRune(j.b, r)
		}
	}
	j.b = append(j.b, '"')
	j.comma = true
}
