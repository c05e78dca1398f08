//go:build js && wasm

// Command wasm is the verifier as the page loads it: values in, verdicts out.
//
// Once it runs, the JavaScript global `stele` has
//
//	check(request)      decide, or say what is needed; see below
//	evidence(request)   what a file of evidence proves, or what is needed; see evidence.go
//
// and `steleReady()` is called if there is such a function. The hash_… exports are in hash.go, the sha3_… exports in sha3.go.
//
// A request has: trust (Uint8Array), unpinned (boolean: the trust file came from the portal itself), now (seconds),
// sha256 (Uint8Array of 32), sha3 (Uint8Array of 64 or null), named (boolean: both were told, and no file was hashed), receipt (Uint8Array or null), online (boolean), remembered (Uint8Array or null), files (object: path to
// Uint8Array, or null where the file could not be read; trust files at hand may stand there from the start), errors (object: path to a short reason).
//
// A result has one of: need (array of paths to read and put into files), needSHA3 (true), or report (JSON text of
// proofs.Report) with receipt, remember, conflict and newTrust (Uint8Array or null), and rememberSize (number). newTrust is the trust file that was
// followed to, to be kept and given in place of trust from then on.
package main

import (
	"syscall/js"

	"stele/proofs"
	"stele/wasm/bridge"
)

func main() {
	bridge.Run(map[string]func(js.Value) any{"check": check, "evidence": evidence})
}

// check answers one request. It never throws: whatever goes wrong becomes a report.
func check(request js.Value) any {
	trust, err := proofs.ParseTrust(bridge.ToBytes(request.Get("trust")))
	if err != nil {
		return toResult(proofs.Answer{Report: proofs.NoTrust(err)})
	}
	q := proofs.Question{
		Trust:      trust,
		Now:        int64(request.Get("now").Float()),
		Named:      request.Get("named").Truthy(),
		Receipt:    bridge.ToBytes(request.Get("receipt")),
		Online:     request.Get("online").Truthy(),
		Remembered: bridge.ToBytes(request.Get("remembered")),
	}
	q.Files, q.Errors = bridge.Files(request)
	copy(q.SHA256[:], bridge.ToBytes(request.Get("sha256")))
	if b := bridge.ToBytes(request.Get("sha3")); len(b) == len(proofs.Hash512{}) {
		q.SHA3512 = (*proofs.Hash512)(b)
	}
	a := proofs.Check(q)
	if a.Report != nil && request.Get("unpinned").Truthy() {
		a.Report.Notices = append(a.Report.Notices, proofs.NoticeTrustUnpinned)
	}
	return toResult(a)
}

func toResult(a proofs.Answer) any {
	switch {
	case a.NeedSHA3:
		return map[string]any{"needSHA3": true}
	case a.Report == nil:
		return bridge.Need(a.Need)
	}
	return map[string]any{
		"report":       string(a.Report.AppendJSON(nil)),
		"receipt":      bridge.FromBytes(a.Receipt),
		"remember":     bridge.FromBytes(a.Remember),
		"rememberSize": float64(a.RememberSize),
		"conflict":     bridge.FromBytes(a.Conflict),
		"newTrust":     bridge.FromBytes(a.Trust),
	}
}
