package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"stele/proofs"
)

// What a snapshot tells of issuers and publications, from the files that are published: a registry and a mirror tell the same.

// newestShown is how many publications the ledger's page lists for those whose browser runs no scripts.
const newestShown = 20

// IssuersOf tells what the authorities of an issuer list may do.
func IssuersOf(list *proofs.IssuerList, authorities proofs.Authorities) ([]Issuer, error) {
	var out []Issuer
	for _, rec := range list.Records {
		name, err := authorityOf(rec)
		if err != nil {
			return nil, err
		}
		a := authorities[name]
		i := Issuer{Name: name, Title: a.LatestTitle(), Since: time.Unix(a.FirstSince(), 0).UTC(), Withdrawn: true}
		if standing := a.Stands(); standing != nil {
			i.Withdrawn, i.Kinds = false, standing.Kinds
		}
		out = append(out, i)
	}
	return out, nil
}

// IssuersFile is the path of the issuers' names for programs that help people. No verdict rests on it (FORMAT.md, section 15).
const IssuersFile = "issuers.json"

// issuersJSON names the issuers of a snapshot.
func issuersJSON(s Snapshot) ([]byte, error) {
	type issuer struct {
		Name      string   `json:"name"`
		Title     string   `json:"title"`
		Kinds     []string `json:"kinds"`
		Withdrawn bool     `json:"withdrawn,omitempty"`
	}
	list := struct {
		Registry string   `json:"registry"`
		Issuers  []issuer `json:"issuers"`
	}{s.Origin, []issuer{}}
	for _, i := range s.Issuers {
		list.Issuers = append(list.Issuers, issuer{i.Name, i.Title, append([]string{}, i.Kinds...), i.Withdrawn})
	}
	b, err := json.MarshalIndent(list, "", "\t")
	return append(b, '\n'), err
}

// authorityOf is the name of the authority that a record of the issuer list is about.
func authorityOf(rec proofs.Record) (string, error) {
	entries, err := rec.Entries()
	if err != nil {
		return "", err
	}
	_, env, err := proofs.ParseEntry(entries[0].Bytes)
	if err != nil {
		return "", err
	}
	name, ok := env.Authority()
	if !ok {
		return "", fmt.Errorf("issuer list: a record about %q", env.Selector)
	}
	return name, nil
}

// NewestOf tells the newest publications of a history, the newest first, from their checkpoints. One that is not there is left out.
func NewestOf(lines []proofs.HistoryLine, read func(path string) ([]byte, error)) ([]Publication, error) {
	var out []Publication
	for i := len(lines) - 1; i >= 0 && len(out) < newestShown; i-- {
		l := lines[i]
		b, err := read(l.Path())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c, note, err := proofs.ParseCheckpoint(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.Path(), err)
		}
		out = append(out, Publication{Size: c.Size, Root: c.Root.String(), Hash: l.File.String(), Time: time.Unix(note.NewestTime(), 0).UTC()})
	}
	return out, nil
}
