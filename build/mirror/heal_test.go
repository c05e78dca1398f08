package mirror

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stele/build/follow/followtest"
	"stele/proofs"
)

// TestHeals: whatever happens to any file of the copy, the next process puts it right, and reads no more for it than that.
func TestHeals(t *testing.T) {
	r := grown(first(t))
	s := newStand(t, r)
	dir := filepath.Join(t.TempDir(), "mirror")
	m := openStand(t, dir, s, r.Trust)
	m.mustRound(t, Adopted)
	for _, path := range r.Paths() {
		good := read(t, m, path)
		if good == nil {
			continue // of an earlier size
		}
		for name, spoil := range map[string]func() error{
			"flipped": func() error {
				bad := bytes.Clone(good)
				bad[len(bad)/2] ^= 1
				return os.WriteFile(m.public.Path(path), bad, 0o644)
			},
			"empty": func() error { return os.Truncate(m.public.Path(path), 0) },
			"gone":  func() error { return os.Remove(m.public.Path(path)) },
		} {
			must(t, spoil())
			must(t, m.Close())
			m = openStand(t, dir, s, r.Trust)
			res := m.mustRound(t, Same)
			if !bytes.Equal(read(t, m, path), good) {
				t.Errorf("%s, %s: is not right again", path, name)
			}
			edge := 0
			if strings.Contains(path, "ledger/tile/") {
				edge = 3 // which tile of the edge it is, nobody can say
			}
			if int(res.Files) > 3+edge {
				t.Errorf("%s, %s: %d files were read for it", path, name, res.Files)
			}
		}
	}
	wholeCopy(t, m, r)
}

// TestCollects: what the head has not led to for a week is removed, and not before.
func TestCollects(t *testing.T) {
	r := first(t)
	s := newStand(t, r)
	m := openStand(t, filepath.Join(t.TempDir(), "mirror"), s, r.Trust)
	m.mustRound(t, Adopted)
	old := map[string]bool{}
	list := func(f func(name string)) {
		for _, below := range []string{"index/", "ledger/tile/"} {
			must(t, m.public.List(below, func(name string, _ int64) error { f(name); return nil }))
		}
	}
	list(func(name string) { old[name] = true })
	r = grown(r)
	s.show(r)
	m.Now = r.Clock
	m.mustRound(t, Adopted)
	for _, after := range []struct {
		seconds int64
		gone    bool
	}{{checkEvery, false}, {collectAfter - 7200, false}, {collectAfter + checkEvery + 3600, true}} {
		r = r.Clone()
		r.Now = grownAt(r) + after.seconds
		r.Release(r.Sign(r.Everybody()...))
		s.show(r)
		m.Now = r.Clock
		m.mustRound(t, Renewed)
		superseded, there := 0, map[string]bool{}
		list(func(name string) { there[name] = true })
		for name := range old {
			if !there[name] {
				superseded++
			}
		}
		if (superseded > 2) != after.gone {
			t.Errorf("after %d seconds %d of %d files are gone, want some: %t", after.seconds, superseded, len(old), after.gone)
		}
		wholeCopy(t, m, r)
	}
	for name := range old {
		if tile, ok := strings.CutPrefix(name, "ledger/"); ok {
			if parsed, err := proofs.ParseTilePath(tile); err == nil && parsed.Width == proofs.TileWidth && read(t, m, name) == nil {
				t.Errorf("%s, which is full, is gone", name)
			}
		}
	}
}

// grownAt is when a registry of grown's was published: the signatures of each are timed by it.
func grownAt(r *followtest.Registry) int64 { return followtest.Start + 3*3600 }
