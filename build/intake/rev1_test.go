package intake

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"stele/build/registry"
)

// TestReplayedForOthers: what an issuer has published, anybody can send again. That must not use up the issuer's share.
func TestReplayedForOthers(t *testing.T) {
	limits := DefaultLimits
	limits.IssuerRate, limits.IssuerBurst = 0.01, 3
	d := open(t, setup{limits: limits})
	old := d.published(0)
	for range 5 { // by a stranger
		d.post(old)
	}
	if a, _ := d.post(d.registration(office, 15)); a.status != 202 {
		t.Errorf("the issuer's own: got %d %s, want 202", a.status, a.body)
	}
	_ = registry.Pending
}

// TestDeadlineStays: a connection on which statements were submitted serves pages later.
func TestDeadlineStays(t *testing.T) {
	d := open(t, setup{})
	d.s.Limits.BodyTime = -commitTime - answerTime + time.Second // one second in all, in place of a minute and a half
	mux := http.NewServeMux()
	mux.Handle("/v1/", d.s.Handler())
	mux.Handle("/", d.r.Site())
	srv := httptest.NewServer(mux)
	defer srv.Close()
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := bufio.NewReader(c)
	get := func(path string) error {
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		res, err := http.ReadResponse(b, nil)
		if err != nil {
			return err
		}
		for {
			if _, err := res.Body.Read(make([]byte, 1<<16)); err != nil {
				break
			}
		}
		t.Log(path, res.Status)
		return nil
	}
	if err := get("/v1/health"); err != nil {
		t.Fatal(err)
	}
	if err := get("/ledger/head"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	if err := get("/ledger/head"); err != nil {
		t.Errorf("on the same connection, after the deadline of the first request: %v", err)
	}
}
