package main

import "stele/proofs"

// The authorities, each with as many keys as a case needs.
const (
	education = "education.example"
	court     = "court.example"
	police    = "police.example"
)

func key(authority string, n int) *signer {
	return newSigner(authority+string(rune('0'+n)), authority, proofs.Ed25519Key)
}

var titles = map[string]string{education: "Ministry of Education", court: "High Court", police: "Police"}

// accredit lets an authority issue kinds under its first key.
func (r *registry) accredit(name string, kinds ...string) proofs.Hash {
	return r.accreditKeys(name, kinds, key(name, 1))
}

func (r *registry) accreditKeys(name string, kinds []string, keys ...*signer) proofs.Hash {
	s := &proofs.Statement{Action: proofs.ActionAccredit, Issuer: r.root[0].Key().Name, Authority: name, Title: titles[name], Kinds: kinds}
	if latest, ok := r.accounts[name]; ok {
		s.After = &latest
	}
	for _, k := range keys {
		s.Keys = append(s.Keys, k.Key())
	}
	s.SortKeys()
	r.accounts[name] = r.say(s, r.rootSigners()...)
	return r.accounts[name]
}

// withdraw ends an authority's standing, from a place on if from is not negative.
func (r *registry) withdraw(name string, from int64) proofs.Hash {
	latest := r.accounts[name]
	s := &proofs.Statement{Action: proofs.ActionWithdraw, Issuer: r.root[0].Key().Name, Authority: name, After: &latest}
	if from >= 0 {
		f := uint64(from)
		s.From = &f
	}
	r.accounts[name] = r.say(s, r.rootSigners()...)
	return r.accounts[name]
}

// content is a document's bytes; digests are all that a vector holds of it.
func content(name string) []byte { return []byte("The document " + name + ".\n") }

func digests(name string) proofs.Digests { return proofs.DigestsOf(content(name)) }

func ref(name string) *proofs.Ref { return &proofs.Ref{Digests: digests(name)} }

var salt = proofs.Salt{0: 1, 15: 2}

func sealedRef(name string) *proofs.Ref {
	r := proofs.Seal(origin, salt, digests(name))
	return &r
}

func registration(issuer string, doc *proofs.Ref) *proofs.Statement {
	return &proofs.Statement{Action: proofs.ActionRegister, Issuer: issuer, Document: doc, Kind: "diploma", Issued: "2027-01-10"}
}

// register has an authority register a document under its first key.
func (r *registry) register(issuer, doc string) proofs.Hash {
	return r.say(registration(issuer, ref(doc)), key(issuer, 1))
}

// event says something later about a document.
func event(action, issuer, doc string, after proofs.Hash) *proofs.Statement {
	s := &proofs.Statement{Action: action, Issuer: issuer, Document: ref(doc), After: &after}
	if action == proofs.ActionLink {
		s.Relation = "amendment"
	}
	return s
}

// do says it, signed by the issuer's first key or by the root.
func (r *registry) do(action, issuer, doc string, after proofs.Hash) proofs.Hash {
	return r.say(event(action, issuer, doc, after), r.signersOf(issuer)...)
}

func (r *registry) signersOf(issuer string) []*signer {
	if issuer == r.root[0].Key().Name {
		return r.rootSigners()
	}
	return []*signer{key(issuer, 1)}
}

// supersede replaces one document by another.
func (r *registry) supersede(issuer, doc, by string, after proofs.Hash) proofs.Hash {
	s := event(proofs.ActionSupersede, issuer, doc, after)
	s.Successor = ref(by)
	return r.say(s, r.signersOf(issuer)...)
}

// rootName is the root's.
const rootName = "registry.example/root"
