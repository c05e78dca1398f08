package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"time"

	"stele/build/audit"
)

func runAudit(c *cli) error {
	k := &check{}
	args, err := c.parse(func(fs *flag.FlagSet) { k.flags(fs) })
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele audit --portal "+shell(args[0])+" --policy TRUST-FILE", "audit takes no arguments, got %s", shown(args[0]))
	}
	if k.portal == "" && k.policy != "" {
		k.portal = filepath.Join(c.registryDir, "public")
	}
	if err := k.open(c); err != nil {
		return err
	}
	if k.unpinned {
		c.note("note: the trust file came from the portal itself: against its owner this audit proves nothing; add --policy TRUST-FILE")
	}
	bar := c.progress()
	a, err := audit.Portal(c.ctx, k.trust, k.from, time.Now().Unix(), func(done, of uint64) { bar.show("%d of %d entries", done, of) })
	bar.clear()
	if err != nil {
		return fmt.Errorf("audit of %s: %w", shown(k.from.String()), err)
	}
	if c.json {
		return c.printJSON(map[string]any{"size": a.Size, "publication": a.Publication, "keys": a.Keys, "issuers": a.Issuers, "files": a.Files, "ok": true})
	}
	fmt.Fprintf(c.stdout, "%s: %d entries, %d documents, %d authorities, %d index files: everything agrees with publication %d\n",
		shown(k.from.String()), a.Size, a.Keys, a.Issuers, a.Files, a.Publication)
	return nil
}
