package mirror

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stele/build/durable"
	"stele/site"
)

// benchDir holds the registry of a million documents of package registry's benchmarks, in a folder named million. Without it, a small one is made.
const benchDir = "STELE_BENCH_DIR"

func benchRegistry(b *testing.B) *registrar {
	if dir := os.Getenv(benchDir); dir != "" {
		return &registrar{dir: filepath.Join(dir, "million"), now: time.Now().Unix()}
	}
	o := aRegistry(b)
	o.publish(b, 700, 5000)
	return o
}

// BenchmarkMirror makes a mirror from nothing over loopback, and then copies the same files over the same server without looking at them, with
// as many requests at once, into files that are synced as the mirror's are. What it reports is how many times as long the mirror takes, entries
// a second, and the most memory of the heap.
func BenchmarkMirror(b *testing.B) {
	o := benchRegistry(b)
	server := httptest.NewServer(site.Handler(o.public()))
	defer server.Close()
	var mirrored, copied time.Duration
	var entries, memory uint64
	for range b.N {
		dir := filepath.Join(b.TempDir(), "mirror")
		m, err := Open(context.Background(), dir, server.URL, o.trust(b))
		must(b, err)
		stop := watchHeap(&memory)
		began := time.Now()
		r, err := m.Round(context.Background())
		must(b, err)
		mirrored += time.Since(began)
		stop()
		entries += r.Size
		began = time.Now()
		plainCopy(b, m, server.URL, filepath.Join(b.TempDir(), "copy"))
		copied += time.Since(began)
		must(b, m.Close())
		must(b, os.RemoveAll(dir))
	}
	b.ReportMetric(mirrored.Seconds()/copied.Seconds(), "×copy")
	b.ReportMetric(mirrored.Seconds()/float64(b.N), "s/mirror")
	b.ReportMetric(float64(entries)/mirrored.Seconds(), "entries/s")
	b.ReportMetric(float64(memory)/1e6, "MB-heap")
	b.ReportMetric(0, "ns/op")
}

// plainCopy fetches the files that a mirror has, and writes each as it comes.
func plainCopy(b *testing.B, m *Mirror, from, dir string) {
	c := newCrew(context.Background(), atOnce)
	w, err := openSource(from)
	must(b, err)
	err = m.public.List("", func(name string, _ int64) error {
		if strings.HasSuffix(name, ".html") || strings.HasPrefix(name, "assets/") {
			return nil
		}
		return c.do(func(ctx context.Context) error {
			return download(ctx, w.(*web), name, filepath.Join(dir, filepath.FromSlash(name)))
		})
	})
	must(b, c.wait(err))
	must(b, durable.SyncTree(dir))
}

func download(ctx context.Context, w *web, name, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/"+name, nil)
	if err != nil {
		return err
	}
	res, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := durable.MakeDirs(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, res.Body)
	return err
}

// watchHeap notes the most memory that the heap has in use, until it is stopped.
func watchHeap(most *uint64) (stop func()) {
	var end atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for !end.Load() {
			<-tick.C
			var s runtime.MemStats
			runtime.ReadMemStats(&s)
			*most = max(*most, s.HeapInuse)
		}
	}()
	return func() { end.Store(true); <-done }
}
