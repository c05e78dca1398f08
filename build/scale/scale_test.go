package main

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stele/proofs"
)

func TestMain(m *testing.M) {
	if os.Getenv(taskVariable) != "" { // a child of a measurement
		main()
		return
	}
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestMeasure grows a small registry twice, as the large one is.
func TestMeasure(t *testing.T) {
	fresh, asked = 300, 100
	dir, out := filepath.Join(t.TempDir(), "registry"), t.TempDir()
	must(t, measureAll(dir, []int{200, 1000}, out))
	if err := measureAll(dir, []int{1000}, out); err == nil || !strings.Contains(err.Error(), "has 1300 documents already") {
		t.Errorf("a size that is past: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(out, "results.json"))
	must(t, err)
	var rows []row
	must(t, json.Unmarshal(b, &rows))
	if len(rows) != 2 || rows[0].Documents != 200 || rows[1].Documents != 1000 {
		t.Fatalf("%d rows: %s", len(rows), b)
	}
	for _, r := range rows {
		if least := uint64(r.Documents + fresh); r.Entries <= least || r.Lookup.Requests > 5 || r.Lookup.Rounds > 4 || r.Lookup.Mean == 0 ||
			r.Publish.Written == 0 || r.Audit.Memory == 0 || r.Files.Ledger == 0 || r.Files.Index == 0 || r.Files.All < r.Files.Ledger+r.Files.Index {
			t.Errorf("%d documents: %+v", r.Documents, r)
		}
	}
	if rows[1].Files.Index <= rows[0].Files.Index || rows[1].Files.Index > 2000*int64(rows[1].Documents) {
		t.Errorf("index of %d bytes, then %d", rows[0].Files.Index, rows[1].Files.Index)
	}
	page, err := os.ReadFile(filepath.Join(out, "README.md"))
	must(t, err)
	if !strings.Contains(string(page), "| documents | 200 | 1,000 |") {
		t.Errorf("page:\n%s", page)
	}
	plotted(t, filepath.Join(out, "plot.svg"), 2*(len(panels[0].lines)+len(panels[1].lines)))
}

// plotted wants well-formed XML with a mark for every value.
func plotted(t *testing.T, path string, marks int) {
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	d := xml.NewDecoder(f)
	n := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		must(t, err)
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			n++
		}
	}
	if n != marks {
		t.Errorf("%s: %d marks, want %d", path, n, marks)
	}
}

// TestDocuments: everything that is said takes effect, the same in every run.
func TestDocuments(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "registry")
	must(t, grow(dir, 0, 400))
	r, p, now, err := at(dir)
	must(t, err)
	for i, want := range map[int]proofs.Verdict{0: proofs.Authentic, 7: proofs.Revoked, 157: proofs.Revoked, 31: proofs.Authentic,
		63: proofs.Superseded, 163: proofs.Superseded, 164: proofs.Authentic, 257: proofs.Authentic, 400: proofs.NotRegistered} {
		_, got, err := ask(p, proofs.Question{Trust: r.Trust, Now: now, SHA256: digestsOf(i).SHA256, Online: true})
		if err != nil || got != want {
			t.Errorf("document %d: %s, %v, want %s", i, got, err, want)
		}
	}
	if got := proofs.LeafHash([]byte(register(12345).Text())).String(); got != "dc1fed55e9d10c893e900f9f506e66be9f6559d0baf9646b4e59a9d0b016c692" {
		t.Errorf("document 12345 is %s:\n%s", got, register(12345).Text())
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[float64]string{0: "0 bytes", 543.2: "543 bytes", 1060: "1,060 bytes", 64_500: "64.5 KB", 70_500_000: "70.5 MB", 1.5e9: "1.5 GB"} {
		if got := size(n); got != want {
			t.Errorf("%g: %q, want %q", n, got, want)
		}
	}
	if got := thousands(1234567); got != "1,234,567" {
		t.Error(got)
	}
}
