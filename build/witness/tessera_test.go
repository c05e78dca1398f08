package witness_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"

	"stele/build/witness"
	"stele/build/witness/server"
	"stele/proofs"
)

// A tesseraLog is a log that is not ours: Tessera's, with its own witness client.
type tesseraLog struct {
	*testing.T
	dir    string
	signer note.Signer
	key    *proofs.Key
	policy []byte
}

// publish appends entries and waits until Tessera has published them, which it does once both witnesses have cosigned.
func (l *tesseraLog) publish(entries ...string) (proofs.Checkpoint, *proofs.Note) {
	l.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	group, err := tessera.NewWitnessGroupFromPolicy(l.policy)
	if err != nil {
		l.Fatal(err)
	}
	driver, err := posix.New(ctx, posix.Config{Path: l.dir})
	if err != nil {
		l.Fatal(err)
	}
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().WithCheckpointSigner(l.signer).
		WithBatching(uint(len(entries)), 10*time.Millisecond).WithCheckpointInterval(100*time.Millisecond).WithGarbageCollectionInterval(0).
		WithWitnesses(group, &tessera.WitnessOptions{}))
	if err != nil {
		l.Fatal(err)
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 10*time.Millisecond)
	var published []byte
	for _, e := range entries {
		if _, published, err = awaiter.Await(ctx, appender.Add(ctx, tessera.NewEntry([]byte(e)))); err != nil {
			l.Fatal(err)
		}
	}
	if err := shutdown(ctx); err != nil {
		l.Fatal(err)
	}
	c, n, err := proofs.ParseCheckpoint(published)
	if err != nil {
		l.Fatal(err)
	}
	return c, n
}

// serveEdge starts an edge's witness for the logs of a policy, under the path that an edge has for it.
func serveEdge(t *testing.T, policy, name string) witness.Peer {
	t.Helper()
	signers := signers(t, name)
	h, err := edgeOf(t.TempDir(), policy, signers)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.StripPrefix("/witness", h))
	t.Cleanup(web.Close)
	return witness.Peer{Name: name, URL: web.URL + "/witness", Keys: []*proofs.Key{signers[0].Key(), signers[1].Key()}}
}

// TestTessera: Tessera's witness client gets an ML-DSA-44 cosignature of one of our witnesses and an Ed25519 one of another, an edge's,
// and our client agrees with it about what they have cosigned.
func TestTessera(t *testing.T) {
	secret, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	l := &tesseraLog{T: t, dir: t.TempDir()}
	if l.signer, err = note.NewSigner(secret); err != nil {
		t.Fatal(err)
	}
	if l.key, err = proofs.ParseKey(vkey); err != nil {
		t.Fatal(err)
	}
	logs := "log " + vkey + "\nquorum none\n"
	pq, _ := serveLogs(t, logs, "pq.example/w", server.Config{})
	classic := serveEdge(t, logs, "classic.example/w")
	l.policy = fmt.Appendf(nil, "witness pq %s %s\nwitness classic %s %s\ngroup both all pq classic\nquorum both\n", pq.Keys[0], pq.URL, classic.Keys[1], classic.URL)
	client := &witness.Client{}
	for round, entries := range [][]string{{"a"}, {"b", "c"}, {"d", "e", "f", "g", "h"}} {
		c, n := l.publish(entries...)
		for _, k := range []*proofs.Key{pq.Keys[0], classic.Keys[1]} {
			found := false
			for i := range n.Signatures {
				if n.Signatures[i].By(k) {
					_, err := n.Signatures[i].CheckCheckpoint(k, c)
					found = err == nil
				}
			}
			if !found {
				t.Errorf("round %d: no valid line of %s", round, k.Name)
			}
		}
		for _, p := range []witness.Peer{pq, classic} {
			v, err := client.View(context.Background(), p, origin, []*proofs.Key{l.key})
			if err != nil || v.Checkpoint != c {
				t.Errorf("round %d: %s shows %+v (%v), want size %d", round, p.Name, v, err, c.Size)
			}
		}
	}
}
