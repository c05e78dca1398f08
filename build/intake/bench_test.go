package intake

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"stele/proofs"
)

// cpu is the time that this process has used on all processors, its clients' part included.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSubmit submits registrations over loopback, by several agencies' connections at once, up to the durable queue.
func BenchmarkSubmit(b *testing.B) {
	for _, c := range []struct{ connections, batch int }{{1, 1}, {64, 1}, {4, 100}, {4, 1000}} {
		b.Run(fmt.Sprintf("connections=%d/batch=%d", c.connections, c.batch), func(b *testing.B) {
			limits := DefaultLimits
			limits.IssuerRate, limits.IssuerBurst, limits.AddressShare = 1e9, 1e9, 100
			d := open(b, setup{queue: 1 << 30, limits: limits})
			d.signers = map[string]proofs.Signer{}
			var entries [][]byte
			for n := range b.N {
				entries = append(entries, d.registration(office, 1000+n))
			}
			parts := make(chan []byte, len(entries)/c.batch+1)
			for len(entries) > 0 {
				n := min(c.batch, len(entries))
				var body []byte
				for _, e := range entries[:n] {
					body = proofs.AppendBundleEntry(body, e)
				}
				parts <- body
				entries = entries[n:]
			}
			close(parts)
			before := cpu()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range c.connections {
				client := &http.Client{Transport: &http.Transport{}}
				wg.Go(func() {
					for body := range parts {
						res, err := client.Post(d.http.URL+"/v1/statements", typeBundle, bytes.NewReader(body))
						if err != nil {
							b.Error(err)
							return
						}
						io.Copy(io.Discard, res.Body)
						res.Body.Close()
						if res.StatusCode != http.StatusAccepted {
							b.Errorf("got %s", res.Status)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "statements/s")
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/statement")
		})
	}
}
