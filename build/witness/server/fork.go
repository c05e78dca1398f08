package server

import (
	"encoding/binary"

	"stele/proofs"
)

// formatFork: FORMAT.md, section 20, for two checkpoints of one size.
func formatFork(one, other []byte, root proofs.Hash) []byte {
	b := []byte("stele.fork/1\n")
	for _, note := range [][]byte{one, other} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(note)))
		b = append(b, note...)
	}
	return append(append(b, root[:]...), 0)
}
