package main

import (
	"fmt"

	"stele/proofs"
)

// newFork is a registry of three publications; two with other names are the same up to the first.
func newFork(doc string) (r *registry, v1, v2, v3 *view) {
	r = newOne(newDemo())
	v1 = r.publish(start)
	r.register(education, doc)
	v2 = r.publish(start + hour)
	r.register(education, "last")
	return r, v1, v2, r.publish(start + 2*hour)
}

func views(s set) {
	_, v1, v2, v3 := newFork("left")
	_, _, w2, w3 := newFork("right")

	s.add("memory-grown", online(v3, "one").remembering(v1), proofs.Authentic, "", "The registry has grown from what was seen before.", "remember registry")
	s.add("memory-grown-by-the-list", online(v3, "one").remembering(v2), proofs.Authentic, "", "The same for the publication before.", "remember registry")
	s.add("memory-same", online(v3, "one").remembering(v3.signedAt(start+3*hour)).at(start+3*hour), proofs.Authentic, "", "The same tree as was seen before.", "remember registry")
	s.add("memory-rollback", online(v2, "one").remembering(v3), proofs.Stale, proofs.ReasonRollback, "The registry shows a smaller tree than was seen before.", "remember kept")
	s.add("memory-rollback-absent", online(v1, "left").remembering(v3), proofs.Stale, proofs.ReasonRollback, "Absence in a smaller tree.", "remember kept")
	s.add("memory-fork-of-one-size", online(v3, "one").remembering(w3), proofs.Inconsistent, proofs.ReasonFork, "Two trees of one size.", "remember kept", "conflict yes")
	s.add("memory-fork-through-the-list", online(v3, "one").remembering(w2), proofs.Inconsistent, proofs.ReasonFork,
		"The registry proves another root for the size that was seen before.", "remember kept", "conflict yes")
	s.add("memory-fork-smaller", online(v2, "one").remembering(w3), proofs.Inconsistent, proofs.ReasonFork,
		"Smaller and another: the head that was seen before proves another root for the registry's size.", "remember kept", "conflict yes")
	s.add("memory-fork-receipt", online(v3, "one").withReceipt(receiptFor(w2, "one")), proofs.Inconsistent, proofs.ReasonFork,
		"The registry proves another root for the receipt's size.", "conflict yes")
	s.add("memory-fork-receipt-offline", offline(v3, "one", receiptFor(w2, "one")).remembering(v3), proofs.Inconsistent, proofs.ReasonFork,
		"The receipt against what was seen before, without network.", "conflict yes")
	s.add("memory-fork-and-mismatch", online(v3, "one").withReceipt(receiptFor(w2, "right")), proofs.Inconsistent, proofs.ReasonFork, "A receipt for another file still is evidence.", "conflict yes")
	s.add("memory-fork-and-broken-receipt", offline(v3, "one", []byte("x\n")).remembering(w3), proofs.Malformed, proofs.ReasonReceiptMalformed, "A broken receipt, and nobody asked.")

	garbage := online(v3, "one")
	garbage.remembered = []byte("garbage\n")
	s.add("memory-garbage", garbage, proofs.Authentic, "", "What was kept cannot be read: it is forgotten.", "remember registry")
	other := newOne(newRegistry("other.example/ledger", 1, 1, "none", "none", nil)).publish(start)
	s.add("memory-other-registry", online(v3, "one").remembering(other), proofs.Authentic, "", "What was kept is of another registry: it is forgotten.", "remember registry")

	headSizes(s)
}

// headSizes: what a head names, and what its index statement commits to.
func headSizes(s set) {
	r, _, v2, v3 := newFork("left")
	_, _, _, w3 := newFork("right")
	bad := func(name, about string, v *view) {
		s.add("head-sizes-"+name, online(v, "one"), proofs.Unavailable, proofs.ReasonBadData, about, "remember kept")
		s.add("memory-head-sizes-"+name, online(v, "one").remembering(v2), proofs.Unavailable, proofs.ReasonBadData, about, "remember kept")
	}
	naming := func(sizes ...uint64) *view {
		v := *v3
		v.head.Consistency = nil
		for _, old := range sizes {
			v.head.Consistency = append(v.head.Consistency, r.oldSize(old, v3.cp.Size))
		}
		return &v
	}
	one, two := r.sizes[0], r.sizes[1]
	bad("none", "The head names none of the earlier sizes.", naming())
	bad("one-missing", "The head leaves a size out.", naming(one))
	bad("others", "Whoever serves the head names sizes of his own, and proves them.", naming(one, two-1))
	bad("one-more", "A size more than the index statement commits to.", naming(one, two-1, two))
	bad("zero", "The empty tree is nobody's publication.", naming(0, one))

	// What the quorum has signed, and cannot be.
	lying := func(sizes ...uint64) *view {
		r := newOne(newDemo())
		r.publish(start)
		r.register(education, "left")
		r.publish(start + hour)
		r.register(education, "last")
		r.lie = sizes
		return r.publish(start + 2*hour)
	}
	bad("signed-few", "The index statement commits to too few sizes.", lying(one))
	bad("signed-zero", "The index statement commits to the size 0.", lying(0, one))
	bad("signed-own", "The index statement commits to its own size.", lying(one, v3.cp.Size))
	s.add("memory-head-sizes-signed-others", online(lying(one, two-1), "one").remembering(v2), proofs.Unavailable, proofs.ReasonBadData,
		"The sizes are committed to, and the one that every later head has to name is not among them.", "remember kept")

	same := naming()
	s.add("memory-same-size-sizes-missing", online(same, "one").remembering(v3), proofs.Unavailable, proofs.ReasonBadData, "The same tree as was seen before, in a head that names no size.", "remember kept")
	wrong := *v3
	wrong.head.Consistency = []proofs.OldSize{v3.head.Consistency[0], w3.head.Consistency[1]}
	s.add("head-consistency-wrong", online(&wrong, "one"), proofs.Unavailable, proofs.ReasonBadData, "A consistency proof that does not verify accuses nobody.")
}

// precedence: the first verdict that applies.
func precedence(s set) {
	const expires = "2027-01-16"
	dead := func(events ...string) (*registry, *view) {
		r := newDemo()
		r.accredit(education, "diploma")
		st := registration(education, ref("one"))
		st.Expires = expires
		latest := r.say(st, key(education, 1))
		r.register(education, "two")
		for _, e := range events {
			switch e {
			case "withdraw":
				r.withdraw(education, 1)
			case "supersede":
				latest = r.supersede(education, "one", "two", latest)
			default:
				latest = r.do(e, education, "one", latest)
			}
		}
		return r, r.publish(start)
	}
	const late = start + 10*day // expired, and stale
	for _, c := range []struct {
		name    string
		events  []string
		verdict proofs.Verdict
		reason  proofs.Reason
		lines   []string
	}{
		{"revoked-over-unaccredited", []string{"revoke", "withdraw"}, proofs.Revoked, "", []string{"notice withdrawn-later"}},
		{"revoked-over-superseded-expired-stale", []string{"supersede", "revoke"}, proofs.Revoked, "", nil},
		{"revoked-over-suspended", []string{"suspend", "revoke"}, proofs.Revoked, "", nil},
		{"unaccredited-over-suspended", []string{"suspend", "withdraw"}, proofs.Unaccredited, proofs.ReasonWithdrawn, []string{"notice withdrawn-later"}},
		{"unaccredited-over-expired-stale", []string{"withdraw"}, proofs.Unaccredited, proofs.ReasonWithdrawn, []string{"notice withdrawn-later"}},
		{"superseded-over-suspended-expired-stale", []string{"suspend", "supersede"}, proofs.Superseded, "", nil},
		{"suspended-over-expired-stale", []string{"suspend"}, proofs.Suspended, "", nil},
		{"expired-over-stale", nil, proofs.Expired, "", nil},
	} {
		_, v := dead(c.events...)
		s.add("order-"+c.name, online(v, "one").at(late), c.verdict, c.reason, "Which verdict comes first, with old evidence.", c.lines...)
	}
	r := newDemo()
	r.accredit(education, "transcript")
	reg := r.register(education, "one")
	r.register(education, "two")
	r.supersede(education, "one", "two", reg)
	s.add("order-unaccredited-over-superseded", online(r.publish(start), "one"), proofs.Unaccredited, proofs.ReasonKind, "Not accredited for the kind, and replaced.")

	_, v := dead("revoke")
	_, _, _, v3 := newFork("left")
	_, _, _, w3 := newFork("right")
	s.add("order-mismatch-over-revoked", online(v, "one").withReceipt(receiptFor(v, "two")), proofs.Mismatch, proofs.ReasonOtherFile, "The receipt is for another file, and this one is revoked.")
	s.add("order-inconsistent-over-absent", online(v3, "none").remembering(w3), proofs.Inconsistent, proofs.ReasonFork, "A fork, and the file is unknown.", "conflict yes", "remember kept")
	s.add("order-rollback-and-revoked", rolledBack(), proofs.Revoked, "", "Bad news from a smaller tree than was seen before.", "remember kept")
	s.add("order-suspended-over-rollback", rolledBackSuspended(), proofs.Suspended, "", "The same for a suspension.", "remember kept")
}

func rolledBackBy(action string) *vector {
	r, reg := newLife()
	r.do(action, education, "one", reg)
	v1 := r.publish(start)
	r.register(education, "three")
	return online(v1, "one").remembering(r.publish(start + 1))
}

func rolledBack() *vector          { return rolledBackBy("revoke") }
func rolledBackSuspended() *vector { return rolledBackBy("suspend") }

// verdicts: one plain case for each verdict; the other groups have the rest.
func verdicts(s set) {
	v := newOne(newDemo()).publish(start)
	s.add("authentic", online(v, "one"), proofs.Authentic, "", "The plain case.", "issuer "+education, "source registry", "state active", "remember registry")
	s.add("authentic-sha3", online(v, "one").withSHA3(), proofs.Authentic, "", "The plain case, with both digests computed.")
	s.add("not-registered", online(v, "two"), proofs.NotRegistered, proofs.ReasonAbsent, "The plain case of an unknown file.", "source registry")
	nothing := offline(v, "one", nil)
	s.add("unavailable-nothing-asked", nothing, proofs.Unavailable, proofs.ReasonOutage, "Neither a receipt nor the network.")
	full := newOne(newState()).publish(start)
	s.add("authentic-state", online(full, "one"), proofs.Authentic, "", "Officers and witnesses have signed; not a demonstration.")
}

// maps_: presence and absence in the index, and indexes that lie.
func maps_(s set) {
	empty := newDemo().publish(start)
	s.add("map-empty", online(empty, "one"), proofs.NotRegistered, proofs.ReasonAbsent, "An empty registry.")
	s.add("map-empty-receipt", offline(empty, "one", receiptFor(empty, "one")), proofs.NotRegistered, proofs.ReasonAbsent, "Its receipt of absence.")

	r := newDemo()
	r.accredit(education, "diploma")
	for i := range 300 {
		r.register(education, fmt.Sprint(i))
	}
	v := r.publish(start)
	s.add("map-split", online(v, "0"), proofs.Authentic, "", "A map of 300 keys has split.")
	s.add("map-split-absent", online(v, "first"), proofs.NotRegistered, proofs.ReasonAbsent, "Absence between two neighbours of a slot.")
	s.add("map-split-receipt", offline(v, "0", receiptFor(v, "0")), proofs.Authentic, "", "A receipt with siblings.")
	for i, seen := 0, map[int]bool{}; len(seen) < 2; i++ { // one neighbour, and two
		doc := fmt.Sprintf("absent %d", i)
		c := parsed(receiptFor(v, doc))
		if n := len(c.Neighbors); !seen[n] {
			seen[n] = true
			s.add(fmt.Sprintf("map-split-receipt-absent-%d", n), offline(v, doc, c.Marshal()), proofs.NotRegistered, proofs.ReasonAbsent, fmt.Sprintf("A receipt of absence with %d neighbours.", n))
		}
	}
	absentReceipts(s, v)
	lies(s)
	outages(s)
}

// absentReceipts: neighbours that do not show absence.
func absentReceipts(s set, v *view) {
	doc := "absent 1"
	good := receiptFor(v, doc)
	if len(parsed(good).Neighbors) != 2 {
		panic("want two neighbours")
	}
	for name, f := range map[string]func(*proofs.Receipt){
		"one-neighbour":  func(c *proofs.Receipt) { c.Neighbors = c.Neighbors[:1] },
		"no-neighbour":   func(c *proofs.Receipt) { c.Neighbors = nil },
		"swapped":        func(c *proofs.Receipt) { c.Neighbors[0], c.Neighbors[1] = c.Neighbors[1], c.Neighbors[0] },
		"same-twice":     func(c *proofs.Receipt) { c.Neighbors[1] = c.Neighbors[0] },
		"count-one-less": func(c *proofs.Receipt) { c.Neighbors, c.Count = c.Neighbors[:1], c.Neighbors[1].Position },
	} {
		reason := proofs.ReasonReceiptUnverified
		if name == "count-one-less" { // the path does not fit the count
			reason = proofs.ReasonReceiptMalformed
		}
		s.add("map-absent-"+name, offline(v, doc, edit(good, f)), proofs.Malformed, reason, "Neighbours that do not show absence: "+name+".")
	}
}

// liar publishes an index of one slot with the records given, committed to but not true.
func liar(r *registry, change func(x *proofs.Index), records ...proofs.Record) *view {
	slot := &proofs.Slot{Records: records}
	check(r.store.Put(slot.Hash(), slot.Marshal()))
	tile := &proofs.MapTile{Leaves: []proofs.MapTileLeaf{{Hash: slot.Hash()}}}
	x, err := r.ledger.Prepare(start)
	check(err)
	x.Map = tile.Hash()
	if change != nil {
		change(x)
	}
	return r.publishIndex(x, tile.Marshal())
}

func (r *registry) record(key proofs.Hash, places ...uint64) proofs.Record {
	var entries []proofs.RecordEntry
	for _, p := range places {
		entries = append(entries, proofs.RecordEntry{Place: p, Published: start, Bytes: r.entries[p]})
	}
	return proofs.Record{Key: key, Body: proofs.MarshalBody(entries)}
}

func lies(s set) {
	k := ref("one").Key()
	bad := func(name, about string, v *view) {
		s.add("lie-"+name, online(v, "one"), proofs.Unavailable, proofs.ReasonBadData, "An index that the quorum has signed, and that cannot be: "+about+".")
	}
	base := func() *registry { r, _ := newLife(); return r } // places: 0 accredit, 1 one, 2 two
	r := base()
	bad("only-another-document", "the record holds another document's registration alone", liar(r, nil, r.record(k, 2)))
	r = base()
	r.do("revoke", education, "two", r.leaves[2])
	bad("event-of-another-document", "the record holds another document's revocation", liar(r, nil, r.record(k, 1, 3)))
	r = base()
	r.say(event("revoke", education, "one", r.leaves[1]), key(education, 2))
	bad("unauthorised-entry", "the record holds an entry by a key that does not stand", liar(r, nil, r.record(k, 1, 3)))
	r = base()
	bad("root-statement-in-record", "the record holds an accreditation", liar(r, nil, r.record(k, 0, 1)))
	r = base()
	later := proofs.Record{Key: k, Body: proofs.MarshalBody([]proofs.RecordEntry{{Place: 3, Published: start, Bytes: r.entries[1]}})}
	bad("place-not-covered", "an entry stands at the index statement's own place", liar(r, nil, later))
	r = base()
	later = proofs.Record{Key: k, Body: proofs.MarshalBody([]proofs.RecordEntry{{Place: 1, Published: start + 1, Bytes: r.entries[1]}})}
	bad("published-later", "an entry was published after the index statement", liar(r, nil, later))
	r = base()
	bad("covers-too-much", "the index statement covers its own place", liar(r, func(x *proofs.Index) { x.Covers++ }, r.record(k, 1)))
	r = base()
	bad("covers-too-little", "the index statement leaves out the entry before it", liar(r, func(x *proofs.Index) { x.Covers-- }, r.record(k, 1)))
	r = base()
	bad("issuer-count", "the issuer list has another number of records", liar(r, func(x *proofs.Index) { x.Issuers++ }, r.record(k, 1)))

	// A record is void of repeats; in one that is not, they still do nothing.
	r = base()
	r.do("suspend", education, "one", r.leaves[1])
	r.do("restore", education, "one", r.leaves[3])
	r.append(r.entries[1])
	s.add("lie-repeat-in-record", online(liar(r, nil, r.record(k, 1, 3, 4, 5)), "one"), proofs.Authentic, "", "A record that repeats a text: the repeat is void.")

	r = base()
	v := r.publish(start)
	other := *v.r
	other.publication = newSigner("thief", "registry.example/publication", proofs.Ed25519Key)
	other.leaves, other.entries, other.sizes = other.leaves[:3:3], other.entries[:3:3], nil
	x := *indexOf(v)
	s.add("lie-index-by-another-key", online((&other).publishIndex(&x, v.head.RootTile), "one"), proofs.Unavailable, proofs.ReasonOtherEpoch,
		"The quorum has signed an index statement by another key of the publication key's name: for all that is known, a later trust file's.")
	r = base()
	v1 := r.publish(start)
	v2 := r.publish(start + hour)
	old := *v2
	old.head.Statement, old.head.Proof.Index = v1.head.Statement, v1.head.Proof.Index
	old.head.Proof.Proof, _ = r.nodes().Inclusion(old.head.Proof.Index, v2.cp.Size)
	bad("index-not-the-last", "the index statement is an older one of the same tree", &old)
	tile := *v2
	tile.head.RootTile = (&proofs.MapTile{Leaves: []proofs.MapTileLeaf{{Hash: proofs.EmptyRoot()}}}).Marshal()
	bad("root-tile", "the root tile is not the one of the map", &tile)
	entry := *v2
	entry.head.Statement = r.entries[1]
	bad("not-an-index", "the proof is of another statement", &entry)
	last := base().endWith(registration(education, ref("last")))
	bad("last-not-an-index", "the ledger's last entry is a registration", last)
	s.add("receipt-last-not-an-index", offline(last, "one", edit(receiptFor(v1, "one"), func(c *proofs.Receipt) {
		c.Proof, c.Statement = last.head.Proof, last.head.Statement
	})), proofs.Malformed, proofs.ReasonReceiptUnverified, "A receipt whose checkpoint's tree ends with a registration.")
}

// endWith publishes and then signs a tree that ends with another statement.
func (r *registry) endWith(s *proofs.Statement) *view {
	v := *r.publish(start)
	r.say(s, key(education, 1))
	v.cp.Size = r.place()
	v.cp.Root, _ = r.nodes().Root(v.cp.Size)
	v.head.Statement = r.entries[v.cp.Size-1]
	v.head.Proof.Index = v.cp.Size - 1
	v.head.Proof.Proof, _ = r.nodes().Inclusion(v.cp.Size-1, v.cp.Size)
	return v.signedAt(start)
}

func indexOf(v *view) *proofs.Index {
	n, err := proofs.ParseNote(v.head.Statement)
	check(err)
	st, err := proofs.ParseStatement(n.Text)
	check(err)
	return st.Index
}

// slotPath and issuersPath are files that a lookup reads in a registry of one slot.
func (v *view) slotPath() string {
	t, err := proofs.ParseMapTile(v.head.RootTile)
	check(err)
	return proofs.IndexPath(t.Leaves[0].Hash)
}

func (v *view) issuersPath() string { return proofs.IndexPath(indexOf(v).IssuersRoot) }

func outages(s set) {
	v := newOne(newDemo()).publish(start)
	for name, path := range map[string]string{"head": proofs.HeadPath, "slot": v.slotPath(), "issuers": v.issuersPath()} {
		s.add("outage-"+name, online(v.with(path, nil), "one"), proofs.Unavailable, proofs.ReasonOutage, "The portal does not give the "+name+".")
	}
	s.add("outage-slot-absent", online(v.with(v.slotPath(), nil), "two"), proofs.Unavailable, proofs.ReasonOutage, "An outage does not look like absence.")
}
