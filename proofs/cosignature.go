package proofs

// Cosignatures: c2sp.org/tlog-cosignature.

import (
	"encoding/binary"
)

// cosignedMessage is what a cosignature of the key's type signs.
func cosignedMessage(k *Key, c Checkpoint, time uint64) []byte {
	if k.Type == CosignatureKey {
		// "two newline terminated lines (one header line and one timestamp line)
		// followed by the whole note body of the cosigned checkpoint"
		return []byte("cosignature/v1\ntime " + utoa(time) + "\n" + c.Text())
	}
	// struct { label[12]; cosigner_name<1..255>; timestamp; log_origin<1..255>; start; end; hash }
	b := []byte("subtree/v1\n\x00")
	b = append(append(b, byte(len(k.Name))), k.Name...)
	b = appendU64(b, time)
	b = append(append(b, byte(len(c.Origin))), c.Origin...)
	b = appendU64(b, 0)
	b = appendU64(b, c.Size)
	return append(b, c.Root[:]...)
}

// Cosign signs a checkpoint with a key of type 0x04 or 0x06 at a time (seconds).
func Cosign(s Signer, c Checkpoint, time int64) (Signature, error) {
	k := s.Key()
	if k.Type != CosignatureKey && k.Type != MLDSA44Key {
		return Signature{}, malformed("cosigner key", k.Name, ": ", k.Type.String(), " of type ", itoa(int(k.Type)))
	}
	if time <= 0 || len(k.Name) > 255 || len(c.Origin) > 255 {
		return Signature{}, malformed("cosignature", "time ", i64toa(time), " or a name over 255 bytes")
	}
	sig, err := s.Sign(cosignedMessage(k, c, uint64(time)))
	if err != nil {
		return Signature{}, err
	}
	stamp := binary.BigEndian.AppendUint64(nil, uint64(time))
	return Signature{k.Name, k.ID(), append(stamp, sig...)}, nil
}

// SignCheckpoint signs a checkpoint's text with a log key of type 0x01.
func SignCheckpoint(s Signer, c Checkpoint) (Signature, error) {
	sig, err := s.Sign([]byte(c.Text()))
	k := s.Key()
	return Signature{k.Name, k.ID(), sig}, err
}

// verifyCheckpoint checks one line over a checkpoint with the key it names and
// returns its time, 0 for type 0x01, which carries none.
func (s *Signature) verifyCheckpoint(k *Key, c Checkpoint) (int64, error) {
	if k.Type == Ed25519Key {
		if !s.verifyText(k, c.Text()) {
			return 0, unverified("checkpoint", "signature of ", quote(k.Name), " (Ed25519) does not verify")
		}
		return 0, nil
	}
	want := ed25519SignatureSize
	if k.Type == MLDSA44Key {
		want = mldsa44SignatureSize
	}
	if len(s.Bytes) != 8+want || len(k.Name) > 255 || len(c.Origin) > 255 {
		return 0, unverified("cosignature", "by ", quote(k.Name), ": ", itoa(len(s.Bytes)), " bytes, want ", itoa(8+want))
	}
	time := binary.BigEndian.Uint64(s.Bytes)
	// "It MUST NOT exceed 2^63 - 1"; of a whole tree here, so it is not zero either.
	if time == 0 || time > 1<<63-1 || !verifyRaw(k, cosignedMessage(k, c, time), s.Bytes[8:]) {
		return 0, unverified("cosignature", "by ", quote(k.Name), " (", k.Type.String(), ") does not verify")
	}
	return int64(time), nil
}

// CheckCheckpoint checks that a line is a key's over a checkpoint, and returns its time, 0 for type 0x01. For those who ask
// one cosigner; a policy is judged by Trust.VerifyCheckpoint.
func (s *Signature) CheckCheckpoint(k *Key, c Checkpoint) (int64, error) {
	if !s.By(k) {
		return 0, unverified("checkpoint", "a line of ", quote(s.Name), " is not of the key ", quote(k.Name))
	}
	return s.verifyCheckpoint(k, c)
}

func verifyRaw(k *Key, message, sig []byte) bool {
	if k.Type == CosignatureKey {
		return verifyEd25519(k.Public, message, sig)
	}
	return verifyMLDSA44(k.Public, message, sig)
}

// NewestTime is the latest time that a note's cosignatures claim, 0 if none does. Nothing is verified.
func (n *Note) NewestTime() int64 {
	var newest int64
	for _, s := range n.Signatures {
		if len(s.Bytes) == 8+ed25519SignatureSize || len(s.Bytes) == 8+mldsa44SignatureSize {
			if t := binary.BigEndian.Uint64(s.Bytes); t <= 1<<62 {
				newest = max(newest, int64(t))
			}
		}
	}
	return newest
}
