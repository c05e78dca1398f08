//go:build !cgo

package main

import "stele/build/pkcs11/wire"

func connect(wire.Key, []byte, bool) (token, error) {
	return nil, &wire.Error{Code: wire.NoCgo, Text: "this stele-pkcs11 was compiled without cgo and can load no PKCS#11 module"}
}
