package mirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	formats "github.com/transparency-dev/formats/log"
	formatsnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"stele/build/follow/followtest"
	"stele/build/verifier"
	"stele/proofs"
)

// fsckOf runs Tessera's own checker over a ledger.
func fsckOf(from fsck.Fetcher, origin, vkey string) error {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	hasher := func(raw []byte) (hashes [][]byte, err error) {
		var b api.EntryBundle
		if err := b.UnmarshalText(raw); err != nil {
			return nil, err
		}
		for _, e := range b.Entries {
			hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(e))
		}
		return hashes, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// With one worker it hangs on a bad tile.
	return fsck.New(origin, v, from, hasher, fsck.Opts{N: 64}).Check(ctx)
}

func logKey(trust *proofs.Trust) string { return trust.Policy.Logs[0].Key.String() }

func mirrorKey(t testing.TB, seed byte) *proofs.MemorySigner {
	s, err := proofs.NewMemorySigner("mirror.test.example", proofs.MLDSA44Key, bytes.Repeat([]byte{seed}, 32))
	must(t, err)
	return s
}

func prefixOf(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:])
}

func get(t testing.TB, address string) (int, []byte, http.Header) {
	t.Helper()
	res, err := http.Get(address)
	must(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, b, res.Header
}

// TestPeersReadTheCopy: other people's programs check the copy, from its folder, as a portal, and below the monitoring prefix of c2sp.org/tlog-mirror.
func TestPeersReadTheCopy(t *testing.T) {
	o := aRegistry(t)
	m := openMirror(t, filepath.Join(t.TempDir(), "mirror"), serve(t, o.public()), o)
	m.Cosigner = mirrorKey(t, 1)
	for _, end := range []int{700, 701, 1100} {
		if end > 700 {
			o.publish(t, 0, 0)
			o.publish(t, map[int]int{701: 700, 1100: 701}[end], end)
		}
		m.mustRound(t, Adopted)
		trust := o.trust(t)
		s := httptest.NewServer(m.Handler())
		folder := filepath.Join(m.Public(), "ledger")
		if err := fsckOf(client.FileFetcher{Root: folder}, origin, logKey(trust)); err != nil {
			t.Fatalf("fsck of the folder: %.300s", err)
		}
		for _, below := range []string{"/ledger/", "/" + prefixOf(origin) + "/"} {
			root, err := url.Parse(s.URL + below)
			must(t, err)
			fetcher, err := client.NewHTTPFetcher(root, nil)
			must(t, err)
			if err := fsckOf(fetcher, origin, logKey(trust)); err != nil {
				t.Fatalf("fsck of %s: %.300s", below, err)
			}
		}
		torchwoodReads(t, folder, trust)
		s.Close()
	}
}

func torchwoodReads(t *testing.T, folder string, trust *proofs.Trust) {
	t.Helper()
	v, err := note.NewVerifier(logKey(trust))
	must(t, err)
	raw, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must(t, err)
	c, _, _, err := formats.ParseCheckpoint(raw, trust.Origin, v)
	must(t, err)
	tiles, err := torchwood.NewTileFS(os.DirFS(folder))
	must(t, err)
	reader, err := torchwood.NewClient(tiles)
	must(t, err)
	n := uint64(0)
	for range reader.AllEntries(context.Background(), tlog.Tree{N: int64(c.Size), Hash: tlog.Hash(c.Hash)}, 0) {
		n++
	}
	if err := reader.Err(); err != nil || n != c.Size {
		t.Errorf("torchwood: %d of %d entries, %v", n, c.Size, err)
	}
}

// TestCosigned: the checkpoint below the monitoring prefix bears the mirror's signature, which Tessera's formats verify; it is kept before it is shown, is the same after
// a restart, is made anew with each publication, and its time does not go back.
func TestCosigned(t *testing.T) {
	r := first(t)
	s := newStand(t, r)
	dir := filepath.Join(t.TempDir(), "mirror")
	m := openStand(t, dir, s, r.Trust)
	key := mirrorKey(t, 1)
	m.Cosigner = key
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { m.Handler().ServeHTTP(w, req) }))
	defer server.Close()
	address := server.URL + "/" + prefixOf(followtest.Origin) + "/checkpoint"
	if code, _, _ := get(t, address); code != http.StatusServiceUnavailable {
		t.Errorf("before anything is mirrored: %d", code)
	}
	shown := func() (proofs.Checkpoint, int64, []byte) {
		t.Helper()
		code, b, header := get(t, address)
		if code != http.StatusOK || header.Get("Cache-Control") != "no-cache" {
			t.Fatalf("%d, cached %q", code, header.Get("Cache-Control"))
		}
		if kept := mustRead(t, m.state.Path(stateCosigned)); !bytes.Equal(kept, b) {
			t.Error("shown, and not kept")
		}
		c, n, err := proofs.ParseCheckpoint(b)
		must(t, err)
		checkCosignature(t, key.Key(), b)
		if _, err := r.Trust.VerifyCheckpoint(b, proofs.AnyTime); err != nil {
			t.Errorf("the registry's own signatures: %v", err)
		}
		return c, timeOf(n, key.Key()), b
	}
	m.mustRound(t, Adopted)
	c, at, b := shown()
	if c != r.Checkpoint() || at != r.Now {
		t.Errorf("cosigned %v at %d", c, at)
	}
	must(t, m.Close())
	m = openStand(t, dir, s, r.Trust)
	m.Cosigner = key
	m.Now = func() time.Time { return time.Unix(r.Now+500, 0) }
	must(t, m.Start())
	if _, _, again := shown(); !bytes.Equal(again, b) {
		t.Error("after a restart, another checkpoint is shown")
	}
	after := grown(r)
	s.show(after)
	m.Now = func() time.Time { return time.Unix(after.Now-200, 0) }
	m.mustRound(t, Adopted)
	if c, later, _ := shown(); c != after.Checkpoint() || later < at {
		t.Errorf("cosigned %v at %d, after %d", c, later, at)
	}
	if code, _, _ := get(t, server.URL+"/"+prefixOf("another.example/ledger")+"/checkpoint"); code != http.StatusNotFound {
		t.Errorf("another ledger's: %d", code)
	}
	for _, push := range []string{"/add-checkpoint", "/add-entries"} {
		res, err := http.Post(server.URL+push, "", strings.NewReader("x"))
		must(t, err)
		if res.Body.Close(); res.StatusCode/100 != 4 {
			t.Errorf("POST %s: %s", push, res.Status)
		}
	}
}

// checkCosignature verifies the mirror's line with other people's code.
func checkCosignature(t *testing.T, key *proofs.Key, b []byte) {
	t.Helper()
	v, err := formatsnote.NewVerifierForCosignatureV1(key.String())
	must(t, err)
	n, err := note.Open(b, note.VerifierList(v))
	if err != nil || len(n.Sigs) != 1 || len(n.Sigs)+len(n.UnverifiedSigs) > maxLines {
		t.Errorf("the mirror's signature: %v", err)
	}
}

// TestNeverTwoTrees: a mirror's key signs nothing that does not go on from what it has signed.
func TestNeverTwoTrees(t *testing.T) {
	base := first(t)
	left := grown(base)
	same, _ := forkOf(base)
	s := newStand(t, left)
	one := openStand(t, filepath.Join(t.TempDir(), "one"), s, base.Trust)
	one.Cosigner = mirrorKey(t, 1)
	one.mustRound(t, Adopted)
	signed := mustRead(t, one.state.Path(stateCosigned))
	s.show(same)
	two := openStand(t, filepath.Join(t.TempDir(), "two"), s, base.Trust)
	must(t, two.state.Replace(stateCosigned, signed)) // as after a folder was put together from two
	two.Cosigner = one.Cosigner
	if _, err := two.Round(context.Background()); err == nil || !strings.Contains(err.Error(), "not signing") {
		t.Errorf("got %v, want nothing to be signed", err)
	}
	if two.cosigned.Load() != nil || !bytes.Equal(mustRead(t, two.state.Path(stateCosigned)), signed) {
		t.Error("a second tree was signed, or what was signed is forgotten")
	}
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

// TestSixteenLines: a note holds 16 signatures at most; the log's own and the mirror's come first.
func TestSixteenLines(t *testing.T) {
	n := &proofs.Note{Text: "origin\n1\nx\n"}
	for i := range 16 {
		name := "witness"
		if i > 13 {
			name = "origin"
		}
		n.Signatures = append(n.Signatures, proofs.Signature{Name: name, ID: uint32(i), Bytes: []byte{1}})
	}
	out := withLine(n, proofs.Signature{Name: "mirror"}, "origin")
	if len(out.Signatures) != 16 || out.Signatures[0].ID != 14 || out.Signatures[1].ID != 15 || out.Signatures[2].Name != "mirror" {
		t.Errorf("%d lines: %v", len(out.Signatures), out.Signatures)
	}
}

// TestMirrorOfAMirror: a copy is a portal like the original, with pages of its own, and can be mirrored.
func TestMirrorOfAMirror(t *testing.T) {
	o := aRegistry(t)
	one := openMirror(t, filepath.Join(t.TempDir(), "one"), o.public(), o)
	one.Programs = &verifier.Files{WASM: []byte("\x00asm1"), Viewer: []byte("\x00asm2"), Exec: []byte("globalThis.Go = class {};\n")}
	one.mustRound(t, Adopted)
	s := httptest.NewServer(one.Handler())
	defer s.Close()
	two := openMirror(t, filepath.Join(t.TempDir(), "two"), s.URL, o)
	two.mustRound(t, Adopted)
	same(t, two, o)
	for _, page := range []string{"", "index.html", "issuers.html", "ledger.html"} {
		code, b, header := get(t, s.URL+"/"+page)
		if code != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/html") || !bytes.Contains(b, []byte("<title>")) {
			t.Errorf("/%s: %d %s", page, code, header.Get("Content-Type"))
		}
	}
	if !one.hasPages() || two.hasPages() {
		t.Error("pages are made where the programs are, and are never copied")
	}
	o.publish(t, 700, 720)
	two.mustRound(t, Same)
	one.mustRound(t, Adopted)
	two.mustRound(t, Adopted)
	same(t, two, o)
}
