package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"time"

	"stele/build/audit"
	"stele/build/registry"
	"stele/proofs"
)

// auditHint tells what was not found, or does not concern this registry, from what is wrong.
func auditHint(err error) string {
	var other *proofs.OtherRegistryError
	var network *url.Error
	var future *proofs.FutureError
	var notYet *audit.NotYetError
	switch {
	case errors.As(err, &notYet):
		return "wait for a minute, then audit again. If it stays so, ask the operator whether the publication was broken off: stele publish goes on with it"
	case errors.As(err, &future):
		return "set the clock of this machine, then audit again"
	case errors.Is(err, fs.ErrPermission):
		return "look who may read the portal's folder: ls -ld"
	case errors.As(err, &network):
		return "look whether the address is right and the network is up, then audit again"
	case errors.As(err, &other):
		return "give the trust file of the registry that publishes there: --policy TRUST-FILE"
	case errors.Is(err, fs.ErrNotExist):
		return "look whether all of the portal is there: a copy may be cut short. If it is the original, keep it as evidence"
	}
	return "keep a copy of the portal as it is, and give it with this message to whoever runs the registry. " +
		"Whoever that is restores public/ from a backup, publishes, and audits again"
}

func runAudit(c *cli) error {
	k := &check{}
	args, err := c.parse(func(fs *flag.FlagSet) { k.flags(fs) })
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele audit --portal "+shell(args[0])+" --policy TRUST-FILE", "audit takes no arguments, got %s", shown(args[0]))
	}
	if k.portal == "" && k.policy != "" && !c.published() {
		k.portal = filepath.Join(c.registryDir, "public")
	}
	if err := k.open(c); err != nil {
		return err
	}
	if k.unpinned {
		c.note("note: the trust file came from the portal itself: against its owner this audit proves nothing; add --policy TRUST-FILE")
	}
	a, err := audit.Portal(c.ctx, k.trust, k.from, time.Now().Unix(), func(what string, done, of uint64) { c.bar.show("%d of %d %s", done, of, what) })
	c.bar.clear()
	if err != nil {
		return &registry.Error{Err: fmt.Errorf("audit of %s: %w", shown(k.from.String()), err), Hint: auditHint(err)}
	}
	if c.json {
		return c.printJSON(map[string]any{"size": a.Size, "publication": a.Publication, "keys": a.Keys, "issuers": a.Issuers, "files": a.Files, "ok": true})
	}
	fmt.Fprintf(c.stdout, "%s: %d entries, %d documents, %d authorities, %d index files: everything agrees with publication %d\n",
		shown(k.from.String()), a.Size, a.Keys, a.Issuers, a.Files, a.Publication)
	return nil
}
