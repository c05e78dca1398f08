package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"stele/build/durable"
	"stele/build/follow"
	"stele/build/keys"
	"stele/build/registry"
	"stele/proofs"
)

// maxApprovalAnswer is the most that is read of a registry's answer to an approval, in bytes.
const maxApprovalAnswer = 1 << 20

// approval is one run of approve: an officer looks at what is proposed and signs it, on a machine of their own.
type approval struct {
	*cli
	k     *check
	keys  string
	state string
	out   string
	to    string
	yes   bool

	f      *follow.Follower
	view   *follow.View
	change *follow.Change
	shown  *follow.Change     // all since this folder was used last
	before proofs.Authorities // as they stood then
	store  *keys.Store
	mine   []*proofs.Key // the officers' keys of the folder
}

func runApprove(c *cli) error {
	a := &approval{cli: c, k: &check{}}
	args, err := c.parse(func(fs *flag.FlagSet) {
		a.k.flags(fs)
		fs.StringVar(&a.keys, "keys", "keys", "`folder` of the officer's keys")
		fs.StringVar(&a.state, "state", "", "`folder` for what was seen last (default: last-seen in the folder of keys)")
		fs.StringVar(&a.out, "out", "", "write the approval to this `file` instead of sending it")
		fs.StringVar(&a.to, "to", "", "`address` of the registry's daemon (default: the portal's)")
		fs.BoolVar(&a.yes, "yes", false, "approve without being asked")
	})
	if err != nil {
		return err
	}
	if err := a.check(args); err != nil {
		return err
	}
	return a.decided(a.run())
}

func (a *approval) check(args []string) error {
	switch {
	case len(args) > 0:
		return usage("stele approve --portal "+shell(args[0])+" --policy TRUST --keys DIR", "approve takes no arguments, got %s", shown(args[0]))
	case a.k.portal == "" || a.k.policy == "":
		return usage("stele approve --portal https://registry.gov.example --policy TRUST --keys DIR", "approve needs the portal and a trust file that came another way")
	case a.out != "" && a.to != "":
		return usage("leave one of them out", "--out and --to are both given")
	case a.json && !a.yes:
		return usage("look at it first without --json; then add --yes", "--json asks nothing")
	}
	if a.to == "" && a.out == "" {
		if !strings.HasPrefix(a.k.portal, "http") {
			return usage("add --out FILE, and take the file to whoever publishes", "the portal is a folder: there is nowhere to send the approval to")
		}
		a.to = a.k.portal
	}
	if a.state == "" {
		a.state = filepath.Join(a.keys, "last-seen")
	}
	return a.k.open(a.cli)
}

// decided tells an outage, which decides nothing, from a refusal.
func (a *approval) decided(err error) error {
	if err == nil || a.ctx.Err() != nil {
		return err
	}
	code := follow.Code(err)
	if code == "" {
		return err
	}
	a.tellError(err, approveHints[code])
	if code == follow.CodeOutage {
		return exit(2)
	}
	return exit(1)
}

var approveHints = map[string]string{
	follow.CodeOutage:   "nothing was approved, and nothing is known against the registry; try again, and ask its operator if it stays so",
	follow.CodeClock:    "set the clock of this machine; if it is right, do not approve, and ask who publishes",
	follow.CodeFork:     "do not approve; give the evidence to the other officers and the witnesses: anyone can check it with stele verify-evidence",
	follow.CodeIndex:    "do not approve; keep the folder named above and show it to whoever publishes and to the other officers",
	follow.CodeTrust:    "do not approve; ask who holds the root's keys",
	follow.CodeRollback: "do not approve: this was overtaken, or an old copy is served; fetch again, and ask who publishes if it stays so",
	follow.CodeDamage:   "do not approve; who publishes should audit the portal: stele audit",
	follow.CodeQuorum:   "do not approve: the log itself has not signed it",
	follow.CodeOther:    "give the portal and the trust file of one registry: --portal and --policy",
	follow.CodeEpoch:    "get the newest trust file by another way than the portal: --policy",
}

// run goes from what was seen last to a signature. What was gone through is kept before anything is signed: an officer never approves
// two trees of which neither grows from the other.
func (a *approval) run() error {
	var err error
	if a.f, err = openFollower(a.cli, a.state, a.k); err != nil {
		return err
	}
	defer a.f.Close()
	if err := a.begin(); err != nil {
		return err
	}
	if a.view, err = a.f.Proposal(a.ctx); err != nil {
		return a.refused(err)
	}
	if a.view == nil {
		return a.nothing()
	}
	if err := a.findKeys(); err != nil {
		return err
	}
	if err := a.overtaken(); err != nil {
		return a.refused(err)
	}
	if a.before, err = a.f.Index().ReadAuthorities(a.f.Trust); err != nil {
		return err
	}
	a.change, err = a.f.Advance(a.ctx, a.view)
	if a.shown = a.change; follow.Collected(err) {
		err = a.renew()
	}
	a.bar.clear()
	if err != nil {
		return a.refused(err)
	}
	if !a.json {
		a.tell()
	}
	if err := a.ask(); err != nil {
		return err
	}
	return a.approve()
}

// renew goes on from what is published now, where what was seen last is so long ago that its index was deleted.
func (a *approval) renew() error {
	a.note("what this folder has seen last is so long ago that all that is published is audited anew")
	c, err := a.f.Renew(a.ctx)
	if err == nil {
		err = a.f.Keep(c)
	}
	if err == nil {
		a.change, err = a.f.Advance(a.ctx, a.view)
	}
	if err == nil {
		a.shown = a.change.With(c)
	}
	return err
}

// openFollower opens a follower's folder for a command.
func openFollower(c *cli, dir string, k *check) (*follow.Follower, error) {
	f, err := follow.Open(dir, k.trust, k.from)
	switch {
	case errors.Is(err, durable.ErrLocked):
		return nil, &registry.Error{Err: fmt.Errorf("another stele works with %s", shown(dir)), Hint: "wait for it to end, or name another folder with --state"}
	case err != nil && follow.Code(err) == follow.CodeOther:
		return nil, &registry.Error{Err: err, Hint: "name another folder with --state: each registry has its own"}
	case err != nil:
		return nil, &registry.Error{Err: err, Hint: "restore " + shell(dir) + " from a backup; whoever begins with an empty folder has forgotten what was seen, and is told so by nobody"}
	}
	f.Progress = func(what string, done, of uint64) { c.bar.show("%d of %d %s", done, of, what) }
	return f, nil
}

// begin takes up newer trust files, and the first time what is published.
func (a *approval) begin() error {
	if err := a.f.FollowTrust(a.ctx); err != nil {
		return err
	}
	if !a.f.Begun() {
		a.note("this folder has seen nothing yet: all that is published is audited once")
	}
	_, err := a.f.Begin(a.ctx)
	a.bar.clear()
	return err
}

// overtaken compares the proposal with what is published: it has to go on from there.
func (a *approval) overtaken() error {
	head, err := a.f.Head(a.ctx)
	var outage *follow.Outage
	if errors.As(err, &outage) && outage.Missing() && a.f.Last().Size == 0 {
		return nil // the first publication
	}
	if err != nil {
		return err
	}
	if err := a.f.Compare(a.ctx, head.Note(), a.view.Note()); err != nil {
		return err
	}
	if head.Checkpoint().Size > a.view.Checkpoint().Size {
		return &follow.Rollback{Seen: head.Checkpoint(), Got: a.view.Checkpoint()}
	}
	return nil
}

// refused keeps the evidence of what is wrong, and names it.
func (a *approval) refused(err error) error {
	path, errKeep := a.f.KeepEvidence(err, a.view)
	switch {
	case errKeep != nil:
		a.note("the evidence could not be kept: %s", plain(errKeep))
	case path != "":
		a.note("evidence: %s", shown(path))
	}
	if code := follow.Code(err); code != "" && code != follow.CodeOutage {
		return fmt.Errorf("refused (%s): %w", code, err)
	}
	return err
}

func (a *approval) nothing() error {
	if a.json {
		return a.printJSON(map[string]any{"proposed": false, "size": a.f.Last().Size})
	}
	fmt.Fprintf(a.stdout, "%s: nothing waits for approval\n", shown(a.k.from.String()))
	return nil
}

// officers are the policies in which this proposal may be approved: of a change of trust, both.
func (a *approval) officers() []*proofs.Trust {
	if a.view.Next != nil {
		return []*proofs.Trust{a.f.Trust, a.view.Next}
	}
	return []*proofs.Trust{a.f.Trust}
}

// findKeys finds, by their public halves, the officers' keys that the folder holds.
func (a *approval) findKeys() error {
	var err error
	if a.store, err = keys.Open(a.keys, a.passphrase()); err != nil {
		return err
	}
	a.store.AllowDemo = a.f.Trust.Demo
	infos, err := a.store.List()
	if err != nil {
		return err
	}
	var names []string
	for _, t := range a.officers() {
		for _, i := range t.Policy.Leaves(t.Officers) {
			k := t.Policy.Witnesses[i].Key
			names = append(names, k.Name)
			have := slices.ContainsFunc(infos, func(h keys.Info) bool { return h.Private && h.Key.Equal(k) })
			if have && !slices.ContainsFunc(a.mine, k.Equal) {
				a.mine = append(a.mine, k)
			}
		}
	}
	// The post-quantum one first: it is the one that every policy counts.
	slices.SortStableFunc(a.mine, func(x, y *proofs.Key) int { return int(y.Type) - int(x.Type) })
	slices.Sort(names)
	switch names = slices.Compact(names); {
	case len(names) == 0:
		return &registry.Error{Err: errors.New("the trust file names no officers: this registry's publications need no approval"), Hint: "name them with stele trust, where the registry is"}
	case len(a.mine) == 0:
		return &registry.Error{Err: fmt.Errorf("%s holds no key of an officer; they are %s", shown(a.keys), shown(strings.Join(names, ", "))),
			Hint: "name the folder of your keys with --keys"}
	}
	return nil
}

// ask asks for the new size, or yes.
func (a *approval) ask() error {
	if a.yes {
		return nil
	}
	size := strconv.FormatUint(a.change.New.Size, 10)
	fmt.Fprintf(a.stderr, "Approve it as %s? Type the new size, %s, or yes: ", visible(a.names()), size)
	answer, err := readAnswer(a.stdin)
	if answer == "yes" || answer == size {
		return nil
	}
	if errors.Is(err, io.EOF) {
		fmt.Fprintln(a.stderr)
	}
	if answer == "" {
		return &registry.Error{Err: errors.New("not approved: no answer was given"), Hint: "answer with the new size, " + size + ", or yes; where nobody can be asked, add --yes after looking"}
	}
	return &registry.Error{Err: errors.New("not approved: nothing was signed"),
		Hint: "if this is not what you expect, tell the registry's office; to approve it after all, run the command again and answer " + size + " or yes"}
}

// readAnswer reads a line, a byte at a time so as to take nothing that comes after it.
func readAnswer(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < 100; {
		n, err := r.Read(b)
		if n == 1 && b[0] == '\n' || err != nil {
			return strings.TrimSpace(string(line)), err
		}
		line = append(line, b[:n]...)
	}
	return string(line), nil
}

// names are those under which the keys sign.
func (a *approval) names() string {
	var names []string
	for _, k := range a.mine {
		if !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	return strings.Join(names, ", ")
}

// approve keeps what was gone through, then signs and hands the cosignatures out.
func (a *approval) approve() error {
	var signers []proofs.Signer
	for _, k := range a.mine {
		s, err := a.store.SignerFor(k)
		if err != nil {
			return err
		}
		signers = append(signers, s)
	}
	if err := a.f.Keep(a.change); err != nil {
		return err
	}
	note := &proofs.Note{Text: a.change.New.Text()}
	for _, s := range signers {
		line, err := proofs.Cosign(s, a.change.New, time.Now().Unix())
		if err != nil {
			return err
		}
		note.Signatures = append(note.Signatures, line)
	}
	if a.out != "" {
		return a.write(note.Marshal())
	}
	return a.send(note.Marshal())
}

func (a *approval) write(note []byte) error {
	if err := durable.WriteFile(a.out, note, 0o644); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(a.result(map[string]any{"file": a.out}))
	}
	fmt.Fprintf(a.stdout, "approved as %s: %s\nNext, where the registry is: stele publish --approval %s\n", visible(a.names()), shown(a.out), shell(a.out))
	return nil
}

// approvalAnswer is the daemon's.
type approvalAnswer struct {
	Size     uint64 `json:"size"`
	Root     string `json:"root"`
	Officers struct {
		Have   int  `json:"have"`
		Needed int  `json:"needed"`
		Met    bool `json:"met"`
	} `json:"officers"`
	Published bool   `json:"published"`
	Error     string `json:"error"`
}

func (a *approval) send(note []byte) error {
	answer, err := sendApproval(a.ctx, strings.TrimSuffix(a.to, "/")+"/v1/approvals", note)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(a.result(map[string]any{"to": a.to, "officers": answer.Officers, "published": answer.Published}))
	}
	fmt.Fprintf(a.stdout, "approved as %s: %d of the %d approvals needed are there", visible(a.names()), answer.Officers.Have, answer.Officers.Needed)
	switch {
	case answer.Published:
		fmt.Fprint(a.stdout, ", and it is published")
	case answer.Officers.Met:
		fmt.Fprint(a.stdout, "; it is published next")
	}
	fmt.Fprintln(a.stdout)
	return nil
}

// sendApproval hands an approval to the registry's daemon.
func sendApproval(ctx context.Context, url string, note []byte) (*approvalAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(note))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	res, err := (&http.Client{Timeout: 2 * time.Minute}).Do(req)
	if err != nil {
		return nil, &registry.Error{Err: fmt.Errorf("the approval is signed and was not sent: %s: %s", url, unreachable(err)),
			Hint: "type the same command again; or add --out FILE and take the file to whoever publishes"}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxApprovalAnswer))
	if err != nil {
		return nil, err
	}
	answer := &approvalAnswer{}
	errJSON := json.Unmarshal(b, answer)
	switch {
	case res.StatusCode == http.StatusOK && errJSON == nil:
		return answer, nil
	case res.StatusCode == http.StatusConflict:
		return nil, &registry.Error{Err: fmt.Errorf("the approval was not taken: %s", overtakenText(answer)), Hint: "type the same command again: it shows what is proposed now"}
	case answer.Error != "":
		return nil, &registry.Error{Err: fmt.Errorf("the approval was not taken: %s: %s", res.Status, answer.Error), Hint: "ask who publishes"}
	}
	return nil, &registry.Error{Err: fmt.Errorf("the approval was not taken: %s answered %s", url, res.Status),
		Hint: "look whether that is the address of stele serve: --to; or add --out FILE and take the file to whoever publishes"}
}

func overtakenText(answer *approvalAnswer) string {
	text := answer.Error
	if text == "" {
		text = "it is overtaken, or published already"
	}
	if answer.Size > 0 {
		text += fmt.Sprintf(" (size %d)", answer.Size)
	}
	return text
}
