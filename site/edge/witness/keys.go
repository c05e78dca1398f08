package witness

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"stele/proofs"
	"stele/proofs/signer"
)

// The private keys of a witness at an edge are a text that the edge is given as a secret, a line each:
//
//	PRIVATE+KEY+agency.example/witness+0c2f1a3b+Bktl…
//
// after the words the key's name, its ID in hexadecimal, and in base64 a byte for its type (4 or 6, as in the public key, vkey) and the seed of 32
// bytes. It is the form that golang.org/x/mod/sumdb/note gives to private keys, whose type is 1.
const secretWords = "PRIVATE+KEY+"

// KeysSecret is the environment variable, or the Worker's secret, that holds the keys.
const KeysSecret = "STELE_WITNESS_KEYS"

// NewKeys draws the keys of a witness, ML-DSA-44 and then Ed25519, and returns their text and the public halves.
func NewKeys(name string, rand io.Reader) (secret string, keys []*proofs.Key, err error) {
	for _, t := range []proofs.KeyType{proofs.MLDSA44Key, proofs.CosignatureKey} {
		seed := make([]byte, signer.SeedSize)
		if _, err := io.ReadFull(rand, seed); err != nil {
			return "", nil, fmt.Errorf("read randomness: %w", err)
		}
		s, err := signer.New(name, t, seed)
		if err != nil {
			return "", nil, err
		}
		secret += secretLine(s.Key(), seed) + "\n"
		keys = append(keys, s.Key())
	}
	return secret, keys, nil
}

func secretLine(k *proofs.Key, seed []byte) string {
	return fmt.Sprintf("%s%s+%08x+%s", secretWords, k.Name, k.ID(), base64.StdEncoding.EncodeToString(append([]byte{byte(k.Type)}, seed...)))
}

// ParseKeys parses the keys of a witness: 1 to MostSigners, all of one name, none twice. The last newline may be missing: some keepers of secrets cut it
// off. No error tells what a line holds.
func ParseKeys(text string) ([]proofs.Signer, error) {
	var signers []proofs.Signer
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		s, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("keys of the witness, line %d: %w", i+1, err)
		}
		for _, o := range signers {
			if o.Key().Name != s.Key().Name {
				return nil, fmt.Errorf("keys of the witness, line %d: a witness has one name, and these are %q and %q", i+1, o.Key().Name, s.Key().Name)
			}
			if o.Key().Equal(s.Key()) {
				return nil, fmt.Errorf("keys of the witness, line %d: a key that was there already", i+1)
			}
		}
		if signers = append(signers, s); len(signers) > MostSigners {
			return nil, fmt.Errorf("keys of the witness: over %d", MostSigners)
		}
	}
	return signers, nil
}

// parseKey parses one line, and refuses what does not format back to it: the ID is that of the seed's public key.
func parseKey(line string) (proofs.Signer, error) {
	const want = "want " + secretWords + "NAME+ID+KEY, as stele witness --init --for-edge has written it"
	rest, ok := strings.CutPrefix(line, secretWords)
	parts := strings.Split(rest, "+")
	if !ok || len(parts) < 3 {
		return nil, fmt.Errorf("%s", want)
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(parts[2:], "+")) // which may hold a plus
	if err != nil || len(b) != 1+signer.SeedSize {
		return nil, fmt.Errorf("%s", want)
	}
	t := proofs.KeyType(b[0])
	if t != proofs.CosignatureKey && t != proofs.MLDSA44Key {
		return nil, fmt.Errorf("a key of type %d, want %d or %d: what a witness signs with", t, proofs.CosignatureKey, proofs.MLDSA44Key)
	}
	s, err := signer.New(parts[0], t, b[1:])
	if err != nil || secretLine(s.Key(), b[1:]) != line {
		return nil, fmt.Errorf("name, ID and key do not belong together; %s", want)
	}
	return s, nil
}
