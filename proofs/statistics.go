package proofs

// The statistics that a registry publishes beside its ledger (FORMAT.md, section 19).

import (
	"cmp"
	"slices"
	"strings"
)

// StatisticsPath is the path of the statistics below the portal's root.
const StatisticsPath = "ledger/statistics"

const (
	statisticsFormat = "stele.statistics/1"
	noKind           = "-"

	// seriesAge is for how many publications every one stays in the series; then every second for as many again, and so on.
	seriesAge = 64
)

// Statistics tell people how a registry has grown and who has issued what. No verdict rests on them; an audit counts again.
type Statistics struct {
	Registry string // the ledger's origin
	Series   []Growth
	Counts   []Count // ascending
}

// A Growth is what one publication came to.
type Growth struct {
	Publication uint64
	Size        uint64 // of the ledger
	Keys        uint64 // documents in the map
	Time        int64  // of the index statement, seconds
}

// A Count is how many entries of one issuer, action and kind the records hold about their own keys.
type Count struct {
	Issuer string
	Action string // a word
	Kind   string // of a register, else "-"
	Number uint64
}

// CountOf is what an entry counts as, once.
func CountOf(e *Entry) Count {
	c := Count{e.Envelope.Issuer, e.Envelope.Action, noKind, 1}
	if e.Statement != nil && e.Statement.Action == ActionRegister {
		c.Kind = e.Statement.Kind
	}
	return c
}

// Clone copies a count, whose words may be pieces of a larger text.
func (c Count) Clone() Count {
	return Count{strings.Clone(c.Issuer), strings.Clone(c.Action), strings.Clone(c.Kind), c.Number}
}

// Compare orders counts by issuer, action and kind, bytewise.
func (c Count) Compare(o Count) int {
	return cmp.Or(cmp.Compare(c.Issuer, o.Issuer), cmp.Compare(c.Action, o.Action), cmp.Compare(c.Kind, o.Kind))
}

// InSeries reports whether a publication stands in the series of a later one or its own: the first, the newest 128, and of
// the older ones every second, fourth, eighth, and so on.
func InSeries(publication, newest uint64) bool {
	step := uint64(1)
	for age := newest - publication; age >= 2*seriesAge*step; {
		step *= 2
	}
	return publication == 1 || publication%step == 0
}

// Marshal formats the file.
func (s *Statistics) Marshal() []byte {
	b := []byte(statisticsFormat + "\nregistry " + s.Registry + "\n")
	for _, g := range s.Series {
		b = append(b, "at "+utoa(g.Publication)+" "+utoa(g.Size)+" "+utoa(g.Keys)+" "+utoa(uint64(g.Time))+"\n"...)
	}
	for _, c := range s.Counts {
		b = append(b, "count "+c.Issuer+" "+c.Action+" "+c.Kind+" "+utoa(c.Number)+"\n"...)
	}
	return b
}

// ParseStatistics parses the file.
func ParseStatistics(b []byte) (*Statistics, error) {
	const what = "statistics"
	text, ok := strings.CutSuffix(string(b), "\n")
	lines := strings.Split(text, "\n")
	if !ok || len(lines) < 3 || lines[0] != statisticsFormat {
		return nil, malformed(what, "want ", quote(statisticsFormat), ", a registry and a publication at least, each on a line")
	}
	s := &Statistics{}
	if s.Registry, ok = strings.CutPrefix(lines[1], "registry "); !ok || !IsName(s.Registry) {
		return nil, malformed(what, "line 2: ", quote(lines[1]), ": want \"registry\" and an origin")
	}
	for i, line := range lines[2:] {
		if !s.take(strings.Split(line, " ")) {
			return nil, malformed(what, "line ", itoa(i+3), ": ", quote(line), ": not in order, or neither a publication nor a count")
		}
	}
	if len(s.Series) == 0 {
		return nil, malformed(what, "no publication")
	}
	newest := s.Series[len(s.Series)-1].Publication
	for i, g := range s.Series {
		if !InSeries(g.Publication, newest) {
			return nil, malformed(what, "line ", itoa(i+3), ": publication ", utoa(g.Publication), " is not in the series of ", utoa(newest))
		}
	}
	return s, nil
}

func (s *Statistics) take(field []string) bool {
	switch {
	case len(field) == 5 && field[0] == "at" && len(s.Counts) == 0:
		return s.takeGrowth(field[1:])
	case len(field) == 5 && field[0] == "count":
		n, ok := parseDecimal(field[4])
		c := Count{field[1], field[2], field[3], n}
		last := len(s.Counts) - 1
		if !ok || n == 0 || !IsName(c.Issuer) || !IsWord(c.Action) || !IsWord(c.Kind) && c.Kind != noKind || last >= 0 && s.Counts[last].Compare(c) >= 0 {
			return false
		}
		s.Counts = append(s.Counts, c)
		return true
	}
	return false
}

func (s *Statistics) takeGrowth(field []string) bool {
	var n [4]uint64
	for i := range n {
		var ok bool
		if n[i], ok = parseDecimal(field[i]); !ok {
			return false
		}
	}
	g := Growth{n[0], n[1], n[2], int64(n[3])}
	if last := len(s.Series) - 1; g.Publication == 0 || last >= 0 && (s.Series[last].Publication >= g.Publication ||
		s.Series[last].Size >= g.Size || s.Series[last].Keys > g.Keys || s.Series[last].Time >= g.Time) {
		return false
	}
	s.Series = append(s.Series, g)
	return true
}

// Grow adds a publication to the series, and drops those that no longer stand in it.
func (s *Statistics) Grow(g Growth) {
	s.Series = append(s.Series, g)
	s.Series = slices.DeleteFunc(s.Series, func(o Growth) bool { return !InSeries(o.Publication, g.Publication) })
}

// Count adds to a count.
func (s *Statistics) Count(c Count) {
	i, found := slices.BinarySearchFunc(s.Counts, c, Count.Compare)
	if found {
		s.Counts[i].Number += c.Number
	} else {
		s.Counts = slices.Insert(s.Counts, i, c)
	}
}

// Clone copies the statistics, which Grow and Count change.
func (s *Statistics) Clone() *Statistics {
	return &Statistics{s.Registry, slices.Clone(s.Series), slices.Clone(s.Counts)}
}
