package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"time"

	"stele/build/registry"
)

// fileResult is one file's line in the JSON answer of register.
type fileResult struct {
	File   string `json:"file"`
	State  string `json:"state"` // registered, already, failed
	SHA256 string `json:"sha256,omitempty"`
	Error  string `json:"error,omitempty"`
}

// registerResult is the JSON answer of register.
type registerResult struct {
	Registered int          `json:"registered"`
	Already    int          `json:"already"`
	Failed     int          `json:"failed"`
	Issuer     string       `json:"issuer"`
	Kind       string       `json:"kind"`
	Files      []fileResult `json:"files"`
}

func runRegister(c *cli) error {
	var req registry.Request
	args, err := c.parse(func(f *flag.FlagSet) {
		f.StringVar(&req.Issuer, "issuer", "", "the authority that issues them (default: the only one here)")
		f.StringVar(&req.Kind, "kind", "document", "what they are, one word such as diploma")
		f.StringVar(&req.Issued, "issued", time.Now().UTC().Format(time.DateOnly), "date of issue, YYYY-MM-DD")
		f.StringVar(&req.Expires, "expires", "", "last day of validity, YYYY-MM-DD")
	})
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return usage("stele register FILE…", "no files to register")
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	if req.Issuer == "" {
		if req.Issuer, err = onlyIssuer(r); err != nil {
			return err
		}
	}
	return c.register(r, req, args)
}

// onlyIssuer is the issuer whose key is here, if there is just one.
func onlyIssuer(r *registry.Registry) (string, error) {
	names, err := r.IssuersHere()
	if err != nil {
		return "", err
	}
	if len(names) == 1 {
		return names[0], nil
	}
	return "", usage("stele register … --issuer NAME", "this registry has the keys of %d issuers %v: say which", len(names), names)
}

func (c *cli) register(r *registry.Registry, req registry.Request, args []string) error {
	out := registerResult{Issuer: req.Issuer, Kind: req.Kind, Files: []fileResult{}}
	bar := c.progress()
	told := func(f registry.Registered) {
		out.add(f)
		bar.show("%d registered, %d already, %d failed", out.Registered, out.Already, out.Failed)
		if f.Err != nil {
			bar.clear()
			c.note("%s: %v", f.File, unwrapPath(f.Err))
		} else if f.State == registry.RegisteredAlready && !c.json {
			bar.clear()
			fmt.Fprintf(c.stdout, "%s: registered already, nothing added\n", f.File)
		}
	}
	files := registry.Files(args, func(path string, err error) {
		told(registry.Registered{File: path, Err: err})
	})
	err := r.Register(c.ctx, req, files, told)
	bar.clear()
	if err != nil {
		return err
	}
	return c.tellRegister(r, out)
}

func (o *registerResult) add(f registry.Registered) {
	res := fileResult{File: f.File, State: f.State}
	if f.Err != nil {
		res.State, res.Error = "failed", unwrapPath(f.Err).Error()
		o.Failed++
	} else {
		res.SHA256 = f.Digests.SHA256.String()
		if f.State == registry.RegisteredAlready {
			o.Already++
		} else {
			o.Registered++
		}
	}
	o.Files = append(o.Files, res)
}

// unwrapPath drops "open PATH" from an error that is told beside the path.
func unwrapPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("cannot be read: %w", p.Err)
	}
	return err
}

func (c *cli) tellRegister(r *registry.Registry, out registerResult) error {
	if c.json {
		if err := c.printJSON(out); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(c.stdout, "%d registered, %d already registered, %d failed\n", out.Registered, out.Already, out.Failed)
		if out.Registered > 0 {
			fmt.Fprintf(c.stdout, "they are in force once published: stele publish --registry %s\n", r.Dir)
		}
	}
	if out.Failed > 0 {
		return exit(1)
	}
	return nil
}
