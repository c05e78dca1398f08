package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stele/build/durable"
	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
	"stele/site/edge"
	"stele/site/text"
)

// A check is what verify and receipt were asked to do.
type check struct {
	receipt, policy, portal string // as the flags name them

	trust    *proofs.Trust
	earlier  []*proofs.Trust // trust files before it that are at hand
	unpinned bool            // the trust file came from the portal itself
	from     portal.Portal
	memory   portal.Memory
	proof    []byte // the receipt
}

func (k *check) flags(fs *flag.FlagSet) {
	fs.StringVar(&k.policy, "policy", "", "the trust file, or a folder of all of them (default: the registry's)")
	fs.StringVar(&k.portal, "portal", "", "address or folder of a portal (default: the registry's)")
}

func runVerify(c *cli) error {
	k := &check{memory: portal.UserMemory()}
	args, err := c.parse(func(fs *flag.FlagSet) {
		k.flags(fs)
		fs.StringVar(&k.receipt, "receipt", "", "a receipt for the document")
	})
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return usage("stele verify FILE", "no document to verify")
	}
	if k.receipt != "" && len(args) > 1 {
		return usage("verify them one at a time, each with its receipt", "a receipt is for one document, got %d documents", len(args))
	}
	if err := k.open(c); err != nil {
		return err
	}
	worst := 0
	for _, file := range args {
		code, err := c.verify(k, file)
		if err != nil {
			return err
		}
		worst = max(worst, code)
	}
	if worst > 0 {
		return exit(worst)
	}
	return nil
}

// open finds the trust file, the portal and the receipt. With a policy and a receipt nothing else is read.
func (k *check) open(c *cli) error {
	here := registry.IsRegistry(c.registryDir)
	if k.policy == "" && k.portal == "" && !here {
		return k.nowhere(c)
	}
	if k.receipt != "" {
		if err := k.readReceipt(c); err != nil {
			return err
		}
	}
	if err := k.openPortal(c); err != nil {
		return err
	}
	if k.from == nil && k.receipt == "" {
		return usage("add --receipt FILE.tlog-proof, or --portal https://registry.gov.example", "there is a trust file, but neither a receipt nor a portal to check against")
	}
	if err := k.openTrust(c, here); err != nil {
		return err
	}
	return k.follow(c)
}

// nowhere says that nothing tells which registry is meant.
func (k *check) nowhere(c *cli) error {
	hint := "stele " + c.cmd.name + " … --portal https://registry.gov.example, or --registry DIR"
	if k.receipt != "" {
		hint = "add --policy TRUST-FILE, the registry's trust file; then no portal is needed"
	}
	if registry.IsDeployment(c.registryDir) {
		return usage(hint, "%s is %w, and neither --portal nor --policy is given", c.folder(), registry.ErrDeployment)
	}
	return usage(hint, "%s is not a registry, and neither --portal nor --policy is given", c.folder())
}

// The most that is read of a file that a stranger may have made, in bytes: FORMAT.md, section 16; a trust file is little
// more than its policy, evidence two receipts.
const (
	maxReceipt  = 4 << 20
	maxTrust    = 512 << 10
	maxEvidence = proofs.MaxEvidence
)

// readUpTo reads a file, or one byte over a limit of it, which makes it too large for whoever parses it.
func readUpTo(path string, limit int64) (b []byte, whole bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	b, err = io.ReadAll(io.LimitReader(f, limit+1))
	return b, int64(len(b)) <= limit, err
}

// readReceipt reads the receipt. One that is too large is broken, and does not hide what the registry says.
func (k *check) readReceipt(c *cli) (err error) {
	if err := notAFile(k.receipt); err != nil {
		return usage("look whether the name is spelt right; a receipt's name mostly ends in .tlog-proof", "receipt %s: %s", shown(k.receipt), about(k.receipt, err))
	}
	whole := false
	if k.proof, whole, err = readUpTo(k.receipt, maxReceipt); err == nil && !whole {
		c.note("note: %s has over %d bytes, a receipt has at most that: no more of it was read", shown(k.receipt), maxReceipt)
	}
	return err
}

// openPortal opens the portal that was named, or the registry's own.
func (k *check) openPortal(c *cli) error {
	where := k.portal
	if where == "" && k.policy != "" && (k.receipt != "" || !c.published()) {
		return nil
	}
	if where == "" {
		return k.openOwn(c)
	}
	var err error
	switch k.from, err = portal.Open(where); {
	case err != nil:
		return usage("--portal takes a folder, or an address that begins with https://", "no portal at %s: %s", shown(where), about(where, err))
	case registry.IsRegistry(where):
		return usage("--portal "+shell(filepath.Join(where, "public")), "%s is a registry's folder, not what it publishes", shown(where))
	case registry.IsDeployment(where):
		return usage(deploymentPortal(where), "%s is a deployment, not what it publishes", shown(where))
	}
	return nil
}

// deploymentPortal is what to type instead of a deployment's folder.
func deploymentPortal(dir string) string {
	return "--portal " + shell(filepath.Join(dir, edge.AssetsFolder)) + ", what was deployed; or --portal URL, where it is served"
}

// openOwn opens what the registry of --registry has published. That it has published nothing yet does not matter
// where there is a receipt.
func (k *check) openOwn(c *cli) (err error) {
	if c.published() {
		r, err := c.look()
		if err == nil {
			k.from = r.Portal()
		}
		return err
	}
	if k.receipt != "" {
		return nil
	}
	return &registry.Error{Err: fmt.Errorf("%s has not been published yet", c.folder()), Hint: "stele publish"}
}

// published reports whether there is a registry here that has published something. A trust file alone may be one that is carried along.
func (c *cli) published() bool {
	if !registry.IsRegistry(c.registryDir) {
		return false
	}
	r, err := c.look()
	if err != nil {
		return true // why it cannot be looked at is told when it is opened
	}
	for _, name := range []string{"ledger/checkpoint", proofs.HeadPath} {
		if there, err := r.Published(name); there || err != nil {
			return true
		}
	}
	return false
}

func (k *check) openTrust(c *cli, here bool) error {
	path := k.policy
	own := path == "" && k.portal == "" && here
	if own {
		path = filepath.Join(c.registryDir, "trust")
	}
	if path == "" {
		return k.openUnpinned(c)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return k.openTrustFolder(path)
	}
	if err := notAFile(path); err != nil {
		return usage("--policy takes the registry's trust file", "trust file %s: %s", shown(path), about(path, err))
	}
	b, whole, err := readUpTo(path, maxTrust)
	if err != nil {
		return err
	}
	if !whole {
		return usage("--policy takes the registry's trust file", "%s: over %d bytes, a trust file has at most that", shown(path), maxTrust)
	}
	if k.trust, err = proofs.ParseTrust(b); err != nil {
		return usage("--policy takes the registry's trust file, which begins with stele.trust/1", "%s: %v", shown(path), err)
	}
	if own && k.trust.Epoch > 1 {
		if r, err := c.look(); err == nil { // for want of them, what is older cannot be judged
			k.earlier, _ = portal.Earlier(c.ctx, r.Portal(), k.trust)
		}
	}
	return nil
}

// openUnpinned takes the trust file from the portal itself, for want of a better one.
func (k *check) openUnpinned(c *cli) error {
	t, err := portal.TrustFile(c.ctx, k.from)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &registry.Error{Err: fmt.Errorf("%s is no portal: it has no trust file", shown(k.from.String())),
			Hint: "look whether the address or folder is right; a portal's folder is called public"}
	case err != nil && c.ctx.Err() == nil:
		return &registry.Error{Err: fmt.Errorf("portal %s: %s", shown(k.from.String()), unreachable(err)),
			Hint: "look whether the address is right and the network is up"}
	}
	k.trust, k.unpinned = t, true
	return err
}

// unreachable is why an address gave no answer, without the words of each layer in between.
func unreachable(err error) string {
	var u *url.Error
	var op *net.OpError
	var call *os.SyscallError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "there is no such address as " + shown(dns.Name)
	case errors.As(err, &call):
		return call.Err.Error()
	case errors.As(err, &op):
		return op.Err.Error()
	case errors.As(err, &u):
		return u.Err.Error()
	}
	return err.Error()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// hash computes a document's digests, and shows how far it has come.
func (c *cli) hash(file string) (proofs.Digests, error) {
	defer c.bar.clear()
	of, read := "", int64(0)
	if info, err := os.Stat(file); err == nil {
		of = " of " + size(info.Size())
	}
	return registry.HashFile(c.ctx, file, make([]byte, 1<<20), func(n int) {
		read += int64(n)
		c.bar.show("%s: %s%s read", shown(file), size(read), of)
	})
}

// ask checks one document.
func (k *check) ask(c *cli, file string) (proofs.Answer, error) {
	if err := notAFile(file); err != nil {
		return proofs.Answer{}, err
	}
	d, err := c.hash(file)
	if err != nil {
		return proofs.Answer{}, err
	}
	sha3 := proofs.Hash512(d.SHA3512)
	q := proofs.Question{Trust: k.trust, Now: time.Now().Unix(), SHA256: d.SHA256, SHA3512: &sha3, Receipt: k.proof,
		Online: k.from != nil, Remembered: k.memory.Recall(k.trust), Files: map[string][]byte{}}
	for _, t := range k.before() {
		q.Files[proofs.TrustPath(t.Epoch)] = t.Marshal()
	}
	a, err := portal.Ask(c.ctx, k.from, q, nil)
	if err != nil {
		return a, err
	}
	if a.Trust != nil { // proved by its handover
		if k.trust, err = proofs.ParseTrust(a.Trust); err != nil {
			return a, err
		}
	}
	k.memory.Keep(k.trust, a.Remember)
	if k.unpinned {
		a.Report.Notices = append(a.Report.Notices, proofs.NoticeTrustUnpinned)
	}
	return a, nil
}

// verify checks one document and tells the verdict. A document that cannot be read is told as
// unavailable, and the rest go on.
func (c *cli) verify(k *check, file string) (int, error) {
	a, err := k.ask(c, file)
	if err != nil {
		if c.ctx.Err() != nil {
			return 0, err
		}
		a.Report = k.unreadable(about(file, err))
	}
	if c.json {
		if err := c.printReport(file, a.Report); err != nil {
			return 0, err
		}
	} else {
		c.tellVerdict(k, file, a.Report)
	}
	if a.Conflict != nil {
		c.keepConflict(k, file, a.Conflict)
	}
	return a.Report.Verdict.ExitCode(), nil
}

// unreadable is the report on a document that could not be read. What holds of every answer holds of this one.
func (k *check) unreadable(why string) *proofs.Report {
	r := &proofs.Report{Verdict: proofs.Unavailable, Reason: proofs.ReasonUnreadable, Detail: why,
		Registry: k.trust.Origin, Title: k.trust.Title, Demo: k.trust.Demo, Now: time.Now().Unix(), StaleAfter: k.trust.StaleAfter}
	if k.trust.Demo {
		r.Notices = append(r.Notices, proofs.NoticeDemo)
	}
	if k.unpinned {
		r.Notices = append(r.Notices, proofs.NoticeTrustUnpinned)
	}
	return r
}

// printReport prints the report with the file's name before it, on one line.
func (c *cli) printReport(file string, r *proofs.Report) error {
	name, err := json.Marshal(file)
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.stdout, printableJSON(fmt.Sprintf("{\"file\":%s,%s\n", name, r.AppendJSON(nil)[1:])))
	return err
}

// keepConflict writes the evidence into the current folder: an accusation has to be checkable. The verdict
// stands even if that fails.
func (c *cli) keepConflict(k *check, file string, evidence []byte) {
	path := filepath.Base(file) + ".stele-evidence"
	if err := durable.WriteFile(path, evidence, 0o644); err != nil {
		c.note("the evidence could not be kept: %s", plain(err))
		return
	}
	policy := k.policy
	if policy == "" && k.portal == "" {
		policy = filepath.Join(c.registryDir, "trust")
	}
	c.note("evidence: %s\nhint: anyone can check it: stele verify-evidence %s --policy %s", shown(path), shell(path), shell(cmp.Or(policy, "TRUST-FILE")))
}

// tellVerdict tells a person: the verdict, what it means, what to do, then the facts.
func (c *cli) tellVerdict(k *check, file string, r *proofs.Report) {
	t := text.English()
	w := t.Verdicts[r.Verdict]
	fmt.Fprintf(c.stdout, "%s\n%s: %s\n%s\n", shown(file), strings.ToUpper(string(r.Verdict)), w.Title, fill(w.Meaning, r))
	if r.Reason != "" {
		fmt.Fprintln(c.stdout, fill(cmp.Or(reasonsHere[r.Reason], t.Reasons[r.Reason]), r))
	}
	if l := r.Life; l != nil {
		c.tellLife(t, l)
	}
	if r.AsOf != 0 {
		c.fact("as of", stamp(r.AsOf))
	}
	c.fact("registry", r.Registry)
	for _, n := range r.Notices {
		fmt.Fprintf(c.stdout, "  ! %s\n", fill(cmp.Or(noticesHere[n], t.Notices[n]), r))
	}
	if r.Verdict == proofs.Unavailable || r.Verdict == proofs.Malformed {
		c.fact("cause", r.Detail)
	}
	if next := c.nextStep(k, file, r, w); next != "" {
		fmt.Fprintf(c.stdout, "%s\n", next)
	}
}

// The wording of the page, in package text, where it speaks of the page itself.
var (
	reasonsHere = map[proofs.Reason]string{
		proofs.ReasonOtherRegistry: "The receipt or the portal is of another registry.",
		proofs.ReasonOtherEpoch:    "It is signed with keys that the trust file does not name: with those of an earlier or a later one. --policy also takes a folder with all of them, such as a copy of the portal's folder trust.",
		proofs.ReasonTooOld:        "The registry holds something about this file that this stele is too old to understand. Use a newer one.",
	}
	noticesHere = map[proofs.Notice]string{
		proofs.NoticeTrustUnpinned: "The list of whose signatures to trust came from the portal itself. Get the trust file another way, and give it with --policy.",
	}
)

// nextStep is what to do next. Waiting helps against an outage, and against nothing else that is unavailable.
func (c *cli) nextStep(k *check, file string, r *proofs.Report, w text.Verdict) string {
	switch {
	case r.Verdict == proofs.Authentic && k.receipt == "":
		return "You can rely on it. To show this again without a network, keep a receipt: " + k.receiptCommand(c, file)
	case r.Verdict == proofs.Unaccredited:
		return "Do not rely on it. Ask for a document from an accredited issuer; the portal's page “Issuers” names them."
	case r.Verdict != proofs.Unavailable:
		return fill(w.Next, r)
	}
	switch r.Reason {
	case proofs.ReasonOutage, proofs.ReasonQuorum, proofs.ReasonBadData:
		return fill(w.Next, r)
	case proofs.ReasonUnreadable:
		return "Look whether the name is spelt right, then check the file again."
	case proofs.ReasonOtherRegistry:
		return "Give the trust file and the portal of the registry that issued the document: --policy and --portal."
	}
	return ""
}

// receiptCommand makes a receipt of what was just verified.
func (k *check) receiptCommand(c *cli, file string) string {
	command := "stele receipt " + shell(file)
	if k.portal != "" {
		command += " --portal " + shell(k.portal)
	}
	if k.policy != "" {
		command += " --policy " + shell(k.policy)
	}
	return c.inRegistry(command)
}

// fact tells one value on a line of its own.
func (c *cli) fact(name, value string) {
	if value != "" {
		fmt.Fprintf(c.stdout, "  %-11s %s\n", name, visible(value))
	}
}

// tellLife tells what the registration says, and what became of it.
func (c *cli) tellLife(t *text.Text, l *proofs.LifeReport) {
	c.fact("issuer", fmt.Sprintf("%s (%s)", l.IssuerTitle, l.Issuer))
	c.fact("kind", l.Kind)
	c.fact("issued", l.Issued+" (the issuer's claim)")
	c.fact("expires", l.Expires)
	c.fact("registered", stamp(l.Registered))
	for _, e := range l.Events {
		if e.Effect {
			c.fact(strings.ToLower(t.Actions[e.Action]), eventText(e, l.Issuer))
		}
	}
	c.fact("replaced by", l.Successor)
	if w := l.Withdrawal; w != nil {
		c.fact("withdrawn", withdrawalText(w))
	}
}

// withdrawalText tells when the issuer's accreditation was withdrawn, what of the issuer's is not believed, and why.
func withdrawalText(w *proofs.WithdrawalReport) string {
	what := stamp(w.Published)
	if w.From != nil {
		what += fmt.Sprintf(", and nothing registered from place %d of the ledger on counts", *w.From)
	}
	if w.Reason != "" {
		what += ": " + w.Reason
	}
	return what
}

// eventText tells of a later statement: when, what a link tells of, who has said it if not the registrant, and why.
func eventText(e proofs.EventReport, registrant string) string {
	what := stamp(e.Published)
	if e.Relation != "" {
		what += ", " + e.Relation
		if e.Target != "" {
			what += " " + e.Target
		}
	}
	if e.Issuer != registrant {
		what += ", by " + e.Issuer
	}
	if e.Reason != "" {
		what += ": " + e.Reason
	}
	return what
}

// fill puts a report's values into a sentence's placeholders.
func fill(sentence string, r *proofs.Report) string {
	l := r.Life
	if l == nil {
		l = &proofs.LifeReport{}
	}
	return text.Fill(sentence, "issuer", l.IssuerTitle, "asof", stamp(r.AsOf), "registered", stamp(l.Registered), "expires", l.Expires)
}
