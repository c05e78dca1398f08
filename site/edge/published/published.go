// Package published reads what an edge serves: the newest publication, out of its store, or out of the files that it was deployed with.
//
// Two sets of files can be there. The *base* was deployed with the edge, as static files. What was published to the gate since lies in the store, and the object
// current names its set. The later of the two is in force, and a reader who holds one Publication never sees the other.
package published

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"

	"stele/proofs"
	"stele/site/edge/store"
	"stele/site/headers"
)

// Names in the store.
const (
	CurrentObject = "current"
	TrustObject   = "trust" // the newest trust file to which a handover has led
	KeptPrefix    = "kept/"
	SetPrefix     = "set/"
)

// OwnPrefix is before the names of the deployment's own files: whatever is published, they are those that were deployed.
const OwnPrefix = "health/"

// IsProved reports whether a published file is proved by the checkpoint, and so by no set.
func IsProved(name string) bool {
	return headers.Lasts(name) && !strings.HasPrefix(name, "assets/")
}

// InSet reports whether a published file is named by a publication's set. The others are proved by the checkpoint, are for officers alone, or are hidden: what
// is being written, and what a file manager has left.
func InSet(name string) bool {
	return !IsProved(name) && name != proofs.ProposalPath && name != proofs.ProposedTrustPath && !strings.Contains("/"+name, "/.")
}

// IsOwn reports whether an edge answers for a name itself, so that no publication can have a file under it: its own files, and what is decided there.
func IsOwn(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	switch first {
	case "health", "health.json", "publish", "r", "witness":
		return true
	}
	return false
}

// A Source is where a portal's files lie.
type Source struct {
	Store store.Store
	Base  *proofs.Set                                            // nil where nothing was deployed
	Asset func(ctx context.Context, name string) ([]byte, error) // a file of the base; fs.ErrNotExist where there is none
	Trust *proofs.Trust                                          // that the edge was deployed with

	parsed atomic.Pointer[parsed]
}

// parsed is what the object current named when it was read last: every request asks, and a set can name thousands of files.
type parsed struct {
	version string
	set     *proofs.Set
	id      proofs.Hash
}

// WithoutBase is a source of what was published to the store alone.
func (s *Source) WithoutBase() *Source {
	return &Source{Store: s.Store, Asset: s.Asset, Trust: s.Trust}
}

// A Publication is one set of files. Its zero value, with a nil Set, is that nothing was published yet.
type Publication struct {
	*proofs.Set
	ID      proofs.Hash // SHA-256 of the set's text
	Version string      // of the object current, also where the base is in force; "" if there is no such object
	Stored  bool        // whether its files lie in the store
}

// Current is the publication in force. What current names was verified when it was put there, and is not verified again.
func (s *Source) Current(ctx context.Context) (*Publication, error) {
	p := &Publication{}
	b, version, err := s.Store.Get(ctx, CurrentObject)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("read which publication is in force: %w", err)
	default:
		now, err := s.parse(b, version)
		if err != nil {
			return nil, fmt.Errorf("the object %s: %w", CurrentObject, err)
		}
		p.Set, p.ID, p.Version, p.Stored = now.set, now.id, version, true
	}
	if s.Base != nil && (p.Set == nil || later(s.Base, p.Set)) {
		p.Set, p.ID, p.Stored = s.Base, IDOf(s.Base), false
	}
	return p, nil
}

// later reports whether a set is in force over another: a later publication is, and of the same one what was put together later. So what an old copy of a
// registry has deployed takes nothing back.
func later(a, b *proofs.Set) bool {
	if a.Publication != b.Publication {
		return a.Publication > b.Publication
	}
	return a.Time > b.Time
}

func (s *Source) parse(b []byte, version string) (*parsed, error) {
	if last := s.parsed.Load(); last != nil && last.version == version {
		return last, nil
	}
	n, err := proofs.ParseNote(b)
	if err != nil {
		return nil, err
	}
	set, err := proofs.ParseSetText(n.Text)
	if err != nil {
		return nil, err
	}
	now := &parsed{version, set, IDOf(set)}
	s.parsed.Store(now)
	return now, nil
}

// IDOf names a set: the SHA-256 of its text.
func IDOf(s *proofs.Set) proofs.Hash { return sha256.Sum256([]byte(s.Text())) }

// Read reads a file of a publication by its path. One that never changes may be of another publication; all that are named by this one's set are compared with
// it. Where there is none, the error is fs.ErrNotExist.
func (s *Source) Read(ctx context.Context, p *Publication, name string) ([]byte, error) {
	var f *proofs.SetFile
	if p.Set != nil {
		f = p.File(name)
	}
	if f == nil {
		if headers.Lasts(name) {
			return s.Kept(ctx, name)
		}
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	var b []byte
	var err error
	switch {
	case headers.Lasts(name):
		b, err = s.Kept(ctx, name)
	case p.Stored:
		b, _, err = s.Store.Get(ctx, SetPrefix+f.SHA256.String())
	default:
		b, err = s.Asset(ctx, name)
	}
	if errors.Is(err, fs.ErrNotExist) { // it is named: that it is gone is an outage, and no absence
		return nil, fmt.Errorf("%s: named by the publication in force, and not there", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if got := proofs.Hash(sha256.Sum256(b)); got != f.SHA256 {
		return nil, fmt.Errorf("%s: %d bytes of SHA-256 %s, want %d of %s", name, len(b), got, f.Size, f.SHA256)
	}
	return b, nil
}

// Own reads one of the deployment's own files.
func (s *Source) Own(ctx context.Context, name string) ([]byte, error) {
	if s.Asset == nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return s.Asset(ctx, name)
}

// Kept reads a file that never changes: from the store, or else of the base. It is compared with nothing.
func (s *Source) Kept(ctx context.Context, name string) ([]byte, error) {
	b, _, err := s.Store.Get(ctx, KeptPrefix+name)
	if errors.Is(err, fs.ErrNotExist) && s.Asset != nil {
		return s.Asset(ctx, name)
	}
	return b, err
}

// Checkpoint is that of a publication, with the bytes of its file.
func (s *Source) Checkpoint(ctx context.Context, p *Publication) (proofs.Checkpoint, []byte, error) {
	b, err := s.Read(ctx, p, "ledger/checkpoint")
	if err != nil {
		return proofs.Checkpoint{}, nil, err
	}
	c, _, err := proofs.ParseCheckpoint(b)
	return c, b, err
}

// TrustNow is the newest trust file that is known here: the one that the edge was deployed with, or one that a handover has led to since.
func (s *Source) TrustNow(ctx context.Context) (*proofs.Trust, error) {
	b, _, err := s.Store.Get(ctx, TrustObject)
	if errors.Is(err, fs.ErrNotExist) {
		return s.Trust, nil
	}
	if err != nil {
		return nil, err
	}
	t, err := proofs.ParseTrust(b)
	if err != nil {
		return nil, fmt.Errorf("the object %s: %w", TrustObject, err)
	}
	if t.Origin != s.Trust.Origin || t.Epoch <= s.Trust.Epoch {
		return s.Trust, nil
	}
	return t, nil
}

// TrustOf is the trust file of a publication in force: TrustNow, or what the publication's own handovers lead to from there, since that is noted only once
// the first publication of an epoch is in force.
func (s *Source) TrustOf(ctx context.Context, p *Publication) (*proofs.Trust, error) {
	t, err := s.TrustNow(ctx)
	for err == nil && p.Set != nil && p.File(proofs.TrustPath(t.Epoch+1)) != nil {
		var next, handover []byte
		if next, err = s.Read(ctx, p, proofs.TrustPath(t.Epoch+1)); err != nil {
			break
		}
		if handover, err = s.Read(ctx, p, proofs.HandoverPath(t.Epoch+1)); errors.Is(err, fs.ErrNotExist) {
			return t, nil // its keys were lost: the edge is deployed anew with the next one
		}
		if err == nil {
			t, err = t.Follow(next, handover, proofs.AnyTime)
		}
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}
