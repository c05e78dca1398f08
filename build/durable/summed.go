package durable

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
)

// MarshalSummed formats a state that is to be kept as JSON with a sum of its own: against damage, not against forgery. sum is the field of v that
// takes the SHA-256 of the rest, in hex.
func MarshalSummed(v any, sum *string) ([]byte, error) {
	*sum = ""
	b, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return nil, err
	}
	h := sha256.Sum256(b)
	*sum = hex.EncodeToString(h[:])
	b, err = json.MarshalIndent(v, "", "\t")
	return append(b, '\n'), err
}

// UnmarshalSummed parses into v what MarshalSummed formats, and refuses whatever else.
func UnmarshalSummed(b []byte, v any, sum *string) error {
	if err := json.Unmarshal(b, v); err != nil {
		return err
	}
	if again, err := MarshalSummed(v, sum); err != nil || !bytes.Equal(again, b) {
		return errors.New("its sum is wrong")
	}
	return nil
}
