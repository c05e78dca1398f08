package deploy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stele/build/follow/followtest"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// refused holds that a deployment is refused for a reason, and that the folder stays as it was.
func refused(t *testing.T, what string, r *followtest.Registry, dir string, want error, says string) {
	t.Helper()
	was := contents(t, dir)
	_, err := newPlan(r).Make(context.Background(), dir)
	if !errors.Is(err, want) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %v, want %v with %q", what, err, want, says)
	}
	for name, content := range was {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != content {
			t.Errorf("%s: %s is another, %v", what, name, err)
		}
	}
}

// TestOthersStay: what stele has not made stays in the folder, whoever has put it there.
func TestOthersStay(t *testing.T) {
	r, parent := newRegistry(t), t.TempDir()
	dir := filepath.Join(parent, "edge")
	made(t, newPlan(r), dir)
	others := []string{".git/HEAD", ".dev.vars", "keys/witness", "store/current", "notes.txt", "node_modules/wrangler/package.json"}
	for _, name := range others {
		write(t, filepath.Join(dir, name), "content of "+name)
	}
	link := filepath.Join(parent, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{dir, dir + "/", link} {
		made(t, newPlan(r), to)
		for _, name := range others {
			if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != "content of "+name {
				t.Errorf("deployed to %s: %s: %q, %v", to, name, b, err)
			}
		}
	}
	if list, err := os.ReadDir(parent); err != nil || len(list) != 2 {
		t.Errorf("beside the folder: %v, %v", list, err)
	}
	t.Chdir(dir)
	made(t, newPlan(r), ".")
	if _, err := os.Stat(filepath.Join(dir, "notes.txt")); err != nil {
		t.Error(err)
	}
}

// TestGoesOn: what is deployed makes way for what has grown from it, and for nothing else.
func TestGoesOn(t *testing.T) {
	old := newRegistry(t)
	fork := old.Clone()
	newer := old.Clone()
	newer.Register(followtest.Office, 300, 310)
	newer.Publish()
	fork.Register(followtest.Office, 400, 410)
	fork.Publish()
	longer := fork.Clone()
	longer.Register(followtest.Office, 500, 510)
	longer.Publish()

	dir := filepath.Join(t.TempDir(), "edge")
	made(t, newPlan(old), dir)
	made(t, newPlan(newer), dir)
	refused(t, "an older copy", old, dir, ErrBack, "entries, and this registry")
	refused(t, "another one of its size", fork, dir, ErrBack, "it has the root")
	refused(t, "another one that has grown", longer, dir, ErrBack, "and this registry had")
	made(t, newPlan(newer), dir)

	other := followtest.New(t, followtest.Policy{})
	other.Trust.Origin = "other.example/ledger"
	refused(t, "another registry", other, dir, ErrOtherRegistry, "other.example/ledger")
}

// TestRunning: a deployment that is being run here is not replaced meanwhile.
func TestRunning(t *testing.T) {
	r, dir := newRegistry(t), filepath.Join(t.TempDir(), "edge")
	made(t, newPlan(r), dir)
	lock, err := lockRunning(dir)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "being run", r, dir, ErrRunning, dir)
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	made(t, newPlan(r), dir)
}

// TestTidy: what a deployment that was killed has left is ended by the next one.
func TestTidy(t *testing.T) {
	r, parent := newRegistry(t), t.TempDir()
	dir := filepath.Join(parent, "edge")
	made(t, newPlan(r), dir)
	write(t, filepath.Join(dir, "keys"), "secret")

	// Killed before the new one was in its place.
	if err := os.Rename(dir, filepath.Join(parent, ".edge.new-1.old")); err != nil {
		t.Fatal(err)
	}
	made(t, newPlan(r), dir)
	// Killed before all was taken over.
	write(t, filepath.Join(parent, ".edge.new-2.old", "notes.txt"), "mine")
	write(t, filepath.Join(parent, ".edge.new-2.old", "trust"), "old")
	// Killed while it was written: long ago, and just now by somebody who may still be at work.
	write(t, filepath.Join(parent, ".edge.new-3", "trust"), "new")
	long := time.Now().Add(-abandoned - time.Hour)
	if err := os.Chtimes(filepath.Join(parent, ".edge.new-3"), long, long); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(parent, ".edge.new-4", "trust"), "new")
	write(t, filepath.Join(parent, ".edges.new-3", "trust"), "another's")
	made(t, newPlan(r), dir)

	for name, want := range map[string]string{"edge/keys": "secret", "edge/notes.txt": "mine", ".edge.new-4/trust": "new", ".edges.new-3/trust": "another's"} {
		if got := contents(t, parent)[name]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{".edge.new-1.old", ".edge.new-2.old", ".edge.new-3"} {
		if exists(filepath.Join(parent, name)) {
			t.Errorf("%s is still there", name)
		}
	}
	if got := contents(t, dir)["trust"]; got != string(r.Trust.Marshal()) {
		t.Errorf("the trust file is another: %.40q", got)
	}
}

// TestNotWhole: what is published with a tile missing is not deployed; a full one in the place of a partial one is as good.
func TestNotWhole(t *testing.T) {
	r, parent := newRegistry(t), t.TempDir()
	for _, name := range []string{"ledger/tile/0/000", "ledger/tile/0/001.p/", "ledger/tile/1/000.p/1", "ledger/tile/entries/000"} {
		less := r.Clone()
		for _, path := range r.Paths() {
			if strings.HasPrefix(path, name) {
				less.Remove(path)
			}
		}
		dir := filepath.Join(parent, "edge")
		if _, err := newPlan(less).Make(context.Background(), dir); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
		if exists(dir) {
			t.Errorf("without %s: something was deployed", name)
		}
	}
	if err := whole([]string{"ledger/tile/0/000", "ledger/tile/entries/000"}, 200); err != nil {
		t.Error(err)
	}
}
