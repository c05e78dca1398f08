package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
	"stele/site/text"
)

// A check is what verify and receipt were asked to do.
type check struct {
	receipt, policy, portal string

	trust    *proofs.Trust
	unpinned bool // the trust file came from the portal itself
	from     portal.Portal
	memory   portal.Memory
}

func (k *check) flags(fs *flag.FlagSet) {
	fs.StringVar(&k.policy, "policy", "", "the trust file (default: the registry's)")
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
	if len(args) == 0 || k.receipt != "" && len(args) > 1 {
		return usage("stele verify FILE", "verify takes a document, got %d", len(args))
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

// open finds the trust file and the portal. With a policy and a receipt nothing else is read.
func (k *check) open(c *cli) error {
	dir := c.registryDir
	isRegistry := exists(filepath.Join(dir, "trust"))
	if k.policy == "" && k.portal == "" && !isRegistry {
		return usage("stele verify FILE --portal https://registry.gov.example, or --receipt R --policy P",
			"%s is not a registry, and neither --portal nor --policy is given", dir)
	}
	where := k.portal
	if where == "" && k.policy == "" {
		where = filepath.Join(dir, "public")
	}
	var err error
	if where != "" {
		if k.from, err = portal.Open(where); err != nil && k.receipt == "" {
			return err
		}
	}
	if k.from == nil && k.receipt == "" {
		return usage("add --receipt FILE.tlog-proof, or --portal URL", "there is neither a receipt nor a portal to check against")
	}
	return k.openTrust(c, isRegistry)
}

func (k *check) openTrust(c *cli, isRegistry bool) error {
	path := k.policy
	if path == "" && k.portal == "" && isRegistry {
		path = filepath.Join(c.registryDir, "trust")
	}
	if path == "" {
		t, err := portal.TrustFile(c.ctx, k.from)
		k.trust, k.unpinned = t, true
		return err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if k.trust, err = proofs.ParseTrust(b); err != nil {
		return usage("--policy takes the registry's trust file, which begins with stele.trust/1", "%s: %v", path, err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ask checks one document.
func (k *check) ask(c *cli, file string) (proofs.Answer, error) {
	d, err := registry.HashFile(file, make([]byte, 1<<20))
	if err != nil {
		return proofs.Answer{}, err
	}
	sha3 := proofs.Hash512(d.SHA3512)
	q := proofs.Question{Trust: k.trust, Now: time.Now().Unix(), SHA256: d.SHA256, SHA3512: &sha3,
		Online: k.from != nil, Remembered: k.memory.Recall(k.trust)}
	if k.receipt != "" {
		if q.Receipt, err = os.ReadFile(k.receipt); err != nil {
			return proofs.Answer{}, err
		}
		if q.Receipt == nil {
			q.Receipt = []byte{}
		}
	}
	a, err := portal.Ask(c.ctx, k.from, q, nil)
	if err != nil {
		return a, err
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
		a.Report = &proofs.Report{Verdict: proofs.Unavailable, Reason: proofs.ReasonUnreadable, Detail: err.Error(),
			Registry: k.trust.Origin, Title: k.trust.Title, Demo: k.trust.Demo, Now: time.Now().Unix(), StaleAfter: k.trust.StaleAfter}
	}
	if c.json {
		if err := c.printReport(file, a.Report); err != nil {
			return 0, err
		}
	} else {
		c.tellVerdict(file, a.Report)
	}
	if a.Conflict != nil {
		return a.Report.Verdict.ExitCode(), c.keepConflict(file, a.Conflict)
	}
	return a.Report.Verdict.ExitCode(), nil
}

// printReport prints the report with the file's name before it, on one line.
func (c *cli) printReport(file string, r *proofs.Report) error {
	name, err := json.Marshal(file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "{\"file\":%s,%s\n", name, r.AppendJSON(nil)[1:])
	return err
}

// keepConflict writes the evidence beside the document: an accusation has to be checkable.
func (c *cli) keepConflict(file string, evidence []byte) error {
	path := filepath.Base(file) + ".stele-conflict"
	if err := os.WriteFile(path, evidence, 0o644); err != nil {
		return err
	}
	c.note("evidence: %s (check it with: stele evidence %s --policy TRUST-FILE)", path, path)
	return nil
}

// tellVerdict tells a person: the verdict, what it means, what to do, then the facts.
func (c *cli) tellVerdict(file string, r *proofs.Report) {
	t := text.English()
	w := t.Verdicts[r.Verdict]
	fmt.Fprintf(c.stdout, "%s\n%s: %s\n%s\n", file, strings.ToUpper(string(r.Verdict)), w.Title, fill(w.Meaning, r))
	if r.Reason != "" {
		fmt.Fprintln(c.stdout, fill(t.Reasons[r.Reason], r))
	}
	fact := func(name, value string) {
		if value != "" {
			fmt.Fprintf(c.stdout, "  %-11s %s\n", name, value)
		}
	}
	if l := r.Life; l != nil {
		fact("issuer", fmt.Sprintf("%s (%s)", l.IssuerTitle, l.Issuer))
		fact("kind", l.Kind)
		fact("issued", l.Issued+" (the issuer's claim)")
		fact("expires", l.Expires)
		fact("registered", stamp(l.Registered))
		fact("replaced by", l.Successor)
	}
	if r.AsOf != 0 {
		fact("as of", stamp(r.AsOf))
	}
	fact("registry", r.Registry)
	for _, n := range r.Notices {
		fmt.Fprintf(c.stdout, "  ! %s\n", fill(t.Notices[n], r))
	}
	if r.Verdict == proofs.Unavailable {
		fact("cause", r.Detail)
	}
	fmt.Fprintf(c.stdout, "%s\n", fill(w.Next, r))
}

func runReceipt(c *cli) error {
	k := &check{}
	var out string
	args, err := c.parse(func(fs *flag.FlagSet) {
		k.flags(fs)
		fs.StringVar(&out, "o", "", "where to write it (default: FILE.tlog-proof)")
	})
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return usage("stele receipt FILE", "receipt takes one document, got %d", len(args))
	}
	if out == "" {
		out = args[0] + ".tlog-proof"
	}
	if err := k.open(c); err != nil {
		return err
	}
	a, err := k.ask(c, args[0])
	if err != nil {
		return err
	}
	if a.Receipt == nil || a.Report.Life == nil {
		return c.noReceipt(args[0], a.Report)
	}
	if err := os.WriteFile(out, a.Receipt, 0o644); err != nil {
		return err
	}
	if c.json {
		return c.printJSON(map[string]string{"file": args[0], "receipt": out, "verdict": string(a.Report.Verdict), "as_of": stamp(a.Report.AsOf)})
	}
	fmt.Fprintf(c.stdout, "%s: status %s as of %s\n", out, a.Report.Verdict, stamp(a.Report.AsOf))
	return nil
}

func (c *cli) noReceipt(file string, r *proofs.Report) error {
	hint := "stele register " + file + ", then stele publish"
	if reg, err := c.open(); err == nil {
		if n, err := reg.Pending(); err == nil && n > 0 {
			hint = fmt.Sprintf("%d statements wait for publication: stele publish --registry %s", n, c.registryDir)
		}
	}
	c.tellError(fmt.Errorf("%s: no receipt: %s", file, r.Verdict), hint)
	return exit(max(1, r.Verdict.ExitCode()))
}

// fill puts a report's values into a sentence's placeholders.
func fill(sentence string, r *proofs.Report) string {
	l := r.Life
	if l == nil {
		l = &proofs.LifeReport{}
	}
	return text.Fill(sentence, "issuer", l.IssuerTitle, "asof", stamp(r.AsOf), "registered", stamp(l.Registered), "expires", l.Expires)
}

func runEvidence(c *cli) error {
	k := &check{}
	args, err := c.parse(k.flags)
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return usage("stele evidence FILE.stele-conflict --policy TRUST-FILE", "evidence takes one file, got %d", len(args))
	}
	b, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	if k.policy == "" {
		k.policy = filepath.Join(c.registryDir, "trust")
	}
	if err := k.openTrust(c, true); errors.Is(err, fs.ErrNotExist) {
		return usage("add --policy TRUST-FILE", "%v", err)
	} else if err != nil {
		return err
	}
	size, err := k.trust.CheckConflict(b, time.Now().Unix())
	if err != nil {
		return fmt.Errorf("%s: proves nothing against %s: %w", args[0], k.trust.Origin, err)
	}
	fmt.Fprintf(c.stdout, "%s: proved: %s has signed two different ledgers of size %d\n", args[0], k.trust.Origin, size)
	return nil
}
