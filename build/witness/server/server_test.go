package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stele/build/durable"
	"stele/build/witness/witnesstest"
	"stele/site/edge/witness"
)

const origin = witnesstest.Origin

// A house is a witness with a log, in a folder.
type house struct {
	*witnesstest.House
	dir    string
	server *Server
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{House: witnesstest.NewHouse(t), dir: filepath.Join(t.TempDir(), "witness")}
	h.fill()
	return h
}

// fill puts a witness into a house.
func (h *house) fill() {
	h.Helper()
	if err := Init(h.dir); err != nil {
		h.Fatal(err)
	}
	h.Configure = func(policy string) {
		h.Helper()
		if err := durable.WriteFile(filepath.Join(h.dir, LogsFile), []byte(policy), 0o644); err != nil {
			h.Fatal(err)
		}
	}
	h.Again = func() {
		h.Helper()
		if err := h.server.Close(); err != nil {
			h.Fatal(err)
		}
		h.open()
	}
	h.Kept = func(kind string) (kept [][]byte) {
		dir := filepath.Join(h.dir, badFolder, witness.OriginName(origin), kind)
		names, err := os.ReadDir(dir)
		if err != nil {
			h.Fatal(err)
		}
		for _, e := range names {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				h.Fatal(err)
			}
			kept = append(kept, b)
		}
		return kept
	}
	h.Configure(h.Ledger.Policy())
	h.open()
}

func (h *house) config() Config {
	return Config{Dir: h.dir, Signers: h.Signers(), Log: h.Logger(), Now: h.Clock}
}

func (h *house) open() {
	h.Helper()
	var err error
	if h.server, err = Open(h.config()); err != nil {
		h.Fatal(err)
	}
	h.Handler = h.server.Handler()
	h.Cleanup(func() { h.server.Close() })
}

func (h *house) state() string { return h.server.records.statePath(origin) }

func TestConformance(t *testing.T) {
	witnesstest.Conformance(t, func(at *witnesstest.House) {
		h := &house{House: at, dir: filepath.Join(at.TempDir(), "witness")}
		h.fill()
	})
}

// TestLogsFile: it is read again when it changes; one that is broken is told, and not used.
func TestLogsFile(t *testing.T) {
	h := newHouse(t)
	h.WantCosigned(h.Grow(0, 4), h.Ledger.Checkpoint(4), h.Now)
	second := witnesstest.NewLog(t, "log.example/two", "true", 5)
	h.Want(h.Post(0, nil, second.Note(5)), 404, "")
	h.Configure(h.Ledger.Policy() + "log " + second.Keys()[0].String() + "\n")
	h.WantCosigned(h.Post(0, nil, second.Note(5)), second.Checkpoint(5), h.Now)
	for _, broken := range []string{"", "log nonsense\nquorum none\n", "log " + h.Ledger.Keys()[0].String() + "\n", "witness a b\nquorum none\n"} {
		h.Said.Reset()
		h.Configure(broken)
		h.WantCosigned(h.Grow(4, 4), h.Ledger.Checkpoint(4), h.Now)
		h.WantCosigned(h.Grow(4, 4), h.Ledger.Checkpoint(4), h.Now)
		if n := strings.Count(h.Said.String(), "cannot be used"); n != 1 {
			t.Errorf("%q: told %d times, want once:\n%s", broken, n, &h.Said)
		}
		h.Want(h.Send("GET", "/health", nil), 503, "file of logs")
	}
	if err := os.Remove(filepath.Join(h.dir, LogsFile)); err != nil {
		t.Fatal(err)
	}
	h.WantCosigned(h.Grow(4, 4), h.Ledger.Checkpoint(4), h.Now)
	h.Want(h.Send("GET", "/health", nil), 503, "no such file")
	path := filepath.Join(h.dir, LogsFile)
	h.Configure("log " + second.Keys()[0].String() + "\nquorum none\n")
	h.Want(h.Grow(4, 4), 404, "")
	for range 2 { // away and back, the very same file
		if err := os.Rename(path, path+".aside"); err != nil {
			t.Fatal(err)
		}
		h.Want(h.Send("GET", "/health", nil), 503, "no such file")
		if err := os.Rename(path+".aside", path); err != nil {
			t.Fatal(err)
		}
		h.Want(h.Send("GET", "/health", nil), 200, `"logs":1`)
	}
	h.Want(h.Send("GET", "/health", nil), 200, `"logs":1`)
	h.Configure(h.Ledger.Policy()) // and what was signed before is not forgotten
	h.Want(h.Grow(0, 4), 409, "4\n")
}

func TestOpenRefuses(t *testing.T) {
	h := newHouse(t)
	if _, err := Open(h.config()); err == nil || !strings.Contains(err.Error(), "another witness is at work") {
		t.Errorf("a second process: %v", err)
	}
	if err := Init(h.dir); err == nil || !strings.Contains(err.Error(), "another witness is at work") {
		t.Errorf("made again under way: %v", err)
	}
	h.server.Close()
	h.Configure("log nonsense\nquorum none\n")
	var e *Error
	if _, err := Open(h.config()); !errors.As(err, &e) || !strings.Contains(e.Hint, "log VKEY") {
		t.Errorf("a broken file of logs: %v", err)
	}
	h.Configure(h.Ledger.Policy())
	h.open() // the lock was given free
	h.server.Close()
	empty := Config{Dir: t.TempDir(), Signers: h.Signers(), Log: slog.Default()}
	if _, err := Open(empty); !errors.Is(err, ErrNoWitness) {
		t.Errorf("an empty folder: %v", err)
	}
	if names, err := os.ReadDir(empty.Dir); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v (%v)", names, err)
	}
}

// TestDamage: whatever is the matter with what was kept, nothing is begun anew.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		why  string
		harm func(h *house, path string)
	}{
		{"gone", func(h *house, path string) { os.Remove(path) }},
		{"empty", func(h *house, path string) { os.WriteFile(path, nil, 0o644) }},
		{"turned in a bit", func(h *house, path string) {
			b, err := os.ReadFile(path)
			if err != nil {
				h.Fatal(err)
			}
			b[len(b)/2] ^= 1
			if err := os.WriteFile(path, b, 0o644); err != nil {
				h.Fatal(err)
			}
		}},
		{"cut", func(h *house, path string) { os.Truncate(path, 200) }},
		{"unreadable", func(h *house, path string) { os.Remove(path); os.Mkdir(path, 0o755) }},
		{"another log's", func(h *house, path string) {
			other := witnesstest.NewLog(h, "log.example/two", "true", 5)
			h.Configure(h.Ledger.Policy() + "log " + other.Keys()[0].String() + "\n")
			h.WantCosigned(h.Post(0, nil, other.Note(5)), other.Checkpoint(5), h.Now)
			b, err := os.ReadFile(h.server.records.statePath(other.Origin))
			if err != nil || os.WriteFile(path, b, 0o644) != nil {
				h.Fatal(err)
			}
		}},
	} {
		t.Run(c.why, func(t *testing.T) {
			h := newHouse(t)
			h.WantCosigned(h.Grow(0, 10), h.Ledger.Checkpoint(10), h.Now)
			c.harm(h, h.state())
			h.Again()
			for _, old := range []uint64{0, 10} {
				h.Want(h.Grow(old, 20), 500, "operator")
			}
			h.Want(h.Send("GET", "/"+witness.OriginPath(origin), nil), 500, "operator")
			h.Want(h.Send("GET", "/health", nil), 503, "nothing is signed for "+origin)
			if !strings.Contains(h.Said.String(), "nothing is signed for this log") {
				t.Errorf("not told:\n%s", &h.Said)
			}
		})
	}
}

// TestFlippedBits: no bit of the list can turn without being noticed.
func TestFlippedBits(t *testing.T) {
	h := newHouse(t)
	h.WantCosigned(h.Grow(0, 10), h.Ledger.Checkpoint(10), h.Now)
	path := filepath.Join(h.dir, originsFile)
	list, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h.server.Close()
	for i := range list {
		bad := bytes.Clone(list)
		bad[i] ^= 1
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(h.config()); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(h.config()); !errors.Is(err, ErrNoWitness) {
		t.Errorf("no list: %v", err)
	}
	if err := Init(h.dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("made anew over records: %v", err)
	}
}

// TestCrashBetween: a crash after the record of a new log was written and before its name was leaves nothing that looks like
// a loss, and nothing that could be signed twice.
func TestCrashBetween(t *testing.T) {
	h := newHouse(t)
	path := filepath.Join(h.dir, originsFile)
	empty, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h.WantCosigned(h.Grow(0, 10), h.Ledger.Checkpoint(10), h.Now)
	if err := os.WriteFile(path, empty, 0o644); err != nil {
		t.Fatal(err)
	}
	h.Again()
	h.Want(h.Grow(0, 20), 409, "10\n")
	h.WantCosigned(h.Grow(10, 20), h.Ledger.Checkpoint(20), h.Now)
	if origins, err := readOrigins(h.dir); err != nil || !origins[origin] {
		t.Errorf("got %v (%v), want the log in the list", origins, err)
	}
}

// TestWriteFails: what cannot be made durable is not answered, and the witness goes on from what lies on the disk.
func TestWriteFails(t *testing.T) {
	h := newHouse(t)
	h.WantCosigned(h.Grow(0, 10), h.Ledger.Checkpoint(10), h.Now)
	folder := filepath.Dir(h.state())
	aside := folder + ".aside"
	if err := os.Rename(folder, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o644); err != nil { // a file where the folder should be: nothing can be written
		t.Fatal(err)
	}
	w := h.Grow(10, 20)
	h.Want(w, 500, "operator")
	if strings.Contains(w.Body.String(), "—") {
		t.Error("a cosignature has left")
	}
	h.Want(h.Grow(10, 20), 500, "operator") // the record in memory is not believed either
	if err := errors.Join(os.Remove(folder), os.Rename(aside, folder)); err != nil {
		t.Fatal(err)
	}
	h.WantCosigned(h.Grow(10, 20), h.Ledger.Checkpoint(20), h.Now)
}

// TestWriteFailsLate: what was written, and not answered because of what failed after it, is gone on from.
func TestWriteFailsLate(t *testing.T) {
	h := newHouse(t)
	path := filepath.Join(h.dir, originsFile)
	aside := path + ".aside"
	if err := errors.Join(os.Rename(path, aside), os.MkdirAll(filepath.Join(path, "inside"), 0o755)); err != nil { // the list cannot be replaced
		t.Fatal(err)
	}
	w := h.Grow(0, 10)
	h.Want(w, 500, "operator")
	if strings.Contains(w.Body.String(), "—") {
		t.Error("a cosignature has left")
	}
	if _, err := os.Stat(h.state()); err != nil {
		t.Fatal("the record was to be written first: ", err)
	}
	if err := errors.Join(os.RemoveAll(path), os.Rename(aside, path)); err != nil {
		t.Fatal(err)
	}
	h.Want(h.Grow(0, 12), 409, "10\n")
	h.WantCosigned(h.Grow(10, 12), h.Ledger.Checkpoint(12), h.Now)
	h.Again()
	h.WantCosigned(h.Grow(12, 13), h.Ledger.Checkpoint(13), h.Now)
}

func files(t testing.TB, dir, ext string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ext) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestSwept: what a process that was killed was about to write does not stay.
func TestSwept(t *testing.T) {
	h := newHouse(t)
	h.WantCosigned(h.Grow(0, 5), h.Ledger.Checkpoint(5), h.Now)
	for _, dir := range []string{h.dir, filepath.Dir(h.state())} {
		if err := os.WriteFile(filepath.Join(dir, ".new-123"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.Again()
	if left := files(t, h.dir, ".new-123"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	h.WantCosigned(h.Grow(5, 6), h.Ledger.Checkpoint(6), h.Now)
}

func TestHealthAndMetrics(t *testing.T) {
	h := newHouse(t)
	h.WantCosigned(h.Grow(0, 5), h.Ledger.Checkpoint(5), h.Now)
	h.Want(h.Grow(1, 5), 409, "")
	w := h.Send("GET", "/health", nil)
	var got witness.Health
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !got.OK || got.Logs != 1 || w.Code != 200 {
		t.Errorf("got %d %q (%v)", w.Code, w.Body, err)
	}
	rec := httptest.NewRecorder()
	h.server.Metrics.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`stele_witness_requests_total{code="200",what="add-checkpoint"} 1`, `stele_witness_requests_total{code="409",what="add-checkpoint"} 1`,
		`stele_witness_size{origin="log.example/one"} 5`, `stele_witness_logs 1`, `stele_witness_logs_file_broken 0`,
	} {
		if !strings.Contains(rec.Body.String(), line+"\n") {
			t.Errorf("no %s in\n%s", line, rec.Body)
		}
	}
}
