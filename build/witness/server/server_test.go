package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/build/durable"
	"stele/build/witness"
	"stele/build/witness/witnesstest"
	"stele/proofs"
)

const (
	origin = "log.example/one"
	name   = "agency.example/witness"
)

// A house is a witness with a log.
type house struct {
	*testing.T
	dir    string
	log    *witnesstest.Log
	now    int64
	said   bytes.Buffer
	server *Server
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, dir: filepath.Join(t.TempDir(), "witness"), log: witnesstest.NewLog(t, origin, "true", 40), now: 1_800_000_000}
	if err := Init(h.dir); err != nil {
		t.Fatal(err)
	}
	h.configure(h.log.Policy())
	h.open()
	return h
}

func (h *house) configure(policy string) {
	h.Helper()
	if err := durable.WriteFile(filepath.Join(h.dir, LogsFile), []byte(policy), 0o644); err != nil {
		h.Fatal(err)
	}
}

func signers(t testing.TB) []proofs.Signer {
	return []proofs.Signer{witnesstest.Signer(t, name, proofs.MLDSA44Key, "w"), witnesstest.Signer(t, name, proofs.CosignatureKey, "w")}
}

func (h *house) config() Config {
	return Config{Dir: h.dir, Signers: signers(h), Log: slog.New(slog.NewTextHandler(&h.said, nil)), Now: func() time.Time { return time.Unix(h.now, 0) }}
}

func (h *house) open() {
	h.Helper()
	var err error
	if h.server, err = Open(h.config()); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { h.server.Close() })
}

// again ends the witness and starts it anew.
func (h *house) again() {
	h.Helper()
	if err := h.server.Close(); err != nil {
		h.Fatal(err)
	}
	h.open()
}

func (h *house) send(method, path string, body []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.server.Handler().ServeHTTP(w, httptest.NewRequest(method, path, bytes.NewReader(body)))
	return w
}

// post sends a checkpoint with a proof from a size.
func (h *house) post(old uint64, proof []proofs.Hash, note []byte) *httptest.ResponseRecorder {
	return h.send("POST", "/add-checkpoint", (&witness.Request{Old: old, Proof: proof, Checkpoint: note}).Marshal())
}

// grow sends the log's checkpoint of a size with the right proof.
func (h *house) grow(old, size uint64) *httptest.ResponseRecorder {
	h.Helper()
	proof, err := h.log.Growth(size)(old)
	if err != nil {
		h.Fatal(err)
	}
	return h.post(old, proof, h.log.Note(size))
}

func (h *house) want(w *httptest.ResponseRecorder, status int, body string) {
	h.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), body) {
		h.Errorf("got %d %q, want %d with %q", w.Code, w.Body, status, body)
	}
}

// wantCosigned checks both lines, and that they are of a time.
func (h *house) wantCosigned(w *httptest.ResponseRecorder, c proofs.Checkpoint, time int64) {
	h.Helper()
	if w.Code != http.StatusOK {
		h.Fatalf("got %d %q, want 200", w.Code, w.Body)
	}
	n, err := proofs.ParseNote([]byte(c.Text() + "\n" + w.Body.String()))
	if err != nil || len(n.Signatures) != 2 {
		h.Fatalf("got %q (%v), want two lines", w.Body, err)
	}
	for i, s := range signers(h) {
		if got, err := n.Signatures[i].CheckCheckpoint(s.Key(), c); err != nil || got != time {
			h.Errorf("line %d is of %d (%v), want %d", i+1, got, err, time)
		}
	}
}

func (h *house) state() string { return h.server.statePath(origin) }

func TestGrowth(t *testing.T) {
	h := newHouse(t)
	h.want(h.send("GET", "/"+witness.OriginPath(origin), nil), 404, "")
	for _, step := range []struct{ old, size uint64 }{{0, 7}, {7, 7}, {7, 8}, {8, 33}, {33, 40}} {
		h.now += 10
		h.wantCosigned(h.grow(step.old, step.size), h.log.Checkpoint(step.size), h.now)
	}
	h.again()
	h.want(h.grow(7, 40), 409, "40\n")
	h.now += 10
	h.wantCosigned(h.grow(40, 40), h.log.Checkpoint(40), h.now)
}

// TestEmptyTree: "A checkpoint of size zero MUST have the root hash of the empty tree".
func TestEmptyTree(t *testing.T) {
	h := newHouse(t)
	wrong := h.log.Checkpoint(1)
	wrong.Size = 0
	h.want(h.post(0, nil, h.log.Sign(wrong)), 422, "empty tree")
	h.wantCosigned(h.grow(0, 0), h.log.Checkpoint(0), h.now)
	h.wantCosigned(h.grow(0, 0), h.log.Checkpoint(0), h.now)
	h.want(h.post(0, nil, h.log.Sign(wrong)), 422, "empty tree")
	h.wantCosigned(h.grow(0, 3), h.log.Checkpoint(3), h.now)
	h.want(h.grow(0, 0), 409, "3\n")
}

func TestRefusals(t *testing.T) {
	h := newHouse(t)
	h.wantCosigned(h.grow(0, 20), h.log.Checkpoint(20), h.now)
	other := witnesstest.NewLog(t, "log.example/two", "true", 40)
	forked := witnesstest.NewLog(t, origin, "false", 40)
	proof, _ := h.log.Growth(30)(20)
	unsigned := bytes.ReplaceAll(h.log.Note(30), []byte("— "+origin), []byte("— elsewhere.example"))
	broken := bytes.Replace(h.log.Note(30), []byte("\n30\n"), []byte("\n31\n"), 1)
	half := (&proofs.Note{Text: h.log.Checkpoint(30).Text(), Signatures: []proofs.Signature{lines(t, h.log.Note(30))[0], lines(t, h.log.Note(31))[1]}}).Marshal()
	for _, c := range []struct {
		why   string
		old   uint64
		proof []proofs.Hash
		note  []byte
		code  int
		body  string
	}{
		{"another log", 0, nil, other.Note(5), 404, "not known"},
		{"no line of the log", 20, proof, unsigned, 403, "no signature"},
		{"a known key's line that is wrong", 20, proof, broken, 403, "does not verify"},
		{"one of two that is wrong", 20, proof, half, 403, "does not verify"},
		{"an old size beyond", 31, nil, h.log.Note(30), 400, "old size 31"},
		{"another old size", 19, proof, h.log.Note(30), 409, "20\n"},
		{"nothing yet", 0, nil, h.log.Note(30), 409, "20\n"},
		{"a smaller tree", 0, nil, h.log.Note(10), 409, "20\n"},
		{"no proof", 20, nil, h.log.Note(30), 422, ""},
		{"a proof that is too long", 20, append(slices.Clone(proof), proof[0]), h.log.Note(30), 422, ""},
		{"a proof that is wrong", 20, append(slices.Clone(proof[1:]), proof[0]), h.log.Note(30), 422, ""},
		{"another history", 20, proof, forked.Note(30), 422, ""},
		{"another tree of the same size", 20, nil, forked.Note(20), 422, ""},
		{"a proof of nothing", 20, proof, h.log.Note(20), 422, ""},
	} {
		w := h.post(c.old, c.proof, c.note)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s: got %d %q, want %d with %q", c.why, w.Code, w.Body, c.code, c.body)
		}
		if kind := w.Header().Get("Content-Type"); c.code == 409 && kind != "text/x.tlog.size" {
			t.Errorf("%s: content type %q", c.why, kind)
		}
	}
	h.wantCosigned(h.post(20, proof, h.log.Note(30)), h.log.Checkpoint(30), h.now)
}

func lines(t testing.TB, note []byte) []proofs.Signature {
	t.Helper()
	n, err := proofs.ParseNote(note)
	if err != nil {
		t.Fatal(err)
	}
	return n.Signatures
}

// TestMalformed: what is no request gets 400, and nothing is kept of it.
func TestMalformed(t *testing.T) {
	h := newHouse(t)
	note := string(h.log.Note(3))
	hash := h.log.Checkpoint(1).Root.Base64() + "\n"
	for _, body := range []string{"", "\n", "\n\n", "old", "old 0", "old 0\n", "old 0\n\n", "old 0\n" + note, "old 00\n\n" + note, "old +0\n\n" + note, "old -1\n\n" + note,
		"old 0 \n\n" + note, "old  0\n\n" + note, "Old 0\n\n" + note, "new 0\n\n" + note, "old 0\r\n\n" + note, "old 18446744073709551616\n\n" + note, "old 0x0\n\n" + note,
		"\nold 0\n\n" + note, "old 1\nx\n\n" + note, "old 1\n" + hash[:40] + "\n\n" + note, "old 1\n" + strings.Replace(hash, "=", "", 1) + "\n" + note,
		"old 1\n" + strings.TrimSuffix(hash, "\n") + " \n\n" + note, "old 1\n" + strings.Repeat(hash, 64) + "\n" + note, "old 0\n\n\n" + note,
		"old 0\n\n" + strings.Replace(note, "\n3\n", "\n03\n", 1), "old 0\n\n" + strings.Replace(note, origin, "", 1), "old 0\n\n" + strings.TrimSuffix(note, "\n"),
		"old 0\n\n" + strings.Replace(note, "\n3\n", "\n3\n\x00", 1), "old 0\n\n" + strings.Replace(note, "\n3\n", "\n\xff\n", 1), "old 0\n\n" + note + "trailing\n",
		"old 0\n\n" + strings.Split(note, "\n\n")[0] + "\n", "old 0\n\n" + note[:len(origin)+1] + "\n— x AAAAAAA=\n", "old 0\n\n\n3\n" + note[len(origin)+3:],
	} {
		if w := h.send("POST", "/add-checkpoint", []byte(body)); w.Code != 400 {
			t.Errorf("%.60q: got %d %q, want 400", body, w.Code, w.Body)
		}
	}
	h.want(h.send("POST", "/add-checkpoint", make([]byte, witness.MaxRequest+1)), 413, "bytes")
	h.want(h.send("GET", "/add-checkpoint", nil), 405, "")
	h.want(h.send("PUT", "/"+witness.OriginPath(origin), nil), 405, "")
	h.wantCosigned(h.grow(0, 3), h.log.Checkpoint(3), h.now)
}

// TestManyLines: "MUST accept at least up to 16 signatures", and unknown ones are ignored, under whatever name.
func TestManyLines(t *testing.T) {
	h := newHouse(t)
	var more []proofs.Signature
	for i := range 14 {
		name := []string{origin, "stranger.example"}[i%2]
		more = append(more, proofs.Signature{Name: name, ID: uint32(i), Bytes: make([]byte, 2428)})
	}
	w := h.post(0, nil, h.log.Note(3, more...))
	h.wantCosigned(w, h.log.Checkpoint(3), h.now)
	h.want(h.post(3, nil, h.log.Note(3, append(more, more...)...)), 400, "signature lines")
}

// TestOneKey: either of the log's signatures will do, and only the one that the witness knows is asked for.
func TestOneKey(t *testing.T) {
	for i, kind := range []string{"Ed25519", "ML-DSA-44"} {
		t.Run(kind, func(t *testing.T) {
			h := newHouse(t)
			h.configure("log " + h.log.Keys()[i].String() + " https://log.example/\nquorum none\n")
			note := h.log.Note(5)
			alone := &proofs.Note{Text: h.log.Checkpoint(5).Text(), Signatures: lines(t, note)[i : i+1]}
			h.wantCosigned(h.post(0, nil, alone.Marshal()), h.log.Checkpoint(5), h.now)
			h.wantCosigned(h.post(5, nil, note), h.log.Checkpoint(5), h.now)
			shown := lines(t, h.send("GET", "/"+witness.OriginPath(origin), nil).Body.Bytes())
			if len(shown) != 3 || !shown[0].By(h.log.Keys()[i]) {
				t.Errorf("%d lines are shown, want the log's known one and two of the witness", len(shown))
			}
		})
	}
}

// TestExtensions: checkpoints of other logs may have extension lines, which Ed25519 signs and ML-DSA-44 does not.
func TestExtensions(t *testing.T) {
	h := newHouse(t)
	c := h.log.Checkpoint(6)
	text := c.Text() + "Timestamp: 1679315147702\nand more\n"
	ed, err := proofs.SignNote(text, h.log.Signers[0])
	if err != nil {
		t.Fatal(err)
	}
	ml := lines(t, h.log.Note(6))[1]
	w := h.post(0, nil, ed.Marshal())
	if w.Code != 200 {
		t.Fatalf("got %d %q", w.Code, w.Body)
	}
	got := lines(t, append([]byte(text+"\n"), w.Body.Bytes()...))
	if _, err := got[0].CheckCheckpoint(signers(t)[0].Key(), c); err != nil {
		t.Error(err)
	}
	if _, err := got[1].CheckCheckpoint(signers(t)[1].Key(), c); err == nil {
		t.Error("the Ed25519 cosignature leaves out the extension lines")
	}
	h.again() // and the record with them is read back
	w = h.send("GET", "/"+witness.OriginPath(origin), nil)
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), text+"\n") {
		t.Errorf("shown: %d %q", w.Code, w.Body)
	}
	ed.Signatures = append(ed.Signatures, ml)
	h.want(h.post(6, nil, ed.Marshal()), 200, "")
	ed.Signatures = []proofs.Signature{ml}
	h.want(h.post(6, nil, ed.Marshal()), 403, "not covered")
	ed.Text = c.Text() + "changed\n"
	ed.Signatures = lines(t, h.log.Note(6))
	h.want(h.post(6, nil, ed.Marshal()), 403, "does not verify")
	ed.Text = c.Text() + "\nan empty line before\n"
	h.want(h.post(6, nil, ed.Marshal()), 400, "empty")
}

// TestShown: "it MUST include the cosignature(s) from the witness's key(s) that were returned from add-checkpoint and the
// cosignature from the log key(s) that the witness verified".
func TestShown(t *testing.T) {
	h := newHouse(t)
	stranger := proofs.Signature{Name: "stranger.example", ID: 1, Bytes: []byte("xxxxxxxx")}
	returned := h.post(0, nil, h.log.Note(9, stranger)).Body.String()
	w := h.send("GET", "/"+witness.OriginPath(origin), nil)
	if w.Code != 200 || !strings.HasSuffix(w.Body.String(), returned) || !strings.HasPrefix(w.Body.String(), h.log.Checkpoint(9).Text()) {
		t.Fatalf("got %d %q", w.Code, w.Body)
	}
	got := lines(t, w.Body.Bytes())
	if len(got) != 4 || !got[0].By(h.log.Keys()[0]) || !got[1].By(h.log.Keys()[1]) {
		t.Errorf("got %d lines", len(got))
	}
	h.configure("quorum none\n")
	h.want(h.send("GET", "/"+witness.OriginPath(origin), nil), 404, "")
	h.want(h.grow(9, 10), 404, "")
}

// TestLogsFile: it is read again when it changes; one that is broken is told, and not used.
func TestLogsFile(t *testing.T) {
	h := newHouse(t)
	h.wantCosigned(h.grow(0, 4), h.log.Checkpoint(4), h.now)
	second := witnesstest.NewLog(t, "log.example/two", "true", 5)
	h.want(h.post(0, nil, second.Note(5)), 404, "")
	h.configure(h.log.Policy() + "log " + second.Keys()[0].String() + "\n")
	h.wantCosigned(h.post(0, nil, second.Note(5)), second.Checkpoint(5), h.now)
	for _, broken := range []string{"", "log nonsense\nquorum none\n", "log " + h.log.Keys()[0].String() + "\n", "witness a b\nquorum none\n"} {
		h.said.Reset()
		h.configure(broken)
		h.wantCosigned(h.grow(4, 4), h.log.Checkpoint(4), h.now)
		h.wantCosigned(h.grow(4, 4), h.log.Checkpoint(4), h.now)
		if n := strings.Count(h.said.String(), "cannot be used"); n != 1 {
			t.Errorf("%q: told %d times, want once:\n%s", broken, n, &h.said)
		}
		h.want(h.send("GET", "/health", nil), 503, "file of logs")
	}
	if err := os.Remove(filepath.Join(h.dir, LogsFile)); err != nil {
		t.Fatal(err)
	}
	h.wantCosigned(h.grow(4, 4), h.log.Checkpoint(4), h.now)
	h.want(h.send("GET", "/health", nil), 503, "no such file")
	path := filepath.Join(h.dir, LogsFile)
	h.configure("log " + second.Keys()[0].String() + "\nquorum none\n")
	h.want(h.grow(4, 4), 404, "")
	for range 2 { // away and back, the very same file
		if err := os.Rename(path, path+".aside"); err != nil {
			t.Fatal(err)
		}
		h.want(h.send("GET", "/health", nil), 503, "no such file")
		if err := os.Rename(path+".aside", path); err != nil {
			t.Fatal(err)
		}
		h.want(h.send("GET", "/health", nil), 200, `"logs":1`)
	}
	h.want(h.send("GET", "/health", nil), 200, `"logs":1`)
	h.configure(h.log.Policy()) // and what was signed before is not forgotten
	h.want(h.grow(0, 4), 409, "4\n")
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
	h.configure("log nonsense\nquorum none\n")
	var e *Error
	if _, err := Open(h.config()); !errors.As(err, &e) || !strings.Contains(e.Hint, "log VKEY") {
		t.Errorf("a broken file of logs: %v", err)
	}
	h.configure(h.log.Policy())
	h.open() // the lock was given free
	h.server.Close()
	empty := Config{Dir: t.TempDir(), Signers: signers(t), Log: slog.Default()}
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
		{"cut", func(h *house, path string) { os.Truncate(path, 200) }},
		{"unreadable", func(h *house, path string) { os.Remove(path); os.Mkdir(path, 0o755) }},
		{"another log's", func(h *house, path string) {
			other := witnesstest.NewLog(h, "log.example/two", "true", 5)
			h.configure(h.log.Policy() + "log " + other.Keys()[0].String() + "\n")
			h.wantCosigned(h.post(0, nil, other.Note(5)), other.Checkpoint(5), h.now)
			b, err := os.ReadFile(h.server.statePath(other.Origin))
			if err != nil || os.WriteFile(path, b, 0o644) != nil {
				h.Fatal(err)
			}
		}},
	} {
		t.Run(c.why, func(t *testing.T) {
			h := newHouse(t)
			h.wantCosigned(h.grow(0, 10), h.log.Checkpoint(10), h.now)
			c.harm(h, h.state())
			h.again()
			for _, old := range []uint64{0, 10} {
				h.want(h.grow(old, 20), 500, "operator")
			}
			h.want(h.send("GET", "/"+witness.OriginPath(origin), nil), 500, "operator")
			h.want(h.send("GET", "/health", nil), 503, "nothing is signed for "+origin)
			if !strings.Contains(h.said.String(), "nothing is signed for this log") {
				t.Errorf("not told:\n%s", &h.said)
			}
		})
	}
}

// TestFlippedBits: no bit of a record or of the list can turn without being noticed.
func TestFlippedBits(t *testing.T) {
	h := newHouse(t)
	h.wantCosigned(h.grow(0, 10), h.log.Checkpoint(10), h.now)
	good, err := os.ReadFile(h.state())
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if _, err := parseState(bad); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
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
	h.wantCosigned(h.grow(0, 10), h.log.Checkpoint(10), h.now)
	if err := os.WriteFile(path, empty, 0o644); err != nil {
		t.Fatal(err)
	}
	h.again()
	h.want(h.grow(0, 20), 409, "10\n")
	h.wantCosigned(h.grow(10, 20), h.log.Checkpoint(20), h.now)
	if origins, err := readOrigins(h.dir); err != nil || !origins[origin] {
		t.Errorf("got %v (%v), want the log in the list", origins, err)
	}
}

// TestWriteFails: what cannot be made durable is not answered, and the witness goes on from what lies on the disk.
func TestWriteFails(t *testing.T) {
	h := newHouse(t)
	h.wantCosigned(h.grow(0, 10), h.log.Checkpoint(10), h.now)
	folder := filepath.Dir(h.state())
	aside := folder + ".aside"
	if err := os.Rename(folder, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o644); err != nil { // a file where the folder should be: nothing can be written
		t.Fatal(err)
	}
	w := h.grow(10, 20)
	h.want(w, 500, "operator")
	if strings.Contains(w.Body.String(), "—") {
		t.Error("a cosignature has left")
	}
	h.want(h.grow(10, 20), 500, "operator") // the record in memory is not believed either
	if err := errors.Join(os.Remove(folder), os.Rename(aside, folder)); err != nil {
		t.Fatal(err)
	}
	h.wantCosigned(h.grow(10, 20), h.log.Checkpoint(20), h.now)
}

// TestWriteFailsLate: what was written, and not answered because of what failed after it, is gone on from.
func TestWriteFailsLate(t *testing.T) {
	h := newHouse(t)
	path := filepath.Join(h.dir, originsFile)
	aside := path + ".aside"
	if err := errors.Join(os.Rename(path, aside), os.MkdirAll(filepath.Join(path, "inside"), 0o755)); err != nil { // the list cannot be replaced
		t.Fatal(err)
	}
	w := h.grow(0, 10)
	h.want(w, 500, "operator")
	if strings.Contains(w.Body.String(), "—") {
		t.Error("a cosignature has left")
	}
	if _, err := os.Stat(h.state()); err != nil {
		t.Fatal("the record was to be written first: ", err)
	}
	if err := errors.Join(os.RemoveAll(path), os.Rename(aside, path)); err != nil {
		t.Fatal(err)
	}
	h.want(h.grow(0, 12), 409, "10\n")
	h.wantCosigned(h.grow(10, 12), h.log.Checkpoint(12), h.now)
	h.again()
	h.wantCosigned(h.grow(12, 13), h.log.Checkpoint(13), h.now)
}

// TestClock: no cosignature is of a time before the last one.
func TestClock(t *testing.T) {
	h := newHouse(t)
	began := h.now
	h.wantCosigned(h.grow(0, 10), h.log.Checkpoint(10), began)
	h.now = began - backwards
	h.wantCosigned(h.grow(10, 11), h.log.Checkpoint(11), began)
	h.again()
	h.now = began - backwards - 1
	h.want(h.grow(11, 12), 500, "operator")
	h.want(h.send("GET", "/health", nil), 503, "clock")
	h.now = began + 1
	h.wantCosigned(h.grow(11, 12), h.log.Checkpoint(12), began+1)
}

// TestFork: two ledgers of one size are kept as evidence, whatever old size was named, and not without limit.
func TestFork(t *testing.T) {
	h := newHouse(t)
	h.wantCosigned(h.grow(0, 20), h.log.Checkpoint(20), h.now)
	forked := witnesstest.NewLog(t, origin, "false", 20)
	h.want(h.post(0, nil, forked.Note(20)), 409, "20\n")
	h.want(h.post(20, nil, forked.Note(20)), 422, "two roots of size 20")
	forks := files(t, filepath.Join(h.dir, badFolder), ".stele-evidence")
	if len(forks) != 1 {
		t.Fatalf("evidence: %v, want one file", forks)
	}
	h.wantEvidence(forks[0], 20, h.log.Checkpoint(20).Root, forked.Checkpoint(20).Root)
	if !strings.Contains(h.said.String(), "TWO LEDGERS") {
		t.Errorf("not told:\n%s", &h.said)
	}
	for i := range 2 * mostKept {
		c := h.log.Checkpoint(20)
		c.Root[0] ^= byte(i + 1)
		h.want(h.post(20, nil, h.log.Sign(c)), 422, "")
		h.want(h.post(20, nil, h.log.Note(uint64(21+i%19))), 422, "")
	}
	if n := len(files(t, filepath.Join(h.dir, badFolder), ".stele-evidence")); n != mostKept {
		t.Errorf("%d files of evidence, want %d", n, mostKept)
	}
	if n := len(files(t, filepath.Join(h.dir, badFolder), ".request")); n != mostKept {
		t.Errorf("%d requests that prove nothing, want %d", n, mostKept)
	}
	h.wantCosigned(h.grow(20, 21), h.log.Checkpoint(21), h.now)
}

// wantEvidence checks a file as anybody would who has the registry's trust file.
func (h *house) wantEvidence(path string, size uint64, one, other proofs.Hash) {
	h.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		h.Fatal(err)
	}
	policy, err := proofs.ParsePolicy([]byte(h.log.Policy()))
	if err != nil {
		h.Fatal(err)
	}
	trust := &proofs.Trust{Epoch: 1, Origin: origin, Policy: policy, Officers: "none", Witnesses: "none"}
	r, err := trust.CheckEvidence(b, nil, h.now)
	if err != nil || r.Size != size || r.Roots != [2]proofs.Hash{one, other} {
		h.Errorf("%s proves %+v (%v), want two roots of size %d", path, r, err, size)
	}
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

// TestTogether: of many requests at once each answer fits what was cosigned before it, and none rolls another back.
func TestTogether(t *testing.T) {
	h := newHouse(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for size := uint64(1); size <= 40; size++ {
		wg.Go(func() {
			w := h.grow(0, size)
			mu.Lock()
			defer mu.Unlock()
			codes[w.Code]++
		})
	}
	wg.Wait()
	if codes[200] != 1 || codes[409] != 39 {
		t.Errorf("got %v, want one that was first and 39 conflicts", codes)
	}
	var last uint64
	st, err := h.server.load(origin, h.server.record(origin))
	if err != nil {
		t.Fatal(err)
	}
	for last = st.Size; last < 40; { // then from where it stands, several at a time: one wins
		won := make(chan uint64, 40)
		for size := last + 1; size <= 40; size++ {
			wg.Go(func() {
				if h.grow(last, size).Code == 200 {
					won <- size
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d of those from size %d were cosigned, want one", len(won), last)
		}
		last = <-won
	}
}

// TestSameSecond: what is public can be sent by anybody again and again; it is signed and written once a second.
func TestSameSecond(t *testing.T) {
	h := newHouse(t)
	first := h.grow(0, 5).Body.String()
	if again := h.grow(5, 5).Body.String(); again != first {
		t.Error("signed twice in a second")
	}
	h.now++
	if later := h.grow(5, 5); later.Body.String() == first {
		t.Error("not signed anew a second later")
	} else {
		h.wantCosigned(later, h.log.Checkpoint(5), h.now)
	}
}

// TestSwept: what a process that was killed was about to write does not stay.
func TestSwept(t *testing.T) {
	h := newHouse(t)
	h.wantCosigned(h.grow(0, 5), h.log.Checkpoint(5), h.now)
	for _, dir := range []string{h.dir, filepath.Dir(h.state())} {
		if err := os.WriteFile(filepath.Join(dir, ".new-123"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.again()
	if left := files(t, h.dir, ".new-123"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	h.wantCosigned(h.grow(5, 6), h.log.Checkpoint(6), h.now)
}

// FuzzCheckpoint: whatever is taken formats back to the same bytes, and says of itself what this project's own parser says
// where there are no extension lines.
func FuzzCheckpoint(f *testing.F) {
	log := witnesstest.NewLog(f, origin, "true", 9)
	f.Add(log.Note(9))
	f.Add(log.Note(0))
	f.Add([]byte(log.Checkpoint(3).Text() + "more\n\n— a AAAAAAA=\n"))
	f.Add([]byte("a\n1\nb\n\n\n— a AAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseCheckpoint(b)
		strict, _, err2 := proofs.ParseCheckpoint(b)
		switch {
		case err == nil && string(c.note(nil)) != string(b):
			t.Errorf("%q formats back to %q", b, c.note(nil))
		case err == nil && (err2 == nil) == c.extended() && len(b) <= proofs.MaxCheckpoint:
			t.Errorf("%q: extended is %v, and the strict parser says %v", b, c.extended(), err2)
		case err2 == nil && (err != nil || c.Checkpoint != strict):
			t.Errorf("%q: %v, and the strict parser takes it", b, err)
		}
	})
}

func TestTooMany(t *testing.T) {
	h := newHouse(t)
	for range mostInside {
		h.server.inside <- struct{}{}
	}
	w := h.grow(0, 5)
	h.want(w, 503, "too many")
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	<-h.server.inside
	for range mostAtWork {
		h.server.atWork <- struct{}{}
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	w = httptest.NewRecorder()
	body := (&witness.Request{Checkpoint: h.log.Note(5)}).Marshal()
	h.server.Handler().ServeHTTP(w, httptest.NewRequest("POST", "/add-checkpoint", bytes.NewReader(body)).WithContext(gone))
	h.want(w, 503, "broken off")
	<-h.server.atWork
	h.wantCosigned(h.grow(0, 5), h.log.Checkpoint(5), h.now)
}

func TestHealthAndMetrics(t *testing.T) {
	h := newHouse(t)
	h.wantCosigned(h.grow(0, 5), h.log.Checkpoint(5), h.now)
	h.want(h.grow(1, 5), 409, "")
	w := h.send("GET", "/health", nil)
	var got Health
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
