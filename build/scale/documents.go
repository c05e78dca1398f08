package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"stele/build/registry"
	"stele/proofs"
)

// seed makes every run's documents the same.
const seed = "stele scale 1"

var (
	issuers = []string{"education.scale.example", "land.scale.example", "courts.scale.example", "health.scale.example", "trade.scale.example"}
	kinds   = []string{"certificate", "deed", "diploma", "extract", "judgment", "licence", "permit", "transcript"}
)

// A generator signs statements about imaginary documents, numbered from 0.
type generator struct {
	origin  string
	signers map[string]proofs.Signer
}

func newGenerator(r *registry.Registry) (*generator, error) {
	g := &generator{r.Trust.Origin, map[string]proofs.Signer{}}
	for _, name := range issuers {
		s, err := r.Keys.Signer(registry.IssuerKeyFile(name))
		if err != nil {
			return nil, err
		}
		g.signers[name] = s
	}
	return g, nil
}

// digestsOf are a document's digests; there is no document, so that the second is made of the first.
func digestsOf(i int) proofs.Digests {
	d := proofs.Digests{SHA256: sha256.Sum256(fmt.Appendf(nil, "%s document %d", seed, i))}
	other := sha256.Sum256(d.SHA256[:])
	copy(d.SHA3512[:], d.SHA256[:])
	copy(d.SHA3512[32:], other[:])
	return d
}

// chance is a number below n that belongs to a document.
func chance(what string, i, n int) int {
	h := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", seed, what, i))
	return int(binary.BigEndian.Uint32(h[:]) % uint32(n))
}

// issuerOf gives ten neighbouring documents one issuer, which replaces some of them with others; the first issue most.
func issuerOf(i int) string {
	return issuers[min(chance("issuer", i/10, 5), chance("issuer again", i/10, 5))]
}

func register(i int) *proofs.Statement {
	s := &proofs.Statement{Action: proofs.ActionRegister, Document: &proofs.Ref{Digests: digestsOf(i)},
		Kind: kinds[chance("kind", i, len(kinds))], Issued: fmt.Sprintf("2026-%02d-%02d", 1+chance("month", i, 12), 1+chance("day", i, 28))}
	if chance("expires", i, 4) == 0 {
		s.Expires = "2036" + s.Issued[4:]
	}
	return s
}

// sign signs what a document's issuer says.
func (g *generator) sign(i int, s *proofs.Statement) ([]byte, error) {
	s.Registry, s.Issuer = g.origin, issuerOf(i)
	note, err := proofs.SignNote(s.Text(), g.signers[s.Issuer])
	if err != nil {
		return nil, err
	}
	return note.Marshal(), nil
}

// statements are what is said when document i is registered: that, and what becomes of the document of half its number. Of
// the first half of the documents 2% are revoked, 1% suspended and restored, 1% replaced by their neighbours: half as many of all.
func (g *generator) statements(i int) ([][]byte, error) {
	entry, err := g.sign(i, register(i))
	if err != nil || i%2 != 0 {
		return [][]byte{entry}, err
	}
	more, err := g.later(i / 2)
	return append([][]byte{entry}, more...), err
}

func (g *generator) later(i int) ([][]byte, error) {
	var said []*proofs.Statement
	switch i % 100 {
	case 7, 57:
		said = []*proofs.Statement{{Action: proofs.ActionRevoke, Reason: "issued in error"}}
	case 31:
		said = []*proofs.Statement{{Action: proofs.ActionSuspend, Reason: "under review"}, {Action: proofs.ActionRestore}}
	case 63:
		said = []*proofs.Statement{{Action: proofs.ActionSupersede, Successor: &proofs.Ref{Digests: digestsOf(i + 1)}}}
	default:
		return nil, nil
	}
	last, err := g.sign(i, register(i))
	var out [][]byte
	for _, s := range said {
		if err != nil {
			return nil, err
		}
		after := proofs.LeafHash(last)
		s.Document, s.After = &proofs.Ref{Digests: digestsOf(i)}, &after
		last, err = g.sign(i, s)
		out = append(out, last)
	}
	return out, err
}

// batch signs all that is said from one document up to another, on all processors.
func (g *generator) batch(from, to int) ([][]byte, error) {
	parts := make([][][]byte, to-from)
	errs := make([]error, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := from + w; i < to && errs[w] == nil; i += len(errs) {
				parts[i-from], errs[w] = g.statements(i)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(parts...), nil
}
