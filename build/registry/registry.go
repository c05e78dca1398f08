// Package registry is a registry's folder and everything that writes to it:
// registering documents, and publishing.
//
//	DIR/trust        the trust file
//	DIR/keys/        private keys, passphrase-protected
//	DIR/pending/     statements that are signed and not yet in the ledger
//	DIR/ledger/      the log's own folder, never served
//	DIR/state/       what the publisher remembers: every checkpoint signed, the index
//	DIR/public/      what is published; any static file server can serve it as it is
//
// A statement goes: Register → pending (durable) → Publish: sequence → index → sign → write.
// Nothing is promised before the last step; a crash anywhere leaves the publication before whole, and
// the next Publish finishes what was begun.
package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"stele/build/durable"
	"stele/build/index"
	"stele/build/keys"
	"stele/build/ledger"
	"stele/proofs"
)

// A Registry is an opened registry folder.
type Registry struct {
	Dir   string
	Trust *proofs.Trust
	Keys  *keys.Store

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
)

// IsRegistry tells a registry by its trust file; what is published has a folder of that name.
func IsRegistry(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "trust"))
	return err == nil && info.Mode().IsRegular()
}

// quiet is a registry that tells nobody.
func quiet(dir string) *Registry {
	return &Registry{Dir: dir, Now: time.Now, Waiting: func(string) {}, Stage: func(string) {}, Read: func(int) {},
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
	return r, nil
}

func (r *Registry) path(elem ...string) string {
	return filepath.Join(append([]string{r.Dir}, elem...)...)
}

// Public is the folder to serve.
func (r *Registry) Public() string { return r.path("public") }

func (r *Registry) log() *ledger.Log { return ledger.At(r.path("ledger"), r.Trust.Origin) }

// A store is the index's folder, with the registry's steps.
type store struct {
	index.Dir
	r *Registry
}

func (s store) Put(h proofs.Hash, b []byte) error { return s.r.writeOnce(s.Path(h), b) }

func (r *Registry) store() store { return store{index.Dir(r.path("public", "index")), r} }

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

// write replaces a file durably.
func (r *Registry) write(path string, b []byte) error {
	return r.step(path, func() error { return durable.WriteFile(path, b, 0o644) })
}

// writeOnce writes a file that never changes, if it is not there already. It is durable after sync.
func (r *Registry) writeOnce(path string, b []byte) error {
	if durable.Holds(path, b) {
		return nil
	}
	return r.step(path, func() error { return durable.WriteOnce(path, b) })
}

// sync makes everything that is published durable.
func (r *Registry) sync() error {
	return r.step(r.Public(), func() error { return durable.SyncTree(r.Public()) })
}

// remove removes a file; one that is gone already does not matter.
func (r *Registry) remove(path string) error {
	return r.step(path, func() error {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// lock takes one of the registry's locks, waiting for whoever holds it.
func (r *Registry) lock(ctx context.Context, name string) (*durable.Lock, error) {
	path := r.path("state", name)
	told := false
	for {
		l, err := durable.TryLock(path)
		if !errors.Is(err, durable.ErrLocked) {
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

// The locks. Whoever needs several takes them in this order.
const (
	lockPublish  = "publish.lock"  // sequence, index and sign: one publisher
	lockRegister = "register.lock" // one Register at a time: a document must not be queued twice
	lockPending  = "pending.lock"  // the queue's content
)
