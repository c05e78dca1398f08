package storage_test

import (
	"errors"
	"testing"

	"stele/build/storage"
	"stele/build/storage/storagetest"
)

// TestLockIsLookedAt: whoever waits for a lock looks often, over one connection.
func TestLockIsLookedAt(t *testing.T) {
	t.Parallel()
	s := storagetest.Start(t)
	one, two := open(t, s), open(t, s)
	connections := func() (n int) {
		var name string
		if err := s.DB(t).QueryRow("SHOW GLOBAL STATUS LIKE 'Connections'").Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	l, err := one.TryLock(storage.LockPublish)
	if err != nil {
		t.Fatal(err)
	}
	before := connections()
	for range 50 { // a second of waiting
		if _, err := two.TryLock(storage.LockPublish); !errors.Is(err, storage.ErrLocked) {
			t.Fatal(err)
		}
	}
	if n := connections() - before; n > 10 {
		t.Errorf("%d new connections for 50 looks at a lock that is taken", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = two.TryLock(storage.LockPublish); err != nil {
		t.Fatal(err)
	}
	l.Close()
}
