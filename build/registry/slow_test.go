package registry

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestSlowReaders: those who ask for a large file and do not read it do not have it held in memory, each for itself.
func TestSlowReaders(t *testing.T) {
	dir := t.TempDir()
	copyOf(t, heartbeat, dir)
	r := openAt(t, dir, heartbeat.now)
	os.WriteFile(r.path("public", "large"), make([]byte, 20<<20), 0o644)
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	srv := &http.Server{Handler: r.Site(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute} // as serve
	go srv.Serve(l)
	for range 50 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	time.Sleep(2 * time.Second)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("heap %d MB for 50 slow readers of a file of 20 MB", m.HeapAlloc>>20)
	if m.HeapAlloc > 200<<20 {
		t.Error("files are held in memory")
	}
	srv.Close()
}
