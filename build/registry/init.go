package registry

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"stele/build/durable"
	"stele/build/keys"
	"stele/build/storage"
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
	Storage    []byte // of DIR/storage, where the registry is to lie elsewhere; nil for the folder
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
	if s.Storage != nil {
		if _, err := storage.ParseSettings(s.Storage); err != nil {
			return hint("stele help init tells what it holds", "storage: %w", err)
		}
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
	if err := r.mustBeVacant(s); err != nil { // before there are keys: what is wrong is put right, and init run again
		return nil, err
	}
	ks, err := keys.Create(r.path("keys"), pass, s.Demo)
	if err != nil {
		return nil, err
	}
	trust, err := newTrust(s, ks)
	if err != nil {
		return nil, err
	}
	if err := r.furnish(s); err != nil {
		return nil, err
	}
	// The trust file makes the folder a registry: it comes last.
	if err := r.step(r.path("trust"), func() error { return durable.WriteFile(r.path("trust"), trust.Marshal(), 0o644) }); err != nil {
		return nil, err
	}
	return Open(dir, pass)
}

// furnish makes the folders of a registry that lies in its folder, or says where else it lies.
func (r *Registry) furnish(s Setup) error {
	if s.Storage != nil {
		return durable.WriteFile(r.path(storage.SettingsName), s.Storage, 0o644)
	}
	for _, d := range []string{"pending", "ledger", "state", filepath.Join("public", "index")} {
		if err := durable.MakeDirs(r.path(d)); err != nil {
			return err
		}
	}
	return nil
}

// mustBeVacant looks, where the registry is to lie elsewhere, whether that can be reached and nothing lies there.
func (r *Registry) mustBeVacant(s Setup) error {
	if s.Storage == nil {
		return nil
	}
	settings, err := storage.ParseSettings(s.Storage)
	if err != nil {
		return err // Check has told it
	}
	at, err := inCloud(settings, s.Origin)
	if err != nil {
		return err
	}
	for in, name := range map[storage.Files]string{at.State: stateSigned, at.Public: checkpointPath} {
		_, err := in.Read(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err == nil:
			return hint("copy the trust file and the keys of that registry here; or name another bucket, prefix and database",
				"%s: a registry lies there already", in.Path(name))
		default:
			return hint("look at bucket, region and endpoint in the storage file, at the bucket's keys (AWS_ACCESS_KEY_ID and "+
				"AWS_SECRET_ACCESS_KEY, if they are given so), and whether the store runs", "cannot tell whether a registry lies there: %w", err)
		}
	}
	return nil
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
