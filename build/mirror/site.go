package mirror

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"stele/build/durable"
	"stele/proofs"
	"stele/site"
)

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
	s.History, err = site.NewestOf(m.adopted.lines, m.public.Read)
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
	as, err := m.Trust.ReadAuthorities(list, x.Size, x.Time)
	if err != nil {
		return nil, err
	}
	return site.IssuersOf(list, as)
}

// hasPages reports whether there are pages: a mirror that was made without programs has none.
func (m *Mirror) hasPages() bool {
	b, err := m.public.Read(site.Index)
	return err == nil && strings.Contains(string(b), "<")
}
