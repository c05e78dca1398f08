//go:build js && wasm

package main

import (
	"syscall/js"

	"stele/proofs"
	"stele/wasm/bridge"
)

// evidence says what a file proves that is meant as evidence. It never throws.
//
// A request has: trust (Uint8Array), evidence (Uint8Array), now (seconds), files and errors as for check. A result has need (an array of
// paths: earlier trust files, which are believed because later ones name their hashes), or registry (whom it would be
// against) with found (JSON text of proofs.EvidenceReport; null where nothing is proved), detail (why nothing is) and checkpoints
// (both signed checkpoints, as Uint8Arrays).
func evidence(request js.Value) any {
	trust, err := proofs.ParseTrust(bridge.ToBytes(request.Get("trust")))
	if err != nil {
		return provesNothing("", err)
	}
	files, _ := bridge.Files(request)
	earlier, need := earlierTrust(trust, files)
	now := int64(request.Get("now").Float())
	r, err := trust.CheckEvidence(bridge.ToBytes(request.Get("evidence")), earlier, now)
	switch {
	case err != nil && need != "": // it may be older
		return bridge.Need([]string{need})
	case err != nil:
		return provesNothing(trust.Origin, err)
	}
	return map[string]any{"registry": r.Registry, "found": string(r.AppendJSON(nil)), "detail": "",
		"checkpoints": []any{bridge.FromBytes(r.One.Note), bridge.FromBytes(r.Other.Note)}}
}

func provesNothing(registry string, err error) any {
	return map[string]any{"registry": registry, "found": nil, "detail": err.Error(), "checkpoints": []any{}}
}

// earlierTrust goes back through the trust files that were read, and names the one to read next, if there is one.
func earlierTrust(t *proofs.Trust, files map[string][]byte) (earlier []*proofs.Trust, need string) {
	for t.Epoch > 1 {
		path := proofs.TrustPath(t.Epoch - 1)
		b, read := files[path]
		if !read {
			return earlier, path
		}
		before, err := proofs.ParseTrust(b)
		if err != nil || before.Precedes(t) != nil {
			break
		}
		earlier, t = append(earlier, before), before
	}
	return earlier, ""
}
