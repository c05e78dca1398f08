package main

import (
	"flag"
	"fmt"
	"time"

	"stele/build/registry"
)

func runAudit(c *cli) error {
	k := &check{}
	args, err := c.parse(func(fs *flag.FlagSet) { k.flags(fs) })
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele audit --portal URL --policy TRUST-FILE", "audit takes no arguments, got %q", args[0])
	}
	if err := k.open(c); err != nil {
		return err
	}
	bar := c.progress()
	a, err := registry.AuditPortal(c.ctx, k.trust, k.from, time.Now().Unix(), func(done, of uint64) { bar.show("%d of %d entries", done, of) })
	bar.clear()
	if err != nil {
		return fmt.Errorf("audit of %s: %w", k.from, err)
	}
	if c.json {
		return c.printJSON(map[string]any{"size": a.Size, "publication": a.Publication, "keys": a.Keys, "issuers": a.Issuers, "files": a.Files, "ok": true})
	}
	fmt.Fprintf(c.stdout, "%s: %d entries, %d documents, %d authorities, %d index files: everything agrees with publication %d\n",
		k.from, a.Size, a.Keys, a.Issuers, a.Files, a.Publication)
	return nil
}
