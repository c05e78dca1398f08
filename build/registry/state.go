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
	stateSigned    = "signed" // the last checkpoint that was signed
	stateIndex     = "index"  // index.State, in its saved form
	checkpointPath = "ledger/checkpoint"
)

// saveState keeps the state just after an index statement.
func (p *publisher) saveState() error {
	s := p.ix.State()
	b, err := s.Marshal()
	if err != nil {
		return err
	}
	return p.replace(p.at.State, stateIndex, b)
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
func (r *Registry) loadState() (*index.State, error) {
	b, err := r.at.State.Read(stateIndex)
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

// signed reads state/signed, the last checkpoint that this registry's keys have signed, whole with its
// signatures. nil if nothing was ever signed.
func (r *Registry) signed() (*proofs.Checkpoint, []byte, error) {
	path := r.at.State.Path(stateSigned)
	b, err := r.at.State.Read(stateSigned)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, r.mustBeNew()
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := r.Trust.VerifyCheckpoint(b, proofs.AnyTime) // whatever its time: it is our own
	if err != nil {
		return nil, nil, r.noMemory("%s: cannot be used: %w", path, err)
	}
	return &s.Checkpoint, b, nil
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
