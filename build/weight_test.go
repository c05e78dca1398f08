package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/andybalholm/brotli"

	"stele/proofs"
)

// pageLimit is how much the page may weigh with all that it loads, in bytes as brotli sends them.
const pageLimit = 600_000

// loaded finds in the first page what it names: its own parts, and those that its worker loads.
var loaded = regexp.MustCompile(`assets/[0-9a-f]{12}/[\w./-]+`)

// later is where the page names what it loads when somebody asks for more than a verdict.
var later = regexp.MustCompile(`data-lazy-parts="[^"]*"`)

// TestWeight weighs what a browser loads to verify a document: the first page and every asset that it names, and then one lookup.
// go test -run Weight -v ./build prints the table.
func TestWeight(t *testing.T) {
	demo, err := sharedDemo()
	if err != nil {
		t.Fatal(err)
	}
	public := filepath.Join(demo, "public")
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "raw\tbrotli 11\t  file")
	first, err := os.ReadFile(filepath.Join(public, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	assets := loaded.FindAllString(later.ReplaceAllString(string(first), ""), -1)
	slices.Sort(assets)
	page := weigh(t, w, public, append([]string{"index.html"}, slices.Compact(assets)...)...)
	fmt.Fprintf(w, "%d\t%d\t  the page with all that it loads; limit %d\n\t\t\n", page.raw, page.packed, pageLimit)
	head, err := os.ReadFile(filepath.Join(public, "ledger", "head"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := proofs.ParseHead(head)
	if err != nil {
		t.Fatal(err)
	}
	lookup := weigh(t, w, public, append(indexFiles(t, h), "ledger/head", "trust/1")...)
	fmt.Fprintf(w, "%d\t%d\t  one lookup in this registry\n", lookup.raw, lookup.packed)
	w.Flush()
	t.Logf("\n%s", table.String())
	if page.packed >= pageLimit {
		t.Errorf("the page weighs %d bytes with brotli, want less than %d", page.packed, pageLimit)
	}
}

// indexFiles are what a lookup reads after the head: one slot, and the list of issuers.
func indexFiles(t *testing.T, h *proofs.Head) []string {
	t.Helper()
	tile, err := proofs.ParseMapTile(h.RootTile)
	if err != nil {
		t.Fatal(err)
	}
	_, env, err := proofs.ParseEntry(h.Statement)
	if err != nil {
		t.Fatal(err)
	}
	s, err := env.Statement()
	if err != nil {
		t.Fatal(err)
	}
	return []string{proofs.IndexPath(tile.Leaves[0].Hash), proofs.IndexPath(s.Index.IssuersRoot)}
}

type weight struct{ raw, packed int }

func weigh(t *testing.T, w *tabwriter.Writer, root string, names ...string) weight {
	t.Helper()
	var sum weight
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(root, filepath.FromSlash(name)), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var packed bytes.Buffer
			z := brotli.NewWriterLevel(&packed, brotli.BestCompression)
			if _, err := z.Write(b); err != nil {
				return err
			}
			if err := z.Close(); err != nil {
				return err
			}
			fmt.Fprintf(w, "%d\t%d\t  %s\n", len(b), packed.Len(), strings.TrimPrefix(path, root+"/"))
			sum.raw, sum.packed = sum.raw+len(b), sum.packed+packed.Len()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return sum
}
