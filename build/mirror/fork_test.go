package mirror

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"stele/build/follow/followtest"
	"stele/proofs"
)

// forkOf is a registry whose third publication is another than grown's, and has a fourth.
func forkOf(r *followtest.Registry) (same, larger *followtest.Registry) {
	same = r.Clone()
	same.Register(followtest.Office, 1000, 1281)
	same.Accredit("third.test.example")
	same.Publish()
	larger = same.Clone()
	larger.Register(followtest.Office, 2000, 2040)
	larger.Publish()
	return same, larger
}

// TestFork: an origin that has signed two ledgers is never followed, whichever it shows and where; what it has signed is written down, and proves it.
func TestFork(t *testing.T) {
	base := first(t)
	left := grown(base)
	same, larger := forkOf(base)
	if left.Size() != same.Size() {
		t.Fatalf("sizes %d and %d, want the same", left.Size(), same.Size())
	}
	later := left.Clone()
	later.Register(followtest.Office, 3000, 3600)
	later.Publish()
	onlyCheckpoint := left.Clone()
	onlyCheckpoint.Put("ledger/checkpoint", same.Get("ledger/checkpoint"))
	checkpointBehind := later.Clone()
	checkpointBehind.Put("ledger/checkpoint", same.Get("ledger/checkpoint"))
	inHistory := later.Clone()
	lines, err := proofs.ParseHistory(same.Get(proofs.HistoryPath))
	must(t, err)
	own, err := proofs.ParseHistory(later.Get(proofs.HistoryPath))
	must(t, err)
	last := lines[len(lines)-1]
	inHistory.Put(last.Path(), same.Get(last.Path()))
	inHistory.Put(proofs.HistoryPath, proofs.FormatHistory(append(append(own[:3:3], last), own[3:]...)))
	for name, shown := range map[string]*followtest.Registry{"of the same size": same, "larger": larger, "smaller": nil,
		"the checkpoint of the same size": onlyCheckpoint, "a checkpoint behind the head": checkpointBehind, "in the history": inHistory} {
		t.Run(name, func(t *testing.T) {
			have := left
			if shown == nil {
				have, shown = later, same
			}
			s := newStand(t, have)
			m := openStand(t, filepath.Join(t.TempDir(), "mirror"), s, base.Trust)
			m.mustRound(t, Adopted)
			s.show(shown)
			m.Now = later.Clock
			for range 2 { // it stays so
				_, err := m.Round(context.Background())
				var fork *ForkError
				if !errors.As(err, &fork) || Code(nil, err) != "fork" || !Accuses(err) {
					t.Fatalf("got %v, want a fork", err)
				}
				wholeCopy(t, m, have)
				b, err := os.ReadFile(fork.Evidence)
				must(t, err)
				report, err := base.Trust.CheckEvidence(b, nil, later.Now)
				if err != nil || report.Kind != "fork" || report.Size != fork.One.Size || report.Strength != "policy" {
					t.Errorf("the evidence: %+v, %v", report, err)
				}
			}
			if all, _ := filepath.Glob(filepath.Join(m.Dir, "evidence", "*")); len(all) != 1 {
				t.Errorf("%d files of evidence, want 1", len(all))
			}
			s.show(later)
			if _, err := m.Round(context.Background()); err != nil {
				t.Errorf("once the origin shows the ledger again: %v", err)
			}
			wholeCopy(t, m, later)
		})
	}
}

// TestFirstTimeFork: a mirror that has seen nothing yet finds what an origin contradicts itself by.
func TestFirstTimeFork(t *testing.T) {
	base := first(t)
	left := grown(base)
	same, _ := forkOf(base)
	left.Put("ledger/checkpoint", same.Get("ledger/checkpoint"))
	s := newStand(t, left)
	m := openStand(t, filepath.Join(t.TempDir(), "mirror"), s, base.Trust)
	_, err := m.Round(context.Background())
	if Code(nil, err) != "fork" || read(t, m, proofs.HeadPath) != nil {
		t.Errorf("got %v, want a fork, and nothing adopted", err)
	}
}

// TestRollback: an older ledger proves nothing, and is not followed.
func TestRollback(t *testing.T) {
	base := first(t)
	left := grown(base)
	s := newStand(t, left)
	m := openStand(t, filepath.Join(t.TempDir(), "mirror"), s, base.Trust)
	m.mustRound(t, Adopted)
	s.show(base)
	_, err := m.Round(context.Background())
	var back *RollbackError
	if !errors.As(err, &back) || back.Have != left.Size() || back.Got != base.Size() || !Accuses(err) {
		t.Errorf("got %v, want a rollback", err)
	}
	wholeCopy(t, m, left)
	if all, _ := filepath.Glob(filepath.Join(m.Dir, "evidence", "*")); len(all) != 0 {
		t.Errorf("evidence of nothing: %v", all)
	}
	s.show(left)
	m.mustRound(t, Same)
}

// TestOlderSignatures: the same ledger with older signatures is what a cache may have: the newer ones stay.
func TestOlderSignatures(t *testing.T) {
	r := first(t)
	renewed := r.Clone()
	renewed.Now += 3600
	renewed.Release(renewed.Sign(renewed.Everybody()...))
	s := newStand(t, renewed)
	m := openStand(t, filepath.Join(t.TempDir(), "mirror"), s, r.Trust)
	m.mustRound(t, Adopted)
	s.show(r)
	m.mustRound(t, Same)
	wholeCopy(t, m, renewed)
}

// TestForgotten: a mirror whose memory is damaged goes on from what it serves, if that is whole, and else refuses to begin anew.
func TestForgotten(t *testing.T) {
	base := first(t)
	same, larger := forkOf(base)
	left := grown(base)
	s := newStand(t, left)
	dir := filepath.Join(t.TempDir(), "mirror")
	m := openStand(t, dir, s, base.Trust)
	m.mustRound(t, Adopted)
	for _, spoil := range []func(path string) error{os.Remove, func(path string) error { return os.Truncate(path, 100) }} {
		must(t, m.Close())
		must(t, spoil(m.state.Path(stateAdopted)))
		m = openStand(t, dir, s, base.Trust)
		s.show(larger)
		m.Now = larger.Clock
		if _, err := m.Round(context.Background()); Code(nil, err) != "fork" {
			t.Errorf("with its memory lost: %v, want a fork", err)
		}
		s.show(left)
		m.mustRound(t, Same)
	}
	must(t, m.Close())
	must(t, os.Truncate(m.state.Path(stateAdopted), 100))
	must(t, os.WriteFile(m.public.Path(proofs.HeadPath), same.Get(proofs.StatisticsPath), 0o644))
	if _, err := Open(context.Background(), dir, s.URL, base.Trust); err == nil {
		t.Error("opened without anything to go on from")
	}
}
