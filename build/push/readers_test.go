package push_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"stele/build/portal"
	"stele/proofs"
	"stele/site/edge/gate"
)

// counted is a portal that counts what is read and fails where a file that is referred to is not there.
type counted struct {
	portal.Portal
	n *atomic.Int64
}

func (c counted) Read(ctx context.Context, path string) ([]byte, error) {
	c.n.Add(1)
	return c.Portal.Read(ctx, path)
}

// TestTenPublications: while ten publications come in, one after the other, readers fetch a page with its asset, checkpoint and head, and look documents up, and never is
// something missing or of another publication than it should be.
func TestTenPublications(t *testing.T) {
	o := aRegistry(t)
	e := anEdge(t, o, gate.Limits{Chunk: 20})
	o.push(t, e)
	trust := o.open(t).Trust
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var reads atomic.Int64
	var seen sync.Map // sizes of the ledger
	for reader := range 6 {
		wg.Go(func() {
			r := &reading{e: e, trust: trust, o: o, reads: &reads}
			for n := reader; ctx.Err() == nil; n += 7 {
				size, err := r.once(n % 600)
				if err != nil {
					t.Errorf("reader %d: %v", reader, err)
					return
				}
				seen.Store(size, true)
			}
		})
	}
	for n := range 10 {
		o.publish(t, 600+10*n, 610+10*n)
		o.push(t, e)
		before := reads.Load()
		for reads.Load() < before+40 && !t.Failed() { // each publication is read
			if _, err := (&reading{e: e, trust: trust, o: o, reads: &reads}).once(600 + 10*n); err != nil {
				t.Error(err)
			}
		}
	}
	cancel()
	wg.Wait()
	sizes := 0
	seen.Range(func(any, any) bool { sizes++; return true })
	if sizes < 5 {
		t.Errorf("readers have seen %d sizes of the ledger", sizes)
	}
	t.Logf("%d files were read, of %d sizes of the ledger", reads.Load(), sizes)
	o.isServed(t, e)
}

// A reading is what one reader does. It remembers what it has seen: the ledger never becomes smaller.
type reading struct {
	e     *edge
	trust *proofs.Trust
	o     *registrar
	reads *atomic.Int64
	size  uint64
	head  []byte
}

func (r *reading) once(n int) (uint64, error) {
	home, err := r.get("")
	if err != nil {
		return 0, err
	}
	asset, err := r.get(string(home))
	if err != nil || string(asset) != "// of publication "+strings.TrimSuffix(strings.TrimPrefix(string(home), "assets/"), ".js") {
		return 0, fmt.Errorf("the page asks for %s, and gets %q (%w)", home, asset, err)
	}
	checkpoint, err := r.get("ledger/checkpoint")
	if err != nil {
		return 0, err
	}
	signed, err := r.trust.VerifyCheckpoint(checkpoint, r.o.clock().Unix())
	if err != nil {
		return 0, err
	}
	if signed.Size < r.size {
		return 0, fmt.Errorf("a ledger of %d entries after one of %d", signed.Size, r.size)
	}
	r.size = signed.Size
	return signed.Size, r.lookUp(n)
}

// lookUp asks as a page does, and remembers the head.
func (r *reading) lookUp(n int) error {
	p, err := portal.Open(r.e.url)
	if err != nil {
		return err
	}
	q := proofs.Question{Trust: r.trust, Now: r.o.clock().Unix(), SHA256: proofs.DigestsOf(document(n)).SHA256, Online: true, Remembered: r.head}
	a, err := portal.Ask(context.Background(), counted{p, r.reads}, q, nil)
	if err != nil {
		return err
	}
	if a.Report.Verdict != proofs.Authentic {
		return fmt.Errorf("document %d: %s: %v", n, a.Report.Verdict, a.Report)
	}
	if a.Remember != nil {
		r.head = a.Remember
	}
	return nil
}

func (r *reading) get(name string) ([]byte, error) {
	r.reads.Add(1)
	res, err := http.Get(r.e.url + "/" + name)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", name, res.Status)
	}
	return b, err
}
