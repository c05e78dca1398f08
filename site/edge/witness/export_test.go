package witness

import "errors"

// What the tests outside, which have a log that signs, look at inside.

const MostInside = mostInside

// Fill takes all places inside, and all of those at work, and returns what gives one of each free.
func (w *Witness) Fill() (leave, rest func()) {
	for range cap(w.inside) {
		w.inside <- struct{}{}
	}
	for range cap(w.atWork) {
		w.atWork <- struct{}{}
	}
	return func() { <-w.inside }, func() { <-w.atWork }
}

// CheckRecord reports whether a record is taken.
func CheckRecord(file []byte) error {
	_, err := parseState(file)
	return err
}

// Reformat parses a checkpoint and formats it again, and tells whether it has extension lines.
func Reformat(b []byte) (again []byte, extended bool, err error) {
	c, err := parseCheckpoint(b)
	if err != nil {
		return nil, false, err
	}
	if c.Checkpoint.Text() != c.text[:len(c.Checkpoint.Text())] {
		return nil, false, errors.New("its text does not begin with what was parsed of it")
	}
	return c.note(nil), c.extended(), nil
}
