package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"stele/build/keys"
	"stele/build/registry"
)

// parse parses flags that may stand before, between and after arguments, with the
// two that every command has. It returns the arguments.
func (c *cli) parse(define func(*flag.FlagSet)) ([]string, error) {
	flags := flag.NewFlagSet(c.cmd.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&c.registryDir, "registry", ".", "the registry's folder")
	flags.BoolVar(&c.json, "json", false, "print JSON")
	if define != nil {
		define(flags)
	}
	args, err := c.parseArgs(flags)
	if c.json {
		c.bar = &progress{}
	}
	return args, err
}

func (c *cli) parseArgs(flags *flag.FlagSet) ([]string, error) {
	var args []string
	for rest := c.args; ; {
		if err := flags.Parse(rest); err != nil {
			return nil, c.flagError(flags, err)
		}
		// Parse stops after "--" without saying so: what follows it are arguments.
		if n := len(rest) - flags.NArg(); n > 0 && rest[n-1] == "--" {
			return append(args, flags.Args()...), nil
		}
		if flags.NArg() == 0 {
			return args, nil
		}
		args = append(args, flags.Arg(0))
		rest = flags.Args()[1:]
	}
}

func (c *cli) flagError(flags *flag.FlagSet, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		c.helpCommand(flags)
		return exit(0)
	}
	text, hint := err.Error(), "stele "+c.cmd.name+" --help"
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		text = fmt.Sprintf("stele %s has no flag --%s", c.cmd.name, name)
		var names []string
		flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
		if meant, ok := nearest(name, names); ok {
			hint = "did you mean --" + meant + "? See: " + hint
		}
	} else if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		text = fmt.Sprintf("--%s needs a value after it", name)
	} else if told := toldValue.FindStringSubmatch(text); told != nil {
		text, hint = c.wrongValue(flags.Lookup(told[2]), told[1], told[3])
	}
	c.json = c.json || wantsJSON(c.args)
	return usage(hint, "%s", text)
}

// toldValue is how package flag tells of a value that it cannot parse: the value in quotes, the flag, and why.
var toldValue = regexp.MustCompile(`^invalid (?:boolean )?value ("(?:[^"\\]|\\.)*") for (?:flag )?-([^:]+): ((?s:.*))$`)

// wrongValue says what a flag wants.
func (c *cli) wrongValue(f *flag.Flag, value, why string) (text, hint string) {
	name, hint := "--"+f.Name, "stele "+c.cmd.name+" --help"
	var v any
	if g, ok := f.Value.(flag.Getter); ok {
		v = g.Get()
	}
	switch v.(type) {
	case time.Duration:
		return fmt.Sprintf("%s %s: want a length of time in hours, minutes or seconds", name, value), "such as " + name + " 24h, or 90m"
	case int:
		return fmt.Sprintf("%s %s: want a whole number", name, value), hint
	case bool:
		return fmt.Sprintf("%s takes no value, got %s", name, value), hint
	}
	return fmt.Sprintf("%s %s: %s", name, value, why), hint
}

// wantsJSON reports whether arguments ask for JSON, wherever: for what goes wrong before that flag is read.
func wantsJSON(args []string) bool {
	return slices.Contains(args, "--json") || slices.Contains(args, "-json")
}

// withoutRegistry are the commands that work on no registry's folder: their help does not offer --registry.
var withoutRegistry = []string{"demo", "key", "witness", "npm", "release"}

// helpCommand tells what a command does and takes.
func (c *cli) helpCommand(flags *flag.FlagSet) {
	fmt.Fprintf(c.stdout, "usage: %s\n%s\n\n", strings.TrimSpace("stele "+c.cmd.name+" "+c.cmd.args), c.cmd.help)
	flags.VisitAll(func(f *flag.Flag) {
		if f.Name == "registry" && slices.Contains(withoutRegistry, c.cmd.name) {
			return
		}
		value, about := flag.UnquoteUsage(f)
		name := "--" + f.Name
		if len(f.Name) == 1 {
			name = "-" + f.Name
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0s" && !strings.Contains(about, "(default") {
			about += " (default: " + f.DefValue + ")"
		}
		fmt.Fprintf(c.stdout, "  %s\n        %s\n", strings.TrimSpace(name+" "+value), about)
	})
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

// passphrase looks for the passphrase where keys.Ask says. One that init has just had chosen is not asked for again.
func (c *cli) passphrase() keys.Passphrase {
	ask := keys.Ask(os.Getenv, c.stdin, c.stderr)
	return func(dir string, isNew bool) ([]byte, error) {
		if !isNew && c.chosen != nil {
			return bytes.Clone(c.chosen), nil
		}
		c.bar.clear() // the question wants a line of its own
		p, err := ask(dir, isNew)
		if err == nil && isNew {
			c.chosen = bytes.Clone(p) // whoever is given p clears it
		}
		return p, err
	}
}

// open opens the registry that --registry names.
func (c *cli) open() (*registry.Registry, error) {
	return c.opened(registry.Open(c.registryDir, c.passphrase()))
}

// look opens it without its keys.
func (c *cli) look() (*registry.Registry, error) { return c.opened(registry.Look(c.registryDir)) }

func (c *cli) opened(r *registry.Registry, err error) (*registry.Registry, error) {
	if errors.Is(err, registry.ErrNoRegistry) || errors.Is(err, registry.ErrDeployment) {
		return nil, c.noRegistry()
	}
	if err != nil {
		return nil, err
	}
	r.Waiting = func(string) { c.note("waiting: another stele is at work in %s", shown(c.registryDir)) }
	return r, nil
}

// noRegistry tells a wrong --registry from a registry that has not been made.
func (c *cli) noRegistry() error {
	dir := c.registryDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usage("stele init --registry "+shell(dir)+" makes one; or name another folder with --registry", "there is no folder %s", shown(dir))
	case err != nil:
		return err
	case !info.IsDir():
		return usage("name the registry's folder with --registry", "%s is a file, not the folder of a registry", shown(dir))
	}
	if registry.IsDeployment(dir) {
		return usage("name the registry's folder with --registry DIR", "%s is %w", c.folder(), registry.ErrDeployment)
	}
	if up := filepath.Join(dir, ".."); registry.IsRegistry(up) {
		return usage("add --registry "+shell(up), "%s is a part of a registry, not the whole", c.folder())
	}
	return usage("name the registry's folder with --registry DIR; to make one: stele init --registry DIR", "%s is %w", c.folder(), registry.ErrNoRegistry)
}

// folder is how --registry is called in a sentence.
func (c *cli) folder() string {
	if c.registryDir == "." {
		return "this folder"
	}
	return shown(c.registryDir)
}

// printJSON prints a value on one line.
func (c *cli) printJSON(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(c.stdout, printableJSON(b.String()))
	return err
}

// printableJSON escapes what JSON allows and a terminal would act upon, such as U+009B. Outside of strings JSON is ASCII.
func printableJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// note tells something besides the result: on stderr, so that a script's stdout holds the result only.
func (c *cli) note(format string, args ...any) {
	c.bar.aside(func() { fmt.Fprintln(c.stderr, visible(fmt.Sprintf(format, args...))) })
}

// stamp writes a time as people and scripts both read it.
func stamp(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
