package registry

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"time"

	"stele/build/durable"
	"stele/build/keys"
	"stele/proofs"
)

// The key files of a registry.
const (
	keyRoot        = "root"
	keyLog         = "log"
	keyLogMLDSA    = "log-mldsa44"
	keyPublication = "publication"
)

// A Setup says what registry to make.
type Setup struct {
	Origin     string
	Title      string
	Demo       bool
	StaleAfter time.Duration
}

// longestFresh is the trust file's limit of stale-after: FORMAT.md, section 12.
const longestFresh = 365 * 24 * time.Hour

func rootName(origin string) string        { return origin + "/root" }
func publicationName(origin string) string { return origin + "/publication" }

// Names are the names that the registry itself will sign under.
func (s Setup) Names() []string {
	return []string{s.Origin, rootName(s.Origin), publicationName(s.Origin)}
}

func (r *Registry) names() []string {
	return []string{r.Trust.Origin, r.Trust.RootName(), r.Trust.Publication.Name}
}

// Check refuses before anything is made what the trust file would refuse after. The error begins with the setting's
// name: origin, title or fresh.
func (s Setup) Check() error {
	switch {
	case !proofs.IsName(s.Origin):
		return hint("stele init --origin registry.gov.example/ledger", "origin %q: %s", s.Origin, names)
	case !proofs.IsName(publicationName(s.Origin)):
		return hint("choose a shorter one", "origin of %d characters is too long for names that begin with it", len(s.Origin))
	case !proofs.IsText(s.Title):
		return hint("write it on one line, without control characters", "title %q: want 1 to 1000 bytes of text", s.Title)
	case s.StaleAfter < time.Second || s.StaleAfter > longestFresh || s.StaleAfter%time.Second != 0:
		return hint("48h notices two missed daily publications", "fresh %s: want whole seconds, from 1s to 8760h", s.StaleAfter)
	}
	return nil
}

// Init makes a registry for a single office: no officers, no witnesses. The folder must not be a registry already, nor
// hold keys.
func Init(dir string, s Setup, pass keys.Passphrase) (*Registry, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if IsRegistry(dir) {
		return nil, hint("use another --registry, or go on with this one", "%s is %w", dir, ErrRegistry)
	}
	if s.Demo {
		pass = keys.Fixed(keys.DemoPassphrase)
	}
	if err := durable.MakeDirs(dir); err != nil {
		return nil, err
	}
	r := quiet(dir)
	ks, err := keys.Create(r.path("keys"), pass, s.Demo)
	if err != nil {
		return nil, err
	}
	trust, err := newTrust(s, ks)
	if err != nil {
		return nil, err
	}
	for _, d := range []string{"pending", "ledger", "state", filepath.Join("public", "index")} {
		if err := durable.MakeDirs(r.path(d)); err != nil {
			return nil, err
		}
	}
	// The trust file makes the folder a registry: it comes last.
	if err := r.write(r.path("trust"), trust.Marshal()); err != nil {
		return nil, err
	}
	return Open(dir, pass)
}

// newTrust generates the registry's keys and writes the trust file that names them.
func newTrust(s Setup, ks *keys.Store) (*proofs.Trust, error) {
	made := map[string]*proofs.Key{}
	for _, k := range []struct {
		file, name string
		role       keys.Role
		t          proofs.KeyType
	}{
		{keyRoot, rootName(s.Origin), keys.Root, proofs.Ed25519Key},
		{keyLog, s.Origin, keys.Log, proofs.Ed25519Key},
		{keyLogMLDSA, s.Origin, keys.LogMLDSA44, proofs.MLDSA44Key},
		{keyPublication, publicationName(s.Origin), keys.Publication, proofs.Ed25519Key},
	} {
		key, err := ks.Generate(k.file, k.name, k.role, k.t, rand.Reader)
		if err != nil {
			return nil, err
		}
		made[k.file] = key
	}
	policy := "# Who must have signed a checkpoint: c2sp.org/tlog-policy.\n" +
		"log " + made[keyLog].String() + "\n" +
		"witness log-mldsa44 " + made[keyLogMLDSA].String() + "\n" +
		"quorum log-mldsa44\n"
	t := &proofs.Trust{Origin: s.Origin, Epoch: 1, Title: s.Title, Demo: s.Demo, RootThreshold: 1,
		RootKeys: []*proofs.Key{made[keyRoot]}, Publication: made[keyPublication],
		StaleAfter: int64(s.StaleAfter / time.Second), ApprovalAge: 7 * 24 * 3600,
		Officers: "none", Witnesses: "none", PolicyText: []byte(policy)}
	parsed, err := proofs.ParseTrust(t.Marshal())
	if err != nil {
		return nil, fmt.Errorf("title %q, stale after %s: %w", s.Title, s.StaleAfter, err)
	}
	return parsed, nil
}
