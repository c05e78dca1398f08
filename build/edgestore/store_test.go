package edgestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"

	"stele/build/edgestore"
	"stele/build/storage/storagetest"
	"stele/site/edge/store"
)

// each runs a test with every store. again opens the same store a second time, as another process would.
func each(t *testing.T, test func(t *testing.T, s, again store.Store)) {
	folder := func(dir string) store.Store {
		f, err := edgestore.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	t.Run("folder", func(t *testing.T) {
		dir := t.TempDir()
		test(t, folder(dir), folder(dir))
	})
	t.Run("s3", func(t *testing.T) {
		name, endpoint := storagetest.StartStore(t)
		b := edgestore.Bucket{Name: name, Prefix: "edge", Region: "us-east-1", Endpoint: endpoint}
		open := func() store.Store {
			s, err := edgestore.OpenS3(context.Background(), b)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		test(t, open(), open())
	})
}

func TestConditions(t *testing.T) { each(t, conditions) }

func conditions(t *testing.T, s, again store.Store) {
	ctx := context.Background()
	if _, _, err := s.Get(ctx, "kept/ledger/tile/0/000"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v, want fs.ErrNotExist", err)
	}
	if err := s.Put(ctx, "current", []byte("none"), store.Still("0000")); !errors.Is(err, store.ErrChanged) {
		t.Errorf("a version of what is not there: %v, want ErrChanged", err)
	}
	if err := s.Put(ctx, "current", []byte("one"), store.Absent); err != nil {
		t.Fatal(err)
	}
	if err := again.Put(ctx, "current", []byte("two"), store.Absent); !errors.Is(err, store.ErrChanged) {
		t.Errorf("absent where it is there: %v, want ErrChanged", err)
	}
	b, first, err := again.Get(ctx, "current")
	if err != nil || string(b) != "one" || first == "" {
		t.Fatalf("got %q of version %q, %v, want one", b, first, err)
	}
	if err := s.Put(ctx, "current", []byte("two"), store.Still(first)); err != nil {
		t.Fatal(err)
	}
	if err := again.Put(ctx, "current", []byte("three"), store.Still(first)); !errors.Is(err, store.ErrChanged) {
		t.Errorf("an old version: %v, want ErrChanged", err)
	}
	if b, second, err := again.Get(ctx, "current"); err != nil || string(b) != "two" || second == first {
		t.Errorf("got %q of version %q, %v, want two of another one than %q", b, second, err, first)
	}
	if err := again.Put(ctx, "current", nil, store.Always); err != nil {
		t.Error(err)
	}
	if b, _, err := s.Get(ctx, "current"); err != nil || len(b) != 0 {
		t.Errorf("got %q, %v, want nothing in it", b, err)
	}
	if err := s.Delete(ctx, "current", "current", "never/was"); err != nil {
		t.Error(err)
	}
	if _, _, err := again.Get(ctx, "current"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("deleted: %v, want fs.ErrNotExist", err)
	}
	if err := s.Put(ctx, "current", []byte("one"), store.Absent); err != nil {
		t.Errorf("again after it was deleted: %v", err)
	}
}

func TestRace(t *testing.T) { each(t, race) }

// race: of many who write at once on the same condition, one is told that he has written, and what he wrote is there. Each round begins from what the one before left.
func race(t *testing.T, s, again store.Store) {
	ctx := context.Background()
	const rounds, writers = 25, 12
	when := store.Absent
	for round := range rounds {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var won []string
		begin := make(chan struct{})
		for w := range writers {
			wg.Go(func() {
				<-begin
				text := fmt.Sprintf("round %d, writer %d %s", round, w, strings.Repeat("x", 5000))
				switch err := []store.Store{s, again}[w%2].Put(ctx, "current", []byte(text), when); {
				case err == nil:
					mu.Lock()
					won = append(won, text)
					mu.Unlock()
				case !errors.Is(err, store.ErrChanged):
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		close(begin)
		wg.Wait()
		b, version, err := s.Get(ctx, "current")
		if len(won) != 1 || err != nil || string(b) != won[0] {
			t.Fatalf("round %d: %d writers were told that they have written, there is %.30q (%v), want one and his", round, len(won), b, err)
		}
		when = store.Still(version)
	}
}

func TestWhole(t *testing.T) { each(t, whole) }

// whole: who reads while an object is replaced is given one of those that were written, whole.
func whole(t *testing.T, s, again store.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	of := func(n int) []byte { return bytes.Repeat([]byte{byte('a' + n%26)}, 10_000+1000*(n%26)) }
	if err := s.Put(ctx, "set/one", of(0), store.Always); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for ctx.Err() == nil {
				b, _, err := again.Get(ctx, "set/one")
				if ctx.Err() != nil {
					return
				}
				if err != nil || len(b) == 0 || !bytes.Equal(b, of(int(b[0]-'a'))) {
					t.Errorf("got %d bytes that begin with %.5q, %v, want one of those that were written", len(b), b, err)
					return
				}
			}
		})
	}
	for n := range 100 {
		if err := s.Put(ctx, "set/one", of(n), store.Always); err != nil {
			t.Error(err)
		}
		for range 3 { // nobody replaces one without a pause
			if b, _, err := s.Get(ctx, "set/one"); err != nil || !bytes.Equal(b, of(n)) {
				t.Errorf("after the write: got %d bytes, %v, want %d", len(b), err, len(of(n)))
			}
		}
	}
	cancel()
	wg.Wait()
}

func TestList(t *testing.T) { each(t, list) }

// list: all names, in the order of their bytes, however many there are, whatever a folder makes of them.
func list(t *testing.T, s, again store.Store) {
	ctx := context.Background()
	began := time.Now().Add(-2 * time.Second) // a store may tell whole seconds
	var want []string
	for i := range 1300 {
		want = append(want, fmt.Sprintf("staged/%04x", i*7919%65536))
	}
	want = append(want, "offers/a/one", "offers/a-b/one", "offers/a.b/one", "offers/a0/one", "offers/a/two", "offers/ab", "offers/aa/x/y", "current", "superseded/1")
	var wg sync.WaitGroup
	names := make(chan string)
	for range 8 {
		wg.Go(func() {
			for name := range names {
				if err := s.Put(ctx, name, []byte(name), store.Always); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, name := range want {
		names <- name
	}
	close(names)
	wg.Wait()
	slices.Sort(want)
	for _, prefix := range []string{"", "staged/", "offers/", "offers/a", "offers/a/", "staged/00", "none/", "superseded/1", "current"} {
		var got []string
		after := ""
		for more := true; more; {
			var page []store.Object
			var err error
			if page, more, err = again.List(ctx, prefix, after); err != nil || len(page) > store.MostListed || more && len(page) == 0 {
				t.Fatalf("%q after %q: %d objects, more: %v, %v", prefix, after, len(page), more, err)
			}
			for _, o := range page {
				if o.Size != int64(len(o.Name)) || o.Time.Before(began) {
					t.Errorf("%s: %d bytes of %s, want %d after %s", o.Name, o.Size, o.Time, len(o.Name), began)
				}
				got, after = append(got, o.Name), o.Name
			}
		}
		all := slices.DeleteFunc(slices.Clone(want), func(name string) bool { return !strings.HasPrefix(name, prefix) })
		if !slices.Equal(got, all) {
			t.Errorf("%q: got %d names, want %d; the first that differ: %q", prefix, len(got), len(all), firstOther(got, all))
		}
	}
	if got, _, err := s.List(ctx, "offers/", "offers/a-b/one"); err != nil || len(got) == 0 || got[0].Name != "offers/a.b/one" {
		t.Errorf("after another name: got %v, %v", got, err)
	}
	if err := s.Delete(ctx, want[:store.MostDeleted]...); err != nil {
		t.Error(err)
	}
	if got, _, err := again.List(ctx, "", ""); err != nil || len(got) == 0 || got[0].Name != want[store.MostDeleted] {
		t.Errorf("after the first %d were deleted: got %d, %v", store.MostDeleted, len(got), err)
	}
}

func firstOther(got, want []string) [2]string {
	for i := range max(len(got), len(want)) {
		if i >= len(got) {
			return [2]string{"", want[i]}
		}
		if i >= len(want) || got[i] != want[i] {
			return [2]string{got[i], strings.Join(want[min(i, len(want)):min(i+1, len(want))], "")}
		}
	}
	return [2]string{}
}

// TestRefusesCareless: a server that writes whatever the condition is no place for a store.
func TestRefusesCareless(t *testing.T) {
	name, endpoint := storagetest.StartStore(t)
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	sdk, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	who, err := sdk.Credentials.Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, dropped := range []string{"If-Match", "If-None-Match"} {
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del(dropped)
			r.Out.Header.Del("X-Forwarded-For")
			if err := v4.NewSigner().SignHTTP(r.Out.Context(), who, r.Out, r.Out.Header.Get("X-Amz-Content-Sha256"), "s3", "us-east-1", time.Now()); err != nil {
				t.Error(err)
			}
		}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { t.Error(err) }})
		defer proxy.Close()
		_, err := edgestore.OpenS3(context.Background(), edgestore.Bucket{Name: name, Region: "us-east-1", Endpoint: proxy.URL})
		if err == nil || !strings.Contains(err.Error(), "does not keep "+dropped) {
			t.Errorf("a server that passes over %s: %v, want it refused", dropped, err)
		}
	}
}

// TestDurable: the same bytes are written anew, since those that are there may be what a process has left that was killed before they were durable; and what
// was read can be made durable, wherever it lies.
func TestDurable(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	f, err := edgestore.OpenFolder(dir + "/")
	if err != nil {
		t.Fatal(err)
	}
	const name = "witness/state/one"
	file := func() os.FileInfo {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	if err := f.Put(ctx, name, []byte("one"), store.Absent); err != nil {
		t.Fatal(err)
	}
	_, version, err := f.Get(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	before := file()
	if err := f.Put(ctx, name, []byte("one"), store.Still(version)); err != nil {
		t.Fatal(err)
	}
	if os.SameFile(before, file()) {
		t.Error("the same bytes were not written anew")
	}
	var s store.Syncer = f
	again, err := edgestore.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []store.Syncer{s, again} {
		if err := s.Sync(name); err != nil {
			t.Error(err)
		}
		if err := s.Sync("never/was"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("in a folder that is not there: %v, want fs.ErrNotExist", err)
		}
		if err := s.Sync("../x"); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("what is no name: %v, want fs.ErrInvalid", err)
		}
	}
}

// TestNames: what is no object's name is none.
func TestNames(t *testing.T) {
	f, err := edgestore.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "../x", "a/../b", ".lock", "a//b", "/a", "a/", "a\\b", "a\x00b"} {
		if err := f.Put(context.Background(), name, nil, store.Always); err == nil {
			t.Errorf("%q was written", name)
		}
	}
}
