package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"stele/build/registry"
	"stele/proofs"
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
	a, err := registry.AuditPortal(c.ctx, k.trust, k.from, time.Now().Unix(), func(done, of uint64) { bar.show("%d of %d entries", done, of) })
	if err == nil {
		err = k.auditHistory(c, a.Size)
	}
	if err == nil {
		err = k.auditTrust(c)
	}
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

// auditHistory compares every checkpoint ever published with the ledger as it is: none may tell of another past.
func (k *check) auditHistory(c *cli, size uint64) error {
	const path = "ledger/history/list"
	list, err := k.from.Read(c.ctx, path)
	if err != nil {
		return err
	}
	nodes := proofs.TileNodes(size, func(t proofs.Tile) ([]byte, error) { return k.from.Read(c.ctx, "ledger/"+t.Path()) })
	var at uint64
	var root proofs.Hash
	for i, line := range strings.Split(strings.TrimSuffix(string(list), "\n"), "\n") {
		var n uint64
		var name string
		if _, err := fmt.Sscanf(line, "%d %s", &n, &name); err != nil || line != fmt.Sprintf("%d %s", n, name) {
			return fmt.Errorf("%s: line %d: got %q, want a size and a hash", path, i+1, line)
		}
		if n > size {
			return fmt.Errorf("%s: line %d: size %d, but the head has %d", path, i+1, n, size)
		}
		file := fmt.Sprintf("ledger/history/%d/%s", n, name)
		if i == 0 || n != at { // heartbeats repeat a size
			if root, err = nodes.Root(n); err != nil {
				return err
			}
			at = n
		}
		if err := k.auditCheckpoint(c, file, name, root); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func (k *check) auditCheckpoint(c *cli, file, name string, root proofs.Hash) error {
	b, err := k.from.Read(c.ctx, file)
	if err != nil {
		return err
	}
	if got := proofs.Hash(sha256.Sum256(b)); got.String() != name {
		return fmt.Errorf("its content hashes to %s", got)
	}
	s, err := k.trust.VerifyCheckpoint(b, time.Now().Unix())
	if err != nil {
		return err
	}
	if s.Root != root {
		return fmt.Errorf("root %s was signed, but the ledger has root %s at size %d", s.Root, root, s.Size)
	}
	return nil
}

// auditTrust compares the published trust file and its policy with the trust file in hand.
func (k *check) auditTrust(c *cli) error {
	path := fmt.Sprintf("trust/%d", k.trust.Epoch)
	for path, want := range map[string][]byte{path: k.trust.Marshal(), "policy": k.trust.PolicyText} {
		got, err := k.from.Read(c.ctx, path)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s: differs from the trust file that this audit rests on", path)
		}
	}
	return nil
}
