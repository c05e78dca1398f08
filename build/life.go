package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"stele/build/durable"
	"stele/build/issuer"
	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
)

// lifeResult is the JSON answer of revoke, suspend, restore, supersede and link.
type lifeResult struct {
	Action    string           `json:"action"`
	Said      int              `json:"said"`
	Failed    int              `json:"failed"`
	Documents []documentResult `json:"documents"`
}

// documentResult is what became of one document.
type documentResult struct {
	Document   string      `json:"document"` // as it was typed
	State      string      `json:"state"`    // pending, half-signed, failed
	Subject    string      `json:"subject,omitempty"`
	Issuer     string      `json:"issuer,omitempty"`
	Registrant string      `json:"registrant,omitempty"`
	Statement  string      `json:"statement,omitempty"` // SHA-256 of its text
	Successor  string      `json:"successor,omitempty"`
	Relation   string      `json:"relation,omitempty"`
	Target     string      `json:"target,omitempty"`
	Reason     string      `json:"reason,omitempty"`
	File       string      `json:"file,omitempty"` // that the half-signed statement was written to
	Note       string      `json:"note,omitempty"` // what may not be expected
	Code       issuer.Code `json:"code,omitempty"`
	Error      string      `json:"error,omitempty"`
	Hint       string      `json:"hint,omitempty"`

	joint bool // half signed by the root
}

// done says what has been done to a document.
var done = map[string]string{proofs.ActionRevoke: "revoked", proofs.ActionSuspend: "suspended", proofs.ActionRestore: "restored",
	proofs.ActionSupersede: "replaced", proofs.ActionLink: "linked"}

// A wish is what one of these commands was asked to say.
type wish struct {
	action      string
	issuer      string
	root        bool
	registrant  string
	reason      string
	relation    string // of a link
	target      string // of a link: a document
	out         string // a file for what is half signed: another authority's link, or what the root says
	countersign string // of a link: such a file
}

func runRevoke(c *cli) error  { return c.runLife(proofs.ActionRevoke) }
func runSuspend(c *cli) error { return c.runLife(proofs.ActionSuspend) }
func runRestore(c *cli) error { return c.runLife(proofs.ActionRestore) }

func (w *wish) flags(fs *flag.FlagSet) {
	fs.StringVar(&w.reason, "reason", "", "why, in words that citizens read, for ever; at most 1,000 bytes")
	fs.StringVar(&w.issuer, "issuer", "", "the authority that says it (default: the one that registered the document)")
	fs.BoolVar(&w.root, "root", false, "the registry's root says it, whoever registered the document")
	if w.action != proofs.ActionLink {
		fs.StringVar(&w.out, "out", "", "with --root, "+outHelp)
	}
	fs.StringVar(&w.registrant, "registrant", "", "whose registration is meant, if several authorities have registered it (default: the issuer's, or the earliest)")
}

func (c *cli) runLife(action string) error {
	w := &wish{action: action}
	docs, err := c.parse(w.flags)
	if err != nil {
		return err
	}
	if len(docs) == 0 {
		return usage("stele "+action+` FILE --reason "Why"; a receipt or sha256:DIGEST will do for the file`, "no document to %s", action)
	}
	if err := w.checkOut(docs); err != nil {
		return err
	}
	at, err := c.counter()
	if err != nil {
		return err
	}
	var asks []ask
	for _, doc := range docs {
		asks = append(asks, ask{name: doc, out: w.out, make: func() (issuer.Draft, error) { return c.draft(at, w, doc) }})
	}
	return c.tellLives(c.say(at, action, asks))
}

func runSupersede(c *cli) error {
	w := &wish{action: proofs.ActionSupersede}
	docs, err := c.parse(w.flags)
	if err != nil {
		return err
	}
	if len(docs) != 2 {
		return usage(`stele supersede OLD NEW --reason "Why"`, "supersede takes two documents, the old one and the new one, got %d", len(docs))
	}
	if err := w.checkOut(docs[:1]); err != nil {
		return err
	}
	at, err := c.counter()
	if err != nil {
		return err
	}
	a := ask{name: docs[0], out: w.out, second: docs[1], make: func() (d issuer.Draft, err error) {
		if d, err = c.draft(at, w, docs[0]); err == nil {
			d.Successor, err = c.other(at, docs[1])
		}
		return d, err
	}}
	return c.tellLives(c.say(at, w.action, []ask{a}))
}

func runLink(c *cli) error {
	w := &wish{action: proofs.ActionLink}
	docs, err := c.parse(func(fs *flag.FlagSet) {
		w.flags(fs)
		fs.StringVar(&w.relation, "relation", "", "what the link tells of, one word such as amendment, custody or translation")
		fs.StringVar(&w.target, "target", "", "the other document: a file, a receipt or a digest")
		fs.StringVar(&w.out, "out", "", "write the link, signed by --issuer alone, to this `FILE` for the document's registrant to countersign; with --root, for the holders of the root's keys to sign")
		fs.StringVar(&w.countersign, "countersign", "", "show the link in such a file, add the registrant's signature and submit it")
	})
	if err != nil {
		return err
	}
	if err := w.checkLink(docs); err != nil {
		return err
	}
	at, err := c.counter()
	if err != nil {
		return err
	}
	if w.countersign != "" {
		return c.countersign(at, w.countersign)
	}
	var asks []ask
	for _, doc := range docs {
		asks = append(asks, ask{name: doc, second: w.target, out: w.out, make: func() (d issuer.Draft, err error) {
			if d, err = c.draft(at, w, doc); err == nil && w.target != "" {
				d.Target, err = c.other(at, w.target)
			}
			return d, err
		}})
	}
	return c.tellLives(c.say(at, w.action, asks))
}

// checkOut refuses a file for what needs no second signature.
func (w *wish) checkOut(docs []string) error {
	if w.out != "" && (!w.root || len(docs) != 1) {
		return usage("stele "+w.action+" FILE --root --out FILE", "--out takes one document, and --root says that it is for the holders of the root's keys")
	}
	if err := checkOut(w.out); err != nil {
		return err
	}
	return w.check()
}

// check refuses what no statement can say.
func (w *wish) check() error {
	const name = "use the authority's name as it was accredited, such as education.gov.example"
	switch {
	case w.root && w.issuer != "":
		return usage("leave one of them out", "--root and --issuer: one of the two says it")
	case w.issuer != "" && !proofs.IsName(w.issuer):
		return usage(name, "--issuer %q: want lower-case letters, digits and . - _ / inside", w.issuer)
	case w.registrant != "" && !proofs.IsName(w.registrant):
		return usage(name, "--registrant %q: want lower-case letters, digits and . - _ / inside", w.registrant)
	}
	return checkReason(w.reason)
}

// checkReason refuses words that no statement can hold.
func checkReason(reason string) error {
	switch {
	case len(reason) > 1000:
		return usage("say it in fewer words", "--reason of %d bytes: want at most 1000", len(reason))
	case reason != "" && !proofs.IsText(reason):
		return usage("write it on one line, without control characters and without a space at either end", "--reason %q: not a text that a statement can hold", reason)
	}
	return nil
}

func (w *wish) checkLink(docs []string) error {
	const example = `stele link FILE --relation amendment --reason "What citizens are to know"`
	switch {
	case w.countersign != "" && (len(docs) > 0 || w.relation != "" || w.target != "" || w.reason != "" || w.out != "" || w.issuer != "" || w.root):
		return usage("stele link --countersign "+shell(w.countersign), "--countersign takes nothing else: the file says it all")
	case w.countersign != "":
		return nil
	case len(docs) == 0:
		return usage(example, "no document to link")
	case w.relation == "":
		return usage(example, "--relation is missing: what does the link tell of?")
	case !proofs.IsWord(w.relation):
		return usage("use a word such as amendment, custody or translation", "--relation %q: want one word of lower-case letters, digits and hyphens", w.relation)
	case w.out != "" && (len(docs) != 1 || w.issuer == "" && !w.root):
		return usage("stele link FILE --relation custody --issuer court.gov.example --out custody.link", "--out takes one document, and --issuer says who links it")
	case w.out != "" && exists(w.out):
		return usage("choose another name", "%s is there already: not overwriting it", shown(w.out))
	}
	return w.check()
}

// draft is a wish about one document.
func (c *cli) draft(at *counter, w *wish, doc string) (issuer.Draft, error) {
	d := issuer.Draft{Action: w.action, Issuer: w.issuer, Registrant: w.registrant, Reason: w.reason, Relation: w.relation, Half: w.out != ""}
	if w.root {
		d.Issuer = at.desk.Trust().RootName()
	}
	var err error
	d.Document, err = c.document(at, doc)
	return d, err
}

// An ask is a draft yet to be made, under the name that an official knows the document by.
type ask struct {
	name   string
	second string // the other document's name
	out    string // a file for what is signed by half
	make   func() (issuer.Draft, error)
}

// sayEvery is how many documents are decided on before what was signed is delivered in one durable batch, and told.
const sayEvery = 4096

// A counter is where statements are signed and handed in.
type counter struct {
	desk   issuer.Desk
	ring   *issuer.Ring
	portal portal.Portal
}

// counter is that of the registry which --registry names.
func (c *cli) counter() (*counter, error) {
	r, err := c.open()
	if err != nil {
		return nil, err
	}
	return counterOf(r)
}

func counterOf(r *registry.Registry) (*counter, error) {
	ring, err := r.Ring()
	return &counter{r.Desk(), ring, r.Portal()}, err
}

// say says everything that is asked for. What would have no effect is told and the rest go on; what is told as pending is durable.
func (c *cli) say(at *counter, action string, asks []ask) (lifeResult, error) {
	out := lifeResult{Action: action, Documents: []documentResult{}}
	clerk, err := issuer.Begin(c.ctx, at.desk, at.ring)
	if err != nil {
		return out, err
	}
	var results []documentResult
	flush := func() error {
		if err := clerk.Deliver(c.ctx); err != nil {
			return err
		}
		for _, res := range results {
			out.add(res)
			c.tellDocument(action, res)
		}
		results = nil
		return nil
	}
	for _, a := range asks {
		res, err := c.sayOne(clerk, action, a)
		if err != nil {
			return out, errors.Join(err, flush())
		}
		if results = append(results, res); len(results) == sayEvery {
			if err := flush(); err != nil {
				return out, err
			}
		}
	}
	return out, flush()
}

// sayOne signs one statement. The error is of all, and not of this document.
func (c *cli) sayOne(clerk *issuer.Clerk, action string, a ask) (documentResult, error) {
	failed := func(err error) documentResult {
		res := documentResult{Document: a.name, State: "failed", Error: about(a.name, err), Hint: c.inRegistry(c.lifeHint(action, a, err))}
		var r *issuer.Refusal
		if errors.As(err, &r) {
			res.Code = r.Code
			if r.Life != nil {
				res.Registrant = r.Life.Registrant
			}
		}
		return res
	}
	d, err := a.make()
	if errors.Is(err, context.Canceled) {
		return documentResult{}, err
	}
	if err != nil {
		return failed(err), nil
	}
	said, err := clerk.Say(c.ctx, d)
	var r *issuer.Refusal
	if errors.As(err, &r) {
		return failed(err), nil
	}
	if err != nil {
		return documentResult{}, err
	}
	res := resultOf(a.name, said)
	if said.Half {
		res.State, res.File = "half-signed", a.out
		b := said.Entry.Bytes
		if said.Joint != nil {
			b, res.joint = said.Joint.Marshal(), true
		}
		err = durable.WriteFile(a.out, b, 0o644)
	}
	return res, err
}

func resultOf(name string, said *issuer.Said) documentResult {
	s := said.Entry.Statement
	res := documentResult{Document: name, State: "pending", Subject: said.Entry.Envelope.Selector, Issuer: s.Issuer,
		Registrant: said.Life.Registrant, Statement: statementID(said.Entry.Note.Text), Relation: s.Relation, Reason: s.Reason, Note: said.Note}
	if s.Successor != nil {
		res.Successor = s.Successor.Selector()
	}
	if s.Target != nil {
		res.Target = s.Target.Selector()
	}
	return res
}

func (o *lifeResult) add(res documentResult) {
	if res.State == "failed" {
		o.Failed++
	} else {
		o.Said++
	}
	o.Documents = append(o.Documents, res)
}

// tellDocument tells a person what became of one document.
func (c *cli) tellDocument(action string, res documentResult) {
	switch {
	case res.State == "failed":
		c.note("%s: %s", shown(res.Document), res.Error)
		if res.Hint != "" {
			c.note("hint: %s", res.Hint)
		}
	case c.json:
	case res.State == "half-signed" && res.joint:
		fmt.Fprintf(c.stdout, "%s: %s by the root, written to %s\nit counts once as many root keys as have to sign have signed it: stele sign %s\n", shown(res.Document), action,
			shown(res.File), shell(res.File))
	case res.State == "half-signed":
		fmt.Fprintf(c.stdout, "%s: link signed by %s alone, in %s\nit counts once %s has signed it too: stele link --countersign %s\n", shown(res.Document),
			res.Issuer, shown(res.File), res.Registrant, shell(res.File))
	default:
		by := "by " + res.Issuer
		if res.Issuer != res.Registrant {
			by += ", registered by " + res.Registrant
		}
		fmt.Fprintf(c.stdout, "%s: %s, %s\n", shown(res.Document), done[action], by)
	}
	if res.Note != "" {
		c.note("note: %s: %s", shown(res.Document), res.Note)
	}
}

// tellLives tells the sum.
func (c *cli) tellLives(out lifeResult, err error) error {
	if err != nil {
		return err
	}
	if c.json {
		if err := c.printJSON(out); err != nil {
			return err
		}
	} else if len(out.Documents) > 1 {
		fmt.Fprintf(c.stdout, "%d %s, %d failed\n", out.Said, done[out.Action], out.Failed)
	}
	if out.Said > 0 && !c.json && out.Documents[0].State != "half-signed" {
		fmt.Fprintf(c.stdout, "in force once published: %s\n", c.inRegistry("stele publish"))
	}
	if out.Failed > 0 {
		return exit(1)
	}
	return nil
}

// lifeHint is what to do about a refusal, with the names that were typed.
func (c *cli) lifeHint(action string, a ask, err error) string {
	var r *issuer.Refusal
	if !errors.As(err, &r) {
		return hintFor(err)
	}
	again := "stele " + action + " " + shell(a.name)
	if action == proofs.ActionSupersede {
		again += " " + shell(a.second)
	}
	kind, registrant := "KIND", "AUTHORITY"
	if r.Life != nil {
		kind, registrant = r.Life.Register.Statement.Kind, r.Life.Registrant
	}
	switch r.Code {
	case issuer.NotRegistered:
		if exists(a.name) && !registry.IsReceipt(a.name) {
			return "is it the very file that was registered? One that was opened and saved again is another: " + c.verifyCommand(a.name)
		}
		return "look whether the digest is the right one"
	case issuer.OtherRegistrant:
		return "without --issuer and --registrant " + registrant + " says it; or the registry's root does: " + again + " --root"
	case issuer.OtherDocument: // it answers for this file all the same, where the trust file does not demand SHA3-512
		return "one of the two digests was registered wrongly; to speak of that registration, name it by its digest: stele " + action +
			" sha256:" + r.Life.Register.Statement.Document.Digests.SHA256.String()
	case issuer.NotAccredited:
		return "the registry's root can still say it: " + again + " --root"
	case issuer.NoKey:
		return "work where that key is; or the registry's root says it: " + again + " --root"
	case issuer.NoRootKey:
		return "work where the root's keys are; or have it signed there: " + strings.TrimSuffix(again, " --root") + " --root --out FILE"
	case issuer.Countersignature:
		return "add --out FILE, and have " + registrant + " sign that file too: stele link --countersign FILE"
	case issuer.Revoked, issuer.Superseded, issuer.Suspended, issuer.NotSuspended:
		return c.seeLife(a.name, r.Life)
	case issuer.Repeated:
		return "if it is to be said again, use other words in --reason"
	case issuer.SuccessorMissing:
		return "stele register " + shell(a.second) + " --issuer " + registrant + " --kind " + kind + ", then " + again
	case issuer.SuccessorEarlier:
		return "stele revoke " + shell(a.name) + " --reason \"Replaced\"; and to name the other one: stele link " + shell(a.name) +
			" --relation replacement --target " + shell(a.second)
	case issuer.SuccessorOfAnother:
		return "have " + registrant + " register it too, then " + again
	case issuer.NotForCountersigner:
		return "leave out --out"
	case issuer.TargetMissing:
		return "name the target's file, or its receipt"
	}
	return ""
}

// seeLife is how to look at what has been said of a document. verify wants the file, and knows what is published.
func (c *cli) seeLife(name string, life *proofs.Life) string {
	for _, e := range life.Events {
		if e.Effect && e.Published == 0 {
			return "stele publish brings into force what waits"
		}
	}
	if !exists(name) || registry.IsReceipt(name) {
		name = "FILE"
	}
	return "see what has been said: " + c.verifyCommand(name)
}

// verifyCommand checks a file against the registry that this run was given. inRegistry leaves verify alone, since not every hint
// that names it is about a registry here.
func (c *cli) verifyCommand(file string) string {
	command := "stele verify " + shell(file)
	if c.registryDir != "." && c.cmd.name != "submit" {
		command += " --registry " + shell(c.registryDir)
	}
	return command
}

// countersign shows another authority's link, adds the registrant's signature and delivers it.
func (c *cli) countersign(at *counter, path string) error {
	if err := notAFile(path); err != nil {
		return usage("name the file that stele link --out has written", "%s: %s", shown(path), about(path, err))
	}
	b, _, err := readUpTo(path, proofs.MaxStatement)
	if err != nil {
		return err
	}
	clerk, err := issuer.Begin(c.ctx, at.desk, at.ring)
	if err != nil {
		return err
	}
	half, err := clerk.Half(b)
	if err != nil {
		return c.notCountersigned(path, err)
	}
	if !c.json {
		c.tellHalf(half.Statement)
	}
	said, err := clerk.Countersign(c.ctx, half)
	if err == nil {
		err = clerk.Deliver(c.ctx)
	}
	if err != nil {
		return c.notCountersigned(path, err)
	}
	res := resultOf(path, said)
	if c.json {
		return c.printJSON(lifeResult{proofs.ActionLink, 1, 0, []documentResult{res}})
	}
	fmt.Fprintf(c.stdout, "signed by %s too; in force once published: %s\n", res.Registrant, c.inRegistry("stele publish"))
	return nil
}

// tellHalf tells what is about to be signed.
func (c *cli) tellHalf(s *proofs.Statement) {
	fmt.Fprintf(c.stdout, "a link of %s\n", s.Issuer)
	c.fact("document", s.Document.Selector())
	c.fact("relation", s.Relation)
	if s.Target != nil {
		c.fact("target", s.Target.Selector())
	}
	c.fact("reason", s.Reason)
}

func (c *cli) notCountersigned(path string, err error) error {
	var r *issuer.Refusal
	if !errors.As(err, &r) {
		return err
	}
	hint := ""
	switch r.Code {
	case issuer.NotForCountersigner:
		hint = "such a file is written by stele link FILE --relation WORD --issuer AUTHORITY --out FILE"
	case issuer.NoKey:
		hint = "take the file to where that key is"
	}
	return &registry.Error{Err: fmt.Errorf("%s: %w", shown(path), err), Hint: hint}
}
