package registry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFileLimit has writes fail in the middle of a file, in a child whose files may not grow beyond a limit.
func TestFileLimit(t *testing.T) {
	t.Parallel()
	fileLimits(t)
}

func fileLimits(t *testing.T) {
	for _, limit := range []int{1, 100, 400, 1000, 2000, 3000, 3600, 4000, 5000} {
		dir := t.TempDir()
		copyOf(t, second, dir)
		cmd := task{dir: dir, now: second.now, limit: limit}.start(t)
		if err := cmd.Wait(); err != nil && !strings.Contains(fmt.Sprint(cmd.Stderr), "file too large") {
			t.Errorf("limit %d: %v: %s", limit, err, cmd.Stderr)
		} else if err != nil && !strings.Contains(fmt.Sprint(cmd.Stderr), dir) {
			t.Errorf("limit %d: the error does not tell the path: %s", limit, cmd.Stderr)
		}
		noTemporaryFiles(t, &Registry{Dir: filepath.Join(dir, "public")})
		finish(t, second, dir)
	}
}

// TestNotAFolder puts a file where a folder should be, which even root cannot write into.
func TestNotAFolder(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"ledger/tile/0", "ledger/.state", "public/index", "public/ledger/tile/entries", "public/ledger/history", "public/trust", "public/ledger", "state/superseded", "state", "public"} {
		dir := t.TempDir()
		copyOf(t, second, dir)
		where := filepath.Join(dir, filepath.FromSlash(path))
		os.Rename(where, where+".away") // some are not there yet
		if err := os.WriteFile(where, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := openAt(t, dir, second.now).Publish(context.Background())
		if err == nil || !strings.Contains(err.Error(), where) {
			t.Errorf("%s is a file: got %v, want an error that names it", path, err)
		}
		if err := os.Remove(where); err != nil {
			t.Fatal(err)
		}
		os.Rename(where+".away", where)
		finish(t, second, dir)
	}
}

// TestRegisterFaults: what was told as registered is durable, and what was not can be registered again.
func TestRegisterFaults(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		dir := t.TempDir()
		copyOf(t, heartbeat, dir)
		r := openAt(t, dir, heartbeat.now)
		r.fault = func(w, path string) error {
			if w == when {
				return fmt.Errorf("%s: %w", path, errFault)
			}
			return nil
		}
		files := []string{documentFile(t, 6), documentFile(t, 7)}
		req := Request{Issuer: office, Kind: "letter", Issued: "2027-01-01"}
		told := 0
		if err := r.Register(context.Background(), req, files, func(Registered) { told++ }); !errors.Is(err, errFault) || told > 0 {
			t.Errorf("%s: got %v and %d outcomes, want the fault and none", when, err, told)
		}
		noTemporaryFiles(t, r)
		r = openAt(t, dir, heartbeat.now)
		want := NewlyRegistered
		if when == "after" {
			want = RegisteredAlready
		}
		err := r.Register(context.Background(), req, append(files, filepath.Join(dir, "nowhere")), func(f Registered) {
			if f.Err == nil && f.State != want || f.Err != nil && filepath.Base(f.File) != "nowhere" {
				t.Errorf("%s: %s: %s %v, want %s", when, f.File, f.State, f.Err, want)
			}
		})
		if err != nil {
			t.Error(err)
		}
		if p := publish(t, r); p.Added != 2 {
			t.Errorf("%s: added %d, want 2", when, p.Added)
		}
	}
}
