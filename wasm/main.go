//go:build js && wasm

// Command wasm is the verifier as the page loads it: values in, verdicts out.
//
// Once it runs, the JavaScript global `stele` has
//
//	check(request)      decide, or say what is needed; see below
//
// and `steleReady()` is called if there is such a function. The hash_… exports are in hash.go, the sha3_… exports in sha3.go.
//
// A request has: trust (Uint8Array), unpinned (boolean: the trust file came from the portal itself), now (seconds),
// sha256 (Uint8Array of 32), sha3 (Uint8Array of 64 or null), receipt (Uint8Array or null), online (boolean), remembered (Uint8Array or null), files (object: path to
// Uint8Array, or null where the file could not be read), errors (object: path to a short reason).
//
// A result has one of: need (array of paths to read and put into files), needSHA3 (true), or report (JSON text of
// proofs.Report) with receipt, remember and conflict (Uint8Array or null), and rememberSize (number).
package main

import (
	"syscall/js"

	"stele/proofs"
)

func main() {
	js.Global().Set("stele", js.ValueOf(map[string]any{
		"check": js.FuncOf(func(_ js.Value, args []js.Value) any { return check(args[0]) }),
	}))
	if ready := js.Global().Get("steleReady"); ready.Type() == js.TypeFunction {
		ready.Invoke()
	}
	select {}
}

// check answers one request. It never throws: whatever goes wrong becomes a report.
func check(request js.Value) any {
	trust, err := proofs.ParseTrust(toBytes(request.Get("trust")))
	if err != nil {
		return toResult(proofs.Answer{Report: proofs.NoTrust(err)})
	}
	q := proofs.Question{
		Trust:      trust,
		Now:        int64(request.Get("now").Float()),
		Receipt:    toBytes(request.Get("receipt")),
		Online:     request.Get("online").Truthy(),
		Remembered: toBytes(request.Get("remembered")),
		Files:      map[string][]byte{},
		Errors:     map[string]string{},
	}
	copy(q.SHA256[:], toBytes(request.Get("sha256")))
	if b := toBytes(request.Get("sha3")); len(b) == len(proofs.Hash512{}) {
		q.SHA3512 = (*proofs.Hash512)(b)
	}
	each(request.Get("files"), func(path string, v js.Value) { q.Files[path] = toBytes(v) })
	each(request.Get("errors"), func(path string, v js.Value) { q.Errors[path] = v.String() })
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
		need := make([]any, len(a.Need))
		for i, path := range a.Need {
			need[i] = path
		}
		return map[string]any{"need": need}
	}
	return map[string]any{
		"report":       string(a.Report.AppendJSON(nil)),
		"receipt":      fromBytes(a.Receipt),
		"remember":     fromBytes(a.Remember),
		"rememberSize": float64(a.RememberSize),
		"conflict":     fromBytes(a.Conflict),
	}
}

// each calls f for every own property of an object; null and undefined have none.
func each(o js.Value, f func(name string, v js.Value)) {
	if o.Type() != js.TypeObject {
		return
	}
	keys := js.Global().Get("Object").Call("keys", o)
	for i := range keys.Length() {
		name := keys.Index(i).String()
		f(name, o.Get(name))
	}
}

// toBytes copies a Uint8Array; null and undefined are nil, an empty array is not.
func toBytes(v js.Value) []byte {
	if v.Type() != js.TypeObject {
		return nil
	}
	b := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(b, v)
	return b
}

func fromBytes(b []byte) any {
	if b == nil {
		return nil
	}
	a := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(a, b)
	return a
}
