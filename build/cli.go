package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"stele/build/keys"
	"stele/build/registry"
)

// parse parses flags that may stand before, between and after arguments, with the
// two that every command has. It returns the arguments.
func (c *cli) parse(define func(*flag.FlagSet)) ([]string, error) {
	fs := flag.NewFlagSet(c.cmd.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&c.registryDir, "registry", ".", "the registry's folder")
	fs.BoolVar(&c.json, "json", false, "print JSON")
	if define != nil {
		define(fs)
	}
	var args []string
	for rest := c.args; ; {
		if err := fs.Parse(rest); err != nil {
			return nil, c.flagError(fs, err)
		}
		// Parse stops after "--" without saying so: what follows it are arguments.
		if n := len(rest) - fs.NArg(); n > 0 && rest[n-1] == "--" {
			return append(args, fs.Args()...), nil
		}
		if fs.NArg() == 0 {
			return args, nil
		}
		args = append(args, fs.Arg(0))
		rest = fs.Args()[1:]
	}
}

func (c *cli) flagError(fs *flag.FlagSet, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(c.stdout, "usage: stele %s %s\n%s\n\n", c.cmd.name, c.cmd.args, c.cmd.help)
		fs.SetOutput(c.stdout)
		fs.PrintDefaults()
		return exit(0)
	}
	return usage("stele "+c.cmd.name+" --help", "%v", err)
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

func (c *cli) passphrase() keys.Passphrase {
	return keys.Ask(os.Getenv, c.stdin, c.stderr)
}

// open opens the registry that --registry names.
func (c *cli) open() (*registry.Registry, error) {
	r, err := registry.Open(c.registryDir, c.passphrase())
	if err != nil {
		return nil, err
	}
	r.Waiting = func(string) { fmt.Fprintf(c.stderr, "waiting: another stele is at work in %s\n", c.registryDir) }
	return r, nil
}

func (c *cli) printJSON(v any) error {
	e := json.NewEncoder(c.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// note tells something besides the result: on stderr, so that a script's stdout holds the result only.
func (c *cli) note(format string, args ...any) {
	fmt.Fprintf(c.stderr, format+"\n", args...)
}

// progress shows a line that renews itself on a terminal, and nothing elsewhere.
type progress struct {
	w    *os.File
	last time.Time
}

func (c *cli) progress() *progress {
	f, ok := c.stderr.(*os.File)
	if !ok || c.json {
		return &progress{}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &progress{}
	}
	return &progress{w: f}
}

func (p *progress) show(format string, args ...any) {
	if p.w == nil || time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last = time.Now()
	fmt.Fprintf(p.w, "\r\x1b[K"+format, args...)
}

func (p *progress) clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// stamp writes a time as people and scripts both read it.
func stamp(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
