//go:build js && wasm

package main

import "stele/wasm/sha3"

// These functions compute SHA3-512 for site/assets/sha3.mjs, the second digest of a sealed document
// (FORMAT.md, section 5). They share the buffer of hash.go and keep its rules.

// maxSHA3 is how many may be under way: as many as the page gives checks to one worker, and more.
const maxSHA3 = 64

var sha3s [maxSHA3]*sha3.State // by handle; nil is free

// sha3Open begins a digest. It returns a handle, or -1 if maxSHA3 are open. Who opens a handle ends it
// with sha3_sum or sha3_close.
//
//go:wasmexport sha3_open
func sha3Open() int32 {
	for handle, dg := range sha3s {
		if dg == nil {
			sha3s[handle] = sha3.New512()
			return int32(handle)
		}
	}
	return -1
}

// sha3Write adds the first n bytes of the buffer. It returns n, or -1.
//
//go:wasmexport sha3_write
func sha3Write(handle, n int32) int32 {
	dg := openSHA3(handle)
	if dg == nil || n < 0 || n > hashBufferSize {
		return -1
	}
	dg.Write(hashBuffer[:n])
	return n
}

// sha3Sum puts the digest at the start of the buffer and frees the handle. It returns the digest's
// length, 64, or -1.
//
//go:wasmexport sha3_sum
func sha3Sum(handle int32) int32 {
	dg := openSHA3(handle)
	if dg == nil {
		return -1
	}
	sha3s[handle] = nil
	return int32(copy(hashBuffer[:], dg.Sum(nil)))
}

// sha3Close frees the handle of a digest that was given up. A handle that is not open is left alone.
//
//go:wasmexport sha3_close
func sha3Close(handle int32) {
	if openSHA3(handle) != nil {
		sha3s[handle] = nil
	}
}

func openSHA3(handle int32) *sha3.State {
	if handle < 0 || handle >= maxSHA3 {
		return nil
	}
	return sha3s[handle]
}
