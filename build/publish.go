package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"stele/build/registry"
	"stele/build/verifier"
	"stele/proofs"
)

// publishResult is the JSON answer of publish.
type publishResult struct {
	Publication uint64          `json:"publication"`
	Size        uint64          `json:"size"`
	Root        string          `json:"root"`
	Time        string          `json:"time"`
	Added       int             `json:"added"`
	Heartbeat   bool            `json:"heartbeat"`
	Keys        uint64          `json:"keys"`
	Refused     []refusal       `json:"refused"`
	RefusedFile string          `json:"refused_file,omitempty"`
	Public      string          `json:"public"`
	Epoch       uint64          `json:"epoch"`
	Proposed    bool            `json:"proposed"`
	Proposal    *proposalResult `json:"proposal,omitempty"`
	Held        bool            `json:"held,omitempty"`
	Stale       string          `json:"stale,omitempty"`
	Witnessed   []string        `json:"witnessed,omitempty"`
	Witnesses   []witnessFault  `json:"witness_faults,omitempty"`
	LeftOut     []string        `json:"left_out,omitempty"`
	Pushed      []pushedTo      `json:"pushed,omitempty"`
}

// A proposalResult is what waits.
type proposalResult struct {
	Size      uint64       `json:"size"`
	Root      string       `json:"root"`
	Since     string       `json:"since"`
	Added     int          `json:"added"`
	Renewal   bool         `json:"renewal"`
	Change    bool         `json:"change_of_trust"`
	Epoch     uint64       `json:"epoch"`
	Waits     string       `json:"waits_for"` // officers or witnesses
	Officers  quorumResult `json:"officers"`
	Witnesses quorumResult `json:"witnesses"`
}

// A quorumResult is how far a quorum is.
type quorumResult struct {
	Have    int      `json:"have"`
	Needed  int      `json:"needed"`
	Met     bool     `json:"met"`
	Signed  []string `json:"signed"`
	Missing []string `json:"missing"`
}

// A witnessFault is why a witness has not signed.
type witnessFault struct {
	Witness string `json:"witness"`
	URL     string `json:"url"`
	Kind    string `json:"kind"`
	Error   string `json:"error"`
	Hint    string `json:"hint,omitempty"`
}

func quorumOf(q proofs.QuorumReport) quorumResult {
	r := quorumResult{Have: q.Have, Needed: q.Needed, Met: q.Met, Signed: []string{}, Missing: []string{}}
	for _, m := range q.Members {
		if name := memberName(m); m.Met {
			r.Signed = append(r.Signed, name)
		} else {
			r.Missing = append(r.Missing, name)
		}
	}
	return r
}

// memberName names a member of a quorum: a key by the name that it signs under, a group by its name in the policy.
func memberName(m proofs.MemberReport) string { return cmp.Or(m.Key, m.Name) }

func faultsOf(p *registry.Publication) []witnessFault {
	var out []witnessFault
	for _, f := range p.Faults {
		out = append(out, witnessFault{f.Peer.Name, f.Peer.URL, string(f.Kind), f.Err.Error(), f.Hint})
	}
	return out
}

func proposalOf(p *registry.Publication) *proposalResult {
	q := p.Proposal
	if q == nil {
		return nil
	}
	return &proposalResult{q.Size, q.Root.String(), stamp(q.Since), q.Added, q.Renewal, q.Change, q.Epoch, waitsFor(q),
		quorumOf(q.Officers), quorumOf(q.Witnesses)}
}

func waitsFor(q *registry.Proposal) string {
	if q.ForWitnesses() {
		return "witnesses"
	}
	return "officers"
}

// A refusal is a statement that was not taken.
type refusal struct {
	Statement string `json:"statement"` // SHA-256 of its text
	Subject   string `json:"subject"`   // sha256: and the document's, issuer: and the authority's name
	Action    string `json:"action"`
	Reason    string `json:"reason"`
}

// refusals names the statements that were refused. One that is not even a statement is named by its bytes alone.
func refusals(p *registry.Publication) []refusal {
	out := []refusal{}
	for _, f := range p.Refused {
		text, r := string(f.Entry), refusal{Reason: f.Why.Error()}
		if note, env, err := proofs.ParseEntry(f.Entry); err == nil {
			text, r.Subject, r.Action = note.Text, env.Selector, env.Action
		}
		r.Reason = strings.TrimPrefix(r.Reason, r.Action+": ")
		r.Statement = statementID(text)
		out = append(out, r)
	}
	return out
}

// statementID is a statement's identity: FORMAT.md, section 5.
func statementID(text string) string { return proofs.Hash(sha256.Sum256([]byte(text))).String() }

func runPublish(c *cli) error {
	var o registry.Options
	var approvals list
	var to edges
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.Var(&approvals, "approval", "a `FILE` that stele approve has written; may be repeated")
		fs.BoolVar(&o.Anew, "anew", false, "propose what is pending too, in place of a proposal that waits: officers approve anew")
		fs.BoolVar(&o.NoHandover, "no-handover", false, "a change of trust without the old officers and witnesses, where they cannot be had any more: nobody can follow it by itself")
		to.define(fs)
	})
	if err == nil {
		err = to.check()
	}
	if err != nil {
		return err
	}
	if len(args) > 0 {
		hint := "stele publish --registry " + shell(args[0])
		if notAFile(args[0]) == nil {
			hint = "stele register " + shell(args[0]) + ", then stele publish"
		}
		return usage(hint, "publish takes no arguments, got %s", shown(args[0]))
	}
	if o.Approvals, err = readApprovals(approvals); err != nil {
		return err
	}
	r, err := c.open()
	if err == nil {
		err = to.load(r)
	}
	if err != nil {
		return err
	}
	p, err := c.publishBy(r, func(ctx context.Context) (*registry.Publication, error) { return r.PublishWith(ctx, o) })
	if err != nil {
		return err
	}
	if err := c.tellAndPush(r, p, &to); err != nil {
		return err
	}
	if len(p.Refused) > 0 {
		return exit(1)
	}
	return nil
}

// tellAndPush tells what was published, and brings it to the edges. In JSON both are one answer. Where officers have to approve, what is published is
// brought, and not what is proposed.
func (c *cli) tellAndPush(r *registry.Registry, p *registry.Publication, to *edges) error {
	if !c.json {
		if err := c.tellPublish(r, p, nil); err != nil {
			return err
		}
	}
	if p.Number == 0 && len(to.to) > 0 {
		c.note("note: nothing is published yet that could be brought to an edge")
		to = &edges{}
	}
	pushed, err := c.pushAll(r, to)
	if err != nil {
		return err
	}
	if !c.json {
		return c.tellPushed(pushed)
	}
	if err := c.tellPublish(r, p, pushed); err != nil {
		return err
	}
	if err := c.tellPushed(pushed); err != nil { // stdout has it already
		c.note("stele: %s", plain(err))
		c.note("hint: %s", c.inRegistry(hintFor(err)))
		return exit(1)
	}
	return nil
}

// readApprovals reads files of approvals.
func readApprovals(paths []string) ([][]byte, error) {
	var all [][]byte
	for _, path := range paths {
		if err := notAFile(path); err != nil {
			return nil, usage("name a file that stele approve has written", "--approval %s: %v", shown(path), err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if _, err := proofs.ParseNote(b); err != nil {
			return nil, &registry.Error{Err: fmt.Errorf("--approval %s: no approval: %w", shown(path), err), Hint: "name a file that stele approve --out has written"}
		}
		all = append(all, b)
	}
	return all, nil
}

// publishBy publishes the ledger, then the portal's pages. Pages that cannot be made do not undo a publication. A publisher that finds
// nothing to do returns nil.
func (c *cli) publishBy(r *registry.Registry, publish publishing) (*registry.Publication, error) {
	defer c.bar.clear()
	r.Stage = c.bar.stage
	files, noFiles := verifier.Get(c.ctx)
	if noFiles == nil {
		c.registerVerifier(r, files)
	}
	p, err := c.withStaff(r, publish)(c.ctx)
	if p == nil || err != nil {
		return nil, err
	}
	c.noteRefused(p)
	c.noteWitnesses(p)
	if p.Number == 0 { // nothing was ever published: there is nothing to show
		return p, nil
	}
	c.bar.stage("making the portal's pages")
	err = noFiles
	if err == nil {
		err = r.WriteSite(c.ctx, files)
	}
	if errors.Is(err, verifier.ErrNoSource) {
		c.note("note: the portal's pages were not written: %v\nhint: %s", err, withPages)
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the ledger is published, the portal's pages are not: %w", err)
	}
	return p, nil
}

// registerVerifier registers the verifier in one file that the portal will serve, if it is a new one. Whatever stands in
// its way, documents are published.
func (c *cli) registerVerifier(r *registry.Registry, files *verifier.Files) {
	c.bar.stage("registering the verifier in one file")
	switch _, err := r.RegisterVerifier(c.ctx, files.WASM, files.Exec); {
	case errors.Is(err, registry.ErrNoVerifierKey):
		if own := registry.VerifierName(r.Trust.Origin); !r.Trust.Demo {
			c.note("note: verify.html, the verifier in one file, is not registered: %s is not accredited, or its key is not here\nhint: %s",
				own, c.inRegistry("stele accredit "+own+" --kind verifier"))
		}
	case err != nil:
		c.note("note: verify.html, the verifier in one file, was not registered: %v", err)
	}
}

// mostRefused is how many refused statements are told one by one.
const mostRefused = 20

// noteRefused names the statements that were refused, and the file that keeps them.
func (c *cli) noteRefused(p *registry.Publication) {
	all := refusals(p)
	if len(all) == 0 {
		return
	}
	for _, f := range all[:min(len(all), mostRefused)] {
		what := cmp.Or(f.Action, "statement") + " " + cmp.Or(f.Subject, f.Statement)
		c.note("refused: %s: %s", what, f.Reason)
	}
	if n := len(all) - mostRefused; n > 0 {
		c.note("and %d more, see %s", n, shown(p.RefusedFile))
	} else {
		c.note("kept in %s", shown(p.RefusedFile))
	}
}

// noteWitnesses tells why witnesses have not signed, and who had no room on the checkpoint.
func (c *cli) noteWitnesses(p *registry.Publication) {
	for _, f := range p.Faults {
		c.note("witness %s (%s): %v", f.Peer.Name, f.Kind, f.Err)
		if f.Hint != "" {
			c.note("hint: %s", f.Hint)
		}
	}
	if len(p.LeftOut) > 0 {
		c.note("note: a checkpoint holds %d signatures; left out: %s", proofs.MaxSignatures, strings.Join(p.LeftOut, ", "))
	}
	if p.Held {
		c.note("note: a change of the trust file is prepared, and nothing else goes into the ledger before it\nhint: the root signs it: stele trust; or stele trust cancel")
	}
	if p.Stale != "" {
		c.note("note: what is published could not be signed again: %s", p.Stale)
	}
}

func (c *cli) tellPublish(r *registry.Registry, p *registry.Publication, pushed []pushedTo) error {
	if c.json {
		root, time := p.Checkpoint.Root.String(), stamp(p.Time)
		if p.Number == 0 { // nothing is published yet
			root, time = "", ""
		}
		return c.printJSON(publishResult{p.Number, p.Checkpoint.Size, root, time, p.Added, p.Heartbeat,
			p.Keys, refusals(p), p.RefusedFile, r.Public(), p.Epoch, p.Proposal != nil, proposalOf(p), p.Held, p.Stale, p.Witnessed, faultsOf(p), p.LeftOut, pushed})
	}
	if p.Number > 0 {
		c.tellPublished(p)
	} else {
		fmt.Fprintln(c.stdout, "nothing is published yet")
	}
	c.tellProposal(p.Proposal)
	fmt.Fprintln(c.stdout, shown(r.Public()))
	return nil
}

func (c *cli) tellPublished(p *registry.Publication) {
	what := plural(p.Added, "statement", "statements") + " added"
	switch {
	case p.Heartbeat:
		what = "nothing new; signed again"
	case p.Stale != "":
		what = "nothing new, and not signed again"
	}
	if p.Heartbeat && p.Proposal != nil {
		what = "as before; signed again"
	}
	fmt.Fprintf(c.stdout, "publication %d: %s\nsize %d, root %s, signed %s\n", p.Number, what, p.Checkpoint.Size, p.Checkpoint.Root, stamp(p.Time))
	if len(p.Witnessed) > 0 {
		fmt.Fprintf(c.stdout, "witnessed by %s\n", strings.Join(p.Witnessed, ", "))
	}
}

// tellProposal tells what waits, and for whom.
func (c *cli) tellProposal(q *registry.Proposal) {
	if q == nil {
		return
	}
	what := plural(q.Added, "statement", "statements")
	switch {
	case q.Renewal:
		what = "the published ledger again, since approvals grow old"
	case q.Change:
		what = fmt.Sprintf("a change of the trust file, to the officers and witnesses of epoch %d", q.Epoch)
	}
	fmt.Fprintf(c.stdout, "proposed %s: %s\nsize %d, root %s\n", stamp(q.Since), what, q.Size, q.Root)
	c.tellQuorum("officers", quorumOf(q.Officers))
	if q.ForWitnesses() {
		c.tellQuorum("witnesses", quorumOf(q.Witnesses))
		c.note("hint: run stele publish again once the missing witnesses answer")
	} else {
		c.note("hint: each officer runs stele approve --portal URL --policy TRUST --keys DIR; where the portal is not served, with --out FILE,\nand here: %s", c.inRegistry("stele publish --approval FILE"))
	}
}

func (c *cli) tellQuorum(what string, q quorumResult) {
	if q.Needed == 0 {
		return
	}
	fmt.Fprintf(c.stdout, "%s: %d of the %d needed", what, q.Have, q.Needed)
	if len(q.Signed) > 0 {
		fmt.Fprintf(c.stdout, "; signed: %s", strings.Join(q.Signed, ", "))
	}
	if len(q.Missing) > 0 && !q.Met { // who is not needed any more is not missing
		fmt.Fprintf(c.stdout, "; missing: %s", strings.Join(q.Missing, ", "))
	}
	fmt.Fprintln(c.stdout)
}
