package main

import (
	"bytes"
	"slices"

	"stele/build/index"
	"stele/proofs"
)

// sealedReceipt makes the receipt that an issuer hands out with a sealed document.
func sealedReceipt(v *view, doc string) *proofs.Receipt {
	r := v.r
	k := sealedRef(doc).Key()
	slot, err := index.FindSlot(r.store, v.head.RootTile, k)
	check(err)
	leaves := slot.Leaves()
	c := &proofs.Receipt{Proof: v.head.Proof, Statement: v.head.Statement, Salt: &salt, Count: uint32(len(leaves)), Key: k}
	for i, rec := range slot.Records {
		if rec.Key == k {
			path, err := nodesOf(leaves).Inclusion(uint64(i), uint64(len(leaves)))
			check(err)
			c.Present = &proofs.Proved{Record: rec, Position: uint32(i), Path: path}
		}
	}
	list := r.ledger.State().Issuers
	i, rec, _ := list.Find(education)
	c.Issuers = []proofs.Proved{{Record: rec, Position: uint32(i), Path: list.Path(i)}}
	return c
}

func nodesOf(leaves []proofs.Hash) proofs.Nodes {
	return (&registry{leaves: leaves}).nodes()
}

// parsed takes a receipt apart, so that a case can change it.
func parsed(b []byte) *proofs.Receipt {
	c, err := proofs.ParseReceipt(b)
	check(err)
	return c
}

func receipts(s set) {
	r := newOne(newDemo())
	v1 := r.publish(start)
	one, two := receiptFor(v1, "one"), receiptFor(v1, "two")
	r.register(education, "two")
	v2 := r.publish(start + day)
	r.do("revoke", education, "one", r.leaves[1])
	v3 := r.publish(start + day + hour)
	old := offline(v2, "one", one).now // an hour after v2, when receipts of v1 are stale

	s.add("receipt-present", offline(v1, "one", one), proofs.Authentic, "", "A receipt, no network.", "source receipt", asOf(start))
	s.add("receipt-absent", offline(v1, "two", two), proofs.NotRegistered, proofs.ReasonAbsent, "A receipt of absence.", "source receipt")
	s.add("receipt-revoked-since", offline(v3, "one", one).at(old), proofs.Recorded, "",
		"A receipt from before a revocation does not look current.", "source receipt")
	s.add("receipt-older-than-head", online(v3, "one").withReceipt(one), proofs.Revoked, "", "The registry knows of a revocation since.", "source registry")
	s.add("receipt-newer-than-head", online(v2, "one").withReceipt(receiptFor(v3, "one")), proofs.Revoked, "", "The portal is behind the receipt.", "source receipt")
	s.add("receipt-newer-than-head-absent", online(v1, "two").withReceipt(receiptFor(v2, "two")).at(start+hour+day), proofs.Authentic, "",
		"The portal is from before the registration that the receipt proves.", "source receipt")
	s.add("receipt-larger-tree-decides", online(v3.signedAt(start+day), "one").withReceipt(receiptFor(v2.signedAt(start+day+2*hour), "one")).at(start+day+2*hour), proofs.Revoked, "",
		"The receipt's checkpoint was signed later, but its tree is the smaller one: it is the older state.", "source registry")
	s.add("receipt-absent-registered-since", online(v2, "two").withReceipt(two), proofs.Authentic, "", "Absent in the receipt, registered since.", "source registry")
	s.add("receipt-stale-registry-stale", online(v1, "one").withReceipt(one).at(old), proofs.Stale, "", "Receipt and registry are equally old: the registry was asked.")

	outage := v3.with(proofs.HeadPath, nil)
	s.add("receipt-registry-outage", online(outage, "one").withReceipt(receiptFor(v2, "one")), proofs.Authentic, "", "The registry does not answer; the receipt is fresh.",
		"source receipt", "notice registry-failed")
	s.add("receipt-stale-registry-outage", online(outage, "one").withReceipt(one), proofs.Recorded, "", "The registry does not answer; the receipt is old.",
		"source receipt", "notice registry-failed")

	s.add("receipt-other-file", offline(v1, "two", one), proofs.Mismatch, proofs.ReasonOtherFile, "A receipt that is sound and for another file.")
	s.add("receipt-other-file-online", online(v2, "two").withReceipt(one), proofs.Mismatch, proofs.ReasonOtherFile, "The same, though the registry knows this file.")
	s.add("receipt-other-file-unsound", offline(v1, "two", edit(one, func(c *proofs.Receipt) { c.Issuers = nil })), proofs.Malformed, proofs.ReasonReceiptUnverified,
		"A receipt for another file that would not be believed for its own.")
	s.add("receipt-other-file-unsound-online", online(v2, "two").withReceipt(edit(one, func(c *proofs.Receipt) { c.Issuers = nil })), proofs.Authentic, "",
		"It does not hide the registry's answer.", "notice broken-receipt", "source registry")
	s.add("receipt-other-file-absent", offline(v1, "three", two), proofs.Mismatch, proofs.ReasonOtherFile, "A receipt of absence for another file.")

	brokenReceipts(s, v2, one)
	receiptIssuers(s)
	sealed(s)
	vanished(s)
}

// receiptIssuers: of all authorities that signed an entry, in the order of their first entry.
func receiptIssuers(s set) {
	r := newOne(newDemo())
	r.accredit(court, "diploma")
	r.accredit(police, "diploma")
	r.register(court, "one")
	r.register(police, "one")
	v := r.publish(start)
	good := receiptFor(v, "one")
	s.add("receipt-issuers", offline(v, "one", good), proofs.Authentic, "", "Three authorities have registered the document.", "notice other-issuers")
	for name, f := range map[string]func(*proofs.Receipt){
		"missing": func(c *proofs.Receipt) { c.Issuers = c.Issuers[:2] },
		"order":   func(c *proofs.Receipt) { c.Issuers[1], c.Issuers[2] = c.Issuers[2], c.Issuers[1] },
		"twice":   func(c *proofs.Receipt) { c.Issuers = append(c.Issuers, c.Issuers[2]) },
	} {
		s.add("receipt-issuers-"+name, offline(v, "one", edit(good, f)), proofs.Malformed, proofs.ReasonReceiptUnverified, "The issuers are not those of the entries, in order: "+name+".")
	}
	v = newOne(newDemo()).publish(start)
	more := edit(receiptFor(v, "one"), func(c *proofs.Receipt) { c.Issuers = append(c.Issuers, c.Issuers[0]) })
	s.add("receipt-issuers-more", offline(v, "one", more), proofs.Malformed, proofs.ReasonReceiptUnverified, "An issuer more than there are signers.")
}

func brokenReceipts(s set, v *view, one []byte) {
	for _, c := range []struct {
		name, about string
		receipt     []byte
		reason      proofs.Reason
	}{
		{"empty", "An empty file.", []byte{}, proofs.ReasonReceiptMalformed},
		{"text", "Some other file.", []byte("Dear Sir or Madam,\n"), proofs.ReasonReceiptMalformed},
		{"truncated", "The first half.", one[:len(one)/2], proofs.ReasonReceiptMalformed},
		{"cut-by-a-byte", "The last newline is missing.", one[:len(one)-1], proofs.ReasonReceiptMalformed},
		{"crlf", "Re-encoded with CRLF.", bytes.ReplaceAll(one, []byte("\n"), []byte("\r\n")), proofs.ReasonReceiptMalformed},
		{"index-zero", "The index with a leading zero.", bytes.Replace(one, []byte("\nindex "), []byte("\nindex 0"), 1), proofs.ReasonReceiptMalformed},
		{"index-plus", "The index with a sign.", bytes.Replace(one, []byte("\nindex "), []byte("\nindex +"), 1), proofs.ReasonReceiptMalformed},
		{"newline", "A newline more at the end.", append(bytes.Clone(one), '\n'), proofs.ReasonReceiptMalformed},
		{"signature", "A bit of the log's signature is flipped.", flipSignature(one), proofs.ReasonReceiptUnverified},
		{"index", "Another index.", edit(one, func(c *proofs.Receipt) { c.Proof.Index-- }), proofs.ReasonReceiptUnverified},
		{"statement", "Another index statement.", edit(one, func(c *proofs.Receipt) { c.Statement = c.Present.Body[18+2:] }), proofs.ReasonReceiptUnverified},
		{"body", "A byte of an entry is changed.", edit(one, func(c *proofs.Receipt) { c.Present.Body[100] ^= 1 }), proofs.ReasonReceiptUnverified},
		{"key", "The record under another key.", edit(one, func(c *proofs.Receipt) { c.Present.Key[31] ^= 1 }), proofs.ReasonReceiptUnverified},
		{"count", "Another number of records in the slot.", edit(one, func(c *proofs.Receipt) { c.Count++ }), proofs.ReasonReceiptMalformed},
		{"sibling", "A sibling more.", edit(one, func(c *proofs.Receipt) { c.Siblings = append(c.Siblings, c.Key) }), proofs.ReasonReceiptUnverified},
		{"no-issuer", "Without the issuer's record.", edit(one, func(c *proofs.Receipt) { c.Issuers = nil }), proofs.ReasonReceiptUnverified},
		{"issuer", "The issuer's record is changed.", edit(one, func(c *proofs.Receipt) { c.Issuers[0].Body[50] ^= 1 }), proofs.ReasonReceiptUnverified},
		{"absent", "A present key made absent.", edit(one, func(c *proofs.Receipt) { c.Present, c.Issuers = nil, nil }), proofs.ReasonReceiptUnverified},
	} {
		s.add("receipt-broken-"+c.name, offline(v, "one", c.receipt), proofs.Malformed, c.reason, "No receipt: "+c.about)
	}
	bad := flipSignature(one)
	s.add("receipt-broken-online", online(v, "one").withReceipt(bad), proofs.Authentic, "", "A broken receipt does not hide the registry's answer.", "notice broken-receipt", "source registry")
	s.add("receipt-broken-online-absent", online(v, "three").withReceipt(bad), proofs.NotRegistered, proofs.ReasonAbsent, "The same for an unknown file.", "notice broken-receipt")
	s.add("receipt-broken-outage", online(v.with(proofs.HeadPath, nil), "one").withReceipt(bad), proofs.Malformed, proofs.ReasonReceiptUnverified, "A broken receipt, and the registry does not answer.")

	// A proof that the registration is in the ledger, which anyone could make for a revoked document.
	var inclusion proofs.TLogProof
	inclusion.Index, inclusion.Checkpoint = 1, v.head.Proof.Checkpoint
	inclusion.Proof, _ = v.r.nodes().Inclusion(1, v.cp.Size)
	inclusion.Extra = v.r.entries[1]
	s.add("receipt-of-inclusion-only", offline(v, "one", inclusion.Marshal()), proofs.Malformed, proofs.ReasonReceiptMalformed, "A tlog-proof of the registration proves no status.")

	other := newOne(newRegistry("other.example/ledger", 1, 1, "none", "none", nil)).publish(start)
	s.add("receipt-other-registry", offline(v, "one", receiptFor(other, "one")), proofs.Unavailable, proofs.ReasonOtherRegistry, "A receipt of another registry.")
	s.add("receipt-other-registry-online", online(v, "one").withReceipt(receiptFor(other, "one")), proofs.Authentic, "", "The same, and the registry answers.", "notice broken-receipt")

	full := newOne(newState()).publish(start)
	few := full.signed(map[string]int64{"own": start, "officer-1": start, "witness-1": start, "witness-2": start})
	c := parsed(receiptFor(full, "one"))
	c.Proof.Checkpoint = few.head.Proof.Checkpoint
	s.add("receipt-quorum", offline(full, "one", c.Marshal()), proofs.Unavailable, proofs.ReasonQuorum, "A receipt with one officer of the two needed: not an accusation.")
	s.add("receipt-full-quorum", offline(full, "one", receiptFor(full, "one")), proofs.Authentic, "", "A receipt with officers and witnesses.", "source receipt")
}

func edit(receipt []byte, f func(*proofs.Receipt)) []byte {
	c := parsed(receipt)
	f(c)
	return c.Marshal()
}

// flipSignature flips a bit of the first signature of a receipt's or head's checkpoint.
func flipSignature(b []byte) []byte {
	p, err := proofs.ParseTLogProof(b)
	check(err)
	n, err := proofs.ParseNote(p.Checkpoint)
	check(err)
	n.Signatures[0].Bytes[9] ^= 1
	p.Checkpoint = n.Marshal()
	return p.Marshal()
}

func sealed(s set) {
	r := newDemo()
	r.accredit(education, "*")
	st := registration(education, sealedRef("one"))
	st.Kind = "passport"
	reg := r.say(st, key(education, 1))
	v := r.publish(start)
	receipt := sealedReceipt(v, "one")
	s.add("sealed-receipt", offline(v, "one", receipt.Marshal()).withSHA3(), proofs.Authentic, "", "A sealed document with the receipt that holds its salt.", "notice sealed", "source receipt")
	s.add("sealed-receipt-online", online(v, "one").withReceipt(receipt.Marshal()).withSHA3(), proofs.Authentic, "", "The same, and the registry is asked about the commitment.", "notice sealed", "source registry")
	s.add("sealed-without-receipt", online(v, "one"), proofs.NotRegistered, proofs.ReasonAbsent, "Sealed documents are found with their receipt only.")
	s.add("sealed-other-file", offline(v, "two", receipt.Marshal()).withSHA3(), proofs.Mismatch, proofs.ReasonOtherFile, "The salt opens another document's commitment.")
	wrong := *receipt
	wrong.Salt = &proofs.Salt{9}
	s.add("sealed-other-salt", offline(v, "one", wrong.Marshal()).withSHA3(), proofs.Mismatch, proofs.ReasonOtherFile, "Another salt.")
	wrong.Salt = nil
	s.add("sealed-no-salt", offline(v, "one", wrong.Marshal()).withSHA3(), proofs.Mismatch, proofs.ReasonOtherFile, "The salt is gone: the receipt opens nothing.")
	e := event("revoke", education, "one", reg)
	e.Document = sealedRef("one")
	r.say(e, key(education, 1))
	v2 := r.publish(start + hour)
	s.add("sealed-revoked", online(v2, "one").withReceipt(receipt.Marshal()).withSHA3(), proofs.Revoked, "", "Revoked since.", "notice sealed")

	sealedAbsence(s)

	r = newDemo()
	r.accredit(education, "*")
	st = registration(education, sealedRef("one"))
	st.Document.Digests.SHA3512[0] ^= 1
	r.say(st, key(education, 1))
	v = r.publish(start)
	s.add("sealed-other-sha3-512", offline(v, "one", sealedReceipt(v, "one").Marshal()).withSHA3(), proofs.NotRegistered, proofs.ReasonAbsent,
		"The SHA3-512 commitment is not this document's.", "notice sealed")
}

// sealedAbsence: whoever may choose the salt finds one whose key is absent.
func sealedAbsence(s set) {
	r, reg := newLife()
	r.do("revoke", education, "one", reg)
	v := r.publish(start)
	absent := parsed(receiptFor(v, "three"))
	key := absent.Key
	for n := byte(0); ; n++ { // until the key lies where the neighbours show absence
		salt := proofs.Salt{n}
		sealed := proofs.Seal(origin, salt, digests("one"))
		absent.Salt, absent.Key = &salt, sealed.Key()
		if !slices.ContainsFunc(absent.Neighbors, func(n proofs.Neighbor) bool {
			return bytes.Compare(n.Key[:], key[:]) != bytes.Compare(n.Key[:], absent.Key[:])
		}) {
			break
		}
	}
	forged := absent.Marshal()
	s.add("sealed-absence", offline(v, "one", forged).withSHA3(), proofs.Malformed, proofs.ReasonReceiptUnverified,
		"A receipt of absence for a salt of one's own choosing, which could be made for every document.")
	s.add("sealed-absence-online", online(v, "one").withReceipt(forged).withSHA3(), proofs.Revoked, "",
		"The document is looked up under its own key.", "notice broken-receipt", "source registry")
	plain := *absent
	plain.Salt = nil
	s.add("sealed-absence-no-salt", online(v, "one").withReceipt(plain.Marshal()).withSHA3(), proofs.Mismatch, proofs.ReasonOtherFile, "The same without its salt is for another file.")
}

// vanished: records do not go away.
func vanished(s set) {
	build := func() *registry {
		r := newOne(newDemo())
		r.publish(start)
		r.register(education, "three")
		r.publish(start + hour)
		return r
	}
	r := build()
	receipt := receiptFor(r.views[0], "one")
	// The later index leaves the document out.
	slot := &proofs.Slot{}
	check(r.store.Put(slot.Hash(), slot.Marshal()))
	tile := &proofs.MapTile{Leaves: []proofs.MapTileLeaf{{Hash: slot.Hash()}}}
	x := r.ledger.Index()
	x.Publication, x.Time, x.Map = 3, start+2*hour, tile.Hash()
	v := r.publishIndex(x, tile.Marshal())
	s.add("receipt-document-vanished", online(v, "one").withReceipt(receipt), proofs.Unavailable, proofs.ReasonBadData,
		"The receipt proves the document registered, a later index proves it absent: the index is wrong.")
	s.add("receipt-absence-contradicted", online(build().views[1], "three").withReceipt(receiptFor(v, "three")), proofs.Unavailable, proofs.ReasonBadData,
		"The other way round: a later receipt of absence, an earlier index in which it is present.")
}
