package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

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

// IssuerKeyFile is the name of an issuer's key file.
func IssuerKeyFile(name string) string {
	return "issuer-" + strings.ReplaceAll(name, "/", "_")
}

// A Setup says what registry to make.
type Setup struct {
	Origin     string
	Title      string
	Demo       bool
	StaleAfter time.Duration
}

// Init makes a registry for a single office: no officers, no witnesses. The folder must not be a registry already.
func Init(dir string, s Setup, pass keys.Passphrase) (*Registry, error) {
	if _, err := os.Stat(dir + "/trust"); err == nil {
		return nil, hint("use another --registry, or go on with this one", "%s is a registry already", dir)
	}
	if !proofs.IsName(s.Origin) {
		return nil, hint("use a name like registry.gov.example/ledger", "origin %q: want lower-case letters, digits and . - _ /", s.Origin)
	}
	if s.Demo {
		pass = keys.Fixed(keys.DemoPassphrase)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	ks, err := keys.Create(dir+"/keys", pass, s.Demo)
	if err != nil {
		return nil, err
	}
	trust, err := newTrust(s, ks)
	if err != nil {
		return nil, err
	}
	for _, d := range []string{"pending", "ledger", "state", "public/index"} {
		if err := os.MkdirAll(dir+"/"+d, 0o755); err != nil {
			return nil, err
		}
	}
	r := &Registry{Dir: dir, fault: func(string, string) error { return nil }}
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
		{keyRoot, s.Origin + "/root", keys.Root, proofs.Ed25519Key},
		{keyLog, s.Origin, keys.Log, proofs.Ed25519Key},
		{keyLogMLDSA, s.Origin, keys.LogMLDSA44, proofs.MLDSA44Key},
		{keyPublication, s.Origin + "/publication", keys.Publication, proofs.Ed25519Key},
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

// Accredit queues the root's statement that an authority may issue kinds, with a key made here if it has none.
func (r *Registry) Accredit(name, title string, kinds []string) error {
	if !proofs.IsName(name) {
		return hint("use a name like education.gov.example", "authority %q: want lower-case letters, digits and . - _ /", name)
	}
	key, err := r.issuerKey(name)
	if err != nil {
		return err
	}
	after, err := r.latestAbout(name)
	if err != nil {
		return err
	}
	s := &proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionAccredit, Issuer: r.Trust.RootName(),
		Authority: name, After: after, Title: title, Keys: []*proofs.Key{key}, Kinds: kinds}
	s.SortKeys()
	return r.SubmitRoot(s)
}

// issuerKey returns the authority's key, and makes it if there is none.
func (r *Registry) issuerKey(name string) (*proofs.Key, error) {
	s, err := r.Keys.Signer(IssuerKeyFile(name))
	if err == nil {
		return s.Key(), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return r.Keys.Generate(IssuerKeyFile(name), name, keys.Issuer, proofs.Ed25519Key, rand.Reader)
}

// SubmitRoot signs a statement with the root key and queues it.
func (r *Registry) SubmitRoot(s *proofs.Statement) error { return r.submit(s, keyRoot) }

// SubmitIssuer signs a statement with its issuer's key and queues it.
func (r *Registry) SubmitIssuer(s *proofs.Statement) error {
	return r.submit(s, IssuerKeyFile(s.Issuer))
}

func (r *Registry) submit(s *proofs.Statement, keyFile string) error {
	if _, err := proofs.ParseStatement(s.Text()); err != nil {
		return err
	}
	signer, err := r.Keys.Signer(keyFile)
	if err != nil {
		return err
	}
	note, err := proofs.SignNote(s.Text(), signer)
	if err != nil {
		return err
	}
	if keyFile == keyRoot {
		if _, err := r.Trust.Authorise(nil, 0, note.Marshal()); err != nil {
			return fmt.Errorf("key %q is not enough for the trust file's root: %w", keyFile, err)
		}
	}
	l, err := r.lock(context.Background(), lockPending)
	if err != nil {
		return err
	}
	defer l.Unlock()
	return r.enqueue([][]byte{note.Marshal()})
}

// latestAbout is the leaf hash that the next statement about an authority has to name, nil if it is the first.
func (r *Registry) latestAbout(name string) (*proofs.Hash, error) {
	as, err := r.AuthoritiesPending()
	if err != nil {
		return nil, err
	}
	if h, ok := as[name].Latest(); ok {
		return &h, nil
	}
	return nil, nil
}
