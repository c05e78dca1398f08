package registry

import (
	"context"
	"path/filepath"

	"stele/build/push"
)

// TokenName is the file in a registry's folder with the token of the edge that stele deploy has made for it.
const TokenName = "gate-token"

// TokenFile is where that file lies.
func (r *Registry) TokenFile() string { return filepath.Join(r.Dir, TokenName) }

// Pusher brings what is published to the edge at an address. The set is signed with the log's key, by the trust file as it is now.
func (r *Registry) Pusher(address, token string) (*push.Pusher, error) {
	now, err := r.current()
	if err != nil {
		return nil, err
	}
	p := push.New(address, token)
	p.Files, p.Trust, p.Now, p.Alone = r.at.Public, now.Trust, r.Now, now.undisturbed
	for _, l := range now.Trust.Policy.Logs {
		if p.Signer, err = r.Keys.SignerFor(l.Key); err == nil {
			return p, nil
		}
	}
	return nil, err
}

// undisturbed does something while nobody publishes, nor makes the portal's pages.
func (r *Registry) undisturbed(ctx context.Context, f func() error) error {
	l, err := r.lock(ctx, lockPublish)
	if err != nil {
		return err
	}
	defer l.Close()
	return f()
}
