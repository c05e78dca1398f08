package registry

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"stele/build/durable"
	"stele/proofs"
)

// historyList is the name of the list of published checkpoints.
const historyList = "list"

// A HistoryLine is one published checkpoint.
type HistoryLine struct {
	Size uint64
	File proofs.Hash // SHA-256 of the checkpoint's file, and its name
}

// History reads the list of published checkpoints, oldest first.
func (r *Registry) History() ([]HistoryLine, error) {
	b, err := os.ReadFile(r.historyPath(historyList))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var lines []HistoryLine
	for i, line := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		var l HistoryLine
		var file string
		n, err := fmt.Sscanf(line, "%d %s", &l.Size, &file)
		if n == 2 && err == nil {
			l.File, err = proofs.ParseHash(file)
		}
		if err != nil || line != fmt.Sprintf("%d %s", l.Size, l.File) {
			return nil, fmt.Errorf("%s: line %d: %q, want a size and a hash", r.historyPath(historyList), i+1, line)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func (r *Registry) historyPath(elem ...string) string {
	return r.path(append([]string{"public", "ledger", "history"}, elem...)...)
}

// writeHistory keeps the signed checkpoint for ever: its file first, then its line.
func (p *publisher) writeHistory() error {
	line := HistoryLine{p.signed.Size, sha256.Sum256(p.note)}
	file := p.historyPath(fmt.Sprint(line.Size), line.File.String())
	if err := p.write(file, p.note); err != nil {
		return err
	}
	lines, err := p.History()
	if err != nil {
		return err
	}
	if len(lines) > 0 && lines[len(lines)-1] == line {
		return nil
	}
	var b bytes.Buffer
	for _, l := range append(lines, line) {
		fmt.Fprintf(&b, "%d %s\n", l.Size, l.File)
	}
	return p.write(p.historyPath(historyList), b.Bytes())
}

// sizes are the sizes of all publications so far, by number minus one: heartbeats repeat a size.
func (p *publisher) sizes() ([]uint64, error) {
	lines, err := p.History()
	if err != nil {
		return nil, err
	}
	var sizes []uint64
	for _, l := range lines {
		if len(sizes) == 0 || l.Size > sizes[len(sizes)-1] {
			sizes = append(sizes, l.Size)
		}
	}
	return sizes, nil
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
	sizes, err := p.sizes()
	if err != nil {
		return nil, err
	}
	var olds []proofs.OldSize
	for _, number := range proofs.PublicationList(p.ix.State().Publication) {
		if number > uint64(len(sizes)) || sizes[number-1] >= size {
			continue
		}
		o := proofs.OldSize{Size: sizes[number-1]}
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
func (p *publisher) noteSuperseded(files []proofs.Hash) error {
	if len(files) == 0 {
		return nil
	}
	var b bytes.Buffer
	for _, h := range files {
		fmt.Fprintf(&b, "%s\n", h)
	}
	return p.write(p.path("state", "superseded", fmt.Sprintf("%012d-%d", p.now, p.ix.State().Size)), b.Bytes())
}

// collect deletes index files that were superseded long enough ago.
func (p *publisher) collect() error {
	lists, err := os.ReadDir(p.path("state", "superseded"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, l := range lists {
		var when int64
		if n, _ := fmt.Sscanf(l.Name(), "%d-", &when); n != 1 || p.now-when < collectAfter {
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
		if err := os.Remove(p.store().Path(h)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := durable.SyncTree(p.path("public")); err != nil {
		return err
	}
	return os.Remove(path)
}
