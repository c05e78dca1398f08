package audit

import (
	"fmt"
	"slices"

	"stele/proofs"
)

// statistics compares the published statistics with what was counted. They may be of a later publication than the head that
// this audit began with, but of none after the one that is being written now.
func (a *auditor) statistics(counted *proofs.Statistics) error {
	b, err := a.p.Read(a.ctx, proofs.StatisticsPath)
	if err != nil {
		return err
	}
	s, err := proofs.ParseStatistics(b)
	if err == nil && s.Registry != counted.Registry {
		err = fmt.Errorf("of the registry %s, want %s", s.Registry, counted.Registry)
	}
	if err == nil {
		err = compareSeries(s.Series, counted.Series)
	}
	if err == nil {
		err = compareCounts(s.Counts, counted.Counts, s.Series[len(s.Series)-1].Publication > a.x.Publication)
	}
	if err == nil {
		err = a.notAhead(s.Series[len(s.Series)-1].Publication)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", proofs.StatisticsPath, err)
	}
	return nil
}

// compareSeries compares the publications up to the audited one.
func compareSeries(have, want []proofs.Growth) error {
	newest, audited := have[len(have)-1].Publication, want[len(want)-1].Publication
	if newest < audited {
		return fmt.Errorf("ends with publication %d, want %d", newest, audited)
	}
	want = slices.DeleteFunc(slices.Clone(want), func(g proofs.Growth) bool { return !proofs.InSeries(g.Publication, newest) })
	for i, g := range want {
		if i >= len(have) || have[i] != g {
			return fmt.Errorf("want a line \"at %d %d %d %d\" as number %d", g.Publication, g.Size, g.Keys, g.Time, i+1)
		}
	}
	if len(have) > len(want) && have[len(want)].Publication <= audited {
		return fmt.Errorf("publication %d does not belong there", have[len(want)].Publication)
	}
	return nil
}

// compareCounts compares counts; later ones may be more and greater.
func compareCounts(have, want []proofs.Count, later bool) error {
	find := func(in []proofs.Count, c proofs.Count) uint64 {
		if i, ok := slices.BinarySearchFunc(in, c, proofs.Count.Compare); ok {
			return in[i].Number
		}
		return 0
	}
	for _, c := range want {
		if n := find(have, c); n < c.Number || n > c.Number && !later {
			return fmt.Errorf("%s %s %s: %d, but counted %d", c.Issuer, c.Action, c.Kind, n, c.Number)
		}
	}
	for _, c := range have {
		if !later && find(want, c) == 0 {
			return fmt.Errorf("%s %s %s: %d, but counted none", c.Issuer, c.Action, c.Kind, c.Number)
		}
	}
	return nil
}

// notAhead: they are written before their head, so that at most one publication lies between them and the head that is there now.
func (a *auditor) notAhead(publication uint64) error {
	if publication <= a.x.Publication {
		return nil
	}
	raw, err := a.p.Read(a.ctx, proofs.HeadPath)
	if err != nil {
		return err
	}
	head, err := proofs.ParseHead(raw)
	if err != nil {
		return err
	}
	e, err := a.t.Authorise(nil, head.Proof.Index, head.Statement)
	if err == nil && (e.Statement == nil || e.Statement.Index == nil || e.Statement.Index.Publication+1 < publication) {
		err = fmt.Errorf("of publication %d, which is not out", publication)
	}
	return err
}
