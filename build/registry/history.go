package registry

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"stele/build/index"
	"stele/build/storage"
	"stele/proofs"
)

// History reads the list of published checkpoints, oldest first. Without a list, it reads the checkpoints themselves.
func (r *Registry) History() ([]proofs.HistoryLine, error) {
	b, err := r.at.Public.Read(proofs.HistoryPath)
	if errors.Is(err, fs.ErrNotExist) {
		return r.historyFiles()
	}
	if err != nil {
		return nil, err
	}
	lines, err := proofs.ParseHistory(b)
	if err != nil {
		return nil, hint("remove it: the next publish makes it again from the files beside it", "%s: %w", r.at.Public.Path(proofs.HistoryPath), err)
	}
	return lines, nil
}

// historyFiles makes the list out of the checkpoints' files: by size, and by time within one. What proves when is kept
// in state/history too, for the day when the public folder is lost.
func (r *Registry) historyFiles() ([]proofs.HistoryLine, error) {
	files, err := r.historyNotes()
	if err != nil {
		return nil, err
	}
	times := map[proofs.HistoryLine]int64{}
	for line, b := range files {
		_, note, _ := proofs.ParseCheckpoint(b)
		times[line] = note.NewestTime()
	}
	return slices.SortedFunc(maps.Keys(files), func(a, b proofs.HistoryLine) int {
		return cmp.Or(cmp.Compare(a.Size, b.Size), cmp.Compare(times[a], times[b]), bytes.Compare(a.File[:], b.File[:]))
	}), nil
}

// historyNotes reads all checkpoints that were published, wherever they are kept. What is damaged is left out.
func (r *Registry) historyNotes() (map[proofs.HistoryLine][]byte, error) {
	files := map[proofs.HistoryLine][]byte{}
	for below, in := range map[string]storage.Files{"ledger/history/": r.at.Public, "history/": r.at.State} {
		err := in.List(below, func(name string, _ int64) error {
			b, err := in.Read(name)
			if err != nil {
				return err
			}
			c, _, err := proofs.ParseCheckpoint(b)
			line := proofs.HistoryLine{Size: c.Size, File: sha256.Sum256(b)}
			if err == nil && strings.HasSuffix(line.Path(), strings.TrimPrefix(name, "ledger/")) {
				files[line] = b
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// writeHistory keeps the signed checkpoint for ever: its file first, then its line.
func (p *publisher) writeHistory() error {
	line := proofs.HistoryLine{Size: p.signed.Size, File: sha256.Sum256(p.note)}
	if err := p.replace(p.at.State, strings.TrimPrefix(line.Path(), "ledger/"), p.note); err != nil {
		return err
	}
	if err := p.replace(p.at.Public, line.Path(), p.note); err != nil {
		return err
	}
	lines, err := p.History()
	if err == nil && p.heal {
		lines, err = p.healHistory()
	}
	if err != nil {
		return err
	}
	if !slices.Contains(lines, line) {
		lines = append(lines, line)
	}
	return p.replace(p.at.Public, proofs.HistoryPath, proofs.FormatHistory(lines))
}

// healHistory publishes again what is kept of earlier checkpoints, where the public folder is not as it was left.
func (p *publisher) healHistory() ([]proofs.HistoryLine, error) {
	files, err := p.historyNotes()
	if err != nil {
		return nil, err
	}
	lines, err := p.historyFiles()
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		if err := p.healEdge(files[line]); err != nil {
			return nil, err
		}
		if err := p.put(line.Path(), files[line]); err != nil {
			return nil, err
		}
	}
	p.heal = false
	return lines, p.sync()
}

// healEdge publishes the partial tiles of an earlier checkpoint again. "If a client requests a partial tile with width W that
// is not available, the client MAY fall back to the corresponding full tile": those that are full by now are not missed.
func (p *publisher) healEdge(note []byte) error {
	c, _, err := proofs.ParseCheckpoint(note)
	if err != nil || c.Size <= p.edges {
		return err
	}
	err = p.log.Publish(p.edges, c, func(t proofs.Tile, b []byte) error {
		if t.Width == proofs.TileWidth || t.FullIn(p.signed.Size) {
			return nil // release has written the full one
		}
		return p.putTile(t, b)
	})
	p.edges = c.Size
	return err
}

// head makes the head of the signed checkpoint.
func (p *publisher) head(state *index.State) ([]byte, error) {
	h, err := p.headOf(p.signed.Size, p.note, state)
	if err != nil {
		return nil, err
	}
	if _, _, err := h.Verify(p.under, p.now); err != nil {
		return nil, fmt.Errorf("the head just made does not verify: %w", err)
	}
	return h.Marshal(), nil
}

// headOf makes the head of a tree, out of the index just after its last entry.
func (p *publisher) headOf(size uint64, note []byte, state *index.State) (*proofs.Head, error) {
	nodes := p.log.Nodes(size)
	h := &proofs.Head{RootTile: state.RootTile}
	h.Proof.Index, h.Proof.Checkpoint = size-1, note
	var err error
	if h.Proof.Proof, err = nodes.Inclusion(size-1, size); err != nil {
		return nil, err
	}
	err = p.log.Entries(size-1, size, func(_ uint64, e [][]byte) error { h.Statement = e[0]; return nil })
	if err != nil {
		return nil, err
	}
	h.Consistency, err = consistency(nodes, size, state)
	return h, err
}

// consistency proves growth from the earlier publications on the public list.
func consistency(nodes proofs.Nodes, size uint64, state *index.State) ([]proofs.OldSize, error) {
	sizes, err := state.ListedSizes(state.Publication)
	if err != nil {
		return nil, err
	}
	var olds []proofs.OldSize
	for _, old := range sizes {
		o := proofs.OldSize{Size: old}
		if o.Root, err = nodes.Root(o.Size); err != nil {
			return nil, err
		}
		if o.Proof, err = nodes.Consistency(o.Size, size); err != nil {
			return nil, err
		}
		olds = append(olds, o)
	}
	return olds, nil
}
