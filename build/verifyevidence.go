package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
)

func runVerifyEvidence(c *cli) error {
	k := &check{memory: portal.UserMemory()} // older trust files may be there
	args, err := c.parse(k.flags)
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return usage("stele verify-evidence FILE.stele-evidence --policy TRUST-FILE", "verify-evidence takes one file, got %d", len(args))
	}
	if k.portal != "" {
		return usage("leave it out: evidence is checked with the trust file alone", "evidence reads no portal")
	}
	if err := notAFile(args[0]); err != nil {
		return usage("look whether the name is spelt right", "%s: %s", shown(args[0]), about(args[0], err))
	}
	b, whole, err := readUpTo(args[0], maxEvidence)
	if err != nil {
		return err
	}
	if !whole {
		return usage(whoWritesEvidence,
			"%s: over %d bytes, evidence has at most that", shown(args[0]), maxEvidence)
	}
	if k.policy == "" && !registry.IsRegistry(c.registryDir) {
		return usage("add --policy TRUST-FILE", "%s is not a registry: whose signatures count?", c.folder())
	}
	if err := k.openTrust(c, true); err != nil {
		return err
	}
	if err := k.follow(c); err != nil {
		return err
	}
	if !bytes.HasPrefix(b, []byte("stele.conflict/")) && !bytes.HasPrefix(b, []byte("stele.fork/")) {
		return &registry.Error{Err: fmt.Errorf("%s is no evidence file", shown(args[0])), Hint: whoWritesEvidence}
	}
	report, err := k.trust.CheckEvidence(b, k.before(), time.Now().Unix())
	if err != nil {
		hint := whoWritesEvidence
		if errors.As(err, new(*proofs.OtherEpochError)) || errors.As(err, new(*proofs.InsufficientError)) && k.trust.Epoch > 1 {
			hint = "the registry has changed its keys: give all of its trust files, --policy with a copy of the portal's folder trust"
		}
		return &registry.Error{Err: fmt.Errorf("%s: proves nothing against %s: %w", shown(args[0]), k.trust.Origin, err), Hint: hint}
	}
	if c.json {
		name, err := json.Marshal(args[0])
		if err == nil {
			_, err = io.WriteString(c.stdout, printableJSON(fmt.Sprintf("{\"file\":%s,\"proved\":true,%s\n", name, report.AppendJSON(nil)[1:])))
		}
		return err
	}
	c.tellEvidence(args[0], report, k.trust.Epoch)
	return nil
}

const whoWritesEvidence = "such a file is written by whoever finds a registry inconsistent: stele verify, approve, witness, monitor, mirror, and the page"

// tellEvidence tells a person what was signed, and by how many. epoch is that of the trust file in hand.
func (c *cli) tellEvidence(file string, r *proofs.EvidenceReport, epoch uint64) {
	fmt.Fprintf(c.stdout, "%s: proved: %s has signed two different ledgers of size %d\n", shown(file), r.Registry, r.Size)
	for i, s := range []*proofs.Signed{r.One, r.Other} {
		c.fact([]string{"one", "the other"}[i], fmt.Sprintf("sha256:%s, by a checkpoint of size %d, epoch %d", r.Roots[i], s.Size, s.Epoch))
		for _, k := range s.Signers {
			when := ""
			if k.Time != 0 {
				when = ", " + stamp(k.Time)
			}
			c.fact("", fmt.Sprintf("%s %s (%s)%s", k.Role, k.Name, k.Algorithm, when))
		}
		c.fact("missing", r.Missing[i])
	}
	fmt.Fprint(c.stdout, whoElse(r, epoch))
}

// whoElse says who besides the registry as a whole can have signed: evidence is not to accuse whoever was robbed.
func whoElse(r *proofs.EvidenceReport, epoch uint64) string {
	var said string
	alone := func(s *proofs.Signed) bool { return s.Officers.Name == "none" && s.Witnesses.Name == "none" }
	switch {
	case r.Strength == proofs.StrengthLog:
		said = "The log's key has signed both; the signatures that the trust file asks for besides are not all there. Whoever stole that one key can have done it.\n"
	case alone(r.One) || alone(r.Other):
		said = "The trust file asks for nobody's signature but the log's. Whoever stole its keys can have done it.\n"
	}
	if r.One.Epoch < epoch || r.Other.Epoch < epoch {
		said += "Keys have signed whose time is over. Whoever has stolen as many of them as had to sign, then or since, can have done it.\n"
	}
	return said
}
