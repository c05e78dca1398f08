// Command stele-pkcs11 signs with a key that lies on a PKCS#11 token: a smart card, a USB token, an HSM, SoftHSM. stele runs it; package
// wire says what the two say to each other, in full. PKCS#11 modules are C libraries, so this program needs cgo, and it is the only
// one here that does: with CGO_ENABLED=0 it builds to one that says so. A module that crashes takes nothing else with it.
//
// It signs with Ed25519 (CKM_EDDSA) only. PKCS#11 3.2 defines ML-DSA, but its CKM_ML_DSA is in no module that we could try; so keys of
// that type stay in encrypted files, and stele refuses them before this program is asked.
//
//	CGO_ENABLED=1 go build -o stele-pkcs11 ./build/pkcs11
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"stele/build/pkcs11/wire"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "stele-pkcs11 takes no arguments: stele runs it, and speaks to it on stdin ("+wire.Version+")")
		os.Exit(2)
	}
	if err := serve(bufio.NewReader(os.Stdin), os.Stdout, connect); err != nil {
		fmt.Fprintln(os.Stderr, "stele-pkcs11:", err)
		os.Exit(1)
	}
}

// A token is a session with one key on a token. It is for one goroutine.
type token interface {
	public() []byte
	sign(message []byte) ([]byte, error)
	close()
}

// serve answers requests until stdin ends.
func serve(in *bufio.Reader, out io.Writer, connect func(k wire.Key, pin []byte, generate bool) (token, error)) error {
	var t token
	defer func() {
		if t != nil {
			t.close()
		}
	}()
	for {
		line, err := wire.ReadLine(in)
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		r, err := wire.ParseRequest(line)
		clear(line) // the PIN
		var result []byte
		if err == nil {
			t, result, err = answer(t, r, connect)
		}
		if _, errOut := out.Write(wire.FormatAnswer(result, err)); errOut != nil {
			return errOut
		}
		if err != nil && t == nil {
			return nil // the answer has told it
		}
	}
}

func answer(t token, r wire.Request, connect func(k wire.Key, pin []byte, generate bool) (token, error)) (token, []byte, error) {
	defer clear(r.PIN)
	switch {
	case r.Action == wire.Sign && t != nil:
		sig, err := t.sign(r.Message)
		return t, sig, err
	case r.Action == wire.Sign:
		return t, nil, &wire.Error{Code: wire.Malformed, Text: "sign before open"}
	case t != nil:
		return t, nil, &wire.Error{Code: wire.Malformed, Text: r.Action + " after open: one key a process"}
	}
	t, err := connect(r.Key, r.PIN, r.Action == wire.Generate)
	if err != nil {
		return nil, nil, err
	}
	return t, t.public(), nil
}
