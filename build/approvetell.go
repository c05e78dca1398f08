package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"stele/proofs"
)

// tell shows in plain words what is proposed: sizes, counts, then one by one what officers should look at.
func (a *approval) tell() {
	c, x := a.shown, a.view.Index
	fmt.Fprintf(a.stdout, "%s: publication %d is proposed\n", shown(a.f.Trust.Origin), x.Publication)
	a.fact("before", a.sizeText(c.Old.Size, "nothing is published"))
	a.fact("after", a.sizeText(c.New.Size, ""))
	a.fact("root", c.New.Root.String())
	a.fact("drawn up", stamp(x.Time)+ageText(time.Now().Unix()-x.Time))
	a.fact("documents", fmt.Sprintf("%d; authorities: %d", x.Keys, x.Issuers))
	if c.Again() {
		fmt.Fprintln(a.stdout, "This is the tree that you have seen already: nothing is added, the approval is renewed.")
	} else {
		a.fact("index", "rebuilt from the ledger, and as proposed")
		a.tellAdded()
	}
	for _, line := range a.trustLines() {
		fmt.Fprintln(a.stdout, visible(line))
	}
	a.tellApprovals()
}

func (a *approval) sizeText(size uint64, none string) string {
	if size == 0 {
		return none
	}
	return fmt.Sprintf("%d entries", size)
}

// ageText says how long ago something was drawn up, where that is worth a second look.
func ageText(seconds int64) string {
	if hours := seconds / 3600; hours >= 1 {
		return fmt.Sprintf(" (%d hours ago)", hours)
	}
	return ""
}

func (a *approval) tellAdded() {
	c := a.shown
	fmt.Fprintln(a.stdout, "It adds:")
	for _, n := range c.Counts {
		fmt.Fprintf(a.stdout, "  %8d  %s\n", n.Number, strings.TrimSpace(n.Issuer+" "+n.Action+" "+strings.Trim(n.Kind, "-")))
	}
	if len(c.Counts) == 0 {
		fmt.Fprintln(a.stdout, "  no statement about a document or an authority")
	}
	if c.Void > 0 {
		fmt.Fprintf(a.stdout, "  %8d  that count for nothing: repeats, or not authorised\n", c.Void)
	}
	if n := len(c.Publications); n > 1 {
		fmt.Fprintf(a.stdout, "  in %d publications since you looked last\n", n)
	}
	for _, w := range c.Wrong {
		fmt.Fprintf(a.stdout, "  ! an earlier publication was wrong: %s\n", visible(w.Error()))
	}
	if lines := a.sensitiveLines(); len(lines) > 0 {
		fmt.Fprintln(a.stdout, "Look at these one by one:")
		for _, line := range lines {
			fmt.Fprintf(a.stdout, "  %s\n", visible(line))
		}
	}
}

// sensitiveLines tell each sensitive statement, what is about authorities and the registry first.
func (a *approval) sensitiveLines() []string {
	as := a.before.Clone()
	all := slices.Clone(a.shown.Sensitive)
	slices.SortStableFunc(all, func(x, y *proofs.Entry) int { return sensitiveRank(x) - sensitiveRank(y) })
	var lines []string
	for _, e := range all {
		lines = append(lines, sensitiveLine(e, as)...)
		if e.Envelope.Issuer == a.f.Trust.RootName() {
			as.Apply(e)
		}
	}
	for _, n := range a.shown.More {
		lines = append(lines, fmt.Sprintf("and %d more: %s by %s", n.Number, n.Action, n.Issuer))
	}
	return lines
}

// sensitiveRank is the order in which they are told: what is not understood, the registry itself, authorities, documents; each in ledger order.
func sensitiveRank(e *proofs.Entry) int {
	_, authority := e.Envelope.Authority()
	switch {
	case e.Statement == nil:
		return 0
	case e.Envelope.Selector == "":
		return 1
	case authority:
		return 2
	}
	return 3
}

// sensitiveLine tells one statement in words.
func sensitiveLine(e *proofs.Entry, as proofs.Authorities) []string {
	s := e.Statement
	if s == nil {
		return []string{fmt.Sprintf("not understood: %s by %s about %s, at place %d", e.Envelope.Action, e.Envelope.Issuer, cmp.Or(e.Envelope.Selector, "the registry"), e.Place)}
	}
	switch s.Action {
	case proofs.ActionAccredit:
		return accreditLines(s, as[s.Authority].Stands())
	case proofs.ActionWithdraw:
		line := "withdraw " + s.Authority
		if s.From != nil {
			line += fmt.Sprintf(", whose statements from place %d on are not believed", *s.From)
		}
		return []string{line + reasonText(s.Reason)}
	case proofs.ActionTrust:
		return []string{fmt.Sprintf("trust: who may sign changes with epoch %d, see below", s.Epoch)}
	case proofs.ActionRollover:
		return []string{"rollover: this registry is to be succeeded by " + s.NextRegistry}
	}
	return []string{fmt.Sprintf("%s %s by %s%s", s.Action, e.Envelope.Selector, s.Issuer, reasonText(s.Reason))}
}

func reasonText(reason string) string {
	if reason == "" {
		return ""
	}
	return fmt.Sprintf(": %q", reason)
}

// kindsInWords names kinds of documents; * stands for every kind.
func kindsInWords(kinds []string) string {
	if slices.Equal(kinds, []string{"*"}) {
		return "every kind of document"
	}
	return strings.Join(kinds, ", ")
}

// accreditLines tell what an accreditation changes.
func accreditLines(s, before *proofs.Statement) []string {
	if before == nil {
		lines := []string{fmt.Sprintf("accredit %s, %q, which may not issue so far, for: %s", s.Authority, s.Title, kindsInWords(s.Kinds))}
		return append(lines, keyLines("  key", s.Keys)...)
	}
	lines := []string{fmt.Sprintf("accredit %s, which may issue already; what changes:", s.Authority)}
	if s.Title != before.Title {
		lines = append(lines, fmt.Sprintf("  title: %q, so far %q", s.Title, before.Title))
	}
	if !slices.Equal(s.Kinds, before.Kinds) {
		lines = append(lines, fmt.Sprintf("  kinds: %s, so far %s", kindsInWords(s.Kinds), kindsInWords(before.Kinds)))
	}
	lines = append(lines, keyLines("  new key", without(s.Keys, before.Keys))...)
	lines = append(lines, keyLines("  key that is retired", without(before.Keys, s.Keys))...)
	if len(lines) == 1 {
		lines = append(lines, "  nothing")
	}
	return lines
}

func keyLines(what string, all []*proofs.Key) []string {
	var lines []string
	for _, k := range all {
		lines = append(lines, what+": "+k.String())
	}
	return lines
}

// without are the keys of one list that another has not.
func without(all, other []*proofs.Key) []*proofs.Key {
	var out []*proofs.Key
	for _, k := range all {
		if !slices.ContainsFunc(other, k.Equal) {
			out = append(out, k)
		}
	}
	return out
}

// trustLines tell who may sign before and after, where that changes.
func (a *approval) trustLines() []string {
	if a.view.Next == nil {
		return nil
	}
	lines := []string{fmt.Sprintf("Who may sign is to change: trust file of epoch %d, fingerprint %s", a.view.Next.Epoch, a.view.Next.ID())}
	for _, d := range trustDifferences(a.f.Trust, a.view.Next) {
		lines = append(lines, fmt.Sprintf("  %s\n    so far: %s\n    then:   %s", d.what, d.before, d.after))
	}
	return append(lines, "  Compare the trust file with one that you were given another way, before you approve.")
}

// A trustDifference is one line of a trust file in words, before and after.
type trustDifference struct{ what, before, after string }

func trustDifferences(t, next *proofs.Trust) []trustDifference {
	words := func(t *proofs.Trust) []string {
		officers, witnesses := t.Demanded()
		return []string{t.Title, fmt.Sprintf("%d of %d: %s", t.RootThreshold, len(t.RootKeys), keysInWords(t.RootKeys)), keysInWords([]*proofs.Key{t.Publication}),
			keysInWords(logKeys(t)), quorumInWords(officers), quorumInWords(witnesses), ownKeys(t), demandedDigests(t),
			(time.Duration(t.StaleAfter) * time.Second).String(), (time.Duration(t.ApprovalAge) * time.Second).String(), policyKeys(t)}
	}
	before, after := words(t), words(next)
	var out []trustDifference
	for i, what := range []string{"title", "root keys", "publication key", "log key (Ed25519)", "officers", "witnesses", "log key (ML-DSA-44)", "digests", "answers are fresh for", "approvals count for", "keys of officers and witnesses"} {
		if before[i] != after[i] {
			out = append(out, trustDifference{what, before[i], after[i]})
		}
	}
	return out
}

func logKeys(t *proofs.Trust) []*proofs.Key {
	var out []*proofs.Key
	for _, l := range t.Policy.Logs {
		out = append(out, l.Key)
	}
	return out
}

func ownKeys(t *proofs.Trust) string {
	var own []*proofs.Key
	for _, w := range t.Policy.Witnesses {
		if w.Key.Name == t.Origin && w.Key.Type == proofs.MLDSA44Key {
			own = append(own, w.Key)
		}
	}
	return keysInWords(own)
}

// policyKeys names every key below the two roles by its ID: a key may change behind a name that stays.
func policyKeys(t *proofs.Trust) string {
	var all []*proofs.Key
	for _, role := range []string{t.Officers, t.Witnesses} {
		for _, i := range t.Policy.Leaves(role) {
			all = append(all, t.Policy.Witnesses[i].Key)
		}
	}
	return keysInWords(all)
}

func keysInWords(all []*proofs.Key) string {
	var words []string
	for _, k := range all {
		words = append(words, fmt.Sprintf("%s+%08x (%s)", k.Name, k.ID(), k.Type))
	}
	return cmp.Or(strings.Join(words, ", "), "none")
}

func demandedDigests(t *proofs.Trust) string {
	if t.NeedSHA3 {
		return "SHA-256 and SHA3-512"
	}
	return "SHA-256"
}

// quorumInWords tells a quorum: how many of whom.
func quorumInWords(q proofs.QuorumReport) string {
	if q.Name == "none" {
		return "none"
	}
	if len(q.Members) == 0 {
		return q.Name
	}
	var members []string
	for _, m := range q.Members {
		word := m.Key
		if m.Key == "" {
			word = "(" + quorumInWords(m.QuorumReport) + ")"
		} else if m.Algorithm != "" {
			word += " " + m.Algorithm
		}
		members = append(members, word)
	}
	return fmt.Sprintf("%d of %d: %s", q.Needed, q.Of, strings.Join(members, ", "))
}

// tellApprovals tells how many officers have approved so far.
func (a *approval) tellApprovals() {
	for i, t := range a.officers() {
		s, _, err := t.Examine(a.view.Note(), time.Now().Unix())
		if err != nil {
			continue // of the round of the other policy
		}
		what := "approvals"
		if i > 0 {
			what = "of the new officers"
		}
		a.fact(what, fmt.Sprintf("%d of the %d needed", s.Officers.Have, s.Officers.Needed))
	}
}

// result is the JSON answer.
func (a *approval) result(more map[string]any) map[string]any {
	c := a.shown
	out := map[string]any{"proposed": true, "approved": true, "publication": a.view.Index.Publication, "old_size": c.Old.Size, "size": c.New.Size,
		"root": c.New.Root.String(), "again": c.Again(), "void": c.Void, "as": strings.Split(a.names(), ", "), "counts": countsJSON(c.Counts), "sensitive": a.sensitiveJSON(), "look_at": a.lookAt()}
	if n := a.view.Next; n != nil {
		trust := map[string]any{"epoch": n.Epoch, "sha256": n.ID().String()}
		for _, d := range trustDifferences(a.f.Trust, n) {
			trust[d.what] = map[string]string{"before": d.before, "after": d.after}
		}
		out["trust"] = trust
	}
	for name, v := range more {
		out[name] = v
	}
	return out
}

type countResult struct {
	Issuer string `json:"issuer"`
	Action string `json:"action"`
	Kind   string `json:"kind,omitempty"`
	Number uint64 `json:"number"`
}

func countsJSON(counts []proofs.Count) []countResult {
	out := []countResult{}
	for _, n := range counts {
		out = append(out, countResult{n.Issuer, n.Action, strings.Trim(n.Kind, "-"), n.Number})
	}
	return out
}

type sensitiveResult struct {
	Place   uint64 `json:"place"`
	Issuer  string `json:"issuer"`
	Action  string `json:"action"`
	Subject string `json:"subject,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// lookAt is what the text asks officers to look at, for a program that shows it to one.
func (a *approval) lookAt() []string { return append([]string{}, a.sensitiveLines()...) }

func (a *approval) sensitiveJSON() []sensitiveResult {
	out := []sensitiveResult{}
	for _, e := range a.shown.Sensitive {
		r := sensitiveResult{Place: e.Place, Issuer: e.Envelope.Issuer, Action: e.Envelope.Action, Subject: e.Envelope.Selector}
		if e.Statement != nil {
			r.Reason = e.Statement.Reason
		}
		out = append(out, r)
	}
	return out
}
