package links

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"stele/proofs"
)

// alphabet is Douglas Crockford's: no letter that looks like a digit, and no U, without which fewer words come about by chance.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// codeLength is in characters of five bits. With 100,000 addresses given, one of 10^10 guesses finds one, and what is found was made to be given away.
const codeLength = 10

// A code is the end of a short address, as it is kept.
type code string

func (c code) object() string { return prefix + string(c) }

func newCode(random io.Reader) (code, error) {
	var b [7]byte // 56 bits, of which 50 are used
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("make a code: %w", err)
	}
	return code(base32.NewEncoding(alphabet).WithPadding(base32.NoPadding).EncodeToString(b[:])[:codeLength]), nil
}

// parseCode reads a code as people type it from paper: in small letters too, with hyphens, and with letters for the digits that look like them.
func parseCode(typed string) (code, bool) {
	if len(typed) > 2*codeLength {
		return "", false
	}
	c := strings.NewReplacer("-", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(typed))
	return code(c), len(c) == codeLength && strings.Trim(c, alphabet) == ""
}

// A link is what has a short address. Its object is
//
//	stele.link/1
//	withdraw SHA256
//
// and after an empty line the receipt's file, or, once it is withdrawn, nothing.
type link struct {
	Withdraw proofs.Hash // SHA-256 of the secret's characters
	Receipt  []byte      // nil once it is withdrawn
}

const linkHeader = "stele.link/1\nwithdraw "

func (k link) marshal() []byte {
	return append([]byte(linkHeader+k.Withdraw.String()+"\n\n"), k.Receipt...)
}

func parseLink(b []byte) (link, error) {
	rest, ok := bytes.CutPrefix(b, []byte(linkHeader))
	first, receipt, ok2 := bytes.Cut(rest, []byte("\n\n"))
	h, err := proofs.ParseHash(string(first))
	if !ok || !ok2 || err != nil {
		return link{}, fmt.Errorf("an object below %s is no link: %d bytes", prefix, len(b))
	}
	if len(receipt) == 0 {
		receipt = nil
	}
	return link{h, receipt}, nil
}

// opens tells whether a secret is the one that was given with the address.
func (k link) opens(secret string) bool {
	got := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(got[:], k.Withdraw[:]) == 1
}

// newSecret makes a secret, in hex, and its hash. It has 128 bits, so that a plain hash keeps it.
func newSecret(random io.Reader) (string, proofs.Hash, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", proofs.Hash{}, fmt.Errorf("make a secret: %w", err)
	}
	secret := hex.EncodeToString(b[:])
	return secret, sha256.Sum256([]byte(secret)), nil
}
