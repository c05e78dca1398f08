//go:build unix && !linux

package durable

import (
	"io/fs"
	"os"
	"path/filepath"
)

// SyncTree makes everything in a folder durable. Only Linux has one call for it.
func SyncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Sync()
	})
}
