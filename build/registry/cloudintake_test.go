package registry

import (
	"context"
	"sync"
	"testing"

	"stele/build/storage/storagetest"
	"stele/proofs"
)

// statementOf is a registration of document n by the office.
func statementOf(t testing.TB, r *Registry, n int) []byte {
	t.Helper()
	signer, err := r.Keys.Signer(IssuerKeyFile(office))
	if err != nil {
		t.Fatal(err)
	}
	s := &proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionRegister, Issuer: office, Kind: "letter", Issued: "2027-01-01",
		Document: &proofs.Ref{Digests: proofs.DigestsOf(document(n))}}
	note, err := proofs.SignNote(s.Text(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return note.Marshal()
}

// TestCloudFrontEnds: two machines take statements for one registry, a third publishes. Each front end knows of what the other has
// taken and of what is published, and no statement is in the ledger twice.
func TestCloudFrontEnds(t *testing.T) {
	t.Parallel()
	s := storagetest.Start(t)
	dirs := machinesInCloud(t, s, 3)
	publish(t, openAt(t, dirs[2], start))
	var ends [2]*Intake
	for i := range ends {
		in, err := openAt(t, dirs[i], start+hour).NewIntake(10_000)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		ends[i] = in
	}
	r := openAt(t, dirs[2], start+hour)
	take := func(in *Intake, want string, entries ...[]byte) {
		t.Helper()
		outcomes, err := in.Take(context.Background(), in.Check(entries))
		if err != nil {
			t.Error(err)
		}
		for _, o := range outcomes {
			if o.State != want {
				t.Errorf("got %+v, want %s", o, want)
			}
		}
	}
	first := statementOf(t, r, 0)
	take(ends[0], Pending, first)
	take(ends[1], Pending, first) // it is known there too
	if n, err := r.Pending(); n != 1 || err != nil {
		t.Errorf("%d in the queue (%v), want 1", n, err)
	}
	const documents = 200
	var all [][]byte
	for n := 1; n < documents; n++ {
		all = append(all, statementOf(t, r, n))
	}
	var wg sync.WaitGroup
	for i, in := range ends {
		wg.Go(func() {
			for n := range all {
				if n%2 == i {
					take(in, Pending, all[n])
				}
			}
		})
	}
	wg.Wait()
	publish(t, openAt(t, dirs[2], start+hour))
	for i, in := range ends {
		if err := in.Refresh(); err != nil {
			t.Fatal(err)
		}
		take(in, Published, first, all[0], all[len(all)-1])
		o, ok, err := in.Find(StatementID(all[3]), "")
		if err != nil || !ok || o.State != Published {
			t.Errorf("front end %d: %+v, %v, %v, want it published", i, o, ok, err)
		}
		if n, _ := in.Pending(); n != 0 {
			t.Errorf("front end %d: %d pending, want none", i, n)
		}
	}
	wholeInCloud(t, dirs[2], start+hour, documents)
}
