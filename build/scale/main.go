// Command scale grows a registry of imaginary documents and measures, at each size, what it costs: publishing, auditing,
// looking up, bytes and files. The documents are the same in every run.
//
//	go run ./build/scale --sizes 1e4,1e5,1e6,1e7 --dir DIR
//
// takes half an hour or more, and some 30 GB, for the largest size. What was measured goes into build/scale/results.json, beside that of other sizes, and
// from there into build/scale/README.md and plot.svg. A registry that lies in DIR already is grown on from where it is.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"stele/build/registry"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if task := os.Getenv(taskVariable); task != "" {
		return runTask(task, args[0])
	}
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	dir := flags.String("dir", "", "the folder of the registry; a temporary one if empty")
	list := flags.String("sizes", "1e4,1e5,1e6", "how many documents, ascending")
	out := flags.String("out", "build/scale", "the folder of the results")
	if err := flags.Parse(args); err != nil {
		return err
	}
	sizes, err := parseSizes(*list)
	if err != nil {
		return err
	}
	if *dir == "" {
		if *dir, err = os.MkdirTemp("", "scale"); err != nil {
			return err
		}
		defer os.RemoveAll(*dir)
	}
	return measureAll(filepath.Join(*dir, "registry"), sizes, *out)
}

func parseSizes(list string) ([]int, error) {
	var sizes []int
	for _, s := range strings.Split(list, ",") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f < 1 || f != float64(int(f)) {
			return nil, fmt.Errorf("--sizes %s: %q: want a number of documents", list, s)
		}
		sizes = append(sizes, int(f))
	}
	if !slices.IsSorted(sizes) {
		return nil, fmt.Errorf("--sizes %s: want them ascending", list)
	}
	return sizes, nil
}

// measureAll grows a registry from size to size.
func measureAll(dir string, sizes []int, out string) error {
	for _, size := range sizes {
		have, err := documentsIn(dir)
		if err != nil {
			return err
		}
		if have > size {
			return fmt.Errorf("%s: has %d documents already, want at most %d", dir, have, size)
		}
		if err := grow(dir, have, size); err != nil {
			return err
		}
		r, err := measure(dir, size)
		if err != nil {
			return err
		}
		if err := report(out, r); err != nil {
			return err
		}
	}
	return nil
}

// documentsIn is how many documents a registry has published.
func documentsIn(dir string) (int, error) {
	if !registry.IsRegistry(dir) {
		return 0, nil
	}
	if lines, err := history(dir); err != nil || lines == 0 {
		return 0, err
	}
	return publish(dir) // a heartbeat, or what was broken off
}

func history(dir string) (int, error) {
	r, err := registry.Look(dir)
	if err != nil {
		return 0, err
	}
	lines, err := r.History()
	return len(lines), err
}
