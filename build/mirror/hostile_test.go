package mirror

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"stele/build/follow/followtest"
	"stele/proofs"
)

// A giant is a registry whose ledger has the same entry over and over, and one index statement at last: as many places as its keys care to sign for. Every tile can be
// made from nothing.
type giant struct {
	size      uint64
	entry     []byte
	levels    []proofs.Hash // of complete subtrees of the entry, by height
	statement []byte
	head      []byte
	bundles   atomic.Int64
}

func newGiant(t *testing.T, r *followtest.Registry, covers uint64) *giant {
	g := &giant{size: covers + 1, entry: []byte(strings.Repeat("the same entry over and over\n", 100))}
	for h := proofs.LeafHash(g.entry); len(g.levels) < 63; h = proofs.NodeHash(h, h) {
		g.levels = append(g.levels, h)
	}
	slot := &proofs.Slot{}
	tile := &proofs.MapTile{Leaves: []proofs.MapTileLeaf{{Hash: slot.Hash()}}}
	x := &proofs.Index{Publication: 1, Covers: covers, Map: tile.Hash(), IssuersRoot: proofs.EmptyRoot(), LandmarksRoot: proofs.EmptyRoot(),
		Sizes: proofs.SizesHash(nil), Time: r.Now}
	text := (&proofs.Statement{Registry: followtest.Origin, Action: proofs.ActionIndex, Issuer: "publication", Index: x}).Text()
	note, err := proofs.SignNote(text, r.Signer("publication", proofs.Ed25519Key))
	must(t, err)
	g.statement = note.Marshal()
	root, err := proofs.Nodes(g.node).Root(g.size)
	must(t, err)
	c := proofs.Checkpoint{Origin: followtest.Origin, Size: g.size, Root: root}
	var lines []proofs.Signature
	for _, s := range r.Everybody() {
		line, err := proofs.SignCheckpoint(s, c)
		if s.Key().Type != proofs.Ed25519Key {
			line, err = proofs.Cosign(s, c, r.Now)
		}
		must(t, err)
		lines = append(lines, line)
	}
	h := &proofs.Head{Statement: g.statement, RootTile: tile.Marshal()}
	h.Proof.Index, h.Proof.Checkpoint = covers, (&proofs.Note{Text: c.Text(), Signatures: lines}).Marshal()
	h.Proof.Proof, err = proofs.Nodes(g.node).Inclusion(covers, g.size)
	must(t, err)
	g.head = h.Marshal()
	return g
}

func (g *giant) node(level uint, index uint64) (proofs.Hash, error) {
	if level == 0 && index == g.size-1 {
		return proofs.LeafHash(g.statement), nil
	}
	if (index+1)<<level <= g.size-1 {
		return g.levels[level], nil
	}
	l, _ := g.node(level-1, 2*index)
	r, err := g.node(level-1, 2*index+1)
	return proofs.NodeHash(l, r), err
}

func (g *giant) tile(t proofs.Tile) (b []byte) {
	for i := t.Index * proofs.TileWidth; i < t.Index*proofs.TileWidth+uint64(t.Width); i++ {
		switch {
		case t.Entries && i == g.size-1:
			b = proofs.AppendBundleEntry(b, g.statement)
		case t.Entries:
			b = proofs.AppendBundleEntry(b, g.entry)
		default:
			h, _ := g.node(uint(8*t.Level), i)
			b = append(b, h[:]...)
		}
	}
	return b
}

func (g *giant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head, _ := proofs.ParseHead(g.head)
	path := strings.TrimPrefix(r.URL.Path, "/")
	switch path {
	case proofs.HeadPath:
		w.Write(g.head)
	case checkpointPath:
		w.Write(head.Proof.Checkpoint)
	case proofs.StatisticsPath:
		w.Write([]byte("stele.statistics/1\nregistry " + followtest.Origin + "\nat 1 1 0 1\n"))
	case proofs.HistoryPath:
		w.Write(proofs.FormatHistory([]proofs.HistoryLine{{Size: g.size, File: sha256.Sum256(head.Proof.Checkpoint)}}))
	default:
		t, err := proofs.ParseTilePath(strings.TrimPrefix(path, "ledger/"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		if t.Entries {
			g.bundles.Add(1)
		}
		w.Write(g.tile(t))
	}
}

// TestAbsurdSizes: a head of more entries than any disk holds is refused before anything is fetched, however well it is signed; and where the disk seems to have room, the ledger
// ends where the room that is kept free begins. Neither fills the memory.
func TestAbsurdSizes(t *testing.T) {
	r := followtest.New(t, followtest.Policy{})
	r.Now += 3600
	for _, c := range []struct {
		covers  uint64
		claimed uint64 // bytes free, as the disk would have it; 0 for what it has
		bundles int64  // at most
	}{{1<<62 + 12345, 0, 0}, {1<<45 + 7, 0, 0}, {1<<62 + 12345, 1 << 63, 60}, {1 << 40, 1 << 63, 60}} {
		g := newGiant(t, r, c.covers)
		head, err := proofs.ParseHead(g.head)
		must(t, err)
		_, _, err = head.Verify(r.Trust, r.Now)
		must(t, err)
		s := httptest.NewServer(g)
		m, err := Open(context.Background(), filepath.Join(t.TempDir(), "mirror"), s.URL, r.Trust)
		must(t, err)
		m.Now = r.Clock
		var written atomic.Int64
		if c.claimed > 0 {
			m.freeBytes = func() (uint64, error) { return max(m.spare, c.claimed-uint64(written.Load())<<60), nil }
			m.fault = func(when, path string) error {
				if when == "after" && strings.Contains(path, "/incoming/") {
					written.Add(1)
				}
				return nil
			}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = m.Round(context.Background())
		runtime.ReadMemStats(&after)
		if err == nil || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%d entries: %v", g.size, err)
		}
		if n := g.bundles.Load(); n > c.bundles {
			t.Errorf("%d entries: %d bundles were fetched, want at most %d", g.size, n, c.bundles)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20 {
			t.Errorf("%d entries: %d bytes of memory were used", g.size, used)
		}
		if read(t, m, proofs.HeadPath) != nil {
			t.Errorf("%d entries: adopted", g.size)
		}
		m.Close()
		s.Close()
	}
}

// TestLongFiles: no file is read beyond what it may have.
func TestLongFiles(t *testing.T) {
	var sent atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for chunk := make([]byte, 64<<10); ; {
			n, err := w.Write(chunk)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	defer s.Close()
	w, err := openSource(s.URL)
	must(t, err)
	for _, limit := range slices.Sorted(slices.Values([]int{maxTile, maxMapTile, maxTrust, maxHead, maxBundle})) {
		sent.Store(0)
		_, err := w.read(context.Background(), "file", limit)
		var large *tooLarge
		if !errors.As(err, &large) {
			t.Errorf("over %d bytes: %v", limit, err)
		}
		if n := sent.Load(); n > int64(limit)+32<<20 { // what lies in buffers between the two
			t.Errorf("%d bytes were sent, want about %d at most", n, limit)
		}
	}
}
