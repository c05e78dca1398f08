//go:build js && wasm

package main

import "stele/wasm/sha256"

// These functions hash a file for site/assets/hash.mjs, which reads it piece by piece: JavaScript puts
// at most hashBufferSize bytes into the buffer, calls hash_write, and so on. They are exported rather
// than set on the JavaScript global because such a call costs a thousandth of one through syscall/js,
// and none of them may block.
//
// The buffer is one for all handles: a caller fills it and calls hash_write in one go, with no await
// between. A wrong handle or length is answered with -1, not with a panic, which would end the program.

const (
	// hashBufferSize is in bytes. Much smaller, and the call itself costs; much larger, and the first
	// call, which V8 runs in slow code to its end, takes long.
	hashBufferSize = 64 << 10
	// maxHashes is how many files may be under way; more than any machine has cores.
	maxHashes = 64
)

var (
	hashBuffer [hashBufferSize]byte
	hashes     [maxHashes]*sha256.Digest // by handle; nil is free
)

// hashOpen begins a hash. It returns a handle, or -1 if maxHashes are open. Who opens a handle ends it
// with hash_sum or hash_close.
//
//go:wasmexport hash_open
func hashOpen() int32 {
	for handle, dg := range hashes {
		if dg == nil {
			hashes[handle] = sha256.New()
			return int32(handle)
		}
	}
	return -1
}

// hashBufferAddress returns where the buffer lies in the exported memory. It never moves; the memory
// may grow, so that JavaScript has to make its view anew.
//
//go:wasmexport hash_buffer
func hashBufferAddress() *[hashBufferSize]byte {
	return &hashBuffer
}

// hashWrite adds the first n bytes of the buffer to the hash. It returns n, or -1.
//
//go:wasmexport hash_write
func hashWrite(handle, n int32) int32 {
	dg := openHash(handle)
	if dg == nil || n < 0 || n > hashBufferSize {
		return -1
	}
	dg.Write(hashBuffer[:n])
	return n
}

// hashSum puts the digest at the start of the buffer and frees the handle. It returns the digest's
// length, 32, or -1.
//
//go:wasmexport hash_sum
func hashSum(handle int32) int32 {
	dg := openHash(handle)
	if dg == nil {
		return -1
	}
	hashes[handle] = nil
	sum := dg.Sum()
	return int32(copy(hashBuffer[:], sum[:]))
}

// hashClose frees the handle of a hash that was given up. A handle that is not open is left alone.
//
//go:wasmexport hash_close
func hashClose(handle int32) {
	if openHash(handle) != nil {
		hashes[handle] = nil
	}
}

func openHash(handle int32) *sha256.Digest {
	if handle < 0 || handle >= maxHashes {
		return nil
	}
	return hashes[handle]
}
