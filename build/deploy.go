package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stele/build/deploy"
	"stele/build/durable"
	"stele/build/registry"
	"stele/build/verifier"
	"stele/proofs"
	"stele/site/edge/witness"
)

// A deployRun is what the command line of stele deploy says.
type deployRun struct {
	c                                *cli
	out, url, witness, webhook, addr string
	views                            list
	every                            time.Duration
	free, local                      bool

	flags *flag.FlagSet
	logs  string   // the ledgers to cosign for, as --witness names them
	kept  []string // settings as they were before, as flags would say them
}

func runDeploy(c *cli) error {
	d := &deployRun{c: c}
	args, err := d.parse()
	if err != nil {
		return err
	}
	if err := d.check(args); err != nil {
		return err
	}
	if err := d.settings(); err != nil {
		return err
	}
	r, err := c.look()
	if err != nil {
		return err
	}
	if err := c.mustBePublished(r); err != nil {
		return err
	}
	made, err := d.make(r)
	if err != nil {
		return err
	}
	if err := d.tell(made); err != nil || !d.local {
		return err
	}
	return d.run()
}

func (d *deployRun) parse() ([]string, error) {
	return d.c.parse(func(fs *flag.FlagSet) {
		d.flags = fs
		fs.StringVar(&d.out, "o", "", "the `folder` to make; what stele deploy has made there before is replaced, and its settings stay where no flag says otherwise")
		fs.StringVar(&d.url, "url", "", "where the portal will be found, such as https://registry.gov.example/, if that is known")
		fs.StringVar(&d.witness, "witness", "", "cosign for the ledgers in this `file`: lines log VKEY, and quorum none; stele witness --init --for-edge makes the keys")
		fs.Var(&d.views, "views", "an `address` that shows the registry from outside, such as a mirror's, to compare with; may be repeated")
		fs.StringVar(&d.webhook, "webhook", "", "the `address` that is told when the publication is late, or an outside view differs")
		fs.DurationVar(&d.every, "every", 24*time.Hour, "how often something is published; later is an alarm")
		fs.BoolVar(&d.free, "free", false, "for the host's free plan: files alone, at most 20,000, deployed anew for each publication; no gate, no witness, no short addresses")
		fs.BoolVar(&d.local, "local", false, "run it here, in the Workers' own runtime, until it is interrupted; nothing is uploaded; "+witness.KeysSecret+" may hold a witness's keys")
		fs.StringVar(&d.addr, "addr", "127.0.0.1:8787", "where --local listens; addresses told there are of this, whatever --url says")
	})
}

// mustBePublished wants a publication with its pages.
func (c *cli) mustBePublished(r *registry.Registry) error {
	if !c.published() {
		return &registry.Error{Err: fmt.Errorf("%s has not been published yet", c.folder()), Hint: "stele publish"}
	}
	if !hasPages(r) {
		return c.withoutPages()
	}
	return nil
}

// chunk is how many objects are put in place in one request: four subrequests each, and some more, of 1,000 that a Worker may make.
const chunk = 200

func (d *deployRun) make(r *registry.Registry) (*deploy.Made, error) {
	it, err := d.deployment()
	if err != nil {
		return nil, err
	}
	p := &deploy.Plan{Public: r.PublicFiles(), Trust: r.Trust, Deployment: *it, Free: d.free, Now: time.Now}
	if !d.free {
		if p.Edge, err = d.program(); err != nil {
			return nil, err
		}
	}
	made, err := p.Make(d.c.ctx, d.out)
	switch {
	case errors.Is(err, deploy.ErrOther):
		return nil, usage("name a new folder with -o, or one that stele deploy has made", "%v", err)
	case errors.Is(err, deploy.ErrOtherRegistry):
		return nil, usage("each registry's deployment has a folder of its own: name another with -o", "%v", err)
	case errors.Is(err, deploy.ErrBack):
		return nil, &registry.Error{Err: err, Hint: "is this an old copy of the registry? Deploy from the newest. If what is deployed is wrong, and readers are to be taken back, name a new folder with -o"}
	case errors.Is(err, deploy.ErrRunning):
		return nil, &registry.Error{Err: err, Hint: "end the stele deploy --local that runs it, or name another folder with -o"}
	case errors.Is(err, deploy.ErrMissing):
		return nil, &registry.Error{Err: err, Hint: "stele audit says what else is missing; what was published is still whole where it was published or copied to: a mirror, an edge, a backup"}
	case errors.Is(err, deploy.ErrTooLarge):
		return nil, &registry.Error{Err: err, Hint: "leave out --free: a paid plan takes more, and has a bucket for what is larger still"}
	}
	return made, err
}

// program is what the Worker starts for what decides something.
func (d *deployRun) program() (*verifier.Edge, error) {
	program, err := verifier.GetEdge(d.c.ctx)
	if errors.Is(err, verifier.ErrNoSource) {
		return nil, usage("use a released stele, which carries it, or go run ./build deploy at the top of stele's source tree", "the Worker's program is missing: %v", err)
	}
	return program, err
}

// tokenFile is where the gate's token lies. Whoever has it may offer publications, and can change nothing by that.
func (d *deployRun) tokenFile() string { return filepath.Join(d.c.registryDir, "gate-token") }

const tokenSize = 32 // bytes

// gateToken reads the token, or makes it once.
func gateToken(path string) (string, error) {
	b := make([]byte, tokenSize)
	rand.Read(b)
	err := durable.WriteNew(path, []byte(hex.EncodeToString(b)+"\n"), 0o600)
	if err == nil {
		return hex.EncodeToString(b), nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSuffix(string(text), "\n")
	if _, err := proofs.ParseHash(token); err != nil { // 64 hexadecimal digits
		return "", usage("remove it: a new one is made, and has to be deployed", "%s: want 64 hexadecimal digits", shown(path))
	}
	return token, nil
}

func (d *deployRun) address() string { return "http://" + d.addr + "/" }

// run runs the deployment here until it is interrupted.
func (d *deployRun) run() error {
	l := &deploy.Local{Dir: d.out, Addr: d.addr, URL: d.address(), Modules: os.Getenv("STELE_NODE_MODULES"), Log: d.c.stderr}
	return l.Run(d.c.ctx, func() {
		if d.c.json {
			d.c.printJSON(map[string]string{"address": d.address()})
			return
		}
		fmt.Fprintf(d.c.stdout, "\nserving %s in workerd\n%s\n", shown(d.out), d.address())
	})
}

// tell says what was made, and what to type next.
func (d *deployRun) tell(m *deploy.Made) error {
	next := d.next(m)
	if d.c.json {
		return d.c.printJSON(map[string]any{"deployment": d.out, "name": m.Name, "publication": m.Publication, "size": m.Size, "files": m.Files, "left_out": m.Left,
			"program": m.Compressed, "token_file": d.tokenFile(), "as_before": append([]string{}, d.kept...), "next": next})
	}
	w := d.c.stdout
	fmt.Fprintf(w, "deployment  %s\n", shown(d.out))
	if m.Whole() {
		fmt.Fprintf(w, "holds       publication %d, %d entries, in %d static files\n", m.Publication, m.Size, m.Files)
	} else {
		fmt.Fprintf(w, "holds       no publication: %s; it goes into the bucket, by the last command below\n", m.Left)
	}
	if len(d.kept) > 0 {
		fmt.Fprintf(w, "as before   %s\n", strings.Join(d.kept, " "))
	}
	if u, err := url.Parse(d.url); err == nil && strings.Trim(u.Path, "/") != "" {
		fmt.Fprintf(w, "note        a Worker answers at the root of its host: what serves %s has to take %s off\n", shown(d.url), shown(u.Path))
	}
	if !d.free {
		fmt.Fprintf(w, "program     %.2f MB compressed\ntoken       %s\n", float64(m.Compressed)/1e6, shown(d.tokenFile()))
	}
	if d.local {
		return nil
	}
	fmt.Fprintf(w, "\nnext:\n  %s\n", strings.Join(next, "\n  "))
	return nil
}

func (d *deployRun) next(m *deploy.Made) []string {
	to := d.url
	if to == "" {
		to = "https://ADDRESS/"
	}
	next := []string{"cd " + shell(d.out), "npm install --ignore-scripts", "npx wrangler login"}
	if d.free { // and the same after each publication
		return append(next, "npx wrangler deploy")
	}
	next = append(next, "npx wrangler r2 bucket create "+m.Name)
	if d.logs != "" {
		next = append(next, "npx wrangler secret put "+witness.KeysSecret+" < KEYS") // as stele witness --init --for-edge KEYS has written them
	}
	next = append(next, "npx wrangler deploy")
	absolute := d.c.registryDir
	if a, err := filepath.Abs(absolute); err == nil { // the commands above have gone to another folder
		absolute = a
	}
	return append(next, "stele publish --registry "+shell(absolute)+" --to "+shell(to))
}
