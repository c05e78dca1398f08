package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"stele/build/issuer"
	"stele/build/portal"
	"stele/build/registry"
	"stele/proofs"
)

// document finds out which document is meant by a file, a receipt or a digest.
func (c *cli) document(at *counter, arg string) (issuer.Document, error) {
	if d, ok, err := digestOf(arg); ok || err != nil {
		return d, err
	}
	if err := notAFile(arg); err != nil {
		if errors.Is(err, os.ErrNotExist) && isHex(arg) && len(arg) > 16 {
			return issuer.Document{}, fmt.Errorf("no such file, and no digest: it has %d hex digits, a SHA-256 has 64", len(arg))
		}
		return issuer.Document{}, err
	}
	if registry.IsReceipt(arg) {
		return c.receiptDocument(at, arg)
	}
	d, err := c.hash(arg)
	return issuer.DocumentOf(proofs.Ref{Digests: d}), err
}

// other is document for the second one that a command names: an error says which it is about.
func (c *cli) other(at *counter, arg string) (issuer.Document, error) {
	d, err := c.document(at, arg)
	if err != nil {
		err = fmt.Errorf("%s: %s", shown(arg), about(arg, err))
	}
	return d, err
}

// digestOf reads a digest; of bare digits, only where no file has that name.
func digestOf(arg string) (d issuer.Document, ok bool, err error) {
	algorithm, hex, named := strings.Cut(strings.ToLower(arg), ":")
	switch {
	case !named && (len(arg) != 64 || !isHex(arg) || exists(arg)):
		return d, false, nil
	case !named:
		hex = strings.ToLower(arg)
	case algorithm == "sha3-512" || algorithm == "sha512" || algorithm == "sha3-256" || algorithm == "sha1" || algorithm == "md5":
		return d, false, fmt.Errorf("a document is found by its SHA-256, not by its %s: write sha256: and 64 hex digits", strings.ToUpper(algorithm))
	case algorithm != "sha256":
		return d, false, nil
	case len(hex) != 64 || !isHex(hex):
		return d, false, fmt.Errorf("not a digest: got %d characters after sha256:, want 64 hex digits", len(hex))
	}
	return issuer.Document{Selector: "sha256:" + hex}, true, nil
}

func isHex(s string) bool { return s != "" && strings.Trim(s, "0123456789abcdefABCDEF") == "" }

// receiptDocument is the document that a receipt is for, once the receipt is believed.
func (c *cli) receiptDocument(at *counter, path string) (issuer.Document, error) {
	b, _, err := readUpTo(path, maxReceipt)
	if err != nil {
		return issuer.Document{}, err
	}
	receipt, err := proofs.ParseReceipt(b)
	if err == nil {
		_, err = receipt.Verify(at.desk.Trust(), proofs.AnyTime)
	}
	if err != nil && receipt != nil && at.desk.Trust().Epoch > 1 { // it may be older than the last change of keys
		earlier, _ := portal.Earlier(c.ctx, at.portal, at.desk.Trust())
		_, err = receipt.VerifyPast(at.desk.Trust(), earlier, proofs.AnyTime)
	}
	if err != nil {
		return issuer.Document{}, fmt.Errorf("not a receipt of this registry that can be believed: %w", err)
	}
	if receipt.Present == nil {
		return issuer.Document{}, errors.New("it is a receipt that the document was not registered")
	}
	entries, err := receipt.Present.Entries()
	if err != nil {
		return issuer.Document{}, err
	}
	for _, e := range entries {
		if _, env, err := proofs.ParseEntry(e.Bytes); err == nil && proofs.KeyOf(env.Selector) == receipt.Key {
			return issuer.Document{Selector: env.Selector}, nil
		}
	}
	return issuer.Document{}, errors.New("it is a receipt that says nothing of a document")
}
