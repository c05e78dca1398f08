package registry

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"stele/build/verifier"
	"stele/proofs"
	"stele/site"
)

// aVerifier stands for what the page runs: none of it is run here.
func aVerifier(n byte) *verifier.Files {
	return &verifier.Files{WASM: []byte{0, 'a', 's', 'm', n}, Viewer: []byte{0}, Exec: []byte("globalThis.Go = class {}\n")}
}

// newRegistry is one with nothing in it, whose clock goes on with each publication.
func newRegistry(t *testing.T) *Registry {
	t.Helper()
	dir := t.TempDir()
	if _, err := Init(dir, Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: 48 * time.Hour}, nil); err != nil {
		t.Fatal(err)
	}
	r := openAt(t, dir, start)
	now := start
	r.Now = func() time.Time { now++; return time.Unix(now, 0) }
	return r
}

// servedVerifier is the digest of the verifier in one file that the portal serves.
func servedVerifier(t *testing.T, r *Registry) proofs.Digests {
	t.Helper()
	b, err := r.at.Public.Read(site.Single)
	if err != nil {
		t.Fatal(err)
	}
	return proofs.DigestsOf(b)
}

// lifeOf is what the ledger says of a document that is published.
func lifeOf(t *testing.T, r *Registry, d proofs.Digests) *proofs.Life {
	t.Helper()
	key := proofs.KeyOf("sha256:" + d.SHA256.String())
	desk := r.Desk()
	record, err := desk.Record(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	as, _, err := desk.Authorities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return proofs.Answering(proofs.Lives(r.Trust, as, key, record))
}

// publishWith registers the verifier of a program and publishes it with the pages, as the command does.
func publishVerifier(t *testing.T, r *Registry, files *verifier.Files) (registered bool, p *Publication) {
	t.Helper()
	registered, err := r.RegisterVerifier(t.Context(), files.WASM, files.Exec)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = r.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteSite(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	return registered, p
}

// TestVerifierIsRegistered: the file that is served is registered by the publication that serves it; nothing is said twice; a newer
// one takes the place of the older.
func TestVerifierIsRegistered(t *testing.T) {
	r := newRegistry(t)
	if err := r.AccreditVerifier(); err != nil {
		t.Fatal(err)
	}
	if registered, _ := publishVerifier(t, r, aVerifier(1)); !registered {
		t.Fatal("nothing was registered")
	}
	first := servedVerifier(t, r)
	if l := lifeOf(t, r, first); l == nil || l.State != proofs.StateActive || l.Registrant != VerifierName(r.Trust.Origin) || l.Register.Statement.Kind != "verifier" {
		t.Fatalf("the first: %+v", l)
	}
	if registered, p := publishVerifier(t, r, aVerifier(1)); registered || !p.Heartbeat {
		t.Errorf("the same again: registered %v, %d statements", registered, p.Added)
	}
	if registered, p := publishVerifier(t, r, aVerifier(2)); !registered || p.Added != 2 {
		t.Errorf("a newer one: registered %v, %d statements, want 2", registered, p.Added)
	}
	second := servedVerifier(t, r)
	if first == second {
		t.Fatal("another program gives the same file")
	}
	if l := lifeOf(t, r, first); l.State != proofs.StateSuperseded || l.Successor == nil || l.Successor.Statement.Document.Digests != second {
		t.Errorf("the first, later: %s", l.State)
	}
	if l := lifeOf(t, r, second); l.State != proofs.StateActive {
		t.Errorf("the second: %s", l.State)
	}
	// The older program comes back: it is registered already, and takes no newer one's place.
	if registered, p := publishVerifier(t, r, aVerifier(1)); !registered || !p.Heartbeat {
		t.Errorf("an older one again: registered %v, %d statements, want none", registered, p.Added)
	}
	if names, err := r.IssuersHere(); err != nil || strings.Contains(strings.Join(names, " "), "verifier") {
		t.Errorf("documents may be registered by %v, %v", names, err)
	}
}

// TestVerifierAnew: the published file is kept as long as it is made of the same, registered or not, and otherwise made anew: another program is not
// shown as the one before, and what somebody has damaged or removed is put right by the next publication.
func TestVerifierAnew(t *testing.T) {
	for who, accredit := range map[string]bool{"registered": true, "not registered": false} {
		t.Run(who, func(t *testing.T) {
			r := newRegistry(t)
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			if accredit {
				must(r.AccreditVerifier())
				publishVerifier(t, r, aVerifier(1))
			} else {
				_, err := r.Publish(t.Context())
				must(err)
				must(r.WriteSite(t.Context(), aVerifier(1)))
			}
			want := servedVerifier(t, r)
			in := site.SingleInput{TrustFile: r.Trust.Marshal(), WASM: aVerifier(1).WASM, WASMExec: aVerifier(1).Exec}
			if kept, _, err := r.servedVerifier(in); err != nil || proofs.DigestsOf(kept) != want {
				t.Errorf("published: %d bytes, %v, want it as it is", len(kept), err)
			}
			page, note := r.path("public", site.Single), r.path("state", stateServed)
			for what, spoil := range map[string]func() error{
				"damaged":          func() error { return os.WriteFile(page, []byte("<!doctype html>"), 0o644) },
				"removed":          func() error { return os.Remove(page) },
				"the note damaged": func() error { return os.WriteFile(note, []byte("{"), 0o644) },
				"the note removed": func() error { return os.Remove(note) },
			} {
				must(spoil())
				if kept, _, err := r.servedVerifier(in); kept != nil || err != nil {
					t.Errorf("%s: %d bytes are kept, %v", what, len(kept), err)
				}
				must(r.WriteSite(t.Context(), aVerifier(1)))
				if kept, _, err := r.servedVerifier(in); err != nil || proofs.DigestsOf(kept) != want || servedVerifier(t, r) != want {
					t.Errorf("%s, and published again: %d bytes are kept, %v, want the same file served", what, len(kept), err)
				}
			}
			must(r.WriteSite(t.Context(), aVerifier(2)))
			if servedVerifier(t, r) == want {
				t.Error("another program, and the same file is served")
			}
		})
	}
}

// TestVerifierAfterACrash: what was broken off before the note was written is done again, and says nothing twice.
func TestVerifierAfterACrash(t *testing.T) {
	r := newRegistry(t)
	if err := r.AccreditVerifier(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.RegisterVerifier(t.Context(), aVerifier(1).WASM, aVerifier(1).Exec); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(r.path("state", stateVerifier)); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := r.Publish(t.Context()); err != nil || p.Added != 2 {
		t.Errorf("published %+v, %v; want the accreditation and one registration", p, err)
	}
}

// TestVerifierWithoutAKey: nobody here may register it; that is said once for each new file, and documents are published.
func TestVerifierWithoutAKey(t *testing.T) {
	r := newRegistry(t)
	files := aVerifier(1)
	if _, err := r.RegisterVerifier(t.Context(), files.WASM, files.Exec); !errors.Is(err, ErrNoVerifierKey) {
		t.Fatalf("got %v, want %v", err, ErrNoVerifierKey)
	}
	if registered, err := r.RegisterVerifier(t.Context(), files.WASM, files.Exec); registered || err != nil {
		t.Fatalf("again: registered %v, %v", registered, err)
	}
	if err := r.AccreditVerifier(); err != nil {
		t.Fatal(err)
	}
	if registered, err := r.RegisterVerifier(t.Context(), files.WASM, files.Exec); !registered || err != nil {
		t.Errorf("once it is accredited: registered %v, %v", registered, err)
	}
}
