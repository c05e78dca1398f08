package mirror

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stele/build/follow/followtest"
	"stele/proofs"
)

// What a child process of TestKilled mirrors into, from where, by which trust file, and when.
const (
	childDir   = "STELE_TEST_MIRROR"
	childFrom  = "STELE_TEST_MIRROR_FROM"
	childTrust = "STELE_TEST_MIRROR_TRUST"
	childNow   = "STELE_TEST_MIRROR_NOW"
)

// runChild makes one round.
func runChild() int {
	b, err := os.ReadFile(os.Getenv(childTrust))
	var trust *proofs.Trust
	if err == nil {
		trust, err = proofs.ParseTrust(b)
	}
	var m *Mirror
	if err == nil {
		m, err = Open(context.Background(), os.Getenv(childDir), os.Getenv(childFrom), trust)
	}
	if err == nil {
		now, _ := strconv.ParseInt(os.Getenv(childNow), 10, 64)
		m.Now = func() time.Time { return time.Unix(now, 0) }
		_, err = m.Round(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestKilled kills a process that mirrors in the middle, again and again, at other places each time. Between them the copy is whole, and no file that was fetched once is fetched by
// the next process but those that change.
func TestKilled(t *testing.T) {
	base := first(t)
	after := grown(base)
	s := newStand(t, base)
	dir := filepath.Join(t.TempDir(), "mirror")
	trust := filepath.Join(t.TempDir(), "trust")
	must(t, os.WriteFile(trust, base.Trust.Marshal(), 0o644))
	var requests, left atomic.Int64
	var child atomic.Pointer[os.Process]
	inner := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if left.Add(-1) == 0 {
			child.Load().Signal(syscall.SIGKILL)
		}
		inner.ServeHTTP(w, r)
	})
	round := func(r *followtest.Registry, kill int) (killed bool) {
		cmd := exec.Command(os.Args[0])
		var said bytes.Buffer
		cmd.Stderr = &said
		cmd.Env = append(os.Environ(), childDir+"="+dir, childFrom+"="+s.URL, childTrust+"="+trust, childNow+"="+fmt.Sprint(r.Now))
		left.Store(1 << 40)
		must(t, cmd.Start())
		child.Store(cmd.Process)
		left.Store(int64(kill))
		err := cmd.Wait()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return true
		}
		if err != nil {
			t.Fatalf("not killed: %v: %s", err, said.String())
		}
		return false
	}
	for _, step := range []struct{ r, have *followtest.Registry }{{base, nil}, {after, base}} {
		s.show(step.r)
		requests.Store(0)
		kills := 0
		for kill := 4; round(step.r, kill); kill += 5 {
			kills++
			if step.have == nil {
				continue
			}
			if err := auditOf(t, filepath.Join(dir, "public"), base.Trust, step.r.Now); err != nil {
				t.Errorf("killed at the request %d: the copy is not whole: %v", kill, err)
			}
		}
		if kills < 3 {
			t.Errorf("killed %d times, want more", kills)
		}
		files := len(step.r.Paths())
		if n := int(requests.Load()); n > files+kills*(8+atOnce) {
			t.Errorf("%d requests in %d processes for %d files: what was fetched is fetched again", n, kills+1, files)
		}
		m := openStand(t, dir, s, base.Trust)
		m.Now = step.r.Clock
		m.mustRound(t, Same)
		wholeCopy(t, m, step.r)
		if !bytes.Equal(read(t, m, proofs.HeadPath), step.r.Get(proofs.HeadPath)) {
			t.Error("the copy is not of the publication")
		}
		must(t, m.Close())
	}
}
