package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stele/build/registry"
	"stele/site/edge"
	"stele/site/edge/witness"
)

// check refuses what cannot be meant, before anything is made.
func (d *deployRun) check(args []string) error {
	switch {
	case len(args) > 0:
		return usage("stele deploy -o "+shell(args[0]), "deploy takes no arguments, got %s", shown(args[0]))
	case d.out == "":
		return usage("stele deploy -o edge", "no folder for the deployment: -o is missing")
	case d.free && (d.witness != "" || len(d.views) > 0 || d.webhook != ""):
		return usage("leave out --free, or the other", "--free deploys files alone: nothing there cosigns, compares or tells")
	case d.every < time.Minute:
		return usage("such as 1h, or 24h", "--every %s: want a minute at least", d.every)
	}
	if err := d.checkFolder(); err != nil {
		return err
	}
	if err := checkAddress("--url", d.url, withoutQuery); err != nil {
		return err
	}
	if err := checkAddress("--webhook", d.webhook, withQuery); err != nil {
		return err
	}
	for _, v := range d.views {
		if v == "" && len(d.views) > 1 {
			return usage("such as --views https://mirror.example/; --views '' alone is for none", "--views: an empty address among others")
		}
		if err := checkAddress("--views", v, withoutQuery); err != nil {
			return err
		}
	}
	if d.url != "" && !strings.HasSuffix(d.url, "/") {
		d.url += "/"
	}
	if !d.local {
		return nil
	}
	l, err := listen(d.addr, "--addr")
	if err != nil {
		return err
	}
	return l.Close()
}

// checkFolder refuses a folder for the deployment that is the registry's, or would be published with it, or that the registry lies in.
func (d *deployRun) checkFolder() error {
	const hint = "choose a folder of its own with -o"
	if registry.IsRegistry(d.out) && !exists(filepath.Join(d.out, edge.DeploymentFile)) { // a deployment has the file trust too
		return usage(hint, "%s is a registry's folder", shown(d.out))
	}
	out, at := resolved(d.out), resolved(d.c.registryDir)
	switch {
	case isBelow(at, out):
		return usage(hint, "the registry %s lies in %s", shown(d.c.registryDir), shown(d.out))
	case isBelow(out, filepath.Join(at, "public")):
		return usage(hint, "%s would be published with the registry", shown(d.out))
	case isBelow(out, at) && exists(out) && !exists(filepath.Join(out, edge.DeploymentFile)):
		return usage(hint, "%s is the registry's own", shown(d.out))
	}
	return nil
}

// resolved is a path without symbolic links, as far as it exists.
func resolved(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.Clean(path)
	}
	for rest := ""; ; {
		if to, err := filepath.EvalSymlinks(abs); err == nil {
			return filepath.Join(to, rest)
		}
		up := filepath.Dir(abs)
		if up == abs {
			return filepath.Join(abs, rest)
		}
		abs, rest = up, filepath.Join(filepath.Base(abs), rest)
	}
}

// isBelow reports whether a path is a folder's, or the folder itself; both are absolute.
func isBelow(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// Whether an address may have a query: what is asked for below one may not.
const (
	withQuery    = true
	withoutQuery = false
)

// checkAddress wants the address of a portal, or of whoever is told something; "" is none. Nothing secret may stand in it: addresses are shown to everybody.
func checkAddress(flag, address string, query bool) error {
	u, err := url.Parse(address)
	switch such := "such as " + flag + " https://registry.gov.example/"; {
	case address == "":
		return nil
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return usage(such, "%s %s is no address", flag, shown(address))
	case u.Fragment != "" || !query && (u.RawQuery != "" || u.ForceQuery):
		return usage(such, "%s %s: want an address that ends with its path, without ? and #", flag, shown(address))
	case u.User != nil:
		return usage(such, "%s: want an address without user and password: it is shown to everybody", flag)
	}
	return nil
}

// settings takes over what no flag says from the deployment that is there, so that deploying anew switches nothing off.
func (d *deployRun) settings() error {
	if err := d.readLogs(); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(d.out, edge.DeploymentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	was, err := edge.ParseDeployment(b)
	if err != nil {
		return usage("name a new folder with -o, and all settings again", "the deployment in %s cannot be read, so that its settings would be lost: %v", shown(d.out), err)
	}
	given := map[string]bool{}
	d.flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	take := func(flag string, there bool, says string, set func()) {
		if there && !given[flag] {
			d.kept = append(d.kept, "--"+flag+" "+says)
			set()
		}
	}
	take("url", was.URL != "", shell(was.URL), func() { d.url = was.URL })
	every := time.Duration(was.Check.Every) * time.Second
	take("every", every != d.every && every >= time.Minute, every.String(), func() { d.every = every })
	if d.free {
		return nil
	}
	for _, v := range was.Check.Views {
		take("views", true, shell(v), func() { d.views = append(d.views, v) })
	}
	take("webhook", was.Check.Webhook != "", shell(was.Check.Webhook), func() { d.webhook = was.Check.Webhook })
	if was.Witness != nil {
		take("witness", true, fmt.Sprintf("(%d lines)", strings.Count(was.Witness.Logs, "\n")), func() { d.logs = was.Witness.Logs })
	}
	return nil
}

// readLogs reads for whom the edge cosigns.
func (d *deployRun) readLogs() error {
	if d.witness == "" {
		return nil
	}
	const hint = "name a file with the lines log VKEY, one at least, and quorum none"
	b, err := os.ReadFile(d.witness)
	if err != nil {
		return usage(hint, "--witness %s: %s", shown(d.witness), fileReason(err))
	}
	logs, err := witness.ParseLogs(b)
	if err == nil && len(logs) == 0 {
		err = errors.New("it names no log")
	}
	if err != nil {
		return usage(hint, "--witness %s: %v", shown(d.witness), err)
	}
	d.logs = string(b)
	return nil
}

// deployment says what the edge does.
func (d *deployRun) deployment() (*edge.Deployment, error) {
	it := &edge.Deployment{Format: edge.DeploymentFormat, URL: d.url, Check: edge.Check{Every: int64(d.every / time.Second), Views: []string{}, Webhook: d.webhook}}
	for _, v := range d.views {
		if v != "" {
			it.Check.Views = append(it.Check.Views, v)
		}
	}
	if !d.free {
		token, err := gateToken(d.tokenFile())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(token))
		it.Gate, it.Links = &edge.Gate{TokenSHA256: hex.EncodeToString(sum[:]), Chunk: chunk}, true
	}
	if d.logs != "" {
		it.Witness = &edge.Witness{Logs: d.logs}
	}
	if _, err := edge.ParseDeployment(it.Marshal()); err != nil {
		return nil, usage("see stele deploy --help", "%v", err)
	}
	return it, nil
}
