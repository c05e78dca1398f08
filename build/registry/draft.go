package registry

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"stele/proofs"
)

// A draft is a checkpoint that is being signed, with every line that has been collected for it: the newest of each key, and
// during a change of trust those of two policies.
type draft struct {
	proofs.Checkpoint
	lines []proofs.Signature
}

// checkpoint is the draft's, nil where there is no draft.
func (d *draft) checkpoint() *proofs.Checkpoint {
	if d == nil {
		return nil
	}
	return &d.Checkpoint
}

// signedAt is when the log has said last that it has seen the tree; 0 where it has not.
func (d *draft) signedAt() int64 {
	if d == nil {
		return 0
	}
	var newest int64
	for _, s := range d.lines {
		if s.Name == d.Origin {
			newest = max(newest, timeOf(s))
		}
	}
	return newest
}

// timeOf is the time that a cosignature claims, 0 for a line that has none.
func timeOf(s proofs.Signature) int64 {
	return (&proofs.Note{Signatures: []proofs.Signature{s}}).NewestTime()
}

// add takes a line in, in place of an older one of the same key, and reports whether that changes anything.
func (d *draft) add(s proofs.Signature) bool {
	i := slices.IndexFunc(d.lines, func(o proofs.Signature) bool { return o.Name == s.Name && o.ID == s.ID })
	switch {
	case i < 0:
		d.lines = append(d.lines, s)
	case timeOf(d.lines[i]) < timeOf(s):
		d.lines[i] = s
	default:
		return false
	}
	return true
}

// addAll is add for several.
func (d *draft) addAll(lines []proofs.Signature) (changed bool) {
	for _, s := range lines {
		changed = d.add(s) || changed
	}
	return changed
}

// marshal formats a draft: as a note, but for the number of its lines.
func (d *draft) marshal() []byte {
	return (&proofs.Note{Text: d.Text(), Signatures: d.lines}).Marshal()
}

func parseDraft(b []byte) (*draft, error) {
	text, lines, ok := strings.Cut(string(b), "\n\n")
	if !ok {
		return nil, errors.New("no empty line between text and signatures")
	}
	d := &draft{}
	var err error
	if d.Checkpoint, err = proofs.ParseCheckpointText(text + "\n"); err != nil {
		return nil, err
	}
	for line := range strings.Lines(lines) {
		note, err := proofs.ParseNote([]byte(text + "\n\n" + line))
		if err != nil {
			return nil, err
		}
		d.lines = append(d.lines, note.Signatures...)
	}
	if !bytes.Equal(d.marshal(), b) {
		return nil, errors.New("not in the form in which it was written")
	}
	return d, nil
}

// reloadDraft reads state/proposed. One that is published is done with.
func (p *publisher) reloadDraft() error {
	d, err := p.readDraft()
	if d != nil && (p.signed == nil || d.Size > p.signed.Size) {
		p.draft, p.kept = d, d.marshal()
	}
	return err
}

// readDraft returns nil where nothing is proposed.
func (r *Registry) readDraft() (*draft, error) {
	b, err := r.at.State.Read(stateProposed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d, err := parseDraft(b)
	if err == nil && d.Origin != r.Trust.Origin {
		err = fmt.Errorf("of %q", d.Origin)
	}
	if err != nil {
		path := r.at.State.Path(stateProposed)
		return nil, hint("remove "+path+": the next publish proposes the same tree again, and officers approve it once more", "%s: cannot be used: %w", path, err)
	}
	return d, nil
}

// keepDraft keeps every line of the draft, if there is a new one.
func (p *publisher) keepDraft() error {
	b := p.draft.marshal()
	if bytes.Equal(b, p.kept) {
		return nil
	}
	if err := p.replace(p.at.State, stateProposed, b); err != nil {
		return err
	}
	p.kept = b
	return nil
}

// A vouched is a line that a trust file knows the key of.
type vouched struct {
	proofs.Signature
	key     *proofs.Key
	witness int   // of the policy; -1 for a log key
	time    int64 // 0 for a log key
}

// vouched verifies the lines of keys that a trust file knows. Those too new, and officers' that are too old to count, are left out.
func (d *draft) vouched(t *proofs.Trust, now int64) []vouched {
	keys := map[int]*proofs.Key{}
	for i, w := range t.Policy.Witnesses {
		keys[i] = w.Key
	}
	for i, l := range t.Policy.Logs {
		keys[-1-i] = l.Key
	}
	officers := t.Policy.Leaves(t.Officers)
	var out []vouched
	for _, s := range d.lines {
		for i, k := range keys {
			time, err := s.CheckCheckpoint(k, d.Checkpoint)
			if err != nil || time > now+maxAhead || slices.Contains(officers, i) && time < now-t.ApprovalAge {
				continue
			}
			out = append(out, vouched{s, k, max(i, -1), time})
		}
	}
	slices.SortStableFunc(out, func(a, b vouched) int { return cmp.Compare(a.witness, b.witness) })
	return out
}

// maxAhead is how far a cosignature's time may run before the clock, in seconds: FORMAT.md, section 13.
const maxAhead = 300

// note makes the checkpoint of a trust file out of the lines there are. Of more than a checkpoint holds, it chooses those that meet
// the policy, and names the others.
func (d *draft) note(t *proofs.Trust, now int64) (note []byte, left []string, err error) {
	lines := d.vouched(t, now)
	if len(lines) > proofs.MaxSignatures {
		c := &chooser{t: t, lines: lines, taken: map[int]bool{}}
		c.choose()
		if len(c.taken) > proofs.MaxSignatures {
			return nil, nil, fmt.Errorf("the policy wants %d lines on a checkpoint, which holds %d: ask fewer to sign", len(c.taken), proofs.MaxSignatures)
		}
		lines, left = c.split()
	}
	n := &proofs.Note{Text: d.Text()}
	for _, l := range lines {
		n.Signatures = append(n.Signatures, l.Signature)
	}
	return n.Marshal(), left, nil
}

// A chooser chooses lines for a checkpoint.
type chooser struct {
	t     *proofs.Trust
	lines []vouched
	taken map[int]bool // by number of the line
}

// choose takes one line of the log, the fewest that meet the policy with the newest as-of that can be had, and then the newest others.
func (c *chooser) choose() {
	c.taken[0] = true // logs come first
	c.take(c.t.Officers, 0)
	c.take(c.t.Witnesses, c.since(c.t.Witnesses))
	c.take(c.t.Policy.Quorum, 0)
	rest := make([]int, 0, len(c.lines))
	for i := range c.lines {
		if !c.taken[i] && c.lines[i].witness >= 0 {
			rest = append(rest, i)
		}
	}
	slices.SortStableFunc(rest, func(a, b int) int { return cmp.Compare(c.lines[b].time, c.lines[a].time) })
	for _, i := range rest[:min(len(rest), max(0, proofs.MaxSignatures-len(c.taken)))] {
		c.taken[i] = true
	}
}

// since is the newest time since which enough have signed to meet a name of the policy: FORMAT.md, section 13.
func (c *chooser) since(name string) int64 {
	var best int64
	for _, l := range c.lines {
		since := func(w int) bool { i := c.lineOf(w); return i >= 0 && c.lines[i].time >= l.time }
		if l.time > best && c.t.Policy.Met(name, since) {
			best = l.time
		}
	}
	return best
}

// lineOf is the line of one of the policy's witnesses, or -1.
func (c *chooser) lineOf(witness int) int {
	return slices.IndexFunc(c.lines, func(l vouched) bool { return l.witness == witness })
}

func (c *chooser) take(name string, since int64) {
	for _, i := range c.fewest(name, since) {
		c.taken[i] = true
	}
}

// fewest are the fewest lines, besides those taken, that meet a name of the policy. In a tlog-policy nothing is a member twice, so that
// the cheapest members of a group make the cheapest group. What cannot be met costs nothing: there is nothing to choose.
func (c *chooser) fewest(name string, since int64) []int {
	lines, _ := c.cheapest(name, since)
	return lines
}

func (c *chooser) cheapest(name string, since int64) (lines []int, cost int) {
	if i := slices.IndexFunc(c.t.Policy.Witnesses, func(w proofs.PolicyKey) bool { return w.Name == name }); i >= 0 {
		switch l := c.lineOf(i); {
		case l < 0 || c.lines[l].time < since:
			return nil, never
		case c.taken[l]:
			return nil, 0
		default:
			return []int{l}, 1
		}
	}
	i := slices.IndexFunc(c.t.Policy.Groups, func(g proofs.PolicyGroup) bool { return g.Name == name })
	if i < 0 { // none
		return nil, 0
	}
	type offer struct {
		lines []int
		cost  int
	}
	var offers []offer
	for _, m := range c.t.Policy.Groups[i].Members {
		l, n := c.cheapest(m, since)
		offers = append(offers, offer{l, n})
	}
	slices.SortStableFunc(offers, func(a, b offer) int { return cmp.Compare(a.cost, b.cost) })
	for _, o := range offers[:c.t.Policy.Groups[i].K] {
		if o.cost == never {
			return nil, never
		}
		lines, cost = append(lines, o.lines...), cost+o.cost
	}
	return lines, cost
}

const never = math.MaxInt32

// split tells what was taken, and the names of those that were left out.
func (c *chooser) split() (taken []vouched, left []string) {
	for i, l := range c.lines {
		if c.taken[i] {
			taken = append(taken, l)
		} else {
			left = append(left, l.key.Name+" ("+l.key.Type.String()+")")
		}
	}
	return taken, left
}
