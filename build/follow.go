package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
)

const wantTrustFiles = "--policy takes a trust file, or a folder that holds all of them as the portal's folder trust does"

// openTrustFolder reads a folder of trust files, named by their epochs as a portal's folder trust has them: the newest is the one that
// counts, and what is older is judged by the others.
func (k *check) openTrustFolder(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var all []*proofs.Trust
	for _, n := range names {
		if _, err := strconv.ParseUint(n.Name(), 10, 63); err != nil || n.IsDir() {
			continue
		}
		path := filepath.Join(dir, n.Name())
		b, _, err := readUpTo(path, maxTrust)
		if err != nil {
			return err
		}
		t, err := proofs.ParseTrust(b)
		if err != nil {
			return usage(wantTrustFiles, "%s: %v", shown(path), err)
		}
		all = append(all, t)
	}
	if len(all) == 0 {
		hint := wantTrustFiles
		if registry.IsRegistry(dir) || registry.IsDeployment(dir) {
			hint = "--policy " + shell(filepath.Join(dir, "trust"))
		}
		return usage(hint, "%s holds no trust files", shown(dir))
	}
	slices.SortFunc(all, func(a, b *proofs.Trust) int { return int(b.Epoch) - int(a.Epoch) })
	for i, t := range all[1:] {
		if err := t.Precedes(all[i]); err != nil {
			return usage("keep the trust files of different registries apart", "%s: %v", shown(dir), err)
		}
	}
	k.trust, k.earlier = all[0], all[1:]
	return nil
}

// follow goes on to the newest trust file that the portal proves, or that this machine has followed to before. Whoever has no portal to
// ask, or cannot follow, goes on with what is there: what is signed with later keys is then not believed.
func (k *check) follow(c *cli) error {
	given := k.trust
	k.trust = k.memory.Newest(given)
	if k.from != nil && !k.unpinned {
		if err := k.followPortal(c); err != nil {
			return err
		}
	}
	if k.trust != given {
		k.memory.KeepTrust(given)
		k.earlier = append(k.earlier, given)
	}
	return nil
}

func (k *check) followPortal(c *cli) error {
	before := k.trust.Epoch
	later, err := portal.Later(c.ctx, k.from, k.trust, time.Now().Unix())
	for _, t := range later {
		k.memory.KeepTrust(t)
		k.earlier = append(k.earlier, t)
		k.trust = t
	}
	var none *portal.NoHandoverError
	switch {
	case c.ctx.Err() != nil:
		return c.ctx.Err()
	case errors.As(err, &none):
		c.note("note: %s\nhint: get %s from the registry by another way, and give it with --policy", plain(err), proofs.TrustPath(none.Epoch))
	case err != nil && isProof(err):
		c.note("note: a newer trust file is published, and not followed: %s", plain(err))
	}
	if len(later) > 0 {
		c.note("note: the registry has changed its keys since epoch %d; its trust file is now that of epoch %d, sha256:%s", before, k.trust.Epoch, k.trust.ID())
	}
	return nil
}

// before are the trust files at hand from before the one that counts.
func (k *check) before() []*proofs.Trust {
	return append(slices.Clone(k.earlier), k.memory.Earlier(k.trust)...)
}

// isProof tells a file that does not prove what it should from one that could not be read.
func isProof(err error) bool {
	return errors.As(err, new(*proofs.MalformedError)) || errors.As(err, new(*proofs.UnverifiedError)) || errors.As(err, new(*proofs.InsufficientError)) ||
		errors.As(err, new(*proofs.OtherEpochError)) || errors.As(err, new(*proofs.OtherRegistryError)) || errors.As(err, new(*proofs.FutureError))
}
