// Package edge is what of a portal is not a file: the gate for publications, a witness for other registries, short addresses of receipts, and how fresh
// everything is. The same handler answers in a Worker (package worker) and natively (stele serve --edge).
//
//	                reader ──────────────▶ static files of the deployment ─┐ what is not there
//	                                                                       ▼
//	                reader ──────────────▶ front: the publication in force, out of the store (worker/front.mjs; natively package front)
//	stele publish --to ──────────────────▶ /publish/…   package gate
//	other registries' publishers ────────▶ /witness/…   package witness
//	reader who wants a short address ────▶ /r/…         package links
//	monitors, people ────────────────────▶ /health.json   package status (the page /health/ asks it)
//
// Below all of them lies a store (package store); what is served is read through package published.
package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"stele/proofs"
	"stele/site/edge/gate"
	"stele/site/edge/links"
	"stele/site/edge/published"
	"stele/site/edge/status"
	"stele/site/edge/store"
	"stele/site/edge/witness"
)

// A Config is what an edge is made of.
type Config struct {
	Deployment *Deployment
	Trust      []byte // the file trust of the deployment
	Base       []byte // the file base of the deployment; empty where none of what is published was deployed
	Store      store.Store
	Asset      func(ctx context.Context, name string) ([]byte, error)                                            // a deployed file; fs.ErrNotExist where there is none
	Fetch      func(ctx context.Context, method, url string, body []byte) (status int, answer []byte, err error) // a request to somebody else
	Signers    []proofs.Signer                                                                                   // the witness's keys
	Now        func() time.Time
	Log        *slog.Logger
}

// An Edge answers what is not a file, and looks at everything on a schedule.
type Edge struct {
	Source *published.Source

	deployment *Deployment
	mux        *http.ServeMux
	scheduled  []func(context.Context) error
}

// New makes an edge out of a deployment and what the host gives it.
func New(c Config) (*Edge, error) {
	trust, err := proofs.ParseTrust(c.Trust)
	if err != nil {
		return nil, fmt.Errorf("the deployment's file %s: %w", TrustFile, err)
	}
	e := &Edge{deployment: c.Deployment, mux: http.NewServeMux(), Source: &published.Source{Store: c.Store, Asset: c.Asset, Trust: trust}}
	if e.Source.Base, err = parseBase(c.Base, trust); err != nil {
		return nil, err
	}
	e.mountStatus(c)
	if err := e.mountGate(c); err != nil {
		return nil, err
	}
	if err := e.mountWitness(c); err != nil {
		return nil, err
	}
	if c.Deployment.Links {
		l := links.New(links.Config{Source: e.Source, Root: c.Deployment.URL, Now: c.Now, Log: c.Log})
		e.mux.Handle("/r", l.Handler())
		e.mux.Handle("/r/", l.Handler())
	}
	return e, nil
}

// parseBase parses the deployment's set, which has to be of the same registry.
func parseBase(text []byte, trust *proofs.Trust) (*proofs.Set, error) {
	if len(text) == 0 {
		return nil, nil
	}
	base, err := proofs.ParseSetText(string(text))
	if err != nil {
		return nil, fmt.Errorf("the deployment's file %s: %w", BaseFile, err)
	}
	if base.Origin != trust.Origin {
		return nil, fmt.Errorf("the deployment's file %s is of the registry %s, and its file %s of %s", BaseFile, base.Origin, TrustFile, trust.Origin)
	}
	return base, nil
}

func (e *Edge) mountStatus(c Config) {
	check := c.Deployment.Check
	s := status.New(status.Config{Source: e.Source, URL: c.Deployment.URL, Every: check.Due(), Views: check.Views, Webhook: check.Webhook,
		Fetch: c.Fetch, Now: c.Now, Log: c.Log})
	e.mux.Handle("/health.json", s.Handler())
	e.mux.Handle(status.EvidencePath, s.Handler())
	e.scheduled = append(e.scheduled, s.Check)
}

// heldBodies is how many bytes of uploads one program holds at once. Natively that is the whole edge, and enough for the largest offer and the largest object each
// beside others. A Worker starts a program for each request: what that may hold is one body, of the largest size.
const heldBodies = 80 << 20

func (e *Edge) mountGate(c Config) error {
	d := c.Deployment.Gate
	if d == nil {
		return nil
	}
	token, err := proofs.ParseHash(d.TokenSHA256)
	if err != nil {
		return fmt.Errorf("%s: gate.token_sha256: %w", DeploymentFile, err)
	}
	g := gate.New(gate.Config{Source: e.Source, TokenSHA256: token, Limits: gate.Limits{Chunk: d.Chunk, Held: heldBodies}, Now: c.Now, Log: c.Log})
	e.mux.Handle("/publish/", g.Handler())
	e.scheduled = append(e.scheduled, g.Clean)
	return nil
}

func (e *Edge) mountWitness(c Config) error {
	d := c.Deployment.Witness
	if d == nil {
		return nil
	}
	logs, err := witness.ParseLogs([]byte(d.Logs))
	if err != nil {
		return fmt.Errorf("%s: witness.logs: %w", DeploymentFile, err)
	}
	if len(c.Signers) == 0 {
		c.Log.Warn("the witness has no keys: it signs nothing until " + witness.KeysSecret + " is set")
	}
	w := witness.New(witness.Config{Store: c.Store, Signers: c.Signers, Logs: func() (map[string][]*proofs.Key, error) { return logs, nil }, Now: c.Now, Log: c.Log})
	e.mux.Handle("/witness/", http.StripPrefix("/witness", w.Handler()))
	return nil
}

// Handles reports whether a path is answered by Handler; all others are files.
func (e *Edge) Handles(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch d := e.deployment; first {
	case "publish":
		return d.Gate != nil
	case "witness":
		return d.Witness != nil
	case "r":
		return d.Links
	}
	return path == "/health.json" || strings.HasPrefix(path, status.EvidencePath)
}

// Handler answers the paths that Handles names.
func (e *Edge) Handler() http.Handler { return e.mux }

// What an edge has besides files, it tells with the head: the pages are the same bytes everywhere, and so learn it from what they read anyway, before
// anything was checked, instead of asking.
const (
	linksHeader  = "Stele-Links" // where receipts get short addresses: below which path
	statusHeader = "Link"        // the page of how it stands: RFC 8288, with the relation of RFC 8631, section 4
	statusLink   = `<../health/>; rel="status"`
)

// Announce has next, which answers what is published, tell with the head what this edge has besides.
func (e *Edge) Announce(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/"+proofs.HeadPath {
			w.Header().Set(statusHeader, statusLink)
			if e.deployment.Links {
				w.Header().Set(linksHeader, "r")
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Scheduled does what is due every few minutes: it clears up behind publications, and looks how fresh everything is. Each is done, whatever becomes of the others.
func (e *Edge) Scheduled(ctx context.Context) error {
	var errs []error
	for _, do := range e.scheduled {
		errs = append(errs, do(ctx))
	}
	return errors.Join(errs...)
}
