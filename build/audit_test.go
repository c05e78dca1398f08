package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stele/proofs"
)

// stele runs the command in this process and returns its exit code and what it said.
func stele(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func must(t *testing.T, args ...string) {
	t.Helper()
	if code, stdout, stderr := stele(t, args...); code != 0 {
		t.Fatalf("stele %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
}

// TestAuditNoticesEveryBit flips bits in every file that is published, all over it, and wants the audit to fail. Not covered are
// the pages, and what earlier publications have left for readers who hold an older head.
func TestAuditNoticesEveryBit(t *testing.T) {
	t.Setenv("PATH", "") // no toolchain, no pages
	dir := t.TempDir()
	reg := filepath.Join(dir, "reg")
	must(t, "init", "--demo", "--registry", reg)
	for i := range 3 {
		docs := filepath.Join(dir, fmt.Sprint("docs", i))
		if err := os.Mkdir(docs, 0o755); err != nil {
			t.Fatal(err)
		}
		for j := range 120 {
			if err := os.WriteFile(filepath.Join(docs, fmt.Sprint(j)), fmt.Append(nil, i, j), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		must(t, "register", "--registry", reg, docs)
		must(t, "publish", "--registry", reg)
	}
	must(t, "publish", "--registry", reg) // a heartbeat
	must(t, "audit", "--registry", reg)
	left := leftovers(t, reg)
	flips, files := 0, 0
	err := filepath.WalkDir(filepath.Join(reg, "public"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || left[path] {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for at := 0; at < len(b); at += 1 + len(b)/24 {
			flips++
			b[at] ^= 1 << (at % 8)
			if err := os.WriteFile(path, b, 0o644); err != nil {
				return err
			}
			if code, _, stderr := stele(t, "audit", "--registry", reg); code != 1 || !strings.HasPrefix(stderr, "stele: audit of ") {
				t.Errorf("%s: byte %d of %d: exit code %d: %s", path, at, len(b), code, stderr)
			}
			b[at] ^= 1 << (at % 8)
		}
		return os.WriteFile(path, b, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	must(t, "audit", "--registry", reg)
	t.Logf("%d bits of %d files, each noticed; %d files are left over from earlier publications", flips, files, len(left))
}

// leftovers are the files that only an older head leads to: index files that were superseded, partial tiles that have grown.
func leftovers(t *testing.T, reg string) map[string]bool {
	left := map[string]bool{}
	lists, err := filepath.Glob(filepath.Join(reg, "state", "superseded", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Fields(string(b)) {
			left[filepath.Join(reg, "public", filepath.FromSlash(line))] = true
		}
	}
	b, err := os.ReadFile(filepath.Join(reg, "public", "ledger", "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		t.Fatal(err)
	}
	now := map[string]bool{}
	for _, tile := range proofs.TilesOf(0, c.Size) {
		now[filepath.Join(reg, "public", "ledger", filepath.FromSlash(tile.Path()))] = true
	}
	tiles := filepath.Join(reg, "public", "ledger", "tile")
	err = filepath.WalkDir(tiles, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !now[path] {
			left[path] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}
