// Package deploy makes the folder of a deployment: what a registry has published as static files, the Worker that answers what is no file, and the
// settings of the tool that brings both to their host. Nothing in it is secret, and nothing in it names an account.
//
//	deployment.json  what the edge does (edge.Deployment)          trust, base   the registry's trust file, and the set of the files deployed
//	assets/          the files, and the page health/                worker/       worker.mjs, front.mjs, headers.mjs, stele.wasm, wasm_exec.js
//	wrangler.jsonc, package.json                                   wrangler's settings, and its version
package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"stele/build/durable"
	"stele/build/verifier"
	"stele/proofs"
	"stele/site/edge"
	"stele/site/edge/status/page"
)

// A Public is what a registry has published.
type Public interface {
	Read(name string) ([]byte, error)
	List(below string, f func(name string, size int64) error) error
}

// A Plan is what is to be deployed.
type Plan struct {
	Public     Public
	Trust      *proofs.Trust
	Deployment edge.Deployment
	Free       bool // for the host's free plan: files alone. Starting Go takes more than the processor time that it allows
	Edge       *verifier.Edge
	Now        func() time.Time
	// Before is called with the name of each file before it is written; it may be nil. Tests break the work off there.
	Before func(name string) error
}

// Made says what a deployment is.
type Made struct {
	Name        string // of the Worker and its bucket
	Publication uint64 // 0 where none of what is published is in it
	Size        uint64
	Files       int    // static files
	Left        string // why what is published is left out; "" where it is in
	Compressed  int    // bytes of the Go program as it is uploaded; 0 where there is none
}

// Whole reports whether what is published is in the deployment.
func (m *Made) Whole() bool { return m.Left == "" }

// Make makes a deployment in a folder. It is written beside it, and takes its place once it is whole: one that is broken off leaves the folder as it was. What
// else lies in the folder stays there.
func (p *Plan) Make(ctx context.Context, dir string) (*Made, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if err := p.mayReplace(f.path); err != nil {
		return nil, err
	}
	tmp, err := f.beside()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	m, err := p.write(ctx, tmp)
	if err == nil {
		err = errors.Join(os.Chmod(tmp, 0o755), durable.SyncTree(tmp))
	}
	if err == nil {
		err = f.replaceBy(tmp)
	}
	return m, err
}

// ErrTooLarge says that a registry is too large to be deployed as files alone.
var ErrTooLarge = errors.New("it is too large for files alone")

// write writes all files of a deployment into a new folder.
func (p *Plan) write(ctx context.Context, dir string) (*Made, error) {
	b, err := p.copyBase(ctx, filepath.Join(dir, edge.AssetsFolder))
	if err != nil {
		return nil, err
	}
	if p.Free && b.left != "" {
		return nil, fmt.Errorf("%w: %s", ErrTooLarge, b.left)
	}
	m := &Made{Name: WorkerName(p.Trust.Origin), Left: b.left}
	files := map[string][]byte{
		edge.TrustFile: p.Trust.Marshal(), edge.BaseFile: {}, edge.DeploymentFile: p.Deployment.Marshal(), "assets/_headers": headerRules(),
		"worker/headers.mjs": headerModule(), "package.json": packageJSON(m.Name),
	}
	if b.set != nil {
		files[edge.BaseFile] = []byte(b.set.Text())
		m.Publication, m.Size = b.set.Publication, b.size
	}
	if files["worker/front.mjs"], err = edge.Scripts.ReadFile("worker/front.mjs"); err != nil {
		return nil, err
	}
	if p.Free {
		files["worker/worker.mjs"], err = edge.Scripts.ReadFile("worker/files.mjs")
	} else {
		err = p.addProgram(filepath.Join(dir, edge.AssetsFolder), b, m, files)
	}
	if err != nil {
		return nil, err
	}
	m.Files = b.files
	if files["wrangler.jsonc"], err = p.wranglerSettings(m.Name, b.set); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := p.writeFile(dir, name, files[name]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// addProgram adds what decides something: the Go program, what starts it, and the page that asks it how the edge stands.
func (p *Plan) addProgram(assets string, b *base, m *Made, files map[string][]byte) error {
	if err := p.addPage(assets, b); err != nil {
		return err
	}
	zipped, err := p.Edge.Zipped()
	if err != nil {
		return err
	}
	m.Compressed = len(zipped)
	files["worker/stele.wasm"], files["worker/wasm_exec.js"] = p.Edge.WASM, p.Edge.Exec
	files["worker/worker.mjs"], err = edge.Scripts.ReadFile("worker/worker.mjs")
	return err
}

// addPage adds the page that says how the edge stands. What it needs of the portal's assets lies in the base already, if there is one.
func (p *Plan) addPage(dir string, b *base) error {
	files, err := page.Files(p.Trust, p.Public.Read)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			continue // of the same content: its folder is named by that
		}
		if err := p.writeFile(dir, name, files[name]); err != nil {
			return err
		}
		b.files++
	}
	return nil
}

func (p *Plan) writeFile(dir, name string, b []byte) error {
	if p.Before != nil {
		if err := p.Before(name); err != nil {
			return err
		}
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, 0o644))
}
