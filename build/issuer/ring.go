package issuer

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stele/build/keys"
	"stele/proofs"
)

// KeyFile is the name of the file of an authority's nth key, from 1, another for every name: a slash is written as _, and a
// name that has a _ of its own is written another way altogether. The number of the first is not written.
func KeyFile(name string, n int) string {
	number := ""
	if n > 1 {
		number = strconv.Itoa(n)
	}
	if strings.Contains(name, "_") {
		return "issuer" + number + "_" + strings.NewReplacer("_", "_u", "/", "_s").Replace(name)
	}
	return "issuer" + number + "-" + strings.ReplaceAll(name, "/", "_")
}

// keyNumber is n of KeyFile, 0 if the file is not the authority's.
func keyNumber(file, name string) int {
	ending := strings.TrimPrefix(KeyFile(name, 1), "issuer")
	number, ok := strings.CutSuffix(strings.TrimPrefix(file, "issuer"), ending)
	if !ok || !strings.HasPrefix(file, "issuer") {
		return 0
	}
	if number == "" {
		return 1
	}
	if n, err := strconv.Atoi(number); err == nil && n > 1 && strconv.Itoa(n) == number {
		return n
	}
	return 0
}

// A Ring is the keys of a folder that sign for authorities and the root.
type Ring struct {
	store   *keys.Store
	infos   []keys.Info
	signers map[string]proofs.Signer // by file
}

// OpenRing looks which keys a folder has. None is unlocked before it is needed.
func OpenRing(store *keys.Store) (*Ring, error) {
	infos, err := store.List()
	infos = slices.DeleteFunc(infos, func(i keys.Info) bool { return !i.Private })
	return &Ring{store, infos, map[string]proofs.Signer{}}, err
}

// Keys are the authority's keys in the folder, the newest last.
func (r *Ring) Keys(name string) []*proofs.Key {
	var out []*proofs.Key
	for _, i := range r.of(name) {
		out = append(out, i.Key)
	}
	return out
}

func (r *Ring) of(name string) []keys.Info {
	var mine []keys.Info
	for _, i := range r.infos {
		if i.Role == keys.Issuer && i.Key.Name == name {
			mine = append(mine, i)
		}
	}
	slices.SortStableFunc(mine, func(a, b keys.Info) int { return keyNumber(a.File, name) - keyNumber(b.File, name) })
	return mine
}

// Newest is the newest key of an authority here that an accreditation names, nil if there is none.
func (r *Ring) Newest(name string, standing *proofs.Statement) *proofs.Key {
	if i := r.newest(name, standing); i != nil {
		return i.Key
	}
	return nil
}

func (r *Ring) newest(name string, standing *proofs.Statement) *keys.Info {
	if standing == nil {
		return nil
	}
	for _, i := range slices.Backward(r.of(name)) {
		if slices.ContainsFunc(standing.Keys, i.Key.Equal) {
			return &i
		}
	}
	return nil
}

// Signer unlocks the newest key of an authority that an accreditation names.
func (r *Ring) Signer(name string, standing *proofs.Statement) (proofs.Signer, error) {
	switch i := r.newest(name, standing); {
	case i != nil:
		return r.unlock(i.File)
	case len(r.of(name)) > 0:
		return nil, refuse(NoKey, nil, "the key of %s in this folder is not one that it is accredited with", name)
	}
	return nil, refuse(NoKey, nil, "the key of %s is not here", name)
}

// Root unlocks as many root keys as have to sign, in the trust file's order.
func (r *Ring) Root(t *proofs.Trust) ([]proofs.Signer, error) {
	var signers []proofs.Signer
	for _, k := range t.RootKeys {
		if !r.has(k) || len(signers) == t.RootThreshold {
			continue
		}
		s, err := r.rootSigner(k)
		if err != nil {
			return nil, err
		}
		signers = append(signers, s)
	}
	if len(signers) < t.RootThreshold {
		return nil, refuse(NoRootKey, nil, "root keys here: %d; have to sign: %d", len(signers), t.RootThreshold)
	}
	return signers, nil
}

func (r *Ring) root(k *proofs.Key) int {
	return slices.IndexFunc(r.infos, func(i keys.Info) bool { return i.Role == keys.Root && i.Key.Equal(k) })
}

// has reports whether a root key is in the folder.
func (r *Ring) has(k *proofs.Key) bool { return r.root(k) >= 0 }

func (r *Ring) rootSigner(k *proofs.Key) (proofs.Signer, error) {
	return r.unlock(r.infos[r.root(k)].File)
}

func (r *Ring) unlock(file string) (proofs.Signer, error) {
	if s := r.signers[file]; s != nil {
		return s, nil
	}
	s, err := r.store.Signer(file)
	if err != nil {
		return nil, err
	}
	r.signers[file] = s
	return s, nil
}

// Make makes a further key of an authority.
func (r *Ring) Make(name string) (*proofs.Key, error) {
	n := 1
	for _, i := range r.infos {
		m := keyNumber(i.File, name)
		if m > 0 && i.Key.Name != name {
			return nil, fmt.Errorf("%s.key is a key of %q, want one of %q: move it away", i.File, i.Key.Name, name)
		}
		n = max(n, m+1)
	}
	file := KeyFile(name, n)
	key, err := r.store.Generate(file, name, keys.Issuer, proofs.Ed25519Key, rand.Reader)
	if err == nil {
		r.infos = append(r.infos, keys.Info{File: file, Role: keys.Issuer, Key: key, Private: true})
	}
	return key, err
}
