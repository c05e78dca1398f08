package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stele/build/durable"
	"stele/build/issuer"
	"stele/build/keys"
	"stele/build/portal"
	"stele/build/registry"
	"stele/build/samples"
	"stele/proofs"
)

const (
	demoOrigin = "demo.stele.example/ledger"
	demoTitle  = "Demonstration Registry of the Republic of Example"

	// demoFresh lets a demonstration be looked at for a week without a heartbeat.
	demoFresh = 7 * 24 * time.Hour
	// demoHeartbeat is how often a served demonstration is signed again.
	demoHeartbeat = time.Hour

	// portalSample is the greatest size of a sample that the portal offers to try, in bytes.
	portalSample = 1 << 20
)

// demoAuthorities are the demonstration's issuers, by the short names that the samples use.
var demoAuthorities = []struct{ short, title string }{
	{"education", "Ministry of Education"},
	{"land", "Land Registry Office"},
	{"court", "District Court of Exampleton"},
	{"interior", "Ministry of the Interior"},
	{"gazette", "Official Gazette"},
	{"academy", "Northern Academy"},
}

func demoName(short string) string { return short + ".demo.stele.example" }

// demoVerdict is what a sample comes to.
func demoVerdict(f samples.File) proofs.Verdict {
	switch {
	case !f.Registered():
		return proofs.NotRegistered
	case f.Role == "register", f.Role == "successor":
		return proofs.Authentic
	}
	return proofs.Verdict(f.Role)
}

func runDemo(c *cli) error {
	var dir, addr string
	var once bool
	args, err := c.parse(func(fs *flag.FlagSet) {
		fs.StringVar(&dir, "dir", filepath.Join(".out", "demo"), "the registry's folder")
		fs.StringVar(&addr, "addr", "127.0.0.1:8080", "where to serve it")
		fs.BoolVar(&once, "once", false, "make everything and exit without serving")
	})
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return usage("stele demo --dir "+shell(args[0]), "demo takes no arguments, got %s", shown(args[0]))
	}
	c.registryDir = dir
	d := &demo{cli: c, dir: dir}
	if err := d.make(); err != nil {
		return err
	}
	if once {
		return d.tell()
	}
	return (&daemon{addr: addr, every: demoHeartbeat, queue: 100_000}).run(c, d.r)
}

// A demo makes the demonstration registry, step by step. Each step looks whether it has been done, so that
// a demonstration that was interrupted is gone on with.
type demo struct {
	*cli
	dir string
	r   *registry.Registry
}

func (d *demo) expectedPath() string { return filepath.Join(d.dir, "samples", "expected.json") }

func (d *demo) make() error {
	if exists(d.expectedPath()) {
		return d.reuse()
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"making the registry and its keys", d.open},
		{"writing sample documents", func() error { return samples.WriteAll(filepath.Join(d.dir, "samples")) }},
		{"accrediting six authorities", d.accredit},
		{"registering the documents", d.register},
		{"publishing", d.publish},
		{"revoking, suspending, replacing", d.later},
		{"publishing again, with the portal", d.portal},
		{"noting what is expected", d.expect},
	} {
		d.note("demo: %s", step.what)
		if err := step.do(); err != nil {
			return err
		}
		if err := d.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// reuse signs again what an earlier run has made.
func (d *demo) reuse() error {
	d.note("demo: going on with %s", shown(d.dir))
	if err := d.open(); err != nil {
		return err
	}
	return d.portal()
}

func (d *demo) open() error {
	if !exists(filepath.Join(d.dir, "trust")) {
		if err := d.clearKeys(); err != nil {
			return err
		}
		roles, err := hire(d.dir)
		if err != nil {
			return d.notFree(err)
		}
		setup := registry.Setup{Origin: demoOrigin, Title: demoTitle, Demo: true, StaleAfter: demoFresh, Roles: roles}
		if _, err := d.init(setup); err != nil {
			return err
		}
	}
	r, err := d.cli.open()
	if err != nil {
		return err
	}
	if !r.Trust.Demo {
		return usage("stele demo --dir DIR, where there is nothing yet", "%s is a real registry, not a demonstration", shown(d.dir))
	}
	d.r = r
	return nil
}

// clearKeys removes a demonstration's keys that were made without the trust file that names them: it was interrupted.
func (d *demo) clearKeys() error {
	dir := filepath.Join(d.dir, "keys")
	if !exists(filepath.Join(dir, "identity.age")) {
		return nil
	}
	ks, err := keys.Open(dir, keys.Fixed(keys.DemoPassphrase))
	if err != nil {
		return err
	}
	ks.AllowDemo = true
	if err := ks.Unlock(); err != nil {
		return &registry.Error{Err: fmt.Errorf("%s holds keys that are not a demonstration's, and no trust file", shown(d.dir)),
			Hint: "stele demo --dir DIR, where there is nothing yet"}
	}
	return os.RemoveAll(dir)
}

func (d *demo) accredit() error {
	as, err := d.r.AuthoritiesPending()
	if err != nil {
		return err
	}
	for _, a := range demoAuthorities {
		if _, known := as[demoName(a.short)].Latest(); known {
			continue
		}
		if err := d.r.Accredit(demoName(a.short), a.title, kindsOf(a.short)); err != nil {
			return err
		}
	}
	return nil
}

// kindsOf lists the kinds that the samples of an authority are of.
func kindsOf(short string) []string {
	var kinds []string
	for _, f := range samples.All() {
		if f.Issuer == short && !strings.Contains(" "+strings.Join(kinds, " ")+" ", " "+f.Kind+" ") {
			kinds = append(kinds, f.Kind)
		}
	}
	return kinds
}

func (d *demo) path(sample string) string {
	return filepath.Join(d.dir, "samples", filepath.FromSlash(sample))
}

func (d *demo) register() error {
	as, err := d.r.AuthoritiesPending()
	if err != nil {
		return err
	}
	for _, f := range samples.All() {
		if !f.Registered() {
			continue
		}
		if as[demoName(f.Issuer)].Stands() == nil {
			continue // an earlier run has come as far as withdrawing it, after its documents were registered
		}
		var failed error
		req := registry.Request{Issuer: demoName(f.Issuer), Kind: f.Kind, Issued: f.Issued, Expires: f.Expires}
		err := d.r.Register(d.ctx, req, []string{d.path(f.Path)}, func(r registry.Registered) { failed = r.Err })
		if err == nil {
			err = failed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) publish() error {
	_, err := d.withStaff(d.r, d.r.Publish)(d.ctx)
	return err
}

// later is what becomes of the documents after their publication.
func (d *demo) later() error {
	for _, f := range samples.All() {
		if err := d.event(f); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	as, err := d.r.AuthoritiesPending()
	if err != nil || as[registry.VerifierName(demoOrigin)].Stands() != nil {
		return err
	}
	return d.r.AccreditVerifier()
}

// isDone tells whether an earlier run has published what becomes of a sample.
func (d *demo) isDone(f samples.File) (bool, error) {
	switch f.Role {
	case "revoked", "suspended", "superseded":
	case "unaccredited":
		as, err := d.r.AuthoritiesPending()
		return err == nil && as[demoName(f.Issuer)].Stands() == nil, err
	default:
		return true, nil // nothing becomes of it
	}
	p, err := portal.Open(d.r.Public())
	if err != nil {
		return false, err
	}
	a, err := (&check{trust: d.r.Trust, from: p}).ask(d.cli, d.path(f.Path))
	return err == nil && a.Report.Verdict == demoVerdict(f), err
}

func (d *demo) event(f samples.File) error {
	if done, err := d.isDone(f); done || err != nil {
		return err
	}
	w := &wish{issuer: demoName(f.Issuer)}
	switch f.Role {
	case "revoked":
		w.action, w.reason = proofs.ActionRevoke, "The licence was obtained with a forged reference."
	case "suspended":
		w.action, w.reason = proofs.ActionSuspend, "An appeal against the order is pending."
	case "superseded":
		w.action, w.reason = proofs.ActionSupersede, "A new extract was issued after the boundary was surveyed."
	case "unaccredited":
		return d.r.Withdraw(registry.Withdrawal{Authority: w.issuer, From: new(uint64), Reason: "The academy was never entitled to award diplomas."})
	}
	at, err := counterOf(d.r)
	if err != nil {
		return err
	}
	draft, err := d.draft(at, w, d.path(f.Path))
	if err == nil && f.Role == "superseded" {
		draft.Successor, err = d.document(at, d.path(f.Of))
	}
	if err != nil {
		return err
	}
	clerk, err := issuer.Begin(d.ctx, at.desk, at.ring)
	if err != nil {
		return err
	}
	var refusal *issuer.Refusal
	if _, err := clerk.Say(d.ctx, draft); errors.As(err, &refusal) && refusal.Life != nil && refusal.Life.State == f.Role {
		return nil // an earlier run has said it, and was cut off before it was published
	} else if err != nil {
		return err
	}
	return clerk.Deliver(d.ctx)
}

// portal publishes again with the portal's pages, and puts the smaller samples beside them.
func (d *demo) portal() error {
	for _, s := range d.samples() {
		b, err := os.ReadFile(d.path(strings.TrimPrefix(s.Path, "samples/")))
		if err != nil {
			return err
		}
		if err := durable.WriteOnce(filepath.Join(d.r.Public(), filepath.FromSlash(s.Path)), b); err != nil {
			return err
		}
	}
	if err := d.r.KeepSamples(d.samples()); err != nil {
		return err
	}
	_, err := d.cli.publishBy(d.r, d.r.Publish)
	return err
}

// shownRoles are what the portal offers to try, in the order in which it does; the first five stand open. Their wording is in site/text, table "samples".
var shownRoles = []string{"register", "altered", "revoked", "superseded", "unknown", "appended", "mailed", "photograph", "suspended", "expired", "unaccredited"}

// samples are the documents that the portal offers to try: the first of each role.
func (d *demo) samples() []registry.Sample {
	var out []registry.Sample
	for _, role := range shownRoles {
		if f, ok := d.first(role); ok {
			out = append(out, registry.Sample{Path: "samples/" + f.Path, Role: role, Verdict: demoVerdict(f)})
		}
	}
	return out
}

// first is the first sample of a role that is small enough to stand on the portal.
func (d *demo) first(role string) (samples.File, bool) {
	for _, f := range samples.All() {
		info, err := os.Stat(d.path(f.Path))
		if f.Role == role && err == nil && info.Size() <= portalSample {
			return f, true
		}
	}
	return samples.File{}, false
}

func (d *demo) expect() error {
	want := map[string]proofs.Verdict{}
	for _, f := range samples.All() {
		want[f.Path] = demoVerdict(f)
	}
	b, err := json.MarshalIndent(want, "", "\t")
	if err != nil {
		return err
	}
	return durable.WriteFile(d.expectedPath(), append(b, '\n'), 0o644)
}

func (d *demo) tell() error {
	if d.json {
		return d.printJSON(map[string]string{"registry": d.dir, "public": d.r.Public(), "samples": filepath.Join(d.dir, "samples")})
	}
	fmt.Fprintf(d.stdout, "registry  %s\nsamples   %s\nportal    %s\n\n%s\n", shown(d.dir),
		shown(filepath.Join(d.dir, "samples")), shown(d.r.Public()), d.inRegistry("stele serve"))
	return nil
}
