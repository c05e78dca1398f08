package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"stele/build/verifier"
	"stele/site"
)

// runNPM makes the package for others' pages. It is no work on a registry: every registry's documents are checked with the same one.
func runNPM(c *cli) error {
	var out string
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&out, "o", "", "the `folder` to make; it must not be there yet, or be empty")
	})
	switch {
	case err != nil:
		return err
	case len(args) > 0 && out == "":
		return usage("stele npm -o "+shell(args[0]), "npm takes no arguments, got %s", shown(args[0]))
	case len(args) > 0:
		return usage("stele npm -o "+shell(out), "npm takes no arguments, got %s", shown(args[0]))
	case out == "":
		return usage("stele npm -o stele-verify", "no folder for the package: -o is missing")
	}
	made, err := emptyFolder(out)
	if err != nil {
		return err
	}
	if err := c.writePackage(out); err != nil {
		if made {
			os.Remove(out) // does nothing where there is something in it
		}
		return err
	}
	if c.json {
		return c.printJSON(map[string]string{"package": out})
	}
	fmt.Fprintln(c.stdout, shown(out))
	return nil
}

// emptyFolder makes a folder, or takes one that is empty: what else lies there would go into the package.
func emptyFolder(dir string) (made bool, err error) {
	list, err := os.ReadDir(dir)
	info, errStat := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, os.MkdirAll(dir, 0o755)
	case errStat == nil && !info.IsDir():
		return false, usage("name another path with -o", "%s is a file, want a folder", shown(dir))
	case err != nil:
		return false, err
	case len(list) > 0:
		return false, usage("name a new folder with -o, or remove that one first", "%s is not empty: it holds %s", shown(dir), shown(list[0].Name()))
	}
	return false, nil
}

// writePackage writes package.json last: without it a folder is no package. What was begun is taken back.
func (c *cli) writePackage(dir string) (err error) {
	f, err := verifier.Get(c.ctx)
	if errors.Is(err, verifier.ErrNoSource) {
		return usage("use a released stele, which carries the verifier, or go run ./build npm -o FOLDER at the top of stele's source tree", "make the package: %v", err)
	}
	if err != nil {
		return err
	}
	files, err := site.Package(f.WASM, f.Exec)
	if err != nil {
		return err
	}
	const last = "package.json"
	names := slices.Sorted(maps.Keys(files))
	names = append(slices.DeleteFunc(names, func(n string) bool { return n == last }), last)
	defer func() {
		if err != nil {
			c.emptied(dir, names)
		}
	}()
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, files[name], 0o644)); err != nil {
			return err
		}
	}
	return nil
}

// emptied removes a package that was only begun, with its folders.
func (c *cli) emptied(dir string, names []string) {
	for _, name := range names {
		for ; name != "."; name = filepath.Dir(name) {
			if os.Remove(filepath.Join(dir, filepath.FromSlash(name))) != nil {
				break // other files are in that folder yet
			}
		}
	}
}
