// Command statistics counts the ledger of a public folder and writes ledger/statistics, for the tests of the portal: statistics FOLDER.
// A registry that publishes them itself is left as it is.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"stele/proofs"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(public string) error {
	path := filepath.Join(public, filepath.FromSlash(proofs.StatisticsPath))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b, err := os.ReadFile(filepath.Join(public, "trust", "1"))
	if err != nil {
		return err
	}
	trust, err := proofs.ParseTrust(b)
	if err != nil {
		return err
	}
	entries, err := readLedger(public)
	if err != nil {
		return err
	}
	return os.WriteFile(path, count(trust, entries).Marshal(), 0o644)
}

// count goes through the ledger as an audit does (FORMAT.md, section 19).
func count(trust *proofs.Trust, entries [][]byte) *proofs.Statistics {
	s := &proofs.Statistics{Registry: trust.Origin}
	as, texts := proofs.Authorities{}, map[string]bool{}
	for place, b := range entries {
		e, err := trust.Authorise(as, uint64(place), b)
		if err != nil || texts[e.Note.Text] {
			continue
		}
		texts[e.Note.Text] = true
		as.Apply(e)
		switch {
		case e.Statement != nil && e.Statement.Index != nil:
			x := e.Statement.Index
			s.Grow(proofs.Growth{Publication: x.Publication, Size: x.Covers + 1, Keys: x.Keys, Time: x.Time})
		case e.Envelope.Selector != "":
			s.Count(proofs.CountOf(e))
		}
	}
	return s
}

// readLedger reads all entries of the newest checkpoint's ledger.
func readLedger(public string) ([][]byte, error) {
	b, err := os.ReadFile(filepath.Join(public, "ledger", "checkpoint"))
	if err != nil {
		return nil, err
	}
	c, _, err := proofs.ParseCheckpoint(b)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for _, t := range proofs.TilesOf(0, c.Size) {
		if !t.Entries {
			continue
		}
		b, err := os.ReadFile(filepath.Join(public, "ledger", filepath.FromSlash(t.Path())))
		if err != nil {
			return nil, err
		}
		entries, err := proofs.ParseBundle(b, t.Width)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}
