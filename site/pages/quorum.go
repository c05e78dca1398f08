package pages

import (
	"strconv"

	"stele/proofs"
	"stele/site/text"
)

func (p Page) officers() proofs.QuorumReport {
	officers, _ := p.Trust.Demanded()
	return officers
}

func (p Page) witnesses() proofs.QuorumReport {
	_, witnesses := p.Trust.Demanded()
	return witnesses
}

// demanded says how many of a quorum's members have to sign, or that nobody has to.
func (p Page) demanded(q proofs.QuorumReport) string {
	if q.Of == 0 {
		return p.say("ledger.none")
	}
	return p.filled("ledger.demanded", q)
}

func (p Page) filled(key string, q proofs.QuorumReport) string {
	return text.Fill(p.say(key), "needed", strconv.Itoa(q.Needed), "of", strconv.Itoa(q.Of))
}

// memberNote is what the policy says of a member: its algorithm, or how many of its own members have to sign.
func (p Page) memberNote(m proofs.MemberReport) string {
	if m.Key == "" {
		return p.filled("ledger.demanded", m.QuorumReport)
	}
	if said, ok := p.Text.Algorithms[m.Algorithm]; ok {
		return said
	}
	return m.Algorithm
}

// called is what a member is called.
func called(m proofs.MemberReport) string { return m.Called() }
