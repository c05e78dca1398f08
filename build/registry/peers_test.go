package registry

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	formats "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"stele/build/durable"
	"stele/build/ledger"
	"stele/proofs"
)

// fsckOf runs Tessera's own checker over a published ledger.
func fsckOf(dir, origin, vkey string) error {
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
	return fsck.New(origin, v, client.FileFetcher{Root: dir}, hasher, fsck.Opts{N: 64}).Check(ctx)
}

// logKey is the log's Ed25519 key, from the policy.
func logKey(t *testing.T, r *Registry) string {
	t.Helper()
	for line := range strings.Lines(string(r.Trust.PolicyText)) {
		if vkey, ok := strings.CutPrefix(strings.TrimSpace(line), "log "); ok {
			return vkey
		}
	}
	t.Fatal("no log key in the policy")
	return ""
}

// TestPeersReadTheLedger: what is published is read and checked by programs that are not ours, after each of several
// publications.
func TestPeersReadTheLedger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	now := heartbeat.now
	last := uint64(0)
	for i, docs := range [][2]int{{100, 100}, {100, 345}, {345, 346}, {346, 700}} {
		r := openAt(t, dir, now+int64(i)*hour)
		if docs[0] < docs[1] {
			register(t, r, office, docs[0], docs[1])
		}
		publish(t, r)
		last = peers(t, r, last)
	}
}

// peers checks a publication with other people's programs; old is the size of an earlier one.
func peers(t *testing.T, r *Registry, old uint64) (size uint64) {
	t.Helper()
	ctx := context.Background()
	folder := filepath.Join(r.Public(), "ledger")
	if err := fsckOf(folder, r.Trust.Origin, logKey(t, r)); err != nil {
		t.Fatalf("fsck: %.300s", err)
	}
	v, err := note.NewVerifier(logKey(t, r))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	c, extra, _, err := formats.ParseCheckpoint(raw, r.Trust.Origin, v)
	if err != nil || len(extra) != 0 {
		t.Fatalf("checkpoint: %v, %d more bytes", err, len(extra))
	}
	ours := ledgerEntries(t, r, c.Size)

	// torchwood reads every entry and authenticates it against the checkpoint.
	tiles, err := torchwood.NewTileFS(os.DirFS(folder))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := torchwood.NewClient(tiles)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, e := range reader.AllEntries(ctx, tlog.Tree{N: int64(c.Size), Hash: tlog.Hash(c.Hash)}, 0) {
		if !bytes.Equal(e, ours[i]) {
			t.Errorf("torchwood reads another entry %d", i)
		}
		n++
	}
	if err := reader.Err(); err != nil || uint64(n) != c.Size {
		t.Errorf("torchwood: %d of %d entries, %v", n, c.Size, err)
	}

	// Tessera's client makes proofs, transparency-dev/merkle checks them.
	builder, err := client.NewProofBuilder(ctx, c.Size, client.FileFetcher{Root: folder}.ReadTile)
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(0); i < c.Size; i += 1 + c.Size/20 {
		p, err := builder.InclusionProof(ctx, i)
		if err != nil {
			t.Fatal(err)
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, i, c.Size, rfc6962.DefaultHasher.HashLeaf(ours[i]), p, c.Hash); err != nil {
			t.Errorf("inclusion of %d: %v", i, err)
		}
	}
	if old > 0 {
		root, err := r.log().Root(old)
		if err != nil {
			t.Fatal(err)
		}
		p, err := builder.ConsistencyProof(ctx, old, c.Size)
		if err != nil {
			t.Fatal(err)
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, old, c.Size, p, root[:], c.Hash); err != nil {
			t.Errorf("consistency: %v", err)
		}
	}
	return c.Size
}

func ledgerEntries(t *testing.T, r *Registry, size uint64) [][]byte {
	t.Helper()
	var all [][]byte
	err := r.log().Entries(0, size, func(_ uint64, entries [][]byte) error { all = append(all, entries...); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPeersSeeDamage: one flipped bit in any file of a published ledger is found, by Tessera's checker and by audit. Of
// partial tiles only those of the present size count; the older ones stay for those who hold older checkpoints.
func TestPeersSeeDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	register(t, r, office, 100, 400)
	size := publish(t, r).Checkpoint.Size
	folder := filepath.Join(r.Public(), "ledger")
	for _, tile := range proofs.TilesOf(0, size) {
		path := filepath.Join(folder, filepath.FromSlash(tile.Path()))
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(good)
		bad[len(bad)/2] ^= 1
		write(t, path, bad)
		if err := fsckOf(folder, r.Trust.Origin, logKey(t, r)); err == nil {
			t.Errorf("fsck passes with a bit flipped in %s", tile.Path())
		}
		if err := auditError(t, r, heartbeat.now); err == nil {
			t.Errorf("audit passes with a bit flipped in %s", tile.Path())
		}
		write(t, path, good)
	}
	filepath.WalkDir(filepath.Join(r.Public(), "index"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(good)
		bad[len(bad)/2] ^= 1
		write(t, path, bad)
		if err := auditError(t, r, heartbeat.now); err == nil && leadsTo(t, r, filepath.Base(path)) {
			t.Errorf("audit passes with a bit flipped in %s", path)
		}
		write(t, path, good)
		return nil
	})
	mustAudit(t, r, heartbeat.now)
}

// leadsTo reports whether the head's root tile names an index file.
func leadsTo(t *testing.T, r *Registry, name string) bool {
	t.Helper()
	tile, err := proofs.ParseMapTile(readHead(t, r).RootTile)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range tile.Leaves {
		if l.Hash.String() == name {
			return true
		}
	}
	state, err := r.loadState()
	return err != nil || state.Issuers.Root().String() == name
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestFsckLarge publishes a ledger of raw entries at sizes around those at which tiles become full, past 65,536.
func TestFsckLarge(t *testing.T) {
	t.Parallel()
	const origin = "large.example/ledger"
	signer, err := proofs.NewMemorySigner(origin, proofs.Ed25519Key, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	log, to := ledger.At(t.TempDir(), origin), t.TempDir()
	ctx := context.Background()
	app, err := log.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []uint64{1, 255, 256, 257, 65_535, 65_536, 65_537, 66_100} {
		old := app.Size()
		var entries [][]byte
		for i := old; i < size; i++ {
			entries = append(entries, fmt.Appendf(nil, "entry %d", i))
		}
		if err := app.Append(ctx, entries); err != nil {
			t.Fatal(err)
		}
		root, err := log.Root(size)
		if err != nil {
			t.Fatal(err)
		}
		c := proofs.Checkpoint{Origin: origin, Size: size, Root: root}
		if err := log.Publish(old, c, func(t proofs.Tile, b []byte) error { return durable.WriteOnce(filepath.Join(to, t.Path()), b) }); err != nil {
			t.Fatal(err)
		}
		sig, err := proofs.SignCheckpoint(signer, c)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(to, "checkpoint"), (&proofs.Note{Text: c.Text(), Signatures: []proofs.Signature{sig}}).Marshal())
		if err := fsckOf(to, origin, signer.Key().String()); err != nil {
			t.Fatalf("size %d: fsck: %.300s", size, err)
		}
	}
}
