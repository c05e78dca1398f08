package registry

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stele/proofs"
)

// benchDir, if set, keeps the large registry and the documents from one run to the next.
const benchDir = "STELE_BENCH_DIR"

const million = 1_000_000

func benchFolder(b *testing.B) string {
	if dir := os.Getenv(benchDir); dir != "" {
		return dir
	}
	return filepath.Join(testDir, "bench")
}

// smallFiles makes n files of up to 4 KB; a number makes them differ from those of other numbers.
func smallFiles(b *testing.B, dir string, number, n int) []string {
	b.Helper()
	var files []string
	content := make([]byte, 4096)
	for i := range n {
		path := filepath.Join(dir, fmt.Sprintf("%d/%02d/%d", number, i/100, i))
		if i%100 == 0 {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				b.Fatal(err)
			}
		}
		binary.BigEndian.PutUint64(content, uint64(time.Now().UnixNano()))
		binary.BigEndian.PutUint64(content[8:], uint64(number)<<32|uint64(i))
		if err := os.WriteFile(path, content[:64+(i*37)%4033], 0o644); err != nil {
			b.Fatal(err)
		}
		files = append(files, path)
	}
	return files
}

func registerFiles(b *testing.B, r *Registry, files []string) {
	b.Helper()
	req := Request{Issuer: office, Kind: "letter", Issued: "2026-11-01", Expires: "2037-01-01"}
	err := r.Register(context.Background(), req, files, func(f Registered) {
		if f.Err != nil || f.State != NewlyRegistered {
			b.Errorf("%s: %s %v", f.File, f.State, f.Err)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRegister4KB registers 10,000 files of up to 4 KB in a registry that has a million documents.
func BenchmarkRegister4KB(b *testing.B) {
	dir := largeRegistry(b)
	const n = 10_000
	for i := range b.N {
		b.StopTimer()
		r := large(b, dir)
		files := smallFiles(b, b.TempDir(), i, n)
		b.StartTimer()
		registerFiles(b, r, files)
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "files/s")
}

// BenchmarkPublish10kOn1M takes 10,000 files of up to 4 KB from file to publication in a registry of a million.
func BenchmarkPublish10kOn1M(b *testing.B) { benchmarkPublish(b, 10_000) }

// BenchmarkPublish100On1M is the same for 100 files.
func BenchmarkPublish100On1M(b *testing.B) { benchmarkPublish(b, 100) }

func benchmarkPublish(b *testing.B, n int) {
	dir := largeRegistry(b)
	var registering time.Duration
	var written, cpu uint64
	for i := range b.N {
		b.StopTimer()
		r := large(b, dir)
		files := smallFiles(b, b.TempDir(), i, n)
		before, beforeCPU := bytesWritten(), cpuTime()
		b.StartTimer()
		began := time.Now()
		registerFiles(b, r, files)
		registering += time.Since(began)
		p, err := r.Publish(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		if p.Added != n || len(p.Refused) > 0 {
			b.Fatalf("added %d, refused %d, want %d", p.Added, len(p.Refused), n)
		}
		written += bytesWritten() - before
		cpu += cpuTime() - beforeCPU
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
	b.ReportMetric(registering.Seconds()/float64(b.N), "s-registering")
	b.ReportMetric(float64(cpu)/float64(b.N)/1e6, "s-of-processors")
	b.ReportMetric(float64(written)/float64(b.N)/1e6, "MB-written")
}

// cpuTime is what this process has used of all processors, in microseconds: on a busy machine it tells more than the clock.
func cpuTime() uint64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return uint64(u.Utime.Nano()+u.Stime.Nano()) / 1000
}

// bytesWritten is what this process has handed to the kernel.
func bytesWritten() uint64 {
	b, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "wchar: "); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(rest), 10, 64)
			return n
		}
	}
	return 0
}

// large opens the large registry with an empty queue, later than its last publication.
func large(b *testing.B, dir string) *Registry {
	r := openAt(b, dir, time.Now().Unix())
	if err := os.RemoveAll(r.path("pending")); err != nil {
		b.Fatal(err)
	}
	return r
}

// largeRegistry makes the registry of a million documents, or finds it.
func largeRegistry(b *testing.B) string {
	b.Helper()
	b.StopTimer()
	defer b.StartTimer()
	dir := filepath.Join(benchFolder(b), "million")
	if _, err := os.Stat(filepath.Join(dir, "made")); err == nil {
		return dir
	}
	os.RemoveAll(dir)
	began := time.Now()
	r, err := Init(dir, Setup{Origin: "test.example/ledger", Title: "Test", Demo: true, StaleAfter: 48 * time.Hour}, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Now = func() time.Time { return time.Now().Add(-time.Minute) }
	if err := r.Accredit(office, "Office", []string{"letter"}); err != nil {
		b.Fatal(err)
	}
	const run = 50_000
	for first := 0; first < million; first += run {
		if err := r.enqueue(signedStatements(b, r, first, min(first+run, million))); err != nil {
			b.Fatal(err)
		}
	}
	signed := time.Since(began)
	p, err := r.Publish(context.Background())
	if err != nil || len(p.Refused) > 0 || p.Keys != million {
		b.Fatalf("%d documents of %d, %d refused: %v", p.Keys, million, len(p.Refused), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "made"), nil, 0o644); err != nil {
		b.Fatal(err)
	}
	files, size := 0, int64(0)
	filepath.WalkDir(r.Public(), func(_ string, d fs.DirEntry, err error) error {
		if info, err := d.Info(); err == nil && !d.IsDir() {
			files, size = files+1, size+info.Size()
		}
		return err
	})
	b.Logf("a registry of %d: signing %s, publishing %s, %d files of %d MB", million, signed.Round(time.Second/10),
		(time.Since(began) - signed).Round(time.Second/10), files, size/1e6)
	return dir
}

// signedStatements signs registrations of imaginary documents.
func signedStatements(b testing.TB, r *Registry, first, end int) [][]byte {
	signer, err := r.Keys.Signer(IssuerKeyFile(office))
	if err != nil {
		b.Fatal(err)
	}
	entries := make([][]byte, end-first)
	var wg sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := w; i < len(entries); i += runtime.GOMAXPROCS(0) {
				d := proofs.Digests{SHA256: sha256.Sum256(fmt.Appendf(nil, "imaginary %d", first+i))}
				copy(d.SHA3512[:], d.SHA256[:])
				s := &proofs.Statement{Registry: r.Trust.Origin, Action: proofs.ActionRegister, Issuer: office,
					Document: &proofs.Ref{Digests: d}, Kind: "letter", Issued: "2027-01-01", Expires: "2037-01-01"}
				note, err := proofs.SignNote(s.Text(), signer)
				if err != nil {
					b.Error(err)
					return
				}
				entries[i] = note.Marshal()
			}
		})
	}
	wg.Wait()
	return entries
}
