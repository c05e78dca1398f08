package keys

import (
	"io/fs"
	"os"
	"testing"

	"stele/proofs"
)

// TestSignerFor: a key is found by what it is, whatever its file is called; one whose private half is elsewhere is not here.
func TestSignerFor(t *testing.T) {
	s := newStore(t)
	generate(t, s, "old", "registry.example/ledger", Log, proofs.Ed25519Key)
	key := generate(t, s, "whatever", "registry.example/ledger", Log, proofs.Ed25519Key)
	away := generate(t, s, "away", "registry.example/ledger", LogMLDSA44, proofs.MLDSA44Key)
	if err := os.Remove(s.path("away.key")); err != nil {
		t.Fatal(err)
	}
	o := reopen(t, s, Fixed(testPass))
	signer, err := o.SignerFor(key)
	if err != nil || !signer.Key().Equal(key) {
		t.Fatalf("got %v, %v, want the key", signer, err)
	}
	note, err := proofs.SignNote("text\n", signer)
	if err != nil || note.Signatures[0].ID != key.ID() {
		t.Errorf("got %v, want a line of the key", err)
	}
	_, err = reopen(t, s, unasked).SignerFor(away)
	want(t, err, ErrNoKey, "stele keys --keys ")
	if os.Remove(s.dir+"/identity.age") == nil {
		_, err = o.SignerFor(key) // unlocked before
		if err != nil {
			t.Error(err)
		}
		_, err = Open(s.dir, nil)
		want(t, err, fs.ErrNotExist, "")
	}
}
