package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stele/build/durable"
	"stele/build/follow/followtest"
	"stele/build/keys"
	"stele/proofs"
)

// An office is a registry served on loopback, and the folders of its officers.
type office struct {
	t *testing.T
	*followtest.Registry
	url   string
	dir   string
	trust string // the trust file that the officers were given
}

var threeOfficers = followtest.Policy{Officers: []string{"alice", "bob", "carol"}, Ed25519: []string{"bob"}, Needed: 2}

// newOffice is a registry with one publication.
func newOffice(t *testing.T, p followtest.Policy) *office {
	r := followtest.New(t, p)
	r.Now = time.Now().Unix() - 100*3600
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	o := &office{t: t, Registry: r, dir: t.TempDir()}
	o.serve()
	o.trust = filepath.Join(o.dir, "trust")
	mustDo(t, os.WriteFile(o.trust, r.Trust.Marshal(), 0o644))
	for _, name := range p.Officers {
		o.officer(name, p.Ed25519)
	}
	return o
}

func (o *office) serve() {
	server := httptest.NewServer(o.Registry.Officers())
	o.t.Cleanup(server.Close)
	o.url = server.URL
}

// officer makes the folder of an officer's keys.
func (o *office) officer(name string, both []string) {
	store, err := keys.Create(filepath.Join(o.dir, name), nil, true)
	mustDo(o.t, err)
	_, err = store.Generate("officer", name, keys.Officer, proofs.MLDSA44Key, bytes.NewReader(followtest.Seed(name, proofs.MLDSA44Key)))
	mustDo(o.t, err)
	for _, b := range both {
		if b == name {
			_, err := store.Generate("officer-ed25519", name, keys.Officer, proofs.CosignatureKey, bytes.NewReader(followtest.Seed(name, proofs.CosignatureKey)))
			mustDo(o.t, err)
		}
	}
}

func mustDo(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inProcess runs stele in this process.
func inProcess(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// approve runs stele approve as an officer.
func (o *office) approve(name, stdin string, more ...string) (int, string, string) {
	o.t.Helper()
	args := append([]string{"approve", "--portal", o.url, "--policy", o.trust, "--keys", filepath.Join(o.dir, name)}, more...)
	return inProcess(stdin, args...)
}

func (o *office) want(code int, texts ...string) func(int, string, string) {
	o.t.Helper()
	return func(got int, stdout, stderr string) {
		o.t.Helper()
		all := stdout + stderr
		if got != code {
			o.t.Errorf("exit %d, want %d:\n%s", got, code, all)
		}
		for _, text := range texts {
			if !strings.Contains(all, text) {
				o.t.Errorf("want %q in\n%s", text, all)
			}
		}
	}
}

// evidence lists what an officer's folder keeps.
func (o *office) evidence(name string) (files []string) {
	root := filepath.Join(o.dir, name, "last-seen", "evidence")
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, root+"/"))
		}
		return nil
	})
	return files
}

// TestApprove: two of three officers, one of whom signs with two keys, each from a folder of their own; then it is out.
func TestApprove(t *testing.T) {
	o := newOffice(t, threeOfficers)
	o.want(0, "nothing waits")(o.approve("alice", ""))
	o.Register(followtest.Office, 10, 13)
	o.Accredit("court.test.example")
	o.Revoke(followtest.Office, 2, "Obtained by fraud")
	o.Propose()
	o.want(1, "publication 2 is proposed", "12 entries", "18 entries", "3  office.test.example register letter", "1  root accredit", "court.test.example",
		"Obtained by fraud", "0 of the 2 needed", "not approved")(o.approve("alice", "no\n"))
	o.want(0, "approved as alice: 1 of the 2 approvals needed")(o.approve("alice", "18\n"))
	o.want(0, "approved as bob: 2 of the 2", "published")(o.approve("bob", "", "--yes"))
	head, err := proofs.ParseHead(o.Get(proofs.HeadPath))
	mustDo(t, err)
	if x, _, err := head.Verify(o.Trust, time.Now().Unix()); err != nil || x.Size != 18 {
		t.Errorf("what is published: %v", err)
	}
	o.want(0, "nothing waits")(o.approve("carol", ""))
	o.Offer()
	o.want(0, "nothing is added", "approved as alice")(o.approve("alice", "yes\n"))
}

// TestApproveByHand: the approval as a file, and the JSON answer.
func TestApproveByHand(t *testing.T) {
	o := newOffice(t, threeOfficers)
	o.Register(followtest.Office, 10, 13)
	o.Propose()
	file := filepath.Join(o.dir, "approval")
	code, stdout, stderr := o.approve("bob", "", "--yes", "--out", file, "--json")
	var got struct {
		Proposed, Approved bool
		Size               uint64
		Counts             []countResult
		File               string
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 || !got.Approved || got.Size != o.Size() || got.File != file ||
		len(got.Counts) != 1 || got.Counts[0] != (countResult{followtest.Office, "register", "letter", 3}) {
		t.Errorf("exit %d, %v:\n%s%s", code, err, stdout, stderr)
	}
	b, err := os.ReadFile(file)
	mustDo(t, err)
	c, note, err := proofs.ParseCheckpoint(b)
	if err != nil || c != o.Checkpoint() || len(note.Signatures) != 2 {
		t.Errorf("the approval is %s (%v)", b, err)
	}
	note.Signatures = append(note.Signatures, o.Sign(o.Log)...)
	s, _, err := o.Trust.Examine(note.Marshal(), time.Now().Unix())
	if err != nil || s.Officers.Have != 1 {
		t.Errorf("%d officers have approved (%v), want 1", s.Officers.Have, err)
	}
}

// TestApproveRefuses: what an officer must not sign is not signed, with the reason and, where there is any, the evidence.
func TestApproveRefuses(t *testing.T) {
	t.Run("fork", func(t *testing.T) {
		o := newOffice(t, threeOfficers)
		other := &office{t: t, Registry: o.Registry.Clone(), dir: o.dir, trust: o.trust}
		o.Register(followtest.Office, 10, 13)
		o.Propose()
		o.want(0)(o.approve("alice", "", "--yes"))
		other.Register(followtest.Office, 20, 30)
		other.Propose()
		other.serve()
		other.want(1, "refused (fork)", "evidence: ", ".stele-evidence", "verify-evidence")(other.approve("alice", "", "--yes"))
		if files := o.evidence("alice"); len(files) != 1 || !strings.HasSuffix(files[0], ".stele-evidence") {
			t.Errorf("kept: %v", files)
		}
		other.want(0)(other.approve("bob", "", "--yes")) // who has not seen the other one
	})
	t.Run("overtaken", func(t *testing.T) {
		o := newOffice(t, threeOfficers)
		o.Register(followtest.Office, 10, 13)
		o.Propose()
		old := o.Get(proofs.ProposalPath)
		o.Register(followtest.Office, 13, 14)
		o.Propose()
		o.want(0, "in 2 publications since you looked last")(o.approve("alice", "", "--yes"))
		o.Put(proofs.ProposalPath, old)
		o.want(1, "refused (rollback)", "was seen before")(o.approve("alice", "", "--yes"))
	})
	t.Run("published already", func(t *testing.T) {
		o := newOffice(t, threeOfficers)
		o.Register(followtest.Office, 10, 13)
		o.Propose()
		old := o.Get(proofs.ProposalPath)
		o.Register(followtest.Office, 13, 14)
		o.Publish()
		o.Put(proofs.ProposalPath, old)
		o.want(1, "refused (rollback)")(o.approve("carol", "", "--yes"))
	})
	t.Run("index", func(t *testing.T) {
		o := newOffice(t, threeOfficers)
		o.Register(followtest.Office, 10, 13)
		o.End(func(x *proofs.Index) { x.Keys-- })
		o.Offer()
		o.want(1, "refused (index)", "keys 12", "it is 13")(o.approve("alice", "", "--yes"))
		if files := o.evidence("alice"); len(files) != 5 {
			t.Errorf("kept: %v", files)
		}
	})
	t.Run("nobody's index statement", func(t *testing.T) {
		o := newOffice(t, threeOfficers)
		o.Register(followtest.Office, 10, 13) // the last entry is a registration
		o.Put(proofs.ProposalPath, o.HeadOf(o.Sign(o.Log)))
		o.want(1, "refused (damaged)")(o.approve("alice", "", "--yes"))
	})
	t.Run("not the log's", func(t *testing.T) {
		o := newOffice(t, threeOfficers)
		o.Register(followtest.Office, 10, 13)
		o.End(nil)
		o.Put(proofs.ProposalPath, o.HeadOf(o.Sign(o.Own)))
		o.want(1, "refused (quorum)")(o.approve("alice", "", "--yes"))
	})
	t.Run("of the future", func(t *testing.T) {
		o := newOffice(t, threeOfficers)
		o.Now = time.Now().Unix() + 3600
		o.Register(followtest.Office, 10, 13)
		o.Propose()
		o.want(1, "refused (clock)")(o.approve("alice", "", "--yes"))
	})
	t.Run("outage", func(t *testing.T) {
		o := newOffice(t, threeOfficers)
		o.want(0)(o.approve("alice", ""))
		o.Register(followtest.Office, 10, 13)
		o.Propose()
		for _, path := range o.Paths() {
			if strings.HasPrefix(path, "ledger/tile/entries/") {
				o.Remove(path)
			}
		}
		o.want(2, "is not there", "nothing is known against the registry")(o.approve("alice", "", "--yes"))
	})
	t.Run("no officer", func(t *testing.T) {
		o := newOffice(t, threeOfficers)
		o.officer("mallory", nil)
		o.Register(followtest.Office, 10, 13)
		o.Propose()
		o.want(1, "holds no key of an officer; they are alice, bob, carol")(o.approve("mallory", "", "--yes"))
	})
}

// TestApproveKeepsFirst: what was approved is kept before the approval leaves this machine, and one runs at a time.
func TestApproveKeepsFirst(t *testing.T) {
	o := newOffice(t, threeOfficers)
	other := &office{t: t, Registry: o.Registry.Clone(), dir: o.dir, trust: o.trust}
	o.Register(followtest.Office, 10, 13)
	o.Propose()
	nowhere := httptest.NewServer(nil)
	nowhere.Close()
	o.want(1, "the approval is signed and was not sent")(o.approve("alice", "", "--yes", "--to", nowhere.URL))
	other.Register(followtest.Office, 20, 30)
	other.Propose()
	other.serve()
	other.want(1, "refused (fork)")(other.approve("alice", "", "--yes"))
	o.want(0, "nothing is added", "approved as alice")(o.approve("alice", "yes\n")) // again, the very same tree
	lock, err := durable.TryLock(filepath.Join(o.dir, "alice", "last-seen", "lock"))
	mustDo(t, err)
	o.want(1, "another stele works with")(o.approve("alice", "", "--yes"))
	mustDo(t, lock.Close())
}

// TestApproveAway: an officer who has not looked for so long that the index of then was deleted is shown all the same what has come since.
func TestApproveAway(t *testing.T) {
	o := newOffice(t, threeOfficers)
	o.want(0, "nothing waits")(o.approve("alice", ""))
	o.Register(followtest.Office, 10, 13)
	o.Accredit("court.test.example")
	o.Publish()
	o.Collect()
	o.Register(followtest.Office, 13, 14)
	o.Propose()
	o.want(0, "audited anew", "before      12 entries", "4  office.test.example register letter", "court.test.example\", which may not issue so far", "in 2 publications", "approved as alice")(
		o.approve("alice", "", "--yes"))
	o.Register(followtest.Office, 14, 15)
	o.Propose()
	o.want(0, "before      19 entries", "1  office.test.example register letter", "approved as alice")(o.approve("alice", "", "--yes"))
}

// TestApproveTrust: a change of who may sign is told in words, and is refused where it is not the one that the root has named.
func TestApproveTrust(t *testing.T) {
	o := newOffice(t, threeOfficers)
	next := o.ChangeTrust(func(n *proofs.Trust) {
		o.SetPolicy(n, followtest.Policy{Officers: []string{"alice", "bob", "dave"}, Needed: 3, Witnesses: []string{"w1"}, Seen: 1})
		n.StaleAfter = 3600
	})
	o.Propose()
	o.want(1, "refused (trust)", "does not hold it")(o.approve("alice", "", "--yes"))
	o.Put(proofs.ProposedTrustPath, next.Marshal())
	o.want(0, "Who may sign is to change: trust file of epoch 2", "3 of 3: alice ML-DSA-44, bob ML-DSA-44, dave ML-DSA-44", "carol", "witnesses", "so far: none", "1h0m0s",
		"approved as alice")(o.approve("alice", "yes\n"))
	o.officer("dave", nil)
	o.want(0, "approved as dave")(o.approve("dave", "", "--yes", "--out", filepath.Join(o.dir, "dave.approval")))
}
