package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stele/proofs"
)

// publishMany makes a registry with many publications, of which some are heartbeats, and keeps copies of its public folder.
func publishMany(t *testing.T) (dir string, olds []string, now int64) {
	dir, now = filepath.Join(t.TempDir(), "whole"), start
	makeFirst(t, dir)
	publish(t, openAt(t, dir, now))
	for i := range 12 {
		now += hour
		r := openAt(t, dir, now)
		if i%4 != 3 {
			n := 20
			if i == 6 {
				n = 300 // past a full bundle
			}
			register(t, r, office, 1000*i, 1000*i+n)
		}
		publish(t, r)
		if i%6 == 2 {
			old := filepath.Join(t.TempDir(), fmt.Sprint("old", i))
			copyTree(t, filepath.Join(dir, "public"), old)
			olds = append(olds, old)
		}
	}
	return dir, olds, now
}

// TestHeal: whatever the public folder has lost, but for index files under an untouched checkpoint, the next publication
// brings back whole, with the history and the partial tiles of all publications.
func TestHeal(t *testing.T) {
	whole, olds, now := publishMany(t)
	lines, err := openAt(t, whole, now).History()
	if err != nil || len(lines) != 13 {
		t.Fatalf("history of %d lines: %v", len(lines), err)
	}
	before := tree(t, filepath.Join(whole, "public"))
	removing := func(names ...string) func(public string) {
		return func(public string) {
			for _, name := range names {
				remove(t, filepath.Join(public, filepath.FromSlash(name)))
			}
		}
	}
	third := func(prefix string, names ...string) func(public string) { // and a third of the files under a prefix
		return func(public string) {
			rnd := rand.New(rand.NewPCG(1, 5))
			for _, path := range slices.Sorted(maps.Keys(before)) {
				if strings.HasPrefix(path, prefix) && rnd.IntN(3) == 0 {
					remove(t, filepath.Join(public, path))
				}
			}
			removing(names...)(public)
		}
	}
	losses := map[string]func(public string){
		"all":                        removing(""),
		"ledger":                     removing("ledger"),
		"index and checkpoint":       removing("index", "ledger/checkpoint"),
		"history and checkpoint":     removing("ledger/history", "ledger/checkpoint"),
		"tiles and checkpoint":       removing("ledger/tile", "ledger/checkpoint"),
		"a third and the checkpoint": third("", "ledger/checkpoint"),
		"history":                    removing("ledger/history"),
		"list of the history":        removing("ledger/history/list"),
		"a third of the history":     third("ledger/history/"),
		"tiles":                      removing("ledger/tile"),
		"a third of the tiles":       third("ledger/tile/"),
		"trust":                      removing("trust", "policy"),
		"head":                       removing("ledger/head"),
	}
	for i, old := range olds {
		losses[fmt.Sprint("all since publication ", i)] = func(public string) { replaceTree(t, old, public) }
	}
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "reg")
			copyTree(t, whole, dir)
			lose(filepath.Join(dir, "public"))
			r := openAt(t, dir, now+hour)
			publish(t, r)
			healed(t, r, now+hour, before, lines)
		})
	}
}

// healed checks that everything immutable is there again, and that an auditor and others' tools are content.
func healed(t *testing.T, r *Registry, now int64, before map[string]string, lines []proofs.HistoryLine) {
	t.Helper()
	mustAudit(t, r, now)
	after := tree(t, r.Public())
	c, _, err := r.signed()
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range before {
		tile, err := proofs.ParseTilePath(strings.TrimPrefix(filepath.ToSlash(path), "ledger/"))
		if err == nil && tile.Width < proofs.TileWidth && tile.FullIn(c.Size) {
			continue // overtaken: c2sp.org/tlog-tiles lets them go
		}
		if strings.HasPrefix(path, "index"+string(filepath.Separator)) || slices.Contains([]string{"checkpoint", "head", "list"}, filepath.Base(path)) {
			continue
		}
		if after[path] != content {
			t.Errorf("%s is gone or another", path)
		}
	}
	got, err := r.History()
	if err != nil || len(got) != len(lines)+1 || !slices.Equal(got[:len(lines)], lines) {
		t.Errorf("history of %d lines, want one more than %d (%v)", len(got), len(lines), err)
	}
	if err := fsckOf(filepath.Join(r.Public(), "ledger"), r.Trust.Origin, logKey(t, r)); err != nil {
		t.Errorf("fsck: %v", err)
	}
}

// TestHealBrokenOff: healing that is broken off anywhere is finished by the next publication.
func TestHealBrokenOff(t *testing.T) {
	whole, _, now := publishMany(t)
	lines, err := openAt(t, whole, now).History()
	if err != nil {
		t.Fatal(err)
	}
	for k, done := 1, false; !done; k += 11 {
		dir := filepath.Join(t.TempDir(), "reg")
		copyTree(t, whole, dir)
		remove(t, filepath.Join(dir, "public"))
		r := openAt(t, dir, now+hour)
		steps := 0
		r.fault = func(string, string) error {
			if steps++; steps >= k {
				return errors.New("broken off")
			}
			return nil
		}
		_, err := r.Publish(context.Background())
		done = err == nil
		r = openAt(t, dir, now+2*hour)
		publish(t, r)
		mustAudit(t, r, now+2*hour)
		if got, err := r.History(); err != nil || len(got) <= len(lines) || !slices.Equal(got[:len(lines)], lines) {
			t.Errorf("broken off at step %d: history of %d lines, want more than %d (%v)", k, len(got), len(lines), err)
		}
	}
}

// TestSameSecond: heartbeats of one second have no order that could be found again, but each stands in the history once.
func TestSameSecond(t *testing.T) {
	for range 8 {
		dir := t.TempDir()
		makeFirst(t, dir)
		for range 4 {
			publish(t, openAt(t, dir, start))
		}
		remove(t, filepath.Join(dir, "public"))
		r := openAt(t, dir, start+hour)
		publish(t, r)
		mustAudit(t, r, start+hour)
		if lines, err := r.History(); err != nil || len(lines) != 5 {
			t.Errorf("history of %d lines, want 5 (%v)", len(lines), err)
		}
	}
}

// TestOddFolders: a folder's name is no pattern.
func TestOddFolders(t *testing.T) {
	parent := t.TempDir()
	for _, name := range []string{"reg[1]", "reg?", "regA", "reg*", "[", `\`} {
		dir := filepath.Join(parent, name)
		makeFirst(t, dir)
		publish(t, openAt(t, dir, start))
		publish(t, openAt(t, dir, start+hour))
	}
	for _, name := range []string{"reg[1]", "reg?", "reg*", "[", `\`} {
		dir := filepath.Join(parent, name)
		remove(t, filepath.Join(dir, "public"))
		r := openAt(t, dir, start+2*hour)
		publish(t, r)
		mustAudit(t, r, start+2*hour)
		if lines, err := r.History(); err != nil || len(lines) != 3 {
			t.Errorf("%s: history of %d lines, want 3 (%v)", name, len(lines), err)
		}
	}
}

// TestRefusedAccreditation: what an accreditation that is refused would have allowed is refused as well.
func TestRefusedAccreditation(t *testing.T) {
	dir := t.TempDir()
	makeFirst(t, dir)
	publish(t, openAt(t, dir, start))
	r := openAt(t, dir, start+hour)
	for i := range 17 { // over 64 KiB in all
		var kinds []string
		for j := range 60 {
			kinds = append(kinds, fmt.Sprintf("k%02d-%02d-%s", j, i, strings.Repeat("x", 55)))
		}
		if err := r.Accredit(office, "Office", kinds); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Accredit(office, "Office", []string{"deed"}); err != nil {
		t.Fatal(err)
	}
	req := Request{Issuer: office, Kind: "deed", Issued: "2027-01-01"}
	err := r.Register(context.Background(), req, []string{documentFile(t, 77)}, func(f Registered) {
		if f.Err != nil {
			t.Fatal(f.Err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Publish(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var refused []string
	for _, f := range p.Refused {
		_, env, err := proofs.ParseEntry(f.Entry)
		if err != nil {
			t.Fatal(err)
		}
		refused = append(refused, env.Action)
	}
	if n := len(refused); n < 3 || refused[0] != proofs.ActionAccredit || refused[n-1] != proofs.ActionRegister {
		t.Errorf("refused: %v, want accreditations and the registration", refused)
	}
	verdicts(t, r, start+hour, map[int]proofs.Verdict{77: proofs.NotRegistered})
}

// TestRegisterWithoutPublic: without what is published, or what leads to it, nobody knows what is registered already; a publication brings it back.
func TestRegisterWithoutPublic(t *testing.T) {
	dir := t.TempDir()
	makeFirst(t, dir)
	publish(t, openAt(t, dir, start))
	for _, lost := range []string{"public", "public/index", "state/index"} {
		remove(t, filepath.Join(dir, filepath.FromSlash(lost)))
		req := Request{Issuer: office, Kind: "letter", Issued: "2027-01-01"}
		err := openAt(t, dir, start).Register(context.Background(), req, []string{documentFile(t, 1)}, func(f Registered) {
			if f.State == NewlyRegistered {
				t.Errorf("without %s: registered", lost)
			}
		})
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Hint, "stele publish") {
			t.Errorf("without %s: got %v, want a hint to publish", lost, err)
		}
		remove(t, filepath.Join(dir, "public"))
		publish(t, openAt(t, dir, start))
	}
}
