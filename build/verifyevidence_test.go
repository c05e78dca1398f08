package main

import (
	"strings"
	"testing"

	"stele/proofs"
)

// TestWhoElse: evidence names everybody who can have signed, so that it accuses nobody who was robbed.
func TestWhoElse(t *testing.T) {
	quorum, none := proofs.QuorumReport{Name: "officers"}, proofs.QuorumReport{Name: "none"}
	signed := func(epoch uint64, officers proofs.QuorumReport) *proofs.Signed {
		return &proofs.Signed{Epoch: epoch, Officers: officers, Witnesses: none}
	}
	const missing, alone, retired = "not all there", "nobody's signature but the log's", "whose time is over"
	for _, c := range []struct {
		one, other *proofs.Signed
		strength   string
		want       []string
	}{
		{signed(2, quorum), signed(2, quorum), proofs.StrengthPolicy, nil},
		{signed(2, quorum), signed(2, quorum), proofs.StrengthLog, []string{missing}},
		{signed(2, none), signed(2, none), proofs.StrengthPolicy, []string{alone}},
		{signed(1, quorum), signed(2, quorum), proofs.StrengthPolicy, []string{retired}},
		{signed(2, quorum), signed(1, none), proofs.StrengthPolicy, []string{alone, retired}},
		{signed(1, quorum), signed(1, quorum), proofs.StrengthLog, []string{missing, retired}},
	} {
		got := whoElse(&proofs.EvidenceReport{One: c.one, Other: c.other, Strength: c.strength}, 2)
		if strings.Count(got, "\n") != len(c.want) {
			t.Errorf("%+v: got %q, want %q", c, got, c.want)
		}
		for _, w := range c.want {
			if !strings.Contains(got, w) {
				t.Errorf("%+v: got %q, want %q", c, got, w)
			}
		}
	}
}
