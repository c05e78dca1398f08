package follow

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stele/build/audit"
	"stele/build/durable"
	"stele/build/follow/followtest"
	"stele/proofs"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a follower with the registry's clock.
func open(t testing.TB, dir string, trust *proofs.Trust, r *followtest.Registry) *Follower {
	t.Helper()
	f, err := Open(dir, trust, r)
	must(t, err)
	f.Now = r.Clock
	t.Cleanup(func() { f.Close() })
	return f
}

// begun is a follower of what is published now.
func begun(t testing.TB, r *followtest.Registry) *Follower {
	t.Helper()
	f := open(t, t.TempDir(), r.Trust, r)
	_, err := f.Begin(context.Background())
	must(t, err)
	return f
}

func advance(f *Follower) (*Change, error) {
	v, err := f.Head(context.Background())
	if err != nil {
		return nil, err
	}
	return f.Advance(context.Background(), v)
}

// catchUp advances to the published head and keeps it.
func catchUp(t testing.TB, f *Follower) *Change {
	t.Helper()
	c, err := advance(f)
	must(t, err)
	must(t, f.Keep(c))
	return c
}

// published is a registry with a few publications, of 700 documents.
func published(t testing.TB) *followtest.Registry {
	r := followtest.New(t, followtest.Policy{})
	r.Register(followtest.Office, 0, 400)
	r.Publish()
	r.Register(followtest.Office, 400, 700)
	r.Publish()
	return r
}

// audited is the state that an audit of all comes to.
func audited(t testing.TB, r *followtest.Registry) []byte {
	t.Helper()
	a, err := audit.Portal(context.Background(), r.Trust, r, r.Now, func(string, uint64, uint64) {})
	must(t, err)
	b, err := a.State.Marshal()
	must(t, err)
	return b
}

// TestAdvance: one publication or several at once, from files or from memory, come to what an audit of all comes to, and the folder is gone on from.
func TestAdvance(t *testing.T) {
	for _, kept := range []int{mostKept, 0} {
		defer func(n int) { mostKept = n }(mostKept)
		mostKept = kept
		r := published(t)
		dir := t.TempDir()
		f := open(t, dir, r.Trust, r)
		a, err := f.Begin(context.Background())
		must(t, err)
		if a == nil || f.Last() != r.Checkpoint() {
			t.Fatalf("begun at %v, want %v", f.Last(), r.Checkpoint())
		}
		for i, publications := range []int{1, 3, 0, 2} {
			for n := range publications {
				first := 1000 * (10*i + n + 1)
				r.Register(followtest.Office, first, first+300)
				r.Revoke(followtest.Office, first+1, "Error")
				r.Publish()
			}
			f.Close()
			f = open(t, dir, r.Trust, r)
			c := catchUp(t, f)
			if len(c.Publications) != publications || c.Again() != (publications == 0) || len(c.Wrong) > 0 || c.Void != 0 {
				t.Errorf("%d publications, %d wrong, %d void, want %d, none and none", len(c.Publications), len(c.Wrong), c.Void, publications)
			}
			for _, file := range c.Made {
				must(t, file.Compare(context.Background(), r))
			}
			got, err := f.Index().Marshal()
			must(t, err)
			if want := audited(t, r); !bytes.Equal(got, want) {
				t.Fatalf("state\n%s\nwant, as audited,\n%s", got, want)
			}
		}
	}
}

// TestFromEmpty: what was followed from before the first publication is what an audit finds.
func TestFromEmpty(t *testing.T) {
	r := followtest.New(t, followtest.Policy{})
	f := begun(t, r)
	if f.Last().Size != 0 || !f.Begun() {
		t.Fatalf("begun at %v, want nothing", f.Last())
	}
	r.Register(followtest.Office, 0, 400)
	r.Publish()
	catchUp(t, f)
	got, err := f.Index().Marshal()
	must(t, err)
	if want := audited(t, r); !bytes.Equal(got, want) {
		t.Errorf("state\n%s\nwant, as audited,\n%s", got, want)
	}
}

// TestReadsLittle: of the ledger, only what is new is read, and of the index only what it touches.
func TestReadsLittle(t *testing.T) {
	r := published(t)
	r.Register(followtest.Office, 700, 6000)
	r.Publish()
	f := begun(t, r)
	old := f.Last().Size
	r.Register(followtest.Office, 6000, 6003)
	r.Publish()
	r.Asked()
	catchUp(t, f)
	files := 0
	for _, path := range r.Asked() {
		name, tile := strings.CutPrefix(path, "ledger/tile/")
		switch {
		case strings.HasPrefix(path, "index/"):
			files++
		case tile:
			if at, err := proofs.ParseTilePath("tile/" + name); err != nil || !at.Entries || at.Index < old/256 {
				t.Errorf("%s was read (%v)", path, err)
			}
		}
	}
	if files == 0 || files > 3 { // a slot for each document, in one tile
		t.Errorf("%d files of the index were read, want one to three", files)
	}
}

// TestRenew: whoever was away until the index of then was deleted goes on by an audit, and is shown no other ledger by that.
func TestRenew(t *testing.T) {
	r := published(t)
	f := begun(t, r)
	old := f.Last()
	other := r.Clone()
	r.Register(followtest.Office, 700, 900)
	r.Revoke(followtest.Office, 3, "Error")
	r.Publish()
	r.Register(followtest.Office, 900, 1000)
	r.Publish()
	r.Collect()
	_, err := advance(f)
	if !Collected(err) || Code(err) != CodeOutage {
		t.Fatalf("the index of before is gone: %v", err)
	}
	told := 0
	f.Seen = func(*proofs.Entry) { told++ }
	c, err := f.Renew(context.Background())
	must(t, err)
	if c.Old != old || c.New != r.Checkpoint() || len(c.Publications) != 2 || len(c.Sensitive) != 1 || c.Void != 0 || told != 303 ||
		!slices.Equal(c.Counts, []proofs.Count{count(followtest.Office, "register", "letter", 300), count(followtest.Office, "revoke", "-", 1)}) {
		t.Errorf("%+v, %d told", c, told)
	}
	must(t, f.Keep(c))
	r.Register(followtest.Office, 1000, 1010)
	r.Publish()
	catchUp(t, f)
	got, err := f.Index().Marshal()
	must(t, err)
	if want := audited(t, r); !bytes.Equal(got, want) {
		t.Errorf("state\n%s\nwant, as audited,\n%s", got, want)
	}
	other.Register(followtest.Office, 5000, 6000)
	other.Publish()
	f.Portal, f.Now = other, other.Clock
	if _, err := f.Renew(context.Background()); Code(err) != CodeFork {
		t.Errorf("another ledger: %v", err)
	}
}

func count(issuer, action, kind string, n uint64) proofs.Count {
	return proofs.Count{Issuer: issuer, Action: action, Kind: kind, Number: n}
}

// TestCounts: what officers are shown.
func TestCounts(t *testing.T) {
	r := published(t)
	f := begun(t, r)
	r.Accredit("court.test.example")
	r.Register("court.test.example", 5000, 5003)
	r.Append(r.Entry(1)) // a repeat
	for n := range 25 {
		r.Revoke(followtest.Office, n, "Error")
	}
	r.Accredit(followtest.Office)
	r.Withdraw("court.test.example", "Its key was stolen")
	r.Publish()
	c := catchUp(t, f)
	want := []proofs.Count{count("court.test.example", "register", "letter", 3), count(followtest.Office, "revoke", "-", 25), count("root", "accredit", "-", 2), count("root", "withdraw", "-", 1)}
	if !slices.Equal(c.Counts, want) {
		t.Errorf("counts %v, want %v", c.Counts, want)
	}
	if c.Void != 1 || c.Entries != 3+25+3+1+1 {
		t.Errorf("%d entries, %d void", c.Entries, c.Void)
	}
	if len(c.Sensitive) != 20+3 || !slices.Equal(c.More, []proofs.Count{count(followtest.Office, "revoke", "-", 5)}) {
		t.Errorf("%d sensitive, and more: %v", len(c.Sensitive), c.More)
	}
}

// TestWrongIndex: an index statement that does not follow from the ledger is named with the field, as the last and before.
func TestWrongIndex(t *testing.T) {
	for field, lie := range map[string]func(x *proofs.Index){
		"map":         func(x *proofs.Index) { x.Map[0] ^= 1 },
		"keys":        func(x *proofs.Index) { x.Keys++ },
		"issuers":     func(x *proofs.Index) { x.IssuersRoot[0] ^= 1 },
		"landmarks":   func(x *proofs.Index) { x.Landmarks++ },
		"tree":        func(x *proofs.Index) { x.TreeSHA3[0] ^= 1 },
		"sizes":       func(x *proofs.Index) { x.Sizes[0] ^= 1 },
		"publication": func(x *proofs.Index) { x.Publication++ },
	} {
		r := published(t)
		f := begun(t, r)
		r.Register(followtest.Office, 800, 900)
		r.End(lie)
		// A head that names other sizes or another map does not verify by itself; the view is made as if it had.
		x := &proofs.VerifiedIndex{Signed: &proofs.Signed{Checkpoint: r.Checkpoint()}, Entry: r.Entry(r.Size() - 1)}
		s, err := proofs.ParseStatement(strings.SplitAfter(string(x.Entry), "\n\n")[0][:strings.Index(string(x.Entry), "\n\n")+1])
		must(t, err)
		x.Index = s.Index
		head, err := proofs.ParseHead(r.HeadOf(r.Sign(r.Everybody()...)))
		must(t, err)
		_, err = f.Advance(context.Background(), &View{Raw: head.Marshal(), Head: head, Index: x})
		var wrong *WrongIndex
		if !errors.As(err, &wrong) || wrong.Field != field || wrong.Place != r.Size()-1 || Code(err) != CodeIndex {
			t.Errorf("a lie about %s: got %v", field, err)
		}
		if field == "publication" { // does not hold: counts for nothing, whoever comes after
			continue
		}
		r.Register(followtest.Office, 900, 910)
		r.Publish()
		c, err := advance(f)
		must(t, err)
		if len(c.Wrong) != 1 || c.Wrong[0].Field != field {
			t.Errorf("a lie about %s, and gone on from: %v", field, c.Wrong)
		}
	}
}

// TestForks: another history is proved, whether it is as long, longer or shorter, and a shorter part of the same is only old.
func TestForks(t *testing.T) {
	base := published(t)
	old := base.Clone()
	base.Register(followtest.Office, 700, 800)
	other := base.Clone()
	base.Publish()
	shorter := other.Clone()
	shorter.Register(followtest.Office, 5000, 5010)
	shorter.Publish()
	other.Register(followtest.Office, 6000, 6400)
	other.Publish()
	short := old.Clone()
	short.Register(followtest.Office, 8000, 8010)
	short.Publish()
	base.Register(followtest.Office, 801, 900)
	base.Publish()
	follow := func(r *followtest.Registry, tiles bool) error {
		f := begun(t, base)
		if tiles { // those of the larger tree are served still
			for _, path := range base.Paths() {
				if strings.HasPrefix(path, "ledger/tile/") && r.Get(path) == nil || r.Size() < base.Size() && strings.HasPrefix(path, "ledger/tile/") {
					r.Put(path, base.Get(path))
				}
			}
		}
		f.Portal, f.Now = r, base.Clock
		_, err := advance(f)
		return err
	}
	var fork *Fork
	var back *Rollback
	if err := follow(other, false); !errors.As(err, &fork) || fork.Size != base.Size() || Code(err) != CodeFork {
		t.Errorf("a longer fork: %v", err)
	} else if err := proofs.CheckConsistency(fork.Size, other.Size(), fork.Root, other.Checkpoint().Root, fork.Growth); err != nil || fork.Root == fork.Signed {
		t.Errorf("its evidence: %v", err)
	}
	if err := follow(short, false); !errors.As(err, &back) || back.Unproved == nil {
		t.Errorf("a shorter head, and no tiles to compare it: %v", err)
	}
	if r, err := base.Trust.CheckEvidence(fork.Evidence(), nil, base.Now); err != nil || r.Size != fork.Size {
		t.Errorf("its evidence: %v", err)
	}
	if err := follow(short, true); !errors.As(err, &fork) || fork.Size != short.Size() {
		t.Errorf("a shorter fork: %v", err)
	}
	if err := follow(old, true); !errors.As(err, &back) || back.Unproved != nil || Code(err) != CodeRollback {
		t.Errorf("an older head: %v", err)
	}
	same := shorter.Clone()
	same.Register(followtest.Office, 9000, 9000+int(base.Size()-same.Size()-1))
	same.Publish()
	if err := follow(same, false); !errors.As(err, &fork) || len(fork.Growth) != 0 {
		t.Errorf("a fork of the same size: %v", err)
	}
}

// TestOutages: whatever cannot be read is an outage and no accusation, and what was changed on the way is damage; neither changes what is kept.
func TestOutages(t *testing.T) {
	r := published(t)
	f := begun(t, r)
	before, state := f.Last(), read(t, f.path(stateFile))
	r.Register(followtest.Office, 700, 720)
	r.Accredit("court.test.example")
	r.Publish()
	r.Asked()
	_, err := advance(f)
	must(t, err)
	asked := r.Asked()
	slices.Sort(asked)
	for _, path := range slices.Compact(asked) {
		good := r.Get(path)
		r.Remove(path)
		_, err := advance(f)
		var outage *Outage
		if !errors.As(err, &outage) || !outage.Missing() || Code(err) != CodeOutage {
			t.Errorf("%s is missing: %v", path, err)
		}
		for _, at := range []int{0, len(good) / 2, len(good) - 1} {
			bad := slices.Clone(good)
			bad[at] ^= 4
			r.Put(path, bad)
			if _, err := advance(f); Code(err) != CodeDamage && Code(err) != CodeOther && Code(err) != CodeQuorum && Code(err) != CodeClock {
				t.Errorf("%s changed at byte %d: %v", path, at, err)
			}
		}
		r.Put(path, good)
	}
	if f.Last() != before || !bytes.Equal(read(t, f.path(stateFile)), state) {
		t.Error("what is kept has changed")
	}
	catchUp(t, f)
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

// TestFolder: one process at a time, one trust file, and no state that is damaged or put together.
func TestFolder(t *testing.T) {
	r := published(t)
	f := begun(t, r)
	if _, err := Open(f.Dir(), r.Trust, r); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a second process: %v", err)
	}
	dir := f.Dir()
	f.Close()
	other := *r.Trust
	other.Title = "Other"
	if _, err := Open(dir, &other, r); err == nil {
		t.Error("another trust file of the epoch is taken")
	}
	path := filepath.Join(dir, stateFile)
	good := read(t, path)
	for _, change := range [][2]string{{`"epoch": 1`, `"epoch": 2`}, {`"head": "`, `"head": "A`}, {`"sum"`, `"sun"`}} {
		must(t, os.WriteFile(path, bytes.Replace(good, []byte(change[0]), []byte(change[1]), 1), 0o600))
		if _, err := Open(dir, r.Trust, r); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s for %s: %v", change[1], change[0], err)
		}
	}
	must(t, os.WriteFile(path, good, 0o600))
	f = open(t, dir, r.Trust, r)
	if f.Last() != r.Checkpoint() {
		t.Errorf("reopened at %v", f.Last())
	}
}

// TestChangeOfTrust: a proposal that changes who may sign, what it is refused for, its second round, and the epochs that are followed once it is published.
func TestChangeOfTrust(t *testing.T) {
	r := followtest.New(t, followtest.Policy{Officers: []string{"alice", "bob"}, Needed: 1})
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	f := begun(t, r)
	old := r.Trust
	next := r.ChangeTrust(func(n *proofs.Trust) {
		r.SetPolicy(n, followtest.Policy{Officers: []string{"alice", "carol"}, Needed: 2})
	})
	r.Propose()
	for name, bad := range map[string][]byte{"none": nil, "another": bytes.Replace(next.Marshal(), []byte("title Test"), []byte("title Text"), 1),
		"not a trust file": []byte("x")} {
		r.Remove(proofs.ProposedTrustPath)
		if bad != nil {
			r.Put(proofs.ProposedTrustPath, bad)
		}
		v, err := f.Proposal(context.Background())
		if err == nil {
			_, err = f.Advance(context.Background(), v)
		}
		if Code(err) != CodeTrust {
			t.Errorf("%s is proposed: %v", name, err)
		}
	}
	r.Put(proofs.ProposedTrustPath, next.Marshal())
	for round := range 2 {
		v, err := f.Proposal(context.Background())
		must(t, err)
		c, err := f.Advance(context.Background(), v)
		must(t, err)
		if v.Next == nil || v.Next.ID() != next.ID() || c.Again() != (round == 1) {
			t.Errorf("round %d: %v, again %t", round, v.Next, c.Again())
		}
		must(t, f.Keep(c))
		f.Close()
		f = open(t, f.Dir(), old, r)
	}
	r.Handover(next, r.Sign(r.Log, r.Own, r.Signer("bob", proofs.MLDSA44Key)))
	r.Remove(proofs.ProposedTrustPath)
	r.Release(r.Sign(r.Everybody()...))
	r.Register(followtest.Office, 10, 20)
	r.Publish()
	must(t, f.FollowTrust(context.Background()))
	catchUp(t, f)
	f.Close()
	f = open(t, f.Dir(), old, r)
	if f.Trust.ID() != next.ID() || len(f.Earlier()) != 1 || f.Earlier()[0].ID() != old.ID() {
		t.Errorf("epoch %d after %d earlier ones", f.Trust.Epoch, len(f.Earlier()))
	}
	r.Put(proofs.TrustPath(3), []byte("x"))
	if err := f.FollowTrust(context.Background()); Code(err) != CodeEpoch {
		t.Errorf("a next trust file without a handover: %v", err)
	}
	r.Put(proofs.HandoverPath(3), []byte("x"))
	if err := f.FollowTrust(context.Background()); Code(err) != CodeTrust {
		t.Errorf("a next trust file that is none: %v", err)
	}
}

// TestProposedByAnother: whoever serves the portal proposes a ledger of their own, with a trust file that names their own log. The log of this
// registry has not signed that, and is not accused of a fork.
func TestProposedByAnother(t *testing.T) {
	r := followtest.New(t, followtest.Policy{Officers: []string{"alice"}, Needed: 1})
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	another := r.Clone()
	r.Register(followtest.Office, 10, 20)
	r.Publish()
	f := begun(t, r)
	next := another.Trust.Successor(another.Checkpoint())
	another.Rekey()
	another.SetPolicy(next, followtest.Policy{Officers: []string{"alice"}, Needed: 1})
	another.Register(followtest.Office, 90, 91)
	another.Propose()
	tile := "ledger/" + proofs.Tile{Entries: true, Width: int(another.Size())}.Path()
	r.Put(tile, another.Get(tile))
	r.Put(proofs.ProposalPath, another.Get(proofs.ProposalPath))
	r.Put(proofs.ProposedTrustPath, next.Marshal())
	if v, err := f.Proposal(context.Background()); Code(err) != CodeQuorum {
		t.Errorf("got %t, %v (%s), want a proposal that the log has not signed", v != nil, err, Code(err))
	}
}

// TestNothingProposed: no proposal is no error.
func TestNothingProposed(t *testing.T) {
	r := published(t)
	f := begun(t, r)
	if v, err := f.Proposal(context.Background()); v != nil || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
}
