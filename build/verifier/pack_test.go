package verifier

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// program compiles testdata/program for wasip1, which runs without a browser.
var program = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "stele-pack-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "program.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "./testdata/program")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOTOOLCHAIN=local", "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(err, errors.New(string(msg)))
	}
	return os.ReadFile(out)
})

func compiled(t *testing.T) []byte {
	t.Helper()
	b, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func packed(t *testing.T) []byte {
	t.Helper()
	b, err := Pack(compiled(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPack: a packed program is much smaller, and packing it again changes nothing.
func TestPack(t *testing.T) {
	p, once := compiled(t), packed(t)
	before, err := parseContainer(p)
	if err != nil {
		t.Fatal(err)
	}
	after, err := parseContainer(once)
	if err != nil {
		t.Fatal(err)
	}
	if before.start != after.start || len(after.memory) > len(before.memory) {
		t.Errorf("the memory lay from %d to %d, and now from %d to %d", before.start, before.start+len(before.memory), after.start, after.start+len(after.memory))
	}
	if !bytes.Equal(before.before, after.before) || !bytes.Equal(before.after, after.after) {
		t.Error("another section has changed")
	}
	if zeros := func(b []byte) int { return bytes.Count(b, []byte{0}) }; zeros(before.memory)+100_000 > zeros(after.memory) {
		t.Errorf("%d zeros have become %d, want 100,000 more", zeros(before.memory), zeros(after.memory))
	}
	if bytes.Contains(once, []byte("main.divide")) {
		t.Error("a function's name is still there")
	}
	twice, err := Pack(once)
	if err != nil || !bytes.Equal(once, twice) {
		t.Errorf("packed again it is another (%v)", err)
	}
}

// TestPackedRuns runs a program that leans on what the tables are for, and one that ends in each way that Go knows: both
// as it was and as it is packed, with the same result.
func TestPackedRuns(t *testing.T) {
	dir := t.TempDir()
	for name, b := range map[string][]byte{"compiled": compiled(t), "packed": packed(t)} {
		if err := os.WriteFile(filepath.Join(dir, name+".wasm"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wazero := buildWazero(t)
	for how, code := range map[string]int{"work": 0, "exit": 3, "index": 2, "nil": 2, "map": 2, "error": 2, "conversion": 2, "again": 2, "deadlock": 2} {
		t.Run(how, func(t *testing.T) {
			run := func(name string) (stdout, said string, code int) {
				var out, err bytes.Buffer
				cmd := exec.CommandContext(t.Context(), wazero, "run", "-cachedir", dir, filepath.Join(dir, name+".wasm"), how)
				cmd.Stdout, cmd.Stderr = &out, &err
				var exit *exec.ExitError
				if e := cmd.Run(); e != nil && !errors.As(e, &exit) {
					t.Fatal(e)
				}
				said, _, _ = strings.Cut(err.String(), "\n\ngoroutine ") // where the traceback begins
				return out.String(), said, cmd.ProcessState.ExitCode()
			}
			wantOut, wantSaid, wantCode := run("compiled")
			if wantCode != code || !strings.Contains(wantOut, "began") {
				t.Fatalf("compiled: exit %d, want %d; %q, %q", wantCode, code, wantOut, wantSaid)
			}
			if out, said, code := run("packed"); out != wantOut || said != wantSaid || code != wantCode {
				t.Errorf("packed:   exit %d, %q, %q\ncompiled: exit %d, %q, %q", code, out, said, wantCode, wantOut, wantSaid)
			}
		})
	}
}

func buildWazero(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "wazero")
	if msg, err := exec.Command("go", "build", "-o", out, "github.com/tetratelabs/wazero/cmd/wazero").CombinedOutput(); err != nil {
		t.Fatalf("build wazero: %v\n%s", err, msg)
	}
	return out
}

// TestPackRefuses: what is not laid out as it should be is refused, not guessed at.
func TestPackRefuses(t *testing.T) {
	p := compiled(t)
	for name, alter := range map[string]func([]byte) []byte{
		"nothing":          func([]byte) []byte { return nil },
		"no program":       func([]byte) []byte { return []byte("#!/bin/sh\n") },
		"only a head":      func(b []byte) []byte { return b[:8] },
		"cut in the code":  func(b []byte) []byte { return b[:len(b)/4] },
		"cut in the data":  func(b []byte) []byte { return b[:len(b)-1000] },
		"another version":  func(b []byte) []byte { b[4] = 2; return b },
		"counted segments": func(b []byte) []byte { return slices.Concat(b[:8], []byte{12, 1, 0}, b[8:]) },
		"no data":          func([]byte) []byte { return []byte(wasmHeader + "\x01\x01\x00") },
		"empty data":       func([]byte) []byte { return []byte(wasmHeader + "\x0b\x01\x00") },
		"passive segment":  func([]byte) []byte { return []byte(wasmHeader + "\x0b\x04\x01\x01\x01x") },
		"overlap": func([]byte) []byte {
			return []byte(wasmHeader + "\x0b\x0e\x02\x00\x41\x08\x0b\x01x\x00\x41\x08\x0b\x02xy")
		},
		"more than it says":  func([]byte) []byte { return []byte(wasmHeader + "\x0b\x03\x00xx") },
		"before the memory":  func([]byte) []byte { return []byte(wasmHeader + "\x0b\x07\x01\x00\x41\x7f\x0b\x01x") },
		"behind all memory":  func([]byte) []byte { return []byte(wasmHeader + "\x0b\x0b\x01\x00\x41\x80\x80\x80\x80\x01\x0b\x01x") },
		"a number too large": func([]byte) []byte { return []byte(wasmHeader + "\x0b\xff\xff\xff\xff\xff\x01") },
	} {
		if _, err := Pack(alter(bytes.Clone(p))); err == nil || !strings.HasPrefix(err.Error(), "pack WebAssembly: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPackRefusesTables alters the tables of functions where another release of Go might have something else.
func TestPackRefusesTables(t *testing.T) {
	whole, err := parseContainer(compiled(t))
	if err != nil {
		t.Fatal(err)
	}
	magic := []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}
	header := bytes.Index(whole.memory, magic)
	for name, alter := range map[string]func(m []byte, t *tables){
		"another magic":             func(m []byte, _ *tables) { m[header]-- },
		"two of them":               func(m []byte, _ *tables) { copy(m[header-80:], m[header:header+72]) },
		"no functions":              func(m []byte, _ *tables) { clear(m[header+8 : header+16]) },
		"fewer functions":           func(m []byte, _ *tables) { m[header+8]-- },
		"the first part elsewhere":  func(m []byte, _ *tables) { m[header+32]++ },
		"the last part elsewhere":   func(m []byte, _ *tables) { m[header+64] += 8 },
		"no record":                 func(m []byte, t *tables) { clear(m[t.record : t.record+8]) },
		"a part longer":             func(m []byte, t *tables) { m[t.record+16]++ },
		"an index shorter":          func(m []byte, t *tables) { m[t.record+8*17]-- },
		"data out of place":         func(m []byte, t *tables) { m[t.record+8*40+3]++ },
		"a function out of place":   func(_ []byte, t *tables) { t.funcs[4]++ },
		"a function beyond":         func(_ []byte, t *tables) { t.funcs[7] = 0x7f },
		"another entry":             func(_ []byte, t *tables) { t.first()[fieldEntry]++ },
		"a name in a name":          func(_ []byte, t *tables) { t.first()[fieldName] += 2 },
		"a name beyond":             func(_ []byte, t *tables) { t.first()[fieldName+3] = 0x7f },
		"a frame's size beyond":     func(_ []byte, t *tables) { t.first()[fieldSP+3] = 0x7f },
		"more tables by place":      func(_ []byte, t *tables) { t.first()[fieldPCs] = 6 },
		"more tables of data":       func(_ []byte, t *tables) { t.first()[fieldFuncs] = 9 },
		"data beyond":               func(_ []byte, t *tables) { t.beyond() },
		"tables by place never end": func(_ []byte, t *tables) { copy(t.pcs, bytes.Repeat([]byte{0xff}, len(t.pcs))) },
	} {
		c := &container{whole.before, whole.after, whole.start, bytes.Clone(whole.memory)}
		tables, err := findTables(c)
		if err != nil {
			t.Fatal(err)
		}
		alter(c.memory, tables)
		if _, err := Pack(c.marshal()); err == nil || !strings.Contains(err.Error(), packs) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// first is the entry of the first function.
func (t *tables) first() []byte {
	f, _, err := t.function(0)
	if err != nil {
		panic(err)
	}
	return f
}

// beyond makes the first function that has data point behind all data.
func (t *tables) beyond() {
	for i := range t.count {
		f, _, err := t.function(i)
		if err != nil {
			panic(err)
		}
		if n := int(f[fieldFuncs]); n > 0 {
			put(f, len(f)-4*n, noFuncData-1)
			return
		}
	}
}

// FuzzContainer: what can be taken apart is put together to the same memory, and again to the same bytes.
func FuzzContainer(f *testing.F) {
	for _, data := range []string{"\x0b\x07\x01\x00\x41\x08\x0b\x01x", "\x0b\x0d\x02\x00\x41\x20\x0b\x01y\x00\x41\x08\x0b\x01x", "\x0a\x01\x00\x0b\x08\x01\x00\x41\x88\x08\x0b\x01x\x00\x01\x00"} {
		f.Add([]byte(wasmHeader + data))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseContainer(b)
		if err != nil {
			return
		}
		out := c.marshal()
		again, err := parseContainer(out)
		if err != nil {
			t.Fatalf("%x became %x: %v", b, out, err)
		}
		memory := func(c *container) []byte { return bytes.TrimRight(c.memory, "\x00") }
		if !bytes.Equal(c.before, again.before) || !bytes.Equal(c.after, again.after) || len(memory(c)) > 0 && !bytes.HasSuffix(memory(c), memory(again)) {
			t.Fatalf("%x became %x", b, out)
		}
		if !bytes.Equal(again.marshal(), out) {
			t.Fatalf("%x, and again %x", out, again.marshal())
		}
	})
}

// TestOtherRelease: a Go that Pack does not know is refused before it compiles anything.
func TestOtherRelease(t *testing.T) {
	goTool := filepath.Join(t.TempDir(), "go")
	for version, taken := range map[string]bool{packs: true, packs + ".99": true, "go1.25.8": false, "go1.27.0": false, packs + "0": false, "devel": false} {
		if err := os.WriteFile(goTool, []byte("#!/bin/sh\necho "+version+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := checkRelease(context.Background(), goTool, "."); (err == nil) != taken {
			t.Errorf("%s: %v", version, err)
		}
	}
}
