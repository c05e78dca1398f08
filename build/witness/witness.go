// Package witness asks witnesses for their cosignatures: c2sp.org/tlog-witness, the log's side. What a witness of our own
// answers is in the package of that name in site/edge, since an edge has one too; package server is one that is a process of its own.
//
// A witness vouches that it has seen a ledger only grow. It is sent the new checkpoint with a proof that the one which it
// cosigned last is a prefix of it:
//
//	old 20852014                                     the size that the witness has cosigned last
//	PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=     the consistency proof from there, RFC 6962
//	…
//
//	registry.gov.example/ledger                      the checkpoint, with the log's signatures
//	20852163
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
//	— registry.gov.example/ledger Az3grlgtzPICa5OS8npVmf1Myq/5IZni…
//
// and answers with signature lines. Where the size is another, it says which, and is asked once more from there.
//
// [Client.Collect] asks many at once and goes on without those that do not answer, where the policy is met without them. Why
// each did not is a [Fault]: an outage is told apart from a witness that has seen another ledger.
package witness

import (
	"fmt"
	"slices"
	"strings"

	"stele/proofs"
)

// A Peer is a witness, as it is reached: one address, and the keys whose lines count that come from there.
type Peer struct {
	Name string // the first key's
	URL  string // the submission prefix, without a slash at its end
	Keys []*proofs.Key
}

// Peers lists the witnesses below a name of a policy (a witness, a group, or none) that have an address. Keys with one
// address are one peer: an Ed25519 and an ML-DSA-44 key of one witness are asked for in one request.
func Peers(p *proofs.Policy, name string) []Peer {
	var peers []Peer
	for _, i := range p.Leaves(name) {
		w := p.Witnesses[i]
		url := strings.TrimRight(w.URL, "/")
		if url == "" {
			continue
		}
		if at := slices.IndexFunc(peers, func(o Peer) bool { return o.URL == url }); at >= 0 {
			peers[at].Keys = append(peers[at].Keys, w.Key)
			continue
		}
		peers = append(peers, Peer{w.Key.Name, url, []*proofs.Key{w.Key}})
	}
	return peers
}

// A Kind is what is the matter with a witness.
type Kind string

const (
	// Outage: it did not answer, or said that it cannot now. It was tried again until the patience was at its end.
	Outage Kind = "outage"
	// Refusal: it answers, and does not cosign for this log: it has not been told of it, or of its keys.
	Refusal Kind = "refusal"
	// Broken: what it answers breaks the protocol.
	Broken Kind = "broken"
	// Contradiction: it says that it has cosigned a ledger which ours does not continue. One of the two lies or has been
	// rolled back.
	Contradiction Kind = "contradiction"
	// Own: the proof that it was to be sent could not be made here.
	Own Kind = "own"
)

// A Fault is why there is no cosignature of a witness.
type Fault struct {
	Peer Peer
	Kind Kind
	Err  error
	Hint string // what to do; may be empty
	Size uint64 // of a contradiction: what the witness says that it has cosigned, if it says so

	again int // seconds after which the witness wants to be asked again, 0 if it does not say
}

func (f Fault) Error() string { return fmt.Sprintf("witness %s: %v", f.Peer.Name, f.Err) }
func (f Fault) Unwrap() error { return f.Err }

func fault(k Kind, hint, format string, args ...any) *Fault {
	return &Fault{Kind: k, Err: fmt.Errorf(format, args...), Hint: hint}
}
