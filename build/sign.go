package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"stele/build/durable"
	"stele/build/issuer"
	"stele/build/keys"
	"stele/build/registry"
	"stele/proofs"
)

// What the root says where its keys are held by several people: a command with --out writes a file, each holder signs it with
// stele sign on a machine of their own, and stele sign --registry hands it in.

const outHelp = "write what the root is to say to this `FILE`, for the holders of its keys to sign: stele sign FILE"

// signResult is the JSON answer of sign, and of commands with --out.
type signResult struct {
	File    string   `json:"file"`
	Action  string   `json:"action"`
	Signed  []string `json:"signed"`  // key IDs whose lines are there
	Added   []string `json:"added"`   // those that this run has added
	Missing int      `json:"missing"` // how many still have to sign
	State   string   `json:"state"`   // half-signed, signed, pending
}

// A signing is one run of sign.
type signing struct {
	policy, keys string
	yes          bool
	files        []string
	trust        *proofs.Trust
	registry     *registry.Registry // nil on the machine of a holder
	joint        *issuer.Joint
	statement    *proofs.Statement
	next         *proofs.Trust
}

func runSign(c *cli) error {
	s := &signing{}
	var err error
	s.files, err = c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&s.keys, "keys", "", "on a holder's own machine: the folder of its root key")
		fs.StringVar(&s.policy, "policy", "", "there, the registry's trust file")
		fs.BoolVar(&s.yes, "yes", false, "sign without asking, once what is signed has been read")
	})
	if err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	ring, err := c.openSigning(s)
	if err != nil {
		return err
	}
	if err := c.readJoint(s); err != nil {
		return err
	}
	if !c.json {
		c.tellRoot(s.statement, s.trust, s.next)
	}
	added, err := c.addLines(s, ring)
	if err != nil {
		return err
	}
	if s.registry == nil || s.joint.Missing(s.trust) > 0 {
		return c.tellSigned(s, added, "")
	}
	return c.handIn(s, added)
}

func (s *signing) check() error {
	const example = "on your own machine: stele sign FILE --keys DIR --policy TRUST; where the registry is: stele sign FILE --registry DIR"
	switch {
	case len(s.files) == 0:
		return usage(example, "no file to sign")
	case (s.keys == "") != (s.policy == ""):
		return usage(example, "--keys and --policy go together")
	}
	return nil
}

// openSigning finds out whose machine this is.
func (c *cli) openSigning(s *signing) (*issuer.Ring, error) {
	if s.keys == "" {
		r, err := c.open()
		if err != nil {
			return nil, err
		}
		s.registry, s.trust = r, r.Trust
		return r.Ring()
	}
	k := &check{policy: s.policy}
	if err := k.openTrust(c, false); err != nil {
		return nil, err
	}
	s.trust = k.trust
	store, err := keys.Open(s.keys, c.passphrase())
	if err != nil {
		return nil, err
	}
	store.AllowDemo = s.trust.Demo
	return issuer.OpenRing(store)
}

// readJoint reads the files, which are copies of one that several have signed.
func (c *cli) readJoint(s *signing) error {
	for _, path := range s.files {
		j, err := readJoint(path)
		if err != nil {
			return err
		}
		if s.statement == nil {
			s.joint = j
		}
		st, next, err := j.Check(s.trust)
		if err == nil {
			s.statement, s.next = st, next
			err = s.joint.Merge(j, s.trust)
		}
		if err != nil {
			return &registry.Error{Err: fmt.Errorf("%s: %w", shown(path), err), Hint: "look whether file and trust file are of the same registry and of the same epoch"}
		}
	}
	return nil
}

func readJoint(path string) (*issuer.Joint, error) {
	const hint = "name the file that a command with --out has written"
	if err := notAFile(path); err != nil {
		return nil, usage(hint, "%s: %s", shown(path), about(path, err))
	}
	b, _, err := readUpTo(path, issuer.MaxJoint)
	if err != nil {
		return nil, err
	}
	j, err := issuer.ParseJoint(b)
	if err != nil {
		return nil, usage(hint, "%s: %w", shown(path), err)
	}
	return j, nil
}

// addLines adds the lines that the keys here can add, once somebody has said yes.
func (c *cli) addLines(s *signing, ring *issuer.Ring) ([]*proofs.Key, error) {
	if s.joint.Missing(s.trust) == 0 {
		return nil, nil
	}
	if !s.joint.CanSign(ring, s.trust) {
		if s.registry != nil {
			return nil, nil
		}
		return nil, &registry.Error{Err: fmt.Errorf("no root key in %s has still to sign: keys of the root that have signed: %s; that may: %s", shown(s.keys), lineIDs(s.joint), keyNames(s.trust.RootKeys)),
			Hint: "look which key is there: stele keys --keys " + shell(s.keys)}
	}
	if err := c.confirm(s.yes); err != nil {
		return nil, err
	}
	added, err := s.joint.Sign(ring, s.trust)
	if err != nil {
		return added, err
	}
	return added, durable.WriteFile(s.files[0], s.joint.Marshal(), 0o644)
}

// confirm asks on stdin. Where nobody answers, nothing is signed.
func (c *cli) confirm(yes bool) error {
	if yes {
		return nil
	}
	c.note("sign this? type yes, or anything else to leave it:")
	answer := make([]byte, 0, 8)
	for b := make([]byte, 1); len(answer) < cap(answer); { // a byte at a time: a passphrase may be typed after it
		if n, err := c.stdin.Read(b); n == 0 && err != nil {
			if err != io.EOF {
				return err
			}
			break
		}
		if b[0] == '\n' {
			break
		}
		answer = append(answer, b[0])
	}
	if strings.TrimSpace(string(answer)) == "yes" {
		return nil
	}
	return &registry.Error{Err: errors.New("nothing was signed: the answer was not yes"), Hint: "read what would be signed, then type yes; or add --yes"}
}

// handIn queues what all have signed.
func (c *cli) handIn(s *signing, added []*proofs.Key) error {
	err := c.deliverJoint(s)
	if errors.Is(err, registry.ErrStands) {
		c.note("note: it was handed in before")
		err = nil
	}
	if err != nil {
		return err
	}
	return c.tellSigned(s, added, "pending")
}

func (c *cli) deliverJoint(s *signing) error {
	entry := s.joint.Entry()
	switch {
	case s.next != nil:
		return s.registry.ChangeTrust(c.ctx, s.next, entry)
	case s.statement.Document == nil:
		return s.registry.SayJointly(c.ctx, entry)
	}
	at, err := counterOf(s.registry)
	if err != nil {
		return err
	}
	clerk, err := issuer.Begin(c.ctx, at.desk, at.ring)
	if err != nil {
		return err
	}
	if _, err := clerk.Take(c.ctx, entry); err != nil {
		return err
	}
	return clerk.Deliver(c.ctx)
}

func (c *cli) tellSigned(s *signing, added []*proofs.Key, state string) error {
	missing := s.joint.Missing(s.trust)
	if state == "" {
		state = map[bool]string{true: "half-signed", false: "signed"}[missing > 0]
	}
	if c.json {
		return c.printJSON(signResult{s.files[0], s.statement.Action, idsOfLines(s.joint), idsOf(added), missing, state})
	}
	if len(added) > 0 {
		fmt.Fprintf(c.stdout, "signed with %s, into %s\n", keyNames(added), shown(s.files[0]))
	}
	switch {
	case state == "pending":
		fmt.Fprintf(c.stdout, "handed in; in force once published: %s\n", c.inRegistry("stele publish"))
	case missing > 0:
		fmt.Fprintf(c.stdout, "%s still to sign: give %s to the next, who types\n  stele sign %s --keys DIR --policy TRUST\n",
			plural(missing, "holder of a root key has", "holders of root keys have"), shown(s.files[0]), shell(s.files[0]))
	default:
		fmt.Fprintf(c.stdout, "all have signed: take %s to where the registry is, and type\n  stele sign %s --registry DIR\n", shown(s.files[0]), shell(s.files[0]))
	}
	return nil
}

// writeJoint writes a statement of the root for its holders, with the lines of the root keys that are here.
func (c *cli) writeJoint(r *registry.Registry, j *issuer.Joint, out string) error {
	s := &signing{files: []string{out}, registry: r, trust: r.Trust, joint: j}
	var err error
	if s.statement, s.next, err = j.Check(r.Trust); err != nil {
		return err
	}
	ring, err := r.Ring()
	if err != nil {
		return err
	}
	added, err := j.Sign(ring, r.Trust)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(out, j.Marshal(), 0o644); err != nil {
		return err
	}
	if !c.json {
		c.tellRoot(s.statement, r.Trust, s.next)
		fmt.Fprintf(c.stdout, "written to %s\n", shown(out))
	}
	return c.tellSigned(s, added, "")
}

// out is the flag of commands by which the root may say something.
func outFlag(fs *flag.FlagSet, out *string) { fs.StringVar(out, "out", "", outHelp) }

// checkOut refuses to overwrite a file: it may hold others' signatures.
func checkOut(out string) error {
	if out != "" && exists(out) {
		return usage("choose another name", "%s is there already: not overwriting it", shown(out))
	}
	return nil
}

// sayTo is what a command with --out does with a statement of the root; nil for the queue.
func (c *cli) sayTo(r *registry.Registry, out string) func(*proofs.Statement) error {
	if out == "" {
		return nil
	}
	return func(s *proofs.Statement) error { return c.writeJoint(r, &issuer.Joint{Text: s.Text()}, out) }
}

// tellRoot tells what the root says, in plain words.
func (c *cli) tellRoot(s *proofs.Statement, t, next *proofs.Trust) {
	fmt.Fprintf(c.stdout, "the root of %s says:\n", s.Registry)
	switch s.Action {
	case proofs.ActionTrust:
		c.tellChange(t, next)
		return
	case proofs.ActionAccredit:
		c.fact("accredit", s.Authority+" may issue "+kindsText(s.Kinds))
		c.fact("title", s.Title)
		c.fact("keys", keyNames(s.Keys))
	case proofs.ActionWithdraw:
		c.fact("withdraw", s.Authority+" may say nothing more")
		if s.From != nil {
			c.fact("from", "what it has said from place "+strconv.FormatUint(*s.From, 10)+" of the ledger on is not believed")
		}
	default:
		c.fact(s.Action, s.Document.Selector())
		if s.Successor != nil {
			c.fact("replaced by", s.Successor.Selector())
		}
		c.fact("relation", s.Relation)
		if s.Target != nil {
			c.fact("target", s.Target.Selector())
		}
	}
	c.fact("reason", s.Reason)
}

func idsOf(all []*proofs.Key) []string {
	ids := []string{}
	for _, k := range all {
		ids = append(ids, registry.KeyID(k))
	}
	return ids
}

func idsOfLines(j *issuer.Joint) []string {
	ids := []string{}
	for _, l := range j.Lines {
		ids = append(ids, fmt.Sprintf("%08x", l.ID))
	}
	return ids
}

func lineIDs(j *issuer.Joint) string {
	if len(j.Lines) == 0 {
		return "none"
	}
	return strings.Join(idsOfLines(j), ", ")
}

func keyNames(all []*proofs.Key) string { return strings.Join(idsOf(all), ", ") }
