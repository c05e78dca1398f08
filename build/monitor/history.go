package monitor

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"stele/build/durable"
	"stele/build/follow"
	"stele/build/portal"
	"stele/proofs"
)

// checkpoint compares ledger/checkpoint, which others' tools read, with the head: one ledger, and no more than one publication apart.
func (r *round) checkpoint() error {
	const path = "ledger/checkpoint"
	f := r.Follower
	b, err := f.Portal.Read(r.ctx, path)
	if errors.Is(err, fs.ErrNotExist) && f.Last().Size == 0 {
		return nil
	}
	if err != nil {
		return &follow.Outage{Path: path, Err: err}
	}
	s, current, err := r.verify(b)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := r.compare(b); err != nil {
		return err
	}
	if current && s.AsOf > r.state.AsOf {
		r.state.AsOf, r.state.Heard = s.AsOf, r.now
	}
	return nil
}

// verify verifies a published checkpoint with the trust file of its epoch, which may have begun since this round has: current tells that it is the present
// one's.
func (r *round) verify(b []byte) (s *proofs.Signed, current bool, err error) {
	if s, current, err = r.verifyNow(b); err != nil && r.Follower.NewerTrust(r.ctx) {
		s, current, err = r.verifyNow(b)
	}
	return s, current, err
}

func (r *round) verifyNow(b []byte) (s *proofs.Signed, current bool, err error) {
	t := r.Follower.Trust
	if s, err = t.VerifyCheckpoint(b, r.now); err == nil || t.Previous == nil {
		return s, true, err
	}
	earlier, errEarlier := r.earlier()
	if errEarlier != nil {
		return nil, false, errEarlier
	}
	s, err = t.VerifyPast(b, earlier, r.now)
	return s, err == nil && s.Epoch == t.Epoch, err
}

// earlier are the trust files of the epochs before, newest first.
func (r *round) earlier() ([]*proofs.Trust, error) {
	t := r.Follower.Trust
	if all := r.Follower.Earlier(); len(all) > 0 || t.Previous == nil {
		return all, nil
	}
	all, err := portal.Earlier(r.ctx, r.Follower.Portal, t)
	if err != nil {
		return nil, &follow.Outage{Path: proofs.TrustPath(t.Epoch - 1), Err: err}
	}
	return all, nil
}

// compare compares a signed checkpoint with the newest that was gone through.
func (r *round) compare(b []byte) error {
	head, err := proofs.ParseHead(r.Follower.LastHead())
	if err != nil {
		return nil // nothing is published yet
	}
	return r.Follower.Compare(r.ctx, b, head.Proof.Checkpoint)
}

const historyFile = "history"

// history: the list of published checkpoints only grows, and every new one goes with the ledger. What was compared is kept.
func (r *round) history() error {
	f := r.Follower
	path := filepath.Join(f.Dir(), historyFile)
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	now, err := f.Portal.Read(r.ctx, proofs.HistoryPath)
	if errors.Is(err, fs.ErrNotExist) && f.Last().Size == 0 {
		return nil
	}
	if err != nil {
		return &follow.Outage{Path: proofs.HistoryPath, Err: err}
	}
	if !bytes.HasPrefix(now, before) {
		return r.changedHistory(before, now)
	}
	lines, err := proofs.ParseHistory(now)
	if err != nil {
		return &follow.Damage{Path: proofs.HistoryPath, Err: err}
	}
	known := bytes.Count(before, []byte("\n"))
	if r.audited && before == nil { // which has compared all that there was
		for known < len(lines) && lines[known].Size <= f.Last().Size {
			known++
		}
	}
	for known < len(lines) && lines[known].Size <= f.Last().Size && err == nil {
		if err = r.pastCheckpoint(lines[known]); err == nil {
			known++
		}
	}
	if known > bytes.Count(before, []byte("\n")) {
		if err := durable.WriteFile(path, proofs.FormatHistory(lines[:known]), 0o600); err != nil {
			return err
		}
	}
	return err
}

// changedHistory tells a list that was changed from one that an old copy serves.
func (r *round) changedHistory(before, now []byte) error {
	if bytes.HasPrefix(before, now) {
		return &Fault{Code: CodeHistory, Severity: Warning, What: "the list of published checkpoints is shorter than it was: an old copy", version: "old"}
	}
	path, err := r.Follower.KeepFiles("history", map[string][]byte{"seen-before": before, "now": now})
	if err != nil {
		return err
	}
	return &Fault{Code: CodeHistory, Severity: Alarm, What: "the list of published checkpoints did not only grow: what was published is no longer told", Evidence: path,
		Hint: "ask the operator what has become of the checkpoints that are missing; the evidence holds both lists", version: path}
}

func (r *round) pastCheckpoint(l proofs.HistoryLine) error {
	b, err := r.Follower.Portal.Read(r.ctx, l.Path())
	if err != nil {
		return &follow.Outage{Path: l.Path(), Err: err}
	}
	if got := proofs.Hash(sha256.Sum256(b)); got != l.File {
		return &follow.Damage{Path: l.Path(), Err: fmt.Errorf("its content hashes to %s", got)}
	}
	s, _, err := r.verify(b)
	if err == nil && s.Size != l.Size {
		err = &follow.Damage{Path: l.Path(), Err: fmt.Errorf("is of size %d", s.Size)}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", l.Path(), err)
	}
	return r.compare(b)
}
