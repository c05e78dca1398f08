package audit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"

	"stele/build/portal"
	"stele/proofs"
)

// history compares every checkpoint ever published with the ledger as it is: none may tell of another past.
func (a *auditor) history() error {
	list, err := a.p.Read(a.ctx, proofs.HistoryPath)
	if err != nil {
		return err
	}
	lines, err := proofs.ParseHistory(list)
	if err != nil {
		return fmt.Errorf("%s: %w", proofs.HistoryPath, err)
	}
	nodes := proofs.TileNodes(a.x.Size, a.readTile)
	var root proofs.Hash
	for i, l := range lines {
		if i == 0 || l.Size != lines[i-1].Size { // heartbeats repeat a size
			if root, err = a.rootAt(nodes, l.Size); err != nil {
				return fmt.Errorf("%s: line %d: %w", proofs.HistoryPath, i+1, err)
			}
		}
		if err := a.pastCheckpoint(l, root); err != nil {
			return fmt.Errorf("%s: %w", l.Path(), err)
		}
	}
	return a.compareHistory(lines)
}

// compareHistory: each line is of a publication, once, and the head's is there. Of a publication that was overtaken before it
// was out, there is none.
func (a *auditor) compareHistory(lines []proofs.HistoryLine) error {
	seen := map[proofs.HistoryLine]bool{}
	newest := false
	for i, l := range lines {
		if seen[l] {
			return fmt.Errorf("%s: line %d: stands there twice", proofs.HistoryPath, i+1)
		}
		if l.Size <= a.x.Size && !a.published[l.Size] {
			return fmt.Errorf("%s: line %d: %d is the size of no publication", proofs.HistoryPath, i+1, l.Size)
		}
		seen[l] = true
		newest = newest || l.Size == a.x.Size
	}
	if !newest {
		return fmt.Errorf("%s: nothing of the head's size %d", proofs.HistoryPath, a.x.Size)
	}
	return nil
}

// rootAt is the ledger's root at a size. While a publication is being written, its checkpoint is in the list and its
// tiles are there, but not yet its head: such a ledger has to go on from the head's.
func (a *auditor) rootAt(nodes proofs.Nodes, size uint64) (proofs.Hash, error) {
	if size > a.x.Size {
		nodes = proofs.TileNodes(size, a.readTile)
		got, err := nodes.Root(a.x.Size)
		if err != nil {
			return proofs.Hash{}, err
		}
		if got != a.x.Root {
			return proofs.Hash{}, fmt.Errorf("size %d does not go on from the head's %d: root %s there, want %s", size, a.x.Size, got, a.x.Root)
		}
	}
	return nodes.Root(size)
}

func (a *auditor) pastCheckpoint(l proofs.HistoryLine, root proofs.Hash) error {
	b, err := a.p.Read(a.ctx, l.Path())
	if err != nil {
		return err
	}
	if got := proofs.Hash(sha256.Sum256(b)); got != l.File {
		return fmt.Errorf("its content hashes to %s", got)
	}
	s, err := a.signed(b, proofs.AnyTime) // also one that was published since the audit began
	if err != nil {
		return err
	}
	if s.Size != l.Size || s.Root != root {
		return fmt.Errorf("size %d and root %s were signed, but the ledger has root %s at size %d", s.Size, s.Root, root, l.Size)
	}
	return nil
}

// signed verifies a checkpoint with the trust file of its epoch.
func (a *auditor) signed(b []byte, now int64) (*proofs.Signed, error) {
	if err := a.readEarlier(); err != nil {
		return nil, err
	}
	return a.t.VerifyPast(b, a.earlier, now)
}

func (a *auditor) readEarlier() (err error) {
	if a.earlier == nil && a.t.Previous != nil {
		a.earlier, err = portal.Earlier(a.ctx, a.p, a.t)
	}
	return err
}

// handovers checks the proof by which each epoch has agreed to the next. Where an epoch's keys were lost there is none.
func (a *auditor) handovers() error {
	next := a.t
	for _, t := range a.earlier {
		path := proofs.HandoverPath(next.Epoch)
		b, err := a.p.Read(a.ctx, path)
		if err == nil {
			_, err = t.Follow(next.Marshal(), b, proofs.AnyTime)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", path, err)
		}
		next = t
	}
	return nil
}

// trust compares the published trust file and its policy with the trust file in hand.
func (a *auditor) trust() error {
	path := fmt.Sprintf("trust/%d", a.t.Epoch)
	for path, want := range map[string][]byte{path: a.t.Marshal(), "policy": a.t.PolicyText} {
		got, err := a.p.Read(a.ctx, path)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s: differs from the trust file that this audit rests on", path)
		}
	}
	return nil
}
