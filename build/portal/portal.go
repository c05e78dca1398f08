// Package portal reads what a registry has published, from a folder or over HTTP, and
// puts questions about documents to package proofs.
package portal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stele/proofs"
)

// maxFile is the most that is read of one published file, in bytes: an issuer list may have 64 MiB.
const maxFile = 65 << 20

// A Portal is where published files are read from. Read is safe for concurrent use.
type Portal interface {
	Read(ctx context.Context, path string) ([]byte, error)
	String() string
}

// Open opens a portal: an address beginning with http:// or https://, or a folder.
func Open(where string) (Portal, error) {
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		return &web{strings.TrimSuffix(where, "/"), &http.Client{Timeout: 30 * time.Second}}, nil
	}
	if info, err := os.Stat(where); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: want a folder or an address", where)
	}
	return folder(where), nil
}

// folder is a published folder, or a copy of one.
type folder string

func (d folder) String() string { return string(d) }

func (d folder) Read(_ context.Context, path string) ([]byte, error) {
	f, err := os.Open(filepath.Join(string(d), filepath.FromSlash(path)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, path)
}

// web is a portal over HTTP.
type web struct {
	base   string
	client *http.Client
}

func (w *web) String() string { return w.base }

func (w *web) Read(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", w.base+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%s/%s: %w", w.base, path, fs.ErrNotExist)
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s/%s: the server answered %s", w.base, path, res.Status)
	}
	return readAll(res.Body, path)
}

func readAll(r io.Reader, path string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s: over %d bytes", path, maxFile)
	}
	return b, err
}

// maxEpochs is how many trust files are read: one a month for 80 years. A portal that always had a next one would keep
// its reader asking for ever.
const maxEpochs = 1000

// TrustFile reads the newest trust file that a portal offers, each the successor of the one before. Whoever controls the
// portal controls it: only one that was got another way is worth anything against its owner.
func TrustFile(ctx context.Context, p Portal) (*proofs.Trust, error) {
	var newest *proofs.Trust
	for epoch := uint64(1); epoch <= maxEpochs; epoch++ {
		next, err := readTrust(ctx, p, epoch)
		if errors.Is(err, fs.ErrNotExist) && newest != nil {
			return newest, nil
		}
		if err == nil && newest != nil {
			err = at(p, proofs.TrustPath(epoch), newest.CheckSuccessor(next))
		}
		if err != nil {
			return nil, err
		}
		newest = next
	}
	return nil, fmt.Errorf("%s: over %d trust files", p, maxEpochs)
}

func readTrust(ctx context.Context, p Portal, epoch uint64) (*proofs.Trust, error) {
	path := proofs.TrustPath(epoch)
	b, err := p.Read(ctx, path)
	if err != nil {
		return nil, err
	}
	t, err := proofs.ParseTrust(b)
	if err == nil && t.Epoch != epoch {
		err = fmt.Errorf("is of epoch %d, want %d", t.Epoch, epoch)
	}
	return t, at(p, path, err)
}

func at(p Portal, path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s/%s: %w", p, path, err)
}

// Follow goes on from a trust file to the newest that the portal can prove: each is published with its handover, by which the epoch
// before has agreed to it (FORMAT.md, section 12.1). It costs one request where there is none. What it returns can always be used: with an error, it is the
// newest that was proved, and the error says why the next, which is published or could not be read, was not followed.
func Follow(ctx context.Context, p Portal, t *proofs.Trust, now int64) (*proofs.Trust, error) {
	later, err := Later(ctx, p, t, now)
	if n := len(later); n > 0 {
		t = later[n-1]
	}
	return t, err
}

// Later is Follow, and returns all trust files on the way, the newest last.
func Later(ctx context.Context, p Portal, t *proofs.Trust, now int64) (all []*proofs.Trust, err error) {
	for range maxEpochs {
		path := proofs.TrustPath(t.Epoch + 1)
		next, err := p.Read(ctx, path)
		if errors.Is(err, fs.ErrNotExist) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		handover, err := p.Read(ctx, proofs.HandoverPath(t.Epoch+1))
		if errors.Is(err, fs.ErrNotExist) {
			return all, at(p, path, &NoHandoverError{t.Epoch + 1})
		}
		if err != nil {
			return all, err
		}
		if t, err = t.Follow(next, handover, now); err != nil {
			return all, at(p, path, err)
		}
		all = append(all, t)
	}
	return all, fmt.Errorf("%s: over %d trust files", p, maxEpochs)
}

// A NoHandoverError says that a trust file is published without the proof that the epoch before agreed to it, because that one's
// keys were lost: it has to be got by another way.
type NoHandoverError struct{ Epoch uint64 }

func (e *NoHandoverError) Error() string {
	return fmt.Sprintf("has no handover (%s): whoever trusts epoch %d has to be given this one by another way than the portal", proofs.HandoverPath(e.Epoch), e.Epoch-1)
}

// Earlier reads the trust files before one, the newest first, each believed because the one after it names its hash. With an error, it
// returns those down to the one that is missing or wrong.
func Earlier(ctx context.Context, p Portal, t *proofs.Trust) ([]*proofs.Trust, error) {
	var all []*proofs.Trust
	for t.Epoch > 1 {
		before, err := readTrust(ctx, p, t.Epoch-1)
		if err == nil {
			err = at(p, proofs.TrustPath(t.Epoch-1), before.Precedes(t))
		}
		if err != nil {
			return all, err
		}
		all = append(all, before)
		t = before
	}
	return all, nil
}

// Ask answers a question, reading from the portal what is needed; p may be nil if the question
// is not online. What the question has in Files already is not read again. sha3 is called if the SHA3-512 digest is needed.
func Ask(ctx context.Context, p Portal, q proofs.Question, sha3 func() (*proofs.Hash512, error)) (proofs.Answer, error) {
	q.Files, q.Errors = maps.Clone(q.Files), map[string]string{}
	if q.Files == nil {
		q.Files = map[string][]byte{}
	}
	for {
		a := proofs.Check(q)
		switch {
		case a.Report != nil:
			return a, nil
		case a.NeedSHA3:
			h, err := sha3()
			if err != nil {
				return a, err
			}
			q.SHA3512 = h
		}
		for _, path := range a.Need {
			b, err := p.Read(ctx, path)
			if ctx.Err() != nil {
				return a, ctx.Err()
			}
			if err != nil {
				b, q.Errors[path] = nil, err.Error()
			} else if b == nil {
				b = []byte{}
			}
			q.Files[path] = b
		}
	}
}
