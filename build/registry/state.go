package registry

import (
	"errors"
	"io/fs"
	"syscall"

	"stele/build/index"
	"stele/proofs"
)

// The names of what the publisher remembers, and of the checkpoint that is published.
const (
	stateSigned    = "signed"    // the last checkpoint that was signed
	stateIndex     = "index"     // index.State, in its saved form
	statePublished = "published" // the same for the published tree, while the ledger is further
	stateProposed  = "proposed"  // the tree that is proposed, with the lines collected for it
	checkpointPath = "ledger/checkpoint"
)

// saveState keeps the state just after an index statement.
func (p *publisher) saveState() error { return p.saveStateAs(stateIndex, p.ix.State()) }

func (p *publisher) saveStateAs(name string, s index.State) error {
	b, err := s.Marshal()
	if err != nil {
		return err
	}
	return p.replace(p.at.State, name, b)
}

// lastState is loadState for those who build on what is published: where state/index is lost, nothing is known.
func (r *Registry) lastState() (*index.State, error) {
	s, err := r.loadState()
	if err == nil && s.Size == 0 {
		if _, errSigned := r.at.State.Read(stateSigned); errSigned == nil {
			err = &fs.PathError{Op: "open", Path: r.at.State.Path(stateIndex), Err: fs.ErrNotExist}
		}
	}
	return s, r.notWhole(err)
}

// loadState reads state/index, or begins from nothing: Publish then goes through the whole ledger.
func (r *Registry) loadState() (*index.State, error) { return r.loadStateFrom(stateIndex) }

func (r *Registry) loadStateFrom(name string) (*index.State, error) {
	b, err := r.at.State.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return index.Empty(), nil
	}
	if err != nil {
		return nil, err
	}
	s, err := index.ParseState(b, r.store().Get)
	if err != nil {
		return nil, r.badState(err)
	}
	return s, nil
}

// badState says that state/index is at fault, unless it is the disk or the store: then making it again would be of no use.
func (r *Registry) badState(err error) error {
	if isOutage(err) {
		return err
	}
	path := r.at.State.Path(stateIndex)
	return hint("remove "+path+": the next publish makes it again from the ledger", "%s: cannot be used: %w", path, err)
}

// isOutage tells what could not be read from what is not there, or is not as it should be.
func isOutage(err error) bool {
	var errno syscall.Errno
	var file *fs.PathError
	return errors.As(err, &errno) && errno != syscall.ENOENT || errors.As(err, &file) && !errors.Is(err, fs.ErrNotExist)
}

// signed reads state/signed, the last checkpoint of this registry's that has met the policy, whole with its
// signatures. nil if there was none.
func (r *Registry) signed() (*proofs.Checkpoint, []byte, error) {
	c, note, _, err := r.signedUnder()
	return c, note, err
}

// signedUnder tells the trust file too that the checkpoint satisfies: the present one, or during a change another epoch's.
func (r *Registry) signedUnder() (*proofs.Checkpoint, []byte, *proofs.Trust, error) {
	path := r.at.State.Path(stateSigned)
	b, err := r.at.State.Read(stateSigned)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, r.Trust, r.mustBeNew()
	}
	if err != nil {
		return nil, nil, nil, err
	}
	s, under, err := r.judge(b)
	if err != nil {
		return nil, nil, nil, r.noMemory("%s: cannot be used: %w", path, err)
	}
	return &s.Checkpoint, b, under, nil
}

// publishedState is the index of what is published: of state/index or, while a proposal waits, of what was kept before it.
func (r *Registry) publishedState(size uint64) (*index.State, error) {
	s, err := r.loadState()
	if err != nil || s.Size <= size {
		return s, err
	}
	past, err := r.loadStateFrom(statePublished)
	if err == nil && past.Size == size || isOutage(err) {
		return past, err
	}
	return s, nil // there was no proposal: it is being published
}

// mustBeNew refuses to sign without the memory of what was signed before: a signer that has forgotten
// could be made to sign a second history.
func (r *Registry) mustBeNew() error {
	for _, name := range []string{checkpointPath, proofs.HeadPath, proofs.HistoryPath} {
		if _, err := r.at.Public.Read(name); !errors.Is(err, fs.ErrNotExist) {
			return r.noMemory("%s is missing, but there is %s: refusing to sign", r.at.State.Path(stateSigned), r.at.Public.Path(name))
		}
	}
	return r.at.Public.List("ledger/history/", func(name string, _ int64) error {
		return r.noMemory("%s is missing, but there is %s: refusing to sign", r.at.State.Path(stateSigned), r.at.Public.Path(name))
	})
}

func (r *Registry) noMemory(format string, args ...any) error {
	return hint("restore state/ from the newest backup, or, if "+r.at.Public.Path(checkpointPath)+
		" is surely the newest checkpoint ever signed, copy it to "+r.at.State.Path(stateSigned), format, args...)
}
