package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"stele/build/registry"
	"stele/proofs"
)

// freshness is the default of --fresh: two missed daily heartbeats are noticed.
const freshness = 48 * time.Hour

func runInit(c *cli) error {
	var s registry.Setup
	var office, officeTitle string
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&s.Origin, "origin", "", "the ledger's name, for ever, such as registry.gov.example/ledger")
		fs.StringVar(&s.Title, "title", "", "the registry's name, for people")
		fs.DurationVar(&s.StaleAfter, "fresh", freshness, "how old a signature may be before verifiers call it stale")
		fs.StringVar(&office, "issuer", "", "the first authority (default: the origin with /office)")
		fs.StringVar(&officeTitle, "issuer-title", "", "its name, for people (default: the registry's)")
		fs.BoolVar(&s.Demo, "demo", false, "a demonstration: its keys are public, and every verdict says so")
	})
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele init --registry "+args[0], "init takes no arguments, got %q", args[0])
	}
	chosen := s.Origin == ""
	if chosen {
		s.Origin = "registry.example/" + originFor(c.registryDir)
	}
	if s.Title == "" {
		s.Title = "Registry " + s.Origin
	}
	if office == "" {
		office = s.Origin + "/office"
	}
	if officeTitle == "" {
		officeTitle = s.Title
	}
	r, err := registry.Init(c.registryDir, s, c.passphrase())
	if err != nil {
		return err
	}
	if err := r.Accredit(office, officeTitle, []string{"*"}); err != nil {
		return err
	}
	return c.tellInit(r, office, chosen)
}

func (c *cli) tellInit(r *registry.Registry, office string, chosen bool) error {
	id := r.Trust.ID()
	if chosen {
		c.note("note: the origin %s was chosen for you and cannot be changed later; for a real registry begin again with --origin and --title", r.Trust.Origin)
	}
	if c.json {
		return c.printJSON(struct {
			Registry  string `json:"registry"`
			Origin    string `json:"origin"`
			Issuer    string `json:"issuer"`
			TrustFile string `json:"trust_file"`
			SHA256    string `json:"trust_sha256"`
		}{r.Dir, r.Trust.Origin, office, filepath.Join(r.Dir, "trust"), id.String()})
	}
	fmt.Fprintf(c.stdout, "registry  %s\norigin    %s\nissuer    %s\ntrust     %s\n          sha256 %s\n", r.Dir, r.Trust.Origin, office,
		filepath.Join(r.Dir, "trust"), id)
	fmt.Fprintf(c.stdout, "\nGive the trust file to whoever is to check documents. Next:\n  stele register FILE… --registry %s\n  stele publish --registry %s\n", r.Dir, r.Dir)
	return nil
}

// originFor makes the last part of a name out of a folder's name.
func originFor(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		abs = dir
	}
	word := strings.Trim(strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(filepath.Base(abs))), "-")
	if len(word) > 40 || !proofs.IsWord(word) {
		return "ledger"
	}
	return word
}
