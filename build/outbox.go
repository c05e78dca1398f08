package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"stele/build/durable"
	"stele/build/issuer"
	"stele/build/registry"
	"stele/proofs"
)

// outboxDir is where an agency keeps what it has signed until it is published, in the folder of its keys. A file holds
// statements as an entry bundle does, and is named by its number and its hash.
const outboxDir = "outbox"

const outboxExt = ".statements"

// An outbox makes sure that a document gets one statement, however often its submission is broken off.
type outbox struct {
	dir   string
	lock  *durable.Lock
	last  int // number of the last file
	files map[string][]*boxed
	all   [][]byte // in the order in which they were said
	byID  map[proofs.Hash]*boxed
	about map[string][]*boxed // by registry, action and selector
}

// A boxed is a statement in the outbox.
type boxed struct {
	entry     []byte
	id        proofs.Hash
	statement *proofs.Statement
}

// openOutbox reads the outbox, and keeps others of the same keys out of it until unlock.
func openOutbox(keysDir string) (*outbox, error) {
	b := &outbox{dir: filepath.Join(keysDir, outboxDir), files: map[string][]*boxed{}, byID: map[proofs.Hash]*boxed{}, about: map[string][]*boxed{}}
	for {
		l, err := durable.TryLock(filepath.Join(b.dir, "lock"))
		if err == nil {
			b.lock = l
			break
		}
		if !errors.Is(err, durable.ErrLocked) {
			return nil, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := b.read(); err != nil {
		b.unlock()
		return nil, err
	}
	return b, nil
}

func (b *outbox) unlock() { b.lock.Close() }

func (b *outbox) read() error {
	dir, err := os.ReadDir(b.dir)
	if err != nil {
		return err
	}
	for _, d := range dir {
		name, ok := strings.CutSuffix(d.Name(), outboxExt)
		number, hash, _ := strings.Cut(name, "-")
		if !ok {
			continue
		}
		path := filepath.Join(b.dir, d.Name())
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		entries, err := proofs.ParseEntries(raw)
		if err == nil && proofs.Hash(sha256.Sum256(raw)).String() != hash {
			err = errors.New("its content does not fit its name")
		}
		if err != nil {
			return &registry.Error{Err: fmt.Errorf("%s: damaged: %w", path, err), Hint: "restore it from a backup, or move it away: what it held may have been sent"}
		}
		if n, err := strconv.Atoi(number); err == nil {
			b.last = max(b.last, n)
		}
		b.add(d.Name(), entries)
	}
	return nil
}

func (b *outbox) add(name string, entries [][]byte) {
	for _, e := range entries {
		x := &boxed{entry: e, id: registry.StatementID(e)}
		if _, env, err := proofs.ParseEntry(e); err == nil {
			x.statement, _ = env.Statement()
		}
		b.files[name] = append(b.files[name], x)
		b.all, b.byID[x.id] = append(b.all, e), x
		if s := x.statement; s != nil {
			key := aboutKey(s.Registry, s.Action, subjectOf(s))
			b.about[key] = append(b.about[key], x)
		}
	}
}

func aboutKey(registry, action, selector string) string {
	return registry + "\n" + action + "\n" + selector
}

// registered is a registration of the same document by the same issuer.
func (b *outbox) registered(s *proofs.Statement) *boxed {
	for _, x := range b.about[aboutKey(s.Registry, s.Action, subjectOf(s))] {
		if x.statement.Issuer == s.Issuer {
			return x
		}
	}
	return nil
}

// says is the latest statement that says what a draft wants said.
func (b *outbox) says(registry string, d issuer.Draft) *boxed {
	same := func(r *proofs.Ref, doc issuer.Document) bool {
		return r == nil && doc.Selector == "" || r != nil && r.Selector() == doc.Selector
	}
	for _, x := range slices.Backward(b.about[aboutKey(registry, d.Action, d.Document.Selector)]) {
		s := x.statement
		if (d.Issuer == "" || d.Issuer == s.Issuer) && s.Reason == d.Reason && s.Relation == d.Relation &&
			same(s.Successor, d.Successor) && same(s.Target, d.Target) {
			return x
		}
	}
	return nil
}

func (b *outbox) holds(id proofs.Hash) bool { return b.byID[id] != nil }

// boxedAtOnce is how many statements go into one file, so that files can go as their statements are done with.
const boxedAtOnce = 4096

// put keeps statements. They are durable when it returns.
func (b *outbox) put(entries [][]byte) error {
	for len(entries) > 0 {
		part := entries[:min(len(entries), boxedAtOnce)]
		entries = entries[len(part):]
		var raw []byte
		for _, e := range part {
			raw = proofs.AppendBundleEntry(raw, e)
		}
		b.last++
		name := fmt.Sprintf("%08d-%s%s", b.last, proofs.Hash(sha256.Sum256(raw)), outboxExt)
		if err := durable.WriteFile(filepath.Join(b.dir, name), raw, 0o600); err != nil {
			return err
		}
		b.add(name, part)
	}
	return nil
}

// clear removes the files of which all statements are done with.
func (b *outbox) clear(over map[proofs.Hash]bool) error {
	for name, all := range b.files {
		done := true
		for _, x := range all {
			done = done && over[x.id]
		}
		if !done {
			continue
		}
		if err := os.Remove(filepath.Join(b.dir, name)); err != nil {
			return err
		}
	}
	return durable.SyncDir(b.dir)
}
