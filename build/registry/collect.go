package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"stele/build/index"
	"stele/proofs"
)

// What nothing refers to any more is deleted, but late: a reader may hold an older head, or a page that was left open. Every
// publication lists what it has superseded under state/superseded; whatever a broken-off run has strewn about is found by
// going through all files once, and listed too.

// collectAfter is how long something superseded is kept, in seconds.
const collectAfter = 7 * 24 * 3600

// partBytes is the most that one file of the state holds: in a database it is one packet, of 16 MiB at most.
const partBytes = 4 << 20

const (
	stateUnfinished = "unfinished" // there while a publication writes index files
	stateSuperseded = "superseded/"
)

// begin marks that index files are about to be written which nothing leads to yet.
func (p *publisher) begin() error {
	if marked, err := p.unfinished(); marked || err != nil {
		return err
	}
	return p.replace(p.at.State, stateUnfinished, []byte("a publication is under way, or was broken off\n"))
}

func (p *publisher) unfinished() (bool, error) {
	_, err := p.at.State.Read(stateUnfinished)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// noteSuperseded remembers what nothing refers to after this publication, by its path below the public folder.
func (p *publisher) noteSuperseded() error {
	var b bytes.Buffer
	for _, h := range p.superseded {
		fmt.Fprintln(&b, proofs.IndexPath(h))
	}
	for _, size := range []uint64{p.public, p.offered} {
		for _, t := range overtaken(size, p.ix.State().Size) {
			fmt.Fprintln(&b, partialsOf("ledger/", t))
		}
	}
	p.superseded = nil
	return p.listSuperseded("", b.Bytes())
}

func (p *publisher) listSuperseded(kind string, lines []byte) error {
	for part := 0; len(lines) > 0; part++ {
		n := len(lines)
		if n > partBytes {
			n = bytes.LastIndexByte(lines[:partBytes], '\n') + 1
		}
		name := fmt.Sprintf("%s%012d-%d%s-%d", stateSuperseded, p.now, p.ix.State().Size, kind, part)
		if err := p.replace(p.at.State, name, lines[:n]); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// restampSuperseded lets the time of all that only this publication supersedes begin now: it may have been proposed long ago, and
// readers have had the head before it until this moment.
func (p *publisher) restampSuperseded() error {
	var old []string
	err := p.at.State.List(stateSuperseded, func(name string, _ int64) error {
		if when, size, ok := parseSuperseded(name); ok && p.before < size && size <= p.signed.Size && when < p.now {
			old = append(old, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range old {
		b, err := p.at.State.Read(name)
		if err != nil {
			return err
		}
		_, rest, _ := strings.Cut(strings.TrimPrefix(name, stateSuperseded), "-")
		if err := p.replace(p.at.State, fmt.Sprintf("%s%012d-%s", stateSuperseded, p.now, rest), b); err != nil {
			return err
		}
		if err := p.remove(p.at.State, name); err != nil {
			return err
		}
	}
	return nil
}

// parseSuperseded reads the name of a list: when, and the size of the tree from which on nothing refers to what it names.
func parseSuperseded(name string) (when int64, size uint64, ok bool) {
	n, _ := fmt.Sscanf(strings.TrimPrefix(name, stateSuperseded), "%d-%d", &when, &size)
	return when, size, n == 2
}

// overtaken lists the tiles that were partial in the tree of one size, and are full in that of another.
func overtaken(oldSize, size uint64) []proofs.Tile {
	var out []proofs.Tile
	for _, t := range proofs.TilesOf(0, oldSize) {
		if t.Width < proofs.TileWidth && t.FullIn(size) {
			out = append(out, t)
		}
	}
	return out
}

// partialsOf names all partial tiles of a tile.
func partialsOf(below string, t proofs.Tile) string {
	t.Width = proofs.TileWidth
	return below + t.Path() + ".p/"
}

// collect deletes what was superseded long enough ago, by a publication that was out before this run: a run that was broken
// off may have left its list long before its head was written. How long ago, the last signature tells: a clock that has jumped ahead
// since makes nothing old.
func (p *publisher) collect() error {
	if err := p.listStrays(); err != nil {
		return err
	}
	var due []string
	err := p.at.State.List(stateSuperseded, func(name string, _ int64) error {
		if when, size, ok := parseSuperseded(name); ok && p.last-when >= collectAfter && size <= p.before {
			due = append(due, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, list := range due {
		if err := p.collectList(list); err != nil {
			return err
		}
	}
	return nil
}

func (p *publisher) collectList(list string) error {
	b, err := p.at.State.Read(list)
	if err != nil {
		return err
	}
	names := strings.Fields(string(b))
	for i, name := range names {
		if h, err := proofs.ParseHash(name); err == nil {
			names[i] = proofs.IndexPath(h) // as older versions named index files
		} else if !strings.HasPrefix(name, "index/") && !strings.HasPrefix(name, "ledger/tile/") {
			return fmt.Errorf("%s: %q is not what a publication supersedes", p.at.State.Path(list), name)
		}
	}
	if err := p.remove(p.at.Public, names...); err != nil {
		return err
	}
	if err := p.sync(); err != nil {
		return err
	}
	return p.remove(p.at.State, list)
}

// listStrays lists the index files that nothing leads to and no list names, once this publication is out.
func (p *publisher) listStrays() error {
	if p.strays {
		if err := p.findStrays(); err != nil {
			return err
		}
	}
	if err := p.log.Tidy(p.before, p.public, p.strays); err != nil {
		return err
	}
	if marked, err := p.unfinished(); !marked || err != nil {
		return err
	}
	return p.remove(p.at.State, stateUnfinished)
}

func (p *publisher) findStrays() error {
	known := map[string]bool{}
	state := p.ix.State()
	if err := index.Files(p.store(), &state, func(h proofs.Hash) { known[proofs.IndexPath(h)] = true }); err != nil {
		return p.badState(err)
	}
	err := p.at.State.List(stateSuperseded, func(name string, _ int64) error {
		b, err := p.at.State.Read(name)
		for _, path := range strings.Fields(string(b)) {
			known[path] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	err = p.at.Public.List("index/", func(name string, _ int64) error {
		if !known[name] {
			fmt.Fprintln(&b, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.listSuperseded("-strays", b.Bytes())
}
