package portal_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"stele/build/follow/followtest"
	"stele/build/portal"
	"stele/proofs"
)

// files is a portal in memory, which notes what it was asked for.
type files struct {
	have  map[string][]byte
	asked []string
}

func (f *files) String() string { return "memory" }

func (f *files) Read(_ context.Context, path string) ([]byte, error) {
	f.asked = append(f.asked, path)
	b, ok := f.have[path]
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case b == nil:
		return nil, errors.New("the server answered 500")
	}
	return b, nil
}

const vectorNow = 1_800_021_600 // of the vector

// threeEpochs is the vector of a registry that has changed every key twice: its first trust file, and what its portal has.
func threeEpochs(t *testing.T) (*proofs.Trust, *files) {
	t.Helper()
	ar, err := txtar.ParseFile("../../proofs/testdata/epoch-followed-twice.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var first *proofs.Trust
	f := &files{have: map[string][]byte{}}
	for _, file := range ar.Files {
		name, b := file.Name, file.Data
		if n, ok := strings.CutSuffix(name, ".b64"); ok {
			name = n
			if b, err = base64.StdEncoding.DecodeString(string(bytes.ReplaceAll(b, []byte("\n"), nil))); err != nil {
				t.Fatal(err)
			}
		}
		if name == "trust" {
			if first, err = proofs.ParseTrust(b); err != nil {
				t.Fatal(err)
			}
			f.have["trust/1"] = b
		}
		if path, ok := strings.CutPrefix(name, "portal/"); ok {
			f.have[path] = b
		}
	}
	return first, f
}

func TestFollow(t *testing.T) {
	first, f := threeEpochs(t)
	ctx := context.Background()
	newest, err := portal.Follow(ctx, f, first, vectorNow)
	if err != nil || newest.Epoch != 3 {
		t.Fatalf("got epoch %d, %v, want the third", newest.Epoch, err)
	}
	earlier, err := portal.Earlier(ctx, f, newest)
	if err != nil || len(earlier) != 2 || earlier[0].Epoch != 2 || earlier[1].ID() != first.ID() {
		t.Errorf("before it: got %d files, %v, want the second and the first", len(earlier), err)
	}
	f.asked = nil
	if again, err := portal.Follow(ctx, f, newest, vectorNow); err != nil || again != newest || len(f.asked) != 1 {
		t.Errorf("with nothing after it: got epoch %d, %v, after %q, want the same after one question", again.Epoch, err, f.asked)
	}
	unpinned, err := portal.TrustFile(ctx, f)
	if err != nil || unpinned.ID() != newest.ID() {
		t.Errorf("without a trust file in hand: got %v", err)
	}
}

// TestFollowStops: what is wrong with a later trust file, or missing, leaves the one that was proved.
func TestFollowStops(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(have map[string][]byte)
		epoch uint64
		want  string
	}{
		"no handover":            {func(h map[string][]byte) { delete(h, "trust/3.tlog-proof") }, 2, "has no handover (trust/3.tlog-proof)"},
		"outage":                 {func(h map[string][]byte) { h["trust/3"] = nil }, 2, "500"},
		"outage of the handover": {func(h map[string][]byte) { h["trust/2.tlog-proof"] = nil }, 1, "500"},
		"another's handover":     {func(h map[string][]byte) { h["trust/3.tlog-proof"] = h["trust/2.tlog-proof"] }, 2, "trust/3: "},
		"the same once more":     {func(h map[string][]byte) { h["trust/3"] = h["trust/2"] }, 2, "trust/3: unverified trust file: is of epoch 2, want 3"},
		"a page":                 {func(h map[string][]byte) { h["trust/2"] = []byte("<!doctype html>") }, 1, "malformed trust file"},
		"nothing":                {func(h map[string][]byte) { delete(h, "trust/3") }, 2, ""},
	} {
		first, f := threeEpochs(t)
		c.spoil(f.have)
		got, err := portal.Follow(context.Background(), f, first, vectorNow)
		if got == nil || got.Epoch != c.epoch || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got epoch %d, %v, want %d and %q", name, got.Epoch, err, c.epoch, c.want)
		}
		var none *portal.NoHandoverError
		if errors.As(err, &none) != (name == "no handover") {
			t.Errorf("%s: got %T", name, err)
		}
	}
}

func TestEarlierStops(t *testing.T) {
	first, f := threeEpochs(t)
	newest, err := portal.Follow(context.Background(), f, first, vectorNow)
	if err != nil {
		t.Fatal(err)
	}
	good := maps.Clone(f.have)
	for name, b := range map[string][]byte{"a page": []byte("<!doctype html>"), "another": bytes.Replace(good["trust/1"], []byte("title "), []byte("title A "), 1), "outage": nil} {
		f.have["trust/1"] = b
		if got, err := portal.Earlier(context.Background(), f, newest); err == nil || len(got) != 1 || got[0].Epoch != 2 {
			t.Errorf("%s: got %d files, %v, want the second alone and why", name, len(got), err)
		}
	}
}

// TestMemoryAcrossEpochs: what was seen is remembered whichever of the trust files is in hand.
func TestMemoryAcrossEpochs(t *testing.T) {
	first, f := threeEpochs(t)
	later, err := portal.Later(context.Background(), f, first, vectorNow)
	if err != nil || len(later) != 2 {
		t.Fatal(len(later), err)
	}
	second, third := later[0], later[1]
	m := portal.Memory(filepath.Join(t.TempDir(), "heads"))
	m.Keep(first, []byte("first"))
	if got := m.Newest(first); got != first {
		t.Errorf("newest of one: epoch %d", got.Epoch)
	}
	m.KeepTrust(second)
	m.KeepTrust(third)
	if got := m.Recall(third); string(got) != "first" {
		t.Errorf("under the third: got %q, want what was kept under the first", got)
	}
	if got := m.Newest(first); got.ID() != third.ID() {
		t.Errorf("newest: epoch %d, want the third", got.Epoch)
	}
	m.Keep(third, []byte("third"))
	if got := [3]string{string(m.Recall(first)), string(m.Recall(second)), string(m.Recall(third))}; got != [3]string{"first", "first", "third"} {
		t.Errorf("got %q", got)
	}
	if got := m.Earlier(third); len(got) != 2 || got[0].ID() != second.ID() || got[1].ID() != first.ID() {
		t.Errorf("earlier: got %d files", len(got))
	}
	if got := portal.Memory("").Newest(first); got != first {
		t.Error("no memory, and yet a newer trust file")
	}
}

// TestAskHasFiles: what the question has already is not read again.
func TestAskHasFiles(t *testing.T) {
	p, err := portal.Open(public)
	if err != nil {
		t.Fatal(err)
	}
	q := question(registered)
	q.Files = map[string][]byte{proofs.HeadPath: []byte("no head")}
	a, err := portal.Ask(context.Background(), p, q, nil)
	if err != nil || a.Report.Verdict != proofs.Unavailable || len(q.Files) != 1 {
		t.Errorf("got %+v, %v, want the head that was given to count", a.Report, err)
	}
}

// TestWhileKeysChange: whoever asks about a document while the log's keys are changed hears that it is authentic, wherever that falls; or, where it is out that
// they change and nothing else of it is, as of the time before.
func TestWhileKeysChange(t *testing.T) {
	policy := followtest.Policy{Officers: []string{"one", "two"}, Needed: 2}
	r := followtest.New(t, policy)
	r.Register(followtest.Office, 0, 10)
	r.Publish()
	first := r.Trust
	before, between, after := r.Rotate(followtest.Policy{Officers: []string{"two", "three"}, Needed: 2})
	d := followtest.Document(3).Digests
	caught := 0
	for _, follows := range []bool{true, false} { // as the command does before it asks, and the page only where signatures are missing
		for n, more := 0, true; more; n++ {
			for _, pause := range []int{0, 1, 2, 3} {
				p := &followtest.Turning{Steps: []*followtest.Registry{before, between, after}, For: []int{n, pause}}
				trust := first
				if follows {
					trust, _ = portal.Follow(context.Background(), p, first, after.Now)
				}
				a, err := portal.Ask(context.Background(), p, proofs.Question{Trust: trust, Now: after.Now, Online: true, SHA256: d.SHA256, SHA3512: &d.SHA3512},
					func() (*proofs.Hash512, error) { return &d.SHA3512, nil })
				if err != nil {
					t.Fatal(err)
				}
				switch rep := a.Report; {
				case rep.Verdict == proofs.Authentic && rep.Epoch == 2:
					caught++
				case rep.Verdict == proofs.Authentic && rep.Epoch == 1:
				case rep.Verdict == proofs.Stale && rep.Epoch == 1 && pause > 0:
				default:
					t.Errorf("followed first %t, changed after %d reads, and that took %d: %s, %s: %s", follows, n, pause, rep.Verdict, rep.Reason, rep.Detail)
				}
				more = p.Reads() > n
			}
		}
	}
	if caught == 0 {
		t.Error("nobody has met the change")
	}
}
