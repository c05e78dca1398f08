// Package edge is what of a portal is not a file: the gate for publications, a witness for other registries, short addresses of receipts, and how fresh
// everything is. The same handler answers in a Worker (package worker) and natively (stele serve --edge).
//
//	                reader ──────────────▶ static files of the deployment ─┐ what is not there
//	                                                                       ▼
//	                reader ──────────────▶ front: the publication in force, out of the store (worker/front.mjs; natively package front)
//	stele publish --to ──────────────────▶ /publish/…   package gate
//	other registries' publishers ────────▶ /witness/…   package witness
//	reader who wants a short address ────▶ /r/…         package links
//	monitors, people ────────────────────▶ /health, /health.json   package status
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
	"stele/site/edge/published"
	"stele/site/edge/store"
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
	if len(c.Base) > 0 {
		if e.Source.Base, err = proofs.ParseSetText(string(c.Base)); err != nil {
			return nil, fmt.Errorf("the deployment's file %s: %w", BaseFile, err)
		}
		if e.Source.Base.Origin != trust.Origin {
			return nil, fmt.Errorf("the deployment's file %s is of the registry %s, and its file %s of %s", BaseFile, e.Source.Base.Origin, TrustFile, trust.Origin)
		}
	}
	return e, nil
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
	return path == "/health" || path == "/health.json"
}

// Handler answers the paths that Handles names.
func (e *Edge) Handler() http.Handler { return e.mux }

// Scheduled does what is due every few minutes: it clears up behind publications, and looks how fresh everything is. Each is done, whatever becomes of the others.
func (e *Edge) Scheduled(ctx context.Context) error {
	var errs []error
	for _, do := range e.scheduled {
		errs = append(errs, do(ctx))
	}
	return errors.Join(errs...)
}
