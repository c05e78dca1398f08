package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// report puts a row beside those of other sizes, and writes table and plot anew.
func report(dir string, r *row) error {
	path := filepath.Join(dir, "results.json")
	var rows []row
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &rows)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, err)
	}
	rows = slices.DeleteFunc(rows, func(o row) bool { return o.Documents == r.Documents })
	rows = append(rows, *r)
	slices.SortFunc(rows, func(a, b row) int { return a.Documents - b.Documents })
	if b, err = json.MarshalIndent(rows, "", "\t"); err != nil {
		return err
	}
	table := markdown(rows)
	fmt.Print(table)
	for name, content := range map[string]string{"results.json": string(b) + "\n", "README.md": introduction + table, "plot.svg": plot(rows)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const introduction = `# From ten thousand documents to ten million

Made by ` + "`go run ./build/scale --sizes 1e4,1e5,1e6,1e7 --dir DIR`" + `, which writes this page too. The registry is grown by the real publication out of signed statements:
five issuers, eight kinds; 1% of the documents are revoked, 0.5% suspended and restored, 0.5% replaced by another. Publishing is measured with
10,000 further documents that wait, signed, in the queue, and with what happens to 125 to 250 old ones. Publishing, heartbeat and audit run in a process each; memory is the most that it had
resident. Processor seconds are those of both cores together: where they are far from twice the seconds, the machine was busy with something else, or waited for its disk.
A lookup is of one document by its digest alone, with nothing cached and nothing compressed; 1,000 that are registered and 1,000 that are not. Bytes a document are those of the newest publication.

![Seconds and bytes by number of documents](plot.svg)

`

// markdown is the table, a column a size.
func markdown(rows []row) string {
	lines := []struct {
		what string
		cell func(r row) string
	}{
		{"documents", func(r row) string { return thousands(r.Documents) }},
		{"publishing 10,000 more: seconds (of processors)", func(r row) string { return seconds(r.Publish) }},
		{"— memory", func(r row) string { return size(float64(r.Publish.Memory)) }},
		{"— written", func(r row) string { return size(float64(r.Publish.Written)) }},
		{"heartbeat: seconds (of processors)", func(r row) string { return seconds(r.Heartbeat) }},
		{"lookup: requests, in rounds", func(r row) string { return fmt.Sprintf("%d, %d", r.Lookup.Requests, r.Lookup.Rounds) }},
		{"— mean", func(r row) string { return size(r.Lookup.Mean) }},
		{"— median", func(r row) string { return size(float64(r.Lookup.P50)) }},
		{"— 99 of 100 at most", func(r row) string { return size(float64(r.Lookup.P99)) }},
		{"audit: seconds (of processors)", func(r row) string { return seconds(r.Audit) }},
		{"— entries a second", func(r row) string { return thousands(int(float64(r.Entries) / r.Audit.Seconds)) }},
		{"— the same by the seconds of two processors", func(r row) string { return thousands(int(2 * float64(r.Entries) / r.Audit.CPU)) }},
		{"— memory", func(r row) string { return size(float64(r.Audit.Memory)) }},
		{"published, a document: ledger", func(r row) string { return size(r.perDocument(r.Files.Ledger)) }},
		{"— index", func(r row) string { return size(r.perDocument(r.Files.Index)) }},
		{"— all", func(r row) string { return size(r.perDocument(r.Files.All)) }},
		{"files", func(r row) string { return thousands(r.Files.Count) }},
	}
	var b strings.Builder
	for i, l := range lines {
		fmt.Fprintf(&b, "| %s |", l.what)
		for _, r := range rows {
			fmt.Fprintf(&b, " %s |", l.cell(r))
		}
		b.WriteByte('\n')
		if i == 0 {
			b.WriteString("|---|" + strings.Repeat("---:|", len(rows)) + "\n")
		}
	}
	return b.String()
}

func (r row) perDocument(bytes int64) float64 { return float64(bytes) / float64(r.Documents+fresh) }

func seconds(c cost) string { return fmt.Sprintf("%.2f (%.2f)", c.Seconds, c.CPU) }

// thousands writes a number with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes bytes in the unit that suits them.
func size(n float64) string {
	if n < 10_000 {
		return thousands(int(math.Round(n))) + " bytes"
	}
	for _, unit := range []string{"KB", "MB"} {
		if n /= 1000; n < 1000 {
			return fmt.Sprintf("%.3g %s", n, unit)
		}
	}
	return fmt.Sprintf("%.3g GB", n/1000)
}
