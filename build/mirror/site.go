package mirror

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"stele/build/durable"
	"stele/build/index"
	"stele/proofs"
	"stele/site"
)

// newestShown is how many publications the ledger's page lists for those whose browser runs no scripts.
const newestShown = 20

// writePages renders the portal's pages, its first page last, from what was verified: nothing of the origin's HTML is copied. Without programs, none are made.
func (m *Mirror) writePages() error {
	if m.Programs == nil || m.adopted == nil {
		return nil
	}
	s, err := m.snapshot()
	if err != nil {
		return fmt.Errorf("the portal's pages: %w", err)
	}
	files, err := site.Render(*s)
	if err != nil {
		return err
	}
	for _, name := range site.Order(files) {
		if durable.Holds(m.public.Path(name), files[name]) {
			continue
		}
		if err := m.replace(m.public, name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mirror) snapshot() (*site.Snapshot, error) {
	x := m.adopted.x
	_, note, err := proofs.ParseCheckpoint(x.Note)
	if err != nil {
		return nil, err
	}
	trust := m.Trust.Marshal()
	print := sha256.Sum256(trust)
	s := &site.Snapshot{Title: m.Trust.Title, Origin: m.Trust.Origin, Demo: m.Trust.Demo, TrustFile: trust,
		TrustEpoch: int(m.Trust.Epoch), TrustPrint: hex.EncodeToString(print[:]), Size: x.Size, Root: x.Root.String(),
		Published: time.Unix(note.NewestTime(), 0).UTC(), Publication: x.Publication, Keys: x.Keys,
		Epochs: m.siteEpochs(),
		WASM:   m.Programs.WASM, ViewerWASM: m.Programs.Viewer, WASMExec: m.Programs.Exec}
	if s.Issuers, err = m.siteIssuers(x); err != nil {
		return nil, err
	}
	s.History, err = m.siteHistory()
	return s, err
}

// siteEpochs are those of the trust files that are copied, oldest first.
func (m *Mirror) siteEpochs() []site.Epoch {
	var out []site.Epoch
	last := uint64(0)
	for _, t := range append([]*proofs.Trust{m.Trust}, m.earlier...) {
		_, err := m.public.Read(proofs.HandoverPath(t.Epoch))
		out = append(out, site.Epoch{Number: int(t.Epoch), Print: t.ID().String(), Last: last, Handover: err == nil})
		last = t.FinalSize
	}
	slices.Reverse(out)
	return out
}

func (m *Mirror) siteIssuers(x *proofs.VerifiedIndex) ([]site.Issuer, error) {
	if x.Issuers == 0 {
		return nil, nil
	}
	b, err := m.public.Read(proofs.IndexPath(x.IssuersRoot))
	if err != nil {
		return nil, err
	}
	list, err := proofs.ParseIssuerList(b)
	if err != nil {
		return nil, err
	}
	as, err := (&index.State{Issuers: list, Size: x.Size, Time: x.Time}).ReadAuthorities(m.Trust)
	if err != nil {
		return nil, err
	}
	var out []site.Issuer
	for _, rec := range list.Records {
		entries, err := rec.Entries()
		if err != nil {
			return nil, err
		}
		_, env, err := proofs.ParseEntry(entries[0].Bytes)
		if err != nil {
			return nil, err
		}
		name, _ := env.Authority()
		a := as[name]
		i := site.Issuer{Name: name, Title: a.LatestTitle(), Since: time.Unix(a.FirstSince(), 0).UTC(), Withdrawn: true}
		if standing := a.Stands(); standing != nil {
			i.Withdrawn, i.Kinds = false, standing.Kinds
		}
		out = append(out, i)
	}
	return out, nil
}

func (m *Mirror) siteHistory() ([]site.Publication, error) {
	var out []site.Publication
	lines := m.adopted.lines
	for i := len(lines) - 1; i >= 0 && len(out) < newestShown; i-- {
		l := lines[i]
		b, err := m.public.Read(l.Path())
		if err != nil {
			return nil, err
		}
		c, note, err := proofs.ParseCheckpoint(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.Path(), err)
		}
		out = append(out, site.Publication{Size: c.Size, Root: c.Root.String(), Hash: l.File.String(), Time: time.Unix(note.NewestTime(), 0).UTC()})
	}
	return out, nil
}

// hasPages reports whether there are pages: a mirror that was made without programs has none.
func (m *Mirror) hasPages() bool {
	b, err := m.public.Read(site.Index)
	return err == nil && strings.Contains(string(b), "<")
}
