package follow

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"stele/build/durable"
	"stele/proofs"
)

// loadTrust takes up the trust files that the folder holds, up to the state's epoch, if they go on from the one that was given or lead up to it.
func (f *Follower) loadTrust(epoch uint64) error {
	given := f.Trust
	var newest *proofs.Trust
	for e := max(epoch, given.Epoch); e > 0; e-- {
		t, err := f.trustFile(e)
		if errors.Is(err, fs.ErrNotExist) && e == given.Epoch {
			t, err = given, nil
		}
		if errors.Is(err, fs.ErrNotExist) && newest == nil {
			continue // the given one is older
		}
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		if e == given.Epoch && t.ID() != given.ID() {
			return fmt.Errorf("the trust file of epoch %d that was given (%s) is not the one that %s follows (%s)", e, given.ID(), f.dir, t.ID())
		}
		if newest == nil {
			newest = t
			continue
		}
		f.earlier = append(f.earlier, t)
	}
	if newest.Epoch < epoch {
		return fmt.Errorf("%s: missing: the state is of epoch %d", f.trustPath(epoch), epoch)
	}
	f.Trust = newest
	return f.checkChain()
}

// checkChain: each trust file names the one before it.
func (f *Follower) checkChain() error {
	t := f.Trust
	for _, e := range f.earlier {
		if t.Previous == nil || *t.Previous != e.ID() {
			return fmt.Errorf("%s: does not follow the trust file of epoch %d in %s", f.trustPath(t.Epoch), e.Epoch, f.dir)
		}
		t = e
	}
	return nil
}

func (f *Follower) trustPath(epoch uint64) string {
	return f.path("trust", strconv.FormatUint(epoch, 10))
}

func (f *Follower) trustFile(epoch uint64) (*proofs.Trust, error) {
	return readTrust(f.trustPath(epoch))
}

func readTrust(path string) (*proofs.Trust, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := proofs.ParseTrust(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// keepTrust makes the trust files durable.
func (f *Follower) keepTrust() error {
	for _, t := range append(f.earlier[:len(f.earlier):len(f.earlier)], f.Trust) {
		path := f.trustPath(t.Epoch)
		if durable.Holds(path, t.Marshal()) {
			continue
		}
		if err := durable.WriteFile(path, t.Marshal(), 0o600); err != nil {
			return err
		}
	}
	return nil
}
