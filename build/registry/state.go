package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"stele/build/index"
	"stele/proofs"
)

// The names of what the publisher remembers, and of the checkpoint that is published.
const (
	stateSigned    = "signed" // the last checkpoint that was signed
	stateIndex     = "index"  // savedState
	checkpointPath = "ledger/checkpoint"
)

// savedState is state/index: what index.State holds, with the issuer list by its
// root only, since the file lies in the store. It can always be made again from the ledger.
type savedState struct {
	Size        uint64            `json:"size"`
	Publication uint64            `json:"publication"`
	Time        int64             `json:"time"`
	RootTile    []byte            `json:"root_tile"`
	Keys        uint64            `json:"keys"`
	IssuersRoot string            `json:"issuers_root"`
	SHA3        [][]byte          `json:"sha3_256_edge"`
	Sizes       map[uint64]uint64 `json:"sizes"`                // index.State.Sizes
	Statistics  string            `json:"statistics,omitempty"` // as they are published; a state of old has none, and its sum is without
	Sum         string            `json:"sum"`                  // SHA-256 of all this with an empty sum: against damage, not against forgery
}

func (s savedState) marshal() ([]byte, error) {
	s.Sum = ""
	b, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return nil, err
	}
	s.Sum = proofs.Hash(sha256.Sum256(b)).String()
	b, err = json.MarshalIndent(s, "", "\t")
	return append(b, '\n'), err
}

func parseSavedState(b []byte) (savedState, error) {
	var in savedState
	if err := json.Unmarshal(b, &in); err != nil {
		return in, err
	}
	if again, err := in.marshal(); err != nil || !bytes.Equal(again, b) {
		return in, errors.New("its sum is wrong")
	}
	return in, nil
}

// saveState keeps the state just after an index statement.
func (p *publisher) saveState() error {
	s := p.ix.State()
	out := savedState{Size: s.Size, Publication: s.Publication, Time: s.Time, RootTile: s.RootTile, Keys: s.Keys,
		IssuersRoot: s.Issuers.Root().String(), Sizes: s.Sizes, Statistics: string(s.Statistics.Marshal())}
	for _, h := range s.SHA3.Edge() {
		out.SHA3 = append(out.SHA3, h[:])
	}
	b, err := out.marshal()
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
	in, err := parseSavedState(b)
	if err != nil {
		return nil, r.badState(err)
	}
	if in.Statistics == "" { // of a version that kept none: as if it were missing
		return index.Empty(), nil
	}
	s := &index.State{Size: in.Size, Publication: in.Publication, Time: in.Time, RootTile: in.RootTile, Keys: in.Keys,
		SHA3: proofs.NewFrontierSHA3(), Sizes: in.Sizes}
	if err := s.SHA3.Restore(in.Size, hashesOf(in.SHA3)); err != nil {
		return nil, r.badState(err)
	}
	if s.Statistics, err = proofs.ParseStatistics([]byte(in.Statistics)); err != nil {
		return nil, r.badState(err)
	}
	if s.Issuers, err = r.loadIssuers(in.IssuersRoot); err != nil {
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

func hashesOf(bs [][]byte) []proofs.Hash {
	var hs []proofs.Hash
	for _, b := range bs {
		var h proofs.Hash
		copy(h[:], b)
		hs = append(hs, h)
	}
	return hs
}

func (r *Registry) loadIssuers(root string) (*proofs.IssuerList, error) {
	h, err := proofs.ParseHash(root)
	if err != nil {
		return nil, err
	}
	if h == proofs.EmptyRoot() {
		return &proofs.IssuerList{}, nil
	}
	b, err := r.store().Get(h)
	if err != nil {
		return nil, err
	}
	l, err := proofs.ParseIssuerList(b)
	if err == nil && l.Root() != h {
		err = fmt.Errorf("its content hashes to %s", l.Root())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: damaged issuer list: %w", r.at.Public.Path(proofs.IndexPath(h)), err)
	}
	return l, nil
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
