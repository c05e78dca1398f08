package registry

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stele/proofs"
)

// historyList is the name of the list of published checkpoints.
const historyList = "list"

// History reads the list of published checkpoints, oldest first. Without a list, it reads the checkpoints themselves.
func (r *Registry) History() ([]proofs.HistoryLine, error) {
	b, err := os.ReadFile(r.historyPath(historyList))
	if errors.Is(err, fs.ErrNotExist) {
		return r.historyFiles()
	}
	if err != nil {
		return nil, err
	}
	lines, err := proofs.ParseHistory(b)
	if err != nil {
		return nil, hint("remove it: the next publish makes it again from the files beside it", "%s: %w", r.historyPath(historyList), err)
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
	for _, dir := range []string{r.historyPath(), r.path("state", "history")} {
		all := os.DirFS(dir)
		names, err := fs.Glob(all, "*/*")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			b, err := fs.ReadFile(all, name)
			if err != nil {
				return nil, err
			}
			c, _, err := proofs.ParseCheckpoint(b)
			line := proofs.HistoryLine{Size: c.Size, File: sha256.Sum256(b)}
			if err == nil && name == fmt.Sprint(line.Size)+"/"+line.File.String() {
				files[line] = b
			}
		}
	}
	return files, nil
}

func (r *Registry) historyPath(elem ...string) string {
	return r.path(append([]string{"public", "ledger", "history"}, elem...)...)
}

// writeHistory keeps the signed checkpoint for ever: its file first, then its line.
func (p *publisher) writeHistory() error {
	line := proofs.HistoryLine{Size: p.signed.Size, File: sha256.Sum256(p.note)}
	own := p.path("state", "history", fmt.Sprint(line.Size), line.File.String())
	for _, path := range []string{own, p.historyPath(fmt.Sprint(line.Size), line.File.String())} {
		if err := p.write(path, p.note); err != nil {
			return err
		}
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
	return p.write(p.historyPath(historyList), proofs.FormatHistory(lines))
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
		if err := p.writeOnce(p.historyPath(fmt.Sprint(line.Size), line.File.String()), files[line]); err != nil {
			return nil, err
		}
	}
	p.heal = false
	return lines, p.sync()
}

// healEdge publishes the partial tiles of an earlier checkpoint again: others' tools ask for them as long as the full ones
// do not exist, and the audit does.
func (p *publisher) healEdge(note []byte) error {
	c, _, err := proofs.ParseCheckpoint(note)
	if err != nil || c.Size <= p.edges {
		return err
	}
	err = p.log.Publish(p.edges, c, p.path("public", "ledger"), func(path string, b []byte) error {
		if !strings.Contains(path, ".p"+string(filepath.Separator)) {
			return nil // release has written it
		}
		return p.writeOnce(path, b)
	})
	p.edges = c.Size
	return err
}

// head makes the head of the signed checkpoint.
func (p *publisher) head() ([]byte, error) {
	size := p.signed.Size
	nodes := p.log.Nodes(size)
	h := &proofs.Head{RootTile: p.ix.State().RootTile}
	h.Proof.Index, h.Proof.Checkpoint = size-1, p.note
	var err error
	if h.Proof.Proof, err = nodes.Inclusion(size-1, size); err != nil {
		return nil, err
	}
	err = p.log.Entries(size-1, size, func(_ uint64, e [][]byte) error { h.Statement = e[0]; return nil })
	if err != nil {
		return nil, err
	}
	if h.Consistency, err = p.consistency(nodes, size); err != nil {
		return nil, err
	}
	if _, _, err := h.Verify(p.Trust, p.now); err != nil {
		return nil, fmt.Errorf("the head just made does not verify: %w", err)
	}
	return h.Marshal(), nil
}

// consistency proves growth from the earlier publications on the public list.
func (p *publisher) consistency(nodes proofs.Nodes, size uint64) ([]proofs.OldSize, error) {
	state := p.ix.State()
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

// collectAfter is how long a superseded index file is kept, in seconds: readers may hold an older head.
const collectAfter = 7 * 24 * 3600

// noteSuperseded remembers index files that nothing refers to after this publication.
func (p *publisher) noteSuperseded() error {
	if len(p.superseded) == 0 {
		return nil
	}
	var b bytes.Buffer
	for _, h := range p.superseded {
		fmt.Fprintf(&b, "%s\n", h)
	}
	p.superseded = nil
	return p.write(p.path("state", "superseded", fmt.Sprintf("%012d-%d", p.now, p.ix.State().Size)), b.Bytes())
}

// collect deletes index files that were superseded long enough ago, by a publication that was out before this run: a
// run that was broken off may have left its list long before its head was written.
func (p *publisher) collect() error {
	lists, err := os.ReadDir(p.path("state", "superseded"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, l := range lists {
		var when int64
		var size uint64
		if n, _ := fmt.Sscanf(l.Name(), "%d-%d", &when, &size); n != 2 || p.now-when < collectAfter || size > p.before {
			continue
		}
		if err := p.collectList(p.path("state", "superseded", l.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (p *publisher) collectList(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, line := range strings.Fields(string(b)) {
		h, err := proofs.ParseHash(line)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := p.remove(p.store().Path(h)); err != nil {
			return err
		}
	}
	if err := p.sync(); err != nil {
		return err
	}
	return p.remove(path)
}
