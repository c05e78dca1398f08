package proofs

// Sealed statements (FORMAT.md, section 5).

// A Salt hides a sealed document's digests. It lives in the receipt.
type Salt [16]byte

// Seal computes the commitments by which a sealed document is registered.
func Seal(origin string, salt Salt, d Digests) Ref {
	b := []byte("stele.sealed/1\n" + origin + "\n")
	b = append(b, salt[:]...)
	b = append(b, d.SHA256[:]...)
	b = append(b, d.SHA3512[:]...)
	return Ref{Sealed: true, Digests: Digests{sum256(b), sumSHA3512(b)}}
}

// KeyOf is the key of a selector in the index (FORMAT.md, section 8.1).
func KeyOf(selector string) Hash {
	return sum256([]byte("stele.key/1\n" + selector))
}

// IssuerKey is the key of an authority in the issuer list.
func IssuerKey(name string) Hash { return KeyOf(issuerSelector + name) }

// issuerSelector begins the selectors of authorities.
const issuerSelector = "issuer:"
