package registry

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stele/proofs"
)

// A damage is something that happens to a registry's folder behind the publisher's back.
type damage struct {
	name string
	do   func(t *testing.T, dir, old string) // old is the folder as it was one publication earlier
	path string                              // what the refusal names; empty if the next publication heals it
	cure func(t *testing.T, dir, whole string)
}

// restore makes a cure out of a path: what a backup would bring back.
func restore(path string) func(t *testing.T, dir, whole string) {
	return func(t *testing.T, dir, whole string) {
		replaceTree(t, filepath.Join(whole, path), filepath.Join(dir, path))
	}
}

func removes(path string) func(t *testing.T, dir, old string) {
	return func(t *testing.T, dir, _ string) { remove(t, filepath.Join(dir, path)) }
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// rollsBack puts older copies in place.
func rollsBack(paths ...string) func(t *testing.T, dir, old string) {
	return func(t *testing.T, dir, old string) {
		for _, p := range paths {
			replaceTree(t, filepath.Join(old, p), filepath.Join(dir, p))
		}
	}
}

func replaceTree(t *testing.T, from, to string) {
	t.Helper()
	remove(t, to)
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		copyTree(t, from, to)
	} else {
		copyFile(t, from, to)
	}
}

// changes rewrites the file that a pattern finds; of several, the largest.
func changes(pattern string, f func(b []byte) []byte) func(t *testing.T, dir, old string) {
	return func(t *testing.T, dir, _ string) {
		path := largest(t, filepath.Join(dir, pattern))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f(b), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func largest(t *testing.T, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
	}
	size, best := int64(-1), ""
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.Size() > size {
			size, best = info.Size(), p
		}
	}
	return best
}

func truncated(b []byte) []byte { return b[:len(b)/2] }
func emptied([]byte) []byte     { return nil }
func flipped(b []byte) []byte   { b[len(b)*2/3] ^= 4; return b }
func garbage([]byte) []byte     { return []byte("garbage\n") }

// theSlot is the only slot of so small a registry.
func theSlot(t *testing.T, dir string) string {
	t.Helper()
	tile, err := proofs.ParseMapTile(readHead(t, openAt(t, dir, heartbeat.now)).RootTile)
	if err != nil || len(tile.Leaves) != 1 {
		t.Fatalf("want one slot (%v)", err)
	}
	return filepath.Join("public", filepath.FromSlash(proofs.IndexPath(tile.Leaves[0].Hash)))
}

func slotChanges(f func(b []byte) []byte) func(t *testing.T, dir, old string) {
	return func(t *testing.T, dir, old string) { changes(theSlot(t, dir), f)(t, dir, old) }
}

// remake is the hint's cure for a damaged index.
func remake(t *testing.T, dir, _ string) { remove(t, filepath.Join(dir, "state", "index")) }

var damages = []damage{
	{"ledger older", rollsBack("ledger"), "/ledger", restore("ledger")},
	{"own state of the ledger older", rollsBack("ledger/.state"), "/ledger", restore("ledger/.state")},
	{"own state of the ledger gone", removes("ledger/.state/treeState"), "/ledger", restore("ledger/.state")},
	{"tiles older", rollsBack("ledger/tile"), "/ledger", restore("ledger")},
	{"tile flipped", changes("ledger/tile/0/000.p/*", flipped), "/ledger", restore("ledger")},
	{"bundle flipped", changes("ledger/tile/entries/000.p/*", flipped), "/ledger/tile/entries/000.p/", restore("ledger")},
	{"bundle truncated", changes("ledger/tile/entries/000.p/*", truncated), "/ledger/tile/entries/000.p/", restore("ledger")},
	{"ledger gone", removes("ledger"), "/ledger", restore("ledger")},
	{"signed older", rollsBack("state/signed"), "/state/signed", restore("state/signed")},
	{"signed gone", removes("state/signed"), "/state/signed", restore("state/signed")},
	{"signed flipped", changes("state/signed", flipped), "/state/signed", restore("state/signed")},
	{"signed empty", changes("state/signed", emptied), "/state/signed", restore("state/signed")},
	{"state older", rollsBack("state"), "/state/signed", restore("state")},
	{"state gone", removes("state"), "/state/signed", restore("state")},
	{"state and ledger older", rollsBack("state", "ledger"), "/public/ledger/checkpoint", func(t *testing.T, dir, whole string) {
		restore("state")(t, dir, whole)
		restore("ledger")(t, dir, whole)
	}},
	{"signed and checkpoint gone", func(t *testing.T, dir, old string) {
		removes("state/signed")(t, dir, old)
		removes("public/ledger/checkpoint")(t, dir, old)
	}, "/state/signed", restore("state/signed")},
	{"signed and public gone", func(t *testing.T, dir, old string) {
		removes("state/signed")(t, dir, old)
		removes("public")(t, dir, old)
	}, "/state/signed", func(t *testing.T, dir, whole string) {
		restore("state/signed")(t, dir, whole)
		restore("public")(t, dir, whole)
	}},
	{"index state truncated", changes("state/index", truncated), "/state/index", remake},
	{"index state empty", changes("state/index", emptied), "/state/index", remake},
	{"index state flipped", changes("state/index", flipped), "/state/index", remake},
	{"index state older", rollsBack("state/index"), "", nil},
	{"index state gone", removes("state/index"), "", nil},
	{"slot truncated", slotChanges(truncated), "index/", remake},
	{"slot empty", slotChanges(emptied), "index/", remake},
	{"slot flipped", slotChanges(flipped), "index/", remake},
	{"slot without its records", slotChanges(func([]byte) []byte { return (&proofs.Slot{}).Marshal() }), "index/", remake},
	{"slot gone", func(t *testing.T, dir, _ string) { remove(t, filepath.Join(dir, theSlot(t, dir))) }, "index/", remake},
	{"index gone", removes("public/index"), "index/", remake},
	{"issuers flipped", issuersChange(flipped), "index/", remake},
	{"issuers empty", issuersChange(emptied), "index/", remake},
	{"public gone", removes("public"), "", nil},
	{"public older", rollsBack("public"), "", nil},
	{"checkpoint gone", removes("public/ledger/checkpoint"), "", nil},
	{"checkpoint garbage", changes("public/ledger/checkpoint", garbage), "", nil},
	{"checkpoint of another", changes("public/ledger/checkpoint", func(b []byte) []byte {
		return []byte(strings.Replace(string(b), "\n10\n", "\n10000\n", 1))
	}), "/public/ledger/checkpoint", restore("public")},
	{"head gone", removes("public/ledger/head"), "", nil},
	{"list of the history gone", removes("public/ledger/history/list"), "", nil},
	{"list of the history garbage", changes("public/ledger/history/list", garbage), "/public/ledger/history/list", restore("public")},
	{"queue flipped", changes("pending/*.queue", flipped), "/pending/", restore("pending")},
	{"queue truncated", changes("pending/*.queue", truncated), "/pending/", restore("pending")},
}

func issuersChange(f func(b []byte) []byte) func(t *testing.T, dir, old string) {
	return func(t *testing.T, dir, old string) {
		state, err := openAt(t, dir, heartbeat.now).loadState()
		if err != nil {
			t.Fatal(err)
		}
		changes(filepath.Join("public", filepath.FromSlash(proofs.IndexPath(state.Issuers.Root()))), f)(t, dir, old)
	}
}

// TestDamage restores older copies and damages files before a publication that has something new. Either it heals
// what can be made again, or it refuses, names the file, says what to do, and changes nothing that is published.
func TestDamage(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	copyOf(t, heartbeat, whole)
	register(t, openAt(t, whole, heartbeat.now), office, 6, 7)
	after := scenario{name: "after", statements: 9, number: 3, after: map[int]proofs.Verdict{6: proofs.Authentic}}
	for n, v := range two {
		after.after[n] = v
	}
	old := image(t, second)
	history, err := openAt(t, whole, heartbeat.now).History()
	if err != nil || len(history) < 2 {
		t.Fatalf("history of %d lines: %v", len(history), err)
	}
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			copyTree(t, whole, dir)
			d.do(t, dir, old)
			if d.path != "" {
				refused(t, dir, d.path)
				d.cure(t, dir, whole)
			}
			r := openAt(t, dir, heartbeat.now+hour)
			publish(t, r)
			finished(t, r, after, heartbeat.now+hour)
			if lines, err := r.History(); err != nil || len(lines) <= len(history) || !slices.Equal(lines[:len(history)], history) {
				t.Errorf("history %v, want %v and more (%v)", lines, history, err)
			}
		})
	}
}

func refused(t *testing.T, dir, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "public"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := tree(t, filepath.Join(dir, "public"))
	_, err := openAt(t, dir, heartbeat.now+hour).Publish(context.Background())
	var e *Error
	if !errors.As(err, &e) || e.Hint == "" {
		t.Fatalf("got %v, want a refusal with a hint", err)
	}
	if !strings.Contains(err.Error(), path) {
		t.Errorf("the refusal does not name %s: %v", path, err)
	}
	after := tree(t, filepath.Join(dir, "public"))
	for path, b := range before { // new files are read by nobody yet
		if after[path] != b {
			t.Errorf("%s, which is published, has changed", path)
		}
	}
	t.Logf("%v\nhint: %s", err, e.Hint)
}

// TestClock: times of signatures do not go back.
func TestClock(t *testing.T) {
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	now := second.now // of the last signature
	if _, err := openAt(t, dir, now-3*hour).Publish(context.Background()); err == nil || !strings.Contains(err.Error(), "clock") {
		t.Errorf("got %v, want a refusal of a clock that has gone back", err)
	}
	if p := publish(t, openAt(t, dir, now-30)); p.Time != now {
		t.Errorf("signed at %d, want %d, the time of the last signature", p.Time, now)
	}
}
