// Package monitor watches a registry from outside, for those who have to know when it lies, is silent or stands still. It has no key and
// no part in the registry: it reads what everybody can read, and what the witnesses show.
//
// A round is a chain of steps, each of which finds faults, or none, or could decide nothing:
//
//	trust       who may sign: the next trust files, as far as each is proved, and that the published one is the one in hand
//	ledger      the head: that the ledger has only grown, and the index made again of what has changed (package follow); every changed file of the index
//	checkpoint  ledger/checkpoint against the head
//	history     the list of published checkpoints only grows, and each goes with the ledger
//	witnesses   what each witness has cosigned last, against what is published: a split view
//	fresh       how old the newest evidence is
//
// Faults that stay are alarms: each is told when it begins, when it changes and when it ends, and it ends only where its step could decide. What
// happens once (a statement of a watched authority, a wrong index that was put right) is told once. Messages are kept in the monitor's
// folder until they are delivered: [Messenger].
//
// Beside what package follow keeps, its folder holds `alarms` (what stands, and what is not delivered) and `history` (the list of published
// checkpoints as far as it was compared).
//
// An outage says nothing about the registry, and is never told as a forgery.
package monitor

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stele/build/follow"
	"stele/build/witness"
	"stele/proofs"
)

// What a fault is worth.
const (
	Alarm   = "alarm"   // misbehaviour, or what must not be: somebody has to look
	Outage  = "outage"  // nothing could be decided
	Warning = "warning" // not yet an alarm
)

// The codes of faults besides those of package follow.
const (
	CodeStale        = "stale"          // the newest evidence is older than stale-after
	CodeAging        = "aging"          // older than three quarters of that
	CodeSilence      = "silence"        // nothing new was heard for too long
	CodeHistory      = "history"        // the list of published checkpoints did not only grow
	CodeStatistics   = "statistics"     // the published statistics are not what was counted
	CodeWatched      = "watched"        // a statement of or about a watched authority
	CodeAhead        = "witness-ahead"  // a witness has cosigned what is not published
	CodeWitness      = "witness-outage" // a witness shows nothing
	CodeWitnessWrong = "witness-broken" // what a witness shows breaks the protocol
	CodeOwn          = "monitor"        // the monitor itself failed
	CodeWell         = "well"           // all is well, told on request
)

// aheadFor is how long a witness may be ahead of what is published, in seconds: a publication is cosigned before it is out.
const aheadFor = 15 * 60

// mostEvents is how many statements of watched authorities are told one by one in a round.
const mostEvents = 100

// A Monitor watches one registry.
type Monitor struct {
	Follower *follow.Follower
	Witness  *witness.Client
	Watch    []string                             // authorities
	Expected func() (map[proofs.Hash]bool, error) // identities of statements that are no surprise; nil for none
	Silence  time.Duration                        // 0: never
	Well     time.Duration                        // how often to tell that all is well; 0: never
	Send     Messenger

	state saved
	view  *follow.View // of this round
	seen  []*proofs.Entry
}

// A Fault is something that is not as it should be, for as long as it stays.
type Fault struct {
	Step     string `json:"step"`
	Code     string `json:"code"`
	Subject  string `json:"subject,omitempty"` // which one, where there may be several of a step
	Severity string `json:"severity"`
	What     string `json:"what"`
	Evidence string `json:"evidence,omitempty"` // where it is kept
	Hint     string `json:"hint,omitempty"`

	version   string // if this changes, it is told again
	undecided bool   // whether what was found before still holds is not known
}

func (f Fault) key() string { return f.Step + " " + f.Code + " " + f.Subject }

// A Report is what a round has found.
type Report struct {
	Registry    string    `json:"registry"`
	Time        int64     `json:"time"`
	Size        uint64    `json:"size"`
	Publication uint64    `json:"publication"`
	AsOf        int64     `json:"as_of"`
	Faults      []Fault   `json:"faults"`
	Standing    []Fault   `json:"standing"` // what was found before, and could not be decided anew
	Told        []Message `json:"told"`
	Undelivered int       `json:"undelivered"`
}

// Worst is the report's exit code: 0 all is well, 1 an alarm, 2 something could not be decided.
func (r *Report) Worst() int {
	worst := 0
	for _, f := range slices.Concat(r.Faults, r.Standing) {
		switch {
		case f.Severity == Alarm:
			return 1
		case f.Severity == Outage:
			worst = 2
		}
	}
	for _, m := range r.Told {
		if m.Severity == Alarm && m.State == Event {
			return 1
		}
	}
	return worst
}

// Open reads what the monitor keeps in the follower's folder.
func (m *Monitor) Open() error { return m.load() }

// A round is one run of all steps.
type round struct {
	*Monitor
	ctx      context.Context
	now      int64
	faults   []Fault
	decided  map[string]bool // steps
	asked    []string        // steps of witnesses
	standing []Fault         // found before, and not decided
	events   []Message
	audited  bool
}

// Round goes through all steps, tells what is to be told, and returns what it has found. The error is the monitor's own, or the context's.
func (m *Monitor) Round(ctx context.Context) (*Report, error) {
	r := &round{Monitor: m, ctx: ctx, now: m.Follower.Now().Unix(), decided: map[string]bool{}}
	m.view = nil
	for _, step := range []struct {
		name string
		do   func() error
	}{{"trust", r.trust}, {"ledger", r.ledger}, {"checkpoint", r.checkpoint}, {"history", r.history}, {"witnesses", r.witnesses}, {"fresh", r.fresh}} {
		err := step.do()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.found(step.name, err)
	}
	r.settle()
	if err := m.save(); err != nil {
		return nil, err
	}
	out := r.report()
	m.deliver(ctx)
	out.Undelivered = len(m.state.Queue)
	return out, m.save()
}

func (r *round) report() *Report {
	ix := r.Follower.Index()
	return &Report{Registry: r.Follower.Trust.Origin, Time: r.now, Size: r.Follower.Last().Size, Publication: ix.Publication, AsOf: r.state.AsOf,
		Faults: append([]Fault{}, r.faults...), Standing: append([]Fault{}, r.standing...), Told: append([]Message{}, r.events...)}
}

// found makes a fault of a step's error. Without one, or with one that says what is wrong, the step has decided.
func (r *round) found(step string, err error) {
	code := follow.Code(err)
	var own *Fault
	switch {
	case err == nil:
		r.decided[step] = true
		return
	case errors.As(err, &own):
		own.Step = step
		r.decided[step] = own.Severity != Outage && !own.undecided
		if own.Code == follow.CodeOutage {
			own.Step = "portal"
		}
		r.faults = append(r.faults, *own)
		return
	}
	f := Fault{Step: step, Code: code, Severity: Alarm, What: err.Error(), Hint: hints[code], version: code}
	switch code {
	case "":
		f.Code, f.Severity, f.Hint = CodeOwn, Outage, "look at the machine on which the monitor runs"
	case follow.CodeOutage:
		f.Severity, f.Step = Outage, "portal" // one outage, however much cannot be read
	case follow.CodeClock:
		f.Step = "clock" // likewise, and nothing is decided
	default:
		r.decided[step] = true
		f.Evidence = r.keep(err)
		f.version = code + f.Evidence
	}
	if strings.HasSuffix(f.Evidence, ".stele-evidence") {
		f.Hint += ": stele verify-evidence " + f.Evidence + " --policy TRUST-FILE"
	}
	if !slices.ContainsFunc(r.faults, f.same) {
		r.faults = append(r.faults, f)
	}
}

// same tells a fault that another step has found already.
func (f Fault) same(o Fault) bool {
	return f.Code == o.Code && (f.key() == o.key() || f.Evidence != "" && f.Evidence == o.Evidence)
}

// keep keeps the evidence of what is wrong.
func (r *round) keep(err error) string {
	v := r.view
	if v == nil {
		v = &follow.View{}
	}
	path, errKeep := r.Follower.KeepEvidence(err, v)
	if errKeep != nil {
		return fmt.Sprintf("could not be kept: %v", errKeep)
	}
	return path
}

// Error makes a fault what a step returns.
func (f *Fault) Error() string { return f.What }

var hints = map[string]string{
	follow.CodeFork:     "two histories were signed: give the evidence to the registry's officers, its witnesses and the public; anyone can check it offline",
	follow.CodeIndex:    "what the registry answers does not follow from its ledger: give the evidence's folder to its officers",
	follow.CodeRollback: "an older state is served than was seen: ask the operator whether a backup was restored, and believe nothing of the registry until it is caught up",
	follow.CodeTrust:    "who may sign is not what was agreed to: ask who holds the root's keys",
	follow.CodeDamage:   "what is served is not what was signed for: stele audit tells where",
	follow.CodeOutage:   "nothing is known against the registry; ask its operator if it stays so",
	follow.CodeClock:    "set this machine's clock; if it is right, the registry's is wrong",
	follow.CodeQuorum:   "what is served lacks the signatures that the trust file demands: do not believe it",
	follow.CodeOther:    "another registry is served there",
	follow.CodeEpoch:    "get the newest trust file by another way than the portal, and give it with --policy",
}

// trust takes up newer trust files, and compares the published one with the one in hand.
func (r *round) trust() error {
	if err := r.Follower.FollowTrust(r.ctx); err != nil {
		return err
	}
	t := r.Follower.Trust
	if r.Follower.Last().Size == 0 {
		return nil // where nothing is published yet, nor is this; an audit compares it
	}
	return r.sameTrust(t)
}

func (r *round) sameTrust(t *proofs.Trust) error {
	path := proofs.TrustPath(t.Epoch)
	b, err := r.Follower.Portal.Read(r.ctx, path)
	if err != nil {
		return &follow.Outage{Path: path, Err: err}
	}
	if string(b) != string(t.Marshal()) {
		return &follow.BadTrust{Why: path + " is another file than the one in hand"}
	}
	return nil
}

// record takes what Advance tells of each entry that counts.
func (r *round) record(e *proofs.Entry) {
	if r.watches(e) {
		r.seen = append(r.seen, e)
	}
}

// watches reports whether a statement is of or about a watched authority.
func (r *round) watches(e *proofs.Entry) bool {
	about, _ := e.Envelope.Authority()
	return slices.Contains(r.Watch, e.Envelope.Issuer) || slices.Contains(r.Watch, about)
}

// ledger follows the head.
func (r *round) ledger() error {
	f := r.Follower
	r.Monitor.seen = nil
	f.Seen = r.record
	a, err := f.Begin(r.ctx)
	if err != nil {
		return err
	}
	r.audited = a != nil
	v, err := f.Head(r.ctx)
	var outage *follow.Outage
	if errors.As(err, &outage) && outage.Missing() && f.Last().Size == 0 {
		return &Fault{Code: follow.CodeOutage, Severity: Outage, What: "nothing is published yet", Hint: hints[follow.CodeOutage]}
	}
	if err != nil {
		return err
	}
	r.Monitor.view = v
	c, err := f.Advance(r.ctx, v)
	if follow.Collected(err) { // the monitor was away for long
		r.Monitor.seen = nil
		if c, err = f.Renew(r.ctx); err == nil {
			v = c.View
		}
	}
	if err != nil {
		return err
	}
	if err := r.compareFiles(c); err != nil {
		return err
	}
	if err := r.tellChange(c); err != nil {
		return err
	}
	if err := r.save(); err != nil { // the messages before what they are about is behind us
		return err
	}
	if err := f.Keep(c); err != nil {
		return err
	}
	if v.Index.AsOf > r.state.AsOf && !v.Retired {
		r.state.AsOf, r.state.Heard = v.Index.AsOf, r.now
	}
	return r.statistics(v)
}

// compareFiles reads every file of the index again that has changed.
func (r *round) compareFiles(c *follow.Change) error {
	return follow.Parallel(len(c.Made), func(i int) error { return c.Made[i].Compare(r.ctx, r.Follower.Portal) })
}

// tellChange tells what happens once: a wrong index that others have followed, and statements of watched authorities.
func (r *round) tellChange(c *follow.Change) error {
	for _, w := range c.Wrong {
		r.event(Fault{Step: "ledger", Code: follow.CodeIndex, Severity: Alarm, What: w.Error() + "; later publications are right", Evidence: r.keep(w), Hint: hints[follow.CodeIndex]})
	}
	unexpected, err := r.unexpected()
	if err != nil {
		return err
	}
	for i, e := range unexpected {
		if i == mostEvents {
			r.event(Fault{Step: "ledger", Code: CodeWatched, Severity: Alarm, What: fmt.Sprintf("and %d more statements of or about %s", len(unexpected)-i, strings.Join(r.Watch, ", ")), Hint: watchedHint})
			break
		}
		r.event(Fault{Step: "ledger", Code: CodeWatched, Subject: e.Envelope.Issuer, Severity: Alarm, Hint: watchedHint,
			What: fmt.Sprintf("%s by %s about %s, at place %d, statement %s", e.Envelope.Action, e.Envelope.Issuer, subject(e), e.Place, identity(e.Note.Text))})
	}
	return nil
}

const watchedHint = "if that authority has not said so, its key is in other hands: it revokes the statement, and has the root retire the key"

func subject(e *proofs.Entry) string {
	if e.Envelope.Selector == "" {
		return "the registry"
	}
	return e.Envelope.Selector
}

// unexpected are the watched statements that nobody has announced.
func (r *round) unexpected() ([]*proofs.Entry, error) {
	if r.Expected == nil || len(r.seen) == 0 {
		return r.seen, nil
	}
	expected, err := r.Expected()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(r.seen), func(e *proofs.Entry) bool { return expected[identity(e.Note.Text)] }), nil
}

// identity is a statement's: FORMAT.md, section 5.
func identity(text string) proofs.Hash { return sha256.Sum256([]byte(text)) }

// statistics compares the published statistics with what was counted, where they are of the same publication.
func (r *round) statistics(v *follow.View) error {
	b, err := r.Follower.Portal.Read(r.ctx, proofs.StatisticsPath)
	if err != nil {
		return &follow.Outage{Path: proofs.StatisticsPath, Err: err}
	}
	s, err := proofs.ParseStatistics(b)
	if err != nil {
		return &follow.Damage{Path: proofs.StatisticsPath, Err: err}
	}
	want := r.Follower.Index().Statistics
	if s.Series[len(s.Series)-1].Publication == v.Index.Publication && string(b) != string(want.Marshal()) {
		return &Fault{Code: CodeStatistics, Severity: Alarm, What: "the published statistics are not what the ledger comes to", Hint: "tell the operator: stele audit names the line"}
	}
	return nil
}

// fresh compares the age of the newest evidence with what the trust file allows, and the silence with what was asked for.
func (r *round) fresh() error {
	t := r.Follower.Trust
	if r.state.Heard == 0 { // nothing was heard yet: silence is counted from here
		r.state.Heard = r.now
	}
	if silent := r.now - r.state.Heard; r.Silence > 0 && silent > int64(r.Silence/time.Second) {
		r.faults = append(r.faults, Fault{Step: "fresh", Code: CodeSilence, Severity: Alarm, What: "nothing new was heard since " + stamp(r.state.Heard),
			Hint: "ask the operator whether the registry still publishes, and look whether the monitor reaches it"})
	}
	if r.state.AsOf == 0 {
		return nil
	}
	switch age := r.now - r.state.AsOf; {
	case age > t.StaleAfter:
		return &Fault{Code: CodeStale, Severity: Alarm, What: fmt.Sprintf("the newest evidence is of %s, older than %s", stamp(r.state.AsOf), seconds(t.StaleAfter)),
			Hint: "the registry stands still, or an old state of it is served: ask its operator, and compare with what others see"}
	case age > t.StaleAfter/4*3:
		return &Fault{Code: CodeAging, Severity: Warning, What: fmt.Sprintf("the newest evidence is of %s; verdicts are stale at %s", stamp(r.state.AsOf), stamp(r.state.AsOf+t.StaleAfter)),
			Hint: "the next publication is late: ask the operator"}
	}
	return nil
}

func stamp(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

func seconds(n int64) string { return (time.Duration(n) * time.Second).String() }
