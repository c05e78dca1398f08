package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"stele/build/registry"
	"stele/proofs"
)

// freshness is the default of --fresh: two missed daily heartbeats are noticed.
const freshness = 48 * time.Hour

func runInit(c *cli) error {
	var s registry.Setup
	var office, officeTitle, settings string
	var signers signerFlags
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&s.Origin, "origin", "", "the ledger's name, for ever, such as registry.gov.example/ledger")
		fs.StringVar(&s.Title, "title", "", "the registry's name, for people")
		fs.DurationVar(&s.StaleAfter, "fresh", freshness, "how old a signature may be before verifiers call it stale")
		fs.StringVar(&office, "issuer", "", "the first authority (default: the origin with /office)")
		fs.StringVar(&officeTitle, "issuer-title", "", "its name, for people (default: the registry's)")
		signers.define(fs)
		fs.Var(&signers.roots, "root-key", keyOrFile+", of a holder of a root key, so that the root need not lie with the other keys; may be repeated")
		fs.DurationVar(&s.ApprovalAge, "approval-age", 7*24*time.Hour, "how long an officer's approval is carried over while nothing new is published")
		fs.BoolVar(&s.Adopt, "adopt-keys", false, "use the keys that stele key has made in DIR/keys, on a token say, and make the missing ones")
		fs.BoolVar(&s.Demo, "demo", false, "a demonstration: its keys are public, and every verdict says so")
		fs.StringVar(&settings, "storage", "", "a `FILE` that names a bucket and a database where the registry is to lie (default: the folder).\n"+
			"        It begins with the line stele.storage/1; then, each on a line: bucket NAME, prefix PATH (optional), region NAME,\n"+
			"        endpoint URL (for a store that is not AWS's), database USER@tcp(HOST:3306)/NAME. The database's password is read\n"+
			"        from the file named by STELE_DATABASE_PASSWORD_FILE, the bucket's keys from where programs for S3 look for them")
	})
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele init --registry "+shell(args[0]), "init takes no arguments, got %s", shown(args[0]))
	}
	chosen := s.Origin == ""
	if chosen {
		s.Origin = "registry.example/" + originFor(c.registryDir)
	}
	if settings != "" {
		if s.Storage, err = os.ReadFile(settings); err != nil {
			return err
		}
	}
	if s.Roles, err = signers.roles(); err != nil {
		return err
	}
	for _, v := range signers.roots {
		keys, err := readKeys("--root-key", v)
		if err != nil {
			return err
		}
		s.RootKeys = append(s.RootKeys, keys...)
	}
	s.Root = signers.root
	s.Title = cmp.Or(s.Title, "Registry "+s.Origin)
	office, officeTitle = cmp.Or(office, s.Origin+"/office"), cmp.Or(officeTitle, s.Title)
	if err := checkInit(s, office, officeTitle); err != nil {
		return err
	}
	r, err := c.init(s)
	if err != nil {
		return err
	}
	if len(s.RootKeys) > 0 { // whoever holds the root's keys has the say
		return c.tellInit(r, "", chosen)
	}
	if err := r.Accredit(office, officeTitle, []string{"*"}); err != nil {
		return err
	}
	if !s.Demo { // what is made to try things out holds only what was put there
		if err := r.AccreditVerifier(); err != nil {
			return err
		}
	}
	return c.tellInit(r, office, chosen)
}

// settings are what an error of Setup.Check may begin with.
var settings = regexp.MustCompile(`^(origin|title|fresh|storage|policy|root|root-key)\b`)

// checkInit refuses before anything is made what would be refused after.
func checkInit(s registry.Setup, office, officeTitle string) error {
	var e *registry.Error
	if err := s.Check(); errors.As(err, &e) {
		if settings.MatchString(err.Error()) {
			return usage(e.Hint, "--%w", err)
		}
		return usage(e.Hint, "%w", err)
	}
	if err := registry.CheckAuthority(office, s.Names()...); errors.As(err, &e) {
		return usage("stele init --issuer education.gov.example", "--issuer: %w", err)
	}
	if err := registry.CheckAuthority(registry.VerifierName(s.Origin)); !s.Demo && errors.As(err, &e) {
		return usage("choose a shorter --origin", "--origin: %w", err)
	}
	return checkTitle("--issuer-title", officeTitle)
}

// init makes the registry, and takes away empty folders if it could not.
func (c *cli) init(s registry.Setup) (*registry.Registry, error) {
	fresh := !exists(c.registryDir)
	r, err := registry.Init(c.registryDir, s, c.passphrase())
	if err == nil {
		return r, nil
	}
	os.Remove(filepath.Join(c.registryDir, "keys")) // Remove fails where there is anything inside
	if fresh {
		os.Remove(c.registryDir)
	}
	return nil, c.notFree(err)
}

// notFree says what is in the way of a new registry, if that is why it was not made.
func (c *cli) notFree(err error) error {
	dir := c.registryDir
	switch {
	case errors.Is(err, registry.ErrRegistry):
		return &registry.Error{Err: fmt.Errorf("%s is %w", c.folder(), registry.ErrRegistry),
			Hint: "go on with it: stele register FILE…; or make another elsewhere"}
	case errors.Is(err, fs.ErrExist):
		return &registry.Error{Err: fmt.Errorf("%s holds keys, but no trust file", c.folder()),
			Hint: "if it was a registry, restore its trust file from a backup; if an init was cut off there, remove " +
				shell(filepath.Join(dir, "keys")) + " and run it again; if the keys were made for this one, add --adopt-keys"}
	case errors.Is(err, syscall.ENOTDIR):
		return usage("name a folder, or what is to become one, with "+c.folderFlag(), "%s is a file or lies under one, want a folder", shown(dir))
	}
	return err
}

// folderFlag is the flag that names the registry's folder.
func (c *cli) folderFlag() string {
	if c.cmd.name == "demo" {
		return "--dir"
	}
	return "--registry"
}

func (c *cli) tellInit(r *registry.Registry, office string, chosen bool) error {
	id := r.Trust.ID()
	if chosen {
		c.note("note: the origin %s was chosen for you and cannot be changed later; for a real registry begin again in another folder with --origin and --title", r.Trust.Origin)
	}
	if len(r.Trust.Policy.Leaves(r.Trust.Witnesses)) > 0 {
		c.tellWitnesses(r.Trust)
	}
	if c.json {
		return c.printJSON(struct {
			Registry  string `json:"registry"`
			Origin    string `json:"origin"`
			Issuer    string `json:"issuer,omitempty"` // none where the root's keys are elsewhere
			TrustFile string `json:"trust_file"`
			SHA256    string `json:"trust_sha256"`
		}{r.Dir, r.Trust.Origin, office, filepath.Join(r.Dir, "trust"), id.String()})
	}
	fmt.Fprintf(c.stdout, "registry  %s\norigin    %s\n", shown(r.Dir), r.Trust.Origin)
	if office != "" {
		fmt.Fprintf(c.stdout, "issuer    %s\n", office)
	}
	fmt.Fprintf(c.stdout, "trust     %s\n          sha256 %s\n", shown(filepath.Join(r.Dir, "trust")), id)
	if !r.Trust.Demo {
		fmt.Fprintf(c.stdout, "\nKeep the passphrase: without it nothing can be registered or published.\n")
	}
	first := c.inRegistry("stele register FILE…")
	if office == "" {
		first = c.inRegistry("stele accredit AUTHORITY --out FILE") + ", for the holders of the root's keys to sign"
	}
	fmt.Fprintf(c.stdout, "\nGive the trust file to whoever is to check documents. Next:\n  %s\n  %s\n", first, c.inRegistry("stele publish"))
	return nil
}

// tellWitnesses tells what witnesses have to know before they cosign for a log.
func (c *cli) tellWitnesses(t *proofs.Trust) {
	for _, l := range t.Policy.Logs {
		c.note("note: witnesses cosign for this log once this line is in their logs files:\n  log %s", l.Key)
	}
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
