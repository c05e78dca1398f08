package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"stele/build/durable"
	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
)

func runReceipt(c *cli) error {
	k := &check{memory: portal.UserMemory()}
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
	if err := mayReplace(out); err != nil {
		return err
	}
	if err := notAFile(args[0]); err != nil {
		return usage("look whether the name is spelt right", "%s: %s", shown(args[0]), about(args[0], err))
	}
	if err := k.open(c); err != nil {
		return err
	}
	a, err := k.ask(c, args[0])
	if err != nil {
		return err
	}
	if a.Conflict != nil {
		c.keepConflict(k, args[0], a.Conflict)
	}
	if a.Receipt == nil || a.Report.Life == nil {
		return c.noReceipt(args[0], a.Report)
	}
	if err := durable.WriteFile(out, a.Receipt, 0o644); err != nil {
		return err
	}
	if c.json {
		return c.printJSON(map[string]string{"file": args[0], "receipt": out, "verdict": string(a.Report.Verdict), "as_of": stamp(a.Report.AsOf)})
	}
	fmt.Fprintf(c.stdout, "%s: status %s as of %s\n", shown(out), a.Report.Verdict, stamp(a.Report.AsOf))
	return nil
}

// mayReplace keeps -o from overwriting a document: only a receipt gives way to a newer one.
func mayReplace(out string) error {
	info, err := os.Stat(out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if dir := filepath.Dir(out); !exists(dir) {
			return usage("mkdir -p "+shell(dir), "there is no folder %s to write the receipt to", shown(dir))
		}
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return usage("-o "+shell(filepath.Join(out, "NAME.tlog-proof")), "%s is a folder, want a file's name", shown(out))
	case !info.Mode().IsRegular():
		return usage("-o NAME.tlog-proof", "%s is not a file", shown(out))
	}
	if info.Size() > 0 && !registry.IsReceipt(out) {
		return usage("-o NAME.tlog-proof", "%s is there and is not a receipt: not overwriting it", shown(out))
	}
	return nil
}

// noReceipt says why there is nothing to prove, and what would help.
func (c *cli) noReceipt(file string, r *proofs.Report) error {
	hint := ""
	switch r.Verdict {
	case proofs.NotRegistered:
		hint = "stele register " + shell(file) + ", then stele publish"
		if n := c.pending(); n > 0 {
			hint = fmt.Sprintf("%s not published yet; if it is among them: stele publish", plural(n, "statement is", "statements are"))
		}
	case proofs.Stale:
		hint = "stele publish"
	case proofs.Inconsistent, proofs.Unavailable:
		hint = "stele verify " + shell(file) + " tells why"
	}
	c.tellError(fmt.Errorf("no receipt for %s: %s", shown(file), r.Verdict), c.inRegistry(hint))
	return exit(max(1, r.Verdict.ExitCode()))
}

// pending counts the statements that wait here for publication; 0 where this is no registry.
func (c *cli) pending() int {
	r, err := c.open()
	if err != nil {
		return 0
	}
	n, err := r.Pending()
	if err != nil {
		return 0
	}
	return n
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
