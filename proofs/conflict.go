package proofs

// Evidence of misbehaviour: two policy-valid views that cannot both be true.

const conflictHeader = "stele.conflict/1\n"

// FormatConflict puts two heads or receipts that conflict into one file, which a third
// party can check with nothing but the trust file (FORMAT.md, section 14).
func FormatConflict(a, b []byte) []byte {
	return appendOpaque32(appendOpaque32([]byte(conflictHeader), a), b)
}

// ParseConflict takes a conflict file apart.
func ParseConflict(b []byte) (first, second []byte, err error) {
	r := &reader{what: "conflict", b: b}
	r.literal(conflictHeader)
	first, second = r.opaque32(), r.opaque32()
	return first, second, r.done()
}

// CheckConflict reports the size at which a conflict file proves two different roots.
func (t *Trust) CheckConflict(b []byte, now int64) (uint64, error) {
	first, second, err := ParseConflict(b)
	if err != nil {
		return 0, err
	}
	one, err := t.view(first, now)
	if err != nil {
		return 0, err
	}
	two, err := t.view(second, now)
	if err != nil {
		return 0, err
	}
	size, ok := conflict(one, two)
	if !ok {
		return 0, insufficient("conflict", "the two views agree, or have no size in common")
	}
	return size, nil
}

// view verifies a head or a receipt, whichever it is.
func (t *Trust) view(b []byte, now int64) (*evidence, error) {
	if head, err := ParseHead(b); err == nil {
		x, _, err := head.Verify(t, now)
		return &evidence{x: x, olds: head.Consistency}, err
	}
	rc, err := ParseReceipt(b)
	if err != nil {
		return nil, err
	}
	x, err := rc.Verify(t, now)
	return &evidence{x: x}, err
}
