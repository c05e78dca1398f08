//go:build release

package verifier

import _ "embed"

// A release is made by
//
//	go run ./build release -o FILE
//
// which lays the files over this folder; they are not in the source tree.
var (
	//go:embed verifier.wasm
	wasm []byte
	//go:embed viewer.wasm
	viewer []byte
	//go:embed wasm_exec.js
	wasmExec []byte
	//go:embed edge.wasm.gz
	embeddedEdge []byte

	embedded = &Files{wasm, viewer, wasmExec}
)
