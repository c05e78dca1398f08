package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"stele/build/index"
	"stele/build/verifier"
	"stele/proofs"
	"stele/site"
)

// Sample is a sample document of a demonstration, as the portal shows it.
type Sample = site.Sample

const stateSamples = "samples"

// WriteSite renders the portal's pages into the public folder, its first page last. No publication goes on meanwhile.
func (r *Registry) WriteSite(ctx context.Context, programs *verifier.Files) error {
	l, err := r.lock(ctx, lockPublish)
	if err != nil {
		return err
	}
	defer l.Close()
	now, err := r.current()
	if err != nil {
		return err
	}
	s, err := now.snapshot()
	if err != nil {
		return err
	}
	s.WASM, s.ViewerWASM, s.WASMExec = programs.WASM, programs.Viewer, programs.Exec
	if s.Samples, err = r.samples(); err != nil {
		return err
	}
	var served servedNote
	if s.Single, served, err = now.servedVerifier(site.SingleInput{TrustFile: s.TrustFile, WASM: s.WASM, WASMExec: s.WASMExec}); err != nil {
		return err
	}
	files, err := site.Render(*s)
	if err != nil {
		return err
	}
	for _, name := range site.Order(files) {
		if strings.HasPrefix(name, "assets/") {
			err = r.at.Public.Put(name, files[name])
		} else {
			err = r.at.Public.Replace(name, files[name])
		}
		if err != nil {
			return err
		}
	}
	if err := r.at.Public.Sync(); err != nil {
		return err
	}
	return now.keepServedNote(served, files[site.Single])
}

// KeepSamples notes the sample documents of a demonstration, for this and all later publications.
func (r *Registry) KeepSamples(samples []Sample) error {
	b, err := json.MarshalIndent(samples, "", "\t")
	if err != nil {
		return err
	}
	return r.replace(r.at.State, stateSamples, b)
}

func (r *Registry) samples() ([]Sample, error) {
	b, err := r.at.State.Read(stateSamples)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var samples []Sample
	if err := json.Unmarshal(b, &samples); err != nil {
		return nil, fmt.Errorf("%s: %w", r.at.State.Path(stateSamples), err)
	}
	return samples, nil
}

// snapshot is what the pages show of the registry as published.
func (r *Registry) snapshot() (*site.Snapshot, error) {
	c, note, err := r.signed()
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, hint("stele publish --registry "+r.Dir, "%s has not been published yet", r.Dir)
	}
	_, signed, err := proofs.ParseCheckpoint(note)
	if err != nil {
		return nil, err
	}
	state, err := r.publishedState(c.Size)
	if err != nil {
		return nil, err
	}
	trust := r.Trust.Marshal()
	print := sha256.Sum256(trust)
	s := &site.Snapshot{Title: r.Trust.Title, Origin: r.Trust.Origin, Demo: r.Trust.Demo, TrustFile: trust,
		TrustEpoch: int(r.Trust.Epoch), TrustPrint: hex.EncodeToString(print[:]), Size: c.Size, Root: c.Root.String(),
		Published: time.Unix(signed.NewestTime(), 0).UTC(), Publication: state.Publication, Keys: state.Keys}
	if s.Epochs, err = r.siteEpochs(); err != nil {
		return nil, err
	}
	if s.Issuers, err = r.siteIssuers(state); err != nil {
		return nil, err
	}
	s.History, err = r.siteHistory()
	return s, err
}

// siteEpochs goes back from the trust file in force to the first one, as far as they are published.
func (r *Registry) siteEpochs() ([]site.Epoch, error) {
	id := r.Trust.ID()
	epochs := []site.Epoch{{Number: int(r.Trust.Epoch), Print: id.String()}}
	for t := r.Trust; ; {
		var err error
		if epochs[0].Handover, err = r.Published(proofs.HandoverPath(t.Epoch)); err != nil || t.Previous == nil {
			return epochs, err
		}
		last := t.FinalSize
		b, err := r.at.Public.Read(proofs.TrustPath(t.Epoch - 1))
		if errors.Is(err, fs.ErrNotExist) {
			return epochs, nil
		}
		if err == nil {
			t, err = proofs.ParseTrust(b)
		}
		if err != nil {
			return nil, err
		}
		id := t.ID()
		epochs = append([]site.Epoch{{Number: int(t.Epoch), Print: id.String(), Last: last}}, epochs...)
	}
}

func (r *Registry) siteIssuers(state *index.State) ([]site.Issuer, error) {
	as, err := state.ReadAuthorities(r.Trust)
	if err != nil {
		return nil, err
	}
	return site.IssuersOf(state.Issuers, as)
}

func (r *Registry) siteHistory() ([]site.Publication, error) {
	lines, err := r.History()
	if err != nil {
		return nil, err
	}
	return site.NewestOf(lines, r.at.Public.Read)
}

// IssuersHere lists the authorities whose private keys are in this registry's folder, but for the one that issues no documents (verifierfile.go).
func (r *Registry) IssuersHere() ([]string, error) {
	infos, err := r.Keys.List()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, i := range infos {
		if i.Role == "issuer" && i.Private && i.Key.Name != VerifierName(r.Trust.Origin) {
			names = append(names, i.Key.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil // an issuer may have several
}
