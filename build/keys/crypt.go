package keys

// Encryption, all of it age's: age-encryption.org/v1.

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"

	"stele/proofs"
)

// Work is log2 of scrypt's N for a new passphrase: about a second and 256 MiB. It is age's default. Nothing sets it but
// tests of other things, which would spend most of their time on it (also cheap.go).
var Work = 18

const (
	// maxWork is what is accepted, so that the cost may rise: about 15 seconds.
	maxWork = 22
	// demoWork protects nothing and costs milliseconds.
	demoWork = 10

	maxPlain = 16 << 10 // bytes inside a file; a key has less than 2 KiB and its name
	maxFile  = 64 << 10 // bytes of a file
)

// seal encrypts to a recipient and armors.
func seal(plain []byte, to age.Recipient) ([]byte, error) {
	if len(plain) > maxPlain {
		return nil, fmt.Errorf("%d bytes, want at most %d", len(plain), maxPlain)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return enarmor(b.Bytes())
}

// open is the opposite of seal. The caller clears the result.
func open(file []byte, id age.Identity) ([]byte, error) {
	b, err := dearmor(file)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(b), id)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, maxPlain+1) // not io.ReadAll, which leaves copies behind
	for n := 0; n < len(plain); {
		m, err := r.Read(plain[n:])
		n += m
		if err == io.EOF {
			return plain[:n], nil
		} else if err != nil {
			clear(plain)
			return nil, err
		}
	}
	clear(plain)
	return nil, fmt.Errorf("more than %d bytes inside", maxPlain)
}

func enarmor(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w := armor.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// dearmor is stricter than age, which forgives white space: a file has one form.
func dearmor(file []byte) ([]byte, error) {
	b, err := io.ReadAll(armor.NewReader(bytes.NewReader(file)))
	if err != nil {
		return nil, fmt.Errorf("%w: not an armored age file", ErrDamaged)
	}
	if again, err := enarmor(b); err != nil || !bytes.Equal(again, file) {
		return nil, fmt.Errorf("%w: not as it was written", ErrDamaged)
	}
	return b, nil
}

// sealIdentity makes the text of identity.age.
func sealIdentity(id *age.HybridIdentity, demo bool, pass []byte, logN int) ([]byte, error) {
	r, err := age.NewScryptRecipient(string(pass))
	if err != nil {
		return nil, err
	}
	r.SetWorkFactor(logN)
	plain := marshalIdentity(id, demo)
	defer clear(plain)
	return seal(plain, r)
}

// openIdentity opens identity.age. A file that costs more than 2^maxLogN fails at once.
func openIdentity(file, pass []byte, maxLogN int) (*age.HybridIdentity, bool, error) {
	i, err := age.NewScryptIdentity(string(pass))
	if err != nil {
		return nil, false, err
	}
	i.SetMaxWorkFactor(maxLogN)
	plain, err := open(file, i)
	var no *age.NoIdentityMatchError
	switch {
	case errors.As(err, &no) && len(no.StanzaTypes) == 1 && no.StanzaTypes[0] == "scrypt":
		return nil, false, ErrPassphrase
	case err != nil:
		return nil, false, damaged(err)
	}
	defer clear(plain)
	return parseIdentity(plain)
}

// openKey opens a key file.
func openKey(file []byte, id age.Identity) (*proofs.MemorySigner, half, error) {
	plain, err := open(file, id)
	if err != nil {
		return nil, half{}, damaged(err)
	}
	defer clear(plain)
	s, err := parseSecret(plain)
	if err != nil {
		return nil, half{}, err
	}
	defer clear(s.seed)
	signer, err := s.signer()
	return signer, s.half, err
}

func damaged(err error) error {
	var no *age.NoIdentityMatchError
	switch {
	case errors.Is(err, ErrDamaged):
		return err
	case errors.As(err, &no):
		return fmt.Errorf("%w: it is not encrypted to this folder's identity", ErrDamaged)
	default:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
}
