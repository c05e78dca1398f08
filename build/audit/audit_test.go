package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stele/build/follow/followtest"
	"stele/build/index"
	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
)

const office = "office.test.example"

// publish registers documents of a name and publishes.
func publish(t *testing.T, dir string, now int64, name string, n int) {
	t.Helper()
	r, err := registry.Open(dir, nil)
	must(t, err)
	r.Now = func() time.Time { return time.Unix(now, 0) }
	var files []string
	for i := range n {
		path := filepath.Join(t.TempDir(), "document")
		must(t, os.WriteFile(path, fmt.Append(nil, name, i), 0o644))
		files = append(files, path)
	}
	req := registry.Request{Issuer: office, Kind: "letter", Issued: "2027-01-01"}
	must(t, r.Register(context.Background(), req, files, func(f registry.Registered) { must(t, f.Err) }))
	_, err = r.Publish(context.Background())
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const start = 1_800_000_000 // seconds

// fork makes one registry twice, which part after the first publication and have the same keys.
func fork(t *testing.T) (left, right string) {
	left, right = filepath.Join(t.TempDir(), "left"), filepath.Join(t.TempDir(), "right")
	r, err := registry.Init(left, registry.Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: 48 * time.Hour}, nil)
	must(t, err)
	must(t, r.Accredit(office, "Office", []string{"letter"}))
	publish(t, left, start, "both", 100)
	copyRegistry(t, left, right)
	for i := range int64(3) {
		publish(t, left, start+60+60*i, fmt.Sprint("left", i), 30)
		publish(t, right, start+60+60*i, fmt.Sprint("right", i), 30)
	}
	return left, right
}

func copyRegistry(t *testing.T, from, to string) {
	t.Helper()
	must(t, os.CopyFS(to, os.DirFS(from)))
	keys, err := filepath.Glob(filepath.Join(to, "keys", "*"))
	must(t, err)
	for _, key := range keys {
		must(t, os.Chmod(key, 0o600))
	}
}

func audit(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, "trust"))
	if err != nil {
		return err
	}
	trust, err := proofs.ParseTrust(b)
	if err != nil {
		return err
	}
	p, err := portal.Open(filepath.Join(dir, "public"))
	if err != nil {
		return err
	}
	_, err = Portal(context.Background(), trust, p, start+3600, func(string, uint64, uint64) {})
	return err
}

// TestNoticed: what is signed and in its format, and does not belong there.
func TestNoticed(t *testing.T) {
	left, right := fork(t)
	must(t, audit(left))
	must(t, audit(right))
	path := func(name string) string { return filepath.Join(left, "public", filepath.FromSlash(name)) }
	read := func(dir, name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, "public", filepath.FromSlash(name)))
		must(t, err)
		return b
	}
	lines, err := proofs.ParseHistory(read(left, proofs.HistoryPath))
	must(t, err)
	others, err := proofs.ParseHistory(read(right, proofs.HistoryPath))
	must(t, err)
	sizes := len(lines)
	for _, c := range []struct {
		name, path, want string
		content          []byte
	}{
		{"a fork's checkpoint of the size before", "ledger/checkpoint", "was signed for size", read(right, others[sizes-2].Path())},
		{"a fork's checkpoint", "ledger/checkpoint", "was signed for size", read(right, others[sizes-1].Path())},
		{"a checkpoint of two publications ago", "ledger/checkpoint", "of the publication before it", read(left, lines[sizes-3].Path())},
		{"a line of the history twice", proofs.HistoryPath, "twice", proofs.FormatHistory(append(lines[:1:1], lines...))},
		{"no line of the newest", proofs.HistoryPath, "nothing of the head's size", proofs.FormatHistory(lines[:sizes-1])},
		{"a fork's head", proofs.HeadPath, "", read(right, proofs.HeadPath)},
	} {
		good := read(left, c.path)
		must(t, os.WriteFile(path(c.path), c.content, 0o644))
		if err := audit(left); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
		must(t, os.WriteFile(path(c.path), good, 0o644))
	}
	must(t, audit(left))
}

// TestTileDepth: no hash covers the depth that a map tile gives.
func TestTileDepth(t *testing.T) {
	a := &auditor{ctx: context.Background(), p: one{(&proofs.MapTile{Depth: 18, Leaves: []proofs.MapTileLeaf{{Depth: 1}, {Depth: 1}}}).Marshal()}}
	sub, err := proofs.ParseMapTile(a.p.(one).b)
	must(t, err)
	_, err = a.newWalker(nil).tile(&proofs.MapTile{Leaves: []proofs.MapTileLeaf{{Hash: sub.Hash(), Depth: 9, Tile: true}}}, proofs.Hash{})
	if err == nil || !strings.Contains(err.Error(), "not the map tile") {
		t.Errorf("a map tile that gives a wrong depth: %v", err)
	}
}

// one has the same file everywhere.
type one struct{ b []byte }

func (o one) Read(context.Context, string) ([]byte, error) { return o.b, nil }
func (o one) String() string                               { return "one" }

// TestLies: what a publisher may commit to against the ledger.
func TestLies(t *testing.T) {
	trust := &proofs.Trust{}
	ix, err := index.Open(trust, index.Discard{}, index.Empty())
	must(t, err)
	honest := ix.Index()
	honest.Sizes = proofs.SizesHash(nil)
	for name, change := range map[string]func(*proofs.Index){
		"":               func(*proofs.Index) {},
		"map":            func(x *proofs.Index) { x.Map[0] ^= 1 },
		"keys":           func(x *proofs.Index) { x.Keys++ },
		"issuers":        func(x *proofs.Index) { x.Issuers++ },
		"issuer list":    func(x *proofs.Index) { x.IssuersRoot[0] ^= 1 },
		"landmarks":      func(x *proofs.Index) { x.Landmarks = 7 },
		"landmarks root": func(x *proofs.Index) { x.LandmarksRoot[0] ^= 1 },
		"sizes":          func(x *proofs.Index) { x.Sizes[0] ^= 1 },
		"publication":    func(x *proofs.Index) { x.Publication++ },
		"SHA3-256":       func(x *proofs.Index) { x.TreeSHA3[0] ^= 1 },
	} {
		x := *honest
		change(&x)
		a := &auditor{x: &proofs.VerifiedIndex{Index: &x}}
		err := a.compareIndex(ix, honest.TreeSHA3)
		if err == nil && x.Publication == 0 {
			err = a.compareSizes(ix.State())
		}
		if err == nil {
			err = a.compareKeys(honest.Map, honest.Keys)
		}
		if (err != nil) != (name != "") {
			t.Errorf("a lie about %q: %v", name, err)
		}
	}
}

// later publishes something before the nth file is read.
type later struct {
	portal.Portal
	n       int
	publish func()
}

func (l *later) Read(ctx context.Context, path string) ([]byte, error) {
	if l.n--; l.n == 0 {
		l.publish()
	}
	return l.Portal.Read(ctx, path)
}

// TestWhilePublishing: publications go on while an audit is at work, however long it takes.
func TestWhilePublishing(t *testing.T) {
	before := filepath.Join(t.TempDir(), "reg")
	r, err := registry.Init(before, registry.Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: 48 * time.Hour}, nil)
	must(t, err)
	must(t, r.Accredit(office, "Office", []string{"letter"}))
	publish(t, before, start, "one", 10)
	publish(t, before, start+60, "two", 10)
	for _, after := range []int64{0, 3600} {
		for _, documents := range []int{0, 5} {
			for n, published := 3, true; published; n++ { // the first two are checkpoint and head
				dir := filepath.Join(t.TempDir(), "reg")
				copyRegistry(t, before, dir)
				p, err := portal.Open(filepath.Join(dir, "public"))
				must(t, err)
				published = false
				l := &later{p, n, func() { publish(t, dir, start+60+after, "three", documents); published = true }}
				if _, err := Portal(context.Background(), r.Trust, l, start+60, func(string, uint64, uint64) {}); err != nil {
					t.Errorf("%d documents published %d seconds after the audit began, before file %d is read: %v", documents, after, n, err)
				}
			}
		}
	}
}

// TestWhileKeysChange: the log's keys are changed while an audit is at work, which was begun with the trust file of before.
func TestWhileKeysChange(t *testing.T) {
	policy := followtest.Policy{Officers: []string{"one", "two"}, Needed: 2}
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	trust := r.Trust
	before, between, after := r.Rotate(followtest.Policy{Officers: []string{"two", "three"}, Needed: 2})
	audited := func(p *followtest.Turning) (*Result, error) {
		return Portal(context.Background(), trust, p, after.Now, func(string, uint64, uint64) {})
	}
	caught := 0
	for n, more := 0, true; more; n++ {
		p := &followtest.Turning{Steps: []*followtest.Registry{before, after}, For: []int{n}}
		a, err := audited(p)
		if err != nil {
			t.Errorf("changed after %d reads: %v", n, err)
			continue
		}
		if len(a.Later) > 0 && a.Size == after.Size() {
			caught++
		}
		more = p.Reads() > n
		// What of the change is out is not enough: nothing is wrong all the same.
		p = &followtest.Turning{Steps: []*followtest.Registry{before, between}, For: []int{n}}
		var notYet *NotYetError
		if _, err := audited(p); err != nil && !errors.As(err, &notYet) {
			t.Errorf("begun to be changed after %d reads: %v", n, err)
		}
		p = &followtest.Turning{Steps: []*followtest.Registry{before, between, after}, For: []int{n, 1 + n%3}}
		if _, err := audited(p); err != nil && !errors.As(err, &notYet) {
			t.Errorf("changed after %d reads, and that took %d: %v", n, 1+n%3, err)
		}
	}
	if caught == 0 {
		t.Error("no audit has met the change")
	}
}
