package registry

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"stele/build/durable"
	"stele/build/keys"
	"stele/build/storage"
	"stele/proofs"
)

// approvalAge is how long an officer's cosignature carries over, if nothing else is said.
const approvalAge = 7 * 24 * time.Hour

// The names of the files of a registry's first keys.
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

	Roles                     // officers and witnesses from the start
	ApprovalAge time.Duration // of an officer's cosignature; 0: a week
	RootKeys    []*proofs.Key // of root keys that are elsewhere; none: one is made here
	Root        int           // how many root keys have to sign; 0: more than half
	Adopt       bool          // DIR/keys is there, with keys that were made for this: on tokens, say
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
	return s.checkSigners()
}

// checkSigners tries a trust file with keys that sign nothing, so that no key is made for one that cannot be.
func (s Setup) checkSigners() error {
	for _, k := range s.RootKeys {
		if k.Name != rootName(s.Origin) || k.Type != proofs.Ed25519Key {
			return hint("its holder makes one: stele key "+rootName(s.Origin)+" --role root", "root-key %s: want an Ed25519 key (0x01) named %s", KeyID(k), rootName(s.Origin))
		}
	}
	n := max(len(s.RootKeys), 1)
	if s.Root < 0 || s.Root > n {
		return hint("give as many with --root-key", "root %d: there are %d root keys", s.Root, n)
	}
	public := func(role keys.Role, fill byte) *proofs.Key {
		name, t := keyOf(role, s.Origin)
		size := map[proofs.KeyType]int{proofs.Ed25519Key: 32, proofs.MLDSA44Key: 1312}[t]
		return &proofs.Key{Name: name, Type: t, Public: bytes.Repeat([]byte{fill}, size)}
	}
	t := &proofs.Trust{Origin: s.Origin, Epoch: 1, Title: s.Title, RootThreshold: 1, RootKeys: []*proofs.Key{public(keys.Root, 1)},
		Publication: public(keys.Publication, 2), StaleAfter: 1, ApprovalAge: 1}
	err := s.Roles.apply(Signers{Log: public(keys.Log, 3), LogMLDSA: public(keys.LogMLDSA44, 4)}, t)
	if err == nil {
		_, err = proofs.ParseTrust(t.Marshal())
	}
	var e *Error
	if err != nil && !errors.As(err, &e) {
		return hint("stele help init tells how officers and witnesses are named", "policy: %w", err)
	}
	return err
}

// Init makes a registry. The folder must not be a registry already, nor
// hold keys, unless they are to be adopted.
func Init(dir string, s Setup, pass keys.Passphrase) (*Registry, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if IsDeployment(dir) {
		return nil, hint("use another --registry", "%s is %w", dir, ErrDeployment)
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
	ks, err := s.keyStore(r.path("keys"), pass)
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

// keyStore makes the folder of keys, or opens one that is to be adopted.
func (s Setup) keyStore(dir string, pass keys.Passphrase) (*keys.Store, error) {
	if !s.Adopt {
		if ks, err := keys.Open(dir, pass); err == nil && !ks.Sealed() { // keys on tokens, which Create would not see
			return nil, &fs.PathError{Op: "create", Path: dir, Err: fs.ErrExist}
		}
		return keys.Create(dir, pass, s.Demo)
	}
	ks, err := keys.Open(dir, pass)
	if err == nil && !ks.Sealed() {
		ks, err = keys.Create(dir, pass, s.Demo)
	}
	return ks, err
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

// newTrust generates the registry's keys, as far as they are not there, and writes the trust file that names them.
func newTrust(s Setup, ks *keys.Store) (*proofs.Trust, error) {
	made := map[keys.Role]*proofs.Key{}
	for _, role := range []keys.Role{keys.Root, keys.Log, keys.LogMLDSA44, keys.Publication} {
		if role == keys.Root && len(s.RootKeys) > 0 {
			continue
		}
		key, err := s.key(ks, role)
		if err != nil {
			return nil, err
		}
		made[role] = key
	}
	root := slices.Clone(s.RootKeys)
	if k := made[keys.Root]; k != nil {
		root = append(root, k)
	}
	slices.SortFunc(root, func(a, b *proofs.Key) int { return cmp.Compare(a.String(), b.String()) })
	t := &proofs.Trust{Origin: s.Origin, Epoch: 1, Title: s.Title, Demo: s.Demo, RootThreshold: cmp.Or(s.Root, len(root)/2+1),
		RootKeys: slices.CompactFunc(root, (*proofs.Key).Equal), Publication: made[keys.Publication],
		StaleAfter: int64(s.StaleAfter / time.Second), ApprovalAge: int64(cmp.Or(s.ApprovalAge, approvalAge) / time.Second)}
	if err := s.Roles.apply(Signers{Log: made[keys.Log], LogMLDSA: made[keys.LogMLDSA44]}, t); err != nil {
		return nil, err
	}
	parsed, err := proofs.ParseTrust(t.Marshal())
	if err != nil {
		return nil, fmt.Errorf("title %q, stale after %s: %w", s.Title, s.StaleAfter, err)
	}
	return parsed, nil
}

// key makes a role's key, or adopts one that was made for it.
func (s Setup) key(ks *keys.Store, role keys.Role) (*proofs.Key, error) {
	name, t := keyOf(role, s.Origin)
	infos, err := ks.List()
	if err != nil {
		return nil, err
	}
	for _, i := range infos {
		if i.Private && i.Role == role && i.Key.Name == name {
			return i.Key, nil
		}
	}
	return ks.Generate(FreeFile(infos, string(role)), name, role, t, rand.Reader)
}
