// Package proofs holds Stele's formats and its decisions: what a statement, a
// checkpoint, an index, a receipt and a trust file look like, and which verdict
// follows from them. FORMAT.md is its specification.
//
// The package is pure. It opens no file, makes no request and reads no clock:
// the command and the page give it bytes and the time, and it says what else it
// needs or what the verdict is:
//
//	q := proofs.Question{Trust: trust, SHA256: digest, Online: true, Now: now, Files: map[string][]byte{}}
//	for {
//		answer := proofs.Check(q)
//		if answer.Report != nil {
//			return answer.Report
//		}
//		if answer.NeedSHA3 {
//			q.SHA3512 = sha3(document)
//		}
//		for _, path := range answer.Need {
//			q.Files[path] = fetch(path) // nil if it cannot be read
//		}
//	}
//
// Formats come in pairs, Parse and Format (or Marshal), and a parser rejects
// whatever does not format back to the same bytes. Errors tell by type what is malformed,
// unverified, insufficient, not understood, of another registry, of another epoch or of the future.
package proofs
