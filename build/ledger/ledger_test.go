package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stele/build/durable"
	"stele/proofs"
)

const origin = "test.example/ledger"

func entries(from, to uint64) [][]byte {
	var out [][]byte
	for i := from; i < to; i++ {
		out = append(out, fmt.Appendf(nil, "entry %d", i))
	}
	return out
}

// logOf makes a log of a size, in steps that end at the sizes before it.
func logOf(t *testing.T, sizes ...uint64) *Log {
	t.Helper()
	l := At(folder(t), origin)
	a, err := l.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range sizes {
		if err := a.Append(context.Background(), entries(a.Size(), size)); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// folder is a temporary folder. Tessera can be at a file of its own there still when Append has returned, and a moment longer.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 100 {
			if err = os.RemoveAll(dir); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Error(err)
	})
	return dir
}

// put publishes into a folder.
func put(to string) func(proofs.Tile, []byte) error {
	return func(t proofs.Tile, b []byte) error { return durable.WriteOnce(filepath.Join(to, t.Path()), b) }
}

func checkpoint(t *testing.T, l *Log, size uint64) proofs.Checkpoint {
	t.Helper()
	root, err := l.Root(size)
	if err != nil {
		t.Fatal(err)
	}
	return proofs.Checkpoint{Origin: origin, Size: size, Root: root}
}

func TestAppend(t *testing.T) {
	sizes := []uint64{1, 2, 255, 256, 257, 300, 513}
	l := logOf(t, sizes...)
	a, err := l.Open(context.Background())
	if err != nil || a.Size() != 513 {
		t.Fatalf("reopened with %d entries (%v), want 513", a.Size(), err)
	}
	want := proofs.NewFrontier()
	for _, e := range entries(0, 513) {
		want.Append(e)
	}
	if c := checkpoint(t, l, 513); c.Root != want.Root() {
		t.Errorf("root %s, want %s", c.Root, want.Root())
	}
	for _, from := range sizes {
		next := from
		err := l.Entries(from, 513, func(first uint64, got [][]byte) error {
			if first != next {
				t.Errorf("run begins at %d, want %d", first, next)
			}
			for i, e := range got {
				if want := fmt.Sprintf("entry %d", first+uint64(i)); string(e) != want {
					t.Errorf("got %q, want %q", e, want)
				}
			}
			next += uint64(len(got))
			return nil
		})
		if err != nil || next != 513 {
			t.Errorf("from %d: read up to %d (%v), want 513", from, next, err)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	l := logOf(t, 3)
	a, err := l.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Append(context.Background(), [][]byte{{1}, make([]byte, maxEntry+1)}); err == nil || !strings.Contains(err.Error(), "65536 bytes") {
		t.Errorf("got %v, want a refusal of so long an entry", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := a.Append(ended, entries(3, 4)); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if again, err := l.Open(context.Background()); err != nil || again.Size() != 3 || a.Size() != 3 {
		t.Errorf("after refusals %d entries (%v), want 3", again.Size(), err)
	}
}

// TestTwoAppenders: Tessera would let both append in turns.
func TestTwoAppenders(t *testing.T) {
	l := logOf(t, 3)
	ctx := context.Background()
	one, err := l.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	two, err := l.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Append(ctx, entries(3, 4)); err != nil {
		t.Fatal(err)
	}
	if err := two.Append(ctx, entries(3, 4)); err == nil || !strings.Contains(err.Error(), "something else is appending") {
		t.Errorf("got %v, want a refusal", err)
	}
	if again, err := l.Open(ctx); err != nil || again.Size() != 4 {
		t.Errorf("%d entries (%v), want 4", again.Size(), err)
	}
}

// TestAppendFails: a batch that cannot be written is not there in part, and can be appended again.
func TestAppendFails(t *testing.T) {
	l := logOf(t, 200)
	ctx := context.Background()
	a, err := l.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	inTheWay := filepath.Join(l.where(), "tile", "0", "001.p") // the second tile's folder
	if err := os.WriteFile(inTheWay, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := a.Append(ctx, entries(200, 300)); err == nil || !strings.Contains(err.Error(), l.where()) {
		t.Errorf("got %v, want an error that names %s", err, l.where())
	}
	if a, err = l.Open(ctx); err != nil || a.Size() != 200 {
		t.Fatalf("%d entries (%v), want 200", a.Size(), err)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if err := a.Append(ctx, entries(200, 300)); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(0, checkpoint(t, l, 300)); err != nil {
		t.Error(err)
	}
}

// TestPublish publishes at several sizes, and holds that the tiles of each stay.
func TestPublish(t *testing.T) {
	sizes := []uint64{1, 255, 256, 300, 600}
	l, to := logOf(t, sizes...), t.TempDir()
	old := uint64(0)
	for _, size := range sizes {
		if err := l.Publish(old, checkpoint(t, l, size), put(to)); err != nil {
			t.Fatal(err)
		}
		old = size
	}
	published := At(to, origin)
	for _, size := range sizes {
		if err := published.Check(0, checkpoint(t, l, size)); err != nil {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

// TestDamage: whatever file of the log has a bit flipped, is cut off or gone, it is not published.
func TestDamage(t *testing.T) {
	l := logOf(t, 200, 600)
	c := checkpoint(t, l, 600)
	for _, tile := range proofs.TilesOf(0, 600) {
		path := filepath.Join(l.where(), filepath.FromSlash(tile.Path()))
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, bad := range map[string][]byte{
			"flipped":  append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1),
			"begins":   append([]byte{good[0] ^ 0x80}, good[1:]...),
			"cut off":  good[:len(good)/2],
			"empty":    {},
			"followed": append(bytes.Clone(good), 0),
		} {
			if err := os.WriteFile(path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			to := t.TempDir()
			if err := l.Publish(0, c, put(to)); err == nil {
				t.Errorf("%s: %s: published", tile.Path(), name)
			}
			if got, err := os.ReadFile(filepath.Join(to, filepath.FromSlash(tile.Path()))); err == nil && !bytes.Equal(got, good) {
				t.Errorf("%s: %s: the damaged file was copied", tile.Path(), name)
			}
		}
		if err := os.WriteFile(path, good, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c.Root[0] ^= 1
	if err := l.Compare(c); err == nil {
		t.Error("compares with another root")
	}
	c.Size = 601
	if err := l.Compare(c); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("compares with a larger tree: %v", err)
	}
}

// TestPartialFromFull: a partial tile that is gone is cut from the full one.
func TestPartialFromFull(t *testing.T) {
	l := logOf(t, 100, 300)
	c := checkpoint(t, l, 100)
	for _, dir := range []string{"tile/0/000.p", "tile/entries/000.p"} {
		if err := os.RemoveAll(filepath.Join(l.where(), dir)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Check(0, c); err != nil {
		t.Error(err)
	}
}
