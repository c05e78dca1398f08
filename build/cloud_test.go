package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stele/build/audit"
	"stele/build/portal"
	"stele/build/registry"
	"stele/build/storage/storagetest"
	"stele/proofs"
)

// serveInCloud makes a registry in a bucket and a database, published, and the folders of two machines.
func serveInCloud(t *testing.T) (one, two *served) {
	t.Helper()
	servers := storagetest.Start(t)
	dir := t.TempDir()
	settings := filepath.Join(dir, "where")
	if err := os.WriteFile(settings, servers.Settings("gov"), 0o644); err != nil {
		t.Fatal(err)
	}
	one = &served{T: t, dir: filepath.Join(dir, "one")}
	one.stele("init", "--registry", one.dir, "--demo", "--origin", servedOrigin, "--storage", settings)
	one.stele("accredit", "school.example", "--kind", "diploma", "--registry", one.dir)
	one.stele("publish", "--registry", one.dir)
	r, err := registry.Open(one.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if one.signer, err = r.Keys.Signer(registry.IssuerKeyFile("school.example")); err != nil {
		t.Fatal(err)
	}
	two = &served{T: t, dir: filepath.Join(dir, "two"), signer: one.signer}
	if err := os.CopyFS(two.dir, os.DirFS(one.dir)); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(filepath.Join(two.dir, "keys"), func(path string, d fs.DirEntry, err error) error { // as scp -p leaves them
		if info, errInfo := os.Stat(strings.Replace(path, two.dir, one.dir, 1)); err == nil && errInfo == nil {
			err = os.Chmod(path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return one, two
}

// TestFrontEnds: two machines take submissions for one registry, and publish it by turns; one is killed under load. What was
// acknowledged by either is in the ledger, once; index and checkpoint are right, and the portal answers from either machine.
func TestFrontEnds(t *testing.T) {
	one, two := serveInCloud(t)
	one.start("", "--publish-every", "2s")
	two.start("", "--publish-every", "2s")
	var mu sync.Mutex
	acknowledged := map[proofs.Hash]bool{}
	some, next := -1, 0 // the number of one that is acknowledged, and of the next
	// submit hands statements in at a machine until it is gone, or enough is acknowledged.
	submit := func(d *served, enough int) {
		for {
			mu.Lock()
			if len(acknowledged) >= enough {
				mu.Unlock()
				return
			}
			var part [][]byte
			number := next
			for range 5 {
				part = append(part, d.statement(next))
				next++
			}
			part = append(part, d.statement(next/2)) // one again, perhaps at the other machine
			mu.Unlock()
			status, outcomes, err := d.once(part)
			if err != nil {
				return
			}
			mu.Lock()
			for i, o := range outcomes {
				if o.State != registry.Pending && o.State != registry.Published {
					t.Errorf("status %d: statement %d: %s %s", status, i, o.State, o.Reason)
				}
				acknowledged[registry.StatementID(part[i])] = true
			}
			some = number
			mu.Unlock()
		}
	}
	var wg sync.WaitGroup
	for _, d := range []*served{one, two, one, two} {
		wg.Go(func() { submit(d, 600) })
	}
	for until := time.Now().Add(patience); ; {
		mu.Lock()
		n := len(acknowledged)
		mu.Unlock()
		if n >= 300 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("%d acknowledged in %s\n%s\n%s", n, patience, one.stderr, two.stderr)
		}
		time.Sleep(5 * time.Millisecond) // until there is load
	}
	one.end(os.Kill)
	wg.Wait()
	// A page and a proof from the machine that is left.
	res, err := http.Get(two.address + "ledger.html")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("ledger.html: %v %v", res, err)
	}
	two.end(os.Interrupt)
	one.stele("publish", "--registry", one.dir) // the killed one is there again

	r, err := registry.Look(two.dir)
	if err != nil {
		t.Fatal(err)
	}
	a, err := audit.Portal(context.Background(), r.Trust, r.Portal(), time.Now().Unix(), func(string, uint64, uint64) {})
	if err != nil {
		t.Fatalf("audit: %v", err)
	}
	inLedger := map[proofs.Hash]int{}
	err = r.Entries(0, a.Size, func(_ uint64, entries [][]byte) error {
		for _, e := range entries {
			inLedger[registry.StatementID(e)]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range inLedger {
		if n != 1 {
			t.Errorf("statement %s is in the ledger %d times", id, n)
		}
	}
	lost := 0
	for id := range acknowledged {
		if inLedger[id] == 0 {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged statements are not in the ledger", lost, len(acknowledged))
	}
	t.Logf("%d acknowledged, %d entries, publication %d", len(acknowledged), a.Size, a.Publication)
	two.commands(fmt.Appendf(nil, "document %d\n", some))
}

// commands holds that the commands find the registry where it lies.
func (d *served) commands(document []byte) {
	d.Helper()
	doc := filepath.Join(filepath.Dir(d.dir), "one.txt")
	if err := os.WriteFile(doc, document, 0o644); err != nil {
		d.Fatal(err)
	}
	if out := d.stele("verify", doc, "--registry", d.dir, "--json"); !strings.Contains(out, `"verdict":"authentic"`) {
		d.Errorf("verify: %s", out)
	}
	d.stele("receipt", doc, "--registry", d.dir)
	if out := d.stele("verify", doc, "--receipt", doc+".tlog-proof", "--policy", filepath.Join(d.dir, "trust"), "--json"); !strings.Contains(out, `"verdict":"authentic"`) {
		d.Errorf("verify offline: %s", out)
	}
	d.stele("revoke", doc, "--reason", "A mistake.", "--registry", d.dir)
	d.stele("publish", "--registry", d.dir)
	if out := d.stele("audit", "--registry", d.dir); !strings.Contains(out, "everything agrees") {
		d.Errorf("audit: %s", out)
	}
	r, err := registry.Look(d.dir)
	if err != nil {
		d.Fatal(err)
	}
	q := proofs.Question{Trust: r.Trust, Now: time.Now().Unix(), SHA256: proofs.DigestsOf(document).SHA256, Online: true}
	ans, err := portal.Ask(context.Background(), r.Portal(), q, nil)
	if err != nil || ans.Report.Verdict != proofs.Revoked || !bytes.Contains(ans.Report.AppendJSON(nil), []byte("A mistake.")) {
		d.Errorf("revoked: %v %v", ans.Report, err)
	}
}
