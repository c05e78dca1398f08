package mirror

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"stele/proofs"
)

// collectAfter is how long something superseded is kept, in seconds: a reader may hold an older head, or a page that was left open. The signatures' time
// counts: a clock that has jumped makes nothing old.
const collectAfter = 7 * 24 * 3600

// collect removes what the head has not led to for long enough: index files, and partial tiles that are full. Since when, state/superseded
// remembers; where that is lost, the time begins anew. It goes by what a whole round has just gone through.
func (r *round) collect() error {
	since, err := r.m.superseded()
	if err != nil {
		return err
	}
	var due []string
	var left bytes.Buffer
	note := func(name string, _ int64) error {
		if r.needed(name) {
			return nil
		}
		when, known := since[name]
		if !known {
			when = r.x.AsOf
		}
		if r.x.AsOf-when >= collectAfter {
			due = append(due, name)
		} else {
			fmt.Fprintf(&left, "%d %s\n", when, name)
		}
		return nil
	}
	for _, below := range []string{"index/", "ledger/tile/"} {
		if err := r.m.public.List(below, note); err != nil {
			return err
		}
	}
	for _, name := range due {
		if err := r.m.step(r.m.public.Path(name), func() error { return r.m.public.Remove(name) }); err != nil {
			return err
		}
	}
	if left.Len() == 0 && len(since) == 0 {
		return nil
	}
	return r.m.replace(r.m.state, stateSuperseded, left.Bytes())
}

// superseded reads since when each file is. A line that cannot be read is as none.
func (m *Mirror) superseded() (map[string]int64, error) {
	since := map[string]int64{}
	b, err := m.state.Read(stateSuperseded)
	if absent(err) {
		return since, nil
	}
	for line := range strings.Lines(string(b)) {
		when, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if n, err := strconv.ParseInt(when, 10, 64); err == nil {
			since[name] = n
		}
	}
	return since, err
}

// needed reports whether the head leads to a file of the index, or a reader of an earlier checkpoint may still want a tile.
func (r *round) needed(name string) bool {
	if tile, ok := strings.CutPrefix(name, "ledger/"); ok {
		t, err := proofs.ParseTilePath(tile)
		return err == nil && (t.Width == proofs.TileWidth || !t.FullIn(r.x.Size))
	}
	return r.live[name]
}
