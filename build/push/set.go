package push

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
)

// made is a set with the two files that are offered first.
type made struct {
	set            *proofs.Set
	checkpoint     proofs.Checkpoint
	checkpointFile []byte
	headFile       []byte
}

// ErrUnpublished is that there is nothing to push.
var ErrUnpublished = errors.New("nothing is published here yet")

const checkpointPath = "ledger/checkpoint"

// make reads all files of the set. While it does so nobody publishes.
func (p *Pusher) make(ctx context.Context) (m *made, err error) {
	err = p.Alone(ctx, func() error {
		m, err = p.read(ctx)
		return err
	})
	return m, err
}

// read makes the set of what is there. Where checkpoint or head are others in the end than in the beginning, somebody publishes without
// having the publisher's lock.
func (p *Pusher) read(ctx context.Context) (*made, error) {
	m, x, err := p.begin()
	if err != nil {
		return nil, err
	}
	m.set = &proofs.Set{Origin: p.Trust.Origin, Publication: x.Publication}
	var names []string
	err = p.Files.List("", func(name string, size int64) error {
		switch {
		case !published.InSet(name):
			return nil
		case !proofs.IsSetName(name):
			return &Error{Message: fmt.Sprintf("%s: no name for an edge: want printable ASCII without spaces, \\, %%, ? and #, and no part that begins with a dot, in 512 bytes at most", shown(p.Files.Path(name))),
				Hint: "rename the file, or take it out of the published folder"}
		case size > proofs.MaxSetFile:
			return &Error{Message: fmt.Sprintf("%s: %d bytes, an edge takes %d of one file", shown(p.Files.Path(name)), size, proofs.MaxSetFile), Hint: "take the file out of the published folder"}
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(names) > proofs.MaxSetFiles {
		return nil, &Error{Message: fmt.Sprintf("%d files besides the ledger's own, an edge takes %d", len(names), proofs.MaxSetFiles), Hint: "take files out of the published folder that no page needs"}
	}
	slices.Sort(names)
	m.set.Files = make([]proofs.SetFile, len(names))
	err = each(ctx, atOnce, len(names), func(_ context.Context, i int) error {
		b, err := p.Files.Read(names[i])
		m.set.Files[i] = proofs.SetFile{SHA256: sha256.Sum256(b), Size: uint64(len(b)), Name: names[i]}
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, p.unchanged(m)
}

// begin reads checkpoint and head, which have to be of one publication.
func (p *Pusher) begin() (*made, *proofs.VerifiedIndex, error) {
	m := &made{}
	var err error
	m.checkpointFile, err = p.Files.Read(checkpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &Error{why: ErrUnpublished, Message: ErrUnpublished.Error(), Hint: "stele publish"}
	}
	if err != nil {
		return nil, nil, err
	}
	m.headFile, err = p.Files.Read(proofs.HeadPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &Error{why: err, Message: fmt.Sprintf("%s is not there: the publication was broken off, or the file was removed", p.Files.Path(proofs.HeadPath)), Hint: "stele publish writes it again"}
	}
	if err != nil {
		return nil, nil, err
	}
	head, err := proofs.ParseHead(m.headFile)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", p.Files.Path(proofs.HeadPath), err)
	}
	if !bytes.Equal(head.Proof.Checkpoint, m.checkpointFile) {
		return nil, nil, &Error{Message: fmt.Sprintf("%s and %s are of two publications: one was broken off, or is under way", p.Files.Path(proofs.HeadPath), p.Files.Path(checkpointPath)),
			Hint: "stele publish finishes it"}
	}
	x, _, err := head.Verify(p.Trust, p.Now().Unix())
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", p.Files.Path(proofs.HeadPath), err)
	}
	m.checkpoint = x.Checkpoint
	return m, x, nil
}

func (p *Pusher) unchanged(m *made) error {
	for name, was := range map[string][]byte{checkpointPath: m.checkpointFile, proofs.HeadPath: m.headFile} {
		now, err := p.Files.Read(name)
		if err != nil {
			return err
		}
		f := m.set.File(name)
		if !bytes.Equal(now, was) || f == nil || f.SHA256 != sha256.Sum256(was) {
			return fmt.Errorf("%w: %s has changed while the files were read", errAgain, p.Files.Path(name))
		}
	}
	return nil
}
