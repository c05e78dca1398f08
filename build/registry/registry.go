// Package registry is a registry and everything that writes to it: what is said by those who hold keys here
// (register.go, desk.go, accredit.go), what comes in signed from outside (intake.go), and publishing (publish.go).
//
//	DIR/trust        the trust file
//	DIR/keys/        private keys, passphrase-protected
//	DIR/pending/     statements that are signed and not yet in the ledger
//	DIR/ledger/      the log's own folder, never served
//	DIR/state/       what the publisher remembers: every checkpoint signed, the index, approvals, trust files
//	DIR/public/      what is published; any static file server can serve it as it is
//
// All but the first two can lie elsewhere: package storage.
//
// A statement goes: Register, Desk or Intake → pending (durable) → Publish: sequence → index → sign → write → collect; where officers
// approve and witnesses cosign, what is signed is proposed first, and written once the policy is met: publish.go.
// Nothing is promised before it is written; a crash anywhere leaves the publication before whole, and
// the next Publish finishes what was begun.
package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stele/build/keys"
	"stele/build/ledger"
	"stele/build/portal"
	"stele/build/storage"
	"stele/build/witness"
	"stele/proofs"
	"stele/site"
)

// A Registry is an opened registry folder.
type Registry struct {
	Dir   string
	Trust *proofs.Trust
	Keys  *keys.Store

	at     *storage.Storage
	before *proofs.Trust // the trust file before Trust, where it has just been followed

	// Witness asks witnesses for their cosignatures.
	Witness *witness.Client
	// Now is the publisher's clock.
	Now func() time.Time
	// Waiting is told when another process holds the lock that is needed.
	Waiting func(what string)
	// Stage is told what Publish is about to do.
	Stage func(stage string)
	// Read is told of bytes of documents that were read, as they are; several goroutines call it at once.
	Read func(bytes int)

	// fault is called before and after each durable write, so that tests can make every one of them fail.
	fault func(when, path string) error
}

// An Error is for an official to read: what is wrong, and what to type next.
type Error struct {
	Err  error
	Hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func hint(hint, format string, args ...any) error {
	return &Error{fmt.Errorf(format, args...), hint}
}

// What a folder is, where it should be the other.
var (
	ErrNoRegistry = errors.New("not a registry: it holds no trust file")
	ErrRegistry   = errors.New("a registry already")
	ErrDeployment = errors.New("a deployment, which stele deploy has made, not a registry")
)

// IsRegistry tells a registry by its trust file; what is published has a folder of that name, and a deployment has the file too.
func IsRegistry(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "trust"))
	return err == nil && info.Mode().IsRegular() && !IsDeployment(dir)
}

// IsDeployment tells the folder of an edge by its deployment.json (package stele/site/edge).
func IsDeployment(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "deployment.json"))
	if err != nil {
		return false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return err == nil && bytes.Contains(b, []byte(`"stele.deployment/`))
}

// quiet is a registry that tells nobody.
func quiet(dir string) *Registry {
	return &Registry{Dir: dir, Witness: &witness.Client{Sizes: map[string]uint64{}}, Now: time.Now, Waiting: func(string) {}, Stage: func(string) {}, Read: func(int) {},
		fault: func(string, string) error { return nil }}
}

// Open opens the registry in a folder. Keys are unlocked only when one is needed.
func Open(dir string, pass keys.Passphrase) (*Registry, error) {
	r, err := Look(dir)
	if err != nil {
		return nil, err
	}
	if r.Trust.Demo {
		pass = keys.Fixed(keys.DemoPassphrase)
	}
	if r.Keys, err = keys.Open(r.path("keys"), pass); err != nil {
		return nil, err
	}
	r.Keys.AllowDemo = r.Trust.Demo
	return r, nil
}

// Look opens a registry without its keys: whoever only serves it need not be able to read them.
func Look(dir string) (*Registry, error) {
	if IsDeployment(dir) {
		return nil, hint("name the registry's folder with --registry DIR", "%s is %w", dir, ErrDeployment)
	}
	r := quiet(dir)
	b, err := os.ReadFile(r.path("trust"))
	if err != nil && !IsRegistry(dir) && !errors.Is(err, fs.ErrPermission) {
		return nil, hint("stele init --registry "+dir, "%s is %w", dir, ErrNoRegistry)
	}
	if err != nil {
		return nil, err
	}
	if r.Trust, err = proofs.ParseTrust(b); err != nil {
		return nil, fmt.Errorf("%s: %w", r.path("trust"), err)
	}
	if err := r.find(r.Trust.Origin); err != nil {
		return nil, err
	}
	return r, r.follow()
}

// find finds where the registry lies: in its folder, or where DIR/storage says.
func (r *Registry) find(origin string) error {
	b, err := os.ReadFile(r.path(storage.SettingsName))
	if errors.Is(err, fs.ErrNotExist) {
		r.at = storage.In(r.Dir, origin)
		return nil
	}
	if err != nil {
		return err
	}
	s, err := storage.ParseSettings(b)
	if err != nil {
		return hint("stele help init tells what it holds", "%s: %w", r.path(storage.SettingsName), err)
	}
	r.at, err = inCloud(s, origin)
	return err
}

func inCloud(s *storage.Settings, origin string) (*storage.Storage, error) {
	at, err := storage.InCloud(context.Background(), s, origin, os.Getenv)
	if err != nil {
		return nil, hint("look at the storage file's line \"database\", at STELE_DATABASE_PASSWORD_FILE, and whether the database runs", "%w", err)
	}
	return at, nil
}

func (r *Registry) path(elem ...string) string {
	return filepath.Join(append([]string{r.Dir}, elem...)...)
}

// Public is the folder to serve, or the address of the part of a bucket.
func (r *Registry) Public() string { return strings.TrimSuffix(r.at.Public.Path(""), "/") }

// PublicFiles are what is published, to be read.
func (r *Registry) PublicFiles() PublicFiles { return r.at.Public }

// PublicFiles are published files by slash-separated names; see storage.Files.
type PublicFiles interface {
	Read(name string) ([]byte, error)
	List(below string, f func(name string, size int64) error) error
}

// Site serves what is published.
func (r *Registry) Site() http.Handler { return site.HandlerFS(storage.FS(r.at.Public)) }

// Portal reads what is published.
func (r *Registry) Portal() portal.Portal { return published{r} }

type published struct{ r *Registry }

func (p published) String() string { return p.r.Public() }
func (p published) Read(ctx context.Context, path string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return p.r.at.Public.Read(path)
}

// Published reports whether a file of what is published is there.
func (r *Registry) Published(name string) (bool, error) {
	_, err := r.at.Public.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (r *Registry) log() *ledger.Log { return r.at.Ledger }

// A store is the index's files among what is published.
type store struct{ r *Registry }

func (s store) Get(h proofs.Hash) ([]byte, error) { return s.r.at.Public.Read(proofs.IndexPath(h)) }
func (s store) Put(h proofs.Hash, b []byte) error { return s.r.put(proofs.IndexPath(h), b) }

func (r *Registry) store() store { return store{r} }

// step is one change on the disk, which tests can make fail before or after it has happened.
func (r *Registry) step(path string, do func() error) error {
	if err := r.fault("before", path); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return r.fault("after", path)
}

// replace replaces a file durably.
func (r *Registry) replace(in storage.Files, name string, b []byte) error {
	return r.step(in.Path(name), func() error { return in.Replace(name, b) })
}

// put publishes a file that never changes, if it is not there already. It is durable after sync.
func (r *Registry) put(name string, b []byte) error {
	return r.step(r.at.Public.Path(name), func() error { return r.at.Public.Put(name, b) })
}

// sync makes everything that is published durable.
func (r *Registry) sync() error { return r.step(r.at.Public.Path(""), r.at.Public.Sync) }

// remove removes files; those that are gone already do not matter.
func (r *Registry) remove(in storage.Files, names ...string) error {
	for some := range slices.Chunk(names, storage.RemoveAtOnce) {
		for _, name := range some {
			if err := r.fault("before", in.Path(name)); err != nil {
				return err
			}
		}
		if err := in.Remove(some...); err != nil {
			return err
		}
		for _, name := range some {
			if err := r.fault("after", in.Path(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// lock takes one of the registry's locks, waiting for whoever holds it.
func (r *Registry) lock(ctx context.Context, name string) (io.Closer, error) {
	told := false
	for {
		l, err := r.at.TryLock(name)
		if !errors.Is(err, storage.ErrLocked) {
			return l, err
		}
		if !told {
			r.Waiting(name)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// The locks. Nobody holds both.
const (
	lockPublish  = storage.LockPublish // sequence, index and sign: one publisher
	lockRegister = "register.lock"     // one Register at a time: a document must not be queued twice
)
