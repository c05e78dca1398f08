package registry

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"stele/build/issuer"
	"stele/build/keys"
	"stele/proofs"
)

// TestPlaceAt: a time is turned into the place of the first entry that was published at it or after it; a heartbeat adds nothing.
func TestPlaceAt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir) // published at start: places 0 to 4, and an hour later 5 to 9
	r := openAt(t, dir, heartbeat.now)
	for range 2 {
		publish(t, r)
	}
	for at, want := range map[int64]uint64{0: 0, start - 1: 0, start: 0, start + 1: 5, start + hour: 5, start + hour + 1: 10, start + 3*hour: 10} {
		if got, err := r.PlaceAt(time.Unix(at, 0)); got != want || err != nil {
			t.Errorf("at %d: got %d (%v), want %d", at-start, got, err, want)
		}
	}
	fresh, err := Init(filepath.Join(t.TempDir(), "fresh"), Setup{Origin: "test.example/fresh", Title: "Test", Demo: true, StaleAfter: time.Hour}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fresh.PlaceAt(time.Unix(start, 0)); got != 0 || err != nil {
		t.Errorf("nothing published: got %d (%v), want 0", got, err)
	}
}

// TestUndone: what a withdrawal takes back is what the authority has said from there on, in the ledger and in the queue.
func TestUndone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	register(t, r, office, 5, 7)
	register(t, r, court, 7, 8)
	say(t, r, issuer.Draft{Action: proofs.ActionSuspend, Document: documentOf(0)})
	say(t, r, issuer.Draft{Action: proofs.ActionRestore, Document: documentOf(0)})
	for from, want := range map[uint64]string{0: "map[register:6 restore:1]", 2: "map[register:5 restore:1]", 5: "map[register:3 restore:1]",
		10: "map[register:2 restore:1]", 11: "map[register:1 restore:1]", 15: "map[]", 99: "map[]"} {
		got, err := r.Undone(context.Background(), office, from, func(_, _ uint64) {})
		if fmt.Sprint(got) != want || err != nil {
			t.Errorf("from %d: got %v (%v), want %s", from, got, err, want)
		}
	}
}

// TestDesk: what is pending is known at the desk under its key, between what is published and what comes next; what is not
// authorised is not.
func TestDesk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	ctx, d, key := context.Background(), r.Desk(), documentOf(0).Key()
	say(t, r, issuer.Draft{Action: proofs.ActionSuspend, Document: documentOf(0)})
	s := &proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionRevoke, Issuer: office, Document: &proofs.Ref{Digests: proofs.DigestsOf(document(0))},
		After: &proofs.Hash{}}
	other, err := proofs.NewMemorySigner(office, proofs.Ed25519Key, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	note, err := proofs.SignNote(s.Text(), other)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Deliver(ctx, [][]byte{note.Marshal(), []byte("not a statement at all")}); err != nil {
		t.Fatal(err)
	}
	entries, err := d.Record(ctx, key)
	if err != nil || len(entries) != 2 || entries[0].Place != 1 || entries[0].Published != start || entries[1].Place != 10 || entries[1].Published != 0 {
		t.Errorf("got %+v (%v), want the registration at 1 and the suspension at 10", entries, err)
	}
	if _, place, err := d.Authorities(ctx); place != 13 || err != nil {
		t.Errorf("next place: got %d (%v), want 13", place, err)
	}
	if entries, err := d.Record(ctx, documentOf(99).Key()); len(entries) > 0 || err != nil {
		t.Errorf("of a document that is not registered: got %v (%v), want none", entries, err)
	}
	if entries, err := d.Record(ctx, proofs.IssuerKey(court)); len(entries) != 1 || err != nil {
		t.Errorf("of an authority: got %v (%v), want its accreditation", entries, err)
	}
}

// TestRotation: the newest accredited key signs; one that a run has made and not accredited, since it was cut off, is taken up by
// the next; disowned keys do not come back.
func TestRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	makeFirst(t, dir)
	r := openAt(t, dir, start)
	ring := func() *issuer.Ring {
		ring, err := r.Ring()
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	signs := func() *proofs.Key {
		a, err := r.Authority(context.Background(), office)
		if err != nil {
			t.Fatal(err)
		}
		return ring().Newest(office, a.Standing)
	}
	first := signs()
	cutOff, err := ring().Make(office)
	if err != nil {
		t.Fatal(err)
	}
	if !signs().Equal(first) {
		t.Error("a key that is not accredited signs")
	}
	change := func(a Accreditation) []*proofs.Key {
		t.Helper()
		a.Authority, a.Title, a.Kinds = office, "Office", []string{"letter"}
		all, err := r.AccreditKeys(a)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if all := change(Accreditation{NewKey: true}); len(all) != 2 || !signs().Equal(cutOff) {
		t.Errorf("got keys %s, the one that signs is %s, want %s", keyIDs(all), KeyID(signs()), KeyID(cutOff))
	}
	change(Accreditation{Retire: []string{KeyID(first)}})
	register(t, r, office, 3, 4)
	publish(t, r)
	if err := r.Withdraw(Withdrawal{Authority: office, From: new(uint64)}); err != nil {
		t.Fatal(err)
	}
	all := change(Accreditation{})
	if len(all) != 1 || all[0].Equal(first) || all[0].Equal(cutOff) {
		t.Errorf("after its keys were disowned: got %s, want a new one beside %s and %s", keyIDs(all), KeyID(first), KeyID(cutOff))
	}
	if len(ring().Keys(office)) != 3 {
		t.Errorf("%d keys in the folder, want 3", len(ring().Keys(office)))
	}
	for len(all) < mostKeys {
		all = change(Accreditation{NewKey: true})
	}
	var e *Error
	_, err = r.AccreditKeys(Accreditation{Authority: office, Title: "Office", Kinds: []string{"letter"}, NewKey: true})
	if !errors.As(err, &e) || len(ring().Keys(office)) != 2+mostKeys {
		t.Errorf("a ninth key: got %v and %d keys in the folder, want a refusal before one is made", err, len(ring().Keys(office)))
	}
}

// TestSecondKeyFile: the files of later keys are no other authority's.
func TestSecondKeyFile(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a", "2-a", "2", "a-2", "a_2", "2_a", "a/2", "2/a", "2-2"} {
		for n := range 23 {
			file := issuer.KeyFile(name, n+1)
			if other, ok := seen[file]; ok || keys.CheckFile(file) != nil {
				t.Errorf("key %d of %q: file %q is %q's too, or none", n+1, name, file, other)
			}
			seen[file] = name
		}
	}
	if seen["issuer2-a"] != "a" {
		t.Errorf("issuer2-a: got %q, want the second key of a", seen["issuer2-a"])
	}
}
