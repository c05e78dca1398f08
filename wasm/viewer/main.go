//go:build js && wasm

// Command viewer looks into the ledger itself, for the pages that show it. It stands apart from the verifier, so that a page
// which only checks documents need not load it.
//
// Once it runs, the JavaScript global `stele` has
//
//	inspect(request)    find out, or say what is needed
//
// and `steleReady()` is called if there is such a function.
//
// A request has: trust (Uint8Array), now (seconds), remembered (Uint8Array or null), files (object: path to Uint8Array, or null
// where the file could not be read), errors (object: path to a short reason), subject (a proofs.Subject); and as that needs
// them, place and size (decimal strings, since a ledger may hold more than a double counts), count and skip (numbers), line
// (the "SIZE HEX" of a published checkpoint).
//
// A result has one of: need (array of paths to read and put into files), or view (JSON text of proofs.View) with remember,
// conflict and newTrust (Uint8Array or null; as in check), and rememberSize (number).
package main

import (
	"strconv"
	"syscall/js"

	"stele/proofs"
	"stele/wasm/bridge"
)

func main() {
	bridge.Run(map[string]func(js.Value) any{"inspect": inspect})
}

// inspect answers one request. It never throws: whatever goes wrong becomes a view.
func inspect(request js.Value) any {
	trust, err := proofs.ParseTrust(bridge.ToBytes(request.Get("trust")))
	if err != nil {
		return toView(proofs.Finding{View: &proofs.View{Reason: proofs.ReasonTrust, Detail: err.Error()}})
	}
	in := proofs.Inquiry{
		Trust:      trust,
		Now:        int64(request.Get("now").Float()),
		Remembered: bridge.ToBytes(request.Get("remembered")),
		Subject:    proofs.Subject(request.Get("subject").String()),
		Place:      decimal(request.Get("place")),
		Count:      count(request.Get("count")),
		Skip:       count(request.Get("skip")),
	}
	in.Files, in.Errors = bridge.Files(request)
	if v := request.Get("size"); v.Type() == js.TypeString {
		size := decimal(v)
		in.Size = &size
	}
	if v := request.Get("line"); v.Type() == js.TypeString {
		if lines, err := proofs.ParseHistory([]byte(v.String() + "\n")); err == nil {
			in.Line = lines[0]
		}
	}
	return toView(proofs.Inspect(in))
}

func toView(f proofs.Finding) any {
	if f.View == nil {
		return bridge.Need(f.Need)
	}
	return map[string]any{
		"view":         string(f.View.AppendJSON(nil)),
		"remember":     bridge.FromBytes(f.Remember),
		"rememberSize": float64(f.RememberSize),
		"conflict":     bridge.FromBytes(f.Conflict),
		"newTrust":     bridge.FromBytes(f.Trust),
	}
}

// decimal is 0 where there is no number: the first place.
func decimal(v js.Value) uint64 {
	if v.Type() != js.TypeString {
		return 0
	}
	n, _ := strconv.ParseUint(v.String(), 10, 63)
	return n
}

func count(v js.Value) int {
	if v.Type() != js.TypeNumber {
		return 0
	}
	return v.Int()
}
