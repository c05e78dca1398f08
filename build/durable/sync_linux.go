package durable

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// SyncTree makes everything on a folder's file system durable: one call for
// thousands of files.
func SyncTree(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
