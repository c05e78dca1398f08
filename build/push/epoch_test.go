package push_test

import (
	"context"
	"crypto/sha256"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stele/build/durable"
	"stele/build/edgestore"
	"stele/build/follow/followtest"
	"stele/build/push"
	"stele/build/storage/storagetest"
	"stele/proofs"
	"stele/site/edge/front"
	"stele/site/edge/gate"
	"stele/site/edge/published"
	"stele/site/edge/store"
)

// TestEpochs: an edge that was deployed under the first trust file follows to the third, over both handovers at once, although every key of the log has changed.
func TestEpochs(t *testing.T) {
	r := followtest.New(t, followtest.Policy{})
	first := r.Trust
	r.Register(followtest.Office, 0, 30)
	r.Publish()
	s, err := edgestore.OpenFolder(t.TempDir())
	must(t, err)
	source, url := serveStore(t, s, first, r)
	if _, err := follower(t, r, url).Push(context.Background()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		log, own := r.Log, r.Own
		r.Now += 60
		r.Release(r.Sign(r.Everybody()...)) // a heartbeat of the size at which the epoch ends
		next := r.ChangeTrust(func(n *proofs.Trust) {
			r.Rekey()
			r.SetPolicy(n, followtest.Policy{})
		})
		r.End(nil)
		r.Handover(next, r.Sign(log, own))
		r.Release(r.Sign(r.Everybody()...))
		r.Register(followtest.Office, 30*int(next.Epoch), 30*int(next.Epoch)+5)
		r.Publish()
	}
	lost := r.Get(proofs.HandoverPath(2))
	r.Remove(proofs.HandoverPath(2))
	if _, err := follower(t, r, url).Push(context.Background()); err == nil || !strings.Contains(err.Error(), "nothing leads from there") {
		t.Errorf("without a handover: %v", err)
	}
	r.Put(proofs.HandoverPath(2), lost)
	if _, err := follower(t, r, url).Push(context.Background()); err != nil {
		t.Fatal(err)
	}
	if now, err := source.TrustNow(context.Background()); err != nil || now.Epoch != 3 {
		t.Errorf("the edge follows epoch %d (%v), want 3", now.Epoch, err)
	}
	r.Register(followtest.Office, 200, 201)
	r.Publish()
	if done, err := follower(t, r, url).Push(context.Background()); err != nil || done.Size != r.Size() {
		t.Errorf("after it: %+v, %v", done, err)
	}
	old := follower(t, r, url)
	old.Trust = first
	if _, err := old.Push(context.Background()); err == nil || !strings.Contains(err.Error(), "follows the trust file of epoch 3") {
		t.Errorf("with the first trust file: %v", err)
	}
}

// serveStore serves an edge by the clock of a registry in memory.
func serveStore(t *testing.T, s store.Store, trust *proofs.Trust, r *followtest.Registry) (*published.Source, string) {
	source := &published.Source{Store: s, Trust: trust, Asset: func(context.Context, string) ([]byte, error) { return nil, fs.ErrNotExist }}
	mux := http.NewServeMux()
	log := slog.New(slog.DiscardHandler)
	mux.Handle("/publish/", gate.New(gate.Config{Source: source, TokenSHA256: sha256.Sum256([]byte(token)), Now: r.Clock, Log: log}).Handler())
	mux.Handle("/", front.Handler(source, log))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return source, server.URL
}

// follower pushes a registry in memory, out of a folder.
func follower(t *testing.T, r *followtest.Registry, url string) *push.Pusher {
	folder := durable.Folder(t.TempDir())
	for _, path := range r.Paths() {
		must(t, folder.Replace(path, r.Get(path)))
	}
	p := push.New(url, token)
	p.Files, p.Trust, p.Signer, p.Now = folder, r.Trust, r.Log, r.Clock
	p.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return p
}

// TestBucket: an edge whose store is a bucket is no other.
func TestBucket(t *testing.T) {
	name, endpoint := storagetest.StartStore(t)
	s, err := edgestore.OpenS3(context.Background(), edgestore.Bucket{Name: name, Prefix: "edge", Region: "us-east-1", Endpoint: endpoint})
	must(t, err)
	r := followtest.New(t, followtest.Policy{})
	_, url := serveStore(t, s, r.Trust, r)
	for n := range 3 {
		r.Register(followtest.Office, 300*n, 300*n+300)
		r.Publish()
		if done, err := follower(t, r, url).Push(context.Background()); err != nil || done.Size != r.Size() || done.Already {
			t.Fatalf("publication %d: %+v, %v", n+1, done, err)
		}
		if done, err := follower(t, r, url).Push(context.Background()); err != nil || !done.Already {
			t.Errorf("again: %+v, %v", done, err)
		}
	}
}
