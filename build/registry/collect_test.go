package registry

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stele/build/index"
	"stele/proofs"
)

// leads lists the index files that the newest state leads to.
func leads(t *testing.T, r *Registry) map[string]bool {
	t.Helper()
	state, err := r.loadState()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{}
	if err := index.Files(r.store(), state, func(h proofs.Hash) { files[proofs.IndexPath(h)] = true }); err != nil {
		t.Fatal(err)
	}
	return files
}

// indexFiles lists the index files that are there.
func indexFiles(t *testing.T, r *Registry) map[string]bool {
	t.Helper()
	files := map[string]bool{}
	if err := r.at.Public.List("index/", func(name string, _ int64) error { files[name] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	return files
}

// grow lets what is superseded now grow old enough, and has it collected.
func grow(t *testing.T, dir string, now int64) int64 {
	t.Helper()
	publish(t, openAt(t, dir, now+collectAfter))
	publish(t, openAt(t, dir, now+collectAfter+hour))
	return now + collectAfter + hour
}

// TestStrays: what a publication wrote before it was broken off is deleted in the end, but neither what an older head leads
// to before its time nor what the newest leads to at all.
func TestStrays(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"state/index", "ledger", "state/signed"} {
		t.Run(strings.ReplaceAll(at, "/", "_"), func(t *testing.T) {
			dir := t.TempDir()
			copyOf(t, second, dir)
			old := leads(t, openAt(t, dir, second.now))
			r := openAt(t, dir, second.now)
			calls := 0
			r.fault = func(when, path string) error {
				rel, _ := filepath.Rel(dir, path)
				if when == "before" && rel == at {
					if calls++; at != "ledger" || calls == 2 { // the index statement
						return errFault
					}
				}
				return nil
			}
			if _, err := r.Publish(context.Background()); !errors.Is(err, errFault) {
				t.Fatalf("got %v, want the fault", err)
			}
			now := second.now + hour
			publish(t, openAt(t, dir, now))
			r = openAt(t, dir, now)
			there := indexFiles(t, r)
			for name := range maps.Keys(old) {
				if !there[name] {
					t.Errorf("%s is gone, and the head before leads to it", name)
				}
			}
			if marked, err := (&publisher{Registry: r}).unfinished(); marked || err != nil {
				t.Errorf("still marked as unfinished (%v)", err)
			}
			jump := t.TempDir()
			copyTree(t, dir, jump)
			publish(t, openAt(t, jump, now+100*collectAfter)) // a clock far ahead makes nothing old that is new
			there = indexFiles(t, openAt(t, jump, now))
			for name := range old {
				if !there[name] {
					t.Errorf("%s is gone, since the clock has jumped", name)
				}
			}
			now = grow(t, dir, now)
			r = openAt(t, dir, now)
			if got, want := indexFiles(t, r), leads(t, r); !maps.Equal(got, want) {
				t.Errorf("%d index files, want the %d that the head leads to", len(got), len(want))
			}
			mustAudit(t, r, now)
		})
	}
}

// TestLostState: where the publisher's memory of the index was lost, what it had superseded is found again.
func TestLostState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, second, dir)
	publish(t, openAt(t, dir, second.now))
	remove(t, filepath.Join(dir, "state", "index"))
	remove(t, filepath.Join(dir, "state", "superseded"))
	remove(t, filepath.Join(dir, "public", "ledger", "checkpoint"))
	now := second.now + hour
	publish(t, openAt(t, dir, now))
	now = grow(t, dir, now)
	r := openAt(t, dir, now)
	if got, want := indexFiles(t, r), leads(t, r); !maps.Equal(got, want) {
		t.Errorf("%d index files, want the %d that the head leads to", len(got), len(want))
	}
}

// TestOvertakenTiles: partial tiles are there until the full one has been for a while, and not for ever.
func TestOvertakenTiles(t *testing.T) {
	t.Parallel()
	dir, _, now := publishMany(t) // 13 publications, past 256 entries
	partials := func(below string) (overtaken, others int) {
		size := uint64(0)
		r := openAt(t, dir, now)
		if c, _, err := r.signed(); err != nil {
			t.Fatal(err)
		} else {
			size = c.Size
		}
		for path := range tree(t, filepath.Join(dir, filepath.FromSlash(below))) {
			tile, err := proofs.ParseTilePath(filepath.ToSlash(path))
			if err != nil || tile.Width == proofs.TileWidth {
				continue
			}
			if tile.FullIn(size) {
				overtaken++
			} else {
				others++
			}
		}
		return overtaken, others
	}
	if n, _ := partials("public/ledger"); n == 0 {
		t.Fatal("no overtaken partial tile is published: nothing to test")
	}
	if n, _ := partials("ledger"); n > 0 {
		t.Errorf("%d overtaken partial tiles in Tessera's folder", n)
	}
	_, kept := partials("public/ledger")
	now = grow(t, dir, now)
	if n, others := partials("public/ledger"); n > 0 || others < kept {
		t.Errorf("%d overtaken partial tiles, and %d of the %d others", n, others, kept)
	}
	r := openAt(t, dir, now)
	mustAudit(t, r, now)
	if err := fsckOf(filepath.Join(r.Public(), "ledger"), r.Trust.Origin, logKey(t, r)); err != nil {
		t.Errorf("fsck: %v", err)
	}
	now += hour
	register(t, openAt(t, dir, now), office, 90_000, 90_300)
	publish(t, openAt(t, dir, now))
	mustAudit(t, openAt(t, dir, now), now)
}

// TestOvertaken compares the rule with a plain one over sizes.
func TestOvertaken(t *testing.T) {
	sizes := []uint64{0, 1, 2, 255, 256, 257, 300, 511, 512, 65_535, 65_536, 65_537, 70_000, 131_072, 200_000}
	for i, old := range sizes {
		for _, size := range sizes[i:] {
			full := map[string]bool{}
			for _, tile := range proofs.TilesOf(0, size) {
				if tile.Width == proofs.TileWidth {
					full[tile.Path()] = true
				}
			}
			var want []string
			for _, tile := range proofs.TilesOf(0, old) {
				whole := tile
				whole.Width = proofs.TileWidth
				if tile.Width < proofs.TileWidth && full[whole.Path()] {
					want = append(want, "ledger/"+whole.Path()+".p/")
				}
			}
			var got []string
			for _, tile := range overtaken(old, size) {
				got = append(got, partialsOf("ledger/", tile))
			}
			if !slices.Equal(got, want) {
				t.Errorf("from %d to %d: got %v, want %v", old, size, got, want)
			}
		}
	}
}
