package deploy

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stele/build/durable"
	"stele/proofs"
	"stele/site/edge"
)

var (
	// ErrOther says that a folder is something else than a deployment.
	ErrOther = errors.New("it is not empty, and no deployment that stele has made")
	// ErrOtherRegistry says that a deployment is of another registry.
	ErrOtherRegistry = errors.New("it is the deployment of another registry")
	// ErrBack says that a deployment would go back, or off to the side: what is deployed is not what the registry has grown from.
	ErrBack = errors.New("what is deployed there is not a part of what this registry has published")
	// ErrRunning says that a deployment is being run here (Local).
	ErrRunning = errors.New("it is being run")
)

// parts are what a deployment consists of. All else in its folder is somebody else's: what the host's tool leaves there, keys, notes.
var parts = []string{edge.AssetsFolder, edge.BaseFile, edge.DeploymentFile, edge.TrustFile, "package.json", "worker", "wrangler.jsonc"}

// A folder is where a deployment lies, or will.
type folder struct {
	path    string // absolute, and no symbolic link
	running *durable.Lock
}

// openFolder finds a folder, ends what was broken off there, and sees to it that the deployment is not run meanwhile.
func openFolder(dir string) (*folder, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to
	}
	f := &folder{path: path}
	if err := f.tidy(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(path, hostFolder)); err == nil {
		if f.running, err = lockRunning(path); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// hostFolder is what is the host's tool's own in a deployment's folder, and what is published to one that is run here.
const hostFolder = ".wrangler"

func lockRunning(dir string) (*durable.Lock, error) {
	lock, err := durable.TryLock(filepath.Join(dir, hostFolder, "running"))
	if errors.Is(err, durable.ErrLocked) {
		return nil, fmt.Errorf("%s: %w", dir, ErrRunning)
	}
	return lock, err
}

func (f *folder) close() {
	if f.running != nil {
		f.running.Close()
	}
}

// What is written beside the folder is named after it: new until it is whole, and then old what was there before.
const (
	newMark = ".new-"
	oldMark = ".old"
)

// beside makes a folder for a new deployment.
func (f *folder) beside() (string, error) {
	parent, name := filepath.Split(f.path)
	if err := durable.MakeDirs(parent); err != nil {
		return "", err
	}
	return os.MkdirTemp(parent, "."+name+newMark+"*")
}

// abandoned is how old a new deployment is that nobody is making any more.
const abandoned = 24 * time.Hour

// tidy ends what a deployment that was killed has left beside the folder.
func (f *folder) tidy() error {
	parent, name := filepath.Split(f.path)
	list, err := os.ReadDir(parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range list {
		left := filepath.Join(parent, e.Name())
		info, err := e.Info()
		switch {
		case err != nil || !e.IsDir() || !strings.HasPrefix(e.Name(), "."+name+newMark):
		case !strings.HasSuffix(e.Name(), oldMark):
			if time.Since(info.ModTime()) > abandoned {
				err = os.RemoveAll(left)
			}
		case !exists(f.path): // it was killed between two steps
			err = os.Rename(left, f.path)
		default:
			err = f.takeOver(left)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// replaceBy puts a new deployment into the folder's place.
func (f *folder) replaceBy(by string) error {
	old := by + oldMark
	err := os.Rename(f.path, old)
	if errors.Is(err, fs.ErrNotExist) {
		return os.Rename(by, f.path)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(by, f.path); err != nil {
		return errors.Join(err, os.Rename(old, f.path))
	}
	return f.takeOver(old)
}

// takeOver moves what is not a deployment's own out of the folder that was there before, and removes the rest.
func (f *folder) takeOver(old string) error {
	list, err := os.ReadDir(old)
	if err != nil {
		return err
	}
	for _, e := range list {
		to := filepath.Join(f.path, e.Name())
		if slices.Contains(parts, e.Name()) || exists(to) {
			continue
		}
		if err := os.Rename(filepath.Join(old, e.Name()), to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.RemoveAll(old)
}

// mayReplace refuses a folder that holds something else, or the deployment of what this registry has not grown from.
func (p *Plan) mayReplace(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(list) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(dir, edge.DeploymentFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Contains(b, []byte(`"stele.deployment/`)) {
		return fmt.Errorf("%s: %w", dir, ErrOther)
	}
	if err != nil {
		return err
	}
	if b, err = os.ReadFile(filepath.Join(dir, edge.TrustFile)); err != nil {
		return err
	}
	trust, err := proofs.ParseTrust(b)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, edge.TrustFile), err)
	}
	if trust.Origin != p.Trust.Origin {
		return fmt.Errorf("%s: %w: %s, and this one is %s", dir, ErrOtherRegistry, trust.Origin, p.Trust.Origin)
	}
	return p.goesOn(dir)
}

// goesOn wants that what is deployed is what the registry published at that size. Where none of what is published was deployed, there is nothing to compare.
func (p *Plan) goesOn(dir string) error {
	was, err := os.ReadFile(filepath.Join(dir, edge.AssetsFolder, "ledger", "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	now, err := p.Public.Read("ledger/checkpoint")
	if err != nil {
		return err
	}
	from, _, err := proofs.ParseCheckpoint(was)
	if err != nil {
		return fmt.Errorf("%s: its ledger/checkpoint: %w", dir, err)
	}
	to, _, err := proofs.ParseCheckpoint(now)
	if err != nil {
		return fmt.Errorf("ledger/checkpoint: %w", err)
	}
	switch {
	case from.Size > to.Size:
		return fmt.Errorf("%s: %w: it has %d entries, and this registry %d", dir, ErrBack, from.Size, to.Size)
	case from.Size == to.Size && from.Root != to.Root:
		return fmt.Errorf("%s: %w: it has the root %s for %d entries, and this registry %s", dir, ErrBack, from.Root, from.Size, to.Root)
	case from.Size < to.Size:
		return p.wasPublished(dir, from)
	}
	return nil
}

// wasPublished looks a checkpoint up among those of its size that the registry has published.
func (p *Plan) wasPublished(dir string, from proofs.Checkpoint) error {
	b, err := p.Public.Read(proofs.HistoryPath)
	if err != nil {
		return err
	}
	lines, err := proofs.ParseHistory(b)
	if err != nil {
		return fmt.Errorf("%s: %w", proofs.HistoryPath, err)
	}
	for _, l := range lines {
		if l.Size != from.Size {
			continue
		}
		b, err := p.Public.Read(l.Path())
		if err != nil {
			return err
		}
		c, _, err := proofs.ParseCheckpoint(b)
		if err == nil && sha256.Sum256(b) != [32]byte(l.File) {
			err = errors.New("it is not the file that it is named after")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.Path(), err)
		}
		if c.Root != from.Root {
			return fmt.Errorf("%s: %w: it has the root %s for %d entries, and this registry had %s", dir, ErrBack, from.Root, from.Size, c.Root)
		}
	}
	return nil
}
