package list

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"

	"stele/proofs"
)

// A pair is what two lists say of one name.
type pair struct {
	digests  proofs.Digests
	lines    [2]uint32 // where; 0 where a list does not have it
	disputed bool      // one list has two digests for it
}

// names has some 200 bytes for each name, whatever its length.
type names map[[16]byte]pair

// nameKey finds a name again. The tools write ./a or a as they were called.
func nameKey(name string) [16]byte {
	h := sha256.Sum256([]byte(strings.TrimPrefix(name, "./")))
	return [16]byte(h[:16])
}

// Join joins a list of SHA-256 digests and one of SHA3-512 digests by the files' names, in the first list's order. Each is read
// twice: a name that a list disputes with itself further down must not go out. What does not join is told, with the list that
// it is in: 0 for the first.
func Join(lists [2]io.ReadSeeker, joined func(name string, d proofs.Digests) error, told func(which, line int, err error)) error {
	m := names{}
	for which, r := range lists {
		tell := func(line int, err error) { told(which, line, err) }
		err := eachSum(r, which, func(line int, s sum, digest []byte) {
			if err := m.add(which, line, s.name, digest); err != nil {
				tell(line, err)
			}
		}, tell)
		if err != nil {
			return err
		}
	}
	for which, r := range lists {
		var failed error
		err := eachSum(r, which, func(line int, s sum, _ []byte) {
			p := m[nameKey(s.name)]
			switch {
			case failed != nil || p.lines[which] != uint32(line) || p.disputed:
			case p.lines[1-which] == 0:
				told(which, line, fmt.Errorf("%q is not in the list of %s digests", cut(s.name), sumLists[1-which].digest))
			case which == 0:
				failed = joined(s.name, p.digests)
			}
		}, func(int, error) {})
		if failed != nil {
			return failed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// add notes what a line says. The same once more does not matter.
func (m names) add(which, line int, name string, digest []byte) error {
	key := nameKey(name)
	p := m[key]
	at := p.digests.SHA256[:]
	if which == 1 {
		at = p.digests.SHA3512[:]
	}
	if before := p.lines[which]; before != 0 {
		if string(at) == string(digest) {
			return nil
		}
		p.disputed = true
		m[key] = p
		return fmt.Errorf("%q has another digest on line %d: left out", cut(name), before)
	}
	p.lines[which] = uint32(line)
	copy(at, digest)
	m[key] = p
	return nil
}
