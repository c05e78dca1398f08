package storage

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"stele/build/storage/storagetest"
)

// TestLockStays: a lock outlasts the time after which the server ends silent connections.
func TestLockStays(t *testing.T) {
	t.Parallel()
	s := storagetest.Start(t)
	defer func(was time.Duration) { keepAwake = was }(keepAwake)
	keepAwake = 500 * time.Millisecond
	settings, err := ParseSettings([]byte(strings.Replace(string(s.Settings("reg")), "/stele\n", "/stele?wait_timeout=2\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	var both [2]*Storage
	for i := range both {
		if both[i], err = InCloud(context.Background(), settings, "test.example/ledger", os.Getenv); err != nil {
			t.Fatal(err)
		}
	}
	l, err := both[0].TryLock(LockPublish)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(4 * time.Second) // a long publication
	if _, err := both[1].TryLock(LockPublish); !errors.Is(err, ErrLocked) {
		t.Errorf("another machine: got %v, want ErrLocked", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
