package verifier

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Edge is what a Worker runs.
type Edge struct {
	WASM []byte // package site/edge/worker
	Exec []byte // wasm_exec.js of the Go release that compiled it

	zipped []byte // the program as a release carries it
}

// GetEdge returns the Worker's program that this binary carries, or compiles it.
func GetEdge(ctx context.Context) (*Edge, error) {
	if embeddedEdge == nil {
		root, err := moduleRoot()
		if err != nil {
			return nil, err
		}
		return CompileEdge(ctx, root)
	}
	r, err := gzip.NewReader(bytes.NewReader(embeddedEdge))
	if err != nil {
		return nil, fmt.Errorf("the Worker's program in this binary: %w", err)
	}
	wasm, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("the Worker's program in this binary: %w", err)
	}
	return &Edge{WASM: wasm, Exec: embedded.Exec, zipped: embeddedEdge}, nil
}

// CompileEdge compiles the Worker's program of the module in a folder.
func CompileEdge(ctx context.Context, root string) (*Edge, error) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSource, err)
	}
	if err := checkRelease(ctx, goTool, root); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "stele-edge-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	e := &Edge{}
	lean := []string{"-gcflags=stele/proofs/...=-l", "-gcflags=stele/site/...=-l"} // inlining makes it heavier by 4 %, and requests take as long
	if e.WASM, err = compile(ctx, goTool, root, "./site/edge/worker", filepath.Join(dir, "worker.wasm"), lean...); err != nil {
		return nil, err
	}
	e.Exec, err = readExec(ctx, goTool)
	return e, err
}

// Zipped is the program as it goes out: what a Worker's host limits is its size as gzip makes it by default.
func (e *Edge) Zipped() ([]byte, error) {
	if e.zipped != nil {
		return e.zipped, nil
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(e.WASM); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}
