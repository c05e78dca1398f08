// Package keys keeps private keys in passphrase-protected files, or knows on which token they are, and signs with
// them.
//
// A folder of keys is one person's or one machine's:
//
//	keys/identity.age        an age identity, encrypted to the passphrase
//	keys/log.key             a private key, encrypted to that identity
//	keys/log.pub             its public half and its role, in clear
//	keys/education.key       …
//	keys/root.token          where a private key is that lies on a PKCS#11 token; in place of root.key
//
// Turning a passphrase into a key is made slow on purpose (scrypt, about a second),
// and a publication needs four to six keys. So the passphrase opens one file, the
// identity, and the identity opens the rest at once: one scrypt a command, however
// many keys. The price is that whoever unlocks a folder has every key in it, so
// officers and holders of root keys have a folder each.
//
// The identity is age's hybrid of ML-KEM-768 and X25519: a copy of the folder that
// is stolen today is not opened by a quantum computer later. Its public half is
// written nowhere, so making a key takes the passphrase too; but what says that a
// key is the right one is the trust file and the ledger, never this folder, and
// what says that a .pub is right is [Store.Signer], never [Store.List].
//
// Every file is an ordinary armored age file. Whoever has the passphrase and not
// this program reads a key with age's own tool:
//
//	$ age -d -i keys/identity.age keys/log.key
//	stele.secret-key/1
//	role log
//	public registry.gov.example/ledger+4f2e7a10+AW…
//	seed vJ0f…
//
// The seed is that of RFC 8032 (Ed25519) or ξ of FIPS 204 (ML-DSA-44). [Store.ChangePassphrase]
// encrypts identity.age anew, and age's own tool can do the same (age -d, then age -p -a). Copies made before still open with the old one.
//
// A folder whose keys are all on tokens needs no identity, and no passphrase: a token has a PIN.
//
// The folder of a demonstration is protected by a published passphrase, that is, not
// at all. It says so inside its identity, inside each key and in each .pub, and its
// keys are refused unless [Store.AllowDemo] is set.
package keys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"filippo.io/age"

	"stele/build/durable"
	"stele/proofs"
)

const (
	identityFile = "identity.age"
	keyExt       = ".key"
	pubExt       = ".pub"
)

// An Info is what the public half of a key says: nothing in it is authenticated.
type Info struct {
	File    string // name of the files in the folder, without extension
	Role    Role
	Key     *proofs.Key
	Demo    bool
	Private bool // the private half is in the folder too, or on a token that the folder names
	Token   *Token
}

// A Store is a folder of keys. It may be used concurrently, by several processes
// as well.
type Store struct {
	// AllowDemo says whether the keys of a demonstration may be used: the trust
	// file's Demo. It is set before the store is used.
	AllowDemo bool

	dir  string
	pass Passphrase

	// PIN is asked for tokens' PINs; nil for AskPIN over the process's environment and terminal.
	PIN PIN

	mu      sync.Mutex // guards what follows
	id      *age.HybridIdentity
	demo    bool
	tokens  map[string]*tokenSigner // by the text of their .token files
	pins    map[string][]byte       // by the token's label
	badPINs map[string]error        // what came of those that were wrong
}

// Create makes a folder of keys, without keys as yet, and asks for its passphrase.
// That of a demonstration is [DemoPassphrase]. With a nil pass, it is [Ask] over
// the process's environment and terminal.
func Create(dir string, pass Passphrase, demo bool) (*Store, error) {
	if demo {
		return create(dir, Fixed(DemoPassphrase), true, demoWork)
	}
	return create(dir, pass, false, Work)
}

func create(dir string, pass Passphrase, demo bool, logN int) (*Store, error) {
	s := &Store{AllowDemo: demo, dir: dir, pass: pass, demo: demo}
	path := s.path(identityFile)
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(path); err == nil {
		return nil, s.hasIdentity()
	}
	p, err := s.newPassphrase()
	if err != nil {
		return nil, err
	}
	defer clear(p)
	if s.id, err = age.GenerateHybridIdentity(); err != nil {
		return nil, failed("create", path, err, "")
	}
	b, err := sealIdentity(s.id, demo, p, logN)
	if err != nil {
		return nil, failed("create", path, err, "")
	}
	if err := putNew(path, b, 0o600); errors.Is(err, fs.ErrExist) {
		return nil, s.hasIdentity()
	} else if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Store) hasIdentity() error {
	return failed("create", s.path(identityFile), fs.ErrExist, "the folder was made before and is as it was: choose another")
}

// newPassphrase asks for a passphrase and holds it to the rules for new ones.
func (s *Store) newPassphrase() ([]byte, error) {
	p, err := s.passphrase(true)
	if err != nil || s.demo {
		return p, err
	}
	if err := checkNew(p); err != nil {
		clear(p)
		return nil, failed("create", s.path(identityFile), err, "several words are easier to remember than signs")
	}
	return p, nil
}

// Open opens a folder of keys. The passphrase is asked for once, when a private key
// is first needed. With a nil pass, it is [Ask] over the process's environment and
// terminal.
func Open(dir string, pass Passphrase) (*Store, error) {
	s := &Store{dir: dir, pass: pass}
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(s.path(identityFile)); err != nil && !s.hasTokens() {
		return nil, s.noIdentity(err)
	}
	return s, nil
}

// ForTokens opens a folder of keys, or makes one, that may be without an identity as yet: keys on tokens need none.
func ForTokens(dir string, pass Passphrase) (*Store, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	return &Store{dir: dir, pass: pass}, nil
}

// Sealed reports whether the folder has an identity, so that private halves can be kept in it.
func (s *Store) Sealed() bool {
	_, err := os.Lstat(s.path(identityFile))
	return err == nil
}

func (s *Store) hasTokens() bool {
	files, err := s.files()
	return err == nil && slices.ContainsFunc(slices.Collect(maps.Values(files)), func(p present) bool { return p.token })
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

func (s *Store) noIdentity(err error) error {
	return failed("open", s.path(identityFile), cause(err), missingHint(s.dir, err))
}

func (s *Store) passphrase(isNew bool) ([]byte, error) {
	pass := s.pass
	if pass == nil {
		pass = Ask(os.Getenv, os.Stdin, os.Stderr)
	}
	p, err := pass(s.dir, isNew)
	if err == nil && len(p) == 0 {
		return nil, noPassphrase(s.dir, ErrNoPassphrase)
	}
	if e := (*Error)(nil); err != nil && !errors.As(err, &e) {
		return nil, failed("unlock", s.dir, err, "")
	}
	return p, err
}

// ChangePassphrase encrypts the identity to another passphrase. The old file is replaced whole or not at all, and not before
// the new one was opened.
func (s *Store) ChangePassphrase(fresh Passphrase) error {
	id, err := s.identity()
	if err != nil {
		return err
	}
	path := s.path(identityFile)
	if s.demo {
		return failed("change the passphrase of", path, ErrDemo, "that of a demonstration is published")
	}
	p, err := (&Store{dir: s.dir, pass: fresh}).newPassphrase()
	if err != nil {
		return err
	}
	defer clear(p)
	b, err := sealIdentity(id, false, p, Work)
	if err != nil {
		return failed("change the passphrase of", path, err, "")
	}
	if _, _, err := openIdentity(b, p, maxWork); err != nil {
		return failed("change the passphrase of", path, err, "")
	}
	tmp, err := writeTemp(s.dir, b, 0o600)
	if err != nil {
		return failed("write", path, cause(err), "")
	}
	defer os.Remove(tmp)
	if err := os.Rename(tmp, path); err != nil {
		return failed("write", path, err, "")
	}
	return durable.SyncDir(s.dir)
}

// Unlock asks for the passphrase now, so that a long command does not stop for it
// half-way. Once it has succeeded it does nothing.
func (s *Store) Unlock() error {
	_, err := s.identity()
	return err
}

// identity unlocks the store. The published passphrase is tried first: it costs
// milliseconds, the file needs no mark in clear, and a demonstration never asks.
func (s *Store) identity() (*age.HybridIdentity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id == nil {
		if err := s.unlock(); err != nil {
			return nil, err
		}
	}
	if s.demo && !s.AllowDemo {
		return nil, refusedDemo(s.dir)
	}
	return s.id, nil
}

func (s *Store) unlock() error {
	path := s.path(identityFile)
	file, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s.noIdentity(err)
	} else if err != nil {
		return err
	}
	id, demo, err := openIdentity(file, []byte(DemoPassphrase), demoWork)
	if err == nil && !demo {
		return failed("unlock", path, ErrPublished, "whoever has had a copy has the keys: rotate them")
	}
	if err != nil {
		if id, demo, err = s.unlockWith(file); err != nil {
			return err
		}
	}
	s.id, s.demo = id, demo
	return nil
}

func (s *Store) unlockWith(file []byte) (*age.HybridIdentity, bool, error) {
	path := s.path(identityFile)
	if _, err := dearmor(file); err != nil {
		return nil, false, failed("unlock", path, err, "restore it from a copy")
	}
	p, err := s.passphrase(false)
	if err != nil {
		return nil, false, err
	}
	defer clear(p)
	id, demo, err := openIdentity(file, p, maxWork)
	switch {
	case errors.Is(err, ErrPassphrase):
		err = failed("unlock", path, err, "type it again; if "+envFile+" or "+envPass+" is set, check what it holds")
	case err != nil:
		err = failed("unlock", path, err, "restore it from a copy")
	}
	return id, demo, err
}

// Generate makes a key and writes both its halves, the private one first. An
// existing key is never overwritten: of two that make the same file, one fails. The
// key that is returned has been read back and unlocked.
//
// The file's name is of a-z, 0-9, dot, hyphen and underscore. 32 bytes are read from
// rand, which is crypto/rand's Reader wherever the key is to be worth something.
func (s *Store) Generate(file, name string, role Role, t proofs.KeyType, rand io.Reader) (*proofs.Key, error) {
	path := s.path(file + keyExt)
	if err := checkGenerate(file, role, t); err != nil {
		return nil, failed("generate", path, err, "")
	}
	id, err := s.identity()
	if err != nil {
		return nil, err
	}
	for _, p := range []string{path, s.path(file + pubExt), s.path(file + tokenExt)} {
		if _, err := os.Lstat(p); err == nil {
			return nil, exists(p)
		}
	}
	k, err := newSecret(name, half{Role: role, Demo: s.demo}, t, rand)
	if err != nil {
		return nil, failed("generate", path, err, "")
	}
	defer clear(k.seed)
	if err := s.write(file, k, id.Recipient()); err != nil {
		return nil, err
	}
	return k.Key, nil
}

func checkGenerate(file string, role Role, t proofs.KeyType) error {
	if err := CheckFile(file); err != nil {
		return err
	}
	if !role.takes(t) {
		return fmt.Errorf("role %q with a key of type 0x%02x", role, byte(t))
	}
	return nil
}

// write writes the halves of a new key, or neither. A crash in between leaves a
// private half alone, which List completes.
func (s *Store) write(file string, k *secret, to age.Recipient) error {
	path, pub := s.path(file+keyExt), s.path(file+pubExt)
	plain := k.marshal()
	defer clear(plain)
	b, err := seal(plain, to)
	if err != nil {
		return failed("write", path, err, "")
	}
	if err := putNew(path, b, 0o600); err != nil {
		return err
	}
	if err := putSame(pub, k.half.marshal()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	if _, err := s.Signer(file); err != nil {
		return errors.Join(err, os.Remove(pub), os.Remove(path))
	}
	return nil
}

// SignerFor unlocks the private half of a public key: what a key's files are called is for people, and which key has to
// sign, the trust file or an accreditation says.
func (s *Store) SignerFor(k *proofs.Key) (proofs.Signer, error) {
	infos, err := s.List()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(infos, func(i Info) bool { return i.Private && i.Key.Equal(k) })
	if i < 0 {
		return nil, failed("open", s.dir, missing(k), "work where that key is; what is in this folder: stele keys --keys "+shell(s.dir))
	}
	signer, err := s.Signer(infos[i].File)
	if err == nil && !signer.Key().Equal(k) { // the files have been exchanged in the meantime
		err = failed("open", s.path(infos[i].File+pubExt), ErrMismatch, "run the command again")
	}
	return signer, err
}

// Signer unlocks a private key. It fails unless the seed makes the public key, and
// the .pub says of key, role and demonstration what the private half says. A .pub
// that is missing is made again.
func (s *Store) Signer(file string) (proofs.Signer, error) {
	path := s.path(file + keyExt)
	if err := CheckFile(file); err != nil {
		return nil, failed("open", path, err, "")
	}
	if _, err := os.Lstat(s.path(file + tokenExt)); err == nil {
		return s.tokenSigner(file)
	}
	signer, inside, err := s.load(file)
	if err != nil {
		return nil, err
	}
	outside, err := s.readPub(file)
	if errors.Is(err, fs.ErrNotExist) {
		outside, err = inside, putSame(s.path(file+pubExt), inside.marshal())
	}
	if err != nil {
		return nil, err
	}
	if !inside.equal(outside) {
		return nil, failed("open", path, ErrMismatch, "move "+shell(s.path(file+pubExt))+
			" away; it is made again from the private half")
	}
	return signer, nil
}

// load decrypts a private half and checks it against itself and the store.
func (s *Store) load(file string) (*proofs.MemorySigner, half, error) {
	path := s.path(file + keyExt)
	b, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, half{}, failed("open", path, fs.ErrNotExist, "bring the key file here, or name another: ls "+shell(s.dir))
	} else if err != nil {
		return nil, half{}, err
	}
	id, err := s.identity()
	if err != nil {
		return nil, half{}, err
	}
	signer, h, err := openKey(b, id)
	if err == nil && h.Demo != s.demo {
		err = fmt.Errorf("%w: a key and its folder disagree whether this is a demonstration", ErrDamaged)
	}
	if err != nil {
		return nil, half{}, failed("open", path, err, "restore it from a copy of the same folder")
	}
	return signer, h, nil
}

func (s *Store) readPub(file string) (half, error) {
	path := s.path(file + pubExt)
	b, err := readFile(path)
	if err != nil {
		return half{}, err
	}
	h, err := parsePublic(b)
	if err != nil {
		return half{}, failed("read", path, err, "move it away; it is made again from the private half")
	}
	return h, nil
}

// List reads the public halves, by file name. It needs no passphrase, unless a .pub
// is missing: that one is made again from its private half.
func (s *Store) List() ([]Info, error) {
	files, err := s.files()
	if err != nil {
		return nil, err
	}
	var infos []Info
	for _, file := range slices.Sorted(maps.Keys(files)) {
		info, err := s.info(file, files[file])
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (s *Store) info(file string, p present) (Info, error) {
	if p.token {
		t, h, err := s.readToken(file)
		return Info{file, h.Role, h.Key, h.Demo, true, &t}, err
	}
	if !p.pub {
		if _, err := s.Signer(file); err != nil { // which makes the .pub again
			return Info{}, err
		}
	}
	h, err := s.readPub(file)
	return Info{file, h.Role, h.Key, h.Demo, p.key, nil}, err
}

// present says what of a key is in the folder.
type present struct{ key, pub, token bool }

func (s *Store) files() (map[string]present, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, failed("list", s.dir, cause(err), "")
	}
	files := map[string]present{}
	for _, e := range entries {
		file, ext := strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())), filepath.Ext(e.Name())
		if ext != keyExt && ext != pubExt && ext != tokenExt || file == "" {
			continue
		}
		if err := CheckFile(file); err != nil {
			return nil, failed("list", s.path(e.Name()), err, "move it out of the folder")
		}
		p := files[file]
		files[file] = present{p.key || ext == keyExt, p.pub || ext == pubExt, p.token || ext == tokenExt}
	}
	return files, nil
}

func makeDir(dir string) error {
	_, err := os.Lstat(dir)
	isNew := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return failed("create", dir, cause(err), "")
	}
	if isNew {
		if err := durable.SyncDir(filepath.Dir(dir)); err != nil {
			return failed("create", dir, err, "")
		}
	}
	return checkDir(dir)
}
