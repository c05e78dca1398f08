package main

import (
	"fmt"
	"time"

	"stele/build/registry"
)

func runEvidence(c *cli) error {
	k := &check{}
	args, err := c.parse(k.flags)
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return usage("stele evidence FILE.stele-conflict --policy TRUST-FILE", "evidence takes one file, got %d", len(args))
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
		return usage("such a file is written by stele verify when it finds a registry inconsistent, and by the page",
			"%s: over %d bytes, evidence has at most that", shown(args[0]), maxEvidence)
	}
	if k.policy == "" && !registry.IsRegistry(c.registryDir) {
		return usage("add --policy TRUST-FILE", "%s is not a registry: whose signatures count?", c.folder())
	}
	if err := k.openTrust(c, true); err != nil {
		return err
	}
	size, err := k.trust.CheckConflict(b, time.Now().Unix())
	if err != nil {
		return &registry.Error{Err: fmt.Errorf("%s: proves nothing against %s: %w", shown(args[0]), k.trust.Origin, err),
			Hint: "such a file is written by stele verify when it finds a registry inconsistent, and by the page"}
	}
	if c.json {
		return c.printJSON(map[string]any{"file": args[0], "registry": k.trust.Origin, "size": size, "proved": true})
	}
	fmt.Fprintf(c.stdout, "%s: proved: %s has signed two different ledgers of size %d\n", shown(args[0]), k.trust.Origin, size)
	return nil
}
