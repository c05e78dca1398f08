//go:build js && wasm

// Command worker is the Worker's program: what worker.mjs starts it for is decided by package edge, over an R2 bucket.
//
// The bindings are STORE (the bucket) and ASSETS (the deployed files); STELE_WITNESS_KEYS is a secret, the witness's private keys (package witness).
package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"syscall/js"
	"time"

	"github.com/syumai/workers"
	"github.com/syumai/workers/cloudflare"
	"github.com/syumai/workers/cloudflare/cron"

	"stele/proofs"
	"stele/site/edge"
	"stele/site/edge/witness"
)

// settings are the deployment's files, as worker.mjs hands them over while the program is initialised.
var settings = js.Global().Get("context").Get("settings")

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	e, err := open(log)
	if err != nil {
		log.Error("the edge cannot begin", "error", err.Error())
		os.Exit(1)
	}
	cron.ScheduleTaskNonBlock(func(ctx context.Context) error {
		if err := e.Scheduled(ctx); err != nil {
			log.Error("the scheduled check has failed", "error", err.Error())
		}
		return nil // the library would end the program, and say nothing more
	})
	workers.Serve(e.Handler())
}

func open(log *slog.Logger) (*edge.Edge, error) {
	deployment, err := edge.ParseDeployment([]byte(settings.Get("deployment").String()))
	if err != nil {
		return nil, err
	}
	var signers []proofs.Signer
	if keys := cloudflare.Getenv(witness.KeysSecret); keys != "" {
		if signers, err = witness.ParseKeys(keys); err != nil {
			return nil, err
		}
	}
	return edge.New(edge.Config{Deployment: deployment, Trust: []byte(settings.Get("trust").String()), Base: []byte(settings.Get("base").String()),
		Store: bucket{cloudflare.GetBinding("STORE")}, Asset: asset, Fetch: request, Signers: signers, Now: time.Now, Log: log})
}

// asset reads a deployed file. Its host does not care which name the address has.
func asset(ctx context.Context, name string) ([]byte, error) {
	address := url.URL{Scheme: "https", Host: "assets.invalid", Path: "/" + name}
	answer, err := await(ctx, cloudflare.GetBinding("ASSETS").Call("fetch", address.String()))
	if err != nil {
		return nil, err
	}
	switch status := answer.Get("status").Int(); status {
	case http.StatusOK:
		return bytesOf(ctx, answer)
	case http.StatusNotFound:
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	default:
		return nil, fmt.Errorf("%s: the host of what was deployed answers %d", name, status)
	}
}

const (
	mostAnswer = 8 << 20 // bytes of somebody else's answer
	patience   = 20_000  // milliseconds for it
)

// request asks somebody else: a mirror, a witness, whoever is told what is wrong. The library's own client cannot be told to give up.
func request(ctx context.Context, method, address string, body []byte) (int, []byte, error) {
	options := map[string]any{"method": method, "signal": js.Global().Get("AbortSignal").Call("timeout", patience)}
	if body != nil {
		options["body"], options["headers"] = string(body), map[string]any{"Content-Type": "application/json"}
	}
	answer, err := await(ctx, js.Global().Call("fetch", address, options))
	if err != nil {
		return 0, nil, fmt.Errorf("%s %s: %w", method, address, err)
	}
	status := answer.Get("status").Int()
	stream := answer.Get("body")
	if stream.IsNull() {
		return status, nil, nil
	}
	var b []byte
	for reader := stream.Call("getReader"); ; {
		chunk, err := await(ctx, reader.Call("read"))
		if err != nil {
			return 0, nil, fmt.Errorf("%s %s: %w", method, address, err)
		}
		if chunk.Get("done").Bool() {
			return status, b, nil
		}
		value := chunk.Get("value")
		if n := value.Length(); len(b)+n > mostAnswer {
			reader.Call("cancel")
			return 0, nil, fmt.Errorf("%s %s: the answer is longer than %d bytes", method, address, mostAnswer)
		} else {
			at := len(b)
			b = append(b, make([]byte, n)...)
			js.CopyBytesToGo(b[at:], value)
		}
	}
}
