package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"stele/proofs"
	"stele/site/edge/published"
	"stele/site/headers"
)

// What a Worker's host takes as static files, per version of a Worker: Cloudflare's limits, of November 2026.
const (
	mostFiles     = 100_000
	mostFilesFree = 20_000
	mostFileSize  = 25 << 20 // bytes
)

// A base is what is deployed of what is published.
type base struct {
	set   *proofs.Set // nil where nothing is
	size  uint64      // of the checkpoint
	files int
	left  string // why nothing is
}

// ours are how many files a deployment has besides those that are published: _headers, and the page that says how the edge stands, with what it needs.
const ours = 32

// errChanged says that the registry has published while its files were being copied.
var errChanged = errors.New("the registry has published meanwhile")

// attempts is how often copying begins again where the registry publishes meanwhile.
const attempts = 3

func (p *Plan) copyBase(ctx context.Context, dir string) (*base, error) {
	for i := 1; ; i++ {
		b, err := p.copyOnce(ctx, dir)
		if !errors.Is(err, errChanged) || i == attempts {
			return b, err
		}
	}
}

// copyOnce copies everything that is published, or nothing where it does not fit.
func (p *Plan) copyOnce(ctx context.Context, dir string) (*base, error) {
	checkpoint, head, err := p.newest()
	if err != nil {
		return nil, err
	}
	names, left, err := p.names()
	if err == nil {
		err = whole(names, head.Size)
	}
	if err != nil || left != "" {
		return &base{left: left}, err
	}
	b := &base{set: &proofs.Set{Origin: p.Trust.Origin, Publication: head.Publication, Time: p.Now().Unix()}, size: head.Size, files: len(names)}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		content, err := p.Public.Read(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", name, errChanged) // a file of the index that nothing refers to any more
		}
		if err != nil {
			return nil, err
		}
		if err := p.writeFile(dir, name, content); err != nil {
			return nil, err
		}
		if published.InSet(name) {
			b.set.Files = append(b.set.Files, proofs.SetFile{SHA256: sha256.Sum256(content), Size: uint64(len(content)), Name: name})
		}
	}
	now, err := p.Public.Read("ledger/checkpoint")
	if err == nil && !bytes.Equal(now, checkpoint) {
		err = errChanged
	}
	if err == nil {
		_, err = proofs.ParseSetText(b.set.Text())
	}
	return b, err
}

// ErrMissing says that a file of the ledger is not there, so that what is published is not whole.
var ErrMissing = errors.New("what is published is not whole")

// whole wants all tiles and bundles of a ledger among what is published; in the place of a partial one the full one may have come.
func whole(names []string, size uint64) error {
	there := make(map[string]bool, len(names))
	for _, name := range names {
		there[name] = true
	}
	for level, n := 0, size; n > 0; level, n = level+1, n/proofs.TileWidth {
		for i := uint64(0); i*proofs.TileWidth < n; i++ {
			width := int(min(proofs.TileWidth, n-i*proofs.TileWidth))
			for _, entries := range []bool{false, true} {
				t := proofs.Tile{Level: level, Index: i, Width: width, Entries: entries}
				full := t
				full.Width = proofs.TileWidth
				if entries && level > 0 || there["ledger/"+t.Path()] || there["ledger/"+full.Path()] {
					continue
				}
				return fmt.Errorf("%w: there is no ledger/%s, and its ledger has %d entries", ErrMissing, t.Path(), size)
			}
		}
	}
	return nil
}

// newest reads what is published now, and verifies it as a reader does.
func (p *Plan) newest() (checkpoint []byte, head *proofs.VerifiedIndex, err error) {
	if checkpoint, err = p.Public.Read("ledger/checkpoint"); err != nil {
		return nil, nil, err
	}
	b, err := p.Public.Read("ledger/head")
	if err != nil {
		return nil, nil, err
	}
	h, err := proofs.ParseHead(b)
	if err != nil {
		return nil, nil, fmt.Errorf("ledger/head: %w", err)
	}
	head, _, err = h.Verify(p.Trust, p.Now().Unix())
	if err != nil {
		return nil, nil, fmt.Errorf("ledger/head: %w", err)
	}
	return checkpoint, head, nil
}

// names lists what is published; left says why it cannot be deployed as static files.
func (p *Plan) names() (names []string, left string, err error) {
	most := mostFiles
	if p.Free {
		most = mostFilesFree
	}
	err = p.Public.List("", func(name string, size int64) error {
		switch {
		case !published.InSet(name) && !headers.Lasts(name) || !proofs.IsSetName(name) || published.IsOwn(name): // for officers, hidden, or what nobody would see
			return nil
		case size > mostFileSize:
			left = fmt.Sprintf("%s has %d bytes, and a static file may have %d", name, size, mostFileSize)
		}
		names = append(names, name)
		return nil
	})
	if most -= ours; len(names) > most {
		left = fmt.Sprintf("%d files are published, and a deployment may have %d static files", len(names), most)
	}
	slices.Sort(names)
	return names, left, err
}
