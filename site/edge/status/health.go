package status

import (
	"context"
	"slices"

	"stele/proofs"
)

// Format names what /health.json holds.
const Format = "stele.health/1"

// Health is how an edge stands at one moment, as /health.json tells it. Times are RFC 3339 in UTC, null where there is none.
type Health struct {
	Format      string  `json:"format"`
	Status      string  `json:"status"`
	Now         *string `json:"now"`
	Origin      string  `json:"origin"`
	Publication uint64  `json:"publication"`
	Size        uint64  `json:"size"`
	Root        string  `json:"root"`        // SHA-256, hex; empty where nothing is published
	Set         string  `json:"set"`         // SHA-256 of the set's text, hex; likewise
	Epoch       uint64  `json:"epoch"`       // of the trust file
	Published   *string `json:"published"`   // when the files in force were put together
	AsOf        *string `json:"as_of"`       // what is in force is known to hold as of then
	StaleAfter  int64   `json:"stale_after"` // seconds: evidence older than that is stale
	FreshUntil  *string `json:"fresh_until"` // as_of + stale_after
	Stale       bool    `json:"stale"`
	Every       int64   `json:"every"`      // seconds between publications; 0 where that is not known
	NextDue     *string `json:"next_due"`   // as_of + every; published + every where that is earlier
	LateAfter   *string `json:"late_after"` // with some grace
	Late        bool    `json:"late"`
	Officers    Quorum  `json:"officers"`
	Witnesses   Quorum  `json:"witnesses"`
	Signed      Signed  `json:"signed"`      // who has, of those whose signatures count
	Checked     *string `json:"checked"`     // when outside views were compared last
	Undelivered int     `json:"undelivered"` // messages that the webhook has not taken yet
	Views       []View  `json:"views"`
	Alarms      []Told  `json:"alarms"`

	judged *judged
}

// A Quorum is how many have signed, of how many who may, and how many have to.
type Quorum struct {
	Have   int  `json:"have"`
	Needed int  `json:"needed"`
	Of     int  `json:"of"`
	Met    bool `json:"met"`
}

// Signed is who has signed what is in force, in the order of the trust file.
type Signed struct {
	Officers  []Member `json:"officers"`
	Witnesses []Member `json:"witnesses"`
}

// A Member is a key of the trust file, or a group of them.
type Member struct {
	Name    string   `json:"name"`
	Met     bool     `json:"met"`               // it has signed, and not too long ago; of a group, as many as have to
	Time    *string  `json:"time"`              // of its signature; null without one, and for a group
	Members []Member `json:"members,omitempty"` // of a group
}

// Told is an alarm that stands, or a fault that shows now.
type Told struct {
	Code     string  `json:"code"`
	Severity string  `json:"severity"`
	Since    *string `json:"since"`
	Message  string  `json:"message"`
	View     string  `json:"view,omitempty"`
	Evidence string  `json:"evidence,omitempty"` // its address
}

// A View is what was seen last of an outside view.
type View struct {
	URL    string  `json:"url"`
	Result string  `json:"result"`
	Size   uint64  `json:"size"`
	Root   string  `json:"root,omitempty"`
	Seen   *string `json:"seen"` // when it answered last
}

func when(unix int64) *string {
	if unix == 0 {
		return nil
	}
	t := stamp(unix)
	return &t
}

// Health is how the edge stands now.
func (s *Status) Health(ctx context.Context) *Health {
	h := &Health{Format: Format, Now: when(s.Now().Unix()), Origin: s.Source.Trust.Origin, Epoch: s.Source.Trust.Epoch, StaleAfter: s.Source.Trust.StaleAfter,
		Every: int64(s.Every.Seconds()), Alarms: []Told{}, Signed: Signed{[]Member{}, []Member{}}}
	st, _, errState := s.load(ctx)
	found, errCurrent := s.read(ctx, h)
	if errCurrent != nil {
		found = append(found, outage(errCurrent))
	} else if errState != nil {
		found = append(found, outage(errState))
	}
	h.Checked, h.Undelivered, h.Views = when(st.Checked), len(st.Queue), s.views(st)
	h.tell(s, st, found)
	h.Status = h.state(errCurrent != nil || errState != nil)
	return h
}

// read fills in what the publication in force says, and returns what is wrong with it.
func (s *Status) read(ctx context.Context, h *Health) ([]Fault, error) {
	j, err := s.judge(ctx)
	if err != nil {
		s.Log.Error("health: the publication in force cannot be judged", "error", err)
		return nil, err
	}
	h.judged, h.Epoch, h.StaleAfter = j, j.trust.Epoch, j.trust.StaleAfter
	if j.Set == nil {
		return nil, nil
	}
	found := s.faults(j)
	h.Late, h.Stale = holds(found, CodeLate), holds(found, CodeStale)
	next, late := s.due(j)
	h.Publication, h.Size, h.Root, h.Set = j.Set.Publication, j.signed.Size, j.signed.Root.String(), j.ID.String()
	h.Published, h.AsOf, h.FreshUntil, h.NextDue, h.LateAfter = when(j.Time), when(j.signed.AsOf), when(j.freshUntil()), when(next), when(late)
	h.Officers, h.Witnesses = quorumOf(j.signed.Officers), quorumOf(j.signed.Witnesses)
	h.Signed = Signed{membersOf(j.signed.Officers), membersOf(j.signed.Witnesses)}
	return found, nil
}

func quorumOf(q proofs.QuorumReport) Quorum { return Quorum{q.Have, q.Needed, q.Of, q.Met} }

func membersOf(q proofs.QuorumReport) []Member {
	list := []Member{}
	for _, m := range q.Members {
		it := Member{Name: m.Called(), Met: m.Met, Time: when(m.Time)}
		if m.Key == "" {
			it.Members = membersOf(m.QuorumReport)
		}
		list = append(list, it)
	}
	return list
}

func holds(found []Fault, code string) bool {
	return slices.ContainsFunc(found, func(f Fault) bool { return f.Code == code })
}

// views are the outside views in the order in which they are configured.
func (s *Status) views(st *state) []View {
	all := []View{}
	for _, url := range s.Views {
		v := View{URL: url, Result: NotYet}
		if seen := st.Views[url]; seen != nil {
			v = View{url, seen.Result, seen.Size, seen.Root, when(seen.Seen)}
		}
		all = append(all, v)
	}
	return all
}

// tell lists what shows now, and what the last check has found that does not show by itself.
func (h *Health) tell(s *Status, st *state, found []Fault) {
	for _, f := range found {
		since := f.since
		if a, stands := st.Alarms[f.key()]; stands && since == 0 {
			since = a.Since
		}
		h.Alarms = append(h.Alarms, Told{f.Code, f.Severity, when(since), f.public(), f.Subject, ""})
	}
	for _, a := range st.sorted() {
		if found := shown[a.Code]; !found {
			h.Alarms = append(h.Alarms, Told{a.Code, a.Severity, when(a.Since), a.public(), a.Subject, a.Evidence})
		}
	}
}

// public is what everybody is told of a fault. Why something cannot be read names hosts and stores that are no concern of theirs: the log and the
// webhook say it.
func (f Fault) public() string {
	switch f.Code {
	case CodeOutage:
		return "what is in force cannot be read, or cannot be judged"
	case CodeUnreachable:
		return f.Subject + " has not answered several times"
	}
	return f.What
}

// shown are the faults that each request finds anew.
var shown = map[string]bool{CodeLate: true, CodeStale: true, CodeQuorum: true, CodeOutage: true}

func (h *Health) state(unknown bool) string {
	serious := slices.ContainsFunc(h.Alarms, func(a Told) bool { return a.Severity == Alarm && a.Code != CodeLate && a.Code != CodeStale })
	switch {
	case unknown:
		return Unknown
	case h.judged.Set == nil:
		return Nothing
	case serious:
		return Wrong
	case h.Stale:
		return Stale
	case h.Late:
		return Late
	}
	return OK
}
