//go:build js && wasm

// Command hashbench is the standard library's crypto/sha256 under js/wasm, as a peer for
// stele/wasm/sha256, which is measured in the program that is shipped. It is called as wasm/hash.go is:
// pieces of 64 KiB through a buffer in the exported memory.
package main

import (
	"crypto/sha256"
	"hash"
)

var (
	buffer [64 << 10]byte
	state  hash.Hash
)

//go:wasmexport std_buffer
func stdBuffer() *[64 << 10]byte { return &buffer }

//go:wasmexport std_open
func stdOpen() { state = sha256.New() }

//go:wasmexport std_write
func stdWrite(n int32) { state.Write(buffer[:n]) }

// stdSum puts the digest at the start of the buffer.
//
//go:wasmexport std_sum
func stdSum() { copy(buffer[:], state.Sum(nil)) }

func main() { select {} }
